"""A run of the workflow, followed through Snakemake's log events.

``RunLog`` takes the events and keeps the state of the run (``state.py``); what a person sees of it
is shown by ``display.py``, and what is kept of it in files is written by ``journal.py``.
"""

import logging
import re
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from snakemake.logging import LogEvent, get_event, logger
from snakemake.settings.enums import Quietness
from snakemake_interface_executor_plugins.settings import ExecMode

from runs.display import Display
from runs.failures import explanation, is_written_since, reason, state
from runs.journal import Journal
from runs.messages import (
    CHATTER,
    INTERRUPTED,
    Submission,
    is_shown,
    job_with_unwritten_files,
    submissions,
)
from runs.screen import Screen
from runs.state import Job, Run, culprit
from runs.words import arms_of_models, command_again, ordinal, stage, title

Event = Any  # a log record, with the attributes that Snakemake gives one of its kind
STREAM_HANDLER = "DefaultStreamHandler"  # Snakemake's own, that writes to the terminal
ASKED = ("mem_mb", "runtime", "gpu", "disk_mb")
NO_JOBS = ("total", "all")  # in Snakemake's counts of the jobs of each rule


class RunLog(logging.Handler):
    """Follows the events of one run.

    A handler's methods hold its lock (``handle`` takes it); the thread that shows and writes what
    is due while no event comes takes it, too.
    """

    def __init__(self, workflow, name: str, arms: dict[str, str]):
        super().__init__(logging.INFO)
        self.workflow = workflow
        self.arms = arms
        self.run = Run(name)
        self.display = Display()
        self.journal = Journal(Path("logs", name).resolve(), self.run, arms, self.display.say)
        self._groups: dict[int, tuple[int, ...]] = {}  # all jobs of a job's group
        self._group_names: dict[str, int] = {}  # a job's id by the name that it has in a group
        self._last_error: dict[int | None, str] = {}  # of each thread
        self._interrupted = False
        self._ended = threading.Event()

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
                self.display.screen = Screen(handler.stream)
                self.display.with_stages = Quietness.PROGRESS not in quiet

    def is_real(self) -> bool:
        """Return whether jobs are run: not while the Snakefile is read, nor in a dry run."""
        workflow = self.workflow
        return workflow.executor_plugin is not None and not (workflow.dryrun or workflow.touch)

    def is_left_to_snakemake(self, event: logging.LogRecord) -> bool:
        """Return whether Snakemake itself shows a message: while it reads, and in a dry run."""
        return not self.is_real() and get_event(event) != LogEvent.WORKFLOW_STARTED

    def emit(self, event: logging.LogRecord) -> None:
        """Follow an event; what goes wrong here must not end the run."""
        try:
            if self.is_real() and not self._ended.is_set():
                self._follow(event)
                if self.run.started:
                    self.tick(event.created)
        except Exception:
            self.handleError(event)

    def _follow(self, event: Event) -> None:
        match get_event(event):
            case None:
                self._follow_message(event.getMessage(), event.levelno)
            case LogEvent.RUN_INFO:
                self._plan(event.stats)
            case LogEvent.GROUP_INFO:
                members = tuple(job.jobid for job in event.jobs)
                self._groups |= dict.fromkeys(members, members)
                self._group_names |= {job.uuid(): job.jobid for job in event.jobs}
            case LogEvent.JOB_INFO if event.output:  # the target rule has none
                self._start(event)
            case LogEvent.JOB_FINISHED if event.job_id in self.run.running:
                self.journal.add_job(self.run.finish(event.job_id), event.created)
                self.journal.note_change()
            case LogEvent.JOB_ERROR if not event.indent:  # of a group, all members' come too
                slurm_log = event.log[-1] if event.aux else None
                error = self._last_error.pop(event.thread, "")
                self._fail([event.jobid], f"{event.rule_msg or ''} {error}", slurm_log, event)
            case LogEvent.GROUP_ERROR:
                ids = [job["jobid"] for job in event.job_error_info]
                self._fail(ids, "", next(iter(event.aux_logs), None), event)
            case LogEvent.ERROR:
                self._follow_error(event)

    def _follow_message(self, text: str, level: int) -> None:
        if submitted := submissions(text):
            for submission in submitted:
                self._submit(submission)
        elif text.startswith(INTERRUPTED):
            self.interrupt()
        elif is_shown(text, level):
            self.display.say(text)

    def interrupt(self) -> None:
        """Say, once, which jobs are asked to stop; that they fail from now on is no news."""
        self.acquire()
        try:
            if not self._interrupted:
                self._interrupted = True
                self.display.say(
                    f"interrupted: the running jobs ({len(self.run.running)}) save what they have"
                    " done and stop; the same command goes on from there"
                )
                for job in self.run.running.values():
                    self.display.say(f"  stopping: {title(job.rule, job.wildcards, self.arms)}")
        finally:
            self.release()

    def _follow_error(self, event: Event) -> None:
        text = event.getMessage()
        if (id := job_with_unwritten_files(text)) is not None:
            self._fail([id], text, None, event)
        elif event.exception == "RuleException":  # the job's own error event follows
            self._last_error[event.thread] = text
        elif not CHATTER.search(text):
            self.display.say(text)

    def _plan(self, jobs_of_rules: dict[str, int]) -> None:
        """Count the jobs of each stage that are planned."""
        for rule, count in jobs_of_rules.items():
            if rule not in NO_JOBS:
                self.run.planned[stage(rule)] += count

    def _start(self, event: Event) -> None:
        """Begin an attempt of a job; the first one begins the run."""
        if not self.run.started:  # only now is it sure that no other run holds the experiment
            self.run.started = event.created
            self.display.begin(event.created)
            threading.Thread(target=self._keep_up, daemon=True).start()
        self.run.attempts[event.jobid] += 1
        resources = {key: event.resources.get(key) for key in ASKED}
        numbers = {key: value for key, value in resources.items() if isinstance(value, int | float)}
        job = Job(
            event.rule_name, dict(event.wildcards), plain(event.input), plain(event.output),
            next(iter(event.log), None), {**numbers, "threads": event.threads},
            self.run.attempts[event.jobid], round(event.created, 3),
        )  # fmt: skip
        self.run.start(event.jobid, job)
        self.journal.note_change()

    def _submit(self, submission: Submission) -> None:
        """Note SLURM's id and log of a job, and of all jobs of its group."""
        name = submission.id
        id = self._group_names.get(name, int(name) if name.isdigit() else None)
        for member in () if id is None else self._groups.get(id, (id,)):
            if member in self.run.running:
                self.run.running[member].external = submission.external
                self.run.running[member].slurm_log = submission.log
        self.journal.note_change()

    def _fail(self, ids: list[int], message: str, slurm_log: str | None, event: Event) -> None:
        """End an attempt of a job, or of a group's jobs, that failed; say so once.

        ``message`` is what Snakemake or its SLURM plugin said of it.
        """
        jobs = [self.run.running.pop(id) for id in ids if id in self.run.running]
        if not jobs:
            return
        self.journal.note_change()
        if self._interrupted:
            return
        slurm_log = slurm_log or jobs[0].slurm_log
        job = culprit(jobs, slurm_log)
        job.external = job.external or getattr(event, "aux", {}).get("external_jobid")
        log = job.log if is_written_since(job.log, job.submitted) else None
        why = reason(message, log, slurm_log, job.asked)
        for each in jobs:
            self.journal.add_job(each, event.created, why)
        what = title(job.rule, job.wildcards, self.arms)
        allowed = 1 + max(self.workflow.get_rule(each.rule).restart_times for each in jobs)
        if job.attempt < allowed:
            word = why.split(":")[0] if state(message, slurm_log) else why
            nth = ordinal(job.attempt + 1)
            self.display.say(f"retried ({nth} of {allowed} attempts, {word}): {what}")
            return
        failure = {
            "rule": job.rule,
            "what": what,
            "why": why,
            "attempts": job.attempt,
            "log": log or slurm_log or job.log,
            "again": command_again(sys.argv[1:], job.outputs[0]),
            "at": round(event.created, 3),
        }
        self.run.give_up(job, failure)
        self.display.say(explanation(failure, slurm_log))

    def tick(self, now: float) -> None:
        """Write and show what is due."""
        self.journal.write_status_if_due(now)
        self.display.update(self.run.stages(), now)

    def _keep_up(self) -> None:
        while not self._ended.wait(1):
            self.acquire()
            try:
                if not self._ended.is_set():
                    self.tick(time.time())
            finally:
                self.release()

    def close(self) -> None:
        """Write the last state: Snakemake closes its handlers however a run ends."""
        if self.run.started and not self._ended.is_set():
            self._ended.set()
            self.run.running.clear()
            is_complete, failed = self.run.is_complete(), self.run.failed
            end = "finished" if is_complete else "failed" if failed else "stopped"
            self.journal.write_status(time.time(), end)
            self.display.update(self.run.stages(), time.time(), at_end=True)
            if failed:
                self.display.say(
                    f"{len(failed)} of {self.run.planned.total()} jobs failed, told above."
                )
        self._ended.set()
        super().close()


def plain(paths: Iterable) -> list[str]:
    """Return paths without the marks that Snakemake's messages add (``x (temp)``)."""
    return [re.sub(r" \([\w, -]+\)$", "", str(path)) for path in paths]


def follow(workflow, config: dict) -> RunLog | None:
    """Follow a run of this workflow, if this is the process that leads it.

    ``config`` is checked. A job's own Snakemake, on a node or in a subprocess, is left alone.
    """
    if workflow.exec_mode != ExecMode.DEFAULT:
        return None
    log = RunLog(workflow, config["name"], arms_of_models(config))
    log.take_terminal()
    logger.addHandler(log)
    return log
