"""One run at a time; jobs that a killed run left behind."""

import errno
import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT
from errors import InputError
from runs import guard as run_guard
from runs.guard import begin_run


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """Put a squeue and a scancel on the path that keep their jobs in a file, one `ID STATE` a line.

    (Real ones are used in test_slurm.py.)
    """
    folder, jobs = tmp_path / "bin", tmp_path / "jobs"
    folder.mkdir()
    jobs.write_text("")
    (folder / "squeue").write_text(f"#!/bin/sh\necho $* >> {tmp_path}/asked\ncat {jobs}\n")
    (folder / "scancel").write_text(
        f"#!/bin/sh\necho scancel $* >> {tmp_path}/asked\nsed -i s/RUNNING/CANCELLED/ {jobs}\n"
    )
    for path in folder.iterdir():
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return jobs


def test_a_second_run_is_refused_while_the_first_goes_on_and_told_who_it_is(tmp_path):
    lock = begin_run(tmp_path, None)
    begin = f"from runs import guard; guard.begin_run({str(tmp_path)!r}, None)"
    second = [sys.executable, "-c", begin]
    refused = subprocess.run(second, cwd=ROOT / "scripts", capture_output=True, text=True)
    assert "another run of this experiment goes on (process" in refused.stderr
    lock.close()
    assert subprocess.run(second, cwd=ROOT / "scripts").returncode == 0
    [holder] = (tmp_path / "run.lock").read_text().splitlines()
    assert holder.startswith("process ") and str(os.getpid()) not in holder.split()


def test_a_lock_does_not_outlive_kill_9(tmp_path):
    dies = (
        f"import os; from runs import guard; lock = guard.begin_run({str(tmp_path)!r}, None); "
        "os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", dies], cwd=ROOT / "scripts").returncode == -9
    begin_run(tmp_path, None).close()


def test_on_a_disk_without_locks_it_warns_and_goes_on(tmp_path, monkeypatch, capsys):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(run_guard.fcntl, "flock", no_locks)
    begin_run(tmp_path, None).close()
    assert "run.lock: No locks available: start only one run" in capsys.readouterr().err


def test_the_run_is_noted_and_its_leftovers_are_cancelled_by_the_next_one(tmp_path, queue, capsys):
    begin_run(tmp_path / "logs", "syn2real_1").close()
    assert json.loads((tmp_path / "logs/slurm_run.json").read_text()) == {"run_id": "syn2real_1"}
    queue.write_text("17 RUNNING\n18 COMPLETED\n")
    begin_run(tmp_path / "logs", "syn2real_2").close()
    assert "Cancelling 1 SLURM jobs" in capsys.readouterr().err
    asked = (tmp_path / "asked").read_text()
    assert "scancel --name syn2real_1" in asked and "syn2real_2" not in asked
    assert json.loads((tmp_path / "logs/slurm_run.json").read_text()) == {"run_id": "syn2real_2"}


def test_nothing_is_cancelled_where_nothing_is_left(tmp_path, queue):
    begin_run(tmp_path / "logs", "syn2real_1").close()
    queue.write_text("18 COMPLETED\n19 TIMEOUT\n")
    begin_run(tmp_path / "logs", None).close()
    assert "scancel" not in (tmp_path / "asked").read_text()
    assert not (tmp_path / "logs/slurm_run.json").exists()


def test_jobs_that_do_not_end_are_an_error_with_their_numbers(tmp_path, queue, monkeypatch):
    monkeypatch.setattr(run_guard, "PATIENCE", 0)
    begin_run(tmp_path / "logs", "syn2real_1").close()
    queue.write_text("17 COMPLETING\n")
    with pytest.raises(InputError, match="SLURM jobs 17 of a killed run do not end"):
        begin_run(tmp_path / "logs", "syn2real_2")
    assert json.loads((tmp_path / "logs/slurm_run.json").read_text()) == {"run_id": "syn2real_1"}


def test_without_squeue_a_run_of_slurm_is_not_taken_for_ended(tmp_path, queue, monkeypatch):
    begin_run(tmp_path / "logs", "syn2real_1").close()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="there is no squeue here"):
        begin_run(tmp_path / "logs", None)


def test_a_controller_that_does_not_answer_is_an_error(tmp_path, queue):
    begin_run(tmp_path / "logs", "syn2real_1").close()
    (tmp_path / "bin/squeue").write_text("#!/bin/sh\necho no controller >&2; exit 1\n")
    with pytest.raises(InputError, match="squeue, .*: no controller"):
        begin_run(tmp_path / "logs", "syn2real_2")
