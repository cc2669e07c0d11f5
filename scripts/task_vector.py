"""The SYN2REAL task vector (Su et al. 2024, arXiv 2406.02925): subtract checkpoints, add to others.

tau = theta(real) - theta(synthetic) of the source domains, both fine-tuned from one base model;
a model of the target domain becomes theta + lambda * tau. The vectors of several source domains or
TTS engines may be averaged (the paper's ensemble). Files are read and written piece by piece,
and the arithmetic is float32.
"""

import argparse
import math
import shutil
from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path

import torch

from computing.heap import keep_freed_memory
from computing.precision import PRECISIONS
from errors import InputError, run
from files.atomic import atomic_path, check_outputs
from records.record import checkpoint_files, record_of, sha256, write_record
from vectors.streaming import FLOATS, Layout, make_header, read_layout, read_tensor, write_combined

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


def mean_files(vector_paths: Sequence[Path], output: Path) -> dict[Path, str]:
    """Write the mean of task vectors: of several source domains, or of several TTS engines.

    Added up in the order given, in float32, and divided by their number. Returns the written file
    and its SHA-256.
    """
    vectors = [read_layout(path) for path in vector_paths]
    first = vectors[0]
    for other in vectors[1:]:
        check_same_names(set(first.entries), set(other.entries), first.path, other.path)
        check_same_shapes(first, other)

    def mean(name: str, pieces: list[torch.Tensor]) -> torch.Tensor:
        return finite(sum(pieces) / len(pieces), name, output)

    return {output: write_combined(output, first.header, first.entries, vectors, mean)}


def check_same_precision(real_path: Path, synthetic_path: Path) -> None:
    """Refuse two checkpoints that were trained in different precisions, as their records tell."""
    records = {path: record_of(path) for path in (real_path, synthetic_path)}
    told = {path: r.content["parameters"].get("precision") for path, r in records.items() if r}
    real, synthetic = told.get(real_path), told.get(synthetic_path)
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
        return finite(add(*pieces, scaling_coefficient), name, checkpoint_path)

    names = checkpoint.entries
    written = write_combined(output, checkpoint.header, names, [checkpoint, vector], added)
    return {output: written} | {path: sha256(path) for path in companions}


class Addition:
    """A task vector, added in place to a model's tensors with one coefficient after another.

    Gives the tensors of ``apply``, bit for bit, if the model was loaded in its checkpoint's dtype.
    Names that are tied to one tensor (Whisper's ``proj_out``) get it once. Nothing is changed
    unless everything fits. What the tensors were before is kept beside them, unless the vector is
    to be added ``once``.
    """

    def __init__(
        self, tensors: dict[str, torch.Tensor], vector_path: str | Path, once: bool = False
    ):
        tensors = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
        self.vector = read_layout(vector_path)
        self.tensors = fitting(tensors, self.vector)
        self.originals = self.tensors
        if not once:
            self.originals = {name: tensor.clone() for name, tensor in self.tensors.items()}

    @torch.no_grad()
    def scale(self, coefficient: float) -> None:
        """Give the tensors what they were at first, plus ``coefficient`` times the vector."""
        check_coefficient(coefficient)
        for name, original in self.originals.items():
            tensor = original
            if coefficient != 0:  # adding 0 would turn -0.0 into 0.0
                part = read_tensor(self.vector, name).to(original.device)
                tensor = finite(add(original, part, coefficient), name, self.vector.path)
            self.tensors[name].copy_(tensor)

    def changed(self) -> Iterator[str]:
        """Yield the names of the tensors that the vector changes, as it is read."""
        return (name for name in self.tensors if read_tensor(self.vector, name).any())


def fitting(tensors: dict[str, torch.Tensor], vector: Layout) -> dict[str, torch.Tensor]:
    """Return a model's tensors by the vector's names, each once; refuse what does not fit."""
    tied = tied_names(tensors, vector.entries.keys())
    check_same_names(set(tensors) - tied, set(vector.entries), "the model", vector.path)
    for name, entry in vector.entries.items():
        check_shape(name, tuple(tensors[name].shape), entry.shape, "the model", vector.path)
    once: dict[tuple, str] = {}
    for name in vector.entries:
        first = once.setdefault(memory(tensors[name]), name)
        if first != name and not torch.equal(read_tensor(vector, first), read_tensor(vector, name)):
            raise InputError(
                f"{vector.path}: {first!r} and {name!r} are one tensor in the model but differ here"
            )
    return {name: tensors[name] for name in once.values()}


def parameters(layout: Layout) -> list[str]:
    """Return the names of a file's floating-point tensors, in its order."""
    return [name for name, entry in layout.entries.items() if entry.dtype in FLOATS]


def memory(tensor: torch.Tensor) -> tuple:
    """Return what two names of the same tensor have in common."""
    return (tensor.data_ptr(), tensor.shape, tensor.stride())


def tied_names(tensors: dict[str, torch.Tensor], known: Set[str]) -> set[str]:
    """Return the names that are not in ``known`` but share their tensor with one that is."""
    places = {memory(tensor) for name, tensor in tensors.items() if name in known}
    return {name for name in tensors.keys() - known if memory(tensors[name]) in places}


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


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's values."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("subtract", help="write the task vector real - synthetic")
    command.add_argument(
        "--real", type=Path, required=True, help="checkpoint fine-tuned on real speech"
    )
    command.add_argument(
        "--synthetic", type=Path, required=True, help="checkpoint fine-tuned on synthetic speech"
    )
    command.add_argument(
        "--output", type=Path, required=True, help="task vector to write (safetensors, float32)"
    )

    command = commands.add_parser("mean", help="write the mean of several task vectors")
    command.add_argument(
        "--vectors", type=Path, nargs="+", required=True, help="task vectors, of one base model"
    )
    command.add_argument("--output", type=Path, required=True, help="task vector to write")

    command = commands.add_parser("apply", help="write checkpoint + coefficient * vector")
    command.add_argument(
        "--checkpoint",
        type=Path,
        required=True,
        help="model.safetensors of the model to add to; its folder's other files are copied",
    )
    command.add_argument("--vector", type=Path, required=True, help="task vector to add")
    command.add_argument(
        "--scaling-coefficient",
        type=float,
        required=True,
        help="lambda, a number without unit; 0 copies the checkpoint",
    )
    command.add_argument(
        "--output", type=Path, required=True, help="model.safetensors to write, in its own folder"
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Run one of the three commands."""
    arguments = parse_arguments(argv)
    torch.set_num_threads(1)  # the other cores read, hash and write meanwhile
    keep_freed_memory()
    inputs: Iterable[Path]
    settings = {}
    if arguments.command == "subtract":
        inputs = [arguments.real, arguments.synthetic]
        check_outputs([arguments.output], inputs)
        check_same_precision(*inputs)
        hashes = subtract_files(*inputs, arguments.output)
    elif arguments.command == "mean":
        inputs = arguments.vectors
        check_outputs([arguments.output], inputs)
        hashes = mean_files(inputs, arguments.output)
    else:
        scale = arguments.scaling_coefficient
        check_outputs([arguments.output], [arguments.checkpoint.parent, arguments.vector])
        hashes = apply_files(arguments.checkpoint, arguments.vector, scale, arguments.output)
        inputs = [*checkpoint_files(arguments.checkpoint.parent), arguments.vector]
        settings = {"scaling_coefficient": scale}
    parameters = {"command": arguments.command, **settings}
    write_record(__file__, hashes, inputs, parameters, hashes=hashes)


if __name__ == "__main__":
    run(main)
