"""Texts as users have them: tables, running text, subtitles; each text with its place."""

import json
from pathlib import Path

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest

import prepare
from domains.own_data import read_texts_of_user
from errors import InputError

MARKDOWN = """\
---
title: Shop
---
# Opening hours

We open at 9 a.m. on
Mondays. Come *early*, please.

- Ring the `bell` twice.
- Ask for [Dr. Smith](https://example.org)

| thing | price |
|-------|-------|
| lamp  | The lamp costs 5 euros. It is blue. |

```sh
rm -rf lamps
```

<div><p>A page within.<br>
And more.</p></div>
"""
HTML = """\
<!DOCTYPE html>
<html><head><title>Shop</title><style>p { color: red }</style></head>
<body><nav><a href="/">Home</a></nav>
<h1>Opening <em>hours</em></h1>
<p>We open at 9 a.m. on
   Mondays. Tea &amp; cake
   are free.</p>
<script>var a = "<p>no</p>";</script>
<ul><li>Ring twice.<li>Wait</ul>
<table><tr><td>lamp</td><td>5 euros</td></tr></table>
</body></html>
"""
SRT = """\
1
00:00:01,000 --> 00:00:02,500
<i>We open at 9 a.m. on

2
00:00:02,600 --> 00:00:04,000
Mondays.</i> Come early

3
00:00:09,000 --> 00:00:10,000
- Ring twice.
- {\\an8}All right.
"""
VTT = """\
WEBVTT - shop

NOTE nobody
sees this

first
00:01.000 --> 00:02.000 align:start
<v Ann>We open <00:01.500>early,

00:02.000 --> 00:03.000
We open early,
I think.
"""


def workbook(path: Path, *sheets: list[list]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"s{number}")
        for row in rows:
            sheet.append(row)
    book.save(path)


def write(path: Path, content: object) -> Path:
    """Write an input of the kind that its name says."""
    if path.suffix == ".xlsx":
        workbook(path, *content)
    elif path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.table(content), path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path, column: str | None = None, language: str = "en") -> list[tuple[str, str]]:
    """Return text and number of its line or row."""
    rows = read_texts_of_user(path, "d", language, column)
    assert all(place.rpartition(":")[0] == str(path) for _, _, place in rows)
    return [(text, place.rpartition(":")[2]) for _, text, place in rows]


@pytest.mark.parametrize(
    ("name", "content", "column"),
    [
        ("t.csv", "text,n\nOpen the door,1\n\nClose it,2\n", None),
        ("t.csv", "\ufeffn;Sentence\r\n1;Open the door\r\n;\r\n2;Close it\r\n", None),
        ("t.csv", 'n|"te|xt"\n1|Open the door\n|\n2|Close it\n', "te|xt"),
        ("t.csv", "n,said\n1,Open the door\n,\n2,Close it\n", "said"),
        ("t.txt", "n,said\n1,Open the door\n,\n2,Close it\n", "said"),
        ("t.tsv", "path\tsentence\na.mp3\tOpen the door\n\nb.mp3\tClose it\n", None),
        ("t.xlsx", [[["n", "Text"], [1, "Open the door"], [None], [2, "Close it"]]], None),
        ("t.xlsx", [[], [["said"], ["Open the door"], [None], ["Close it"]]], "said"),
        ("t.jsonl", '\n{"text": "Open the door"}\n\n{"text": "Close it", "n": 2}\n', None),
    ],
)
def test_a_column_of_a_table_is_taken_and_the_line_or_row_is_the_place(
    tmp_path, name, content, column
):
    assert read(write(tmp_path / name, content), column) == [
        ("Open the door", "2"),
        ("Close it", "4"),
    ]


def test_the_rows_of_a_parquet_file_count_from_1(tmp_path):
    content = {"n": [1, 2], "sentence": ["Open the door", "Close it"]}
    path = write(tmp_path / "t.parquet", content)
    assert read(path) == [("Open the door", "1"), ("Close it", "2")]


def test_a_text_of_several_lines_stands_where_it_begins(tmp_path):
    content = 'n,text\n1,"Open\nthe ""big"" door, please"\n2,Close it\n'
    path = write(tmp_path / "t.csv", content)
    assert read(path) == [('Open the "big" door, please', "2"), ("Close it", "4")]


def test_between_tabs_a_quote_is_a_character_like_others(tmp_path):
    path = write(tmp_path / "t.tsv", 'path\tsentence\na.mp3\t"Open" the door\nb.mp3\t"Close\n')
    assert read(path) == [('"Open" the door', "2"), ('"Close', "3")]


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        ("id,text\na-1,Open\na-2,Close\n", ["a-1", "a-2"]),
        ("id,text\na-1,Open\nA-1,Close\n", ["d-000002", "d-000003"]),  # no names for files
        ("id,text\na/1,Open\na/2,Close\n", ["d-000002", "d-000003"]),
        ("text\nOpen\nClose\n", ["d-000002", "d-000003"]),  # the lines
    ],
)
def test_a_tables_ids_are_taken_if_each_is_another_and_fit_for_a_file(tmp_path, content, ids):
    rows = read_texts_of_user(write(tmp_path / "t.csv", content), "d", "en")
    assert [id for id, _, _ in rows] == ids


def test_sentences_of_one_line_have_ids_of_their_own(tmp_path):
    rows = read_texts_of_user(
        write(tmp_path / "t.md", "\nOpen it. Go. Now\nclose it.\n"), "d", "en"
    )
    assert [(id, text) for id, text, _ in rows] == [
        ("d-000002", "Open it."),
        ("d-000002.2", "Go."),
        ("d-000002.3", "Now close it."),
    ]


@pytest.mark.parametrize(
    ("name", "content", "sentences"),
    [
        (
            "t.md",
            MARKDOWN,
            [
                ("Opening hours", "4"),
                ("We open at 9 a.m. on Mondays.", "6"),
                ("Come early, please.", "7"),
                ("Ring the bell twice.", "9"),
                ("Ask for Dr. Smith", "10"),
                ("thing", "12"),
                ("price", "12"),
                ("lamp", "14"),
                ("The lamp costs 5 euros.", "14"),
                ("It is blue.", "14"),
                ("A page within.", "20"),
                ("And more.", "21"),
            ],
        ),
        (
            "t.html",
            HTML,
            [
                ("Opening hours", "4"),
                ("We open at 9 a.m. on Mondays.", "5"),
                ("Tea & cake are free.", "6"),
                ("Ring twice.", "9"),
                ("Wait", "9"),
                ("lamp", "10"),
                ("5 euros", "10"),
            ],
        ),
        (
            "t.srt",
            SRT.replace("\n", "\r\n"),
            [
                ("We open at 9 a.m. on Mondays.", "3"),
                ("Come early", "7"),  # a pause of 5 s behind it
                ("Ring twice.", "11"),
                ("All right.", "12"),
            ],
        ),
        ("t.vtt", VTT, [("We open early, I think.", "8")]),  # a line that rolls counts once
    ],
)
def test_sentences_are_taken_out_of_running_text_with_the_line_that_each_begins_in(
    tmp_path, name, content, sentences
):
    assert read(write(tmp_path / name, content)) == sentences


@pytest.mark.parametrize(
    ("language", "text", "sentences"),
    [
        ("en", "Dr. Smith paid $3.50 at 5 p.m. He left.", 2),
        ("de", "Am 3. Oktober kam Dr. Müller z. B. nach Berlin. Er blieb.", 2),
        ("fr", "Il a dit : « Bonjour ! » Puis, à 8 h, il est parti.", 2),
        ("es", "¿Cómo está Ud.? ¡Muy bien! El Sr. García vino.", 3),
        ("it", "Il Sig. Rossi arriva alle 10.30. Che bello!", 2),
    ],
)
def test_sentences_end_where_the_language_ends_them(tmp_path, language, text, sentences):
    assert len(read(write(tmp_path / "t.md", text), language=language)) == sentences


@pytest.mark.parametrize(
    ("name", "content", "column", "message"),
    [
        ("t.csv", "id,text\n", None, r"t\.csv: has no texts; "),
        ("t.csv", "id,text\n1,a,b\n", None, r"t\.csv:2: has 3 cells, but line 1 names 2 columns"),
        ("t.tsv", "id\ttext\n\n1\n", None, r"t\.tsv:3: has 1 cells, but line 1 names 2"),
        ("t.csv", 'id,text\n1,"Open\n', None, r"t\.csv:2: no row of a table \(unexpected end"),
        ("t.csv", "id,text\n1, \n", None, r"t\.csv:2: text is ' '; it must be a text"),
        (
            "t.csv",
            "n,sentence\n1,a\n",
            "sentense",
            r"no column 'sentense'; did you mean 'sentence'",
        ),
        ("t.csv", "n,sentence\n1,a\n", "x", r"has no column 'x'; there are 'n', 'sentence'"),
        ("t.csv", "sentence,prompt\na,b\n", None, "2 columns may have the texts; name one by col"),
        ("t.csv", "text,text\na,b\n", None, "two columns are called 'text'; rename one"),
        ("t.csv", "n,satz\n1,a\n", None, r"name its column of texts in the domain \(column: NAME"),
        ("t.csv", b"id,text\n1,caf\xe9\n", None, r"t\.csv:2: not readable as UTF-8 .*iconv"),
        ("t.csv", "id,text\n1,caf\ufffd\n", None, r"t\.csv:2: a letter was lost \(U\+FFFD\)"),
        ("t.txt", "id,text\n1,a\n", None, r"t\.txt:1: 'id,text' is the header .*\(column: NAME\)"),
        ("t.xlsx", [[["n", "satz"], [1, "a"]]], None, "no column is known .* of 'n', 'satz'"),
        ("t.xlsx", [[["text"], ["a"]], [["text"], ["b"]]], None, "2 sheets have cells .'s0', 's1'"),
        ("t.xlsx", [[]], None, "0 sheets have cells; "),
        ("t.xlsx", [[["n", "text"], [1, None]]], None, r"t\.xlsx:2: text is None; it must be"),
        ("t.xlsx", [[["text"], [2.5]]], None, r"t\.xlsx:2: text is 2\.5; it must be a text"),
        ("t.parquet", {"text": ["a", None]}, None, r"t\.parquet:2: text is None; it must be a t"),
        ("t.parquet", {"n": [1]}, "text", r"t\.parquet: has no column 'text'; there are 'n'"),
        ("t.jsonl", '{"text": "a"}\n{"txt": "b"}\n', None, r"t\.jsonl:2: text is None; it must be"),
        ("t.jsonl", '{"text": "a"}\n{"text": "b"\n', None, r"t\.jsonl:2: not JSON"),
        ("t.jsonl", '{"audio_filepath": "a", "text": "b"}', None, "under 'manifest', not 'texts'"),
        ("t.md", "Hello.\n", "text", r"t\.md: has no columns; remove column"),
        ("t.md", "```\ncode\n```\n", None, r"t\.md: has no texts"),
        ("t.html", "<p>Open\n<nav><a>Home</a>", None, r"t\.html:2: <nav> is not closed"),
        (
            "t.srt",
            "1\n00:00:01,000 --> 00:00:02,000\na\n\nb\n",
            None,
            r"t\.srt:5: 'b' stands under",
        ),
        ("t.vtt", "0:01.0 --> 0:02.0\na\n0:02.0 --> 0:03.0\nb", None, r"t\.vtt:3: .* within a sub"),
        ("t.vtt", "WEBVTT\n", None, r"t\.vtt: has no subtitles"),
    ],
)
def test_what_can_t_be_right_is_told_with_place_value_and_remedy(
    tmp_path, name, content, column, message
):
    with pytest.raises(InputError, match=message) as error:
        read(write(tmp_path / name, content), column)
    assert "; " in str(error.value)


def test_what_made_sentences_of_a_text_stands_in_the_record(tmp_path):
    write(tmp_path / "t.md", "Open the door. Close it.\n")
    declaration = json.dumps({"texts": str(tmp_path / "t.md"), "dev": 1})
    texts = ["--texts-dir", str(tmp_path), "--language", "en"]
    prepare.main(["--domain", "d", "--declaration", declaration, *texts])
    record = json.loads((tmp_path / "train.jsonl.lineage.json").read_text())
    assert {"sentencex", "markdown-it-py"} <= record["packages"].keys()
    assert record["inputs"].keys() == {str(tmp_path / "t.md")}


def test_whole_numbers_of_a_workbook_are_texts_and_a_manifests_texts_can_be_asked_for(tmp_path):
    assert read(write(tmp_path / "t.xlsx", [[["text"], [911]]])) == [("911", "2")]
    manifest = write(tmp_path / "m.jsonl", '{"audio_filepath": "a.wav", "text": "Open"}\n')
    assert read(manifest, "text") == [("Open", "1")]
    assert read(manifest.rename(tmp_path / "m.json"), "text") == [("Open", "1")]
