"""Our log-mel features against transformers' ``WhisperFeatureExtractor``."""

import numpy as np
import pytest
import torch
from transformers import WhisperFeatureExtractor

from recognisers.log_mel import log_mel


def speech(samples: int, seed: int = 0) -> np.ndarray:
    """Return noise with pauses and a slow swell, float32 [samples]: of very unlike loudness."""
    time = np.arange(samples) / 16_000
    noise = np.random.default_rng(seed).standard_normal(samples)
    return (noise * np.sin(3 * time) ** 8 * 0.3).astype(np.float32)


def both(waveform: np.ndarray, window: float, mels: int = 80) -> tuple[torch.Tensor, torch.Tensor]:
    extractor = WhisperFeatureExtractor(feature_size=mels)
    samples = round(window * 16_000)
    theirs = extractor(
        waveform, sampling_rate=16_000, max_length=samples, truncation=True, return_tensors="pt"
    ).input_features[0]
    filters = torch.from_numpy(extractor.mel_filters.T).float()
    return log_mel(waveform, filters, samples), theirs


@pytest.mark.parametrize("mels", [80, 128])
@pytest.mark.parametrize("window", [1.0, 3.02, 15.0, 30.0])
@pytest.mark.parametrize("samples", [1, 159, 201, 1601, 15_999, 47_000, 480_000])
def test_features_are_those_of_transformers_to_1e_4(samples, window, mels):
    ours, theirs = both(speech(samples), window, mels)
    assert ours.shape == theirs.shape == (mels, round(window * 100))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize("short_of_the_window", [0, 1, 39, 40, 41, 200, 201, 360])
def test_audio_that_ends_near_the_windows_end_is_mirrored_there_as_in_transformers(
    short_of_the_window,
):
    waveform = np.ones(16_000 - short_of_the_window, dtype=np.float32)
    ours, theirs = both(waveform, 1.0)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


def test_silence_alone_is_the_same_everywhere():
    ours, theirs = both(np.zeros(8_000, dtype=np.float32), 2.0)
    assert torch.equal(ours, theirs) and (ours == -1.5).all()


def test_what_follows_quiet_audio_is_silence_and_not_eight_powers_of_ten_below_it():
    ours, theirs = both(speech(8_000) * 1e-4, 2.0)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)
    assert (ours[:, -1] == -1.5).all()
