"""What drawing and fuzzing found (test_properties.py, fuzz.py): each was a traceback once."""

import contextlib
import json
from functools import partial
from pathlib import Path

import pytest

import fuzz
from bad_input import RIGHT, Case, judge
from configs.reading import complete_and_check
from errors import InputError
from files.json_file import parse
from test_experiment import CONFIG

PARSERS = fuzz.parsers()


def parsed(folder: Path, parser: str, content: bytes) -> None:
    path = folder / PARSERS[parser].name
    path.write_bytes(content)
    PARSERS[parser].read(path)


def find(parser: str, what: str, content: bytes, says: str) -> Case:
    return Case(parser, what, partial(parsed, parser=parser, content=content), says)


def json_case(what: str, text: str, says: str) -> Case:
    return Case("json", what, lambda folder: parse(text, "a.json", "mend it"), says)


def config_with_texts(folder: Path, domains: int, note: str) -> None:
    of_texts = {f"d{number}": {"texts": f"{note}.txt"} for number in range(domains)}
    complete_and_check(json.loads(json.dumps(CONFIG)) | {"domains": CONFIG["domains"] | of_texts})


CUT = '{"id": "a", "type": "MonoCut", "start": 0, "recording": {"sources": %s, "transforms": %s},'
CUT += ' "supervisions": %s}'
SPOKEN = '[{"text": "b", "start": 0, "duration": 1, "channel": 0}]'
WAV = '[{"type": "file", "channels": [0], "source": "a.wav"}]'


def cut(what: str, says: str, sources: str = WAV, transforms: str = "[]", spoken: str = SPOKEN):
    content = (CUT % (sources, transforms, spoken)).encode()
    return find("recordings", f"a cut whose {what}", content, says)


def zipped(crc: bytes = b"\x9c\xb6\xd8\x78") -> bytes:
    """Return a zip with a file, as the fuzzer begins with, that has another checksum."""
    archive = next(iter(fuzz.archives()))
    at = archive.index(b"PK\x01\x02") + 16
    return archive[:14] + crc + archive[18:at] + crc + archive[at + 4 :]


DEB = b"!<arch>\n" + b"%-16s" % b"data.tar.xz" + b"0           0     0     100644  "
CASES = [
    json_case("a number that is none, before what is no JSON", "NaN{", r"a\.json: NaN"),
    json_case("one that is too large, before a list that never ends", "[1e999,", r"a\.json: 1e999"),
    json_case("one too large, before lists that lie too deep", "[1e999" + ",[" * 9999, r"1e999"),
    find("yaml", "lines that end like a typewriter's", b"<<\r:\r:", r"a\.yaml:\d: not YAML"),
    find("yaml", "a line that ends as Unicode has it", "a: b\u2028c: : d".encode(), r"a\.yaml:2"),
    find("csv", "cells with nothing in them", b",\n", r"a\.csv: no cell"),
    find("csv", "commas alone, in several lines", b",,\n,,\n", r"a\.csv: no cell"),
    find("archives", "a zip whose file has another checksum", zipped(b"\0\0\0\0"), r"a\.tar.*CRC"),
    find("archives", "a deb whose size is no number", DEB + b"164      \x01`\n", r"a\.tar"),
    find("archives", "a deb with a name that is not ASCII", DEB[:-45] + b"\xe6" * 60, r"a\.tar"),
    cut("parts are right", ""),
    cut("sources are a number", r"a\.jsonl:1: sources is '1'", sources="1"),
    cut("sources are a text", r"a\.jsonl:1: sources is 'x'", sources='"x"'),
    cut("channels are a number", r"a\.jsonl:1: channels is '1'", sources='[{"channels": 1}]'),
    cut("changes are a number", r"a\.jsonl:1: transforms is '1'", transforms="1"),
    cut("changes are texts", r"a\.jsonl:1: transforms is", transforms='["Speed"]'),
    cut("texts are a number", r"a\.jsonl:1: supervisions is '1'", spoken="1"),
    cut("texts are texts", r"a\.jsonl:1: supervisions is", spoken='["b"]'),
    Case(
        "config",
        "200 domains with long paths",
        partial(config_with_texts, domains=200, note="a" * 900),
        r"config: domains.*bytes",
    ),
    Case("config", "200 domains", partial(config_with_texts, domains=200, note="a"), ""),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.door}: {case.what}")
def test_what_was_found_is_refused_well(case, tmp_path):
    outcome, said = judge(case, tmp_path)
    assert outcome in RIGHT, said


@pytest.mark.parametrize("name", PARSERS)
def test_what_fuzzing_begins_with_is_read_or_refused(name, tmp_path):
    for seed in PARSERS[name].seeds:
        with contextlib.suppress(InputError):
            parsed(tmp_path, name, seed)
