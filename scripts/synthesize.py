"""Speak texts with a text-to-speech engine: audio files and the manifest of one shard.

Voice, speed and seed of an utterance follow from the seed and its id alone, so a rerun, another
order or another sharding gives the same bytes. Killed and started again, it goes on where it was:
a journal beside the audio says which files are finished, and for which request.
"""

import argparse
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import lineage
from audio import SAMPLING_RATE, resample, save_audio
from augmentation import AUGMENTATIONS
from code_version import code_version
from engines import ENGINES, Engine, Unspeakable
from errors import InputError, run
from manifest import read_texts, write_jsonl

REPORT_EVERY = 5.0  # s
SILENCE = 0.001  # of full scale; speech that stays below is a failure
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")  # safe as a file name


@dataclass(frozen=True)
class Request:
    """An utterance to be spoken: all that is drawn for it."""

    id: str
    text: dict
    voice: str
    speed: float
    seed: int


def draw(*names: object) -> int:
    """Return 64 bits that depend on the names and on nothing else."""
    digest = hashlib.sha256("\0".join(map(str, names)).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def request(
    text: dict,
    sample: int,
    samples: int,
    voices: Sequence[str],
    speeds: tuple[float, float],
    seed: int,
) -> Request:
    """Return the ``sample``-th (from 1) of ``samples`` utterances of a text.

    The voices of a text are shuffled and taken in turn. The shuffle ranks each voice by a number
    of its own, so one voice more changes only the utterances that it takes over.
    """
    name = text["id"] if samples == 1 else f"{text['id']}-{sample}"
    shuffled = sorted(voices, key=lambda voice: draw(seed, text["id"], "voice", voice))
    low, high = speeds
    return Request(
        id=name,
        text=text,
        voice=shuffled[(sample - 1) % len(shuffled)],
        speed=round(low + (high - low) * draw(seed, name, "speed") / 2**64, 3),
        seed=draw(seed, name, "engine") % 2**32,
    )


def requests(
    texts: Sequence[dict],
    shard: int,
    shards: int,
    samples: int,
    voices: Sequence[str],
    speeds: tuple[float, float],
    seed: int,
) -> list[Request]:
    """Return the utterances of a shard: of the first text, the (shards+1)-th, ... for shard 1."""
    return [
        request(text, sample, samples, voices, speeds, seed)
        for text in texts[shard - 1 :: shards]
        for sample in range(1, samples + 1)
    ]


def fingerprint(asked: Request, identity: str, augmentation: str) -> str:
    """Return a hash of all that shapes an utterance's audio."""
    parts = (identity, asked.text["spoken"], asked.voice, asked.speed, asked.seed, augmentation)
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def identity_of(engine: Engine) -> str:
    """Return a hash of the engine's files, its packages and this code."""
    files = [lineage.sha256(path) for path in engine.files]
    content = json.dumps([code_version(__file__), files, sorted(engine.packages.items())])
    return hashlib.sha256(content.encode()).hexdigest()


def speak(asked: Request, engine: Engine, augmentation: str) -> np.ndarray:
    """Return an utterance's waveform at ``SAMPLING_RATE``; ``Unspeakable`` if there is none."""
    waveform, rate = engine.speak(asked.text["spoken"], asked.voice, asked.speed, asked.seed)
    waveform = AUGMENTATIONS[augmentation](
        resample(waveform, rate), SAMPLING_RATE, draw(asked.seed, "augmentation")
    )
    if not np.isfinite(waveform).all():
        raise Unspeakable("the waveform has values that are not numbers")
    loudest = float(np.abs(waveform).max(initial=0.0))
    if loudest < SILENCE:
        raise Unspeakable(f"silence: {len(waveform)} samples, none above {SILENCE} of full scale")
    return waveform


class Journal:
    """The finished utterances of an audio folder, of all shards; each shard appends to its own.

    A line is written when the audio file is whole. A line that a kill cut short is left out, and
    its utterance is spoken again.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.finished: dict[str, dict] = {}
        journals = folder / ".journal"
        journals.mkdir(parents=True, exist_ok=True)
        for path in sorted(journals.glob("*.jsonl")):
            self.finished |= {row["id"]: row for row in whole_lines(path)}
        self.path = journals / f"{name}.jsonl"

    def find(self, name: str, asked: str) -> dict | None:
        """Return the entry of an utterance if its file is there, as it was when it was written."""
        row = self.finished.get(name)
        path = self.folder / f"{name}.flac"
        if row is None or row["request"] != asked or not path.is_file():
            return None
        return row if lineage.sha256(path) == row["sha256"] else None

    def add(self, row: dict) -> None:
        """Append an entry; it survives the process from then on."""
        with self.path.open("a+b") as file:
            if file.tell() and not ends_with_newline(file):
                file.write(b"\n")
            file.write(json.dumps(row).encode() + b"\n")


def ends_with_newline(file) -> bool:
    """Tell whether the last byte of an open file, which is not empty, ends a line."""
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def whole_lines(path: Path) -> Iterator[dict]:
    """Yield the rows of a journal, without the lines that a kill cut short."""
    for line in path.read_bytes().split(b"\n"):
        if line.startswith(b"{") and line.endswith(b"}"):
            yield json.loads(line)


def synthesize(
    asked: Sequence[Request],
    engine: Engine,
    journal: Journal,
    augmentation: str,
    most_failures: float,
) -> tuple[list[dict], list[dict], int]:
    """Return the journal's rows in the order asked, the failures, and how many were there already.

    Stops early with ``InputError`` when more than ``most_failures`` utterances have failed.
    """
    identity = identity_of(engine)
    rows, failures, resumed = [], [], 0
    started = reported = time.monotonic()
    for count, utterance in enumerate(asked, start=1):
        wanted = fingerprint(utterance, identity, augmentation)
        row = journal.find(utterance.id, wanted)
        if row:
            resumed += 1
        else:
            try:
                waveform = speak(utterance, engine, augmentation)
            except Exception as error:  # whatever an engine raises is its utterance's failure
                failures.append(failure(utterance, error))
                if len(failures) > most_failures:
                    break
            else:
                path = journal.folder / f"{utterance.id}.flac"
                duration = save_audio(path, waveform)
                row = {
                    "id": utterance.id,
                    "request": wanted,
                    "duration": duration,
                    "sha256": lineage.sha256(path),
                }
                journal.add(row)
        if row:
            rows.append(row)
        if time.monotonic() - reported > REPORT_EVERY or count == len(asked):
            reported = time.monotonic()
            print(progress(count, len(asked), resumed, reported - started), file=sys.stderr)
    return rows, failures, resumed


def failure(utterance: Request, error: Exception) -> dict:
    """Return the record of an utterance that could not be spoken."""
    reason = str(error) if isinstance(error, Unspeakable) else f"{type(error).__name__}: {error}"
    return {
        "id": utterance.id,
        "text_id": utterance.text["id"],
        "reason": reason,
        "spoken": utterance.text["spoken"],
        "voice": utterance.voice,
    }


def progress(done: int, total: int, resumed: int, seconds: float) -> str:
    """Return a line that says how far it is and how long it will take."""
    line = f"{done}/{total} utterances"
    if done > resumed:
        speed = (done - resumed) / max(seconds, 1e-9)
        line += f", {speed:.1f} a second, {(total - done) / speed:.0f} s left"
    return line + (f" ({resumed} were there already)" if resumed else "")


def manifest_row(utterance: Request, row: dict, tts: str, folder: Path) -> dict:
    """Return an utterance of the shard's manifest."""
    return {
        "id": utterance.id,
        "audio_filepath": str(folder / f"{utterance.id}.flac"),
        "duration": row["duration"],
        "text": utterance.text["text"],
        "speaker": f"{tts}:{utterance.voice}",
        "domain": utterance.text["domain"],
        "tts": tts,
        "voice": utterance.voice,
        "speed": utterance.speed,
        "text_id": utterance.text["id"],
        "sha256": row["sha256"],
    }


def check(options: argparse.Namespace) -> list[dict]:
    """Return the texts; raise ``InputError`` for the first option or text that can't be right."""
    texts = read_texts(options.texts)
    if len(texts) < options.shards:
        raise InputError(
            f"{options.texts}: {len(texts)} texts for {options.shards} shards; lower --shards"
            " or give more texts"
        )
    for row in texts:
        if not ID.fullmatch(row["id"]):
            raise InputError(
                f"{options.texts}: id {row['id']!r} is no file name; use letters, digits, _ . -"
            )
    low, high = options.speed_range
    if not 0.5 <= low <= high <= 2:
        raise InputError(f"--speed-range {low} {high}: give 0.5 <= lowest <= highest <= 2")
    for name, value in (
        ("--samples-per-text", options.samples_per_text),
        ("--shards", options.shards),
        ("--threads", options.threads),
    ):
        if value < 1:
            raise InputError(f"{name} {value}: at least 1")
    if not 1 <= options.shard <= options.shards:
        raise InputError(f"--shard {options.shard}: from 1 to --shards {options.shards}")
    if not 0 <= options.max_failures <= 1:
        raise InputError(f"--max-failures {options.max_failures}: a fraction, from 0 to 1")
    repeated = sorted({voice for voice in options.voices if options.voices.count(voice) > 1})
    if repeated:
        raise InputError(f"--voices: {repeated[0]!r} stands there twice; each voice once")
    return texts


def voice_names(value: str) -> list[str]:
    """Return the voices of one argument, which may be several with commas between them."""
    return [voice for voice in value.split(",") if voice]


def main(argv: list[str] | None = None) -> None:
    """Synthesize a shard as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--texts", required=True, help="JSON lines: id, text, spoken (what is said), domain")
    add("--engine", required=True, choices=sorted(ENGINES), help="text-to-speech engine")
    add("--resources", required=True, type=Path, help="folder of the engine's fetched files")
    add("--tts", required=True, help="name of this synthetic speech in manifests")
    add(
        "--voices",
        required=True,
        nargs="+",
        type=voice_names,
        help="voices to draw from, with spaces or commas between them",
    )
    add("--samples-per-text", type=int, default=1, help="utterances of each text (default 1)")
    add("--seed", type=int, required=True, help="of voices, speeds and the engine's noise")
    add("--shard", type=int, default=1, help="which part of the texts, from 1 (default 1)")
    add("--shards", type=int, default=1, help="number of parts (default 1)")
    add(
        "--speed-range",
        type=float,
        nargs=2,
        default=(0.9, 1.1),
        metavar=("LOWEST", "HIGHEST"),
        help="speeds to draw from, 1 is the voice's own (default 0.9 1.1)",
    )
    add(
        "--augmentation",
        choices=sorted(AUGMENTATIONS),
        default="none",
        help="what is done to the speech; telephone: 300-3400 Hz and GSM or mu-law (default none)",
    )
    add(
        "--max-failures",
        type=float,
        default=0.05,
        help="largest fraction of utterances that may fail (default 0.05)",
    )
    add("--threads", type=int, default=1, help="threads of the engine (default 1)")
    add("--audio-dir", required=True, type=Path, help="folder of the audio files and the journal")
    add("--output", required=True, type=Path, help="manifest of the shard; failures lie beside it")
    options = parser.parse_args(argv)
    options.voices = [voice for voices in options.voices for voice in voices]
    texts = check(options)
    engine = ENGINES[options.engine](options.resources, options.voices, options.threads)
    asked = requests(
        texts,
        options.shard,
        options.shards,
        options.samples_per_text,
        options.voices,
        tuple(options.speed_range),
        options.seed,
    )
    journal = Journal(options.audio_dir, f"{options.output.stem}")
    most_failures = options.max_failures * len(asked)
    rows, failures, resumed = synthesize(
        asked, engine, journal, options.augmentation, most_failures
    )
    failed = options.output.with_suffix(".failures.jsonl")
    write_jsonl(failed, failures)
    if len(failures) > most_failures:
        raise InputError(
            f"{failed}: {len(failures)} of {len(asked)} utterances failed (at most"
            f" {options.max_failures:.0%} may), first {failures[0]['id']!r}:"
            f" {failures[0]['reason']}; mend the texts or raise --max-failures"
        )
    done = {row["id"]: row for row in rows}
    write_jsonl(
        options.output,
        (
            manifest_row(utterance, done[utterance.id], options.tts, options.audio_dir)
            for utterance in asked
            if utterance.id in done
        ),
    )
    seconds = sum(row["duration"] for row in rows)
    print(
        f"{len(rows)} utterances, {seconds / 60:.1f} min, {len(failures)} failures", file=sys.stderr
    )
    lineage.record(
        __file__,
        [options.output, failed],
        [options.texts, *engine.files],
        {
            "engine": options.engine,
            "tts": options.tts,
            "voices": options.voices,
            "samples_per_text": options.samples_per_text,
            "seed": options.seed,
            "shard": options.shard,
            "shards": options.shards,
            "speed_range": list(options.speed_range),
            "augmentation": options.augmentation,
            "max_failures": options.max_failures,
        },
        engine_packages=engine.packages,
        counts={
            "utterances": len(rows),
            "failures": len(failures),
            "resumed": resumed,
            "duration": round(seconds, 3),
        },
    )


if __name__ == "__main__":
    run(main)
