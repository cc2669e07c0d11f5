"""WER against the scaling coefficient, as an inline SVG drawing."""

import io
import re
from html import escape

import matplotlib
from matplotlib.figure import Figure

from matrix import PRETRAINED
from plain_words import TASK_VECTORS, percent

INK = "#010203"  # drawn in this, shown in the page's own text colour
COLOURS = ("#2f7fc1", "#d07a22", "#3f9b57", "#a763b5")  # legible on white and on black
STYLE = {
    "font.size": 10,
    "svg.fonttype": "none",
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def curves(target: dict) -> dict[str, list[dict]]:
    """Return, per arm that the vector is added to, its rows by scaling coefficient.

    The arm itself is the curve's beginning, at 0.
    """
    found: dict[str, list[dict]] = {}
    several = len({row["tts"] for row in target["rows"] if row["tts"]}) > 1
    vectors = {row["vector"] for row in target["rows"] if row["vector"]}
    for row in target["rows"]:
        if row["vector_on"] is not None:
            name = row["vector_on"].replace("->", "→")
            name += f" ({row['tts']})" if several and row["tts"] else ""
            name += f" + λ {TASK_VECTORS[row['vector']]}" if len(vectors) > 1 else ""
            if name not in found:
                found[name] = [
                    other | {"scaling_coefficient": 0}
                    for other in target["rows"]
                    if other["arm"] == row["vector_on"] and other["tts"] in (row["tts"], None)
                ]
            found[name].append(row)
    return {
        name: sorted(rows, key=lambda row: row["scaling_coefficient"])
        for name, rows in found.items()
    }


def lambda_curve(target: dict, confidence: float) -> str:
    """Return a target's curves with intervals as SVG, or "" if no arm has a task vector."""
    found = curves(target)
    if not found:
        return ""
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": target["name"]}):
        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        axes = figure.subplots()
        draw_pretrained(axes, target)
        scales = sorted({row["scaling_coefficient"] for rows in found.values() for row in rows})
        for index, (name, rows) in enumerate(found.items()):
            aside = 0.008 * scales[-1] * (index - (len(found) - 1) / 2)  # bars side by side
            draw_curve(axes, name, rows, COLOURS[index % len(COLOURS)], aside)
        axes.set_xlabel("scaling coefficient λ of the task vector (0: without it)")
        axes.set_ylabel(f"test WER in %, {confidence * 100:g} % interval")
        axes.set_xticks(scales, [f"{scale:g}" for scale in scales])
        axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True)
    title = f"WER on {target['name']} against the scaling coefficient"
    return inline(buffer.getvalue(), title, description(found))


def draw_pretrained(axes, target: dict) -> None:
    """Draw the pretrained model's WER as a line across, with its interval as a band."""
    for row in target["rows"]:
        if row["arm"] == PRETRAINED:
            axes.axhspan(
                *(100 * bound for bound in row["wer_interval"]), color="#888888", alpha=0.2
            )
            axes.axhline(100 * row["wer"], color="#888888", linestyle="--", label="pretrained")


def draw_curve(axes, name: str, rows: list[dict], colour: str, aside: float) -> None:
    """Draw one arm's curve with intervals, dotted its dev WER, and a ring about the choice."""
    x = [row["scaling_coefficient"] + aside for row in rows]
    y = [100 * row["wer"] for row in rows]
    below = [100 * (row["wer"] - row["wer_interval"][0]) for row in rows]
    above = [100 * (row["wer_interval"][1] - row["wer"]) for row in rows]
    axes.errorbar(x, y, yerr=[below, above], color=colour, marker="o", capsize=3, label=name)
    dev = [
        (place, 100 * row["dev_wer"])
        for place, row in zip(x, rows, strict=True)
        if row["dev_wer"] is not None
    ]
    if dev:
        axes.plot(*zip(*dev, strict=True), color=colour, linestyle=":", marker=".")
    for place, height, row in zip(x, y, rows, strict=True):
        if row["chosen"]:
            axes.plot(place, height, "o", markersize=13, fillstyle="none", color=colour)


def description(found: dict[str, list[dict]]) -> str:
    """Return the curves in words, for those who do not see them."""
    parts = []
    for name, rows in found.items():
        values = ", ".join(
            f"λ {row['scaling_coefficient']:g}: {percent(row['wer'])} %"
            f" ({percent(row['wer_interval'][0])} to {percent(row['wer_interval'][1])})"
            + (" chosen" if row["chosen"] else "")
            for row in rows
        )
        parts.append(f"Vector added to {name}: {values}.")
    return " ".join(parts)


def inline(svg: str, title: str, text: str) -> str:
    """Return matplotlib's SVG fit to stand in a page: without prologue, with title and words.

    Its groups lose their ids, which would repeat from one drawing to the next.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = svg.replace(INK, "currentColor")
    svg = re.sub(r'^<svg([^>]*?) width="[^"]*"', r'<svg role="img"\1', svg)
    svg = re.sub(r'^<svg([^>]*?) height="[^"]*"', r"<svg\1", svg)
    head, body = svg.split(">", 1)
    return f"{head}>\n<title>{escape(title)}</title>\n<desc>{escape(text)}</desc>{body}"
