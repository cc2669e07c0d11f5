"""Draw figure.svg: the workflow's stages, from its rules, beside the demo's word error rates.

`make docs` runs it. Where results/demo/summary.json lies, its numbers are condensed into demo.json
first; the figure, and the tables of README and experiments.md, are held to that.
"""

import argparse
import io
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "scripts"))

import matrix  # noqa: E402
from configs import reading  # noqa: E402
from scoring.decisions import with_vector  # noqa: E402
from scoring.summary import Summary, read_summary  # noqa: E402

SUMMARY = DOCS.parent / "results" / "demo" / "summary.json"
NUMBERS = DOCS / "demo.json"
DRAWING = DOCS / "figure.svg"
EXPERIMENT = "experiments/demo.yaml"

STAGES = {  # a verb of the workflow, and what it does
    "fetch": "weights, voices, corpora",
    "prepare": "recordings and texts, split",
    "synthesize": "texts spoken by TTS",
    "filter": "what the base model understands",
    "augment": "room, noise, telephone",
    "finetune": "real, synthetic, mixed",
    "task_vector": "τ = real − synthetic",
    "apply": "θ + λτ",
    "transcribe": "test recordings",
    "score": "word errors",
    "summarize": "intervals, tests, λ",
    "report": "one page; model cards",
}
FOLDED = {  # rules that are not called by the verb that they serve; None is left out
    "all": None,
    "pretrained": "fetch",
    "pretrained_judge": "fetch",
    "collect": "prepare",
    "write_texts": "prepare",
    "select_texts": "prepare",
    "transcribe_by_judge": "prepare",
    "label": "prepare",
    "collect_to_learn": "prepare",
    "transcribe_to_label": "prepare",
    "label_to_learn": "prepare",
    "agree": "score",
    "xvectors": "synthesize",
    "test_on_synthetic_speech": "synthesize",
    "transcribe_synthesized": "filter",
    "key_terms": "filter",
    "channels": "augment",
    "pool": "filter",
    "xvectors_to_cluster": "filter",
    "cluster": "filter",
    "mean_task_vector_of_domains": "task_vector",
    "mean_task_vector_of_engines": "task_vector",
    "mean_task_vector_of_clusters": "task_vector",
    "evaluations": "summarize",
    "leakage": "summarize",
    "breakdown": "report",
    "rank": "report",
    "vector_geometry": "report",
    "deliver": "report",
    "export": "report",
    "model_card": "report",
}
Edges = set[tuple[str, str]]
HALF = 0.33  # of a box's height, in layers' distances

INK, SOFT, PAPER, GROUND = "#1f2328", "#6e7781", "#ffffff", "#eef3f8"
BARS = {"pretrained": "#8c959f", "target-real": "#8c959f"}  # what is not adapted from text
PLAIN, WITH_VECTOR = "#7fb0de", "#e0964a"
STYLE = {
    "font.size": 9,
    "svg.fonttype": "path",  # alike wherever it is shown
    "svg.hashsalt": "figure",
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "xtick.color": SOFT,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
}


@dataclass(frozen=True)
class Box:
    """Where a stage is drawn: its middle and its width, in layers' distances."""

    x: float
    y: float
    width: float

    def nearest(self, x: float) -> float:
        """Return where an arrow to ``x`` leaves the box: within the middle half of its side."""
        return min(max(x, self.x - self.width / 4), self.x + self.width / 4)


def rule_edges(dot: str) -> Edges:
    """Return the edges between rules of what `snakemake --rulegraph` prints."""
    rules = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)"', dot, flags=re.MULTILINE))
    pairs = re.findall(r"^\s*(\d+) -> (\d+)", dot, flags=re.MULTILINE)
    return {(rules[first], rules[second]) for first, second in pairs}


def verb(rule: str) -> str | None:
    """Return the verb that a rule serves: its name's first words, unless FOLDED says otherwise.

    Raises ``KeyError`` for a rule that neither tells.
    """
    of_name = [stage for stage in STAGES if f"{rule}_".startswith(f"{stage}_")]
    return FOLDED[rule] if rule in FOLDED or not of_name else of_name[0]


def stage_edges(edges: Edges) -> Edges:
    """Return the edges between verbs, of those between rules."""
    pairs = {(verb(first), verb(second)) for first, second in edges}
    return {(a, b) for a, b in pairs if a and b and a != b}


def successors(edges: Edges, stage: str) -> set[str]:
    """Return the stages that come anywhere after one."""
    direct = {second for first, second in edges if first == stage}
    return direct.union(*(successors(edges, second) for second in direct))


def without_detours(edges: Edges) -> Edges:
    """Return the edges that no longer way replaces."""
    return {
        (first, second)
        for first, second in edges
        if not any(second in successors(edges, other) for start, other in edges if start == first)
    }


def layers(edges: Edges) -> dict[str, int]:
    """Return the layer of each stage: how many stages the longest way to it has."""
    depth = dict.fromkeys((stage for edge in edges for stage in edge), 0)
    for _ in depth:
        for first, second in edges:
            depth[second] = max(depth[second], depth[first] + 1)
    return depth


def condensed(summary: Summary) -> dict[str, Any]:
    """Return what is shown of a summary: rates with intervals (fractions), by target and arm."""
    return {
        "confidence": summary.confidence,
        "targets": [
            {
                "name": target.name,
                "words": target.words,
                "rows": [
                    {
                        "label": row.label,
                        "wer": round(row.wer, 6),
                        "wer_interval": [round(bound, 6) for bound in row.wer_interval],
                    }
                    for row in target.rows
                ],
            }
            for target in summary.targets
        ],
    }


def description(edges: Edges, numbers: dict) -> str:
    """Return the figure in words."""
    ways = ", ".join(f"{first} to {second}" for first, second in sorted(edges))
    text = f"Stages of the workflow: {ways}. Word error rates of the demo:"
    for target in numbers["targets"]:
        rates = (
            f"{row['label']} {100 * row['wer']:.1f} %"
            f" ({100 * row['wer_interval'][0]:.1f} to {100 * row['wer_interval'][1]:.1f})"
            for row in target["rows"]
        )
        text += f" {target['name']}: {', '.join(rates)}."
    return text


def boxes(depth: dict[str, int]) -> dict[str, Box]:
    """Return the box of each stage; those of one layer stand side by side."""
    placed = {}
    for layer in range(max(depth.values()) + 1):
        row = [stage for stage in STAGES if depth.get(stage) == layer]
        for index, stage in enumerate(row):
            x = (index - (len(row) - 1) / 2) * 1.62
            placed[stage] = Box(x, -layer, 3.1 if len(row) == 1 else 1.48)
    return placed


def draw_arrow(axes: Axes, start: Box, end: Box, thick: bool, leftwards: bool) -> None:
    """Draw a way from a box to the next below it, or in an arc to one further down."""
    if start.y - end.y == 1:
        ends = (start.nearest(end.x), start.y - HALF), (end.nearest(start.x), end.y + HALF)
        bend = "arc3"
    else:
        side = -1 if leftwards else 1
        ends = (start.x + side * start.width / 2, start.y), (end.x + side * end.width / 2, end.y)
        bend = f"arc3,rad={-side * min(0.75, 0.9 / (start.y - end.y) ** 0.5):.2f}"
    look = {"color": SOFT, "lw": 0.5, "alpha": 0.7, "mutation_scale": 6}
    if thick:
        look = {"color": INK, "lw": 1, "mutation_scale": 8}
    axes.add_patch(
        FancyArrowPatch(*ends, arrowstyle="-|>", shrinkA=0, shrinkB=0, connectionstyle=bend, **look)
    )


def draw_stages(axes: Axes, edges: Edges) -> None:
    """Draw the stages as boxes, layer below layer; ways that a longer one replaces are thin."""
    placed = boxes(layers(edges))
    main = without_detours(edges)
    for first, second in sorted(edges):
        start, end = placed[first], placed[second]
        leftwards = start.x < 0 or end.x < 0 or (first == "fetch" and end.x == 0)
        draw_arrow(axes, start, end, (first, second) in main, leftwards)
    for stage, box in placed.items():
        corner = (box.x - box.width / 2, box.y - HALF)
        look = {"boxstyle": "round,pad=0,rounding_size=0.12", "fc": GROUND, "ec": SOFT, "lw": 0.7}
        axes.add_patch(FancyBboxPatch(corner, box.width, 2 * HALF, **look))
        middle = {"ha": "center", "va": "center"}
        axes.text(box.x, box.y + 0.13, stage, weight="bold", **middle)
        axes.text(box.x, box.y - 0.16, STAGES[stage], size=7.5, color=SOFT, **middle)
    axes.set_xlim(-3.2, 3.2)
    axes.set_ylim(min(box.y for box in placed.values()) - 0.45, 0.45)
    axes.axis("off")
    axes.set_title("The workflow", size=10, weight="bold")


def colour(label: str) -> str:
    """Return the colour of an arm's bar."""
    return BARS.get(label, WITH_VECTOR if "τ" in label else PLAIN)


def draw_rates(axes: Axes, target: dict, labels: bool) -> None:
    """Draw a target's word error rates as bars with their intervals, in percent."""
    rows = target["rows"]
    at = range(len(rows), 0, -1)
    rates = [100 * row["wer"] for row in rows]
    lows = [100 * (row["wer"] - row["wer_interval"][0]) for row in rows]
    highs = [100 * (row["wer_interval"][1] - row["wer"]) for row in rows]
    axes.barh(at, rates, color=[colour(row["label"]) for row in rows], height=0.7)
    axes.errorbar(rates, at, xerr=[lows, highs], fmt="none", ecolor=INK, elinewidth=0.9, capsize=2)
    axes.axvline(rates[0], color=SOFT, lw=0.7, ls=(0, (3, 3)))
    names = [
        row["label"].replace("source-mixed→target-synthetic", "mixed→target-synth.") for row in rows
    ]
    axes.set_yticks(list(at), names if labels else [])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"WER in %, {target['words']:,} words", size=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_title(target["name"], size=10, weight="bold")


def drawn(edges: Edges, numbers: dict) -> Figure:
    """Return the figure, on a ground of its own: it is legible on light and on dark pages."""
    figure = Figure(figsize=(10.4, 5.4), facecolor=PAPER)
    stages = figure.add_axes((0.01, 0.02, 0.42, 0.91))
    draw_stages(stages, edges)
    targets = numbers["targets"]
    left, space = 0.62, 0.37 / len(targets)
    for index, target in enumerate(targets):
        axes = figure.add_axes((left + index * space, 0.11, space - 0.025, 0.82))
        draw_rates(axes, target, labels=index == 0)
    note = "dashed: the pretrained model\norange: with τ\nlines: {:g} % intervals"
    confidence = 100 * numbers["confidence"]
    figure.text(0.45, 0.02, note.format(confidence), size=7.5, color=SOFT, linespacing=1.4)
    return figure


def svg(figure: Figure, words: str) -> str:
    """Return a figure as SVG, described in words; coordinates to a hundredth of a point."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", buffer.getvalue(), flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0]), text)
    start = text.index(">", text.index("<svg")) + 1
    title = "<title>syn2real: its workflow and its demo</title>"
    return f"{text[:start]}\n{title}\n<desc>{escape(words)}</desc>{text[start:]}"


def rulegraph() -> str:
    """Return the graph of the demo's rules, as Snakemake prints it.

    What is delivered is known when the demo has run: here it is the first model with a vector.
    """
    rows = matrix.evaluations(reading.read([DOCS.parent / EXPERIMENT]))
    folder = next(with_vector(r.model, r.vector_path, r.scaling_coefficient)
                  for r in rows if r.vector_path and r.scaling_coefficient)  # fmt: skip
    command = [sys.executable, "-m", "snakemake", "all", f"{folder}/README.md"]
    command += ["--rulegraph", "--forceall", "--configfile", EXPERIMENT]
    return subprocess.run(
        command, cwd=DOCS.parent, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def main(argv: list[str] | None = None) -> None:
    """Draw the figure, after bringing its numbers up to date if there are new ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--summary", type=Path, default=SUMMARY, help="of a finished demo; if absent, demo.json")
    options = parser.parse_args(argv)
    if options.summary.is_file():
        numbers = condensed(read_summary(options.summary))
        NUMBERS.write_text(json.dumps(numbers, ensure_ascii=False, indent=1) + "\n")
    numbers = json.loads(NUMBERS.read_text())
    edges = stage_edges(rule_edges(rulegraph()))
    with matplotlib.rc_context(STYLE):
        DRAWING.write_text(svg(drawn(edges, numbers), description(edges, numbers)))


if __name__ == "__main__":
    main()
