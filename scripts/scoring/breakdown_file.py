"""What breakdown.json holds: where the errors of each target's arms are.

Rates and differences are fractions, intervals their lower and upper bound, null where too few
units have words. What is listed by arm is in the order of ``TargetBreakdown.arms``. The file is
these dataclasses, key by key in the order of their fields.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from files.atomic import atomic_path
from files.json_file import read_json
from files.typed_json import typed
from scoring.differences import Interval


@dataclass(frozen=True)
class Wer:
    """A WER, null without reference words."""

    wer: float | None
    interval: Interval | None


@dataclass(frozen=True)
class WerAndCer(Wer):
    """WER and CER of the same utterances."""

    cer: float | None
    cer_interval: Interval | None


@dataclass(frozen=True)
class EntityErrorRate:
    """The share of entities that have an error."""

    error_rate: float | None
    interval: Interval | None


@dataclass(frozen=True)
class RoughDifference:
    """A paired difference from the first arm, whose interval may be unknown."""

    difference: float
    interval: Interval | None


@dataclass(frozen=True)
class ValueRow:
    """The utterances that have one value of a manifest's key, arm by arm."""

    value: str
    utterances: int
    words: int
    cells: tuple[WerAndCer, ...]
    versus_first: tuple[RoughDifference | None, ...]


@dataclass(frozen=True)
class ValueTable:
    """The rows of a manifest's key, or of "length"; ``left_out`` is how many rarer values are."""

    by: str
    rows: tuple[ValueRow, ...]
    left_out: int


@dataclass(frozen=True)
class WordGroup:
    """Reference words that were, or were not, in the source's training texts."""

    words: int
    cells: tuple[Wer, ...]


@dataclass(frozen=True)
class RareWords:
    """B-WER (unseen) and U-WER (seen); ``vocabulary`` is how many different words were seen."""

    vocabulary: int
    unseen: WordGroup
    seen: WordGroup


@dataclass(frozen=True)
class EntityType:
    """Entities of one type."""

    type: str
    entities: int
    cells: tuple[EntityErrorRate, ...]


@dataclass(frozen=True)
class Entities:
    """All entities; ``not_found`` is how many annotated ones are not among the words."""

    entities: int
    not_found: int
    cells: tuple[EntityErrorRate, ...]
    by_type: tuple[EntityType, ...]


@dataclass(frozen=True)
class Substitution:
    """A word that is recognised as another, ``count`` times (mean over the seeds)."""

    reference: str
    hypothesis: str
    count: float

    @property
    def words(self) -> tuple[str, ...]:
        """The words, as they are shown."""
        return self.reference, self.hypothesis


@dataclass(frozen=True)
class Deletion:
    """A word that is missed."""

    reference: str
    count: float

    @property
    def words(self) -> tuple[str, ...]:
        """The word, as it is shown."""
        return (self.reference,)


@dataclass(frozen=True)
class Insertion:
    """A word that is added."""

    hypothesis: str
    count: float

    @property
    def words(self) -> tuple[str, ...]:
        """The word, as it is shown."""
        return (self.hypothesis,)


@dataclass(frozen=True)
class Confusions:
    """An arm's most frequent errors."""

    substitutions: tuple[Substitution, ...]
    deletions: tuple[Deletion, ...]
    insertions: tuple[Insertion, ...]


@dataclass(frozen=True)
class Piece:
    """Words of a hypothesis: right (""), "wrong", "added", or "missed" ones of the reference."""

    kind: str
    text: str


@dataclass(frozen=True)
class ArmText:
    """What an arm's first seed recognised in an utterance, and its number of errors."""

    arm: str
    errors: int
    words: tuple[Piece, ...]


@dataclass(frozen=True)
class ChangedUtterance:
    """An utterance whose errors changed by ``change``; ``duration`` is in s."""

    id: str
    change: int
    reference: str
    audio_filepath: str
    duration: float
    heard: tuple[ArmText, ...]


@dataclass(frozen=True)
class TargetBreakdown:
    """A target's breakdown; ``changed`` are utterances that changed most between two arms."""

    name: str
    arms: tuple[str, ...]
    tables: tuple[ValueTable, ...]
    rare_words: RareWords | None
    entities: Entities | None
    confusions: tuple[Confusions, ...]
    changed_between: tuple[str, str] | None
    changed: tuple[ChangedUtterance, ...]


@dataclass(frozen=True)
class Breakdown:
    """The breakdown of an experiment's tested targets."""

    targets: tuple[TargetBreakdown, ...]


def write_breakdown(path: Path, targets: Iterable[TargetBreakdown]) -> None:
    """Write a breakdown as JSON."""
    with atomic_path(path) as temporary:
        text = json.dumps(asdict(Breakdown(tuple(targets))), indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_breakdown(path: Path) -> Breakdown:
    """Return a breakdown; raise ``InputError`` for any other file."""
    remedy = "write it with breakdown.py"
    return typed(Breakdown, read_json(path, remedy), path, remedy)
