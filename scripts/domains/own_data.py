"""What a user brings: manifests with recordings of his own, and plain texts; read and checked."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from errors import InputError
from files.audio import mono
from files.manifest import parse_json_line
from files.recording import Recording
from texts.plain_texts import check_letters, check_plain, numbered_lines

SAFE_ID = re.compile(r"[A-Za-z0-9_.-]{1,120}")
UNKNOWN_SPEAKER = "unknown"
TOLERANCE = 0.2  # s between the duration that a manifest or a header says and that of the file


class UnreadableAudio(InputError):
    """A recording whose file is missing or broken; ``reason`` is a word for counting them."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class AudioFile:
    """A recording on disk, or with an offset a segment of one; calling it gives its samples."""

    path: Path
    place: str
    offset: float | None = None  # s
    duration: float | None = None  # s

    def __call__(self) -> tuple[np.ndarray, int]:
        """Return float32 [n_samples], made mono, and the sampling rate in Hz."""
        channels, rate = self.channels()
        return mono(channels), rate

    def channels(self) -> tuple[np.ndarray, int]:
        """Return float32 [n_samples, n_channels] and the sampling rate in Hz."""
        start, frames, rate, _ = self._range()
        try:
            waveform, _ = soundfile.read(
                self.path, start=start, frames=frames, dtype="float32", always_2d=True
            )
        except (soundfile.LibsndfileError, OSError) as error:
            raise self._unreadable(error) from None
        if len(waveform) < frames - TOLERANCE * rate:  # an mp3 is read as far as it goes
            raise self._unreadable(f"cut short: {len(waveform)} of {frames} samples")
        return waveform, rate

    def measure(self) -> tuple[float, int, int]:
        """Return duration (s), sampling rate (Hz) and channels, from the file's header."""
        _, frames, rate, channels = self._range()
        return frames / rate, rate, channels

    def _range(self) -> tuple[int, int, int, int]:
        """Return first frame, frames, sampling rate (Hz) and channels."""
        try:
            info = soundfile.info(self.path)
        except (soundfile.LibsndfileError, OSError) as error:
            raise self._unreadable(error) from None
        start = self.offset or 0.0
        length = info.duration - start
        if self.duration is not None:
            if self.offset is None and abs(self.duration - length) > TOLERANCE:
                raise InputError(
                    f"{self.place}: duration is {self.duration} s, but {self.path} has"
                    f" {length:.3f} s; correct it, or give an offset if a segment is meant"
                )
            if self.offset is not None and self.duration > length + TOLERANCE:
                raise InputError(
                    f"{self.place}: offset {start} s and duration {self.duration} s end after"
                    f" {self.path}, of {info.duration:.3f} s; correct them"
                )
            length = min(length, self.duration)
        if length < 0:
            raise InputError(
                f"{self.place}: offset is {start} s, but {self.path} has {info.duration:.3f} s"
            )
        rate = info.samplerate
        return round(start * rate), round(length * rate), rate, info.channels

    def _unreadable(self, error: Exception | str) -> UnreadableAudio:
        there = self.path.is_file()
        return UnreadableAudio(
            f"{self.place}: audio_filepath {str(self.path)!r} is not readable as audio"
            f" ({error if there else 'no such file'})",
            "audio broken" if there else "audio missing",
        )


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
        place, found = f"{path}:{number}", line.count("\t") + 1
        if found != columns or columns > 2:
            raise InputError(
                f"{place}: has {found} columns, the first line {columns}; give one text a line, or"
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
