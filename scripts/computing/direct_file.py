"""Large files written past the system's cache, which their pages would only push others out of.

A cache page for every four kilobytes costs more than the writing itself on many machines. File
systems that cannot do without the cache (``tmpfs`` of older kernels, some network ones) get the
same bytes through it.
"""

import errno
import fcntl
import mmap
import os
from pathlib import Path
from typing import Self

BLOCK = 1 << 24  # bytes written at a time
DIRECT = getattr(os, "O_DIRECT", 0)  # past the cache; not on every system
ALIGNED = 4096  # of what such bytes, their place in memory and in the file are multiples


class DirectFile:
    """A new file to write to, from its beginning to its end; whole when it is closed."""

    def __init__(self, path: str | Path):
        self._file = open_direct(path)
        self._buffer = memoryview(mmap.mmap(-1, BLOCK))  # at the beginning of a page
        self._filled = 0

    def write(self, content: bytes | memoryview) -> None:
        """Write bytes behind those that were written before."""
        content = memoryview(content)
        while len(content):
            count = min(BLOCK - self._filled, len(content))
            self._buffer[self._filled : self._filled + count] = content[:count]
            self._filled += count
            content = content[count:]
            if self._filled == BLOCK:
                self._flush(BLOCK)

    def _flush(self, count: int) -> None:
        """Write the first bytes of the buffer, and move the others to its beginning."""
        left = self._buffer[:count]
        while len(left):
            try:
                left = left[os.write(self._file, left) :]
            except OSError as error:  # what is left may be no multiple of what the system asks for
                if error.errno != errno.EINVAL or not self._through_cache():
                    raise
        rest = self._filled - count
        self._buffer[:rest] = self._buffer[count : self._filled]
        self._filled = rest

    def _through_cache(self) -> bool:
        """Write through the cache from now on; return whether that is a change."""
        flags = fcntl.fcntl(self._file, fcntl.F_GETFL)
        fcntl.fcntl(self._file, fcntl.F_SETFL, flags & ~DIRECT)
        return bool(flags & DIRECT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        try:
            if kind is None:
                self._flush(self._filled // ALIGNED * ALIGNED)
                self._through_cache()
                self._flush(self._filled)
        finally:
            os.close(self._file)


def open_direct(path: str | Path) -> int:
    """Return the descriptor of a new file, one past the cache where the file system has that."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        return os.open(path, flags | DIRECT, 0o666)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return os.open(path, flags, 0o666)
