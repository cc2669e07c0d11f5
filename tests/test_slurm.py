"""The workflow on a real SLURM cluster, and what can befall it there.

`tests/slurm_cluster.sh` starts the cluster; its compute nodes have no network. Every disturbed run
starts where only the last training is still to be done, and must end with the table of the run
that nothing disturbed. They share the cluster, as runs do.
"""

import contextlib
import fcntl
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import ROOT
from tiny_experiment import (
    RESULTS,
    command,
    copy_of_checkout,
    copy_without,
    table,
    write_experiment,
    write_own_manifest,
)

CLUSTER = ROOT / "tests/slurm_cluster.sh"
STATE = Path("/tmp/syn2real-slurm")
LOCK = Path("/tmp/syn2real-slurm.lock")
MISSING = subprocess.run([CLUSTER, "missing"], capture_output=True, text=True).stdout.strip()
pytestmark = pytest.mark.skipif(
    bool(MISSING) and "CI" not in os.environ,
    reason=f"no SLURM cluster can be started here: {MISSING} (tests/slurm_cluster.sh install)",
)
SITE = "partitions:\n  cpu: {max_gpu: 0}\n  gpu: {max_gpu: 2}\ncores_per_gpu: 1\njobs: 20\n"
IN_A_HURRY = ["--slurm-init-seconds-before-status-checks=2", "--max-status-checks-per-second=1"]
TRAINED = RESULTS / "models/base/own-hibari/seed1/model.safetensors"
REPORT = RESULTS / "report.html"
LOG = Path("logs/tiny/finetune/base/own-hibari/seed1.log")
KEPT = RESULTS / "work/base/own-hibari/seed1/state.pt"
HUNGRY = """\
import sys

if "scripts/finetune.py" in sys.orig_argv:
    sys.held = bytearray(b"x") * 10**9
"""
PATIENCE = 900  # s
A_WHILE = 60  # s, in which a run comes to any of its stages


def slurm(*words: str) -> str:
    """Return what a command of SLURM prints; while the controller is restarted, it fails."""
    for _ in range(60):
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        if done.returncode == 0:
            return done.stdout
        time.sleep(1)
    pytest.fail(f"{words}: {done.stderr}")


def jobs_of(folder: Path) -> dict[str, tuple[str, str]]:
    """Return state and rule of a folder's SLURM jobs by their ids, the earliest first."""
    listed = slurm("squeue", "--noheader", "--states=all", "--format=%i|%T|%Z|%k")
    rows = [line.split("|") for line in listed.splitlines()]
    return {
        job: (state, comment.removeprefix("rule_").partition("_wildcards")[0])
        for job, state, its_folder, comment in sorted(rows, key=lambda row: int(row[0]))
        if its_folder == str(folder)
    }


class Run:
    """A run of the tiny experiment through SLURM."""

    def __init__(self, folder: Path, *options: str, **environment: str):
        self.folder, self.options, self.environment = folder, options, environment
        self.start()

    def start(self) -> None:
        self.printed = self.folder / "terminal.txt"
        with self.printed.open("a") as terminal:
            self.process = subprocess.Popen(
                command(*IN_A_HURRY, *self.options, profile="slurm"),
                cwd=self.folder,
                env=os.environ | self.environment,
                stdout=terminal,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def jobs(self, rule: str) -> dict[str, str]:
        """Return id and state of the SLURM jobs of a rule, the earliest first."""
        found = jobs_of(self.folder)
        return {job: state for job, (state, its_rule) in found.items() if its_rule == rule}

    def wait_until(self, reached: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not reached():
            assert self.process.poll() is None, self.printed.read_text()[-3000:]
            assert time.monotonic() < deadline, self.printed.read_text()[-3000:]
            time.sleep(0.2)

    def wait_for_training(self) -> str:
        """Wait until the training has something to resume from; return its SLURM job."""
        self.wait_until((self.folder / KEPT).exists)
        return list(self.jobs("finetune"))[-1]

    def of_cluster(self) -> str:
        """Return what the cluster and this run's processes are at, for a run that hangs."""
        asked = ["ps -eo pid,ppid,stat,etime,wchan:20,args --sort=start_time"]
        asked += [f"tail --lines=20 {log}" for log in STATE.glob("*.log")]
        asked += ["sinfo --list-reasons", "sinfo --long --Node", "squeue --all --long"]
        done = [subprocess.run(each.split(), capture_output=True, text=True) for each in asked]
        shown = [f"$ {each}\n{of.stdout}" for each, of in zip(asked, done, strict=True)]
        return "\n".join(shown)[-12000:]

    def ends(self, fails: bool = False) -> str:
        """Wait for the end; return what the terminal showed."""
        try:
            status = self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            state = self.of_cluster()
            os.killpg(self.process.pid, signal.SIGKILL)
            pytest.fail(f"no end in {PATIENCE} s:\n{self.printed.read_text()[-5000:]}\n{state}")
        printed = self.printed.read_text()
        assert bool(status) == fails, printed[-5000:]
        return printed


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Have the cluster to ourselves: another run of the tests on this machine may use it, too."""
    assert not MISSING, MISSING
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([CLUSTER, "down"], check=True)  # what a killed run may have left
        subprocess.run([CLUSTER, "up"], check=True)
        yield
        subprocess.run([CLUSTER, "down"], check=True)


@pytest.fixture(scope="module")
def undisturbed(cluster, tmp_path_factory) -> Path:
    folder = copy_of_checkout(tmp_path_factory.mktemp("slurm"))
    (folder / "profiles/slurm/site.yaml").write_text(SITE)
    write_experiment(
        folder,
        targets=["own"],
        arms=["pretrained", "target-synthetic+vector"],
        tts={"hibari": {"engine": "hibari", "artifact": "hibari", "voices": ["heart"]}},
        finetune={"trained": "all", "max_steps": 500, "epochs": 500, "evaluate_every": 100}
        | {"patience": 9, "learning_rate": 1e-3, "batch_size": 4}
        | {"criterion": "loss"},  # half a minute
    )
    write_own_manifest(folder)
    Run(folder).ends()
    return folder


def test_every_gpu_rule_had_a_gpu_and_no_other_one(undisturbed):
    """SLURM's word and the job's own environment, noted by the cluster's prolog."""
    visible = dict(line.split() for line in (STATE / "devices").read_text().splitlines())
    rules = {True: set(), False: set()}
    for job, (_, rule) in jobs_of(undisturbed).items():
        told = slurm("scontrol", "show", "job", "--oneliner", job)
        allocated = "TresPerJob=gres:gpu:1" in told
        assert (visible[job] in ("0", "1")) == allocated, told
        assert f" Partition={'gpu' if allocated else 'cpu'} " in told
        rules[allocated].add(rule)
    assert rules[True] == {"finetune", "transcribe", "transcribe_sweep", "transcribe_synthesized"}
    assert rules[False] == {
        "pretrained", "prepare", "synthesize", "filter", "filter_before_augmentation", "augment",
        "task_vector", "apply", "vector_geometry",
    }  # fmt: skip  # hibari computes on the CPU; fetch, score and the like run beside Snakemake


def test_the_nodes_have_no_network(undisturbed):
    connect = "import socket; socket.create_connection(('192.0.2.1', 443), timeout=5)"
    srun = ["srun", "--partition=gpu", "--mem=100", "python3", "-c", connect]
    found = subprocess.run(srun, capture_output=True, text=True)
    assert "Network is unreachable" in found.stderr


def training_to_be_done(undisturbed: Path, folder: Path) -> Path:
    """Return a copy of the finished run without the target's training and all behind it."""
    gone = (f"{RESULTS}/*/base/own-hibari*", str(LOG), f"{RESULTS}/summary.*", str(REPORT))
    return copy_without(undisturbed, folder, *gone)


def hits_its_time_limit(folder: Path) -> None:
    run = Run(folder, "--set-resources", "finetune:runtime=attempt")
    run.wait_for_training()
    with hanging(folder):
        run.wait_until(lambda: {"COMPLETING", "TIMEOUT"} & set(run.jobs("finetune").values()))
    run.ends()
    assert list(run.jobs("finetune").values()) == ["TIMEOUT", "COMPLETED"]
    assert resumed(folder)


def runs_out_of_memory(folder: Path) -> None:
    """The training fills a gigabyte, which cannot be given back.

    With little memory alone it might read its libraries from disk again and again for a quarter of
    an hour, before the kernel gives up.
    """
    (folder / "hungry").mkdir()
    (folder / "hungry/sitecustomize.py").write_text(HUNGRY)
    options = ["--set-resources", "finetune:mem_mb=900 if attempt == 1 else 3000"]
    run = Run(folder, *options, PYTHONPATH=str(folder / "hungry"))
    run.ends()
    first, second = run.jobs("finetune").values()
    assert first in ("OUT_OF_MEMORY", "FAILED")  # SLURM 22.05 may not hear of the kernel's kill
    assert second == "COMPLETED"


def is_cancelled(folder: Path) -> None:
    run = Run(folder)
    slurm("scancel", run.wait_for_training())
    run.ends()
    assert list(run.jobs("finetune").values()) == ["CANCELLED", "COMPLETED"]
    assert resumed(folder)


def is_preempted(folder: Path) -> None:
    run = Run(folder, "--set-resources", "finetune:gpu=2")  # all, so that it alone has to go
    job = run.wait_for_training()
    urgent = ["--partition=urgent", "--gpus=2", "--mem=100", "--output=/dev/null", "--wrap=sleep 5"]
    with hanging(folder):
        slurm("sbatch", *urgent)
        run.wait_until(lambda: run.jobs("finetune")[job] == "PENDING")
    run.ends()
    assert run.jobs("finetune") == {job: "COMPLETED"}  # the same job again, by SLURM
    assert resumed(folder)


def node_is_drained(folder: Path) -> None:
    run = Run(folder)
    run.wait_for_training()
    with hanging(folder):
        slurm("scontrol", "update", "nodename=gpu1", "state=drain", "reason=maintenance")
    try:
        run.wait_until(lambda: "PENDING" in run.jobs("transcribe_sweep").values())
    finally:
        slurm("scontrol", "update", "nodename=gpu1", "state=resume")
    run.ends()


def snakemake_is_killed(folder: Path) -> None:
    run = Run(folder)
    job = run.wait_for_training()
    with hanging(folder):
        os.killpg(run.process.pid, signal.SIGKILL)
        run.process.wait()
        assert run.jobs("finetune")[job] == "RUNNING"
        run.start()
        run.wait_until(lambda: run.jobs("finetune")[job] in ("COMPLETING", "CANCELLED"))
    assert "Cancelling 1 SLURM jobs that a killed run left behind" in run.ends()
    assert list(run.jobs("finetune").values()) == ["CANCELLED", "COMPLETED"]
    assert resumed(folder)


def killed_at_random_moments(folder: Path) -> None:
    """Kill -9 of Snakemake's process group again and again; its jobs go on without it."""
    print("FAULTS_SEED", seed := os.environ.get("FAULTS_SEED") or str(random.randrange(10**6)))
    draw, run = random.Random(seed), Run(folder)
    for _ in range(int(os.environ.get("FAULTS_KILLS", "3"))):
        time.sleep(draw.uniform(0, A_WHILE))
        os.killpg(run.process.pid, signal.SIGKILL)
        run.process.wait()
        run.start()
    run.ends()


def scratch_disk_is_full(folder: Path) -> None:
    scratch = folder / "scratch"
    scratch.mkdir()
    with (folder / "profiles/slurm/site.yaml").open("a") as site:
        site.write(f"scratch: {scratch}\n")
    mount = ["mount", "--types=tmpfs", "--options=size=16k", "none", str(scratch)]
    subprocess.run(mount, check=True)
    try:
        run = Run(folder, "--retries=0")
        assert f"{scratch}: " in run.ends(fails=True)
        assert not (folder / TRAINED).exists()
        subprocess.run(["mount", "--options=remount,size=64m", str(scratch)], check=True)
        run.start()
        run.ends()
        assert any(path.suffix == ".flac" for path in scratch.rglob("*"))
    finally:
        subprocess.run(["umount", str(scratch)], check=True)


FAULTS = [
    hits_its_time_limit,
    runs_out_of_memory,
    is_cancelled,
    is_preempted,
    node_is_drained,
    snakemake_is_killed,
    killed_at_random_moments,
    scratch_disk_is_full,
]


def training_processes(folder: Path) -> list[int]:
    """Return the processes that train in a folder (the nodes are this machine)."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            if b"scripts/finetune.py" in words[:3] and os.readlink(path / "cwd") == str(folder):
                found.append(int(path.name))
        except OSError:
            continue  # it has ended meanwhile
    return found


@contextlib.contextmanager
def hanging(folder: Path) -> Iterator[None]:
    """Have a folder's training go no further, so that what befalls it finds it, however fast."""
    (process,) = training_processes(folder)
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)


def resumed(folder: Path) -> bool:
    return "resum" in (folder / LOG).read_text()


@pytest.fixture(scope="module")
def disturbed(undisturbed, tmp_path_factory) -> Iterator[dict[Callable, tuple[Path, Future]]]:
    with ThreadPoolExecutor(len(FAULTS)) as pool:
        runs = {}
        for fault in FAULTS:
            folder = training_to_be_done(undisturbed, tmp_path_factory.mktemp(fault.__name__))
            runs[fault] = folder, pool.submit(fault, folder)
        yield runs


def check_same(folder: Path, undisturbed: Path) -> None:
    assert table(folder) == table(undisturbed)
    assert (folder / TRAINED).read_bytes() == (undisturbed / TRAINED).read_bytes()


def test_the_table_is_that_of_an_undisturbed_run_when_the_controller_is_restarted(
    undisturbed, tmp_path_factory
):
    """Alone: without an accounting database it forgets the jobs that have just ended."""
    folder = training_to_be_done(undisturbed, tmp_path_factory.mktemp("controller"))
    run = Run(folder)
    run.wait_for_training()
    subprocess.run([CLUSTER, "restart_controller"], check=True)
    run.ends()
    check_same(folder, undisturbed)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_the_table_is_that_of_an_undisturbed_run_when_a_job(fault, undisturbed, disturbed):
    folder, run = disturbed[fault]
    run.result()
    check_same(folder, undisturbed)


def test_a_training_that_fails_says_which_one_why_and_how_to_run_it_again(
    undisturbed, tmp_path_factory
):
    folder = training_to_be_done(undisturbed, tmp_path_factory.mktemp("fails"))
    heard = sorted((folder / RESULTS / "audio/own/hibari-augmented/train").rglob("*.flac"))[0]
    whole = heard.read_bytes()
    heard.write_bytes(b"")
    printed = Run(folder, "--retries=0").ends(fails=True)
    assert printed.count("FAILED") == 1
    assert "arm target-synthetic (own spoken by hibari)" in printed and "seed 1" in printed
    assert re.search(rf"why: .*{heard.name}", printed)
    heard.write_bytes(whole)
    again = re.search(r"again: (snakemake .*)", printed)[1]
    assert again == f"snakemake {TRAINED} --profile slurm --configfile tiny.yaml"
    subprocess.run([*again.split(), *IN_A_HURRY], cwd=folder, check=True)
    assert (folder / TRAINED).read_bytes() == (undisturbed / TRAINED).read_bytes()


def test_what_was_asked_for_and_what_was_used_are_listed(undisturbed):
    command = ["python", "scripts/efficiency.py", "--experiment", "tiny"]
    found = subprocess.run(command, cwd=undisturbed, check=True, capture_output=True, text=True)
    print(found.stdout)
    assert "finetune" in found.stdout and "synthesize" in found.stdout
