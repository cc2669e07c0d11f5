"""The doors: what comes from outside and is not what it should be is refused by name, at once."""

import ast
import gzip
import io
import json
import os
import signal
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow
import pytest
import soundfile
import torch
from pyarrow.parquet import write_table
from safetensors.numpy import save_file

from conftest import ROOT
from corpora import amazon_queen, asterisk
from corpora.slurp import read_speakers
from engines.kokoro import read_style
from errors import InputError
from fetching.archives import regular_files
from files.array_file import read_array, read_arrays
from files.audio import load_audio
from files.checkpoint_file import check_folder, read_pickled, read_tensors
from files.checksum import sha256
from files.json_file import parse, read_json, read_object, read_objects
from files.manifest import read_manifest
from files.regular import check_regular, read_bytes
from files.sound_file import read_header
from files.strict_yaml import load_yaml
from files.table_file import read_names, read_sheets
from files.text_file import read_lines, read_text
from recognisers.original import read_ranks
from records.reading import read_record
from test_own_texts import workbook
from texts.plain_texts import numbered_lines
from vectors.streaming import read_layout

Door = Callable[[Path], object]
BYTES: dict[str, Door] = {
    "bytes": read_bytes,
    "check": check_regular,
    "hash": sha256,
}
WHOLE: dict[str, tuple[Door, Callable[[Path], object]]] = {  # and what writes one
    "audio": (load_audio, lambda path: sound(path, [0.0] * 800)),
    "header": (read_header, lambda path: sound(path, [0.0] * 800)),
    "array": (read_array, lambda path: np.save(path.open("wb"), np.zeros(800))),
    "arrays": (read_arrays, lambda path: np.savez(path.open("wb"), a=np.zeros(800))),
    "tensors": (read_tensors, lambda path: save_file({"a": np.zeros(800)}, path)),
    "layout": (read_layout, lambda path: save_file({"a": np.zeros(800)}, path)),
    "pickled": (read_pickled, lambda path: torch.save({"a": torch.zeros(800)}, path)),
    "archive": (lambda path: [name for name, _ in regular_files(path)], lambda path: packed(path)),
    "script": (asterisk.prompts, lambda path: path.write_bytes(gzip.compress(b"a: b\n" * 800))),
    "queen": (amazon_queen.open_archive, lambda path: path.write_bytes(QUEEN)),
    "record": (read_record, lambda path: path.write_text("{}")),
    "texts": (numbered_lines, lambda path: path.write_text("a")),
    "ranks": (read_ranks, lambda path: path.write_text("IQ== 0\nIg==")),
    "style": (read_style, lambda path: path.write_bytes(bytes(1024))),
    "workbook": (read_sheets, lambda path: workbook(path, [["text"], *[["a"]] * 99])),
    "Parquet": (read_names, lambda path: write_table(TABLE, path)),
    "Arrow": (read_names, lambda path: write_stream(path)),
    "speakers": (read_speakers, lambda path: path.write_text('{"a": {"recordings": {}}}')),
}
NAMES = {"script": "x.gz", "Arrow": "x.arrow"}  # of a kind that is known by its name
TABLE = pyarrow.table({"text": [str(n) for n in range(99)]})
QUEEN = bytes(2) + amazon_queen.FIRST_ENTRY
TEXT: dict[str, Door] = {
    "text": read_text,
    "lines": lambda path: [*read_lines(path)],
}
JSON: dict[str, Door] = {
    "JSON": read_json,
    "object": read_object,
    "JSON lines": lambda path: [*read_objects(path)],
    "manifest": read_manifest,
    "YAML": load_yaml,
}
NOT_REGULAR = {
    "FIFO": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": Path.mkdir,
    "missing": lambda path: None,
    "name too long": lambda path: None,
}
BROKEN_JSON = {
    "truncated": ('{"a": "b', "not (JSON|YAML)"),
    "NaN": ('{"a": {"b": [1, NaN]}}', r"a\.b\.1: NaN is not a number"),
    "infinite": ('{"a": -1e999}', "a: -1e999 is too large"),
    "infinite by name": ('{"a": -Infinity}', "a: -Infinity is not a number"),
    "duplicate key": ('{"a": {"b": 1, "c": 2, "b": 3}}', "'b' stands twice"),
    "5,000 digits": ('{"a": %s}' % ("9" * 5000), "a: 9{20}... has 5000 digits"),
    "30 digits": ('{"a": -%s}' % ("9" * 30), "a: -9{19}... has 30 digits"),
    "deep": ('{"a": ' + "[" * 64 + "]" * 64 + "}", "too deep"),
    "very deep": ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "too deep"),
    "half a character": (r'{"a": "\ud800"}', r"'\\ud800' is half a character"),
}


def sound(path: Path, samples: list[float], **kind: str) -> None:
    """Write a sound of 8 kHz; its name does not say of what kind it is."""
    soundfile.write(path, samples, 8000, **{"format": "FLAC", **kind})


def write_stream(path: Path) -> None:
    with pyarrow.ipc.new_stream(str(path), TABLE.schema) as writer:
        writer.write_table(TABLE)


def packed(path: Path) -> None:
    """Write a tar with a file of 15,000 bytes in it."""
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo("a")
        entry.size = 15000
        tar.addfile(entry, io.BytesIO(bytes(15000)))


@pytest.fixture(autouse=True)
def no_door_hangs() -> Iterator[None]:
    """Fail where a door waits for a pipe that nobody writes, or reads a device without an end."""

    def fail(*_: object) -> None:
        pytest.fail("the door hangs")

    previous = signal.signal(signal.SIGALRM, fail)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


def refused(read: Door, path: Path, message: str = ".") -> None:
    """Hold a door to its word: an ``InputError`` with the file, and after a semicolon a remedy."""
    with pytest.raises(InputError, match=message) as error:
        read(path)
    assert path.name in str(error.value)
    assert "; " in str(error.value)


@pytest.mark.parametrize("kind", NOT_REGULAR)
@pytest.mark.parametrize("door", [*BYTES, *TEXT, *JSON, *WHOLE])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, door, kind):
    if (door, kind) == ("archive", "folder"):
        pytest.skip("a folder counts as unpacked")
    path = tmp_path / ("x" * 300 if kind == "name too long" else NAMES.get(door, "x"))
    NOT_REGULAR[kind](path)
    refused(
        {**BYTES, **TEXT, **JSON, **{name: read for name, (read, _) in WHOLE.items()}}[door], path
    )


@pytest.mark.parametrize("fault", ["empty", "truncated", "of something else"])
@pytest.mark.parametrize("door", WHOLE)
def test_what_is_not_whole_is_refused(tmp_path, door, fault):
    read, write = WHOLE[door]
    path = tmp_path / NAMES.get(door, "x")
    write(path)
    half = path.read_bytes()[: path.stat().st_size // 2]
    path.write_bytes({"empty": b"", "truncated": half}.get(fault, b"\xff{}"))
    refused(read, path)


@pytest.mark.parametrize("door", [*TEXT, *JSON])
def test_what_is_not_utf8_is_refused_with_its_line(tmp_path, door):
    (tmp_path / "x").write_bytes(b"{}\n\xff\n".replace(b"{}", b"" if door == "manifest" else b"{}"))
    refused({**TEXT, **JSON}[door], tmp_path / "x", r":2: not readable as UTF-8 text \(byte 0xff\)")


@pytest.mark.parametrize("fault", BROKEN_JSON)
@pytest.mark.parametrize("door", JSON)
def test_what_is_json_to_some_alone_is_refused_with_its_key(tmp_path, door, fault):
    text, message = BROKEN_JSON[fault]
    (tmp_path / "x").write_text(text)
    refused(JSON[door], tmp_path / "x", message)


@pytest.mark.parametrize("door", ["JSON", "object"])
def test_an_empty_file_is_no_json(tmp_path, door):
    (tmp_path / "x").write_text("\n")
    refused(JSON[door], tmp_path / "x", "it is empty")


def test_a_file_or_a_line_beyond_the_bound_is_not_read_into_memory(tmp_path):
    with (tmp_path / "x").open("wb") as file:
        file.truncate(1 << 40)
    refused(read_json, tmp_path / "x", "more than the bound of 1,073,741,824 bytes")
    refused(read_manifest, tmp_path / "x", "x:1: has more than the bound of 16,777,216 bytes")


def test_the_line_of_a_fault_is_named(tmp_path):
    (tmp_path / "x").write_text('{\n "a": 1,\n "b": tru\n}')
    refused(read_json, tmp_path / "x", r"not JSON \(.*line 3, column 7 before 'tru'\)")


def test_what_is_well_formed_is_read_as_it_is(tmp_path):
    content = {"a": [1, -2.5, 1e300, 2**64 - 1, None, True, "ü\x7f\U0001f600"], "b": {}}
    for text in (json.dumps(content), "\ufeff" + json.dumps(content, ensure_ascii=False)):
        (tmp_path / "x").write_text(text)
        assert read_json(tmp_path / "x") == content
    deep = json.loads("[" * 64 + "]" * 64)
    assert parse(json.dumps(deep), "--option", "write less") == deep
    (tmp_path / "lines").write_text('{"a": 1}\r\n\n \n{"a": 2}')
    assert [*read_objects(tmp_path / "lines")] == [(1, {"a": 1}), (4, {"a": 2})]


def test_samples_that_are_no_numbers_are_no_audio(tmp_path):
    for value in (np.nan, np.inf):
        sound(tmp_path / "x", [0.0, value], format="WAV", subtype="FLOAT")
        refused(load_audio, tmp_path / "x", "has samples that are not finite numbers")


def test_a_checkpoint_s_folder_has_no_pipes(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    check_folder(tmp_path)
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(InputError, match=r"model\.safetensors: is a pipe \(FIFO\), not a file; "):
        check_folder(tmp_path)


# --- nothing comes in elsewhere

READERS = {  # they read what comes from outside, or might wait for it
    *("json.load", "json.loads", "json.JSONDecoder", "yaml.load", "yaml.safe_load"),
    *("yaml.SafeLoader", "tomllib.load", "tomllib.loads", "linecache.getline", "fileinput.input"),
    *("numpy.load", "numpy.fromfile", "numpy.loadtxt", "numpy.genfromtxt", "numpy.memmap"),
    *("torch.load", "safetensors.safe_open", "pickle.load", "pickle.loads"),
    *("safetensors.numpy.load_file", "safetensors.torch.load_file"),
    *("soundfile.read", "soundfile.info", "soundfile.blocks", "soundfile.SoundFile"),
    *("gzip.open", "gzip.GzipFile", "tarfile.open", "zipfile.ZipFile", "os.open", "os.fdopen"),
    *("openpyxl.load_workbook", "pyarrow.memory_map", "pyarrow.parquet.ParquetFile"),
    *("urllib.request.urlopen", "urllib.request.build_opener"),
}
READING_METHODS = {"read_text", "read_bytes"}  # of paths
DOORS = {
    "files/regular.py": "bytes",
    "files/text_file.py": "text, also gzipped",
    "files/json_file.py": "JSON",
    "files/strict_yaml.py": "YAML",
    "files/sound_file.py": "audio",
    "files/array_file.py": "arrays",
    "files/table_file.py": "workbooks, Parquet and Arrow",
    "files/checkpoint_file.py": "checkpoints",
    "fetching/archives.py": "archives",
    "fetching/resuming.py": "addresses",
    "addresses.py": "JSON within texts, which it redacts: it is below all folders",
    "files/atomic.py": "the door out: what was just written reaches the disk",
    "computing/direct_file.py": "writes, past the cache",
    "engines/espeak.py": "the answer of its own child, through a pipe",
}


def readings(source: str) -> list[str]:
    """Return what in a module reads files by another way than a door's, with the lines."""
    tree = ast.parse(source)
    names: dict[str, str] = {}  # as the module calls them
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {each.asname: each.name for each in node.names if each.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return [f"{node.lineno}: {ast.unparse(node)}" for node in ast.walk(tree) if reads(node, names)]


def reads(node: ast.AST, names: dict[str, str]) -> bool:
    """Say whether a node names a reader, or opens a file in no mode of writing."""
    if isinstance(node, ast.Name | ast.Attribute):
        first, dot, rest = ast.unparse(node).partition(".")
        of_path = isinstance(node, ast.Attribute) and node.attr in READING_METHODS
        return of_path or names.get(first, first) + dot + rest in READERS
    if not isinstance(node, ast.Call) or ast.unparse(node.func).rpartition(".")[2] != "open":
        return False
    given = [*node.args, *(each.value for each in node.keywords if each.arg == "mode")]
    modes = [each.value for each in given if isinstance(each, ast.Constant)]
    return not any(isinstance(mode, str) and set(mode) & set("wax") for mode in modes)


def test_readings_are_seen_by_whatever_name():
    for source in (
        *("open(p)", "open(p, 'rb')", "p.open()", "p.open(mode='r')", "opener.open(request)"),
        *("p.read_text()", "map(Path.read_bytes, ps)", "import json\nmap(json.loads, texts)"),
        *("from json import load as l\nl(f)", "import numpy as np\nnp.load(p)"),
        *("from safetensors.numpy import load_file\nload_file(p)", "class L(yaml.SafeLoader): 0"),
    ):
        assert len(readings(source)) == 1, source
    for source in ("open(p, 'w')", "p.open('ab')", "read_text(p)", "json.dumps(x)", "opened(p)"):
        assert readings(source) == [], source


@pytest.mark.parametrize("module", sorted(ROOT.glob("scripts/**/*.py")), ids=lambda path: path.stem)
def test_what_comes_from_outside_comes_in_through_a_door(module):
    name = module.relative_to(ROOT / "scripts").as_posix()
    if name not in DOORS:
        assert readings(module.read_text()) == []


@pytest.mark.parametrize("name", DOORS)
def test_a_module_that_is_let_be_reads_something(name):
    assert readings((ROOT / "scripts" / name).read_text())
