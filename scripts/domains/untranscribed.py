"""Recordings of a domain that nobody has transcribed: read, and so many drawn as are needed.

A verdict takes some as its evidence; from others models may learn. No recording is in two parts.
"""

import random
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from domains.own_data import recording_of
from files.audio_file import AudioFile, UnreadableAudio
from files.recording import Recording
from inputs.sounds import sounds

LONGEST = 3600.0  # s of a verdict's together: each candidate for delivery transcribes them
FEWEST = 10  # recordings; an interval from fewer says little of others
VERDICT, TRAIN, DEV = PARTS = ("verdict", "train", "dev")
OF_DEV = 0.1  # of the time that is not the verdict's
A_TEXT = "x"  # which nobody said: recordings are checked with their texts


def read_untranscribed(path: str | Path) -> list[tuple[Recording, str]]:
    """Return recordings, each with its place, numbered as ids, and all with ``A_TEXT``."""
    entries = [
        entry._replace(id=f"untranscribed-{number:06d}", text=A_TEXT)
        for number, entry in enumerate(sounds(Path(path)), start=1)
    ]
    return [(recording_of(entry), entry.place) for entry in entries]


def parts(
    recordings: Sequence[tuple[Recording, str]],
    seed: int,
    share: float = 1,
    longest: float = LONGEST,
) -> dict[str, list[tuple[Recording, str]]]:
    """Return the recordings of each part, in their order.

    Those of the verdict last ``longest`` (s), or that ``share`` of the time of all, if that is
    less (1: no share), or a little more; those of dev a tenth of the rest; train has all others.
    What can't be read is drawn, too, so that it is told.
    """
    durations = [duration_of(recording) for recording, _ in recordings]
    drawn = random.Random(seed).sample(range(len(recordings)), len(recordings))
    left = sum(durations)
    of_verdict = so_many(drawn, durations, min(longest, share * left) if share < 1 else longest)
    left -= sum(durations[position] for position in of_verdict)
    of_dev = so_many(drawn[len(of_verdict) :], durations, OF_DEV * left)
    of_train = drawn[len(of_verdict) + len(of_dev) :]
    return {
        part: [recordings[position] for position in sorted(positions)]
        for part, positions in ((VERDICT, of_verdict), (DEV, of_dev), (TRAIN, of_train))
    }


def so_many(positions: Sequence[int], durations: Sequence[float], least: float) -> list[int]:
    """Return the first positions, so many that their recordings last ``least`` (s), or all."""
    lasting = [0.0, *accumulate(durations[position] for position in positions)]
    return [at for at, before in zip(positions, lasting, strict=False) if before < least]


def duration_of(recording: Recording) -> float:
    """Return how long a recording is, s, by its header; 0 if it can't be read."""
    try:
        return recording.load.measure()[0] if isinstance(recording.load, AudioFile) else 0.0
    except UnreadableAudio:
        return 0.0
