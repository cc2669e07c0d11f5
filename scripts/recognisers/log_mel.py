"""The log-mel features of Whisper: what its feature extractor gives, at less cost.

Only frames that hear some of the audio are computed; in the silence behind it, up to the end of the
window, all are alike.
"""

import numpy as np
import torch

FRAME_LENGTH = 400  # samples that a frame hears, half of them before its time
HOP_LENGTH = 160  # samples from one frame to the next
SMALLEST = -10.0  # log10 of the power that stands for silence
RANGE = 8.0  # powers of ten below the loudest; what is quieter is raised to that


def log_mel(waveform: np.ndarray, filters: torch.Tensor, samples: int) -> torch.Tensor:
    """Return float32 [mels, samples / 160] of a 16 kHz waveform, zero-padded or cut to ``samples``.

    ``filters`` is float32 [mels, 201]. No noise is added (``dither``). Values are within 1e-4 of
    those of ``WhisperFeatureExtractor``.
    """
    frames = -(-(len(waveform) + FRAME_LENGTH // 2) // HOP_LENGTH)
    padded = torch.zeros(min(samples, frames * HOP_LENGTH))
    padded[: len(waveform)] = torch.from_numpy(waveform[: len(padded)])
    spectrum = torch.stft(
        padded,
        FRAME_LENGTH,
        HOP_LENGTH,
        window=torch.hann_window(FRAME_LENGTH),
        return_complex=True,
    )[:, :-1]
    power = filters @ (spectrum.real.square() + spectrum.imag.square())
    loudness = power.log10().clamp(min=SMALLEST)
    floor = max(loudness.max().item() - RANGE, SMALLEST)
    features = torch.full((len(filters), samples // HOP_LENGTH), floor)
    features[:, : loudness.shape[1]] = loudness.clamp(min=floor)
    return features.add_(4.0).div_(4.0)
