"""The record of the stage that made a file, each read once, and the names of both."""

import functools
import os
from pathlib import Path

from errors import InputError
from files.checksum import sha256
from records.reading import known_sha256, record_of, record_of_fetched, records_of_folder
from records.record import SUFFIX, Record

RESULTS = "results"
records_in = functools.cache(records_of_folder)


@functools.cache
def maker_of(path: Path) -> Record | None:
    """Return the record of the stage that made a file; each is read once."""
    return record_of(path, records_in)


@functools.cache
def fetched_in(folder: Path) -> Record | None:
    """Return the record of the fetched artifact that a folder is in, if it is in one."""
    return record_of_fetched(folder / "any file")


def record_of_file(path: str | Path) -> Record:
    """Return the record of a file; raise ``InputError`` if there is none."""
    record = maker_of(Path(path))
    if record is None:
        there = "no lineage record tells how it was made" if Path(path).exists() else "no such file"
        raise InputError(f"{path}: {there}; name a file that the workflow made")
    return record


@functools.cache
def sha256_now(path: Path) -> str | None:
    """Return a file's SHA-256, its record's if it was not written since; None without a file."""
    if not path.is_file():
        return None
    record = maker_of(path)
    return known_sha256(path, record) if record else sha256(path)


def identity(record: Record) -> tuple[str, str]:
    """Return a record's key: it may lie in several folders, and counts once."""
    return record.root, min(record.outputs)


def main_output(record: Record) -> str:
    """Return the output that a record is called by, as it names it."""
    return os.path.relpath(os.path.abspath(record.sidecar).removesuffix(SUFFIX), record.root)


def short(path: str) -> str:
    """Return a record's path from the experiment's folder on, if it is in one."""
    first, *rest = Path(path).parts
    return str(Path(*rest[1:])) if first == RESULTS and len(rest) > 1 else path
