"""Bad and hostile checkpoints: headers that lie, weights that are no numbers, absurd settings."""

import functools
import json
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import pretrained
from bad_input import RIGHT, Case, judge
from recognisers.load import load_recogniser
from recognisers.original import DIMENSIONS
from tiny import write_ctc, write_whisper
from vectors.folders import read_folder
from vectors.streaming import read_layout

Change = Callable[[Path], object]
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
RAN = Path(tempfile.gettempdir()) / f"pickle-was-run-{os.getpid()}"
torch.set_num_threads(1)  # a tiny model is slower with more


@functools.cache
def tiny(kind: str) -> Path:
    """Return a folder of a tiny Whisper or CTC model, which is right, and stays as it is."""
    folder = Path(tempfile.mkdtemp(prefix="checkpoints-")) / kind
    if kind == "whisper":
        write_whisper(folder, multilingual=True)
    else:
        write_ctc(folder, kind="wav2vec2")
    return folder


# --- changes of a folder


def written(file: str, content: bytes | str) -> Change:
    data = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / file).write_bytes(data)


def set_to(file: str, **values: Any) -> Change:
    """Return what sets keys of a JSON file; ``...`` takes one out."""

    def change(folder: Path) -> None:
        content = json.loads((folder / file).read_text()) | values
        kept = {key: value for key, value in content.items() if value is not ...}
        (folder / file).write_text(json.dumps(kept))

    return change


def weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Change:
    def apply(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file(tensors, folder / WEIGHTS, {"format": "pt"})

    return apply


def value(name: str, place: int, number: float) -> Change:
    """Return what writes a number into a tensor of the weights, from one of its ends."""
    return weights(lambda tensors: tensors[name].view(-1).__setitem__(place, number))


def header(fields: object, data: bytes = bytes(8), length: int | None = None) -> bytes:
    """Return a safetensors file with a header, and a length that it tells."""
    text = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    size = len(text) if length is None else length
    return size.to_bytes(8, "little") + text + data


def field(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


HEADERS = {  # of files of 8 bytes in two of float32, but for what is said
    "empty": b"",
    "seven bytes": bytes(7),
    "length 0": header(b""),
    "length beyond the file": header(field(), length=1 << 20),
    "length of exabytes": header(field(), length=(1 << 64) - 1),
    "length of 100 MB": header(field(), length=100_000_001),
    "not JSON": header(b"{not JSON"),
    "not UTF-8": header(b'{"\xff": 1}'),
    "a list": header([]),
    "a number": header(7),
    "null": header(None),
    "no offsets": header({"a": {"dtype": "F32", "shape": [2]}}),
    "no tensor": header({"a": None}),
    "an unknown type": header(field(dtype="F33")),
    "a type that is a number": header(field(dtype=32)),
    "a shape of text": header(field(shape="2")),
    "a negative shape": header(field(shape=[-2])),
    "a shape of fractions": header(field(shape=[2.0])),
    "a shape that overflows": header(field(shape=[1 << 32, 1 << 32])),
    "another shape": header(field(shape=[3])),
    "offsets beyond the file": header(field(shape=[4], offsets=[0, 16])),
    "negative offsets": header(field(offsets=[-8, 0])),
    "offsets that fall": header(field(offsets=[8, 0])),
    "three offsets": header(field(offsets=[0, 4, 8])),
    "offsets of text": header(field(offsets=["0", "8"])),
    "offsets that overflow": header(field(offsets=[0, 1 << 64])),
    "a gap before": header(field(shape=[1], offsets=[4, 8])),
    "bytes behind": header(field(shape=[1], offsets=[0, 4])),
    "two in one place": header(field() | {"b": field()["a"]}),
    "two that overlap": header(
        field(shape=[1], offsets=[0, 4])
        | {"b": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    ),
    "a name twice": header(
        json.dumps(field())[:-1].encode() + b"," + json.dumps(field())[1:].encode()
    ),
    "metadata of numbers": header(field() | {"__metadata__": {"format": 7}}),
    "metadata that is a list": header(field() | {"__metadata__": []}),
    "deep": header(b'{"a":' + b"[" * 10000 + b"]" * 10000 + b"}"),
    "5,000 digits": header(json.dumps(field()).replace("8]", "9" * 5000 + "]").encode()),
}


class Evil:
    """What a pickle runs when it is read."""

    def __reduce__(self) -> tuple:
        return os.mkfifo, (str(RAN),)


def pickled(file: str, content: object) -> Change:
    return lambda folder: ((folder / WEIGHTS).unlink(), torch.save(content, folder / file))


def sharded(weight_map: dict[str, str] | object, **files: dict) -> Change:
    """Return what puts the weights into shards, as an index tells; files are made as well."""

    def change(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        (folder / WEIGHTS).unlink()
        names = list(tensors)
        half = len(names) // 2
        for shard, part in (("1.safetensors", names[:half]), ("2.safetensors", names[half:])):
            save_file({name: tensors[name] for name in part}, folder / shard, {"format": "pt"})
        told: object = {
            name: "1.safetensors" if place < half else "2.safetensors"
            for place, name in enumerate(names)
        }
        if isinstance(weight_map, dict):
            told |= {k: v for k, v in weight_map.items() if not v.startswith("@")}
            for key, moved in weight_map.items():
                if moved.startswith("@"):
                    shutil.move(folder / key, folder / moved[1:])
                    told = {n: (moved[1:] if v == key else v) for n, v in told.items()}
        else:
            told = weight_map
        (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": told}))

    return change


LAST = "model.decoder.layer_norm.bias"
MIDDLE = "model.encoder.layers.0.fc1.weight"
C, G, P, T = ("config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json")
TC = "tokenizer_config.json"
HUGE = 10**8

WHISPER: dict[str, tuple[Change, str]] = {
    "right": (lambda folder: None, ""),
    "right, in shards": (sharded({}), ""),
    # config.json
    "config: no file": (lambda folder: (folder / C).unlink(), "config.json: no such file"),
    "config: FIFO": (
        lambda folder: ((folder / C).unlink(), os.mkfifo(folder / C)),
        "config.json: is a pipe",
    ),
    "config: folder": (
        lambda folder: ((folder / C).unlink(), (folder / C).mkdir()),
        "config.json: is a folder",
    ),
    "config: not JSON": (written(C, "{"), "config.json: not JSON"),
    "config: a list": (written(C, "[]"), "config.json: .*not a JSON object"),
    "config: NaN": (
        written(C, '{"model_type": "whisper", "dropout": NaN}'),
        "config.json: dropout: NaN",
    ),
    "config: a list as type": (set_to(C, model_type=["whisper"]), "model_type"),
    "config: another type": (set_to(C, model_type="bert"), "model_type 'bert'"),
    **{
        f"config: {key} {shown}": (set_to(C, **{key: wrong}), rf"config.json: {key} is .*; ")
        for key, shown, wrong in (
            *(("encoder_layers", str(n), n) for n in (HUGE, -1, 0, 1.5, "many", None, True, [1])),
            ("decoder_layers", "huge", HUGE),
            ("d_model", "huge", HUGE),
            ("d_model", "negative", -32),
            ("d_model", "zero", 0),
            ("vocab_size", "huge", 10**12),
            ("vocab_size", "text", "51865"),
            ("max_source_positions", "huge", 10**12),
            ("max_target_positions", "negative", -1),
            ("max_target_positions", "fraction", 448.5),
            ("encoder_ffn_dim", "huge", 10**12),
            ("encoder_attention_heads", "zero", 0),
            ("encoder_attention_heads", "three", 3),
            ("decoder_attention_heads", "text", "two"),
            ("num_mel_bins", "huge", 10**9),
            ("num_hidden_layers", "huge", HUGE),
            ("num_labels", "huge", HUGE),
            ("dropout", "text", "none"),
            ("dropout", "two", 2.0),
            ("attention_dropout", "negative", -0.5),
            ("pad_token_id", "huge", 10**9),
            ("pad_token_id", "text", "x"),
            ("eos_token_id", "nested", [[1]]),
            ("decoder_start_token_id", "negative", -5),
            ("activation_function", "unknown", "evil"),
            ("activation_function", "number", 7),
            ("scale_embedding", "text", "yes"),
            ("init_std", "text", "x"),
        )
    },
    "config: a quantised model": (
        set_to(C, quantization_config={"quant_method": "bitsandbytes", "load_in_8bit": True}),
        "quantization_config",
    ),
    "config: code of its own": (set_to(C, auto_map={"AutoModel": "evil.Evil"}), ""),
    "config: an unknown dtype": (
        set_to(C, torch_dtype="float33", dtype="float33"),
        "float33|dtype",
    ),
    "config: an attention of its own": (
        set_to(C, _attn_implementation="evil/kernel", attn_implementation="evil/kernel"),
        "attn_implementation",
    ),
    "config: untied": (set_to(C, tie_word_embeddings=False), "tie_word_embeddings|missing"),
    # generation_config.json
    "generation: not JSON": (written(G, "{"), "generation_config.json: not JSON"),
    "generation: a list": (written(G, "[]"), "generation_config.json: .*not a JSON object"),
    "generation: FIFO": (
        lambda folder: ((folder / G).unlink(), os.mkfifo(folder / G)),
        "is a pipe",
    ),
    **{
        f"generation: {key} {shown}": (
            set_to(G, **{key: wrong}),
            rf"generation_config.json: (.* )?{key}.*; ",
        )
        for key, shown, wrong in (
            ("eos_token_id", "text", "x"),
            ("eos_token_id", "an empty list", []),
            ("eos_token_id", "nested", [[1]]),
            ("eos_token_id", "an object", {}),
            ("eos_token_id", "huge", 10**12),
            ("decoder_start_token_id", "text", "x"),
            ("no_timestamps_token_id", "huge", 10**12),
            ("is_multilingual", "text", "no"),
            ("is_multilingual", "number", 3),
            ("lang_to_id", "a list", ["<|en|>"]),
            ("lang_to_id", "of texts", {"<|en|>": "1"}),
            ("lang_to_id", "a number", 7),
            ("task_to_id", "null", None),
            ("task_to_id", "a text", "transcribe"),
            ("suppress_tokens", "text", "1"),
            ("suppress_tokens", "of texts", ["1"]),
            ("suppress_tokens", "beyond", [10**9]),
            ("suppress_tokens", "negative", [-2]),
            ("suppress_tokens", "nested", [[1]]),
            ("begin_suppress_tokens", "a number", 7),
            ("begin_suppress_tokens", "beyond", [10**9]),
            ("num_beams", "huge", 10**6),
            ("num_beams", "five", 5),
            ("do_sample", "true", True),
            ("temperature", "of a hundred", 100.0),
            ("repetition_penalty", "of a hundred", 100.0),
            ("no_repeat_ngram_size", "two", 2),
            ("length_penalty", "minus ten", -10.0),
            ("min_length", "a thousand", 1000),
            ("max_length", "negative", -1),
            ("max_length", "text", "x"),
            ("bad_words_ids", "a list", [[1]]),
            ("audio_window", "text", "x"),
            ("audio_window", "negative", -1.0),
        )
    },
    "generation: 5,000 digits": (
        written(G, '{"eos_token_id": %s}' % ("9" * 5000)),
        "generation_config.json: eos_token_id: 9+... has 5000 digits",
    ),
    # preprocessor_config.json
    "features: not JSON": (written(P, "{"), "preprocessor_config.json: not JSON"),
    "features: a list": (written(P, "[]"), "preprocessor_config.json: .*not a JSON object"),
    **{
        f"features: {key} {wrong!r}": (
            set_to(P, **{key: wrong}),
            rf"preprocessor_config.json: {key} is .*; ",
        )
        for key, wrong in (
            ("n_fft", 512),
            ("n_fft", "400"),
            ("hop_length", 80),
            ("chunk_length", 15),
            ("chunk_length", 10**9),
            ("chunk_length", "30"),
            ("sampling_rate", 8000),
            ("sampling_rate", "16000"),
            ("feature_size", 128),
            ("feature_size", 10**9),
            ("dither", 0.5),
            ("padding_value", 1.0),
            ("padding_side", "left"),
            ("return_attention_mask", "maybe"),
        )
    },
    # tokenizers
    "tokenizer: a list": (written(T, "[]"), "tokenizer"),
    "tokenizer: deep": (written(T, '{"a":' + "[" * 10000 + "]" * 10000 + "}"), "tokenizer.json"),
    "tokenizer: no model": (set_to(T, model=None), "tokenizer"),
    "tokenizer: ids of text": (
        set_to(T, model={"type": "BPE", "vocab": {"a": "x"}, "merges": []}),
        "tokenizer",
    ),
    "tokenizer: FIFO": (lambda folder: ((folder / T).unlink(), os.mkfifo(folder / T)), "is a pipe"),
    "tokenizer: code of its own": (
        set_to(TC, tokenizer_class="Evil", auto_map={"AutoTokenizer": ["e.E", None]}),
        "",
    ),
    "tokenizer config: a list": (written(TC, "[]"), "tokenizer"),
    # weights
    "weights: none": (lambda folder: (folder / WEIGHTS).unlink(), "model.safetensors"),
    "weights: FIFO": (
        lambda folder: ((folder / WEIGHTS).unlink(), os.mkfifo(folder / WEIGHTS)),
        "is a pipe",
    ),
    "weights: folder": (
        lambda folder: ((folder / WEIGHTS).unlink(), (folder / WEIGHTS).mkdir()),
        "model.safetensors",
    ),
    "weights: device": (
        lambda folder: ((folder / WEIGHTS).unlink(), (folder / WEIGHTS).symlink_to("/dev/zero")),
        "is a device",
    ),
    "weights: a NaN": (value(MIDDLE, 7, float("nan")), f"{MIDDLE}.*not finite"),
    "weights: a NaN at the end": (value(LAST, -1, float("nan")), f"{LAST}.*not finite"),
    "weights: infinity": (value(MIDDLE, -1, float("-inf")), f"{MIDDLE}.*not finite"),
    "weights: 1e30": (value(MIDDLE, 99, 1e30), f"{MIDDLE}.*1e.30"),
    "weights: a NaN as float16": (
        weights(lambda t: (value_of_half(t), None)),
        f"{MIDDLE}.*not finite",
    ),
    "weights: another shape": (
        weights(lambda t: t.update({LAST: torch.zeros(33)})),
        "other sizes than config.json",
    ),
    "weights: one is lacking": (
        weights(lambda t: t.pop(LAST)),
        f"missing parameters, first '{LAST}'",
    ),
    "weights: one too many": (
        weights(lambda t: t.update(x=torch.zeros(1))),
        "unexpected .*first 'x'",
    ),
    "pickle: code": (
        pickled("pytorch_model.bin", {"a": Evil()}),
        "given: .*besides tensors.*; ",
    ),
    "pickle: a list": (
        pickled("pytorch_model.bin", [1, 2]),
        "pytorch_model.bin|not a Hugging Face",
    ),
    "pickle: numbers as names": (pickled("pytorch_model.bin", {1: torch.zeros(1)}), "."),
    "pickle: not one": (
        lambda folder: (
            (folder / WEIGHTS).unlink(),
            (folder / "pytorch_model.bin").write_bytes(b"x" * 99),
        ),
        "pytorch_model.bin|not a Hugging",
    ),
    # shards
    "shards: outside": (
        sharded({"1.safetensors": "@../1.safetensors"}),
        "index.json: '../1.safetensors'",
    ),
    "shards: absolute": (sharded({LAST: "/dev/zero"}), "index.json: '/dev/zero'"),
    "shards: one is lacking": (sharded({LAST: "3.safetensors"}), "3.safetensors"),
    "shards: one that has not what it should": (sharded({"x": "1.safetensors"}), ""),
    "shards: no map": (sharded([]), "index.json: .*weight_map"),
    "shards: a map of numbers": (sharded(7), "index.json: .*weight_map"),
    "shards: an index that is none": (
        lambda folder: ((folder / WEIGHTS).unlink(), (folder / INDEX).write_text("[")),
        "index.json: not JSON",
    ),
}


def value_of_half(tensors: dict[str, torch.Tensor]) -> None:
    tensors[MIDDLE] = tensors[MIDDLE].half()
    tensors[MIDDLE].view(-1)[5] = float("nan")


CTC: dict[str, tuple[Change, str]] = {
    "right": (lambda folder: None, ""),
    **{
        f"config: {key} {shown}": (set_to(C, **{key: wrong}), rf"config.json: {key} is .*; ")
        for key, shown, wrong in (
            ("num_hidden_layers", "huge", HUGE),
            ("num_hidden_layers", "text", "two"),
            ("hidden_size", "huge", 10**10),
            ("hidden_size", "zero", 0),
            ("num_attention_heads", "three", 3),
            ("intermediate_size", "negative", -1),
            ("vocab_size", "huge", 10**12),
            ("conv_dim", "a number", 8),
            ("conv_dim", "of texts", ["8", "8"]),
            ("conv_dim", "of 100,000", [8] * 100_000),
            ("conv_kernel", "huge", [10**12, 16]),
            ("conv_stride", "zero", [0, 16]),
            ("conv_stride", "short", [8]),
            ("num_feat_extract_layers", "other", 7),
            ("num_conv_pos_embeddings", "huge", 10**12),
            ("num_conv_pos_embedding_groups", "zero", 0),
            ("num_conv_pos_embedding_groups", "three", 3),
            ("mask_time_length", "negative", -1),
            ("mask_time_prob", "two", 2),
            ("mask_time_prob", "text", "x"),
            ("layerdrop", "text", "x"),
            ("hidden_dropout", "two", 2.0),
            ("feat_extract_activation", "unknown", "evil"),
            ("hidden_act", "a number", 7),
            ("layer_norm_eps", "negative", -1.0),
            ("layer_norm_eps", "text", "x"),
            ("pad_token_id", "text", "x"),
        )
    },
    "features: padding 1.0": (
        set_to(P, padding_value=1.0),
        "preprocessor_config.json: padding_value",
    ),
    "features: do_normalize text": (set_to(P, do_normalize="maybe"), "do_normalize is"),
    "features: return_attention_mask text": (
        set_to(P, return_attention_mask=[1]),
        "return_attention_mask is",
    ),
    "features: feature_size 2": (set_to(P, feature_size=2), "feature_size is 2"),
    "letters: a list": (written("vocab.json", "[]"), "vocab.json"),
    "letters: ids of text": (set_to("vocab.json", E="x"), "vocab.json|tokenizer"),
    "letters: a fraction": (set_to("vocab.json", E=5.5), "vocab.json|tokenizer"),
    "letters: an id twice": (set_to("vocab.json", E=6), "different models"),
    "letters: negative": (set_to("vocab.json", E=-6), "different models|tokenizer"),
    "letters: not JSON": (written("vocab.json", "{"), "vocab.json"),
    "letters: FIFO": (
        lambda f: ((f / "vocab.json").unlink(), os.mkfifo(f / "vocab.json")),
        "is a pipe",
    ),
    "weights: a NaN": (value("lm_head.bias", -1, float("nan")), "lm_head.bias.*not finite"),
}


def copied(kind: str, folder: Path, change: Change) -> Path:
    target = folder / "given"
    shutil.copytree(tiny(kind), target)
    change(target)
    return target


def loaded(folder: Path, kind: str, change: Change) -> None:
    given = copied(kind, folder, change)
    recogniser = load_recogniser(given, window=1.0)
    recogniser.transcribe([SOUND()])
    if RAN.exists():
        raise RuntimeError("a pickle was run")


@functools.cache
def SOUND() -> Path:
    from files.audio import save_audio

    path = Path(tempfile.mkdtemp()) / "x.flac"
    save_audio(path, torch.zeros(8000).numpy())
    return path


def whisper_case(what: str, change: Change, says: str) -> Case:
    tiny("whisper")
    return Case("Whisper's folder", what, partial(loaded, kind="whisper", change=change), says)


def ctc_case(what: str, change: Change, says: str) -> Case:
    return Case("CTC folder", what, partial(loaded, kind="ctc", change=change), says)


def header_case(what: str, content: bytes) -> Case:
    def call(folder: Path) -> None:
        (folder / "x.safetensors").write_bytes(content)
        read_layout(folder / "x.safetensors")

    return Case("safetensors", what, call, r"x\.safetensors: .*; ")


# --- what is made of a fetched artifact


def base(folder: Path, change: Change, kind: str = "whisper") -> None:
    given = copied(kind, folder, change)
    pretrained.main(["--artifact", str(given), "--output", str(folder / "out")])


def base_case(what: str, change: Change, says: str) -> Case:
    return Case("base model", what, partial(base, change=change), says)


def declared(*left_out: str) -> Change:
    """Return what lists the files of a folder as fetched, but for some."""

    def change(folder: Path) -> None:
        names = [path.name for path in folder.iterdir() if path.name not in left_out]
        files = {name: {"sha256": "0" * 64, "bytes": 1} for name in names}
        (folder / "files.json").write_text(json.dumps({"licence": "MIT", "files": files}))

    return change


def both(*changes: Change) -> Change:
    return lambda folder: [change(folder) for change in changes]


def original(**changes: Any) -> Change:
    """Return what leaves an original Whisper alone in the folder: ``*.pt``, with some changes."""

    def change(folder: Path) -> None:
        shutil.rmtree(folder)
        folder.mkdir()
        content = changes.get(
            "content",
            {"dims": dict.fromkeys([*DIMENSIONS, "n_text_state"], 1), "model_state_dict": {}},
        )
        if isinstance(content, bytes):
            (folder / "tiny.pt").write_bytes(content)
        else:
            torch.save(content, folder / "tiny.pt")

    return change


BASE: dict[str, tuple[Change, str]] = {
    "right": (lambda folder: None, ""),
    "right, as it was fetched": (declared(), ""),
    "a file that was not declared": (declared(WEIGHTS), f"{WEIGHTS}: .*files.json.*; "),
    "a shard that was not declared": (
        both(sharded({}), declared("2.safetensors")),
        "2.safetensors: .*files.json.*; ",
    ),
    "an index of files that is none": (written("files.json", "[]"), "files.json: "),
    "an index without files": (written("files.json", '{"files": 7}'), "files.json: "),
    "weights of NaN, the user's folder named": (
        value("model.encoder.conv1.bias", 3, float("nan")),
        "given.*not finite",
    ),
    "pickle: code": (original(content={"a": Evil()}), "tiny.pt: .*besides tensors.*; "),
    "pickle: old": (original(content=pickle.dumps({"a": Evil()})), "tiny.pt: .*; "),
    "pickle: bytes": (original(content=b"\x80\x02x"), "tiny.pt: .*; "),
    "pickle: deep": (original(content=b"\x80\x02" + b"](" * 9999), "tiny.pt: .*; "),
    "pickle: a number": (original(content=7), "tiny.pt: .*; "),
    "pickle: without parameters": (original(), "tiny.pt: .*; "),
    "pickle: parameters that are none": (
        original(
            content={
                "dims": {k: 1 for k in [*DIMENSIONS, "n_text_state"]},
                "model_state_dict": {"encoder.conv1.weight": 7},
            }
        ),
        "tiny.pt: .*; ",
    ),
    "pickle: dims of text": (
        original(
            content={
                "dims": {k: "x" for k in [*DIMENSIONS, "n_text_state"]},
                "model_state_dict": {},
            }
        ),
        "tiny.pt: .*; ",
    ),
    "pickle: parameters of numbers": (
        original(
            content={
                "dims": {k: 1 for k in [*DIMENSIONS, "n_text_state"]},
                "model_state_dict": {7: torch.zeros(1)},
            }
        ),
        "tiny.pt: .*; ",
    ),
    "folder: empty": (lambda folder: [path.unlink() for path in folder.iterdir()], "given: .*; "),
}


def folder_case(what: str, change: Change, says: str) -> Case:
    def call(folder: Path) -> None:
        read_folder(copied("whisper", folder, change))

    return Case("folder of a vector", what, call, says)


CASES = [
    *(header_case(what, content) for what, content in HEADERS.items()),
    *(whisper_case(what, change, says) for what, (change, says) in WHISPER.items()),
    *(ctc_case(what, change, says) for what, (change, says) in CTC.items()),
    *(base_case(what, change, says) for what, (change, says) in BASE.items()),
    *(
        folder_case(what, *WHISPER[what])
        for what in (
            "shards: outside",
            "shards: one is lacking",
            "shards: a map of numbers",
            "weights: none",
            "weights: FIFO",
        )
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.door}: {case.what}")
def test_bad_input_is_refused_well(case, tmp_path):
    outcome, said = judge(case, tmp_path)
    assert outcome in RIGHT, (outcome, said)
