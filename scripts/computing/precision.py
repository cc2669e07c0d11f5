"""In which precision matrix products are computed."""

import torch

from computing.precisions import Precision, PrecisionChoice

PRECISIONS: dict[Precision, torch.dtype] = {"bf16": torch.bfloat16, "fp32": torch.float32}


def precision_of(choice: PrecisionChoice, device: str) -> torch.dtype:
    """Return the dtype of matrix products: ``auto`` is bf16 where that is faster than fp32.

    On CPUs that means AMX. With the bf16 instructions of AVX-512 alone, Intel's multiply no faster
    than in fp32; AMD's Zen 4 does, but its attention gains nothing, and a tenth to a fifth of the
    time is too little to change results for unasked (benchmarks/README.md).
    """
    if choice != "auto":
        return PRECISIONS[choice]
    on_gpu = device.startswith("cuda")
    if on_gpu:  # older ones emulate it, slowly
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if fast else torch.float32


def name_of(precision: torch.dtype) -> Precision:
    """Return how a precision is called in options and records, where ``auto`` says nothing."""
    return next(name for name, dtype in PRECISIONS.items() if dtype == precision)


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Return the context in which a float32 model's products are computed in ``precision``."""
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)
