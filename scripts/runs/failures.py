"""Why a job failed, from three places: Snakemake's message, the job's own log, SLURM's log."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from errors import InputError
from files.regular import open_regular

# What SLURM's states mean to whoever has to do something about them.
STATES = {
    "TIMEOUT": "it ran longer than the {runtime} min it asked for",
    "OUT_OF_MEMORY": "it used more than the {mem_mb} MB it asked for",
    "CANCELLED": "somebody, or the site, cancelled it",
    "PREEMPTED": "a job of a higher priority took its place",
    "NODE_FAIL": "its node failed",
    "BOOT_FAIL": "its node did not start",
}
# What SLURM writes into a job's own log when it ends it; the first that matches counts.
TRACES = {
    r"oom[-_]kill": "OUT_OF_MEMORY",
    r"DUE TO TIME LIMIT": "TIMEOUT",
    r"DUE TO PREEMPTION": "PREEMPTED",
    r"DUE TO NODE FAILURE": "NODE_FAIL",
    r"slurmstepd.*: error: .* CANCELLED AT": "CANCELLED",
}
ENDING = r"slurmstepd|srun: error|[Kk]illed|exit status|No space left|command not found"
EXIT_STATUS = r"(?:exit status |died with <Signals\.)(\w+)"
KILLED = ("137", "SIGKILL")  # 128 + 9, as a shell tells of its child
REASON = r"[Ee]rror|[Ee]xception|Killed|No space left"  # a log's last line that says why
TAIL = 15  # lines
CLOCKS = 5  # s, by which the clocks of a cluster's machines may differ
READ_AT_MOST = 65536  # bytes from the end of a log


def tail(path: str | Path, lines: int = TAIL) -> list[str]:
    """Return the last lines of a log that say something; none if it is empty or not there."""
    try:
        with open_regular(path) as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - READ_AT_MOST))
            text = file.read().decode(errors="replace")
    except (InputError, OSError):
        return []
    written = [line.rsplit("\r", 1)[-1].rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    return [line for line in written if line][-lines:]


def is_written_since(log: str | Path | None, time: float) -> bool:
    """Return whether a log was written after ``time`` (s since 1970), so by no earlier job."""
    try:
        return log is not None and Path(log).stat().st_mtime >= time - CLOCKS
    except OSError:
        return False


def endings(slurm_log: str | Path) -> list[str]:
    """Return the lines of a SLURM log that say how the job ended; else its last lines.

    The rest is what the job's own Snakemake says of itself.
    """
    lines = tail(slurm_log, 200)
    return [line for line in lines if re.search(ENDING, line)][-TAIL:] or lines[-TAIL:]


def last_begun(slurm_log: str | Path) -> str | None:
    """Return the rule that a job's Snakemake began with last."""
    matches = [re.match(r"localrule (\w+):", line) for line in tail(slurm_log, 1000)]
    return next((match[1] for match in reversed(matches) if match), None)


def state(message: str, slurm_log: str | Path | None) -> str | None:
    """Return SLURM's word for how a job ended, of the plugin's message or else of the job's log.

    ``FAILED`` is no such word: the script itself failed, or a part of it was killed for memory,
    which only the log tells.
    """
    match = re.search(r"SLURM status is:\s+'(\w+)'", message)
    if match and match[1] != "FAILED":
        return match[1]
    text = "\n".join(tail(slurm_log, 200)) if slurm_log else ""
    return next((word for trace, word in TRACES.items() if re.search(trace, text)), None)


def reason(
    message: str, log: str | Path | None, slurm_log: str | Path | None, asked: Mapping[str, float]
) -> str:
    """Return why a job failed, in one line.

    ``message`` is what Snakemake or its SLURM plugin said; ``asked`` the resources of the job.
    """
    word = state(message, slurm_log)
    if word:
        known = {"runtime": asked.get("runtime", "?"), "mem_mb": asked.get("mem_mb", "?")}
        return f"{word}: {STATES[word].format(**known)}" if word in STATES else word
    if "output files are missing" in message:
        return "it ended well, but left some of its files unwritten"
    if "submission failed" in message or "sbatch failed" in message:
        return " ".join(message.split())[:300]
    last = tail(log, 1) if log else []
    if last and re.search(REASON, last[0]):
        return last[0]
    ended = [message, *(endings(slurm_log) if slurm_log else [])]
    status = next((match[1] for text in ended if (match := re.search(EXIT_STATUS, text))), None)
    words = f"exit status {status}" if status else "it failed"
    if status in KILLED:
        words = "it was killed (SIGKILL: perhaps the machine ran out of memory)"
    return words + (f", its last words: {last[0]}" if last else ", with nothing in its log")


def explanation(failure: dict, slurm_log: str | None) -> str:
    """Return what is shown of a job that is not tried again; ``failure`` is as in the status."""
    log = failure["log"]
    lines = tail(log) if log and log != slurm_log else []
    if not lines and slurm_log:
        log, lines = slurm_log, endings(slurm_log)
    times = f" (after {failure['attempts']} attempts)" if failure["attempts"] > 1 else ""
    return "\n".join(
        [
            f"FAILED {failure['what']}{times}",
            f"  why:   {failure['why']}",
            f"  log:   {os.path.relpath(log) if log else 'none'}" + ("" if lines else ", empty"),
            *(f"    | {line}" for line in lines),
            f"  again: {failure['again']}",
        ]
    )
