"""Hypotheses held to what a judge heard, who may not know the words of the domain.

A larger pretrained model mishears a word that it never met as the smaller one does, so that the
model that has learnt it would disagree most where it is right. A word of the domain's texts that
the judge wrote nowhere is unknown to it, and no disagreement in the place of another.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from scoring.alignment import WordError, word_errors
from scoring.word_errors import normalised, normalised_pairs


def words_of(rows: Iterable[dict[str, Any]], language: str) -> set[str]:
    """Return the normalised words of texts."""
    return {word for row in rows for word in normalised(row["text"], language).split()}


def excused(
    judged: Sequence[dict[str, Any]],
    hypotheses: Sequence[dict[str, Any]],
    unknown: Collection[str],
    language: str,
) -> list[dict[str, Any]]:
    """Return the hypotheses with the judge's word wherever an ``unknown`` one stands in its place.

    ``judged`` are the utterances with what the judge heard. Hypotheses without such a word stay as
    they are; of the others the text is normalised.
    """
    references, heard = normalised_pairs(judged, hypotheses, language)
    pairs = list(zip(references, heard, strict=True))
    errors = word_errors(pairs)
    of_id = {row["id"]: row for row in hypotheses}
    rows = []
    for utterance, pair in zip(judged, pairs, strict=True):
        wrong = [e for e in errors[pair] if not (e.reference and e.hypothesis in unknown)]
        row = of_id[utterance["id"]]
        is_same = len(wrong) == len(errors[pair])
        rows.append(row if is_same else row | {"text": with_errors(pair[0], wrong)})
    return rows


def with_errors(reference: str, errors: Iterable[WordError]) -> str:
    """Return the hypothesis that has these errors, from left to right, against a reference."""
    words = reference.split()
    said: list[str] = []
    position = 0
    for error in errors:
        said += words[position : error.position]
        said += [error.hypothesis] if error.hypothesis else []
        position = error.position + (error.reference is not None)
    return " ".join(said + words[position:])
