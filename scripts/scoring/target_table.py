"""The rows of a target's table: what was measured of each model, and how it came to be there."""

import shlex
from dataclasses import replace

from files.checksum import sha256
from scoring.choices import Choice
from scoring.comparisons import COMPARISONS, ResampledRows, adjusted
from scoring.differences import Comparison
from scoring.evaluations import ArmKey, ModelKey, labels_of
from scoring.leakage_file import Touches, leakage_of
from scoring.pooling import PooledRow
from scoring.summary import SummaryRow, SummarySettings

Table = dict[ModelKey, SummaryRow]
Declared = dict[tuple[ModelKey, str], Comparison]  # a row's comparisons, by their names in it


def table_of(
    test: ResampledRows,
    choices: dict[ArmKey, list[Choice]],
    dev_wer: dict[ModelKey, float],
    settings: SummarySettings,
    touches: Touches | None,
) -> Table:
    """Return the rows of a target's table by model, in the order of the test's."""
    labels = labels_of(row.model for row in test.rows)
    table = {}
    for measurement, row in zip(test.measured(), test.rows, strict=True):
        first, of_arm = row.evaluation, choices.get(row.model.arm, [])
        scale = first.scaling_coefficient
        picking = [choice for choice in of_arm if choice.scaling_coefficient == scale]
        primary = next((choice for choice in of_arm[:1] if choice in picking), None)
        dev_scores = primary.scores if primary else ()
        table[row.model] = SummaryRow(
            label=labels[row.model],
            dev_wer=dev_wer.get(row.model),
            **vars(measurement),
            choices=tuple(choice.by for choice in picking),
            exploratory=scale is not None and not picking,
            chosen=primary is not None,
            chosen_on=primary and primary.in_words(first.target),
            dev_scores=dev_scores,
            target_recordings_for_choice=primary.recordings if primary else 0,
            evaluation=evaluation_id(first.score),
            command=settings.again.replace("{}", shlex.join(row.scores), 1),
            arm=first.arm,
            tts=first.tts,
            vector=first.vector,
            scaling_coefficient=scale,
            vector_on=first.vector_on,
            window=first.window,
            target_recordings=first.target_recordings,
            wer=row.wer,
            cer=row.cer,
            wer_against_raw_references=row.wer_against_raw_references,
            counts=row.counts,
            seeds=tuple(each.seed for each in row.evaluations),
            wer_of_seeds=row.wer_of_seeds,
            seed_sd=row.seed_sd,
            models=tuple(each.model for each in row.evaluations),
            scores=row.scores,
            hypotheses=tuple(each.hypotheses for each in row.evaluations),
            warnings=row.warnings,
            decoded_again=row.decoded_again,
            leakage=None
            if touches is None
            else leakage_of(first.target, row.scores, dev_scores, touches),
            forgetting=(),
            forgetting_by_kind={},
        )
    return table


def dev_wers(tried: list[PooledRow]) -> dict[ModelKey, float]:
    """Return the WER of each model on the first dev speech that the config names."""
    of_dev = [row for row in tried if row.evaluation.role == "dev"]
    return {row.model: row.wer for row in reversed(of_dev)}  # the first one stays


def adjusted_table(table: Table, declared: Declared, confidence: float) -> Table:
    """Return a table whose comparisons are tested together, without those of mere trials.

    Those that were ``declared`` are tested with each other, and stand there as they came out.
    """
    tested = {
        (model, name): comparison
        for model, row in table.items()
        for name in COMPARISONS
        if (comparison := getattr(row, name))
        and not row.exploratory
        and (model, name) not in declared
    }
    corrected = dict(zip(tested, adjusted(list(tested.values()), confidence), strict=True))
    corrected |= declared
    return {
        model: replace(
            row,
            **{name: corrected.get((model, name), getattr(row, name)) for name in COMPARISONS},
        )
        for model, row in table.items()
    }


def evaluation_id(score: str) -> str:
    """Return the beginning of a score's hash, by which its number is found in the lineage."""
    return sha256(score)[:12]
