"""Say how a file is made again from nothing but the files from outside; with --run, do so.

Without --run, a shell script is printed: every command, in order, once. With --run the commands are
run in a fresh folder, which gets links to the files from outside and to nothing else, and each file
that is made is held against the SHA-256 of its record. The exit status is 1 if FILE became another.
Records may come from anywhere: only scripts that a rule of this checkout calls are run, and they
write nothing outside of the fresh folder.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from errors import InputError
from escaping import visible
from fetching.identity import identity as identity_of_fetched
from files.atomic import INSIDE
from files.checksum import sha256
from lineages.diff import changed_rows, circumstances, differing, few, wer_of
from lineages.files import SCRIPTS, Code
from lineages.trace import (
    add_row,
    duration,
    fetched_in,
    identity,
    main_output,
    maker_of,
    name_in,
    record_of_file,
    scores_of_row,
    sha256_now,
    short,
)
from records.reading import made_of_itself, record_of
from records.record import Record

LOGS = "logs"
RULES = SCRIPTS.parent / "rules"
MANIFEST = ".jsonl"

Command = tuple[str, ...]  # script and arguments


@dataclass
class Plan:
    """All that some files are made from, in the folder ``root`` that its paths begin at.

    ``records`` by identity, ``fetched`` those of fetched folders, likewise; ``outside`` are files
    from outside with their SHA-256, where one was recorded.
    """

    root: str
    records: dict[tuple, Record] = field(default_factory=dict)
    fetched: dict[tuple, Record] = field(default_factory=dict)
    outside: dict[str, str | None] = field(default_factory=dict)


# What is needed


def plan_of(paths: list[Path]) -> Plan:
    """Return all that some files were made from."""
    pending = [record_of_file(path) for path in paths]
    plan = Plan(pending[0].root)
    while pending:
        record = pending.pop()
        if identity(record) in plan.records:
            continue
        if record.root != plan.root:
            raise InputError(
                f"{record.sidecar}: was written in {record.root}, and others in {plan.root};"
                " only what was made in one folder can be made again in another"
            )
        plan.records[identity(record)] = record
        for name in needs(record):
            maker, origin = origins(record, name)
            if origin:
                plan.fetched[identity(origin)] = origin
            elif maker:
                pending.append(maker)
            if origin is None and maker is None or name in record.inputs and origin:
                plan.outside[name] = record.inputs.get(name)
    for name in [*audio_of_manifests(plan), *folders_from_outside(plan)]:
        plan.outside.setdefault(name, None)
    return plan


def needs(record: Record) -> Iterator[str]:
    """Yield what must be there for a record's command: its inputs, and other files that it names.

    A file that the same script has made is what the command writes besides.
    """
    yield from record.inputs
    for name in map(os.path.normpath, record.content["command"][1:]):
        if name in record.inputs or not exists(record.at(name)):
            continue
        maker, origin = origins(record, name)
        made_elsewhere = maker is None or maker.script != record.script
        if origin or record.at(name).is_file() and made_elsewhere:
            yield name


def exists(path: Path) -> bool:
    """Say whether there is such a file or folder; a setting may be too long to name one."""
    try:
        return path.exists()
    except OSError:
        return False


def origins(record: Record, name: str) -> tuple[Record | None, Record | None]:
    """Return the record that made a file, and that of the fetched folder which it is in or is."""
    place = record.at(name)
    return maker_of(place), fetched_in(place if place.is_dir() else place.parent)


def audio_of_manifests(plan: Plan) -> Iterator[str]:
    """Yield the audio files that manifests from outside name by relative paths."""
    for name, expected in plan.outside.items():
        place = Path(plan.root, name)
        own = place.suffix == MANIFEST and fetched_in(place.parent) is None
        readable = own and expected and sha256_now(place) == expected
        for path in audio_in(place) if readable else []:
            if path and not os.path.isabs(path) and Path(plan.root, path).is_file():
                yield os.path.normpath(path)


def audio_in(manifest: Path) -> Iterator[str]:
    """Yield the audio files that a manifest names; raise ``InputError`` if it is none."""
    lines = manifest.read_text(encoding="utf-8-sig").splitlines()
    try:
        yield from (json.loads(line).get("audio_filepath") for line in lines if line.strip())
    except (ValueError, AttributeError) as error:
        raise InputError(f"{manifest}: is no manifest in JSON lines ({error})") from None


def folders_from_outside(plan: Plan) -> set[str]:
    """Return the folders that commands name and that files from outside were read from."""
    named = {
        os.path.normpath(argument)
        for record in plan.records.values()
        for argument in record.content["command"][1:]
    }
    return {str(folder) for name in plan.outside for folder in Path(name).parents} & named


def steps_of(plan: Plan, fetch_again: set[tuple]) -> dict[Command, list[Record]]:
    """Return the commands in their order, each once, with the records of what it makes.

    Fetched folders come from outside, but for those that must be fetched again (their identities).
    """
    records = [*plan.records.values(), *(plan.fetched[each] for each in fetch_again)]
    steps: dict[Command, list[Record]] = {}
    sorter: TopologicalSorter[Command] = TopologicalSorter()
    for record in records:
        command = tuple(record.content["command"])
        steps.setdefault(command, []).append(record)
        sorter.add(command)
        for name in needs(record):
            maker, origin = origins(record, name)
            before = (
                maker if origin is None else origin if identity(origin) in fetch_again else None
            )
            if before and (other := tuple(before.content["command"])) != command:
                sorter.add(command, other)
    try:
        order = list(sorter.static_order())
    except CycleError:
        raise made_of_itself(records[0]) from None
    if unknown := next((command for command in order if command not in steps), None):
        raise InputError(
            f"{records[0].sidecar}: another record of {unknown[0]} contradicts it; find out which"
            " is wrong with lineage.py audit"
        )
    return {command: steps[command] for command in order}


# What may be run


def scripts_of_rules() -> set[str]:
    """Return the scripts that the rules of this checkout call, which make what records tell of."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(RULES.glob("*.smk"))]
    return set(re.findall(r"\bpython scripts/(\w+\.py)\b", "\n".join(texts)))


def check_steps(steps: dict[Command, list[Record]]) -> None:
    """Refuse commands of records that are no stage's, or that write to other folders."""
    known = scripts_of_rules()
    for (script, *arguments), records in steps.items():
        place = records[0].sidecar
        if script not in known:
            raise InputError(
                f"{place}: was made by {script}, which no rule of this checkout calls; it is not"
                " run: call the lineage.py of the checkout that made it, if you trust it"
            )
        if elsewhere := next(
            (name for each in records for name in each.outputs if leaves(name)), None
        ):
            raise InputError(
                f"{place}: {elsewhere} lies outside of the folder that it was made in, and would be"
                " written over; copy it and its record into a folder, and name it there"
            )
        read = {
            str(each)
            for record in records
            for name in record.inputs
            for each in (Path(name), *Path(name).parents)
        }
        for argument in arguments:
            path = os.path.normpath(argument.partition("=")[2] or argument)
            if leaves(path) and path not in read:
                raise InputError(
                    f"{place}: its command names {argument[:200]!r}, which lies outside of the"
                    " folder and which it has not read; it is not run"
                )


def leaves(path: str) -> bool:
    """Say whether a path leads out of the folder that it begins in."""
    return os.path.isabs(path) or path.split(os.sep)[0] == os.pardir


# What has changed since


def changed_outside(plan: Plan) -> Iterator[str]:
    """Yield a line for each file from outside that is not what was read."""
    for name, expected in plan.outside.items():
        found = sha256_now(Path(plan.root, name))
        if found is None and expected:
            yield f"{name}: is not there; put the file with sha256 {expected[:12]} in its place"
        elif expected and found != expected:
            yield f"{name}: has sha256 {found[:12]}, was read with {expected[:12]}; put that back"


def changed_fetched(record: Record) -> Iterator[str]:
    """Yield a line for each file of a fetched folder that is not what was fetched."""
    (index,) = record.outputs
    if sha256_now(record.at(index)) != record.outputs[index]:
        yield f"{index}: is not what was fetched; fetch it again"
        return
    for name, file in json.loads(record.at(index).read_text(encoding="utf-8"))["files"].items():
        place = record.at(index).parent / name
        if not place.exists():
            yield f"{place}: is not there; fetch it again"
            continue
        found = sha256_now(place) if place.is_file() else identity_of_fetched(place)
        if found != file["sha256"]:
            yield f"{place}: has sha256 {found[:12]}, fetched {file['sha256'][:12]}; fetch it again"


def changed_code(plan: Plan) -> Iterator[str]:
    """Yield a line for each module that is not what made the files, and the remedy."""
    first: dict[str, Record] = {}
    code = Code(SCRIPTS)
    for record in plan.records.values():
        for name in code.changed_modules(record):
            if name in record.content["modules"]:
                first.setdefault(name, record)
    for name, record in first.items():
        commit = record.content["commit"]
        changes = " with changes that were not committed" if record.content["dirty"] else ""
        yield (
            f"scripts/{name}: is not what {short(main_output(record))} was made with (commit"
            f" {commit[:12]}{changes}); git worktree add ../{commit[:7]} {commit[:12]}, and call"
            " the lineage.py there"
        )


# The shell script


def shell_script(
    files: list[Path],
    plan: Plan,
    steps: Collection[Command],
    fetch_again: set[tuple],
    told: list[str],
) -> str:
    """Return the commands as a shell script for a fresh checkout."""
    commits = dict.fromkeys(
        record.content["commit"] + (" with changes" if record.content["dirty"] else "")
        for record in plan.records.values()
    )
    names = ", ".join(os.path.relpath(path, plan.root) for path in files)
    remarks = [f"Makes {names} again.", f"Commit: {', '.join(commits)}"]
    remarks += [f"CHANGED: {line}" for line in told]
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


# The run


def links_of(plan: Plan, fetch_again: Collection[tuple] = ()) -> dict[str, Path]:
    """Return where what comes from outside lies now, by its name: fetched folders, other files."""
    folders = {key: Path(record.sidecar).absolute().parent for key, record in plan.fetched.items()}
    links = {
        os.path.relpath(folder, plan.root): folder
        for key, folder in folders.items()
        if key not in fetch_again
    }
    links |= {
        name: Path(plan.root, name)
        for name in plan.outside
        if not os.path.isabs(name) and not fetched_in(Path(plan.root, name).parent)
    }
    return {
        name: place
        for name, place in links.items()
        if not any(str(folder) in links for folder in Path(name).parents)
    }


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
    """Return an empty folder, made anew."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="reproduced-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise InputError(f"--folder {folder}: is not empty; name a new one")
    return folder.absolute()


def make_again(steps: dict[Command, list[Record]], folder: Path) -> None:
    """Run the commands in a folder, and tell of each whether it made the same bytes."""
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
            tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise InputError(f"{log}: {script} ended with status {status}: {' '.join(tail)}")
        took = duration(time.monotonic() - started)
        for line in verdict(records, folder):
            print(visible(f"    {line}; {took}"), flush=True)


def verdict(records: list[Record], folder: Path) -> Iterator[str]:
    """Yield whether all files of a command are the same, or which are not, and what may be why."""
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
    """Say whether a file was made again as it was."""
    path = folder / name
    return path.is_file() and sha256(path) == record.outputs[name]


def reason(record: Record, folder: Path) -> str:
    """Return what may be why a stage made other bytes than it did before."""
    new = record_of(folder / main_output(record))
    if new is None:
        return "not all was made"
    found = [f"{what} {change}" for what, change in differing(record, new, [])]
    found += [
        f"{os.path.basename(name)}, which it read, differs"
        for name, expected in record.inputs.items()
        if new.inputs.get(name, expected) != expected
    ]
    return few(found, "; ") if found else circumstances(record, new)


def compare(files: list[Path], plan: Plan, folder: Path) -> bool:
    """Tell whether the files that were asked for are the same, and return that."""
    same = True
    for path in files:
        record = record_of_file(path)
        name = name_in(record, path)
        if is_same(record, name, folder):
            print(f"{name}: the same bytes{wer_of(folder / name)}")
            continue
        same = False
        again = folder / name
        found = sha256(again)[:12] if again.is_file() else "none, it was not made"
        print(f"{name}: other bytes")
        print(f"    was: sha256 {record.outputs[name][:12]}{wer_of(path)}")
        print(f"    is: sha256 {found}{wer_of(again)}")
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
    told = [*changed_outside(plan), *(line for lines in of_fetched.values() for line in lines)]
    told += changed_code(plan)
    steps = steps_of(plan, fetch_again)
    check_steps(steps)
    if not options.run:
        print(shell_script(files, plan, steps, fetch_again, told))
        return
    if told and not options.anyway:
        listed = "\n".join(f"  {line}" for line in told)
        raise InputError(f"not what {options.file} was made from (--anyway to run it):\n{listed}")
    folder = fresh_folder(options.folder)
    heading = [visible(number)] if number else []
    print(*heading, f"in {folder}, logs in {LOGS}", sep="\n", flush=True)
    make_links(links_of(plan, fetch_again), folder)
    make_again(steps, folder)
    if not compare(files, plan, folder):
        raise SystemExit(1)
