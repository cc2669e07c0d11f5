"""Lineage records as a stage writes them: hashes of what it reads and makes, code, machine."""

import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from addresses import without_secrets
from errors import InputError
from files.atomic import atomic_path
from files.checksum import sha256
from records.code_version import code_versions
from records.format import check_names
from records.reading import known_sha256, record_of, record_of_fetched, records_of_folder
from records.record import INDEX, sidecar, stamp

PACKAGES = (
    "torch", "torchaudio", "transformers", "tokenizers", "safetensors", "speechbrain", "peft",
    "bitsandbytes", "onnxruntime", "hibari-tts", "numpy", "soundfile", "soxr", "jiwer",
    "whisper-normalizer",
)  # fmt: skip
STARTED = time.time()
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes
seconds_spent: list[float] = []  # on fingerprints since the last record


def write_record(
    script: str | Path,
    outputs: Iterable[str | Path],
    inputs: Iterable[str | Path],
    parameters: dict[str, Any],
    *,
    modules: Iterable[str] = (),
    packages: dict[str, str] | None = None,
    device: str = "cpu",
    licences: dict[str, dict[str, str]] | None = None,
    of_run: dict[str, Any] | None = None,
    hashes: dict[Path, str] | None = None,
    **facts: Any,
) -> None:
    """Write the record of a stage: hashes of outputs and inputs, code, settings, machine.

    ``script`` is the caller's ``__file__``, ``modules`` those that it picked at run time, as paths
    from its folder, ``packages`` the versions of those that only it uses; outputs and inputs are
    files, not folders. ``hashes`` are SHA-256 of outputs, where their writer took them on the way.
    ``parameters`` are the settings that shape the result (seed, rates, ...);
    ``licences`` those of external files that the stage itself brought in, by name (``licence``,
    ``forbids``): those of its inputs are added. ``facts`` are further top-level keys (``counts``,
    ...), ``of_run`` further keys of ``run``. Times are in s since 1970, ``peak_memory`` in bytes.
    Secrets of web addresses are left out. Call it last, when the outputs are final.
    """
    begun = time.perf_counter()
    outputs, taken = list(outputs), hashes or {}
    code, code_of_modules = code_of(script, *modules)
    hashes_of_inputs, licences_of_inputs = known_inputs(inputs)
    content = {
        "version": 1,
        "outputs": {str(path): taken.get(Path(path)) or sha256(path) for path in outputs},
        "inputs": hashes_of_inputs,
        "script": Path(script).name,
        "code": code,
        "modules": code_of_modules,
        "parameters": parameters,
        "packages": installed_versions() | (packages or {}),
        "python": platform.python_version(),
        "device": device,
        "licences": licences_of_inputs | (licences or {}),
        **facts,
        **commit(),
        "command": [Path(script).name, *sys.argv[1:]],
    }
    content = without_secrets(content)
    content["run"] = {
        "host": platform.node(),
        "platform": platform.platform(),
        "started": round(STARTED, 3),
        "ended": round(time.time(), 3),
        "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT,
        "stamps": {os.path.normpath(path): stamp(path) for path in outputs},
        "lineage_seconds": round(sum(seconds_spent) + time.perf_counter() - begun, 4),
        **(of_run or {}),
    }
    seconds_spent.clear()
    try:
        check_names(content)
    except ValueError as error:
        raise InputError(f"{outputs[0]}: {error}, and no record can name it; rename it") from None
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    first_of_folder = {Path(path).parent: path for path in reversed(outputs)}
    for path in first_of_folder.values():
        with atomic_path(sidecar(path)) as temporary:
            temporary.write_text(text, encoding="utf-8")


def fingerprint(
    script: str | Path,
    parameters: dict[str, Any],
    inputs: Iterable[str | Path],
    modules: Iterable[str] = (),
) -> str:
    """Return a hash of all that work that is resumed depends on, so that no two are mixed.

    That is settings (with what "auto" stands for), inputs' bytes, code and packages. ``modules``
    are those that the script picked at run time, as paths from its folder.
    """
    begun = time.perf_counter()
    code = code_of(script, *modules)[0]
    parts = [parameters, code, installed_versions(), *map(known_sha256, inputs)]
    seconds_spent.append(time.perf_counter() - begun)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def known_inputs(
    inputs: Iterable[str | Path],
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return the SHA-256 of files, and the licences of the external files that are in them."""
    records_in, fetched = functools.cache(records_of_folder), functools.cache(record_of_fetched)
    hashes: dict[str, str] = {}
    licences: dict[str, dict[str, str]] = {}
    for path in inputs:
        record = record_of(path, records_in)
        hashes[str(path)] = known_sha256(path, record) if record else sha256(path)
        origin = record or fetched(Path(path).parent / INDEX)
        if origin:
            licences |= origin.content["licences"]
    return hashes, licences


@functools.cache
def code_of(script: str | Path, *modules: str) -> tuple[str, dict[str, str]]:
    """Return ``code_versions``, which do not change while a stage runs."""
    return code_versions(script, *modules)


@functools.cache
def installed_versions() -> dict[str, str]:
    """Return the versions of the packages that can change a result, of those that are installed."""
    return versions_of(PACKAGES)


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of some packages, of those that are installed."""
    versions = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


@functools.cache
def commit() -> dict[str, Any]:
    """Return the checkout's ``commit`` (or "unknown"), and whether files differ (``dirty``)."""
    folder = str(Path(__file__).parent)
    command = ["git", "-C", folder, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    result = subprocess.run(command, capture_output=True, text=True)
    name, _, dirty = result.stdout.strip().partition("-")
    return {"commit": name or "unknown", "dirty": bool(dirty)}
