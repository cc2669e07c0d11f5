"""Error rates by speaker, microphone, length or any other key of a test manifest."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from scoring.arms import Bootstrap, TestSet, per_utterance
from scoring.bootstrap import mean_over_seeds
from scoring.breakdown_file import ValueRow, ValueTable, WerAndCer

LARGEST = 30  # values in a table
LENGTHS = (5, 10, 15)  # words
READ_AS = {True: "yes", False: "no", None: "unknown"}


def value_tables(
    test: TestSet, keys: Iterable[str], bounds: Sequence[int], bootstrap: Bootstrap
) -> Iterator[ValueTable]:
    """Yield the table of each manifest key that has several values, and the table by length."""
    for key in keys:
        values = [as_read(row.get(key)) for row in test.utterances]
        sizes = Counter(values)
        if len(sizes) > 1:
            order = sorted(sizes, key=lambda value: (-sizes[value], value))
            yield value_table(test, key, values, order, bootstrap)
    names = length_names(bounds)
    lengths = [names[bisect_left(bounds, words)] for words in test.words]
    if len(set(lengths)) > 1:
        order = [name for name in names if name in lengths]
        yield value_table(test, "length", lengths, order, bootstrap)


def as_read(value: Any) -> str:
    """Return a manifest's value as a reader finds it in a table."""
    return READ_AS[value] if value is None or isinstance(value, bool) else str(value)


def length_names(bounds: Sequence[int]) -> list[str]:
    """Return what lengths up to each bound are called: 5 and 10 make "1-5", "6-10" and "11+".

    A reference without words is with the shortest.
    """
    lows = [1, *(bound + 1 for bound in bounds)]
    return [f"{low}-{high}" for low, high in zip(lows[:-1], bounds, strict=True)] + [f"{lows[-1]}+"]


def value_table(
    test: TestSet, by: str, values: list[str], order: list[str], bootstrap: Bootstrap
) -> ValueTable:
    """Return WER and CER of the utterances with each value, the first ``LARGEST`` of ``order``."""
    errors, words, characters = per_utterance(test.arms), test.words, test.characters
    of_characters = np.stack([mean_over_seeds(np.array(arm.character_errors)) for arm in test.arms])
    rows = []
    for value in order[:LARGEST]:
        mine = np.flatnonzero(np.array(values) == value)
        rates = bootstrap.rates(errors[:, mine], words[mine], test.units[mine])
        cer = bootstrap.rates(of_characters[:, mine], characters[mine], test.units[mine])
        cells = zip(rates.with_intervals(), cer.with_intervals(), strict=True)
        rows.append(
            ValueRow(
                value=value,
                utterances=len(mine),
                words=int(words[mine].sum()),
                cells=tuple(WerAndCer(*of_words, *of_letters) for of_words, of_letters in cells),
                versus_first=rates.versus_first(),
            )
        )
    return ValueTable(by, tuple(rows), len(order) - len(rows))
