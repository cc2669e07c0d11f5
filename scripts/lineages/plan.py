"""All that some files are made from, and the commands that make them, in their order."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from errors import InputError
from files.manifest import audio_rows
from lineages.makers import (
    fetched_in,
    identity,
    maker_of,
    record_of_file,
    sha256_now,
)
from records.reading import made_of_itself
from records.record import Record

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
    """Return whether there is such a file or folder; a setting may be too long to name one."""
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
        for row in audio_rows(place) if readable else []:
            path = row["audio_filepath"]
            if not os.path.isabs(path) and Path(plan.root, path).is_file():
                yield os.path.normpath(path)


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
