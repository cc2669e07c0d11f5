"""A new engine, corpus or method is a module and a line: here, in a copy of the workflow."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
import yaml

from conftest import ROOT
from files.manifest import read_jsonl, read_manifest
from records.code_version import code_version

READER = '''"""Whistles, of half a second each."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from files.recording import Recording


def read(folder: Path) -> Iterator[Recording]:
    """Yield a recording of each word of the folder's list."""
    for number, word in enumerate((folder / "words.txt").read_text().split()):
        pitch = 300 + 10 * number
        wave = 0.3 * np.sin(2 * np.pi * pitch * np.arange(4_000) / 8_000).astype(np.float32)
        yield Recording(str(number), word, "ann", lambda wave=wave: (wave, 8_000))
'''
ENGINE_LINE = '    "humming": About(40.0, ON_GPU, languages=("fr",), takes_language=True),\n'
CORPUS_LINE = '    "whistles": About(("fr",), training_texts=90),\n'
WORDS = "ash birch cedar elm fir hazel ivy larch maple oak".split()  # noqa: SIM905


def add_line(path: Path, table: str, line: str) -> None:
    """Add a line to a table of a module."""
    before = f"{table} = {{\n"
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, before + line))


@pytest.fixture(scope="module")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the workflow and add an engine and a corpus to it."""
    folder = tmp_path_factory.mktemp("workflow")
    for name in ("scripts", "rules", "envs"):
        leave_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=leave_out)
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder)
    scripts = folder / "scripts"
    shutil.copy(ROOT / "tests" / "humming.py", scripts / "engines")
    add_line(scripts / "engines" / "__init__.py", "ENGINES", ENGINE_LINE)
    (scripts / "corpora" / "whistles.py").write_text(READER)
    add_line(scripts / "corpora" / "__init__.py", "CORPORA", CORPUS_LINE)
    (folder / "fetched").mkdir()
    (folder / "fetched" / "words.txt").write_text("\n".join(WORDS))
    (folder / "fetched" / "model.bin").write_bytes(b"weights")
    return folder


def execute(folder: Path, *command: object) -> subprocess.CompletedProcess:
    """Run a command in a folder."""
    return subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False
    )


def test_a_new_engine_speaks(workflow: Path):
    row = {"id": "t0", "text": "HUM IT", "spoken": "hum it", "domain": "music"}
    (workflow / "texts.jsonl").write_text(json.dumps(row) + "\n")
    done = execute(
        workflow, sys.executable, "scripts/synthesize.py", "--texts=texts.jsonl",
        "--engine=humming", "--resources=fetched", "--tts=hum", "--voices=ann", "--seed=1",
        "--speed-range", 1, 1, "--audio-dir=audio", "--output=shard.jsonl",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [spoken] = read_jsonl(workflow / "shard.jsonl")
    assert spoken["duration"] == pytest.approx(0.6, abs=1e-3)  # a tenth of a second a letter
    record = json.loads((workflow / "shard.jsonl.lineage.json").read_text())
    assert "engines/humming.py" in record["modules"]


def test_a_new_corpus_is_prepared(workflow: Path):
    domain = {"corpus": "whistles", "artifact": "whistles", "train": 5, "dev": 2, "test": 3}
    done = execute(
        workflow, sys.executable, "scripts/prepare.py", "--domain=whistles", "--language=fr",
        "--declaration", json.dumps(domain), "--artifact=fetched", "--audio-dir=recordings",
        "--manifests-dir=manifests", "--texts-dir=texts",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = read_manifest(workflow / "manifests" / "test.jsonl")
    assert len(rows) == 3
    assert {soundfile.info(workflow / row["audio_filepath"]).frames for row in rows} == {8_000}


def test_an_experiment_is_planned_with_both(workflow: Path):
    """90 texts of 40 s each are an hour of synthesis: three shards of 20 minutes."""
    config = yaml.safe_load((ROOT / "experiments" / "demo.yaml").read_text())
    source = {"sha256": "0" * 64, "sources": [{"path": "/words.txt"}]}
    own = {"licence": "MIT", "files": {"words.txt": source}}
    config |= {
        "language": "fr",
        "base_models": {"tiny": {"artifact": "tiny"}},
        "artifacts": {"whistles": own, "hum": own, "tiny": own},
        "source": ["whistles"],
        "targets": ["songs"],
        "domains": {
            name: {"corpus": "whistles", "artifact": "whistles"} for name in ("whistles", "songs")
        },
        "tts": {"hum": {"engine": "humming", "artifact": "hum", "voices": ["ann"]}},
    }
    config["task_vector"] = {}
    (workflow / "experiment.yaml").write_text(yaml.safe_dump(config))
    done = execute(
        workflow, "snakemake", "-n", "-p", "--configfile", "experiment.yaml", "--nolock",
        "results/demo/manifests/songs/hum/train.jsonl",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "--engine humming" in done.stdout
    assert "--language fr --tts hum" in " ".join(done.stdout.replace("\\", "").split())
    assert "shard1of3" in done.stdout
    del config["language"]
    (workflow / "experiment.yaml").write_text(yaml.safe_dump(config))
    done = execute(workflow, "snakemake", "-n", "--nolock", "--configfile", "experiment.yaml")
    assert "whistles is French, but language is 'en' (English)" in done.stdout + done.stderr


def test_a_new_method_of_merging_is_the_ten_lines_of_contributing(workflow: Path):
    page = (ROOT / "CONTRIBUTING.md").read_text()
    section = page.partition("## A new method of merging")[2].partition("\n## ")[0]
    module, line, test = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    assert len([each for each in (module + line + test).splitlines() if each]) <= 10
    scripts = workflow / "scripts"
    (scripts / "merging" / "median.py").write_text(module)
    add_line(scripts / "methods.py", "METHODS", line)
    before = "import torch\nfrom merging import median\nfrom merging.parameter import Parameter\n"
    name = re.findall(r"def (test_\w+)\(\)", test)[0]
    program = f"{before}W = Parameter('w', None)\n{test}\n{name}()\n"
    (scripts / "tried.py").write_text(program)
    done = execute(workflow, sys.executable, "scripts/tried.py")
    assert done.returncode == 0, done.stderr
    config = yaml.safe_load((ROOT / "experiments" / "calls.yaml").read_text())
    config["task_vector"] = {"vectors": ["domains-median"]}
    (workflow / "merging.yaml").write_text(yaml.safe_dump(config))
    done = execute(workflow, "snakemake", "-n", "-p", "--nolock", "--configfile", "merging.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "--method median --vectors" in " ".join(done.stdout.replace("\\", "").split())


@pytest.mark.parametrize(
    ("command", "module"),
    [
        ("synthesize.py", "engines/hibari.py"),
        ("prepare.py", "corpora/asterisk.py"),
        ("merge.py", "merging/ties.py"),
        ("task_vector.py", "vectors/streaming.py"),
    ],
)
def test_what_the_others_made_is_not_made_again(workflow: Path, command: str, module: str):
    here = code_version(ROOT / "scripts" / command, module)
    assert code_version(workflow / "scripts" / command, module) == here
