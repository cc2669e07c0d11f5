"""DARE (Yu et al. 2024, arXiv 2311.03099): drop values at random, and rescale the others."""

import hashlib
from collections.abc import Sequence

import torch

from merging.parameter import Parameter


def merge(
    vectors: Sequence[torch.Tensor], parameter: Parameter, density: float = 0.1
) -> torch.Tensor:
    """Return the mean of the vectors, of each a share ``density`` of its values over ``density``.

    The authors drop 90 % and more. What is drawn depends on the parameter's name alone.
    """
    generator = torch.Generator().manual_seed(seed_of(parameter.name))
    kept = [
        torch.bernoulli(torch.full_like(vector, density), generator=generator) for vector in vectors
    ]
    return (torch.stack(kept) * torch.stack(list(vectors))).mean(0) / density


def seed_of(name: str) -> int:
    """Return the seed of a parameter's draws."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
