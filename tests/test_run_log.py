"""What a person sees of a run, and what is kept of it."""

import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from snakemake.logging import LogEvent, logger
from snakemake_interface_executor_plugins.settings import ExecMode

from conftest import ROOT
from runs import display, screen
from runs import log as run_log

SNAKEFILE = (
    f"""
import sys

sys.path.insert(0, "{ROOT}/scripts")
from runs import log as run_log

CONFIG = {{
    "name": "tiny", "source": ["queen"], "targets": ["telephone"],
    "tts": {{"hibari": {{"held_out": False}}}},
}}
run_log.follow(workflow, CONFIG)
"""
    + r"""
rule all:
    input:
        expand("results/{base}/telephone-hibari/seed{seed}.bin", base="tiny", seed=[1, 2]),
        "results/late.bin",

rule finetune:
    output:
        "results/{base}/{data}/seed{seed}.bin",
    log:
        "logs/tiny/finetune/{base}/{data}/seed{seed}.log",
    resources:
        mem_mb=200, runtime=3,
    shell:
        "echo '{wildcards.seed} of 2' >{log}; test {wildcards.seed} = 1 || "
        "{{ echo 'error: 3 utterances are too long' >>{log}; exit 2; }}; touch {output}"

rule finetune_further:
    output:
        "results/late.bin",
    log:
        "logs/tiny/late.log",
    resources:
        attempts=lambda wildcards, attempt: attempt,
    shell:
        "echo 'error: not yet' >{log}; test {resources.attempts} = 3; touch {output}"

rule wait:
    input:
        "results/tiny/telephone-hibari/seed1.bin",
    output:
        "results/never.bin",
    log:
        "logs/tiny/wait.log",
    shell:
        "echo '3/9 utterances' >{log}; sleep 60"
"""
)
COMMAND = [sys.executable, "-m", "snakemake", "--cores", "2"]


def snakemake(folder, *options: str) -> subprocess.CompletedProcess:
    (folder / "Snakefile").write_text(SNAKEFILE)
    return subprocess.run(
        [*COMMAND, *options], cwd=folder, capture_output=True, text=True, timeout=100
    )


def attempts(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "logs/tiny/jobs.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return folder, snakemake(folder, "--keep-going", "--retries", "2")


def test_a_failed_job_is_explained_once_with_arm_seed_reason_log_and_command(ran):
    _, run = ran
    assert run.returncode == 1
    what = "base model tiny, arm target-synthetic (telephone spoken by hibari), seed 2"
    assert run.stderr.count("FAILED ") == 1
    assert (
        f"FAILED finetune: {what} (after 3 attempts)\n"
        "  why:   error: 3 utterances are too long\n"
        "  log:   logs/tiny/finetune/tiny/telephone-hibari/seed2.log\n"
        "    | 2 of 2\n"
        "    | error: 3 utterances are too long\n"
        "  again: snakemake results/tiny/telephone-hibari/seed2.bin --cores 2\n"
    ) in run.stderr


def test_a_retry_is_one_line_with_its_reason(ran):
    lines = [line for line in ran[1].stderr.splitlines() if "finetune_further" in line]
    assert lines == [
        "retried (2nd of 3 attempts, error: not yet): finetune_further",
        "retried (3rd of 3 attempts, error: not yet): finetune_further",
    ]


def test_the_terminal_has_a_line_a_stage_and_none_a_job(ran):
    _, run = ran
    lines = [line.split("] ")[-1] for line in run.stderr.splitlines()]
    assert "finetune      2/3 done, 1 failed" in lines
    assert lines[-1] == "1 of 3 jobs failed, told above."
    assert "rule finetune:" not in run.stderr
    assert "SNAKEMAKE" not in run.stderr
    assert len(lines) < 20


def test_snakemakes_own_log_keeps_what_the_terminal_does_not_show(ran):
    logs = list((ran[0] / ".snakemake/log").glob("*.log"))
    assert "rule finetune:" in logs[0].read_text()


def test_every_attempt_has_a_line_with_what_it_asked_and_how_it_ended(ran):
    found = attempts(ran[0])
    further = [job for job in found if job["rule"] == "finetune_further"]
    assert [(job["attempt"], job["ok"]) for job in further] == [(1, False), (2, False), (3, True)]
    assert len(found) == 3 + 3 + 1
    (good,) = [job for job in found if job["ok"] and job["rule"] == "finetune"]
    assert good["wildcards"] == {"base": "tiny", "data": "telephone-hibari", "seed": "1"}
    assert good["outputs"] == ["results/tiny/telephone-hibari/seed1.bin"]
    assert good["asked"]["mem_mb"] == 200
    assert good["asked"]["runtime"] == 3
    assert 0 < good["ended"] - good["submitted"] < 60


def test_the_last_status_counts_everything_and_names_what_failed(ran):
    status = json.loads((ran[0] / "logs/tiny/status.json").read_text())
    assert status["state"] == "failed"
    assert status["stages"] == {"finetune": {"planned": 3, "running": 0, "done": 2, "failed": 1}}
    assert [job["why"] for job in status["failed"]] == ["error: 3 utterances are too long"]
    assert status["running"] == []


def test_a_second_run_adds_to_the_jobs_and_begins_a_new_status(tmp_path):
    target = "results/tiny/telephone-hibari/seed{}.bin"
    assert snakemake(tmp_path, target.format(1)).returncode == 0
    assert json.loads((tmp_path / "logs/tiny/status.json").read_text())["state"] == "finished"
    assert snakemake(tmp_path, target.format(2)).returncode == 1
    assert [job["wildcards"]["seed"] for job in attempts(tmp_path)] == ["1", "2"]
    status = json.loads((tmp_path / "logs/tiny/status.json").read_text())
    assert status["stages"]["finetune"] == {"planned": 1, "running": 0, "done": 0, "failed": 1}


def test_a_dry_run_leaves_nothing_and_shows_what_snakemake_shows(tmp_path):
    run = snakemake(tmp_path, "--dry-run")
    assert run.returncode == 0
    assert "rule finetune:" in run.stdout + run.stderr
    assert not (tmp_path / "logs").exists()


def test_who_wants_snakemakes_own_words_gets_them_and_the_files_are_kept(tmp_path):
    run = snakemake(tmp_path, "--printshellcmds", "results/tiny/telephone-hibari/seed1.bin")
    assert "rule finetune:" in run.stderr
    assert "1/1 done" not in run.stderr
    assert len(attempts(tmp_path)) == 1


def test_what_ended_before_a_kill_is_kept_and_the_run_counts_as_killed(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    process = subprocess.Popen(
        [*COMMAND, "results/never.bin"], cwd=tmp_path, start_new_session=True,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        status = tmp_path / "logs/tiny/status.json"
        deadline = time.monotonic() + 60
        while not (status.exists() and '"what": "wait"' in status.read_text()):
            assert time.monotonic() < deadline, "status.json never had the second job"
            time.sleep(0.2)
        shown = subprocess.run(
            [sys.executable, ROOT / "scripts/status.py", "--experiment", "tiny"],
            cwd=tmp_path, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert "running for" in shown
    assert "    3/9 utterances" in shown
    assert [job["ok"] for job in attempts(tmp_path)] == [True]
    shown = subprocess.run(
        [sys.executable, ROOT / "scripts/status.py", "--experiment", "tiny"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "killed after" in shown


# Events of SLURM, as its plugin and Snakemake's groups emit them.


class Terminal(io.StringIO):
    """A stream that says what it is."""

    def __init__(self, is_terminal: bool):
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


def workflow(retries: int = 0) -> SimpleNamespace:
    settings = SimpleNamespace(verbose=False, printshellcmds=False, quiet=None)
    return SimpleNamespace(
        exec_mode=ExecMode.DEFAULT, executor_plugin=object(), dryrun=False, touch=False,
        output_settings=settings, get_rule=lambda name: SimpleNamespace(restart_times=retries),
    )  # fmt: skip


class Events:
    """A followed run that is fed one event after the other."""

    def __init__(self, folder, retries: int = 0, is_terminal: bool = False, stats=None):
        self.log = run_log.RunLog(workflow(retries), "tiny", {})
        self.log.journal.folder = folder
        self.stream = Terminal(is_terminal)
        self.log.display.screen = screen.Screen(self.stream)
        self.log.display.with_stages = True
        self.send(LogEvent.RUN_INFO, stats=stats or {"transcribe": 1, "score": 1, "total": 2})

    def send(self, event, text=None, level=logging.INFO, **fields) -> None:
        record = logging.LogRecord("snakemake", level, "", 0, text, None, None)
        record.__dict__.update({"event": event, **fields} if event else fields)
        self.log.handle(record)

    def say(self, text: str, level=logging.INFO) -> None:
        self.send(None, text, level)

    def info(self, id: int, rule: str, inputs=(), outputs=(), log=(), **resources) -> None:
        self.send(
            LogEvent.JOB_INFO, jobid=id, rule_name=rule, wildcards={}, input=list(inputs),
            output=list(outputs), log=list(log), resources=resources, threads=1, indent=False,
        )  # fmt: skip

    def error(self, id: int, message: str, slurm_log: str, external: str = "62") -> None:
        self.send(
            LogEvent.JOB_ERROR, level=logging.ERROR, jobid=id, rule_msg=message, log=[slurm_log],
            aux={"external_jobid": external}, indent=False,
        )  # fmt: skip

    def group(self, folder) -> None:
        """Begin a transcription (1) and its score (2) in one SLURM job."""
        jobs = [SimpleNamespace(jobid=id, uuid=lambda id=id: f"uuid-{id}") for id in (1, 2)]
        self.send(LogEvent.GROUP_INFO, group_id="scored", jobs=jobs)
        (folder / "score.log").write_text("error: 2 hypotheses are missing\n")
        (folder / "transcribe.log").write_text("done\n")
        logs = {name: [str(folder / f"{name}.log")] for name in ("score", "transcribe")}
        self.info(2, "score", ["h.jsonl"], ["s.json"], logs["score"], runtime=5)
        self.info(1, "transcribe", [], ["h.jsonl"], logs["transcribe"], runtime=30)

    def group_error(self, slurm_log: str) -> None:
        failed = [{"jobid": 1}, {"jobid": 2}]
        self.send(
            LogEvent.GROUP_ERROR, level=logging.ERROR, groupid="scored", aux_logs=[slurm_log],
            job_error_info=failed, external_jobid="62",
        )  # fmt: skip
        for id in (1, 2):
            self.send(
                LogEvent.JOB_ERROR, level=logging.ERROR, jobid=id, rule_msg=None, log=[], aux={},
                indent=True,
            )  # fmt: skip

    def end(self) -> list[str]:
        self.log.close()
        return self.stream.getvalue().splitlines()

    def kept(self) -> list[dict]:
        lines = (self.log.journal.folder / "jobs.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def status(self) -> dict:
        return json.loads((self.log.journal.folder / "status.json").read_text())


def test_slurms_chatter_stays_off_the_terminal_and_what_matters_does_not(tmp_path):
    events = Events(tmp_path)
    events.say("Job 1 has been submitted with SLURM jobid 62 (log: x/62.log).")
    events.say("Auto-selected partition 'gpu' for job finetune with score 1.000")
    events.say("Cleaning up SLURM log files older than 10 day(s).")
    events.say("No SLURM account given, trying to guess.", logging.WARNING)
    events.say("MinJobAge 300s (>= 120s). 'squeue' should work reliably.", logging.WARNING)
    events.say("Unable to cancel jobs within a minute.", logging.WARNING)
    assert events.stream.getvalue() == "Unable to cancel jobs within a minute.\n"


def test_the_slurm_id_of_a_job_is_known_while_it_runs_and_afterwards(tmp_path):
    events = Events(tmp_path)
    events.info(1, "transcribe", outputs=["h"])
    events.say("Job 1 has been submitted with SLURM jobid 62 (log: x/62.log).")
    assert events.log.journal.status(0, "running")["running"][0]["external"] == "62"
    events.send(LogEvent.JOB_FINISHED, job_id=1)
    assert [(job["external"], job["ok"]) for job in events.kept()] == [("62", True)]


def test_the_tasks_of_an_array_have_their_own_ids(tmp_path):
    events = Events(tmp_path)
    for id in (7, 9):
        events.info(id, "transcribe", outputs=[f"h{id}"])
    events.say(
        "Submitted array job with Snakemake IDs 7,9 and SLURM job ID 62. "
        "The individual task IDs are 11-12."
    )
    assert {id: job.external for id, job in events.log.run.running.items()} == {
        7: "62_11",
        9: "62_12",
    }


def test_a_time_out_is_retried_in_one_line_then_explained(tmp_path):
    events = Events(tmp_path, retries=1)
    told = "SLURM-job '62' failed, SLURM status is: 'TIMEOUT'. For further error details see"
    for runtime in (30, 60):
        events.info(1, "transcribe", outputs=["h"], runtime=runtime)
        events.error(1, told, str(tmp_path / "62.log"))
    lines = events.end()
    assert lines[0] == "retried (2nd of 2 attempts, TIMEOUT): transcribe"
    assert lines[1:3] == [
        "FAILED transcribe (after 2 attempts)",
        "  why:   TIMEOUT: it ran longer than the 60 min it asked for",
    ]
    assert [job["asked"]["runtime"] for job in events.kept()] == [30, 60]
    assert [job["external"] for job in events.kept()] == ["62", "62"]


def test_a_log_of_an_earlier_run_is_not_taken_for_the_failed_jobs_own(tmp_path):
    events = Events(tmp_path)
    log, slurm_log = tmp_path / "old.log", tmp_path / "62.log"
    log.write_text("error: of last week\n")
    os.utime(log, (0, 0))
    slurm_log.write_text("bash: snakemake: command not found\n")
    events.info(1, "transcribe", outputs=["h"], log=[str(log)])
    events.error(1, "SLURM status is: 'FAILED'.", str(slurm_log))
    said = events.stream.getvalue()
    assert "last week" not in said
    assert "    | bash: snakemake: command not found\n" in said
    assert "62.log\n" in said


def test_of_a_failed_group_the_job_is_blamed_that_its_node_began_with_last(tmp_path):
    events = Events(tmp_path)
    events.group(tmp_path)
    slurm_log = tmp_path / "62.log"
    slurm_log.write_text("localrule transcribe:\nlocalrule score:\n")
    events.group_error(str(slurm_log))
    events.end()
    said = events.stream.getvalue()
    assert said.count("FAILED") == 1
    assert "FAILED score\n  why:   error: 2 hypotheses are missing\n" in said
    counts = events.status()["stages"]
    assert counts["score"] == {"planned": 1, "running": 0, "done": 0, "failed": 1}
    assert counts["transcribe"] == {"planned": 1, "running": 0, "done": 0, "failed": 0}


def test_a_group_that_never_began_is_blamed_on_its_first_job(tmp_path):
    events = Events(tmp_path)
    events.group(tmp_path)
    slurm_log = tmp_path / "62.log"
    slurm_log.write_text("slurmstepd-n1: error: *** JOB 62 ON n1 CANCELLED AT 2026 ***\n")
    events.group_error(str(slurm_log))
    assert "FAILED transcribe\n  why:   CANCELLED" in events.stream.getvalue()


def test_a_group_has_one_slurm_id_and_its_retry_says_so_once(tmp_path):
    events = Events(tmp_path, retries=2)
    events.group(tmp_path)
    events.say("Job uuid-2 has been submitted with SLURM jobid 62 (log: x/62.log).")
    events.group_error(str(tmp_path / "none.log"))
    assert [(job["rule"], job["external"], job["ok"]) for job in events.kept()] == [
        ("transcribe", "62", False),
        ("score", "62", False),
    ]
    events.group(tmp_path)
    for id in (1, 2):
        events.send(LogEvent.JOB_FINISHED, job_id=id)
    assert events.end()[0].startswith("retried (2nd of 3 attempts, ")
    assert events.status()["state"] == "finished"


def test_a_job_that_left_files_unwritten_counts_as_failed(tmp_path):
    events = Events(tmp_path)
    events.info(1, "transcribe", outputs=["h"])
    text = (
        "MissingOutputException: Job 1  completed successfully, but some output files are missing."
    )
    events.send(LogEvent.ERROR, text, logging.ERROR, exception="MissingOutputException")
    assert "FAILED transcribe\n  why:   it ended well, but left" in events.stream.getvalue()


def test_a_run_that_is_refused_before_its_first_job_leaves_the_others_status_alone(tmp_path):
    (tmp_path / "status.json").write_text("the other's")
    events = Events(tmp_path)
    events.send(LogEvent.ERROR, "another run", logging.ERROR, exception="WorkflowError")
    assert events.end() == ["another run"]
    assert (tmp_path / "status.json").read_text() == "the other's"


def test_an_error_of_snakemake_itself_is_shown(tmp_path):
    events = Events(tmp_path)
    events.send(LogEvent.ERROR, "WorkflowError: no space", logging.ERROR, exception="WorkflowError")
    assert events.stream.getvalue() == "WorkflowError: no space\n"


def test_a_busy_stage_has_one_line_in_half_a_minute_where_lines_stay(tmp_path):
    events = Events(tmp_path, stats={"score": 1000, "total": 1000})
    for id in range(999):
        events.info(id, "score", outputs=[f"s{id}"])
        events.send(LogEvent.JOB_FINISHED, job_id=id)
    assert events.stream.getvalue() == ""
    events.log.tick(time.time() + display.LINES_EVERY + 1)
    (line,) = events.stream.getvalue().splitlines()
    assert line.endswith("] score         999/1000 done")


def test_a_terminal_shows_every_stage_in_lines_that_are_overwritten(tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    events = Events(tmp_path, is_terminal=True)
    events.info(1, "transcribe", outputs=["h"])
    assert "transcribe    0/1 done, 1 running\nscore         0/1 done\n" in events.stream.getvalue()
    events.say("disk is nearly full", logging.WARNING)
    above, below = events.stream.getvalue().split("\x1b[2F\x1b[J")[-1].split("full\n")
    assert above == "disk is nearly "
    assert below.endswith("score         0/1 done\n")


def test_more_stages_than_a_terminal_has_lines_do_not_scroll_it(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("LINES", "5")
    monkeypatch.setenv("COLUMNS", "10")
    small = screen.Screen(Terminal(True))
    small.show([f"stage {number} of many" for number in range(8)])
    assert small.stream.getvalue() == "\x1b[Jstage 5 o\nstage 6 o\nstage 7 o\n"


def test_a_run_goes_on_where_its_log_folder_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    events = Events(tmp_path / "file")
    events.info(1, "transcribe", outputs=["h"])
    events.send(LogEvent.JOB_FINISHED, job_id=1)
    assert "the run goes on" in events.stream.getvalue()
    assert events.log.run.done["transcribe"] == 1
    for seconds in range(3):  # as the follower's thread does
        events.log.journal.write_status(1e9 + seconds, "running")
    assert events.stream.getvalue().count("status.json: cannot be written") == 1


def test_a_jobs_own_snakemake_is_left_alone():
    before = list(logger.handlers)
    follower = workflow()
    follower.exec_mode = ExecMode.REMOTE
    run_log.follow(follower, {"name": "tiny", "targets": []})
    assert logger.handlers == before
