"""The door for tables that are no text: Excel workbooks, Parquet files and Arrow streams.

A recording may lie in a Parquet or Arrow table as the bytes of its file: they are read again when
it is its turn, since those of a whole corpus may not fit into memory.
"""

import functools
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from files.regular import REMEDY, Unreadable, check_regular, open_regular

ARROW = ".arrow"
AT_ONCE = 100  # rows
MOST_ROWS = 1 << 20  # of a sheet, as Excel has
MOST_UNPACKED = 1 << 28  # bytes of a workbook
HELD = 4  # groups of rows of Parquet files


class Embedded(NamedTuple):
    """A recording within a table: the table's file, what it is called there, and its bytes."""

    path: Path
    name: str | None
    read: Callable[[], bytes]


def read_sheets(path: str | Path, remedy: str = REMEDY) -> dict[str, list[tuple[int, list]]]:
    """Return the rows of a workbook's sheets, each with its number; empty ones are left out."""
    import openpyxl

    with open_regular(path, remedy) as file, _naming_fault(path, "an Excel workbook", remedy):
        with zipfile.ZipFile(file) as parts:
            if (size := sum(part.file_size for part in parts.infolist())) > MOST_UNPACKED:
                raise ValueError(
                    f"it unpacks to {size:,} bytes, of which {MOST_UNPACKED:,} are read"
                )
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        sheets = {sheet.title: _rows_of(sheet) for sheet in book.worksheets}
    return {name: rows for name, rows in sheets.items() if rows}


def _rows_of(sheet: Any) -> list[tuple[int, list]]:
    sheet.reset_dimensions()  # which not every program writes right
    found = []
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > MOST_ROWS:
            raise ValueError(f"a sheet has more than {MOST_ROWS:,} rows")
        if any(cell is not None for cell in row):
            found.append((number, list(row)))
    return found


def read_names(path: Path, remedy: str = REMEDY) -> list[str]:
    """Return the names of the columns of a Parquet or Arrow file."""
    check_regular(path, remedy)
    with _naming_fault(path, _kind(path), remedy):
        schema = _arrow(path).schema if _is_arrow(path) else _parquet(path).schema_arrow
        names: list[str] = schema.names
    return names


def read_rows(path: Path, names: Sequence[str], remedy: str = REMEDY) -> Iterator[list]:
    """Yield the cells of some columns of a Parquet or Arrow file, row by row.

    A cell with the bytes of a file, alone or as ``datasets`` has them, beside its name, is
    ``Embedded``; where there is a name alone, it is the cell.
    """
    row = 0
    check_regular(path, remedy)
    with _naming_fault(path, _kind(path), remedy):
        for batch in _batches(path, names):
            for values in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
                pairs = zip(names, values, strict=True)
                yield [_cell(path, name, row, value) for name, value in pairs]
                row += 1


def _batches(path: Path, names: Sequence[str]) -> Iterator[Any]:
    if _is_arrow(path):
        return iter(_arrow(path).select(names).to_batches(AT_ONCE))
    batches: Iterator[Any] = _parquet(path).iter_batches(AT_ONCE, columns=names)
    return batches


def _cell(path: Path, name: str, row: int, value: Any) -> Any:
    content, called = value, None
    if isinstance(value, dict) and "bytes" in value:
        content, called = value["bytes"], value.get("path")
    if not isinstance(content, bytes):
        return called if content is None else content
    return Embedded(path, called, functools.partial(_bytes_at, path, name, row))


def _bytes_at(path: Path, name: str, row: int) -> bytes:
    with _naming_fault(path, _kind(path), REMEDY):
        if _is_arrow(path):
            value = _arrow(path).column(name)[row].as_py()
        else:
            metadata, group = _parquet(path).metadata, 0
            while row >= (length := metadata.row_group(group).num_rows):
                group, row = group + 1, row - length
            value = _group(path, group, name)[row].as_py()
    content: bytes = value["bytes"] if isinstance(value, dict) else value
    return content


def _is_arrow(path: Path) -> bool:
    return path.suffix == ARROW


def _kind(path: Path) -> str:
    return "an Arrow stream" if _is_arrow(path) else "a Parquet file"


@functools.lru_cache(1 << 10)  # it is mapped: what is not asked for is not read
def _arrow(path: Path) -> Any:
    import pyarrow

    return pyarrow.ipc.open_stream(pyarrow.memory_map(str(path))).read_all()


def _parquet(path: Path) -> Any:
    import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(path)


@functools.lru_cache(HELD)
def _group(path: Path, group: int, name: str) -> Any:
    return _parquet(path).read_row_group(group, columns=[name]).column(name)


@contextmanager
def _naming_fault(path: str | Path, kind: str, remedy: str) -> Iterator[None]:
    """Make any error of a library that reads a file an ``Unreadable``: each has many kinds."""
    try:
        yield
    except Unreadable:
        raise
    except Exception as error:
        reason = f"not readable as {kind} ({type(error).__name__}: {error})"
        raise Unreadable(path, reason, remedy) from None
