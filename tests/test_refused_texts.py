"""Bad and hostile files of the user's: tables, pages, subtitles, data folders, pronunciations."""

import io
import json
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import openpyxl
import pyarrow
import pytest
from pyarrow.parquet import write_table

from bad_input import RIGHT, Case, judge
from domains.own_data import check_ids, read_manifest_of_user, read_texts_of_user
from texts.pronunciations import read_pronunciations

Content = str | bytes | Callable[[Path], object]


def put(path: Path, content: Content) -> None:
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def read_texts(folder: Path, name: str, content: Content, column: str | None) -> None:
    put(folder / name, content)
    rows = read_texts_of_user(folder / name, "shop", "en", column)
    check_ids((id, place) for id, _, place in rows)


def texts(
    what: str, name: str, content: Content, says: str = "", column: str | None = None
) -> Case:
    call = partial(read_texts, name=name, content=content, column=column)
    return Case(f"texts: {name.partition('.')[2]}", what, call, says)


def read_folder(folder: Path, files: dict[str, Content]) -> None:
    for name, content in files.items():
        put(folder / name, content)
    for recording, _ in read_manifest_of_user(folder):
        recording.load()


def data(what: str, files: dict[str, Content], says: str = "") -> Case:
    return Case("data folders", what, partial(read_folder, files=files), says)


def read_said(folder: Path, content: Content) -> None:
    put(folder / "p.tsv", content)
    read_pronunciations(folder / "p.tsv")


def said(what: str, content: Content, says: str = "") -> Case:
    return Case("pronunciations", what, partial(read_said, content=content), says)


def book(rows: list[list], path: Path) -> None:
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    workbook.save(path)


def changed_book(path: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Write a workbook, one of whose parts is changed."""
    book([["text"], ["yes"]], path)
    parts = {}
    with zipfile.ZipFile(path) as packed:
        parts = {each: packed.read(each) for each in packed.namelist()}
    parts[name] = change(parts[name])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for each, content in parts.items():
            packed.writestr(each, content)


def sheet(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return partial(changed_book, name="xl/worksheets/sheet1.xml", change=change)


LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12)
)  # a billion of them
BOMB = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>'.encode()


def parquet(columns: dict) -> Callable[[Path], None]:
    return lambda path: write_table(pyarrow.table(columns), path)


def torn_parquet(path: Path) -> None:
    """Write a Parquet file whose end says that what describes it has four billion bytes."""
    write_table(pyarrow.table({"text": ["yes"]}), path)
    content = path.read_bytes()
    path.write_bytes(content[:-8] + b"\xff\xff\xff\xff" + b"PAR1")


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a", "b")


ARROW = io.BytesIO()
with pyarrow.ipc.new_stream(ARROW, pyarrow.schema({"text": pyarrow.string()})):
    pass
LONG = "yes " * 60_000  # 240,000 characters
KALDI = {"wav.scp": "a a.wav\n", "text": "a yes\n"}
STATE = {"_data_files": [{"filename": "../../../../etc/passwd"}]}
CASES = [
    texts("right", "t.csv", "id,text\na,yes\nb,no\n"),
    texts("nulls", "t.csv", "text\nye\x00s\n", r"t\.csv: has bytes that are 0"),
    texts("an enormous field", "t.csv", f"text\n{'a' * 300_000}\n", r"t\.csv:2"),
    texts("an enormous field, quoted", "t.csv", f'text\n"{LONG}"\n', r"t\.csv:2"),
    texts("a quote that is never closed", "t.csv", 'text\n"' + "yes\n" * 99_999, r"t\.csv:2"),
    texts("100,000 columns", "t.csv", ",".join(map(str, range(100_000))) + "\n", r"t\.csv", "text"),
    texts("two columns of one name", "t.csv", "text,text\na,b\n", r"t\.csv.*rename"),
    texts("UTF-16", "t.csv", "text\nyes\n".encode("utf-16"), r"t\.csv: is in UTF-16"),
    texts("UTF-16 without a mark", "t.tsv", "id\ttext\n".encode("utf-16-le"), r"UTF-16"),
    texts("UTF-32", "t.csv", "text\nyes\n".encode("utf-32"), r"t\.csv: is in UTF-32"),
    texts("an Excel workbook", "t.csv", partial(book, [["text"], ["a"]]), r"t\.csv: is a ZIP"),
    texts("a null column", "t.csv", "text\nyes\n", r"t\.csv.*column", "\x00"),
    texts("an escape in a column's name", "t.csv", "a\x1b[2J,b\nyes,no\n", r"t\.csv", "c"),
    texts("a text of a megabyte", "t.csv", f"text\n{'a' * 100_000}\n{'b' * 100_000}\n"),
    texts("empty", "t.csv", "", r"t\.csv: is empty"),
    texts("white space", "t.csv", "\n \n", r"t\.csv: is empty"),
    texts("an id that is a path", "t.tsv", "../../a\tyes\n/b\tno\n", r"t\.tsv:1: id '\.\./\.\./a'"),
    texts("a hidden id", "t.tsv", ".a\tyes\nb\tno\n", r"t\.tsv:1: id '\.a'"),
    texts("an id with an escape", "t.tsv", "a\x1b[2J\tyes\nb\tno\n", r"t\.tsv:1: id"),
    texts("a long id", "t.tsv", f"{'a' * 9000}\tyes\nb\tno\n", r"t\.tsv:1: id"),
    texts("ids that differ in capitals", "t.tsv", "a\tyes\nA\tno\n", r"t\.tsv:2: id 'A'"),
    texts("a long text", "t.txt", f"{LONG}\nyes\n", r"t\.txt:1: text has 2\d\d,\d+ characters"),
    texts("nulls", "t.txt", "ye\x00s\n", r"t\.txt: has bytes that are 0"),
    texts("a lost letter", "t.txt", "caf\ufffd\n", r"t\.txt:1: a letter was lost"),
    texts("a program", "t.txt", b"\x7fELF\x02\x01" + bytes(range(256)), r"t\.txt"),
    texts("a picture", "t.txt", b"\x89PNG\r\n\x1a\n" + bytes(99), r"t\.txt"),
    texts("a PDF", "t.txt", b"%PDF-1.7\n", r"t\.txt: is a PDF"),
    texts("no zip", "t.xlsx", "text", r"t\.xlsx: not readable as an Excel workbook"),
    texts("a zip of something else", "t.xlsx", zipped, r"t\.xlsx: not readable as an Excel"),
    texts(
        "a formula without a value",
        "t.xlsx",
        partial(book, [["n", "text"], [1, "=A1"]]),
        r"t\.xlsx:2: text is None",
    ),
    texts("a truth value", "t.xlsx", partial(book, [["text"], [True]]), r"t\.xlsx:2: text is True"),
    texts(
        "a bomb of entities",
        "t.xlsx",
        sheet(lambda xml: BOMB + b"<worksheet>&l11;</worksheet>"),
        r"t\.xlsx",
    ),
    texts(
        "a claim of a billion rows",
        "t.xlsx",
        sheet(lambda xml: xml.replace(b'ref="A1:A2"', b'ref="A1:XFD1048576"')),
    ),
    texts(
        "a row of number 10^9",
        "t.xlsx",
        sheet(
            lambda xml: xml.replace(b'r="2"', b'r="1000000000"').replace(
                b'r="A2"', b'r="A1000000000"'
            )
        ),
        r"t\.xlsx",
    ),
    texts(
        "a column of number 10^6",
        "t.xlsx",
        sheet(lambda xml: xml.replace(b'r="A2"', b'r="ZZZZ2"')),
        r"t\.xlsx",
    ),
    texts("a sheet of a gigabyte", "t.xlsx", sheet(lambda xml: xml + b" " * (1 << 30)), r"t\.xlsx"),
    texts(
        "a sheet cut short",
        "t.xlsx",
        sheet(lambda xml: xml[: len(xml) // 2]),
        r"t\.xlsx: not readable",
    ),
    texts(
        "a row that claims four billion bytes",
        "t.parquet",
        torn_parquet,
        r"t\.parquet: not readable",
    ),
    texts(
        "a column of lists",
        "t.parquet",
        parquet({"text": [["a"], ["b"]]}),
        r"t\.parquet:1: text is \['a'\]",
    ),
    texts(
        "a column of numbers", "t.parquet", parquet({"text": [1.5]}), r"t\.parquet:1: text is 1\.5"
    ),
    texts(
        "no rows",
        "t.parquet",
        parquet({"text": pyarrow.array([], pyarrow.string())}),
        "has no texts",
    ),
    texts("no columns", "t.parquet", parquet({}), r"t\.parquet"),
    texts("no rows", "t.arrow", ARROW.getvalue(), r"t\.arrow: has no texts"),
    texts("cut short", "t.arrow", ARROW.getvalue()[:40], r"t\.arrow: not readable"),
    texts(
        "a key twice", "t.jsonl", '{"text": "a", "text": "b"}\n', r"t\.jsonl:1: 'text' stands twice"
    ),
    texts("a number", "t.jsonl", '{"text": 5}\n', r"t\.jsonl:1: text is 5"),
    texts("deep", "t.jsonl", '{"text": ' + "[" * 9000 + "]" * 9000 + "}", r"t\.jsonl:1: .*deep"),
    texts("a list", "t.jsonl", "[1]\n", r"t\.jsonl:1: .*not a JSON object"),
    texts(
        "half a character", "t.jsonl", '{"text": "\\ud800"}\n', r"t\.jsonl:1: .*half a character"
    ),
    texts("quotes in quotes", "t.md", ">" * 20_000, r"t\.md: has no texts"),
    texts("brackets in brackets", "t.md", "[" * 20_000 + "\n\nYes, please.\n"),
    texts("stars", "t.md", "*a " * 20_000, r"t\.md:1: the line has 60,000 char"),
    texts(
        "backquotes", "t.md", "".join("`" * n + "a" for n in range(600)), r"t\.md:1: the line has"
    ),
    texts("lists in lists", "t.md", "".join(" " * (2 * n) + "- a\n" for n in range(600))),
    texts("elements in elements", "t.html", "<div>" * 50_000 + "Yes." + "</div>" * 50_000),
    texts("elements never closed", "t.html", "<b " * 50_000 + "<p>Yes.</p>"),
    texts(
        "a script", "t.html", "<p>Yes.</p><script>alert(1)", r"t\.html:1: <script> is not closed"
    ),
    texts(
        "entities that are none",
        "t.html",
        "<p>Yes &#x110000; &#55296; &foo;.</p>",
        r"t\.html:1: a letter",
    ),
    texts("no text", "t.html", "<p></p>", r"t\.html: has no texts"),
    texts(
        "times of 10^20 hours",
        "t.srt",
        "1\n99999999999999999999:00:01,000 --> 00:00:02,000\nyes\n",
        r"t\.srt:1",
    ),
    texts("times backwards", "t.srt", "1\n00:00:05,000 --> 00:00:02,000\nyes\n", r"t\.srt:2"),
    texts(
        "digits of Arabic",
        "t.srt",
        "1\n٠٠:٠٠:٠١,٠٠٠ --> ٠٠:٠٠:٠٢,٠٠٠\nyes\n",
        r"t\.srt:1|t\.srt: has no subtitles",
    ),
    texts("tags", "t.srt", "1\n00:00:01,000 --> 00:00:02,000\n" + "<i" * 50_000 + "\n"),
    data("a command", KALDI | {"wav.scp": "a touch PWNED |\n"}, r"wav\.scp:1: .*is not run"),
    data("times that are no numbers", KALDI | {"segments": "a a nan inf\n"}, r"segments:1"),
    data(
        "an end that is infinite",
        KALDI | {"segments": "a a 0 inf\n"},
        r"segments:1|text:1: duration is inf",
    ),
    data(
        "an id that is a path",
        {"wav.scp": "../a a.wav\n", "text": "../a yes\n"},
        r"text:1|wav|a\.wav",
    ),
    data("nulls", KALDI | {"text": "a \x00\n"}, r"text: has bytes that are 0"),
    data(
        "a data set that leaves its folder",
        {"state.json": json.dumps(STATE)},
        r"state\.json|passwd",
    ),
    data("a state that is a list", {"state.json": "[]"}, r"state\.json: .*not a JSON object"),
    data("files that are no list", {"state.json": '{"_data_files": {"a": 1}}'}, r"state\.json"),
    data("files of numbers", {"state.json": '{"_data_files": 5}'}, r"state\.json"),
    data(
        "names of numbers", {"state.json": '{"_data_files": [{"filename": [1]}]}'}, r"\[1\]|state"
    ),
    data(
        "metadata without audio",
        {"metadata.csv": "text\nyes\n"},
        r"no column is known to have the rec",
    ),
    said("right", "Zylo\tzigh low\n"),
    said("nulls", "Zylo\tzigh\x00low\n", r"p\.tsv: has bytes that are 0"),
    said("a program", b"\x7fELF" + bytes(range(256)), r"p\.tsv"),
    said("UTF-16", "Zylo\tzigh low\n".encode("utf-16"), r"p\.tsv: is in UTF-16"),
    said("an escape", "Zylo\tzigh \x1b[2J low\n", r"p\.tsv:1"),
    said("a change of direction", "Zy\u202elo\tzigh low\n", r"p\.tsv:1"),
    said("a word of a megabyte", "a" * 10**6 + "\tzigh low\n", r"p\.tsv:1"),
    said("said by a megabyte", "Zylo\t" + "a " * 500_000 + "\n", r"p\.tsv:1"),
    said("10,000 ways", "Zylo" + "\ta" * 10_000 + "\n", r"p\.tsv:1"),
    said("a lost letter", "Caf\ufffd\tcafay\n", r"p\.tsv:1"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.door}: {case.what}")
def test_a_bad_file_of_the_user_s_is_refused_well(case, tmp_path):
    outcome, said = judge(case, tmp_path)
    assert outcome in RIGHT, said
