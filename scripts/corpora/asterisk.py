"""Telephone prompts of the Asterisk exchange: one professional voice and its script.

``core-sounds-en.txt`` (or ``.txt.gz``) has lines ``name: text``; the recording of a name is
``{name}.wav`` (8 kHz, 16-bit) or ``{name}.gsm`` (8 kHz, GSM 06.10 full rate, as on a telephone
line). Where both are in the folder, the GSM recording is taken.
"""

import gzip
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from corpora.files import find
from errors import InputError
from files.recording import Recording

CORPUS = "the Asterisk prompts"
LANDMARK = "vm-goodbye"  # a prompt of every release; its folder is the root of all names
SPEAKER = "allison"
FORMATS = {
    ".gsm": {"format": "RAW", "subtype": "GSM610", "samplerate": 8_000, "channels": 1},
    ".wav": {},
}
GSM_FRAME = 33  # bytes for 20 ms
SYMBOLS = {"*": " star ", "#": " pound "}  # as the voice says them
REMARK = re.compile(r"\[[^]]*\]|\([^)]*\)|<[^>]*>")  # of the script's writer, not spoken


def read(folder: Path) -> Iterator[Recording]:
    """Yield the prompts that have words and a recording, in the script's order."""
    script = find(folder, "core-sounds-en.txt", "core-sounds-en.txt.gz", needed_for=CORPUS)
    landmark = find(folder, *(f"{LANDMARK}{suffix}" for suffix in FORMATS), needed_for=CORPUS)
    seen = set()
    for name, text in prompts(script):
        audio = landmark.parent / f"{name}{landmark.suffix}"
        if name not in seen and spoken(text) and audio.is_file():
            seen.add(name)
            yield Recording(
                id=name.replace("/", "."),
                text=spoken(text),
                speaker=SPEAKER,
                load=partial(load, audio),
            )


def prompts(script: Path) -> list[tuple[str, str]]:
    """Return the script's (name, text) pairs; lines that begin with ``;`` are comments."""
    try:
        with gzip.open(script) if script.suffix == ".gz" else script.open("rb") as file:
            lines = file.read().decode("utf-8").splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{script}: not readable ({error}); fetch it again") from None
    pairs = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith(";"):
            continue
        name, colon, text = line.partition(":")
        if not colon:
            raise InputError(f"{script}:{number}: {line[:60]!r} is not of the form 'name: text'")
        pairs.append((name.strip(), text.strip()))
    return pairs


def spoken(text: str) -> str:
    """Return the words of a prompt: no remarks, no dots for what is left open, keys by name."""
    text = REMARK.sub(" ", text).replace("...", " ")
    for symbol, word in SYMBOLS.items():
        text = text.replace(symbol, word)
    return " ".join(text.split())


def load(path: Path) -> tuple[np.ndarray, int]:
    """Return a recording as float32 [n_samples], mono, and its sampling rate in Hz."""
    if path.suffix == ".gsm" and path.stat().st_size % GSM_FRAME:
        raise InputError(
            f"{path}: {path.stat().st_size} bytes are no whole number of {GSM_FRAME}-byte frames;"
            " the file is cut short: fetch it again"
        )
    try:
        waveform, rate = soundfile.read(
            path, dtype="float32", always_2d=True, **FORMATS[path.suffix]
        )
    except soundfile.LibsndfileError as error:
        raise InputError(f"{path}: not readable as audio ({error}); fetch it again") from None
    return waveform.mean(axis=1), rate
