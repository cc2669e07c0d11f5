"""One process at a time fetches into a folder; others wait for it."""

import errno
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from errors import naming_unwritable
from fetching.source import say


@contextmanager
def alone(output: Path) -> Iterator[None]:
    """Wait until no other process fetches into a folder, and let none begin before the block ends.

    The lock is that of a file beside the folder; it ends with its process, however that ends.
    """
    path = beside(output, "lock")
    with naming_unwritable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise FileExistsError(errno.EEXIST, "it is no file", str(path))
        opened = path.open("a")
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{output}: another process is fetching it; waiting for that")
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:  # some shared disks have no locks
            say(f"{path}: {error.strerror}: fetch this artifact only once at a time")
        yield


def beside(output: Path, what: str) -> Path:
    """Return the path of what belongs to an artifact's folder and outlives its removal."""
    whole = output.resolve()
    return whole.with_name(f".{whole.name}.{what}")
