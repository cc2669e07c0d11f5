"""Differences of any models, added to another: tiny ones of Llama's shape."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

import transfer
from errors import InputError
from records.reading import read_record
from records.record import sidecar
from vectors.streaming import read_layout


def llama(folder: Path, seed: int, vocabulary: int = 20, dtype=torch.float32, **options) -> Path:
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=8, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, tie_word_embeddings=options.pop("tied", False),
        bos_token_id=None, eos_token_id=None, pad_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).to(dtype).save_pretrained(folder, **options)
    return folder


def state(folder: Path) -> dict[str, torch.Tensor]:
    files = folder.glob("*.safetensors")
    return {name: tensor for file in files for name, tensor in load_file(file).items()}


def added(model: Path, *differences: tuple[Path, Path, float], flags=()) -> Path:
    output = model.parent / "out"
    given = [str(part) for each in differences for part in ("--add", *each)]
    transfer.main(["--model", str(model), *given, *flags, "--output", str(output)])
    return output


def test_a_model_gets_a_half_of_what_another_learned(tmp_path):
    further, chat, base = (llama(tmp_path / name, seed) for seed, name in enumerate("fcb"))
    output = added(further, (chat, base, 0.5))
    theta, tuned, before = map(state, (further, chat, base))
    for name, tensor in state(output).items():
        expected = theta[name] + 0.5 * (tuned[name] - before[name])
        torch.testing.assert_close(tensor, expected, rtol=0, atol=1e-7)
    AutoModelForCausalLM.from_pretrained(output)(torch.tensor([[1, 2]]))
    assert len(read_record(sidecar(output / "model.safetensors")).inputs) > 3


def values(folder: Path, **tensors: list) -> Path:
    folder.mkdir()
    named = {name.replace("_at_", "."): torch.tensor(value) for name, value in tensors.items()}
    save_file(named, folder / "model.safetensors")
    return folder


def test_several_differences_have_a_ratio_each(tmp_path):
    """1 + 0.5 (5 - 1) - 2 (2 - 1) = 1."""
    names = {"model": 1.0, "a": 5.0, "base": 1.0, "b": 2.0}
    model, a, base, b = (values(tmp_path / name, w=[value]) for name, value in names.items())
    output = added(model, (a, base, 0.5), (b, base, -2))
    assert load_file(output / "model.safetensors")["w"].tolist() == [1]


def test_a_larger_vocabulary_keeps_the_rows_that_the_others_lack(tmp_path):
    model = values(tmp_path / "m", embed_tokens_at_weight=[[1.0], [2.0], [3.0]], w=[1.0])
    chat = values(tmp_path / "c", embed_tokens_at_weight=[[10.0], [20.0]], w=[3.0])
    base = values(tmp_path / "b", embed_tokens_at_weight=[[8.0], [10.0]], w=[2.0])
    found = load_file(added(model, (chat, base, 0.5)) / "model.safetensors")
    assert found["embed_tokens.weight"].flatten().tolist() == [2, 7, 3]
    assert found["w"].tolist() == [1.5]
    flags = ["--without-embeddings"]
    found = load_file(added(model, (chat, base, 0.5), flags=flags) / "model.safetensors")
    assert found["embed_tokens.weight"].flatten().tolist() == [1, 2, 3]
    assert found["w"].tolist() == [1.5]


def test_sharded_tied_and_in_bfloat16_is_read_and_written_as_it_is(tmp_path):
    """The chat model is one file in float32, the one that is added to has shards in bfloat16."""
    model = llama(tmp_path / "m", 0, dtype=torch.bfloat16, tied=True, max_shard_size="2KB")
    chat, base = (llama(tmp_path / name, seed, tied=True) for seed, name in ((1, "c"), (2, "b")))
    shards = sorted(path.name for path in model.glob("*.safetensors"))
    assert len(shards) > 1 and "lm_head.weight" not in state(model)
    output = added(model, (chat, base, 0.5))
    assert sorted(path.name for path in output.glob("*.safetensors")) == shards
    theta, tuned, before = map(state, (model, chat, base))
    for name, tensor in state(output).items():
        expected = (theta[name].float() + 0.5 * (tuned[name] - before[name])).bfloat16()
        assert torch.equal(tensor, expected), name
    for name in shards:
        assert read_layout(output / name).header == read_layout(model / name).header
    loaded = AutoModelForCausalLM.from_pretrained(output)
    assert loaded.lm_head.weight.data_ptr() == loaded.model.embed_tokens.weight.data_ptr()


def test_a_tied_model_gets_the_difference_of_untied_ones_without_embeddings_alone(tmp_path):
    model = llama(tmp_path / "m", 0, tied=True)
    chat, base = (llama(tmp_path / name, seed) for seed, name in ((1, "c"), (2, "b")))
    with pytest.raises(InputError, match=r"only in .*c, first 'lm_head\.weight'"):
        added(model, (chat, base, 1))
    output = added(model, (chat, base, 1), flags=["--without-embeddings"])
    name = "model.embed_tokens.weight"
    assert torch.equal(state(output)[name], state(model)[name])


def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path):
    model = values(tmp_path / "m", w=[[1.0, 2.0]])
    longer = values(tmp_path / "l", w=[[1.0, 2.0], [3.0, 4.0]])
    other = values(tmp_path / "o", v=[1.0])
    for tuned, base, ratio, message in (
        (longer, longer, "1", r"'w' is \[1, 2\] in .*m and \[2, 2\] in .*l"),
        (other, model, "1", "1 parameter is only in .*m, first 'w'"),
        (model, model, "nan", "nan is not a finite number"),
        (model, model, "much", "--add: 'much' is no ratio"),
        (model, tmp_path / "none", "1", "none/model.safetensors: no such file"),
    ):
        with pytest.raises(InputError, match=message):
            added(model, (tuned, base, ratio))
        assert not (tmp_path / "out").exists()
    (other / "model.safetensors.index.json").write_text('{"weight_map": {"v": "../m/x"}}')
    with pytest.raises(InputError, match=r"'\.\./m/x' is no name of a file beside it"):
        added(model, (other, model, 1))
