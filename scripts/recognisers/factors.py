"""Small factors that are trained in place of weights, and folded into them in the end.

LoRA (Hu et al. 2021, arXiv 2106.09685) adds a product of two thin matrices to a weight. (IA)³ (Liu
et al. 2022, arXiv 2205.05638) scales keys, values and what lies between the two layers of a
feed-forward block. ``merge_and_unload()`` of what is returned here makes the model an ordinary one
again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from errors import InputError

if TYPE_CHECKING:  # it takes seconds to import
    from peft.tuners.ia3 import IA3Model
    from peft.tuners.lora import LoraModel

# as Whisper, wav2vec 2.0 and HuBERT, and the Conformer call them
QUERIES, KEYS, VALUES = ("q_proj", "linear_q"), ("k_proj", "linear_k"), ("v_proj", "linear_v")
BEHIND_FEED_FORWARD = ("fc2", "output_dense")  # the second layer, whose inputs are scaled


def add_factors(
    model: torch.nn.Module,
    rank: int,
    alpha: float,
    dropout: float,
    targets: Sequence[str] | None = None,
) -> LoraModel:
    """Give the linear layers called as one of ``targets`` trainable factors; freeze all else.

    Those are queries and values, if none are named. Layers that were frozen before stay as they
    are. The change is ``alpha / rank * B @ A``, at first 0.
    """
    from peft import LoraConfig
    from peft.tuners.lora import LoraModel

    known = trained_layers(model)
    if unknown := sorted(set(targets or ()) - set(known)):
        raise InputError(
            f"lora_targets: no trained linear layer is called {unknown[0]!r}; take some of"
            f" {', '.join(sorted(known))}"
        )
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]  # declared as int, and used as a factor
        lora_dropout=dropout,
        target_modules=called(known, targets or (*QUERIES, *VALUES)),
    )
    return LoraModel(model, config, "default")


def add_scales(model: torch.nn.Module) -> IA3Model:
    """Give (IA)³'s linear layers trainable scales, at first 1; freeze all else.

    Keys and values have one of each output, the second layer of a feed-forward block one of each
    input. Layers that were frozen before stay as they are.
    """
    from peft import IA3Config
    from peft.tuners.ia3 import IA3Model

    known = trained_layers(model)
    inner = called(known, BEHIND_FEED_FORWARD)
    config = IA3Config(
        target_modules=called(known, (*KEYS, *VALUES)) + inner, feedforward_modules=inner
    )
    return IA3Model(model, config, "default")


def trained_layers(model: torch.nn.Module) -> dict[str, list[str]]:
    """Return the whole names of the trained linear layers, by the last part of each."""
    layers: dict[str, list[str]] = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and module.weight.requires_grad:
            layers.setdefault(name.rpartition(".")[2], []).append(name)
    return layers


def called(layers: dict[str, list[str]], names: Sequence[str]) -> list[str]:
    """Return the layers that are called so; raise ``InputError`` if there are none."""
    if not (found := [layer for name in names for layer in layers.get(name, ())]):
        raise InputError(
            f"no trained linear layer is called {' or '.join(names)}, to which factors could be"
            " given; set trained: all, or leave out lora_rank and ia3"
        )
    return found
