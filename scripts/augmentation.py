"""What is done to clean speech so that it sounds as if it came through a channel."""

import io
from collections.abc import Callable

import numpy as np
import soundfile

from audio import resample

TELEPHONE_RATE = 8_000  # Hz
TELEPHONE_BAND = (300, 3_400)  # Hz
MU = 255


def telephone(waveform: np.ndarray, sampling_rate: int, seed: int) -> np.ndarray:
    """Return speech through a telephone: 300 to 3,400 Hz, then GSM or mu-law, as the seed says."""
    narrow = resample(waveform, sampling_rate, TELEPHONE_RATE)
    narrow = band_pass(narrow, TELEPHONE_RATE, *TELEPHONE_BAND)
    coded = gsm(narrow, TELEPHONE_RATE) if seed % 2 else mu_law(narrow)
    return resample(coded, TELEPHONE_RATE, sampling_rate)


def none(waveform: np.ndarray, sampling_rate: int, seed: int) -> np.ndarray:
    """Return the waveform as it is."""
    return waveform


AUGMENTATIONS: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "none": none,
    "telephone": telephone,
}


def band_pass(waveform: np.ndarray, sampling_rate: int, low: float, high: float) -> np.ndarray:
    """Return float32 [n_samples] with what is outside of low to high (Hz) faded out.

    The edges are raised cosines of 100 Hz, centred on the bounds.
    """
    frequencies = np.fft.rfftfreq(len(waveform), 1 / sampling_rate)
    rising = np.clip((frequencies - low) / 100 + 0.5, 0, 1)
    falling = np.clip((high - frequencies) / 100 + 0.5, 0, 1)
    gain = 0.25 * (1 - np.cos(np.pi * rising)) * (1 - np.cos(np.pi * falling))
    return np.fft.irfft(np.fft.rfft(waveform) * gain, len(waveform)).astype(np.float32)


def mu_law(waveform: np.ndarray) -> np.ndarray:
    """Return the waveform after 8-bit mu-law coding (ITU-T G.711, its continuous formula)."""
    clipped = np.clip(waveform, -1, 1)
    compressed = np.sign(clipped) * np.log1p(MU * np.abs(clipped)) / np.log1p(MU)
    coded = np.round(compressed * 127) / 127
    return (np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(MU)) / MU).astype(np.float32)


def gsm(waveform: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Return the waveform after GSM 06.10 full-rate coding (13 kbit/s), as long as it was."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(waveform, -1, 1), sampling_rate, format="WAV", subtype="GSM610")
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    return np.pad(decoded, (0, max(0, len(waveform) - len(decoded))))[: len(waveform)]
