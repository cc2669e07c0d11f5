"""A thousandth of the load of benchmarks/load.py, and what a page weighs. No time is tested here."""

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
from reporting.clips import CLIPS

sys.path.append(str(ROOT / "benchmarks"))

import load  # noqa: E402

OF_TARGET = 100_000  # bytes of the page for each target, all of its tables and charts
OF_CLIP = 10_000  # bytes of a recording of 4 s
OF_PAGE = 300_000  # bytes besides: texts, style, script, what is over all targets


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
    kept = len(read_jsonl(tmp_path / "kept.jsonl"))
    assert 0 < kept < 200  # of every fifth a word is missing


def test_the_load_of_artifacts_is_audited_without_findings(tmp_path: Path, capsys):
    load.audit(tmp_path, 20)
    assert capsys.readouterr().out.startswith("20 artifacts, 20 records, ")


@pytest.mark.parametrize("targets", [2, 60])
def test_a_page_is_no_larger_than_its_targets_and_its_recordings_make_it(targets, tmp_path: Path):
    size = Size(targets=targets, seeds=1, recordings=20 * targets)
    options = write_made_up_report_inputs(tmp_path, size)
    main([*options, f"--output={tmp_path / 'report.html'}"])
    weight = (tmp_path / "report.html").stat().st_size
    assert weight < OF_PAGE + targets * OF_TARGET + CLIPS * OF_CLIP, weight
