"""What befalls speech between a mouth and a recogniser: speed, room, noise, telephone.

Waveforms are float32 [n_samples] at ``SAMPLING_RATE``. Nothing is drawn here: who calls decides
all, and gets the same samples for the same arguments. speechbrain does what it has a part for; it
is imported where it is used, because that takes seconds.
"""

import numpy as np

from augmentations.settings import Codec
from files.audio import SAMPLING_RATE, resample

TELEPHONE_RATE = 8_000  # Hz
TELEPHONE_BAND = (300, 3_400)  # Hz
CODECS: dict[Codec, str] = {
    "gsm": "GSM610",
    "mu-law": "ULAW",
    "a-law": "ALAW",
}  # libsndfile's names in a WAV file
FRAME = 0.02  # s, in which digital silence is looked for


def change_speed(waveform: np.ndarray, factor: float) -> np.ndarray:
    """Return speech ``factor`` times as fast and as high, in steps of 0.01 (Ko et al. 2015)."""
    import torch
    from speechbrain.augment.time_domain import SpeedPerturb

    perturb = SpeedPerturb(SAMPLING_RATE, [round(100 * factor)])
    changed: np.ndarray = perturb(torch.tensor(waveform)[None])[0].numpy()
    return changed


def reverberate(waveform: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Return speech in the room of an impulse response, as long and as loud (RMS) as it was.

    The response's loudest tap, the direct sound, is put at time 0, so words stay where they are.
    """
    import torch
    from speechbrain.processing.signal_processing import reverberate

    # speechbrain convolves in a circle: without a pause the last word would echo in the first.
    # Round lengths are fast to transform.
    pause = len(response) + -(len(waveform) + len(response)) % 1_000
    padded = torch.tensor(np.pad(waveform, (0, pause)))
    echoes = reverberate(padded[None], torch.tensor(response), rescale_amp=None)
    echoes = echoes[0, : len(waveform)].numpy()
    reverberated: np.ndarray = echoes * (rms(waveform) / max(rms(echoes), np.float32(1e-9)))
    return reverberated


def simulated_room(rt60: float, drr: float, seed: int) -> np.ndarray:
    """Return an impulse response: the direct sound, then noise that decays by 60 dB in ``rt60`` s.

    That late reverberation sounds like decaying noise is Moorer's model (1979). Its energy is
    ``drr`` dB (direct-to-reverberant ratio) below that of the direct sound.
    """
    times = np.arange(1, round(rt60 * SAMPLING_RATE)) / SAMPLING_RATE
    tail = np.random.default_rng(seed).standard_normal(len(times)) * 10 ** (-3 * times / rt60)
    tail *= 10 ** (-drr / 20) / np.linalg.norm(tail)
    return np.concatenate([[1.0], tail]).astype(np.float32)


def add_noise(waveform: np.ndarray, noise: np.ndarray, snr: float) -> np.ndarray:
    """Return speech with noise of the same length, at a ratio of their mean powers in dB.

    speechbrain turns the speech down as it turns the noise up: the mix is never louder than both.
    """
    import torch
    from speechbrain.augment.time_domain import AddNoise

    mix = AddNoise(snr_low=snr, snr_high=snr, noise_funct=lambda _: torch.tensor(noise)[None])
    mixed: np.ndarray = mix(torch.tensor(waveform)[None], torch.ones(1))[0].numpy()
    return mixed


def white_noise(n_samples: int, seed: int) -> np.ndarray:
    """Return Gaussian noise of the same power at all frequencies."""
    return np.random.default_rng(seed).standard_normal(n_samples).astype(np.float32)


def excerpt(noise: np.ndarray, n_samples: int, start: float) -> np.ndarray:
    """Return ``n_samples`` of a noise, repeated if it is too short.

    ``start`` in [0, 1) says where, of the first to the last place at which they all fit. Digital
    silence is left out (in whole frames), for no gain makes noise of it; not all may be silence.
    """
    size = round(FRAME * SAMPLING_RATE)
    frames = np.pad(noise, (0, -len(noise) % size)).reshape(-1, size)
    sounding = frames[frames.any(axis=1)].ravel()
    places = max(1, len(sounding) - n_samples + 1)
    return np.resize(sounding[int(start * places) :], n_samples)


def telephone(waveform: np.ndarray, codec: Codec) -> np.ndarray:
    """Return speech through a telephone, 300 to 3,400 Hz and then a codec, as long as it was."""
    import torch
    from speechbrain.augment.codec import CodecAugment

    narrow = resample(waveform, SAMPLING_RATE, TELEPHONE_RATE)
    # libsndfile's codecs wrap around beyond full scale, where a telephone's saturate
    narrow = np.clip(band_pass(narrow, TELEPHONE_RATE, *TELEPHONE_BAND), -1, 1)
    line = CodecAugment(TELEPHONE_RATE)
    coded = line.apply_codec(torch.tensor(narrow), format="WAV", encoder=CODECS[codec]).numpy()
    output = resample(coded, TELEPHONE_RATE, SAMPLING_RATE)[: len(waveform)]
    return np.pad(output, (0, len(waveform) - len(output)))


def band_pass(waveform: np.ndarray, sampling_rate: int, low: float, high: float) -> np.ndarray:
    """Return float32 [n_samples] with what is outside of low to high (Hz) faded out.

    The edges are raised cosines of 100 Hz, centred on the bounds.
    """
    frequencies = np.fft.rfftfreq(len(waveform), 1 / sampling_rate)
    rising = np.clip((frequencies - low) / 100 + 0.5, 0, 1)
    falling = np.clip((high - frequencies) / 100 + 0.5, 0, 1)
    gain = 0.25 * (1 - np.cos(np.pi * rising)) * (1 - np.cos(np.pi * falling))
    return np.fft.irfft(np.fft.rfft(waveform) * gain, len(waveform)).astype(np.float32)


def rms(waveform: np.ndarray) -> np.float32:
    """Return the root of the mean of the squares."""
    return np.float32(np.sqrt(np.mean(np.square(waveform, dtype=np.float64))))
