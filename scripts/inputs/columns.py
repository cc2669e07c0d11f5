"""Which column of a table has the texts, and which the recordings: as told, or by its name."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

from errors import InputError

MOST, LONGEST = 20, 30  # columns that a message lists, and characters of each: a text may be there


class Kind(NamedTuple):
    """What a column holds: the key that names it, words for it, its own name, and other names."""

    key: str
    words: str
    own: str
    others: tuple[str, ...]


TEXT = Kind(
    "column",
    "texts",
    "text",
    ("sentence", "sentences", "texts", "transcript", "transcripts", "transcription")
    + ("normalized_text", "raw_text", "utterance", "utterances", "prompt", "phrase", "caption"),
)
AUDIO = Kind(
    "audio_column",
    "recordings",
    "audio_filepath",
    ("audio", "audio_file", "audio_path", "file", "file_name", "file_path", "filename", "path")
    + ("wav", "wav_filename", "wav_path"),
)


def pick(columns: Sequence[str], wanted: str | None, kind: Kind, place: str) -> str:
    """Return the name of a table's column of a kind: the ``wanted`` one, its own, the only other.

    Names are compared without regard to capitals and spaces. Raises ``InputError``, with the
    columns that are there, if it is not clear which one is meant.
    """
    there = ", ".join(repr(name[:LONGEST]) for name in columns[:MOST])
    there += f" and {len(columns) - MOST} more" if len(columns) > MOST else ""
    if wanted is not None:
        if wanted not in columns:
            nearest = get_close_matches(wanted, columns, 1)
            near = f"did you mean {nearest[0]!r}? " if nearest else ""
            raise InputError(f"{place}: has no column {wanted!r}; {near}there are {there}")
        found = [wanted]
    else:
        found = candidates(columns, kind)
    if len(found) != 1:
        several = f"{len(found)} columns may have" if found else "no column is known to have"
        raise InputError(f"{place}: {several} the {kind.words}; name one by {kind.key}: of {there}")
    if columns.count(found[0]) > 1:
        raise InputError(f"{place}: two columns are called {found[0]!r}; rename one")
    return found[0]


def candidates(columns: Sequence[str], kind: Kind) -> list[str]:
    """Return the columns whose name says that they are of a kind: its own alone, if it is there."""
    names = {column: re.sub(r"[\s-]+", "_", column.strip().lower()) for column in columns}
    own = [column for column, name in names.items() if name == kind.own]
    return own or [column for column, name in names.items() if name in kind.others]
