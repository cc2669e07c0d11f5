"""TIES (Yadav et al. 2023, arXiv 2306.01708): trim, elect signs, and take the disjoint mean."""

from collections.abc import Sequence

import torch

from merging.magnitudes import ranked
from merging.parameter import Parameter


def merge(
    vectors: Sequence[torch.Tensor], parameter: Parameter, density: float = 0.2
) -> torch.Tensor:
    """Return the mean of the largest values of those vectors that agree with the sum in sign.

    Of each vector's values a share ``density`` is kept, the authors' 20 % by default: of this
    parameter's, as mergekit does, where the authors rank all of a model's together.
    """
    trimmed = torch.stack([trim(vector, density) for vector in vectors])
    positive = trimmed.sum(0) >= 0
    agrees = torch.where(positive, trimmed > 0, trimmed < 0)
    return (trimmed * agrees).sum(0) / agrees.sum(0).clamp(min=1)


def trim(vector: torch.Tensor, density: float) -> torch.Tensor:
    """Return a vector with 0 in place of all but its largest values, one of them at least."""
    count = vector.numel()
    kept = max(1, int(density * count))
    return vector * ranked(vector, count - kept + 1, count)
