"""What all benchmarks share: timing side by side, peak memory, the machine, and the JSON file.

A benchmark compares seconds: ours and a peer's for the same work, in turn, on the same machine. A
``Comparison`` is one line of the table; its ratio is how many times faster we are.
"""

import argparse
import datetime
import json
import os
import platform
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "scripts"
sys.path.insert(0, str(SCRIPTS))

from errors import InputError  # noqa: E402
from files.atomic import atomic_path  # noqa: E402
from records.writing import commit, versions_of  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
EXPERIMENT = ROOT / "results" / "drascula"
FIRST = "run `make run EXPERIMENT=experiments/drascula.yaml` first"
PACKAGES = (
    "torch", "transformers", "onnxruntime", "hibari-tts", "jiwer", "numpy", "safetensors",
    "snakemake", "faster-whisper", "ctranslate2", "mergekit", "accelerate",
)  # fmt: skip

# A process's peak memory counts that of its parent, of whom it is a copy at first: a small one.
CHILD = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status)
"""


@dataclass
class Runs:
    """Some runs of one side: the seconds of each, and what the last one returned."""

    seconds: list[float] = field(default_factory=list)
    result: Any = None

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)

    def once(self, side: Callable[[], Any]) -> Self:
        """Run it once more."""
        started = time.perf_counter()
        self.result = side()
        self.seconds.append(time.perf_counter() - started)
        return self


@dataclass
class Comparison:
    """Seconds that we and a peer take for the same work, medians of some runs in turn.

    ``amount`` is how many of ``unit`` the work is; ``bar`` the ratio and ``at_most`` the seconds
    that are asked for; ``limit_seconds`` what the machine allows, for the reason that ``limit``
    gives.
    """

    work: str
    seconds: float
    peer: str | None = None
    peer_seconds: float | None = None
    amount: float = 1
    unit: str = "run"
    bar: float | None = None
    at_most: float | None = None
    limit: str | None = None
    limit_seconds: float | None = None
    runs: dict[str, Runs] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """How many times faster than the peer."""
        return self.peer_seconds / self.seconds if self.peer_seconds else None

    def content(self) -> dict[str, Any]:
        """Return what the JSON file has of it: the seconds of each run, not what it returned."""
        seconds = {side: runs.seconds for side, runs in self.runs.items()}
        return asdict(replace(self, runs={})) | {"ratio": self.ratio, "runs": seconds}

    def line(self) -> str:
        """Return the comparison as one line of text."""
        said = f"{self.work}: {self.seconds:.4g} s, {self.amount / self.seconds:.4g} {self.unit}/s"
        if self.ratio:
            said += f"; {self.peer}: {self.peer_seconds:.4g} s; ratio {self.ratio:.3g}"
        if self.bar:
            said += f" (bar {self.bar:g})"
        if self.at_most:
            said += f"; at most {self.at_most:.4g} s"
        if self.limit_seconds:
            said += f"; limit {self.limit_seconds:.4g} s ({self.limit})"
        return said


@dataclass
class Growth:
    """How time and memory (bytes, at the peak) grow with the size of the work."""

    what: str
    sizes: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    peak_memory: list[int | None] = field(default_factory=list)

    def add(self, size: float, seconds: float, peak_memory: int | None = None) -> None:
        """Keep one size's figures, and print them."""
        print(f"growth in {self.what}: {size}, {seconds:.4g} s, {peak_memory} bytes", flush=True)
        self.sizes.append(size)
        self.seconds.append(round(seconds, 3))
        self.peak_memory.append(peak_memory)


@dataclass
class Report:
    """All that a benchmark found out."""

    name: str
    comparisons: list[Comparison] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)  # differences of results, sizes, shares
    growth: list[Growth] = field(default_factory=list)
    profile: dict[str, dict[str, float]] = field(default_factory=dict)  # seconds by part

    def add(self, comparison: Comparison) -> None:
        """Keep a comparison, and print it."""
        self.comparisons.append(comparison)
        print(comparison.line(), flush=True)

    def note(self, fact: str, value: Any) -> None:
        """Keep a fact, and print it."""
        self.facts[fact] = value
        print(f"{fact}: {value}", flush=True)

    def write(self, options: argparse.Namespace) -> None:
        """Write the results as JSON, with machine and versions; a quick look's are only printed."""
        if options.quick:
            return
        content = {
            "name": self.name,
            "date": datetime.date.today().isoformat(),
            "command": " ".join(["python", *sys.argv]),
            **commit(),
            "machine": machine(),
            "versions": versions_of(PACKAGES),
            "comparisons": [each.content() for each in self.comparisons],
            "facts": self.facts,
            "growth": [asdict(each) for each in self.growth],
            "profile": self.profile,
        }
        with atomic_path(options.output) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def arguments(name: str, doc: str) -> argparse.ArgumentParser:
    """Return the command line that every benchmark has."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    output = RESULTS / f"{name}.json"
    parser.add_argument("--output", type=Path, default=output, help="JSON file to write")
    parser.add_argument(
        "--quick", action="store_true", help="a small part of the work, for a look; writes nothing"
    )
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side (default 3)")
    return parser


def in_turn(
    sides: dict[str, Callable[[], Any]], repeats: int, before: Callable[[str], Any] | None = None
) -> dict[str, Runs]:
    """Run every side ``repeats`` times, one run of each at a time.

    What comes ``before``, given the side's name, is not timed.
    """
    runs = {name: Runs() for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            if before:
                before(name)
            runs[name].once(side)
    return runs


def run(command: Sequence[object]) -> tuple[float, int]:
    """Run a command; return its seconds and its peak memory in bytes. Its failure is ours."""
    started = time.perf_counter()
    with tempfile.NamedTemporaryFile("r") as peak:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, peak.name, *map(str, command)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        if done.returncode:
            raise InputError(f"{' '.join(map(str, command))} failed:\n{done.stdout[-2000:]}")
        return seconds, int(peak.read()) * 1024


def profiled(command: Sequence[object]) -> Counter[str]:
    """Run a Python command; return its seconds within each function, by "file.py:function".

    Files of scripts/ go by their path from there, others by their name. What a function calls
    counts for both. The whole is that of "".
    """
    with tempfile.TemporaryDirectory() as name:
        output = Path(name, "profile")
        run([command[0], "-m", "cProfile", "-o", output, *command[1:]])
        stats = pstats.Stats(str(output))
    found = Counter({"": stats.total_tt})
    for (path, _, function), (_, _, _, seconds, _) in stats.stats.items():
        name = os.path.relpath(path, SCRIPTS) if path.startswith(str(SCRIPTS)) else Path(path).name
        found[f"{name}:{function}"] += seconds
    return found


def script(name: str, *options: object) -> list[object]:
    """Return the command line of one of our scripts."""
    return [sys.executable, SCRIPTS / name, *options]


def of_experiment(path: str) -> Path:
    """Return a file of the experiment that is measured on; say so if it is not there."""
    if not (EXPERIMENT / path).exists():
        raise InputError(f"{EXPERIMENT / path}: no such file; {FIRST}")
    return EXPERIMENT / path


def machine() -> dict[str, Any]:
    """Return what the numbers were measured on."""
    said = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    about = dict(line.split("\t: ", 1) for line in said.splitlines() if "\t: " in line)
    about = {key.strip(): value for key, value in about.items()}
    flags = about.get("flags", "").split()
    known = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
    return {
        "processor": about.get("model name", platform.processor()),
        "cores": len(os.sched_getaffinity(0)),
        "instructions": [flag for flag in known if flag in flags],
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "gpu": gpu(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def gpu() -> str | None:
    """Return the name of the first GPU that PyTorch finds."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def peak_flops(threads: int, dtype=None) -> float:
    """Return the multiply-adds times two per second of a large matrix product: what is possible."""
    import torch

    dtype = dtype or torch.float32
    device = "cuda" if torch.cuda.is_available() else "cpu"
    size = 8192 if device == "cuda" else 2048
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    best = 0.0
    for _ in range(5):
        started = time.perf_counter()
        (a @ b).sum().item()
        best = max(best, 2 * size**3 / (time.perf_counter() - started))
    torch.set_num_threads(before)
    return best


def take(rows: Sequence[Any], count: int) -> list[Any]:
    """Return ``count`` rows, from the beginning again when they have run out."""
    return [rows[place % len(rows)] for place in range(count)]
