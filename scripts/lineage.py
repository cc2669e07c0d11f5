"""What an artifact was made from: one JSON sidecar beside each output."""

import hashlib
import importlib.metadata
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from atomic import atomic_path
from code_version import code_version

PACKAGES = (
    "torch", "torchaudio", "transformers", "tokenizers", "safetensors", "speechbrain", "peft",
    "bitsandbytes", "onnxruntime", "hibari-tts", "numpy", "soundfile", "soxr", "jiwer",
    "whisper-normalizer",
)  # fmt: skip
STARTED = time.time()
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes


def sidecar(output: str | Path) -> Path:
    """Return the path of an output's lineage file: its own name and ``.lineage.json``."""
    return Path(f"{output}.lineage.json")


def record(
    script: str | Path,
    outputs: Iterable[str | Path],
    inputs: Iterable[str | Path],
    parameters: dict[str, Any],
    **facts: Any,
) -> None:
    """Write the sidecar of ``outputs[0]``: hashes of outputs and inputs, code, settings, machine.

    ``script`` is the caller's ``__file__``; outputs and inputs are files, not folders.
    ``parameters`` are the settings that shape the result (seed, rates, ...); ``facts`` are further
    top-level keys (``licence``, ``counts``, ...). Times are in s since 1970, ``peak_memory`` in
    bytes. Call it last, when the outputs are final.
    """
    outputs = list(outputs)
    script = Path(script)
    content = {
        "outputs": {str(path): sha256(path) for path in outputs},
        "inputs": {str(path): sha256(path) for path in inputs},
        "script": script.name,
        "code": code_version(script),
        "parameters": parameters,
        "packages": installed_versions(),
        **facts,
        "commit": commit(),
        "command": [script.name, *sys.argv[1:]],
        "host": platform.node(),
        "python": platform.python_version(),
        "started": round(STARTED, 3),
        "ended": round(time.time(), 3),
        "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT,
    }
    with atomic_path(sidecar(outputs[0])) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


def fingerprint(
    script: str | Path, parameters: dict[str, Any], inputs: Iterable[str | Path]
) -> str:
    """Return a hash of settings, inputs' bytes and code: what work that is resumed depends on."""
    parts = [parameters, code_version(script), *map(sha256, inputs)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def sha256(path: str | Path) -> str:
    """Return the hexadecimal SHA-256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def installed_versions() -> dict[str, str]:
    """Return the versions of the packages that can change a result, of those that are installed."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def commit() -> str:
    """Return the checkout's commit, ``-dirty`` behind it if files differ, or ``unknown``."""
    command = [
        "git",
        "-C",
        str(Path(__file__).parent),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.stdout.strip() or "unknown"
