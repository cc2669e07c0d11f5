"""What a score file holds: counts of errors, the rates that follow, and each utterance's counts."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from errors import InputError
from files.atomic import atomic_path
from files.json_file import read_json
from files.typed_json import typed
from scoring.bootstrap import units_of

UNITS = ("words", "characters")
REMEDY = "score the hypotheses again"


@dataclass(frozen=True)
class ErrorCounts:
    """Errors in words or characters; ``reference`` is how many of them the references have."""

    substitutions: int
    deletions: int
    insertions: int
    hits: int
    reference: int

    @property
    def errors(self) -> int:
        """All errors: the Levenshtein distance."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """(S + D + I) / N, a fraction that insertions can carry above 1."""
        return self.errors / self.reference

    @classmethod
    def total(cls, counts: Iterable["ErrorCounts"]) -> "ErrorCounts":
        """Return the sums of counts."""
        columns = zip(*(tuple(vars(each).values()) for each in counts), strict=True)
        return cls(*map(sum, columns))


@dataclass(frozen=True)
class ScoredUtterance:
    """An utterance's errors; ``manifest`` is what else its manifest says of it.

    ``reference`` is its normalised text.
    """

    id: str
    manifest: dict[str, Any]
    reference: str
    substitutions: int
    deletions: int
    insertions: int
    reference_words: int
    character_errors: int
    reference_characters: int

    @property
    def word_errors(self) -> int:
        """All errors in words."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def speaker(self) -> str | None:
        """Who speaks, if the manifest says so."""
        return self.manifest.get("speaker")


@dataclass(frozen=True)
class Score:
    """The errors of some hypotheses; rates are fractions, pooled over all utterances.

    ``wer_against_raw_references`` compares normalised hypotheses with raw references;
    ``warnings`` say why the numbers may be wrong; ``decoded_again`` counts the hypotheses that were
    endless repetitions at first, and are still, where nothing guards against them.
    """

    language: str
    normaliser: str
    utterances: int
    words: ErrorCounts
    characters: ErrorCounts
    empty_references: int
    insertions_against_empty_references: int
    wer: float
    cer: float
    wer_against_raw_references: float
    per_utterance: tuple[ScoredUtterance, ...]
    warnings: tuple[str, ...] = ()
    decoded_again: int = 0


OF_UTTERANCE = tuple(f.name for f in fields(ScoredUtterance) if f.name not in ("id", "manifest"))


def write_score(path: Path, score: Score) -> None:
    """Write a score as JSON, with one line per utterance."""
    content = asdict(replace(score, per_utterance=()))
    del content["per_utterance"]
    for unit in UNITS:
        content[unit][f"reference_{unit}"] = content[unit].pop("reference")
    for name in ("warnings", "decoded_again"):
        if not content[name]:
            del content[name]
    head = json.dumps(content, indent=1)
    rows = ",\n  ".join(
        json.dumps(utterance_json(each), ensure_ascii=False) for each in score.per_utterance
    )
    with atomic_path(path) as temporary:
        temporary.write_text(
            f'{head[:-2]},\n "per_utterance": [\n  {rows}\n ]\n}}\n', encoding="utf-8"
        )


def utterance_json(utterance: ScoredUtterance) -> dict[str, Any]:
    """Return an utterance's line: what its manifest says, and its counts."""
    return {**utterance.manifest, **{name: getattr(utterance, name) for name in OF_UTTERANCE}}


def read_score(path: str | Path) -> Score:
    """Return a score file's content; raise ``InputError`` for any other file."""
    content = read_json(path, "score it again")
    if not isinstance(content, dict) or not content.get("per_utterance"):
        raise InputError(f"{path}: no score file: it has no per_utterance; write it with score.py")
    rows = content["per_utterance"]
    lacking = [row["id"] for row in rows if "reference" not in row]
    if lacking:
        raise InputError(
            f"{path}: {len(lacking)} utterances have no reference, first {lacking[0]!r}: an older"
            " score.py wrote it; score the hypotheses again"
        )
    for unit in UNITS:
        counts = content.get(unit, {})
        content[unit] = counts | {"reference": counts.get(f"reference_{unit}")}
    content["per_utterance"] = [
        row | {"manifest": {key: row[key] for key in row if key not in OF_UTTERANCE}}
        for row in rows
    ]
    return typed(Score, content, path, REMEDY)


def in_order(utterances: Iterable[ScoredUtterance]) -> tuple[ScoredUtterance, ...]:
    """Return utterances in the order of their ids, so that the same ones are drawn for all."""
    return tuple(sorted(utterances, key=lambda each: each.id))


def drawn_with(
    utterances: Sequence[ScoredUtterance], by: str, path: str | Path
) -> list[str] | None:
    """Return the unit that each utterance is drawn with (see ``bootstrap.units_of``)."""
    ids, references, speakers = (
        [getattr(each, name) for each in utterances] for name in ("id", "reference", "speaker")
    )
    return units_of(by, path, ids, references, speakers)
