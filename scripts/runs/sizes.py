"""How large a job's inputs are: files in MB, manifests in utterances and seconds.

A file is read once, and again if it has changed: rules ask for its size many times.
"""

import functools
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from errors import InputError
from files.json_file import parse_object
from files.regular import open_regular
from files.text_file import read_lines

DURATION = re.compile(rb'"duration": ?([0-9.eE+-]+)')
WEIGHTS = {".safetensors", ".bin", ".pt", ".pth", ".onnx", ".ckpt", ".npz", ".gguf"}


class AmountOfSpeech(NamedTuple):
    """How much speech some manifests list."""

    utterances: int
    seconds: float


def megabytes(path: str) -> float:
    """Return the size of a file, MB; ``FileNotFoundError`` if it is not there yet."""
    return os.stat(path).st_size / 1e6


def weights_mb(index: str) -> float:
    """Return the size of the weights in a fetched artifact's folder, MB; ``index`` is its list."""
    os.stat(index)
    files = (path for path in Path(index).parent.rglob("*") if path.suffix in WEIGHTS)
    return sum(path.stat().st_size for path in files) / 1e6


def speech_of(manifests: Iterable[str]) -> AmountOfSpeech:
    """Return how much speech some manifests have together."""
    sizes = [_speech_of(path, *stamp(path)) for path in manifests]
    return AmountOfSpeech(
        sum(size.utterances for size in sizes), sum(size.seconds for size in sizes)
    )


def count_lines(path: str) -> int:
    """Return how many rows a list of texts has."""
    return _count_lines(path, *stamp(path))


def count_texts(path: str) -> int:
    """Return how many different texts a manifest or a list of texts has, in lower case."""
    return _count_texts(path, *stamp(path))


def stamp(path: str) -> tuple[int, int]:
    """Return what a file's content is known by: time of change (ns) and size (bytes)."""
    stat = os.stat(path)
    return stat.st_mtime_ns, stat.st_size


@functools.cache
def _speech_of(path: str, changed: int, size: int) -> AmountOfSpeech:
    with open_regular(path) as file:
        durations = [float(number) for line in file for number in DURATION.findall(line)[:1]]
    return AmountOfSpeech(len(durations), sum(durations))


@functools.cache
def _count_lines(path: str, changed: int, size: int) -> int:
    with open_regular(path) as file:
        return sum(1 for line in file if line.strip())


@functools.cache
def _count_texts(path: str, changed: int, size: int) -> int:
    lines = read_lines(path, errors="replace")
    return len({_text_of(line) for _, line in lines if not line.isspace()})


def _text_of(line: str) -> str:
    """Return the text of a line: of a manifest's row, of "id, tab, text", or the line itself."""
    if line.startswith("{"):
        with suppress(InputError, KeyError):
            return str(parse_object(line, "", "")["text"]).strip().lower()
    return line.rpartition("\t")[2].strip().lower()
