"""In which precision matrix products are computed."""

import torch


def precision_of(choice: str, device: str) -> torch.dtype:
    """Return the dtype of matrix products: ``auto`` is bf16 where the hardware multiplies in it."""
    if choice != "auto":
        return {"bf16": torch.bfloat16, "fp32": torch.float32}[choice]
    fast = torch.cuda.is_bf16_supported() if device.startswith("cuda") else _cpu_multiplies_bf16()
    return torch.bfloat16 if fast else torch.float32


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Return the context in which a float32 model's products are computed in ``precision``."""
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)


def _cpu_multiplies_bf16() -> bool:
    capability = torch.backends.cpu.get_cpu_capability()
    return capability.startswith("AVX512") and torch.cpu._is_avx512_bf16_supported()
