"""SHA-256 of files, kept from one audit to the next: what was not written since is not read again.

A file counts as unwritten while its inode, times and size are what they were. The time of its last
change of state (``ctime``) is one of them: no program can set it, as it can the time of writing.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from errors import InputError
from files.atomic import atomic_path
from files.checksum import sha256
from files.json_file import read_object
from files.regular import Unreadable

NAME = ".hashes.json"
SETTLED = 2_000_000_000  # ns: a younger file could be written again within one tick of its clock

Stamp = list[int]


def stamp(path: str) -> Stamp:
    """Return inode, times of writing and of change (ns since 1970), and size (bytes) of a file."""
    status = os.stat(path)
    return [status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size]


class HashCache:
    """The hashes of files, those below a folder by their paths in it; kept in that folder.

    A cache file that is damaged, or no such file, counts as empty; with ``fresh`` each does.
    """

    def __init__(self, folder: str | Path, fresh: bool = False) -> None:
        self.path = Path(folder, NAME)
        self._prefix = os.path.join(os.path.normpath(folder), "")
        self._kept = {} if fresh else read_cache(self.path)
        self._found: dict[str, str] = {}
        self._missing: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        self._fresh: dict[str, list[Any]] = {}

    def learn(self, paths: Iterable[str]) -> None:
        """Find out the hashes of files; those that must be read, several at a time."""
        unread = [path for path in paths if not self._knows(path)]
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._read, unread))

    def sha256(self, path: str) -> str | None:
        """Return the SHA-256 of a file, None if it cannot be read (see ``why_not``)."""
        if not self._knows(path):
            self._read(path)
        return self._found.get(path)

    def why_not(self, path: str) -> str:
        """Return what the system says of a file that cannot be read."""
        return self._missing[path]

    def size(self, path: str) -> int:
        """Return the size in bytes of a file that was read."""
        return self._sizes[path]

    def _knows(self, path: str) -> bool:
        """Say whether a file was asked for before, or was not written since the last audit."""
        if path in self._found or path in self._missing:
            return True
        kept = self._kept.get(path.removeprefix(self._prefix))
        if kept is None:
            return False
        try:
            now = stamp(path)
        except OSError:
            return False
        if kept[:-1] != now:
            return False
        self._note(path, now, kept[-1])
        return True

    def _read(self, path: str) -> None:
        """Hash a file; keep its hash if it is old enough."""
        try:
            started, now = time.time_ns(), stamp(path)
            digest = sha256(path)
        except OSError as error:
            self._missing[path] = error.strerror or str(error)
            return
        except Unreadable as error:
            self._missing[path] = error.reason
            return
        self._note(path, now, digest, max(now[1], now[2]) + SETTLED < started)

    def _note(self, path: str, now: Stamp, digest: str, is_settled: bool = True) -> None:
        self._found[path], self._sizes[path] = digest, now[3]
        if is_settled:
            self._fresh[path.removeprefix(self._prefix)] = [*now, digest]

    def save(self) -> None:
        """Write the hashes of the files that were asked for, if the folder can be written to."""
        try:
            with atomic_path(self.path) as temporary:
                content = {"sha256": check_sum(self._fresh), "files": self._fresh}
                temporary.write_text(json.dumps(content), encoding="utf-8")
        except (OSError, InputError) as error:
            print(f"{self.path}: not kept ({error}); the next audit reads all", file=sys.stderr)


def check_sum(files: dict[str, list[Any]]) -> str:
    """Return a hash of a cache's content."""
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()


def read_cache(path: Path) -> dict[str, list[Any]]:
    """Return stamp and hash of each file of a cache, nothing if it is not as it was written."""
    try:
        content = read_object(path)
        return content["files"] if content["sha256"] == check_sum(content["files"]) else {}
    except (InputError, KeyError, TypeError):
        return {}
