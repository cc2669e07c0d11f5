"""A sample of the faults of ``faults.py``: kills at moments drawn by a seed, which is printed."""

import os
import random
import subprocess
import sys

from conftest import ROOT

SEED = os.environ.get("FAULTS_SEED") or str(random.randrange(10**6))


def test_killed_commands_leave_nothing_half_written_and_end_like_undisturbed_ones(tmp_path):
    """In a process of its own, as it forks."""
    options = ["--no-runs", "--kills=15", "--others=0", f"--seed={SEED}"]
    done = subprocess.run(
        [sys.executable, "tests/faults.py", *options],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    print(f"FAULTS_SEED={SEED}\n{done.stdout}")
    assert done.returncode == 0, done.stderr[-2000:]
