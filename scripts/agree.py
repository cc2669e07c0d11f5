"""Score hypotheses of untranscribed recordings against what a judge heard.

A word of the domain's texts that the judge wrote nowhere is no difference in the place of another.
"""

from pathlib import Path

from errors import run
from files.atomic import check_outputs
from files.manifest import read_jsonl, read_manifest, read_texts
from options import Parser
from records.writing import write_record
from scoring.checks import check_any_words, check_same_ids, ids_of
from scoring.score_file import write_score
from scoring.unknown_words import excused, words_of
from scoring.word_errors import score
from texts.languages import add_language
from texts.normalise import described


def main(argv: list[str] | None = None) -> None:
    """Score hypotheses of one manifest against its judge."""
    parser = Parser(description=__doc__)
    add = parser.add_argument
    add("--references", type=Path, required=True, help="manifest with the judge's texts (label.py)")
    add("--texts", type=Path, required=True, help="texts of the domain (JSON lines)")
    add("--hypotheses", type=Path, required=True, help="JSON lines with id and raw text")
    add("--output", type=Path, required=True, help="score to write (JSON; rates are fractions)")
    add_language(parser)
    options = parser.parse_args(argv)
    inputs, language = [options.references, options.hypotheses, options.texts], options.language
    check_outputs([options.output], inputs)
    judged, hypotheses = read_manifest(options.references), read_jsonl(options.hypotheses)
    check_any_words(judged, options.references, language)
    check_same_ids(ids_of(judged), ids_of(hypotheses), options.references, options.hypotheses)
    unknown = words_of(read_texts(options.texts), language) - words_of(judged, language)
    result = score(judged, excused(judged, hypotheses, unknown, language), language)
    write_score(options.output, result)
    print(f"{options.hypotheses}: {result.wer:.2%} of {result.words.reference} words differ")
    settings = {"language": language, "normaliser": described(language)}
    write_record(__file__, [options.output], inputs, settings)


if __name__ == "__main__":
    run(main)
