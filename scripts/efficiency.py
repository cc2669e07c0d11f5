"""What the jobs of an experiment asked for and what they used, by rule, with what to set instead.

What was asked is in ``logs/NAME/jobs.jsonl``. What was used is in the lineage record of a job's
output: the script's own time, and the peak memory of its own process (of a training run that is
shared among processes: of the first). It needs no accounting by SLURM, and tells of local runs too.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from errors import InputError, run
from files.json_file import parse_object, read_object
from files.text_file import read_text
from names import name_of
from options import Parser
from records.record import sidecar

MEGABYTE = 2**20  # bytes, as SLURM takes mem_mb
LITTLE, MUCH = 0.25, 0.9  # shares of what was asked, beyond which a rule is named
WORTHWHILE = {"mem_mb": 1000, "runtime": 30}  # MB and min; asking less than that is never too much
ROUNDED = {"mem_mb": 500, "runtime": 5}
MARGIN = {"mem_mb": 1.3, "runtime": 2.0}  # of what is suggested, over the most that was used
CLOCKS = 60  # s, by which the clocks of a cluster may differ


@dataclass(frozen=True)
class Use:
    """What one job asked for and used: memory in MB, run time in min, wait in s; None: unknown."""

    rule: str
    asked: dict[str, float]
    used: dict[str, float]
    wait: float


def jobs(path: Path) -> list[dict]:
    """Return the attempts of an experiment's jobs, without a last line that a kill cut short."""
    lines = read_text(path, "no job of this experiment has ended here").splitlines()
    attempts = []
    for number, line in enumerate(lines, start=1):
        try:
            attempts.append(parse_object(line, f"{path}:{number}", "remove that line"))
        except InputError:
            if number < len(lines):
                raise
    return attempts


def use_of(job: dict, record: dict) -> Use | None:
    """Return what a job used, if the lineage ``record`` is of this very attempt."""
    run = record["run"]
    began, ended = run["started"], run["ended"]
    if not job["submitted"] - CLOCKS <= began <= ended <= job["ended"] + CLOCKS:
        return None
    used = {"mem_mb": run["peak_memory"] / MEGABYTE, "runtime": (ended - began) / 60}
    return Use(job["rule"], job["asked"], used, max(0.0, began - job["submitted"]))


def uses(attempts: Iterable[dict]) -> list[Use]:
    """Return what the jobs used that ended well and whose outputs are still theirs."""
    of_jobs = []
    for job in attempts:
        if not job["ok"]:
            continue
        records = [path for output in job["outputs"] if (path := sidecar(output)).exists()]
        use = use_of(job, read_object(records[0])) if records else None
        if use:
            of_jobs.append(use)
    return of_jobs


def share(uses_of_rule: Iterable[Use], resource: str) -> float | None:
    """Return the largest share that a rule's jobs used of what they asked, if they asked at all."""
    shares = [
        use.used[resource] / use.asked[resource]
        for use in uses_of_rule
        if use.asked.get(resource, 0) > 0
    ]
    return max(shares, default=None)


def suggestion(resource: str, uses_of_rule: list[Use]) -> int:
    """Return what to ask: the most that was used, with a margin, rounded up."""
    most = max(use.used[resource] for use in uses_of_rule)
    return ROUNDED[resource] * math.ceil(most * MARGIN[resource] / ROUNDED[resource])


def advice(rule: str, uses_of_rule: list[Use]) -> list[str]:
    """Return what to set where a rule asked for much more than it used, or hardly more."""
    lines = []
    for resource, unit in (("mem_mb", "MB"), ("runtime", "min")):
        largest = share(uses_of_rule, resource)
        if largest is None:
            continue
        asked = max(use.asked.get(resource, 0) for use in uses_of_rule)
        wanted = suggestion(resource, uses_of_rule)
        if largest > MUCH or (largest < LITTLE and asked > max(WORTHWHILE[resource], wanted)):
            part = f"{largest:.0%}" if largest >= 0.01 else "1%"
            lines.append(
                f"{rule}: used at most {part} of the {asked:g} {unit} it asked for; "
                f"--set-resources {rule}:{resource}={wanted}"
            )
    return lines


def usage_table(attempts: list[dict], of_jobs: list[Use]) -> list[str]:
    """Return the lines of the table: a rule's attempts, and its largest figures."""
    by_rule = defaultdict(list)
    for use in of_jobs:
        by_rule[use.rule].append(use)
    rows = [
        ("rule", "jobs", "failed", "asked MB", "used MB", "share", "asked min", "used min",
         "share", "wait s"),
    ]  # fmt: skip
    for rule in dict.fromkeys(job["rule"] for job in attempts):
        of_rule = [job for job in attempts if job["rule"] == rule]
        measured = by_rule[rule]
        row = [
            rule,
            str(sum(job["ok"] for job in of_rule)),
            str(sum(not job["ok"] for job in of_rule)),
        ]
        for resource in ("mem_mb", "runtime"):
            asked = max((use.asked.get(resource, 0) for use in measured), default=0)
            most = max((use.used[resource] for use in measured), default=None)
            part = share(measured, resource)
            digits = 0 if resource == "mem_mb" else 1
            row.append(f"{asked:.0f}" if asked else "-")
            row.append("-" if most is None else f"{most:.{digits}f}")
            row.append("-" if part is None else f"{part:.0%}")
        row.append(f"{statistics.median(use.wait for use in measured):.0f}" if measured else "-")
        rows.append(tuple(row))
    width = max(len(row[0]) for row in rows)
    return [f"{row[0]:<{width}}" + "".join(f"{cell:>10}" for cell in row[1:]) for row in rows]


def main(argv: list[str] | None = None) -> None:
    """Print what was asked and used, and what to set."""
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--experiment", type=name_of("experiment"), required=True, help="name of the experiment"
    )
    parser.add_argument("--logs", type=Path, default=Path("logs"), help="folder of all logs")
    options = parser.parse_args(argv)
    attempts = jobs(options.logs / options.experiment / "jobs.jsonl")
    of_jobs = uses(attempts)
    print("\n".join(usage_table(attempts, of_jobs)))
    rules = dict.fromkeys(use.rule for use in of_jobs)
    for rule in rules:
        for line in advice(rule, [use for use in of_jobs if use.rule == rule]):
            print(line)


if __name__ == "__main__":
    run(main)
