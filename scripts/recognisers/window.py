"""The audio window of a Whisper: the position table cut to it."""

import torch
from transformers import WhisperForConditionalGeneration

from errors import InputError
from files.audio import SAMPLING_RATE
from recognisers.log_mel import HOP_LENGTH

FRAMES_PER_POSITION = 2  # the encoder's second convolution has stride 2
POSITIONS_PER_SECOND = SAMPLING_RATE // (HOP_LENGTH * FRAMES_PER_POSITION)  # 50
WHISPER_WINDOW = 30.0  # s, of the published models


def crop_window(model: WhisperForConditionalGeneration, window: float) -> torch.Tensor:
    """Use the first ``window`` seconds of the encoder's position table only; return all of it.

    The table is sinusoidal and not trained, so its first rows mean the same in a shorter window.
    Raises ``InputError`` for a window beyond the table or not a multiple of 0.02 s.
    """
    encoder = model.model.encoder
    table: torch.Tensor = encoder.embed_positions.weight.data
    positions = round(window * POSITIONS_PER_SECOND)
    if not 0 < positions <= len(table) or abs(positions / POSITIONS_PER_SECOND - window) > 1e-6:
        raise InputError(
            f"window: {window} s is not a multiple of {1 / POSITIONS_PER_SECOND} s"
            f" between 0 and the model's {len(table) / POSITIONS_PER_SECOND:g} s"
        )
    encoder.embed_positions = torch.nn.Embedding.from_pretrained(table[:positions])
    encoder.max_source_positions = positions
    model.config.max_source_positions = positions
    return table
