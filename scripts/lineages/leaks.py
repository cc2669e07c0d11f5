"""What of a target has touched a number, by the lineage of its score."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from adaptations import TEST_TIME
from errors import InputError
from evaluation import Evaluation, ScoredEvaluation
from files.audio_file import UNKNOWN_SPEAKER
from files.manifest import read_manifest, read_texts
from files.origin import is_real
from lineages.provenance import Provenance, Use
from scoring.leakage_file import KINDS, STAGES, Touch
from scoring.summary import Leakage
from scoring.word_errors import normalised

Row = dict[str, Any]  # of a manifest
Speaker = tuple[str, str]  # corpus, name

TEST_RECORDINGS = "test_recordings"
CHOOSING = ("dev", "nested")  # roles of evaluations on which a scaling coefficient may be chosen
EVIDENCE = "evidence"  # of those on which the model to deliver is chosen,
AGREEMENT = "agreement"  # and of those that veto a choice, on recordings without transcripts
NAMES = {"test_sentences": "sentences", "test_speakers": "speakers"}  # in accepted_overlap
DECODED_WITH = {  # settings that an evaluation says of its hypotheses
    "scaling_coefficient": "with scaling coefficient {}",
    "window": "in an audio window (s) of {}",
    "terms_bonus": "with a bonus (nats) of key terms of {}",
    "texts_weight": "with a weight of n-grams of {}",
    "adaptation": "with the adaptation {}",
}
CLAIMS = {  # stages in which a row that claims this has used target recordings
    "none": (),
    "model selection": ("selection",),
    "training": ("training", "selection"),
    TEST_TIME: ("decoding",),
    f"model selection, {TEST_TIME}": ("selection", "decoding"),
}


@dataclass(frozen=True)
class Content:
    """What of a file can touch a test set.

    ``recordings`` are audio paths of real speech by domain, ``keys`` audio paths by domain, TTS and
    id, ``audio`` all audio paths, ``voices`` names of imitated speakers of an unknown corpus.
    """

    recordings: Mapping[str, frozenset[str]] = field(default_factory=dict)
    keys: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    audio: frozenset[str] = frozenset()
    sentences: frozenset[str] = frozenset()
    speakers: frozenset[Speaker] = frozenset()
    voices: frozenset[str] = frozenset()

    @cached_property
    def sizes(self) -> dict[int, list[str]]:
        """Return the audio paths by size (bytes): files of different size are different."""
        by_size: dict[int, list[str]] = {}
        for path in sorted(self.audio):
            by_size.setdefault(size_of(path), []).append(path)
        return by_size


@dataclass(frozen=True)
class Overlap:
    """What a file and a target have in common; recordings are audio paths, tests are keys."""

    target_recordings: frozenset[str] = frozenset()
    test_recordings: frozenset[tuple[str, str, str]] = frozenset()
    test_sentences: frozenset[str] = frozenset()
    test_speakers: frozenset[Speaker] = frozenset()

    def __or__(self, other: "Overlap") -> "Overlap":
        return Overlap(*(mine | others for mine, others in zip(self, other, strict=True)))

    def __iter__(self) -> Iterator[frozenset[Any]]:
        return iter(vars(self).values())


@dataclass(frozen=True)
class Examined(Touch):
    """What touched the score of an evaluation."""

    evaluation: ScoredEvaluation

    @property
    def touch(self) -> Touch:
        """What of it stands in leakage.json."""
        return Touch(self.score, self.role, self.target, self.touched, self.test_recordings)


class ChosenFor(NamedTuple):
    """What a scaling coefficient is chosen for."""

    base: str
    target: str
    vector_on: str | None
    tts: str | None
    vector: str | None


@cache
def size_of(path: str) -> int:
    """Return an audio file's size, bytes."""
    try:
        return os.path.getsize(path)
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}, but a manifest names it; without it no one can say whether"
            " it is a test recording: make its manifest again"
        ) from None


def speaker_of(row: Row, corpora: Mapping[str, str]) -> Speaker | None:
    """Return an utterance's speaker, who is known by name within a corpus, or a TTS's voice."""
    if "tts" in row:
        return ("tts", row["speaker"])
    if not is_real(row) or row["speaker"] == UNKNOWN_SPEAKER:
        return None
    return (corpora.get(row["domain"], "own data"), row["speaker"])


def content_of(rows: Sequence[Row], corpora: Mapping[str, str], language: str) -> Content:
    """Return what of utterances can touch a test set."""
    recordings: dict[str, set[str]] = {}
    keys: dict[tuple[str, str, str], str] = {}
    for row in rows:
        path = os.path.normpath(row["audio_filepath"])
        own_id = row["id"].removeprefix(f"{row['domain']}--")  # of pooled speech
        keys[row["domain"], row.get("tts", "" if is_real(row) else "synthetic"), own_id] = path
        if is_real(row):
            recordings.setdefault(row["domain"], set()).add(path)
    return Content(
        {domain: frozenset(paths) for domain, paths in recordings.items()},
        keys,
        frozenset(keys.values()),
        sentences_of(rows, language),
        frozenset(speaker for row in rows if (speaker := speaker_of(row, corpora))),
    )


def sentences_of(rows: Iterable[Row], language: str) -> frozenset[str]:
    """Return the different normalised texts that have words."""
    return frozenset(normalised(row["text"], language) for row in rows) - {""}


def overlap_of(content: Content, test: Content, sha256: Callable[[str], str]) -> Overlap:
    """Return what a file has in common with a test manifest; audio also by its bytes."""
    key_of = {path: key for key, path in test.keys.items()}
    copies = {content.keys[key]: key for key in content.keys.keys() & test.keys.keys()}
    for size in content.sizes.keys() & test.sizes.keys():
        of_bytes = {sha256(path): key_of[path] for path in test.sizes[size]}
        copies |= {
            path: of_bytes[sha256(path)] for path in content.sizes[size] if sha256(path) in of_bytes
        }
    speakers = (content.speakers & test.speakers) | {
        speaker for speaker in test.speakers if speaker[1] in content.voices
    }
    sentences = content.sentences & test.sentences
    return Overlap(frozenset(copies), frozenset(copies.values()), sentences, speakers)


class Overlaps:
    """What used files have in common with targets; each file is read, each pair compared once.

    ``tests`` are the test manifests of each target; sentences are compared as ``language`` needs.
    """

    def __init__(
        self, provenance: Provenance, tests: Mapping[str, tuple[str, ...]], language: str
    ) -> None:
        self.provenance = provenance
        self.language = language
        self.tests = tests
        self.rows = cache(read_manifest)
        self.content = cache(self._content)
        self.overlap = cache(self._overlap)
        self.counts = cache(self._counts)

    def _content(self, what: str, path: str, speech: str | None, per: str | None) -> Content:
        """Return what of a used file (see ``Use``) can touch a test set."""
        if what == "texts":
            return Content(sentences=sentences_of(read_texts(path), self.language))
        if what == "recording":
            return Content(audio=frozenset([path]))
        rows, corpora = self.rows(path), self.provenance.corpora
        if what == "voices":
            return Content(voices=frozenset(row["voice"] for row in rows))
        if what in ("utterances", "channels"):
            content = content_of(rows, corpora, self.language)
            return content if what == "utterances" else replace(content, sentences=frozenset())
        voices = {row["voice"] for row in self.rows(speech)}
        imitated = [row for row in rows if row["speaker" if per == "speaker" else "id"] in voices]
        content = content_of(imitated, corpora, self.language)
        return replace(content, sentences=frozenset())

    def _overlap(
        self, what: str, path: str, speech: str | None, per: str | None, target: str
    ) -> Overlap:
        """Return what a used file has in common with a target and its test sets."""
        content = self.content(what, path, speech, per)
        common = Overlap(content.recordings.get(target, frozenset()))
        for manifest in self.tests.get(target, ()):
            test = self.content("utterances", manifest, None, None)
            common |= overlap_of(content, test, self.provenance.sha256)
        return common

    def _counts(self, uses: frozenset[Use], target: str) -> Leakage:
        """Return how much of a target was used, by kind, test recordings too, and stage."""
        overlap = dict.fromkeys(STAGES, Overlap())
        for use in uses:
            overlap[use.stage] |= self.overlap(*use[1:], target)
        return {
            kind: {stage: len(getattr(overlap[stage], kind)) for stage in STAGES}
            for kind in (*KINDS, TEST_RECORDINGS)
        }


def tests_of(evaluations: Iterable[ScoredEvaluation]) -> dict[str, tuple[str, ...]]:
    """Return the test manifests of each target."""
    tests: dict[str, dict[str, None]] = {}
    for each in evaluations:
        if each.role == "test":
            tests.setdefault(each.target, {})[os.path.normpath(each.manifest)] = None
    return {target: tuple(manifests) for target, manifests in tests.items()}


def examination(evaluation: ScoredEvaluation, overlaps: Overlaps) -> Examined:
    """Return an evaluation with what of its target touched its score."""
    uses = overlaps.provenance.uses(evaluation.score)
    if evaluation.role in (*CHOOSING, EVIDENCE, AGREEMENT):
        uses |= {Use("choice", "utterances", os.path.normpath(evaluation.manifest))}
    counts = overlaps.counts(uses, evaluation.target)
    return Examined(
        evaluation.score,
        evaluation.role,
        evaluation.target,
        {kind: counts[kind] for kind in KINDS},
        counts[TEST_RECORDINGS],
        evaluation,
    )


def other_files(evaluation: ScoredEvaluation, provenance: Provenance) -> Iterator[str]:
    """Tell where lineage says that a score was made from other files than its evaluation says."""
    weights = str(Path(evaluation.model) / "model.safetensors")
    manifest, hypotheses = evaluation.manifest, evaluation.hypotheses
    for output, inputs in (
        (evaluation.score, (manifest, hypotheses)),
        (hypotheses, (manifest, weights, evaluation.vector_path, *evaluation.aids)),
    ):
        path = os.path.normpath(output)
        record = provenance.record_of(path)
        lacking = [name for name in inputs if name and os.path.normpath(name) not in record.inputs]
        if lacking:
            yield f"{path}: was not made from {', '.join(lacking)} ({record.sidecar})"
    for name, words in DECODED_WITH.items():
        used, said = record.content["parameters"].get(name), getattr(evaluation, name)
        if used != said:
            yield f"{path}: was transcribed {words.format(used)}, not {said} ({record.sidecar})"


def examine(
    evaluations: Iterable[Evaluation], provenance: Provenance, language: str
) -> tuple[list[Examined], int]:
    """Return the scored evaluations with what touched each, and how many manifests were read.

    Raises ``InputError`` that names every file that is not what its records say.
    """
    scored = [each for each in evaluations if isinstance(each, ScoredEvaluation)]
    overlaps = Overlaps(provenance, tests_of(scored), language)
    numbers = [examination(each, overlaps) for each in scored]
    complaints = provenance.disagreements() + [
        line for each in scored for line in other_files(each, provenance)
    ]
    if complaints:
        raise InputError("\n".join(["files are not what lineage says:", *complaints]))
    return numbers, overlaps.rows.cache_info().currsize


def tried_for(numbers: Iterable[Examined]) -> dict[ChosenFor, list[Examined]]:
    """Return what a coefficient may be chosen on, by what it is chosen for."""
    tried: dict[ChosenFor, list[Examined]] = {}
    for number in numbers:
        each = number.evaluation
        if each.role in CHOOSING:
            key = ChosenFor(each.base, each.target, each.vector_on, each.tts, each.vector)
            tried.setdefault(key, []).append(number)
    return tried
