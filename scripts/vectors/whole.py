"""Safetensors files, made of others with one whole tensor of each in memory at a time.

Where piece by piece will not do (see streaming.py): ranks, angles and singular values are of all of
a tensor.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path

import torch

from computing.direct_file import DirectFile
from files.atomic import atomic_path
from merging.parameter import Parameter, place
from vectors.arithmetic import finite, read_alike
from vectors.streaming import Buffer, read_layout, read_tensor

Merge = Callable[[list[torch.Tensor], Parameter], torch.Tensor]


def merge_files(vector_paths: Sequence[Path], merge: Merge, output: Path) -> dict[Path, str]:
    """Write the vector that a method makes of task vectors of one base model.

    What is 0 in all of them, as a module that is not trained, stays so. Returns the written file
    and its SHA-256.
    """
    vectors = read_alike(vector_paths)

    def merged(parameter: Parameter) -> torch.Tensor:
        tensors = [read_tensor(vector, parameter.name) for vector in vectors]
        if not any(tensor.any() for tensor in tensors):
            return tensors[0]
        return finite(merge(tensors, parameter), parameter.name, output)

    parameters = place(vectors[0].entries)
    return {output: write_tensors(output, vectors[0].header, map(merged, parameters))}


def write_tensors(path: Path, header: bytes, tensors: Iterable[torch.Tensor]) -> str:
    """Write a file of a header and its tensors, whole or not at all; return its SHA-256."""
    digest = hashlib.sha256()
    with atomic_path(path) as temporary:
        with DirectFile(temporary) as output:
            content: Iterable[Buffer] = map(bytes_of, tensors)
            for part in chain([len(header).to_bytes(8, "little"), header], content):
                digest.update(part)
                output.write(part)
        read_layout(temporary)
    return digest.hexdigest()


def bytes_of(tensor: torch.Tensor) -> memoryview:
    """Return a tensor's bytes, in the order of a file."""
    return tensor.contiguous().flatten().view(torch.uint8).numpy().data
