"""Safetensors files, made of others with some pieces of their tensors in memory at a time.

The format: the header's length (unsigned 64-bit, little-endian), the header (JSON: per tensor its
dtype, shape and place), then the tensors' bytes without gaps. The library's own ``save_file``
wants all tensors at once.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import BufferedReader
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import torch

from computing.ahead import ahead
from computing.direct_file import DirectFile
from errors import InputError
from files.atomic import atomic_path
from files.checkpoint_file import check_tensors
from files.json_file import parse_object
from files.regular import open_regular

FLOATS = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
INTEGERS = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "I32": torch.int32,
    "I64": torch.int64,
}
DTYPES = FLOATS | INTEGERS
PIECE = 1 << 20  # elements of a tensor that are worked on together
AGAIN = "make it again, or correct its path"
AHEAD = 8  # pieces that are read, hashed and written meanwhile, at most

Buffer = bytes | memoryview


class Piece(NamedTuple):
    """Some elements of a tensor, counted from its first in the order of the file."""

    name: str
    first: int
    elements: int


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies: ``start`` counts from the beginning of the file, in bytes."""

    dtype: str
    shape: tuple[int, ...]
    start: int

    @property
    def size(self) -> int:
        """Bytes that the tensor takes."""
        return math.prod(self.shape) * DTYPES[self.dtype].itemsize


@dataclass(frozen=True)
class Layout:
    """A file's header as it stands there, and the tensors it names in the order of their bytes."""

    path: Path
    header: bytes
    entries: dict[str, Entry]


def read_layout(path: str | Path) -> Layout:
    """Return the layout of a safetensors file, after the library has checked that it is whole."""
    path = Path(path)
    check_tensors(path, AGAIN)
    with open_regular(path, AGAIN) as file:
        header = file.read(int.from_bytes(file.read(8), "little"))
        data = file.tell()
    content = parse_object(header.decode(), path, AGAIN)
    fields = {name: value for name, value in content.items() if name != "__metadata__"}
    for name, field in fields.items():
        if field["dtype"] not in DTYPES:
            raise InputError(
                f"{path}: {name!r} has the type {field['dtype']}; known are {', '.join(DTYPES)}"
            )
    entries = {
        name: Entry(field["dtype"], tuple(field["shape"]), data + field["data_offsets"][0])
        for name, field in sorted(fields.items(), key=lambda item: item[1]["data_offsets"])
    }
    return Layout(path, header, entries)


def read_tensor(layout: Layout, name: str) -> torch.Tensor:
    """Return one tensor, read into memory of its own (a mapped file would count as memory too)."""
    entry = layout.entries[name]
    if entry.size == 0:
        return torch.empty(entry.shape, dtype=DTYPES[entry.dtype])
    content = bytearray(entry.size)
    with open_regular(layout.path) as file:
        file.seek(entry.start)
        file.readinto(content)
    return torch.frombuffer(content, dtype=DTYPES[entry.dtype]).reshape(entry.shape)


def make_header(dtypes_and_shapes: dict[str, tuple[str, tuple[int, ...]]]) -> bytes:
    """Return the header of a file that holds these tensors, in this order."""
    fields: dict[str, dict] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, (dtype, shape) in dtypes_and_shapes.items():
        start, end = end, end + math.prod(shape) * DTYPES[dtype].itemsize
        fields[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}
    header = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    return header + b" " * (-len(header) % 8)  # tensors begin at a multiple of 8


def write_combined(
    path: str | Path,
    header: bytes,
    names: Iterable[str],
    sources: Sequence[Layout],
    combine: Callable[[str, list[torch.Tensor]], torch.Tensor],
) -> str:
    """Write a file as its header says, whole or not at all; return its SHA-256.

    Its tensors, ``names``, are made piece by piece: ``combine`` is given a tensor's name and a
    piece of it, [n_elements], from each of ``sources`` that has it, the first of which has all, and
    returns that piece of the file. Reading, hashing and writing go on meanwhile.
    """
    digest = hashlib.sha256()
    with atomic_path(path) as temporary:
        with ExitStack() as stack:
            files = [stack.enter_context(open_regular(source.path)) for source in sources]
            output = stack.enter_context(DirectFile(temporary))

            def read(piece: Piece) -> tuple[str, list[torch.Tensor]]:
                return piece.name, [
                    read_piece(file, source, piece)
                    for file, source in zip(files, sources, strict=True)
                    if piece.name in source.entries
                ]

            def hashed(content: Buffer) -> Buffer:
                digest.update(content)
                return content

            begun = len(header).to_bytes(8, "little") + header
            tensors_bytes = (
                combine(name, tensors).view(torch.uint8).numpy().data
                for name, tensors in ahead(read, pieces(sources[0], names), AHEAD)
            )
            content: Iterable[Buffer] = chain([begun], tensors_bytes)
            for _ in ahead(output.write, ahead(hashed, content, AHEAD), AHEAD):
                pass
        read_layout(temporary)
    return digest.hexdigest()


def pieces(layout: Layout, names: Iterable[str]) -> Iterator[Piece]:
    """Yield the pieces of some tensors, in order."""
    for name in names:
        elements = math.prod(layout.entries[name].shape)
        for first in range(0, elements, PIECE):
            yield Piece(name, first, min(PIECE, elements - first))


def read_piece(file: BufferedReader, layout: Layout, piece: Piece) -> torch.Tensor:
    """Return a piece of a tensor, [n_elements]."""
    entry = layout.entries[piece.name]
    tensor = torch.empty(piece.elements, dtype=DTYPES[entry.dtype])
    file.seek(entry.start + piece.first * tensor.itemsize)
    if file.readinto(tensor.view(torch.uint8).numpy().data) < tensor.nbytes:
        raise InputError(f"{layout.path}: ends within {piece.name!r}; it was changed meanwhile")
    return tensor
