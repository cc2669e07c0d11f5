"""Manifests: JSON lines, one utterance each, with NeMo's keys.

An utterance has ``id``, ``audio_filepath``, ``duration`` (s), ``text``, ``speaker`` and ``domain``;
further keys (``voice``, ``tts``, ...) are kept; ``text_id`` is that of the text that is said, if it
is not the utterance's; ``pronounced`` is that text where its domain lists how words of it are said.
A list of texts has ``id``, ``text``, ``spoken`` and ``domain``; a list of hypotheses has ``id`` and
``text``, and where there is none also ``transcribed``, which is false; ``log_probability``, where
it was asked for, is the mean of its tokens', in nats.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from errors import InputError
from escaping import OBEYED
from files.atomic import atomic_path
from files.json_file import ONE_A_LINE, parse_object, read_objects
from files.text_file import read_lines

SHOWN = 60  # characters of a value in a message
LONGEST_ID = 200  # characters
LONGEST_TEXT = 200_000  # characters: nobody says more in the hour that a recording may take
LONGEST = 1_000_000  # s
LABELS = ("id", "speaker", "domain", "voice", "tts")  # which are shown, and may name files
UNFIT = re.compile(r"[^A-Za-z0-9_.-]|^\.")  # in the name of a file: hidden ones are overlooked

Keys = dict[str, type | tuple[type, ...]]
UTTERANCE_KEYS: Keys = {
    "id": str,
    "audio_filepath": str,
    "duration": (int, float),
    "text": str,
    "speaker": str,
    "domain": str,
}
TEXT_KEYS: Keys = {"id": str, "text": str, "spoken": str, "domain": str}
HYPOTHESIS_KEYS: Keys = {"id": str, "text": str}


def read_jsonl(path: str | Path, keys: Keys = HYPOTHESIS_KEYS) -> list[dict]:
    """Return the rows of a JSON-lines file, each with at least ``keys`` of the given types.

    Raises ``InputError`` with the file and the line for a row that is not an object, lacks a key,
    has a value of another type, or repeats an id.
    """
    rows: list[dict] = []
    line_of: dict[str, int] = {}
    kinds = [(key, kind if isinstance(kind, tuple) else (kind,)) for key, kind in keys.items()]
    for number, row in read_objects(path):
        for key, right in kinds:
            if type(row.get(key)) in right:
                continue
            place = f"{path}:{number}"
            if key not in row:
                raise InputError(f"{place}: key {key!r} is missing; needed: {', '.join(keys)}")
            wanted = " or ".join(kind.__name__ for kind in right)
            raise InputError(
                f"{place}: {key} is {repr(row[key])[:SHOWN]}, of the wrong type; give {wanted}"
            )
        check_row(row, f"{path}:{number}")
        first = line_of.setdefault(row["id"], number)
        if first != number:
            raise InputError(
                f"{path}:{number}: id {row['id']!r} stands already in line {first};"
                " ids must be unique"
            )
        rows.append(row)
    return rows


def check_row(row: Mapping[str, Any], place: str) -> None:
    """Raise ``InputError`` for a label, a text or a duration that none can have."""
    for key in LABELS:
        if key in row and isinstance(row[key], str):
            check_label(row[key], key, place)
    text, duration = row.get("text"), row.get("duration")
    if isinstance(text, str):
        check_length(text, "text", place)
    if isinstance(duration, int | float) and not 0 <= duration <= LONGEST:
        raise InputError(f"{place}: duration is {str(duration)[:SHOWN]}; give s, 0 to {LONGEST:,}")


def check_length(text: str, key: str, place: str) -> None:
    """Raise ``InputError`` for a text that is too long for one utterance."""
    if len(text) > LONGEST_TEXT:
        raise InputError(
            f"{place}: {key} has {len(text):,} characters, of which {LONGEST_TEXT:,} are read"
            f" ({text[:SHOWN]!r}...); is it of one utterance? Part it"
        )


def check_label(label: str, key: str, place: str) -> None:
    """Raise ``InputError`` for a label that is too long, or that a terminal would obey."""
    if len(label) > LONGEST_ID:
        raise InputError(
            f"{place}: {key} has {len(label):,} characters ({label[:SHOWN]!r}...), of which"
            f" {LONGEST_ID} are read; shorten it"
        )
    if OBEYED.search(label):
        raise InputError(
            f"{place}: {key} is {label!a}; remove its control characters and changes of direction"
        )


def check_file_names(rows: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Raise ``InputError`` for an id that is unfit as the name of a file."""
    for row in rows:
        if UNFIT.search(row["id"]) or not row["id"]:
            raise InputError(
                f"{path}: id {row['id']!r} is unfit as a file name; use letters, digits, '_', '-'"
                " and '.', not first"
            )


def parse_json_line(place: str, line: str) -> dict:
    """Return the JSON object of a line; ``place`` is its file and number."""
    return parse_object(line, place, ONE_A_LINE)


def write_jsonl(path: str | Path, rows: Iterable[dict]) -> None:
    """Write rows as JSON lines; ``path`` appears only when all of them are on disk."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def audio_rows(path: str | Path, strict: bool = True) -> Iterator[dict]:
    """Yield the rows of a JSON-lines file that name audio, whatever else they have or lack.

    A line that is no JSON object is an ``InputError``, or left out if that is not ``strict``.
    """
    for number, line in read_lines(path, errors="strict" if strict else "replace"):
        if line.isspace() or not (strict or "audio_filepath" in line):
            continue
        try:
            row = parse_json_line(f"{path}:{number}", line)
        except InputError:
            if strict:
                raise
            continue
        if isinstance(row.get("audio_filepath"), str):
            yield row


def read_manifest(path: str | Path) -> list[dict]:
    """Return the utterances of a manifest (see ``read_jsonl``)."""
    return read_jsonl(path, UTTERANCE_KEYS)


def read_texts(path: str | Path) -> list[dict]:
    """Return the texts to be spoken (see ``read_jsonl``)."""
    return read_jsonl(path, TEXT_KEYS)


def fits(utterance: dict, window: float) -> bool:
    """Say whether an utterance is not longer than a window (s), by more than rounding."""
    return bool(utterance["duration"] <= window + 0.01)


def check_audio(utterances: Sequence[dict], manifest: str | Path) -> None:
    """Raise ``InputError`` if audio is missing."""
    missing = [row for row in utterances if not Path(row["audio_filepath"]).is_file()]
    if missing:
        raise InputError(
            f"{manifest}: the audio of {len(missing)} utterances is missing, first"
            f" {missing[0]['audio_filepath']} of {missing[0]['id']!r}; make the manifest again"
        )


def check_fits(utterances: Sequence[dict], manifest: str | Path, window: float) -> None:
    """Raise ``InputError`` if audio is missing or longer than the window (s)."""
    check_audio(utterances, manifest)
    longer = [row for row in utterances if not fits(row, window)]
    if longer:
        raise InputError(
            f"{manifest}: {len(longer)} utterances are longer than the window of {window} s,"
            f" first {longer[0]['id']!r} ({longer[0]['duration']:.2f} s);"
            " raise window or lower max_duration"
        )
