"""Elastic weight consolidation: what matters to the source stays near where it started.

A parameter is pulled back to its start by its Fisher information (Kirkpatrick et al. 2017, arXiv
1612.00796, eq. 3). Zheng et al. 2021 (2011.11564) hold an RNN-T's encoder so while it learns words
from synthetic speech; here all trained parameters are held, whichever those are.
"""

from collections.abc import Mapping
from contextlib import closing

import torch

from training import several_processes as distributed
from training.data import Speech, drawn

UTTERANCES = 1000  # of the source, at most, of which the information is that


class Consolidation:
    """Where the trained parameters started, and what of that matters: the Fisher information.

    Both are by the names of the parameters; the latter is computed by ``learn``, or is that of a
    state.
    """

    def __init__(self, trained: Mapping[str, torch.nn.Parameter], weight: float):
        self.trained, self.weight = trained, weight
        self.start = {name: value.detach().clone() for name, value in trained.items()}
        self.fisher: dict[str, torch.Tensor] = {}

    def learn(self, source: Speech, seed: int) -> None:
        """Compute the Fisher information of the parameters as they are, by speech of the source.

        It is the diagonal of the empirical one, per token, as the loss is: squared gradients of the
        summed loss on each utterance, added up, over the number of tokens. Of more utterances than
        ``UTTERANCES`` some are drawn; each process computes its share.
        """
        source.recogniser.model.eval()
        indices = drawn(source.ids, UTTERANCES, f"{seed}/fisher")
        share = indices[distributed.rank() :: distributed.size()]
        parts = [([index], source.duration([index])) for index in share]
        fisher = {name: torch.zeros_like(value) for name, value in self.trained.items()}
        with closing(source.audio(parts)) as audio:
            for part in parts:
                source.loss(*part, next(audio)).backward()
                for name, parameter in self.trained.items():
                    if parameter.grad is not None:
                        fisher[name].addcmul_(parameter.grad, parameter.grad)
                        parameter.grad = None
        distributed.add_up(fisher.values())
        tokens = source.tokens(indices)
        self.fisher = {name: value / tokens for name, value in fisher.items()}

    @torch.no_grad()
    def pull(self) -> float:
        """Return the penalty (nats), and add its gradient to those of the trained parameters.

        The penalty is ``weight / 2 * sum(fisher * (parameter - start) ** 2)``. A parameter without
        a gradient has no part in it: no step moves it.
        """
        penalty: float | torch.Tensor = 0.0
        for name, parameter in self.trained.items():
            if parameter.grad is not None:
                away = parameter - self.start[name]
                force = self.weight * self.fisher[name] * away
                parameter.grad += force
                penalty += (force * away).sum(dtype=torch.float64) / 2
        return float(penalty)
