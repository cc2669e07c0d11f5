"""Kinds of task vectors, as a config names them: which vector each is, and of which kind one is."""

from evaluation import TASK_VECTORS, clusters_of
from methods import parts_of
from paths import ENGINES, TaskVector


def name_of(tts: str | None) -> str:
    """Return the name of the TTS that an arm hears."""
    if tts is None:
        raise ValueError("an arm that hears synthetic speech needs the name of its TTS")
    return tts


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
