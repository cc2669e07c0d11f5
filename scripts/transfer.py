"""Add differences of models to another model: theta + r (tuned - base), of any architecture.

A model of a language that was trained further gets so what a chat model learned beyond its base
(Chat Vector, Huang et al. 2024, arXiv 2310.04799). Folders are those of transformers, sharded or
not; the result has files, order and dtypes of the model that is added to.
"""

from pathlib import Path

import torch

from computing.heap import keep_freed_memory
from errors import InputError, run
from files.atomic import check_outputs
from files.checksum import sha256
from options import Parser
from records.record import MODEL_CARD, SUFFIX
from records.writing import write_record
from vectors.arithmetic import copy
from vectors.folders import Difference, Folder, read_folder, transfer


def ratio_of(text: str) -> float:
    """Return a ratio; raise ``InputError`` for what is no number."""
    try:
        return float(text)
    except ValueError:
        raise InputError(f"--add: {text!r} is no ratio; write TUNED BASE 0.5") from None


def companions(folder: Folder) -> list[Path]:
    """Return a model's other files: its configuration, tokenizer and index."""
    weights = {file.path for file in folder.files}
    return [
        path
        for path in sorted(folder.path.iterdir())
        if path.is_file() and path not in weights and not path.name.startswith(".")
        and not path.name.endswith(SUFFIX) and path.name not in MODEL_CARD
    ]  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    """Write the folder of the model with all differences added."""
    parser = Parser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--model", type=Path, required=True, help="folder of the model to add to")
    add("--add", nargs=3, action="append", required=True, metavar=("TUNED", "BASE", "RATIO"),
        help="folders of two models, whose difference times the ratio is added; again for"
        " more")  # fmt: skip
    add("--without-embeddings", action="store_true", help="leave the embeddings of tokens and the"
        " output layer as they are")  # fmt: skip
    add("--output", type=Path, required=True, help="folder to write")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    keep_freed_memory()
    given = [(Path(tuned), Path(base), ratio_of(ratio)) for tuned, base, ratio in options.add]
    read = [options.model, *(path for tuned, base, _ in given for path in (tuned, base))]
    check_outputs([options.output], read)
    model = read_folder(options.model)
    differences = [
        Difference(read_folder(tuned), read_folder(base), ratio) for tuned, base, ratio in given
    ]
    hashes = transfer(model, differences, not options.without_embeddings, options.output)
    others = companions(model)
    hashes |= {to: sha256(to) for to in [copy(path, options.output / path.name) for path in others]}
    folders = [model, *(each for tuned, base, _ in differences for each in (tuned, base))]
    inputs = [file.path for folder in folders for file in folder.files]
    parameters = {
        "add": [[str(tuned), str(base), ratio] for tuned, base, ratio in given],
        "without_embeddings": options.without_embeddings,
    }
    write_record(__file__, hashes, [*inputs, *others], parameters, hashes=hashes)


if __name__ == "__main__":
    run(main)
