"""What of a target has touched a number, by the lineage of its score."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from adaptations import TEST_TIME
from errors import InputError
from evaluation import WITHOUT_TRANSCRIPTS, Evaluation, ScoredEvaluation
from files.manifest import read_manifest, read_texts
from lineages.contents import Content, Overlap, content_of, overlap_of, sentences_of
from lineages.provenance import Provenance, Use
from scoring.leakage_file import KINDS, STAGES, Touch
from scoring.summary import Leakage

TEST_RECORDINGS, TRANSCRIPTS = "test_recordings", "target_transcripts"
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
    WITHOUT_TRANSCRIPTS: ("training", "selection"),
}


@dataclass(frozen=True)
class Examined(Touch):
    """What touched the score of an evaluation; ``target_transcripts`` that were read, by stage."""

    target_transcripts: dict[str, int]
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
        if what in ("utterances", "labelled", "channels"):
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
        recordings = content.recordings.get(target, frozenset())
        transcripts = recordings if what == "utterances" else frozenset()
        common = Overlap(recordings, target_transcripts=transcripts)
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
            for kind in (*KINDS, TEST_RECORDINGS, TRANSCRIPTS)
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
        counts[TRANSCRIPTS],
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
