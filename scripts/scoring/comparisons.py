"""Models on one test set: intervals of their error rates, and paired differences with p values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np

from arms import CONTINUED
from errors import InputError
from paths import PRETRAINED
from scoring.bootstrap import interval, resampled_rates, two_sided_p
from scoring.differences import Comparison, Interval
from scoring.paired import SystemComparison
from scoring.pooling import PooledRow, check_same_references
from scoring.score_file import drawn_with
from scoring.significance import holm, mapsswe
from scoring.summary import SummarySettings

COMPARISONS = ("versus_pretrained", "versus_baseline", "versus_without_vector")
FEWEST_SPEAKERS = 10  # an interval from fewer says little of other speakers


@dataclass(frozen=True)
class Measurement:
    """What resampling tells of a row: its intervals, and what it differs from (``COMPARISONS``)."""

    wer_interval: Interval
    cer_interval: Interval
    versus_pretrained: Comparison | None
    versus_baseline: Comparison | None
    versus_without_vector: Comparison | None


Tested = TypeVar("Tested", Comparison, SystemComparison)


class Size(NamedTuple):
    """The numbers of utterances, reference words, and units that are drawn."""

    utterances: int
    words: int
    units: int


class ResampledRows:
    """Rows that are scored on the same utterances, and their rates on the same drawn test sets."""

    def __init__(self, rows: Sequence[PooledRow], settings: SummarySettings):
        self.rows, self.first = rows, rows[0]
        self.confidence = settings.confidence
        for row in rows:
            utterances, first = row.utterances, self.first.utterances
            check_same_references(first, utterances, row.scores[0], self.first.scores[0])
        self.units = drawn_units(self.first, settings.resampled_by)
        self._settings = settings
        self.rates = self._rates([row.errors for row in rows], self.first.reference_words)

    def _rates(self, errors: list[np.ndarray], whole: np.ndarray) -> np.ndarray:
        resamples, seed = self._settings.resamples, self._settings.seed
        try:
            return resampled_rates(np.stack(errors), whole, self.units, resamples, seed)
        except ValueError as error:
            score = self.first.scores[0]
            raise InputError(f"{score}: {error}; test on more utterances with words") from None

    def wer_interval(self, index: int) -> Interval:
        """Return the interval of a row's WER."""
        return interval(self.rates[index], self.confidence)

    def measured(self) -> Iterator[Measurement]:
        """Yield for each row its intervals, and its differences from the arms it is compared to."""
        errors = [row.character_errors for row in self.rows]
        characters = self._rates(errors, self.first.reference_characters)
        for index, row in enumerate(self.rows):
            versus = [self.compare(index, self.index_of(row, arm)) for arm in compared_to(row)]
            of_cer = interval(characters[index], self.confidence)
            yield Measurement(self.wer_interval(index), of_cer, *versus)

    def compare(self, index: int, other: int | None) -> Comparison | None:
        """Return a row's paired difference from another; None if there is none but itself."""
        if other is None or other == index:
            return None
        differences = self.rates[index] - self.rates[other]
        row, reference = self.rows[index], self.rows[other]
        return Comparison(
            difference=row.wer - reference.wer,
            interval=interval(differences, self.confidence),
            p=two_sided_p(differences),
            p_adjusted=None,
            significant=False,
            mapsswe_p=mapsswe(row.errors, reference.errors, self.units),
        )

    def index_of(self, row: PooledRow, arm: str | None) -> int | None:
        """Return the place of the row of ``arm`` that ``row`` is compared to: of its TTS."""
        tts = row.evaluation.tts
        tts_of = {i: r.evaluation.tts for i, r in enumerate(self.rows) if r.evaluation.arm == arm}
        of_tts = [index for index, other in tts_of.items() if other in (tts, None)]
        if not of_tts and tts is None and len(tts_of) == 1:
            of_tts = list(tts_of)
        return of_tts[0] if of_tts else None

    @property
    def size(self) -> Size:
        """The size of the test set."""
        utterances = len(self.first.utterances)
        units = utterances if self.units is None else len(set(self.units))
        return Size(utterances, int(self.first.reference_words.sum()), units)


def compared_to(row: PooledRow) -> tuple[str, str, str | None]:
    """Return the arms of ``COMPARISONS``: pretrained, the paper's baseline, its own without vector.

    The last is null where there is no vector, or where it is one of the others.
    """
    own = row.evaluation.vector_on
    return PRETRAINED, CONTINUED, None if own in (PRETRAINED, CONTINUED) else own


def drawn_units(row: PooledRow, by: str) -> list[str] | None:
    """Return the unit of each utterance that is drawn with it, or None if each is one."""
    units = drawn_with(row.utterances, by, row.scores[0])
    if units is not None and by == "speaker" and len(set(units)) < FEWEST_SPEAKERS:
        raise InputError(
            f"{row.scores[0]}: {len(set(units))} speakers are too few to be drawn from"
            f" ({FEWEST_SPEAKERS} at least); set resampled_by: sentence"
        )
    return units


def adjusted(comparisons: Sequence[Tested], confidence: float) -> list[Tested]:
    """Return comparisons that are reported together, their p corrected by Holm's method.

    A difference is significant if its corrected p is below 1 - ``confidence``.
    """
    corrected = holm([each.p for each in comparisons])
    return [
        replace(each, p_adjusted=p, significant=p < 1 - confidence)
        for each, p in zip(comparisons, corrected, strict=True)
    ]
