"""Lineage records as they are read, and how the record of a file is found."""

import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from addresses import without_secrets
from errors import InputError
from files.checksum import sha256
from files.json_file import parse
from files.text_file import read_text
from records.format import check_content, check_texts
from records.record import INDEX, SUFFIX, Record, ended, name_in, name_of_output, sidecar, stamp

MAX_BYTES = 1 << 26  # of a record
REMEDY = "make its file again"
ESCAPED = re.compile(r'\\[^"\\/]|\x7f')  # in JSON: what may be a control character


def read_record(path: str | Path) -> Record:
    """Return the record of a sidecar; raise ``InputError`` if it is none."""
    path = Path(path)
    text = read_text(path, REMEDY, MAX_BYTES)
    content = parse(text, f"{path}: not a lineage record", REMEDY)
    try:
        if not text.isascii() or ESCAPED.search(text):  # seldom, and slower
            check_texts(content)
        if "://" in text:
            content = without_secrets(content)
        check_content(content)
        outputs, inputs = (
            {os.path.normpath(name): digest for name, digest in content[key].items()}
            for key in ("outputs", "inputs")
        )
        return Record(
            str(path), root_of(path, outputs), content["script"], outputs, inputs, content
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not a lineage record ({type(error).__name__}: {error}); {REMEDY}"
        ) from None


def root_of(path: Path, outputs: Iterable[str]) -> str:
    """Return the folder that a record's paths are relative to, from where its sidecar lies."""
    place = os.path.abspath(path)
    for output in outputs:
        if place.endswith(os.sep + str(sidecar(output))):
            return place.removesuffix(str(sidecar(output))).rstrip(os.sep) or os.sep
        if place == str(sidecar(output)):
            return os.sep
    return os.getcwd()


def read_records(folder: str | Path) -> dict[str, Record]:
    """Return the latest record of each output that a record below a folder names, by its path."""
    records: dict[str, Record] = {}
    for path in sidecars_below(folder):
        record = read_record(path)
        for output in record.outputs:
            other = records.get(output)
            if other is None or ended(other) <= ended(record):
                records[output] = record
    return records


def sidecars_below(folder: str | Path) -> Iterator[Path]:
    """Yield the paths of all records below a folder, in order."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(name for name in names if name.endswith(SUFFIX)):
            yield Path(parent, name)


def record_of(
    path: str | Path, records_in: Callable[[Path], dict[str, Record]] | None = None
) -> Record | None:
    """Return the record of the stage that made a file, which lies in its folder; None without one.

    ``records_in`` may remember what it has returned.
    """
    path = Path(path)
    if sidecar(path).is_file():
        return read_record(sidecar(path))
    return (records_in or records_of_folder)(path.parent).get(os.path.abspath(path))


def records_of_folder(folder: Path) -> dict[str, Record]:
    """Return the records that lie in a folder, by the absolute path of each output; the latest."""
    records = sorted(map(read_record, folder.glob(f"*{SUFFIX}")), key=ended)
    return {
        os.path.abspath(record.at(output)): record
        for record in records
        for output in record.outputs
    }


def record_of_fetched(path: str | Path) -> Record | None:
    """Return the record of the fetched folder that a file is in, if it is in one."""
    for folder in Path(path).parents:
        if sidecar(folder / INDEX).is_file():
            return read_record(sidecar(folder / INDEX))
    return None


def upstream(path: str | Path, endings: str | tuple[str, ...] = "") -> list[Record]:
    """Return the records of a file and of all that it was made from, makers before users.

    Only inputs with one of the ``endings`` are followed. Raises ``InputError`` if the file itself
    has no record. Inputs without one are external files.
    """
    first = record_of(path)
    if first is None:
        raise InputError(
            f"{path}: no lineage record tells how it was made; name a file that the workflow made"
        )
    by_sidecar: dict[str, Record] = {}
    records_in = functools.cache(records_of_folder)

    def visit(record: Record, users: tuple[str, ...] = ()) -> None:
        if record.sidecar in users:
            raise made_of_itself(record)
        if record.sidecar in by_sidecar:
            return
        for name in record.inputs:
            if name.endswith(endings) and (maker := record_of(record.at(name), records_in)):
                visit(maker, (*users, record.sidecar))
        by_sidecar[record.sidecar] = record

    visit(first)
    return list(by_sidecar.values())


def made_of_itself(record: Record) -> InputError:
    """Return the error of a record whose file was made, at some remove, of itself."""
    return InputError(
        f"{record.sidecar}: its files were made of themselves, as records tell; delete them and all"
        " that was made of them, and run the workflow again"
    )


def known_sha256(path: str | Path, record: Record | None = None) -> str:
    """Return a file's SHA-256: its record's, if the file was not written after that."""
    record = record or record_of(path)
    if record and is_unwritten(path, record):
        return record.outputs[name_of_output(record, path)]
    return sha256(path)


def is_unwritten(path: str | Path, record: Record) -> bool:
    """Return whether a file is the one of its record, and was not written after the record was.

    Times in its stamp do not count: Snakemake touches all outputs of a job, its record last.
    """
    inode, _, size = record.content["run"]["stamps"].get(name_in(record, path), (None, None, None))
    inode_now, written, size_now = stamp(path)
    unchanged = (inode, size) == (inode_now, size_now)
    return unchanged and written <= stamp(record.sidecar)[1]
