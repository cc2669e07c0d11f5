"""Say whether target recordings, test sentences or test speakers touched what made a number.

From lineage alone (see provenance.py): for each score, what of its target was used in training,
in selection (dev speech that stops a training), in filtering (speech that the filter judged, and
its judge), in synthesis (texts spoken, real speakers imitated), and, of scores on which a scaling
coefficient may be chosen, in that choice. ``--check`` holds a summary's claims against that.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

from domains.own_data import UNKNOWN_SPEAKER
from errors import InputError, run
from files.atomic import atomic_path, check_outputs
from files.manifest import read_manifest, read_texts
from lineages.provenance import Provenance, Use
from records.record import write_record
from scoring.scored import language_of, read_json
from scoring.word_errors import normalised
from texts.languages import add_language

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

Counts = dict[str, dict[str, int]]  # by kind and stage
Numbers = Mapping[tuple[str, str], dict]  # examined evaluations by target and score
Speaker = tuple[str, str]  # corpus, name


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


def check(summary: dict, found: Numbers) -> list[str]:
    """Return what a summary says against lineage, one line each with the number it concerns."""
    violations = []
    tried = tried_for(found.values())
    for target in summary["targets"]:
        for row in target["rows"]:
            name = f"{target['name']}: {row['label']} (WER {row['wer']:.1%})"
            paths = (*row["scores"], *row["dev_scores"])
            unknown = [path for path in paths if (target["target"], path) not in found]
            if unknown:
                violations.append(f"{name}: {unknown[0]} is not among the evaluations")
                continue
            violations += [f"{name}: {line}" for line in of_number(row, target, found)]
        for choice in target.get("choices", []):
            violations += of_choice(choice, target, tried)
    return violations


def of_number(row: dict, target: dict, found: Numbers) -> Iterator[str]:
    """Tell what is wrong with a row of the table."""
    counts = of_row(target["target"], row, found)
    if row.get("leakage") not in (None, counts):
        yield f"says {told(row['leakage'])}, and lineage {told(counts)}"
    used, claim = counts["target_recordings"], row["target_recordings"]
    for stage in STAGES[:-1]:
        if used[stage] and stage not in CLAIMS.get(claim, ()):
            yield f"says of target recordings {claim!r}, but {used[stage]} were used in {stage}"
    if used["choice"] and row["target_recordings_for_choice"] == 0:
        yield (
            "says that its scaling coefficient was chosen without target recordings, but"
            f" {used['choice']} are in {found[target['target'], row['dev_scores'][0]]['manifest']}"
        )
    yield from of_test_set(row, counts, target, found)


def of_test_set(row: dict, counts: Counts, target: dict, found: Numbers) -> Iterator[str]:
    """Tell where a row's test recordings, sentences or speakers were used.

    Where a row says that it uses target recordings, their speakers may be those of the test set.
    """
    scores = [found[target["target"], path] for path in (*row["scores"], *row["dev_scores"])]
    accepted = target.get("accepted_overlap", [])
    said = {*CLAIMS.get(row["target_recordings"], ())}
    if row["target_recordings_for_choice"]:
        said.add("choice")
    for stage in STAGES:
        if number := max(score[TEST_RECORDINGS][stage] for score in scores):
            yield f"{number} test recordings were used in {stage}"
        for kind, name in NAMES.items():
            if name in accepted or (name == "speakers" and stage in said):
                continue
            if number := counts[kind][stage]:
                yield f"{number} test {name} are in {stage}"


def tried_for(examined: Iterable[dict]) -> dict[tuple, list[dict]]:
    """Return the evaluations on which a coefficient may be chosen, by what it is chosen for."""
    tried: dict[tuple, list[dict]] = {}
    for row in examined:
        if row["role"] in CHOOSING:
            tried.setdefault(tuple(row[key] for key in CHOSEN_FOR), []).append(row)
    return tried


def of_choice(choice: dict, target: dict, tried: Mapping[tuple, list[dict]]) -> Iterator[str]:
    """Tell whether a way to choose the scaling coefficient has used more than it says.

    A choice on source domains has used all that made their models.
    """
    by_sources = choice["by"] == "sources"
    used = 0
    for row in tried.get(tuple((target | choice)[key] for key in CHOSEN_FOR), []):
        of_stage = row["touched"]["target_recordings"]
        if by_sources and row["role"] == "nested":
            used = max(used, *of_stage.values())
        elif row["role"] == "dev" and row["speech"] == choice["by"]:
            used = max(used, of_stage["choice"])
    if used and choice["uses_target_recordings"] == 0:
        yield (
            f"{target['name']}: the scaling coefficient {choice['scaling_coefficient']} of"
            f" {choice['vector_on']} (WER {choice['wer']:.1%}) is said to be chosen by"
            f" {choice['by']} without target recordings, but {used} were used"
        )


def told(counts: Counts) -> str:
    """Return the counts that are not 0, in words."""
    parts = [
        f"{number} {kind.replace('_', ' ')} in {stage}"
        for kind, of_kind in counts.items()
        for stage, number in of_kind.items()
        if number
    ]
    return ", ".join(parts) or "nothing"


def table(summary: dict, found: Numbers) -> str:
    """Return what was found for each row, one line each."""
    lines = []
    for target in summary["targets"]:
        accepted = " and ".join(target.get("accepted_overlap", []))
        lines.append(f"{target['name']}" + (f" (accepted overlap: {accepted})" if accepted else ""))
        lines += [
            f"  {row['wer']:6.1%}  {row['label']}: {told(of_row(target['target'], row, found))}"
            for row in target["rows"]
        ]
    return "\n".join(lines)


def read_evaluations(path: Path) -> list[dict]:
    """Return the evaluations, each with ``KEYS``."""
    rows = read_json(path, "write it with experiment.py")
    for number, row in enumerate(rows, start=1):
        if missing := [key for key in KEYS if key not in row]:
            raise InputError(
                f"{path}: evaluation {number} lacks {', '.join(missing)}; write it anew"
            )
    return rows


def write(evaluations: Path, output: Path, full: bool, language: str) -> None:
    """Write what touched each scored evaluation."""
    rows = read_evaluations(evaluations)
    check_outputs([output], (row["score"] for row in rows))
    found, manifests = examine(rows, Provenance(evaluations.parent, full), language)
    keys = ("score", "role", "target", "touched", TEST_RECORDINGS)
    rows = ",\n  ".join(json.dumps({key: row[key] for key in keys}) for row in found)
    with atomic_path(output) as temporary:
        temporary.write_text(
            f'{{\n "manifests read": {manifests},\n "evaluations": [\n  {rows}\n ]\n}}\n',
            encoding="utf-8",
        )
    scores = dict.fromkeys(row["score"] for row in found)
    write_record(__file__, [output], [evaluations, *scores], {"full": full, "language": language})
    print(f"{len(found)} scores, {manifests} manifests: {output}")


def audit(summary_path: Path, full: bool) -> None:
    """Check a summary, and print what was checked; raise ``InputError`` for all that is wrong."""
    provenance = Provenance(summary_path.parent, full)
    path = os.path.normpath(summary_path)
    provenance.verify(path, provenance.record_of(path))
    evaluations = read_evaluations(summary_path.with_name("evaluations.json"))
    summary = read_json(summary_path, "write it with summarize.py")
    language = language_of(summary, summary_path, "summarize again")
    examined, manifests = examine(evaluations, provenance, language)
    found = by_number(examined)
    if violations := check(summary, found):
        raise InputError("\n".join([f"{summary_path}: against its lineage:", *violations]))
    print(table(summary, found))
    print(f"{len(found)} scores, {manifests} manifests: as lineage says")


def main(argv: list[str] | None = None) -> None:
    """Write what touched each score, or check a summary."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--evaluations", type=Path, help="evaluations.json of the experiment's folder")
    add("--output", type=Path, help="what touched each score (JSON)")
    add(
        "--check",
        type=Path,
        help="summary.json of the experiment's folder: check it, write nothing",
    )
    add(
        "--full",
        action="store_true",
        help="also read the weights, and compare their hashes",
    )
    add_language(parser, required=False, note=", needed with --evaluations")
    options = parser.parse_args(argv)
    if options.check:
        audit(options.check, options.full)
    elif options.evaluations and options.output and options.language:
        check_outputs([options.output], [options.evaluations])
        write(options.evaluations, options.output, options.full, options.language)
    else:
        parser.error("give --evaluations, --output and --language, or --check")


if __name__ == "__main__":
    run(main)
