"""What a run tells while it goes on: one line a stage, each failure once, two files in its logs.

``logs/NAME/status.json`` is how the run stands, for ``scripts/status.py``; ``logs/NAME/jobs.jsonl``
has a line for each attempt of each job that ended, for ``scripts/efficiency.py``.
"""

import json
import logging
import os
import platform
import re
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import psutil
from snakemake.logging import LogEvent, get_event, logger
from snakemake.settings.enums import Quietness
from snakemake_interface_executor_plugins.settings import ExecMode

from addresses import redacted
from files.atomic import atomic_path
from runs import words as job_words
from runs.screen import Screen, line_of
from runs.state import Job, Run, culprit

STREAM_HANDLER = "DefaultStreamHandler"  # Snakemake's own, that writes to the terminal
SHOWN_EVERY = 0.5  # s, at most, where lines are overwritten
LINES_EVERY = 30  # s, of a stage that goes on, where lines can't be overwritten
STATUS_EVERY = 5  # s, at most, while something changes
HEARTBEAT = 15  # s, of a run in which nothing changes
ASKED = ("mem_mb", "runtime", "gpu", "disk_mb")
# What Snakemake says between the events that a person wants to read; the rest is in its own log.
SHOWN = re.compile(
    r"Building DAG|Nothing to be done|Complete log|Will exit after|"
    r"Shutting down"
)
INTERRUPTED = "Terminating processes on user request"
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


class RunLog(logging.Handler):
    """Follows Snakemake's log events of one run."""

    def __init__(self, workflow, name: str, arms: dict[str, str]):
        super().__init__(logging.INFO)
        self.workflow = workflow
        self.run = Run(name)
        self.arms = arms
        self.folder = Path("logs", name).resolve()
        self.screen: Screen | None = None
        self.lines = False
        self.started = 0.0  # s since 1970; 0 before the first job
        self._ids: dict[str, int] = {}  # of jobs by the names that groups go by
        self._groups: dict[int, tuple[int, ...]] = {}  # all jobs of a job's group
        self._said: dict[int | None, str] = {}  # the last error of a thread
        self._printed: dict[str, str] = {}
        self._changed = False
        self._written = self._shown = self._looked = 0.0  # s since 1970
        self._ended = threading.Event()

    # What the terminal gets.

    def take_terminal(self) -> None:
        """Write to the terminal instead of Snakemake, which keeps its own log of everything.

        Not if the user chose Snakemake's own output: ``--verbose``, ``--printshellcmds``,
        ``--quiet all`` or another logger.
        """
        settings = self.workflow.output_settings
        quiet = settings.quiet or ()
        own = settings.verbose or settings.printshellcmds or Quietness.ALL in quiet
        for handler in logger.handlers:
            if handler.name == STREAM_HANDLER and not own:
                handler.addFilter(self.is_left_to_snakemake)
                self.screen = Screen(handler.stream)
                self.lines = Quietness.PROGRESS not in quiet

    def is_real(self) -> bool:
        """Say whether jobs are run: not while the Snakefile is read, nor in a dry run."""
        workflow = self.workflow
        return workflow.executor_plugin is not None and not (workflow.dryrun or workflow.touch)

    def is_left_to_snakemake(self, record: logging.LogRecord) -> bool:
        """Say whether Snakemake itself shows a message: while it reads, and in a dry run."""
        return not self.is_real() and get_event(record) != LogEvent.WORKFLOW_STARTED

    def say(self, text: str) -> None:
        """Tell the user something, once."""
        if self.screen:
            self.screen.say(text)

    def show(self, now: float, at_end: bool = False) -> None:
        """Bring the stages' lines up to date."""
        if not (self.screen and self.lines) or (now - self._looked < SHOWN_EVERY and not at_end):
            return
        self._looked = now
        stages = self.run.stages()
        lines = {stage: line_of(stage, counts) for stage, counts in stages.items()}
        if self.screen.overwrites:
            if at_end:
                self.screen.show([])
                self.screen.say("\n".join(lines.values()))
            elif list(lines.values()) != list(self._printed.values()):
                self.screen.show(list(lines.values()))
                self._printed = lines
            return
        due = at_end or now - self._shown >= LINES_EVERY
        clock = time.strftime("%m-%d %H:%M:%S", time.localtime(now))
        for stage, line in lines.items():
            counts = stages[stage]
            ended = counts["done"] + counts["failed"] == counts["planned"]
            first = f"{stage:<13} 0/{counts['planned']} done"
            if (due or ended) and self._printed.get(stage, first) != line:
                self.screen.say(f"[{clock}] {line}")
                self._printed[stage] = line
        if due:
            self._shown = now

    # What happens.

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of an event; what goes wrong here must not end the run."""
        try:
            if self.is_real() and not self._ended.is_set():
                self._take(record)
        except Exception:
            self.handleError(record)

    def _take(self, record: logging.LogRecord) -> None:
        match get_event(record):
            case None:
                self._take_message(record)
            case LogEvent.RUN_INFO:
                self._plan(record.stats)
            case LogEvent.GROUP_INFO:
                ids = tuple(job.jobid for job in record.jobs)
                self._ids |= {job.uuid(): job.jobid for job in record.jobs}
                self._groups |= dict.fromkeys(ids, ids)
            case LogEvent.JOB_INFO if record.output:  # the target rule has none
                self._start(record)
            case LogEvent.JOB_FINISHED if record.job_id in self.run.running:
                self._done(record.job_id, record.created)
            case LogEvent.JOB_ERROR if not record.indent:  # of a group, all members' come too
                slurm_log = record.log[-1] if record.aux else None
                message = f"{record.rule_msg or ''} {self._said.pop(record.thread, '')}"
                self._failed([record.jobid], message, slurm_log, record)
            case LogEvent.GROUP_ERROR:
                ids = [job["jobid"] for job in record.job_error_info]
                self._failed(ids, "", next(iter(record.aux_logs), None), record)
            case LogEvent.ERROR:
                self._take_error(record)
        if self.started:
            self.tick(record.created)

    def _take_message(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if match := SUBMITTED.match(text):
            self._submitted(match["id"], match["external"], match["log"])
        elif match := SUBMITTED_ARRAY.search(text):
            for task, id in enumerate(match["ids"].split(","), int(match["first"])):
                self._submitted(id, f"{match['external']}_{task}", None)
        elif text.startswith(INTERRUPTED):
            self.say(
                f"interrupted: the running jobs ({len(self.run.running)}) save what they have done"
                " and stop; the same command goes on from there"
            )
        elif not CHATTER.search(text) if record.levelno > logging.INFO else SHOWN.match(text):
            self.say(text)

    def _take_error(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if match := UNWRITTEN.search(text):
            self._failed([int(match[1])], text, None, record)
        elif record.exception == "RuleException":  # the job's own error event follows
            self._said[record.thread] = text
        elif not CHATTER.search(text):
            self.say(text)

    def _plan(self, stats: dict[str, int]) -> None:
        for rule, count in stats.items():
            if rule not in ("total", "all"):
                self.run.planned[job_words.stage(rule)] += count

    def _start(self, record: logging.LogRecord) -> None:
        if not self.started:  # only now is it sure that no other run holds the experiment
            self.started = self._shown = record.created
            threading.Thread(target=self._keep_up, daemon=True).start()
        self.run.attempts[record.jobid] += 1
        asked = {
            key: value
            for key in ASKED
            if isinstance(value := record.resources.get(key), int | float)
        }
        job = Job(
            record.rule_name, dict(record.wildcards), plain(record.input), plain(record.output),
            next(iter(record.log), None), {**asked, "threads": record.threads},
            self.run.attempts[record.jobid], round(record.created, 3),
        )  # fmt: skip
        self.run.start(record.jobid, job)
        self._changed = True

    def _submitted(self, id: str, external: str, log: str | None) -> None:
        member = self._ids.get(id) or (int(id) if id.isdigit() else None)
        for each in self._groups.get(member, (member,)):
            if each in self.run.running:
                self.run.running[each].external = external
                self.run.running[each].slurm_log = log
        self._changed = True

    def _done(self, id: int, now: float) -> None:
        self._keep(self.run.finish(id), now, ok=True, why=None)
        self._changed = True

    def _failed(
        self, ids: list[int], message: str, slurm_log: str | None, record: logging.LogRecord
    ) -> None:
        jobs = {id: self.run.running.pop(id) for id in ids if id in self.run.running}
        if not jobs:
            return
        self._changed = True
        slurm_log = slurm_log or next(iter(jobs.values())).slurm_log
        job = culprit(list(jobs.values()), slurm_log)
        job.external = job.external or getattr(record, "aux", {}).get("external_jobid")
        log = job.log if job_words.is_written_since(job.log, job.submitted) else None
        why = job_words.reason(message, log, slurm_log, job.asked)
        for each in jobs.values():
            self._keep(each, record.created, ok=False, why=why)
        what = job_words.title(job.rule, job.wildcards, self.arms)
        allowed = 1 + max(self.workflow.get_rule(each.rule).restart_times for each in jobs.values())
        if job.attempt < allowed:
            word = why.split(":")[0] if job_words.state(message, slurm_log) else why
            nth = job_words.ordinal(job.attempt + 1)
            self.say(f"retried ({nth} of {allowed} attempts, {word}): {what}")
            return
        failure = {
            "rule": job.rule,
            "what": what,
            "why": why,
            "attempts": job.attempt,
            "log": log or slurm_log or job.log,
            "again": job_words.command_again(sys.argv[1:], job.outputs[0]),
            "at": round(record.created, 3),
        }
        self.run.give_up(job, failure)
        self.say(explanation(failure, slurm_log))

    # What is kept.

    def _keep(self, job: Job, now: float, ok: bool, why: str | None) -> None:
        line = {
            "rule": job.rule,
            "wildcards": job.wildcards,
            "outputs": job.outputs,
            "attempt": job.attempt,
            "asked": job.asked,
            "external": job.external,
            "submitted": job.submitted,
            "ended": round(now, 3),
            "ok": ok,
            "why": why,
        }
        self._write(lambda: append(self.folder / "jobs.jsonl", line))

    def status(self, now: float, state: str) -> dict:
        """Return what ``status.json`` holds."""
        return {
            "name": self.run.name,
            "state": state,
            "host": platform.node(),
            "pid": os.getpid(),
            "process_started": psutil.Process().create_time(),
            "command": ["snakemake", *map(redacted, sys.argv[1:])],
            "started": round(self.started, 3),
            "updated": round(now, 3),
            "stages": self.run.stages(),
            "running": [
                {
                    "stage": job_words.stage(job.rule),
                    "what": job_words.title(job.rule, job.wildcards, self.arms),
                    **{key: value for key, value in asdict(job).items() if key in RUNNING_KEYS},
                }
                for job in self.run.running.values()
            ],
            "failed": self.run.failed,
        }

    def _write_status(self, now: float, state: str) -> None:
        def write() -> None:
            with atomic_path(self.folder / "status.json") as temporary:
                temporary.write_text(json.dumps(self.status(now, state), indent=1) + "\n")

        self._write(write)
        self._written, self._changed = now, False

    def _write(self, write) -> None:
        """Write a file that only tells of the run: a full disk must not end it here."""
        try:
            write()
        except OSError as error:
            self.say(f"warning: {self.folder}: {error.strerror}; the run goes on")

    def tick(self, now: float) -> None:
        """Write and show what is due."""
        since = now - self._written
        if since >= HEARTBEAT or (self._changed and since >= STATUS_EVERY):
            self._write_status(now, "running")
        self.show(now)

    def _keep_up(self) -> None:
        while not self._ended.wait(1):
            with self.lock:
                if not self._ended.is_set():
                    self.tick(time.time())

    def close(self) -> None:
        """Write the last state: Snakemake closes its handlers however a run ends."""
        if self.started and not self._ended.is_set():
            self._ended.set()
            self.run.running.clear()
            complete = self.run.is_complete()
            state = "finished" if complete else "failed" if self.run.failed else "stopped"
            self._write_status(time.time(), state)
            self.show(time.time(), at_end=True)
            if self.run.failed:
                self.say(
                    f"{len(self.run.failed)} of {self.run.planned.total()} jobs failed, told above."
                )
        self._ended.set()
        super().close()


RUNNING_KEYS = ("log", "external", "submitted", "attempt", "outputs")


def plain(paths) -> list[str]:
    """Return paths without the marks that Snakemake's messages add (``x (temp)``)."""
    return [re.sub(r" \([\w, -]+\)$", "", str(path)) for path in paths]


def append(path: Path, line: dict) -> None:
    """Add a line to a file of JSON lines, in one write."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def explanation(failure: dict, slurm_log: str | None) -> str:
    """Return what is told of a job that will not be tried again."""
    log = failure["log"]
    lines = job_words.tail(log) if log and log != slurm_log else []
    if not lines and slurm_log:
        log, lines = slurm_log, job_words.endings(slurm_log)
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


def follow(workflow, config: dict) -> None:
    """Tell of a run of this workflow, if this is the process that leads it.

    ``config`` is checked. A job's own Snakemake, on a node or in a subprocess, is left alone.
    """
    if workflow.exec_mode != ExecMode.DEFAULT:
        return
    log = RunLog(workflow, config["name"], job_words.arms_of_models(config))
    log.take_terminal()
    logger.addHandler(log)
