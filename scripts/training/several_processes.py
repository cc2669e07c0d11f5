"""Several processes of one machine that train one model together.

SIGTERM ends all of them, after the first one has written the state.
"""

import ctypes
import json
import logging
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from errors import MISTAKE, STOPPED, InputError, Stopped

PR_SET_PDEATHSIG = 1  # of linux/prctl.h
PATIENCE = timedelta(hours=1)  # with a process that writes a large state or decodes a long batch


def launch(processes: int, script: str, arguments: Sequence[str]) -> None:
    """Run a script in several processes, as ``torchrun --standalone`` does, and wait for them.

    If one fails the others are ended, and its error is raised here: it is told once.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    if torch.cuda.is_available() and torch.cuda.device_count() < processes:
        raise InputError(
            f"--processes {processes}: this machine offers {torch.cuda.device_count()} GPUs"
        )
    for name in list(logging.root.manager.loggerDict):  # each has a level of its own
        if name.startswith("torch.distributed.elastic"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            run_id=str(os.getpid()),
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            local_addr="localhost",
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=folder),
        )
        try:
            elastic_launch(config, sys.executable)(script, *arguments)
        except ChildFailedError as error:
            raise_first(list(error.failures.values()))
        except SignalException:  # the processes were told, and had the time to stop
            raise Stopped("") from None


def raise_first(failures: Sequence[Any]) -> None:
    """Raise the error that the others (lost connections) follow from."""
    if any(failure.exitcode == STOPPED for failure in failures):
        raise Stopped("")  # told by the process
    mistakes = [failure for failure in failures if failure.exitcode == MISTAKE]
    first = min(mistakes or failures, key=lambda failure: failure.timestamp)
    if mistakes:
        raise InputError(first.message)
    raise RuntimeError(f"process {first.local_rank} failed: {first.message}")


@contextmanager
def worker() -> Iterator[None]:
    """Join the other processes that ``launch`` started, if it was used; leave them at the end.

    An exception ends the process at once and is left for ``launch`` to raise.
    """
    if not dist.is_torchelastic_launched():
        yield
        return
    if sys.platform == "linux":  # killing the launcher must not leave two runs on one work folder
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if gpu else "gloo", timeout=PATIENCE)
    try:
        yield
    except Stopped as stopped:
        if rank() == 0:
            print(stopped, file=sys.stderr, flush=True)
        os._exit(STOPPED)
    except Exception as error:
        leave_error(error)
    dist.destroy_process_group()


def leave_error(error: Exception) -> None:
    """Write what ``launch`` reads of a failed process, and end it before the others notice."""
    mistake = isinstance(error, InputError)
    text = str(error) if mistake else "".join(traceback.format_exception(error))
    report = {"message": text, "timestamp": int(time.time())}
    Path(os.environ["TORCHELASTIC_ERROR_FILE"]).write_text(json.dumps(report), encoding="utf-8")
    sys.stderr.flush()
    os._exit(MISTAKE if mistake else 1)


def rank() -> int:
    """Return this process's number, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """Return how many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def total(values: Sequence[float], device: torch.device) -> list[float]:
    """Return the sums over all processes."""
    if size() == 1:
        return list(values)
    sums = torch.tensor(values, dtype=torch.float64, device=device)
    dist.all_reduce(sums)
    return sums.tolist()


def add_up(tensors: Iterable[torch.Tensor]) -> None:
    """Add up each tensor over all processes, in place."""
    for tensor in tensors if size() > 1 else ():
        dist.all_reduce(tensor)


def gather(rows: list) -> list:
    """Return the rows of all processes, one after the other."""
    if size() == 1:
        return rows
    lists: list[list] = [[] for _ in range(size())]
    dist.all_gather_object(lists, rows)
    return [row for rows in lists for row in rows]


def sum_gradients(parameters: Sequence[torch.nn.Parameter]) -> None:
    """Add up each gradient over all processes, in place.

    A process without a share of the batch counts as zero; a parameter that no process used keeps
    no gradient, so that the optimiser leaves it alone.
    """
    if size() == 1:
        return
    used = torch.tensor([p.grad is not None for p in parameters], dtype=torch.int32)
    used = used.to(parameters[0].device)
    dist.all_reduce(used)
    pending = []
    for parameter, count in zip(parameters, used.tolist(), strict=True):
        if count:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            pending.append(dist.all_reduce(parameter.grad, async_op=True))
    for handle in pending:
        handle.wait()
