"""What is measured of a waveform, real or synthetic, and how a recording's flaws are mended."""

from dataclasses import dataclass

import numpy as np

from files.audio import SAMPLING_RATE, in_antiphase, mono

FRAME = 0.02  # s, over which loudness is measured
QUIET = 0.01  # of the loudest frame (40 dB below it): a frame under it is silence
FAINT = 0.001  # of full scale: a waveform that stays below is silence
CLIPPED = 0.999  # of full scale: a sample from there on is clipped
NEAR_FULL_SCALE = 0.97  # where a format may end: 8 bits at 127/128, µ-law at 0.98
FLAT = 0.9999  # of the loudest sample: one from there on belongs to a flat top
OFFSET = 0.02  # of full scale: a mean beyond it drowns the lowest frequencies

ANTIPHASE = "channels in antiphase, of which the louder is taken"
OFFSET_REMOVED = "constant offset, taken off"
SCALED_DOWN = "beyond full scale, scaled down to it"


@dataclass(frozen=True)
class Sound:
    """What is measured of a waveform: duration in s, the others as fractions of it."""

    duration: float
    silence: float
    clipping: float


def measure(waveform: np.ndarray, sampling_rate: int = SAMPLING_RATE) -> Sound:
    """Return what counts of a waveform, float32 [n_samples]; a rest that fills no frame is left.

    A constant offset makes no sound.
    """
    size = max(1, round(FRAME * sampling_rate))
    frames = waveform[: len(waveform) // size * size].reshape(-1, size).astype(np.float64)
    frames -= frames.mean() if frames.size else 0.0
    loudness = np.sqrt((frames**2).mean(axis=1))
    loudest = loudness.max(initial=0.0)
    faint = np.abs(frames).max(initial=0.0) < FAINT
    return Sound(
        duration=len(waveform) / sampling_rate,
        silence=1.0 if faint else float((loudness < QUIET * loudest).mean()),
        clipping=clipping(waveform),
    )


def clipping(waveform: np.ndarray) -> float:
    """Return the fraction of the samples that lie at the ends of full scale."""
    return float((np.abs(waveform) >= CLIPPED).mean()) if len(waveform) else 0.0


def clipping_of_recording(channels: np.ndarray) -> float:
    """Return the clipping of the worst channel of float32 [n_samples, n_channels].

    What was clipped in a format of few bits, or as floats beyond full scale, has its flat tops
    elsewhere: they are looked for there.
    """
    worst = 0.0
    for channel in channels.T:
        clipped = np.zeros(len(channel), bool)
        for side in (channel, -channel):
            top = float(side.max(initial=0.0))
            if NEAR_FULL_SCALE <= top < CLIPPED or top > 1:
                clipped |= flat(side >= FLAT * top)
            else:
                clipped |= side >= CLIPPED
        worst = max(worst, float(clipped.mean()) if len(clipped) else 0.0)
    return worst


def flat(at_top: np.ndarray) -> np.ndarray:
    """Return which of the samples at the top, bool [n_samples], have a neighbour there."""
    before, after = np.pad(at_top, (1, 0))[:-1], np.pad(at_top, (0, 1))[1:]
    beside: np.ndarray = at_top & (before | after)
    return beside


def mend(channels: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return a recording's waveform, float32 [n_samples], and what was mended.

    ``channels``, float32 [n_samples, n_channels], are averaged, but where they cancel each other;
    an offset goes; what is beyond full scale, which a file of floats may be and no other file can,
    is scaled down as a whole.
    """
    mended = [ANTIPHASE] if in_antiphase(channels) else []
    waveform = mono(channels)
    mean = float(waveform.mean(dtype=np.float64)) if len(waveform) else 0.0
    loudest = float(np.abs(waveform).max(initial=0.0))
    if abs(mean) > OFFSET * max(1.0, loudest):
        mended.append(OFFSET_REMOVED)
        waveform = waveform - np.float32(mean)
        loudest = float(np.abs(waveform).max(initial=0.0))
    if loudest > 1:
        mended.append(SCALED_DOWN)
        waveform = waveform / np.float32(loudest)
    return waveform, mended
