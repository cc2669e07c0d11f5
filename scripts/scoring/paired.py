"""Two systems on the same utterances: the difference of their WERs, and what is shown of it.

Rates and differences are fractions, intervals their lower and upper bound. ``compare.py --json``
writes these dataclasses, key by key in the order of their fields.
"""

from dataclasses import dataclass

from scoring.differences import Interval


@dataclass(frozen=True)
class Resampling:
    """What is drawn anew (one of ``bootstrap.UNITS``), how often, and from which seed."""

    by: str
    resamples: int
    seed: int


@dataclass(frozen=True)
class SystemWer:
    """A system's WER."""

    name: str
    wer: float
    interval: Interval


@dataclass(frozen=True)
class SystemText:
    """What a system recognised in an utterance, marked, or null if that is not at hand.

    ``errors`` is the mean over the seeds.
    """

    errors: float
    words: str | None


@dataclass(frozen=True)
class UtterancePair:
    """An utterance with the texts of both systems."""

    id: str
    reference: str
    heard: tuple[SystemText, ...]


@dataclass(frozen=True)
class SystemComparison:
    """The paired ``difference`` b - a, and how many utterances have fewer and more errors in b.

    ``units`` is how many units were drawn from. ``p_adjusted`` is corrected for the comparisons
    that are made together, null before that; ``changed`` are the utterances that differ most.
    """

    title: str
    a: SystemWer
    b: SystemWer
    language: str
    utterances: int
    words: int
    units: int
    difference: float
    interval: Interval
    p: float
    mapsswe_p: float
    fewer_errors: int
    more_errors: int
    changed: tuple[UtterancePair, ...]
    p_adjusted: float | None = None
    significant: bool = False
