"""Bad and hostile audio, and times of words: what is no sound is refused, by its file."""

import io
import os
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bad_input import RIGHT, Case, judge
from files.audio import load_audio
from files.audio_file import AudioFile
from scoring.foreign_hypotheses import read_hypotheses

Make = Callable[[Path], object]
TONE = np.sin(np.arange(16_000) / 5).astype(np.float32) / 2


def sound(form: str, samples: np.ndarray = TONE, **options: object) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, samples, 16_000, format=form, **options)
    return content.getvalue()


def wav(channels: int = 1, rate: int = 16_000, bits: int = 16, data: bytes = bytes(3200)) -> bytes:
    """Return a WAV whose header tells what it is told to."""
    align = max(1, channels * bits // 8) & 0xFFFF
    told = struct.pack("<HHIIHH", 1, channels, rate, rate * align & 0xFFFFFFFF, align, bits)
    return b"".join(
        (b"RIFF", struct.pack("<I", 36 + len(data)), b"WAVEfmt ", struct.pack("<I", 16), told)
        + (b"data", struct.pack("<I", len(data)), data)
    )


def written(content: bytes) -> Make:
    return lambda path: path.write_bytes(content)


def flac(place: int, value: bytes) -> bytes:
    """Return a FLAC with other bytes in what it tells of itself."""
    content = sound("FLAC")
    return content[: 8 + place] + value + content[8 + place + len(value) :]


NAN = np.where(np.arange(16_000) == 9_000, np.nan, TONE)
MP3 = sound("MP3")
AUDIO: dict[str, tuple[Make, str]] = {
    "right WAV": (written(wav()), ""),
    "right FLAC": (written(sound("FLAC")), ""),
    "right MP3": (written(MP3), ""),
    "right MP3 with a tag": (written(b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + MP3), ""),
    "missing": (lambda path: None, "x: no such file"),
    "folder": (Path.mkdir, "x: is a folder"),
    "FIFO": (os.mkfifo, "x: is a pipe"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "x: is a device"),
    "link to itself": (lambda path: path.symlink_to(path), "x: not readable"),
    "link to nowhere": (lambda path: path.symlink_to("/nowhere"), "x: no such file"),
    "empty": (written(b""), "x: not readable as audio"),
    "a text": (written(b"yes"), "x: not readable as audio"),
    "HTML": (written(b"<html>" * 99), "x: not readable as audio"),
    "MP3 behind garbage": (written(b"<html>" * 40 + MP3), "x.mp3: not readable as audio"),
    "MP3 behind zeros": (written(bytes(400) + MP3), "x.mp3: not readable as audio"),
    "WAV cut in its header": (written(wav()[:20]), "x: not readable as audio"),
    "WAV of rate 0": (written(wav(rate=0)), "x: (not readable as audio|.*rate)"),
    "WAV of rate 4e9": (written(wav(rate=4_000_000_000)), "x: (not readable as audio|.*rate)"),
    "WAV of no channel": (written(wav(channels=0)), "x: not readable as audio"),
    "WAV of 65535 channels": (written(wav(channels=65_535)), "x: not readable as audio"),
    "WAV of no bits": (written(wav(bits=0)), "x: not readable as audio"),
    "WAV of 999 bits": (written(wav(bits=999)), "x: not readable as audio"),
    "WAV of NaN": (written(sound("WAV", NAN, subtype="FLOAT")), "x: has samples that are not"),
    "WAV of NaN, double": (written(sound("WAV", NAN, subtype="DOUBLE")), "x: has samples that"),
    "FLAC of rate 0": (written(flac(10, b"\0\0\0")), "x: (not readable as audio|.*rate)"),
    "FLAC of 2^36 samples": (written(flac(13, b"\xff\xff\xff\xff\xff")), "x: (not r|.*bound)"),
    "FLAC cut short": (written(sound("FLAC")[:60]), "x: not readable as audio"),
    "FLAC of another": (written(b"fLaC" + bytes(99)), "x: not readable as audio"),
    "Ogg cut short": (written(sound("OGG")[:90]), "x: not readable as audio"),
}


def loaded(folder: Path, make: Make, name: str) -> None:
    make(folder / name)
    load_audio(folder / name)


def of_manifest(folder: Path, make: Make) -> None:
    make(folder / "x")
    AudioFile(folder / "x", "m.jsonl:3", duration=1.0)()


def word(line: str, folder: Path) -> None:
    (folder / "h.ctm").write_text(f"a 1 0.0 0.5 yes\n{line}\n")
    read_hypotheses(folder / "h.ctm", [{"id": "a", "text": "yes"}])


WORDS = {
    "right": ("a 1 0.6 0.2 no", ""),
    "NaN": ("a 1 nan 0.5 no", r"h\.ctm:2: start 'nan'"),
    "infinite": ("a 1 inf 0.5 no", r"h\.ctm:2: start 'inf'"),
    "negative": ("a 1 -1.0 0.5 no", r"h\.ctm:2: start '-1.0'"),
    "a duration of NaN": ("a 1 1.0 NaN no", r"h\.ctm:2: .*duration 'NaN'"),
    "an end before the beginning": ("a 1 1.0 -0.5 no", r"h\.ctm:2: .*duration '-0.5'"),
    "a duration of letters": ("a 1 1.0 long no", r"h\.ctm:2: "),
    "1e999": ("a 1 1e999 0.5 no", r"h\.ctm:2: start '1e999'"),
    "four fields": ("a 1 1.0 no", r"h\.ctm:2: "),
}

CASES = [
    *(
        Case("audio", what, partial(loaded, make=m, name="x.mp3" if "MP3" in what else "x"), says)
        for what, (m, says) in AUDIO.items()
    ),
    Case(
        "manifest's audio", "a folder", partial(of_manifest, make=Path.mkdir), "m.jsonl:3.*is a f"
    ),
    Case(
        "manifest's audio", "a FIFO", partial(of_manifest, make=os.mkfifo), "m.jsonl:3.*is a pipe"
    ),
    Case("manifest's audio", "right", partial(of_manifest, make=written(sound("FLAC"))), ""),
    *(Case("CTM", what, partial(word, line), says) for what, (line, says) in WORDS.items()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.door}: {case.what}")
def test_bad_input_is_refused_well(case, tmp_path):
    outcome, said = judge(case, tmp_path)
    assert outcome in RIGHT, (outcome, said)
