"""The most frequent errors of an arm."""

from collections import Counter

from scoring.arms import Arm


def confusions(arm: Arm, most: int) -> dict[str, list[dict]]:
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
    kinds = {
        "substitutions": [pair for pair in order if None not in pair],
        "deletions": [pair for pair in order if pair[1] is None],
        "insertions": [pair for pair in order if pair[0] is None],
    }
    return {
        kind: [confusion(pair, counts[pair] / len(arm.errors)) for pair in pairs[:most]]
        for kind, pairs in kinds.items()
    }


def confusion(pair: tuple[str | None, str | None], count: float) -> dict:
    """Return an error as the file has it: what is null in the pair is left out."""
    words = zip(("reference", "hypothesis"), pair, strict=True)
    return {key: word for key, word in words if word is not None} | {"count": count}
