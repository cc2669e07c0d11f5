"""The door for audio: files that libsndfile knows, whole or a part of them, with finite samples."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile

from files.regular import REMEDY, Unreadable, check_regular, open_regular

MAX_SAMPLES = 1 << 30  # of all channels: 18 hours of one at 16 kHz
OF_FLOATS = ("FLOAT", "DOUBLE")  # what is no number can stand in these alone


class Header(NamedTuple):
    """What a file says of itself: frames, sampling rate (Hz) and channels."""

    frames: int
    rate: int
    channels: int


def read_header(path: str | Path, remedy: str = REMEDY) -> Header:
    """Return the header of an audio file."""
    with _opened(path, path, remedy, {}) as file:
        return Header(file.frames, file.samplerate, file.channels)


def read_channels(
    path: str | Path,
    remedy: str = REMEDY,
    *,
    content: bytes | None = None,
    start: int = 0,
    frames: int = -1,
    raw: Mapping[str, Any] | None = None,
) -> tuple[np.ndarray, int]:
    """Return float32 [n_samples, n_channels] and the sampling rate in Hz.

    ``content`` is read instead of the file, if it is a part of it; ``start`` and ``frames`` (-1:
    all) say which part of the sound is wanted; ``raw`` is what a file without a header is in.
    Raises ``Unreadable``; a sound that is shorter than its header says is given as far as it goes.
    """
    source = path if content is None else io.BytesIO(content)
    with _opened(source, path, remedy, raw or {}) as file:
        if file.seekable():
            file.seek(min(start, file.frames))
        wanted = max(0, file.frames - start) if frames < 0 else frames
        if wanted * file.channels > MAX_SAMPLES:
            reason = f"has more than the bound of {MAX_SAMPLES:,} samples"
            raise Unreadable(path, reason, remedy)
        waveform = file.read(wanted, dtype="float32", always_2d=True)
        if file.subtype in OF_FLOATS and not np.isfinite(waveform).all():
            raise Unreadable(path, "has samples that are not finite numbers", remedy)
        return waveform, file.samplerate


@contextmanager
def _opened(
    source: str | Path | io.BytesIO, path: str | Path, remedy: str, raw: Mapping[str, Any]
) -> Iterator[soundfile.SoundFile]:
    if not isinstance(source, io.BytesIO):
        check_regular(path, remedy)
    try:
        with soundfile.SoundFile(source, **raw) as file:
            if file.format == "MP3" and not _begins_as_mp3(source):
                reason = "MP3 behind bytes that are none"
                raise Unreadable(path, reason, remedy, f"not readable as audio ({reason})")
            yield file
    except (soundfile.LibsndfileError, OSError, TypeError) as error:  # of no format by its name
        raise Unreadable(path, str(error), remedy, f"not readable as audio ({error})") from None


def _begins_as_mp3(source: str | Path | io.BytesIO) -> bool:
    """Say whether a file begins with a tag or a frame; libsndfile looks for one anywhere in it."""
    if isinstance(source, io.BytesIO):
        begin = source.getbuffer()[:3].tobytes()
    else:
        with open_regular(source) as file:
            begin = file.read(3)
    return begin == b"ID3" or begin[:1] == b"\xff" and begin[1:2] >= b"\xe0"
