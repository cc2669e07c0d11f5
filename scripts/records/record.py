"""Lineage records: what a stage writes beside what it makes, and how they are found again.

A record is JSON (``lineage.schema.json``), canonical: what two identical runs differ in (time,
host, memory) stands under ``run``, and nowhere else. Paths are as the stage was given them,
relative to the folder that it ran in. A record lies beside the first output in each folder.
"""

import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from addresses import without_secrets
from errors import InputError
from escaping import OBEYED
from files.atomic import atomic_path
from records.code_version import code_versions

SUFFIX = ".lineage.json"
INDEX = "files.json"  # of a folder of fetched files
WEIGHTS = "model.safetensors"
MODEL_CARD = ("README.md", "lineage.json")  # what model_card.py adds to a checkpoint
MAX_BYTES = 1 << 26  # of a record
MAX_DEPTH = 32  # of what is nested in it
MAX_NAME = 4096  # characters of a path, as of the system's own bound
SCRIPT = re.compile(r"\w+\.py")
MODULE = re.compile(r"[\w./-]+\.py")
SHA256 = re.compile(r"[0-9a-f]{64}")
ESCAPED = re.compile(r'\\[^"\\/]|\x7f')  # in JSON: what may be a control character
CODE = re.compile(r"[0-9a-f]{16}")
COMMIT = re.compile(r"[0-9a-f]{40,64}|unknown")
PACKAGES = (
    "torch", "torchaudio", "transformers", "tokenizers", "safetensors", "speechbrain", "peft",
    "bitsandbytes", "onnxruntime", "hibari-tts", "numpy", "soundfile", "soxr", "jiwer",
    "whisper-normalizer",
)  # fmt: skip
STARTED = time.time()
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes
seconds_spent: list[float] = []  # on fingerprints since the last record


@dataclass(frozen=True)
class Record:
    """A lineage record; outputs and inputs are SHA-256 by normalised path.

    The paths are relative to ``root``: the folder in which the stage ran.
    """

    sidecar: str
    root: str
    script: str
    outputs: dict[str, str]
    inputs: dict[str, str]
    content: dict[str, Any]

    def at(self, path: str) -> Path:
        """Return where a path of the record is now."""
        return Path(self.root, path)


def sidecar(output: str | Path) -> Path:
    """Return the path of an output's own record: its name and ``.lineage.json``."""
    return Path(f"{output}{SUFFIX}")


def sha256(path: str | Path) -> str:
    """Return the hexadecimal SHA-256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamp(path: str | Path) -> list[int]:
    """Return a file's inode, time of its last change (ns) and size (bytes)."""
    status = os.stat(path)
    return [status.st_ino, status.st_mtime_ns, status.st_size]


# Writing


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
    script: str | Path, parameters: dict[str, Any], inputs: Iterable[str | Path]
) -> str:
    """Return a hash of all that work that is resumed depends on, so that no two are mixed.

    That is settings (with what "auto" stands for), inputs' bytes, code and packages.
    """
    begun = time.perf_counter()
    code = code_of(script)[0]
    parts = [parameters, code, installed_versions(), *map(known_sha256, inputs)]
    seconds_spent.append(time.perf_counter() - begun)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def known_sha256(path: str | Path, record: Record | None = None) -> str:
    """Return a file's SHA-256; that of its ``record``, if the file was not written since."""
    record = record or record_of(path)
    if record and is_unwritten(path, record):
        return record.outputs[name_in(record, path)]
    return sha256(path)


def is_unwritten(path: str | Path, record: Record) -> bool:
    """Say whether a file is the one of its record, and was not written after the record was.

    The time in its stamp has no say: Snakemake touches all outputs of a job, its record last.
    """
    told = record.content["run"]["stamps"].get(name_in(record, path), [])
    inode, written, size = stamp(path)
    return told[::2] == [inode, size] and written <= stamp(record.sidecar)[1]


def name_in(record: Record, path: str | Path) -> str | None:
    """Return how a record names one of its outputs; None if it is none of them."""
    place = os.path.abspath(path)
    return next(
        (name for name in record.outputs if os.path.abspath(record.at(name)) == place), None
    )


def known_inputs(
    inputs: Iterable[str | Path],
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return the SHA-256 of files, and the licences of the external files that are in them."""
    records_in, fetched = functools.cache(records_of_folder), functools.cache(record_of_fetched)
    hashes, licences = {}, {}
    for path in inputs:
        made = record_of(path, records_in)
        hashes[str(path)] = known_sha256(path, made) if made else sha256(path)
        origin = made or fetched(Path(path).parent / INDEX)
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


# Reading


def read_record(path: str | Path) -> Record:
    """Return the record of a sidecar; raise ``InputError`` if it is none."""
    path = Path(path)
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise ValueError(f"{size} bytes, more than the bound of {MAX_BYTES}")
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
        if not text.isascii() or ESCAPED.search(text):  # seldom, and slower
            check_texts(content)
        if "://" in text:
            content = without_secrets(content)
        check_content(content)
        outputs, inputs = (
            {os.path.normpath(name): sha256 for name, sha256 in content[key].items()}
            for key in ("outputs", "inputs")
        )
        return Record(
            str(path), root_of(path, outputs), content["script"], outputs, inputs, content
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path}: not a lineage record ({type(error).__name__}: {error}); make its file again"
        ) from None


def check_content(content: dict[str, Any]) -> None:
    """Raise an error if a record is not what a stage writes: it may come from anywhere.

    What it says is read by people and shells: names are in one line, hashes are hashes.
    """
    check_depth(content)
    check_names(content)
    run = content["run"]
    hashes = [*content["outputs"].values(), *content["inputs"].values()]
    patterns = [
        (SHA256, hashes, "a SHA-256"),
        (CODE, [content["code"], *content["modules"].values()], "a hash of code"),
        (SCRIPT, [content["script"]], "a script"),
        (MODULE, content["modules"], "a module"),
        (COMMIT, [content["commit"]], "a commit"),
    ]
    for pattern, texts, what in patterns:
        for text in texts:
            if not isinstance(text, str) or not pattern.fullmatch(text):
                raise ValueError(f"{str(text)[:200]!r} is not {what}")
    for key in ("outputs", "inputs", "licences", "parameters", "packages", "modules"):
        content[key].items()
    for terms in content["licences"].values():
        if not isinstance(terms["licence"], str) or not isinstance(terms.get("forbids", ""), str):
            raise TypeError("a licence is no text")
    parameters, sources = content["parameters"], content.get("sources", {})
    named = [parameters.get(key, "") for key in ("domain", "artifact")] + [*sources.values()]
    if not all(name is None or isinstance(name, str) for name in named):
        raise TypeError("a domain, artifact or source is no text")
    if content["script"] == "fetch.py":
        for name, file in parameters.get("files", {}).items():
            if not all(isinstance(source, dict) for source in [{}, *file["sources"]]):
                raise TypeError(f"a declared source of {name!r} is none")
    command = content["command"]
    if not isinstance(command, list) or not all(isinstance(part, str) for part in command):
        raise TypeError("its command is no list of texts")
    if command[:1] != [content["script"]]:
        raise ValueError("its command is not one of its script")
    if not content["outputs"] or not isinstance(content["dirty"], bool):
        raise ValueError("it names no output, or does not say whether the code was changed")
    times = [run[key] for key in ("started", "ended", "lineage_seconds", "peak_memory")]
    if not all(isinstance(time, int | float) and 0 <= time < 1e18 for time in times):
        raise ValueError(f"its times and memory {times} are not all numbers from 0 on")
    for stamp in run["stamps"].values():
        if len(stamp) != 3 or not all(isinstance(number, int) for number in stamp):
            raise ValueError(f"{stamp!r} is not inode, time and size of a file")


def check_names(content: dict[str, Any]) -> None:
    """Raise ``ValueError`` if a name in a record, of a file first of all, is not in one line."""
    names = [*content["outputs"], *content["inputs"], *content["licences"], *content["modules"]]
    names += [*content["packages"], *content["packages"].values(), content["script"]]
    names += [content["python"], content["device"], content["commit"]]
    names += [*content["run"]["stamps"], content["run"]["host"], content["run"]["platform"]]
    is_text = all(isinstance(name, str) for name in names)
    if is_text and not OBEYED.search(" ".join(names)) and max(map(len, names)) <= MAX_NAME:
        return
    for name in names:
        if not isinstance(name, str) or len(name) > MAX_NAME or OBEYED.search(name):
            raise ValueError(
                f"{str(name)[:200]!r} is no name of at most {MAX_NAME} characters in one line"
            )


def check_depth(value: Any, depth: int = 0) -> None:
    """Raise ``ValueError`` if what is in a record is nested too deep."""
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            check_depth(each, depth + 1)


def check_texts(value: Any) -> None:
    """Raise ``ValueError`` if a text in a record has control characters, but for line ends."""
    if isinstance(value, dict):
        for each in value.items():
            check_texts(list(each))
    elif isinstance(value, list):
        for each in value:
            check_texts(each)
    elif isinstance(value, str) and any(found not in "\n\r\t" for found in OBEYED.findall(value)):
        raise ValueError(f"{value[:200]!r} has control characters")


def root_of(path: Path, outputs: Iterable[str]) -> str:
    """Return the folder that a record's paths are relative to, from where its sidecar lies."""
    place = os.path.abspath(path)
    for output in outputs:
        if place.endswith(os.sep + str(sidecar(output))):
            return place.removesuffix(str(sidecar(output))).rstrip(os.sep) or os.sep
        if place == str(sidecar(output)):
            return os.sep
    return os.getcwd()


def read_records(folder: str | Path) -> dict[str, Record]:
    """Return the record of every output of every sidecar below a folder; the latest, of several."""
    records: dict[str, Record] = {}
    for path in sidecars_below(folder):
        record = read_record(path)
        for output in record.outputs:
            other = records.get(output)
            if other is None or ended(other) <= ended(record):
                records[output] = record
    return records


def sidecars_below(folder: str | Path) -> Iterator[Path]:
    """Yield the paths of all records below a folder, in order."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(name for name in names if name.endswith(SUFFIX)):
            yield Path(parent, name)


def ended(record: Record) -> float:
    """Return when a stage ended, in s since 1970."""
    return record.content["run"]["ended"]


def record_of(
    path: str | Path, records_in: Callable[[Path], dict[str, Record]] | None = None
) -> Record | None:
    """Return the record of the stage that made a file, if there is one: it lies in its folder.

    ``records_in`` may remember what it has returned.
    """
    path = Path(path)
    if sidecar(path).is_file():
        return read_record(sidecar(path))
    return (records_in or records_of_folder)(path.parent).get(os.path.abspath(path))


def records_of_folder(folder: Path) -> dict[str, Record]:
    """Return the records that lie in a folder, by the absolute path of each output; the latest."""
    records = sorted(map(read_record, folder.glob(f"*{SUFFIX}")), key=ended)
    return {
        os.path.abspath(record.at(output)): record
        for record in records
        for output in record.outputs
    }


def record_of_fetched(path: str | Path) -> Record | None:
    """Return the record of the fetched folder that a file is in, if it is in one."""
    for folder in Path(path).parents:
        if sidecar(folder / INDEX).is_file():
            return read_record(sidecar(folder / INDEX))
    return None


def upstream(path: str | Path) -> list[Record]:
    """Return the records of a file and of all that it was made from: what is read comes first.

    Raises ``InputError`` if the file itself has none. Inputs without a record are external files.
    """
    first = record_of(path)
    if first is None:
        raise InputError(
            f"{path}: no lineage record tells how it was made; name a file that the workflow made"
        )
    found: dict[str, Record] = {}
    records_in = functools.cache(records_of_folder)

    def visit(record: Record, users: tuple[str, ...] = ()) -> None:
        if record.sidecar in users:
            raise made_of_itself(record)
        if record.sidecar in found:
            return
        for name in record.inputs:
            if maker := record_of(record.at(name), records_in):
                visit(maker, (*users, record.sidecar))
        found[record.sidecar] = record

    visit(first)
    return list(found.values())


def made_of_itself(record: Record) -> InputError:
    """Return the error of a record whose file was made, at some remove, of itself."""
    return InputError(
        f"{record.sidecar}: its files were made of themselves, as records tell; delete them and all"
        " that was made of them, and run the workflow again"
    )


def licence(name: str, forbids: str = "") -> dict[str, str]:
    """Return a licence as records have it: its name, and what it forbids, if anything."""
    return {"licence": name, **({"forbids": forbids} if forbids else {})}


def checkpoint_files(folder: str | Path) -> list[Path]:
    """Return the files of a checkpoint: its weights, then its configuration and tokenizer."""
    weights = Path(folder) / WEIGHTS
    others = [
        path
        for path in sorted(Path(folder).iterdir())
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith(SUFFIX)
    ]
    return [weights, *(path for path in others if path.name not in (WEIGHTS, *MODEL_CARD))]
