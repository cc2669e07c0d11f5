"""Task vectors: subtracted, averaged, restricted, added to weights (Su et al. 2024, eq. 1, 2)."""

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from computing.precision import PRECISIONS
from errors import InputError
from files.atomic import atomic_path
from files.checksum import sha256
from modules import module_of
from records.reading import record_of
from records.record import checkpoint_files
from vectors.streaming import FLOATS, Layout, make_header, read_layout, write_combined

REMEDY = "both must be fine-tuned from the same base model"


def subtract(real: torch.Tensor, synthetic: torch.Tensor) -> torch.Tensor:
    """Return one parameter's part of the task vector, float32 (Su et al. 2024, eq. 1)."""
    return real.float() - synthetic.float()


def add(parameter: torch.Tensor, vector: torch.Tensor, scaling_coefficient: float) -> torch.Tensor:
    """Return ``parameter + scaling_coefficient * vector``, added in float32, in its own dtype."""
    return (parameter.float() + scaling_coefficient * vector.float()).to(parameter.dtype)


def subtract_files(real_path: Path, synthetic_path: Path, output: Path) -> dict[Path, str]:
    """Write the task vector ``real - synthetic`` of two checkpoints.

    Integer tensors (counters of a batch norm) are no parameters: the vector leaves them out.
    Returns the written file and its SHA-256.
    """
    real, synthetic = read_layout(real_path), read_layout(synthetic_path)
    check_same_names(set(real.entries), set(synthetic.entries), real_path, synthetic_path)
    check_same_shapes(real, synthetic)
    for name, entry in real.entries.items():
        if (other := synthetic.entries[name].dtype) != entry.dtype:
            raise InputError(
                f"{name!r} is {entry.dtype} in {real_path} and {other} in {synthetic_path};"
                " save both in one precision"
            )
    header = make_header({name: ("F32", real.entries[name].shape) for name in parameters(real)})

    def difference(name: str, pieces: list[torch.Tensor]) -> torch.Tensor:
        return finite(subtract(*pieces), name, real_path)

    names = parameters(real)
    return {output: write_combined(output, header, names, [real, synthetic], difference)}


def read_alike(vector_paths: Sequence[Path]) -> list[Layout]:
    """Return the layouts of task vectors; raise ``InputError`` if they are of several models."""
    vectors = [read_layout(path) for path in vector_paths]
    first = vectors[0]
    for other in vectors[1:]:
        check_same_names(set(first.entries), set(other.entries), first.path, other.path)
        check_same_shapes(first, other)
    return vectors


def mean_files(vector_paths: Sequence[Path], output: Path) -> dict[Path, str]:
    """Write the mean of task vectors: of several source domains, or of several TTS engines.

    Added up in the order given, in float32, and divided by their number. Returns the written file
    and its SHA-256.
    """
    vectors = read_alike(vector_paths)

    def mean(name: str, pieces: list[torch.Tensor]) -> torch.Tensor:
        return finite(sum(pieces, torch.zeros(())) / len(pieces), name, output)

    return {output: write_combined(output, vectors[0].header, vectors[0].entries, vectors, mean)}


def restrict_files(
    vector_path: Path, factors: Mapping[str, float], output: Path
) -> dict[Path, str]:
    """Write a task vector of some modules, each times its factor, that changes no other parameter.

    Returns the written file and its SHA-256.
    """
    vector = read_layout(vector_path)
    factor_of = {name: factors.get(module_of(name), 0) for name in vector.entries}

    def restricted(name: str, pieces: list[torch.Tensor]) -> torch.Tensor:
        [piece] = pieces
        if factor := factor_of[name]:
            return finite(factor * piece, name, vector_path)
        return torch.full_like(piece, -0.0)  # x + -0.0 is x to the bit; -0.0 + 0.0 is 0.0

    return {output: write_combined(output, vector.header, vector.entries, [vector], restricted)}


def check_same_precision(real_path: Path, synthetic_path: Path) -> None:
    """Refuse two checkpoints that were trained in different precisions, as their records tell."""
    records = {path: record_of(path) for path in (real_path, synthetic_path)}
    precisions = {
        path: r.content["parameters"].get("precision") for path, r in records.items() if r
    }
    real, synthetic = precisions.get(real_path), precisions.get(synthetic_path)
    if real in PRECISIONS and synthetic in PRECISIONS and real != synthetic:
        raise InputError(
            f"{real_path} was trained in {real} and {synthetic_path} in {synthetic}, so their"
            " difference is of precision too; set precision: bf16 or fp32 (auto depends on the"
            " machine) and fine-tune both again"
        )


def apply_files(
    checkpoint_path: Path, vector_path: Path, scaling_coefficient: float, output: Path
) -> dict[Path, str]:
    """Write ``checkpoint + scaling_coefficient * vector`` and the checkpoint's other files.

    Returns the written files with their SHA-256. Header, order and dtypes are the checkpoint's;
    with a coefficient of 0 so is every byte (adding 0 would turn -0.0 into 0.0).
    """
    if output.parent.resolve() == checkpoint_path.parent.resolve():
        raise InputError(f"{output}: lies in the checkpoint's own folder; choose another")
    checkpoint, vector = read_layout(checkpoint_path), read_layout(vector_path)
    check_coefficient(scaling_coefficient)
    check_same_names(set(parameters(checkpoint)), set(vector.entries), checkpoint_path, vector_path)
    check_same_shapes(checkpoint, vector)
    companions = copy_companions(checkpoint_path, output.parent)

    def added(name: str, pieces: list[torch.Tensor]) -> torch.Tensor:
        if scaling_coefficient == 0 or len(pieces) == 1:  # an integer, which the vector leaves out
            return pieces[0]
        tensor, change = pieces
        return finite(add(tensor, change, scaling_coefficient), name, checkpoint_path)

    names = checkpoint.entries
    written = write_combined(output, checkpoint.header, names, [checkpoint, vector], added)
    return {output: written} | {path: sha256(path) for path in companions}


def parameters(layout: Layout) -> list[str]:
    """Return the names of a file's floating-point tensors, in its order."""
    return [name for name, entry in layout.entries.items() if entry.dtype in FLOATS]


def finite(tensor: torch.Tensor, name: str, path: str | Path) -> torch.Tensor:
    """Return the tensor, or refuse it by name if it holds a NaN or an infinity."""
    if torch.isfinite(tensor.sum()):  # many times faster than to look at each value
        return tensor
    if count := int((~torch.isfinite(tensor)).sum()):
        raise InputError(
            f"{path}: {name!r} comes out with {count} of {tensor.numel()} values not finite;"
            " the training diverged, or the scaling coefficient is too large for the dtype"
        )
    return tensor  # large values, whose sum overflows


def check_coefficient(scaling_coefficient: float) -> None:
    """Refuse a coefficient that is not a finite number."""
    if not math.isfinite(scaling_coefficient):
        raise InputError(f"scaling coefficient {scaling_coefficient} is not a finite number")


def check_same_names(
    first: set[str], second: set[str], first_path: str | Path, second_path: str | Path
) -> None:
    """Refuse two sets of parameters that differ, naming the first in alphabetical order."""
    for only, path in ((first - second, first_path), (second - first, second_path)):
        if only:
            be = "parameter is" if len(only) == 1 else "parameters are"
            raise InputError(f"{len(only)} {be} only in {path}, first {min(only)!r}; {REMEDY}")


def check_same_shapes(first: Layout, second: Layout) -> None:
    """Refuse two files in which a parameter that both have differs in shape."""
    for name in first.entries.keys() & second.entries.keys():
        check_shape(
            name, first.entries[name].shape, second.entries[name].shape, first.path, second.path
        )


def check_shape(
    name: str,
    first: tuple[int, ...],
    second: tuple[int, ...],
    first_path: str | Path,
    second_path: str | Path,
) -> None:
    """Refuse a parameter that differs in shape."""
    if first != second:
        raise InputError(
            f"{name!r} is {list(first)} in {first_path} and {list(second)} in {second_path};"
            f" {REMEDY}"
        )


def copy_companions(checkpoint_path: Path, folder: Path) -> list[Path]:
    """Copy a checkpoint's configuration and tokenizer to ``folder``; return the copies."""
    _, *companions = checkpoint_files(checkpoint_path.parent)
    return [copy(path, folder / path.name) for path in companions]


def copy(path: Path, to: Path) -> Path:
    """Copy a file, whole or not at all; return the copy's path."""
    with atomic_path(to) as temporary:
        shutil.copyfile(path, temporary)
    return to
