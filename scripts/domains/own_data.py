"""What a user brings: manifests with recordings of his own, and plain texts; read and checked."""

import re
from collections.abc import Iterable
from pathlib import Path

from errors import InputError
from files.audio_file import UNKNOWN_SPEAKER, AudioFile
from files.manifest import parse_json_line
from files.recording import Recording
from texts.plain_texts import check_letters, check_plain, numbered_lines

SAFE_ID = re.compile(r"[A-Za-z0-9_.-]{1,120}")


def read_manifest_of_user(path: str | Path) -> list[tuple[Recording, str]]:
    """Return the recordings of a NeMo manifest, each with its place (file and line)."""
    path = Path(path)
    recordings = []
    for number, line in numbered_lines(path):
        place = f"{path}:{number}"
        row = parse_json_line(place, line)
        for key in ("audio_filepath", "text"):
            if not isinstance(row.get(key), str) or not row[key].strip():
                raise InputError(
                    f"{place}: {key} is {row.get(key)!r}; it must be a text, not empty"
                )
        check_letters(place, row["text"])
        for key in ("offset", "duration"):
            value = row.get(key)
            if value is not None and (not isinstance(value, int | float) or value < 0):
                raise InputError(f"{place}: {key} is {value!r}; it must be seconds, not negative")
        audio = Path(row["audio_filepath"])
        load = AudioFile(audio, place, row.get("offset"), row.get("duration"))
        speaker = str(row.get("speaker") or UNKNOWN_SPEAKER)
        id = str(row.get("id") or audio.stem)
        recordings.append((Recording(id, row["text"], speaker, load), place))
    return recordings


def read_plain_texts(path: str | Path, domain: str) -> list[tuple[str, str, str]]:
    """Return (id, text, place) of each line: ``text``, or ``id<TAB>text`` in all lines."""
    path = Path(path)
    lines = numbered_lines(path)
    check_plain(path, lines)
    columns = lines[0][1].count("\t") + 1
    rows = []
    for number, line in lines:
        place, count = f"{path}:{number}", line.count("\t") + 1
        if count != columns or columns > 2:
            raise InputError(
                f"{place}: has {count} columns, the first line {columns}; give one text a line, or"
                " id, tab and text in every line"
            )
        id, _, text = line.rpartition("\t")
        if not text.strip():
            raise InputError(f"{place}: the text is empty; remove the line")
        rows.append((id.strip() or f"{domain}-{number:06d}", text.strip(), place))
    return rows


def check_ids(ids: Iterable[tuple[str, str]]) -> None:
    """Refuse an id (given with its place) that stands twice or is unfit as a file name."""
    place_of: dict[str, str] = {}
    for id, place in ids:
        if not SAFE_ID.fullmatch(id) or not id.strip("."):
            raise InputError(
                f"{place}: id {id!r} is unfit as a file name; use letters, digits, '_', '-' and"
                " '.', 120 at most (without an id, it is the audio file's name)"
            )
        if id.lower() in place_of:
            raise InputError(
                f"{place}: id {id!r} stands already at {place_of[id.lower()]}; give each utterance"
                " an id of its own (capitals alone don't tell ids apart)"
            )
        place_of[id.lower()] = place
