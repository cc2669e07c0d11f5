"""Normalised words of a reference and a hypothesis, laid side by side with the fewest errors.

Texts are normalised by the caller (texts/normalise.py); words are what spaces separate.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import jiwer

from scoring.breakdown_file import Piece
from scoring.word_errors import align, spelt

KINDS = {"equal": "", "substitute": "wrong", "insert": "added", "delete": "missed"}


class WordError(NamedTuple):
    """A substituted, missed (``hypothesis`` is null) or added word (``reference`` is null).

    ``position`` is the number of reference words before it.
    """

    reference: str | None
    hypothesis: str | None
    position: int


def word_errors(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[WordError]]:
    """Return the errors of each distinct pair of reference and hypothesis, from left to right.

    Each pair is aligned once, and one that is equal not at all.
    """
    errors: dict[tuple[str, str], list[WordError]] = {pair: [] for pair in pairs}
    different = [pair for pair in errors if pair[0] != pair[1]]
    if not different:
        return errors
    aligned = jiwer.process_words([pair[0] for pair in different], [pair[1] for pair in different])
    for pair, reference, hypothesis, chunks in zip(
        different, aligned.references, aligned.hypotheses, aligned.alignments, strict=True
    ):
        errors[pair] = [
            error
            for chunk in chunks
            if chunk.type != "equal"
            for error in errors_of(chunk, reference, hypothesis)
        ]
    return errors


def errors_of(
    chunk: jiwer.AlignmentChunk, reference: list[str], hypothesis: list[str]
) -> list[WordError]:
    """Return the errors of a part of an alignment that is all of one kind, word by word."""
    count = max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)
    nothing: list[str | None] = [None] * count
    true = [*reference[chunk.ref_start_idx : chunk.ref_end_idx]] or nothing
    recognised = [*hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]] or nothing
    step = 0 if chunk.type == "insert" else 1
    return [
        WordError(words[0], words[1], chunk.ref_start_idx + step * index)
        for index, words in enumerate(zip(true, recognised, strict=True))
    ]


def character_errors(
    pairs: Collection[tuple[str, str]], language: str
) -> dict[tuple[str, str], int]:
    """Return the number of character errors of each (reference, hypothesis)."""
    if not pairs:
        return {}
    references, hypotheses = (
        [spelt(text, language) for text in side] for side in zip(*pairs, strict=True)
    )
    counts = align(references, hypotheses, "characters")
    return {pair: of_pair.errors for pair, of_pair in zip(pairs, counts, strict=True)}


def pieces(reference: str, hypothesis: str) -> list[Piece]:
    """Return the hypothesis in pieces that are right, wrong, added or (the reference's) missed."""
    aligned = jiwer.process_words([reference], [hypothesis])
    parts = []
    for chunk in aligned.alignments[0]:
        words = aligned.hypotheses[0][chunk.hyp_start_idx : chunk.hyp_end_idx]
        if chunk.type == "delete":
            words = aligned.references[0][chunk.ref_start_idx : chunk.ref_end_idx]
        parts.append(Piece(KINDS[chunk.type], " ".join(words)))
    return parts
