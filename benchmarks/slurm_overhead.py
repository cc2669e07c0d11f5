"""What SLURM and Snakemake cost for each job: trivial jobs, one by one, in groups, in arrays.

Run it on a cluster (or beside `tests/slurm_cluster.sh up`), with its partition for CPU jobs:
`python benchmarks/slurm_overhead.py --jobs 500 --slots 8`. The jobs of the three runs are the same,
and so is the number of them that may run at a time.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SNAKEFILE = """
rule all:
    input: expand("done/{{i}}", i=range({jobs}))

rule trivial:
    output: "done/{{i}}"
    resources: mem_mb=300, runtime=60
    shell: "touch {{output}}"
"""
SETTINGS = (
    "--executor=slurm",
    "--slurm-status-command=squeue",
    "--slurm-init-seconds-before-status-checks=5",
    "--max-status-checks-per-second=1",
    "--quiet=all",
    "--cores=1",  # of a group: one job after the other
)


def run(jobs: int, slots: int, *options: str, folder: str | None = None) -> tuple[float, int]:
    """Return a run's time in s and how many of its trivial jobs Snakemake saw through."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        Path(name, "Snakefile").write_text(SNAKEFILE.format(jobs=jobs))
        started = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "snakemake", f"--jobs={slots}", *SETTINGS, *options],
            cwd=name,
            stderr=subprocess.PIPE,
        )
        return time.monotonic() - started, len(list(Path(name, "done").glob("*")))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--jobs", type=int, default=500)
    add("--slots", type=int, default=8, help="SLURM jobs at a time")
    add("--per-group", type=int, default=25, help="jobs that one SLURM job runs")
    add("--folder", help="a folder that the nodes share (default: the system's temporary one)")
    options = parser.parse_args(argv)
    together = f"--groups=trivial=together --group-components=together={options.per_group}"
    variants = {
        "one by one": [],
        f"groups of {options.per_group}": together.split(),
        "arrays": ["--slurm-array-jobs=trivial"],
    }
    for name, of_snakemake in variants.items():
        took, done = run(options.jobs, options.slots, *of_snakemake, folder=options.folder)
        failed = "" if done == options.jobs else f", {options.jobs - done} NOT DONE"
        print(f"{name:>14}: {took:7.1f} s, {took / options.jobs:6.3f} s a job{failed}", flush=True)


if __name__ == "__main__":
    main()
