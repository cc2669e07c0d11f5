"""Planning: a dry run of SLURP experiments of 1,000 to 20,000 jobs, and when nothing is to be done.

For the latter every output is written empty, and recorded by ``snakemake --touch``. The profile
tells Snakemake's time from that of the rules and scripts.
"""

import cProfile
import os
import pstats
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import yaml
from measure import ROOT, Comparison, Growth, Report, Runs, arguments, in_turn

from errors import InputError

SEEDS = {"1,000": 3, "5,000": 15, "20,000": 61}  # of config.yaml, which has about 330 jobs each
AT_MOST = {"5,000": 20.0}  # s
TOUCH = "from snakemake.executors.touch import Executor; Executor.SLEEPING_TIME = 0"
SNAKEMAKE = "import sys; from snakemake.cli import main; main(sys.argv[1:])"


def copy_of_checkout(folder: Path) -> None:
    """Copy what Snakemake reads, so that a made-up experiment writes nothing here."""
    for name in ("scripts", "rules", "profiles", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder / name)


def write_experiment(folder: Path, seeds: int) -> None:
    """Write config.yaml's experiment with another number of training seeds."""
    experiment = yaml.safe_load((ROOT / "config.yaml").read_text())
    experiment |= {"name": "planned", "seeds": list(range(1, seeds + 1))}
    (folder / "planned.yaml").write_text(yaml.safe_dump(experiment))


def snakemake(folder: Path, *options: str, before: str = "") -> str:
    """Run Snakemake in a copy of the checkout; return what it printed."""
    command = [sys.executable, "-c", f"{before}\n{SNAKEMAKE}", *options]
    command += ["--profile", "profiles/local", "--configfile", "planned.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def make_all_outputs(folder: Path) -> None:
    """Have every output be there, recorded as made by the present code and settings."""
    table = subprocess.run(
        [sys.executable, "-c", SNAKEMAKE, "--summary"]
        + ["--profile", "profiles/local", "--configfile", "planned.yaml"],
        cwd=folder, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for line in table.splitlines()[1:]:
        path = folder / line.split("\t")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    snakemake(folder, "--touch", "--quiet", "all", before=TOUCH)


def profile_of_dry_run(folder: Path) -> dict[str, float]:
    """Return the seconds of a profiled dry run that are spent in whose code."""
    before = os.getcwd()
    os.chdir(folder)
    profiler = cProfile.Profile()
    words = ["-n", "--quiet", "all", "--profile", "profiles/local", "--configfile", "planned.yaml"]
    from snakemake.cli import main

    with ExitStack() as quiet:
        nowhere = quiet.enter_context(open(os.devnull, "w"))
        quiet.enter_context(redirect_stdout(nowhere))
        quiet.enter_context(redirect_stderr(nowhere))
        quiet.enter_context(suppress(SystemExit))
        profiler.runcall(main, words)
    os.chdir(before)
    seconds: Counter[str] = Counter()
    for (path, _, _), (_, _, own, _, _) in pstats.Stats(profiler).stats.items():
        ours = "/scripts/" in path or "/rules/" in path or path.endswith("Snakefile")
        whose = "rules and scripts" if ours else "Snakemake" if "snakemake" in path else "Python"
        seconds[whose] += own
    return {whose: round(taken, 2) for whose, taken in seconds.items()}


def plan(seeds: int, repeats: int) -> tuple[int, dict[str, Runs]]:
    """Return the number of jobs of an experiment, and the runs of planning it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_of_checkout(folder)
        write_experiment(folder, seeds)
        dry = in_turn({"dry run": lambda: snakemake(folder, "-n", "--quiet", "rules")}, repeats)
        jobs = int(re.findall(r"(?m)^total +(\d+)$", dry["dry run"].result)[-1])
        make_all_outputs(folder)
        done = in_turn({"nothing to be done": lambda: snakemake(folder)}, repeats)
        printed = done["nothing to be done"].result
        if "Nothing to be done" not in printed:
            raise InputError(f"something was to be done:\n{printed[-2000:]}")
        return jobs, dry | done


def main() -> None:
    options = arguments("planning", __doc__).parse_args()
    report = Report("planning")
    sizes = dict(list(SEEDS.items())[:1]) if options.quick else SEEDS
    growths = {what: Growth(f"jobs, {what}") for what in ("dry run", "nothing to be done")}
    for size, seeds in sizes.items():
        jobs, runs = plan(seeds, 1 if size == "20,000" else options.repeats)
        for what, growth in growths.items():
            seconds = runs[what].median
            report.add(
                Comparison(
                    f"{what}, {jobs:,} jobs", seconds, amount=jobs, unit="jobs",
                    at_most=AT_MOST.get(size), runs={what: runs[what]},
                )
            )  # fmt: skip
            growth.add(jobs, seconds)
    report.growth += growths.values()
    with tempfile.TemporaryDirectory() as name:
        copy_of_checkout(Path(name))
        write_experiment(Path(name), SEEDS["1,000"])
        report.profile["dry run of 1,000 jobs"] = profile_of_dry_run(Path(name))
    report.write(options)


if __name__ == "__main__":
    main()
