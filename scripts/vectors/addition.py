"""A task vector, added in place to a model in memory."""

from collections.abc import Iterator, Set
from pathlib import Path

import torch

from errors import InputError
from vectors.arithmetic import (
    add,
    check_coefficient,
    check_same_names,
    check_shape,
    finite,
)
from vectors.streaming import Layout, read_layout, read_tensor


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


def memory(tensor: torch.Tensor) -> tuple:
    """Return what two names of the same tensor have in common."""
    return (tensor.data_ptr(), tensor.shape, tensor.stride())


def tied_names(tensors: dict[str, torch.Tensor], known: Set[str]) -> set[str]:
    """Return the names that are not in ``known`` but share their tensor with one that is."""
    places = {memory(tensor) for name, tensor in tensors.items() if name in known}
    return {name for name in tensors.keys() - known if memory(tensors[name]) in places}
