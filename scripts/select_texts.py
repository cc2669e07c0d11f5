"""Select the training texts of a domain that are spoken, where there are too many to speak.

--by says how: "random" draws by the seed and the ids, as `train` of a domain of texts does;
"coverage" takes one by one the text that adds most words, of which the n-th occurrence counts 1/n;
"phones" does so with pairs of phones (English only, by the pronunciation of hibari and Kokoro);
"unlike_source" takes those that are most like the texts and least like those of --source, by the
difference of their cross-entropies (Moore and Lewis 2010). Words are normalised. Selected texts
stay as they are and in their order. All are selected where there are no more than --number.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from domains.coverage import Units, covering, diphones, share_covered
from domains.splits import draw
from domains.unlike import unlike
from engines.phonemes import phonemizer
from errors import InputError, run
from files.atomic import check_outputs
from files.manifest import read_texts, write_jsonl
from options import Parser
from records.writing import write_record
from texts.languages import NAMES, add_language
from texts.normalise import normalise
from texts.numbers import ENGLISH

WAYS = ("random", "coverage", "phones", "unlike_source")


def words_of(rows: Sequence[dict], language: str) -> list[list[str]]:
    """Return the normalised words of each text."""
    return [normalise(row["text"], language).split() for row in rows]


def select(
    rows: Sequence[dict],
    number: int,
    by: str,
    language: str,
    seed: int = 1,
    source: Sequence[dict] = (),
) -> list[int]:
    """Return the positions of the texts that are selected."""
    if number >= len(rows):
        return list(range(len(rows)))
    if by == "random":
        return draw([row["id"] for row in rows], {"train": number}, seed)["train"]
    if by == "unlike_source":
        return unlike(words_of(rows, language), words_of(source, language), number)
    if by == "phones":
        phonemes_of = phonemizer()
        return covering([diphones(phonemes_of(row["spoken"])) for row in rows], number)
    return covering([*map(Counter, words_of(rows, language))], number)


def counts_of(rows: Sequence[dict], chosen: Sequence[int], language: str) -> dict[str, float]:
    """Return how many texts there are, how many are left out, and the share of words that stays."""
    words: list[Units] = [*map(Counter, words_of(rows, language))]
    return {
        "texts": len(rows),
        "selected": len(chosen),
        "left_out": len(rows) - len(chosen),
        "different_words": len({word for units in words for word in units}),
        "share_of_words": round(share_covered(words, chosen), 4),
    }


def check(options: argparse.Namespace) -> None:
    """Raise ``InputError`` for the first option that can't be right."""
    if options.number < 1:
        raise InputError(f"--number {options.number}: at least 1")
    if options.by == "phones" and options.language != ENGLISH:
        raise InputError(
            f"--by phones: knows how English is said, and not {NAMES[options.language]}; take"
            " coverage"
        )
    if options.by == "unlike_source" and not options.source:
        raise InputError("--by unlike_source: needs --source, texts of the source")
    if options.by != "unlike_source" and options.source:
        raise InputError(f"--by {options.by}: has no use for --source; leave it out")


def main(argv: list[str] | None = None) -> None:
    """Select texts as the command line says."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--texts", required=True, type=Path, help="JSON lines: id, text, spoken, domain")
    add("--number", required=True, type=int, help="of texts to select")
    add("--by", required=True, choices=WAYS, help="how (see above)")
    add("--seed", type=int, default=1, help="of random (default: 1)")
    add("--source", action="append", type=Path, default=[], help="texts of a domain of the source")
    add_language(parser)
    add("--output", required=True, type=Path, help="the selected texts")
    options = parser.parse_args(argv)
    inputs = [options.texts, *options.source]
    check_outputs([options.output], inputs)
    check(options)
    rows = read_texts(options.texts)
    source = [row for path in options.source for row in read_texts(path)]
    chosen = select(rows, options.number, options.by, options.language, options.seed, source)
    write_jsonl(options.output, (rows[position] for position in chosen))
    counts = counts_of(rows, chosen, options.language)
    print(
        f"{len(chosen)} of {len(rows)} texts by {options.by}, {counts['left_out']} left out;"
        f" {counts['share_of_words']:.1%} of {counts['different_words']} different words",
        file=sys.stderr,
    )
    parameters = {key: getattr(options, key) for key in ("number", "by", "seed", "language")}
    write_record(__file__, [options.output], inputs, parameters, counts=counts)


if __name__ == "__main__":
    run(main)
