"""SLERP (Shoemake 1985): from one vector to another along an arc, not along the chord."""

from collections.abc import Sequence

import torch

from merging.parameter import Parameter

PARALLEL = 0.9995  # the absolute cosine from which the chord is taken, as mergekit does


def merge(vectors: Sequence[torch.Tensor], parameter: Parameter, way: float = 0.5) -> torch.Tensor:
    """Return the point at ``way`` (0 to 1) of the arc from the first vector to the second."""
    first, second = vectors
    cosine = float((unit(first) * unit(second)).sum().clamp(-1, 1))
    if abs(cosine) > PARALLEL:
        return (1 - way) * first + way * second
    angle = torch.acos(torch.tensor(cosine))
    parts = torch.sin((1 - way) * angle) * first + torch.sin(way * angle) * second
    return parts / torch.sin(angle)


def unit(vector: torch.Tensor) -> torch.Tensor:
    """Return a vector of length 1 in its direction; 0 stays 0."""
    length = vector.norm()
    return vector / length if length > 0 else vector
