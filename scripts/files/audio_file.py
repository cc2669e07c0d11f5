"""A recording on disk, or a segment or channel of one: its header, and its samples."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from errors import InputError
from files.audio import mono
from files.regular import Unreadable
from files.sound_file import Header, read_channels, read_header

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
    channel: int | None = None  # the one that is taken, from 0; without it all
    content: Callable[[], bytes] | None = None  # of a recording that is a part of the file

    def __call__(self) -> tuple[np.ndarray, int]:
        """Return float32 [n_samples], made mono, and the sampling rate in Hz."""
        channels, rate = self.channels()
        return mono(channels), rate

    def channels(self) -> tuple[np.ndarray, int]:
        """Return float32 [n_samples, n_channels] and the sampling rate in Hz."""
        start, frames, rate, _ = self._range()
        try:
            content = self.content and self.content()
            waveform, _ = read_channels(self.path, content=content, start=start, frames=frames)
        except Unreadable as error:
            raise self._unreadable(error.reason) from None
        if len(waveform) < frames - TOLERANCE * rate:  # an mp3 is read as far as it goes
            raise self._unreadable(f"cut short: {len(waveform)} of {frames} samples")
        return (waveform if self.channel is None else waveform[:, [self.channel]]), rate

    def measure(self) -> tuple[float, int, int]:
        """Return duration (s), sampling rate (Hz) and channels, from the file's header."""
        _, frames, rate, channels = self._range()
        return frames / rate, rate, channels

    def _range(self) -> tuple[int, int, int, int]:
        """Return first frame, frames, sampling rate (Hz) and channels."""
        try:
            header = self._header()
        except Unreadable as error:
            raise self._unreadable(error.reason) from None
        if self.channel is not None and not self.channel < header.channels:
            raise InputError(
                f"{self.place}: is of channel {self.channel}, but {self.path} has"
                f" {header.channels}, counted from 0; correct it"
            )
        start = self.offset or 0.0
        whole = header.frames / header.rate
        length = whole - start
        if self.duration is not None:
            if self.offset is None and abs(self.duration - length) > TOLERANCE:
                raise InputError(
                    f"{self.place}: duration is {self.duration} s, but {self.path} has"
                    f" {length:.3f} s; correct it, or give an offset if a segment is meant"
                )
            if self.offset is not None and self.duration > length + TOLERANCE:
                raise InputError(
                    f"{self.place}: offset {start} s and duration {self.duration} s end after"
                    f" {self.path}, of {whole:.3f} s; correct them"
                )
            length = min(length, self.duration)
        if length < 0:
            raise InputError(
                f"{self.place}: offset is {start} s, but {self.path} has {whole:.3f} s"
            )
        rate = header.rate
        channels = header.channels if self.channel is None else 1
        return round(start * rate), round(length * rate), rate, channels

    def _header(self) -> Header:
        if self.content is None:
            return read_header(self.path)
        waveform, rate = read_channels(self.path, content=self.content())
        return Header(len(waveform), rate, waveform.shape[1])

    def _unreadable(self, reason: str) -> UnreadableAudio:
        there = os.path.lexists(self.path)
        return UnreadableAudio(
            f"{self.place}: audio_filepath {str(self.path)!r} is not readable as audio ({reason})",
            "audio broken" if there else "audio missing",
        )
