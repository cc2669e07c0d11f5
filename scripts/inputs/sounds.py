"""Recordings of which no text is read: a folder of audio files, or what a table lists."""

from pathlib import Path

from errors import InputError
from inputs.columns import AUDIO, pick
from inputs.entry import Entry, beside
from inputs.folders import files_of
from inputs.reading import open_any
from inputs.tables import JSON_LINES, json_lines

AUDIO_FILES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".aif", ".aiff", ".au")


def sounds(path: Path) -> list[Entry]:
    """Return the recordings in a folder and below it, or that a table or JSON lines list.

    JSON lines may have ``offset`` and ``duration`` (s) of segments.
    """
    if is_plain_folder(path):
        if files := audio_files(path):
            return [Entry(str(file), str(file), None) for file in files]
        raise InputError(
            f"{path}: has no audio files ({', '.join(AUDIO_FILES)}); name a folder that has, a"
            " table, or JSON lines with audio_filepath"
        )
    lines = path.suffix.lower() in JSON_LINES
    table = json_lines(path) if lines else open_any(path)
    name = pick(table.columns, None, AUDIO, str(path))
    folder = path if path.is_dir() else path.parent
    entries = []
    for place, (audio, *segment) in table.rows([name, "offset", "duration"] if lines else [name]):
        offset, duration = segment or (None, None)
        sound = beside(audio, folder)
        entries.append(Entry(place, sound, None, offset=offset, duration=duration))
    return entries


def is_plain_folder(path: Path) -> bool:
    """Say whether a path is a folder without a table, whose audio files are meant."""
    return path.is_dir() and files_of(path) == [path]


def audio_files(folder: Path) -> list[Path]:
    """Return the audio files in a folder and below it, sorted."""
    named = (path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_FILES)
    return sorted(path for path in named if path.is_file())
