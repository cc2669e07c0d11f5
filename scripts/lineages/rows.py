"""Rows of the WER table: one by the words that name it, and those that differ between two."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from errors import InputError
from files.json_file import read_object
from lineages.differences import changed_keys
from lineages.makers import record_of_file
from paths import coefficient
from reporting.words import percent
from scoring.summary import Summary, SummaryRow, TargetSummary, read_summary


def find_row(
    summary: Summary, words: list[str], path: str | Path
) -> tuple[TargetSummary, SummaryRow]:
    """Return the target and the row that each of some words names; raise ``InputError`` if several.

    Names in full come before their beginnings, and these before parts.
    """
    rows = list(summary.rows())
    matches: list[tuple[TargetSummary, SummaryRow]] = []
    for fits in (str.__eq__, str.startswith, str.__contains__):
        matches = matches or [
            (target, row)
            for target, row in rows
            if all(any(fits(name, plain(w)) for name in names_of(target, row)) for w in words)
        ]
    if len(matches) == 1:
        return matches[0]
    listed = "\n".join(f"  {target.name} {row.label!r}" for target, row in matches or rows)
    verdict = f"{len(matches)} rows are" if matches else "no row is"
    raise InputError(f"{path}: {verdict} meant by --row {' '.join(words)}; name one of\n{listed}")


def names_of(target: TargetSummary, row: SummaryRow) -> list[str]:
    """Return all that a row may be called by."""
    scale = row.scaling_coefficient
    names = [target.name, target.target, target.base, target.speech]
    names += [row.label, row.arm, row.tts, None if scale is None else coefficient(scale)]
    return [plain(name) for name in names if name]


def plain(name: str) -> str:
    """Return a name as it is compared: in lower case, arrows as typed, without the vector's τ."""
    return " ".join(name.lower().replace("→", "->").replace("τ", "").split())


def about_row(target: TargetSummary, row: SummaryRow) -> str:
    """Return a row's number and what it rests on, in one sentence."""
    bounds = " to ".join(map(percent, row.wer_interval))
    seeds = ", ".join(
        f"seed {seed}: {percent(wer)} %"
        for seed, wer in zip(row.seeds, row.wer_of_seeds, strict=True)
    )
    return (
        f"{target.name}, {row.label}: WER {percent(row.wer)} % (interval {bounds}),"
        f" {target.utterances:,} utterances, {target.words:,} words; {seeds}"
    )


def scores_of_row(path: Path, words: list[str]) -> tuple[str, list[Path]]:
    """Return what is said of a summary's row, and its score files."""
    record = record_of_file(path)
    target, row = find_row(read_summary(path), words, path)
    return about_row(target, row), [record.at(score) for score in row.scores]


def add_row(parser: argparse.ArgumentParser) -> None:
    """Add the option that names a row of a summary."""
    parser.add_argument(
        "--row",
        nargs="+",
        metavar="WORD",
        help="FILE is a summary.json, and its row is meant that these words name, of target and"
        ' arm: --row telephone "target-synthetic + 0.25"',
    )


def wer_of(path: Path) -> str:
    """Return a score's WER in words, nothing if a file is no score."""
    try:
        score = read_object(path)
        return f", WER {100 * score['wer']:.2f} % of {score['words']['reference_words']:,} words"
    except (InputError, ValueError, KeyError, TypeError):
        return ""


def changed_rows(a: Path, b: Path) -> Iterator[str]:
    """Yield the rows of two summaries whose WER differs; nothing if they are none."""
    for name, x, y in changed_keys(rows_of(a), rows_of(b)):
        yield f"WER of {name}: {x} -> {y}"


def rows_of(path: Path) -> dict[str, str]:
    """Return the WER of a summary's rows, in words; nothing if it is none."""
    try:
        return {
            f"{target.name}, {row.label}": f"{100 * row.wer:.2f} %"
            for target, row in read_summary(path).rows()
        }
    except InputError:
        return {}
