"""A made-up experiment in which each file has a record, for the tests of audit and prune."""

import hashlib
import json
import os
import sys
from pathlib import Path
from unittest import mock

import pytest

from fetching.identity import identity
from files.manifest import write_jsonl
from records import writing

FOLDER = Path("results/tiny")
REAL, SYNTHETIC = "models/base/d-real/seed1", "models/base/d-hibari/seed1"  # the latter has a card
SCORE = "scores/base/d-real/seed1/d/real/test.json"
ARTIFACTS, RECORDS, AUDIO, EXTERNALS = 19, 11, 5, 6
FILES = ("model.safetensors", "config.json")
SCRIPTS = {  # module, and what it imports
    "prepare.py": "", "pretrained.py": "", "synthesize.py": "", "filter.py": "", "report.py": "",
    "finetune.py": "import training.data", "training/data.py": "", "task_vector.py": "",
    "transcribe.py": "", "score.py": "", "summarize.py": "", "fetch.py": "",
    "engines/hibari.py": "", "engines/kokoro.py": "",
}  # fmt: skip


def make_experiment_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder and make the experiment there, without waiting for the disk."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    return make_experiment()


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def stage(script: str, outputs: list, inputs: list, *options: str, **facts) -> None:
    """Write files, named by their paths in the folder if they are texts, and their record."""
    paths = [FOLDER / path for path in outputs]
    for path in paths:
        if not path.exists():
            write(path, f"{path.name} of {path.parent}")
    with mock.patch.object(sys, "argv", [script, *options]):
        read = [FOLDER / path if isinstance(path, str) else path for path in inputs]
        writing.write_record(Path("scripts", script), paths, read, {}, **facts)


def fetch(name: str, files: dict[str, str], entries: list[str]) -> None:
    """Write a folder of fetched files, its index and its record."""
    folder = Path("resources", name)
    for path, content in files.items():
        write(folder / path, content)
    listed = {entry: {"sha256": identity(folder / entry), "bytes": 1} for entry in entries}
    index = write(folder / "files.json", json.dumps({"licence": "MIT", "files": listed}))
    writing.write_record(Path("scripts/fetch.py"), [index], [], {})


def speak(manifest: str, folder: str, ids: list[str]) -> None:
    """Write a manifest and its audio files."""
    rows = []
    for id in ids:
        path = write(FOLDER / folder / f"{id}.flac", f"{id} in {folder}")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append({"id": id, "audio_filepath": str(path), "text": id, "sha256": sha256})
    (FOLDER / manifest).parent.mkdir(parents=True, exist_ok=True)
    write_jsonl(FOLDER / manifest, rows)


def make_experiment() -> Path:
    """Write the experiment below the working folder; return its folder."""
    for module, content in SCRIPTS.items():
        write(Path("scripts", module), content)
    fetch("base", {"model.pt": "weights"}, ["model.pt"])
    fetch("hibari", {"a.onnx": "engine", "voices/x": "x", "voices/y": "y"}, ["a.onnx", "voices"])
    fetch("corpus", {"en/1.wav": "one"}, ["en"])
    write(Path("own/1.wav"), "recording")
    write(Path("own.jsonl"), json.dumps({"audio_filepath": "own/1.wav", "text": "one"}))
    fetched = Path("resources")
    real, test = (f"manifests/d/real/{split}.jsonl" for split in ("train", "test"))
    speak(real, "audio/d/real", ["1", "2"])
    speak(test, "audio/d/real", ["3"])
    texts, shard = "texts/d/train.jsonl", "synthesized/d/hibari/train/shard1of1.jsonl"
    corpus = [Path("own.jsonl"), fetched / "corpus/files.json"]
    stage("prepare.py", [real, test, texts], corpus, "--audio-dir", "audio/d/real")
    first = [f"models/base/pretrained/seed0/{name}" for name in FILES]
    stage("pretrained.py", first, [fetched / "base/model.pt", fetched / "base/files.json"])
    speak(shard, "audio/d/hibari/train", ["1", "2"])
    engine = [fetched / "hibari/a.onnx", fetched / "hibari/voices/x"]
    failures = shard.replace(".jsonl", ".failures.jsonl")
    modules = ["engines/hibari.py"]
    stage("synthesize.py", [shard, failures], [texts, *engine], "--audio-dir", modules=modules)
    synthetic = "manifests/d/hibari/train.jsonl"
    write(FOLDER / synthetic, (FOLDER / shard).read_text().split("\n")[0] + "\n")
    stage("filter.py", [synthetic, synthetic.replace(".jsonl", ".rejected.tsv")], [shard])
    for folder, manifest in ((REAL, real), (SYNTHETIC, synthetic)):
        stage("finetune.py", [f"{folder}/{name}" for name in FILES], [manifest, first[0]])
    weights = [f"{folder}/{FILES[0]}" for folder in (REAL, SYNTHETIC)]
    stage("report.py", [f"{SYNTHETIC}/README.md"], weights[1:])
    stage("task_vector.py", ["task_vectors/base/d-hibari/seed1.safetensors"], weights)
    hypotheses = "hypotheses/base/d-real/seed1/d/real/test.jsonl"
    stage("transcribe.py", [hypotheses], [weights[0], test])
    write(FOLDER / SCORE, '{"wer": 0.25}')
    stage("score.py", [SCORE], [test, hypotheses])
    stage("summarize.py", ["summary.json", "summary.tsv"], [SCORE])
    for name in ("work/state.pt", "encodings/base/00/a.npy", "audio/d/.journal/1.jsonl"):
        write(FOLDER / name, "cache")
    return FOLDER
