"""The door for text: regular files in UTF-8, whole or line by line, with or without a mark."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from errors import InputError
from files.regular import MAX_BYTES, REMEDY, open_regular, read_bytes

MAX_LINE = 1 << 24  # bytes of a line


def read_text(path: str | Path, remedy: str = REMEDY, most: int = MAX_BYTES) -> str:
    """Return the text of a file of ``most`` bytes at most; raise ``InputError`` if it is none."""
    content = read_bytes(path, remedy, most).removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _not_utf8(path, line, content[error.start]) from None


def read_lines(path: str | Path, remedy: str = REMEDY) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of each line, its end included.

    The file is held open meanwhile, and a line in memory at a time.
    """
    with open_regular(path, remedy) as file:
        number = 0
        while line := file.readline(MAX_LINE):
            number += 1
            if len(line) == MAX_LINE and not line.endswith(b"\n"):
                raise InputError(
                    f"{path}:{number}: has more than the bound of {MAX_LINE:,} bytes; {remedy}"
                )
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                raise _not_utf8(path, number, line[error.start]) from None
            yield number, text


def _not_utf8(path: str | Path, line: int, byte: int) -> InputError:
    return InputError(f"{path}:{line}: byte {byte:#04x} is not UTF-8; save the file as UTF-8")
