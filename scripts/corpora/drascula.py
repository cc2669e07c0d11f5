"""Dialogue of *Drascula: The Vampire Strikes Back*: subtitles and speech of the English version.

``drascula.dat`` holds arrays of subtitles, one array per speaker, in six languages of which the
first is English; ``{prefix}{number}.ALS`` is the recording of a speaker's subtitle of that number:
unsigned 8-bit samples at 11,025 Hz after a header. Subtitles are in capitals in the game and are
given here in sentence case, as a person would write them.
"""

import re
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from corpora.files import AGAIN, find
from errors import InputError
from files.recording import Recording
from files.regular import read_bytes

CORPUS = "Drascula"
MAGIC = b"DRASCULA"
LANGUAGES = 6
SAMPLING_RATE = 11_025  # Hz
AUDIO_HEADER = 32  # bytes
ENCODING = "cp850"
SPEAKERS = {  # prefix of the recordings to speaker, in the order of the arrays
    "": "hacker",
    "D": "drascula",
    "B": "drunk",
    "BJ": "bj",
    "E": "e",
    "I": "igor",
    "L": "l",
    "P": "pianist",
    "T": "t",
    "VB": "von_braun",
}


def read(folder: Path) -> Iterator[Recording]:
    """Yield the recorded subtitles; the ``*.ALS`` files lie beside ``drascula.dat``."""
    data = find(folder, "drascula.dat", needed_for=CORPUS)
    if not any(data.parent.glob("*.ALS")):
        raise InputError(
            f"{data.parent}: no recordings (*.ALS) beside drascula.dat; fetch the folder en/ of"
            " Debian's drascula whole"
        )
    for (prefix, speaker), texts in zip(SPEAKERS.items(), subtitles(data), strict=True):
        for number, text in enumerate(texts):
            audio = data.parent / f"{prefix}{number}.ALS"
            if text.strip() and audio.is_file():
                yield Recording(
                    id=audio.stem,
                    text=sentence_case(text),
                    speaker=speaker,
                    load=partial(load, audio),
                )


def load(path: Path) -> tuple[np.ndarray, int]:
    """Return a recording as float32 [n_samples], mono, and its sampling rate in Hz."""
    samples = np.frombuffer(read_bytes(path, AGAIN)[AUDIO_HEADER:], dtype=np.uint8)
    if not len(samples):
        raise InputError(f"{path}: no samples after the header; fetch it again")
    return (samples.astype(np.float32) - 128) / 128, SAMPLING_RATE


def subtitles(path: Path) -> list[list[str]]:
    """Return the English subtitles of each speaker, in the order of ``SPEAKERS``.

    The tables before them are the game's own; the subtitles begin where all arrays can be read.
    """
    content = read_bytes(path, AGAIN)
    if not content.startswith(MAGIC):
        raise InputError(f"{path}: not Drascula's data file; fetch Debian's drascula again")
    start = content.find(struct.pack(">H", LANGUAGES))
    while start >= 0:
        try:
            return arrays(content, start + 2)
        except (struct.error, UnicodeDecodeError):
            start = content.find(struct.pack(">H", LANGUAGES), start + 1)
    raise InputError(f"{path}: its subtitles are cut short; fetch Debian's drascula again")


def arrays(content: bytes, position: int) -> list[list[str]]:
    """Return the English half of the speakers' arrays; ``struct.error`` if they aren't there.

    An array is a count, then per language a size in bytes and a block: two bytes, then texts, each
    with the distance to the next one in the two bytes before it.
    """
    english = []
    for _ in SPEAKERS:
        (count,) = struct.unpack_from(">H", content, position)
        position += 2
        for language in range(LANGUAGES):
            (size,) = struct.unpack_from(">H", content, position)
            end = position + 2 + size
            texts, last = block(content, position + 4, count)
            if not count or not 0 <= last - end <= 4:
                raise struct.error("no array of subtitles")
            if language == 0:
                english.append(texts)
            position = end
    return english


def block(content: bytes, position: int, count: int) -> tuple[list[str], int]:
    """Return ``count`` texts and where the next one would begin."""
    texts = []
    position += 2
    for _ in range(count):
        (distance,) = struct.unpack_from(">H", content, position - 2)
        if distance < 3 or position + distance - 2 > len(content):
            raise struct.error("no text")
        text = content[position : position + distance - 2]
        texts.append(text.split(b"\0")[0].decode(ENCODING))
        position += distance
    return texts, position


def sentence_case(text: str) -> str:
    """Return a text in capitals as sentences: lower case but for initials, "I" and "B.J."."""
    text = " ".join(text.lower().split())
    text = re.sub(r"(^\W*|[.!?]\W+)(\w)", lambda match: match[1] + match[2].upper(), text)
    text = re.sub(r"\bb\.\s?j\.", "B.J.", text, flags=re.IGNORECASE)
    return re.sub(r"\bi\b", "I", text)
