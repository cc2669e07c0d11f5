"""What Snakemake and its SLURM plugin say in sentences, and which of it a user gets to see.

All of it is in Snakemake's own log. Tests hold the patterns to the versions that are pinned.
"""

import logging
import re
from typing import NamedTuple

# What a user wants to read between events.
SHOWN = re.compile(
    r"Building DAG|Nothing to be done|Complete log|Will exit after|"
    r"Shutting down"
)
INTERRUPTED = "Terminating processes on user request"
# Warnings and errors that nobody has to act on, or that an event says better.
CHATTER = re.compile(
    r"MinJobAge \d+s \(>=|'sacct' command is not available|No account was given|No SLURM account|"
    r"Unable to guess SLURM account|no account validation|without account validation|"
    r"No partition was given|comment string. Only the first|cannot be submitted as an array|"
    r"Exiting because a job execution failed|At least one job did not complete"
)
SUBMITTED = re.compile(
    r"Job (?P<id>\S+) has been submitted with SLURM jobid (?P<external>\S+) \(log: (?P<log>.*)\)\."
)
SUBMITTED_ARRAY = re.compile(
    r"array job with Snakemake IDs (?P<ids>[\d,]+) and SLURM job ID (?P<external>\S+)\. "
    r"The individual task IDs are (?P<first>\d+)-"
)
UNWRITTEN = re.compile(r"Job\s+(\d+)\s+completed successfully, but some output files are missing")


class Submission(NamedTuple):
    """A job that SLURM has taken: Snakemake's name for it, SLURM's, and SLURM's log of it."""

    id: str
    external: str
    log: str | None


def submissions(text: str) -> list[Submission]:
    """Return the jobs that a message says are submitted: one, or the tasks of an array."""
    if match := SUBMITTED.match(text):
        return [Submission(match["id"], match["external"], match["log"])]
    if match := SUBMITTED_ARRAY.search(text):
        tasks = enumerate(match["ids"].split(","), int(match["first"]))
        return [Submission(id, f"{match['external']}_{task}", None) for task, id in tasks]
    return []


def is_shown(text: str, level: int) -> bool:
    """Return whether a user gets to see a message: all warnings but chatter, few of the others."""
    return not CHATTER.search(text) if level > logging.INFO else bool(SHOWN.match(text))


def job_with_unwritten_files(text: str) -> int | None:
    """Return the id of the job that an error says ended well without all of its files, if any."""
    match = UNWRITTEN.search(text)
    return int(match[1]) if match else None
