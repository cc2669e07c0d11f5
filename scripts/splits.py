"""Train, dev and test: drawn so that they share no sentence, or checked that they do not."""

import hashlib
from collections.abc import Mapping, Sequence

from errors import InputError

SPLITS = ("train", "dev", "test")
DRAWN = ("test", "dev", "train")  # the test set first: other sizes do not change it


def draw(keys: Sequence[str], sizes: Mapping[str, int | None], seed: int) -> dict[str, list[int]]:
    """Return the positions of ``keys`` that go to each split, so that no key is in two of them.

    Keys are taken whole, in an order that depends on the seed and on each key alone: utterances
    that are added later reshuffle nothing. Only the last key of a split may be cut to make its
    size exact; what is cut is in no split. The size ``None`` is all that remain.
    """
    positions: dict[str, list[int]] = {}
    for position, key in enumerate(keys):
        positions.setdefault(key, []).append(position)
    order = sorted(positions, key=lambda key: hashlib.sha256(f"{seed}:{key}".encode()).digest())
    left = iter(order)
    drawn: dict[str, list[int]] = {}
    for split in DRAWN:
        size = sizes.get(split, 0)
        chosen: list[int] = []
        while size is None or len(chosen) < size:
            key = next(left, None)
            if key is None:
                break
            chosen += positions[key]
        if size is not None and len(chosen) < size:
            asked = ", ".join(f"{name} {n}" for name in DRAWN if (n := sizes.get(name)))
            raise InputError(
                f"{split}: {size} utterances are asked for, but only {len(chosen)} are left of"
                f" {len(keys)} (asked: {asked}; splits share no sentence or speaker);"
                " lower a size"
            )
        drawn[split] = sorted(chosen[:size])
    return drawn


def shared(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Return what two splits share, in the order of the second, each once."""
    known = set(first)
    return list(dict.fromkeys(key for key in second if key in known))


def check_disjoint(
    what: str, keys: Mapping[str, Sequence[str]], places: Mapping[str, Sequence[str]], remedy: str
) -> None:
    """Refuse splits of which two share a key; ``places`` says for each key where it stands."""
    for train, test in (("train", "test"), ("dev", "test"), ("train", "dev")):
        if common := shared(keys.get(train, ()), keys.get(test, ())):
            first = common[0]
            raise InputError(
                f"{places[test][list(keys[test]).index(first)]}: {what} {first!r} of {test} is also"
                f" in {train}, at {places[train][list(keys[train]).index(first)]}"
                f" ({len(common)} such); {remedy}"
            )
