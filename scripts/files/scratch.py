"""Audio on a node's own disk: what is read again and again is copied there when first read.

A site sets the environment variable ``SYN2REAL_SCRATCH`` to a folder of such a disk; no result
depends on it. Copies are shared by all jobs of a user on the node; they can be deleted at any
time between jobs.
"""

import functools
import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from errors import InputError
from files.atomic import atomic_path

VARIABLE = "SYN2REAL_SCRATCH"


def folder() -> Path | None:
    """Return the user's folder on the scratch disk; None where no scratch disk is named."""
    if not (scratch := os.environ.get(VARIABLE)):
        return None
    return Path(scratch) / f"syn2real-{os.getuid()}"


def check(paths: Iterable[str | Path]) -> None:
    """Raise ``InputError`` if the scratch disk cannot be written or has no room for the files."""
    if (copies := folder()) is None:
        return
    place = f"{VARIABLE}={copies.parent}"
    if not copies.parent.is_dir():
        raise InputError(
            f"{place}: no such folder on this machine; create it on every node, or unset {VARIABLE}"
        )
    try:
        copies.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise InputError(f"{place}: {error.strerror}; take another, or unset {VARIABLE}") from None
    if not os.access(copies, os.W_OK | os.X_OK):
        raise InputError(f"{place}: {copies.name} is not writable; take another folder")
    missing = {
        path: size(path) for path in set(map(str, paths)) if not copy_of(path, copies).is_file()
    }
    needed, free = sum(missing.values()), shutil.disk_usage(copies).free
    if needed > free:
        raise InputError(
            f"{place}: {len(missing)} audio files need {needed / 1e6:.1f} MB and"
            f" {free / 1e6:.1f} MB are free; make room and run the same command again, or unset"
            f" {VARIABLE} to read them where they are"
        )


def size(path: str | Path) -> int:
    """Return a file's size, bytes."""
    return Path(path).stat().st_size


def copy_of(path: str | Path, copies: Path) -> Path:
    """Return where a file's copy lies, or will: another content has another time or size.

    The time is that of the last change of state (``ctime``): the time of writing can be set, and
    tools that copy files do.
    """
    status = Path(path).stat()
    key = f"{Path(path).absolute()}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ctime_ns}"
    name = hashlib.sha256(key.encode()).hexdigest()
    return copies / name[:2] / f"{name}{Path(path).suffix}"


def near(path: str | Path) -> str | Path:
    """Return the path of a file's copy on the scratch disk, or ``path`` where there is none.

    What lies on that disk already is not copied.
    """
    copies = folder()
    if copies is None or Path(path).is_relative_to(copies):
        return path
    return bring(path, copies)


@functools.cache
def bring(path: str | Path, copies: Path) -> Path:
    """Return a file's copy in a folder, made now if it is not there."""
    copy = copy_of(path, copies)
    if not copy.is_file():
        with atomic_path(copy) as temporary:
            shutil.copyfile(path, temporary)
    return copy
