"""Whisper's attention of a few tokens to long audio, without keys and values of the audio.

A score ``q · (W_k e)`` is ``(W_k^T q) · e``, and a weighted sum of values ``W_v e`` is ``W_v``
times that sum of the encoder's outputs ``e``. So the few queries are projected instead of the many
positions (called absorption in DeepSeek-V2, arXiv 2405.04434, section 2.1). In decoding, all layers
then attend to the same encoder outputs, and there are no keys and values to keep.
"""

from typing import Any

import torch
from torch.nn.functional import softmax
from transformers import WhisperForConditionalGeneration
from transformers.models.whisper.modeling_whisper import WhisperAttention


class AbsorbingAttention(WhisperAttention):
    """Cross-attention with the same parameters and, within rounding, the same results."""

    def forward(
        self,
        hidden_states: torch.Tensor,
        key_value_states: torch.Tensor | None = None,
        *args: Any,
        **others: Any,
    ) -> Any:  # a pair, as transformers gives it, which declares three values
        """Return [batch, tokens, width] of as many tokens and of audio [batch, positions, width].

        Left to ``transformers`` is what would be no faster, or another sum: many tokens, dropout of
        weights, projections that LoRA changes.
        """
        batch, tokens, width = hidden_states.shape
        plain = type(self.k_proj) is type(self.v_proj) is torch.nn.Linear
        unlike = tokens >= self.head_dim or not plain or (self.training and self.dropout)
        if key_value_states is None or unlike:
            return super().forward(hidden_states, key_value_states, *args, **others)
        by_head = (self.num_heads, self.head_dim, width)
        queries = (self.q_proj(hidden_states) * self.scaling).view(batch, tokens, *by_head[:2])
        asked = torch.einsum("bthc,hcw->bhtw", queries, self.k_proj.weight.view(by_head))
        weights = softmax(asked.flatten(1, 2) @ key_value_states.transpose(1, 2), dim=-1)
        context = (weights @ key_value_states).view_as(asked)
        values = torch.einsum("bhtw,hcw->bthc", context, self.v_proj.weight.view(by_head))
        return self.out_proj(values.flatten(2) + self.v_proj.bias), None


def absorb_keys_and_values(model: WhisperForConditionalGeneration) -> None:
    """Make the cross-attentions of a model's decoder such ones, in place."""
    for layer in model.model.decoder.layers:
        layer.encoder_attn.__class__ = AbsorbingAttention
