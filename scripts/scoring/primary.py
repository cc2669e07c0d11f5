"""The comparisons that were declared before any number was seen.

The chosen model against the pretrained one and against the paper's baseline; SYN2REAL against that
baseline; and the task vector's own share, the model with it against the same model without. They
are tested over all targets together first, then by target; each of the two families is corrected
for its own number (Holm), and takes no part in the correction of a table's other comparisons, which
are exploratory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from arms import CONTINUED
from evaluation import VECTOR
from paths import PRETRAINED
from scoring.comparisons import ResampledRows, adjusted
from scoring.decisions import PrimaryComparison
from scoring.differences import Comparison
from scoring.evaluations import ModelKey
from scoring.pooling import PooledRow, union
from scoring.summary import SummarySettings
from scoring.target_table import Table

CHOSEN = "the chosen model against the pretrained one"
CHOSEN_VERSUS_BASELINE = "the chosen model against the paper's baseline"
SYN2REAL = "SYN2REAL against the paper's baseline"
VECTOR_SHARE = "with the task vector against the same model without"
SYNTHETIC = "target-synthetic"


class Pair(NamedTuple):
    """Two models on the test set of a target (null: of all), and how they compare, uncorrected.

    The first one's row calls the comparison ``key``.
    """

    name: str
    key: str
    target: str | None
    test: ResampledRows
    first: PooledRow
    second: PooledRow
    comparison: Comparison

    @property
    def base(self) -> str:
        """The base model of both."""
        return self.first.evaluation.base

    def reported(self) -> PrimaryComparison:
        """Return the comparison as the summary has it."""
        return PrimaryComparison(
            name=self.name,
            base=self.base,
            target=self.target,
            utterances=self.test.size.utterances,
            words=self.test.size.words,
            first=self.first.wer,
            second=self.second.wer,
            comparison=self.comparison,
        )


def pairs_of(
    target: str,
    test: ResampledRows,
    table: Table,
    chosen: ModelKey | None,
    scales: Mapping[str, float],
) -> list[Pair]:
    """Return the declared pairs of a target: ``chosen`` is the model of its verdict, if it ships.

    SYN2REAL is the baseline with the task vector, as in the paper; the vector's share is that on
    target-synthetic. ``scales`` has the chosen coefficient of each arm with a vector; of several
    vectors or TTS the first is taken. The comparisons are those of the table's rows.
    """

    def row_of(arm: str) -> PooledRow | None:
        wanted = (arm, scales.get(arm))
        arms = ((row.evaluation.arm, row.evaluation.scaling_coefficient) for row in test.rows)
        return next((row for row, own in zip(test.rows, arms, strict=True) if own == wanted), None)

    shipped = next((row for row in test.rows if row.model == chosen), None)
    syn2real, baseline = row_of(CONTINUED + VECTOR), row_of(CONTINUED)
    rival = None if shipped in (syn2real, baseline) else baseline  # else told already, or itself
    declared = (
        (CHOSEN, "versus_pretrained", shipped, row_of(PRETRAINED)),
        (CHOSEN_VERSUS_BASELINE, "versus_baseline", shipped, rival),
        (SYN2REAL, "versus_baseline", syn2real, baseline),
        (
            VECTOR_SHARE,
            "versus_without_vector",
            row_of(SYNTHETIC + VECTOR),
            row_of(SYNTHETIC),
        ),
    )
    return [
        Pair(name, key, target, test, one, other, getattr(table[one.model], key))
        for name, key, one, other in declared
        if one and other
    ]


def over_all_targets(pairs: Sequence[Pair], settings: SummarySettings) -> list[PrimaryComparison]:
    """Return the declared comparisons of each base model over its targets, if it has several."""
    pooled = []
    for base, name in dict.fromkeys((pair.base, pair.name) for pair in pairs):
        alike = [pair for pair in pairs if (pair.base, pair.name) == (base, name)]
        if len(alike) > 1:
            first, second = union([p.first for p in alike]), union([p.second for p in alike])
            test = ResampledRows([first, second], settings)
            if comparison := test.compare(0, 1):
                pair = Pair(name, alike[0].key, None, test, first, second, comparison)
                pooled.append(pair.reported())
    return corrected(pooled, settings)


def corrected(
    family: Sequence[PrimaryComparison], settings: SummarySettings
) -> list[PrimaryComparison]:
    """Return the comparisons of a family with their p corrected for its number."""
    tested = adjusted([each.comparison for each in family], settings.confidence)
    return [replace(each, comparison=of) for each, of in zip(family, tested, strict=True)]
