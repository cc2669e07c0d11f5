"""The curves of a training run, for TensorBoard: loss, learning rate, dev evaluations by step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from errors import InputError
from training import several_processes as distributed

Draw = Callable[[str, float, int], None]  # adds to the curve of a name a value at a step


def check_tensorboard() -> None:
    """Raise ``InputError`` if the package that writes TensorBoard's files is not there."""
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"tensorboard: its package can't be imported ({error});"
            " pip install tensorboard==2.20.0, or set tensorboard: false"
        ) from None


@contextmanager
def curves(folder: str | None) -> Iterator[Draw]:
    """Yield what draws into the event files of a folder; it does nothing without one.

    What an earlier run of the same training drew from the first step on that this one draws, which
    may go on from another's state, goes.
    """
    writers: list[Any] = []

    def draw(name: str, value: float, step: int) -> None:
        if not folder or distributed.rank():
            return
        if not writers:
            from torch.utils.tensorboard import SummaryWriter

            writers.append(SummaryWriter(folder, purge_step=step))
        writers[0].add_scalar(name, value, step)

    try:
        yield draw
    finally:
        for writer in writers:
            writer.close()
