"""What a decoder's loss is made of: labels of a batch, and how far predictions have moved."""

from collections.abc import Sequence

import torch
from torch.nn.functional import kl_div, log_softmax

IGNORED = -100  # label of padding


def divergence(logits: torch.Tensor, target: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the divergence of predictions from a target's, in nats, summed over tokens.

    Both are logits, [n_tokens, vocabulary], softened by ``temperature``, whose square keeps the
    gradient's size.
    """
    ours, theirs = (log_softmax(each / temperature, dim=-1) for each in (logits, target))
    return temperature**2 * kl_div(ours, theirs, reduction="sum", log_target=True)


def pad_labels(labels: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return int64 [batch, longest], ``IGNORED`` behind the shorter ones."""
    longest = max(map(len, labels))
    return torch.tensor([[*row, *[IGNORED] * (longest - len(row))] for row in labels])
