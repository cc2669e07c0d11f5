"""Faults, carried out over small real runs; a command counts what came of them.

    python tests/faults.py                     # a table: fault by outcome
    python tests/faults.py --only kill         # faults whose name has that word
    python tests/faults.py --kills 500 --seed 7

After each fault the same command is run again, and must end with the bytes of an undisturbed run.
The faults of single commands stand in ``faults_of_commands.py``, those of whole runs in
``faults_of_runs.py``.
"""

import argparse
import importlib
import itertools
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

if __name__ == "__main__":
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[threads] = "1"  # of a process that is forked
    import conftest  # noqa: F401  (the folders to import from)

import trials
from faults_of_commands import FAULTS, KILLS
from records import writing
from tiny_commands import GIVEN, Command, commands, know_engine, write_inputs
from trials import HARMED, OUTCOMES, RIGHT, Failed, Trial, undisturbed


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
            writing.code_of(str(importlib.import_module(command.script).__file__))
        writing.installed_versions()
        writing.commit()  # what follows is forked with all this known
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
        print(f"{counts.total()}: {fault}: {what}: {outcome}", file=sys.stderr)
        if outcome not in RIGHT:
            print(f"{outcome}: {fault}: {what}: {seen}\n", flush=True)

    try:
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            Path(folder).chmod(0o755)
            ground = Ground(Path(folder))
            names = [name for name in ground.commands if options.command in name]
            for fault, name, number in planned(options.kills, options.others, options.only, names):
                trial = ground.trial(
                    ground.commands[name], f"{options.seed} {fault} {name} {number}"
                )
                note(fault, f"{name} {number}", *run_trial(FAULTS[fault], trial))
                shutil.rmtree(trial.folder.parent, ignore_errors=True)
            if not options.no_runs:
                from faults_of_runs import try_all

                try_all(Path(folder), options.only, options.seed, note)
    except KeyboardInterrupt:
        print("interrupted: not all was tried")
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
