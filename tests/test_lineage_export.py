"""A made-up experiment of seven runs is exported: what the crate says is what the records say."""

import argparse
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict
from importlib import resources
from pathlib import Path

import pytest

from conftest import ROOT
from errors import InputError
from files import checksum
from lineages import export as lineage_export
from lineages.artifacts import read_lineage
from lineages.graphs import dot, prov
from made_up_summary import made_up_row, made_up_summary, made_up_target
from records import writing
from scoring.summary import SummaryRow

NAME = "results/tiny"
MODEL = f"{NAME}/models/tiny/pretrained/seed0/model.safetensors"
SCORE = f"{NAME}/scores/tiny/pretrained/seed0/music/real/test.json"
HYPOTHESES = f"{NAME}/hypotheses/tiny/pretrained/seed0/music/real/test.jsonl"
MANIFEST = f"{NAME}/manifests/music/real/test.jsonl"
WEIGHTS = "resources/whisper/tiny.pt"
PROVENANCE = "https://w3id.org/ro/wfrun/provenance/0.5"
VALIDATOR = Path(sys.prefix) / "validator" / "bin"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
TERMS_OF_1_1 = {  # what 1.1 has otherwise than the later context that rocrate brings along
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
}
WARM = """
import sys
from dataclasses import asdict
from importlib import resources
from requests import Request
from requests_cache import CachedResponse, CachedSession
cache, url, content = sys.argv[1:]
session = CachedSession(cache, backend="sqlite")
response = CachedResponse(
    url=url, status_code=200, content=open(content, "rb").read(),
    headers={"Content-Type": "application/ld+json"},
)
session.cache.save_response(response, session.cache.create_key(Request("GET", url).prepare()))
"""


def write(path: str, content: str) -> str:
    """Write a file and return its path."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content)
    return path


def stage(
    script: str, outputs: dict[str, str], inputs: list[str], parameters: dict, **more
) -> None:
    """Write the files of a stage and their record."""
    for path, content in outputs.items():
        write(path, content)
    writing.write_record(ROOT / "scripts" / script, outputs, inputs, parameters, **more)


def fetch() -> None:
    """Write a fetched folder of one file, from a place that forbids commercial use."""
    path = write(WEIGHTS, "weights")
    entry = {"sha256": checksum.sha256(path), "bytes": 7}
    terms = {"licence": "CC BY-NC 4.0", "forbids": "commercial use"}
    sources = [{"url": "https://example.org/tiny.pt"}]
    stage(
        "fetch.py",
        {"resources/whisper/files.json": json.dumps(terms | {"files": {"tiny.pt": entry}})},
        [],
        {"artifact": "whisper", "files": {"tiny.pt": entry | {"sources": sources}}},
        licences={"whisper": terms},
        sources={"tiny.pt": "url https://example.org/tiny.pt"},
    )  # fmt: skip


def row() -> SummaryRow:
    """Return the only row of the summary: 1 error in 8 words."""
    return made_up_row(
        "pretrained", 0.125, wer_interval=(0.0, 0.25), scores=(SCORE,), hypotheses=(HYPOTHESES,),
        models=(str(Path(MODEL).parent),),
    )  # fmt: skip


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An experiment: fetched weights and a user's manifest, up to the report."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    fetch()
    own = write("data/music & words.jsonl", '{"id": "1"}\n')
    config = {"name": "tiny", "window": 15}
    stage("experiment.py", {f"{NAME}/evaluations.json": "[]"}, [], {"experiment": config})
    mine = {"music": {"licence": "in house"}}
    stage("prepare.py", {MANIFEST: '{"id": "1"}\n'}, [own], {"domain": "music"}, licences=mine)
    stage("pretrained.py", {MODEL: "converted"}, [WEIGHTS], {})
    settings = {"window": 15.0, "vector": None}
    stage("transcribe.py", {HYPOTHESES: "{}\n"}, [MODEL, MANIFEST], settings)
    stage("score.py", {SCORE: '{"wer": 0.125}'}, [MANIFEST, HYPOTHESES], {"language": "en"})
    summary = json.dumps(asdict(made_up_summary(made_up_target([row()]))))
    stage(
        "summarize.py",
        {f"{NAME}/summary.json": summary, f"{NAME}/summary.tsv": "wer\n0.125\n"},
        [f"{NAME}/evaluations.json", SCORE],
        {"confidence": 0.95},
    )
    return tmp_path / NAME


def export(results: Path, output: Path, *more: str) -> dict[str, dict]:
    """Export an experiment; return the crate's entities by their ids."""
    parser = argparse.ArgumentParser()
    lineage_export.add_arguments(parser)
    lineage_export.main(parser.parse_args([str(results), "--output", str(output), *more]))
    content = json.loads((output / "ro-crate-metadata.json").read_text())
    return {entity["@id"]: entity for entity in content["@graph"]}


def files_of(folder: Path) -> list[Path]:
    """Return all files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


def ids(value: list | dict) -> list[str]:
    """Return the ids that a property refers to."""
    return [each["@id"] for each in (value if isinstance(value, list) else [value])]


def named(entities: dict[str, dict], name: str) -> dict:
    """Return the only file of a name."""
    (found,) = [e for e in entities.values() if e.get("name") == name and "sha256" in e]
    return found


def test_each_run_is_an_action_that_names_what_it_read_and_wrote(results, tmp_path):
    entities = export(results, tmp_path / "crate")
    actions = {e["name"]: e for e in entities.values() if e["@type"] == "CreateAction"}
    assert len(actions) == 8  # seven runs, and the experiment's
    action = actions[f"transcribe.py: {HYPOTHESES}"]
    read = [entities[each] for each in ids(action["object"])]
    assert [(each["@type"], each["name"]) for each in read] == [
        ("File", MANIFEST), ("File", MODEL), ("PropertyValue", "window"),
    ]  # fmt: skip
    assert read[2]["value"] == 15.0
    assert ids(action["result"]) == [HYPOTHESES]
    record = json.loads(Path(f"{HYPOTHESES}.lineage.json").read_text())
    assert action["startTime"] == lineage_export.iso(record["run"]["started"])
    assert action["endTime"] == lineage_export.iso(record["run"]["ended"])
    tool = entities[action["instrument"]["@id"]]
    assert (tool["@id"], tool["version"]) == ("scripts/transcribe.py", record["code"])
    assert entities[action["resourceUsage"]["@id"]]["value"] == record["run"]["peak_memory"]


def test_the_experiment_is_a_run_of_the_snakefile_from_outside_files_to_results(results, tmp_path):
    stage("report.py", {f"{NAME}/report.html": "<html>"}, [f"{NAME}/summary.json"], {})
    entities = export(results, tmp_path / "crate")
    assert entities["./"]["mainEntity"] == {"@id": "Snakefile"}
    assert entities["Snakefile"]["programmingLanguage"]["@id"].endswith("#snakemake")
    run = entities["#run"]
    assert run["instrument"] == {"@id": "Snakefile"}
    names = [entities[each]["name"] for each in ids(run["object"])]
    assert names == ["data/music & words.jsonl", WEIGHTS, "name", "window"]
    names = ("report.html", "summary.json", "summary.tsv")
    assert ids(run["result"]) == [f"{NAME}/{name}" for name in names]
    assert PROVENANCE in ids(entities["./"]["conformsTo"])


def test_what_is_copied_has_its_bytes_and_what_is_not_its_hash(results, tmp_path):
    entities = export(results, tmp_path / "crate")
    score = entities[SCORE]
    copied = (tmp_path / "crate" / SCORE).read_bytes()
    assert score["sha256"] == hashlib.sha256(copied).hexdigest()
    assert (score["contentSize"], score["encodingFormat"]) == ("14", "application/json")
    record = (tmp_path / "crate" / f"{SCORE}.lineage.json").read_bytes()
    assert entities[f"{SCORE}.lineage.json"]["sha256"] == hashlib.sha256(record).hexdigest()
    assert entities[f"{SCORE}.lineage.json"]["contentSize"] == str(len(record))
    model = named(entities, MODEL)
    assert model["contentSize"] == "9"  # "converted"
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"converted").digest()).decode().rstrip("=")
    assert model["@id"] == f"ni:///sha-256;{digest}?path={MODEL}"
    assert not (tmp_path / "crate" / MODEL).exists()


def test_with_files_copies_weights_and_audio_but_nothing_of_others(results, tmp_path):
    write(f"{NAME}/audio/music/kokoro/1.flac", "sound")
    write(f"{NAME}/audio/music/kokoro/.journal/shard1of1.jsonl", "{}")
    entities = export(results, tmp_path / "crate", "--with-files")
    assert (tmp_path / "crate" / MODEL).read_text() == "converted"
    assert entities[MODEL]["sha256"] == hashlib.sha256(b"converted").hexdigest()
    assert (tmp_path / "crate" / NAME / "audio/music/kokoro/1.flac").read_text() == "sound"
    assert f"{NAME}/audio/" in ids(entities["./"]["hasPart"])
    assert not list((tmp_path / "crate").rglob(".journal"))
    assert not list((tmp_path / "crate").rglob("tiny.pt"))
    assert not list((tmp_path / "crate").rglob("music & words*"))


def test_files_from_outside_have_licence_and_url(results, tmp_path):
    entities = export(results, tmp_path / "crate")
    weights = named(entities, WEIGHTS)
    assert weights["url"] == "https://example.org/tiny.pt"
    assert weights["contentSize"] == "7"
    licence = entities[weights["license"]["@id"]]
    assert licence["description"] == "CC BY-NC 4.0; forbids commercial use"
    own = named(entities, "data/music & words.jsonl")
    assert entities[own["license"]["@id"]]["name"] == "in house"
    assert sorted(entities[each]["name"] for each in ids(entities["./"]["license"])) == [
        "CC BY-NC 4.0", "in house",
    ]  # fmt: skip


def test_a_fetched_folder_is_a_dataset_named_by_the_hash_of_its_listing(results, tmp_path):
    listing = {"sha256": "ab" * 32, "bytes": 5}
    sources = [{"deb": "bells", "members": "usr/share/bells/*.wav"}]
    stage(
        "fetch.py",
        {"resources/bells/files.json": json.dumps({"files": {"sounds": listing}})},
        [],
        {"artifact": "bells", "files": {"sounds": {"sha256": "ab" * 32, "sources": sources}}},
    )
    inputs = ["resources/bells/files.json"]
    stage("prepare.py", {MANIFEST: '{"id": "1"}\n'}, inputs, {"domain": "music"})
    sounds = named(export(results, tmp_path / "crate"), "resources/bells/sounds")
    assert sounds["@type"] == "Dataset"
    assert sounds["@id"].endswith("?path=resources/bells/sounds/")


def test_a_checkpoints_card_is_copied_without_its_weights(results, tmp_path):
    card = f"{Path(MODEL).parent}/README.md"
    stage("report.py", {card: "# A checkpoint"}, [MODEL], {})
    export(results, tmp_path / "crate")
    assert (tmp_path / "crate" / card).read_text() == "# A checkpoint"
    assert not (tmp_path / "crate" / MODEL).exists()


def test_code_that_a_run_read_is_no_file_of_the_users(results):
    template = write("scripts/reporting/templates/report.css", "body {}")
    stage("report.py", {f"{NAME}/report.html": "<html>"}, [template], {})
    lineage = read_lineage(results)
    assert template in [each.path for each in lineage.artifacts.values()]
    assert list(lineage.users()) == ["data/music & words.jsonl"]


def test_what_made_a_file_comes_before_what_used_it(results):
    assert [record.script for record in read_lineage(results).records] == [
        "experiment.py", "prepare.py", "fetch.py", "pretrained.py", "transcribe.py", "score.py",
        "summarize.py",
    ]  # fmt: skip


def test_two_exports_are_the_same_byte_for_byte_and_have_the_results_date(results, tmp_path):
    entities = export(results, tmp_path / "one")
    export(results, tmp_path / "two")
    one, two = (
        {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        for folder in (tmp_path / "one", tmp_path / "two")
    )
    assert len(one) > 20
    assert one == two
    ended = json.loads((results / "summary.json.lineage.json").read_text())["run"]["ended"]
    assert entities["./"]["datePublished"] == lineage_export.iso(ended)


def test_code_that_has_changed_since_is_named_and_not_copied(results, tmp_path):
    sidecar = Path(f"{SCORE}.lineage.json")
    content = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(content | {"code": "0123456789abcdef"}))
    entities = export(results, tmp_path / "crate")
    (action,) = [e for e in entities.values() if e.get("name") == f"score.py: {SCORE}"]
    assert action["instrument"] == {"@id": "#score.py@0123456789abcdef"}
    assert not (tmp_path / "crate/scripts/score.py").exists()
    assert (tmp_path / "crate/scripts/prepare.py").is_file()


def test_a_file_that_differs_from_its_record_is_refused(results, tmp_path):
    Path(SCORE).write_text('{"wer": 0.5}')
    with pytest.raises(InputError, match="test.json: its sha256 is .*, its record says"):
        export(results, tmp_path / "crate")
    assert not (tmp_path / "crate").exists()


def test_an_earlier_file_of_the_same_path_is_an_artifact_of_its_own(results, tmp_path):
    stage("transcribe.py", {HYPOTHESES: "{again}\n"}, [MODEL, MANIFEST], {"window": 15.0})
    entities = export(results, tmp_path / "crate")
    found = {
        e["@id"]: e["sha256"]
        for e in entities.values()
        if e.get("name") == HYPOTHESES and "sha256" in e
    }
    old, new = (hashlib.sha256(text).hexdigest() for text in (b"{}\n", b"{again}\n"))
    assert sorted(found.values()) == sorted([old, new])
    assert found[HYPOTHESES] == new
    (scored,) = [e for e in entities.values() if e.get("name") == f"score.py: {SCORE}"]
    assert [found[each] for each in ids(scored["object"]) if each in found] == [old]
    assert HYPOTHESES not in [entities[each]["name"] for each in ids(entities["#run"]["object"])]


def test_a_file_that_is_gone_is_still_named_by_its_hash(results, tmp_path):
    before = export(results, tmp_path / "before")
    Path(SCORE).unlink()
    entities = export(results, tmp_path / "crate")
    assert named(entities, SCORE)["sha256"] == before[SCORE]["sha256"]
    assert named(entities, SCORE)["@id"].startswith("ni:///sha-256;")
    assert ">score</a>" in (tmp_path / "before/ro-crate-preview.html").read_text()
    assert ">score</a>" not in (tmp_path / "crate/ro-crate-preview.html").read_text()


def test_an_experiment_without_a_summary_is_refused(results, tmp_path):
    (results / "summary.json.lineage.json").unlink()
    with pytest.raises(InputError, match="no summary.json with a lineage record"):
        export(results, tmp_path / "crate")


def test_a_folder_that_is_there_already_is_refused(results, tmp_path):
    (tmp_path / "crate").mkdir()
    with pytest.raises(InputError, match="crate is there already"):
        export(results, tmp_path / "crate")


def test_prov_has_a_relation_for_each_file_read_and_written(results):
    document = prov(read_lineage(results))
    assert len(document["activity"]) == 7
    assert len(document["used"]) == 1 + 1 + 2 + 2 + 2  # none by fetch.py and experiment.py
    assert len(document["wasGeneratedBy"]) == 2 + 1 + 1 + 1 + 1 + 1 + 2
    assert len(document["wasAssociatedWith"]) == 7
    used = [each for each in document["used"].values() if HYPOTHESES in each["prov:entity"]]
    assert [each["prov:activity"] for each in used] == [f"run:{SCORE}.lineage.json"]
    referred = {
        each["prov:entity"]
        for kind in ("used", "wasGeneratedBy")
        for each in document[kind].values()
    }
    assert referred == set(document["entity"])


def test_the_graph_has_a_cluster_for_each_stage_and_an_arrow_for_each_use(results):
    graph = dot(read_lineage(results))
    assert graph.count("subgraph") == 7
    short = "tiny/pretrained/seed0/music/real/test.jsonl"
    assert f'"{HYPOTHESES}.lineage.json" [label="{short}"];' in graph
    assert 'label="summary.json\\n(and 1 more)"' in graph
    assert f' "{HYPOTHESES}.lineage.json" -> "{SCORE}.lineage.json";' in graph
    assert ' "data/music & words.jsonl" [shape=note' in graph
    assert len(re.findall(" -> ", graph)) == 8


def test_the_users_files_in_a_folder_are_drawn_as_one(results):
    own = [write(f"data/{number}.wav", "sound") for number in (1, 2)]
    inputs = [*own, "data/music & words.jsonl"]
    stage("prepare.py", {MANIFEST: '{"id": "1"}\n'}, inputs, {"domain": "music"})
    graph = dot(read_lineage(results))
    assert f' "data/ (3 files)" -> "{MANIFEST}.lineage.json";' in graph
    assert len(re.findall(" -> ", graph)) == 8


def test_the_page_shows_each_number_with_links_to_files_that_are_there(results, tmp_path):
    export(results, tmp_path / "crate")
    page = (tmp_path / "crate/ro-crate-preview.html").read_text()
    assert "<summary>3 records</summary>" in page
    assert "12.5%" in page and "0.0% to 25.0%" in page
    assert "CC BY-NC 4.0, forbids commercial use" in page
    links = re.findall('href="([^"]+)"', page)
    assert f"{MODEL}.lineage.json" in links
    local = [link for link in links if not link.startswith(("http", "ni:"))]
    assert len(local) > 20
    assert [link for link in local if not (tmp_path / "crate" / link).is_file()] == []


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed")
def test_the_graph_is_drawn(results, tmp_path):
    export(results, tmp_path / "crate")
    assert "</svg>" in (tmp_path / "crate/lineage.svg").read_text()


def warm_cache(folder: Path) -> Path:
    """Write the validator's cache of what it would download: the JSON-LD context."""
    context = json.loads(resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_text())
    context["@context"] |= TERMS_OF_1_1
    (folder / "context.json").write_text(json.dumps(context))
    command = [VALIDATOR / "python", "-c", WARM, folder / "cache", CONTEXT, folder / "context.json"]
    subprocess.run(command, check=True)
    return folder / "cache"


@pytest.mark.skipif(
    not VALIDATOR.is_dir() and not os.environ.get("CI"), reason="`make checks` brings the validator"
)
@pytest.mark.parametrize("option", [[], ["--with-files"]])
def test_the_validator_of_ro_crates_finds_it_to_be_a_provenance_run_crate(
    results, tmp_path, option
):
    write(f"{NAME}/audio/music/kokoro/1.flac", "sound")
    export(results, tmp_path / "crate", *option)
    validate = [VALIDATOR / "rocrate-validator", "--no-interactive", "validate"]
    validate += ["--profile-identifier", "provenance-run-crate", "--no-paging", "--verbose"]
    validate += ["--offline", "--cache-path", warm_cache(tmp_path), tmp_path / "crate"]
    found = subprocess.run(validate, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,<b>", 'https://x/"><b>']
)
def test_only_web_addresses_become_links_and_markup_is_shown(results, tmp_path, address):
    sidecar = Path("resources/whisper/files.json.lineage.json")
    content = json.loads(sidecar.read_text())
    content["parameters"]["files"]["tiny.pt"]["sources"] = [{"url": address}]
    content["sources"] = {"tiny.pt": f"url <script>{address}"}
    content["licences"]["whisper"]["licence"] = "<script>alert(1)</script>"
    sidecar.write_text(json.dumps(content))
    crate = tmp_path / "crate"
    export(results, crate)
    page = (crate / "ro-crate-preview.html").read_text()
    assert "<script" not in page and "<b>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    links = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert not any(":" in link for link in links if not link.startswith("https://"))
    assert not any(link.startswith("https://x") for link in links)


def test_a_crate_has_no_secret_of_an_older_record(results, tmp_path):
    sidecar = Path("resources/whisper/files.json.lineage.json")
    content = json.loads(sidecar.read_text())
    address = "https://me:s3cret@host/x?token=s3cret"
    content["parameters"]["files"]["tiny.pt"]["sources"] = [{"url": address}]
    content["sources"] = {"tiny.pt": f"url {address}"}
    sidecar.write_text(json.dumps(content))
    crate = tmp_path / "crate"
    export(results, crate)
    for path in crate.rglob("*"):
        assert not path.is_file() or b"s3cret" not in path.read_bytes(), path
    assert "https://host/x?token=***" in (crate / "ro-crate-metadata.json").read_text()
