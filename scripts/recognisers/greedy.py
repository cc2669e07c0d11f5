"""Greedy decoding of Whisper in batches: what ``generate`` gives, at less cost.

The loop is our own for its speed: rows that have ended leave the batch, so that one endless
repetition does not hold up the others, and a step does nothing but the decoder and an argmax.
"""

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import NamedTuple

import torch
from torch.nn.functional import cross_entropy
from transformers import WhisperForConditionalGeneration
from transformers.cache_utils import DynamicCache, EncoderDecoderCache

from recognisers.repetition import completions

FULL_ENOUGH = 0.75  # share of a batch's rows that still go on, below which the others are dropped
ENDED = -1
# What changes the logits, [vocabulary, rows] in place, given the tokens that each row has already.
Favour = Callable[[torch.Tensor, Sequence[Sequence[int]]], None]


class Decoded(NamedTuple):
    """The tokens of a row, and the mean of the natural logarithms of their probabilities.

    The end of text is among the probabilities, where it was reached (as openai/whisper has its
    ``avg_logprob``). The mean is null where it was not asked for.
    """

    tokens: list[int]
    log_probability: float | None


def greedy(
    model: WhisperForConditionalGeneration,
    encoded: torch.Tensor,
    prompt: Sequence[int],
    max_length: int,
    unrepeated: int = 0,
    favouring: Sequence[Favour] = (),
    measured: bool = False,
) -> list[Decoded]:
    """Return the tokens after the prompt, without the end, of each row.

    ``encoded`` is the encoder's output, [batch, positions, width]. A row ends with the end of text,
    with ``max_length`` tokens, or where the decoder's positions end. Tokens that the generation
    config suppresses (everywhere, or at the beginning) are not picked, nor is one that completes a
    sequence of ``unrepeated`` tokens that its row has already (0: it may). What is ``favouring``
    tokens changes their logits. If ``measured``, each row has its log probability.
    """
    settings = model.generation_config
    suppressed, at_first = (
        torch.tensor(tokens or [], dtype=torch.long, device=encoded.device)
        for tokens in (settings.suppress_tokens, settings.begin_suppress_tokens)
    )
    cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
    tokens_of: list[list[int]] = [[] for _ in encoded]
    losses_of: list[list[float]] = [[] for _ in encoded]  # of what was picked, nats
    rows = list(range(len(encoded)))  # whose tokens each place of the batch has
    given = torch.tensor([list(prompt)] * len(rows), device=encoded.device)
    for length in range(min(max_length, model.config.max_target_positions - len(prompt))):
        hidden = model.model.decoder(
            input_ids=given,
            encoder_hidden_states=encoded,
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state[:, -1]
        # [vocabulary, batch], as BLAS may be several times slower with the few rows first
        logits = (model.proj_out.weight @ hidden.T).float()
        logits[suppressed] = -torch.inf
        if length == 0:
            logits[at_first] = -torch.inf
        if favouring or unrepeated:
            histories = [tokens_of[row] if row != ENDED else [] for row in rows]
            for favour in favouring:
                favour(logits, histories)
            for place, history in enumerate(histories):
                logits[list(completions(history, unrepeated)), place] = -torch.inf
        picked = logits.argmax(dim=0)
        if measured:
            losses = cross_entropy(logits.T, picked, reduction="none").tolist()
            for row, loss in zip(rows, losses, strict=True):
                if row != ENDED:
                    losses_of[row].append(loss)
        for place, token in enumerate(picked.tolist()):
            if token == settings.eos_token_id:
                rows[place] = ENDED
            elif rows[place] != ENDED:
                tokens_of[rows[place]].append(token)
        going = [place for place, row in enumerate(rows) if row != ENDED]
        if not going:
            break
        if len(going) < FULL_ENOUGH * len(rows):
            kept = torch.tensor(going, device=encoded.device)
            cache.batch_select_indices(kept)
            encoded, picked, rows = encoded[kept], picked[kept], [rows[place] for place in going]
        given = picked[:, None]
    means = [-fmean(losses) if losses else None for losses in losses_of]
    return [Decoded(*each) for each in zip(tokens_of, means, strict=True)]
