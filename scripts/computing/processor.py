"""What networks are computed on, and how much of that is the same each time.

On a CPU a command gives the same bytes again, on one kind of machine, with the same packages and
number of threads. On a GPU it does as far as PyTorch can: cuBLAS gets a workspace of fixed size,
without which it may add up in another order each time, and training asks for deterministic
algorithms. Where PyTorch has none it warns in the log, and the last bits differ from run to run:
the gradients of CTC's loss, and of attention in fp32. Another kind of GPU, or another number of
them, adds up in another order anyway.
"""

import os

import torch

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # it counts when cuBLAS starts


def processor() -> torch.device:
    """Return the GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def kind_of(device: torch.device) -> str:
    """Return what of a machine changes results: the kind of its GPU, or what its CPU can do."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    amx = " AMX" if torch.cpu._is_amx_tile_supported() else ""
    return f"{device.type} {torch.backends.cpu.get_cpu_capability()}{amx}"


def ask_for_determinism() -> None:
    """Have PyTorch take deterministic algorithms, and warn where it has none."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    # it only shows where that is read; the module gets it from a class of its own
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
