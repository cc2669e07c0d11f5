"""What a number was made from: lineage records, followed from a score back to the first files.

A record (records/record.py) says what a script read and wrote. The walk asks of each file of the
experiment who made it, and gathers for what each manifest was used. Files outside of the
experiment's folder end it. On the way every record is held against the bytes on disk.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from errors import InputError
from files.checksum import sha256
from files.regular import Unreadable
from lineages.inputs_of import WEIGHTS, aids_of, manifests_of
from records.reading import made_of_itself, read_records
from records.record import Record

AUDIO = (".wav", ".flac", ".mp3", ".ogg")  # voices that a TTS imitates; no record has made them


class Use(NamedTuple):
    """A stage that used a file, and as what.

    ``what`` is "utterances", "labelled" (utterances whose texts are what a recogniser heard),
    "texts", "channels" (of recordings, not what they say), or of a TTS
    that imitates: "recording" (an audio file), "imitated" (real speech, whose speakers or ids, as
    ``per`` says, name the voices of the manifest ``speech``) or "voices" (the speech itself:
    nothing but its voices' names is known).
    """

    stage: str
    what: str
    path: str
    speech: str | None = None
    per: str | None = None


Uses = frozenset[Use]


class Provenance:
    """The records of an experiment's folder, and what following them has found.

    ``shared`` are further folders that have files of it, which several experiments share.
    The bytes of weights are read only if ``full``; otherwise the records about them are held
    against each other.
    """

    def __init__(
        self, folder: str | Path, full: bool = False, shared: Iterable[str | Path] = ()
    ) -> None:
        places = {os.path.abspath(each): each for each in (folder, *shared)}
        self.folders = tuple(place + os.sep for place in places)
        self.full = full
        self.records = {
            name: record
            for each in places.values()
            for name, record in read_records(Path(each)).items()
        }
        self._disagreements: dict[str, list[str]] = {}
        self.sha256 = cache(sha256)
        self._uses: dict[str, Uses] = {}
        self._asked: set[str] = set()  # whose inputs are being followed

    def is_inside(self, path: str) -> bool:
        """Say whether a file is the experiment's own, which must have a record."""
        return os.path.abspath(path).startswith(self.folders)

    def record_of(self, path: str) -> Record:
        """Return who made a file of the experiment."""
        if path not in self.records:
            raise InputError(
                f"{path}: no lineage record tells how it was made; it was made outside of the"
                " workflow, or its lineage was deleted: delete it, and run the workflow again"
            )
        return self.records[path]

    def uses(self, path: str | Path) -> Uses:
        """Return all that was used to make a file of the experiment, and hold it to its records."""
        path = os.path.normpath(path)
        if path not in self._uses:
            record = self.record_of(path)
            self.verify(path, record)
            if record.script not in STEPS:
                raise InputError(
                    f"{record.sidecar}: {record.script} is no step that the walk knows; say in"
                    " STEPS of scripts/lineages/provenance.py what it does with its inputs"
                )
            if path in self._asked:
                raise made_of_itself(record)
            self._asked.add(path)
            of_inputs = {name: self.uses(name) for name in self.followed(record)}
            self._asked.remove(path)
            self._uses[path] = STEPS[record.script](self, path, record, of_inputs)
        return self._uses[path]

    def followed(self, record: Record) -> list[str]:
        """Return the inputs of a record that the experiment has made."""
        return [path for path in record.inputs if self.is_inside(path) and not path.endswith(AUDIO)]

    def verify(self, path: str, record: Record) -> None:
        """Note where a file, or what it was made from, is not what its record says."""
        self._compare(path, record.outputs[path], record, "wrote")
        for name, expected in record.inputs.items():
            if self.is_inside(name):
                self._compare(name, expected, record, "read")

    def _compare(self, path: str, expected: str, record: Record, did: str) -> None:
        told = f"{record.script} {did} sha256 {expected[:12]} ({record.sidecar})"
        maker = self.records.get(path)
        if maker is not None and maker.outputs[path] != expected:
            self._disagreements.setdefault(path, []).append(
                f"{path}: {told}, {maker.script} wrote {maker.outputs[path][:12]}"
                f" ({maker.sidecar}); what was made of it is of other bytes: make that again"
            )
        if path.endswith(WEIGHTS) and not self.full:
            return
        try:
            found = self.sha256(path)
        except Unreadable as error:
            raise InputError(f"{path}: {error.reason}, but {told}; make it again") from None
        if found != expected:
            self._disagreements.setdefault(path, []).append(
                f"{path}: {told}, the file has {found[:12]}; it was changed afterwards: delete it"
                " and what was made from it, and run the workflow again"
            )

    def disagreements(self) -> list[str]:
        """Return one line for each file that was met and is not what a record says of it."""
        return [
            lines[0] + (f" (and so in {len(lines) - 1} more records)" if lines[1:] else "")
            for lines in self._disagreements.values()
        ]

    @cached_property
    def corpora(self) -> dict[str, str]:
        """Return the corpus of each domain: names of speakers say nothing across corpora."""
        prepared = [
            record.content["parameters"]
            for record in self.records.values()
            if record.script == "prepare.py"
        ]
        return {
            each["domain"]: each["declaration"].get("corpus") or "own data" for each in prepared
        }


OfInputs = Mapping[str, Uses]
Step = Callable[[Provenance, str, Record, OfInputs], Uses]


def together(of_inputs: OfInputs) -> Uses:
    """Return the uses of all inputs."""
    return frozenset().union(*of_inputs.values())


def nothing(provenance: Provenance, path: str, record: Record, of_inputs: OfInputs) -> Uses:
    """Of what comes from outside: the first files of the experiment."""
    return frozenset()


def all_inputs(provenance: Provenance, path: str, record: Record, of_inputs: OfInputs) -> Uses:
    """Of what is made of its inputs alone: joined or augmented speech, task vectors, sums."""
    return together(of_inputs)


def training(provenance: Provenance, path: str, record: Record, of_inputs: OfInputs) -> Uses:
    """Of a checkpoint: its manifests by role, and all that made them and the first checkpoint."""
    manifests = manifests_of(record)
    return together(of_inputs).union(
        *(
            {Use(stage, learnt_as(provenance, name), name) for name in manifests[role]}
            for stage, role in (("training", "train"), ("training", "fisher"), ("selection", "dev"))
        )
    )


def learnt_as(provenance: Provenance, path: str) -> str:
    """Return what the utterances of a manifest are to those who learn from them (see ``Use``)."""
    maker = provenance.records.get(path)
    if maker is None or maker.script not in ("label.py", "pool.py", "cluster.py"):
        return "utterances"
    if maker.script == "label.py":
        return "labelled"
    manifests = (name for name in provenance.followed(maker) if not name.endswith(WEIGHTS))
    parts = {learnt_as(provenance, name) for name in manifests}
    return parts.pop() if len(parts) == 1 else "utterances"


def transcription(provenance: Provenance, path: str, record: Record, of_inputs: OfInputs) -> Uses:
    """Of hypotheses: what made model, task vector and aids, not the speech that is heard.

    A model that adapts to that speech learns from its recordings, though not from their texts.
    """
    aids = aids_of(record)
    of_model = {name: of_inputs[name] for name in of_inputs if name.endswith(WEIGHTS)}
    of_terms = {name: of_inputs[name] for name in aids["terms"] if name in of_inputs}
    counted = {Use("decoding", "texts", name) for name in aids["texts"] if name in of_inputs}
    heard = {Use("decoding", "channels", name) for name in aids["recordings"]}
    return together(of_model | of_terms) | counted | heard


def channels(provenance: Provenance, path: str, record: Record, of_inputs: OfInputs) -> Uses:
    """Of channels: the recordings that they are of, which synthetic speech is made like."""
    return frozenset(Use("synthesis", "channels", name) for name in of_inputs)


def scoring(provenance: Provenance, path: str, record: Record, of_inputs: OfInputs) -> Uses:
    """Of a score: what made the hypotheses."""
    return together(
        {name: of_inputs[name] for name in of_inputs if is_hypotheses(provenance, name)}
    )


def is_hypotheses(provenance: Provenance, path: str) -> bool:
    """Say whether a file was transcribed."""
    return provenance.record_of(path).script == "transcribe.py"


def judging(stage: str) -> Step:
    """Of filtered speech or key terms: all of the speech, and what made the model that heard it."""

    def step(provenance: Provenance, path: str, record: Record, of_inputs: OfInputs) -> Uses:
        uses: set[Use] = set()
        for name, those in of_inputs.items():
            if is_hypotheses(provenance, name):
                uses |= {use._replace(stage=stage) for use in those}
            else:
                uses |= {Use(stage, "utterances", name), *those}
        return frozenset(uses)

    return step


def synthesis(provenance: Provenance, path: str, record: Record, of_inputs: OfInputs) -> Uses:
    """Of synthetic speech: its texts, and the real speakers that it imitates."""
    uses = {Use("synthesis", "recording", name) for name in record.inputs if name.endswith(AUDIO)}
    encoded = False
    for name in of_inputs:
        maker = provenance.record_of(name)
        if maker.script == "xvectors.py":
            encoded, per = True, maker.content["parameters"]["per"]
            uses |= {
                Use("synthesis", "imitated", manifest, path, per)
                for manifest in provenance.followed(maker)
            }
        else:
            uses.add(Use("synthesis", "texts", name))
    return frozenset(uses if encoded else uses | {Use("synthesis", "voices", path)})


STEPS: dict[str, Step] = {
    "prepare.py": nothing,
    "collect.py": nothing,
    "pretrained.py": nothing,
    "write_texts.py": all_inputs,
    "select_texts.py": all_inputs,
    "label.py": all_inputs,
    "pool.py": all_inputs,
    "cluster.py": all_inputs,
    "augment.py": all_inputs,
    "task_vector.py": all_inputs,
    "merge.py": all_inputs,
    "xvectors.py": nothing,
    "channels.py": channels,
    "synthesize.py": synthesis,
    "filter.py": judging("filtering"),
    "key_terms.py": judging("decoding"),
    "finetune.py": training,
    "transcribe.py": transcription,
    "score.py": scoring,
    "agree.py": scoring,
}
