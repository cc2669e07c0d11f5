"""The SYN2REAL task vector (Su et al. 2024, arXiv 2406.02925): subtract checkpoints, add to others.

tau = theta(real) - theta(synthetic) of the source domains, both fine-tuned from one base model;
a model of the target domain becomes theta + lambda * tau. The vectors of several source domains or
TTS engines may be averaged (the paper's ensemble), and one may be restricted to the encoder or the
decoder. Files are read and written piece by piece, and the arithmetic is float32.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from computing.heap import keep_freed_memory
from errors import run
from files.atomic import check_outputs
from modules import factors_of
from options import Parser
from records.record import checkpoint_files
from records.writing import write_record
from vectors.arithmetic import (
    apply_files,
    check_same_precision,
    mean_files,
    restrict_files,
    subtract_files,
)


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's values."""
    parser = Parser(description=__doc__.splitlines()[0])
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

    command = commands.add_parser("restrict", help="write the part of a vector of some modules")
    command.add_argument("--vector", type=Path, required=True, help="task vector of a whole model")
    command.add_argument(
        "--modules",
        type=factors_of,
        required=True,
        help="encoder, decoder, or both, with factors that are not 1: encoder-decoder0.5",
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
    """Run one of the four commands."""
    arguments = parse_arguments(argv)
    torch.set_num_threads(1)  # the other cores read, hash and write meanwhile
    keep_freed_memory()
    inputs: Sequence[Path]
    settings: dict[str, Any] = {}
    if arguments.command == "subtract":
        inputs = [arguments.real, arguments.synthetic]
        check_outputs([arguments.output], inputs)
        check_same_precision(arguments.real, arguments.synthetic)
        hashes = subtract_files(arguments.real, arguments.synthetic, arguments.output)
    elif arguments.command == "mean":
        inputs = arguments.vectors
        check_outputs([arguments.output], inputs)
        hashes = mean_files(inputs, arguments.output)
    elif arguments.command == "restrict":
        inputs, settings = [arguments.vector], {"modules": arguments.modules}
        check_outputs([arguments.output], inputs)
        hashes = restrict_files(arguments.vector, arguments.modules, arguments.output)
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
