"""Faults over single commands: what befalls one, and what must be right afterwards.

Each takes a trial of a command in an empty folder, and returns ``SURVIVED`` or ``REFUSED_WELL``, or
raises ``Failed``.
"""

import errno
import fcntl
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tiny_commands import GIVEN
from trials import (
    HUNG,
    NOBODY,
    REFUSED_WELL,
    SURVIVED,
    Failed,
    Process,
    Trial,
    add_one,
    at_changes,
    at_reads,
    disk,
    shared_count,
)

AWAY = 5.0  # s, in which a command that is asked to stop must have ended


def killed_at_random(trial: Trial) -> str:
    """Kill -9 of the process group at a random moment."""
    return killed_so_often(trial, 1)


def killed_at_a_change(trial: Trial) -> str:
    """Kill -9 just before or after a rename, fsync, mkdir, unlink and the like."""
    trial.prepare()
    moment = trial.random.randrange(trial.undisturbed.changes)
    end = lambda now: now == moment and os.killpg(0, signal.SIGKILL)  # noqa: E731
    trial.start(lambda: at_changes(end)).wait()
    trial.check_names()
    trial.check_again()
    return SURVIVED


def killed_again_and_again(trial: Trial) -> str:
    """Kill -9 five times over, each time of the same command begun again."""
    return killed_so_often(trial, 5)


def killed_so_often(trial: Trial, times: int) -> str:
    trial.prepare()
    for _ in range(times):
        process = trial.start()
        time.sleep(trial.moment())
        process.kill()
        trial.check_names()
    trial.check_again()
    return SURVIVED


def asked_to_stop(number: int) -> Callable[[Trial], str]:
    def stopped(trial: Trial) -> str:
        trial.prepare()
        process = trial.start()
        time.sleep(trial.moment())
        process.send(number)
        try:
            status = process.wait(AWAY)
        except Failed:
            raise Failed(HUNG, f"goes on {AWAY} s after signal {number}") from None
        if status not in (0, -number) and "Traceback" not in process.said():
            trial.check_ended(process)
        trial.check_names()
        trial.check_again()
        return SURVIVED

    stopped.__doc__ = f"{signal.Signals(number).name} at a random moment."
    return stopped


def frozen(trial: Trial) -> str:
    """SIGSTOP at a random moment, SIGCONT a little later."""
    trial.prepare()
    process = trial.start()
    time.sleep(trial.moment())
    if process.send(signal.SIGSTOP):
        time.sleep(0.2)
        process.send(signal.SIGCONT)
    return ends_or_refuses(trial, process)


def twice_at_once(trial: Trial) -> str:
    """Two runs of the same command at once."""
    trial.prepare()
    first = trial.start()
    time.sleep(trial.moment() / 2)
    second = trial.start()
    outcomes = [trial.check_ended(process) for process in (first, second)]
    trial.check_names()
    trial.check_again()
    return SURVIVED if SURVIVED in outcomes else REFUSED_WELL


def ends_or_refuses(trial: Trial, process: Process, lift: Callable = lambda: None) -> str:
    """Return how a disturbed command ended, if all is right once the fault is lifted."""
    process.wait()
    trial.check_names()
    outcome = trial.check_ended(process)
    lift()
    trial.check_again()
    return outcome


def size_of(trial: Trial) -> int:
    return sum(4096 * (len(content) // 4096 + 1) for content in trial.undisturbed.made.values())


def disk_full(trial: Trial) -> str:
    """A disk that is full at a random byte."""
    room = 4096 * trial.random.randrange(1, 1 + size_of(trial) // 4096)
    with disk(trial.folder, f"size={room + 8192}") as change:
        trial.prepare()
        return ends_or_refuses(trial, trial.start(), lambda: change("size=64m"))


def inodes_used_up(trial: Trial) -> str:
    """A disk with room, and no inode left after a random number of files."""
    count = trial.random.randrange(1, 3 + len(trial.undisturbed.made))
    with disk(trial.folder, f"size=64m,nr_inodes={count + 2}") as change:
        trial.prepare()
        return ends_or_refuses(trial, trial.start(), lambda: change("nr_inodes=10000"))


def read_only(trial: Trial) -> str:
    """A file system that is read-only."""
    with disk(trial.folder, "size=64m") as change:
        trial.prepare()
        change("ro")
        return ends_or_refuses(trial, trial.start(), lambda: change("rw"))


def as_user(number: int) -> None:
    os.setgroups([])
    os.setgid(number)
    os.setuid(number)


def another_uid(trial: Trial) -> str:
    """A folder that another user owns."""
    trial.prepare()
    trial.folder.chmod(0o755)
    return ends_or_refuses(trial, trial.start(lambda: as_user(NOBODY)))


def outputs_of_another(trial: Trial) -> str:
    """Outputs of another user's run in a folder that all may write."""
    trial.prepare()
    trial.start().wait()
    for path in (trial.folder, *trial.folder.rglob("*")):
        if path.is_dir() and GIVEN.name not in path.parts:
            path.chmod(0o755)
    trial.folder.chmod(0o777)
    return ends_or_refuses(trial, trial.start(lambda: as_user(NOBODY)))


def unreadable_inputs(trial: Trial) -> str:
    """Inputs that only their owner may read."""
    trial.prepare(copied=True)
    trial.folder.chmod(0o777)
    files = [path for path in (trial.folder / GIVEN).rglob("*") if path.is_file()]
    for path in files:
        path.chmod(0o600)
    return ends_or_refuses(trial, trial.start(lambda: as_user(NOBODY)))


def no_home(trial: Trial) -> str:
    """A user without a name and a HOME."""
    trial.prepare()
    trial.folder.chmod(0o777)

    def leave_home() -> None:
        os.environ.pop("HOME", None)
        as_user(12345)

    return ends_or_refuses(trial, trial.start(leave_home))


def clock_jumps(trial: Trial) -> str:
    """A clock that jumps decades back and ahead."""
    trial.prepare()
    draw, real = trial.random, time.time

    def jump() -> None:
        time.time = lambda: real() + draw.choice([-30, -1, 0, 1, 70]) * 3.15e7

    return ends_or_refuses(trial, trial.start(jump))


def from_the_future(trial: Trial) -> str:
    """Inputs of the year 2100, outputs of the year 2200."""
    trial.prepare(copied=True)
    trial.start().wait()
    for path in [path for path in trial.folder.rglob("*") if path.is_file()]:
        when = 4.1e9 if GIVEN.name in path.parts else 7.3e9
        os.utime(path, (when, when))
    return ends_or_refuses(trial, trial.start())


def input_vanishes(trial: Trial) -> str:
    """An input that vanishes just before it is opened."""
    trial.prepare(copied=True)
    moment, reads = trial.random.randrange(max(1, trial.undisturbed.reads)), shared_count()

    def vanish(path: Path) -> None:
        if add_one(reads) == moment:
            path.unlink(missing_ok=True)

    process = trial.start(lambda: at_reads(vanish))
    process.wait()

    def bring_back() -> None:
        shutil.copytree(trial.given, trial.folder / GIVEN, dirs_exist_ok=True)

    return ends_or_refuses(trial, process, bring_back)


def no_links_nor_locks(trial: Trial) -> str:
    """A file system without hard links and without locks."""
    trial.prepare()

    def refuse(number: int) -> Callable:
        def refused(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        return refused

    def poor() -> None:
        os.link = refuse(errno.EPERM)
        fcntl.flock = refuse(errno.ENOLCK)

    return ends_or_refuses(trial, trial.start(poor))


def odd_path(trial: Trial) -> str:
    """A folder with spaces, quotes and letters of other alphabets in its path."""
    trial.folder = trial.folder / 'it\'s müde "и" 日本 {x} $HOME'
    trial.prepare()
    return ends_or_refuses(trial, trial.start())


def nobody_listens(trial: Trial) -> str:
    """Standard output and error closed at the other end."""
    trial.prepare()

    def close() -> None:
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 1)
        os.dup2(writer, 2)

    process = trial.start(close)
    process.wait()
    trial.check_names()
    trial.check_again()
    return SURVIVED if process.status == 0 else REFUSED_WELL


FAULTS: dict[str, Callable[[Trial], str]] = {
    "kill -9, random moment": killed_at_random,
    "kill -9, at a change of the disk": killed_at_a_change,
    "kill -9, five times over": killed_again_and_again,
    "SIGTERM": asked_to_stop(signal.SIGTERM),
    "SIGINT": asked_to_stop(signal.SIGINT),
    "SIGSTOP, SIGCONT": frozen,
    "two at once": twice_at_once,
    "full disk": disk_full,
    "no inodes": inodes_used_up,
    "read-only file system": read_only,
    "another uid": another_uid,
    "outputs of another uid": outputs_of_another,
    "unreadable inputs": unreadable_inputs,
    "no HOME, no name": no_home,
    "clock jumps": clock_jumps,
    "times in the future": from_the_future,
    "input vanishes": input_vanishes,
    "no hard links, no locks": no_links_nor_locks,
    "odd path": odd_path,
    "closed output": nobody_listens,
}
KILLS = [name for name in FAULTS if name.startswith("kill")]
