"""Model Stock (Jang et al. 2024, arXiv 2403.19522): the mean, drawn back by the angles between."""

from collections.abc import Sequence
from itertools import combinations

import torch
from torch.nn.functional import cosine_similarity

from merging.parameter import Parameter


def merge(vectors: Sequence[torch.Tensor], parameter: Parameter) -> torch.Tensor:
    """Return the mean of n vectors times n c / (1 + (n - 1) c), the authors' eq. 5.

    c is the mean cosine of each two of them, of this parameter; below 0, where the formula would
    turn the mean round, 0 is taken.
    """
    flat = [vector.flatten() for vector in vectors]
    cosines = [cosine_similarity(*pair, dim=0) for pair in combinations(flat, 2)]
    cosine = torch.stack(cosines).mean().clamp(min=0)
    ratio = len(vectors) * cosine / (1 + (len(vectors) - 1) * cosine)
    return ratio * torch.stack(list(vectors)).mean(0)
