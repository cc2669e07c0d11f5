"""The entropy of predictions."""

import torch


def entropy(logits: torch.Tensor) -> torch.Tensor:
    """Return the entropy (nats) of each prediction: [..., classes] to [...]."""
    log_probabilities = logits.log_softmax(dim=-1)
    return -(log_probabilities.exp() * log_probabilities).sum(dim=-1)
