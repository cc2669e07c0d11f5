"""How a run stands, as told while it goes on, from another machine, and afterwards."""

import json
import os
import subprocess
import time

import psutil
import pytest

import status
from errors import InputError

HERE = "login1"


def made(**changed) -> dict:
    found = {
        "name": "demo", "state": "running", "host": HERE, "pid": os.getpid(),
        "process_started": psutil.Process().create_time(), "started": 1000.0, "updated": 1060.0,
        "stages": {"score": {"planned": 9, "running": 3, "done": 4, "failed": 1}},
        "running": [], "failed": [],
    }  # fmt: skip
    return found | changed


def job(log, submitted: float = 0.0, external: str | None = None, what: str = "score") -> dict:
    return {"stage": "score", "what": what, "log": str(log), "external": external,
            "submitted": submitted, "attempt": 1, "outputs": []}  # fmt: skip


def test_a_run_of_this_host_is_alive_while_its_process_is():
    assert status.is_alive(made())
    assert status.headline(made(), HERE, True, 1090.0) == (
        f"demo: running for 1 min 30 s (process {os.getpid()} on this host)"
    )


def test_another_process_with_the_same_number_is_not_the_run():
    assert not status.is_alive(made(process_started=psutil.Process().create_time() - 3600))


def test_a_process_that_has_ended_is_not_alive():
    with subprocess.Popen(["sleep", "60"]) as process:
        ended = made(pid=process.pid, process_started=psutil.Process(process.pid).create_time())
        assert status.is_alive(ended)
        process.kill()
        time.sleep(0.2)
        assert not status.is_alive(ended)  # not even while nobody has waited for it
    assert not status.is_alive(ended)


def test_a_killed_run_names_the_slurm_jobs_that_it_may_have_left(tmp_path):
    left = made(running=[job(tmp_path, external="62"), job(tmp_path)])
    line = status.headline(left, HERE, False, 2000.0)
    assert line.startswith("demo: killed after 1 min 0 s (process")
    assert line.endswith("is gone); its SLURM jobs may go on: 62")


def test_a_run_on_another_host_is_as_good_as_its_last_word():
    assert status.headline(made(), "elsewhere", False, 1072.0) == (
        "demo: running for 1 min 0 s when last heard from login1, 12 s ago"
    )


@pytest.mark.parametrize("state", ["finished", "failed", "stopped"])
def test_a_run_that_ended_says_how_and_when(state):
    line = status.headline(made(state=state), HERE, True, 4660.0)
    assert line == f"demo: {state} 1 h 0 min ago, after 1 min 0 s"


def test_a_submitted_job_counts_as_queued_until_it_writes_to_its_log(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("5/10 utterances\n")
    now = time.time()
    jobs = [job(log, now - 5), job(log, now + 60), job(tmp_path / "none.log")]
    assert [status.has_begun(each) for each in jobs] == [True, False, False]
    assert status.stages_table(made(running=jobs)) == [
        "stage  planned   queued  running     done   failed",
        "score        9        2        1        4        1",
    ]


def test_a_running_job_is_shown_with_its_last_progress_line(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("1/10 utterances\n5/10 utterances, 0.5 a second, 10 s left\n")
    now = time.time()
    jobs = [job(log, now - 65, "62", "transcribe: seed 1"), job(tmp_path / "none.log")]
    assert status.running_lines(jobs, now) == [
        "running transcribe: seed 1 (SLURM job 62, 1 min 5 s)",
        "    5/10 utterances, 0.5 a second, 10 s left",
    ]


def test_of_hundreds_of_running_jobs_some_are_shown(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("")
    now = time.time()
    lines = status.running_lines([job(log, now - 5)] * 25, now)
    assert len(lines) == status.SHOWN + 1
    assert lines[-1] == "and 5 more"


def test_the_command_prints_the_table_and_why_a_job_failed(tmp_path, capsys):
    failure = {
        "what": "score: seed 1",
        "why": "error: no words",
        "log": "a.log",
        "again": "snakemake s",
    }
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "status.json").write_text(json.dumps(made(state="failed", failed=[failure])))
    status.main(["--experiment", "demo", "--logs", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("demo: failed")
    assert lines[3:] == [
        "FAILED score: seed 1",
        "    error: no words",
        "    log: a.log",
        "    again: snakemake s",
    ]


def test_no_run_is_an_error_that_names_the_runs_there_are(tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/status.json").write_text("{}")
    message = r"paper/status\.json is not there: no run of paper has begun here \(runs of: demo\)"
    with pytest.raises(InputError, match=message):
        status.main(["--experiment", "paper", "--logs", str(tmp_path)])


def test_a_broken_status_is_an_error_with_its_file(tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/status.json").write_text("{")
    with pytest.raises(InputError, match=r"demo/status\.json: not JSON .*; a run writes it anew"):
        status.read(tmp_path, "demo")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.6, "1 min 0 s"), (3661, "1 h 1 min"), (180000, "2 d 2 h"), (-3, "0 s")],
)
def test_times_are_in_words(seconds, words):
    assert status.duration(seconds) == words
