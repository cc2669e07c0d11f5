"""Differences of models, added to another model: folders of safetensors files, sharded or not.

``theta + sum of r (tuned - base)``, for any architecture (Chat Vector: Huang et al. 2024, arXiv
2310.04799).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from errors import InputError
from files.checkpoint_file import INDEX, shards_of
from vectors.arithmetic import check_coefficient, check_same_names, finite, parameters
from vectors.streaming import Layout, read_layout, read_tensor
from vectors.whole import write_tensors

WHOLE = "model.safetensors"
EMBEDDINGS = ("embed_tokens.", "wte.", "word_embeddings.", "lm_head.", "embed_out.", "proj_out.")
REMEDY = "name the folder of a model that was saved as safetensors"


@dataclass(frozen=True)
class Folder:
    """A model's folder: the layouts of its files, and which of them has a tensor, by its name."""

    path: Path
    files: tuple[Layout, ...]
    home: dict[str, Layout]

    @property
    def parameters(self) -> set[str]:
        """The names of its floating-point tensors."""
        return {name for file in self.files for name in parameters(file)}


class Difference(NamedTuple):
    """``ratio`` times a tuned model less the model that it was tuned from."""

    tuned: Folder
    base: Folder
    ratio: float


def read_folder(path: Path) -> Folder:
    """Return a model's folder; raise ``InputError`` if it has no safetensors, or an odd index."""
    names = [WHOLE]
    if (path / INDEX).exists():
        names = shards_of(path, INDEX, REMEDY)
    files = tuple(read_layout(path / name) for name in names)
    home: dict[str, Layout] = {}
    for file in files:
        for name in file.entries:
            if first := home.get(name):
                raise InputError(f"{file.path}: {name!r} is in {first.path}, too; save it again")
            home[name] = file
    return Folder(path, files, home)


def is_embedding(name: str) -> bool:
    """Say whether a parameter has a row for each token of a vocabulary, by its name."""
    return any(f".{part}" in f".{name}" for part in EMBEDDINGS)


def to_change(folder: Folder, with_embeddings: bool) -> set[str]:
    """Return the names of a model's parameters, those of embeddings if they are wanted."""
    return {name for name in folder.parameters if with_embeddings or not is_embedding(name)}


def check_fits(model: Folder, difference: Difference, with_embeddings: bool) -> None:
    """Refuse a difference that does not fit a model: in names, or in shapes.

    Of embeddings the number of rows may differ, that of the vocabulary's tokens.
    """
    check_coefficient(difference.ratio)
    names = to_change(model, with_embeddings)
    for folder in (difference.tuned, difference.base):
        check_same_names(names, to_change(folder, with_embeddings), model.path, folder.path)
        for name in sorted(names):
            own, other = (each.home[name].entries[name].shape for each in (model, folder))
            first = 1 if is_embedding(name) else 0
            if own[first:] != other[first:]:
                raise InputError(
                    f"{name!r} is {list(own)} in {model.path} and {list(other)} in"
                    f" {folder.path}; the models must be of one architecture"
                )


def transferred(
    tensor: torch.Tensor, tuned: torch.Tensor, base: torch.Tensor, ratio: float
) -> torch.Tensor:
    """Return ``tensor + ratio (tuned - base)``, float32 (Huang et al. 2024, eq. 1).

    Of vocabularies of several sizes the rows that all have are changed: tokens are added behind.
    """
    result = tensor.float().clone()
    if not tensor.ndim:
        return result + ratio * (tuned.float() - base.float())
    rows = min(map(len, (tensor, tuned, base)))
    result[:rows] += ratio * (tuned[:rows].float() - base[:rows].float())
    return result


def transfer(
    model: Folder, differences: Sequence[Difference], with_embeddings: bool, output: Path
) -> dict[Path, str]:
    """Write a model with differences added, in files, order and dtypes of its own.

    Added up in float32, and rounded once. Returns the written files and their SHA-256.
    """
    for difference in differences:
        check_fits(model, difference, with_embeddings)
    changed = to_change(model, with_embeddings)

    def added(name: str) -> torch.Tensor:
        total = tensor = read_tensor(model.home[name], name)
        for tuned, base, ratio in differences:
            if name in changed and ratio:  # adding 0 would turn -0.0 into 0.0
                more, less = (read_tensor(each.home[name], name) for each in (tuned, base))
                total = transferred(total, more, less, ratio)
        return finite(total.to(tensor.dtype), name, model.path)

    return {
        output / file.path.name: write_tensors(
            output / file.path.name, file.header, map(added, file.entries)
        )
        for file in model.files
    }
