"""What a summary has measured of a checkpoint, for its model card."""

import os
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from arms import CONTINUED
from paths import PRETRAINED, Checkpoint, coefficient, seed_folder
from records.record import Record
from reporting.card_verdict import about_coefficient, verdict
from scoring.leakage_file import in_words
from scoring.summary import Summary, SummaryRow, TargetSummary


def place_of(checkpoint: Path) -> Checkpoint:
    """Return what the path of a checkpoint's weights says of them."""
    return Checkpoint.parse("/".join(checkpoint.parts[-5:-1]))


@dataclass(frozen=True)
class Measured:
    """A checkpoint's row for the card, its own WER, and the rows of what it is compared to."""

    row: SummaryRow
    wer: float
    pretrained: SummaryRow | None
    baseline: SummaryRow | None
    verdict: Markup
    coefficient: Markup
    recordings: str


@dataclass(frozen=True)
class Result:
    """What a table has of a checkpoint; ``measured`` is null where that is nothing.

    ``other_scales`` are the coefficients with which it has the model that the vector was added to.
    """

    entry: TargetSummary
    measured: Measured | None
    other_scales: list[str]


def results_of(
    summary: Summary, checkpoint: Path, base: str, target: str, parent: Record
) -> list[Result]:
    """Return what was measured of the checkpoint, for each test set of its target.

    ``parent`` is the record of the model that the vector was added to, or its own.
    """
    own = place_of(checkpoint)
    folder = os.path.dirname(next(iter(parent.outputs)))
    results = []
    for entry in summary.targets:
        if (entry.base, entry.target) != (base, target) or not entry.rows:
            continue
        place = f"/scores/{base}/{own.model}/{seed_folder(own.seed)}/"
        rows = [row for row in entry.rows if any(place in path for path in row.scores)]
        scales = {
            row.scaling_coefficient
            for row in entry.rows
            if row.scaling_coefficient is not None and folder in row.models
        }
        results.append(
            Result(
                entry,
                measured(rows[0], entry, place) if rows else None,
                [coefficient(scale) for scale in sorted(scales)],
            )
        )
    return results


def measured(row: SummaryRow, entry: TargetSummary, place: str) -> Measured:
    """Return a row's numbers for the card, and those of the models that it is compared to."""
    [own] = [wer for path, wer in zip(row.scores, row.wer_of_seeds, strict=True) if place in path]
    of_tts = [other for other in entry.rows if other.tts in (row.tts, None)]
    return Measured(
        row=row,
        wer=own,
        pretrained=next((other for other in of_tts if other.arm == PRETRAINED), None),
        baseline=next((other for other in of_tts if other.arm == CONTINUED), None),
        verdict=Markup(verdict(row)),  # which names nothing from outside
        coefficient=Markup(about_coefficient(row, entry)),
        recordings=about_recordings(row),
    )


def about_recordings(row: SummaryRow) -> str:
    """Say which recordings of the target served, and what lineage shows of its test set."""
    used = []
    if row.target_recordings != "none":
        used.append(f"Recordings of the target served for {row.target_recordings}.")
    else:
        used.append("No recordings of the target were trained on or selected with.")
    if count := row.target_recordings_for_choice:
        used.append(f"{count} chose the table's λ.")
    if row.leakage is None:
        return " ".join([*used, "Lineage was not searched for the test set."])
    return " ".join(
        [
            *used,
            f"Of its test set and recordings, lineage shows in the model: {in_words(row.leakage)}.",
        ]
    )
