"""Word and character errors of hypotheses against references: counts, and the rates that follow."""

import functools
from typing import Any

import jiwer

from texts.normalise import WITHOUT_SPACES, described, normalise

ERRORS = ("substitutions", "deletions", "insertions")
OPERATIONS = {"substitute": "substitutions", "delete": "deletions", "insert": "insertions"}
NOT_CARRIED = ("audio_filepath", "text", "raw_text", "spoken")


def align(references: list[str], hypotheses: list[str], unit: str) -> list[dict[str, int]]:
    """Return the counts of each pair of normalised texts; ``unit`` is "words" or "characters".

    A character is any, spaces between words included. An empty reference counts 0 units, and every
    unit of its hypothesis is an insertion. The total of errors is the least possible (Levenshtein).
    NIST's sclite makes a substitution cost 4, the others 3: it may split the same total otherwise,
    and counts a little more where texts have hardly a word in common.
    """
    if unit == "words":
        found = jiwer.process_words(references, hypotheses)
    else:
        found = jiwer.process_characters(references, hypotheses)
    rows = []
    for reference, chunks in zip(found.references, found.alignments, strict=True):
        row = dict.fromkeys(ERRORS, 0)
        for chunk in chunks:
            if chunk.type != "equal":
                row[OPERATIONS[chunk.type]] += max(
                    chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx
                )
        hits = len(reference) - row["substitutions"] - row["deletions"]
        rows.append({**row, "hits": hits, f"reference_{unit}": len(reference)})
    return rows


def score(references: list[dict], hypotheses: list[dict], language: str) -> dict[str, Any]:
    """Return counts, the rates that follow from them, and the counts of each utterance.

    Both sides are normalised, as ``language`` needs it. Rates are fractions, pooled: all errors
    over all reference units. ``wer_against_raw_references`` is what the published scripts compute,
    and no measure of errors: normalised hypotheses against raw references, so that "nine am" for
    "9 am" is wrong.
    """
    expected, found = normalised_pairs(references, hypotheses, language)
    words = align(expected, found, "words")
    characters = align(
        [spelt(text, language) for text in expected],
        [spelt(text, language) for text in found],
        "characters",
    )
    utterances = []
    for reference, text, of_words, of_characters in zip(
        references, expected, words, characters, strict=True
    ):
        carried = {key: value for key, value in reference.items() if key not in NOT_CARRIED}
        utterances.append(
            carried
            | {"reference": text}
            | {key: of_words[key] for key in (*ERRORS, "reference_words")}
            | {
                "character_errors": sum(of_characters[error] for error in ERRORS),
                "reference_characters": of_characters["reference_characters"],
            }
        )
    totals = {"words": total(words), "characters": total(characters)}
    return {
        "language": language,
        "normaliser": described(language),
        "utterances": len(references),
        **totals,
        "empty_references": sum(row["reference_words"] == 0 for row in words),
        "insertions_against_empty_references": sum(
            row["insertions"] for row in words if row["reference_words"] == 0
        ),
        "wer": error_rate(totals["words"], "words"),
        "cer": error_rate(totals["characters"], "characters"),
        "wer_against_raw_references": jiwer.wer([row["text"] for row in references], found),
        "per_utterance": utterances,
    }


def normalised_pairs(
    references: list[dict], hypotheses: list[dict], language: str
) -> tuple[list[str], list[str]]:
    """Return the normalised references, and in their order the normalised hypotheses."""
    text_of = {row["id"]: normalised(row["text"], language) for row in hypotheses}
    expected = [normalised(row["text"], language) for row in references]
    return expected, [text_of[row["id"]] for row in references]


@functools.cache
def normalised(text: str, language: str) -> str:
    """Return what ``normalise`` does, which takes 0.2 ms: a sentence is read, and scored, often."""
    return normalise(text, language)


def spelt(text: str, language: str) -> str:
    """Return the characters of a normalised text: spaces count only where the language has them."""
    return text.replace(" ", "") if language in WITHOUT_SPACES else text


def total(rows: list[dict[str, int]]) -> dict[str, int]:
    """Return the sums of rows of counts."""
    return {key: sum(row[key] for row in rows) for key in rows[0]}


def error_rate(counts: dict[str, int], unit: str) -> float:
    """Return (S + D + I) / N, a fraction that insertions can carry above 1."""
    return sum(counts[error] for error in ERRORS) / counts[f"reference_{unit}"]
