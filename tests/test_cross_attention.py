"""Cross-attention without keys and values, against transformers' own, on a tiny Whisper."""

import copy

import pytest
import torch
from transformers import WhisperForConditionalGeneration

from recognisers.cross_attention import AbsorbingAttention, absorb_keys_and_values
from recognisers.factors import add_factors
from tiny import write_whisper

HEAD = 16  # width of a head of the tiny Whisper


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> WhisperForConditionalGeneration:
    """Return a tiny Whisper whose attention is far from uniform, and whose values have a bias."""
    folder = write_whisper(tmp_path_factory.mktemp("model"))
    model = WhisperForConditionalGeneration.from_pretrained(folder)
    with torch.no_grad():
        for layer in model.model.decoder.layers:
            layer.encoder_attn.q_proj.weight *= 20
            layer.encoder_attn.k_proj.weight *= 20
            layer.encoder_attn.v_proj.bias.fill_(0.5)
    return model


@pytest.fixture
def absorbing(plain) -> WhisperForConditionalGeneration:
    model = copy.deepcopy(plain)
    absorb_keys_and_values(model)
    return model


def audio(rows: int = 2, positions: int = 50) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(rows, positions, 32, generator=generator, requires_grad=True)


def tokens(count: int, rows: int = 2) -> torch.Tensor:
    return torch.arange(rows * count).reshape(rows, count) % 250


def logits(model, encoded: torch.Tensor, count: int) -> torch.Tensor:
    return model(
        encoder_outputs=(encoded,), decoder_input_ids=tokens(count), use_cache=False
    ).logits


@pytest.mark.parametrize("count", [1, 7, HEAD - 1, HEAD, 40])
def test_scores_and_gradients_are_those_of_transformers(plain, absorbing, count):
    found = []
    for model in (plain, absorbing):
        model.zero_grad()
        encoded = audio()
        scores = logits(model, encoded, count)
        scores.square().sum().backward()
        attention = model.model.decoder.layers[0].encoder_attn
        projections = [attention.q_proj, attention.k_proj, attention.v_proj, attention.out_proj]
        found.append([scores, encoded.grad, *(each.weight.grad for each in projections)])
        found[-1].append(attention.v_proj.bias.grad)
    for theirs, ours in zip(*found, strict=True):
        assert theirs.abs().max() > 0
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4 * theirs.abs().max().item())


def test_few_tokens_need_no_keys_and_values(absorbing, monkeypatch):
    attention = absorbing.model.decoder.layers[0].encoder_attn
    projected = []
    for projection in (attention.k_proj, attention.v_proj):
        projection.register_forward_hook(lambda *call: projected.append(call[0]))
    logits(absorbing, audio(), HEAD - 1)
    assert projected == []
    logits(absorbing, audio(), HEAD)  # as many as a head is wide: projecting them pays no more
    assert projected == [attention.k_proj, attention.v_proj]


def test_weights_that_lora_adds_to_have_their_say(plain):
    found = []
    for absorbed in (False, True):
        model = copy.deepcopy(plain)
        if absorbed:
            absorb_keys_and_values(model)
        torch.manual_seed(0)
        add_factors(model, 2, 4.0, 0.0, ["v_proj"])
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "lora_B" in name:
                    parameter.fill_(0.5)
        found.append(logits(model, audio(), 5))
    assert torch.equal(*found)
    assert (found[0] - logits(plain, audio(), 5)).abs().max() > 0.01


def test_attention_whose_weights_drop_out_is_left_as_it_is(absorbing):
    attention = absorbing.model.decoder.layers[0].encoder_attn
    attention.dropout = 1.0
    heard, asked = audio(), torch.ones(2, 3, 32)
    dropped = attention.train()(asked, heard)[0]
    torch.testing.assert_close(dropped, attention.out_proj.bias.expand(2, 3, 32))
    assert (attention.eval()(asked, heard)[0] - dropped).abs().max() > 0.01


def test_the_parameters_keep_their_names(plain, absorbing):
    assert isinstance(absorbing.model.decoder.layers[0].encoder_attn, AbsorbingAttention)
    assert not isinstance(absorbing.model.decoder.layers[0].self_attn, AbsorbingAttention)
    assert absorbing.state_dict().keys() == plain.state_dict().keys()
