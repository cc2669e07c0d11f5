"""The table of an experiment as people read it: percent, points, and what they rest on."""

import textwrap

from escaping import visible
from reporting.verdicts import over_all, verdicts
from reporting.words import percent, points, simulated_line
from scoring.differences import Comparison
from scoring.significance import FEW_UNITS
from scoring.summary import Forgetting, Summary, SummaryRow, TargetSummary
from texts.normalise import unit

WHISPER_WINDOW = 30  # s, of the published models

WIDTH = 100  # characters of a line on the terminal
SHORTEST = 24  # of an arm's name there
SHIPPED = "  <- ship"

HEADINGS = (
    "Arm",
    "WER %",
    "vs pretrained",
    "vs baseline",
    "Elsewhere, vs pretrained",
    "Seeds",
    "Target recordings",
)


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


def repetitions(target: TargetSummary) -> str:
    """Say how many hypotheses were endless repetitions at first, of the arms that had any."""
    counts = [f"{row.label} {row.decoded_again:g}" for row in target.rows if row.decoded_again]
    if not counts:
        return ""
    means = " (means over seeds)" if any(len(row.seeds) > 1 for row in target.rows) else ""
    return (
        f"Endless repetitions among {target.utterances:,} hypotheses, as first decoded:"
        f" {', '.join(counts)}{means}."
    )


def print_summary(summary: Summary) -> None:
    """Print the verdicts, every target's table and what it rests on; the report has the rest."""
    for sentence in verdicts(summary):
        print(filled(sentence), end="\n\n")
    if declared := over_all(summary):
        print("Declared comparisons:")
        print(*(filled(f"- {each}") for each in declared), sep="\n", end="\n\n")
    for target in summary.targets:
        if target.rows:
            print_table(title(target), table_lines(target))
        for remark in (*trained_on_recordings(target), *short_remarks(target)):
            print(filled(remark))
        for checkpoint in target.checkpoints:
            print(filled(f"{target.name}: {checkpoint.label} is in {checkpoint.model}"))
        if target.verdict is None:
            print(*map(filled, target.plain_words), sep="\n")
        print()
    print(filled(short_note(summary)))


def filled(text: str) -> str:
    """Return a text as the terminal shows it, in lines of its width."""
    lines = textwrap.wrap(visible(text), WIDTH, break_on_hyphens=False, break_long_words=False)
    return "\n".join(lines)


def short_note(summary: Summary) -> str:
    """Return what a reader of the terminal must know of its numbers."""
    counted = f"{unit(summary.language)} ".lstrip()
    return (
        f"{counted}WER in %, differences in points, with {summary.confidence * 100:g} % intervals"
        f" by {summary.resampled_by}; * is significant after correction ({summary.comparisons})."
        " Elsewhere: on the recordings of other domains. How all of this was computed, every λ and"
        " what is behind each number: the report."
    )


def table_lines(target: TargetSummary) -> list[dict[str, str]]:
    """Return a target's main rows as the terminal shows them, cells by heading."""
    shipped = target.verdict.chosen if target.verdict and target.verdict.ships else None
    lines = []
    for row in target.main_rows:
        elsewhere = [
            f"{each.domain} "
            + (
                f"{percent(each.wer)} %"
                if each.versus_pretrained is None
                else points(each.versus_pretrained.difference)
                + "*" * each.versus_pretrained.significant
            )
            for each in row.forgetting
        ]
        lines.append(
            {
                "Arm": row.label + (SHIPPED if row.label == shipped else ""),
                "WER %": f"{percent(row.wer)} [{', '.join(map(percent, row.wer_interval))}]",
                "vs pretrained": comparison_cell(row.versus_pretrained),
                "Elsewhere": ", ".join(elsewhere),
            }
        )
    return lines


def trained_on_recordings(target: TargetSummary) -> list[str]:
    """Say which of the main rows had target recordings, and for what."""
    used: dict[str, list[str]] = {}
    for row in target.main_rows:
        if (cell := recordings_cell(row)) != "none":
            used.setdefault(cell, []).append(row.label)
    return [f"Target recordings, {cell}: {', '.join(labels)}." for cell, labels in used.items()]


def short_remarks(target: TargetSummary) -> list[str]:
    """Return the remarks that the terminal has under a table."""
    spreads = [row.seed_sd for row in target.main_rows if row.seed_sd is not None]
    seeds = max((len(row.seeds) for row in target.main_rows), default=1)
    sd = ""
    if spreads:
        low, high = (f"{100 * each:.1f}" for each in (min(spreads), max(spreads)))
        sd = f"Means over {seeds} seeds; standard deviation of WER {low} to {high} points."
    parts = (sd, windows(target), repetitions(target), *warnings(target))
    return [part for part in parts if part]


def print_table(caption: str, lines: list[dict[str, str]]) -> None:
    """Print a table to standard output, without the columns that are empty."""
    headings = [each for each in lines[0] if any(line[each] for line in lines)]
    cells = [[visible(line[each]) for each in headings] for line in lines]
    columns = list(zip(headings, *cells, strict=True))
    widths = [max(map(len, column)) for column in columns]
    room = WIDTH - sum(widths[1:]) - 2 * len(widths[1:])
    widths[0] = max(min(widths[0], room), SHORTEST)
    print(filled(caption))
    for line in (headings, ["-" * width for width in widths], *cells):
        arm, *others = line
        first, *more = textwrap.wrap(arm, widths[0], break_on_hyphens=False) or [""]
        padded = [first.ljust(widths[0])]
        padded += [cell.ljust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print("  ".join(padded).rstrip())
        print(*(f"  {part}" for part in more), sep="\n", end="\n" if more else "")
