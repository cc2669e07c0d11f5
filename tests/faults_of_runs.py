"""Faults over whole runs of the tiny experiment, which Snakemake leads.

Each run begins where the target's training is still to be done; afterwards the same command must
give the table and the bytes of an undisturbed run.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tiny_commands import RECORD
from tiny_experiment import (
    RESULTS,
    SHARED,
    command,
    copy_of_checkout,
    copy_without,
    write_experiment,
    write_own_manifest,
)
from trials import (
    HALF_WRITTEN,
    HUNG,
    LOST,
    NOBODY,
    REFUSED_BADLY,
    REFUSED_WELL,
    SURVIVED,
    Failed,
)

PATIENCE = 900  # s
AWAY = 10.0  # s, in which the stages of a run that is asked to stop must have ended
KINDS = ("manifests/**/*.jsonl", "hypotheses/**/*.jsonl", "scores/**/*.json")
KINDS += ("models/**/*.safetensors", "task_vectors/**/*.safetensors")
SAID = "terminal.txt"
AGAIN = "summarize again: delete it, and run again"


class Workflow:
    """The tiny experiment in a copy of the checkout, and what an undisturbed run makes of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = copy_of_checkout(folder)
        write_experiment(
            self.folder,
            targets=["own"],
            arms=["pretrained", "target-synthetic+vector"],
            task_vector={"scaling_coefficients": [0.5], "chosen_on": ["hibari"]},
            tts={"hibari": {"engine": "hibari", "artifact": "hibari", "voices": ["heart"]}},
        )
        write_own_manifest(self.folder)
        shared = (self.folder / "resources").resolve()
        (self.folder / "resources").unlink()
        (self.folder / "resources").mkdir()  # so that its own artifact lies in the folder
        for name in SHARED:
            (self.folder / "resources" / name).symlink_to(shared / name)
        if end(start(self.folder)):
            raise RuntimeError(said(self.folder)[-3000:])
        self.made = made(self.folder)
        before = self.copy(folder.with_name("timed"))
        begun = time.monotonic()
        end(start(before))
        self.seconds = time.monotonic() - begun

    def copy(self, folder: Path, whole: bool = False) -> Path:
        """Return a copy in which the target's training and all behind it is to be done."""
        gone = ["results/tiny/*/base/own-hibari*", "logs/tiny/finetune", "logs/tiny/run.lock"]
        gone += ["results/tiny/summary.*", "results/tiny/report.*"]
        return copy_without(self.folder, folder, SAID, *(gone * (not whole)))

    def check_again(self, folder: Path) -> None:
        """Run the same command; raise ``Failed`` unless all is as if nothing had befallen it."""
        check_names(folder, self.made)
        process = start(folder)
        if end(process):
            raise Failed(LOST, f"again: {said(folder)[-3000:]}")
        check_names(folder, self.made)
        if missing := self.made.keys() - made(folder).keys():
            raise Failed(LOST, f"again, without {sorted(missing)}")


def made(folder: Path) -> dict[str, bytes]:
    """Return the files of a run whose bytes do not depend on when it was."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for kind in KINDS
        for path in sorted((folder / RESULTS).glob(kind))
        if not path.name.startswith(".") and RECORD not in path.name
    }


def check_names(folder: Path, right: dict[str, bytes]) -> None:
    """Raise ``Failed`` if a file has a final name and other bytes."""
    for path, content in made(folder).items():
        if content != right.get(path):
            raise Failed(HALF_WRITTEN, f"{path} has other bytes")


def start(folder: Path, *options: str, program: tuple[str, ...] = ()) -> subprocess.Popen:
    """Begin a run in a session of its own; what it says is appended to ``terminal.txt``."""
    with (folder / SAID).open("a") as terminal:
        return subprocess.Popen(
            [*program, *command(*options)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def said(folder: Path) -> str:
    return (folder / SAID).read_text(errors="replace")


def end(process: subprocess.Popen) -> int:
    """Wait for the end of a run; return its status."""
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise Failed(HUNG, f"no end in {PATIENCE} s") from None


def stages(process: subprocess.Popen) -> list[psutil.Process]:
    """Return the processes that do the work of a run."""
    try:
        below = psutil.Process(process.pid).children(recursive=True)
        return [each for each in below if any("scripts/" in word for word in each.cmdline()[1:2])]
    except psutil.NoSuchProcess:
        return []


def check_told(folder: Path, process: subprocess.Popen) -> str:
    """Return the outcome of a run that is to be refused, or may have ended well."""
    if end(process) == 0:
        return SURVIVED
    if "Traceback" in said(folder):
        raise Failed(REFUSED_BADLY, said(folder)[-3000:])
    return REFUSED_WELL


def killed(workflow: Workflow, folder: Path, draw: random.Random) -> str:
    """Kill -9 of the process group at a random moment."""
    process = start(folder)
    time.sleep(draw.uniform(0, workflow.seconds))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    workflow.check_again(folder)
    return SURVIVED


def asked_to_stop(number: int) -> Callable[[Workflow, Path, random.Random], str]:
    def stopped(workflow: Workflow, folder: Path, draw: random.Random) -> str:
        process = start(folder)
        time.sleep(draw.uniform(0, workflow.seconds))
        deadline = time.monotonic() + workflow.seconds
        while not (begun := stages(process)) and process.poll() is None:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        process.send_signal(number)
        _, at = psutil.wait_procs(begun, AWAY)
        if at:
            os.killpg(process.pid, signal.SIGKILL)
            raise Failed(HUNG, f"stages go on {AWAY} s after the signal: {at}")
        end(process)
        if begun and "stopping: " not in said(folder):
            raise Failed(REFUSED_BADLY, f"does not say what it stops: {said(folder)[-2000:]}")
        workflow.check_again(folder)
        return SURVIVED

    return stopped


def twice_at_once(workflow: Workflow, folder: Path, draw: random.Random) -> str:
    """Two runs of the same experiment at once: the second is refused."""
    first = start(folder)
    deadline = time.monotonic() + workflow.seconds + 60
    while not (folder / "logs/tiny/run.lock").is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    second = start(folder)
    if end(second) == 0 or "another run of this experiment goes on" not in said(folder):
        raise Failed(REFUSED_BADLY, said(folder)[-2000:])
    if end(first):
        raise Failed(LOST, said(folder)[-3000:])
    workflow.check_again(folder)
    return REFUSED_WELL


def old_summary(workflow: Workflow, folder: Path, draw: random.Random) -> str:
    """A summary of an older version, when only times make Snakemake run a job again."""
    summary = folder / RESULTS / "summary.json"
    summary.write_text('{"language": "en", "targets": [{"name": "own", "rows": []}]}\n')
    process = start(folder, "--rerun-triggers", "mtime")
    if check_told(folder, process) != REFUSED_WELL or AGAIN not in said(folder):
        raise Failed(REFUSED_BADLY, said(folder)[-2000:])
    summary.unlink()
    workflow.check_again(folder)
    return REFUSED_WELL


def read_only(workflow: Workflow, folder: Path, draw: random.Random) -> str:
    """Results that may not be written: another user's, whose scores are gone."""
    shutil.rmtree(folder / RESULTS / "scores")
    home = folder.parent / "home"  # which Snakemake writes into
    home.mkdir(exist_ok=True)
    home.chmod(0o777)
    nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    outcome = check_told(folder, start(folder, program=(*nobody, "env", f"HOME={home}")))
    workflow.check_again(folder)
    return outcome


FAULTS: dict[str, tuple[Callable[[Workflow, Path, random.Random], str], int]] = {
    "run: summary of an older version": (old_summary, 1),
    "run: SIGTERM of Snakemake alone": (asked_to_stop(signal.SIGTERM), 2),
    "run: SIGINT of Snakemake alone": (asked_to_stop(signal.SIGINT), 2),
    "run: kill -9, random moment": (killed, 4),
    "run: two at once": (twice_at_once, 1),
    "run: read-only results": (read_only, 1),
}
ODD = "it's müde 日本"  # in the path of all


def try_all(folder: Path, only: str, seed: int, note: Callable[[str, str, str, str], None]) -> None:
    """Try the faults whose name has a word in it; ``note`` takes what came of each."""
    chosen = {name: fault for name, fault in FAULTS.items() if only in name}
    if not chosen:
        return
    (folder / ODD).mkdir()
    workflow = Workflow(folder / ODD / "runs")
    for name, (fault, count) in chosen.items():
        for number in range(count):
            whole = fault in (old_summary, read_only)
            place = workflow.copy(folder / ODD / "trial", whole)
            try:
                note(name, str(number), fault(workflow, place, random.Random(seed + number)), "")
            except Failed as failed:
                note(name, str(number), *failed.args)
            shutil.rmtree(place)
