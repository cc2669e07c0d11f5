"""One run of an experiment at a time, and no jobs left behind by a run that was killed."""

import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from errors import InputError
from files.atomic import atomic_path
from files.json_file import read_object

GONE = ("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY")
PATIENCE = 180  # s, until a cancelled job must be gone


def begin_run(logs: str | Path, run_id: str | None) -> IO[str]:
    """Take the lock of an experiment, cancel what a killed run left on SLURM, and note this run.

    ``logs`` is the experiment's folder of logs; ``run_id`` is the name of this run's SLURM jobs
    (None where it submits none). The lock is held until the returned file is closed, at the
    latest by the end of the process: unlike Snakemake's own it does not outlive ``kill -9``. Raises
    ``InputError`` if another run holds it, or if jobs of a killed run cannot be cancelled.
    """
    Path(logs).mkdir(parents=True, exist_ok=True)
    lock = open(Path(logs) / "run.lock", "a+")  # noqa: SIM115 - it stays open
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise InputError(
            f"another run of this experiment goes on ({lock.read().strip() or 'just begun'}); "
            f"wait for it, or stop it there with Ctrl-C. `make status` shows how far it is"
        ) from None
    except OSError as error:  # some shared disks have no locks
        print(
            f"warning: {lock.name}: {error.strerror}: start only one run at a time",
            file=sys.stderr,
        )
    lock.truncate(0)
    lock.write(f"process {os.getpid()} on {platform.node()}\n")
    lock.flush()
    note = Path(logs) / "slurm_run.json"
    if note.exists():
        cancel_jobs(read_object(note, "delete it if no job of that run is left")["run_id"])
    if run_id:
        with atomic_path(note) as temporary:
            temporary.write_text(json.dumps({"run_id": run_id}) + "\n")
    else:
        note.unlink(missing_ok=True)
    return lock


def cancel_jobs(run_id: str) -> None:
    """Cancel the SLURM jobs of this name and wait until they are gone.

    They would write the same files as the jobs that are submitted anew.
    """
    if shutil.which("squeue") is None:
        raise InputError(
            f"the last run was on SLURM, and its jobs may still run; there is no squeue here: "
            f"start from where it was started, or remove logs/*/slurm_run.json if none is left "
            f"(squeue --name {run_id})"
        )
    left = active_jobs(run_id)
    if not left:
        return
    print(f"Cancelling {len(left)} SLURM jobs that a killed run left behind.", file=sys.stderr)
    subprocess.run(["scancel", "--name", run_id], check=True)
    deadline = time.monotonic() + PATIENCE
    while left := active_jobs(run_id):
        if time.monotonic() > deadline:
            raise InputError(
                f"SLURM jobs {', '.join(left)} of a killed run do not end; see `scontrol show job "
                f"{left[0]}`, and start again when they are gone"
            )
        time.sleep(1)


def active_jobs(run_id: str) -> list[str]:
    """Return the ids of the SLURM jobs of this name that are waiting, running or ending."""
    command = ["squeue", "--noheader", "--name", run_id, "--format", "%i %T"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"squeue, asked for jobs of a killed run: {done.stderr.strip()}")
    lines = [line.split() for line in done.stdout.splitlines()]
    return [job for job, state in lines if state not in GONE]
