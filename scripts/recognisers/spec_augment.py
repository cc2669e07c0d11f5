"""SpecAugment (Park et al. 2019, 1904.08779) on Whisper's features: masks, no warping."""

import torch

MASKS = 2  # of time, and as many of frequency, as in the paper's LibriSpeech policies
WIDEST_IN_TIME = 40  # frames of 10 ms
WIDEST_SHARE = 0.2  # of an utterance's frames
WIDEST_IN_FREQUENCY = 27 / 80  # of the mels, as in the paper
MASKED = 0.0  # about the middle of Whisper's features


def spec_augment(features: torch.Tensor) -> torch.Tensor:
    """Return features, float32 [batch, mels, frames], with random bands of them masked.

    Two masks of time, each at most 0.4 s and a fifth of the speech, and two of frequency, each at
    most a third of the mels; widths and places are drawn from PyTorch's generator. The zeros that
    an utterance is padded with are no speech.
    """
    masked = features.clone()
    mels, frames = features.shape[1:]
    silence = features.amin(dim=(1, 2), keepdim=True)
    ends = frames - (features > silence).any(dim=1).flip(1).float().argmax(dim=1)
    for row, end in zip(masked, ends.tolist(), strict=True):
        for _ in range(MASKS):
            start, width = draw(min(WIDEST_IN_TIME, int(WIDEST_SHARE * end)), end)
            row[:, start : start + width] = MASKED
            start, width = draw(int(WIDEST_IN_FREQUENCY * mels), mels)
            row[start : start + width] = MASKED
    return masked


def draw(widest: int, whole: int) -> tuple[int, int]:
    """Return the start and the width of a mask: 0 to ``widest`` of ``whole``."""
    width = int(torch.randint(widest + 1, ()))
    return int(torch.randint(whole - width + 1, ())), width
