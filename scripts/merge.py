"""Merge task vectors by a method: TIES, DARE, SLERP and others (see methods.py), one by its name.

Files are read and written parameter by parameter, and the arithmetic is float32.
"""

import importlib
import os
from pathlib import Path

import torch

from computing.heap import keep_freed_memory
from errors import InputError, run
from files.atomic import check_outputs
from methods import METHODS, Method, method_of
from options import Parser
from records.writing import write_record
from vectors.whole import Merge, merge_files


def check_count(method: Method, count: int) -> None:
    """Refuse a number of vectors that a method cannot merge."""
    about = METHODS[method.name]
    if not about.fewest <= count <= about.most:
        exactly = "exactly" if about.fewest == about.most else "at least"
        raise InputError(
            f"--vectors: {method.name} merges {exactly} {about.fewest}, not {count}; name others"
        )


def load(method: Method) -> tuple[Merge, str]:
    """Return a method's function, and its module as a path from this script's folder."""
    module = importlib.import_module(f"merging.{method.name}")
    numbers = [] if method.number is None else [method.number]
    path = os.path.relpath(str(module.__file__), Path(__file__).parent)
    return (lambda vectors, parameter: module.merge(vectors, parameter, *numbers)), path


def main(argv: list[str] | None = None) -> None:
    """Write the vector that a method makes of some."""
    parser = Parser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--method", type=method_of, required=True, help=f"{', '.join(METHODS)}; behind some of them"
        " may stand a number: ties0.3")  # fmt: skip
    add("--vectors", type=Path, nargs="+", required=True, help="task vectors, of one base model")
    add("--output", type=Path, required=True, help="task vector to write (safetensors, float32)")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    keep_freed_memory()
    check_outputs([options.output], options.vectors)
    check_count(options.method, len(options.vectors))
    merge, module = load(options.method)
    hashes = merge_files(options.vectors, merge, options.output)
    parameters = options.method._asdict()
    write_record(__file__, hashes, options.vectors, parameters, modules=[module], hashes=hashes)


if __name__ == "__main__":
    run(main)
