"""Arms: what their names say of the model, its task vector and what leads its decoder."""

from evaluation import TASK_VECTORS, clusters_of, has_aids, without_aids
from groups import SOURCE
from methods import parts_of
from paths import (
    ENGINES,
    PRETRAINED,
    PSEUDO,
    REAL,
    Aids,
    Model,
    TaskVector,
    TrainingData,
)

CONTINUED = "source-mixed->target-synthetic"
JOINT = "source-real+target-synthetic"
REPLAYING_TTS = "source-synthetic+target-synthetic"
# for delivery, each with and without a vector, or with aids, as the pretrained model may have
CANDIDATES = ("target-synthetic", CONTINUED, JOINT, REPLAYING_TTS)


def name_of(tts: str | None) -> str:
    """Return the name of the TTS that an arm hears."""
    if tts is None:
        raise ValueError("an arm that hears synthetic speech needs the name of its TTS")
    return tts


def model_of(arm: str, target: str, tts: str | None, group: str) -> Model:
    """Return the model of an arm, without its vector."""
    if arm == CONTINUED:
        speech = name_of(tts)
        return Model(TrainingData(target, speech), first=TrainingData(group, speech, mixed=True))
    if arm == JOINT:
        return Model(TrainingData(target, name_of(tts), replayed=group))
    if arm == REPLAYING_TTS:
        speech = name_of(tts)
        return Model(TrainingData(target, speech, replayed=group, replayed_speech=speech))
    if arm == PRETRAINED:
        return Model()
    role, kind = arm.split("-")
    speech = kind if kind in (REAL, PSEUDO) else name_of(tts)
    trained_on = group if role == SOURCE else target
    return Model(TrainingData(trained_on, speech, mixed=kind == "mixed"))


def vector_of(kind: str, tts: str | None, group: str) -> TaskVector:
    """Return a task vector.

    ``pooled``: of all source domains together; ``domains``: the mean of one per source domain;
    ``engines``: the mean of the pooled ones of every TTS; ``clusters4``: the mean of one for each
    of four clusters of the source's speakers; else of some modules: their part of the pooled one. A
    method may stand behind it: ``domains-ties``. ``tts`` may be ``PSEUDO``: what
    pseudo-labels lack (Pseudo2Real, Lin et al. 2025, 2510.08047).
    """
    whole, method = parts_of(kind)
    speech = ENGINES if whole == ENGINES else name_of(tts)
    clusters = clusters_of(whole)
    modules = "" if whole in TASK_VECTORS or clusters else whole
    return TaskVector(group, speech, whole == "domains", modules, method, clusters)


def kind_of_vector(vector: TaskVector) -> str:
    """Return the kind of a task vector, of which ``vector_of`` makes it."""
    mean = ENGINES if vector.speech == ENGINES else "domains" if vector.each else "pooled"
    whole = f"clusters{vector.clusters}" if vector.clusters else vector.modules or mean
    return f"{whole}-{vector.method}" if vector.method else whole


def aids_of(arm: str, target: str) -> Aids | None:
    """Return what leads the decoder of an arm: key terms, n-grams or both of its target's texts."""
    if not has_aids(arm):
        return None
    named = arm.removeprefix(without_aids(arm))
    return Aids(target, terms="+terms" in named, lm="+lm" in named)
