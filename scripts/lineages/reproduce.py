"""Say how a file is made again from nothing but the files from outside; with --run, do so.

Without --run, a shell script is printed: every command, in order, once. With --run the commands are
run in a fresh folder, which gets links to the files from outside and to nothing else, and each file
that is made is held against the SHA-256 of its record. The exit status is 1 if FILE became another.
Records may come from anywhere: only scripts that a rule of this checkout calls are run, and they
write nothing outside of the fresh folder.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from errors import InputError
from escaping import visible
from files.atomic import INSIDE
from files.checksum import sha256
from files.regular import read_bytes
from lineages.changes import changed_code, changed_fetched, changed_outside
from lineages.code import SCRIPTS
from lineages.differences import circumstances, differing
from lineages.makers import (
    main_output,
    record_of_file,
    short,
)
from lineages.plan import Command, Plan, links_of, plan_of, steps_of
from lineages.rows import add_row, changed_rows, scores_of_row, wer_of
from lineages.settings import duration, few
from lineages.trust import check_steps
from records.reading import record_of
from records.record import Record, name_of_output

LOGS = "logs"


def shell_script(
    files: list[Path],
    plan: Plan,
    steps: Collection[Command],
    fetch_again: set[tuple],
    changes: list[str],
) -> str:
    """Return the commands as a shell script for a fresh checkout."""
    commits = dict.fromkeys(
        record.content["commit"] + (" with changes" if record.content["dirty"] else "")
        for record in plan.records.values()
    )
    names = ", ".join(os.path.relpath(path, plan.root) for path in files)
    remarks = [f"Makes {names} again.", f"Commit: {', '.join(commits)}"]
    remarks += [f"CHANGED: {line}" for line in changes]
    remarks += ["From outside, at these places of the folder that it is run in:"]
    remarks += [f"  {name}" for name in sorted(links_of(plan, fetch_again))]
    lines = ["#!/bin/sh", *map(comment, remarks), "set -eu"]
    for number, (script, *arguments) in enumerate(steps, start=1):
        lines += [comment(f"{number} of {len(steps)}")]
        lines += [shlex.join(["python", f"scripts/{script}", *arguments])]
    return "\n".join(lines)


def comment(text: str) -> str:
    """Return a text as a comment of a shell script, which ends with its line."""
    return f"# {visible(text, lines=False)}"


def make_links(links: dict[str, Path], folder: Path) -> None:
    """Link files and folders from outside into a fresh folder."""
    for name in links:
        if name.startswith(os.pardir):
            raise InputError(
                f"{name}: lies outside of the folder that the experiment was made in, by a relative"
                " path; nothing can be linked there for another folder"
            )
    for name, place in links.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            (folder / name).symlink_to(place.resolve(), place.is_dir())


def fresh_folder(folder: Path | None) -> Path:
    """Return a new, empty folder."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="reproduced-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise InputError(f"--folder {folder}: is not empty; name a new one")
    return folder.absolute()


def make_again(steps: dict[Command, list[Record]], folder: Path) -> None:
    """Run the commands in a folder, and print which of them made the recorded bytes."""
    (folder / LOGS).mkdir(exist_ok=True)
    for number, (command, records) in enumerate(steps.items(), start=1):
        script, *arguments = command
        first = short(main_output(records[0]))
        print(f"[{number}/{len(steps)}] {script}: {first}", flush=True)
        started = time.monotonic()
        log = folder / LOGS / f"{number:03}-{Path(script).stem}.log"
        with log.open("wb") as file:
            argv = [sys.executable, str(SCRIPTS / script), *arguments]
            inside = os.environ | {INSIDE: str(folder)}
            status = subprocess.run(
                argv, cwd=folder, stdout=file, stderr=file, env=inside
            ).returncode
        if status:
            tail = read_bytes(log).decode(errors="replace").strip().splitlines()[-1:]
            raise InputError(f"{log}: {script} ended with status {status}: {' '.join(tail)}")
        took = duration(time.monotonic() - started)
        for line in verdict(records, folder):
            print(visible(f"    {line}; {took}"), flush=True)


def verdict(records: list[Record], folder: Path) -> Iterator[str]:
    """Yield which files of a command have other bytes, with the reason, and how many have not."""
    number = 0
    for record in records:
        differ = [name for name in record.outputs if not is_same(record, name, folder)]
        number += len(record.outputs) - len(differ)
        if differ:
            names = few(map(os.path.basename, differ), ", ")
            yield f"other bytes: {names}: {reason(record, folder)}"
    if number:
        yield f"same bytes ({number} file{'s' if number > 1 else ''})"


def is_same(record: Record, name: str, folder: Path) -> bool:
    """Return whether a file in ``folder`` has the bytes that its record names."""
    path = folder / name
    return path.is_file() and sha256(path) == record.outputs[name]


def reason(record: Record, folder: Path) -> str:
    """Return what may explain that a stage made other bytes than before."""
    new = record_of(folder / main_output(record))
    if new is None:
        return "not all was made"
    differences = [f"{what} {change}" for what, change in differing(record, new, [])]
    differences += [
        f"{os.path.basename(name)}, which it read, differs"
        for name, expected in record.inputs.items()
        if new.inputs.get(name, expected) != expected
    ]
    return few(differences, "; ") if differences else circumstances(record, new)


def compare(files: list[Path], plan: Plan, folder: Path) -> bool:
    """Print whether the files that were asked for have the recorded bytes, and return that."""
    same = True
    for path in files:
        record = record_of_file(path)
        name = name_of_output(record, path)
        if is_same(record, name, folder):
            print(f"{name}: the same bytes{wer_of(folder / name)}")
            continue
        same = False
        again = folder / name
        digest = sha256(again)[:12] if again.is_file() else "none, it was not made"
        print(f"{name}: other bytes")
        print(f"    was: sha256 {record.outputs[name][:12]}{wer_of(path)}")
        print(f"    is: sha256 {digest}{wer_of(again)}")
        for line in changed_rows(path, again):
            print(visible(f"    {line}"))
        print(f"    {shlex.join(['lineage.py', 'diff', str(path), str(again)])}")
    return same


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", type=Path, help="file that the workflow made")
    add_row(parser)
    parser.add_argument("--run", action="store_true", help="run the commands, in a fresh folder")
    parser.add_argument("--folder", type=Path, help="that folder (default: a temporary one, kept)")
    parser.add_argument(
        "--anyway", action="store_true", help="run even if code or files from outside have changed"
    )


def main(options: argparse.Namespace) -> None:
    """Print the commands that make a file again, or run them."""
    files, number = [options.file], None
    if options.row:
        number, files = scores_of_row(options.file, options.row)
    plan = plan_of(files)
    of_fetched = {key: [*changed_fetched(record)] for key, record in plan.fetched.items()}
    fetch_again = {key for key, lines in of_fetched.items() if lines}
    changes = [*changed_outside(plan), *(line for lines in of_fetched.values() for line in lines)]
    changes += changed_code(plan)
    steps = steps_of(plan, fetch_again)
    check_steps(steps)
    if not options.run:
        print(shell_script(files, plan, steps, fetch_again, changes))
        return
    if changes and not options.anyway:
        listed = "\n".join(f"  {line}" for line in changes)
        raise InputError(f"not what {options.file} was made from (--anyway to run it):\n{listed}")
    folder = fresh_folder(options.folder)
    heading = [visible(number)] if number else []
    print(*heading, f"in {folder}, logs in {LOGS}", sep="\n", flush=True)
    make_links(links_of(plan, fetch_again), folder)
    make_again(steps, folder)
    if not compare(files, plan, folder):
        raise SystemExit(1)
