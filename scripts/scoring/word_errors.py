"""Word and character errors of hypotheses against references: counts, and the rates that follow."""

import functools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import jiwer

from scoring.score_file import ErrorCounts, Score, ScoredUtterance
from texts.normalise import WITHOUT_SPACES, described, normalise

NOT_CARRIED = ("audio_filepath", "text", "raw_text", "spoken", "pronounced")


def align(references: list[str], hypotheses: list[str], unit: str) -> list[ErrorCounts]:
    """Return the counts of each pair of normalised texts; ``unit`` is "words" or "characters".

    A character is any, spaces between words included. An empty reference counts 0 units, and every
    unit of its hypothesis is an insertion. The total of errors is the least possible (Levenshtein).
    NIST's sclite makes a substitution cost 4, the others 3: it may split the same total otherwise,
    and counts a little more where texts have hardly a word in common.
    """
    process = jiwer.process_words if unit == "words" else jiwer.process_characters
    aligned = process(references, hypotheses)
    rows = []
    for reference, chunks in zip(aligned.references, aligned.alignments, strict=True):
        count: Counter[str] = Counter()
        for chunk in chunks:
            count[chunk.type] += max(
                chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx
            )
        rows.append(
            ErrorCounts(
                substitutions=count["substitute"],
                deletions=count["delete"],
                insertions=count["insert"],
                hits=len(reference) - count["substitute"] - count["delete"],
                reference=len(reference),
            )
        )
    return rows


def score(
    references: Sequence[dict[str, Any]], hypotheses: Sequence[dict[str, Any]], language: str
) -> Score:
    """Return counts, the rates that follow from them, and the counts of each utterance.

    Both sides are normalised, as ``language`` needs it. Rates are fractions, pooled: all errors
    over all reference units. ``wer_against_raw_references`` is what the published scripts compute,
    and no measure of errors: normalised hypotheses against raw references, so that "nine am" for
    "9 am" is wrong.
    """
    true, recognised = normalised_pairs(references, hypotheses, language)
    words = align(true, recognised, "words")
    characters = align(
        [spelt(text, language) for text in true],
        [spelt(text, language) for text in recognised],
        "characters",
    )
    utterances = tuple(
        ScoredUtterance(
            id=row["id"],
            manifest={key: value for key, value in row.items() if key not in NOT_CARRIED},
            reference=text,
            substitutions=of_words.substitutions,
            deletions=of_words.deletions,
            insertions=of_words.insertions,
            reference_words=of_words.reference,
            character_errors=of_characters.errors,
            reference_characters=of_characters.reference,
        )
        for row, text, of_words, of_characters in zip(
            references, true, words, characters, strict=True
        )
    )
    in_words, in_characters = ErrorCounts.total(words), ErrorCounts.total(characters)
    empty = [row for row in words if row.reference == 0]
    return Score(
        language=language,
        normaliser=described(language),
        utterances=len(references),
        words=in_words,
        characters=in_characters,
        empty_references=len(empty),
        insertions_against_empty_references=sum(row.insertions for row in empty),
        wer=in_words.rate,
        cer=in_characters.rate,
        wer_against_raw_references=jiwer.wer([row["text"] for row in references], recognised),
        per_utterance=utterances,
        decoded_again=sum(row.get("decoded_again", False) for row in hypotheses),
    )


def normalised_pairs(
    references: Sequence[dict[str, Any]], hypotheses: Sequence[dict[str, Any]], language: str
) -> tuple[list[str], list[str]]:
    """Return the normalised references, and in their order the normalised hypotheses."""
    text_of = {row["id"]: normalised(row["text"], language) for row in hypotheses}
    true = [normalised(row["text"], language) for row in references]
    return true, [text_of[row["id"]] for row in references]


@functools.cache
def normalised(text: str, language: str) -> str:
    """Return what ``normalise`` does, which takes 0.2 ms: a sentence is read, and scored, often."""
    return normalise(text, language)


def spelt(text: str, language: str) -> str:
    """Return the characters of a normalised text: spaces count only where the language has them."""
    return text.replace(" ", "") if language in WITHOUT_SPACES else text
