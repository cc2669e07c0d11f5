"""Names of files that are being written, and what a kill left of them.

Such a name says which process writes. What processes of this machine left that are there no more is
deleted, the first time that another writes into that folder. Other machines' files are left alone.
"""

import contextlib
import functools
import hashlib
import os
import platform
import re
import secrets
import shutil
from pathlib import Path

NAME = re.compile(r"\..*\.(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}(\.[^.]*)?")


@functools.cache
def machine() -> str:
    """Return a short name of this machine, and of the container whose processes are seen."""
    try:
        processes = os.readlink("/proc/self/ns/pid")
    except OSError:  # no Linux
        processes = ""
    return hashlib.sha256(f"{platform.node()} {processes}".encode()).hexdigest()[:8]


def unfinished(path: Path) -> Path:
    """Return a path beside another for what is to be moved there: hidden, with the same suffix."""
    delete_abandoned(path.parent)
    name = f".{path.stem[:60]}.{machine()}-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}"
    return path.with_name(name)


@functools.cache
def delete_abandoned(folder: Path) -> None:
    """Delete what killed processes of this machine left in a folder, once for each folder."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in [each for each in entries if each.name.startswith(".")]:
            if is_abandoned(entry.name):
                delete(Path(entry.path))


def is_abandoned(name: str) -> bool:
    """Say whether a name is that of an unfinished file of this machine that nobody writes."""
    return (process := writer(name)) is not None and not is_running(process)


def is_written(name: str) -> bool:
    """Say whether a process of this machine writes the unfinished file of this name."""
    return (process := writer(name)) is not None and is_running(process)


def writer(name: str) -> int | None:
    """Return which process of this machine an unfinished file's name says that it is of."""
    parts = NAME.fullmatch(name)
    return int(parts["process"]) if parts and parts["machine"] == machine() else None


def is_running(process: int) -> bool:
    """Say whether there is a process, whosesoever."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        return True
    return True


def delete(path: Path) -> None:
    """Delete an unfinished file or folder, if that is allowed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
