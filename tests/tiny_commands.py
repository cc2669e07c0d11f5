"""The commands of the workflow, each on tiny inputs, as they run in a folder of their own.

``write_inputs`` writes all inputs; ``Command`` says what is called, in a folder whose ``given``
has them.
"""

import hashlib
import json
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

import humming
import synthesize
from files.audio import save_audio
from files.manifest import read_jsonl, write_jsonl
from made_up import small_experiment
from tiny import finetune_command, write_speech, write_whisper

GIVEN = Path("given")
RECORD = ".lineage.json"


@dataclass(frozen=True)
class Command:
    """A call of a script; ``outputs`` are patterns of what it writes, but for lineage records."""

    name: str
    script: str
    arguments: tuple[str, ...]
    outputs: tuple[str, ...]

    def made(self, folder: Path) -> dict[str, bytes]:
        """Return the outputs that lie in a folder, by their paths in it."""
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for pattern in self.outputs
            for path in sorted(folder.glob(pattern))
            if path.is_file() and not path.name.startswith(".") and RECORD not in path.name
        }

    def records(self, folder: Path) -> dict[str, dict]:
        """Return the lineage records beside the outputs, without what differs from run to run."""
        paths = [path for path in sorted(folder.rglob(f"*{RECORD}")) if path.name[0] != "."]
        records = {str(path.relative_to(folder)): json.loads(path.read_text()) for path in paths}
        for record in records.values():
            for key in ("run", "commit", "dirty", "sources"):  # of fetched files: they may be there
                record.pop(key, None)
        return records


def command(name: str, outputs: list[str], *arguments: object) -> Command:
    """Return a command; the first word of its name is the script's."""
    return Command(name, name.split()[0], tuple(map(str, arguments)), tuple(outputs))


def write_inputs(folder: Path) -> None:
    """Write ``given`` with all that the commands read; the paths in it start there."""
    given = folder / GIVEN
    given.mkdir(parents=True)
    write_whisper(given / "base")
    for name, count, seed in (("train", 8, 0), ("dev", 2, 1)):
        path = write_speech(given, name, count, seed=seed)
        rows = read_jsonl(path)
        for row in rows:
            row["audio_filepath"] = str(Path(row["audio_filepath"]).relative_to(folder))
            row["text"] += f" {row['id'][-1]}"  # no sentence twice
        write_jsonl(path, rows)
        write_jsonl(
            given / f"{name}.hypotheses.jsonl", [{"id": r["id"], "text": r["text"]} for r in rows]
        )
    weights = load_file(given / "base/model.safetensors")
    for number, name in enumerate(("real", "synthetic")):
        (given / name).mkdir()
        for path in (given / "base").iterdir():
            (given / name / path.name).write_bytes(path.read_bytes())
        moved = {key: value + 0.01 * (number + 1) for key, value in weights.items()}
        save_file(moved, given / name / "model.safetensors", {"format": "pt"})
    save_file(
        {key: torch.full_like(value, 0.01) for key, value in weights.items()},
        given / "vector.safetensors",
        {"kind": "task vector"},
    )
    (given / "engine").mkdir()
    (given / "engine/model.bin").write_bytes(b"weights")
    texts = [
        {"id": f"t{n}", "text": f"hum {n}", "spoken": f"hum {n}", "domain": "music"}
        for n in range(12)
    ]
    write_jsonl(given / "texts.jsonl", texts)
    random = np.random.default_rng(0)
    save_audio(given / "noises/noise.flac", random.normal(0, 0.1, 16_000).astype(np.float32))
    (given / "local.bin").write_bytes(random.bytes(200_000))
    with zipfile.ZipFile(given / "archive.zip", "w") as archive:
        for number in range(4):
            archive.writestr(f"sounds/{number}.bin", random.bytes(50_000))
    rows = json.loads(json.dumps(small_experiment(given / "scores")).replace(f"{folder}/", ""))
    (given / "evaluations.json").write_text(json.dumps(rows))


def know_engine() -> None:
    """Let ``synthesize`` know the made-up engine."""
    sys.modules["engines.humming"] = humming
    synthesize.ENGINES = ("humming",)


def artifact(given: Path) -> str:
    """Return the declaration of an artifact of a file, a member, and a folder of members."""
    archive = {"path": str(GIVEN / "archive.zip")}
    with zipfile.ZipFile(given / "archive.zip") as content:
        member = hashlib.sha256(content.read("sounds/0.bin")).hexdigest()
    local = hashlib.sha256((given / "local.bin").read_bytes()).hexdigest()
    files = {
        "model.bin": {"sha256": local, "sources": [{"path": str(GIVEN / "local.bin")}]},
        "one.bin": {"sha256": member, "sources": [archive | {"member": "sounds/0.bin"}]},
        "sounds": {"checksum": "first-use", "sources": [archive | {"members": "sounds/*.bin"}]},
    }
    return json.dumps({"licence": "MIT", "files": files})


def commands(given: Path) -> list[Command]:
    """Return the commands over the inputs in ``given``."""
    own = {"manifest": str(GIVEN / "train.jsonl"), "dev": 2, "test": 2, "min_duration": 0.1}
    own |= {"min_words": 1, "max_speaking_rate": 100}
    settings = {"model": GIVEN / "base", "epochs": 3, "batch_size": 4, "max_length": 12}
    window = ["--window", 1, "--language", "en", "--max-length", 12, "--precision", "fp32"]
    return [
        command(
            "fetch",
            ["resources/demo/**/*"],
            *("--artifact", "demo", "--declaration", artifact(given)),
            *("--output", "resources/demo"),
        ),
        command(
            "prepare",
            ["audio/*", "manifests/*", "texts/*"],
            *("--domain", "demo", "--declaration", json.dumps(own), "--language", "en"),
            *("--audio-dir", "audio", "--manifests-dir", "manifests", "--texts-dir", "texts"),
        ),
        command(
            "synthesize",
            ["audio/*", "shard.jsonl"],
            *("--texts", GIVEN / "texts.jsonl", "--engine", "humming", "--tts", "hum"),
            *("--resources", GIVEN / "engine", "--voices", ",".join(humming.VOICES)),
            *("--seed", 1, "--audio-dir", "audio", "--output", "shard.jsonl"),
        ),
        command(
            "filter",
            ["kept.jsonl", "rejected.tsv"],
            *("--manifest", GIVEN / "train.jsonl", "--language", "en"),
            *("--hypotheses", GIVEN / "train.hypotheses.jsonl"),
            *("--settings", json.dumps({"max_speaking_rate": 100, "min_duration": 0.1})),
            *("--output", "kept.jsonl", "--rejected", "rejected.tsv"),
        ),
        command(
            "augment",
            ["audio/*", "augmented.jsonl"],
            *("--manifest", GIVEN / "train.jsonl", "--seed", 1, "--noises", GIVEN / "noises"),
            *("--settings", json.dumps({"room": {}, "noise": {}, "telephone": {}})),
            *("--audio-dir", "audio", "--output", "augmented.jsonl"),
        ),
        command(
            "finetune",
            ["model/*"],
            *finetune_command(GIVEN, Path("model"), work_dir="work", **settings),
        ),
        command(
            "task_vector subtract",
            ["vector.safetensors"],
            *("subtract", "--real", GIVEN / "real/model.safetensors"),
            *("--synthetic", GIVEN / "synthetic/model.safetensors"),
            *("--output", "vector.safetensors"),
        ),
        command(
            "task_vector apply",
            ["adapted/*"],
            *("apply", "--checkpoint", GIVEN / "base/model.safetensors"),
            *("--vector", GIVEN / "vector.safetensors", "--scaling-coefficient", 0.5),
            *("--output", "adapted/model.safetensors"),
        ),
        command(
            "transcribe",
            ["hypotheses.jsonl"],
            *("--model", GIVEN / "base", "--manifest", GIVEN / "train.jsonl", *window),
            *("--batch-size", 2, "--work-dir", "work", "--output", "hypotheses.jsonl"),
        ),
        command(
            "score",
            ["score.json"],
            *("--references", GIVEN / "train.jsonl", "--language", "en"),
            *("--hypotheses", GIVEN / "train.hypotheses.jsonl", "--output", "score.json"),
        ),
        command(
            "summarize",
            ["summary.json", "summary.tsv"],
            *("--evaluations", GIVEN / "evaluations.json", "--resamples", 500),
            *("--chosen-on", "real", "kokoro"),
            *("--output-json", "summary.json", "--output-tsv", "summary.tsv"),
        ),
    ]
