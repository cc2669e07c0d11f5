"""Look at texts before they are spoken: how many, how long, and what is odd, with its lines.

TEXTS is what `texts` of a domain takes: plain lines, a table (CSV, TSV, Excel, Parquet, JSON
lines), Markdown, HTML or subtitles. Nothing is written. What is only odd (another language,
characters, rare words) is told, and kept by `prepare`.
"""

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from domains.coverage import covering, share_covered
from domains.domain import Domain
from domains.own_data import read_texts_of_user
from domains.splits import draw
from domains.survey import SHOWN, Rank, Survey, survey
from errors import InputError, run
from options import Parser
from texts.languages import NAMES, add_language
from texts.normalise import normalise


def report(path: str, rows: list[tuple[str, str, str]], seen: Survey, language: str) -> str:
    """Return what was seen in sentences, on a screen."""
    lines = [
        f"{path}: {seen.texts:,} texts in {NAMES[language]} with {seen.words:,} words"
        f" ({seen.different:,} different), about {seen.minutes:.1f} min to say. They begin:",
        *(f"  {place}: {text[:80]}" for _, text, place in rows[:SHOWN]),
    ]
    for each in seen.findings:
        lines += [f"{each.count:,} {each.what}:", *(f"  {example}" for example in each.examples)]
    return "\n".join(lines if seen.findings else [*lines, "Nothing odd was found."])


def selection(rows: list[tuple[str, str, str]], language: str, number: int) -> str:
    """Return what so many of the different texts have of all words, drawn or by coverage."""
    sentences = [*filter(None, dict.fromkeys(normalise(text, language) for _, text, _ in rows))]
    number = min(number, len(sentences))
    units = [Counter(sentence.split()) for sentence in sentences]
    drawn = draw(sentences, {"train": number}, seed=1)["train"]
    of_drawn = share_covered(units, drawn)
    of_covering = share_covered(units, covering(units, number))
    return (
        f"{number:,} of {len(sentences):,} different texts have, drawn at random, {of_drawn:.0%} of"
        f" the words, and by coverage {of_covering:.0%}."
    )


def language_model() -> Rank:
    """Return what ranks the languages of a text by probability (py3langid)."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return lambda text: [(str(code), float(share)) for code, share in identifier.rank(text)]


def token_counter(path: Path) -> Callable[[str], int]:
    """Return what counts a word's tokens: by Whisper's ranks, or a checkpoint's tokenizer."""
    if path.is_dir():
        from transformers import WhisperTokenizer

        from recognisers.checkpoints import load_part

        tokenizer = load_part(path, WhisperTokenizer)
        return lambda word: len(tokenizer.tokenize(f" {word}"))
    from recognisers.original import encode_bytes, read_ranks

    ranks = read_ranks(path)
    return lambda word: len(encode_bytes(f" {word}".encode(), ranks, below=len(ranks)))


def main(argv: list[str] | None = None) -> None:
    """Look at the texts that the command line names."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("texts", metavar="TEXTS", help="file or folder, as a domain names it")
    add_language(parser)
    add("--column", help="of a table, the column that has the texts")
    add(
        "--max-duration",
        type=float,
        default=Domain.max_duration,
        metavar="S",
        help=f"as in the domain, s (default: {Domain.max_duration:g})",
    )
    add(
        "--tokenizer",
        type=Path,
        metavar="PATH",
        help="Whisper's tokens, to find rare words: a checkpoint's folder, or a .tiktoken file",
    )
    add(
        "--select",
        type=int,
        metavar="N",
        help="say how many words N of the texts have (see `select` of a domain)",
    )
    options = parser.parse_args(argv)
    if options.select is not None and options.select < 1:
        raise InputError(f"--select {options.select}: at least 1")
    rows = read_texts_of_user(options.texts, "text", options.language, options.column)
    tokens = token_counter(options.tokenizer) if options.tokenizer else None
    seen = survey(rows, options.language, options.max_duration, language_model(), tokens)
    print(report(options.texts, rows, seen, options.language))
    if options.select:
        print(selection(rows, options.language, options.select))


if __name__ == "__main__":
    run(main)
