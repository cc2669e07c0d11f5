"""The door for checkpoints: files of tensors, of which none is run, whole and without pipes.

It lies below all that read some: recognisers, engines, training and task vectors.
"""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from errors import InputError
from files.json_file import read_object
from files.regular import REMEDY, Unreadable, check_regular

INDEX, OLD_INDEX = "model.safetensors.index.json", "pytorch_model.bin.index.json"


def check_tensors(path: str | Path, remedy: str = REMEDY) -> None:
    """Raise ``Unreadable`` unless a file is whole in safetensors' format; its header alone is read.

    The library sees to it that names stand once, and tensors lie without gaps up to the file's end.
    """
    from safetensors import safe_open

    check_regular(path, remedy)
    try:
        with safe_open(path, framework="np"):
            pass
    except Exception as error:  # for a lying header it raises many kinds
        raise _not_whole(path, error, remedy) from None


def read_tensors(path: str | Path, remedy: str = REMEDY) -> dict[str, Any]:
    """Return the numpy arrays of a safetensors file, by name."""
    from safetensors.numpy import load_file

    check_regular(path, remedy)
    try:
        return load_file(path)
    except Exception as error:  # a type that numpy has not, too
        raise _not_whole(path, error, remedy) from None


def read_pickled(path: str | Path, remedy: str = REMEDY) -> Any:
    """Return what PyTorch saved, tensors and plain values only, on the CPU."""
    import torch

    check_regular(path, remedy)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is not a checkpoint
        reason = reason_of(error)
        message = f"not a checkpoint of tensors only ({reason})"
        raise Unreadable(path, reason, remedy, message) from None


def reason_of(error: Exception) -> str:
    """Return in one line what a library says of a file; not its advice to run what is in it."""
    if isinstance(error, UnpicklingError) or "weights_only" in str(error):
        return "it holds code or objects besides tensors, of which none is run"
    return (" ".join(str(error).split()) or type(error).__name__)[:300]


def shards_of(folder: str | Path, index: str = INDEX, remedy: str = REMEDY) -> list[str]:
    """Return the names of the files that the weights of a folder lie in, as an index tells."""
    path = Path(folder, index)
    told = read_object(path, remedy).get("weight_map")
    if not isinstance(told, dict) or not told:
        raise InputError(f"{path}: has no weight_map; {remedy}")
    names = sorted(set(map(str, told.values())))
    if odd := [name for name in names if Path(name).name != name]:
        raise InputError(f"{path}: {odd[0]!r} is no name of a file beside it; {remedy}")
    return names


def check_folder(folder: str | Path, remedy: str = REMEDY) -> None:
    """Raise ``Unreadable`` for what is no file in a checkpoint's folder, which a library reads.

    Shards of the weights must lie in it.
    """
    for path in sorted(Path(folder).iterdir()) if Path(folder).is_dir() else []:
        if not path.is_dir():
            check_regular(path, remedy)
    for index in (INDEX, OLD_INDEX):
        if Path(folder, index).is_file():
            for name in shards_of(folder, index, remedy):
                check_regular(Path(folder, name), remedy)


def _not_whole(path: str | Path, error: Exception, remedy: str) -> Unreadable:
    return Unreadable(path, str(error), remedy, f"not a whole safetensors file ({error})")
