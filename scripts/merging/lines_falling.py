"""LiNeS upside down: the deeper a layer, the less of the vector.

Of real and synthetic speech the sound differs, which the first layers hear.
"""

from collections.abc import Sequence

import torch

from merging.parameter import Parameter


def merge(vectors: Sequence[torch.Tensor], parameter: Parameter, deep: float = 0.0) -> torch.Tensor:
    """Return the mean of the vectors times a factor that falls with depth, from 1.

    It is 1 in the first layer of the encoder, in that of the decoder, and outside of layers; and
    ``deep`` in the last layer of each.
    """
    factor = 1 - (1 - deep) * (parameter.depth or 0)
    return factor * torch.stack(list(vectors)).mean(0)
