"""SIGTERM: what a script leaves behind, and how a job's own process learns of it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tiny import obey_ctrl_c

SCRIPTS = Path(__file__).parents[1] / "scripts"


def start(folder: Path, code: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(SCRIPTS), "PATH": "/usr/bin:/bin"},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=obey_ctrl_c,
    )


def wait_for(path: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)


def test_a_script_that_is_stopped_leaves_no_unfinished_file_and_says_so(tmp_path):
    code = """
import time
from pathlib import Path
from files.atomic import atomic_path
from errors import run
def main():
    with atomic_path("folder/a.flac") as temporary:
        temporary.write_text("half")
        Path("started").touch()
        time.sleep(60)
run(main)
"""
    process = start(tmp_path, code)
    wait_for(tmp_path / "started", process)
    process.terminate()
    _, told = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert told == "stopped by SIGTERM; the same command begins again or goes on\n"
    assert list((tmp_path / "folder").iterdir()) == []


def test_sigterm_is_passed_on_to_the_process_that_has_a_handler_and_not_to_its_shell(tmp_path):
    script = """
import signal, sys, time
from pathlib import Path
def stop(*_):
    Path("saved").touch()
    sys.exit(3)
signal.signal(signal.SIGTERM, stop)
Path("started").touch()
time.sleep(60)
"""
    (tmp_path / "script.py").write_text(script)
    code = f"""
import signal, subprocess, sys
from runs.forward_sigterm import forward_sigterm
forward_sigterm(signal.SIGTERM)
signal.signal(signal.SIGTERM, lambda *_: None)  # as Snakemake, which waits for its jobs
status = subprocess.run(["bash", "-c", "{sys.executable} script.py; exit $?"]).returncode
sys.exit(status + 40)
"""
    process = start(tmp_path, code)
    wait_for(tmp_path / "started", process)
    process.terminate()
    process.communicate(timeout=60)
    assert (tmp_path / "saved").exists()
    assert process.returncode == 43


def test_ctrl_c_ends_a_script_like_sigterm_and_a_signal_that_is_ignored_stays_so(tmp_path):
    code = """
import signal, time
from pathlib import Path
from errors import run
if {ignored}:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
def main():
    Path("started").touch()
    time.sleep({seconds})
run(main)
"""
    process = start(tmp_path, code.format(ignored=False, seconds=60))
    wait_for(tmp_path / "started", process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert told == "stopped by SIGINT; the same command begins again or goes on\n"
    (tmp_path / "started").unlink()
    process = start(tmp_path, code.format(ignored=True, seconds=1))
    wait_for(tmp_path / "started", process)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == "" and process.returncode == 0


def test_ctrl_c_is_put_off_once_and_its_second_is_obeyed(tmp_path):
    code = """
import os, signal
from training.sigterm import Sigterm
with Sigterm() as sigterm:
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)  # the same Ctrl-C, passed on by Snakemake
    print(sigterm.came, signal.Signals(sigterm.number).name)
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        print("obeyed")
"""
    process = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        preexec_fn=obey_ctrl_c,
    )
    assert process.stdout == "True SIGINT\nobeyed\n"


def test_an_interrupted_run_stops_its_jobs_at_once_and_says_so(tmp_path):
    """Snakemake alone gets SIGINT; its job would sleep for a minute."""
    (tmp_path / "job.py").write_text(
        "import sys, time\n"
        f"sys.path.insert(0, {str(SCRIPTS)!r})\n"
        "from pathlib import Path\n"
        "from errors import run\n"
        "def main():\n"
        "    Path('started').touch()\n"
        "    time.sleep(60)\n"
        "run(main)\n"
    )
    (tmp_path / "Snakefile").write_text(
        "import signal, sys\n"
        f"sys.path.insert(0, {str(SCRIPTS)!r})\n"
        "from runs.forward_sigterm import forward_sigterm\n"
        "from runs.log import RunLog, logger\n"
        "log = RunLog(workflow, 'made_up', {})\n"
        "log.take_terminal()\n"
        "logger.addHandler(log)\n"
        "forward_sigterm(signal.SIGINT)\n"
        "rule a:\n"
        "    output: 'a.txt'\n"
        f"    shell: '{sys.executable} job.py'\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores=1"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=obey_ctrl_c,
    )
    wait_for(tmp_path / "started", process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert "interrupted: the running jobs (1) save what they have done and stop" in told
    assert "stopping: a" in told
    assert process.returncode != 0 and not (tmp_path / "a.txt").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_job_that_still_imports_and_one_that_begins_later_are_stopped_too(tmp_path, number):
    """Neither has a handler yet; a program that is none of ours goes on."""
    code = f"""
import signal, subprocess, sys, threading, time
from pathlib import Path
from runs.forward_sigterm import forward_sigterm
forward_sigterm(signal.SIGINT, signal.SIGTERM)
signal.signal(signal.SIGTERM, signal.default_int_handler)
job = ["bash", "-c", "{sys.executable} -c 'import time; time.sleep(60)'; exit $?"]
first, other = subprocess.Popen(job), subprocess.Popen(["sleep", "3"])
Path("started").touch()
try:
    time.sleep(60)
except KeyboardInterrupt:
    later = subprocess.run(job).returncode
    print(first.wait(), later, other.wait(), file=sys.stderr)
"""
    process = start(tmp_path, code)
    wait_for(tmp_path / "started", process)
    time.sleep(0.5)
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert told.split()[-3:] == ["143", "143", "0"]
