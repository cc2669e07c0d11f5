"""What of a target has touched a number, by the lineage of its score."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

from errors import InputError
from files.audio_file import UNKNOWN_SPEAKER
from files.manifest import read_manifest, read_texts
from lineages.provenance import Provenance, Use
from scoring.word_errors import normalised

Counts = dict[str, dict[str, int]]  # by kind and stage
Numbers = Mapping[tuple[str, str], dict]  # examined evaluations by target and score
Speaker = tuple[str, str]  # corpus, name

STAGES = ("training", "selection", "filtering", "synthesis", "choice")
TEST_RECORDINGS = "test_recordings"
KINDS = ("target_recordings", "test_sentences", "test_speakers")
CHOOSING = ("dev", "nested")  # roles of evaluations on which a scaling coefficient may be chosen
CHOSEN_FOR = ("base", "target", "vector_on", "tts", "vector")  # a coefficient
KEYS = ("score", "role", "speech", "manifest", "hypotheses", "model", *CHOSEN_FOR)
NAMES = {"test_sentences": "sentences", "test_speakers": "speakers"}  # in accepted_overlap
DECODED_WITH = {  # settings that an evaluation says of its hypotheses
    "scaling_coefficient": "with scaling coefficient {}",
    "window": "in an audio window (s) of {}",
}
CLAIMS = {  # stages in which a row that claims this has used target recordings
    "none": (),
    "model selection": ("selection",),
    "training": ("training", "selection"),
}


@dataclass(frozen=True)
class Content:
    """What of a file can touch a test set.

    ``recordings`` are audio paths of real speech by domain, ``keys`` audio paths by domain, TTS and
    id, ``audio`` all audio paths, ``voices`` names of imitated speakers of an unknown corpus.
    """

    recordings: Mapping[str, frozenset[str]]
    keys: Mapping[tuple[str, str, str], str]
    audio: frozenset[str]
    sentences: frozenset[str]
    speakers: frozenset[Speaker]
    voices: frozenset[str] = frozenset()

    @cached_property
    def sizes(self) -> dict[int, list[str]]:
        """Return the audio paths by size (bytes): files of different size are different."""
        by_size: dict[int, list[str]] = {}
        for path in sorted(self.audio):
            by_size.setdefault(size_of(path), []).append(path)
        return by_size


@dataclass(frozen=True)
class Found:
    """What a file and a target have in common; recordings are audio paths, tests are keys."""

    target_recordings: frozenset[str] = frozenset()
    test_recordings: frozenset[tuple[str, str, str]] = frozenset()
    test_sentences: frozenset[str] = frozenset()
    test_speakers: frozenset[Speaker] = frozenset()

    def __or__(self, other: "Found") -> "Found":
        return Found(*(mine | others for mine, others in zip(self, other, strict=True)))

    def __iter__(self) -> Iterator[frozenset]:
        return iter(vars(self).values())


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


def is_real(row: dict) -> bool:
    """Say whether an utterance was spoken by a person."""
    return "tts" not in row and row.get("origin") != "synthetic"


def speaker_of(row: dict, corpora: Mapping[str, str]) -> Speaker | None:
    """Return an utterance's speaker, who is known by name within a corpus, or a TTS's voice."""
    if "tts" in row:
        return ("tts", row["speaker"])
    if not is_real(row) or row["speaker"] == UNKNOWN_SPEAKER:
        return None
    return (corpora.get(row["domain"], "own data"), row["speaker"])


def content_of(rows: Sequence[dict], corpora: Mapping[str, str], language: str) -> Content:
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
        frozenset(speaker_of(row, corpora) for row in rows) - {None},
    )


def sentences_of(rows: Iterable[dict], language: str) -> frozenset[str]:
    """Return the different normalised texts that have words."""
    return frozenset(normalised(row["text"], language) for row in rows) - {""}


def only(**parts: frozenset) -> Content:
    """Return a content that has nothing but these parts."""
    nothing = dict.fromkeys(("audio", "sentences", "speakers"), frozenset())
    return Content(**{"recordings": {}, "keys": {}, **nothing, **parts})


def overlap(content: Content, test: Content, sha256: Callable[[str], str]) -> Found:
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
    return Found(frozenset(copies), frozenset(copies.values()), sentences, speakers)


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
        self.found = cache(self._found)
        self.counts = cache(self._counts)

    def _content(self, what: str, path: str, speech: str | None, per: str | None) -> Content:
        """Return what of a used file (see ``Use``) can touch a test set."""
        if what == "texts":
            return only(sentences=sentences_of(read_texts(path), self.language))
        if what == "recording":
            return only(audio=frozenset([path]))
        rows, corpora = self.rows(path), self.provenance.corpora
        if what == "voices":
            return only(voices=frozenset(row["voice"] for row in rows))
        if what == "utterances":
            return content_of(rows, corpora, self.language)
        voices = {row["voice"] for row in self.rows(speech)}
        imitated = [row for row in rows if row["speaker" if per == "speaker" else "id"] in voices]
        content = content_of(imitated, corpora, self.language)
        return replace(content, sentences=frozenset())

    def _found(
        self, what: str, path: str, speech: str | None, per: str | None, target: str
    ) -> Found:
        """Return what a used file has in common with a target and its test sets."""
        content = self.content(what, path, speech, per)
        found = Found(content.recordings.get(target, frozenset()))
        for manifest in self.tests.get(target, ()):
            test = self.content("utterances", manifest, None, None)
            found |= overlap(content, test, self.provenance.sha256)
        return found

    def _counts(self, uses: frozenset[Use], target: str) -> dict[str, Counts]:
        """Return how much of a target was used, by kind (test recordings apart) and stage."""
        found = dict.fromkeys(STAGES, Found())
        for use in uses:
            found[use.stage] |= self.found(*use[1:], target)
        counts = {
            kind: {stage: len(getattr(found[stage], kind)) for stage in STAGES}
            for kind in (*KINDS, TEST_RECORDINGS)
        }
        return {TEST_RECORDINGS: counts.pop(TEST_RECORDINGS), "touched": counts}


def tests_of(evaluations: Iterable[dict]) -> dict[str, tuple[str, ...]]:
    """Return the test manifests of each target."""
    tests: dict[str, dict[str, None]] = {}
    for row in evaluations:
        if row["role"] == "test":
            tests.setdefault(row["target"], {})[os.path.normpath(row["manifest"])] = None
    return {target: tuple(manifests) for target, manifests in tests.items()}


def touched(evaluation: dict, overlaps: Overlaps) -> dict[str, Counts]:
    """Return what of its target touched a score: ``touched`` and ``test_recordings``."""
    uses = overlaps.provenance.uses(evaluation["score"])
    if evaluation["role"] in CHOOSING:
        uses |= {Use("choice", "utterances", os.path.normpath(evaluation["manifest"]))}
    return overlaps.counts(uses, evaluation["target"])


def other_files(evaluation: dict, provenance: Provenance) -> Iterator[str]:
    """Tell where lineage says that a score was made from other files than its evaluation says."""
    weights = Path(evaluation["model"]) / "model.safetensors"
    expected = {
        "score": (evaluation["manifest"], evaluation["hypotheses"]),
        "hypotheses": (evaluation["manifest"], weights, evaluation.get("vector_path")),
    }
    for key, inputs in expected.items():
        path = os.path.normpath(evaluation[key])
        record = provenance.record_of(path)
        lacking = [
            str(name) for name in inputs if name and os.path.normpath(name) not in record.inputs
        ]
        if lacking:
            yield f"{path}: was not made from {', '.join(lacking)} ({record.sidecar})"
    for name, words in DECODED_WITH.items():
        used, said = record.content["parameters"].get(name), evaluation.get(name)
        if used != said:
            yield f"{path}: was transcribed {words.format(used)}, not {said} ({record.sidecar})"


def examine(
    evaluations: Sequence[dict], provenance: Provenance, language: str
) -> tuple[list[dict], int]:
    """Return the scored evaluations with what touched each, and how many manifests were read.

    Raises ``InputError`` that names every file that is not what its records say.
    """
    scored = [row for row in evaluations if row["score"] is not None]
    overlaps = Overlaps(provenance, tests_of(scored), language)
    found = [row | touched(row, overlaps) for row in scored]
    complaints = provenance.disagreements() + [
        line for row in scored for line in other_files(row, provenance)
    ]
    if complaints:
        raise InputError("\n".join(["files are not what lineage says:", *complaints]))
    return found, overlaps.rows.cache_info().currsize


def by_number(examined: Iterable[dict]) -> Numbers:
    """Return the evaluations by target and score: a score may count for several targets."""
    return {(row["target"], row["score"]): row for row in examined}


def of_row(target: str, row: dict, found: Numbers) -> Counts:
    """Return the ``leakage`` of a summary's row: the most of its seeds, and of its choice."""
    for path in (*row["scores"], *row["dev_scores"]):
        if (target, path) not in found:
            raise InputError(f"{path}: not among the scores of leakage.json; run leakage.py again")
    paths = dict.fromkeys(STAGES, row["scores"]) | {"choice": row["dev_scores"]}

    def most(kind: str, stage: str) -> int:
        counts = [found[target, path]["touched"][kind][stage] for path in paths[stage]]
        return max(counts, default=0)

    return {kind: {stage: most(kind, stage) for stage in STAGES} for kind in KINDS}


def tried_for(examined: Iterable[dict]) -> dict[tuple, list[dict]]:
    """Return the evaluations on which a coefficient may be chosen, by what it is chosen for."""
    tried: dict[tuple, list[dict]] = {}
    for row in examined:
        if row["role"] in CHOOSING:
            tried.setdefault(tuple(row[key] for key in CHOSEN_FOR), []).append(row)
    return tried


def told(counts: Counts) -> str:
    """Return the counts that are not 0, in words."""
    parts = [
        f"{number} {kind.replace('_', ' ')} in {stage}"
        for kind, of_kind in counts.items()
        for stage, number in of_kind.items()
        if number
    ]
    return ", ".join(parts) or "nothing"
