"""The door for checkpoints: files of tensors, of which none is run, whole and without pipes.

It lies below all that read some: recognisers, engines, training and task vectors.
"""

from pathlib import Path
from typing import Any

from files.regular import REMEDY, Unreadable, check_regular


def check_tensors(path: str | Path, remedy: str = REMEDY) -> None:
    """Raise ``Unreadable`` unless a file is whole in safetensors' format; its header alone is read.

    The library sees to it that names stand once, and tensors lie without gaps up to the file's end.
    """
    from safetensors import SafetensorError, safe_open

    check_regular(path, remedy)
    try:
        with safe_open(path, framework="np"):
            pass
    except (SafetensorError, OSError) as error:
        raise _not_whole(path, error, remedy) from None


def read_tensors(path: str | Path, remedy: str = REMEDY) -> dict[str, Any]:
    """Return the numpy arrays of a safetensors file, by name."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    check_regular(path, remedy)
    try:
        return load_file(path)
    except (SafetensorError, OSError, TypeError, KeyError) as error:  # a type that numpy has not
        raise _not_whole(path, error, remedy) from None


def read_pickled(path: str | Path, remedy: str = REMEDY) -> Any:
    """Return what PyTorch saved, tensors and plain values only, on the CPU."""
    import torch

    check_regular(path, remedy)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is not a checkpoint
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        message = f"not a checkpoint of tensors only ({reason})"
        raise Unreadable(path, reason, remedy, message) from None


def check_folder(folder: str | Path, remedy: str = REMEDY) -> None:
    """Raise ``Unreadable`` for what is no file in a checkpoint's folder, which a library reads."""
    for path in sorted(Path(folder).iterdir()) if Path(folder).is_dir() else []:
        if not path.is_dir():
            check_regular(path, remedy)


def _not_whole(path: str | Path, error: Exception, remedy: str) -> Unreadable:
    return Unreadable(path, str(error), remedy, f"not a whole safetensors file ({error})")
