"""Write a Whisper as whisper.cpp reads it: a ggml file of float16 (see ggml.py).

As by whisper.cpp's own converter, vectors and position tables stay float32. Control tokens are not
written: whisper.cpp knows their ids by the size of the vocabulary, as it knows the width of a
feed-forward layer by the model's. So only what is sized as the published models can be written.
"""

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import WhisperConfig, WhisperForConditionalGeneration, WhisperTokenizer

from errors import InputError
from recognisers.checkpoints import END_OF_TEXT, LANGUAGES_OF
from recognisers.faster_whisper import IN_LAYER, OUTSIDE
from recognisers.ggml import HEADER, MAGIC, TYPES
from recognisers.original import DIMENSIONS, Original, hugging_face_name, printable_bytes

CODES = {dtype: code for code, dtype in TYPES.items()}
SIDES = ("encoder", "decoder")
TIED = "proj_out.weight"  # the tokens' embeddings, by another name


def to_original(
    model: WhisperForConditionalGeneration, tokenizer: WhisperTokenizer, folder: Path
) -> Original:
    """Return a Whisper under the original names; refuse one that whisper.cpp can't run."""
    check_sizes(model.config, folder)
    names, state = original_names(model.config), model.state_dict()
    if not torch.equal(state.pop(TIED), state["model.decoder.embed_tokens.weight"]):
        raise InputError(
            f"{folder}: {TIED} differs from the embeddings of the tokens, which whisper.cpp takes"
            " for both; ship it in another form"
        )
    dimensions = {theirs: getattr(model.config, ours) for theirs, ours in DIMENSIONS.items()}
    dimensions["n_text_state"] = model.config.d_model
    parameters = {names[name]: tensor.cpu() for name, tensor in state.items()}
    return Original(dimensions, parameters, tokens_of(tokenizer, folder))


def check_sizes(config: WhisperConfig, folder: Path) -> None:
    """Refuse a model with other sizes than whisper.cpp takes for granted."""
    if config.vocab_size not in LANGUAGES_OF:
        raise InputError(
            f"{folder}: its vocabulary has {config.vocab_size} entries, and whisper.cpp knows the"
            f" control tokens of {', '.join(map(str, LANGUAGES_OF))} only; ship it in another form"
        )
    for name in ("encoder_ffn_dim", "decoder_ffn_dim"):
        if getattr(config, name) != 4 * config.d_model:
            raise InputError(
                f"{folder}: {name} is {getattr(config, name)}, and whisper.cpp takes it for"
                f" {4 * config.d_model}, four times d_model; ship it in another form"
            )


def original_names(config: WhisperConfig) -> dict[str, str]:
    """Return the original names of parameters by those of ``transformers``."""
    modules = list(OUTSIDE.values()) + [
        f"{side}.blocks.{layer}.{part}"
        for side in SIDES
        for layer in range(max(config.encoder_layers, config.decoder_layers))
        for parts in IN_LAYER.values()
        for part in parts
    ]
    names = [f"{module}.{kind}" for module in modules for kind in ("weight", "bias")]
    names += [f"{side}.positional_embedding" for side in SIDES]
    return {hugging_face_name(name): name for name in names}


def tokens_of(tokenizer: WhisperTokenizer, folder: Path) -> list[bytes]:
    """Return the bytes of each token of text, in the order of their ids."""
    byte_of = {letter: byte for byte, letter in printable_bytes().items()}
    vocabulary = tokenizer.get_vocab()
    by_id = {id: token for token, id in vocabulary.items()}
    ids = range(vocabulary[END_OF_TEXT])
    if lacking := [id for id in ids if id not in by_id]:
        raise InputError(
            f"{folder}: its tokenizer has no token with the id {lacking[0]}; take tokenizer.json"
            " from the base model of this checkpoint"
        )
    return [bytes(byte_of[letter] for letter in by_id[id]) for id in ids]


def write_ggml(path: Path, original: Original, filters: np.ndarray) -> None:
    """Write a Whisper; ``filters`` are those of its features, [mels, frequencies]."""
    header = original.dimensions | {"ftype": CODES[torch.float16]}
    with path.open("wb") as file:
        file.write(packed_header(header, filters, original.tokens or []))
        for name, tensor in original.parameters.items():
            stored = as_stored(name, tensor)
            if not torch.isfinite(stored).all():
                raise InputError(
                    f"{path}: {name} has numbers that are too large for float16, or none; ship"
                    " the checkpoint in another form"
                )
            kind, content = CODES[stored.dtype], stored.contiguous().numpy().tobytes()
            file.write(packed_tensor(name.encode(), stored.shape[::-1], kind, content))


def as_stored(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Return a parameter as it is written: a matrix in float16, a convolution's bias as [n, 1]."""
    is_matrix = tensor.ndim > 1 and not name.endswith("positional_embedding")
    stored = tensor.to(torch.float16 if is_matrix else torch.float32)
    return stored.reshape(-1, 1) if re.fullmatch(r"encoder\.conv\d\.bias", name) else stored


def packed_header(header: Mapping[str, int], filters: np.ndarray, tokens: Iterable[bytes]) -> bytes:
    """Return what stands before the tensors: sizes, mel filters [mels, frequencies], tokens."""
    tokens = list(tokens)
    return (
        MAGIC
        + struct.pack("<11i", *(header[name] for name in HEADER))
        + struct.pack("<2i", *filters.shape)
        + np.ascontiguousarray(filters, dtype="<f4").tobytes()
        + struct.pack("<i", len(tokens))
        + b"".join(struct.pack("<I", len(token)) + token for token in tokens)
    )


def packed_tensor(name: bytes, dimensions: Sequence[int], kind: int, content: bytes) -> bytes:
    """Return a tensor of a type of ``TYPES``; dimensions run from the fastest to the slowest."""
    rank = len(dimensions)
    return struct.pack(f"<3i{rank}i", rank, len(name), kind, *dimensions) + name + content
