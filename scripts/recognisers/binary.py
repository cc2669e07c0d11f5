"""A binary file of weights, read from front to back; what it misstates is refused by position."""

import math
import os
import struct
from io import BufferedReader
from pathlib import Path

import torch

from errors import InputError


class BinaryFile:
    """A little-endian file of numbers, names and tensors, each of which raises ``InputError``.

    Memory is taken for what the rest of the file holds, whatever size it claims.
    """

    def __init__(self, stream: BufferedReader, path: Path) -> None:
        self.stream = stream
        self.path = path
        self.position = 0
        self.left = os.fstat(stream.fileno()).st_size  # bytes

    def fault(self, position: int, problem: str) -> InputError:
        """Return the error for what stands at ``position`` (bytes)."""
        return InputError(
            f"{self.path}: byte {position}: {problem}; the file is damaged, or not a Whisper of"
            " this format: fetch it again"
        )

    def take(self, size: int, what: str) -> bytearray:
        """Return the next ``size`` bytes, which are ``what``."""
        if not 0 <= size <= self.left:
            raise self.fault(
                self.position, f"{what} takes {size} bytes, and {self.left} are left in the file"
            )
        content = bytearray(size)
        if self.stream.readinto(content) != size:
            raise self.fault(self.position, f"{what} could not be read: the file has shrunk")
        self.position += size
        self.left -= size
        return content

    def numbers(self, layout: str, what: str) -> tuple[int, ...]:
        """Return integers in the ``struct`` module's layout."""
        return struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}"), what))

    def number(self, layout: str, what: str) -> int:
        """Return one integer."""
        return self.numbers(layout, what)[0]

    def text(self, size: int, what: str) -> str:
        """Return a name of ``size`` bytes in UTF-8."""
        position, content = self.position, self.take(size, what)
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            raise self.fault(position, f"{what} is not UTF-8: {bytes(content[:40])!r}") from None

    def tensor(self, shape: tuple[int, ...], dtype: torch.dtype, what: str) -> torch.Tensor:
        """Return a tensor, its last dimension running fastest."""
        if min(shape, default=1) < 1:
            raise self.fault(self.position, f"{what} has the shape {list(shape)}")
        content = self.take(math.prod(shape) * dtype.itemsize, f"{what} of shape {list(shape)}")
        return torch.frombuffer(content, dtype=dtype).reshape(shape)
