"""How a scaling coefficient is chosen: beforehand, on source domains, on the target's dev speech.

In real use there are no target recordings: only the choice on ``real`` takes some, and is there to
tell what the others lose.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from paths import REAL, coefficient
from roles import CONSTANT, SOURCES
from scoring.scored import vector_of


class Choice(NamedTuple):
    """A scaling coefficient, how it was chosen, and on which scores.

    ``recordings`` is the number of target recordings that took; ``folds`` has the best coefficient
    of each source domain that played the target.
    """

    by: str
    scaling_coefficient: float
    recordings: int
    scores: list[str]
    folds: dict[str, float]

    def in_words(self, target: str) -> str:
        """Return how the coefficient was chosen."""
        used = f"{self.recordings} target recordings" if self.recordings else "no target recordings"
        if self.by == CONSTANT:
            return f"set beforehand, which uses {used}"
        if self.by == SOURCES:
            best = ", ".join(f"{name} {coefficient(scale)}" for name, scale in self.folds.items())
            return (
                f"nearest to the mean of the best of each source domain in the target's place"
                f" ({best}), which uses {used}"
            )
        return f"chosen on {target} dev ({self.by} speech), which uses {used}"


def choose(
    by: str, scales: list[float], tried: Iterable[dict], constant: float | None
) -> Choice | None:
    """Return a choice among the coefficients of one arm, or None if nothing was tried for it.

    ``tried`` are the arm's gathered dev and nested rows, of every coefficient.
    """
    if by == CONSTANT:
        return Choice(by, constant, 0, [], {}) if constant in scales else None
    if by == SOURCES:
        of_domain = defaultdict(list)
        for row in tried:
            if row["role"] == "nested":
                of_domain[row["domain"]].append(row)
        if not of_domain:
            return None
        folds = {name: best(rows)["scaling_coefficient"] for name, rows in of_domain.items()}
        mean = sum(folds.values()) / len(folds)
        nearest = min(sorted(scales), key=lambda scale: abs(scale - mean))
        scores = [path for rows in of_domain.values() for row in rows for path in row["scores"]]
        return Choice(by, nearest, 0, scores, folds)
    rows = [row for row in tried if row["role"] == "dev" and row["speech"] == by]
    if not rows:
        return None
    recordings = len(rows[0]["ids"]) if by == REAL else 0
    scores = [path for row in rows for path in row["scores"]]
    return Choice(by, best(rows)["scaling_coefficient"], recordings, scores, {})


def best(rows: list[dict]) -> dict:
    """Return the row of the lowest WER; among equal ones that of the lowest coefficient."""
    return min(rows, key=lambda row: (row["wer"], row["scaling_coefficient"]))


def choices_of(
    rows: Iterable[dict], tried: Iterable[dict], chosen_on: list[str], constant: float | None
) -> dict[tuple, list[Choice]]:
    """Return for each arm with a vector (``vector_of``) its choices, in the order of the config."""
    scales, tried_of = defaultdict(list), defaultdict(list)
    for row in rows:
        if row["scaling_coefficient"] is not None:
            scales[vector_of(row)].append(row["scaling_coefficient"])
    for row in tried:
        tried_of[vector_of(row)].append(row)
    made = {
        arm: [choose(by, of_arm, tried_of[arm], constant) for by in chosen_on]
        for arm, of_arm in scales.items()
    }
    return {arm: [choice for choice in choices if choice] for arm, choices in made.items()}
