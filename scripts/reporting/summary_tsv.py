"""A summary as a table of tab-separated values, one line per row."""

import csv
from pathlib import Path
from typing import Any

from files.atomic import atomic_path
from scoring.comparisons import COMPARISONS

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


def flat(target: dict, row: dict) -> dict[str, Any]:
    """Return a row as the TSV file has it: fractions, and empty where there is nothing."""
    cells = {key: row.get(key) for key in COLUMNS} | {
        "base": target["base"],
        "target": target["target"],
        "speech": target["speech"],
        "chosen": "yes" if row["chosen"] else "no",
        "choices": ",".join(row["choices"]),
        "wer_low": row["wer_interval"][0],
        "wer_high": row["wer_interval"][1],
        "cer_low": row["cer_interval"][0],
        "cer_high": row["cer_interval"][1],
        "utterances": target["utterances"],
        "words": target["words"],
        "seeds": ",".join(map(str, row["seeds"])),
    }
    for name in COMPARISONS:
        comparison = row[name] or {"interval": (None, None)}
        low, high = comparison["interval"]
        cells |= {name: comparison.get("difference"), f"{name}_low": low, f"{name}_high": high}
        cells |= {f"{name}_{key}": comparison.get(key) for key in ("p", "p_adjusted", "mapsswe_p")}
    return cells


def write_tsv(path: Path, summary: dict) -> None:
    """Write one line per row of the table; a target without WER has a line without numbers."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n", restval="")
        writer.writeheader()
        for target in summary["targets"]:
            for row in target["rows"]:
                writer.writerow(flat(target, row))
            for checkpoint in target["checkpoints"]:
                writer.writerow(
                    {"base": target["base"], "target": target["target"]}
                    | {"arm": checkpoint["label"], "utterances": 0}
                )
