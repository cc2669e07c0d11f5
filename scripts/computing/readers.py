"""Threads that read audio and compute its features ahead of the network, which so never waits.

On a GPU there are as many as the process has CPU threads, up to ``MOST``: each holds a batch in
memory. On a CPU they would only take cores from the network, so there are none. Results do not
depend on them.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Generator, Iterable

import torch

from computing.ahead import Item, Result, ahead
from errors import InputError

MOST = 16


def add_option(parser: ArgumentParser) -> None:
    """Add the option that says how many there are."""
    parser.add_argument(
        "--readers",
        type=int,
        help="threads of each process that read audio ahead (default: on a GPU its CPU threads, at"
        f" most {MOST}, else 0)",
    )


def readers_of(asked: int | None, device: torch.device) -> int:
    """Return how many readers a process has: as many as asked for, or what suits the device."""
    if asked is None:
        return min(MOST, torch.get_num_threads()) if device.type == "cuda" else 0
    if asked < 0:
        raise InputError(f"--readers {asked}: at least 0")
    return asked


def read_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], readers: int
) -> Generator[Result, None, None]:
    """Yield ``function(item)`` of each item, in order; one more than there are readers waits."""
    return ahead(function, items, readers + 1, readers, one_core)


def one_core() -> None:
    """Keep the calling thread to one core; PyTorch would take all of them for each thread."""
    torch.set_num_threads(1)
