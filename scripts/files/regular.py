"""The door for bytes: regular files alone, never a pipe or device, which may have no end."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from errors import InputError

REMEDY = "correct the file or its path"
MAX_BYTES = 1 << 30  # of a file that is read as a whole
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
AT_ONCE = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # a pipe that nobody writes is opened, too


class Unreadable(InputError):
    """A file that is not there, or none, or not what it should be; ``reason`` is without its path.

    ``message``, if the reason alone does not say it, is what stands between path and remedy.
    """

    def __init__(self, path: object, reason: str, remedy: str, message: str = "") -> None:
        super().__init__(f"{path}: {message or reason}; {remedy}")
        self.reason = reason


def open_regular(path: str | Path, remedy: str = REMEDY) -> io.BufferedReader:
    """Return a regular file, opened to be read; raise ``Unreadable`` for what is none."""
    with naming_unreadable(path, remedy):
        try:
            descriptor = os.open(path, os.O_RDONLY | AT_ONCE)
        except FileNotFoundError:
            raise Unreadable(path, "no such file", remedy) from None
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise Unreadable(path, f"is {KINDS.get(kind, 'a thing')}, not a file", remedy)
    return open(descriptor, "rb")


def check_reachable(path: str | Path, place: str) -> None:
    """Raise ``Unreadable``, which names ``place``, for a path where nothing can be looked at."""
    with naming_unreadable(place, REMEDY), suppress(FileNotFoundError, NotADirectoryError):
        os.stat(path)


@contextmanager
def naming_unreadable(place: object, remedy: str) -> Iterator[None]:
    """Make the error of a path that can't be opened or looked at an ``Unreadable``."""
    try:
        yield
    except OSError as error:
        raise Unreadable(place, f"not readable: {error.strerror}", remedy) from None
    except ValueError as error:  # a null byte, or half a character
        raise Unreadable(place, f"not a path: {error}", remedy) from None


def check_regular(path: str | Path, remedy: str = REMEDY) -> None:
    """Raise ``Unreadable`` unless a path is that of a regular file which can be read."""
    open_regular(path, remedy).close()


def read_bytes(path: str | Path, remedy: str = REMEDY, most: int = MAX_BYTES) -> bytes:
    """Return the content of a regular file of ``most`` bytes at most."""
    with open_regular(path, remedy) as file:
        try:
            size = os.fstat(file.fileno()).st_size
            content = b"" if size > most else file.read(most + 1)
        except OSError as error:
            raise Unreadable(path, f"not readable: {error.strerror}", remedy) from None
    if max(size, len(content)) > most:
        raise Unreadable(path, f"has more than the bound of {most:,} bytes", remedy)
    return content
