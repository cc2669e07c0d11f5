"""The finished utterances of an audio folder, so that a killed synthesis goes on where it was."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from engines.engine import Speech
from errors import naming_file
from files.audio import save_audio
from files.checksum import sha256
from files.json_file import parse_object
from files.regular import read_bytes
from files.text_file import decode


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
        with naming_file(self.path), self.path.open("a+b") as file:
            if file.tell() and not ends_with_newline(file):
                file.write(b"\n")
            file.write(json.dumps(row).encode() + b"\n")
        return row


def ends_with_newline(file: BinaryIO) -> bool:
    """Tell whether the last byte of an open file, which is not empty, ends a line."""
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def whole_lines(path: Path) -> Iterator[dict]:
    """Yield the rows of a journal, without the lines that a kill cut short."""
    for number, line in enumerate(read_bytes(path).split(b"\n"), start=1):
        if line.startswith(b"{") and line.endswith(b"}"):
            yield parse_object(decode(line, path), f"{path}:{number}", "remove that line")
