"""How a run of an experiment stands: counts of its stages, jobs that run, jobs that failed."""

import platform
import time
from collections import Counter
from pathlib import Path

import psutil

from errors import InputError, run
from escaping import visible
from files.json_file import read_object
from names import name_of
from options import Parser
from runs import failures

SHOWN = 20  # running jobs
COLUMNS = ("planned", "queued", "running", "done", "failed")


def read(logs: Path, name: str) -> dict:
    """Return what the last run of an experiment wrote of itself into ``logs/NAME/status.json``."""
    path = logs / name / "status.json"
    if not path.exists():
        known = sorted(found.parent.name for found in logs.glob("*/status.json"))
        raise InputError(
            f"{path} is not there: no run of {name} has begun here"
            f" (runs of: {', '.join(known) or 'none'}); is this the folder that it runs in?"
        )
    return read_object(path, "a run writes it anew within seconds")


def is_alive(status: dict) -> bool:
    """Say whether the process that leads a run is there, on this host."""
    try:
        process = psutil.Process(status["pid"])
        same = abs(process.create_time() - status["process_started"]) < 1
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def headline(status: dict, host: str, alive: bool, now: float) -> str:
    """Return what became of the run; ``alive`` counts only if it runs on this ``host``."""
    name, ran = status["name"], duration(status["updated"] - status["started"])
    if status["state"] != "running":
        ago = duration(now - status["updated"])
        return f"{name}: {status['state']} {ago} ago, after {ran}"
    if status["host"] != host:
        silent = duration(now - status["updated"])
        return f"{name}: running for {ran} when last heard from {status['host']}, {silent} ago"
    if alive:
        since = duration(now - status["started"])
        return f"{name}: running for {since} (process {status['pid']} on this host)"
    ids = " ".join(job["external"] for job in status["running"] if job["external"])
    left = f"; its SLURM jobs may go on: {ids}" if ids else ""
    return f"{name}: killed after {ran} (process {status['pid']} is gone){left}"


def has_begun(job: dict) -> bool:
    """Say whether a submitted job has written to its log, so is no longer waiting in a queue."""
    return failures.is_written_since(job["log"], job["submitted"])


def stages_table(status: dict) -> list[str]:
    """Return the lines of the table of stages."""
    queued = Counter(job["stage"] for job in status["running"] if not has_begun(job))
    rows = [("stage", *COLUMNS)]
    for stage, counts in status["stages"].items():
        waiting = queued[stage]
        numbers = counts | {"queued": waiting, "running": counts["running"] - waiting}
        rows.append((stage, *(str(numbers[column] or "-") for column in COLUMNS)))
    width = max(len(row[0]) for row in rows)
    return [f"{row[0]:<{width}}" + "".join(f"{cell:>9}" for cell in row[1:]) for row in rows]


def running_lines(jobs: list[dict], now: float) -> list[str]:
    """Return what each running job is, and the last that it said."""
    lines = []
    begun = [job for job in jobs if has_begun(job)]
    for job in begun[:SHOWN]:
        where = f"SLURM job {job['external']}, " if job["external"] else ""
        lines.append(f"running {job['what']} ({where}{duration(now - job['submitted'])})")
        lines += [f"    {line}" for line in failures.tail(job["log"], 1)]
    return lines + ([f"and {len(begun) - SHOWN} more"] if len(begun) > SHOWN else [])


def failed_lines(jobs: list[dict]) -> list[str]:
    """Return why each failed job failed, and how it is run again."""
    lines = []
    for job in jobs:
        lines += [f"FAILED {job['what']}", f"    {job['why']}"]
        lines += [f"    log: {job['log']}", f"    again: {job['again']}"]
    return lines


def duration(seconds: float) -> str:
    """Return a time in words: ``12 s``, ``3 min 5 s``, ``2 h 7 min``, ``3 d 4 h``."""
    minutes, rest = divmod(round(max(0, seconds)), 60)
    hours, left = divmod(minutes, 60)
    days, of_day = divmod(hours, 24)
    if days:
        return f"{days} d {of_day} h"
    if hours:
        return f"{hours} h {left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def main(argv: list[str] | None = None) -> None:
    """Print how a run stands."""
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--experiment", type=name_of("experiment"), required=True, help="name of the experiment"
    )
    parser.add_argument("--logs", type=Path, default=Path("logs"), help="folder of all logs")
    options = parser.parse_args(argv)
    status, now = read(options.logs, options.experiment), time.time()
    lines = [headline(status, platform.node(), is_alive(status), now), *stages_table(status)]
    lines += running_lines(status["running"], now) + failed_lines(status["failed"])
    print(visible("\n".join(lines)))


if __name__ == "__main__":
    run(main)
