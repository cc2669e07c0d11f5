"""What a model's folder says of itself, held to types and bounds before anything is made by it.

``transformers`` allocates what ``config.json`` asks for, and this project computes its own features
and decodes by itself: a setting that is absurd, or that both would ignore, is refused by its key.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from transformers.activations import ACT2FN

from errors import InputError
from files.audio import SAMPLING_RATE
from files.json_file import read_object
from recognisers.log_mel import FRAME_LENGTH, HOP_LENGTH
from settings.fields import is_number

REMEDY = "take that file from the base model of this checkpoint"
POSITIONS_PER_SECOND = 50  # of Whisper's encoder
WHOLE = {  # keys of config.json, and the most that any model has of it, many times over
    **dict.fromkeys(("encoder_layers", "decoder_layers", "num_hidden_layers"), 256),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 1024),
    **dict.fromkeys(("num_attention_heads", "num_conv_pos_embedding_groups"), 1024),
    **dict.fromkeys(("d_model", "hidden_size", "encoder_ffn_dim", "decoder_ffn_dim"), 1 << 17),
    **dict.fromkeys(("intermediate_size", "max_source_positions", "max_target_positions"), 1 << 17),
    **dict.fromkeys(("num_conv_pos_embeddings", "num_mel_bins", "num_feat_extract_layers"), 1024),
    **dict.fromkeys(("num_labels", "mask_time_length", "mask_feature_length"), 1024),
    "vocab_size": 1 << 20,
}
LISTS = ("conv_dim", "conv_kernel", "conv_stride")
MOST_CONVOLUTIONS, WIDEST = 32, 1 << 14
CHANCES = ("dropout", "layerdrop", "_prob", "_dropout_prob")  # how their names end
FLAGS = ("scale_embedding", "do_stable_layer_norm", "conv_bias", "tie_word_embeddings")
ACTIVATIONS = ("activation_function", "feat_extract_activation", "hidden_act")
ATTENTIONS = (None, "eager", "sdpa")
DTYPES = (None, "float32", "float16", "bfloat16")
IDS = ("bos_token_id", "decoder_start_token_id", "no_timestamps_token_id", "pad_token_id")
GREEDY: dict[str, tuple] = {  # what this project decodes as, whatever a file says
    "num_beams": (1,),
    "num_beam_groups": (1,),
    "do_sample": (False,),
    "temperature": (0, 1),
    "repetition_penalty": (1,),
    "encoder_repetition_penalty": (1,),
    "no_repeat_ngram_size": (0,),
    "length_penalty": (1,),
    "min_length": (0,),
    "min_new_tokens": (0,),
    "bad_words_ids": (),
}


class Checked:
    """The keys of one JSON file, each of which must be right where it is given."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content = read_object(path, REMEDY)

    def check(self, key: str, is_right: Callable[[Any], bool], wanted: str) -> None:
        """Refuse a value that is given and is not right."""
        if key in self.content and not is_right(value := self.content[key]):
            raise InputError(
                f"{self.path}: {key} is {repr(value)[:60]}, and must be {wanted} for this model;"
                f" {REMEDY}"
            )

    def whole(self, key: str, least: int, most: int) -> None:
        """Refuse what is no whole number within bounds."""
        self.check(key, lambda value: is_whole(value, least, most), f"{least} to {most}")


def is_whole(value: Any, least: int, most: int) -> bool:
    """Say whether a value is a whole number within bounds."""
    return type(value) is int and least <= value <= most


def is_within(value: Any, least: float, most: float) -> bool:
    """Say whether a value is a finite number within bounds."""
    return is_number(value) and least <= value <= most


def is_one_of(known: tuple, value: Any) -> bool:
    """Say whether a value is one of those known; a truth value is no number."""
    return any(value == each and (type(value) is bool) == (type(each) is bool) for each in known)


def divides(size: int, value: int) -> bool:
    """Say whether a number divides a size."""
    return size % value == 0


def check_config(folder: Path) -> Mapping[str, Any]:
    """Return a model's ``config.json``; refuse what no model of a kind known here has."""
    file = Checked(folder / "config.json")
    content = file.content
    for key, most in WHOLE.items():
        file.whole(key, 1, most)
    for key in LISTS:
        file.check(key, is_list_of_sizes, f"1 to {MOST_CONVOLUTIONS} whole numbers up to {WIDEST}")
    lengths = {len(content[key]) for key in LISTS if key in content}
    if len(lengths) > 1:
        wanted = f"as long as the others of {', '.join(LISTS)}"
        file.check("conv_stride", lambda value: False, wanted)
    for length in lengths:
        file.whole("num_feat_extract_layers", length, length)
    for key in [key for key in content if key.endswith(CHANCES)]:
        file.check(key, lambda value: is_within(value, 0, 1), "a number from 0 to 1")
    for key in ("layer_norm_eps", "init_std", "initializer_range"):
        file.check(key, lambda value: is_within(value, 0, 1), "a number from 0 to 1")
    for key in FLAGS:
        file.check(key, lambda value: type(value) is bool, "true or false")
    for key in ACTIVATIONS:
        known = "the name of a function"
        file.check(key, lambda value: isinstance(value, str) and value in ACT2FN, known)
    for key in ("attn_implementation", "_attn_implementation"):
        file.check(key, lambda value: value in ATTENTIONS, "eager or sdpa")
    for key in ("dtype", "torch_dtype"):
        file.check(key, lambda value: value in DTYPES, ", ".join(map(str, DTYPES[1:])))
    file.check("quantization_config", lambda value: value is None, "left out: take whole weights")
    check_ids(file, content.get("vocab_size", 0))
    for width, heads in (
        *(("d_model", "encoder_attention_heads"), ("d_model", "decoder_attention_heads")),
        *(("hidden_size", "num_attention_heads"), ("hidden_size", "num_conv_pos_embedding_groups")),
    ):
        if width in content:
            size = content[width]
            file.check(heads, partial(divides, size), f"a divisor of {size}")
    if content.get("model_type") == "whisper":
        file.check("tie_word_embeddings", bool, "true")
    return content


def is_list_of_sizes(value: Any) -> bool:
    """Say whether a value is a list of the sizes of convolutions."""
    right = isinstance(value, list) and 0 < len(value) <= MOST_CONVOLUTIONS
    return right and all(is_whole(each, 1, WIDEST) for each in value)


def check_ids(file: Checked, vocabulary: int, is_decoded_by: bool = False) -> None:
    """Refuse an id of a token that is none of the vocabulary's, or no id."""

    def is_id(value: Any) -> bool:
        return is_whole(value, 0, vocabulary - 1)

    def is_list(value: Any) -> bool:
        return isinstance(value, list) and all(map(is_id, value))

    within = f"0 to {vocabulary - 1}"
    for key in IDS:
        file.check(key, lambda value: value is None or is_id(value), within)
    file.check("eos_token_id", lambda v: v is None or is_id(v) or bool(v) and is_list(v), within)
    for key in ("suppress_tokens", "begin_suppress_tokens") if is_decoded_by else ():
        file.check(key, lambda value: value is None or is_list(value), f"a list of {within}")
    for key in ("lang_to_id", "task_to_id"):
        mapped = f"an object of {within}"
        file.check(key, lambda v: isinstance(v, dict) and is_list([*v.values()]), mapped)


def check_generation(folder: Path, vocabulary: int) -> None:
    """Refuse a Whisper's generation config of wrong types, or that asks for another decoding."""
    path = folder / "generation_config.json"
    if not path.exists():  # what it lacks is told later
        return
    file = Checked(path)
    check_ids(file, vocabulary, is_decoded_by=True)
    file.check("is_multilingual", lambda value: type(value) is bool, "true or false")
    file.whole("max_length", 1, WHOLE["max_target_positions"])
    file.check("audio_window", lambda value: is_within(value, 0.02, 3600), "seconds above 0")
    for key, right in GREEDY.items():
        wanted = f"left out, or {' or '.join(map(str, right)) or 'null'}"
        file.check(key, partial(is_one_of, (None, *right)), wanted)


def check_preprocessor(folder: Path, config: Mapping[str, Any]) -> None:
    """Refuse features other than those that are computed here, which the model was trained on."""
    path = folder / "preprocessor_config.json"
    if not path.exists():
        return
    file = Checked(path)
    for key, value in features_of(config):
        file.check(key, partial(is_one_of, (value,)), str(value))
    for key in ("do_normalize", "return_attention_mask"):
        file.check(key, lambda value: type(value) is bool, "true or false")


def features_of(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the keys of a feature extractor, and what each must be for a model."""
    yield "sampling_rate", SAMPLING_RATE
    yield "padding_side", "right"
    yield "padding_value", 0
    if config.get("model_type") != "whisper":
        yield "feature_size", 1
        return
    yield "feature_size", config.get("num_mel_bins", 80)
    yield "hop_length", HOP_LENGTH
    yield "n_fft", FRAME_LENGTH
    yield "dither", 0
    yield "chunk_length", config.get("max_source_positions", 1500) // POSITIONS_PER_SECOND
