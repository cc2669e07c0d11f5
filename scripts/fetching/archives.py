"""Files out of zip, tar and Debian archives, without trusting the archive.

Only regular files that were asked for are written, under names that were checked: nothing outside
the target, no links, no devices, and no more bytes than a bound.
"""

import bz2
import fnmatch
import gzip
import io
import lzma
import os
import re
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from errors import InputError, is_full_disk
from files.regular import open_regular

MAX_BYTES = 8 * 1024**3  # of one file, of one folder of files, and of all that a tar unpacks to
MAX_FILES = 100_000  # that are taken
MAX_ENTRIES = 1_000_000  # that an archive has
FREELY = 1 << 26  # bytes that any archive may unpack to
TIMES = 200  # its own size, that a larger one may unpack to
MAX_HEADER = 1 << 20  # bytes of an entry's name, and what else is told of it
CHUNK = 1 << 20  # bytes
AR_MAGIC = b"!<arch>\n"
LONG_HEADERS = (b"x", b"g", b"X", b"L", b"K")  # kinds of entries of a tar that tell of another


class ArchiveError(InputError):
    """An archive that cannot be read, or that holds what must not be unpacked."""


# of a tar that goes on as it should not: public, and missing from the types
HEADER_ERROR: type[Exception] = getattr(tarfile, "HeaderError")  # noqa: B009
END_MARK: type[Exception] = getattr(tarfile, "EOFHeaderError")  # noqa: B009


class TarEntry(tarfile.TarInfo):
    """An entry of a tar, which must end with its mark: one that is cut short has no such end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> "TarEntry":
        try:
            return super().fromtarfile(tar)
        except END_MARK:
            raise
        except HEADER_ERROR as error:
            raise EOFError(f"it ends without a tar's end mark: {error}") from None

    @classmethod
    def frombuf(cls, content: bytes | bytearray, encoding: str, errors: str) -> "TarEntry":
        entry = super().frombuf(content, encoding, errors)
        if entry.size < 0 or entry.type in LONG_HEADERS and entry.size > MAX_HEADER:
            raise EOFError(f"an entry has a header of {entry.size} bytes")
        return entry


@contextmanager
def _naming_faults(archive: Path) -> Iterator[None]:
    """Make whatever a damaged archive brings about an ``ArchiveError`` that names it."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if is_full_disk(error):
            raise
        reason = str(error) or type(error).__name__
        raise ArchiveError(
            f"{archive.name}: not a whole zip, tar or deb ({reason[:200]}); give another source"
        ) from None


def bound(archive: Path) -> int:
    """Return how many bytes an archive may unpack to: far more than any data is packed to."""
    size = archive.stat().st_size
    return MAX_BYTES if archive.is_dir() else min(MAX_BYTES, FREELY + TIMES * size)


def extract_file(archive: Path, member: str, target: Path, max_bytes: int | None = None) -> None:
    """Write the archive's file ``member`` to ``target``; it is read to its end, to be whole."""
    found = False
    with _naming_faults(archive):
        for name, stream in regular_files(archive):
            if name != member:
                continue
            if found:
                raise ArchiveError(f"{archive.name} has two files {member!r}; give another source")
            found = True
            with target.open("wb") as file:
                copy_bounded(stream, file, max_bytes or bound(archive))
    if not found:
        raise ArchiveError(f"{archive.name} has no file {member!r}")


def extract_folder(
    archive: Path, patterns: list[str], target: Path, max_bytes: int | None = None
) -> None:
    """Write the files that match one of ``patterns`` below the folder ``target``.

    ``archive`` may be a folder already. ``*`` also matches ``/``, so ``sounds/*.gsm`` takes
    subfolders along. Names are kept from below the folder that all patterns begin with.
    """
    prefix = fixed_folder(patterns)
    files, left = 0, max_bytes or bound(archive)
    with _naming_faults(archive):
        for name, stream in regular_files(archive):
            if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
                continue
            path = target / safe_name(name.removeprefix(prefix))
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                file = path.open("xb")
            except (FileExistsError, NotADirectoryError):
                raise ArchiveError(
                    f"{archive.name} has two files {name!r}, or one below it; give another source"
                ) from None
            with file:
                left -= copy_bounded(stream, file, left)
            files += 1
            if files > MAX_FILES:
                raise ArchiveError(f"{archive.name}: more than {MAX_FILES} files match {patterns}")
    if files == 0:
        raise ArchiveError(f"{archive.name}: no file matches {' or '.join(patterns)}")


def fixed_folder(patterns: list[str]) -> str:
    """Return the folder that all patterns share, before any wildcard: ``a/b/*.c`` has ``a/b/``."""
    fixed = os.path.commonprefix([re.split(r"[*?\[]", pattern)[0] for pattern in patterns])
    return fixed[: fixed.rfind("/") + 1]


def safe_name(name: str) -> PurePosixPath:
    """Return a relative path, or refuse one that would leave the folder it is joined to."""
    path = PurePosixPath(name)
    control = re.search(r"[\\:\x00-\x1f\x7f]", name) is not None
    unsafe = path.is_absolute() or ".." in path.parts or control
    unsafe = unsafe or any("\ud800" <= character <= "\udfff" for character in name)  # not UTF-8
    if unsafe or not path.parts:
        raise ArchiveError(f"{name!r} is not a plain path inside the archive")
    return path


def copy_bounded(stream: IO[bytes], file: IO[bytes], max_bytes: int) -> int:
    """Copy a stream, whatever length its header claims; return the bytes copied."""
    copied = 0
    while chunk := stream.read(CHUNK):
        copied += len(chunk)
        if copied > max_bytes:
            raise ArchiveError(f"unpacks to more than the bound of {max_bytes} bytes")
        file.write(chunk)
    return copied


def regular_files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield name and content of each regular file of a folder, zip (wheel), tar or deb."""
    if os.path.isdir(archive):  # also where its name is too long to be one
        yield from _folder_files(archive)
        return
    with open_regular(archive) as file:
        is_deb = file.read(len(AR_MAGIC)) == AR_MAGIC
    with _naming_faults(archive):
        if is_deb:
            files = _deb_files(archive)
        elif zipfile.is_zipfile(archive):
            files = _zip_files(archive)
        else:
            files = _tar_files(archive)
        yield from files


def _folder_files(folder: Path) -> Iterator[tuple[str, IO[bytes]]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with open_regular(path) as stream:
                yield path.relative_to(folder).as_posix(), stream


def _zip_files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as content:
        for number, entry in enumerate(content.infolist()):
            _check_count(number)
            mode = entry.external_attr >> 16  # of files packed on Unix; else 0
            if not entry.is_dir() and (stat.S_IFMT(mode) in (0, stat.S_IFREG)):
                with content.open(entry) as stream:
                    yield entry.filename, stream


def _tar_files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with open_regular(archive) as file:
        yield from _entries(_unpacked(file), bound(archive))


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    """Return what a file unpacks to; whoever reads it to its end has had its checksum tested."""
    start = file.tell()
    magic = file.read(6)
    file.seek(start)
    if magic.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=file))
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(file)
    return lzma.LZMAFile(file) if magic == b"\xfd7zXZ\0" else file


def _entries(content: IO[bytes], most: int) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the regular files of a tar that is read once; it may unpack to ``most`` bytes."""
    with tarfile.open(fileobj=content, mode="r|", tarinfo=TarEntry) as tar:
        for number, entry in enumerate(tar):
            _check_count(number)
            tar.members.clear()  # type: ignore[attr-defined]  # else all stay in memory
            if entry.offset_data + entry.size > most:
                raise ArchiveError(f"unpacks to more than the bound of {most} bytes")
            if entry.isreg():
                stream = tar.extractfile(entry)
                assert stream is not None  # regular files have one
                yield entry.name.removeprefix("./"), stream
    left = most
    while rest := content.read(CHUNK):  # what is behind the end mark, and a checksum
        left -= len(rest)
        if left < 0:
            raise ArchiveError(f"unpacks to more than the bound of {most} bytes")


def _check_count(number: int) -> None:
    if number >= MAX_ENTRIES:
        raise ArchiveError(f"has more than {MAX_ENTRIES} entries")


def _deb_files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the files of a Debian package: an ``ar`` archive whose ``data.tar.*`` holds them."""
    with open_regular(archive) as file:
        file.seek(len(AR_MAGIC))
        while len(header := file.read(60)) == 60:
            name = header[:16].decode("ascii", "replace").strip(" /")
            size = re.fullmatch(rb"([0-9]{1,10}) *", header[48:58])
            if size is None:
                raise ArchiveError(
                    f"{archive.name}: its member {name!r} has a size of"
                    f" {header[48:58].decode('ascii', 'replace').strip()!r}; give another source"
                )
            if name.startswith("data.tar"):
                break
            file.seek(int(size[1]) + int(size[1]) % 2, 1)
        else:
            raise ArchiveError(f"{archive.name}: a Debian package without data.tar")
        if name.endswith(".zst"):
            yield from _zstd_files(file, bound(archive))
        else:
            part = io.BufferedReader(Part(file, int(size[1])))
            yield from _entries(_unpacked(part), bound(archive))


class Part(io.RawIOBase):
    """The next ``size`` bytes of a file."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file, self.start, self.size = file, file.tell(), size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.file.tell() - self.start

    def seek(self, place: int, whence: int = 0) -> int:
        return self.file.seek(self.start + place) - self.start

    def readinto(self, buffer: Any) -> int:
        content = self.file.read(min(len(buffer), self.size - self.tell()))
        buffer[: len(content)] = content
        return len(content)


def _zstd_files(file: IO[bytes], most: int) -> Iterator[tuple[str, IO[bytes]]]:
    os.lseek(file.fileno(), file.tell(), os.SEEK_SET)  # it is buffered
    try:
        process = subprocess.Popen(
            ["zstd", "-dcq"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise ArchiveError("its data is zstd-compressed: install the command zstd") from None
    with process:
        assert process.stdout is not None
        yield from _entries(process.stdout, most)
