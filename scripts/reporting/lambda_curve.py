"""WER against the scaling coefficient, as an inline SVG drawing."""

from matplotlib.figure import Figure

from matrix import TASK_VECTORS
from paths import PRETRAINED, coefficient
from reporting.charts import COLOURS, GREY, inline, styled
from reporting.words import percent


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
    with styled(f"curve {target['name']}"):
        figure = Figure(figsize=(4.2, 3.4), layout="constrained")
        axes = figure.subplots()
        draw_pretrained(axes, target)
        for index, (name, rows) in enumerate(found.items()):
            draw_curve(axes, name, rows, COLOURS[index % len(COLOURS)])
        scales = sorted({row["scaling_coefficient"] for rows in found.values() for row in rows})
        axes.set_xticks(scales, map(coefficient, scales))
        axes.set_xlabel("scaling coefficient λ of the task vector (0: without it)")
        axes.set_ylabel(f"test WER in %, {confidence * 100:g} % interval")
        figure.legend(loc="outside upper left", frameon=False, fontsize=8)
        title = f"WER on {target['name']} against the scaling coefficient"
        return inline(figure, title, description(found))


def draw_pretrained(axes, target: dict) -> None:
    """Draw the pretrained model's WER as a line across, with its interval as a band."""
    for row in target["rows"]:
        if row["arm"] == PRETRAINED:
            axes.axhspan(*(100 * bound for bound in row["wer_interval"]), color=GREY, alpha=0.15)
            axes.axhline(100 * row["wer"], color=GREY, linestyle="--", label="pretrained")


def draw_curve(axes, name: str, rows: list[dict], colour: str) -> None:
    """Draw one arm's curve in its band, dotted its dev WER, and a ring about the choice."""
    scales = [row["scaling_coefficient"] for row in rows]
    low, high = ([100 * row["wer_interval"][i] for row in rows] for i in (0, 1))
    axes.fill_between(scales, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(scales, [100 * row["wer"] for row in rows], color=colour, marker="o", label=name)
    dev = [
        (row["scaling_coefficient"], 100 * row["dev_wer"])
        for row in rows
        if row["dev_wer"] is not None
    ]
    if dev:
        axes.plot(*zip(*dev, strict=True), color=colour, linestyle=":", marker=".")
    for row in rows:
        if row["chosen"]:
            place = (row["scaling_coefficient"], 100 * row["wer"])
            axes.plot(*place, "o", markersize=13, fillstyle="none", color=colour)


def description(found: dict[str, list[dict]]) -> str:
    """Return the curves in words, for those who do not see them."""
    parts = []
    for name, rows in found.items():
        values = ", ".join(
            f"λ {coefficient(row['scaling_coefficient'])}: {percent(row['wer'])} %"
            f" ({percent(row['wer_interval'][0])} to {percent(row['wer_interval'][1])})"
            + (" chosen" if row["chosen"] else "")
            for row in rows
        )
        parts.append(f"Vector added to {name}: {values}.")
    return " ".join(parts)
