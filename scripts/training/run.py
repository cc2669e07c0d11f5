"""A training run: optimiser, schedule, one step, the best parameters so far, state on disk."""

import math
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from errors import InputError
from files.atomic import atomic_path
from files.checkpoint_file import read_pickled
from files.unfinished import is_written
from recognisers.load import Recogniser
from training import several_processes as distributed
from training.data import Speech
from training.ewc import Consolidation
from training.settings import Settings

MAX_GRADIENT_NORM = 1.0
SAVING_SHARE = 0.1  # of the time, at most, goes into writing the state


def count_steps(settings: Settings, per_epoch: int) -> int:
    """Return the optimiser steps of a run: its epochs', or ``max_steps`` if that is fewer."""
    bounds = [settings.max_steps, math.ceil(settings.epochs * per_epoch)]
    if not (given := [bound for bound in bounds if bound > 0]):
        raise InputError("epochs and max_steps are both 0; give one of them")
    return min(given)


def learning_rate_factor(step: int, warmup_steps: int, total_steps: int) -> float:
    """Return the linear schedule's factor in 0..1: up over the warm-up, then down to the end."""
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    return max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))


def parameter_groups(parameters: Sequence[torch.nn.Parameter], weight_decay: float) -> list[dict]:
    """Return AdamW's groups: matrices decay, biases and layer norms don't (as in Hugging Face)."""
    return [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]


def make_optimizer(name: str, groups: Sequence[dict], learning_rate: float):
    """Return AdamW, or its variant whose moments take 8 bits each (Dettmers 2021, 2110.02861)."""
    groups = [group for group in groups if group["params"]]  # LoRA's factors are all matrices
    if name == "adamw":
        return torch.optim.AdamW(groups, lr=learning_rate, fused=True)
    try:
        from bitsandbytes.optim import AdamW8bit
    except ImportError as error:
        raise InputError(
            f"optimizer: {name}: bitsandbytes can't be imported ({error});"
            " pip install bitsandbytes==0.50.2, or take adamw"
        ) from None
    return AdamW8bit(groups, lr=learning_rate)


def share(indices: Sequence[int], micro_batch_size: int) -> list[tuple[int, Sequence[int]]]:
    """Return the parts of a batch that this process computes, with their numbers in the batch.

    A part has at most ``micro_batch_size`` utterances (0: the whole share of a process).
    """
    at_once = micro_batch_size or math.ceil(len(indices) / distributed.size())
    parts = [indices[i : i + at_once] for i in range(0, len(indices), at_once)]
    return [*enumerate(parts)][distributed.rank() :: distributed.size()]


def seed_noise(*numbers: int) -> None:
    """Seed dropout and SpecAugment, which draw from PyTorch and numpy."""
    state = np.random.SeedSequence(numbers).generate_state(2)
    torch.manual_seed(int(state[0]))
    np.random.seed(state[1])


class Training:
    """The state of a run: everything that a resumed run needs to end like an undisturbed one."""

    def __init__(self, recogniser: Recogniser, settings: Settings, total_steps: int):
        self.recogniser = recogniser
        self.settings = settings
        self.total_steps = total_steps
        self.trained = {
            name: parameter
            for name, parameter in recogniser.model.named_parameters()
            if parameter.requires_grad
        }
        self.parameters = list(self.trained.values())
        self.optimizer = make_optimizer(
            settings.optimizer,
            # (IA)³'s scales, which have two dimensions, would decay to 0, and start at 1
            parameter_groups(self.parameters, 0.0 if settings.ia3 else settings.weight_decay),
            settings.learning_rate,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer,
            lambda step: learning_rate_factor(step, settings.warmup_steps, total_steps),
        )
        self.start = self._parameters() if settings.interpolation < 1 else {}
        self.consolidation = (
            Consolidation(self.trained, settings.ewc_weight) if settings.ewc_weight else None
        )
        self.step = 0
        self.history: list[dict] = []
        self.best: dict[str, torch.Tensor] = {}
        self.last: list[dict[str, torch.Tensor]] = []  # parameters at the last dev evaluations
        self.since_best = 0
        self.next_save = 0.0
        self.saved = -1  # the step that the state on disk is of

    def update(
        self,
        speech: Speech,
        indices: Sequence[int],
        audio: Iterator[Any] | None = None,
    ) -> float:
        """Take one optimiser step; return the loss per token (nats), which must be a number.

        The penalty of ``ewc_weight`` is part of it.
        Each process computes its ``share`` of the batch, whose audio comes from ``audio`` if it is
        read ahead. Every part counts by its tokens, so the division changes nothing.
        """
        self.recogniser.train()
        tokens, duration = speech.tokens(indices), speech.duration(indices)
        value = 0.0
        for number, part in share(indices, self.settings.micro_batch_size):
            seed_noise(self.settings.seed, self.step, number)
            loss = speech.loss(part, duration, next(audio) if audio else None) / tokens
            value += loss.item()
            loss.backward()
        [value] = distributed.total([value], self.recogniser.device)
        distributed.sum_gradients(self.parameters)
        if self.consolidation:
            value += self.consolidation.pull()
        if not math.isfinite(value):
            raise InputError(
                f"the loss became {value} at step {self.step + 1};"
                " lower the learning rate, or set precision: fp32"
            )
        torch.nn.utils.clip_grad_norm_(self.parameters, MAX_GRADIENT_NORM)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.schedule.step()
        self.step += 1
        return value

    def judge(self, error: float) -> None:
        """Note a dev evaluation; keep the parameters if it is the best so far."""
        if not math.isfinite(error):
            raise InputError(
                f"dev evaluation at step {self.step} gave {error}; lower the learning rate"
            )
        best_error = min((entry["dev"] for entry in self.history), default=math.inf)
        self.history.append({"step": self.step, "dev": error})
        self.since_best += 1
        if error < best_error:
            self.since_best = 0
            self.best = self._parameters()
        if self.settings.average_last:
            self.last = [*self.last, self._parameters()][-self.settings.average_last :]

    def _parameters(self) -> dict[str, torch.Tensor]:
        """Return a copy of the trained parameters, on the CPU."""
        return {name: value.detach().cpu().clone() for name, value in self.trained.items()}

    def result(self) -> dict[str, torch.Tensor]:
        """Return the parameters of the best dev evaluation, or the mean of the last ones.

        With ``interpolation`` they lie between those and the start's (Wortsman et al. 2022,
        2109.01903).
        """
        trained = self.best
        if self.last:
            trained = {
                name: torch.stack([each[name].float() for each in self.last]).mean(dim=0)
                for name in self.trained
            }
        if not self.start:
            return trained
        share = self.settings.interpolation
        return {name: torch.lerp(self.start[name], trained[name], share) for name in trained}

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.schedule.get_last_lr()[0])

    @property
    def judged(self) -> bool:
        """True if there is a dev evaluation of this very step."""
        return bool(self.history) and self.history[-1]["step"] == self.step

    @property
    def finished(self) -> bool:
        """True at the last step, or when ``patience`` evaluations brought nothing better."""
        return self.step >= self.total_steps or self.since_best >= self.settings.patience

    @torch.no_grad()
    def take(self, parameters: dict[str, torch.Tensor]) -> None:
        """Give the trained parameters these values."""
        for name, parameter in self.trained.items():
            parameter.copy_(parameters[name])

    def save(self, path: Path, fingerprint: str, at_once: bool = False) -> None:
        """Write the whole state, atomically; not if that was done a short while ago.

        Large states take long: they are written so rarely that training takes most of the time.
        ``at_once`` writes what is not on disk yet, however short ago.
        """
        started = time.monotonic()
        unchanged = self.saved == self.step
        if distributed.rank() or (unchanged if at_once else started < self.next_save):
            return
        state = {
            "fingerprint": fingerprint,
            "model": {name: value.detach() for name, value in self.trained.items()},
            "optimizer": self.optimizer.state_dict(),
            "schedule": {"last_epoch": self.schedule.last_epoch},
            "step": self.step,
            "history": self.history,
            "best": self.best,
            "last": self.last,
            "since_best": self.since_best,
            "fisher": self.consolidation.fisher if self.consolidation else {},
        }
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            torch.save(state, file)  # given a path, it does not say that the disk is full
        self.saved = self.step
        ended = time.monotonic()
        self.next_save = ended + (ended - started) / SAVING_SHARE

    def restore(self, path: Path, fingerprint: str) -> bool:
        """Take up the state of ``path`` if it belongs to the same run; say whether it did."""
        if distributed.rank() == 0:  # what a kill left half written may be as large as the state
            for rest in path.parent.glob(f".{path.stem}.*{path.suffix}"):
                if not is_written(rest.name):  # another machine's too
                    rest.unlink(missing_ok=True)
        if not path.is_file():
            return False
        state = read_pickled(path, "delete it to train anew")
        if state["fingerprint"] != fingerprint:
            if distributed.rank() == 0:
                print(
                    f"{path}: belongs to other settings, data, code or packages; starting anew",
                    file=sys.stderr,
                )
            return False
        self.take(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.last_epoch = state["schedule"]["last_epoch"]
        self.step, self.history = state["step"], state["history"]
        self.best, self.since_best = state["best"], state["since_best"]
        self.last = state["last"]
        if self.consolidation:
            on = self.recogniser.device
            self.consolidation.fisher = {k: v.to(on) for k, v in state["fisher"].items()}
        self.saved = self.step
        return True
