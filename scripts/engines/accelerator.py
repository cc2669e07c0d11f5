"""The GPU, if there is one: device, precision and what to do when it is full."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from computing.processor import processor
from engines.engine import check_files
from errors import InputError

PRECISIONS = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


def device_and_precision(precision: str, on_gpu: str) -> tuple[torch.device, str]:
    """Return where to compute, and in what; "auto" is ``on_gpu`` there and fp32 on a CPU."""
    device = processor()
    if device.type == "cuda":
        return device, on_gpu if precision == "auto" else precision
    if precision == "fp16":
        raise InputError("--precision fp16: a CPU can't; use auto, fp32 or bf16, or run on a GPU")
    return device, "fp32" if precision == "auto" else precision


def check_model_folder(folder: Path, *more: str) -> list[Path]:
    """Return the files of a Hugging Face model: config.json, ``more`` and its weights.

    The weights are those that transformers prefers, safetensors before ``pytorch_model.bin``.
    """
    check_files([folder / "config.json", *(folder / name for name in more)])
    for pattern in ("model*.safetensors*", "pytorch_model*.bin*"):
        if weights := sorted(folder.glob(pattern)):
            return [folder / "config.json", *(folder / name for name in more), *weights]
    raise InputError(
        f"{folder}: neither model.safetensors nor pytorch_model.bin; fetch the engine's artifact"
        " (fetch.py)"
    )


def load_model(model_class: Any, folder: Path, device: torch.device, **options: object) -> Any:
    """Return a model of transformers, ready to speak; refuse a file that lacks parameters."""
    model, info = model_class.from_pretrained(
        folder, local_files_only=True, output_loading_info=True, **options
    )
    check_all_loaded(folder, info)
    return model.to(device).eval()


def check_all_loaded(folder: Path, info: dict[str, Sequence[str]]) -> None:
    """Raise ``InputError`` if transformers filled parameters that the file lacks with noise."""
    for kind in ("missing_keys", "mismatched_keys"):
        if wrong := sorted(map(str, info[kind])):
            raise InputError(
                f"{folder}: {len(wrong)} parameters are missing or of another shape, first"
                f" {wrong[0]}; fetch the engine's artifact again (fetch.py)"
            )


@contextmanager
def naming_full_gpu(batch_size: int) -> Iterator[None]:
    """Turn a full GPU into an ``InputError`` that says what helps."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"the GPU's memory is full ({reason}); lower --batch-size (now {batch_size})"
            " or use --precision fp16"
        ) from None
