"""Files out of zip, tar and Debian archives, without trusting the archive.

Only regular files that were asked for are written, under names that were checked: nothing outside
the target, no links, no devices, and no more bytes than a bound.
"""

import fnmatch
import lzma
import os
import re
import stat
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from errors import InputError
from files.regular import open_regular

MAX_BYTES = 8 * 1024**3  # of one file, or of one folder of files
MAX_FILES = 100_000
CHUNK = 1 << 20  # bytes
AR_MAGIC = b"!<arch>\n"
UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    RuntimeError,  # an encrypted zip, or one packed in an unknown way
)


class ArchiveError(InputError):
    """An archive that cannot be read, or that holds what must not be unpacked."""


# of a header that is not there, or not whole: public, and missing from the types
HEADER_ERRORS: tuple[type[Exception], ...] = tuple(
    getattr(tarfile, name) for name in ("EmptyHeaderError", "TruncatedHeaderError")
)


class TarEntry(tarfile.TarInfo):
    """An entry of a tar, which must end with its mark: one that is cut short has no such end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> "TarEntry":
        try:
            return super().fromtarfile(tar)
        except HEADER_ERRORS:
            raise EOFError("it ends without a tar's end mark: it is cut short") from None


def extract_file(archive: Path, member: str, target: Path, max_bytes: int = MAX_BYTES) -> None:
    """Write the archive's file ``member`` to ``target``."""
    for name, stream in regular_files(archive):
        if name == member:
            with target.open("wb") as file:
                copy_bounded(stream, file, max_bytes)
            return
    raise ArchiveError(f"{archive.name} has no file {member!r}")


def extract_folder(
    archive: Path, patterns: list[str], target: Path, max_bytes: int = MAX_BYTES
) -> None:
    """Write the files that match one of ``patterns`` below the folder ``target``.

    ``archive`` may be a folder already. ``*`` also matches ``/``, so ``sounds/*.gsm`` takes
    subfolders along. Names are kept from below the folder that all patterns begin with.
    """
    prefix = fixed_folder(patterns)
    files, left = 0, max_bytes
    for name, stream in regular_files(archive):
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            continue
        path = target / safe_name(name.removeprefix(prefix))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
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
    try:
        if is_deb:
            yield from _deb_files(archive)
        elif zipfile.is_zipfile(archive):
            yield from _zip_files(archive)
        else:
            with tarfile.open(archive, "r|*", tarinfo=TarEntry) as tar:
                yield from _tar_files(tar)
    except UNREADABLE as error:
        raise ArchiveError(
            f"{archive.name}: not a whole zip, tar or deb ({error}); give another source"
        ) from None


def _folder_files(folder: Path) -> Iterator[tuple[str, IO[bytes]]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with open_regular(path) as stream:
                yield path.relative_to(folder).as_posix(), stream


def _zip_files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as content:
        for entry in content.infolist():
            mode = entry.external_attr >> 16  # of files packed on Unix; else 0
            if not entry.is_dir() and (stat.S_IFMT(mode) in (0, stat.S_IFREG)):
                with content.open(entry) as stream:
                    yield entry.filename, stream


def _tar_files(tar: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    for entry in tar:
        if entry.isreg():
            stream = tar.extractfile(entry)
            assert stream is not None  # regular files have one
            yield entry.name.removeprefix("./"), stream


def _deb_files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the files of a Debian package: an ``ar`` archive whose ``data.tar.*`` holds them."""
    with archive.open("rb", buffering=0) as file:
        file.seek(len(AR_MAGIC))
        while len(header := file.read(60)) == 60:
            name, size = header[:16].decode("ascii").strip(" /"), int(header[48:58])
            if name.startswith("data.tar"):
                break
            file.seek(size + size % 2, 1)
        else:
            raise ArchiveError(f"{archive.name}: a Debian package without data.tar")
        if name.endswith(".zst"):
            yield from _zstd_tar_files(file)
            return
        with tarfile.open(fileobj=file, mode="r|*", tarinfo=TarEntry) as tar:
            yield from _tar_files(tar)


def _zstd_tar_files(file: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    try:
        process = subprocess.Popen(["zstd", "-dc"], stdin=file, stdout=subprocess.PIPE)
    except FileNotFoundError:
        raise ArchiveError("its data is zstd-compressed: install the command zstd") from None
    with process, tarfile.open(fileobj=process.stdout, mode="r|", tarinfo=TarEntry) as tar:
        yield from _tar_files(tar)
