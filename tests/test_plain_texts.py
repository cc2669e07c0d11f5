"""Files that are given as plain texts and are something else: told, not spoken."""

import json
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT
from domains.own_data import read_manifest_of_user, read_plain_texts
from errors import InputError
from test_experiment import CONFIG

SRT = "1\n00:00:01,000 --> 00:00:02,500\nHello there\n\n2\n00:00:03,000 --> 00:00:04,000\nBye\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('id,text\n1,Hello there\n2,"Well, bye"\n', "t.txt:1: 'id,text' is the header of a table"),
        (
            "path\tsentence\tup_votes\na.mp3\tHello\t2\n",
            "header of a table with tabs; name its column of texts",
        ),
        ("id\ttext\na\tHello\n", "'id\\\\ttext' is the header"),
        ("sentence\nHello there\n", "'sentence' is the header"),
        ("id\tquestion\n7\tWhere is it\n", "is the header of a table with tabs"),
        ("ticket_id\tSatz\n7\tWo ist es\n", "is the header of a table with tabs"),
        ("ID;Text;Label\n1;Hallo;gut\n", "header of a table with semicolons"),
        ("LJ001-0001|Hello there|hello there\nLJ001-0002|Bye|bye\n", "LJSpeech's"),
        ("wavs/a.wav|Hello there\nwavs/b.wav|Bye now\n", "LJSpeech's"),
        ("utt1,Hello there\nutt2,Bye now\n", "is a table with commas"),
        ("1;Hallo\n2;Tschüs\n", "is a table with commas"),
        ("spk1-utt01 HELLO THERE\nspk1-utt02 BYE\n", "ids before the texts, such as 'spk1-utt01'"),
        ('{"audio_filepath": "a.wav", "text": "Hello"}\n', "declare it under 'manifest'"),
        ('{"id": "a", "text": "Hello"}\n{"id": "b", "text": "Bye"}\n', "is JSON, not text"),
        ('[\n {"text": "Hello"},\n {"text": "Bye"}\n]\n', "is JSON, not text"),
        ("<!DOCTYPE html>\n<html><body>Hello</body></html>\n", "is HTML or XML"),
        ("<?xml version='1.0'?>\n<a>Hello</a>\n", "is HTML or XML"),
        ("| id | text |\n|----|------|\n| 1 | Hello |\n", "t.txt:1: is a table of Markdown"),
        ("id | text\n--- | ---\n1 | Hello\n", "Markdown|header of a table with bars"),
        ("Hello there\n# a comment\nBye\n", "t.txt:2: '# a comment' is a comment or Markdown"),
        (SRT, "t.txt:2: is of subtitles"),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n", "t.txt:1: is of subtitles"),
        ("1. Hello\n2. Bye\n3. Again\n", "has numbered lines"),
    ],
)
def test_another_kind_of_file_is_refused_with_the_remedy(tmp_path, content, message):
    (tmp_path / "t.txt").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message) as error:
        read_plain_texts(tmp_path / "t.txt", "d")
    assert "; " in str(error.value)  # what to do


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Hello there\n".encode("utf-16"), "is in UTF-16; convert it: iconv -f UTF-16 "),
        ("Hello there\n".encode("utf-16-le"), "is in UTF-16; convert it"),
        ("Hello there\n".encode("utf-32"), "is in UTF-32"),
        ("caf\u00e9\n".encode("latin-1"), "not readable as UTF-8 .*iconv -f WINDOWS-1252"),
        (b"PK\x03\x04\x14\x00\x06\x00", "is a ZIP, such as Excel's"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Excel"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"RIFF$\x00\x00\x00WAVEfmt ", "is audio"),
        (b"abc\x00\x00def\n", "bytes that are 0"),
        (b"", "is empty"),
    ],
)
def test_what_is_no_text_in_utf_8_is_refused(tmp_path, content, message):
    (tmp_path / "t.txt").write_bytes(content)
    with pytest.raises(InputError, match=rf"t\.txt:.* {message}"):
        read_plain_texts(tmp_path / "t.txt", "d")
    with pytest.raises(InputError, match=rf"t\.txt:.* {message}"):
        read_manifest_of_user(tmp_path / "t.txt")


def test_a_table_by_its_name_is_refused_where_it_has_columns(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Hello there,greeting\nBye now,greeting\n")
    with pytest.raises(InputError, match="t.csv:1: is of a table by its name"):
        read_plain_texts(path, "d")
    path.write_text("Hello there\nBye now\n")
    assert [text for _, text, _ in read_plain_texts(path, "d")] == ["Hello there", "Bye now"]


@pytest.mark.parametrize(
    "content",
    [
        "Text, audio, and video\nAdd a file, please\n",
        "Yes, text me\nNo, call me\n",
        "File, then save it\nPath, please\n",
        "The id, the text\nOh\n",
        "#1 fan\n2,000 people came\n3 of them left\n",
        "[laughs] Hello\n(hm) Bye\n",
        "<unk> hello\n<b>bye</b>\n",
        "e-mail me\nre-open ticket 5\n",
        "1. Hello\n1. Bye\n1. Again\n",
        "a | b\n",
        "10-20 people\nroom B-12 is free\n",
    ],
)
def test_ordinary_texts_are_read(tmp_path, content):
    (tmp_path / "t.txt").write_text(content, encoding="utf-8")
    texts = [text for _, text, _ in read_plain_texts(tmp_path / "t.txt", "d")]
    assert texts == content.splitlines()


def test_a_line_ends_where_any_system_ends_it(tmp_path):
    (tmp_path / "t.txt").write_bytes(b"one\r\ntwo\rthree\n")
    rows = read_plain_texts(tmp_path / "t.txt", "d")
    assert [(row[1], row[2][-2:]) for row in rows] == [
        ("one", ":1"),
        ("two", ":2"),
        ("three", ":3"),
    ]


def test_ids_tabs_and_texts_are_read_as_ever(tmp_path):
    (tmp_path / "t.tsv").write_text("utt-1\tHello, there\nutt-2\tBye | now\n")
    rows = read_plain_texts(Path(tmp_path / "t.tsv"), "d")
    assert [row[:2] for row in rows] == [("utt-1", "Hello, there"), ("utt-2", "Bye | now")]
    assert json.dumps(rows[0][2]).endswith('t.tsv:1"')


def test_a_table_given_as_texts_is_told_before_the_first_job(tmp_path):
    (tmp_path / "shop.txt").write_text("id,text\n1,Hello there\n")
    (tmp_path / "phone.jsonl").write_text("")
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    command = ["snakemake", "--dry-run", "--snakefile", ROOT / "Snakefile"]
    done = subprocess.run(
        [*command, "--directory", tmp_path, "--configfile", tmp_path / "config.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode
    assert "shop.txt:1: 'id,text' is the header of a table with commas" in done.stdout
    assert "Traceback" not in done.stdout
