"""The door for text: regular files in UTF-8, whole or line by line, with or without a mark."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from errors import InputError
from files.regular import MAX_BYTES, REMEDY, Unreadable, open_regular, read_bytes

MAX_LINE = 1 << 24  # bytes of a line
BINARY = {  # first bytes
    b"PK\x03\x04": "a ZIP, such as Excel's and Word's files",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"%PDF": "a PDF",
    b"{\\rtf": "an RTF",
    b"\x1f\x8b": "gzipped",
    b"BZh": "bzipped",
    b"\xfd7zXZ": "xz-compressed",
    b"PAR1": "a Parquet table",
    b"SQLite": "an SQLite database",
    b"RIFF": "audio",
    b"fLaC": "audio",
    b"OggS": "audio",
    b"ID3": "audio",
}
WIDE = (  # the longer marks first
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def read_text(path: str | Path, remedy: str = REMEDY, most: int = MAX_BYTES) -> str:
    """Return the text of a file of ``most`` bytes at most; raise ``InputError`` if it is none.

    One whose name ends in ``.gz`` is unpacked.
    """
    if str(path).endswith(".gz"):
        return decode(_unpacked(path, remedy, most), path)
    return decode(read_bytes(path, remedy, most), path)


def read_lines(
    path: str | Path, remedy: str = REMEDY, errors: str = "strict"
) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of each line, its end included.

    The file is held open meanwhile, and a line in memory at a time. ``errors`` may be "replace",
    for what is not UTF-8.
    """
    with open_regular(path, remedy) as file:
        number = 0
        while line := file.readline(MAX_LINE):
            number += 1
            if len(line) == MAX_LINE and not line.endswith(b"\n"):
                reason = f"has more than the bound of {MAX_LINE:,} bytes"
                raise Unreadable(f"{path}:{number}", reason, remedy)
            try:
                whole = number == 1 and errors == "strict"
                yield number, decode(line, path) if whole else line.decode(errors=errors)
            except UnicodeDecodeError as error:
                raise _not_utf8(path, number, error) from None


def decode(content: bytes, path: str | Path) -> str:
    """Return a file's content as text, without the mark that some editors put before it.

    Raises ``InputError``, with what the file is and how to convert it, if it is not in UTF-8.
    """
    for mark, encoding in WIDE:
        if content.startswith(mark):
            raise InputError(f"{path}: is in {encoding}; {_convert(path, encoding)}")
    for start, kind in BINARY.items():
        if content.startswith(start):
            raise InputError(f"{path}: is {kind}, not text; save it as text in UTF-8")
    if zeros := content.count(b"\0"):
        if 0.4 < zeros / len(content) < 0.6:
            raise InputError(f"{path}: is in UTF-16; {_convert(path, 'UTF-16LE')}")
        raise InputError(f"{path}: has bytes that are 0, so it is no text; save it as UTF-8")
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error.object.count(b"\n", 0, error.start) + 1, error) from None


def _not_utf8(path: str | Path, line: int, error: UnicodeDecodeError) -> InputError:
    return InputError(
        f"{path}:{line}: not readable as UTF-8 text (byte {error.object[error.start]:#04x});"
        f" {_convert(path, 'WINDOWS-1252')}, or from what it is in"
    )


def _convert(path: str | Path, encoding: str) -> str:
    return f"convert it: iconv -f {encoding} -t UTF-8 '{path}' > utf8.txt"


def _unpacked(path: str | Path, remedy: str, most: int) -> bytes:
    with open_regular(path, remedy) as packed, gzip.GzipFile(fileobj=packed) as file:
        try:
            content = file.read(most + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise Unreadable(path, f"not readable: {error}", remedy) from None
    if len(content) > most:
        raise Unreadable(path, f"unpacks to more than the bound of {most:,} bytes", remedy)
    return content
