"""Whisper that adapts: what is trained, what it writes as tokens, and how it scores them."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from adaptation.weights import Weights, layer_norms
from computing.precision import autocast
from recognisers.greedy import Favour, greedy
from recognisers.whisper import WhisperRecogniser

LEARNING_RATE = 1e-3  # at a fifth of it no hypothesis of eight calls changed (tiny.en)
EXCLUDED = -1e9  # a logit of what is never written: its probability is 0, and entropies stay finite


class Scored(NamedTuple):
    """Hypotheses and their predictions: logits [n, longest, vocabulary], tokens [n, longest].

    ``counts`` is float, 1 where a hypothesis has a token (its end is one), 0 behind it.
    """

    logits: torch.Tensor
    tokens: torch.Tensor
    counts: torch.Tensor


def weights_of(recogniser: WhisperRecogniser) -> Weights:
    """Return what is trained of a Whisper: its layer norms."""
    return Weights(recogniser.model, layer_norms(recogniser.model), LEARNING_RATE)


@torch.no_grad()
def hypotheses(
    recogniser: WhisperRecogniser, encoded: torch.Tensor, favouring: Sequence[Favour] = ()
) -> list[list[int]]:
    """Return the tokens of each row of the encoder's output, with the end, if they came to it."""
    longest = min(
        recogniser.max_length,
        recogniser.model.config.max_target_positions - len(recogniser.tokenizer.prefix_tokens),
    )
    with autocast(recogniser.device, recogniser.precision):
        decoded = greedy(
            recogniser.model, encoded, recogniser.tokenizer.prefix_tokens, longest, 0, favouring
        )
    end = recogniser.model.generation_config.eos_token_id
    rows = [each.tokens for each in decoded]
    return [row if len(row) == longest else [*row, end] for row in rows]


def score(
    recogniser: WhisperRecogniser, encoded: torch.Tensor, rows: Sequence[Sequence[int]]
) -> Scored:
    """Return what the decoder predicts in place of each token, given those before it.

    What the generation config suppresses is excluded, as in decoding.
    """
    prompt, settings = recogniser.tokenizer.prefix_tokens, recogniser.model.generation_config
    longest = max(map(len, rows))
    end = settings.eos_token_id
    padded = [[*row, *[end] * (longest - len(row))] for row in rows]
    tokens = torch.tensor(padded, device=encoded.device)
    given = torch.tensor([[*prompt, *row[:-1]] for row in padded], device=encoded.device)
    with autocast(recogniser.device, recogniser.precision):
        predicted = recogniser.model(
            encoder_outputs=(encoded,), decoder_input_ids=given, use_cache=False
        ).logits
    logits = predicted[:, len(prompt) - 1 :].float().clone()
    logits[..., settings.suppress_tokens or []] = EXCLUDED
    logits[:, 0, settings.begin_suppress_tokens or []] = EXCLUDED
    lengths = torch.tensor([[len(row)] for row in rows], device=encoded.device)
    return Scored(logits, tokens, (torch.arange(longest, device=encoded.device) < lengths).float())
