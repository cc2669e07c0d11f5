"""Choosing texts that together have many different words, or pairs of phones, each seldom twice."""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum
from typing import Any

Units = Counter[Any]  # of a text: how often it has each word, or pair of phones
STRESS = "ˈˌ"


def covering(texts: Sequence[Units], number: int) -> list[int]:
    """Choose texts one by one, each time the one that adds most; return positions in rising order.

    The n-th occurrence of a unit among the chosen texts is worth 1/n. What they are worth together
    is then a sum of concave functions of counts, which is submodular (Wei et al. 2014, "Submodular
    subset selection for large-scale speech training data"), and the greedy choice comes to at least
    1 - 1/e of the best one (Nemhauser et al. 1978). Of equals the first is taken.
    """
    chosen: list[int] = []
    covered: Units = Counter()
    # a gain can only fall, so that one of before is a bound (Minoux 1978)
    queue = [(-gain(units, covered), position) for position, units in enumerate(texts)]
    heapq.heapify(queue)
    while queue and len(chosen) < number:
        _, position = heapq.heappop(queue)
        now = (-gain(texts[position], covered), position)
        if queue and queue[0] < now:
            heapq.heappush(queue, now)
            continue
        chosen.append(position)
        covered.update(texts[position])
    return sorted(chosen)


def gain(units: Units, covered: Units) -> float:
    """Return what a text adds to those that have ``covered`` units."""
    return fsum(
        1 / n
        for unit, times in units.items()
        for n in range(covered[unit] + 1, covered[unit] + times + 1)
    )


def diphones(phonemes: str) -> Counter[tuple[str, str]]:
    """Return how often each pair of neighbours is in the phonemes of a text, across words."""
    phones = [each for each in phonemes if each.isalpha() and each not in STRESS]
    return Counter(zip(phones, phones[1:], strict=False))


def share_covered(texts: Sequence[Units], chosen: Iterable[int]) -> float:
    """Return the share of the texts' different units that the chosen ones have."""
    everything = {unit for units in texts for unit in units}
    return len({unit for at in chosen for unit in texts[at]}) / max(1, len(everything))
