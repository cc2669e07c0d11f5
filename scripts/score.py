"""Count word and character errors of hypotheses against a manifest's references."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from errors import InputError, run
from files.atomic import check_outputs
from files.manifest import read_jsonl, read_manifest
from options import Parser
from recognisers.repetition import is_repetitive
from records.writing import write_record
from scoring.checks import check_any_words, check_same_ids, ids_of, sign_of_shuffling
from scoring.score_file import write_score
from scoring.word_errors import score
from texts.languages import add_language
from texts.normalise import described


def endless_repetitions(references: Sequence[dict], hypotheses: Sequence[dict]) -> int:
    """Return how many hypotheses are endless repetitions, or were before they were decoded again.

    The number is that of the first decoding, whether or not its repetitions are guarded against.
    """
    duration_of = {row["id"]: row["duration"] for row in references}
    return sum(
        row.get("decoded_again", False) or is_repetitive(row["text"], duration_of[row["id"]])
        for row in hypotheses
    )


def main(argv: list[str] | None = None) -> None:
    """Score hypotheses of one manifest."""
    parser = Parser(description=__doc__)
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
        check_same_ids(ids_of(references), ids_of(hypotheses), options.references, path)
        result = replace(
            score(references, hypotheses, options.language),
            decoded_again=endless_repetitions(references, hypotheses),  # flagged or not
        )
        if sign := sign_of_shuffling(references, hypotheses, options.language):
            result = replace(result, warnings=(sign,))
            print(f"warning: {path}: {sign}", file=sys.stderr)
        write_score(output, result)
        print(
            f"{path}: WER {result.wer:.2%}, CER {result.cer:.2%}:"
            f" {result.utterances} utterances, {result.words.reference} words"
        )
        inputs = [options.references, path]
        settings = {"language": options.language, "normaliser": described(options.language)}
        write_record(__file__, [output], inputs, settings)


if __name__ == "__main__":
    run(main)
