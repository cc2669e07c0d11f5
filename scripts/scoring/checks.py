"""Whether references and hypotheses can be scored at all."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from errors import InputError
from scoring.word_errors import normalised, normalised_pairs

SHUFFLED_TEXTS = 5  # different sentences with others' ids that make a file suspect


def check_same_ids(
    references: Iterable[str],
    hypotheses: Iterable[str],
    references_path: Path,
    hypotheses_path: Path,
) -> None:
    """Refuse a manifest and hypotheses whose ids are not those of the same utterances."""
    wanted, given = set(references), set(hypotheses)
    complaints = [
        f"{len(only)} only in {path}, first {min(only)!r}"
        for only, path in ((wanted - given, references_path), (given - wanted, hypotheses_path))
        if only
    ]
    if complaints:
        raise InputError(
            f"{len(wanted & given)} utterances are in both files, {'; '.join(complaints)};"
            " transcribe this manifest, whole, and score that"
        )


def ids_of(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return the ids of a manifest's or of hypotheses' rows."""
    return [row["id"] for row in rows]


def sign_of_shuffling(
    references: list[dict[str, Any]], hypotheses: list[dict[str, Any]], language: str
) -> str | None:
    """Return what suggests that hypotheses stand under other utterances' ids, or ``None``.

    That is so if more of them are word for word the reference of another utterance than their own.
    A text counts at most as often as it is a reference, and not if it is a single word: a bad
    model says one thing again and again, or takes one short command for another. It is a sign and
    no proof: a bad model of repetitive commands may give it too.
    """
    true, recognised = normalised_pairs(references, hypotheses, language)
    sentences = Counter(text for text in true if " " in text)
    right: Counter[str] = Counter()
    elsewhere: Counter[str] = Counter()
    for reference, hypothesis in zip(true, recognised, strict=True):
        (right if hypothesis == reference else elsewhere)[hypothesis] += 1
    right, elsewhere = right & sentences, elsewhere & sentences
    if len(elsewhere) < SHUFFLED_TEXTS or elsewhere.total() <= right.total():
        return None
    first = next(
        row["id"]
        for row, reference, hypothesis in zip(references, true, recognised, strict=True)
        if hypothesis != reference and hypothesis in elsewhere
    )
    return (
        f"the hypotheses seem shuffled: {elsewhere.total()} are word for word the reference"
        f" of another utterance, first that of {first!r}, and {right.total()} that of their own"
    )


def check_any_words(references: list[dict[str, Any]], path: Path, language: str) -> None:
    """Refuse references without a single word: an error rate would divide by zero."""
    if not any(normalised(row["text"], language) for row in references):
        raise InputError(
            f"{path}: none of its {len(references)} references has a word left after"
            " normalisation; a word error rate needs at least one"
        )
