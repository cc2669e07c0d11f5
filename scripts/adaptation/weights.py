"""The parameters that are trained on a recording, and how they come back to what they were."""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch

from errors import InputError

Loss = Callable[[], torch.Tensor]


class State(NamedTuple):
    """Copies of the trained parameters, and of their optimizer's moments."""

    parameters: list[torch.Tensor]
    optimizer: dict[str, Any]


class Weights:
    """Some parameters of a model, trained by AdamW without decay; all others are frozen.

    The model stays in evaluation: nothing is dropped, and batch norms keep their statistics.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        trained: Iterator[torch.nn.Parameter],
        learning_rate: float,
    ):
        model.eval().requires_grad_(False)
        self.trained = list(dict.fromkeys(trained))
        for parameter in self.trained:
            parameter.requires_grad_(True)
        self.optimizer = torch.optim.AdamW(self.trained, learning_rate, weight_decay=0.0)

    def step(self, losses: Sequence[Loss]) -> None:
        """Take one step on the mean of some losses, which are computed one after the other."""
        self.optimizer.zero_grad()
        for loss in losses:
            value = loss() / len(losses)
            if not value.isfinite():
                raise InputError(
                    f"test-time adaptation: the loss is {value.item()}; transcribe without it"
                )
            value.backward()
        self.optimizer.step()

    def state(self) -> State:
        """Return what ``restore`` needs."""
        parameters = [parameter.detach().clone() for parameter in self.trained]
        return State(parameters, copy.deepcopy(self.optimizer.state_dict()))

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """Make parameters and moments what they were, bit for bit."""
        for parameter, kept in zip(self.trained, state.parameters, strict=True):
            parameter.copy_(kept)
        self.optimizer.load_state_dict(copy.deepcopy(state.optimizer))


def layer_norms(model: torch.nn.Module) -> Iterator[torch.nn.Parameter]:
    """Yield the gains and biases of a model's layer norms."""
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            yield from module.parameters()
