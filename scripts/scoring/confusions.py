"""The most frequent errors of an arm."""

from collections import Counter

from scoring.arms import ArmErrors
from scoring.breakdown_file import Confusions, Deletion, Insertion, Substitution


def confusions(arm: ArmErrors, most: int) -> Confusions:
    """Return the most frequent errors of each kind, with their count in a test set (mean of seeds).

    Among equally frequent ones the first in the alphabet come first.
    """
    counts = Counter(
        (error.reference, error.hypothesis)
        for seed in arm.errors
        for errors in seed
        for error in errors
    )
    order = sorted(counts, key=lambda pair: (-counts[pair], pair[0] or "", pair[1] or ""))
    substitutions, deletions, insertions = [], [], []
    for pair in order:
        (reference, hypothesis), count = pair, counts[pair] / len(arm.errors)
        if reference is None:
            insertions.append(Insertion(str(hypothesis), count))
        elif hypothesis is None:
            deletions.append(Deletion(reference, count))
        else:
            substitutions.append(Substitution(reference, hypothesis, count))
    return Confusions(
        tuple(substitutions[:most]), tuple(deletions[:most]), tuple(insertions[:most])
    )
