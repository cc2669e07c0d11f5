"""Whisper's published formats as tests write them: OpenAI's, ggml's and CTranslate2's."""

import base64
import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from transformers import WhisperForConditionalGeneration

from recognisers import ggml_writing
from recognisers.ggml_writing import packed_header
from recognisers.original import Original, encode_bytes, model_config

SENTENCE = b"she sells sea shells by the sea shore; the shells she sells are sea shells"
DIMS = {
    "n_mels": 80,
    "n_audio_ctx": 50,
    "n_audio_state": 16,
    "n_audio_head": 2,
    "n_audio_layer": 2,
    "n_text_ctx": 32,
    "n_text_state": 16,
    "n_text_head": 2,
    "n_text_layer": 2,
}

CTRANSLATE2_TYPES = {torch.float32: 0, torch.int8: 1, torch.int16: 2, torch.float16: 4}


def learn_ranks(text: bytes, merges: int) -> dict[bytes, int]:
    """Byte-pair encoding learnt from one sentence: 256 bytes, then the commonest pairs."""
    ranks = {bytes([byte]): byte for byte in range(256)}
    words = [[bytes([byte]) for byte in word] for word in text.replace(b" ", b"\n ").split(b"\n")]
    for _ in range(merges):
        pairs = Counter(pair for word in words for pair in zip(word, word[1:], strict=False))
        first, second = max(pairs, key=lambda pair: (pairs[pair], pair))
        ranks[first + second] = len(ranks)
        words = [encode_bytes(b"".join(w), ranks, below=len(ranks)) for w in words]
    return ranks


def write_ranks(path: Path, ranks: Mapping[bytes, int]) -> None:
    """Write a tokenizer's ranks as OpenAI does."""
    path.write_text("".join(f"{base64.b64encode(t).decode()} {r}\n" for t, r in ranks.items()))


def random_original(
    ranks: Mapping[bytes, int], languages: int = 99, **sizes: int
) -> tuple[dict[str, int], dict[str, torch.Tensor]]:
    """Return dimensions and parameters (float16) of a Whisper of two small layers."""
    dims = DIMS | sizes | {"n_vocab": len(ranks) + languages + 8 + 1501}
    torch.manual_seed(0)
    ours = WhisperForConditionalGeneration(model_config(dims, len(ranks))).model.state_dict()
    return dims, {theirs: ours[name].half() for theirs, name in original_names(2).items()}


def original_names(layers: int) -> dict[str, str]:
    """Original name -> Hugging Face name, spelt out block by block as two published checkpoints."""
    names = {
        "encoder.conv1.weight": "encoder.conv1.weight",
        "encoder.conv1.bias": "encoder.conv1.bias",
        "encoder.conv2.weight": "encoder.conv2.weight",
        "encoder.conv2.bias": "encoder.conv2.bias",
        "encoder.positional_embedding": "encoder.embed_positions.weight",
        "encoder.ln_post.weight": "encoder.layer_norm.weight",
        "encoder.ln_post.bias": "encoder.layer_norm.bias",
        "decoder.token_embedding.weight": "decoder.embed_tokens.weight",
        "decoder.positional_embedding": "decoder.embed_positions.weight",
        "decoder.ln.weight": "decoder.layer_norm.weight",
        "decoder.ln.bias": "decoder.layer_norm.bias",
    }
    modules = {
        "attn.query": "self_attn.q_proj",
        "attn.key": "self_attn.k_proj",
        "attn.value": "self_attn.v_proj",
        "attn.out": "self_attn.out_proj",
        "attn_ln": "self_attn_layer_norm",
        "mlp.0": "fc1",
        "mlp.2": "fc2",
        "mlp_ln": "final_layer_norm",
    }
    crossed = {
        "cross_attn.query": "encoder_attn.q_proj",
        "cross_attn.key": "encoder_attn.k_proj",
        "cross_attn.value": "encoder_attn.v_proj",
        "cross_attn.out": "encoder_attn.out_proj",
        "cross_attn_ln": "encoder_attn_layer_norm",
    }
    for side, parts in (("encoder", modules), ("decoder", modules | crossed)):
        for layer in range(layers):
            for original, ours in parts.items():
                for kind in ("weight",) if original.endswith("key") else ("weight", "bias"):
                    names[f"{side}.blocks.{layer}.{original}.{kind}"] = (
                        f"{side}.layers.{layer}.{ours}.{kind}"
                    )
    return names


def ggml_header(dims: Mapping[str, int], tokens: Iterable[bytes]) -> bytes:
    """Return what stands before the tensors of a ggml file of float16, its mel filters all 0."""
    return packed_header(dict(dims) | {"ftype": 1}, no_filters(dims), tokens)


def write_ggml(
    path: Path,
    dims: Mapping[str, int],
    state: Mapping[str, torch.Tensor],
    tokens: Iterable[bytes],
) -> None:
    """Write an original checkpoint, its mel filters all 0."""
    original = Original(dict(dims), dict(state), list(tokens))
    ggml_writing.write_ggml(path, original, no_filters(dims))


def no_filters(dims: Mapping[str, int]) -> np.ndarray:
    """Return mel filters that hear nothing."""
    return np.zeros((dims["n_mels"], 201))


def ctranslate2_name(name: str) -> bytes:
    """Return a name as CTranslate2 writes it: its length, its bytes, a NUL."""
    return struct.pack("<H", len(name) + 1) + name.encode() + b"\0"


def ctranslate2_variable(name: str, value: torch.Tensor) -> bytes:
    """Return a variable of a CTranslate2 model."""
    content = value.numpy().tobytes()
    shape = struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape)
    kind = struct.pack("<BI", CTRANSLATE2_TYPES[value.dtype], len(content))
    return ctranslate2_name(name) + shape + kind + content


def ctranslate2_variables(
    dims: Mapping[str, int], state: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Return an original checkpoint under CTranslate2's names, its projections joined."""
    numbers = {"activation": 3, "alibi": 0, "pre_norm": 1, "scale_embeddings": 0}
    numbers |= {"start_from_zero_embedding": 0, "alignment_layer": -1}
    variables = {f"decoder/{name}": torch.tensor(v).short() for name, v in numbers.items()}
    for side, kind in (("encoder", "audio"), ("decoder", "text")):
        variables[f"{side}/num_heads"] = torch.tensor(dims[f"n_{kind}_head"]).short()
        variables[f"{side}/position_encodings/encodings"] = state[f"{side}.positional_embedding"]
        norm = "encoder.ln_post" if side == "encoder" else "decoder.ln"
        layers = [(norm, f"{side}/layer_norm")]
        for layer in range(dims[f"n_{kind}_layer"]):
            theirs, ours = f"{side}.blocks.{layer}", f"{side}/layer_{layer}"
            layers += [
                (f"{theirs}.attn_ln", f"{ours}/self_attention/layer_norm"),
                (f"{theirs}.mlp_ln", f"{ours}/ffn/layer_norm"),
            ]
            joined = [
                (["attn.query", "attn.key", "attn.value"], "self_attention/linear_0"),
                (["attn.out"], "self_attention/linear_1"),
                (["mlp.0"], "ffn/linear_0"),
                (["mlp.2"], "ffn/linear_1"),
            ]
            if side == "decoder":
                layers.append((f"{theirs}.cross_attn_ln", f"{ours}/attention/layer_norm"))
                joined += [
                    (["cross_attn.query"], "attention/linear_0"),
                    (["cross_attn.key", "cross_attn.value"], "attention/linear_1"),
                    (["cross_attn.out"], "attention/linear_2"),
                ]
            for parts, target in joined:
                for leaf in ("weight", "bias"):
                    names = [f"{theirs}.{part}.{leaf}" for part in parts]
                    nothing = torch.zeros(dims["n_text_state"]).half()  # the key's bias
                    pieces = [state.get(name, nothing) for name in names]
                    variables[f"{ours}/{target}/{leaf}"] = torch.cat(pieces)
        for theirs, ours in layers:
            variables[f"{ours}/gamma"] = state[f"{theirs}.weight"]
            variables[f"{ours}/beta"] = state[f"{theirs}.bias"]
    for conv in ("conv1", "conv2"):
        for leaf in ("weight", "bias"):
            variables[f"encoder/{conv}/{leaf}"] = state[f"encoder.{conv}.{leaf}"]
    variables["decoder/embeddings/weight"] = state["decoder.token_embedding.weight"]
    return variables


def write_ctranslate2(
    path: Path,
    variables: Mapping[str, torch.Tensor],
    version: int = 6,
    specification: str = "WhisperSpec",
    aliases: Mapping[str, str] | None = None,
) -> None:
    """Write variables as a CTranslate2 ``model.bin``."""
    if aliases is None:
        aliases = {"decoder/projection/weight": "decoder/embeddings/weight"}
    path.write_bytes(
        struct.pack("<I", version)
        + ctranslate2_name(specification)
        + struct.pack("<II", 3, len(variables))
        + b"".join(ctranslate2_variable(*pair) for pair in variables.items())
        + struct.pack("<I", len(aliases))
        + b"".join(ctranslate2_name(part) for pair in aliases.items() for part in pair)
    )
