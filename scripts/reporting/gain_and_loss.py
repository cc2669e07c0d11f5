"""What every model gains on its targets and loses elsewhere: one figure of an experiment."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from matplotlib.figure import Figure

from reporting.charts import COLOURS, INK, inline, styled
from reporting.tables import column_name, column_of
from reporting.words import points
from scoring.summary import Summary, SummaryRow, TargetSummary

FEWEST = 3  # points, of which a figure tells something
WIDTH, HEIGHT = 302.0, 245.0  # points, as of the other charts
LEFT, BELOW, SPARE = 40.0, 34.0, 6.0  # of the frame: for the axes' words, and elsewhere
DOT, LETTER = 4.0, (4.6, 8.0)  # radius of a point, and size of a digit
RINGS = (10.0, 17.0, 25.0, 34.0)  # about a point, on which its number may stand
MARKS = "osD^vP"
LINE = {"arrowstyle": "-", "linewidth": 0.5, "color": INK}  # from a point to a number far from it

Place = tuple[float, float]  # points, from the left and from below
Box = tuple[float, float, float, float]  # left, lower, right and upper edge


@dataclass(frozen=True)
class GainAndLoss:
    """An arm of a base model: what it changes on its targets, and elsewhere.

    Both are differences of WER from the pretrained model, fractions, pooled by words.
    """

    base: str
    arm: str
    on_targets: float
    elsewhere: float

    @property
    def in_words(self) -> str:
        """Both changes, in points."""
        return f"{points(self.on_targets)} on the target, {points(self.elsewhere)} elsewhere"


def gains_and_losses(summary: Summary) -> list[GainAndLoss]:
    """Return each arm of each base model that was tested elsewhere, too, for each of its targets.

    An arm's targets, and all other test sets, are pooled by their words. Arms of fewer targets than
    others of their base model have, which can't be compared with them, are left out.
    """
    rows_of: dict[tuple, list[tuple[TargetSummary, SummaryRow]]] = {}
    for target in summary.targets:
        for row in target.main_rows:
            if row.versus_pretrained and any(each.versus_pretrained for each in row.forgetting):
                rows_of.setdefault((target.base, column_of(row)), []).append((target, row))
    most: dict[str, int] = {}
    for (base, _), rows in rows_of.items():
        most[base] = max(most.get(base, 0), len(rows))
    return [pooled(base, rows) for (base, _), rows in rows_of.items() if len(rows) == most[base]]


def pooled(base: str, rows: Sequence[tuple[TargetSummary, SummaryRow]]) -> GainAndLoss:
    """Return what an arm changes on all its targets together, and on all other test sets."""
    on_targets = [
        (row.versus_pretrained.difference, target.words)
        for target, row in rows
        if row.versus_pretrained
    ]
    elsewhere = [
        (each.versus_pretrained.difference, each.words)
        for _, row in rows
        for each in row.forgetting
        if each.versus_pretrained
    ]
    labels = {row.label for _, row in rows}
    first = rows[0][1]
    arm = first.label if len(labels) == 1 else column_name(first)
    return GainAndLoss(base, arm, mean_by_words(on_targets), mean_by_words(elsewhere))


def mean_by_words(changes: Sequence[tuple[float, int]]) -> float:
    """Return the mean of differences, each as often as there are words behind it."""
    return sum(change * words for change, words in changes) / sum(words for _, words in changes)


def names_of(found: Sequence[GainAndLoss]) -> list[str]:
    """Return what the points are called: by base model and arm, or by that which they differ in."""
    bases, arms = ({each.base for each in found}, {each.arm for each in found})
    if len(bases) == 1:
        return [each.arm for each in found]
    return [each.base if len(arms) == 1 else f"{each.base}: {each.arm}" for each in found]


def key_of(summary: Summary) -> list[str]:
    """Return what the numbers in the figure stand for, with both changes, in their order."""
    found = gains_and_losses(summary)
    return [f"{name}: {each.in_words}" for name, each in zip(names_of(found), found, strict=True)]


def gain_and_loss(summary: Summary) -> str:
    """Return the change elsewhere against that on the targets, as SVG; lower left is best.

    It is "" for fewer than ``FEWEST`` points, and for a single table, which has a figure of its
    own, with intervals.
    """
    found = gains_and_losses(summary)
    if len(found) < FEWEST or len([target for target in summary.targets if target.rows]) < 2:
        return ""
    spots = [(100 * each.elsewhere, 100 * each.on_targets) for each in found]
    with styled("gain and loss"):
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72))
        frame = (WIDTH - LEFT - SPARE, HEIGHT - BELOW - SPARE)
        axes = figure.add_axes(
            (LEFT / WIDTH, BELOW / HEIGHT, frame[0] / WIDTH, frame[1] / HEIGHT),
            xlim=limits_of([x for x, _ in spots]),
            ylim=limits_of([y for _, y in spots]),
        )
        axes.axvline(0, color=INK, linewidth=0.6)
        axes.axhline(0, color=INK, linewidth=0.6)
        places = (axes.transData.transform(spots) - axes.bbox.min) * 72 / figure.dpi
        numbers = [str(index + 1) for index in range(len(found))]
        offsets = label_offsets(places.tolist(), numbers, frame)
        for spot, mark, colour in zip(spots, *marks_of(found), strict=True):
            axes.plot(*spot, mark, color=colour, markersize=2 * DOT)
        for number, spot, offset in zip(numbers, spots, offsets, strict=True):
            axes.annotate(
                number, spot, offset, textcoords="offset points", ha="center", va="center",
                fontsize=8, arrowprops=LINE if math.hypot(*offset) > RINGS[0] + 1 else None,
            )  # fmt: skip
        axes.set_xlabel("change of WER elsewhere, points (right: forgotten)")
        axes.set_ylabel("change on the targets, points (down: gained)")
        words = "; ".join(
            f"{number} {line}" for number, line in zip(numbers, key_of(summary), strict=True)
        )
        title = "Change of WER elsewhere against that on the targets, points; lower left is best"
        return inline(figure, title, f"{words}.")


def marks_of(found: Sequence[GainAndLoss]) -> tuple[list[str], list[str]]:
    """Return marks, one for each arm, and colours, one for each base model.

    Of a single base model, all marks are one, and the colours those of arms.
    """
    bases = [*dict.fromkeys(each.base for each in found)]
    arms = [*dict.fromkeys(each.arm for each in found)]
    of_arm, of_base = ([arms.index(e.arm) for e in found], [bases.index(e.base) for e in found])
    first, second = (of_arm, of_base) if len(bases) > 1 else (of_base, of_arm)
    return [MARKS[n % len(MARKS)] for n in first], [COLOURS[n % len(COLOURS)] for n in second]


def limits_of(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis with some values and 0, and a tenth of its length to spare."""
    low, high = min(0.0, *values), max(0.0, *values)
    spare = 0.1 * ((high - low) or 1.0)
    return low - spare, high + spare


def label_offsets(
    places: Sequence[Place], labels: Sequence[str], frame: tuple[float, float]
) -> list[Place]:
    """Return where each label stands beside its place: as near as it hits no other, and no place.

    All is in points; labels stay within the frame. One for which there is no room stands above.
    """
    taken = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in places]
    offsets = []
    for (x, y), label in zip(places, labels, strict=True):
        for ring, turn in product(RINGS, range(12)):
            angle = math.pi * (0.5 - turn / 6)  # clockwise from above
            right, up = ring * math.cos(angle), ring * math.sin(angle)
            box = box_about(x + right, y + up, label)
            is_inside = min(box) >= 0 and box[2] <= frame[0] and box[3] <= frame[1]
            if is_inside and not any(overlap(box, other) for other in taken):
                break
        else:
            right, up = 0.0, RINGS[0]
        taken.append(box_about(x + right, y + up, label))
        offsets.append((right, up))
    return offsets


def box_about(x: float, y: float, label: str) -> Box:
    """Return the box of a label about its middle."""
    half_width, half_height = len(label) * LETTER[0] / 2, LETTER[1] / 2
    return x - half_width, y - half_height, x + half_width, y + half_height


def overlap(one: Box, other: Box) -> bool:
    """Say whether two boxes have more than an edge in common."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
