"""Heat maps of task vectors: how far each moves every layer, and how alike they are."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reporting.charts import inline, styled
from vectors.geometry import Geometry, VectorCosine, VectorNorm

Table = dict[str, dict[str, float]]
Values = dict[str, dict[str, list[float | None]]]

FEW = 12  # rows, up to which numbers stand in the cells of a square map
MANY = 60  # vectors, up to which each is held against each: the map grows by their square


def mean_norms(vectors: Iterable[VectorNorm]) -> tuple[Table, bool]:
    """Return per vector and layer the norm relative to the base's, averaged over seeds.

    The flag is False where a base is unknown: norms are then absolute.
    """
    vectors = list(vectors)
    relative = all(layer.relative_norm is not None for v in vectors for layer in v.layers)
    values: Values = defaultdict(lambda: defaultdict(list))
    for vector in vectors:
        for layer in vector.layers:
            norm = layer.relative_norm if relative else layer.norm
            values[vector.name][layer.layer].append(norm)
    return averaged(values), relative


def mean_cosines(cosines: Iterable[VectorCosine]) -> Table:
    """Return per pair, "a, b", and layer the cosine averaged over seeds."""
    values: Values = defaultdict(lambda: defaultdict(list))
    for pair in cosines:
        for layer in pair.layers:
            values[f"{pair.a}, {pair.b}"][layer.layer].append(layer.cosine)
    return averaged(values)


def cosine_table(cosines: Iterable[VectorCosine]) -> Table:
    """Return the cosine of each vector with each, averaged over seeds; 1 with itself."""
    values: Values = defaultdict(lambda: defaultdict(list))
    for pair in cosines:
        for one, other in ((pair.a, pair.b), (pair.b, pair.a)):
            values[one][one] = [1.0]
            values[one][other].append(pair.cosine)
    means = averaged(values)
    return {
        name: {other: row[other] for other in means if other in row} for name, row in means.items()
    }


def averaged(values: Values) -> Table:
    """Return the means of a table of lists, without what is null: a layer that was not trained."""
    means = {}
    for name, row in values.items():
        known = {key: [n for n in numbers if n is not None] for key, numbers in row.items()}
        if any(known.values()):
            means[name] = {
                key: float(np.mean(numbers)) for key, numbers in known.items() if numbers
            }
    return means


def heat_map(table: Table, title: str, what: str, signed: bool) -> str:
    """Return rows by columns as SVG, or "" if there is nothing; signed values go from -1 to 1."""
    if not table:
        return ""
    columns = list(dict.fromkeys(column for row in table.values() for column in row))
    grid = np.array([[row.get(column, np.nan) for column in columns] for row in table.values()])
    margin = 0.075 * max(map(len, table)) + 0.2  # inches, for the names
    size = (margin + 0.24 * len(columns) + 0.9, 1.5 + 0.24 * len(table))
    lowest, highest = (-1, 1) if signed else (0, None)
    with styled(title):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        mesh = axes.pcolormesh(
            grid,
            cmap="RdBu" if signed else "cividis",
            edgecolors="face",
            linewidth=0.2,
            vmin=lowest,
            vmax=highest,
        )
        axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=90)
        axes.set_yticks(np.arange(len(table)) + 0.5, list(table))
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.invert_yaxis()
        figure.colorbar(mesh, ax=axes, label=what, shrink=min(1.0, 2 / size[1]), aspect=12)
        if list(table) == columns and len(columns) <= FEW:
            write_numbers(axes, grid)
        return inline(figure, title, description(table))


def write_numbers(axes: Axes, grid: np.ndarray) -> None:
    """Write each value of a grid of cosines [n, n] into its cell."""
    for (y, x), value in np.ndenumerate(grid):
        if np.isnan(value):
            continue
        colour = "white" if abs(value) > 0.6 else "black"
        text = f"{value:.2f}".replace("0.", ".").replace("-", "−")
        axes.text(x + 0.5, y + 0.5, text, color=colour, fontsize=6, ha="center", va="center")


def description(table: Table) -> str:
    """Return a map in words: per row the lowest and the highest value, and where."""
    parts = []
    for name, row in table.items():
        low, high = min(row, key=row.__getitem__), max(row, key=row.__getitem__)
        parts.append(f"{name}: lowest {row[low]:.3g} ({low}), highest {row[high]:.3g} ({high})")
    return f"{'; '.join(parts)}."


def vector_maps(geometry: Geometry, base: str) -> list[tuple[str, str]]:
    """Return a base's maps with their captions: norms, cosines, and cosines by layer."""
    vectors = [vector for vector in geometry.vectors if vector.base == base]
    cosines = [pair for pair in geometry.cosines if pair.base == base]
    norms, relative = mean_norms(vectors)
    unit = "norm relative to the base" if relative else "norm"
    by_layer = mean_cosines(cosines)
    square = cosine_table(cosines)
    caption = f"How far each task vector moves every layer of {base}: its {unit}."
    if len(square) > MANY:
        caption += f" Cosines of each of {len(square)} with each are in task_vectors.json."
        square = {}
    maps = [
        (heat_map(norms, f"Norm of task vectors by layer, {base}", unit, False), caption),
        (heat_map(square, f"Cosine of task vectors, {base}", "cosine", True),
         "How alike the task vectors are: the cosine of each with each; 0 is unrelated."),
    ]  # fmt: skip
    if len(by_layer) <= 2 * FEW:
        maps.append(
            (heat_map(by_layer, f"Cosine of task vectors by layer, {base}", "cosine", True),
             "How alike they are in every layer.")
        )  # fmt: skip
    return [(drawing, caption) for drawing, caption in maps if drawing]
