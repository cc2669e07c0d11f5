"""LiNeS (Wang et al. 2025, arXiv 2410.17146): the deeper a layer, the more of the vector."""

from collections.abc import Sequence

import torch

from merging.parameter import Parameter


def merge(
    vectors: Sequence[torch.Tensor], parameter: Parameter, shallow: float = 0.0
) -> torch.Tensor:
    """Return the mean of the vectors times a factor that rises with depth, up to 1.

    It is ``shallow`` (the authors' alpha) in the first layer of the encoder, in that of the
    decoder, and outside of layers; and 1 in the last layer of each.
    """
    factor = shallow + (1 - shallow) * (parameter.depth or 0)
    return factor * torch.stack(list(vectors)).mean(0)
