"""Count word and character errors of hypotheses against a manifest's references."""

import argparse
import json
from pathlib import Path
from typing import Any

import jiwer

import lineage
from atomic import atomic_path
from errors import InputError, run
from manifest import read_jsonl, read_manifest
from normalise import normalise

ERRORS = ("substitutions", "deletions", "insertions")
OPERATIONS = {"substitute": "substitutions", "delete": "deletions", "insert": "insertions"}
NOT_CARRIED = ("audio_filepath", "text")


def align(references: list[str], hypotheses: list[str], unit: str) -> list[dict[str, int]]:
    """Return the counts of each pair of normalised texts; ``unit`` is "words" or "characters".

    A character is any, spaces between words included. An empty reference counts 0 units, and every
    unit of its hypothesis is an insertion.
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


def score(references: list[dict], hypotheses: list[dict]) -> dict[str, Any]:
    """Return counts, the rates that follow from them, and the counts of each utterance.

    Both sides are normalised. Rates are fractions, pooled: all errors over all reference units.
    ``wer_against_raw_references`` is what the published scripts compute, and no measure of errors:
    normalised hypotheses against raw references, so that "nine am" for "9 am" is wrong.
    """
    text_of = {row["id"]: normalise(row["text"]) for row in hypotheses}
    expected = [normalise(row["text"]) for row in references]
    found = [text_of[row["id"]] for row in references]
    words = align(expected, found, "words")
    characters = align(expected, found, "characters")
    utterances = []
    for reference, of_words, of_characters in zip(references, words, characters, strict=True):
        carried = {key: value for key, value in reference.items() if key not in NOT_CARRIED}
        utterances.append(
            carried
            | {key: of_words[key] for key in (*ERRORS, "reference_words")}
            | {
                "character_errors": sum(of_characters[error] for error in ERRORS),
                "reference_characters": of_characters["reference_characters"],
            }
        )
    totals = {"words": total(words), "characters": total(characters)}
    return {
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


def total(rows: list[dict[str, int]]) -> dict[str, int]:
    """Return the sums of rows of counts."""
    return {key: sum(row[key] for row in rows) for key in rows[0]}


def error_rate(counts: dict[str, int], unit: str) -> float:
    """Return (S + D + I) / N, a fraction that insertions can carry above 1."""
    return sum(counts[error] for error in ERRORS) / counts[f"reference_{unit}"]


def check_same_ids(
    references: list[dict], hypotheses: list[dict], references_path: Path, hypotheses_path: Path
) -> None:
    """Refuse a manifest and hypotheses that are not about the same utterances."""
    expected, found = ({row["id"] for row in rows} for rows in (references, hypotheses))
    complaints = [
        f"{len(only)} only in {path}, first {min(only)!r}"
        for only, path in (
            (expected - found, references_path),
            (found - expected, hypotheses_path),
        )
        if only
    ]
    if complaints:
        raise InputError(
            f"{len(expected & found)} utterances are in both files, {'; '.join(complaints)};"
            " transcribe this manifest, whole, and score that"
        )


def check_any_words(references: list[dict], path: Path) -> None:
    """Refuse references without a single word: an error rate would divide by zero."""
    if not any(normalise(row["text"]) for row in references):
        raise InputError(
            f"{path}: none of its {len(references)} references has a word left after"
            " normalisation; a word error rate needs at least one"
        )


def write_score(path: Path, result: dict[str, Any]) -> None:
    """Write a score as JSON, with one line per utterance."""
    head = json.dumps({k: v for k, v in result.items() if k != "per_utterance"}, indent=1)
    rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in result["per_utterance"])
    with atomic_path(path) as temporary:
        temporary.write_text(
            f'{head[:-2]},\n "per_utterance": [\n  {rows}\n ]\n}}\n', encoding="utf-8"
        )


def main(argv: list[str] | None = None) -> None:
    """Score hypotheses of one manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--references", type=Path, required=True, help="manifest (JSON lines) with the true texts"
    )
    parser.add_argument(
        "--hypotheses",
        type=Path,
        nargs="+",
        required=True,
        help="JSON lines with id and raw text; several files are scored one by one",
    )
    parser.add_argument(
        "--output",
        type=Path,
        nargs="+",
        required=True,
        help="score to write (JSON; rates are fractions), one for each file of hypotheses",
    )
    options = parser.parse_args(argv)
    if len(options.hypotheses) != len(options.output):
        raise InputError(
            f"{len(options.hypotheses)} files of hypotheses and {len(options.output)} outputs;"
            " give as many --output as --hypotheses, in the same order"
        )
    references = read_manifest(options.references)
    check_any_words(references, options.references)
    for path, output in zip(options.hypotheses, options.output, strict=True):
        hypotheses = read_jsonl(path)
        check_same_ids(references, hypotheses, options.references, path)
        result = score(references, hypotheses)
        write_score(output, result)
        print(
            f"{path}: WER {result['wer']:.2%}, CER {result['cer']:.2%}:"
            f" {result['utterances']} utterances, {result['words']['reference_words']} words"
        )
        inputs = [options.references, path]
        lineage.record(__file__, [output], inputs, {"normaliser": "whisper-normalizer"})


if __name__ == "__main__":
    run(main)
