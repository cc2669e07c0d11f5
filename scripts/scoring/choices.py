"""How a scaling coefficient is chosen: beforehand, on source domains, on the target's dev speech.

In real use there are no target recordings: only the choice on ``real`` takes some, and is there to
tell what the others lose.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from paths import REAL, coefficient
from roles import CONSTANT, SOURCES
from scoring.comparisons import ResampledRows
from scoring.differences import TestedDifference
from scoring.evaluations import ArmKey, ModelKey
from scoring.pooling import PooledRow
from scoring.summary import Fold, ReportedChoice


class Choice(NamedTuple):
    """A scaling coefficient, how it was chosen, and on which scores.

    ``recordings`` is the number of target recordings that took; ``folds`` has the best coefficient
    of each source domain that played the target.
    """

    by: str
    scaling_coefficient: float
    recordings: int
    scores: tuple[str, ...]
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
    by: str, scales: Collection[float], tried: Iterable[PooledRow], constant: float | None
) -> Choice | None:
    """Return a choice among the coefficients of one arm, or None if nothing was tried for it.

    ``tried`` are the arm's dev and nested rows, of every coefficient.
    """
    if by == CONSTANT:
        if constant is None or constant not in scales:
            return None
        return Choice(by, constant, 0, (), {})
    if by == SOURCES:
        of_domain: dict[str, list[PooledRow]] = defaultdict(list)
        for row in tried:
            if row.evaluation.role == "nested":
                of_domain[row.evaluation.domain].append(row)
        if not of_domain:
            return None
        folds = {name: best_scale(rows) for name, rows in of_domain.items()}
        mean = sum(folds.values()) / len(folds)
        nearest = min(sorted(scales), key=lambda scale: abs(scale - mean))
        scores = [path for rows in of_domain.values() for row in rows for path in row.scores]
        return Choice(by, nearest, 0, tuple(scores), folds)
    rows = [row for row in tried if (row.evaluation.role, row.evaluation.speech) == ("dev", by)]
    if not rows:
        return None
    recordings = len(rows[0].utterances) if by == REAL else 0
    scores = [path for row in rows for path in row.scores]
    return Choice(by, best_scale(rows), recordings, tuple(scores), {})


def best_scale(rows: Iterable[PooledRow]) -> float:
    """Return the coefficient of the lowest WER; among equal ones the lowest."""
    scales = [
        (row.wer, scale)
        for row in rows
        if (scale := row.evaluation.scaling_coefficient) is not None
    ]
    return min(scales)[1]


def choices_of(
    rows: Iterable[PooledRow],
    tried: Iterable[PooledRow],
    chosen_on: Iterable[str],
    constant: float | None,
) -> dict[ArmKey, list[Choice]]:
    """Return the choices of each arm with a vector, in the order of the config."""
    scales: dict[ArmKey, list[float]] = defaultdict(list)
    tried_of: dict[ArmKey, list[PooledRow]] = defaultdict(list)
    for row in rows:
        if (scale := row.evaluation.scaling_coefficient) is not None:
            scales[row.model.arm].append(scale)
    for row in tried:
        tried_of[row.model.arm].append(row)
    return {
        arm: [c for by in chosen_on if (c := choose(by, of_arm, tried_of[arm], constant))]
        for arm, of_arm in scales.items()
    }


def reported_choice(
    choice: Choice, choices: list[Choice], arm: ArmKey, test: ResampledRows
) -> ReportedChoice:
    """Return how a coefficient was chosen and what that loses against the target's recordings."""
    index_of = {row.model: index for index, row in enumerate(test.rows)}
    index = index_of[ModelKey(arm, choice.scaling_coefficient)]
    oracle = next((other for other in choices if other.by == REAL), None)
    versus_oracle = None
    if oracle and choice is not oracle:
        best = index_of[ModelKey(arm, oracle.scaling_coefficient)]
        difference = test.compare(index, best)
        versus_oracle = TestedDifference(0.0, (0.0, 0.0), 1.0)
        if difference:
            versus_oracle = TestedDifference(
                difference.difference, difference.interval, difference.p
            )
    row = test.rows[index]
    return ReportedChoice(
        vector_on=str(row.evaluation.vector_on),
        tts=arm.tts,
        vector=str(arm.vector),
        scaling_coefficient=choice.scaling_coefficient,
        wer=row.wer,
        by=choice.by,
        uses_target_recordings=choice.recordings,
        in_words=choice.in_words(arm.target),
        scores=choice.scores,
        folds=tuple(Fold(*fold) for fold in choice.folds.items()),
        versus_oracle=versus_oracle,
    )
