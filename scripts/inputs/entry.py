"""One recording as a user's file has it: not yet checked, whatever the kind of file."""

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

SAFE_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,119}")  # fit as a file name, and not hidden
CLIPS = "clips"  # where Common Voice has the recordings of its tables


class Entry(NamedTuple):
    """What a row says of a recording: anything may stand there, or nothing (None)."""

    place: str
    audio: Any  # a path, or ``Embedded``
    text: Any
    id: Any = None
    speaker: Any = None
    offset: Any = None  # s
    duration: Any = None  # s
    channel: int | None = None  # from 0


def beside(name: Any, folder: Path) -> Any:
    """Return the path that a file in ``folder`` names: below it, its ``clips``, or where we run.

    If there is none, it is the first; what is no path is returned as it is.
    """
    if not isinstance(name, str) or not name.strip():
        return name
    places = [folder / name, folder / CLIPS / name, Path(name)]
    return str(next(filter(os.path.isfile, places), places[0]))  # false for an impossible name
