"""A Whisper in CTranslate2's format, as faster-whisper has it: float32 and float16 weights.

The file is a header, variables under CTranslate2's names, then aliases (``model_spec.py`` of
CTranslate2). Attention's projections lie in one variable: query, key and value; of cross-attention
key and value. The key, which has no bias, was given one of zeros.
"""

import re
from pathlib import Path

import torch

from errors import InputError
from files.regular import open_regular
from recognisers.binary import BinaryFile
from recognisers.original import Original, measure

VERSION, SPECIFICATION, REVISION = 6, "WhisperSpec", 3
WEIGHTS = {0: torch.float32, 4: torch.float16}  # types by their number in the file
NUMBERS = {1: torch.int8, 2: torch.int16, 3: torch.int32}  # of settings, which have no dimensions
MAX_RANK = 4
ALIASES = {"decoder/projection/weight": "decoder/embeddings/weight"}
SETTINGS = {  # of every Whisper; others don't change what its weights are
    "decoder/activation": 3,  # GELU
    "decoder/alibi": 0,
    "decoder/pre_norm": 1,
    "decoder/scale_embeddings": 0,
    "decoder/start_from_zero_embedding": 0,
}
OUTSIDE = {  # of the layers -> original name
    "encoder/conv1": "encoder.conv1",
    "encoder/conv2": "encoder.conv2",
    "encoder/layer_norm": "encoder.ln_post",
    "decoder/embeddings": "decoder.token_embedding",
    "decoder/layer_norm": "decoder.ln",
}
IN_LAYER = {  # -> original names, in the order in which they are joined
    "self_attention/layer_norm": ["attn_ln"],
    "self_attention/linear_0": ["attn.query", "attn.key", "attn.value"],
    "self_attention/linear_1": ["attn.out"],
    "attention/layer_norm": ["cross_attn_ln"],
    "attention/linear_0": ["cross_attn.query"],
    "attention/linear_1": ["cross_attn.key", "cross_attn.value"],
    "attention/linear_2": ["cross_attn.out"],
    "ffn/layer_norm": ["mlp_ln"],
    "ffn/linear_0": ["mlp.0"],
    "ffn/linear_1": ["mlp.2"],
}
KINDS = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}


def read_faster_whisper(path: Path) -> Original:
    """Return the dimensions and parameters of a ``model.bin``; quantised weights are refused."""
    with open_regular(path) as stream:
        file = BinaryFile(stream, path)
        version = file.number("I", "the format's version")
        if version != VERSION:
            raise file.fault(0, f"begins with {version}: neither ggml nor CTranslate2's {VERSION}")
        kind = (read_name(file), file.number("I", "the revision"))
        if kind != (SPECIFICATION, REVISION):
            raise file.fault(4, f"is CTranslate2's {kind}, not {(SPECIFICATION, REVISION)}")
        count = file.number("I", "the number of variables")
        parameters: dict[str, torch.Tensor] = {}
        settings: dict[str, int] = {}
        for _ in range(count):
            start = file.position
            name, variable = read_variable(file)
            if not variable.shape:
                settings[name] = int(variable)
                continue
            for original, tensor in unjoined(name, variable, file, start).items():
                if original in parameters:
                    raise file.fault(start, f"variable {name!r} is there twice")
                parameters[original] = tensor
        start = file.position
        count = file.number("I", "the number of aliases")
        aliases = {read_name(file): read_name(file) for _ in range(count)}
        if aliases != ALIASES or file.left:
            raise file.fault(
                start, f"aliases {aliases} and {file.left} bytes, where only {ALIASES} may stand"
            )
    for name, value in SETTINGS.items():
        if settings.get(name) != value:
            raise InputError(
                f"{path}: {name} is {settings.get(name, 'missing')}, and {value} in a Whisper; take"
                " a Whisper converted for faster-whisper"
            )
    heads = {
        f"n_{ours}_head": settings.get(f"{theirs}/num_heads", 0)
        for ours, theirs in (("audio", "encoder"), ("text", "decoder"))
    }
    return Original(measure(parameters, path) | heads, parameters)


def read_name(file: BinaryFile) -> str:
    """Return a name: its length with the NUL at its end, and its bytes."""
    return file.text(file.number("H", "the length of a name"), "a name").removesuffix("\0")


def read_variable(file: BinaryFile) -> tuple[str, torch.Tensor]:
    """Return the next variable and its name."""
    start, name = file.position, read_name(file)
    rank = file.number("B", f"the rank of {name!r}")
    if rank > MAX_RANK:
        raise file.fault(start, f"variable {name!r} of {rank} dimensions")
    shape = file.numbers(f"{rank}I", f"the shape of {name!r}")
    kind, size = file.numbers("BI", f"the type of {name!r}")
    dtype = (WEIGHTS if shape else NUMBERS).get(kind)
    if dtype is None:
        raise InputError(
            f"{file.path}: byte {start}: {name!r} is of CTranslate2's type {kind}, but weights"
            " are read of 0 (float32) and 4 (float16) only: quantised weights are not the"
            " published model's; take the model that was converted with float16"
        )
    position = file.position
    variable = file.tensor(shape, dtype, f"variable {name!r}")
    if size != file.position - position:
        raise file.fault(start, f"variable {name!r} of {list(shape)} is said to have {size} bytes")
    return name, variable


def unjoined(
    name: str, variable: torch.Tensor, file: BinaryFile, start: int
) -> dict[str, torch.Tensor]:
    """Return the original parameters that lie in a variable; ``start`` is where it stands."""
    place, _, kind = name.rpartition("/")
    if match := re.fullmatch(r"(encoder|decoder)/position_encodings/encodings", name):
        return {f"{match[1]}.positional_embedding": variable}
    if place in OUTSIDE and kind in KINDS:
        return {f"{OUTSIDE[place]}.{KINDS[kind]}": variable}
    match = re.fullmatch(r"(encoder|decoder)/layer_(\d+)/(.+)", place)
    parts = IN_LAYER.get(match[3], []) if match else []
    if not match or not parts or kind not in KINDS or len(variable) % len(parts):
        raise file.fault(start, f"variable {name!r} of {list(variable.shape)} is no Whisper's")
    joined = {
        f"{match[1]}.blocks.{match[2]}.{part}.{KINDS[kind]}": piece
        for part, piece in zip(parts, variable.chunk(len(parts)), strict=True)
    }
    for key in [original for original in joined if original.endswith("attn.key.bias")]:
        if joined.pop(key).any():
            raise file.fault(start, f"variable {name!r} has a bias of the key, which Whisper lacks")
    return joined
