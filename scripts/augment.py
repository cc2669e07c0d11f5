"""Augment synthetic speech as a room, noise and a telephone would: audio files and their manifest.

In the order in which it befalls speech: the speaker's speed, the room, the noise at the
microphone, the telephone's band and codec, or the channel of the source's recordings. Of these only
what the settings name is applied, to each utterance with its probability:

  {"speed": {"probability": 1, "factor": [0.9, 1.1]},
   "room": {"probability": 1, "rt60": [0.2, 0.8], "drr": [0, 12]},
   "noise": {"probability": 1, "snr": [0, 20]},
   "telephone": {"probability": 1, "codecs": ["gsm", "mu-law", "a-law"]},
   "like_source": {"probability": 1},
   "copies": 1, "keep_clean": false}

These values are the defaults: {"noise": {}} adds noise to all. factor is a rate of speaking and of
pitch, rt60 (s) and drr (dB) shape a simulated room, snr is in dB. With --rooms the room is one of
the folder's impulse responses instead, with --noises the noise is one of the folder's recordings
instead of white noise; of several channels the first is taken.

like_source needs --channels, a file of channels.py: an utterance gets band, noise, level and
sampling rate of one of its recordings. The equaliser makes that recording's spectrum of the mean
one of the manifest, so it depends on all utterances of the manifest.

What is drawn for an utterance follows from the seed and its id alone. Audio files are named by all
that shapes them, so that a run which was killed goes on where it was.
"""

import argparse
import hashlib
import importlib.metadata
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from augmentations.channel import (
    Channel,
    Spectrum,
    average,
    channels_by_id,
    likeness,
    measure,
    through_channel,
)
from augmentations.drawing import Folder, draw, named_copies, read_folder
from augmentations.effects import (
    add_noise,
    change_speed,
    excerpt,
    reverberate,
    simulated_room,
    telephone,
    white_noise,
)
from augmentations.settings import KINDS, read_settings
from errors import InputError, run
from files.atomic import check_outputs
from files.audio import SAMPLING_RATE, load_audio, resample, save_audio
from files.checksum import sha256
from files.manifest import check_file_names, check_fits, read_manifest, write_jsonl
from files.progress import progress
from files.sound_file import read_channels, read_header
from options import Parser
from records.code_version import code_version
from records.writing import write_record

PACKAGES = ("speechbrain", "torch", "torchaudio", "numpy", "soundfile", "soxr")
REPORT_EVERY = 5.0  # s


def augment(waveform: np.ndarray, drawn: dict, folders: Mapping[str, Folder]) -> np.ndarray:
    """Return the waveform after all that was drawn for it."""
    if "speed" in drawn:
        waveform = change_speed(waveform, drawn["speed"])
    if room := drawn.get("room"):
        if "file" in room:
            response = first_channel(folders["room"].path / room["file"])
        else:
            response = simulated_room(**room)
        waveform = reverberate(waveform, response)
    if noise := drawn.get("noise"):
        if "file" in noise:
            sound = first_channel(folders["noise"].path / noise["file"])
            sound = excerpt(sound, len(waveform), noise["start"])
        else:
            sound = white_noise(len(waveform), noise["seed"])
        waveform = add_noise(waveform, sound, noise["snr"])
    loudest = np.abs(waveform).max(initial=0.0)
    if loudest > 1:  # turned down, where a file or a codec would clip
        waveform = waveform / loudest
    if "telephone" in drawn:
        waveform = telephone(waveform, drawn["telephone"])
    if like := drawn.get("like_source"):
        waveform = through_channel(waveform, seed=like["seed"], **like["channel"])
    return waveform


def first_channel(path: Path) -> np.ndarray:
    """Return a noise or an impulse response at ``SAMPLING_RATE``, as one microphone heard it."""
    waveform, rate = read_channels(path)
    if not waveform[:, 0].any():
        raise InputError(f"{path}: digital silence; remove the file")
    return resample(waveform[:, 0], rate)


def likenesses_of(
    channels: Mapping[str, Channel], utterances: Sequence[dict], jobs: int
) -> list[dict[str, Any]]:
    """Return what makes the utterances like each recording of some, by id.

    Each has the ``recording``'s id and ``channel``, the values that ``through_channel`` takes.
    """

    def spectrum(utterance: dict) -> Spectrum:
        return measure(load_audio(utterance["audio_filepath"])).speech

    if not channels:
        return []
    with ThreadPoolExecutor(jobs) as pool:
        clean = average(pool.map(spectrum, utterances))
    return [
        {"recording": id, "channel": likeness(channel, clean)} for id, channel in channels.items()
    ]


@cache
def identity() -> str:
    """Return what shapes the audio besides the settings: this code and its packages."""
    return json.dumps([code_version(__file__), packages()])


def packages() -> dict[str, str]:
    """Return the versions of the packages that shape the audio."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def fingerprint(utterance: dict, drawn: dict, folders: Mapping[str, Folder]) -> str:
    """Return a hash of all that shapes an utterance's audio."""
    files = [sha256(utterance["audio_filepath"])]
    for kind in ("room", "noise"):
        if "file" in drawn.get(kind, {}):
            files.append(folders[kind].sha256(drawn[kind]["file"]))
    parts = json.dumps([identity(), files, drawn], sort_keys=True)
    return hashlib.sha256(parts.encode()).hexdigest()


def make(
    utterance: dict, name: str, drawn: dict, folders: Mapping[str, Folder], folder: Path
) -> tuple[dict, bool]:
    """Return the row of an augmented utterance, and whether its audio was there already."""
    try:
        wanted = fingerprint(utterance, drawn, folders)
        path = folder / f"{name}-{wanted[:16]}.flac"
        was_there = path.is_file()
        if not was_there:
            waveform = augment(load_audio(utterance["audio_filepath"]), drawn, folders)
            if not np.isfinite(waveform).all():
                raise ValueError("the result has values that are not numbers")
            save_audio(path, waveform)
        row = utterance | {
            "id": name,
            "audio_filepath": str(path),
            "duration": read_header(path).frames / SAMPLING_RATE,
            "sha256": sha256(path),
            "augmentation": drawn,
        }
    except Exception as error:  # a library's message does not say whose audio it was about
        raise InputError(f"utterance {utterance['id']!r}: {error}") from error
    return row, was_there


def reported(rows: Iterable[tuple[dict, bool]], total: int) -> Iterator[tuple[dict, bool]]:
    """Yield what is made, and say now and then how far it is."""
    started = last = time.monotonic()
    for count, pair in enumerate(rows, start=1):
        yield pair
        if time.monotonic() - last > REPORT_EVERY:
            last = time.monotonic()
            print(progress(count, total, 0, last - started), file=sys.stderr, flush=True)


def used_files(folders: Mapping[str, Folder], rows: Sequence[dict]) -> list[Path]:
    """Return the recordings of the folders that were laid over some utterance."""
    paths = []
    for kind, folder in folders.items():
        used = {row["augmentation"][kind]["file"] for row in rows if kind in row["augmentation"]}
        paths += [folder.path / name for name in sorted(used)]
    return paths


def main(argv: list[str] | None = None) -> None:
    """Augment a manifest as the command line says."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--manifest", required=True, help="utterances to augment")
    add("--settings", required=True, help="what is done, how often and how much (JSON)")
    add("--noises", help="folder of noise recordings, wav or flac (default: white noise)")
    add("--rooms", help="folder of impulse responses, wav or flac (default: simulated rooms)")
    add("--channels", help="recordings whose channels like_source takes, by channels.py")
    add("--seed", type=int, required=True, help="of all that is drawn")
    add(
        "--max-duration",
        type=float,
        default=30.0,
        help="s; no utterance is slowed down so far that it takes longer (default 30)",
    )
    add("--jobs", type=int, default=1, help="threads (default 1)")
    add("--audio-dir", required=True, type=Path, help="folder of the audio files")
    add("--output", required=True, help="manifest to write: the same keys, and augmentation")
    options = parser.parse_args(argv)
    outputs = [options.audio_dir, options.output]
    check_outputs(outputs, [options.manifest, options.noises, options.rooms, options.channels])
    settings = read_settings(options.settings)
    if options.jobs < 1:
        raise InputError(f"--jobs {options.jobs}: at least 1")
    if (settings.like_source is None) != (options.channels is None):
        raise InputError("--channels is for like_source of the settings; give both, or neither")
    channels = channels_by_id(options.channels) if options.channels else {}
    folders = {
        kind: read_folder(path, f"--{kind}s", kind, settings)
        for kind, path in (("noise", options.noises), ("room", options.rooms))
        if path is not None
    }
    utterances = read_manifest(options.manifest)
    check_file_names(utterances, options.manifest)
    check_outputs(outputs, (row["audio_filepath"] for row in utterances))
    check_fits(utterances, options.manifest, options.max_duration)
    for row in utterances:
        if Path(row["id"]).name != row["id"]:
            raise InputError(f"{options.manifest}: id {row['id']!r} is no file name")

    import torch

    torch.set_num_threads(1)  # --jobs share the cores, and no sum depends on how many there are
    likenesses = likenesses_of(channels, utterances, options.jobs)
    asked = [
        (utterance, name, copy)
        for utterance in utterances
        for name, copy in named_copies(utterance, settings)
    ]

    def work(one: tuple[dict, str, int]) -> tuple[dict, bool]:
        utterance, name, copy = one
        if copy == 0:
            return utterance | {"augmentation": {}}, False
        drawn = draw(
            utterance, copy, settings, folders, options.seed, options.max_duration, likenesses
        )
        return make(utterance, name, drawn, folders, options.audio_dir)

    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(reported(pool.map(work, asked), len(asked)))
    rows = [row for row, _ in results]
    write_jsonl(options.output, rows)
    kinds = Counter(kind for row in rows for kind in row["augmentation"])
    seconds = sum(row["duration"] for row in rows)
    summary = ", ".join(f"{kind} {kinds[kind]}" for kind in KINDS)
    print(f"{len(rows)} utterances, {seconds / 60:.1f} min: {summary}", file=sys.stderr)
    write_record(
        __file__,
        [options.output],
        [options.manifest, *filter(None, [options.channels]), *used_files(folders, rows)],
        {"settings": settings.record(), "seed": options.seed, "max_duration": options.max_duration},
        counts={
            "utterances": len(rows),
            "duration": round(seconds, 3),
            "untouched": sum(not row["augmentation"] for row in rows),
            **{kind: kinds[kind] for kind in KINDS},
        },
        of_run={"resumed": sum(was_there for _, was_there in results)},
    )


if __name__ == "__main__":
    run(main)
