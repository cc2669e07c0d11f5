"""TSV-Merge (Gargiulo et al. 2025, arXiv 2412.00081): singular vectors, made orthogonal."""

from collections.abc import Sequence

import torch

from merging.parameter import Parameter


def merge(vectors: Sequence[torch.Tensor], parameter: Parameter) -> torch.Tensor:
    """Return a matrix of the first 1/n of the singular vectors of each of n matrices.

    All left ones together are replaced by the nearest matrix with orthogonal columns (Procrustes),
    and so are the right ones; singular values stay. It is a sum, not a mean: a vector of several
    matrices in different directions is as long as all of them. What is no matrix is averaged.
    """
    if vectors[0].ndim != 2:
        return torch.stack(list(vectors)).mean(0)
    rank = max(1, min(vectors[0].shape) // len(vectors))
    decompositions = [torch.linalg.svd(vector, full_matrices=False) for vector in vectors]
    left = torch.cat([each.U[:, :rank] for each in decompositions], 1)
    values = torch.cat([each.S[:rank] for each in decompositions])
    right = torch.cat([each.Vh[:rank] for each in decompositions])
    return orthogonal(left) * values @ orthogonal(right)


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Return the nearest matrix with orthogonal columns, or rows, of length 1."""
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    return torch.matmul(left, right)
