"""A little of the load of benchmarks/load.py, and what a page weighs. No time is tested here."""

import json
import os
import sys
from importlib import import_module
from pathlib import Path

import pytest

from conftest import ROOT
from files.manifest import read_jsonl
from made_up_report import Size, write_made_up_report_inputs
from report import main
from reporting import vector_charts
from reporting.clips import CLIPS
from vectors.geometry import Geometry, LayerNorm, VectorCosine, VectorNorm

sys.path.append(str(ROOT / "benchmarks"))

import load  # noqa: E402

OF_TARGET = 140_000  # bytes of the page for each target: its tables and charts
OF_CLIP = 16_000  # of a recording of 4 s
OF_PAGE = 200_000  # besides: texts, style, script, what is over all targets


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run commands in this process, without waiting for the disk."""

    def run(command: list) -> tuple[float, int]:
        _, path, *options = map(str, command)
        import_module(Path(path).stem).main(options)
        return 0.0, 0

    monkeypatch.setattr(load, "run", run)
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def test_the_load_goes_through_prepare_filter_and_score(tmp_path: Path):
    for stage in (load.prepare_texts, load.prepare, load.filter, load.score):
        stage(tmp_path, 200)
    splits = {
        split: len(read_jsonl(tmp_path / "texts_alone" / f"{split}.jsonl"))
        for split in ("train", "dev")
    }
    assert splits == {"train": 198, "dev": 2}
    assert len([*(tmp_path / "audio").glob("*.flac")]) == 20  # recordings of a tenth of the texts
    score = json.loads((tmp_path / "score.json").read_text())
    assert score["utterances"] == 200 and score["words"]["deletions"] == 40
    assert len(read_jsonl(tmp_path / "kept.jsonl")) == 200  # of every fifth one word is missing


def test_the_load_of_artifacts_is_audited_without_findings(tmp_path: Path, capsys):
    load.audit(tmp_path, 20)
    assert capsys.readouterr().out.startswith("20 artifacts, 20 records, ")


@pytest.mark.parametrize("targets", [2, 20])
def test_a_page_weighs_no_more_than_its_targets_and_recordings_make_it(targets, tmp_path: Path):
    size = Size(targets=targets, seeds=1, recordings=20 * targets)
    options = write_made_up_report_inputs(tmp_path, size)
    main([*options, f"--output={tmp_path / 'report.html'}"])
    weight = (tmp_path / "report.html").stat().st_size
    assert weight < OF_PAGE + targets * OF_TARGET + CLIPS * OF_CLIP, weight


@pytest.mark.parametrize(("vectors", "maps"), [(60, 2), (61, 1)])
def test_of_many_task_vectors_the_page_does_not_hold_each_against_each(vectors, maps, monkeypatch):
    monkeypatch.setattr(vector_charts, "heat_map", lambda table, *_: f"{len(table)}" * bool(table))
    layer = LayerNorm("encoder.0", 1.0, 0.1)
    names = [f"v{number}" for number in range(vectors)]
    norms = [VectorNorm("a", name, "tiny", 1, 1.0, 0.1, (layer,)) for name in names]
    cosines = [VectorCosine("v0", name, "tiny", 1, 0.5, ()) for name in names[1:]]
    found = vector_charts.vector_maps(Geometry(tuple(norms), tuple(cosines)), "tiny")
    assert len(found) == maps
    assert ("Cosines of each of 61 with each are in task_vectors.json" in found[0][1]) == (
        maps == 1
    )
