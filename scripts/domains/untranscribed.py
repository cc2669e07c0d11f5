"""Recordings of a domain that nobody has transcribed: read, and so many drawn as are needed."""

import random
from collections.abc import Sequence
from pathlib import Path

from domains.own_data import recording_of
from files.audio_file import AudioFile, UnreadableAudio
from files.recording import Recording
from inputs.sounds import sounds

LONGEST = 3600.0  # s of all together: each candidate for delivery transcribes them
FEWEST = 10  # recordings; an interval from fewer says little of others
A_TEXT = "x"  # which nobody said: recordings are checked with their texts


def read_untranscribed(path: str | Path) -> list[tuple[Recording, str]]:
    """Return recordings, each with its place, numbered as ids, and all with ``A_TEXT``."""
    entries = [
        entry._replace(id=f"untranscribed-{number:06d}", text=A_TEXT)
        for number, entry in enumerate(sounds(Path(path)), start=1)
    ]
    return [(recording_of(entry), entry.place) for entry in entries]


def draw(
    recordings: Sequence[tuple[Recording, str]], seed: int, longest: float = LONGEST
) -> list[tuple[Recording, str]]:
    """Return recordings in their order: all, or so many that they last ``longest`` (s) or more.

    Those that can't be read are drawn too, so that they are told.
    """
    drawn: list[int] = []
    seconds = 0.0
    for position in random.Random(seed).sample(range(len(recordings)), len(recordings)):
        if seconds >= longest:
            break
        drawn.append(position)
        load = recordings[position][0].load
        try:
            seconds += load.measure()[0] if isinstance(load, AudioFile) else 0.0
        except UnreadableAudio:
            continue
    return [recordings[position] for position in sorted(drawn)]
