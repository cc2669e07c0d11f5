"""Whisper from whisper.cpp's and faster-whisper's files: the original's, or refused by position."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import pretrained
from errors import InputError
from published import (
    SENTENCE,
    ctranslate2_name,
    ctranslate2_variable,
    ctranslate2_variables,
    ggml_header,
    learn_ranks,
    random_original,
    write_ctranslate2,
    write_ggml,
    write_ranks,
)
from recognisers import binary
from recognisers.faster_whisper import read_faster_whisper
from recognisers.ggml import read_ggml
from recognisers.ggml_writing import packed_tensor
from recognisers.original import Original, check_dimensions, check_vocabulary

RANKS = learn_ranks(SENTENCE, merges=20)
TOKENS = list(RANKS)
DIMS, STATE = random_original(RANKS)
HEAD = ggml_header(DIMS, TOKENS)
AT_TENSORS = len(HEAD)
AT_TYPE = 4 + 10 * 4  # of the header's numbers
AT_TOKENS = 4 + 11 * 4 + 8 + 4 * 80 * 201
VARIABLES = ctranslate2_variables(DIMS, STATE)
FIRST_VARIABLE = 4 + 2 + len("WhisperSpec") + 1 + 8


def edited(content: bytes, position: int, layout: str, *numbers: int) -> bytes:
    """Return ``content`` with other numbers at a position."""
    new = struct.pack(f"<{layout}", *numbers)
    return content[:position] + new + content[position + len(new) :]


@pytest.fixture
def fetched(tmp_path) -> Path:
    """Return an artifact's folder with its tokenizer, beside what is written."""
    (tmp_path / "fetched").mkdir()
    write_ranks(tmp_path / "fetched/gpt2.tiktoken", RANKS)
    return tmp_path / "fetched"


@pytest.fixture
def ggml(fetched) -> Path:
    write_ggml(fetched / "base.bin", DIMS, STATE, TOKENS)
    return fetched / "base.bin"


@pytest.fixture
def model_bin(fetched) -> Path:
    write_ctranslate2(fetched / "model.bin", VARIABLES)
    return fetched / "model.bin"


@pytest.fixture(autouse=True)
def bounded(monkeypatch):
    """No byte of memory is asked for that the file does not have."""

    def checked(size: int) -> bytearray:
        assert size <= 2_000_000, "memory was asked for a size that a file claims"
        return bytearray(size)

    monkeypatch.setattr(binary, "bytearray", checked, raising=False)


@pytest.mark.parametrize("fixture", ["ggml", "model_bin"])
def test_each_format_becomes_the_folder_that_the_original_becomes(fixture, request, tmp_path):
    path = request.getfixturevalue(fixture)
    if fixture == "model_bin":
        (path.parent / "config.json").write_text("{}")  # faster-whisper's own, of no use here
    (tmp_path / "original").mkdir()
    write_ranks(tmp_path / "original/gpt2.tiktoken", RANKS)
    torch.save({"dims": DIMS, "model_state_dict": STATE}, tmp_path / "original/tiny.pt")
    outputs = [tmp_path / "of_bin", tmp_path / "of_pt"]
    for folder, output in zip((path.parent, tmp_path / "original"), outputs, strict=True):
        pretrained.main(["--artifact", str(folder), "--output", str(output)])
    names = {path.name for path in outputs[1].iterdir()} - {"model.safetensors.lineage.json"}
    assert {"model.safetensors", "generation_config.json", "tokenizer.json"} < names
    for name in names:
        assert (outputs[0] / name).read_bytes() == (outputs[1] / name).read_bytes(), name


def test_a_ggml_file_has_the_tokens_that_its_tokenizer_must_write(ggml, fetched):
    original = read_ggml(ggml)
    check_vocabulary(original.tokens, RANKS, fetched / "gpt2.tiktoken", ggml)
    ranks = {token: rank for rank, token in enumerate([*TOKENS[:-2], TOKENS[-1], TOKENS[-2]])}
    with pytest.raises(InputError, match=r"gpt2.tiktoken: token 274 is .* in base.bin; it belongs"):
        check_vocabulary(original.tokens, ranks, fetched / "gpt2.tiktoken", ggml)


def test_two_files_of_weights_are_refused_by_their_names(ggml, fetched, tmp_path):
    (fetched / "base.pt").touch()
    with pytest.raises(InputError, match=r"has 2 .* files base.bin base.pt and no config.json"):
        pretrained.main(["--artifact", str(fetched), "--output", str(tmp_path / "out")])


WIDE = packed_tensor(b"encoder.ln_post.bias", [2**31 - 1, 2**31 - 1], 0, b"")
SMALL = packed_tensor(b"x", [2], 0, bytes(8))


@pytest.mark.parametrize(("change", "message"), [
    (lambda whole: b"GGUF" + whole[4:], r"byte 0: begins with b'GGUF', not with b'lmgg'"),
    (lambda whole: whole[:3], r"byte 0: the magic number takes 4 bytes, and 3 are left"),
    (lambda whole: whole[:20], r"byte 4: the header takes 44 bytes, and 16 are left"),
    (lambda whole: edited(whole, AT_TYPE, "i", 8), r"its weights are of .*type 8, .*ggml-base"),
    (lambda whole: edited(whole, AT_TYPE, "i", -1), r"its weights are of ggml's type -1"),
    (lambda whole: edited(whole, AT_TYPE - 4, "i", 2**31 - 1), r"mel filters of \[80, 201\]"),
    (lambda whole: edited(whole, AT_TYPE + 4, "2i", -1, 201), r"mel filters of \[-1, 201\]"),
    (lambda whole: edited(whole, AT_TOKENS, "i", 2**31 - 1), r"2147483647 tokens in a voc"),
    (lambda whole: edited(whole, AT_TOKENS, "i", -1), r"-1 tokens in a vocabulary"),
    (lambda whole: edited(whole, AT_TOKENS + 4, "I", 2**32 - 1), r"token 0 takes 4294967295 bytes"),
    (lambda _: HEAD + edited(SMALL, 0, "i", 0), rf"byte {AT_TENSORS}: a tensor of 0 dimensions"),
    (lambda _: HEAD + edited(SMALL, 0, "i", 2**30), r"a tensor of 1073741824 dimensions"),
    (lambda _: HEAD + edited(SMALL, 4, "i", -5), r"a tensor's name takes -5 bytes"),
    (lambda _: HEAD + edited(SMALL, 4, "i", 2**31 - 1), r"a tensor's name takes 2147483647 bytes"),
    (lambda _: HEAD + packed_tensor(b"\xff\xfe", [2], 0, bytes(8)), r"is not UTF-8: b'\\xff\\xfe'"),
    (lambda _: HEAD + packed_tensor(b"x", [2], 6, bytes(8)), r"of tensor 'x' are of ggml's type 6"),
    (lambda _: HEAD + packed_tensor(b"x", [-2], 0, bytes(8)), r"tensor 'x' has the shape \[-2\]"),
    (lambda _: HEAD + packed_tensor(b"x", [0], 0, b""), r"tensor 'x' has the shape \[0\]"),
    (lambda _: HEAD + WIDE, r"ln_post.bias' of .* takes 18446744056529682436 bytes"),
    (lambda _: HEAD + SMALL[:-1], r"tensor 'x' of shape \[2\] takes 8 bytes, and 7 are left"),
    (lambda _: HEAD + SMALL + SMALL, r"tensor 'x' is there twice"),
    (lambda whole: whole + b"\0" * 5, r"a tensor's header takes 12 bytes, and 5 are left"),
])  # fmt: skip
def test_a_ggml_file_that_misstates_something_is_refused(
    ggml, change: Callable[[bytes], bytes], message: str
):
    ggml.write_bytes(change(ggml.read_bytes()))
    with pytest.raises(InputError, match=message) as error:
        read_ggml(ggml)
    assert str(error.value).startswith(f"{ggml}: byte ")
    assert "fetch it again" in str(error.value) or "take the file" in str(error.value)


def without(name: str) -> dict[str, torch.Tensor]:
    return {other: value for other, value in VARIABLES.items() if other != name}


FUSED = "encoder/layer_0/self_attention/linear_0"
INT8 = torch.zeros(16, 16, dtype=torch.int8)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"version": 5}, r"byte 0: begins with 5: neither ggml nor CTranslate2's 6"),
    ({"specification": "TransformerSpec"}, r"byte 4: is .*\('TransformerSpec', 3\), not"),
    ({"variables": without("decoder/activation")}, r"decoder/activation is missing, and 3 in a"),
    ({"variables": VARIABLES | {"decoder/alibi": torch.tensor(1).short()}}, r"alibi is 1, and 0"),
    ({"variables": VARIABLES | {f"{FUSED}/weight": INT8}}, r"weight' is of CTranslate2's type 1"),
    ({"variables": VARIABLES | {f"{FUSED}/bias": torch.ones(48)}}, r"has a bias of the key"),
    ({"variables": VARIABLES | {f"{FUSED}/bias": torch.ones(47)}}, r"of \[47\] is no Whisper's"),
    ({"variables": VARIABLES | {"decoder/extra/weight": torch.ones(1)}}, r"'decoder/extra/weight'"),
    ({"aliases": {}}, r"aliases \{\} and 0 bytes, where only"),
])  # fmt: skip
def test_a_ctranslate2_model_that_is_no_whisper_is_refused(fetched, arguments, message):
    write_ctranslate2(fetched / "model.bin", **{"variables": VARIABLES} | arguments)
    with pytest.raises(InputError, match=message) as error:
        read_faster_whisper(fetched / "model.bin")
    assert str(error.value).startswith(f"{fetched / 'model.bin'}: ")


ONE = ctranslate2_variable("decoder/x", torch.ones(2))
AT_RANK = len(ctranslate2_name("decoder/x"))


@pytest.mark.parametrize(("first", "message"), [
    (edited(ONE, 0, "H", 65_535), r"a name takes 65535 bytes"),
    (edited(ONE, 2, "B", 255), r"a name is not UTF-8"),
    (edited(ONE, AT_RANK, "B", 200), r"'decoder/x' of 200 dimensions"),
    (edited(ONE, AT_RANK + 1, "I", 2**32 - 1), r"shape \[4294967295\] takes 17179869180 bytes"),
    (edited(ONE, AT_RANK + 1, "I", 0), r"'decoder/x' has the shape \[0\]"),
    (edited(ONE, AT_RANK + 5, "B", 9), r"'decoder/x' is of CTranslate2's type 9"),
    (edited(ONE, AT_RANK + 6, "I", 9), r"'decoder/x' of \[2\] is said to have 9 bytes"),
    (ONE[:-1], r"variable 'decoder/x' of shape \[2\] takes 8 bytes, and 7 are left"),
])  # fmt: skip
def test_a_variable_that_misstates_something_is_refused(model_bin, first: bytes, message: str):
    model_bin.write_bytes(model_bin.read_bytes()[:FIRST_VARIABLE] + first)
    with pytest.raises(InputError, match=message) as error:
        read_faster_whisper(model_bin)
    assert str(error.value).startswith(f"{model_bin}: byte ")


def test_bytes_behind_the_last_alias_are_refused(model_bin):
    model_bin.write_bytes(model_bin.read_bytes() + b"\0")
    with pytest.raises(InputError, match="and 1 bytes, where only"):
        read_faster_whisper(model_bin)


@pytest.mark.parametrize(("dimensions", "state", "message"), [
    ({"n_vocab": 2**31 - 1}, {}, r"n_vocab is 2147483647, but \d+ by the parameters"),
    ({"n_audio_layer": 2**31 - 1}, {}, r"n_audio_layer is 2147483647, but 2 by the parameters"),
    ({"n_text_ctx": -1}, {}, r"n_text_ctx is -1, but 32 by the parameters"),
    ({"n_text_head": 3}, {}, r"n_text_head is 3, no divisor of 16"),
    ({"n_audio_head": 0}, {}, r"n_audio_head is 0, no divisor of 16"),
    ({}, {"encoder.conv1.weight": torch.zeros(4)}, r"'encoder.conv1.weight' is of shape \[4\]"),
])  # fmt: skip
def test_dimensions_that_the_parameters_do_not_have_are_refused(dimensions, state, message):
    original = Original(DIMS | dimensions, STATE | state)
    with pytest.raises(InputError, match=message):
        check_dimensions(original, Path("base.bin"))


def test_a_parameter_that_is_missing_is_named():
    state = {name: tensor for name, tensor in STATE.items() if "conv1" not in name}
    with pytest.raises(InputError, match="parameter 'encoder.conv1.weight' is missing"):
        check_dimensions(Original(DIMS, state), Path("base.bin"))


@pytest.mark.parametrize(("change", "name"), [
    ({"decoder.ln.bias": None}, "decoder.layer_norm.bias"),
    ({"decoder.extra": torch.ones(1)}, "decoder.extra"),
    ({"decoder.ln.bias": torch.ones(3)}, "decoder.layer_norm.bias"),
])  # fmt: skip
def test_a_ggml_file_with_other_tensors_is_refused_by_name(ggml, tmp_path, change, name):
    state = {key: value for key, value in (STATE | change).items() if value is not None}
    write_ggml(ggml, DIMS, state, TOKENS)
    with pytest.raises(InputError, match=f"base.bin: not Whisper's parameters: (?s:.*){name}"):
        pretrained.main(["--artifact", str(ggml.parent), "--output", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
