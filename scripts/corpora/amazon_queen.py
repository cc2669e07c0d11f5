"""Dialogue of *Flight of the Amazon Queen*: subtitles and speech from the game's one file.

``queen.1c`` holds big-endian resources behind a table of their names. A dialogue (``*.DOG``) holds
the lines of Joe, the hero, and of the person he talks to; each line is cut by ``*`` commands into
segments, and each segment was recorded as one MP3 (``*.SB``). The lines of ``QUEEN2.JAS`` are what
Joe says of the things that he looks at. The topic of a recording is the person of its dialogue,
whoever of the two speaks, or ``things``.
"""

import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from corpora.files import AGAIN, find
from errors import InputError
from files.recording import Recording
from files.regular import open_regular, read_bytes
from files.sound_file import read_channels

CORPUS = "Flight of the Amazon Queen"
FIRST_ENTRY = b"020001P2.SB\0"  # the table's first name; the number of entries stands before it
ENTRY = struct.Struct(">12sBII")  # name, bundle, offset and size in bytes
DIALOGUE_MAGIC = b"AmBk"
DIALOGUE_HEADER = 20  # bytes before the offsets of a dialogue count
LEVEL_SIZE = 96  # bytes of the tree of choices, per level
FIRST_DESCRIPTION = 41  # number of the recording of the first line of QUEEN2.JAS
THINGS = "things"  # topic of the descriptions
COMMAND = re.compile(r"\*(?:XY.{0,11}|.{0,2})")
ENCODING = "cp437"


@dataclass(frozen=True)
class Archive:
    """The resources of ``queen.1c``: name to (offset, size) in bytes."""

    path: Path
    table: dict[str, tuple[int, int]]

    def read(self, name: str) -> bytes:
        offset, size = self.table[name]
        with open_regular(self.path, AGAIN) as file:
            file.seek(offset)
            return file.read(size)

    def load(self, name: str) -> tuple[np.ndarray, int]:
        """Return a recording as float32 [n_samples], mono, and its sampling rate in Hz."""
        waveform, rate = read_channels(f"{self.path}: {name}", AGAIN, content=self.read(name))
        return waveform.mean(axis=1), rate


def read(folder: Path) -> Iterator[Recording]:
    """Yield the recorded dialogue and descriptions of ``queen.1c``, in the order of the archive.

    A recording that two lines claim is left out: which of them it speaks is not known.
    """
    archive = open_archive(find(folder, "queen.1c", needed_for=CORPUS))
    recordings: list[Recording] = []
    for name in archive.table:
        if name.endswith(".DOG"):
            recordings += dialogue(archive, name)
        elif name == "QUEEN2.JAS":
            recordings += descriptions(archive, name)
    claims = Counter(recording.id for recording in recordings)
    yield from (recording for recording in recordings if claims[recording.id] == 1)


def open_archive(path: Path) -> Archive:
    """Return the archive with its table, each entry of which lies within the file."""
    content = read_bytes(path, AGAIN)
    start = content.find(FIRST_ENTRY)
    if start < 2:
        raise InputError(
            f"{path}: holds no table of resources; give the talkie version's queen.1c of"
            " Debian's flight-of-the-amazon-queen"
        )
    (count,) = struct.unpack_from(">H", content, start - 2)
    if start + count * ENTRY.size > len(content):
        raise InputError(f"{path}: ends within its table of {count} resources; fetch it again")
    table = {}
    for name, _bundle, offset, size in ENTRY.iter_unpack(
        content[start : start + count * ENTRY.size]
    ):
        text = name.split(b"\0")[0].decode("ascii")
        if offset + size > len(content):
            raise InputError(
                f"{path}: {len(content)} bytes long, but {text} ends at byte {offset + size};"
                " the file is cut short: fetch it again"
            )
        table[text] = (offset, size)
    return Archive(path, table)


def dialogue(archive: Archive, name: str) -> Iterator[Recording]:
    """Yield the recorded segments of one dialogue: Joe's and the other person's."""
    content = archive.read(name)
    if not content.startswith(DIALOGUE_MAGIC):
        raise InputError(f"{archive.path}: {name} is not a dialogue; fetch the file again")
    content = content[DIALOGUE_HEADER:]
    try:
        (levels,) = struct.unpack_from(">h", content, 0)
        key, of_joe, of_person = struct.unpack_from(">3h", content, 4)
        (person_offset,) = struct.unpack_from(">H", content, 22)
        sides = [
            ("J", "joe", lines(content, 32 + LEVEL_SIZE * abs(levels), of_joe)),
            ("P", person(name), lines(content, person_offset, of_person)),
        ]
    except struct.error:
        raise InputError(f"{archive.path}: {name} is cut short; fetch the file again") from None
    for side, speaker, found in sides:
        for number, text in found:
            prefix = f"{key:2d}{number & 0xFFFF:4x}{side}".replace(" ", "0").upper()
            yield from segments(archive, prefix, text, speaker, person(name))


def person(name: str) -> str:
    """Return whom Joe talks to in a dialogue: ``NAOMI2.DOG`` is one with naomi."""
    return name.removesuffix(".DOG").rstrip("0123456789").lower()


def lines(content: bytes, position: int, count: int) -> list[tuple[int, str]]:
    """Return ``count`` numbered lines from ``position``; each starts at a multiple of 4 bytes."""
    numbered = []
    for _ in range(count):
        number, length = struct.unpack_from(">hB", content, position + 2)
        start, end = position + 5, position + 5 + length
        if end > len(content):
            raise struct.error("a line reaches beyond the dialogue")
        numbered.append((number, content[start:end].decode(ENCODING)))
        position = end + -end % 4
    return numbered


def descriptions(archive: Archive, name: str) -> Iterator[Recording]:
    """Yield what Joe says of things."""
    text = archive.read(name).decode(ENCODING)
    for number, line in enumerate(text.splitlines(), start=FIRST_DESCRIPTION):
        yield from segments(archive, f"JOE{number:04d}", line, "joe", THINGS)


def segments(
    archive: Archive, prefix: str, line: str, speaker: str, topic: str
) -> Iterator[Recording]:
    """Yield those segments of a line that have words and were recorded."""
    for number, text in enumerate(COMMAND.split(line), start=1):
        recording = f"{prefix}{number:X}.SB"
        if text.strip() and recording in archive.table:
            yield Recording(
                id=recording.removesuffix(".SB"),
                text=" ".join(text.split()),
                speaker=speaker,
                load=partial(archive.load, recording),
                extra={"topic": topic},
            )
