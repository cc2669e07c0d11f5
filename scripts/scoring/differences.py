"""Differences of two WERs on the same utterances, and what is shown of them.

Rates and differences are fractions, intervals their lower and upper bound.
"""

from dataclasses import dataclass

Interval = tuple[float, float]


@dataclass(frozen=True)
class Difference:
    """A difference of two WERs, paired on the same utterances: below 0 is fewer errors."""

    difference: float
    interval: Interval


@dataclass(frozen=True)
class TestedDifference(Difference):
    """A difference with its two-sided p, not corrected for the number of comparisons."""

    p: float


@dataclass(frozen=True)
class Comparison(TestedDifference):
    """A difference that is tested together with others.

    ``p_adjusted`` is corrected for their number, null where a row takes no part in that.
    ``mapsswe_p`` is that of the matched-pair test, not corrected.
    """

    p_adjusted: float | None
    significant: bool
    mapsswe_p: float
