"""A summary as a table of tab-separated values, one line per row."""

import csv
from pathlib import Path
from typing import Any

from files.atomic import atomic_path
from scoring.comparisons import COMPARISONS
from scoring.differences import Comparison
from scoring.summary import Summary, SummaryRow, TargetSummary

COLUMNS = (
    "base", "target", "speech", "arm", "tts", "vector", "scaling_coefficient", "chosen", "choices",
    "wer", "wer_low", "wer_high", "seed_sd", "cer", "cer_low", "cer_high",
    "wer_against_raw_references",
    *(
        f"{name}{part}"
        for name in COMPARISONS
        for part in ("", "_low", "_high", "_p", "_p_adjusted", "_mapsswe_p")
    ),
    "utterances", "words", "seeds", "window", "target_recordings", "chosen_on", "evaluation",
)  # fmt: skip


def flat(target: TargetSummary, row: SummaryRow) -> dict[str, Any]:
    """Return a row as the TSV file has it: fractions, and empty where there is nothing."""
    cells = {key: value for key, value in vars(row).items() if key in COLUMNS} | {
        "base": target.base,
        "target": target.target,
        "speech": target.speech,
        "chosen": "yes" if row.chosen else "no",
        "choices": ",".join(row.choices),
        "wer_low": row.wer_interval[0],
        "wer_high": row.wer_interval[1],
        "cer_low": row.cer_interval[0],
        "cer_high": row.cer_interval[1],
        "utterances": target.utterances,
        "words": target.words,
        "seeds": ",".join(map(str, row.seeds)),
    }
    for name in COMPARISONS:
        comparison = getattr(row, name)
        cells |= flat_comparison(name, comparison) if comparison else {}
    return cells


def flat_comparison(name: str, comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as the TSV file has it."""
    return {
        name: comparison.difference,
        f"{name}_low": comparison.interval[0],
        f"{name}_high": comparison.interval[1],
        f"{name}_p": comparison.p,
        f"{name}_p_adjusted": comparison.p_adjusted,
        f"{name}_mapsswe_p": comparison.mapsswe_p,
    }


def write_tsv(path: Path, summary: Summary) -> None:
    """Write one line per row of the table; a target without WER has a line without numbers."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n", restval="")
        writer.writeheader()
        for target in summary.targets:
            for row in target.rows:
                writer.writerow(flat(target, row))
            for checkpoint in target.checkpoints:
                writer.writerow(
                    {"base": target.base, "target": target.target}
                    | {"arm": checkpoint.label, "utterances": 0}
                )
