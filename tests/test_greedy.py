"""Our greedy loop against transformers' ``generate``, on a tiny Whisper that speaks bytes."""

import math
from pathlib import Path

import pytest
import torch
from transformers.modeling_outputs import BaseModelOutput

from recognisers.greedy import greedy
from recognisers.whisper import WhisperRecogniser
from tiny import write_whisper

END = 256
BYTES = [*range(97, 109), END]  # all that the tests leave the model to pick from

LOUDER = {"embed_positions": 50, "encoder_attn.v_proj": 25, "encoder_attn.out_proj": 25}


def load(folder: Path, **options: bool) -> WhisperRecogniser:
    """Return a recogniser, 1 s of window, whose next token hangs on the place and on the audio."""
    recogniser = WhisperRecogniser(write_whisper(folder, **options), 1.0, precision="fp32")
    decoder = recogniser.model.eval().model.decoder
    with torch.no_grad():
        for name, parameter in decoder.named_parameters():
            parameter.mul_(next((by for part, by in LOUDER.items() if part in name), 1))
        table = decoder.embed_tokens.weight
        table[END] = table[END + 1]  # it is 0, as that of padding, so never the likeliest
    suppress(recogniser, BYTES)
    return recogniser


def suppress(recogniser: WhisperRecogniser, left: list[int]) -> None:
    """Leave the model only some tokens to pick from."""
    vocabulary = range(recogniser.model.config.vocab_size)
    settings = recogniser.model.generation_config
    settings.suppress_tokens = [token for token in vocabulary if token not in left]


def heard(rows: int, seed: int = 0) -> torch.Tensor:
    """Return made-up encoder outputs of 1 s, float32 [rows, 50, 32]."""
    return torch.randn(rows, 50, 32, generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def decode(recogniser: WhisperRecogniser, encoded: torch.Tensor, max_length: int = 60):
    found = greedy(recogniser.model, encoded, recogniser.tokenizer.prefix_tokens, max_length)
    assert {each.log_probability for each in found} == {None}  # nobody asked
    return [each.tokens for each in found]


def generate(recogniser: WhisperRecogniser, encoded: torch.Tensor, max_length: int = 60, **spoken):
    """Return the bytes that ``generate`` gives for each row."""
    found = recogniser.model.generate(
        encoder_outputs=BaseModelOutput(encoded), max_new_tokens=max_length, **spoken
    )
    return [[token for token in row if token < END] for row in found.tolist()]


@pytest.fixture(scope="module")
def english(tmp_path_factory) -> WhisperRecogniser:
    return load(tmp_path_factory.mktemp("english"))


@pytest.fixture
def settings(english, monkeypatch):
    """Return the generation config, whose lists a test may replace."""
    found = english.model.generation_config
    monkeypatch.setattr(found, "suppress_tokens", found.suppress_tokens)
    monkeypatch.setattr(found, "begin_suppress_tokens", found.begin_suppress_tokens)
    return found


@pytest.mark.parametrize("rows", [1, 2, 12])
def test_tokens_are_those_of_generate_though_rows_end_at_different_lengths(english, rows):
    for seed in range(3):
        found = decode(english, heard(rows, seed))
        assert found == generate(english, heard(rows, seed))
        assert len({len(row) for row in found}) > rows / 4


def test_a_row_is_decoded_alone_as_among_others_that_end_before_it(english):
    together = decode(english, heard(12))
    assert [decode(english, row[None])[0] for row in heard(12)] == together


def test_the_loop_drops_rows_that_have_ended(english, monkeypatch):
    sizes = []
    decoder = english.model.model.decoder
    step = decoder.forward

    def counted(**given):
        sizes.append(len(given["input_ids"]))
        return step(**given)

    monkeypatch.setattr(decoder, "forward", counted)
    lengths = [len(row) for row in decode(english, heard(12))]
    going = [sum(length >= step for length in lengths) for step in range(len(sizes))]
    assert sizes[0] == 12 and sizes[-1] < 12
    assert all(few <= size <= few / 0.75 for few, size in zip(going, sizes, strict=True))


@pytest.mark.parametrize("max_length", [1, 5])
def test_max_length_counts_the_tokens_after_the_prompt(english, max_length):
    found = decode(english, heard(6), max_length)
    assert max(map(len, found)) == max_length
    assert found == [row[:max_length] for row in decode(english, heard(6))]
    assert found == generate(english, heard(6), max_length)


def test_a_row_that_never_ends_fills_the_decoders_positions(english, settings):
    suppress(english, BYTES[:-1])
    found = decode(english, heard(2), 1000)
    assert [len(row) for row in found] == [256 - 2] * 2
    assert found == generate(english, heard(2), 256 - 2)


def test_what_is_suppressed_is_never_picked(english, settings):
    plain = decode(english, heard(6))
    suppress(english, [token for token in BYTES if token != plain[0][1]])
    found = decode(english, heard(6))
    assert plain[0][1] not in sum(found, []) and found != plain
    assert found == generate(english, heard(6))


def test_what_is_suppressed_at_the_beginning_is_picked_only_later(english, settings):
    first = decode(english, heard(12))[0][0]
    settings.begin_suppress_tokens = [first, END]
    found = decode(english, heard(12))
    assert first not in [row[0] for row in found] and first in sum(found, [])
    assert found == generate(english, heard(12))


def test_without_lists_of_suppressed_tokens_all_are_picked_from(english, settings):
    settings.suppress_tokens = settings.begin_suppress_tokens = None
    tokens = sum(decode(english, heard(6), 20), [])
    assert not set(tokens) <= set(BYTES)


def test_a_multilingual_models_prompt_says_language_and_task(tmp_path):
    recogniser = load(tmp_path, multilingual=True)
    with torch.no_grad():  # so that the prompt has a say
        recogniser.model.model.decoder.embed_tokens.weight[END + 1 :] *= 50
        for name, parameter in recogniser.model.model.decoder.named_parameters():
            parameter.mul_(25 if "self_attn.v_proj" in name or "self_attn.out_proj" in name else 1)
    recogniser.tokenizer.set_prefix_tokens(language="de", task="translate")
    found = decode(recogniser, heard(6))
    assert found == generate(recogniser, heard(6), language="de", task="translate")
    assert found != generate(recogniser, heard(6), language="en", task="transcribe")


@torch.inference_mode()
def test_the_log_probability_is_the_mean_over_what_is_picked_and_the_end(english, settings):
    """Of two tokens that are equally likely, the first is picked for ever: ln(1/2) each time."""
    prompt = english.tokenizer.prefix_tokens
    suppress(english, [97, 98])
    table = english.model.model.decoder.embed_tokens.weight
    before = table[98].clone()
    table[98] = table[97]
    found = greedy(english.model, heard(2), prompt, 5, measured=True)
    table[98] = before
    assert [each.tokens for each in found] == [[97] * 5] * 2
    assert [each.log_probability for each in found] == pytest.approx([math.log(1 / 2)] * 2)
    suppress(english, [END])
    settings.begin_suppress_tokens = None
    for each in greedy(english.model, heard(2), prompt, 5, measured=True):
        assert each == ([], 0.0)  # the end alone, which is certain


@torch.inference_mode()
def test_the_log_probability_is_that_of_the_whole_hypothesis_given_at_once(english, settings):
    prompt, encoded = english.tokenizer.prefix_tokens, heard(6)
    settings.begin_suppress_tokens = None
    for row, each in enumerate(greedy(english.model, encoded, prompt, 60, measured=True)):
        tokens = [*each.tokens, END][:60]  # one may be cut off before its end
        given = torch.tensor([[*prompt, *tokens[:-1]]])
        logits = english.model(
            encoder_outputs=BaseModelOutput(encoded[row : row + 1]), decoder_input_ids=given
        ).logits[0, len(prompt) - 1 :][: len(tokens)]
        left = torch.full_like(logits, -torch.inf)
        left[:, BYTES] = logits[:, BYTES]
        chosen = left.log_softmax(-1)[range(len(tokens)), tokens]
        assert each.log_probability == pytest.approx(chosen.mean().item(), abs=1e-5)
