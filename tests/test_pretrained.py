"""The base model's folder: names, tokenizer ids and settings, on a checkpoint of two layers."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import WhisperForConditionalGeneration, WhisperProcessor, WhisperTokenizer
from transformers.models.whisper.tokenization_whisper import LANGUAGES

import pretrained
from errors import InputError
from published import DIMS, SENTENCE, learn_ranks, original_names, random_original, write_ranks
from recognisers.load import load_recogniser
from recognisers.original import (
    generation_config,
    hugging_face_name,
    make_tokenizer,
    printable_bytes,
    recover_merges,
)
from tiny import LETTERS, write_ctc, write_whisper


def tiktoken_ids(word: bytes, ranks: dict[bytes, int]) -> list[int]:
    """What tiktoken does with one word: merge the adjacent pair of lowest rank while there is one.

    Written over positions, not over pieces, so that it shares nothing with the code under test.
    """
    cuts = list(range(len(word) + 1))
    while True:
        candidates = [
            (ranks[word[cuts[i] : cuts[i + 2]]], i + 1)
            for i in range(len(cuts) - 2)
            if word[cuts[i] : cuts[i + 2]] in ranks
        ]
        if not candidates:
            return [ranks[word[a:b]] for a, b in zip(cuts, cuts[1:], strict=False)]
        del cuts[min(candidates)[1]]


@pytest.fixture(scope="module")
def ranks() -> dict[bytes, int]:
    return learn_ranks(SENTENCE, merges=20)


@pytest.fixture(scope="module")
def tokenizer(ranks) -> WhisperTokenizer:
    return make_tokenizer(ranks, list(LANGUAGES)[:99])


@pytest.fixture(scope="module")
def artifact(tmp_path_factory, ranks) -> Path:
    """An original checkpoint of two small layers in half precision, beside its ranks."""
    folder = tmp_path_factory.mktemp("artifact")
    write_ranks(folder / "gpt2.tiktoken", ranks)
    dims, state = random_original(ranks)
    torch.save({"dims": dims, "model_state_dict": state}, folder / "tiny.pt")
    return folder


@pytest.mark.parametrize(("original", "ours"), original_names(layers=1).items())
def test_each_original_name_becomes_its_hugging_face_name(original, ours):
    assert hugging_face_name(original) == f"model.{ours}"


def test_recovered_merges_rebuild_their_tokens_in_the_order_of_the_ranks(ranks):
    merged = [first + second for first, second in recover_merges(ranks)]
    assert merged == [token for token, rank in ranks.items() if rank >= 256]


def test_ranks_with_a_token_that_no_merge_makes_are_refused():
    ranks = {bytes([byte]): byte for byte in range(256)} | {b"abc": 256}
    with pytest.raises(InputError, match=r"b'abc' \(rank 256\)"):
        recover_merges(ranks)


def test_ids_are_those_of_tiktoken(tokenizer, ranks):
    for word in ("she", " shells", " seashore", " hells", " naïve", " 東京", " zebra", "\n"):
        ids = tokenizer.encode(word, add_special_tokens=False)
        assert ids == tiktoken_ids(word.encode(), ranks), word


def test_special_tokens_and_timestamps_follow_the_ranks_in_whispers_order(tokenizer, ranks):
    names = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|zh|>"]
    assert [tokenizer.convert_tokens_to_ids(name) - len(ranks) for name in names] == [0, 1, 2, 3]
    names = ["<|translate|>", "<|notimestamps|>", "<|0.00|>", "<|0.02|>", "<|30.00|>"]
    after_languages = len(ranks) + 2 + 99
    assert [tokenizer.convert_tokens_to_ids(name) - after_languages for name in names] == [
        0,
        5,
        6,
        7,
        1506,
    ]
    assert len(tokenizer) == len(ranks) + 2 + 99 + 6 + 1501


def test_text_becomes_a_transcript_without_timestamps_and_comes_back(tokenizer):
    ids = tokenizer("she sells naïve shells").input_ids
    assert tokenizer.convert_ids_to_tokens(ids[:2]) == [
        "<|startoftranscript|>",
        "<|notimestamps|>",
    ]
    assert ids[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(ids, skip_special_tokens=True) == "she sells naïve shells"


def test_printable_bytes_are_256_different_characters():
    assert len(set(printable_bytes().values())) == 256
    assert printable_bytes()[ord(" ")] == "Ġ"  # as GPT-2's vocabulary writes a space


def test_only_a_multilingual_model_gets_languages_and_a_task(tokenizer):
    languages = list(LANGUAGES)[:99]
    english = generation_config(tokenizer, languages, False, 448)
    multilingual = generation_config(tokenizer, languages, True, 448)
    assert english.is_multilingual is False
    assert not hasattr(english, "lang_to_id")
    assert multilingual.lang_to_id["<|en|>"] == tokenizer.convert_tokens_to_ids("<|en|>")
    assert set(multilingual.task_to_id) == {"translate", "transcribe"}
    assert multilingual.task == "transcribe"


def test_control_tokens_are_never_decoded_but_notimestamps_is_not_among_them(tokenizer):
    config = generation_config(tokenizer, ["en"], False, 448)
    names = tokenizer.convert_ids_to_tokens(config.suppress_tokens[-6:])
    assert names == [
        "<|startoftranscript|>",
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
    ]


def test_an_original_checkpoint_becomes_a_folder_that_holds_the_same_numbers(artifact, tmp_path):
    pretrained.main(["--artifact", str(artifact), "--output", str(tmp_path / "base")])
    original = torch.load(artifact / "tiny.pt", weights_only=True)["model_state_dict"]
    written = load_file(tmp_path / "base" / "model.safetensors")
    assert "proj_out.weight" not in written  # tied: stored once
    names = original_names(layers=2)
    assert {f"model.{name}" for name in names.values()} == set(written)
    for theirs, ours in names.items():
        assert torch.equal(written[f"model.{ours}"], original[theirs].float()), ours
    lineage = json.loads((tmp_path / "base" / "model.safetensors.lineage.json").read_text())
    assert str(artifact / "tiny.pt") in lineage["inputs"]


def test_the_folder_transcribes(artifact, tmp_path):
    pretrained.main(["--artifact", str(artifact), "--output", str(tmp_path)])
    processor = WhisperProcessor.from_pretrained(tmp_path)
    model = WhisperForConditionalGeneration.from_pretrained(tmp_path)
    features = processor(torch.zeros(16000).numpy(), sampling_rate=16000, return_tensors="pt")
    assert features.input_features.shape == (1, 80, 100)  # 50 positions of 20 ms
    ids = model.generate(features.input_features, max_length=8)
    assert isinstance(processor.batch_decode(ids, skip_special_tokens=True)[0], str)


def test_an_english_only_original_is_refused_for_another_language(artifact, tmp_path):
    command = ["--artifact", str(artifact), "--output", str(tmp_path / "base"), "--language"]
    with pytest.raises(InputError, match="tiny.pt: an English-only model cannot transcribe 'de'"):
        pretrained.main([*command, "de"])
    assert not (tmp_path / "base").exists()
    pretrained.main([*command, "en"])


def test_a_hugging_face_folder_is_taken_as_it_is(artifact, tmp_path):
    pretrained.main(["--artifact", str(artifact), "--output", str(tmp_path / "first")])
    pretrained.main(["--artifact", str(tmp_path / "first"), "--output", str(tmp_path / "second")])
    for name in ("model.safetensors", "tokenizer.json"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_a_hugging_face_folder_without_a_generation_config_is_refused(artifact, tmp_path):
    pretrained.main(["--artifact", str(artifact), "--output", str(tmp_path / "first")])
    (tmp_path / "first" / "generation_config.json").unlink()
    with pytest.raises(InputError, match="lacks no_timestamps_token_id, is_multilingual"):
        pretrained.main(["--artifact", str(tmp_path / "first"), "--output", str(tmp_path / "out")])


@pytest.fixture
def fetched(tmp_path) -> Path:
    """Return the folder of an artifact, beside what is written."""
    (tmp_path / "fetched").mkdir()
    return tmp_path / "fetched"


@pytest.mark.parametrize("change", ["drop", "add", "reshape"])
def test_a_checkpoint_with_other_parameters_is_refused_by_name(artifact, fetched, tmp_path, change):
    content = torch.load(artifact / "tiny.pt", weights_only=True)
    state = content["model_state_dict"]
    match change:
        case "drop":
            del state["encoder.ln_post.bias"]
        case "add":
            state["encoder.ln_extra.bias"] = torch.zeros(1)
        case "reshape":
            state["encoder.ln_post.bias"] = torch.zeros(3)
    torch.save(content, fetched / "tiny.pt")
    (fetched / "gpt2.tiktoken").write_bytes((artifact / "gpt2.tiktoken").read_bytes())
    with pytest.raises(InputError, match="encoder.(layer_norm|ln_extra).bias"):
        pretrained.main(["--artifact", str(fetched), "--output", str(tmp_path / "out")])
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_ranks_of_another_model_are_refused(artifact, fetched, tmp_path):
    lines = (artifact / "gpt2.tiktoken").read_text().splitlines(keepends=True)
    (fetched / "gpt2.tiktoken").write_text("".join(lines[:-5]))
    (fetched / "tiny.pt").write_bytes((artifact / "tiny.pt").read_bytes())
    with pytest.raises(InputError, match="271 ranks leave 104 languages"):
        pretrained.main(["--artifact", str(fetched), "--output", str(tmp_path / "out")])


def test_a_checkpoint_that_would_run_code_is_refused(artifact, fetched, tmp_path):
    torch.save({"dims": DIMS, "model_state_dict": eval}, fetched / "tiny.pt")
    with pytest.raises(InputError, match="not a checkpoint of tensors only"):
        pretrained.main(["--artifact", str(fetched), "--output", str(tmp_path / "out")])


def test_a_folder_with_neither_kind_of_checkpoint_is_refused(fetched, tmp_path):
    with pytest.raises(InputError, match=r"has 0 \*.pt and \*.bin files and no config.json"):
        pretrained.main(["--artifact", str(fetched), "--output", str(tmp_path / "out")])


def test_an_original_like_large_v3_has_128_mels_and_100_languages(
    fetched, tmp_path, ranks, monkeypatch
):
    write_ranks(fetched / "multilingual.tiktoken", ranks)
    dims, state = random_original(ranks, languages=100, n_mels=128)
    torch.save({"dims": dims, "model_state_dict": state}, fetched / "large.pt")
    english = len(ranks) + 99 + 8 + 1501  # with these few ranks
    monkeypatch.setattr(pretrained, "ENGLISH_VOCABULARY", english)
    pretrained.main(["--artifact", str(fetched), "--output", str(tmp_path / "base")])
    processor = WhisperProcessor.from_pretrained(tmp_path / "base")
    assert processor.feature_extractor.feature_size == 128
    written = WhisperForConditionalGeneration.from_pretrained(tmp_path / "base")
    assert written.config.num_mel_bins == 128 and written.config.vocab_size == dims["n_vocab"]
    assert written.generation_config.is_multilingual
    assert "<|yue|>" in written.generation_config.lang_to_id  # the hundredth, Cantonese


@pytest.mark.parametrize("kind", ["whisper", "conformer", "wav2vec2"])
def test_weights_in_several_files_become_one(tmp_path, kind):
    if kind == "whisper":
        write_whisper(tmp_path / "whole", multilingual=True)
    else:
        write_ctc(tmp_path / "whole", kind=kind)
    whole = load_file(tmp_path / "whole/model.safetensors")
    shards = write_shards(tmp_path / "whole", tmp_path / "sharded")
    pretrained.main(["--artifact", str(tmp_path / "sharded"), "--output", str(tmp_path / "base")])
    written = load_file(tmp_path / "base/model.safetensors")
    assert whole.keys() == written.keys()
    assert all(torch.equal(whole[name], written[name]) for name in whole)
    assert not list((tmp_path / "base").glob("*.index.json"))
    lineage = json.loads((tmp_path / "base/model.safetensors.lineage.json").read_text())
    assert {str(shard) for shard in shards} <= lineage["inputs"].keys()
    assert load_recogniser(tmp_path / "base").labels("she sells")


def write_shards(folder: Path, to: Path) -> list[Path]:
    """Copy a Hugging Face folder, its weights in two files, as the hub's large ones are."""
    to.mkdir()
    for path in folder.iterdir():
        if path.name != "model.safetensors":
            (to / path.name).write_bytes(path.read_bytes())
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    place = {name: f"model-0000{1 + n % 2}-of-00002.safetensors" for n, name in enumerate(names)}
    for file in set(place.values()):
        part = {name: weights[name] for name in names if place[name] == file}
        save_file(part, to / file, metadata={"format": "pt"})
    index = {"metadata": {}, "weight_map": place}
    (to / "model.safetensors.index.json").write_text(json.dumps(index))
    return [to / file for file in set(place.values())]


def test_a_ctc_folder_with_old_names_in_a_bin_file_is_read_as_tensors_only(tmp_path):
    write_ctc(tmp_path / "old")
    weights = load_file(tmp_path / "old/model.safetensors")
    (tmp_path / "old/model.safetensors").unlink()
    old = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): value
        for name, value in weights.items()
    }
    assert old.keys() != weights.keys()
    torch.save(old, tmp_path / "old/pytorch_model.bin")
    pretrained.main(["--artifact", str(tmp_path / "old"), "--output", str(tmp_path / "base")])
    written = load_file(tmp_path / "base/model.safetensors")
    assert weights.keys() == written.keys()
    assert all(torch.equal(weights[name], written[name]) for name in weights)
    assert load_recogniser(tmp_path / "base").labels("at") == [
        LETTERS.index("A"),
        LETTERS.index("T"),
    ]

    torch.save({"lm_head.weight": eval}, tmp_path / "old/pytorch_model.bin")
    with pytest.raises(InputError, match="not a Hugging Face wav2vec2-conformer checkpoint"):
        pretrained.main(["--artifact", str(tmp_path / "old"), "--output", str(tmp_path / "other")])


def test_a_shard_that_is_missing_is_refused(tmp_path):
    write_ctc(tmp_path / "whole")
    write_shards(tmp_path / "whole", tmp_path / "sharded")[0].unlink()
    with pytest.raises(InputError, match="model-0000[12]-of-00002|missing"):
        pretrained.main(["--artifact", str(tmp_path / "sharded"), "--output", str(tmp_path / "b")])


def test_a_model_of_another_sampling_rate_is_refused(tmp_path):
    write_ctc(tmp_path / "model")
    path = tmp_path / "model/preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sampling_rate": 8000}))
    with pytest.raises(InputError, match="sampling_rate is 8000, and must be 16000"):
        pretrained.main(["--artifact", str(tmp_path / "model"), "--output", str(tmp_path / "base")])
