"""List the key terms of a domain: words of its texts that a recogniser misses as a TTS speaks them.

A word is missed in an utterance if the hypothesis does not have it, both normalised. A key term is
one that is missed in at least half of the utterances whose text has it.
"""

import argparse
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from errors import InputError, run
from files.atomic import check_outputs
from files.manifest import read_jsonl, read_manifest, write_jsonl
from files.shards import match, read_all
from options import Parser
from records.writing import write_record
from texts.languages import NAMES, add_language
from texts.normalise import WITHOUT_SPACES, normalise
from texts.spoken import without_remarks

MOST = 100  # terms


@dataclass
class Word:
    """How often a word is written, in which ways, and in how many utterances it is missed."""

    utterances: int = 0
    missed: int = 0
    spellings: Counter[str] = field(default_factory=Counter)


def key_terms(pairs: Iterable[tuple[str, str]], language: str, most: int = MOST) -> dict[str, Word]:
    """Return the key terms of (text, hypothesis) pairs by their normalised form, ``most`` at most.

    Those that are missed most often come first, of equals the one that is read first.
    """
    words: dict[str, Word] = {}
    for text, hypothesis in pairs:
        transcript = f" {normalise(hypothesis, language)} "
        for form, spellings in words_of(text, language).items():
            word = words.setdefault(form, Word())
            word.utterances += 1
            word.missed += f" {form} " not in transcript
            word.spellings.update(spellings)
    missed = {form: word for form, word in words.items() if 2 * word.missed >= word.utterances}
    order = sorted(missed, key=lambda form: -missed[form].missed)
    return {form: missed[form] for form in order[:most]}


def words_of(text: str, language: str) -> dict[str, list[str]]:
    """Return the words of a text as they are written, by their normalised form.

    Left out is what the text has in another form than it has alone: "twenty five" is "25".
    """
    whole = f" {normalise(text, language)} "
    words: dict[str, list[str]] = {}
    for part in without_remarks(text).split():
        written = bare(part)
        if (form := normalise(written, language)) and f" {form} " in whole:
            words.setdefault(form, []).append(written)
    return words


def bare(word: str) -> str:
    """Return a word without the punctuation and symbols around it."""
    inside = [at for at, each in enumerate(word) if unicodedata.category(each)[0] not in "PS"]
    return word[inside[0] : inside[-1] + 1] if inside else ""


def main(argv: list[str] | None = None) -> None:
    """List key terms as the command line says."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    several: dict[str, Any] = {"required": True, "nargs": "+", "action": "extend"}
    add("--manifest", **several, help="manifests of a domain's synthetic speech, all shards")
    add("--hypotheses", **several, help="a recogniser's transcripts of them (id, text)")
    add_language(parser)
    add(
        "--output",
        required=True,
        help="terms to write (JSON lines: id is the normalised form, text the commonest spelling)",
    )
    options = parser.parse_args(argv)
    inputs = [*options.manifest, *options.hypotheses]
    check_outputs([options.output], inputs)
    if options.language in WITHOUT_SPACES:
        raise InputError(
            f"--language {options.language}: {NAMES[options.language]} parts no words by spaces,"
            " so that a key term can't be told from its sentence; leave key terms out"
        )
    utterances = read_all(options.manifest, read_manifest)
    text_of = match(utterances, read_all(options.hypotheses, read_jsonl))
    pairs = [
        (row["text"], hypothesis)
        for row in utterances
        if (hypothesis := text_of[row["id"]]) is not None
    ]
    terms = key_terms(pairs, options.language)
    print(f"{len(terms)} key terms of {len(pairs)} utterances", file=sys.stderr)
    rows = [
        {
            "id": form,
            "text": word.spellings.most_common(1)[0][0],
            "missed": word.missed,
            "utterances": word.utterances,
        }
        for form, word in terms.items()
    ]
    write_jsonl(options.output, rows)
    write_record(
        __file__,
        [options.output],
        inputs,
        {"language": options.language, "most": MOST},
        counts={"utterances": len(pairs), "terms": len(terms)},
    )


if __name__ == "__main__":
    run(main)
