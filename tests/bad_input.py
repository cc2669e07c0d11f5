"""Bad and hostile input, judged: each is refused well, or rightly accepted; a command counts them.

    python tests/bad_input.py          # a table: door by outcome
    python tests/bad_input.py --list   # each case that is not as it should be, with what was said

The cases stand in the tables ``CASES`` of ``tests/test_refused_*.py``.
"""

import argparse
import contextlib
import io
import os
import re
import resource
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    import conftest  # noqa: F401  (the folders to import from)

from errors import InputError
from escaping import visible

REFUSED_WELL, ACCEPTED_RIGHTLY = "refused well", "accepted rightly"
REFUSED_BADLY, ACCEPTED_WRONGLY = "refused badly", "accepted wrongly"
HUNG, HARMED = "hung", "harmed"
OUTCOMES = (REFUSED_WELL, ACCEPTED_RIGHTLY, REFUSED_BADLY, ACCEPTED_WRONGLY, HUNG, HARMED)
RIGHT = (REFUSED_WELL, ACCEPTED_RIGHTLY)
SECONDS = 60  # after which a door hangs; machines are busy at times
MEMORY = 4 << 30  # bytes that a case may take beyond what the process has
LONGEST = 2000  # characters of a refusal that one can still read


@dataclass(frozen=True)
class Case:
    """One input at one door.

    ``call`` gets an empty folder, makes the input in it and calls what is to read it; what the
    call writes goes under ``folder / "out"``. ``says`` is a pattern in the refusal (the file, the
    line, the value), or empty if the input is right and must be accepted.
    """

    door: str
    what: str
    call: Callable[[Path], object]
    says: str = ""


def judge(case: Case, folder: Path) -> tuple[str, str]:
    """Return the outcome of a case in an empty folder, and what was said."""
    try:
        with bounded(), contextlib.redirect_stderr(io.StringIO()) as stderr:
            try:
                case.call(folder)
            except SystemExit as error:  # of argparse, or of ``errors.run``
                said, refused = stderr.getvalue(), error.code not in (0, None)
            except InputError as error:
                said, refused = str(error), True
            else:
                said, refused = stderr.getvalue(), False
    except Hung:
        return HUNG, ""
    except BaseException as error:
        return REFUSED_BADLY, f"{type(error).__name__}: {visible(str(error))}"
    if not refused:
        return (ACCEPTED_WRONGLY if case.says else ACCEPTED_RIGHTLY), said
    if any(path.is_file() for path in (folder / "out").rglob("*")):
        return HARMED, said
    well = bool(case.says) and is_well_said(said, case.says)
    return (REFUSED_WELL if well else REFUSED_BADLY), said


def is_well_said(said: str, pattern: str) -> bool:
    """Say whether a refusal names what it should, can be read, and does nothing to a terminal."""
    lines = said.rstrip("\n").split("\n")
    return (
        re.search(pattern, said) is not None
        and len(said) <= LONGEST
        and "Traceback" not in said
        and all(visible(line) == line for line in lines)
    )


class Hung(BaseException):
    """A case took more than ``SECONDS``."""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Bound the time and the memory of what is done within."""

    def hang(*_: object) -> None:
        raise Hung

    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    previous = signal.signal(signal.SIGALRM, hang)
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, hard))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGALRM, previous)


def all_cases() -> list[Case]:
    """Return the cases of all tables."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("test_refused_*.py"))
    return [case for name in names for case in import_module(name).CASES]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--list", action="store_true", help="show what is not as it should be")
    options = parser.parse_args()
    counts: Counter[tuple[str, str]] = Counter()
    for case in all_cases():
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            outcome, said = judge(case, Path(folder))
        counts[case.door, outcome] += 1
        if options.list and outcome not in RIGHT:
            print(f"{outcome}: {case.door}: {case.what}: {said[:LONGEST]}")
    doors = sorted({door for door, _ in counts})
    print(f"{'door':<24}{'tried':>7}" + "".join(f"{outcome:>18}" for outcome in OUTCOMES))
    for door in [*doors, "all"]:
        row = [
            sum(n for (of, each), n in counts.items() if each == outcome and door in (of, "all"))
            for outcome in OUTCOMES
        ]
        print(f"{door:<24}{sum(row):>7}" + "".join(f"{n:>18}" for n in row))
    sys.exit(any(outcome not in RIGHT for _, outcome in counts))


if __name__ == "__main__":
    main()
