"""Iso-C (Marczak et al. 2025, arXiv 2502.04959): the sum, as long in each of its directions."""

from collections.abc import Sequence

import torch

from merging.parameter import Parameter


def merge(vectors: Sequence[torch.Tensor], parameter: Parameter) -> torch.Tensor:
    """Return the sum of matrices, each of its singular values replaced by their mean.

    What is no matrix is averaged, as the authors do.
    """
    together = torch.stack(list(vectors))
    if vectors[0].ndim != 2:
        return together.mean(0)
    left, values, right = torch.linalg.svd(together.sum(0), full_matrices=False)
    return torch.matmul(values.mean() * left, right)
