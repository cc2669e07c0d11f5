"""What a user brings: recordings and texts, of whatever kind; read and checked."""

import importlib.metadata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from domains.domain import Domain, located, named_paths
from errors import InputError
from files.audio_file import UNKNOWN_SPEAKER, AudioFile
from files.manifest import LONGEST, check_label, check_length
from files.recording import Recording
from files.table_file import Embedded
from inputs import reading
from inputs.entry import SAFE_ID, Entry
from inputs.folders import files_of
from settings.fields import is_number
from texts.plain_texts import check_letters, check_plain, numbered_lines

LONGEST_PATH = 4095  # characters: no system takes more (Linux: PATH_MAX)
Columns = tuple[str | None, str | None]  # of texts, of recordings: as the domain names them


def read_manifest_of_user(
    path: str | Path, columns: Columns = (None, None)
) -> list[tuple[Recording, str]]:
    """Return the recordings of a manifest, table or folder, each with its place (file and line)."""
    entries = reading.recordings(Path(path), *columns)
    return [(recording_of(entry), entry.place) for entry in entries]


def read_recordings(
    path: str, domain: Domain, artifact: Path | None
) -> list[tuple[Recording, str]]:
    """Return the recordings that a path of a domain lists (see ``read_manifest_of_user``)."""
    columns = None if domain.texts else domain.column, domain.audio_column  # column is of the texts
    return read_manifest_of_user(located(path, domain, artifact), columns)


def recording_of(entry: Entry) -> Recording:
    """Return a recording as a user's file has it; ``InputError`` for what can't be one."""
    place, audio = entry.place, entry.audio
    if not isinstance(audio, Embedded):
        check_text(place, "audio_filepath", audio)
        if len(audio) > LONGEST_PATH:
            raise InputError(
                f"{place}: audio_filepath is too long: {len(audio):,} characters"
                f" ({audio[:60]!r}...), of which a system takes {LONGEST_PATH:,}; correct it"
            )
    check_text(place, "text", entry.text)
    check_letters(place, entry.text)
    for key in ("offset", "duration"):
        value = getattr(entry, key)
        if value is not None and not (is_number(value) and 0 <= value <= LONGEST):
            raise InputError(
                f"{place}: {key} is {repr(value)[:60]}; it must be seconds, not negative"
                f" (and {LONGEST:,} at most)"
            )
    if isinstance(audio, Embedded):
        load = AudioFile(audio.path, place, content=audio.read)
        name = Path(audio.name or "").stem or Path(place).name.replace(":", "-")
    else:
        load = AudioFile(Path(audio), place, entry.offset, entry.duration, entry.channel)
        name = load.path.stem
    speaker = str(entry.speaker or UNKNOWN_SPEAKER)
    check_label(speaker, "speaker", place)
    return Recording(str(entry.id or name), entry.text, speaker, load)


def check_text(place: str, key: str, value: Any) -> None:
    """Refuse what is no text, or empty."""
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{place}: {key} is {repr(value)[:60]}; it must be a text, not empty")
    check_length(value, key, place)


def read_texts_of_user(
    path: str | Path, domain: str, language: str, column: str | None = None
) -> list[tuple[str, str, str]]:
    """Return (id, text, place) of each text: of plain lines, a table, or of running text.

    Without an id, it is the domain's name with the number of the line or row.
    """
    path = Path(path)
    if reading.is_plain(path, column):
        return read_plain_texts(path, domain)
    rows, seen = [], Counter[str]()
    for id, text, place in reading.texts(path, language, column):
        check_text(place, "text", text)
        check_letters(place, text)
        number = f"{domain}-{int(place.rpartition(':')[2]):06d}"
        seen[number] += 1
        another = f".{seen[number]}" if seen[number] > 1 else ""  # sentence of one line, say
        rows.append((id or number + another, " ".join(text.split()), place))
    return rows


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
        check_text(place, "text", text)
        rows.append((id.strip() or f"{domain}-{number:06d}", text.strip(), place))
    return rows


def own_files(domain: Domain) -> list[Path]:
    """Return the files that a domain is read from, but for the audio that they list."""
    return [file for path in named_paths(vars(domain)) for file in files_of(path)]


def packages_of(domain: Domain) -> dict[str, str]:
    """Return the versions of what makes sentences of a domain's running text, if it has some."""
    texts = (Path(path) for path in (domain.texts, domain.test_texts) if path)
    names = ("markdown-it-py", "sentencex") if any(map(reading.is_running, texts)) else ()
    return {name: importlib.metadata.version(name) for name in names}


def check_ids(ids: Iterable[tuple[str, str]]) -> None:
    """Refuse an id (given with its place) that stands twice or is unfit as a file name."""
    place_of: dict[str, str] = {}
    for id, place in ids:
        if not SAFE_ID.fullmatch(id):
            raise InputError(
                f"{place}: id {id[:150]!r} is unfit as a file name; use letters, digits, '_', '-'"
                " and '.' (not first), 120 at most (without an id, it is the audio file's name)"
            )
        if id.lower() in place_of:
            raise InputError(
                f"{place}: id {id!r} stands already at {place_of[id.lower()]}; give each utterance"
                " an id of its own (capitals alone don't tell ids apart)"
            )
        place_of[id.lower()] = place
