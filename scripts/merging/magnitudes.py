"""Values of a tensor by their rank in magnitude."""

import torch


def ranked(tensor: torch.Tensor, first: int, last: int) -> torch.Tensor:
    """Return bool of the tensor's shape: where its values of these ranks are.

    Ranks count from 1, the smallest magnitude. A value that is as large as one of them is there,
    too, so that the order of equal values does not matter.
    """
    sizes = tensor.abs().flatten()
    low, high = (sizes.kthvalue(rank).values for rank in (first, last))
    return ((sizes >= low) & (sizes <= high)).view_as(tensor)
