"""What is kept of a run in ``logs/NAME``.

``status.json`` is how the run stands, for ``scripts/status.py``; ``jobs.jsonl`` has a line for each
attempt of each job that ended, for ``scripts/efficiency.py``.
"""

import json
import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from addresses import redacted
from errors import InputError
from files.atomic import atomic_path
from runs.state import Job, Run
from runs.words import stage, title

STATUS_EVERY = 5  # s, at most, while something changes
HEARTBEAT = 15  # s, of a run in which nothing changes
OF_RUNNING = ("log", "external", "submitted", "attempt", "outputs")  # what the status has of a job


class Journal:
    """The two files of a run; ``warn`` is called with text if they cannot be written.

    ``arms`` are the arms of model names. A full disk must not end the run here.
    """

    def __init__(
        self, folder: Path, run: Run, arms: Mapping[str, str], warn: Callable[[str], None]
    ) -> None:
        self.folder = folder
        self.run = run
        self.arms = arms
        self.warn = warn
        self._has_changed = False
        self._is_told = False  # that the status could not be written
        self._written = 0.0  # s since 1970

    def note_change(self) -> None:
        """Note that the run stands otherwise than in ``status.json``."""
        self._has_changed = True

    def add_job(self, job: Job, ended: float, why: str | None = None) -> None:
        """Add an attempt that ended; ``why`` is the reason if it failed."""
        line = {
            "rule": job.rule,
            "wildcards": job.wildcards,
            "outputs": job.outputs,
            "attempt": job.attempt,
            "asked": job.asked,
            "external": job.external,
            "submitted": job.submitted,
            "ended": round(ended, 3),
            "ok": why is None,
            "why": why,
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / "jobs.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")  # in one write
        except OSError as error:
            self._warn(error)

    def write_status_if_due(self, now: float) -> None:
        """Write ``status.json``: soon after a change, seldom without one."""
        since = now - self._written
        if since >= HEARTBEAT or (self._has_changed and since >= STATUS_EVERY):
            self.write_status(now, "running")

    def write_status(self, now: float, state: str) -> None:
        """Write ``status.json``; ``state`` is running, finished, failed or stopped.

        If it fails again and again, it says so once.
        """
        try:
            with atomic_path(self.folder / "status.json") as temporary:
                temporary.write_text(json.dumps(self.status(now, state), indent=1) + "\n")
            self._is_told = False
        except (OSError, InputError) as error:
            if not self._is_told:
                self._warn(error)
            self._is_told = True
        self._written, self._has_changed = now, False

    def status(self, now: float, state: str) -> dict[str, Any]:
        """Return what ``status.json`` holds."""
        return {
            "name": self.run.name,
            "state": state,
            "host": platform.node(),
            "pid": os.getpid(),
            "process_started": psutil.Process().create_time(),
            "command": ["snakemake", *map(redacted, sys.argv[1:])],
            "started": round(self.run.started, 3),
            "updated": round(now, 3),
            "stages": self.run.stages(),
            "running": [
                {
                    "stage": stage(job.rule),
                    "what": title(job.rule, job.wildcards, self.arms),
                    **{key: value for key, value in asdict(job).items() if key in OF_RUNNING},
                }
                for job in self.run.running.values()
            ],
            "failed": self.run.failed,
        }

    def _warn(self, error: OSError | InputError) -> None:
        reason = getattr(error, "strerror", None) or error
        self.warn(f"warning: {self.folder}: {reason}; the run goes on")
