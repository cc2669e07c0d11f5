"""WER against the scaling coefficient, as an inline SVG drawing."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluation import symbol
from paths import PRETRAINED, coefficient
from reporting.charts import COLOURS, GREY, inline, styled
from reporting.words import percent
from scoring.summary import SummaryRow, TargetSummary

Curve = list[tuple[float, SummaryRow]]  # rows by scaling coefficient


def curves(target: TargetSummary) -> dict[str, Curve]:
    """Return, per arm that the vector is added to, its rows by scaling coefficient.

    The arm itself is the curve's beginning, at 0.
    """
    curve_of: dict[str, Curve] = {}
    several = len({row.tts for row in target.rows if row.tts}) > 1
    vectors = {row.vector for row in target.rows if row.vector}
    for row in target.rows:
        if row.vector_on is None or row.vector is None or row.scaling_coefficient is None:
            continue
        name = row.vector_on.replace("->", "→")
        name += f" ({row.tts})" if several and row.tts else ""
        name += f" + λ {symbol(row.vector)}" if len(vectors) > 1 else ""
        if name not in curve_of:
            curve_of[name] = [
                (0, other)
                for other in target.rows
                if other.arm == row.vector_on and other.tts in (row.tts, None)
            ]
        curve_of[name].append((row.scaling_coefficient, row))
    return {name: sorted(curve, key=lambda point: point[0]) for name, curve in curve_of.items()}


def lambda_curve(target: TargetSummary, confidence: float) -> str:
    """Return a target's curves with intervals as SVG, or "" if no arm has a task vector."""
    curve_of = curves(target)
    if not curve_of:
        return ""
    with styled(f"curve {target.name}"):
        figure = Figure(figsize=(4.2, 3.4), layout="constrained")
        axes = figure.subplots()
        draw_pretrained(axes, target)
        for index, (name, curve) in enumerate(curve_of.items()):
            draw_curve(axes, name, curve, COLOURS[index % len(COLOURS)])
        scales = sorted({scale for curve in curve_of.values() for scale, _ in curve})
        axes.set_xticks(scales, map(coefficient, scales))
        axes.set_xlabel("scaling coefficient λ of the task vector (0: without it)")
        axes.set_ylabel(f"test WER in %, {confidence * 100:g} % interval")
        figure.legend(loc="outside upper left", frameon=False, fontsize=8)
        title = f"WER on {target.name} against the scaling coefficient"
        return inline(figure, title, description(curve_of))


def draw_pretrained(axes: Axes, target: TargetSummary) -> None:
    """Draw the pretrained model's WER as a line across, with its interval as a band."""
    for row in target.rows:
        if row.arm == PRETRAINED:
            low, high = (100 * bound for bound in row.wer_interval)
            axes.axhspan(low, high, color=GREY, alpha=0.15)
            axes.axhline(100 * row.wer, color=GREY, linestyle="--", label="pretrained")


def draw_curve(axes: Axes, name: str, curve: Curve, colour: str) -> None:
    """Draw one arm's curve in its band, dotted its dev WER, and a ring about the choice."""
    scales = [scale for scale, _ in curve]
    low, high = ([100 * row.wer_interval[i] for _, row in curve] for i in (0, 1))
    axes.fill_between(scales, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(scales, [100 * row.wer for _, row in curve], color=colour, marker="o", label=name)
    dev = [(scale, 100 * row.dev_wer) for scale, row in curve if row.dev_wer is not None]
    if dev:
        axes.plot(*zip(*dev, strict=True), color=colour, linestyle=":", marker=".")
    for scale, row in curve:
        if row.chosen:
            axes.plot(scale, 100 * row.wer, "o", markersize=13, fillstyle="none", color=colour)


def description(curve_of: dict[str, Curve]) -> str:
    """Return the curves in words, for those who do not see them."""
    parts = []
    for name, curve in curve_of.items():
        values = ", ".join(
            f"λ {coefficient(scale)}: {percent(row.wer)} %"
            f" ({percent(row.wer_interval[0])} to {percent(row.wer_interval[1])})"
            + (" chosen" if row.chosen else "")
            for scale, row in curve
        )
        parts.append(f"Vector added to {name}: {values}.")
    return " ".join(parts)
