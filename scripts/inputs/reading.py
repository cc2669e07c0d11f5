"""A user's texts and recordings, whatever they are in: name or content tells the kind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from errors import InputError
from files.manifest import parse_json_line
from files.text_file import read_text
from inputs.columns import AUDIO, TEXT, candidates, pick
from inputs.cuts import is_lhotse, utterances_of
from inputs.entry import SAFE_ID, Entry, beside
from inputs.folders import files_of, is_kaldi, open_folder
from inputs.kaldi import read_kaldi, read_lines
from inputs.markup import html, markdown
from inputs.sentences import sentences
from inputs.subtitles import subtitles
from inputs.tables import BINARY, DELIMITED, JSON_LINES, Table, is_table, json_lines, open_table
from texts.plain_texts import numbered_lines

MARKDOWN = (".md", ".markdown")
HTML = (".html", ".htm", ".xhtml")
SUBTITLES = (".srt", ".vtt")
ID = "id"
SPEAKERS = ("speaker", "speaker_id", "client_id")

TextRow = tuple[str | None, Any, str]  # id, text, place


def is_running(path: Path) -> bool:
    """Say whether a file has running text, whose sentences are taken."""
    return path.suffix.lower() in (*MARKDOWN, *HTML, *SUBTITLES)


def is_plain(path: Path, column: str | None) -> bool:
    """Say whether texts stand in lines of a plain file, and not in a table, page or subtitles."""
    if column or is_running(path):
        return False
    if path.suffix.lower() in DELIMITED and path.is_file():
        return not candidates(open_table(path).columns, TEXT)
    return not (is_table(path) or is_folder(path))


def has_lines(path: Path, column: str | None) -> bool:
    """Say whether each line of a file is one text or recording: plain, or an object of JSON."""
    in_lines = path.suffix.lower() in JSON_LINES or is_plain(path, column)
    return in_lines and column is None and path.suffix != ".gz"


def all_texts(path: Path, language: str, column: str | None) -> list[Any]:
    """Return all texts that a domain has where it is not ``has_lines``; no recording is read."""
    if is_kaldi(path):
        return [text for _, text in read_lines(path / "text").values()]
    if path.suffix == ".gz":
        return [entry.text for entry in recordings(path, None, None)]
    return [text for _, text, _ in texts(path, language, column)]


def texts(path: Path, language: str, column: str | None) -> list[TextRow]:
    """Return id (or None), text and place of each text of a table, or sentence of running text."""
    suffix = path.suffix.lower()
    if is_running(path):
        if column:
            raise InputError(f"{path}: has no columns; remove column ({column!r})")
        content = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
        read = markdown if suffix in MARKDOWN else html if suffix in HTML else subtitles
        found = sentences(read(content, str(path)), language)
        rows: list[TextRow] = [(None, text, f"{path}:{line}") for line, text in found]
    else:
        table = open_any(path)
        if column is None and AUDIO.own in table.columns:
            raise InputError(
                f"{path}: is a manifest; declare it under 'manifest', not 'texts', or say"
                f" column: {TEXT.own}, if its texts alone are meant"
            )
        name = pick(table.columns, column, TEXT, str(path))
        places, (cells, ids) = columns_of(table, [name, ID])
        rows = [*zip(unique(ids), cells, places, strict=True)]
    if not rows:
        raise InputError(f"{path}: has no texts; give another file")
    return rows


def recordings(path: Path, column: str | None, audio_column: str | None) -> list[Entry]:
    """Return the recordings that a manifest, table or folder lists."""
    columns = [name for name in (column, audio_column) if name]
    if is_kaldi(path):
        entries = [*read_kaldi(path)]
    elif path.suffix.lower() in (*DELIMITED, *BINARY) or is_folder(path):
        return of_table(path, open_any(path), column, audio_column)
    else:
        lines = [(f"{path}:{number}", line) for number, line in numbered_lines(path)]
        rows = [(place, parse_json_line(place, line)) for place, line in lines]
        first = rows[0][1]
        if is_lhotse(first):
            entries = [
                each for place, row in rows for each in utterances_of(place, row, path.parent)
            ]
        elif columns or AUDIO.own not in first and candidates([*first], AUDIO):
            return of_table(path, json_lines(path), column, audio_column)
        else:  # NeMo's keys
            keys = ("text", "id", "speaker", "offset", "duration")
            return [
                Entry(place, beside(row.get(AUDIO.own), path.parent), *map(row.get, keys))
                for place, row in rows
            ]
    if columns:
        raise InputError(f"{path}: has no columns; remove column and audio_column")
    return entries


def of_table(path: Path, table: Table, column: str | None, audio_column: str | None) -> list[Entry]:
    """Return the recordings that a table lists; paths are also relative to its folder."""
    name = pick(table.columns, column, TEXT, str(path))
    audio_name = pick(table.columns, audio_column, AUDIO, str(path))
    speaker = next((each for each in SPEAKERS if each in table.columns), "")
    places, (audio, cells, ids, speakers) = columns_of(table, [audio_name, name, ID, speaker])
    folder = path if path.is_dir() else path.parent
    entries = zip(places, audio, cells, unique(ids), speakers, strict=True)
    return [Entry(place, beside(sound, folder), *rest) for place, sound, *rest in entries]


def is_folder(path: Path) -> bool:
    """Say whether a path is that of a folder, or of a split's files in one."""
    return path.is_dir() or files_of(path) != [path]


def open_any(path: Path) -> Table:
    """Return the table in a file or folder."""
    return open_folder(path) if is_folder(path) else open_table(path)


def columns_of(table: Table, names: Sequence[str]) -> tuple[list[str], list[list[Any]]]:
    """Return the places of all rows, and the cells of some columns; None of one that is missing."""
    there = [name for name in dict.fromkeys(names) if name in table.columns]
    places: list[str] = []
    columns: dict[str, list[Any]] = {name: [] for name in there}
    for place, cells in table.rows(there):
        places.append(place)
        for name, cell in zip(there, cells, strict=True):
            columns[name].append(cell)
    return places, [columns.get(name, [None] * len(places)) for name in names]


def unique(ids: Sequence[Any]) -> list[str | None]:
    """Return the ids of a table's rows if each is another and fit as a file name; else none.

    In published tables ``id`` may be that of a sentence that several have read.
    """
    names = [str(id) for id in ids]
    different = len({name.lower() for name in names}) == len(names)
    fit = different and None not in ids and all(map(SAFE_ID.fullmatch, names))
    return [*names] if fit else [None] * len(names)
