"""The table of an experiment as people read it: percent, points, and what they rest on."""

import sys
from collections.abc import Iterable

from escaping import visible
from reporting.verdicts import primaries, verdicts
from reporting.words import percent, points, simulated_line
from scoring.differences import Comparison, Difference
from scoring.significance import FEW_UNITS
from scoring.summary import Forgetting, ReportedChoice, Summary, SummaryRow, TargetSummary
from texts.normalise import unit

WHISPER_WINDOW = 30  # s, of the published models

HEADINGS = {  # and what a cell below says that says nothing
    "Arm": "",
    "WER %": "",
    "vs pretrained": "–",
    "vs baseline": "–",
    "Elsewhere, vs pretrained": "–",
    "Seeds": "1",
    "Target recordings": "none",
}


def note(summary: Summary) -> str:
    """Return what a reader must know of a summary's numbers."""
    confidence = f"{summary.confidence * 100:g} %"
    counted = f"{unit(summary.language)} ".lstrip()
    return (
        f"{counted}WER in % with its {confidence} interval; differences in points, paired on the"
        f" same utterances; bootstrap of {summary.resamples:,} resamples by"
        f" {summary.resampled_by}. * marks a difference whose p stays below"
        f" {1 - summary.confidence:.2g} after correction for the number of comparisons of its"
        f" table ({summary.comparisons}; a λ that no way of choosing picked takes no part)."
        " Scores of several seeds are averaged per utterance before resampling: the"
        " intervals hold for other test utterances, not for other training seeds, whose standard"
        " deviation (sd) stands beside their number."
        " Elsewhere: the same model on other domains' recordings, and what adaptation costs there."
        " The baseline is the paper's: source-mixed→target-synthetic."
    )


def title(target: TargetSummary) -> str:
    """Return a target's name and the size of its test set."""
    kind = "" if target.speech == "real" else " synthetic"
    utterances = f"{target.utterances:,}{kind} test utterances"
    drawn = ""
    if target.units < target.utterances:
        drawn = f" of {target.units:,} {target.resampled_by}s"
    heard = f" through a {simulated_line(target)}" if simulated_line(target) else ""
    return f"{target.name}: {utterances}{drawn}{heard}, {target.words:,} words"


def windows(target: TargetSummary) -> str:
    """Say in which audio windows the arms were decoded, if not all in Whisper's own."""
    labels_of: dict[float, list[str]] = {}
    for row in target.rows:
        labels_of.setdefault(row.window, []).append(row.label)
    if len(labels_of) < 2:
        shorter = [f"{window:g} s" for window in labels_of if window != WHISPER_WINDOW]
        everyone = "all arms, the pretrained model too, were decoded in"
        return f"Audio window: {everyone} {shorter[0]} (Whisper's own is 30 s)." if shorter else ""
    *few, (most, _) = sorted(labels_of.items(), key=lambda item: len(item[1]))
    exceptions = "; ".join(f"{', '.join(labels)} in {window:g} s" for window, labels in few)
    return f"Audio windows: {exceptions}; all others in {most:g} s."


def warnings(target: TargetSummary) -> list[str]:
    """Return what speaks against trusting a target's numbers."""
    rough = []
    if 0 < target.units < FEW_UNITS:
        rough.append(
            f"Intervals and p from fewer than {FEW_UNITS} {target.resampled_by}s are rough"
            f" (here {target.units}): add test {target.resampled_by}s."
        )
    return rough + [f"{row.label}: {text}." for row in target.rows for text in row.warnings]


def cells(row: SummaryRow) -> list[str]:
    """Return a row as it is printed, one cell per heading."""
    return [
        row.label + (" (chosen)" if row.chosen else ""),
        f"{percent(row.wer)} [{', '.join(map(percent, row.wer_interval))}]",
        comparison_cell(row.versus_pretrained),
        comparison_cell(row.versus_baseline),
        "; ".join(map(elsewhere_cell, row.forgetting)) or "–",
        seeds_cell(row),
        recordings_cell(row),
    ]


def comparison_cell(comparison: Comparison | None) -> str:
    """Return a difference in points with its interval, and * where it is significant.

    That is where its p, corrected for the number of comparisons, is small
    (``comparisons.adjusted``): an interval, which is not corrected, may exclude 0 without a star.
    """
    if comparison is None:
        return "–"
    mark = "*" if comparison.significant else ""
    bounds = ", ".join(map(points, comparison.interval))
    return f"{points(comparison.difference)} [{bounds}]{mark}"


def elsewhere_cell(other: Forgetting) -> str:
    """Return what adaptation costs on another domain; of the pretrained model, its WER there."""
    if other.versus_pretrained is None:
        return f"{other.domain} {percent(other.wer)} %"
    return f"{other.domain} {comparison_cell(other.versus_pretrained)}"


def seeds_cell(row: SummaryRow) -> str:
    """Return the number of seeds, and the spread of WER between them in points."""
    spread = "" if row.seed_sd is None else f" (sd {100 * row.seed_sd:.1f})"
    return f"{len(row.seeds)}{spread}"


def recordings_cell(row: SummaryRow) -> str:
    """Say which target recordings went into a row."""
    used = [] if row.target_recordings == "none" else [row.target_recordings]
    if row.target_recordings_for_choice:
        used.append(f"{row.target_recordings_for_choice} to choose λ")
    return ", ".join(used) or "none"


def remarks(target: TargetSummary) -> list[str]:
    """Return what belongs under a target's table: how each λ was chosen, windows, warnings."""
    chosen = [f"{row.label}: λ {row.chosen_on}." for row in target.rows if row.chosen]
    lost = [
        loss(choice, choice.versus_oracle, target.rows)
        for choice in target.choices
        if choice.versus_oracle
    ]
    parts = (*chosen, *lost, windows(target), repetitions(target), *warnings(target))
    return [remark for remark in parts if remark]


def repetitions(target: TargetSummary) -> str:
    """Say how many hypotheses were endless repetitions at first, of the arms that had any."""
    counts = [f"{row.label} {row.decoded_again:g}" for row in target.rows if row.decoded_again]
    if not counts:
        return ""
    means = " (means over seeds)" if any(len(row.seeds) > 1 for row in target.rows) else ""
    return (
        f"Endless repetitions among {target.utterances:,} hypotheses, decoded again without:"
        f" {', '.join(counts)}{means}."
    )


def loss(choice: ReportedChoice, versus_oracle: Difference, rows: Iterable[SummaryRow]) -> str:
    """Say what a way to choose λ loses against choosing on the target's dev recordings."""
    row = next(row for row in rows if choice.is_of(row))
    if "real" in row.choices:
        return f"{row.label}: λ by {choice.by}, the same as target recordings choose."
    low, high = map(points, versus_oracle.interval)
    return (
        f"{row.label}: λ by {choice.by}; against λ chosen on target recordings,"
        f" {points(versus_oracle.difference)} points [{low}, {high}]."
    )


def print_summary(summary: Summary) -> None:
    """Print the verdicts, every target's table and sentences, with frames if it is a terminal."""
    for sentence in verdicts(summary):
        print(visible(sentence), end="\n\n")
    if declared := primaries(summary):
        print("Declared comparisons:", *map(visible, declared), sep="\n- ", end="\n\n")
    for target in summary.targets:
        if target.rows:
            print_table(title(target), [cells(row) for row in target.rows])
        for remark in remarks(target):
            print(visible(remark))
        for checkpoint in target.checkpoints:
            print(visible(f"{target.name}: {checkpoint.label} is in {checkpoint.model}"))
        print(*map(visible, target.plain_words), sep="\n", end="\n\n")
    print(note(summary))


def telling(rows: list[list[str]]) -> list[list[str]]:
    """Return headings and rows without the columns that say nothing in any row."""
    columns = zip(HEADINGS.items(), zip(*rows, strict=True), strict=True)
    kept = [(heading, *cells) for (heading, nothing), cells in columns if {*cells} != {nothing}]
    return [list(line) for line in zip(*kept, strict=True)]


def print_table(caption: str, rows: list[list[str]]) -> None:
    """Print a table to standard output."""
    headings, *rows = telling(rows)
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Column, Table
        from rich.text import Text

        arm = Column(headings[0], overflow="fold", min_width=16)  # never cut short
        table = Table(arm, *headings[1:], title=Text(visible(caption)), title_justify="left")
        for row in rows:
            table.add_row(*(Text(visible(cell)) for cell in row))
        Console().print(table)
        return
    shown = [list(map(visible, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *shown, strict=True)]
    print(visible(caption))
    for cells_of_line in (headings, ["-" * width for width in widths], *shown):
        line = (cell.ljust(width) for cell, width in zip(cells_of_line, widths, strict=True))
        print("  ".join(line).rstrip())
