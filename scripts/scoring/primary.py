"""The comparisons that were declared before any number was seen.

The chosen model against the pretrained one; SYN2REAL against the paper's baseline; and the task
vector's own share, the model with it against the same model without. They are tested over all
targets together first, then by target; each of the two families is corrected for its own number
(Holm), and takes no part in the correction of a table's other comparisons, which are exploratory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from evaluation import VECTOR
from matrix import CONTINUED
from paths import PRETRAINED
from scoring.comparisons import ResampledRows, adjusted
from scoring.decisions import PrimaryComparison
from scoring.pooling import PooledRow, union
from scoring.summary import SummarySettings

NAMES = {  # of the comparisons, by what a row calls its own
    "versus_pretrained": "the chosen model against the pretrained one",
    "versus_baseline": "SYN2REAL against the paper's baseline",
    "versus_without_vector": "with the task vector against the same model without",
}
SYNTHETIC = "target-synthetic"


class Pair(NamedTuple):
    """Two models on the test set of a target; the first one's row calls the comparison ``key``."""

    key: str
    base: str
    target: str
    first: PooledRow
    second: PooledRow


def pairs_of(
    target: str,
    rows: Sequence[PooledRow],
    chosen: PooledRow | None,
    scales: Mapping[str, float],
) -> list[Pair]:
    """Return the declared pairs of a target: ``chosen`` is the row of its verdict, if it ships.

    SYN2REAL is the baseline with the task vector, as in the paper; the vector's share is that on
    target-synthetic. ``scales`` has the chosen coefficient of each arm with a vector; of several
    vectors or TTS the first is taken.
    """

    def row_of(arm: str) -> PooledRow | None:
        wanted = (arm, scales.get(arm))
        arms = ((row.evaluation.arm, row.evaluation.scaling_coefficient) for row in rows)
        return next((row for row, own in zip(rows, arms, strict=True) if own == wanted), None)

    declared = {
        "versus_pretrained": (chosen, row_of(PRETRAINED)),
        "versus_baseline": (row_of(CONTINUED + VECTOR), row_of(CONTINUED)),
        "versus_without_vector": (row_of(SYNTHETIC + VECTOR), row_of(SYNTHETIC)),
    }
    return [
        Pair(key, one.evaluation.base, target, one, other)
        for key, (one, other) in declared.items()
        if one and other
    ]


def tested(
    pairs: Sequence[Pair], settings: SummarySettings
) -> tuple[list[PrimaryComparison], list[PrimaryComparison]]:
    """Return the declared comparisons over all targets of a base model, and those of each pair."""
    pooled = []
    for base, key in dict.fromkeys((pair.base, pair.key) for pair in pairs):
        alike = [pair for pair in pairs if (pair.base, pair.key) == (base, key)]
        if len(alike) > 1:
            first, second = union([p.first for p in alike]), union([p.second for p in alike])
            pooled.append(compared(key, base, None, first, second, settings))
    of_pairs = [compared(*pair, settings) for pair in pairs]
    return corrected(pooled, settings), corrected(of_pairs, settings)


def compared(
    key: str,
    base: str,
    target: str | None,
    first: PooledRow,
    second: PooledRow,
    settings: SummarySettings,
) -> PrimaryComparison:
    """Return a comparison, not yet corrected."""
    test = ResampledRows([first, second], settings)
    comparison = test.compare(0, 1)
    assert comparison is not None  # two rows differ in their place
    return PrimaryComparison(
        name=NAMES[key],
        base=base,
        target=target,
        utterances=test.size.utterances,
        words=test.size.words,
        first=first.wer,
        second=second.wer,
        comparison=comparison,
    )


def corrected(
    family: Sequence[PrimaryComparison], settings: SummarySettings
) -> list[PrimaryComparison]:
    """Return the comparisons of a family with their p corrected for its number."""
    tested = adjusted([each.comparison for each in family], settings.confidence)
    return [replace(each, comparison=of) for each, of in zip(family, tested, strict=True)]
