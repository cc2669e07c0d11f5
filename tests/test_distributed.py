"""Training in two processes: the single process's checkpoint, kills, and whose error is told."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import finetune
from files.manifest import read_manifest, write_jsonl
from tiny import begin_training, finetune_command, write_ctc, write_speech, write_whisper


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_whisper(folder / "whisper")
    write_ctc(folder / "conformer")
    write_speech(folder, "train", 11)
    write_speech(folder, "dev", 3, seed=1)
    return folder


def command(data: Path, output: Path, **changes: object) -> list[str]:
    # Of 11 utterances the last batch is one: one process of two has nothing to do.
    usual = {"model": data / "whisper", "weight_decay": 0.1, "epochs": 3, "batch_size": 5}
    return finetune_command(data, output, **(usual | changes))


def run(arguments: list[str]) -> subprocess.CompletedProcess:
    script = [sys.executable, finetune.__file__, *arguments]
    return subprocess.run(script, capture_output=True, text=True)


def check_same(first: Path, second: Path) -> None:
    """Two checkpoints differ by no more than the rounding of sums in another order."""
    one, other = (load_file(folder / "model.safetensors") for folder in (first, second))
    assert list(one) == list(other)
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=5e-6)


def test_two_processes_give_the_checkpoint_of_one(data, tmp_path):
    still = {"model": data / "conformer", "dropout": 0, "mask_time_prob": 0, "criterion": "wer"}
    finetune.main(command(data, tmp_path / "one", **still))
    two = run(command(data, tmp_path / "two", **still, processes=2))
    assert two.returncode == 0, two.stderr
    assert two.stderr.count("step 9/9") == 1  # one process reports
    check_same(tmp_path / "one", tmp_path / "two")
    assert not (tmp_path / "two.work").exists()


def test_two_processes_killed_leave_none_behind_and_one_goes_on_from_their_state(data, tmp_path):
    long = {"epochs": 30, "patience": 99}
    both = command(data, tmp_path / "killed", **long, processes=2)
    process = begin_training(both, tmp_path / "log")
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    assert len(workers) >= 2
    deadline = time.monotonic() + 60
    while any(map(runs, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(runs, workers))

    resumed = run(command(data, tmp_path / "killed", **long))
    assert "resuming at step" in resumed.stderr
    finetune.main(command(data, tmp_path / "undisturbed", **long))
    check_same(tmp_path / "killed", tmp_path / "undisturbed")


def test_two_processes_stopped_by_sigterm_keep_the_step_and_end_with_the_undisturbed_bytes(
    data, tmp_path
):
    long = {"epochs": 30, "patience": 99, "evaluate_every": 30, "processes": 2}
    log = tmp_path / "log"
    process = begin_training(command(data, tmp_path / "stopped", **long), log)
    process.terminate()
    assert process.wait() == 128 + signal.SIGTERM
    lines = log.read_text().splitlines()
    [told] = [line for line in lines if not re.match(r"step \d+/90, ", line)]
    step = re.fullmatch(r"stopped by SIGTERM at step (\d+) of 90; the same .*", told)[1]
    resumed = run(command(data, tmp_path / "stopped", **long))
    assert f"resuming at step {step} of 90" in resumed.stderr

    run(command(data, tmp_path / "undisturbed", **long))
    contents = [
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("stopped", "undisturbed")
    ]
    assert contents[0] == contents[1]


def runs(pid: str) -> bool:
    """Say whether a process is there and no zombie."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")")[-1].split()[0] != "Z"


def test_an_error_in_one_process_is_told_once(data, tmp_path):
    rows = read_manifest(data / "train.jsonl")
    broken = tmp_path / "broken.flac"
    broken.write_bytes(b"no audio")
    write_jsonl(tmp_path / "train.jsonl", [rows[0], rows[3] | {"audio_filepath": str(broken)}])
    found = run(
        command(data, tmp_path / "model", train=tmp_path / "train.jsonl", batch_size=2, processes=2)
    )
    assert found.returncode == 2
    assert found.stderr.startswith(f"error: {broken}: not readable as audio")
    assert found.stderr.count("error:") == 1 and "Traceback" not in found.stderr
    assert not (tmp_path / "model").exists()
