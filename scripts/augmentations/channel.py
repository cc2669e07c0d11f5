"""The channel of a recording: band, noise, level and sampling rate, measured and laid over speech.

Waveforms are float32 [n_samples] at ``SAMPLING_RATE``. A spectrum has a level in dB for each of
``BANDS``, the mean power of a bin in it. Nothing is drawn here. Reverberation is not measured: of a
few words in noise there is no estimate to rely on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from augmentations.effects import TELEPHONE_RATE, rms, white_noise
from errors import InputError
from files.audio import SAMPLING_RATE, resample
from files.manifest import read_jsonl
from files.typed_json import typed

SIZE = 512  # samples of a frame, 32 ms; frames overlap by half
WINDOW = np.hanning(SIZE + 1)[:-1]
FREQUENCIES = np.fft.rfftfreq(SIZE, 1 / SAMPLING_RATE)  # Hz, of the bins
THIRD_OCTAVES = 1_000 * 2 ** (np.arange(-9, 10) / 3)  # Hz, 125 to 8,000 (IEC 61260, base 2)
EDGES = np.array([1, *THIRD_OCTAVES * 2 ** (-1 / 6), SAMPLING_RATE])  # Hz; 0 is in no band
BINS = ((EDGES[:-1, None] <= FREQUENCIES) & (EDGES[1:, None] > FREQUENCIES)).astype(float)
WIDTHS = BINS.sum(axis=1)  # bins of each band
BANDS = BINS @ FREQUENCIES / WIDTHS  # Hz, middles; 20 of them

ROUNDING = 1e-10  # mean power; 16 bits can't tell less from silence
QUIETEST = 0.1  # of the frames: what they have is noise
LOUDEST = 0.05  # of the frames: they have speech
SOFTEST = 15  # dB below these: speech that counts
LEAST_SPEECH = 0.1  # of the power of a band while someone speaks: what speech has at least
EMPTY = 1e-9  # mean power of what is not there: where 8 kHz have nothing, rounding makes 4e-11
EMPTY_ABOVE = 4_500  # Hz
MU = 255  # of mu-law
GAIN = (-60.0, 20.0)  # dB, lowest and highest

Spectrum = Sequence[float]


@dataclass(frozen=True)
class Channel:
    """What is measured of a recording.

    ``noise`` is the spectrum of the quietest frames, ``speech`` that of the others without it.
    While someone speaks, ``snr`` is the ratio of the two in dB, and ``level`` the RMS of both in dB
    of full scale. ``sampling_rate`` is 8,000 Hz where nothing is above 4,500 Hz, else 16,000.
    """

    speech: tuple[float, ...]
    noise: tuple[float, ...]
    snr: float
    level: float
    sampling_rate: int


def measure(waveform: np.ndarray) -> Channel:
    """Return the channel of a recording."""
    spectra = power_spectra(waveform)
    noise, heard = noise_in(spectra), speech_in(spectra)
    speech = np.maximum(heard - noise, LEAST_SPEECH * heard)
    above = np.quantile(spectra[:, FREQUENCIES > EMPTY_ABOVE].sum(axis=1), 0.9)  # clipping is rare
    return Channel(
        speech=in_bands(speech),
        noise=in_bands(noise),
        snr=round(float(decibels(speech.sum() / noise.sum())), 1),
        level=round(float(decibels(heard.sum())), 1),
        sampling_rate=TELEPHONE_RATE if above < EMPTY else SAMPLING_RATE,
    )


def power_spectra(waveform: np.ndarray) -> np.ndarray:
    """Return the power of the bins of each frame, float64 [n_frames, n_bins].

    A frame's sum is its mean power (Parseval), and that of rounding. Digital silence before and
    after the recording is left out.
    """
    padded = np.pad(waveform.astype(np.float64), (0, max(0, SIZE - len(waveform))))
    frames = sliding_window_view(padded, SIZE)[:: SIZE // 2] * WINDOW
    spectra: np.ndarray = np.abs(np.fft.rfft(frames)) ** 2 / (SIZE * np.sum(WINDOW**2))
    spectra[:, 1:-1] *= 2
    sounding = np.flatnonzero(spectra.sum(axis=1) > ROUNDING)
    first, last = (sounding[0], sounding[-1]) if len(sounding) else (0, 0)
    return spectra[first : last + 1] + ROUNDING / len(FREQUENCIES)


def noise_in(spectra: np.ndarray) -> np.ndarray:
    """Return the mean of the quietest frames, float64 [n_bins]."""
    order = np.argsort(spectra.sum(axis=1), kind="stable")
    noise: np.ndarray = spectra[order[: max(1, round(QUIETEST * len(order)))]].mean(axis=0)
    return noise


def speech_in(spectra: np.ndarray) -> np.ndarray:
    """Return the mean of the frames in which someone speaks, float64 [n_bins].

    In dB they are nearer to the loudest frames than to the noise, and near enough to be heard.
    """
    power = spectra.sum(axis=1)
    loud = np.quantile(power, 1 - LOUDEST)
    middle = np.sqrt(loud * noise_in(spectra).sum())
    least = min(loud, max(middle, loud * 10 ** (-SOFTEST / 10)))
    speech: np.ndarray = spectra[power >= least].mean(axis=0)
    return speech


def decibels(power: np.ndarray) -> np.ndarray:
    """Return powers as levels in dB."""
    levels: np.ndarray = 10 * np.log10(power)
    return levels


def in_bands(powers: np.ndarray) -> tuple[float, ...]:
    """Return the powers of bins, [n_bins], as a spectrum."""
    return tuple(decibels(BINS @ powers / WIDTHS).round(1).tolist())


def shape(spectrum: Spectrum) -> np.ndarray:
    """Return the powers of a spectrum, [n_bands], for a whole of 1."""
    powers = 10 ** (np.asarray(spectrum) / 10)
    relative: np.ndarray = powers / (powers @ WIDTHS)
    return relative


def average(spectra: Iterable[Spectrum]) -> Spectrum:
    """Return the mean of spectra, each taken as if it were as loud as the others."""
    mean: Spectrum = decibels(np.mean([shape(each) for each in spectra], axis=0)).tolist()
    return mean


def likeness(channel: Channel, clean: Spectrum) -> dict[str, Any]:
    """Return what makes clean speech like a recording: arguments of ``through_channel``.

    ``clean`` is the spectrum that such speech has on average: the equaliser makes it the
    recording's, within ``GAIN``.
    """
    gain = decibels(shape(channel.speech) / shape(clean))
    noise = np.subtract(channel.noise, max(channel.noise))
    return {
        "gain": gain.clip(*GAIN).round(1).tolist(),
        "noise": noise.clip(*GAIN).round(1).tolist(),
        "snr": channel.snr,
        "level": channel.level,
        "sampling_rate": channel.sampling_rate,
    }


def through_channel(
    waveform: np.ndarray,
    gain: Spectrum,
    noise: Spectrum,
    snr: float,
    level: float,
    sampling_rate: int,
    seed: int,
) -> np.ndarray:
    """Return speech through a channel (see ``Channel``), as long as it was.

    At 8 kHz it goes through the telephone's mu-law, whose noise is small: whether the recording did
    can't be told.
    """
    speech = equalise(waveform, gain)
    hiss = equalise(white_noise(len(waveform), seed), noise)
    spoken = np.sqrt(speech_in(power_spectra(speech)).sum())
    ratio = 10 ** (-snr / 20)
    mixed = speech / spoken + hiss * (ratio / rms(hiss))
    mixed *= 10 ** (level / 20) / np.hypot(1, ratio)
    output: np.ndarray = mixed / max(1, np.abs(mixed).max(initial=0.0))  # a codec would clip
    if sampling_rate == TELEPHONE_RATE:
        coded = mu_law(resample(output, SAMPLING_RATE, TELEPHONE_RATE).clip(-1, 1))
        output = resample(coded, TELEPHONE_RATE, SAMPLING_RATE)[: len(waveform)]
        output = np.pad(output, (0, len(waveform) - len(output)))
    return output.astype(np.float32)


def mu_law(waveform: np.ndarray) -> np.ndarray:
    """Return a waveform within full scale in 255 levels, dense about 0 (G.711, continuous)."""
    compressed = np.log1p(MU * np.abs(waveform)) / np.log1p(MU)
    levels = np.round(compressed * 127) / 127
    coded: np.ndarray = np.sign(waveform) * np.expm1(levels * np.log1p(MU)) / MU
    return coded.astype(np.float32)


def equalise(waveform: np.ndarray, gain: Spectrum) -> np.ndarray:
    """Return a waveform with a gain in each band (dB), without delay (linear phase).

    Between the middles of bands the gain changes in proportion to log frequency.
    """
    n_samples = len(waveform) + SAMPLING_RATE // 4  # no end is heard at the other end
    frequencies = np.fft.rfftfreq(n_samples, 1 / SAMPLING_RATE)
    levels = np.interp(np.log(np.maximum(frequencies, 1)), np.log(BANDS), gain)
    spectrum = np.fft.rfft(waveform, n_samples) * 10 ** (levels / 20)
    equalised: np.ndarray = np.fft.irfft(spectrum, n_samples)[: len(waveform)]
    return equalised.astype(np.float32)


def channels_by_id(path: str | Path) -> dict[str, Channel]:
    """Return the channels of a file of channels.py, by the id of the recording."""
    remedy = "make it with channels.py"
    channels = {}
    for row in read_jsonl(path, {"id": str}):
        channel = typed(Channel, row, path, remedy, row["id"])
        if {len(channel.speech), len(channel.noise)} != {len(BANDS)}:
            raise InputError(
                f"{path}: {row['id']}: a spectrum has not {len(BANDS)} bands; {remedy}"
            )
        channels[row["id"]] = channel
    if not channels:
        raise InputError(f"{path}: has no recording; {remedy}")
    return channels
