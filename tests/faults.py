"""Faults, carried out over small real runs; a command counts what came of them.

    python tests/faults.py                     # a table: fault by outcome
    python tests/faults.py --only kill         # faults whose name has that word
    python tests/faults.py --kills 500 --seed 7

After each fault the same command is run again, and must end with the bytes of an undisturbed run.
The faults of single commands stand here, those of whole runs in ``faults_of_runs.py``.
"""

import argparse
import errno
import fcntl
import importlib
import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

if __name__ == "__main__":
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[threads] = "1"  # of a process that is forked
    import conftest  # noqa: F401  (the folders to import from)

import trials
from tiny_commands import GIVEN, Command, commands, know_engine, write_inputs
from trials import (
    HARMED,
    HUNG,
    NOBODY,
    OUTCOMES,
    REFUSED_WELL,
    RIGHT,
    SURVIVED,
    Failed,
    Trial,
    add_one,
    at_changes,
    at_reads,
    disk,
    shared_count,
    undisturbed,
)

AWAY = 5.0  # s, in which a command that is asked to stop must have ended


def killed_at_random(trial: Trial) -> str:
    """Kill -9 of the process group at a random moment."""
    trial.prepare()
    process = trial.start()
    time.sleep(trial.moment())
    process.kill()
    trial.check_names()
    trial.check_again()
    return SURVIVED


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
    trial.prepare()
    for _ in range(5):
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


def ends_or_refuses(trial: Trial, process: trials.Process, lift: Callable = lambda: None) -> str:
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


def run_trial(fault: Callable[[Trial], str], trial: Trial) -> tuple[str, str]:
    """Return the outcome of a fault, and what was seen if it is none of ``RIGHT``."""
    before = contents(trial.given)
    try:
        outcome = fault(trial)
    except Failed as failed:
        outcome, seen = failed.args
        return outcome, seen
    return (outcome, "") if contents(trial.given) == before else (HARMED, "inputs were changed")


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of each file, but for the made-up engine's notes."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and path.name != "asked.txt"
    }


class Ground:
    """A folder with inputs and undisturbed runs, on which faults are tried."""

    def __init__(self, folder: Path) -> None:
        trials.one_thread()
        self.folder = folder
        self.given = folder / "inputs" / GIVEN
        know_engine()
        trials.in_child(lambda: write_inputs(folder / "inputs"))
        self.commands = {command.name: command for command in commands(self.given)}
        for command in self.commands.values():
            importlib.import_module(command.script)
        self._undisturbed: dict[str, trials.Undisturbed] = {}
        self._trials = 0

    def trial(self, command: Command, seed: str) -> Trial:
        """Return a new trial of a command; what it draws follows from the seed."""
        if command.name not in self._undisturbed:
            place = self.folder / "undisturbed"
            self._undisturbed[command.name] = undisturbed(command, place, self.given)
        self._trials += 1
        place = self.folder / f"trial{self._trials}" / "run"
        place.parent.mkdir()
        place.parent.chmod(0o777)
        expected = self._undisturbed[command.name]
        return Trial(command, place, self.given, expected, random.Random(seed))


def planned(kills: int, others: int, only: str, names: list[str]) -> Iterator[tuple[str, str, int]]:
    """Yield fault, command and number of each trial: of all kills, and of each other fault."""
    chosen = [fault for fault in FAULTS if only in fault]
    of_kills, turn = [fault for fault in KILLS if fault in chosen], itertools.cycle(names)
    for number in range(kills if of_kills else 0):
        yield of_kills[number % len(of_kills)], names[number % len(names)], number
    for fault in [fault for fault in chosen if fault not in KILLS]:
        yield from ((fault, next(turn), number) for number in range(min(others, len(names))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="faults whose name has this in it")
    parser.add_argument("--command", default="", help="commands whose name has this in it")
    parser.add_argument("--kills", type=int, default=66, help="kill -9 of single commands (66)")
    parser.add_argument("--others", type=int, default=4, help="commands for each other fault (4)")
    parser.add_argument("--seed", type=int, default=1, help="of all moments (1)")
    parser.add_argument("--no-runs", action="store_true", help="single commands alone")
    options = parser.parse_args()
    counts: Counter[tuple[str, str]] = Counter()

    def note(fault: str, what: str, outcome: str, seen: str) -> None:
        counts[fault, outcome] += 1
        if outcome not in RIGHT:
            print(f"{outcome}: {fault}: {what}: {seen}\n", flush=True)

    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        Path(folder).chmod(0o755)
        ground = Ground(Path(folder))
        names = [name for name in ground.commands if options.command in name]
        for fault, name, number in planned(options.kills, options.others, options.only, names):
            trial = ground.trial(ground.commands[name], f"{options.seed} {fault} {name} {number}")
            note(fault, f"{name} {number}", *run_trial(FAULTS[fault], trial))
            shutil.rmtree(trial.folder.parent, ignore_errors=True)
        if not options.no_runs:
            from faults_of_runs import try_all

            try_all(Path(folder), options.only, options.seed, note)
    print(table(counts))
    sys.exit(any(outcome not in RIGHT for _, outcome in counts))


def table(counts: Counter[tuple[str, str]]) -> str:
    """Return the table of faults by outcome."""
    lines = [f"{'fault':<36}{'tried':>7}" + "".join(f"{each:>19}" for each in OUTCOMES)]
    for fault in [*dict.fromkeys(fault for fault, _ in counts), "all"]:
        row = [
            sum(n for (of, each), n in counts.items() if each == outcome and fault in (of, "all"))
            for outcome in OUTCOMES
        ]
        lines.append(f"{fault:<36}{sum(row):>7}" + "".join(f"{n:>19}" for n in row))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
