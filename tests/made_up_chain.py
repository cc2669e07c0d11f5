"""A made-up experiment whose every file has its record, and whose bytes follow from what made it.

Domain music; one TTS, one base model, three fine-tuned models, a task vector with two scaling
coefficients. A change of one setting, package, module or file from outside changes all that
follows from it, as in an experiment that is made of real speech.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from files import checksum
from made_up_summary import made_up_row, made_up_target, write_made_up_summary
from records import reading, writing
from records import record as records

PARAMETERS: dict[str, dict[str, Any]] = {
    "prepare.py": {"domain": "music", "seed": 1, "declaration": {"train": 4, "dev": 2}},
    "synthesize.py": {"engine": "kokoro", "tts": "kokoro", "voices": ["af_heart", "am_adam"]},
    "filter.py": {"max_cer": 0.3},
    "finetune.py": {"learning_rate": 1e-5, "epochs": 2.0, "seed": 1, "window": 15.0},
    "transcribe.py": {"window": 15.0},
}
SCALES = (0.25, 0.5)
WHOLE_NAME = "telephone"  # of the target in the summary


class Chain:
    """The results of an experiment below a folder, made in the order of the workflow.

    ``parameters`` change those of a script, ``outside`` the content of files from outside,
    ``modules`` the logic of modules, ``packages`` versions; ``salt`` the bytes of a stage's files,
    as a computation does that is not deterministic, by script.
    """

    def __init__(
        self,
        root: Path,
        monkeypatch: pytest.MonkeyPatch,
        name: str = "tiny",
        parameters: dict[str, dict[str, Any]] | None = None,
        outside: dict[str, str] | None = None,
        modules: dict[str, str] | None = None,
        packages: dict[str, str] | None = None,
        salt: dict[str, str] | None = None,
        device: str = "cpu",
        scales: tuple[float, ...] = SCALES,
    ) -> None:
        self.root, self.name, self.device = root, name, device
        self.parameters = {k: v | (parameters or {}).get(k, {}) for k, v in PARAMETERS.items()}
        self.outside, self.modules, self.salt = outside or {}, modules or {}, salt or {}
        root.mkdir(parents=True, exist_ok=True)
        self.monkeypatch = monkeypatch
        monkeypatch.chdir(root)
        monkeypatch.setattr(os, "fsync", lambda handle: None)
        monkeypatch.setattr(
            writing, "installed_versions", lambda: {"torch": "2.1", **(packages or {})}
        )
        commit = {"commit": f"{'c0ffee' * 6}c0ff", "dirty": False}
        monkeypatch.setattr(writing, "commit", lambda: commit)
        monkeypatch.setattr(writing, "code_of", self.code_of)
        self.fetch("whisper", {"tiny.pt": "weights"}, records.licence("MIT"))
        self.fetch("kokoro", {"voices.bin": "v"}, records.licence("CC BY-NC 4.0", "sale"))
        self.make_all(scales)

    def modules_of(self, script: Path, *more: str) -> dict[str, str]:
        """Return versions of a script and of a module that all import."""
        names = [Path(script).name, "manifest.py", *more]
        return {name: self.modules.get(name, "0" * 16) for name in names}

    def code_of(self, script: Path, *more: str) -> tuple[str, dict[str, str]]:
        """Return the same as a record is given it."""
        return "0" * 16, self.modules_of(script, *more)

    def at(self, name: str) -> str:
        """Return the path of a file of the experiment."""
        return f"results/{self.name}/{name}"

    def fetch(self, artifact: str, files: dict[str, str], licence: dict[str, str]) -> None:
        """Write a fetched artifact with its index and record."""
        listed = {}
        for name, content in files.items():
            path = self.external(f"resources/{artifact}/{name}", content)
            listed[name] = {"sha256": checksum.sha256(path), "bytes": os.path.getsize(path)}
        index = Path(f"resources/{artifact}/files.json")
        index.write_text(json.dumps(licence | {"files": listed}))
        url = {"url": f"https://example.org/{artifact}"}
        declared = {
            name: {"sha256": each["sha256"], "sources": [url]} for name, each in listed.items()
        }
        writing.write_record(
            ROOT / "scripts" / "fetch.py",
            [index],
            [],
            {"artifact": artifact, "files": declared},
            licences={artifact: licence},
            sources={name: f"url https://example.org/{artifact}" for name in files},
        )

    def external(self, path: str, content: str) -> str:
        """Write a file from outside, and return its path."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(self.outside.get(path, content))
        return path

    def make(
        self,
        script: str,
        outputs: list[str],
        inputs: list[str],
        parameters: dict[str, Any] | None = None,
        all_outputs: list[str] | None = None,
        **facts: Any,
    ) -> None:
        """Write files that follow from what they are made of, and their record.

        ``all_outputs`` are those of the command, if it makes files that have records of their own.
        """
        asked = self.parameters.get(script, {}) | (parameters or {})
        outputs = [self.at(name) for name in outputs]
        inputs = [name if name.startswith(("resources", "data")) else self.at(name)
                  for name in inputs]  # fmt: skip
        told = [asked, self.salt.get(script), writing.installed_versions(), self.device]
        told += [self.modules_of(Path(script)), [checksum.sha256(path) for path in inputs]]
        for number, path in enumerate(outputs):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            content = json.dumps([number, os.path.basename(path), *told])
            digest = hashlib.sha256(content.encode()).hexdigest()
            row = {"id": digest, "wer": 0.25, "words": {"reference_words": 8}}
            Path(path).write_text(json.dumps(row) + "\n")
        named = outputs if all_outputs is None else [self.at(name) for name in all_outputs]
        read = dict.fromkeys([*inputs[:1], *map(self.at, facts.get("heard", [])), *inputs])
        self.monkeypatch.setattr(sys, "argv", [script, *read, "--output", *named])
        writing.write_record(
            ROOT / "scripts" / script, outputs, inputs, asked, device=self.device, **facts
        )

    def make_all(self, scales: tuple[float, ...]) -> None:
        """Make all files, from the manifest of a user to the scores."""
        own = [self.external("data/music.jsonl", "{}"), self.external("data/1.wav", "sound")]
        real = [f"manifests/music/real/{split}.jsonl" for split in ("train", "dev", "test")]
        licence = {"music": records.licence("in house", "passing on")}
        self.make("prepare.py", [*real, "texts/music/train.jsonl"], own, licences=licence)
        model = "models/tiny/pretrained/seed0/model.safetensors"
        self.make("pretrained.py", [model], ["resources/whisper/tiny.pt"])
        shard = "synthesized/music/kokoro/train/shard1of1.jsonl"
        voices = "resources/kokoro/voices.bin"
        self.make("synthesize.py", [shard], ["texts/music/train.jsonl", voices])
        heard = shard.replace(".jsonl", ".hypotheses.jsonl")
        self.make("transcribe.py", [heard], [model, shard])
        synthetic = "manifests/music/kokoro/train.jsonl"
        self.make("filter.py", [synthetic], [shard, heard])
        for name, manifest in (("source-real", real[0]), ("source-kokoro", synthetic),
                               ("music-kokoro", synthetic)):  # fmt: skip
            files = [f"models/tiny/{name}/seed1/{file}"
                     for file in ("model.safetensors", "config.json")]  # fmt: skip
            manifests = {"train": [self.at(manifest)]}
            told = {"seed": 1 if name != "music-kokoro" else 2}
            self.make("finetune.py", files, [model, manifest], told, manifests=manifests)
        vector = "task_vectors/tiny/source-kokoro/seed1.safetensors"
        parts = [
            f"models/tiny/source-{kind}/seed1/model.safetensors" for kind in ("real", "kokoro")
        ]
        self.make("task_vector.py", [vector], parts, {"command": "subtract"})
        adapted = "models/tiny/music-kokoro/seed1/model.safetensors"
        arms = [(f"music-kokoro+source-kokoro-tv{scale:g}", scale) for scale in scales]
        for sweep in ([("music-kokoro", None)], arms):
            heard = [f"hypotheses/tiny/{name}/seed1/music/real/test.jsonl" for name, _ in sweep]
            scores = [self.score(name) for name, _ in sweep]
            for hypotheses, (_, scale) in zip(heard, sweep, strict=True):
                inputs = [adapted, real[2], *([] if scale is None else [vector])]
                told = {"scaling_coefficient": scale}
                self.make("transcribe.py", [hypotheses], inputs, told, heard)
            for hypotheses, score in zip(heard, scores, strict=True):
                self.make("score.py", [score], [real[2], hypotheses], None, scores, heard=heard)
        self.summarize(["music-kokoro", *(name for name, _ in arms)], [None, *scales])

    def score(self, arm: str = "music-kokoro+source-kokoro-tv0.25") -> str:
        """Return the path of an arm's score in the experiment."""
        return f"scores/tiny/{arm}/seed1/music/real/test.json"

    def summarize(self, names: list[str], scales: list[float | None]) -> None:
        """Write a summary that has a row for each score."""
        self.make("summarize.py", ["summary.json"], [self.score(name) for name in names])
        rows = [
            made_up_row(
                "target-synthetic" + ("" if scale is None else "+vector"),
                label="target-synthetic" + ("" if scale is None else f" + {scale:g} τ"),
                tts="kokoro",
                scaling_coefficient=scale,
                wer_interval=(0.125, 0.5),
                scores=(self.at(self.score(name)),),
            )
            for name, scale in zip(names, scales, strict=True)
        ]
        target = made_up_target(rows, name=WHOLE_NAME, utterances=2, words=8)
        write_made_up_summary(Path(self.at("summary.json")), target)
        self.make_record_anew("summarize.py", "summary.json")

    def make_record_anew(self, script: str, name: str) -> None:
        """Write a file's record again, of the same inputs, after the file was written."""
        path = self.at(name)
        inputs = reading.record_of(path).inputs
        writing.write_record(ROOT / "scripts" / script, [path], inputs, {})

    def path(self, name: str | None = None) -> Path:
        """Return where a file of the experiment is; without a name, the score with the vector."""
        return self.root / self.at(name or self.score())
