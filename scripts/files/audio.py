"""Audio in and out: mono float32 waveforms at one sampling rate."""

import io
from pathlib import Path

import numpy as np
import soundfile
import soxr

from files.atomic import atomic_path
from files.sound_file import read_channels

SAMPLING_RATE = 16_000  # Hz, of every model and of every file that the workflow writes


def load_audio(path: str | Path, sampling_rate: int = SAMPLING_RATE) -> np.ndarray:
    """Return a file's waveform: float32 [n_samples], made ``mono``, at ``sampling_rate`` Hz."""
    channels, rate = read_channels(path)
    return resample(mono(channels), rate, sampling_rate)


def mono(channels: np.ndarray) -> np.ndarray:
    """Return the mean of float32 [n_samples, n_channels]; of channels in antiphase, the loudest."""
    if in_antiphase(channels):
        loudest: np.ndarray = channels[:, channels.var(axis=0, dtype=np.float64).argmax()]
        return loudest
    average: np.ndarray = channels.mean(axis=1)
    return average


def in_antiphase(channels: np.ndarray) -> bool:
    """Say whether channels cancel each other when they are averaged; constant offsets don't count.

    Of n channels that have nothing to do with each other, or of which one sounds alone, the mean
    keeps 1/n of the energy; it is less than half of that only if they are opposed.
    """
    if channels.shape[1] == 1 or not len(channels):
        return False
    kept = channels.mean(axis=1, dtype=np.float64).var()
    return bool(kept < channels.var(axis=0, dtype=np.float64).mean() / (2 * channels.shape[1]))


def resample(waveform: np.ndarray, from_rate: int, to_rate: int = SAMPLING_RATE) -> np.ndarray:
    """Return float32 [n_samples] at ``to_rate`` Hz, band-limited (soxr, high quality)."""
    if from_rate == to_rate:
        return waveform.astype(np.float32, copy=False)
    given = waveform.astype(np.float32, copy=False)
    resampled: np.ndarray = soxr.resample(given, from_rate, to_rate, quality="HQ")
    return resampled


def save_audio(path: str | Path, waveform: np.ndarray, sampling_rate: int = SAMPLING_RATE) -> float:
    """Write float32 [n_samples] as 16-bit FLAC, whole or not at all; return its duration in s."""
    content = io.BytesIO()  # libsndfile itself may leave a full disk's error out
    soundfile.write(
        content, np.clip(waveform, -1, 1), sampling_rate, format="FLAC", subtype="PCM_16"
    )
    with atomic_path(path) as temporary:
        temporary.write_bytes(content.getvalue())
    return len(waveform) / sampling_rate
