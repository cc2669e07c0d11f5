"""Names of what an experiment makes, as they stand in the paths of its files.

Each is a frozen dataclass: ``str()`` writes the name, ``parse()`` reads it and raises
``InputError`` for a text that ``str()`` would not write. No domain and no TTS has a hyphen in its
name or is called like a word that stands beside it (see names.py); so every text is one name.
Places of files begin below the experiment's folder, ``results/NAME``; more are in places.py.
"""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

from adaptations import NAME as ADAPTATION
from errors import InputError
from groups import GROUP, WORD, whole_group
from methods import METHOD, method_of
from modules import SEVERAL, factors_of
from names import Name, matched, one_of

REAL, PRETRAINED, ENGINES = "real", "pretrained", "engines"
PSEUDO = "pseudo"  # recordings with what the base model heard in place of their transcripts
NUMBER = r"\d+(?:\.\d+)?"  # a scaling coefficient
SEED = r"\d+"
DATA = f"(?P<group>{GROUP})-(?P<mixed>mixed-)?(?P<speech>{WORD})"
DATA += f"(?:-with-(?P<replayed>{GROUP})(?:-(?P<replayed_speech>{WORD}))?)?"
VECTOR = rf"(?:(?P<each>each-)|clusters-(?P<clusters>\d+)-)?(?P<group>{GROUP})-(?P<speech>{WORD})"
VECTOR += f"(?:-(?P<modules>{SEVERAL}))?"
VECTOR += f"(?:-(?P<method>{METHOD}))?"
AIDS = f"(?P<domain>{WORD})(?=-)(?P<terms>-terms)?(?P<lm>-lm)?"
MODEL = rf"(?P<trained>[^+]+)(?:\+(?P<vector>[^+]+)-tv(?P<scale>{NUMBER}))?"
MODEL += rf"(?:\+(?P<aids>[^+]+-[^+]+))?(?:\+(?P<adaptation>{ADAPTATION}))?"


def labelled_by(base: str) -> str:
    """Return what recordings with a base model's labels are called in the paths of manifests."""
    return f"{PSEUDO}-{base}"


@functools.cache
def coefficient(scale: float) -> str:
    """Return a scaling coefficient as it stands in file names and tables: six digits at most.

    Raises ``InputError`` for one that would be read there as another, or that is written 5e-05.
    """
    text = f"{scale:g}"
    if not re.fullmatch(NUMBER, text) or float(text) != scale:
        raise InputError(
            f"{scale} would be {text} in file names; write it with six significant digits at most,"
            " 0 or between 0.0001 and 999999"
        )
    return text


def seed_folder(seed: int) -> str:
    """Return the folder (or the file's stem) of what was made with a seed."""
    return f"seed{seed}"


def seed_of(folder: str) -> int:
    """Return the seed of a folder that ``seed_folder`` names; raise ``InputError`` for others."""
    return int(matched(f"seed({SEED})", folder)[1])


@dataclass(frozen=True)
class TrainingData(Name):
    """A data set: recordings of a group (a domain or a pool), its texts spoken by a TTS, or both.

    ``speech`` is "real" (recordings), "pseudo" (these, with the base model's hypotheses as labels)
    or a TTS; ``mixed`` has recordings and a TTS. Recordings of a ``replayed`` group join them, or
    its texts spoken by a TTS, ``replayed_speech``.
    """

    WHAT = (
        "training data, GROUP-real, GROUP-pseudo, GROUP-TTS or GROUP-mixed-TTS, maybe with"
        " -with-GROUP or -with-GROUP-TTS"
    )
    group: str
    speech: str
    mixed: bool = False
    replayed: str = ""
    replayed_speech: str = REAL

    def __str__(self) -> str:
        replayed = f"-with-{self.replayed}" if self.replayed else ""
        replayed += "" if self.replayed_speech == REAL else f"-{self.replayed_speech}"
        return f"{self.group}-{'mixed-' if self.mixed else ''}{self.speech}{replayed}"

    @classmethod
    def _read(cls, text: str) -> Self:
        match = matched(DATA, text)
        replayed = match["replayed"] or "", match["replayed_speech"] or REAL
        return cls(match["group"], match["speech"], bool(match["mixed"]), *replayed)

    @staticmethod
    def pattern(groups: Iterable[str], tts: Iterable[str]) -> str:
        """Return the pattern of a wildcard for the data of some groups."""
        group, spoken = f"(?:{one_of(groups)})", f"(?:{one_of(tts)})"
        own = f"{REAL}|{PSEUDO}|(?:mixed-)?{spoken}"
        return f"{group}-(?:{own})(?:-with-{group}(?:-{spoken})?)?"

    def manifests(self, split: str, base: str) -> list["Manifest"]:
        """Return the manifests of a split for a base model: one for each kind of speech in it.

        A cluster of speakers has no dev of its own, which would be little.
        """
        group = self.group if split == "train" else whole_group(self.group)
        speech = labelled_by(base) if self.speech == PSEUDO else self.speech
        parts = [(group, REAL)] if self.mixed else []
        parts += [(group, speech), (self.replayed, self.replayed_speech)]
        return [Manifest(*part, split) for part in parts if part[0]]


@dataclass(frozen=True)
class TaskVector(Name):
    """A task vector of a group and a TTS; ``each``: the mean of one per domain of the group.

    ``speech`` may be "engines": the mean of those of every TTS; or "pseudo": real speech with
    transcripts minus the same with pseudo-labels, perhaps the mean of one for each of so many
    ``clusters`` of speakers (0: of none). ``modules``: those that it is of, if not of the whole
    model. ``method``: by what it is made, in place of the mean or of that one.
    """

    WHAT = (
        "a task vector, GROUP-TTS, each-GROUP-TTS, clusters-COUNT-GROUP-pseudo or GROUP-engines,"
        " maybe with -MODULES, -METHOD"
    )
    group: str
    speech: str
    each: bool = False
    modules: str = ""
    method: str = ""
    clusters: int = 0

    def __str__(self) -> str:
        of_each = "each-" if self.each else f"clusters-{self.clusters}-" if self.clusters else ""
        name = f"{of_each}{self.group}-{self.speech}"
        return "-".join(filter(None, (name, self.modules, self.method)))

    @classmethod
    def _read(cls, text: str) -> Self:
        match = matched(VECTOR, text)
        modules, method = match["modules"] or "", match["method"] or ""
        if modules:
            factors_of(modules)
        if method:
            method_of(method)
        each, clusters = bool(match["each"]), int(match["clusters"] or 0)
        return cls(match["group"], match["speech"], each, modules, method, clusters)

    @staticmethod
    def unmerged(groups: Iterable[str], tts: Iterable[str]) -> str:
        """Return the pattern of a wildcard for the vectors of some groups without a method."""
        speech = f"(?:{one_of(tts)}|{ENGINES}|{PSEUDO})"
        return rf"(?:each-|clusters-\d+-)?(?:{one_of(groups)})-{speech}(?:-{SEVERAL})?"

    @classmethod
    def pattern(cls, groups: Iterable[str], tts: Iterable[str]) -> str:
        """Return the pattern of a wildcard for the vectors of some groups."""
        return f"{cls.unmerged(groups, tts)}(?:-{METHOD})?"


@dataclass(frozen=True)
class Aids(Name):
    """What of a domain's training texts leads a decoder, without training.

    ``terms``: key terms; ``lm``: n-grams of the texts; one of them at least.
    """

    WHAT = "aids of a decoder, DOMAIN-terms, DOMAIN-lm or DOMAIN-terms-lm"
    domain: str
    terms: bool
    lm: bool

    def __str__(self) -> str:
        return f"{self.domain}{'-terms' if self.terms else ''}{'-lm' if self.lm else ''}"

    @classmethod
    def _read(cls, text: str) -> Self:
        match = matched(AIDS, text)
        return cls(match["domain"], bool(match["terms"]), bool(match["lm"]))

    @staticmethod
    def pattern(domains: Iterable[str]) -> str:
        """Return the pattern of a wildcard for the aids of some domains."""
        return f"(?:{one_of(domains)})-(?:terms|lm|terms-lm)"


@dataclass(frozen=True)
class Model(Name):
    """A model of some base: pretrained (no data), or trained on data, maybe after other data.

    A task vector may be added, times a coefficient; its decoder may have aids; or it adapts.
    """

    WHAT = "a model, pretrained, DATA or DATA-after-DATA, maybe +VECTOR-tvSCALE, +AIDS, +ADAPTATION"
    TRAINED: ClassVar[str] = r"[^+/]+"  # the pattern of a wildcard for one with nothing added
    data: TrainingData | None = None
    first: TrainingData | None = None
    vector: TaskVector | None = None
    scale: float | None = None
    aids: Aids | None = None
    adaptation: str | None = None

    def __str__(self) -> str:
        name = str(self.data or PRETRAINED) + (f"-after-{self.first}" if self.first else "")
        if self.vector is not None and self.scale is not None:
            name += f"+{self.vector}-tv{coefficient(self.scale)}"
        return "+".join([name, *(str(each) for each in (self.aids, self.adaptation) if each)])

    @classmethod
    def _read(cls, text: str) -> Self:
        match = matched(MODEL, text)
        data, after, first = match["trained"].partition("-after-")
        vector, aids, adaptation = match["vector"], match["aids"], match["adaptation"]
        return cls(
            None if match["trained"] == PRETRAINED else TrainingData.parse(data),
            TrainingData.parse(first) if after else None,
            TaskVector.parse(vector) if vector else None,
            float(match["scale"]) if vector else None,
            Aids.parse(aids) if aids else None,
            adaptation,
        )

    @classmethod
    def pattern(cls, scale: str) -> str:
        """Return the pattern of a wildcard for any, with a vector times a scale or without."""
        return rf"{cls.TRAINED}(?:\+[^/]+-tv{scale}|\+[^+/]+-(?:terms|lm)|\+(?:{ADAPTATION}))?"

    @property
    def trained(self) -> Self:
        """The model that a vector is added to, whose decoder has the aids, or which adapts."""
        return type(self)(self.data, self.first)


@dataclass(frozen=True)
class Checkpoint(Name):
    """The folder of a model's weights."""

    WHAT = "a checkpoint's folder, models/BASE/MODEL/seedN"
    base: str
    model: Model
    seed: int

    def __str__(self) -> str:
        return f"models/{self.base}/{self.model}/{seed_folder(self.seed)}"

    @classmethod
    def _read(cls, text: str) -> Self:
        _, base, model, seed = text.split("/")
        return cls(base, Model.parse(model), seed_of(seed))

    @classmethod
    def for_seed(cls, base: str, model: Model, seed: int) -> Self:
        """Return the checkpoint of a seed's runs: the pretrained model has the seed 0 only."""
        return cls(base, model, 0 if model == Model() else seed)


@dataclass(frozen=True)
class Manifest(Name):
    """The manifest of a split of a group's speech, real or of a TTS."""

    WHAT = "a manifest, manifests/GROUP/SPEECH/SPLIT.jsonl"
    group: str
    speech: str
    split: str

    def __str__(self) -> str:
        return f"manifests/{self.utterances()}.jsonl"

    @classmethod
    def _read(cls, text: str) -> Self:
        _, group, speech, file = text.split("/")
        return cls(group, speech, file.removesuffix(".jsonl"))

    def utterances(self) -> str:
        """Return what its hypotheses and scores are called by, below the folder of their model."""
        return f"{self.group}/{self.speech}/{self.split}"
