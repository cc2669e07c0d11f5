"""The synthetic speech that training takes from a domain, as far as it is made.

For each utterance: what is written, what the TTS was told, what the judge understood, and what the
filter made of it.
"""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from errors import InputError
from files.checksum import sha256
from files.json_file import read_objects
from files.manifest import read_jsonl, read_manifest, read_texts
from files.text_file import read_lines
from paths import Manifest
from places import TrainingTexts
from records.reading import record_of
from roles import texts_spoken
from runs.shards import number_of_shards
from texts.pronunciations import Pronunciation, occurring, read_pronunciations

COPY = re.compile(r"-augmented\d+$")  # behind the id of an utterance: see augmentations/drawing.py


@dataclass(frozen=True)
class Reason:
    """Why the filter left an utterance out: what it measured, and the bound that this broke."""

    name: str
    value: float
    bound: float


@dataclass(frozen=True)
class Utterance:
    """A synthetic utterance. ``readings`` are the texts that the filter held a transcript against.

    ``transcript`` is null if the judge has not heard it, or will not, since it is too long
    (``is_heard``). ``reasons`` are null as long as the filter has not seen it; none means that it
    is kept. ``trained_on`` is the audio after the domain's augmentation.
    """

    id: str
    voice: str
    duration: float  # s
    audio: str
    readings: tuple[str, ...]
    told: str
    listed: tuple[Pronunciation, ...]
    is_heard: bool
    transcript: str | None
    reasons: tuple[Reason, ...] | None
    trained_on: str | None

    @property
    def written(self) -> str:
        """The text that is learnt."""
        return self.readings[0]


@dataclass(frozen=True)
class Speech:
    """What a TTS has spoken of a domain's training texts, in ``shards``, of which some are there.

    ``failures`` are the texts that it could not say, each with the reason.
    """

    domain: str
    tts: str
    shards: int
    spoken: int  # shards
    judged: int  # shards, by the model that the filter listens with
    is_filtered: bool
    utterances: list[Utterance]
    failures: list[tuple[str, str]]


@dataclass(frozen=True)
class Texts:
    """A domain's training texts as a TTS reads them, by id, and the list of how words are said."""

    spoken: dict[str, str]
    listed: list[Pronunciation]

    def listed_in(self, id: str) -> tuple[Pronunciation, ...]:
        """Return the listed words of a text."""
        there = occurring(self.spoken.get(id, ""), self.listed)
        return tuple(dict.fromkeys(entry for _, entry in there))

    @cached_property
    def texts_with(self) -> Counter[Pronunciation]:
        """How many texts have each listed word."""
        return Counter(entry for id in self.spoken for entry in self.listed_in(id))


def read_training_texts(results: Path, domain: str, declared: Mapping) -> Texts:
    """Return a domain's training texts that are spoken; none if they are not made yet."""
    path = results / str(TrainingTexts(domain, texts_spoken(declared)))
    rows = read_texts(path) if path.is_file() else []
    said = declared.get("pronunciations")
    listed = read_pronunciations(said) if said else []
    return Texts({row["id"]: row["spoken"] for row in rows}, listed)


def read_speech(results: Path, config: Mapping, domain: str, tts: str, texts: Texts) -> Speech:
    """Return the speech of a domain's training texts by a TTS."""
    declared = config["domains"][domain]
    shards = number_of_shards(declared, config["tts"][tts])
    folder = results / "synthesized" / domain / tts / "train"
    names = [folder / f"shard{shard}of{shards}" for shard in range(1, shards + 1)]
    spoken = [path for name in names if (path := name.with_suffix(".jsonl")).is_file()]
    judged = [
        path for each in spoken if is_made_of(path := each.with_suffix(".hypotheses.jsonl"), [each])
    ]
    rows = [row for path in spoken for row in read_manifest(path)]
    heard = {
        row["id"]: row["text"] if row.get("transcribed", True) else None
        for path in judged
        for row in read_jsonl(path)
    }
    manifest = results / str(Manifest(domain, tts, "train"))
    filtered = manifest
    if declared.get("augmentation"):
        filtered = results / "filtered" / domain / tts / "train.jsonl"
    is_filtered = is_made_of(filtered, spoken)
    verdicts = read_verdicts(filtered) if is_filtered else {}
    changed = audio_of_augmented(manifest) if filtered != manifest else {}
    return Speech(
        domain=domain,
        tts=tts,
        shards=shards,
        spoken=len(spoken),
        judged=len(judged),
        is_filtered=is_filtered,
        utterances=[utterance(row, texts, heard, verdicts, changed) for row in rows],
        failures=[
            (row["spoken"], row["reason"])
            for each in spoken
            if (path := each.with_suffix(".failures.jsonl")).is_file()
            for _, row in read_objects(path)
        ],
    )


def is_made_of(path: Path, inputs: Sequence[Path]) -> bool:
    """Say whether a file is there, and of others as they are now, as far as its record tells.

    In a run that goes on, speech may be new, and what was made of it of before.
    """
    record = record_of(path) if path.is_file() else None
    if record is None:
        return path.is_file()
    return all(record.inputs.get(os.path.normpath(each)) == sha256(each) for each in inputs)


def utterance(
    row: Mapping,
    texts: Texts,
    heard: Mapping[str, str | None],
    verdicts: Mapping[str, tuple[Reason, ...]],
    changed: Mapping[str, str],
) -> Utterance:
    """Return an utterance of a shard's manifest, with what came of it."""
    id, text = row["id"], row["text_id"]
    readings = [row["text"], *filter(None, [row.get("pronounced")])]
    told = texts.spoken.get(text, row["text"])  # unless the manifest has something else
    return Utterance(
        id=id,
        voice=row["voice"],
        duration=row["duration"],
        audio=row["audio_filepath"],
        readings=tuple(readings),
        told=row.get("spoken") or row.get("pronounced") or told,
        listed=texts.listed_in(text) if "pronounced" in row else (),
        is_heard=id in heard,
        transcript=heard.get(id),
        reasons=verdicts.get(id),
        trained_on=changed.get(id),
    )


def read_verdicts(kept: Path) -> dict[str, tuple[Reason, ...]]:
    """Return by id why the filter left utterances out; no reason is that of one that it kept.

    The table of rejects lies beside the manifest of those ``kept``.
    """
    table = kept.with_suffix(".rejected.tsv")
    verdicts: dict[str, tuple[Reason, ...]] = {row["id"]: () for row in read_manifest(kept)}
    for number, line in read_lines(table):
        cells = line.rstrip("\n").split("\t")
        if number == 1:
            columns = cells
            continue
        try:
            row = dict(zip(columns, cells, strict=True))
            reason = Reason(row["reason"], float(row["value"]), float(row["bound"]))
            verdicts[row["id"]] = (*verdicts.get(row["id"], ()), reason)
        except (KeyError, ValueError):
            raise InputError(
                f"{table}:{number}: is no line of the filter's table; run the filter again"
            ) from None
    return verdicts


def audio_of_augmented(manifest: Path) -> dict[str, str]:
    """Return the first augmented audio of each utterance, by the id that it had before."""
    audio: dict[str, str] = {}
    for row in read_manifest(manifest) if manifest.is_file() else ():
        if row.get("augmentation"):
            audio.setdefault(COPY.sub("", row["id"]), row["audio_filepath"])
    return audio
