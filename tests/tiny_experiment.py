"""The tiny experiment: a random Whisper, embedded TTS, real recordings, in a copy of the checkout.

So that a test can edit its code. Fetched files are shared with the checkout's resources/.
"""

import fcntl
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import soundfile
import yaml

from conftest import ROOT
from corpora import asterisk
from files.checksum import sha256
from files.manifest import write_jsonl
from tiny import write_whisper

RESULTS = Path("results/tiny")
SHARED = ("whisper-tiny.en", "amazon-queen", "drascula", "asterisk", "hibari")


def command(
    *arguments: str, experiment: str = "tiny.yaml", profile: str = "profiles/local"
) -> list[str]:
    """Return the command line of ``make demo``, for another experiment."""
    return ["snakemake", *arguments, "--profile", profile, "--configfile", experiment]


def snakemake(folder: Path, *arguments: str, fails: bool = False, **where: str) -> str:
    """Run Snakemake in a copy of the checkout; return what it printed."""
    done = subprocess.run(command(*arguments, **where), cwd=folder, capture_output=True, text=True)
    if bool(done.returncode) != fails:
        logs = sorted(folder.glob("logs/**/*.log"), key=lambda path: path.stat().st_mtime)
        tail = logs[-1].read_text()[-2000:] if logs else ""
        pytest.fail(f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}\n{tail}")
    return done.stdout + done.stderr


def copy_of_checkout(folder: Path) -> Path:
    for name in ("scripts", "rules", "profiles", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder / name)
    (ROOT / "resources").mkdir(exist_ok=True)
    (folder / "resources").symlink_to(ROOT / "resources")
    (folder / "slurm").symlink_to("profiles/slurm")
    fetch_shared(folder)
    return folder


def copy_without(made: Path, folder: Path, *patterns: str) -> Path:
    """Return a copy of a run in which what matches the patterns is to be made again."""
    shutil.copytree(made, folder, symlinks=True, dirs_exist_ok=True)
    for path in [path for pattern in patterns for path in folder.glob(pattern)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return folder


def fetch_shared(folder: Path) -> None:
    """Fetch what the embedded experiment needs, which all copies share: one copy at a time."""
    wanted = [f"resources/{name}/files.json" for name in SHARED]
    with (ROOT / "resources/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        snakemake(folder, *wanted, experiment=str(ROOT / "experiments/drascula.yaml"))


def write_experiment(folder: Path, spoken: bytes = bytes(range(256)), **changes: object) -> None:
    """Write tiny.yaml: real prompts as the source, the user's own manifest and texts as targets.

    The base model says no bytes but those ``spoken``.
    """
    base = write_whisper(folder / "base", spoken=spoken)
    files = {
        path.name: {"sha256": sha256(path), "sources": [{"path": str(path)}]}
        for path in sorted(base.iterdir())
    }
    experiment = {
        "name": "tiny",
        "base_models": {"base": {"artifact": f"tiny-{folder.name}"}},
        "window": 5,
        "source": ["prompts"],
        "targets": ["own", "leaflet"],
        "domains": {
            "prompts": {"corpus": "asterisk", "artifact": "asterisk"}
            | {"train": 8, "dev": 3, "test": 3, "min_words": 3},
            "own": {"manifest": "own.jsonl", "dev": 3, "test": 6}
            | {"augmentation": {"telephone": {"probability": 1}}},
            "leaflet": {"texts": "leaflet.txt", "train": 5, "dev": 2},
        },
        "tts": {
            "hibari": {"engine": "hibari", "artifact": "hibari"}
            | {"voices": ["heart", "heart_bass"], "shards": 2}
        },
        "filter": {"max_cer": 1000},  # a random model understands nothing
        "finetune": {"trained": "all", "learning_rate": 1e-3, "epochs": 1, "batch_size": 4}
        | {"criterion": "loss"},
        "task_vector": {"scaling_coefficients": [0.5], "chosen_on": ["hibari"], "delivered": {}},
        "forgetting": [],
        "precision": "fp32",
        "guard_repetition": False,  # a random model repeats itself
        "resamples": 200,
        "artifacts": {f"tiny-{folder.name}": {"licence": "MIT", "files": files}},
    }
    (folder / "tiny.yaml").write_text(yaml.safe_dump(experiment | changes))
    texts = ["We close at nine.", "The shop is open.", "Ask at the counter!", "Bring it back."]
    texts += ["Pay by card.", "Leave by the north gate.", "Mind the step."]
    (folder / "leaflet.txt").write_text("\n".join(texts) + "\n")


def write_own_manifest(folder: Path) -> None:
    """Write the user's manifest: the fifteen first short prompts of four words."""
    fetched = folder / "resources/asterisk"
    rows = []
    for recording in asterisk.read(fetched):
        waveform, rate = recording.load()
        if len(recording.text.split()) == 4 and len(waveform) < 5 * rate:
            path = folder / "own" / f"{recording.id}.wav"
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, waveform, rate)
            rows.append({"audio_filepath": str(path), "text": recording.text, "id": recording.id})
    write_jsonl(folder / "own.jsonl", rows[:15])


def summary(folder: Path) -> dict:
    return json.loads((folder / RESULTS / "summary.json").read_text())


def table(folder: Path) -> list:
    """Return what the table says, without paths and times."""
    return [
        (target["target"], row["arm"], row["scaling_coefficient"], row["wer"], row["wer_interval"])
        for target in summary(folder)["targets"]
        for row in target["rows"]
    ]


def planned(folder: Path, experiment: str = "tiny.yaml") -> dict[str, int]:
    """Return how many jobs of each rule a dry run plans."""
    return job_counts(snakemake(folder, "-n", experiment=experiment))


def job_counts(printed: str) -> dict[str, int]:
    """Return the table of jobs that a dry run prints."""
    rows = re.findall(r"(?m)^(\w+) +(\d+)$", printed)
    return {rule: int(count) for rule, count in rows}
