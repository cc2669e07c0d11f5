"""A factor of its own for the cross-attention, through which the decoder hears the encoder."""

from collections.abc import Sequence

import torch

from merging.parameter import Parameter

NAMES = (".encoder_attn.", ".encoder_attn_layer_norm.")  # in Whisper's decoder


def merge(vectors: Sequence[torch.Tensor], parameter: Parameter, factor: float) -> torch.Tensor:
    """Return the mean of the vectors, where it is of the cross-attention times ``factor``."""
    mean = torch.stack(list(vectors)).mean(0)
    return factor * mean if any(name in parameter.name for name in NAMES) else mean
