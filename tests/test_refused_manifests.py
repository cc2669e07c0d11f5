"""Bad and hostile manifests: rows, labels and times that none can have, and what is no file."""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

import augment
import prepare
import score
from bad_input import RIGHT, Case, judge
from errors import run
from files.manifest import check_file_names, read_manifest, read_texts

OF_USER = {"id": "a", "text": "yes please", "duration": 1.0, "speaker": "ann"}
ROW = OF_USER | {"audio_filepath": "a.wav", "domain": "calls"}
TEXT = {"id": "a", "text": "yes", "spoken": "yes", "domain": "calls"}
LABELS = {
    "an escape sequence": "a\x1b[2J",
    "a change of direction": "a\u202eb",
    "an isolate": "a\u2066b",
    "a line end": "a\u2028b",
    "a newline": "a\nb",
    "a null": "a\x00",
    "10,000 characters": "a" * 10_000,
}
UNFIT = {  # as the name of a file
    "a path": "../../a",
    "an absolute path": "/etc/a",
    "a backslash": "a\\b",
    "a hidden name": ".a",
    "the folder": ".",
    "the folder above": "..",
    "a space": "a b",
    "a letter that looks like another": "\u0430",
    "of nothing": "",
}
TIMES = (-1, -0.001, 1e12, 10**19, True, "1", [1], {"s": 1})


def lines(rows: list[dict] | str | bytes) -> bytes:
    if isinstance(rows, bytes):
        return rows
    text = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
    return text.encode()


def read(folder: Path, rows: list[dict] | str | bytes, door: Callable = read_manifest) -> None:
    (folder / "m.jsonl").write_bytes(lines(rows))
    door(folder / "m.jsonl")


def prepared(folder: Path, rows: list[dict] | str, make: Callable | None = None) -> None:
    """Prepare a domain of a user's manifest, which has a second utterance that is right."""
    path = folder / "m.jsonl"
    for name in ("a", "b"):
        soundfile.write(folder / f"{name}.wav", np.sin(np.arange(16_000) / 20) / 4, 16_000)
    if make:
        make(path)
    else:
        path.write_bytes(lines(rows))
    declaration = {"manifest": str(path), "dev": 1, "test": 1}
    out = folder / "out"
    prepare.main(
        [
            *("--domain", "calls", "--language", "en", "--declaration", json.dumps(declaration)),
            *("--audio-dir", str(out / "audio"), "--manifests-dir", str(out / "manifests")),
            *("--texts-dir", str(out / "texts")),
        ]
    )


def of_user(what: str, says: str, **changes: object) -> Case:
    """Return the case of a user's manifest, of which the first row is changed."""

    def call(folder: Path) -> None:
        first = OF_USER | {"audio_filepath": str(folder / "a.wav")} | changes
        others = [
            {"id": name, "text": f"{name} it is", "audio_filepath": str(folder / "b.wav")}
            for name in ("b", "c", "d")
        ]
        prepared(folder, [{k: v for k, v in first.items() if v != "-"}, *others])

    return Case("manifest of the user", what, call, says)


def whole(what: str, says: str, rows: list[dict] | str = "", make: Callable | None = None) -> Case:
    call = partial(prepared, rows=rows, make=make)
    return Case("manifest of the user", what, call, says)


def own(what: str, says: str, **changes: object) -> Case:
    return Case("manifest", what, partial(read, rows=[ROW | changes]), says)


def texts(what: str, says: str, **changes: object) -> Case:
    return Case("texts to speak", what, partial(read, rows=[TEXT | changes], door=read_texts), says)


def raw(what: str, says: str, rows: str | bytes) -> Case:
    return Case("manifest", what, partial(read, rows=rows), says)


def augmented(folder: Path, id: str) -> None:
    soundfile.write(folder / "a.wav", np.sin(np.arange(1600) / 20) / 4, 16_000)
    (folder / "m.jsonl").write_bytes(
        lines([ROW | {"id": id, "audio_filepath": str(folder / "a.wav")}])
    )
    augment.main(
        [
            *("--manifest", str(folder / "m.jsonl"), "--settings", '{"noise": {}}', "--seed", "1"),
            *("--audio-dir", str(folder / "out"), "--output", str(folder / "out" / "m.jsonl")),
        ]
    )


CASES = [
    own("right", ""),
    own("right, of an hour", "", duration=3600),
    own("right, in Arabic", "", text="\u0646\u0639\u0645 \u200fأ"),
    *(
        own(f"{key}: {what}", rf"m\.jsonl:1: {key}", **{key: label})
        for key in ("id", "speaker", "domain")
        for what, label in LABELS.items()
    ),
    *(
        own(f"duration: {str(value)[:20]}", r"m\.jsonl:1: duration", duration=value)
        for value in TIMES
    ),
    *(
        own(f"{key}: {value!r}", rf"m\.jsonl:1: {key}", **{key: value})
        for key in ("id", "text", "audio_filepath")
        for value in (None, 1, ["a"], {"a": 1})
    ),
    own("a megabyte of text", r"m\.jsonl:1: text has 1,000,000 characters", text="a " * 500_000),
    raw("a key twice", r"m\.jsonl:1: 'id' stands twice", '{"id": "a", "id": "b"}'),
    raw("NaN", r"m\.jsonl:1: .*NaN is not a number", '{"id": "a", "duration": NaN}'),
    raw("an infinity", r"m\.jsonl:1: .*1e999 is too large", '{"id": "a", "duration": 1e999}'),
    raw("a list", r"m\.jsonl:1: .*not a JSON object", "[1]"),
    raw("a number", r"m\.jsonl:1: .*not a JSON object", "1"),
    raw("null", r"m\.jsonl:1: .*not a JSON object", "null"),
    raw("nulls", r"m\.jsonl: has bytes that are 0|m\.jsonl:1", b"\x00" * 100),
    raw("of Windows", r"m\.jsonl:1: not readable as UTF-8", '{"id": "é"}'.encode("cp1252")),
    raw("all in one line", r"m\.jsonl:1: not JSON", json.dumps(ROW) + json.dumps(ROW)),
    raw("a list of rows", r"m\.jsonl:1: .*not a JSON object", json.dumps([ROW])),
    *(
        texts(f"{key}: {what}", rf"m\.jsonl:1: {key}", **{key: label})
        for key in ("id", "domain")
        for what, label in LABELS.items()
    ),
    texts("right", ""),
    of_user("right", ""),
    of_user("right, without id", "", id="-"),
    *(
        of_user(f"id: {what}", r"m\.jsonl:1: (id|speaker)", id=label)
        for what, label in LABELS.items()
    ),
    *(of_user(f"id: {what}", r"m\.jsonl:1: id", id=name) for what, name in UNFIT.items() if name),
    of_user("id: another in capitals", r"m\.jsonl:2: id 'b' stands already", id="B"),
    *(
        of_user(f"speaker: {what}", r"m\.jsonl:1: speaker", speaker=label)
        for what, label in LABELS.items()
    ),
    *(
        of_user(f"{key}: {value!r}"[:40], rf"m\.jsonl:1: {key}", **{key: value})
        for key in ("offset", "duration")
        for value in TIMES
    ),
    *(
        of_user(f"text: {value!r}", r"m\.jsonl:1: text", text=value)
        for value in (None, 5, "", " ", ["a"])
    ),
    of_user("a megabyte of text", r"m\.jsonl:1: text has 1,000,000 char", text="a " * 500_000),
    of_user("audio: a number", r"m\.jsonl:1: audio_filepath is 5", audio_filepath=5),
    of_user("audio: none", r"m\.jsonl:1: audio_filepath is None", audio_filepath=None),
    of_user("audio: a null", r"m\.jsonl:1: .*not a path", audio_filepath="a\x00b"),
    of_user(
        "audio: an escape", r"m\.jsonl:1: audio_filepath '.*/\\x1b", audio_filepath="\x1b[2J.wav"
    ),
    *(
        of_user(f"audio: a name too {how}", r"m\.jsonl:1: .*too long", audio_filepath=name)
        for how, name in (("long", "a" * 300), ("deep", "a/" * 3000 + "b.wav"))
    ),
    of_user("audio: a device", r"is a device, not a file", audio_filepath="/dev/zero"),
    of_user("audio: a folder", r"m\.jsonl:1: .*is a folder", audio_filepath="/tmp"),
    whole("empty", r"m\.jsonl: is empty", ""),
    whole("a FIFO", r"m\.jsonl: is a pipe", make=os.mkfifo),
    whole("a device", r"m\.jsonl: is a device", make=lambda path: path.symlink_to("/dev/zero")),
    whole("a folder", r"m\.jsonl: is no folder that can be read", make=Path.mkdir),
    whole("a link to itself", r"m\.jsonl: not readable", make=lambda path: path.symlink_to(path)),
    whole("missing", r"m\.jsonl: no such file", make=lambda path: None),
    *(
        Case("augment", f"id: {what}", partial(augmented, id=name), r"m\.jsonl.* id")
        for what, name in UNFIT.items()
    ),
    Case("augment", "right", lambda _: check_file_names([{"id": "a-1.b_C"}], "m.jsonl")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.door}: {case.what}")
def test_a_bad_manifest_is_refused_well(case, tmp_path):
    outcome, said = judge(case, tmp_path)
    assert outcome in RIGHT, said


def test_what_a_command_prints_of_a_file_does_nothing_to_a_terminal(tmp_path, capsys):
    """A warning quotes a path of the user's, which may have any character but a null."""
    folder = tmp_path / "\x1b[2J"
    folder.mkdir()
    (folder / "r.jsonl").write_bytes(lines([ROW, ROW | {"id": "b"}]))
    (folder / "h.jsonl").write_bytes(
        lines([{"id": "a", "text": "yes " * 400}, {"id": "b", "text": ""}])
    )
    files = {"references": "r.jsonl", "hypotheses": "h.jsonl", "output": "s.json"}
    options = [part for k, v in files.items() for part in (f"--{k}", str(folder / v))]
    with pytest.raises(SystemExit):  # no record could name such files
        run(lambda: score.main([*options, "--language", "en"]))
    printed = "".join(capsys.readouterr())
    assert "\\x1b[2J" in printed and "\x1b" not in printed
