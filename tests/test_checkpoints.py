"""Folders whose files don't fit together: each is refused at the door, by file, ids and remedy."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import WhisperFeatureExtractor

import pretrained
from errors import InputError
from recognisers.load import load_recogniser
from tiny import write_ctc, write_whisper

TOKENIZER = ("tokenizer.json", "tokenizer_config.json")


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    """Whispers of three generations, English-only, v2 and v3, and a CTC model."""
    folder = tmp_path_factory.mktemp("checkpoints")
    write_whisper(folder / "en")
    write_whisper(folder / "v2", multilingual=True)
    write_whisper(folder / "v3", multilingual=True, languages=100, mels=128)
    write_ctc(folder / "ctc")
    return folder


@pytest.fixture
def copy(folders: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that copies a folder, with some files of another."""

    def copied(name: str, *files: str, of: str | None = None) -> Path:
        folder = tmp_path / name
        shutil.copytree(folders / name, folder, dirs_exist_ok=True)
        for file in files:
            (folder / file).unlink()
            if of:
                shutil.copy(folders / of / file, folder / file)
        return folder

    return copied


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refused(folder: Path, message: str) -> None:
    """Check that both doors refuse a folder: of the workflow, and of who gives it by hand."""
    with pytest.raises(InputError, match=message):
        pretrained.main(["--artifact", str(folder), "--output", f"{folder}-out"])
    assert not Path(f"{folder}-out").exists()
    with pytest.raises(InputError, match=message):
        load_recogniser(folder)


@pytest.mark.parametrize("name", ["en", "v2", "v3", "ctc"])
def test_a_folder_that_fits_together_is_let_in(folders: Path, tmp_path: Path, name: str):
    pretrained.main(["--artifact", str(folders / name), "--output", str(tmp_path / "base")])
    assert load_recogniser(tmp_path / "base").labels("ab")


def test_without_a_tokenizer_every_hypothesis_would_be_empty(copy):
    refused(copy("en", *TOKENIZER), "tokenizer is another model's, or none.*startoftranscript")
    refused(copy("v2", "tokenizer.json"), "tokenizer is another model's, or none: 10. control")


@pytest.mark.parametrize(
    ("model", "other", "message"),
    [
        # one language more moves all that comes after the languages
        (
            "v3",
            "v2",
            r": 4 control .* <\|yue\|> is missing, the model's 357; <.translate.> is 357",
        ),
        (
            "v2",
            "v3",
            r": 3 control .* <\|translate\|> is 358, the model's 357; <.transcribe.> is",
        ),
    ],
)
def test_the_tokenizer_of_another_generation_is_refused(copy, model, other, message):
    refused(copy(model, *TOKENIZER, of=other), message)


def test_an_english_only_model_is_not_prompted_in_a_language(copy):
    folder = copy("en")
    edit(folder / "tokenizer_config.json", language="german", task="translate")
    with pytest.raises(InputError, match=r"prompt <\|startoftranscript\|> <\|de\|> <\|translate"):
        load_recogniser(folder)


def test_added_tokens_that_are_shifted_are_refused(copy):
    folder = copy("v2")
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    for token in content["added_tokens"]:
        token["id"] += token["id"] > 300  # a token more, in the middle of the languages
    extra = dict(content["added_tokens"][-1], content="<|xx|>", id=301)
    content["added_tokens"] = sorted([*content["added_tokens"], extra], key=lambda t: t["id"])
    path.write_text(json.dumps(content))
    refused(folder, r"59 control tokens .* <\|\w+\|> is 302, the model's 301")


def test_tokens_beyond_the_models_vocabulary_are_refused(copy):
    folder = copy("en")
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    last = content["added_tokens"][-1]
    content["added_tokens"].append(dict(last, content="<|extra|>", id=last["id"] + 1))
    path.write_text(json.dumps(content))
    refused(folder, r"1 tokens of its tokenizer, first '<\|extra\|>', are beyond the model's")


def test_a_vocabulary_or_merges_cut_off_are_refused(copy):
    folder = copy("en")
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    whole = content["model"]["vocab"]
    content["model"]["vocab"] = {token: id for token, id in whole.items() if id < 253}
    path.write_text(json.dumps(content))
    refused(folder, r"3 control .* <\|endoftext\|> is 253, the model's 256")

    tokens = list(whole)
    joined = tokens[97] + tokens[98]
    content["model"]["vocab"] = {t: id for t, id in whole.items() if id != 200} | {joined: 200}
    path.write_text(json.dumps(content))
    refused(folder, "lacks the merges of 1 tokens")


@pytest.mark.parametrize("file", ["tokenizer.json", "tokenizer_config.json", "vocab.json"])
@pytest.mark.parametrize("length", [0, 100])
def test_a_tokenizer_file_that_is_cut_off_is_refused(copy, file, length):
    folder = copy("ctc" if file == "vocab.json" else "v2")
    (folder / file).write_bytes((folder / file).read_bytes()[:length])
    refused(folder, "has no tokenizer that can be read .*; take .* from the base model")


def test_a_generation_config_that_is_missing_or_anothers_is_refused(copy):
    name = "generation_config.json"
    refused(copy("v2", name), "lacks no_timestamps_token_id, is_multilingual; take that file")
    folder = copy("v2")
    (folder / name).write_text((folder / name).read_text()[:100])
    refused(folder, "lacks no_timestamps_token_id|generation_config.json")
    folder = copy("v2", name, of="v2")
    content = json.loads((folder / name).read_text())
    del content["lang_to_id"], content["task_to_id"]
    (folder / name).write_text(json.dumps(content))
    refused(folder, "lacks lang_to_id, task_to_id; take that file")
    folder = copy("en")
    edit(folder / name, decoder_start_token_id=258)
    refused(folder, f"{name}: decoder_start_token_id is 258, but 257 in config.json")


def test_generation_config_and_tokenizer_of_an_english_only_model_are_not_a_multilingual_ones():
    from recognisers import checkpoints

    class Generation:
        is_multilingual = False
        decoder_start_token_id, eos_token_id, no_timestamps_token_id = 50257, 50256, 50362

    class Config:
        vocab_size = 51865

    with pytest.raises(InputError, match="of a Whisper of no languages, but .* of 51865 has 99"):
        checkpoints.check_generation_config(Generation, Config, Path("folder"))
    Config.vocab_size = 51864
    checkpoints.check_generation_config(Generation, Config, Path("folder"))


def test_features_that_the_model_does_not_hear_are_refused(copy):
    name = "preprocessor_config.json"
    refused(copy("v3", name), "has no feature extractor that can be read .*; take preprocessor")
    refused(copy("v3", name, of="v2"), f"{name}: feature_size is 80, and must be 128 for this")
    refused(copy("v2", name, of="v3"), "feature_size is 128, and must be 80")
    refused(copy("v2", name, of="ctc"), "feature_size is 1, and must be 80")
    folder = copy("ctc", name)
    WhisperFeatureExtractor().save_pretrained(folder)
    refused(folder, "feature_size is 80, and must be 1")
    folder = copy("v2", name, of="v2")
    edit(folder / name, hop_length=320)
    refused(folder, "hop_length is 320, and must be 160")


def test_weights_of_another_model_or_a_part_of_them_are_refused(copy, folders):
    refused(copy("v2", "model.safetensors", of="ctc"), "parameters, first 'model|not a Hugging")
    refused(copy("v2", "model.safetensors", of="v3"), "mismatched|not a Hugging Face whisper")
    folder = copy("v2")
    weights = load_file(folder / "model.safetensors")
    del weights["model.encoder.layer_norm.bias"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    refused(folder, "1 missing parameters, first 'model.encoder.layer_norm.bias'")
    path = copy("v2") / "model.safetensors"
    path.write_bytes((folders / "v2/model.safetensors").read_bytes()[:1000])
    refused(path.parent, "not a Hugging Face whisper checkpoint")


def test_letters_of_another_ctc_model_are_refused(copy):
    folder = copy("ctc")
    letters = json.loads((folder / "vocab.json").read_text())
    fewer = {letter: id for letter, id in letters.items() if letter != "Z"}
    (folder / "vocab.json").write_text(json.dumps(fewer))
    refused(folder, "the model scores 32 letters, its tokenizer has 31, of ids up to 30")
    (folder / "vocab.json").write_text(json.dumps(letters | {"Ä": 32}))
    refused(folder, "the model scores 32 letters, its tokenizer has 33, of ids up to 32")
    moved = letters | {"<pad>": 5, "E": 0}
    (folder / "vocab.json").write_text(json.dumps(moved))
    refused(folder, "the model scores 32 letters, its tokenizer has 32, of ids up to 31|blank")
    (folder / "vocab.json").write_text(json.dumps(letters))
    edit(folder / "config.json", pad_token_id=3)
    refused(folder, "the tokenizer's blank '<pad>' is 0, the model's 3")


@pytest.mark.parametrize(
    ("name", "language", "message"),
    [
        ("en", "de", "an English-only model cannot transcribe 'de'"),
        ("v2", "yue", r"does not speak 'yue' \(Cantonese\); it has 99 languages"),
        ("ctc", "hi", "letters 'ABCDE.* cannot write 'hi' \\(Hindi\\); take one of that language"),
        ("ctc", "ru", "cannot write 'ru'"),
        ("ctc", "ko", "cannot write 'ko'"),
    ],
)
def test_a_language_that_a_model_does_not_write_is_refused(
    folders, tmp_path, name, language, message
):
    with pytest.raises(InputError, match=message):
        pretrained.main(
            ["--artifact", str(folders / name), "--output", str(tmp_path / "out")]
            + ["--language", language]
        )
    with pytest.raises(InputError, match=message):
        load_recogniser(folders / name, language=language)


def test_a_language_that_a_model_writes_is_let_in(folders):
    for name, language in (("v2", "ja"), ("v3", "yue"), ("ctc", "de")):
        assert load_recogniser(folders / name, language=language).language == language
    tokens = load_recogniser(folders / "v3", language="yue").tokenizer.prefix_tokens
    assert tokens == [257, 357, 359, 363]  # <|yue|> is the hundredth; transcribe, no timestamps


@pytest.mark.parametrize("delimiter", ["_", "#"])
def test_a_delimiter_that_is_no_letter_of_the_model_is_refused(copy, delimiter):
    folder = copy("ctc")
    letters = json.loads((folder / "vocab.json").read_text())
    letters["_"] = letters.pop("|")
    (folder / "vocab.json").write_text(json.dumps(letters))
    if delimiter == "#":
        edit(folder / "tokenizer_config.json", word_delimiter_token="#")
    refused(folder, "the model scores 32 letters, its tokenizer has 3[34]")


def test_the_weights_of_a_folder_are_not_changed_by_the_checks(folders):
    recogniser = load_recogniser(folders / "v2", language="de", precision="fp32")
    weights = load_file(folders / "v2/model.safetensors")
    found = recogniser.state_dict()
    assert all(torch.equal(found[name], value) for name, value in weights.items())
