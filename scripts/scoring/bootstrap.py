"""How sure a word error rate is: the bootstrap of Bisani & Ney (2004), vectorised.

A test set is drawn anew from its own utterances, with replacement, and scored again; the spread of
those scores is the uncertainty that comes from the choice of test utterances. Systems are compared
on the same draws (paired), which takes out what they find hard in common.

A system trained with several seeds counts with its mean errors per utterance over the seeds
(``mean_over_seeds``). The interval then says nothing of the spread between seeds.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from errors import InputError

RESAMPLES = 10_000
CONFIDENCE = 0.95
UNITS = ("utterance", "sentence", "speaker")
CHUNK = 1 << 20  # drawn numbers in memory at a time: few enough to stay in the cache


def units_of(
    by: str,
    path: str | Path,
    ids: Sequence[str],
    references: Sequence[str],
    speakers: Sequence[str | None],
) -> list[str] | None:
    """Return each utterance's unit, ``by`` one of ``UNITS``; ``None`` if it is its own.

    ``ids``, normalised ``references`` and ``speakers`` are those of the utterances of the file
    ``path``. Readings of one sentence, or by one speaker, are not independent. An empty reference
    is no sentence: it is a unit by itself.
    """
    if by == "utterance":
        return None
    missing = [id for id, speaker in zip(ids, speakers, strict=True) if speaker is None]
    if by == "speaker" and missing:
        raise InputError(
            f"{path}: {len(missing)} of {len(ids)} utterances have no 'speaker', first"
            f" {missing[0]!r}; add 'speaker' to the manifest, or resample by utterance"
        )
    labels = speakers if by == "speaker" else references
    return [str(label) or f"({id})" for id, label in zip(ids, labels, strict=True)]


def mean_over_seeds(errors: np.ndarray) -> np.ndarray:
    """Return float [n_utterances] from the word errors [n_seeds, n_utterances] of one system."""
    mean: np.ndarray = np.asarray(errors, dtype=float).mean(axis=0)
    return mean


def resampled_rates(
    errors: np.ndarray,
    words: np.ndarray,
    groups: Sequence[str] | np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> np.ndarray:
    """Return WERs float [n_systems, resamples]: column j scores all systems on one drawn test set.

    ``errors`` is [n_systems, n_utterances], ``words`` the reference words [n_utterances]. With
    ``groups`` (one label per utterance, such as its speaker) whole groups are drawn instead of
    utterances, since what belongs together is not independent.
    """
    counts = np.vstack([errors, words]).astype(float)
    if groups is not None:
        _, group_of = np.unique(np.asarray(groups), return_inverse=True)
        counts = np.stack([np.bincount(group_of, weights=row) for row in counts])
    n_units = counts.shape[1]
    generator = np.random.default_rng(seed)
    rows_at_once = max(1, CHUNK // n_units)
    parts = []
    for start in range(0, resamples, rows_at_once):
        n_rows = min(rows_at_once, resamples - start)
        draws = generator.integers(n_units, size=(n_rows, n_units), dtype=np.int32)
        times_drawn = np.empty((n_rows, n_units))
        for row, draw in zip(times_drawn, draws, strict=True):
            row[:] = np.bincount(draw, minlength=n_units)
        # not `@`: its threads wait for each other for longer than they work on so few systems
        parts.append(np.einsum("su,ru->sr", counts, times_drawn))
    totals: np.ndarray = np.concatenate(parts, axis=1)
    if not totals[-1].all():
        raise ValueError("a drawn test set has no words; too few utterances have any")
    rates: np.ndarray = totals[:-1] / totals[-1]
    return rates


def interval(values: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the percentile interval (low, high) of resampled WERs, or of their differences."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def two_sided_p(differences: np.ndarray) -> float:
    """Return p of "no difference" from resampled paired differences; at least 2 / (draws + 1)."""
    below, above = (differences <= 0).sum(), (differences >= 0).sum()
    return float(min(1, 2 * (min(below, above) + 1) / (len(differences) + 1)))
