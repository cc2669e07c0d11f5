"""Look at texts before they are spoken: how many, how long, and what is odd, with its lines.

TEXTS is what `texts` of a domain takes: plain lines, a table (CSV, TSV, Excel, Parquet, JSON
lines), Markdown, HTML or subtitles. Nothing is written. What is only odd (another language,
characters, rare words) is told, and kept by `prepare`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from domains.domain import Domain
from domains.own_data import read_texts_of_user
from domains.survey import SHOWN, Rank, Survey, survey
from errors import run
from texts.languages import NAMES, add_language


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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
    options = parser.parse_args(argv)
    rows = read_texts_of_user(options.texts, "text", options.language, options.column)
    tokens = token_counter(options.tokenizer) if options.tokenizer else None
    seen = survey(rows, options.language, options.max_duration, language_model(), tokens)
    print(report(options.texts, rows, seen, options.language))


if __name__ == "__main__":
    run(main)
