"""Breadcrumbs (Davari and Belilovsky 2024, arXiv 2312.06795): no outliers, no small values."""

from collections.abc import Sequence

import torch

from merging.magnitudes import ranked
from merging.parameter import Parameter

OUTLIERS = 0.007  # share of the largest values, which are left out: the authors' gamma is 99.3 %


def merge(
    vectors: Sequence[torch.Tensor], parameter: Parameter, density: float = 0.143
) -> torch.Tensor:
    """Return the mean of the vectors, of each only the values below its outliers.

    Of this parameter's values a share ``density`` is kept, so that by default the smallest 85 %
    become 0, too (the authors' beta). Where no room is left for outliers, fewer are left out.
    """
    return torch.stack([sift(vector, density) for vector in vectors]).mean(0)


def sift(vector: torch.Tensor, density: float) -> torch.Tensor:
    """Return a vector with 0 in place of its largest and its smallest values."""
    count = vector.numel()
    kept = max(1, int(density * count))
    below = max(0, count - kept - int(OUTLIERS * count))
    return vector * ranked(vector, below + 1, below + kept)
