"""What an exported model does on a test set, beside the checkpoint that it was made from."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from errors import InputError
from files.atomic import atomic_path
from files.json_file import read_json
from files.typed_json import typed
from scoring.bootstrap import CONFIDENCE, interval, resampled_rates
from scoring.differences import Difference
from scoring.score_file import ErrorCounts, Score, drawn_with


@dataclass(frozen=True)
class Errors:
    """The word errors of a model, and the rate (a fraction) that follows."""

    words: ErrorCounts
    wer: float


@dataclass(frozen=True)
class Measured:
    """An exported model's word errors, and those of its checkpoint, on the same utterances.

    ``bytes`` are those of its files, ``precision`` is that of the library's products on a CPU.
    ``difference`` is ``after`` without ``before``, its interval of ``confidence`` that over drawn
    test sets; ``changed_texts`` counts the utterances that it writes otherwise. ``with_hints`` is
    null where the domain has no key terms.
    """

    checkpoint: str
    format: str
    bytes: int
    packages: dict[str, str]
    precision: str
    manifest: str
    utterances: int
    before: Errors
    after: Errors
    with_hints: Errors | None
    difference: Difference
    confidence: float
    changed_texts: int


def errors_of(score: Score) -> Errors:
    """Return the word errors of a score."""
    return Errors(score.words, score.wer)


def paired(before: Score, after: Score, by: str, path: Path) -> Difference:
    """Return how much higher the second WER is, ``by`` what is drawn (see ``bootstrap.UNITS``)."""
    words = np.array([each.reference_words for each in before.per_utterance])
    errors = np.array([[each.word_errors for each in s.per_utterance] for s in (before, after)])
    units = drawn_with(before.per_utterance, by, path)
    try:
        rates = resampled_rates(errors, words, units)
    except ValueError as error:
        raise InputError(f"{path}: {error}; measure on more utterances with words") from None
    return Difference(after.wer - before.wer, interval(rates[1] - rates[0], CONFIDENCE))


def count_changed(before: Sequence[str], after: Sequence[str]) -> int:
    """Return how many texts are others, spaces around them aside."""
    return sum(a.strip() != b.strip() for a, b in zip(before, after, strict=True))


def write_measured(path: Path, measured: Measured) -> None:
    """Write the numbers as JSON."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(asdict(measured), indent=1) + "\n", encoding="utf-8")


def read_measured(path: Path) -> Measured:
    """Return the numbers of a file; raise ``InputError`` for any other."""
    return typed(Measured, read_json(path, "export again"), path, "export again")
