"""Kaldi data folders: ``wav.scp`` and ``text``; ``segments`` and ``utt2spk`` if they are there.

Commands in ``wav.scp`` are refused, not run: a data file decides nothing that is executed.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from errors import InputError
from files.text_file import read_text
from inputs.entry import Entry, beside

REPAIR = "repair the folder (utils/fix_data_dir.sh)"
OWN_FILE = "write each recording to a file of its own, and name that"

Lines = dict[str, tuple[str, str]]  # place, and what stands behind the id, by id


def read_kaldi(folder: Path) -> Iterator[Entry]:
    """Yield the utterances of a data folder, in the order of ``text``."""
    recordings, texts = read_lines(folder / "wav.scp"), read_lines(folder / "text")
    segments = optional(folder / "segments")
    speakers = optional(folder / "utt2spk")
    where = "wav.scp" if segments is None else "segments"
    check_same(texts, recordings if segments is None else segments, f"{folder}/{where}")
    if speakers is not None:
        check_same(texts, speakers, f"{folder}/utt2spk")
    for id, (place, text) in texts.items():
        of, offset, duration = (id, None, None) if segments is None else segment(*segments[id])
        if of not in recordings:
            raise InputError(
                f"{segments[id][0] if segments else place}: recording {of!r} is not in wav.scp;"
                f" {REPAIR}"
            )
        audio = beside(audio_path(*recordings[of]), folder)
        speaker = None if speakers is None else speakers[id][1]
        yield Entry(place, audio, text, id, speaker, offset, duration)


def read_lines(path: Path) -> Lines:
    """Return the lines of a file of Kaldi's by the id that each begins with."""
    lines: Lines = {}
    for number, line in enumerate(read_text(path, REPAIR).splitlines(), start=1):
        if not line.strip():
            continue
        id, rest = [*line.split(maxsplit=1), ""][:2]
        if id in lines:
            raise InputError(f"{path}:{number}: {id!r} stands already at {lines[id][0]}; {REPAIR}")
        lines[id] = (f"{path}:{number}", rest.strip())
    if not lines:
        raise InputError(f"{path}: is empty; {REPAIR}")
    return lines


def optional(path: Path) -> Lines | None:
    """Return the lines of a file that need not be there."""
    return read_lines(path) if path.exists() else None


def check_same(texts: Mapping[str, tuple[str, str]], others: Collection[str], path: str) -> None:
    """Refuse a folder whose ``text`` and another file are not of the same utterances."""
    for id, (place, _) in texts.items():
        if id not in others:
            raise InputError(f"{place}: {id!r} is not in {path}; {REPAIR}")
    if more := [id for id in others if id not in texts]:
        raise InputError(
            f"{path}: {len(more)} of {len(others)} are not in text, first {more[0]!r}; {REPAIR}"
        )


def audio_path(place: str, path: str) -> str:
    """Return the path of a line of ``wav.scp``, which must be one."""
    if path.endswith("|") or path.startswith("|"):
        raise InputError(f"{place}: {path[:60]!r} is a command, which is not run; {OWN_FILE}")
    if re.search(r"\.ark(?::\d+)?$", path):
        raise InputError(f"{place}: {path[:60]!r} is within an archive; {OWN_FILE}")
    return path


def segment(place: str, line: str) -> tuple[str, float, float | None]:
    """Return recording, offset (s) and duration (s, None: to the end) of a line of ``segments``."""
    try:
        recording, start, end = line.split()
        offset, ends = float(start), float(end)
    except ValueError:
        raise InputError(
            f"{place}: {line!r} is not a recording, start and end in s; {REPAIR}"
        ) from None
    if ends == -1:
        return recording, offset, None
    if not 0 <= offset < ends:
        raise InputError(f"{place}: goes from {start} to {end} s; {REPAIR}")
    return recording, offset, ends - offset
