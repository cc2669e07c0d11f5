"""What every kind of source has: its declaration, its failure, its lines of progress."""

import sys
from typing import Any

from addresses import redacted
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
