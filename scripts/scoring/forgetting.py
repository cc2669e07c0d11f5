"""What adapted models have lost on other domains than their target."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from paths import PRETRAINED
from scoring.comparisons import ResampledRows, adjusted
from scoring.differences import Comparison, Difference
from scoring.evaluations import ModelKey
from scoring.pooling import PooledRow, union
from scoring.summary import Forgetting, SummaryRow, SummarySettings
from scoring.target_table import Table


def with_forgetting(
    table: Table, others: Sequence[PooledRow], settings: SummarySettings
) -> tuple[SummaryRow, ...]:
    """Return the rows of a table with what each model has lost on the domains of ``others``."""
    elsewhere = [row for row in others if row.evaluation.role == "forgetting"]
    of_model: dict[ModelKey, dict[str, Forgetting]] = {model: {} for model in table}
    for domain in dict.fromkeys(row.evaluation.domain for row in elsewhere):
        there = [row for row in elsewhere if row.evaluation.domain == domain]
        for model, entry in on_domain(there, table, settings).items():
            of_model[model][domain] = entry
    by_kind: dict[ModelKey, dict[str, Difference | None]] = {model: {} for model in table}
    for kind in dict.fromkeys(row.evaluation.kind for row in elsewhere):
        of_kind = [row for row in elsewhere if row.evaluation.kind == kind]
        for model, comparison in differences_of_kind(of_kind, of_model, settings).items():
            by_kind[model][kind] = comparison and Difference(
                comparison.difference, comparison.interval
            )
    return tuple(
        replace(row, forgetting=tuple(of_model[model].values()), forgetting_by_kind=by_kind[model])
        for model, row in table.items()
    )


def on_domain(
    rows: Sequence[PooledRow], table: Table, settings: SummarySettings
) -> dict[ModelKey, Forgetting]:
    """Return how each model does on one domain; its models are tested together.

    A coefficient that no way of choosing picked takes no part in that.
    """
    test = ResampledRows(rows, settings)
    comparison_of = {
        row.model: test.compare(index, test.index_of(row, PRETRAINED))
        for index, row in enumerate(rows)
    }
    tested = {
        model: comparison_of[model]
        for model, row in table.items()
        if comparison_of.get(model) and not row.exploratory
    }
    corrected = adjusted([c for c in tested.values() if c], settings.confidence)
    comparison_of |= zip(tested, corrected, strict=True)
    return {
        row.model: Forgetting(
            domain=row.evaluation.domain,
            kind=row.evaluation.kind,
            wer=row.wer,
            scores=row.scores,
            **test.size._asdict(),
            wer_interval=test.wer_interval(index),
            versus_pretrained=comparison_of[row.model],
        )
        for index, row in enumerate(rows)
    }


def differences_of_kind(
    rows: Sequence[PooledRow],
    of_model: dict[ModelKey, dict[str, Forgetting]],
    settings: SummarySettings,
) -> dict[ModelKey, Comparison | None]:
    """Return each model's difference from the pretrained one on all test sets of a kind together.

    Of a single test set that is the one that its entry in ``of_model`` has.
    """
    sets_of: dict[ModelKey, list[PooledRow]] = defaultdict(list)
    for row in rows:
        sets_of[row.model].append(row)
    domains = {row.evaluation.domain for row in rows}
    if len(domains) == 1:
        (domain,) = domains
        return {model: of_model[model][domain].versus_pretrained for model in sets_of}
    whole = ResampledRows([union(of_sets) for of_sets in sets_of.values()], settings)
    return {
        model: whole.compare(index, whole.index_of(row, PRETRAINED))
        for index, (model, row) in enumerate(zip(sets_of, whole.rows, strict=True))
    }
