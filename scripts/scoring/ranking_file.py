"""What ranking.json holds: an experiment's methods over all its targets, the best first.

Rates and differences are fractions, intervals their lower and upper bound.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from files.atomic import atomic_path
from files.json_file import read_json
from files.typed_json import typed
from scoring.differences import Comparison, Interval


@dataclass(frozen=True)
class RankedMethod:
    """An arm of a base model, on the test sets of all targets together.

    ``uses`` is what its models were made from. ``versus_pretrained`` is null of the pretrained
    model. ``seconds_of_training`` is what the trainings of its models took, and of its task
    vectors', each counted once: the mean over the seeds, of all targets.
    """

    label: str
    arm: str
    base: str
    uses: tuple[str, ...]
    seeds: int
    wer: float
    wer_interval: Interval
    versus_pretrained: Comparison | None
    seconds_of_training: float


@dataclass(frozen=True)
class Ranking:
    """The methods of an experiment that were tested on every target, by WER."""

    targets: tuple[str, ...]
    utterances: int
    words: int
    confidence: float
    methods: tuple[RankedMethod, ...]


def write_ranking(path: Path, ranking: Ranking) -> None:
    """Write a ranking as JSON."""
    with atomic_path(path) as temporary:
        text = json.dumps(asdict(ranking), indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_ranking(path: Path) -> Ranking:
    """Return a ranking; raise ``InputError`` for any other file."""
    remedy = "write it with rank.py"
    return typed(Ranking, read_json(path, remedy), path, remedy)
