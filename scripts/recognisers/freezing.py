"""What of a model is trained, and what is frozen.

Freezing all but some layers, the attention or the feed-forward blocks are remedies for forgetting
that Li and Lee 2024 compare (arXiv 2401.03129); training biases alone is BitFit (Ben Zaken et al.
2021, 2106.10199).
"""

import torch

from modules import trained_parameters


def freeze_all_but(model: torch.nn.Module, trained: str) -> None:
    """Exclude from training all but ``trained`` (see ``modules.CHOICES``)."""
    parameters = dict(model.named_parameters())
    kept = trained_parameters(trained, parameters)
    for name, parameter in parameters.items():
        if name not in kept:
            parameter.requires_grad_(False)
