"""LoRA (Hu et al. 2021, arXiv 2106.09685): train small factors of weight changes, then add them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from errors import InputError

if TYPE_CHECKING:  # it takes seconds to import
    from peft.tuners.lora import LoraModel


def add_factors(
    model: torch.nn.Module, rank: int, alpha: float, dropout: float, targets: Sequence[str]
) -> LoraModel:
    """Give the linear layers called as one of ``targets`` trainable factors; freeze all else.

    Layers that were frozen before stay as they are. The change is ``alpha / rank * B @ A``, at
    first 0. ``merge_and_unload()`` of the result makes the model an ordinary one again.
    """
    from peft import LoraConfig
    from peft.tuners.lora import LoraModel

    linear = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module.weight.requires_grad
    }
    known = {name.rsplit(".")[-1] for name in linear}
    if unknown := sorted(set(targets) - known):
        raise InputError(
            f"lora_targets: no trained linear layer is called {unknown[0]!r}; take some of"
            f" {', '.join(sorted(known))}"
        )
    chosen = [name for name in linear if name.rsplit(".")[-1] in targets]
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]  # declared as int, and used as a factor
        lora_dropout=dropout,
        target_modules=chosen,
    )
    return LoraModel(model, config, "default")
