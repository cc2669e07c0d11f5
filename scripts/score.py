"""Count word and character errors of hypotheses against a manifest's references."""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from errors import InputError, run
from files.atomic import atomic_path, check_outputs
from files.manifest import read_jsonl, read_manifest
from records.record import write_record
from scoring.word_errors import normalised, normalised_pairs, score
from texts.languages import add_language
from texts.normalise import described

SHUFFLED_TEXTS = 5  # different sentences with others' ids that make a file suspect


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


def sign_of_shuffling(references: list[dict], hypotheses: list[dict], language: str) -> str | None:
    """Return what suggests that hypotheses stand under other utterances' ids, or ``None``.

    That is so if more of them are word for word the reference of another utterance than their own.
    A text counts at most as often as it is a reference, and not if it is a single word: a bad
    model says one thing again and again, or takes one short command for another. It is a sign and
    no proof: a bad model of repetitive commands may give it too.
    """
    expected, found = normalised_pairs(references, hypotheses, language)
    said = Counter(text for text in expected if " " in text)
    right, elsewhere = Counter(), Counter()
    for reference, hypothesis in zip(expected, found, strict=True):
        (right if hypothesis == reference else elsewhere)[hypothesis] += 1
    right, elsewhere = right & said, elsewhere & said
    if len(elsewhere) < SHUFFLED_TEXTS or elsewhere.total() <= right.total():
        return None
    first = next(
        row["id"]
        for row, reference, hypothesis in zip(references, expected, found, strict=True)
        if hypothesis != reference and hypothesis in elsewhere
    )
    return (
        f"the hypotheses seem shuffled: {elsewhere.total()} are word for word the reference"
        f" of another utterance, first that of {first!r}, and {right.total()} that of their own"
    )


def check_any_words(references: list[dict], path: Path, language: str) -> None:
    """Refuse references without a single word: an error rate would divide by zero."""
    if not any(normalised(row["text"], language) for row in references):
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
    add_language(parser)
    options = parser.parse_args(argv)
    if len(options.hypotheses) != len(options.output):
        raise InputError(
            f"{len(options.hypotheses)} files of hypotheses and {len(options.output)} outputs;"
            " give as many --output as --hypotheses, in the same order"
        )
    check_outputs(options.output, [options.references, *options.hypotheses])
    references = read_manifest(options.references)
    check_any_words(references, options.references, options.language)
    for path, output in zip(options.hypotheses, options.output, strict=True):
        hypotheses = read_jsonl(path)
        check_same_ids(references, hypotheses, options.references, path)
        result = score(references, hypotheses, options.language)
        if sign := sign_of_shuffling(references, hypotheses, options.language):
            result["warnings"] = [sign]
            print(f"warning: {path}: {sign}", file=sys.stderr)
        write_score(output, result)
        print(
            f"{path}: WER {result['wer']:.2%}, CER {result['cer']:.2%}:"
            f" {result['utterances']} utterances, {result['words']['reference_words']} words"
        )
        inputs = [options.references, path]
        settings = {"language": options.language, "normaliser": described(options.language)}
        write_record(__file__, [output], inputs, settings)


if __name__ == "__main__":
    run(main)
