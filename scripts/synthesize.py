"""Speak texts with a text-to-speech engine: audio files and the manifest of one shard.

Voice, speed and seed of an utterance follow from the seed and its id alone, so a rerun, another
order or another sharding gives the same bytes. What is spoken in batches (--batch-size) depends on
the others of its batch, too, and these follow from the shard's texts and the batch size. Killed and
started again, it goes on where it was: a journal beside the audio says which files are finished,
and for which request.
"""

import argparse
import importlib
import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from engines import ENGINES
from engines.engine import Engine, Request, Setup
from engines.journal import Journal
from engines.speaking import most_of, speak_all
from engines.utterances import requests
from engines.wording import as_listed, for_letters_only
from errors import InputError, run
from files.atomic import check_outputs
from files.manifest import read_texts, write_jsonl
from names import name_of
from options import Parser
from records.code_version import code_version
from records.writing import write_record
from texts.numbers import ENGLISH
from texts.pronunciations import read_pronunciations

SPEEDS = (0.9, 1.1)  # drawn from by default, where the engine has a speed
RECORDED = (
    "engine", "tts", "voices", "samples_per_text", "seed", "shard", "shards", "batch_size",
    "precision", "language", "max_failures",
)  # fmt: skip
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")  # safe as a file name


def code_of(engine: str) -> str:
    """Return the hash of this code and of an engine's module, no other's."""
    return code_version(__file__, module_of(engine))


def module_of(engine: str) -> str:
    """Return the path of an engine's module from this script's folder."""
    module = importlib.import_module(f"engines.{engine}")
    return os.path.relpath(str(module.__file__), Path(__file__).parent)


def manifest_row(
    utterance: Request, row: dict, tts: str, folder: Path, letters_only: bool = False
) -> dict:
    """Return an utterance of the shard's manifest, with what was said where that is in words."""
    spoken = {"spoken": utterance.spoken} if letters_only else {}
    spoken |= {key: said for key, said in utterance.text.items() if key == "pronounced"}
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
    for name in ("rate", "pitch"):
        if getattr(options, name) is not None and name not in ENGINES[options.engine].own_settings:
            raise InputError(f"--{name}: engine {options.engine} has no such setting; leave it out")
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


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's values."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--texts", required=True, help="JSON lines: id, text, spoken (what is said), domain")
    add("--engine", required=True, choices=ENGINES, help="text-to-speech engine")
    add("--resources", required=True, type=Path, help="folder of the engine's fetched files")
    add("--tts", type=name_of("tts"), required=True, help="name of this speech in manifests")
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
        help="code of the language, for espeak, for coqui's multilingual models, and for numbers in"
        " words (default en)",
    )
    add("--pronunciations", type=Path, help="lines of a word, a tab, and how it is said instead")
    add("--rate", type=int, help="of espeak: words a minute at speed 1 (default 175)")
    add("--pitch", type=int, help="of espeak: 0 to 99 (default 50)")
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
    add("--batch-size", type=int, default=1, help="utterances spoken at once (default 1)")
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
    return options


def load(options: argparse.Namespace) -> Engine:
    """Return the loaded engine."""
    engine: Engine = importlib.import_module(f"engines.{options.engine}").load(
        Setup(
            resources=options.resources,
            voices=options.voices,
            threads=options.threads,
            batch_size=options.batch_size,
            precision=options.precision,
            speakers=options.speakers,
            language=options.language,
            rate=options.rate,
            pitch=options.pitch,
        )
    )
    return engine


def check_failures(
    failures: Sequence[dict], asked: int, path: Path, most: float, fraction: float
) -> None:
    """Raise ``InputError`` if more than ``most`` utterances of those asked for have failed."""
    if len(failures) > most:
        raise InputError(
            f"{path}: {len(failures)} of {asked} utterances failed (at most {fraction:.0%} may),"
            f" first {failures[0]['id']!r}: {failures[0]['reason']}; mend the texts or raise"
            " --max-failures (in the config, max_failures of the TTS)"
        )


def counts_of(rows: Iterable[dict], failures: Sequence[dict]) -> dict[str, float]:
    """Return what a shard's record counts; duration in s."""
    rows = list(rows)
    return {
        "utterances": len(rows),
        "failures": len(failures),
        "capped": sum(row["capped"] for row in rows),
        "duration": round(sum(row["duration"] for row in rows), 3),
    }


def parameters_of(
    options: argparse.Namespace, speeds: tuple[float, float], engine: Engine
) -> dict[str, object]:
    """Return what a shard's record says of how it was spoken."""
    return {name: getattr(options, name) for name in RECORDED} | {
        "speed_range": list(speeds),
        "engine_settings": dict(engine.settings),
    }


def main(argv: list[str] | None = None) -> None:
    """Synthesize a shard as the command line says."""
    options = parse(argv)
    failed = options.output.with_suffix(".failures.jsonl")
    check_outputs(
        [options.audio_dir, options.output, failed],
        [options.texts, options.resources, options.speakers, options.pronunciations],
    )
    texts = check(options)
    listed = read_pronunciations(options.pronunciations) if options.pronunciations else []
    engine = load(options)
    speeds = speeds_of(options, engine)
    asked = requests(
        texts,
        options.shard,
        options.shards,
        options.samples_per_text,
        engine.voices,
        speeds,
        options.seed,
    )
    asked = as_listed(asked, listed) if listed else asked
    if engine.letters_only:
        asked = for_letters_only(asked, options.language or ENGLISH)
    journal = Journal(options.audio_dir, options.output.stem)
    most_failures = most_of(options.max_failures, len(asked))
    rows, failures, resumed = speak_all(
        asked, engine, code_of(options.engine), journal, options.batch_size, most_failures
    )
    write_jsonl(failed, failures)
    check_failures(failures, len(asked), failed, most_failures, options.max_failures)
    write_jsonl(
        options.output,
        (
            manifest_row(one, rows[one.id], options.tts, options.audio_dir, engine.letters_only)
            for one in asked
            if one.id in rows
        ),
    )
    counts = counts_of(rows.values(), failures)
    minutes = counts["duration"] / 60
    print(f"{len(rows)} utterances, {minutes:.1f} min, {len(failures)} failures", file=sys.stderr)
    write_record(
        __file__,
        [options.output, failed],
        [*filter(None, [options.texts, options.pronunciations]), *engine.files],
        parameters_of(options, speeds, engine),
        modules=[module_of(options.engine)],
        packages=dict(engine.packages),
        device=engine.settings.get("device", "cpu"),
        counts=counts,
        of_run={"resumed": resumed},
    )


if __name__ == "__main__":
    run(main)
