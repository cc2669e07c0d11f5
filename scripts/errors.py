"""What ends a script, told without a traceback: a mistake of the user's, a full disk, a signal."""

import errno
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from difflib import get_close_matches
from pathlib import Path

from addresses import redacted
from escaping import Shown, visible

MISTAKE = 2  # exit status
STOPPED = 128 + signal.SIGTERM  # exit status, as a shell gives it
SIGNALS = (signal.SIGTERM, signal.SIGINT)
FULL = (errno.ENOSPC, errno.EDQUOT)  # of a disk, of a quota
SHORT = re.compile(r"\d+ requested and \d+ written")  # NumPy, which tells no number
IMPOSSIBLE = (errno.ENAMETOOLONG, errno.ELOOP)  # for whatever file
FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)  # to write on a disk, to use a file


class InputError(Exception):
    """A mistake in the user's input; says what, where, how many, and what to do about it.

    Its text has no secrets of addresses, and nothing that a terminal would obey.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(visible(redacted(str(message))))


class Stopped(BaseException):
    """SIGTERM came, as from a cluster at the end of a job's time, or Ctrl-C; says how far it is."""


def run(main: Callable[[], None]) -> None:
    """Call a script's ``main``; what ends it becomes one message and an exit status.

    On SIGTERM and SIGINT the script leaves as on an error, so that no unfinished file stays behind.
    """
    previous = handle(stop)
    try:
        with shown():
            main()
    except InputError as error:
        leave(f"error: {error}", MISTAKE)
    except Stopped as stopped:
        leave(str(stopped), STOPPED)
    except Exception as error:
        path = getattr(error, "filename", None)
        if is_full_disk(error):
            leave(f"error: {full_disk(path)}", MISTAKE)
        if path is None or not (told := told_of(error, path)):
            raise
        leave(f"error: {visible(told)}", MISTAKE)
    finally:
        restore(previous)


@contextmanager
def shown() -> Iterator[None]:
    """Show control characters of whatever is printed, so that no terminal obeys a file's labels."""
    with redirect_stdout(Shown(sys.stdout)), redirect_stderr(Shown(sys.stderr)):
        yield


def handle(handler: Callable[..., None]) -> dict:
    """Let ``handler`` take ``SIGNALS``, but for one that is ignored; return what took them."""
    previous = {number: signal.getsignal(number) for number in SIGNALS}
    for number, of_before in previous.items():
        if of_before is not signal.SIG_IGN:  # a shell's background job ignores Ctrl-C
            signal.signal(number, handler)
    return previous


def restore(handlers: dict) -> None:
    """Let these handlers take their signals, as before ``handle``."""
    for number, handler in handlers.items():
        signal.signal(number, handler)


def stop(number: int, _: object = None) -> None:
    """End the script, as the handler of ``SIGNALS``.

    Ctrl-C may bring both, of which one is enough; a second Ctrl-C ends the script at once.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    name = signal.Signals(number).name
    raise Stopped(f"stopped by {name}; the same command begins again or goes on")


def leave(message: str, status: int) -> None:
    """Tell a message and exit; the disk of the log may be the one that is full."""
    try:
        if message:  # a process of several may leave it to another
            print(message, file=sys.stderr, flush=True)
    except OSError as error:
        if not is_full_disk(error):
            raise
    raise SystemExit(status) from None


def remedy_for(name: str, known: Iterable[str]) -> str:
    """Return what to do about a name that is not known: take the nearest that is, or any."""
    known = list(known)
    nearest = nearest_of(name, known)
    return f"did you mean {nearest!r}?" if nearest else f"known: {', '.join(known)}"


def nearest_of(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that another one may be a slip of, if there is one."""
    return next(iter(get_close_matches(name, list(known), 1)), None)


def check_keys(keys: Iterable[str], known: Collection[str], place: str) -> None:
    """Raise ``InputError`` for a key that is not known, with the nearest one that is."""
    for key in sorted(set(keys) - set(known)):
        raise InputError(f"{place}: unknown key {key!r}; {remedy_for(key, known)}")


def is_full_disk(error: BaseException) -> bool:
    """Say whether an error is that of a full disk or quota, or came while that was handled.

    safetensors and NumPy have one of their own; PyTorch has another one on closing its file.
    """
    if isinstance(error, OSError):
        return error.errno in FULL or SHORT.fullmatch(str(error)) is not None
    if any(f"(os error {number})" in str(error) for number in FULL):
        return True
    first = error.__cause__ or error.__context__
    return not isinstance(error, InputError) and first is not None and is_full_disk(first)


def is_forbidden(error: BaseException) -> bool:
    """Say whether an error is that of a file or disk that may not be used."""
    return isinstance(error, OSError) and error.errno in FORBIDDEN


@contextmanager
def naming_file(path: str | Path) -> Iterator[None]:
    """Make the error of a disk that is full, or may not be written, an ``InputError``.

    It seldom names the file that is meant, which is ``path`` but where another is at fault.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, InputError):
            raise
        if is_full_disk(error):
            raise InputError(full_disk(path)) from error
        if is_forbidden(error):
            other = Path(getattr(error, "filename", None) or path)
            fault = path if Path(path).parent in other.parents else other
            raise InputError(forbidden(fault, error)) from error
        raise


def told_of(error: Exception, path: str | Path) -> str:
    """Return what the error of a file comes to; nothing where it may be a fault of the code."""
    if is_forbidden(error):
        return forbidden(path, error)
    if isinstance(error, FileNotFoundError):
        return vanished(path)
    if isinstance(error, OSError) and error.errno in IMPOSSIBLE:
        return f"{path}: {error.strerror}; give another name"
    return ""


def vanished(path: str | Path) -> str:
    """Return which file is there no more, and what to do: that it was there was checked before."""
    return f"{path}: no such file any more; bring it back and run the same command again"


def forbidden(path: str | Path, error: BaseException) -> str:
    """Return which file may not be used, of whom, and what to do."""
    reason = getattr(error, "strerror", None) or str(error)
    return (
        f"{path}: {reason}; give user {os.getuid()} the right to it, or name another place and run"
        " the same command again"
    )


@contextmanager
def naming_unwritable(path: str | Path) -> Iterator[None]:
    """Make the error of a file or folder that can't be written an ``InputError`` that names it."""
    try:
        with naming_file(path):
            yield
    except OSError as error:
        raise InputError(unwritable(path, error)) from error


def unwritable(path: str | Path, error: OSError) -> str:
    """Return why a file or folder can't be written, and what to do."""
    reason = error.strerror or str(error)
    if error.filename is not None and str(error.filename) != str(path):
        reason = f"{reason}: {error.filename}"
    return (
        f"{path}: cannot be written ({reason}); make room for it there, or give another place, and"
        " run the same command again"
    )


def full_disk(path: str | Path | None) -> str:
    """Return which file did not fit on which disk, what is free there, and what to do."""
    remedy = "make room and run the same command again: what is finished is kept"
    if path is None:  # standard output, say
        return f"no space left on the disk of the log, or of another file; {remedy}"
    folder = next(parent for parent in Path(path).absolute().parents if parent.is_dir())
    mount = next(parent for parent in (folder, *folder.parents) if parent.is_mount())
    disk = os.statvfs(folder)
    if disk.f_files and not disk.f_favail:
        return (
            f"{path}: no space left on {mount} for another file, of whatever size: all"
            f" {disk.f_files} inodes are used; delete files there and run the same command again:"
            " what is finished is kept"
        )
    free = shutil.disk_usage(folder).free / 1e6
    return (
        f"{path}: no space left on {mount} (or in your quota on it) for this file, which needs"
        f" more than the {free:.1f} MB that are free there; {remedy}"
    )
