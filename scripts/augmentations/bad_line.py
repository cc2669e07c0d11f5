"""A bad telephone line, simulated: other talkers and hiss behind the speech, then the telephone.

Waveforms are float32 [n_samples] at ``SAMPLING_RATE``. What an utterance gets is
drawn from a seed, its id and the number of recordings to draw from; ``bad_line`` draws nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augmentations.effects import (
    TELEPHONE_BAND,
    add_noise,
    band_pass,
    excerpt,
    rms,
    telephone,
    white_noise,
)
from files.audio import SAMPLING_RATE

TALKERS = 4  # behind the speech, each as loud as the others
HISS = 0.5  # RMS of white noise, of that of the talkers together
SNR = (12.0, 25.0)  # dB, of the speech to all of these, within the telephone's band
PEAK = 0.5  # of full scale, what the loudest sample is when it enters the codec


@dataclass(frozen=True)
class Line:
    """What is drawn for an utterance.

    ``talkers`` are positions in a list of recordings, one more than are needed: the utterance's own
    may be among them. ``snr`` is in dB.
    """

    snr: float
    talkers: tuple[int, ...]
    seed: int  # of the hiss


def draw_line(id: str, n_recordings: int, seed: int) -> Line:
    """Return the line of an utterance, of ``n_recordings`` (more than ``TALKERS``) to draw from."""
    digest = hashlib.sha256(f"{seed}\0{id}\0line".encode()).digest()
    random = np.random.default_rng(int.from_bytes(digest, "big"))
    snr = round(float(random.uniform(*SNR)), 1)
    talkers = random.choice(n_recordings, TALKERS + 1, replace=False)
    return Line(snr, tuple(map(int, talkers)), int(random.integers(2**32)))


def bad_line(
    speech: np.ndarray, talkers: Sequence[np.ndarray], snr: float, seed: int
) -> np.ndarray:
    """Return speech at the other end of a bad line, as long as it was.

    ``talkers`` are repeated, or cut, to its length. It goes through band, noise and mu-law codec.
    """
    hiss = white_noise(len(speech), seed)
    babble = np.sum([unit(excerpt(each, len(speech), 0)) for each in talkers], axis=0)
    noise = unit(in_band(babble)) + HISS * unit(in_band(hiss))
    mixed = add_noise(in_band(speech), noise, snr)
    loudest = max(np.abs(mixed).max(initial=0.0), np.float32(1e-9))
    return telephone(mixed * (PEAK / loudest), "mu-law")


def in_band(waveform: np.ndarray) -> np.ndarray:
    """Return what of a waveform a telephone lets pass."""
    return band_pass(waveform, SAMPLING_RATE, *TELEPHONE_BAND)


def unit(waveform: np.ndarray) -> np.ndarray:
    """Return a waveform as loud as an RMS of 1; digital silence as it is."""
    return waveform / max(rms(waveform), np.float32(1e-9))
