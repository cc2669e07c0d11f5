"""What leakage.json holds: how much of its target touched each score."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from errors import InputError
from files.atomic import atomic_path
from files.json_file import read_object
from files.typed_json import typed
from scoring.summary import Leakage

REMEDY = "write it with leakage.py"
STAGES = ("training", "selection", "filtering", "synthesis", "decoding", "choice")
KINDS = ("target_recordings", "test_sentences", "test_speakers")


@dataclass(frozen=True)
class Touch:
    """A score of a target, and how much of the target ``touched`` it, by kind and stage.

    ``test_recordings`` are by stage.
    """

    score: str
    role: str
    target: str
    touched: Leakage
    test_recordings: dict[str, int]


Touches = Mapping[tuple[str, str], Touch]  # by target and score: one may count for several targets


def leakage_of(
    target: str, scores: Sequence[str], dev_scores: Sequence[str], touches: Touches
) -> Leakage:
    """Return the ``leakage`` of a summary's row: the most of its seeds, and of its choice."""
    for path in (*scores, *dev_scores):
        if (target, path) not in touches:
            raise InputError(f"{path}: not among the scores of leakage.json; run leakage.py again")
    paths = dict.fromkeys(STAGES, scores) | {"choice": dev_scores}

    def most(kind: str, stage: str) -> int:
        counts = [touches[target, path].touched[kind][stage] for path in paths[stage]]
        return max(counts, default=0)

    return {kind: {stage: most(kind, stage) for stage in STAGES} for kind in KINDS}


def in_words(leakage: Leakage) -> str:
    """Return the counts that are not 0, in words."""
    parts = [
        f"{number} {kind.replace('_', ' ')} in {stage}"
        for kind, of_kind in leakage.items()
        for stage, number in of_kind.items()
        if number
    ]
    return ", ".join(parts) or "nothing"


def write_leakage(path: Path, touches: Iterable[Touch], manifests: int) -> None:
    """Write what touched each score, one a line, and how many manifests were read for that."""
    rows = ",\n  ".join(json.dumps(asdict(each)) for each in touches)
    with atomic_path(path) as temporary:
        temporary.write_text(
            f'{{\n "manifests read": {manifests},\n "evaluations": [\n  {rows}\n ]\n}}\n',
            encoding="utf-8",
        )


def read_leakage(path: Path) -> Touches:
    """Return what touched each score; raise ``InputError`` for any other file."""
    rows = typed(LeakageFile, read_object(path, REMEDY), path, REMEDY).evaluations
    return {(each.target, each.score): each for each in rows}


@dataclass(frozen=True)
class LeakageFile:
    """What is read of the file."""

    evaluations: tuple[Touch, ...]
