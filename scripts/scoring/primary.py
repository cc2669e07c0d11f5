"""The comparisons that were declared before any number was seen.

The chosen model against the pretrained one; SYN2REAL against the paper's baseline; and the task
vector's own share, the model with it against the same model without. They are tested over all
targets together first, then by target; each of the two families is corrected for its own number
(Holm), and takes no part in the correction of a table's other comparisons, which are exploratory.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from matrix import CONTINUED, VECTOR
from paths import PRETRAINED
from scoring.comparisons import ResampledRows, adjusted
from scoring.pooling import PooledRow, union
from scoring.summary import PrimaryComparison, SummarySettings

CHOSEN = "the chosen model against the pretrained one"
METHOD = "SYN2REAL against the paper's baseline"
SHARE = "with the task vector against the same model without"
SYNTHETIC = "target-synthetic"


class Pair(NamedTuple):
    """Two models on the test set of a target, compared under a name."""

    name: str
    target: str
    first: PooledRow
    second: PooledRow


def pairs_of(
    target: str, rows: Sequence[PooledRow], chosen: PooledRow | None, scale: float | None
) -> list[Pair]:
    """Return the declared pairs of a target: ``chosen`` is the row of its verdict, if it ships.

    SYN2REAL is the arm target-synthetic with the pooled vector times ``scale``, of the first TTS.
    """

    def row_of(arm: str, scaling_coefficient: float | None = None) -> PooledRow | None:
        return next(
            (
                row
                for row in rows
                if row.evaluation.arm == arm
                and row.evaluation.scaling_coefficient == scaling_coefficient
            ),
            None,
        )

    method = row_of(SYNTHETIC + VECTOR, scale) if scale is not None else None
    declared = [
        (CHOSEN, chosen, row_of(PRETRAINED)),
        (METHOD, method, row_of(CONTINUED)),
        (SHARE, method, row_of(SYNTHETIC)),
    ]
    return [Pair(name, target, one, other) for name, one, other in declared if one and other]


def primary_comparisons(
    base: str, pairs: Sequence[Pair], settings: SummarySettings
) -> tuple[PrimaryComparison, ...]:
    """Return the declared comparisons of a base model: over all targets, then of each.

    With a single target there is one family.
    """
    names = dict.fromkeys(pair.name for pair in pairs)
    pooled = []
    for name in names:
        of_name = [pair for pair in pairs if pair.name == name]
        if len({pair.target for pair in of_name}) > 1:
            first, second = (union([pair[place] for pair in of_name]) for place in (2, 3))
            pooled.append(compared(base, name, None, first, second, settings))
    by_target = [compared(base, p.name, p.target, p.first, p.second, settings) for p in pairs]
    return (*corrected(pooled, settings), *corrected(by_target, settings))


def compared(
    base: str,
    name: str,
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
        name=name,
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
