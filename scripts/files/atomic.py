"""Files that appear under their final name only when they are whole."""

import errno
import itertools
import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from errors import InputError, naming_file, naming_unwritable
from files.unfinished import unfinished

Given = str | Path | None  # an option's path, None if it was not given
INSIDE = "SYN2REAL_INSIDE"  # environment variable: a folder outside of which nothing is written


def check_outputs(outputs: Iterable[Given], inputs: Iterable[Given]) -> None:
    """Refuse to write over what is read: files or folders, compared by where they really lie.

    A folder to write must not have an input in it, and nothing is written into a folder that is
    read. Nor is work begun whose outcome may not be written. Raises ``InputError``.
    """
    places = [(str(path), os.path.realpath(path)) for path in outputs if path is not None]
    read = {str(path): os.path.realpath(path) for path in inputs if path is not None}
    inside = os.environ.get(INSIDE)
    for output, place in places:
        if inside and not is_within(place, os.path.realpath(inside)):
            raise InputError(f"{output}: lies outside of {inside}, where all must be written")
        for name, source in read.items():
            if is_within(place, source) or is_within(source, place) or is_same(place, source):
                raise InputError(
                    f"{output}: would be written over {name}, which is read; name another output"
                )
    for (first, one), (second, other) in itertools.combinations(places, 2):
        if one == other or is_same(one, other):
            raise InputError(f"{second}: is to be written twice ({first}); give each its own name")
    for output, place in places:
        with naming_unwritable(output):
            check_writable(Path(place))


def check_writable(path: Path) -> None:
    """Raise ``OSError`` unless a file or folder may be written: into itself, or what is above."""
    above = next(each for each in (path, *path.parents) if os.path.lexists(each))
    if above == path and not path.is_dir():
        above = path.parent
    if not above.is_dir():
        raise system_error(errno.ENOTDIR, above)
    if not os.access(above, os.W_OK | os.X_OK):
        raise system_error(errno.EACCES, above)


def system_error(number: int, path: Path) -> OSError:
    """Return the error that the system would raise of a path."""
    return OSError(number, os.strerror(number), str(path))


def is_within(path: str, folder: str) -> bool:
    """Say whether a path is a folder's or below it."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def is_same(path: str, other: str) -> bool:
    """Say whether two paths are one file, as where upper and lower case are not told apart."""
    return os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other)


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` (same suffix); move it there if the block succeeds.

    The bytes reach the disk before the rename, so a crash leaves the old file or the new one.
    """
    path = Path(path)
    with naming_file(path):
        with naming_unwritable(path):
            check_no_folder(path)
            path.parent.mkdir(parents=True, exist_ok=True)
        temporary = unfinished(path)
        try:
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            yield temporary
            finish(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; its *files* replace those of ``path`` at the end.

    Files of ``path`` that the block did not write (logs, a sidecar) stay. Weights come last: with
    them the model is whole.
    """
    path = Path(path)
    with naming_file(path):
        with naming_unwritable(path):
            path.mkdir(parents=True, exist_ok=True)
        temporary = unfinished(path)
        try:
            temporary.mkdir(0o700)
            yield temporary
            for file in sorted(temporary.iterdir(), key=lambda file: (is_weights(file), file)):
                finish(file, path / file.name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def check_no_folder(path: Path) -> None:
    """Raise ``OSError`` if a folder lies where a file is to be written."""
    if path.is_dir():
        raise system_error(errno.EISDIR, path)


def is_weights(file: Path) -> bool:
    """Say whether a file holds weights, which are a model only with the files beside them."""
    return file.suffix in (".safetensors", ".bin")


def finish(temporary: Path, path: Path) -> None:
    """Move a file that is written to its final name, once its bytes are on the disk."""
    with temporary.open("rb") as written:
        os.fsync(written.fileno())
    temporary.chmod(0o666 & ~_umask())  # safetensors writes files that others can't read
    with naming_unwritable(path):
        temporary.replace(path)


def remove_work(folder: str | Path, pattern: str, kept: Collection[Path] = ()) -> None:
    """Delete a command's own files, which match ``pattern``, from the folder of its work.

    Those that are ``kept`` stay. The folder goes, too, if nothing else is in it: the user may have
    named one of his own.
    """
    folder = Path(folder)
    for path in set(folder.glob(pattern)) - set(kept):
        path.unlink(missing_ok=True)
    if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
