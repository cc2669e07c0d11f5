"""Lineage records: what stands in them, and how they are found again."""

import hashlib
import json
import os
from pathlib import Path

import jsonschema
import pytest

from conftest import ROOT
from errors import InputError
from records import reading, writing
from records import record as records
from records.reading import read_record, record_of
from records.writing import write_record

SCHEMA = json.loads((ROOT / "scripts/lineage.schema.json").read_text())
POOL = ROOT / "scripts/pool.py"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: str, text: str = "x") -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return path


def content(path: str) -> dict:
    return json.loads(records.sidecar(path).read_text())


def test_a_record_keeps_to_its_schema_and_names_each_module():
    write_record(POOL, [write("a")], [write("in")], {"seed": 1}, counts={"rows": 2})
    found = content("a")
    jsonschema.validate(found, SCHEMA)
    assert {"pool.py", "files/manifest.py"} <= found["modules"].keys()
    assert found["code"] == writing.code_of(POOL)[0]
    assert found["parameters"] == {"seed": 1} and found["counts"] == {"rows": 2}
    assert len(found["commit"]) == 40 or found["commit"] == "unknown"


def test_two_identical_runs_differ_in_run_only():
    texts = []
    for _ in range(2):
        write_record(POOL, [write("a")], [write("in")], {"seed": 1}, of_run={"resumed": 3})
        texts.append(records.sidecar("a").read_text())
    first, second = map(json.loads, texts)
    assert first.pop("run") != second.pop("run")
    assert first == second
    whole = content("a")
    assert texts[1] == json.dumps(whole, indent=1, sort_keys=True) + "\n"
    assert whole["run"]["resumed"] == 3


def test_licences_go_downstream_from_what_was_fetched_and_from_the_users_own():
    fetched = write("resources/voice/files.json", "{}")
    terms = records.licence("CC-BY-NC-4.0", "commercial use")
    write_record(POOL, [fetched], [], {}, licences={"voice": terms})
    weights = write("resources/voice/deep/model.onnx")
    write_record(POOL, [write("speech")], [weights, write("own.txt")], {})
    mine = records.licence("not stated")
    write_record(POOL, [write("texts")], [write("own.txt")], {}, licences={"shop": mine})
    write_record(POOL, [write("model")], ["speech", "texts"], {})
    assert content("model")["licences"] == {
        "voice": {"licence": "CC-BY-NC-4.0", "forbids": "commercial use"},
        "shop": {"licence": "not stated"},
    }


def test_an_input_is_read_again_only_if_it_was_written_since(monkeypatch):
    write_record(POOL, [write("a", "one")], [], {})
    read = []
    for module in (reading, writing):
        monkeypatch.setattr(
            module, "sha256", lambda path: read.append(str(path)) or hashlib.sha256(b"").hexdigest()
        )
    write_record(POOL, [write("b")], ["a"], {})
    assert read == ["b"]
    assert content("b")["inputs"] == {"a": hashlib.sha256(b"one").hexdigest()}
    write("a", "two")
    write_record(POOL, ["b"], ["a"], {})
    assert sorted(read) == ["a", "b", "b"]


def test_work_is_resumed_only_with_the_same_settings_inputs_code_and_packages(monkeypatch):
    given = write("in.txt")
    first = writing.fingerprint(POOL, {"rate": 1}, [given])
    assert writing.fingerprint(POOL, {"rate": 1}, [given]) == first
    assert writing.fingerprint(POOL, {"rate": 2}, [given]) != first
    assert writing.fingerprint(ROOT / "scripts/score.py", {"rate": 1}, [given]) != first
    assert writing.fingerprint(POOL, {"rate": 1}, [write("other.txt", "y")]) != first
    other = writing.installed_versions() | {"torch": "0.1"}
    monkeypatch.setattr(writing, "installed_versions", lambda: other)
    assert writing.fingerprint(POOL, {"rate": 1}, [given]) != first


def test_a_record_lies_in_each_folder_and_is_found_from_every_output():
    outputs = [write("x/train"), write("x/dev"), write("y/texts"), write("y/counts")]
    write_record(POOL, outputs, [], {})
    assert sorted(path.name for path in reading.sidecars_below(".")) == [
        "texts.lineage.json",
        "train.lineage.json",
    ]
    for output in outputs:
        assert set(record_of(output).outputs) == set(outputs)
    assert record_of(write("x/other")) is None


def test_the_paths_of_a_record_follow_the_folder_that_it_lies_in(tmp_path, monkeypatch):
    write_record(POOL, [write("here/results/a", "one")], [], {})
    monkeypatch.chdir("here")
    write_record(POOL, [write("results/a", "one")], [], {})
    Path("../here").rename("../there")
    record = read_record(tmp_path / "there/results/a.lineage.json")
    assert record.root == str(tmp_path / "there")
    assert record.at("results/a").read_text() == "one"


def test_upstream_goes_from_the_first_files_to_the_last_and_meets_each_record_once():
    write_record(POOL, [write("a")], [write("external")], {})
    write_record(POOL, [write("b")], ["a"], {})
    write_record(POOL, [write("c")], ["a", "b"], {})
    assert [Path(record.sidecar).name[0] for record in reading.upstream("c")] == ["a", "b", "c"]
    with pytest.raises(InputError, match="external: no lineage record"):
        reading.upstream("external")


@pytest.mark.parametrize("damage", ["{", "[]", '{"outputs": {}}', "null"])
def test_a_damaged_record_is_named(damage):
    write_record(POOL, [write("a")], [], {})
    records.sidecar("a").write_text(damage)
    with pytest.raises(InputError, match=r"a\.lineage\.json: not a lineage record.*make its file"):
        read_record("a.lineage.json")


def test_a_checkpoint_is_its_weights_configuration_and_tokenizer():
    names = ["model.safetensors", "config.json", "vocab.json", "README.md", "lineage.json"]
    for name in [*names, ".hidden", "model.safetensors.lineage.json"]:
        write(f"model/{name}")
    (Path("model") / "folder").mkdir()
    found = [path.name for path in records.checkpoint_files("model")]
    assert found == ["model.safetensors", "config.json", "vocab.json"]


def test_of_several_records_of_a_file_the_latest_counts():
    write_record(POOL, [write("a")], [], {"n": 1})
    older = content("a")
    older["run"]["ended"] -= 10
    os.rename("a.lineage.json", "z.lineage.json")
    Path("b.lineage.json").write_text(json.dumps(older | {"parameters": {"n": 0}}))
    assert reading.read_records(".")["a"].content["parameters"] == {"n": 1}
