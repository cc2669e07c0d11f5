"""What is set before a GPU is used, and by whom."""

import subprocess
import sys

import pytest

from conftest import ROOT

TELL = "import os, torch; print(os.environ[{!r}], torch.cuda.is_initialized())"


@pytest.mark.parametrize(
    ("module", "given", "expected"),
    [
        ("transcribe", None, ":4096:8"),
        ("xvectors", None, ":4096:8"),
        ("engines.accelerator", None, ":4096:8"),
        ("computing.processor", ":16:8", ":16:8"),
    ],
)
def test_cublas_has_a_fixed_workspace_before_cuda_starts_and_the_users_own_is_kept(
    module, given, expected, monkeypatch
):
    name = "CUBLAS_WORKSPACE_CONFIG"
    monkeypatch.delenv(name, raising=False)
    if given:
        monkeypatch.setenv(name, given)
    printed = subprocess.run(
        [sys.executable, "-c", f"import {module}; {TELL.format(name)}"],
        cwd=ROOT / "scripts",
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.split() == [expected, "False"]
