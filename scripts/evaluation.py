"""An evaluation: a model of one seed on some speech, and how it is called."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from adaptations import ADAPTATIONS
from methods import parts_of, titled
from modules import factors_of
from paths import coefficient

VECTOR = "+vector"  # behind the name of an arm to which a task vector is added
# behind that of an arm whose decoder has aids, in this order, and how they are shown
AIDS = {"+terms": "key terms", "+lm": "n-grams"}
WITHOUT_TRANSCRIPTS = "training without transcripts"  # what recordings of a target served for


class ScoredSpeech(NamedTuple):
    """Speech that a target's models are scored on, and the role of those numbers.

    ``test``: the table; ``dev``: the target's dev speech; ``nested``: dev recordings of a source
    domain that plays the target, whose models are trained without the target; on both a scaling
    coefficient may be chosen; ``evidence``: dev speech, synthetic of the target and real of the
    source, on which the model to deliver is chosen; ``agreement``: untranscribed recordings of the
    target, held to what a judge heard; ``forgetting``: test recordings of other domains.
    """

    role: str
    domain: str
    speech: str
    split: str


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A model of one seed, and the speech that it is scored on, if any, else null.

    ``scaling_coefficient`` and what is said of the vector are null without one. ``target`` is
    whose table it is in, ``domain`` whose speech is recognised. ``aids`` are the files that its
    decoder is led by, whose strength is ``terms_bonus`` or ``texts_weight``, else null.
    ``adaptation`` is the method by which it adapts to the speech that it recognises, or null.
    ``line`` is the simulated line that the target's recordings went through ("bad"), or null.
    """

    role: str | None
    base: str
    target: str
    domain: str | None
    kind: str | None
    arm: str
    tts: str | None
    model: str
    scaling_coefficient: float | None
    vector: str | None
    vector_path: str | None
    vector_on: str | None
    speech: str | None
    split: str | None
    seed: int
    window: float  # s, in which it is decoded
    aids: list[str]
    terms_bonus: float | None  # nats
    texts_weight: float | None
    adaptation: str | None
    manifest: str | None
    hypotheses: str | None
    score: str | None
    target_recordings: str
    line: str | None
    accepted_overlap: list[str]


@dataclass(frozen=True, kw_only=True)
class ScoredEvaluation(Evaluation):
    """A model of one seed, and the speech that it is scored on."""

    role: str
    domain: str
    kind: str
    speech: str
    split: str
    manifest: str
    hypotheses: str
    score: str

    @property
    def scored_speech(self) -> "ScoredSpeech":
        """The speech, and the role of the number."""
        return ScoredSpeech(self.role, self.domain, self.speech, self.split)


OF_SPEECH = (*ScoredSpeech._fields, "kind", "manifest", "hypotheses", "score")
MADE = {  # what a model of an arm is made of, in words
    "pretrained": "the base model as it was published",
    "source-real": "trained on the source's recordings",
    "source-synthetic": "trained on synthetic speech of the source's texts",
    "source-mixed": "trained on the source's recordings and synthetic speech of its texts",
    "source-mixed->target-synthetic": "the paper's baseline: trained on the source's recordings and"
    " synthetic speech of its texts, then, at a lower rate, on synthetic speech of the target's",
    "target-synthetic": "trained on synthetic speech of the target's texts",
    "source-real+target-synthetic": "trained on the source's recordings and synthetic speech of the"
    " target's texts together",
    "source-synthetic+target-synthetic": "trained on synthetic speech of the source's texts and of"
    " the target's together",
    "source-pseudo": "trained on the source's recordings, labelled with what the base model heard",
    "target-pseudo": "self-training: trained on the target's recordings, labelled with what the"
    " base model heard, where it was sure; no transcript of them is read",
    "target-real": "trained on the target's own recordings, which adaptation from text does not"
    " have: the topline",
}
KNOWN_AS = {  # what an arm is to those who compare it
    "pretrained": "as published",
    "source-mixed->target-synthetic": "paper's baseline",
    "source-mixed->target-synthetic+vector": "SYN2REAL",
    "source-real+target-synthetic": "trained together",
    "target-synthetic": "trained on the target's TTS alone",
    "target-pseudo": "self-training",
    "target-pseudo+vector": "Pseudo2Real",
    "target-real": "topline",
}
SOURCE_RECORDINGS = "recordings of the source"  # of what a model is made from
TASK_VECTORS = {"pooled": "τ", "domains": "mean τ of domains", "engines": "mean τ of engines"}
CLUSTERS = re.compile(r"clusters([2-9]|[1-9]\d+)")  # a kind of task vector: clusters4


def adaptation_of(arm: str) -> str | None:
    """Return the method by which an arm adapts to each recording that it transcribes, if any."""
    last = arm.rpartition("+")[2]
    return last if last in ADAPTATIONS else None


def without_aids(arm: str) -> str:
    """Return the arm that is trained: without what its decoder is led by, or what it adapts by."""
    for ending in (*(f"+{name}" for name in ADAPTATIONS), *reversed(AIDS)):
        arm = arm.removesuffix(ending)
    return arm


def has_aids(arm: str) -> bool:
    """Say whether an arm's decoder is led by key terms or n-grams."""
    return any(aid in arm for aid in AIDS)


def uses_of(arm: str) -> tuple[str, ...]:
    """Return what the models of an arm are made from, besides the base model."""
    uses = {
        "texts of the target": "target-synthetic" in arm or has_aids(arm),
        SOURCE_RECORDINGS: any(
            part in arm for part in ("source-real", "source-mixed", "source-pseudo", VECTOR)
        ),
        "texts of the source": "source-synthetic" in arm,
        "recordings of the target": "target-real" in arm,
        "recordings of the target, without transcripts": "target-pseudo" in arm,
        "the test recordings, without transcripts": adaptation_of(arm) is not None,
    }
    return tuple(name for name, is_used in uses.items() if is_used)


def clusters_of(vector: str) -> int:
    """Return of how many clusters of speakers a kind of task vector is the mean: of "clusters4", 4.

    Of other kinds it is 0. A method behind it says nothing of that.
    """
    match = CLUSTERS.fullmatch(parts_of(vector)[0])
    return int(match[1]) if match else 0


def symbol(vector: str) -> str:
    """Return a kind of task vector as it is shown.

    It is one of ``TASK_VECTORS``, of clusters of speakers or of some modules, and may be made by a
    method.
    """
    whole, method = parts_of(vector)
    if method:
        return titled(symbol(whole), method)
    if vector in TASK_VECTORS:
        return TASK_VECTORS[vector]
    if count := clusters_of(vector):
        return f"mean τ of {count} clusters of speakers"
    factors = factors_of(vector)
    parts = [
        ("" if factor == 1 else f"{coefficient(factor)} ") + f"τ of the {module}"
        for module, factor in factors.items()
    ]
    return parts[0] if [*factors.values()] == [1] else f"({' + '.join(parts)})"


def label(arm: str, scale: float | None, vector: str | None, tts: str | None = None) -> str:
    """Return an arm's name as it is shown: with arrow, and with what there is of the rest.

    That is a scaled vector, the decoder's aids or test-time adaptation, and the TTS.
    """
    trained = without_aids(arm)
    name = trained.removesuffix(VECTOR).replace("->", "→")
    if vector is not None and scale is not None:
        name += f" + {coefficient(scale)} {symbol(vector)}"
    of_arm = arm.removeprefix(trained)
    name += "".join(f" + {words}" for aid, words in AIDS.items() if aid in of_arm)
    if adaptation := adaptation_of(arm):
        name += f" + {ADAPTATIONS[adaptation].title}"
    return f"{name} ({tts})" if tts else name
