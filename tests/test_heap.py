"""Freed memory that is kept: told by what a process still holds."""

import subprocess
import sys

import pytest

from computing import heap

PROGRAM = """
import resource, sys, torch
if sys.argv[1] == "keep":
    sys.path.insert(0, sys.argv[2])
    from computing.heap import keep_freed_memory
    keep_freed_memory()

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

before = resident()
held = [torch.ones(5_000_000) for _ in range(10)]  # of 20 MB
del held
print(resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_what_is_freed_is_kept():
    folder = heap.__file__.rsplit("/", 2)[0]
    kept = {
        how: int(subprocess.check_output([sys.executable, "-c", PROGRAM, how, folder]))
        for how in ("give back", "keep")
    }
    assert kept["keep"] > 150e6 > 50e6 > kept["give back"]  # of 200 MB


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(heap.ctypes, "CDLL", lambda name: object())
    heap.keep_freed_memory()
