"""Places of files that stages make of models and speech, below the experiment's folder.

Each is a name as those of paths.py: ``str()`` writes it, ``parse()`` reads it.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from names import Name
from paths import Manifest, Model, TaskVector, seed_folder, seed_of


@dataclass(frozen=True)
class VectorFile(Name):
    """The file of a task vector."""

    WHAT = "a task vector's file, task_vectors/BASE/VECTOR/seedN.safetensors"
    base: str
    vector: TaskVector
    seed: int

    def __str__(self) -> str:
        return f"task_vectors/{self.base}/{self.vector}/{seed_folder(self.seed)}.safetensors"

    @classmethod
    def _read(cls, text: str) -> Self:
        _, base, vector, file = text.split("/")
        return cls(base, TaskVector.parse(vector), seed_of(file.removesuffix(".safetensors")))


@dataclass(frozen=True)
class Hypotheses(Name):
    """What a model made with a seed understood of the utterances of a manifest."""

    WHAT = "hypotheses, hypotheses/BASE/MODEL/seedN/GROUP/SPEECH/SPLIT.jsonl"
    FOLDER: ClassVar[str] = "hypotheses"
    SUFFIX: ClassVar[str] = ".jsonl"
    base: str
    model: Model
    seed: int
    manifest: Manifest

    def __str__(self) -> str:
        folder = f"{self.FOLDER}/{self.base}/{self.model}/{seed_folder(self.seed)}"
        return f"{folder}/{self.manifest.utterances()}{self.SUFFIX}"

    @classmethod
    def _read(cls, text: str) -> Self:
        _, base, model, seed, group, speech, file = text.split("/")
        manifest = Manifest(group, speech, file.removesuffix(cls.SUFFIX))
        return cls(base, Model.parse(model), seed_of(seed), manifest)


@dataclass(frozen=True)
class Score(Hypotheses):
    """The counts of the errors in hypotheses."""

    WHAT = "a score, scores/BASE/MODEL/seedN/GROUP/SPEECH/SPLIT.json"
    FOLDER: ClassVar[str] = "scores"
    SUFFIX: ClassVar[str] = ".json"


@dataclass(frozen=True)
class TrainingTexts(Name):
    """The training texts of a domain, of which n-grams are counted, and that a TTS speaks.

    ``which`` are "train", those that were given, "written", with more by a language model behind
    them, or "selected", a part of either.
    """

    WHAT = "training texts, texts/DOMAIN/{train,written,selected}.jsonl"
    KINDS: ClassVar[tuple[str, ...]] = ("train", "written", "selected")
    domain: str
    which: str = "train"

    def __str__(self) -> str:
        return f"texts/{self.domain}/{self.which}.jsonl"

    @classmethod
    def _read(cls, text: str) -> Self:
        _, domain, file = text.split("/")
        which = cls.KINDS.index(file.removesuffix(".jsonl"))  # ValueError for another
        return cls(domain, cls.KINDS[which])


@dataclass(frozen=True)
class KeyTermsFile(Name):
    """The words of a domain's training texts that the filter's judge missed as a TTS spoke them."""

    WHAT = "key terms, key_terms/DOMAIN/TTS.jsonl"
    domain: str
    tts: str

    def __str__(self) -> str:
        return f"key_terms/{self.domain}/{self.tts}.jsonl"

    @classmethod
    def _read(cls, text: str) -> Self:
        _, domain, file = text.split("/")
        return cls(domain, file.removesuffix(".jsonl"))
