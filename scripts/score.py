"""Count word and character errors of hypotheses against a manifest's references."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from errors import InputError, run
from files.atomic import atomic_path, check_outputs
from files.manifest import read_jsonl, read_manifest
from records.writing import write_record
from scoring.checks import check_any_words, check_same_ids, sign_of_shuffling
from scoring.word_errors import score
from texts.languages import add_language
from texts.normalise import described


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
