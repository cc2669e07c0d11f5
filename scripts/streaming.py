"""Safetensors files, one tensor in memory at a time.

The format: the header's length (unsigned 64-bit, little-endian), the header (JSON: per tensor its
dtype, shape and place), then the tensors' bytes without gaps. The library's own ``save_file``
wants all tensors at once.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from atomic import atomic_path
from errors import InputError

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
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt"):
            pass
    except SafetensorError as error:
        raise InputError(f"{path}: not a whole safetensors file ({error})") from None
    with path.open("rb") as file:
        header = file.read(int.from_bytes(file.read(8), "little"))
        data = file.tell()
    fields = {name: value for name, value in json.loads(header).items() if name != "__metadata__"}
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
    with layout.path.open("rb") as file:
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


def write_tensors(path: str | Path, header: bytes, tensors: Iterable[torch.Tensor]) -> None:
    """Write a file as its header says, whole or not at all; ``tensors`` come in its order."""
    with atomic_path(path) as temporary:
        with temporary.open("wb") as file:
            file.write(len(header).to_bytes(8, "little"))
            file.write(header)
            for tensor in tensors:
                file.write(tensor.reshape(-1).view(torch.uint8).numpy().data)
        read_layout(temporary)
