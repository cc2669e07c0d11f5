"""Count where hypotheses of untranscribed recordings differ from what a judge heard: scores.

A word of the domain's texts that the judge wrote nowhere is no difference in the place of another.
"""

import argparse
from pathlib import Path

from errors import InputError, run
from files.atomic import check_outputs
from files.manifest import read_jsonl, read_manifest, read_texts
from records.writing import write_record
from scoring.checks import check_any_words, check_same_ids, ids_of
from scoring.score_file import write_score
from scoring.unknown_words import excused, words_of
from scoring.word_errors import score
from texts.languages import add_language
from texts.normalise import described


def main(argv: list[str] | None = None) -> None:
    """Score hypotheses of one manifest against its judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--references", type=Path, required=True, help="manifest with the judge's texts (label.py)")
    add("--texts", type=Path, required=True, help="texts of the domain (JSON lines)")
    add("--hypotheses", type=Path, nargs="+", required=True, help="JSON lines with id and text")
    add(
        "--output", type=Path, nargs="+", required=True, help="score to write, one for each of them"
    )
    add_language(parser)
    options = parser.parse_args(argv)
    if len(options.hypotheses) != len(options.output):
        raise InputError(
            f"{len(options.hypotheses)} files of hypotheses and {len(options.output)} outputs;"
            " give as many --output as --hypotheses, in the same order"
        )
    check_outputs(options.output, [options.references, options.texts, *options.hypotheses])
    judged, language = read_manifest(options.references), options.language
    check_any_words(judged, options.references, language)
    unknown = words_of(read_texts(options.texts), language) - words_of(judged, language)
    for path, output in zip(options.hypotheses, options.output, strict=True):
        hypotheses = read_jsonl(path)
        check_same_ids(ids_of(judged), ids_of(hypotheses), options.references, path)
        result = score(judged, excused(judged, hypotheses, unknown, language), language)
        write_score(output, result)
        print(f"{path}: {result.wer:.2%} of {result.words.reference} words differ")
        inputs = [options.references, path, options.texts]
        settings = {"language": language, "normaliser": described(language)}
        write_record(__file__, [output], inputs, settings)


if __name__ == "__main__":
    run(main)
