"""SIGTERM for the processes that do a job's work, where a signal reaches only their Snakemake.

With ``ProctrackType=proctrack/cgroup`` SIGTERM (time limit, scancel, preemption) reaches a step's
first process alone, and the others learn of it when they are killed. That first process is a
Snakemake, which lets its job go on. So does the Snakemake that leads a run, if it is stopped by
anything but the keyboard (``kill``, a notebook, a service manager).
"""

import signal
import socket
import threading
import time
from collections.abc import Callable

import psutil

from errors import InputError
from files.text_file import read_text

AGAIN = 0.2  # s, after which to look for processes that have begun meanwhile


def forward_sigterm(*numbers: int, tell: Callable[[], None] | None = None) -> None:
    """From now on, when one of these signals comes, send SIGTERM to the processes below this one.

    To each of them once, also to those that begin later; ``tell`` is called first. Call it in the
    main thread. This process's own handlers, set later or before, run as well.
    """
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=pass_on, args=(numbers, tell, receiver, sender), daemon=True).start()


def pass_on(
    numbers: tuple[int, ...],
    tell: Callable[[], None] | None,
    receiver: socket.socket,
    sender: socket.socket,
) -> None:
    """Send SIGTERM once ``receiver`` has from ``sender`` that one of the signals came."""
    while (came := receiver.recv(1)) and came[0] not in numbers:
        pass
    if came and tell:
        tell()
    asked: set[psutil.Process] = set()
    while came:
        for process in set(psutil.Process().children(recursive=True)) - asked:
            if is_to_stop(process):
                process.terminate()
                asked.add(process)
        time.sleep(AGAIN)


def is_to_stop(process: psutil.Process) -> bool:
    """Say whether a process does a job's work: it has a handler, or is a Python that has none yet.

    A shell has none, and ends with its command; SLURM's commands are to end by themselves. One that
    has this process's own command line is about to become another.
    """
    try:
        if process.cmdline() == psutil.Process().cmdline():
            return False
        return catches_sigterm(process.pid) or process.name().startswith("python")
    except psutil.NoSuchProcess:
        return False


def catches_sigterm(pid: int) -> bool:
    """Say whether a process has a handler for SIGTERM."""
    try:
        status = read_text(f"/proc/{pid}/status")
    except InputError:  # gone, or no Linux
        return False
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)
