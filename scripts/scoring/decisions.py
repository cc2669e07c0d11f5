"""What an experiment decides: which model is shipped, and what was declared and tested first.

Rates and differences are fractions, intervals their lower and upper bound.
"""

from dataclasses import dataclass, replace
from typing import Any

from paths import Aids, Checkpoint
from places import VectorFile
from scoring.differences import Comparison, Difference, Interval


def with_vector(folder: str, vector: str, scale: float) -> str:
    """Return the folder of a checkpoint to which a task vector is added."""
    file = VectorFile.parse(f"task_vectors/{vector.partition('/task_vectors/')[2]}")
    return with_added(folder, vector=file.vector, scale=scale)


def with_added(folder: str, **added: Any) -> str:
    """Return the folder of a checkpoint whose model has more: fields of ``Model``."""
    results, _, place = folder.partition("/models/")
    checkpoint = Checkpoint.parse(f"models/{place}")
    return f"{results}/{replace(checkpoint, model=replace(checkpoint.model, **added))}"


@dataclass(frozen=True)
class Candidate:
    """A model that may be shipped, and the evidence on it, which takes no transcript of the target.

    ``synthetic_wer`` is on dev texts of the target as a TTS speaks them, ``source_wer`` on dev
    recordings of the source. ``estimate`` is the geometric mean of both, each divided by the
    pretrained model's: 0.8 is a fifth fewer errors; ``interval`` holds it with 90 %, and what is
    beyond each of its ends with 5 %. ``repetitive`` is the share of endless repetitions in the
    hypotheses, the mean of both sets, for which it may be ``left_out``. ``disagreement`` is its WER
    against what a judge heard in untranscribed recordings of the target, minus the pretrained
    model's; null without such, and of that model. A candidate that surely disagrees more is
    ``vetoed``.
    """

    label: str
    synthetic_wer: float
    source_wer: float
    estimate: float
    interval: Interval
    repetitive: float
    left_out: bool
    disagreement: Difference | None = None
    vetoed: bool = False


@dataclass(frozen=True)
class Verdict:
    """Which model to ship: the label of the ``chosen`` candidate, and whether that is adapted.

    ``best`` is the adapted candidate of the lowest estimate, of those that are neither left out nor
    vetoed, if there are any. ``estimate`` and ``interval`` are those of the chosen one if it
    ``ships``, else of the best. ``models`` are its checkpoints, by seed; a task vector is added to
    each of them, times ``scaling_coefficient``, if it has ``vectors``, by seed. ``aids`` are what
    leads its decoder (as paths.py writes it), else null. ``untranscribed`` is how many recordings
    of the target, without transcripts, are in the evidence.
    """

    ships: bool
    chosen: str
    best: str
    estimate: float
    interval: Interval
    models: tuple[str, ...]
    vectors: tuple[str, ...]
    scaling_coefficient: float | None
    aids: str | None
    candidates: tuple[Candidate, ...]
    untranscribed: int = 0

    @property
    def folders(self) -> list[str]:
        """The folders of the checkpoints that are shipped, by seed; none, if the model is kept."""
        if not self.ships:
            return []
        if self.aids:
            return [with_added(model, aids=Aids.parse(self.aids)) for model in self.models]
        if self.scaling_coefficient is None:
            return list(self.models)
        vectors = zip(self.models, self.vectors, strict=True)
        return [with_vector(model, vector, self.scaling_coefficient) for model, vector in vectors]


@dataclass(frozen=True)
class PrimaryComparison:
    """A comparison that was declared before any number was seen, and is tested first.

    ``target`` is null for all targets together. ``first`` and ``second`` are the WERs of the two;
    the ``comparison`` is the first minus the second.
    """

    name: str
    base: str
    target: str | None
    utterances: int
    words: int
    first: float
    second: float
    comparison: Comparison
