"""Whether systems differ by more than chance: NIST's matched-pair test, and Holm's correction.

The matched-pair sentence-segment word error test (MAPSSWE: Gillick & Cox 1989; Pallett 1990) is
what NIST's ``sc_stats`` computes. NIST also cuts an utterance where both systems got at least two
words right on end, as if their errors before and after were independent. Here a segment is a whole
utterance, or all utterances of a group: that needs no alignment, assumes less, and allows for the
dependence between readings of one sentence. Where NIST has nothing to cut, it finds the same.
"""

import math
from collections.abc import Sequence

import numpy as np

FEW_UNITS = 50  # below which p values and intervals are rough (Gillick & Cox 1989, section 4)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for their number (Holm 1979), in the order given.

    The smallest is multiplied by their number, the next by one less, and so on; none falls below
    one that was smaller.
    """
    p = np.asarray(p_values, dtype=float)
    order = p.argsort()
    stepped = p[order] * np.arange(len(p), 0, -1)
    adjusted: np.ndarray = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(stepped).clip(max=1)
    return [float(each) for each in adjusted]


def mapsswe(
    errors_a: np.ndarray, errors_b: np.ndarray, groups: Sequence[str] | None = None
) -> float:
    """Return the two-sided p of "both make equally many errors" (Gillick & Cox 1989, section 4).

    ``errors_a`` and ``errors_b`` are word errors [n_utterances] of two systems, averaged over seeds
    perhaps; ``groups`` is one label per utterance, such as its sentence. The mean difference per
    segment, over its standard error, is held against the normal distribution, which wants some
    ``FEW_UNITS`` segments. Without any difference p is 1; one segment alone shows nothing, and its
    p is 1 too.
    """
    differences = np.asarray(errors_a, dtype=float) - np.asarray(errors_b, dtype=float)
    if groups is not None:
        _, group_of = np.unique(np.asarray(groups), return_inverse=True)
        differences = np.bincount(group_of, weights=differences)
    if len(differences) < 2 or not differences.any():
        return 1.0
    standard_error = differences.std(ddof=1) / np.sqrt(len(differences))
    if standard_error == 0:
        return 0.0
    z = abs(differences.mean()) / standard_error
    return math.erfc(z / math.sqrt(2))
