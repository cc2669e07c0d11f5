"""What a lineage record is, and where it lies.

A record is JSON (``lineage.schema.json``), canonical: what two identical runs differ in (time,
host, memory) stands under ``run``, and nowhere else. Paths are as the stage was given them,
relative to the folder that it ran in. A record lies beside the first output in each folder.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUFFIX = ".lineage.json"  # of a record's own file, its sidecar
INDEX = "files.json"  # of a folder of fetched files
WEIGHTS = "model.safetensors"
MODEL_CARD = ("README.md", "lineage.json")  # what model_card.py adds to a checkpoint


@dataclass(frozen=True)
class Record:
    """A lineage record; outputs and inputs are SHA-256 by normalised path.

    The paths are relative to ``root``: the folder in which the stage ran.
    """

    sidecar: str
    root: str
    script: str
    outputs: dict[str, str]
    inputs: dict[str, str]
    content: dict[str, Any]

    def at(self, path: str) -> Path:
        """Return where a path of the record is now."""
        return Path(self.root, path)


def sidecar(output: str | Path) -> Path:
    """Return the path of an output's own record: its name and ``.lineage.json``."""
    return Path(f"{output}{SUFFIX}")


def stamp(path: str | Path) -> list[int]:
    """Return a file's inode, time of its last change (ns) and size (bytes)."""
    status = os.stat(path)
    return [status.st_ino, status.st_mtime_ns, status.st_size]


def name_in(record: Record, path: str | Path) -> str | None:
    """Return how a record names one of its outputs; None if it is none of them."""
    place = os.path.abspath(path)
    return next(
        (name for name in record.outputs if os.path.abspath(record.at(name)) == place), None
    )


def name_of_output(record: Record, path: str | Path) -> str:
    """Return how a record names one of its outputs; ``KeyError`` if it is none of them."""
    name = name_in(record, path)
    if name is None:
        raise KeyError(f"{path} is no output of {record.sidecar}")
    return name


def ended(record: Record) -> float:
    """Return when a stage ended, in s since 1970."""
    return float(record.content["run"]["ended"])


def duration(record: Record) -> float:
    """Return how long a stage took, in s."""
    run = record.content["run"]
    return float(run["ended"] - run.get("started", run["ended"]))


def licence(name: str, forbids: str = "") -> dict[str, str]:
    """Return a licence as records have it: its name, and what it forbids, if anything."""
    return {"licence": name, **({"forbids": forbids} if forbids else {})}


def checkpoint_files(folder: str | Path) -> list[Path]:
    """Return the files of a checkpoint: its weights, then its configuration and tokenizer."""
    weights = Path(folder) / WEIGHTS
    others = [
        path
        for path in sorted(Path(folder).iterdir())
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith(SUFFIX)
    ]
    return [weights, *(path for path in others if path.name not in (WEIGHTS, *MODEL_CARD))]
