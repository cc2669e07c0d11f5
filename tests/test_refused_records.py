"""Hostile lineage records, and outputs that cannot be written."""

import errno
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest import mock

import pytest

from bad_input import RIGHT, Case, judge
from conftest import ROOT
from domains.own_data import check_ids
from errors import naming_file
from files.atomic import atomic_folder, atomic_path
from lineages.audit import Audit
from records.reading import read_record
from records.writing import write_record

SHA = "0" * 64


def recorded(folder: Path) -> Path:
    """Write a file with its record; return the record's path."""
    (folder / "a").touch()
    with mock.patch("os.fsync"):
        write_record(ROOT / "scripts/pool.py", [folder / "a"], [], {})
    return folder / "a.lineage.json"


def changed(folder: Path, text: str = "", run: dict | None = None, **values: object) -> Path:
    path = recorded(folder)
    content = json.loads(path.read_text())
    if values.pop("itself", False):
        content["inputs"] = {str(folder / "." / "a"): SHA}
    content = content | values | {"run": content["run"] | (run or {})}
    path.write_text(text or json.dumps(content))
    return path


def read(folder: Path, **changes: object) -> None:
    read_record(changed(folder, **changes))


def audited(folder: Path, **changes: object) -> None:
    """A hostile record is a finding, and another one beside it is read all the same."""
    (folder / "bad").mkdir()
    changed(folder / "bad", **changes)
    recorded(folder)
    audit = Audit(folder, ROOT / "scripts")
    told = [line for line in audit.findings if "bad/a.lineage.json" in line]
    if not told or "a.lineage.json" not in audit.experiment.records:
        raise RuntimeError("the audit ended, or did not tell")


RECORDS: dict[str, dict] = {
    "empty": {"text": "\n"},
    "a list": {"text": "[]"},
    "null": {"text": "null"},
    "a number": {"text": "9" * 5000},
    "NaN": {"text": "NaN"},
    "deep": {"text": "[" * 99_999},
    "a key twice": {"text": '{"outputs": {}, "outputs": {}}'},
    "half a character": {"text": '"\\ud800"'},
    "made of itself": {"itself": True},
    "after the year 9999": {"run": {"ended": 1e12}},
    "before 1970": {"run": {"started": -1.0}},
    "a time that is a list": {"run": {"ended": [1]}},
    "a time that is true of nothing": {"run": {"ended": None}},
    "stamps that are numbers": {"run": {"stamps": 7}},
    "a stamp of two": {"run": {"stamps": {"a": [1, 2]}}},
    "outputs that are a list": {"outputs": ["a"]},
    "inputs that are null": {"inputs": None},
    "an input that is a list": {"inputs": {"b": [SHA]}},
    "modules that are texts": {"modules": "x.py"},
    "a script that is a number": {"script": 7},
    "packages of numbers": {"packages": {"torch": 2}},
    "a name of 5,000 letters": {"inputs": {"b" * 5000: SHA}},
}


# --- outputs


def into(folder: Path, prepare: Callable[[Path], object], name: str, whole: bool = False) -> None:
    prepare(folder / "there")
    if whole:
        with atomic_folder(folder / name) as temporary:
            (temporary / "x").touch()
    else:
        with atomic_path(folder / name) as temporary:
            temporary.write_text("x")


def without_inodes(folder: Path) -> None:
    """A disk with room, on which no file more can be made."""
    there = os.statvfs(folder)
    few = mock.Mock(f_files=100, f_favail=0, f_bavail=there.f_bavail)
    with mock.patch("os.statvfs", return_value=few), naming_file(folder / "x"):
        raise OSError(errno.ENOSPC, "No space left on device")


def named(folder: Path, name: str) -> None:
    check_ids([(name, "texts.tsv:3")])


CANNOT = r"cannot be written \(.*\); "
CASES = [
    *(
        Case("lineage record", what, partial(read, **changes), r"a\.lineage\.json: .*; ")
        for what, changes in RECORDS.items()
    ),
    *(Case("audit", what, partial(audited, **changes)) for what, changes in RECORDS.items()),
    Case("output", "a folder", partial(into, prepare=Path.mkdir, name="there"), CANNOT),
    Case("output", "below a file", partial(into, prepare=Path.touch, name="there/x"), CANNOT),
    Case("output", "below a FIFO", partial(into, prepare=os.mkfifo, name="there/x"), CANNOT),
    Case("output", "in no disk", partial(into, prepare=Path.touch, name="/proc/x/y"), CANNOT),
    Case("output", "a long name", partial(into, prepare=Path.touch, name="x" * 300), CANNOT),
    Case(
        "output folder",
        "a file",
        partial(into, prepare=Path.touch, name="there", whole=True),
        CANNOT,
    ),
    Case("output", "right", partial(into, prepare=Path.mkdir, name="there/x")),
    Case("output", "no inodes", without_inodes, "all 100 inodes are used"),
    *(
        Case("id", name, partial(named, name=name), r"texts\.tsv:3: id .*unfit")
        for name in (".hidden", "..", "a/b", "", "a\n", "x" * 121)
    ),
    Case("id", "a.b", partial(named, name="a.b")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.door}: {case.what}")
def test_bad_input_is_refused_well(case, tmp_path):
    outcome, said = judge(case, tmp_path)
    assert outcome in RIGHT, (outcome, said)
