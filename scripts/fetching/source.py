"""What every kind of source has: its declaration, its failure, its lines of progress."""

import sys
from typing import Any

from addresses import redacted
from errors import InputError
from escaping import visible

Source = dict[str, Any]


class Unavailable(Exception):
    """A source that does not give its file, and why."""


def say(message: str) -> None:
    """Write one line of progress."""
    sys.stderr.write(f"fetch: {visible(redacted(message))}\n")
    sys.stderr.flush()


def first_line(text: str, length: int = 300) -> str:
    """Return the first line of a message, cut to ``length`` characters."""
    return (text.strip().splitlines() or ["no message"])[0][:length]


def reason_of(error: Exception) -> str:
    """Return in one line why a source gives nothing: a message of ours, or an error with its kind.

    Whatever a server, a client or an archive may bring about is no reason to try no other source.
    """
    ours = isinstance(error, Unavailable | InputError)
    told = str(error) if ours else f"{type(error).__name__}: {error}"
    return first_line(redacted(told))
