"""The values of a model's parameters: finite numbers, of a size that a model can have."""

import math
from collections.abc import Mapping
from pathlib import Path

import torch

from errors import InputError

LARGEST = 1e9


def check_values(tensors: Mapping[str, torch.Tensor], place: str | Path) -> None:
    """Refuse weights of which a value is no finite number, or is larger than any model has."""
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or not tensor.numel():
            continue
        largest = max(map(abs, torch.stack(tensor.aminmax()).tolist()))
        if not largest <= LARGEST:
            finite = "values that are not finite numbers"
            has = f"values up to {largest:.0e}" if math.isfinite(largest) else finite
            raise InputError(
                f"{place}: parameter {name!r} has {has}; its weights are damaged: fetch it again,"
                " or train it again"
            )
