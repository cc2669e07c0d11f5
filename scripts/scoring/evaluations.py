"""The evaluations of an experiment, read back, and what makes them rows of one table."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from errors import InputError
from evaluation import Evaluation, ScoredEvaluation, label
from files.json_file import read_json
from files.typed_json import typed

REMEDY = "write it with experiment.py"


class ArmKey(NamedTuple):
    """What evaluations have in common that differ in scaling coefficient, speech and seed only."""

    base: str
    target: str
    tts: str | None
    arm: str
    vector: str | None

    @classmethod
    def of(cls, evaluation: Evaluation) -> "ArmKey":
        """Return an evaluation's arm."""
        return cls(
            evaluation.base,
            evaluation.target,
            evaluation.tts,
            evaluation.arm,
            evaluation.vector,
        )


class ModelKey(NamedTuple):
    """What evaluations have in common that differ in speech and seed only: a row of the table."""

    arm: ArmKey
    scaling_coefficient: float | None

    @classmethod
    def of(cls, evaluation: Evaluation) -> "ModelKey":
        """Return an evaluation's model."""
        return cls(ArmKey.of(evaluation), evaluation.scaling_coefficient)


def labels_of(models: Iterable[ModelKey]) -> dict[ModelKey, str]:
    """Return how a target's models are called, with their TTS where they have several."""
    models = list(models)
    several_tts = len({model.arm.tts for model in models} - {None}) > 1
    return {
        model: label(
            model.arm.arm,
            model.scaling_coefficient,
            model.arm.vector,
            model.arm.tts if several_tts else None,
        )
        for model in models
    }


def read_evaluations(path: Path) -> list[Evaluation]:
    """Return the evaluations, ``ScoredEvaluation`` where there is a score.

    Raises ``InputError`` for what is lacking, of a wrong type or there twice.
    """
    content = read_json(path, REMEDY)
    if not isinstance(content, list) or not content:
        raise InputError(f"{path}: must be a list of at least one evaluation; {REMEDY}")
    evaluations: list[Evaluation] = []
    number_of: dict[tuple[object, ...], int] = {}
    for number, row in enumerate(content, start=1):
        is_scored = isinstance(row, dict) and row.get("score") is not None
        kind = ScoredEvaluation if is_scored else Evaluation
        each = typed(kind, row, path, REMEDY, f"evaluation {number}")
        speech = each.scored_speech if isinstance(each, ScoredEvaluation) else None
        first = number_of.setdefault((ModelKey.of(each), speech, each.seed), number)
        if first != number:
            name = label(each.arm, each.scaling_coefficient, each.vector)
            raise InputError(
                f"{path}: evaluations {first} and {number} are both of {name} of {each.base} on"
                f" {each.target}, seed {each.seed}, split {each.split}"
            )
        evaluations.append(each)
    return evaluations


def one_language(language_of_file: Mapping[str, str] | Mapping[Path, str]) -> str | None:
    """Return the language of some scores, by path; refuse what was normalised in several."""
    first: dict[str, str | Path] = {}
    for path, language in language_of_file.items():
        first.setdefault(language, path)
    if len(first) > 1:
        listed = ", ".join(f"{path} in {language!r}" for language, path in first.items())
        raise InputError(
            f"scores of {len(first)} languages don't compare: {listed}; score all in one language"
        )
    return next(iter(first), None)
