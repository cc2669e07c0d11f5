"""SIGTERM: what a script leaves behind, and how a job's own process learns of it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "scripts"


def start(folder: Path, code: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(SCRIPTS), "PATH": "/usr/bin:/bin"},
        stderr=subprocess.PIPE,
        text=True,
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
from atomic import atomic_path
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
from forward_sigterm import forward_sigterm
forward_sigterm()
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
