"""Charts as inline SVG drawings: WER by arm, and what adaptation cost on other test sets."""

import io
import re
from html import escape
from textwrap import wrap
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from arms import CONTINUED
from paths import PRETRAINED
from reporting.tables import change, forgotten
from reporting.verdicts import row_of
from reporting.words import TOPLINE, percent
from scoring.differences import Difference
from scoring.summary import Summary, SummaryRow, TargetSummary

INK = "#010203"  # drawn in this, shown in the page's own text colour
GREY = "#888888"
COLOURS = (  # legible on white and on black
    "#2f7fc1", "#d07a22", "#3f9b57", "#a763b5", "#c2506a", "#2a9d9d", "#8c7a2b", "#7a86c8",
)  # fmt: skip
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "svg.fonttype": "none",
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
}
MARKERS = {"source": "o", "out of domain": "s"}
LINE = 46  # characters of an arm's name over its bar


def styled(name: str):
    """Return the context in which a chart is drawn; the name keeps its ids apart from others'."""
    return matplotlib.rc_context(STYLE | {"svg.hashsalt": name})


def inline(figure: Figure, title: str, text: str) -> str:
    """Return a figure as SVG fit to stand in a page: no prologue, with title and words.

    It loses the ids that nothing refers to, which would repeat from one drawing to the next, and
    its coordinates the digits behind a hundredth of a point.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\n? *", "", svg, flags=re.DOTALL)
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", svg)
    svg = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0]), svg)
    svg = svg.replace(INK, "currentColor")
    svg = re.sub(r'^<svg([^>]*?) height="[^"]*"', r'<svg role="img"\1', svg)
    head, body = svg.split(">", 1)
    return f"{head}>\n<title>{escape(title)}</title>\n<desc>{escape(text)}</desc>{body}"


def colour_of(row: SummaryRow) -> str:
    """Return the colour of an arm's bar; each bar is named, so that colours only help."""
    if row.vector:
        return COLOURS[0]
    return {CONTINUED: COLOURS[1], TOPLINE: COLOURS[2]}.get(row.arm, GREY)


def wer_bars(target: TargetSummary, confidence: float, widest: float) -> str:
    """Return a bar with interval per main row of a target; ``widest`` is the scale's end."""
    rows = target.main_rows
    names = [wrap(row.label, LINE, break_long_words=True) for row in rows]
    depths = [13.0 * len(lines) + 13 for lines in names]  # points, of an arm's name and its bar
    with styled(f"bars {target.name}"):
        figure = Figure(figsize=(3.5, sum(depths) / 72))
        axes = figure.add_axes((0.01, 0, 0.98, 1))
        axes.set(xlim=(0, 100 * widest), ylim=(sum(depths), 0))
        axes.set_axis_off()
        top = 0.0
        for row, lines, depth in zip(rows, names, depths, strict=True):
            bar = top + depth - 9
            axes.text(0, bar - 6, "\n".join(lines), va="bottom")
            axes.text(100 * widest, bar - 6, percent(row.wer), va="bottom", ha="right")
            axes.barh(bar, 100 * row.wer, height=7, color=colour_of(row), alpha=0.75)
            low, high = (100 * bound for bound in row.wer_interval)
            axes.plot([low, high], [bar, bar], color=INK, linewidth=1.2, solid_capstyle="butt")
            top += depth
        words = ", ".join(
            f"{row.label} {percent(row.wer)} % ({' to '.join(map(percent, row.wer_interval))})"
            for row in rows
        )
        title = f"WER on {target.name} by arm, with {confidence * 100:g} % intervals"
        return inline(figure, title, f"{words}.")


def verdict_figure(summary: Summary) -> str:
    """Return each target's WER before and after the verdict, with intervals; "" if none is tested.

    Where the pretrained model is kept, the best adapted candidate stands beside it, hollow.
    """
    pairs = [
        (target, pretrained, adapted)
        for target in summary.targets
        if (pretrained := pretrained_row(target)) and (adapted := adapted_row(target))
    ]
    if not pairs:
        return ""
    widest = max(row.wer_interval[1] for _, *rows in pairs for row in rows)
    depth = 44.0  # points, of a target
    with styled(f"verdict {summary.seed}"):
        figure = Figure(figsize=(6, depth * len(pairs) / 72))
        axes = figure.add_axes((0.01, 0, 0.98, 1))
        axes.set(xlim=(0, 140 * widest), ylim=(depth * len(pairs), 0))
        axes.set_axis_off()
        words = []
        for index, (target, before, after) in enumerate(pairs):
            ships = bool(target.verdict and target.verdict.ships)
            axes.text(0, index * depth + 11, target.name, va="center", fontweight="bold")
            rows = (("pretrained", before, GREY, True), ("adapted", after, COLOURS[0], ships))
            for place, (name, row, colour, is_filled) in enumerate(rows):
                y = index * depth + 22 + 12 * place
                low, high = (100 * bound for bound in row.wer_interval)
                axes.plot([low, high], [y, y], color=colour, linewidth=2, alpha=0.6)
                face = colour if is_filled else "none"
                axes.plot(100 * row.wer, y, "o", color=colour, markerfacecolor=face, markersize=7)
                axes.text(high + 1.5 * widest, y, f"{name} {percent(row.wer)} %", va="center")
            advice = "ship the adapted" if ships else "keep the pretrained"
            words.append(
                f"{target.name}: pretrained {percent(before.wer)} %, adapted"
                f" {percent(after.wer)} %; {advice} model"
            )
        title = f"Word error rate before and after, with {summary.confidence * 100:g} % intervals"
        return inline(figure, title, f"{'; '.join(words)}.")


def pretrained_row(target: TargetSummary) -> SummaryRow | None:
    """Return the pretrained model's row."""
    return next((row for row in target.rows if row.arm == PRETRAINED), None)


def adapted_row(target: TargetSummary) -> SummaryRow | None:
    """Return the row of the model that the verdict ships, or of the best that it does not."""
    if target.verdict is None:
        return None
    return row_of(target, target.verdict.chosen if target.verdict.ships else target.verdict.best)


def compared_rows(target: TargetSummary) -> list[tuple[SummaryRow, Difference]]:
    """Return the main rows with a change both on the target, which is given, and elsewhere."""
    return [
        (row, row.versus_pretrained)
        for row in target.main_rows
        if row.versus_pretrained and forgotten(row)
    ]


def gain_and_forgetting(target: TargetSummary) -> str:
    """Return the change elsewhere against that on the target, as SVG, or "" if none is known.

    Lower left is best. Points are numbered in the order of ``compared_rows``.
    """
    rows = compared_rows(target)
    if not rows:
        return ""
    with styled(f"forgetting {target.name}"):
        figure = Figure(figsize=(4.2, 3.4), layout="constrained")
        axes = figure.subplots()
        axes.axvline(0, color=INK, linewidth=0.6)
        axes.axhline(0, color=INK, linewidth=0.6)
        kinds: dict[str, None] = {}
        for index, (row, gain) in enumerate(rows):
            for kind, cost in forgotten(row).items():
                kinds[kind] = None
                draw_point(axes, str(index + 1), gain, cost, kind)
        for kind in kinds:
            axes.plot([], [], MARKERS[kind], color=GREY, label=f"on {kind} test sets")
        figure.legend(loc="outside upper left", frameon=False, ncols=2)
        axes.set_xlabel("change of WER elsewhere, points (right: forgotten)")
        axes.set_ylabel(f"change on {wrap(target.name, 30)[0]}, points (down: gained)")
        words = "; ".join(
            f"{row.label}: {change(gain)} on the target, "
            + ", ".join(f"{change(c)} on {kind} test sets" for kind, c in forgotten(row).items())
            for row, gain in rows
        )
        title = f"Change of WER elsewhere against the change on {target.name}, in points"
        return inline(figure, title, f"{words}.")


def draw_point(axes: Axes, number: str, gain: Difference, cost: Difference, kind: str) -> None:
    """Draw an arm's number where its gain and its cost meet, with both intervals."""
    x, y = 100 * cost.difference, 100 * gain.difference
    colour = COLOURS[(int(number) - 1) % len(COLOURS)]
    for pair, other, is_x in ((cost.interval, y, True), (gain.interval, x, False)):
        ends = [100 * bound for bound in pair]
        places = (ends, [other, other]) if is_x else ([other, other], ends)
        axes.plot(*places, color=colour, linewidth=1.2, alpha=0.6)
    axes.plot(x, y, MARKERS[kind], color=colour, markersize=11)
    axes.text(x, y, number, color="white", fontsize=7, ha="center", va="center", fontweight="bold")
