"""Speak texts with a text-to-speech engine: audio files and the manifest of one shard.

Voice, speed and seed of an utterance follow from the seed and its id alone, so a rerun, another
order or another sharding gives the same bytes. What is spoken in batches (--batch-size) depends on
the others of its batch, too, and these follow from the shard's texts and the batch size. Killed and
started again, it goes on where it was: a journal beside the audio says which files are finished,
and for which request.
"""

import argparse
import hashlib
import importlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from engines.engine import Engine, Request, Setup, Speech, Unspeakable
from errors import InputError, naming_full_disk, run
from files.atomic import check_outputs
from files.audio import resample, save_audio
from files.checksum import sha256
from files.manifest import read_texts, write_jsonl
from files.progress import progress
from files.sound import FAINT
from names import name_of
from records.code_version import code_version
from records.writing import versions_of, write_record
from texts.in_words import in_words
from texts.numbers import ENGLISH

ENGINES = (
    "bark",
    "coqui",
    "hibari",
    "kokoro",
    "speecht5",
)  # each a module of that name in engines/
SPEEDS = (0.9, 1.1)  # drawn from by default, where the engine has a speed
REPORT_EVERY = 5.0  # s
PACKAGES = ("numpy", "soundfile", "soxr")
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")  # safe as a file name


def draw(*names: object) -> int:
    """Return 64 bits that depend on the names and on nothing else."""
    digest = hashlib.sha256("\0".join(map(str, names)).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def shuffle(voices: Sequence[str], text_id: str, seed: int) -> list[str]:
    """Return the voices in the order in which a text's utterances take them.

    Each voice is ranked by a number of its own, so one voice more changes only the utterances that
    it takes over.
    """
    return sorted(voices, key=lambda voice: draw(seed, text_id, "voice", voice))


def request(
    text: dict,
    sample: int,
    samples: int,
    shuffled: Sequence[str],
    speeds: tuple[float, float],
    seed: int,
) -> Request:
    """Return the ``sample``-th (from 1) of ``samples`` utterances of a text, in voices in turn."""
    name = text["id"] if samples == 1 else f"{text['id']}-{sample}"
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
    asked = []
    for text in texts[shard - 1 :: shards]:
        shuffled = shuffle(voices, text["id"], seed)
        asked += [
            request(text, sample, samples, shuffled, speeds, seed)
            for sample in range(1, samples + 1)
        ]
    return asked


def batches(asked: Sequence[Request], engine: Engine, size: int) -> list[list[Request]]:
    """Return the requests in the batches that are spoken together, of at most ``size`` each.

    Those of a batch have the same key (a voice, say) and texts of similar length, since a batch
    takes as long as its longest. With a size of 1 the order is that of the requests.
    """
    if size == 1:
        return [[one] for one in asked]
    groups: dict[str, list[Request]] = {}
    for one in asked:
        groups.setdefault(engine.batch_key(one), []).append(one)
    return [
        ordered[start : start + size]
        for group in groups.values()
        for ordered in [sorted(group, key=lambda one: len(one.spoken))]
        for start in range(0, len(ordered), size)
    ]


def fingerprints(batch: Sequence[Request], identity: str) -> list[str]:
    """Return a hash for each utterance of a batch: of all that shapes it, which is the batch."""
    members = [(one.spoken, one.voice, one.speed, one.seed) for one in batch]
    return [
        hashlib.sha256(json.dumps([identity, place, members]).encode()).hexdigest()
        for place in range(len(batch))
    ]


def code_of(engine: str) -> str:
    """Return the hash of this code and of an engine's module, no other's."""
    return code_version(__file__, module_of(engine))


def module_of(engine: str) -> str:
    """Return the path of an engine's module from this script's folder."""
    module = importlib.import_module(f"engines.{engine}")
    return os.path.relpath(module.__file__, Path(__file__).parent)


def identity_of(engine: Engine, code: str) -> str:
    """Return a hash of the engine's files, packages and settings and of the code.

    Packages are those of the engine, and those that resample and write its waveforms.
    """
    files = [sha256(path) for path in engine.files]
    packages = versions_of(PACKAGES) | engine.packages
    content = [code, files, sorted(packages.items()), sorted(engine.settings.items())]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def speak(batch: Sequence[Request], engine: Engine) -> list[Speech | Exception]:
    """Return the speech of a batch, or the reason why not; what an engine raises befalls all."""
    try:
        answers = engine.speak(batch)
    except InputError:
        raise
    except Exception as error:
        return [error] * len(batch)
    return [finish(answer, engine.sampling_rate) for answer in answers]


def finish(answer: Speech | Unspeakable, sampling_rate: int) -> Speech | Unspeakable:
    """Return an engine's answer at 16 kHz; silence and broken waveforms are no speech."""
    if isinstance(answer, Unspeakable):
        return answer
    if not np.isfinite(answer.waveform).all():
        return Unspeakable("the waveform has values that are not numbers")
    waveform = resample(answer.waveform, sampling_rate)
    loudest = float(np.abs(waveform).max(initial=0.0))
    if loudest < FAINT:
        return Unspeakable(f"silence: {len(waveform)} samples, none above {FAINT} of full scale")
    return Speech(waveform, answer.capped)


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
        return row if sha256(path) == row["sha256"] else None

    def write(self, name: str, asked: str, speech: Speech) -> dict:
        """Write an utterance's file and its entry, which survives the process; return the entry."""
        path = self.folder / f"{name}.flac"
        duration = save_audio(path, speech.waveform)
        row = {
            "id": name,
            "request": asked,
            "duration": duration,
            "capped": speech.capped,
            "sha256": sha256(path),
        }
        with naming_full_disk(self.path), self.path.open("a+b") as file:
            if file.tell() and not ends_with_newline(file):
                file.write(b"\n")
            file.write(json.dumps(row).encode() + b"\n")
        return row


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
    code: str,
    journal: Journal,
    batch_size: int,
    most_failures: float,
) -> tuple[dict[str, dict], list[dict], int]:
    """Return the journal's rows by id, the failures, and how many rows were there already.

    A batch of which a row is missing is spoken again as a whole. Stops early, with the failures so
    far, when more than ``most_failures`` utterances have failed.
    """
    identity = identity_of(engine, code)
    rows: dict[str, dict] = {}
    failures: list[dict] = []
    count = resumed = 0
    started = reported = time.monotonic()
    for batch in batches(asked, engine, batch_size):
        wanted = fingerprints(batch, identity)
        found = [journal.find(one.id, hash_) for one, hash_ in zip(batch, wanted, strict=True)]
        if all(found):
            resumed += len(batch)
            rows |= {row["id"]: row for row in found}
        else:
            answers = speak(batch, engine)
            for utterance, hash_, answer in zip(batch, wanted, answers, strict=True):
                if isinstance(answer, Speech):
                    rows[utterance.id] = journal.write(utterance.id, hash_, answer)
                else:
                    failures.append(failure(utterance, answer))
        count += len(batch)
        if time.monotonic() - reported > REPORT_EVERY or count == len(asked):
            reported = time.monotonic()
            print(progress(count, len(asked), resumed, reported - started), file=sys.stderr)
        if len(failures) > most_failures:
            break
    return rows, failures, resumed


def most_of(fraction: float, utterances: int) -> float:
    """Return how many utterances may fail: one may, unless none may or no other is left."""
    return max(fraction * utterances, float(fraction > 0 and utterances > 1))


def failure(utterance: Request, error: Exception) -> dict:
    """Return the record of an utterance that could not be spoken."""
    reason = str(error) if isinstance(error, Unspeakable) else f"{type(error).__name__}: {error}"
    return {
        "id": utterance.id,
        "text_id": utterance.text["id"],
        "reason": reason,
        "spoken": utterance.spoken,
        "voice": utterance.voice,
    }


def for_letters_only(texts: Sequence[dict], language: str) -> list[dict]:
    """Return texts that are spoken without digits and signs: these are in words."""
    return [row | {"spoken": in_words(row["spoken"], language)} for row in texts]


def manifest_row(
    utterance: Request, row: dict, tts: str, folder: Path, letters_only: bool = False
) -> dict:
    """Return an utterance of the shard's manifest, with what was said where that is in words."""
    spoken = {"spoken": utterance.spoken} if letters_only else {}
    return {
        "id": utterance.id,
        "audio_filepath": str(folder / f"{utterance.id}.flac"),
        "duration": row["duration"],
        "text": utterance.text["text"],
        **spoken,
        "speaker": f"{tts}:{utterance.voice}",
        "domain": utterance.text["domain"],
        "tts": tts,
        "voice": utterance.voice,
        "speed": utterance.speed,
        "capped": row["capped"],
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
    low, high = options.speed_range or SPEEDS
    if not 0.5 <= low <= high <= 2:
        raise InputError(f"--speed-range {low} {high}: give 0.5 <= lowest <= highest <= 2")
    for name, value in (
        ("--samples-per-text", options.samples_per_text),
        ("--shards", options.shards),
        ("--threads", options.threads),
        ("--batch-size", options.batch_size),
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


def speeds_of(options: argparse.Namespace, engine: Engine) -> tuple[float, float]:
    """Return the lowest and highest speed to draw; ``InputError`` if the engine has but one."""
    if engine.has_speed:
        return tuple(options.speed_range or SPEEDS)
    if options.speed_range and tuple(options.speed_range) != (1, 1):
        low, high = options.speed_range
        raise InputError(
            f"--speed-range {low} {high}: engine {options.engine} can't change its speed; leave"
            " it out or give 1 1"
        )
    return 1.0, 1.0


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
    add("--engine", required=True, choices=ENGINES, help="text-to-speech engine")
    add("--resources", required=True, type=Path, help="folder of the engine's fetched files")
    add(
        "--tts",
        type=name_of("tts"),
        required=True,
        help="name of this synthetic speech in manifests",
    )
    add(
        "--voices",
        required=True,
        nargs="+",
        type=voice_names,
        help="voices to draw from, with spaces or commas between them, or random: one of all for"
        " each utterance",
    )
    add("--speakers", type=Path, help="speakers that the resources do not have (see the engine)")
    add(
        "--language",
        help="code of the language, for coqui's multilingual models and for numbers in words"
        " (default en)",
    )
    add("--samples-per-text", type=int, default=1, help="utterances of each text (default 1)")
    add("--seed", type=int, required=True, help="of voices, speeds and the engine's noise")
    add("--shard", type=int, default=1, help="which part of the texts, from 1 (default 1)")
    add("--shards", type=int, default=1, help="number of parts (default 1)")
    add(
        "--speed-range",
        type=float,
        nargs=2,
        metavar=("LOWEST", "HIGHEST"),
        help="speeds to draw from, 1 is the voice's own (default 0.9 1.1, or 1 1 if the engine has"
        " no speed)",
    )
    add(
        "--batch-size",
        type=int,
        default=1,
        help="utterances spoken at once, if the engine can (default 1)",
    )
    add(
        "--precision",
        choices=("auto", "fp16", "bf16", "fp32"),
        default="auto",
        help="of the computation (default auto: the engine's own on a GPU, fp32 on a CPU)",
    )
    add(
        "--max-failures",
        type=float,
        default=0.05,
        help="largest fraction of utterances that may fail, of several one at least (default 0.05)",
    )
    add("--threads", type=int, default=1, help="threads of the engine (default 1)")
    add("--audio-dir", required=True, type=Path, help="folder of the audio files and the journal")
    add("--output", required=True, type=Path, help="manifest of the shard; failures lie beside it")
    options = parser.parse_args(argv)
    options.voices = [voice for voices in options.voices for voice in voices]
    failed = options.output.with_suffix(".failures.jsonl")
    check_outputs(
        [options.audio_dir, options.output, failed],
        [options.texts, options.resources, options.speakers],
    )
    texts = check(options)
    engine = importlib.import_module(f"engines.{options.engine}").load(
        Setup(
            resources=options.resources,
            voices=options.voices,
            threads=options.threads,
            batch_size=options.batch_size,
            precision=options.precision,
            speakers=options.speakers,
            language=options.language,
        )
    )
    if engine.letters_only:
        texts = for_letters_only(texts, options.language or ENGLISH)
    speeds = speeds_of(options, engine)
    code = code_of(options.engine)
    asked = requests(
        texts,
        options.shard,
        options.shards,
        options.samples_per_text,
        engine.voices,
        speeds,
        options.seed,
    )
    journal = Journal(options.audio_dir, f"{options.output.stem}")
    most_failures = most_of(options.max_failures, len(asked))
    rows, failures, resumed = synthesize(
        asked, engine, code, journal, options.batch_size, most_failures
    )
    write_jsonl(failed, failures)
    if len(failures) > most_failures:
        raise InputError(
            f"{failed}: {len(failures)} of {len(asked)} utterances failed (at most"
            f" {options.max_failures:.0%} may), first {failures[0]['id']!r}:"
            f" {failures[0]['reason']}; mend the texts or raise --max-failures (in the config,"
            " max_failures of the TTS)"
        )
    write_jsonl(
        options.output,
        (
            manifest_row(
                utterance,
                rows[utterance.id],
                options.tts,
                options.audio_dir,
                engine.letters_only,
            )
            for utterance in asked
            if utterance.id in rows
        ),
    )
    seconds = sum(row["duration"] for row in rows.values())
    print(
        f"{len(rows)} utterances, {seconds / 60:.1f} min, {len(failures)} failures", file=sys.stderr
    )
    write_record(
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
            "speed_range": list(speeds),
            "batch_size": options.batch_size,
            "precision": options.precision,
            "language": options.language,
            "max_failures": options.max_failures,
            "engine_settings": dict(engine.settings),
        },
        modules=[module_of(options.engine)],
        packages=dict(engine.packages),
        device=engine.settings.get("device", "cpu"),
        counts={
            "utterances": len(rows),
            "failures": len(failures),
            "capped": sum(row["capped"] for row in rows.values()),
            "duration": round(seconds, 3),
        },
        of_run={"resumed": resumed},
    )


if __name__ == "__main__":
    run(main)
