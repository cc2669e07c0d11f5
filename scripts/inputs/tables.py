"""Tables: CSV, TSV, Excel, Parquet and Arrow files, and JSON lines; each row with its place."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from errors import InputError
from files.manifest import parse_json_line
from files.table_file import read_names, read_rows, read_sheets
from files.text_file import read_text

DELIMITERS = (",", ";", "\t", "|")
TABS = (".tsv", ".tab")
DELIMITED = (".csv", *TABS)
BINARY = (".xlsx", ".parquet", ".arrow")
JSON_LINES = (".jsonl", ".ndjson")
NAMES_FIRST = "give it a first line with the names of its columns"

Row = tuple[str, list[Any]]  # place, and the cells that were asked for


class Table(NamedTuple):
    """A table: the names of its columns, and what reads the cells of some of them, row by row."""

    columns: list[str]
    rows: Callable[[Sequence[str]], Iterator[Row]]


def is_table(path: Path) -> bool:
    """Say whether a file is a table by its name."""
    return path.suffix.lower() in (*DELIMITED, *BINARY, *JSON_LINES)


def open_table(path: Path) -> Table:
    """Return the table in a file, of the kind that its name says; of any other name, it is CSV."""
    suffix = path.suffix.lower()
    if suffix in (*JSON_LINES, ".json"):
        return json_lines(path)
    if suffix == ".xlsx":
        return workbook(path)
    if suffix in BINARY:
        return columnar([path])
    return delimited(path)


def delimited(path: Path) -> Table:
    """Return the table in a CSV or TSV file, whose delimiter its first line shows.

    Between tabs quotes are characters like others, as in Common Voice's files.
    """
    text = read_text(path)
    first = next((line for line in text.splitlines() if line.strip()), None)
    if first is None:
        raise InputError(f"{path}: is empty; {NAMES_FIRST}")
    sign = delimiter(first, path)
    quoted = sign != "\t"
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    lines = io.StringIO(text, newline="")
    cells = numbered_cells(csv.reader(lines, delimiter=sign, quoting=quoting, strict=True), path)
    at, header = next(cells, (0, []))
    if not header:
        raise InputError(f"{path}: no cell has anything in it; {NAMES_FIRST}")
    names = [name.strip() for name in header]

    def rows(wanted: Sequence[str]) -> Iterator[Row]:
        positions = [names.index(name) for name in wanted]
        for number, row in cells:
            if len(row) != len(names):
                raise InputError(
                    f"{path}:{number}: has {len(row)} cells, but line {at} names {len(names)}"
                    f" columns ({sign!r} between them); correct the row"
                    + (", or put its text in quotes" if quoted else "")
                )
            yield f"{path}:{number}", [row[position] for position in positions]

    return Table(names, rows)


def delimiter(line: str, path: Path) -> str:
    """Return what stands between the cells of a table's first line: tabs, if its name says so."""
    if path.suffix.lower() in TABS:
        return "\t"
    bare = re.sub(r'"[^"]*"', "", line)
    return max(DELIMITERS, key=bare.count)


def numbered_cells(reader: Any, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of ``csv.reader`` that are not empty, each with its first line's number."""
    number = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield number, row
            number = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}:{number}: no row of a table ({error}); write a quote within quotes twice"
        ) from None


def workbook(path: Path) -> Table:
    """Return the table in the one sheet of a workbook that has one; its first row has the names."""
    sheets = read_sheets(path, "save it as .xlsx, or as .csv in UTF-8")
    if len(sheets) != 1:
        called = f" ({', '.join(map(repr, sheets))})" if sheets else ""
        raise InputError(
            f"{path}: {len(sheets)} sheets have cells{called}; keep one sheet, or save it as .csv"
        )
    (_, header), *lines = next(iter(sheets.values()))
    names = ["" if cell is None else str(cell).strip() for cell in header]

    def rows(wanted: Sequence[str]) -> Iterator[Row]:
        positions = [names.index(name) for name in wanted]
        for number, row in lines:
            cells = row + [None] * len(names)
            yield f"{path}:{number}", [as_typed(cells[position]) for position in positions]

    return Table(names, rows)


def as_typed(cell: Any) -> Any:
    """Return a cell as text if it has a whole number: Excel makes one of what looks like one."""
    return str(cell) if type(cell) is int else cell


def columnar(paths: Sequence[Path]) -> Table:
    """Return the table in Parquet or Arrow files, one after the other; rows count from 1 in each.

    A cell that holds a recording is ``Embedded``.
    """
    columns = read_names(paths[0])

    def rows(wanted: Sequence[str]) -> Iterator[Row]:
        for path in paths:
            if missing := set(wanted) - set(read_names(path)):
                raise InputError(
                    f"{path}: has no column {min(missing)!r}, which {paths[0]} has; keep files of"
                    " one table in a folder of their own"
                )
            for number, cells in enumerate(read_rows(path, wanted), start=1):
                yield f"{path}:{number}", cells

    return Table(columns, rows)


def json_lines(path: Path) -> Table:
    """Return the objects of a file, one a line, as a table; the first one's keys are its columns.

    An object that lacks a key has nothing there.
    """
    text = read_text(path).replace("\r\n", "\n")
    lines = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not lines:
        raise InputError(f"{path}: is empty; give one object per line")
    objects = [(f"{path}:{n}", parse_json_line(f"{path}:{n}", line)) for n, line in lines]

    def rows(wanted: Sequence[str]) -> Iterator[Row]:
        for place, content in objects:
            yield place, [content.get(name) for name in wanted]

    return Table(list(objects[0][1]), rows)
