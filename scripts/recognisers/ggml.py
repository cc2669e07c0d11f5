"""A Whisper in whisper.cpp's ggml format: float32 and float16 weights under the original names.

The file is a header, the mel filters, the tokens' bytes, then tensors to its end, each with its
dimensions from the fastest to the slowest (``models/convert-pt-to-ggml.py`` of whisper.cpp). Its
filters are the feature extractor's own, and are passed over.
"""

from pathlib import Path

import torch

from errors import InputError
from files.regular import open_regular
from recognisers.binary import BinaryFile
from recognisers.log_mel import FRAME_LENGTH
from recognisers.original import Original

MAGIC = b"lmgg"  # 0x67676d6c
HEADER = (
    "n_vocab",
    *("n_audio_ctx", "n_audio_state", "n_audio_head", "n_audio_layer"),
    *("n_text_ctx", "n_text_state", "n_text_head", "n_text_layer"),
    "n_mels",
    "ftype",
)
TYPES = {0: torch.float32, 1: torch.float16}  # of the header's ftype, and of each tensor
MAX_RANK = 4


def read_ggml(path: Path) -> Original:
    """Return a ggml file's dimensions, parameters and tokens; quantised weights are refused."""
    with open_regular(path) as stream:
        file = BinaryFile(stream, path)
        if (magic := bytes(file.take(len(MAGIC), "the magic number"))) != MAGIC:
            raise file.fault(0, f"begins with {magic!r}, not with {MAGIC!r}")
        header = dict(zip(HEADER, file.numbers("11i", "the header"), strict=True))
        check_type(header["ftype"], "its weights", file)
        skip_filters(file, header["n_mels"])
        tokens = read_tokens(file, header["n_vocab"])
        parameters: dict[str, torch.Tensor] = {}
        while file.left:
            start = file.position
            name, tensor = read_tensor(file)
            if name in parameters:
                raise file.fault(start, f"tensor {name!r} is there twice")
            parameters[name] = tensor
    del header["ftype"]
    return Original(header, parameters, tokens)


def check_type(kind: int, what: str, file: BinaryFile) -> None:
    """Refuse weights that are neither float32 nor float16."""
    if kind not in TYPES:
        raise InputError(
            f"{file.path}: byte {file.position}: {what} are of ggml's type {kind}, but only 0"
            " (float32) and 1 (float16) are read: quantised weights are not the published model's;"
            " take the file without q4, q5 or q8 in its name, as ggml-base.bin for"
            " ggml-base-q5_1.bin"
        )


def skip_filters(file: BinaryFile, n_mels: int) -> None:
    """Pass over the mel filters, float32 [n_mels, frequencies]."""
    position, frequencies = file.position, FRAME_LENGTH // 2 + 1
    size = file.numbers("2i", "the size of the mel filters")
    if size != (n_mels, frequencies):
        raise file.fault(
            position, f"mel filters of {list(size)}, where the header has [{n_mels}, {frequencies}]"
        )
    file.take(4 * n_mels * frequencies, "the mel filters")


def read_tokens(file: BinaryFile, n_vocab: int) -> list[bytes]:
    """Return the bytes of each token in the order of their ids; special ones may be left out."""
    position = file.position
    count = file.number("i", "the number of tokens")
    if not 0 < count <= n_vocab:
        raise file.fault(position, f"{count} tokens in a vocabulary of {n_vocab}")
    return [
        bytes(file.take(file.number("I", f"the length of token {id}"), f"token {id}"))
        for id in range(count)
    ]


def read_tensor(file: BinaryFile) -> tuple[str, torch.Tensor]:
    """Return the next tensor and its name."""
    start = file.position
    rank, length, kind = file.numbers("3i", "a tensor's header")
    if not 1 <= rank <= MAX_RANK:
        raise file.fault(start, f"a tensor of {rank} dimensions")
    dimensions = file.numbers(f"{rank}i", "a tensor's dimensions")
    name = file.text(length, "a tensor's name")
    check_type(kind, f"those of tensor {name!r}", file)
    tensor = file.tensor(dimensions[::-1], TYPES[kind], f"tensor {name!r}")
    return name, tensor.flatten() if name.endswith(".bias") else tensor  # convolutions': [n, 1]
