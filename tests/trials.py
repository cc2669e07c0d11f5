"""A command under a fault: begun in a process of its own, disturbed, judged, and run again.

Processes are forked from one that has imported everything, so that a trial takes a fraction of a
second. What a trial does to a command stands in ``faults.py``.
"""

import contextlib
import importlib
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

import errors
from escaping import visible
from tiny_commands import GIVEN, Command

SURVIVED, REFUSED_WELL = "survived", "refused well"
REFUSED_BADLY, HARMED, LOST = "refused badly", "harmed", "lost"
HALF_WRITTEN, HUNG = "left half-written", "hung"
OUTCOMES = (SURVIVED, REFUSED_WELL, REFUSED_BADLY, HARMED, LOST, HALF_WRITTEN, HUNG)
RIGHT = (SURVIVED, REFUSED_WELL)
PATIENCE = 180  # s, after which a command hangs
LONGEST = 2000  # characters of a refusal that one can still read
CHANGING = ("replace", "rename", "fsync", "mkdir", "unlink", "rmdir", "truncate", "link", "chmod")
NOBODY = 65534


class Failed(Exception):
    """A trial whose outcome is none of ``RIGHT``: the outcome, and what was seen."""


@dataclass(frozen=True)
class Undisturbed:
    """What a command makes when nothing befalls it, how long it takes, what it does on the disk."""

    made: dict[str, bytes]
    records: dict[str, dict]
    seconds: float
    changes: int
    reads: int


@dataclass
class Process:
    """A command's process, the first of its group, and the file that has what it said."""

    id: int
    log: Path
    status: int | None = None

    def wait(self, patience: float = PATIENCE) -> int:
        """Return its exit status, negative if a signal ended it; raise ``Failed`` if it hangs."""
        deadline = time.monotonic() + patience
        while self.status is None:
            ended, status = os.waitpid(self.id, os.WNOHANG)
            if ended:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                self.kill()
                raise Failed(HUNG, f"no end in {patience} s")
            else:
                time.sleep(0.001)
        return self.status

    def send(self, number: int) -> bool:
        """Send its group a signal; say whether it was still there."""
        ended, status = os.waitpid(self.id, os.WNOHANG) if self.status is None else (self.id, 0)
        if ended:
            self.status = os.waitstatus_to_exitcode(status) if self.status is None else self.status
            return False
        os.killpg(self.id, number)
        return True

    def kill(self) -> bool:
        """Kill its group with -9; say whether it was still there."""
        if there := self.send(signal.SIGKILL):
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.id, 0)[1])
        return there

    def said(self) -> str:
        """Return what it said so far."""
        return self.log.read_text(errors="replace")


def start(command: Command, folder: Path, log: Path, before: Callable[[], object]) -> Process:
    """Run a command in a folder, in a forked process that calls ``before`` first."""
    sys.stdout.flush()
    sys.stderr.flush()
    if child := os.fork():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.setpgid(child, child)  # here as well, so that it can be killed at once
        return Process(child, log)
    status = 1
    try:
        os.setpgid(0, 0)
        for number in errors.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(target, 1)
        os.dup2(target, 2)
        os.chdir(folder)
        sys.argv = [f"scripts/{command.script}.py", *command.arguments]
        before()
        errors.run(importlib.import_module(command.script).main)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        with contextlib.suppress(OSError):
            traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def shared_count() -> mmap.mmap:
    """Return a number that a process and its child share, 0 at first."""
    return mmap.mmap(-1, 8)


def number_of(count: mmap.mmap) -> int:
    (number,) = struct.unpack("q", count[:8])
    return int(number)


def add_one(count: mmap.mmap) -> int:
    """Add one to a shared number; return what it was."""
    was = number_of(count)
    count[:8] = struct.pack("q", was + 1)
    return was


def at_changes(act: Callable[[int], object]) -> None:
    """Call ``act`` before and after each change of a name on the disk, with 0, 1, 2, ..."""
    moment = iter(range(10**9))

    def watched(change: Callable) -> Callable:
        def watching(*arguments, **options):
            act(next(moment))
            try:
                return change(*arguments, **options)
            finally:
                act(next(moment))

        return watching

    for name in CHANGING:
        setattr(os, name, watched(getattr(os, name)))


def at_reads(act: Callable[[Path], object]) -> None:
    """Call ``act`` with each file of ``given`` that is about to be opened."""

    def watch(event: str, arguments: tuple) -> None:
        if event == "open" and isinstance(arguments[0], str) and f"{GIVEN}/" in arguments[0]:
            act(Path(arguments[0]))

    sys.addaudithook(watch)


@dataclass
class Trial:
    """A command in a folder of its own, where a fault is to befall it."""

    command: Command
    folder: Path
    given: Path
    undisturbed: Undisturbed
    random: random.Random
    number: int = field(default=0)  # of processes begun

    def prepare(self, copied: bool = False) -> None:
        """Make the folder, with the inputs linked or copied."""
        self.folder.mkdir(parents=True, exist_ok=True)
        place = self.folder / GIVEN
        if copied:
            shutil.copytree(self.given, place)
        else:
            place.symlink_to(self.given)

    def start(self, before: Callable[[], object] = lambda: None) -> Process:
        self.number += 1
        log = self.folder.parent / f"{self.folder.name}.{self.number}.log"
        log.touch()
        log.chmod(0o666)
        return start(self.command, self.folder, log, before)

    def moment(self) -> float:
        """Return a time within that which the command takes, s."""
        return self.random.uniform(0, self.undisturbed.seconds)

    def check_names(self) -> None:
        """Raise ``Failed`` if anything half-written, or something else, has a final name."""
        for path, content in self.command.made(self.folder).items():
            if (right := self.undisturbed.made.get(path)) is None:
                raise Failed(HARMED, f"{path} is none of the outputs")
            if content != right:
                kind = f"{len(content)} of {len(right)} bytes"
                raise Failed(HALF_WRITTEN, f"{path} has other bytes ({kind})")
        try:
            records = self.command.records(self.folder)
        except ValueError as error:
            raise Failed(HALF_WRITTEN, f"a record: {error}") from None
        for path, record in records.items():
            if record["outputs"] != self.undisturbed.records[path]["outputs"]:
                raise Failed(HALF_WRITTEN, f"{path} has other hashes")

    def check_ended(self, process: Process) -> str:
        """Return the outcome of a command that ended by itself."""
        status, said = process.wait(), process.said()
        if status == 0:
            missing = self.undisturbed.made.keys() - self.command.made(self.folder).keys()
            if missing:
                raise Failed(LOST, f"ends well without {sorted(missing)}: {said}")
            return SURVIVED
        told = said.rstrip("\n").split("\n")[-1]
        if "Traceback" in said or len(told) > LONGEST or status < 0 or not told:
            raise Failed(REFUSED_BADLY, f"status {status}: {said[-LONGEST:]}")
        if visible(told) != told:
            raise Failed(REFUSED_BADLY, f"what a terminal would obey: {visible(told)}")
        return REFUSED_WELL

    def check_again(self) -> None:
        """Run the same command; raise ``Failed`` unless all is as if nothing had befallen it."""
        process = self.start()
        if status := process.wait():
            raise Failed(LOST, f"again: status {status}: {process.said()[-LONGEST:]}")
        self.check_names()
        if missing := self.undisturbed.made.keys() - self.command.made(self.folder).keys():
            raise Failed(LOST, f"again, without {sorted(missing)}: {process.said()}")
        for path, record in self.command.records(self.folder).items():
            right = self.undisturbed.records[path]
            if other := [key for key in {*record, *right} if record.get(key) != right.get(key)]:
                told = [(record.get(key), right.get(key)) for key in other]
                raise Failed(LOST, f"again, with another record: {other}: {told}")
        if litter := left_over(self.folder):
            raise Failed(HALF_WRITTEN, f"left for ever: {litter}")


def left_over(folder: Path) -> list[str]:
    """Return what lies in a folder that no finished command leaves: files meant to be renamed."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob(".*")
        if path.name not in (".journal",) and not path.name.endswith(".lock")
    )


def undisturbed(command: Command, folder: Path, given: Path) -> Undisturbed:
    """Run a command twice where nothing befalls it, the second time counting what it does."""
    count, reads = shared_count(), shared_count()

    def watch() -> None:
        at_changes(lambda _: add_one(count))
        at_reads(lambda _: add_one(reads))

    ends = []
    for before in (lambda: None, watch):
        shutil.rmtree(folder, ignore_errors=True)
        trial = Trial(command, folder, given, Undisturbed({}, {}, 0, 0, 0), random.Random(0))
        trial.prepare()
        begun = time.monotonic()
        process = trial.start(before)
        if process.wait():
            raise RuntimeError(f"{command.name}, undisturbed: {process.said()}")
        process.log.unlink()
        ends.append((command.made(folder), command.records(folder), time.monotonic() - begun))
    (made, records, seconds), (others, other_records, _) = ends
    if (made, records) != (others, other_records) or not made:
        raise RuntimeError(f"{command.name}: two undisturbed runs differ")
    return Undisturbed(made, records, seconds, number_of(count), number_of(reads))


@contextlib.contextmanager
def disk(folder: Path, options: str):
    """Have a disk of its own in memory under a folder; yields what changes its options."""
    sudo = [] if os.getuid() == 0 else ["sudo", "-n"]
    folder.mkdir(parents=True)

    def mount(options: str) -> None:
        line = [*sudo, "mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
        subprocess.run(line, check=True)

    mount(f"mode=777,{options}")
    try:
        yield lambda changed: mount(f"remount,{changed}")
    finally:
        subprocess.run([*sudo, "umount", "--lazy", str(folder)], check=True)


def one_thread() -> None:
    """Keep this process to one thread, as it is to be forked."""
    torch.set_num_threads(1)


def in_child(work: Callable[[], object]) -> None:
    """Do something in a forked process, so that this one stays without threads."""
    if child := os.fork():
        if os.waitpid(child, 0)[1]:
            raise RuntimeError("the work of a child failed, as told above")
        return
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
