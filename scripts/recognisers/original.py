"""An original Whisper checkpoint: parameters, tokenizer and settings as transformers has them."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import AddedToken
from transformers import GenerationConfig, WhisperConfig, WhisperTokenizer
from transformers.models.whisper.configuration_whisper import (
    NON_SPEECH_TOKENS,
    NON_SPEECH_TOKENS_MULTI,
)
from transformers.models.whisper.tokenization_whisper import LANGUAGES

from errors import InputError
from files.checkpoint_file import read_pickled
from files.text_file import read_text
from recognisers.checkpoints import END_OF_TEXT

AGAIN = "fetch the file again"
ENGLISH_VOCABULARY = 51_864  # entries; multilingual models have more
START_OF_TRANSCRIPT = "<|startoftranscript|>"
TASKS = ("translate", "transcribe")
CONTROLS = (  # after the languages, in the order of their ids
    *(f"<|{task}|>" for task in TASKS),
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
TIMESTAMPS = tuple(f"<|{step * 0.02:.2f}|>" for step in range(1501))  # 0.00 s to 30.00 s
MAX_INITIAL_TIMESTAMP = 50  # steps of 0.02 s
SIZES = (  # a parameter, and the dimensions that its shape is made of
    ("encoder.conv1.weight", ("n_audio_state", "n_mels", "kernel")),
    ("encoder.positional_embedding", ("n_audio_ctx", "n_audio_state")),
    ("decoder.token_embedding.weight", ("n_vocab", "n_text_state")),
    ("decoder.positional_embedding", ("n_text_ctx", "n_text_state")),
)
DIMENSIONS = {  # original name -> Hugging Face name
    "n_mels": "num_mel_bins",
    "n_vocab": "vocab_size",
    "n_audio_ctx": "max_source_positions",
    "n_audio_state": "d_model",
    "n_audio_head": "encoder_attention_heads",
    "n_audio_layer": "encoder_layers",
    "n_text_ctx": "max_target_positions",
    "n_text_head": "decoder_attention_heads",
    "n_text_layer": "decoder_layers",
}
RENAMINGS = (  # applied in this order to each parameter's name
    (r"\bblocks\b", "layers"),
    (r"\bmlp\.0\b", "fc1"),
    (r"\bmlp\.2\b", "fc2"),
    (r"\bmlp_ln\b", "final_layer_norm"),
    (r"\bcross_attn_ln\b", "encoder_attn_layer_norm"),
    (r"\battn_ln\b", "self_attn_layer_norm"),
    (r"\bcross_attn\b", "encoder_attn"),
    (r"\battn\b", "self_attn"),
    (r"\bquery\b", "q_proj"),
    (r"\bkey\b", "k_proj"),
    (r"\bvalue\b", "v_proj"),
    (r"\bout\b", "out_proj"),
    (r"\bdecoder\.ln\b", "decoder.layer_norm"),
    (r"\bencoder\.ln_post\b", "encoder.layer_norm"),
    (r"\btoken_embedding\b", "embed_tokens"),
    (r"\bpositional_embedding\b", "embed_positions.weight"),
)


class Original(NamedTuple):
    """A published Whisper under the original names, whatever file it is in.

    ``tokens`` are the bytes of the text's tokens in the order of their ids, if the file has them.
    """

    dimensions: dict[str, int]  # those of DIMENSIONS, and n_text_state
    parameters: dict[str, torch.Tensor]
    tokens: list[bytes] | None = None


def hugging_face_name(name: str) -> str:
    """Return what ``transformers`` calls a parameter of the original checkpoint."""
    for pattern, replacement in RENAMINGS:
        name = re.sub(pattern, replacement, name)
    return f"model.{name}"


def read_ranks(path: Path) -> dict[bytes, int]:
    """Return a tokenizer's ranks: token bytes to id, from lines of ``base64 rank``."""
    ranks = {}
    for number, line in enumerate(read_text(path, AGAIN).splitlines(), start=1):
        try:
            token, rank = line.split(" ")
            ranks[base64.b64decode(token)] = int(rank)  # "=", in the multilingual file: no bytes
        except ValueError:
            place = f"{path}:{number}: {line[:60]!r}"
            raise InputError(f"{place} is no token in base64 and its rank; {AGAIN}") from None
    if not ranks or sorted(ranks.values()) != list(range(len(ranks))):
        raise InputError(f"{path}: ranks are not 0..{len(ranks) - 1}; {AGAIN}")
    return ranks


def recover_merges(ranks: Mapping[bytes, int]) -> list[tuple[bytes, bytes]]:
    """Return the pair that makes each token of two or more bytes, in order of rank.

    The pair is what byte-pair encoding with only the lower ranks leaves of the token.
    """
    merges = []
    for token, rank in sorted(ranks.items(), key=lambda entry: entry[1]):
        if len(token) > 1:
            parts = encode_bytes(token, ranks, below=rank)
            if len(parts) != 2:
                raise InputError(f"token {token!r} (rank {rank}) is no merge of two lower ranks")
            merges.append((parts[0], parts[1]))
    return merges


def encode_bytes(text: bytes, ranks: Mapping[bytes, int], below: int) -> list[bytes]:
    """Return byte-pair tokens of ``text``: the lowest-ranked pair is merged, again and again."""
    parts = [text[i : i + 1] for i in range(len(text))]
    while len(parts) > 1:
        pairs = [ranks.get(a + b, below) for a, b in zip(parts, parts[1:], strict=False)]
        lowest = min(pairs)
        if lowest >= below:
            break
        at = pairs.index(lowest)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


def printable_bytes() -> dict[int, str]:
    """Return GPT-2's stand-in for each byte: itself if printable, else a character from 256 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {
        byte: chr(256 + position) for position, byte in enumerate(others)
    }


def make_tokenizer(ranks: Mapping[bytes, int], languages: list[str]) -> WhisperTokenizer:
    """Return Whisper's tokenizer: the ranks, then special tokens, then timestamps, ids in a row."""
    letters = printable_bytes()

    def written(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    tokenizer = WhisperTokenizer(
        vocab={written(token): rank for token, rank in ranks.items()},
        merges=[(written(a), written(b)) for a, b in recover_merges(ranks)],
        pad_token=END_OF_TEXT,
        extra_special_tokens=special_tokens(languages),
    )
    tokenizer.add_tokens([AddedToken(time, normalized=False) for time in TIMESTAMPS])
    names = [END_OF_TEXT, *special_tokens(languages), *TIMESTAMPS]
    for position, name in enumerate(names, start=len(ranks)):
        if tokenizer.convert_tokens_to_ids(name) != position:
            raise InputError(f"token {name!r} has no id {position}; is the ranks file complete?")
    return tokenizer


def special_tokens(languages: list[str]) -> list[str]:
    """Return the special tokens that follow the end of text, in order."""
    return [START_OF_TRANSCRIPT, *(f"<|{language}|>" for language in languages), *CONTROLS]


def model_config(dimensions: Mapping[str, int], end_of_text: int) -> WhisperConfig:
    """Return the model's configuration from the original checkpoint's ``dims``."""
    sizes: dict[str, Any] = {ours: dimensions[theirs] for theirs, ours in DIMENSIONS.items()}
    return WhisperConfig(
        **sizes,
        encoder_ffn_dim=4 * dimensions["n_audio_state"],
        decoder_ffn_dim=4 * dimensions["n_text_state"],
        bos_token_id=end_of_text,
        eos_token_id=end_of_text,
        pad_token_id=end_of_text,
        decoder_start_token_id=end_of_text + 1,
    )


def generation_config(
    tokenizer: WhisperTokenizer, languages: list[str], multilingual: bool, max_length: int
) -> GenerationConfig:
    """Return what ``generate`` needs to decode as Whisper does, without timestamps.

    A multilingual model transcribes unless told otherwise; its language is the caller's to name.
    """
    ids = tokenizer.get_vocab()
    end_of_text = ids[END_OF_TEXT]
    symbols = NON_SPEECH_TOKENS_MULTI if multilingual else NON_SPEECH_TOKENS
    controls = [START_OF_TRANSCRIPT, *CONTROLS[:-1]]
    choices: dict[str, Any] = {}
    if multilingual:
        choices = {
            "lang_to_id": {f"<|{code}|>": ids[f"<|{code}|>"] for code in languages},
            "task_to_id": {task: ids[f"<|{task}|>"] for task in TASKS},
            "task": "transcribe",
        }
    return GenerationConfig(
        bos_token_id=end_of_text,
        eos_token_id=end_of_text,
        pad_token_id=end_of_text,
        decoder_start_token_id=ids[START_OF_TRANSCRIPT],
        no_timestamps_token_id=ids["<|notimestamps|>"],
        prev_sot_token_id=ids["<|startofprev|>"],
        suppress_tokens=[
            *(id for id in symbols if id < end_of_text),
            *(ids[control] for control in controls),
        ],
        begin_suppress_tokens=[*tokenizer.encode(" ", add_special_tokens=False), end_of_text],
        max_initial_timestamp_index=MAX_INITIAL_TIMESTAMP,
        max_length=max_length,
        is_multilingual=multilingual,
        return_timestamps=False,
        **choices,
    )


def load_original(checkpoint: Path) -> Original:
    """Return what an original checkpoint (``*.pt``) holds; no code in it is run."""
    content = read_pickled(checkpoint, AGAIN)
    parts = ("dims", "model_state_dict")
    if not isinstance(content, dict) or not all(isinstance(content.get(p), dict) for p in parts):
        raise InputError(
            f"{checkpoint}: lacks 'dims' or 'model_state_dict' of an original Whisper; {AGAIN}"
        )
    if odd := [k for k, v in content["model_state_dict"].items() if not is_parameter(k, v)]:
        raise InputError(f"{checkpoint}: {str(odd[0])[:60]!r} is no parameter; {AGAIN}")
    if missing := sorted({*DIMENSIONS, "n_text_state"} - set(content["dims"])):
        raise InputError(f"{checkpoint}: 'dims' lacks {', '.join(missing)}; {AGAIN}")
    return Original(content["dims"], content["model_state_dict"])


def is_parameter(name: Any, value: Any) -> bool:
    """Say whether an entry of a checkpoint is a tensor with a name."""
    return isinstance(name, str) and isinstance(value, torch.Tensor)


def measure(parameters: Mapping[str, torch.Tensor], path: Path) -> dict[str, int]:
    """Return the dimensions that the shapes of a Whisper's parameters tell: all but the heads."""
    measured = {
        f"n_{kind}_layer": len(
            {name.split(".")[2] for name in parameters if name.startswith(f"{side}.blocks.")}
        )
        for kind, side in (("audio", "encoder"), ("text", "decoder"))
    }
    for name, dimensions in SIZES:
        shape = getattr(parameters.get(name), "shape", ())
        if len(shape) != len(dimensions):
            raise InputError(
                f"{path}: parameter {name!r} is {f'of shape {list(shape)}' if shape else 'missing'}"
                f", not [{', '.join(dimensions)}]; fetch the file again, or take a Whisper's"
            )
        measured |= dict(zip(dimensions, shape, strict=True))
    del measured["kernel"]
    return measured


def check_dimensions(original: Original, path: Path) -> None:
    """Refuse dimensions that the parameters don't have: a model is allocated by them."""
    dimensions, remedy = original.dimensions, "the file is damaged: fetch it again"
    for name, size in measure(original.parameters, path).items():
        if dimensions[name] != size:
            raise InputError(
                f"{path}: {name} is {dimensions[name]!r}, but {size} by the parameters; {remedy}"
            )
    for kind in ("audio", "text"):
        heads, state = dimensions[f"n_{kind}_head"], dimensions[f"n_{kind}_state"]
        if heads not in range(1, state + 1) or state % heads:
            raise InputError(f"{path}: n_{kind}_head is {heads!r}, no divisor of {state}; {remedy}")


def pick_languages(vocabulary: int, ranks_file: Path, ranks: int) -> list[str]:
    """Return the codes of the languages that have a token: what the other tokens leave."""
    count = vocabulary - ranks - len([END_OF_TEXT, START_OF_TRANSCRIPT, *CONTROLS, *TIMESTAMPS])
    if count not in (99, 100):
        raise InputError(
            f"{ranks_file}: {ranks} ranks leave {count} languages in a vocabulary of {vocabulary},"
            " but Whisper has 99 or 100; it belongs to another model"
        )
    return list(LANGUAGES)[:count]


def check_vocabulary(
    tokens: list[bytes], ranks: Mapping[bytes, int], ranks_file: Path, checkpoint: Path
) -> None:
    """Refuse a tokenizer that writes other text than a checkpoint's own tokens."""
    for token, rank in ranks.items():
        if token and tokens[rank : rank + 1] != [token]:  # the multilingual last one is no bytes
            raise InputError(
                f"{ranks_file}: token {rank} is {token!r}, but {tokens[rank : rank + 1]} in"
                f" {checkpoint.name}; it belongs to another model"
            )
