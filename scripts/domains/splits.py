"""Train, dev and test by the keys of sentences: how they are drawn, and checked for overlap."""

import hashlib
from collections.abc import Collection, Mapping, Sequence

from errors import InputError

SPLITS = ("train", "dev", "test")
DRAWN = ("test", "dev", "train")  # the test set first: other sizes do not change it
LONGEST_TEST = 3600.0  # s, of a recording to test on, which is cut at pauses for the recogniser


def draw(
    keys: Sequence[str],
    sizes: Mapping[str, int | None],
    seed: int,
    sentences: Sequence[str] | None = None,
    only_for_test: Collection[int] = (),
) -> dict[str, list[int]]:
    """Return the positions of ``keys`` that go to each split, so that no key is in two of them.

    Keys are taken whole, in an order that depends on the seed and on each key alone: utterances
    that are added later reshuffle nothing. Only the last key of a split may be cut to make its
    size exact; what is cut is in no split. The size ``None`` is all that remain.

    Sizes count positions; that of dev counts ``sentences``, one for each key, if they are given:
    what repeats a sentence tells little more of a model. Positions ``only_for_test`` go to no other
    split.
    """
    positions: dict[str, list[int]] = {}
    for position, key in enumerate(keys):
        positions.setdefault(key, []).append(position)
    order = sorted(positions, key=lambda key: hashlib.sha256(f"{seed}:{key}".encode()).digest())
    left = iter(order)
    drawn: dict[str, list[int]] = {}
    for split in DRAWN:
        size = sizes.get(split, 0)
        counted: Sequence[int | str] = range(len(keys))
        if by_sentence := sentences is not None and split == "dev":
            counted = sentences
        chosen: dict[int | str, list[int]] = {}  # positions of what is counted
        while size is None or len(chosen) < size:
            following = next(left, None)
            if following is None:
                break
            for position in positions[following]:
                if split != "test" and position in only_for_test:
                    continue
                chosen.setdefault(counted[position], []).append(position)
        if size is not None and len(chosen) < size:
            asked = ", ".join(f"{name} {n}" for name in DRAWN if (n := sizes.get(name)))
            of_which = f", of which {len(only_for_test)} are too long for train and dev"
            raise InputError(
                f"{split}: {size} {'sentences' if by_sentence else 'utterances'} are asked for, but"
                f" only {len(chosen)} are left of {len(keys)}{of_which if only_for_test else ''}"
                f" (asked: {asked}; splits share no sentence or speaker); lower a size"
            )
        drawn[split] = sorted(
            position for each in list(chosen.values())[:size] for position in each
        )
    return drawn


def one_of_each(keys: Sequence[str], ids: Sequence[str], seed: int) -> list[int]:
    """Return the position of one of each key, drawn by the seed and the ids, in order."""
    position_of: dict[str, int] = {}
    rank = [hashlib.sha256(f"{seed}:{id}".encode()).digest() for id in ids]
    for position in sorted(range(len(keys)), key=rank.__getitem__):
        position_of.setdefault(keys[position], position)
    return sorted(position_of.values())


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
