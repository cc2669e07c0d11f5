"""SIGTERM for the processes that do a job's work, where a signal reaches only their Snakemake.

With ``ProctrackType=proctrack/cgroup`` SIGTERM (time limit, scancel, preemption) reaches a step's
first process alone, and the others learn of it when they are killed. That first process is a
Snakemake, which lets its job go on. So does the Snakemake that leads a run, if it is interrupted by
anything but the keyboard (``kill -INT``, a notebook, a service manager).
"""

import signal
import socket
import threading

import psutil

from errors import InputError
from files.text_file import read_text


def forward_sigterm(number: int = signal.SIGTERM) -> None:
    """From now on, when signal ``number`` comes, send SIGTERM to the processes below this one.

    Only to those that have a handler for it. Call it in the main thread. This process's own
    handler, set later or before, runs as well.
    """
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=pass_on, args=(number, receiver, sender), daemon=True).start()


def pass_on(number: int, receiver: socket.socket, sender: socket.socket) -> None:
    """Send SIGTERM whenever ``receiver`` gets from ``sender`` that signal ``number`` came."""
    while came := receiver.recv(1):
        if came[0] == number:
            for process in psutil.Process().children(recursive=True):
                if catches_sigterm(process.pid):
                    process.terminate()


def catches_sigterm(pid: int) -> bool:
    """Say whether a process has a handler; a shell has none, and ends with its command."""
    try:
        status = read_text(f"/proc/{pid}/status")
    except InputError:  # gone, or no Linux
        return False
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)
