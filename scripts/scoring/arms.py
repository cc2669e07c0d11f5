"""What each arm got wrong on a target's test set, and error rates of it with intervals."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from scoring.alignment import WordError
from scoring.bootstrap import CONFIDENCE, interval, mean_over_seeds, resampled_rates
from scoring.breakdown_file import RoughDifference
from scoring.differences import Interval
from scoring.word_errors import spelt

RESAMPLES = 1_000  # of the bootstrap: cells are many, and none of them is a headline


@dataclass(frozen=True)
class ArmErrors:
    """An arm's normalised ``hypotheses``, their word ``errors`` and the number of their
    ``character_errors``, each [n_seeds][n_utterances].
    """

    label: str
    hypotheses: list[list[str]]
    errors: list[list[list[WordError]]]
    character_errors: list[list[int]]


@dataclass(frozen=True)
class TestSet:
    """A target's test utterances, their normalised references, and the errors of the shown arms.

    ``utterances`` are rows of the manifest; ``units`` are the units of resampling, one label per
    utterance; texts are normalised as ``language`` needs it.
    """

    utterances: list[dict[str, Any]]
    references: list[str]
    units: np.ndarray
    arms: list[ArmErrors]
    language: str

    @property
    def words(self) -> np.ndarray:
        """Reference words, int [n_utterances]."""
        return np.array([len(reference.split()) for reference in self.references])

    @property
    def characters(self) -> np.ndarray:
        """Reference characters, spaces included if the language has them, int [n_utterances]."""
        return np.array([len(spelt(reference, self.language)) for reference in self.references])


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are drawn: number of test sets, seed, and how much lies in the interval."""

    resamples: int = RESAMPLES
    seed: int = 0
    confidence: float = CONFIDENCE

    def rates(self, errors: np.ndarray, words: np.ndarray, units: np.ndarray) -> "Rates":
        """Return the rates of the arms, from errors [n_arms, n] per words [n], in ``units`` [n].

        There is no interval with fewer than 2 units, or if a drawn test set has no words at all.
        """
        if not words.sum():
            return Rates([None] * len(errors), None, self.confidence)
        pooled = (errors.sum(axis=1) / words.sum()).tolist()
        drawn = None
        if len(np.unique(units)) > 1:
            with suppress(ValueError):  # too few units have any words
                drawn = resampled_rates(errors, words, units, self.resamples, self.seed)
        return Rates(pooled, drawn, self.confidence)


@dataclass(frozen=True)
class Rates:
    """Pooled rates of the arms, null without words, and resampled ones [n_arms, resamples]."""

    pooled: list[float | None]
    drawn: np.ndarray | None
    confidence: float

    def with_intervals(self) -> list[tuple[float | None, Interval | None]]:
        """Return each arm's rate and its interval."""
        return [(rate, self._interval(arm)) for arm, rate in enumerate(self.pooled)]

    def versus_first(self) -> tuple[RoughDifference | None, ...]:
        """Return each arm's paired difference to the first, which itself has none."""
        first = self.pooled[0]
        return tuple(
            RoughDifference(rate - first, self._interval(arm, minus=0))
            if arm and rate is not None and first is not None
            else None
            for arm, rate in enumerate(self.pooled)
        )

    def _interval(self, arm: int, minus: int | None = None) -> Interval | None:
        if self.drawn is None:
            return None
        values = self.drawn[arm] if minus is None else self.drawn[arm] - self.drawn[minus]
        return interval(values, self.confidence)


def per_utterance(
    arms: Sequence[ArmErrors], measure: Callable[[list[WordError]], float] = len
) -> np.ndarray:
    """Return float [n_arms, n_utterances]: a measure of an utterance's errors, mean over seeds."""
    return np.stack(
        [
            mean_over_seeds(np.array([[measure(errors) for errors in seed] for seed in arm.errors]))
            for arm in arms
        ]
    )
