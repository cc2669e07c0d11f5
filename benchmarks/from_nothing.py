"""The demo from nothing: a fresh clone, a fresh home, no virtual environment; by stage.

The clone is of the last commit. What pip has cached for another home is not found.
"""

import json
import os
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

from measure import ROOT, Comparison, Report, Runs, arguments

AT_MOST = 15 * 60  # s
STAGES = {  # of rules, as the table in docs/costs.md has them
    "transcribe_synthesized": "transcribe, round trip of the filter",
    "finetune_further": "finetune",
    "apply": "task_vector, apply, vector_geometry",
    "task_vector": "task_vector, apply, vector_geometry",
    "vector_geometry": "task_vector, apply, vector_geometry",
    "transcribe_sweep": "transcribe",
    "transcribe_with_aids": "transcribe",
    "score_sweep": "score",
}


def by_stage(jobs: Path) -> dict[str, float]:
    """Return the seconds of jobs of each stage, from the run's log."""
    seconds: dict[str, float] = defaultdict(float)
    for line in jobs.read_text().splitlines():
        job = json.loads(line)
        stage = STAGES.get(job["rule"], job["rule"])
        seconds[stage] += job["ended"] - job["submitted"]
    return {stage: round(taken, 1) for stage, taken in sorted(seconds.items(), key=lambda x: -x[1])}


def size_of(folder: Path) -> int:
    """Return the bytes of a folder's files, each counted once."""
    files = {path.stat().st_ino: path for path in folder.rglob("*") if path.is_file()}
    return sum(path.stat().st_size for path in files.values())


def main() -> None:
    parser = arguments("from_nothing", __doc__)
    parser.set_defaults(repeats=1)
    options = parser.parse_args()
    report = Report("from_nothing")
    with tempfile.TemporaryDirectory() as name:
        clone, home = Path(name, "clone"), Path(name, "home")
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        kept = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
        kept["PATH"] = ":".join(
            part for part in kept["PATH"].split(":") if not part.startswith(str(ROOT))
        )
        kept["HOME"] = str(home)
        taken = {
            target: Runs().once(
                lambda t=target: subprocess.run(["make", t], cwd=clone, env=kept, check=True)
            )
            for target in (("setup",) if options.quick else ("setup", "demo"))
        }
        report.add(
            Comparison(
                "set-up and make demo, from nothing",
                sum(runs.median for runs in taken.values()),
                at_most=AT_MOST,
                runs=taken,
            )
        )
        report.profile["seconds, of both commands"] = {
            target: round(runs.median, 1) for target, runs in taken.items()
        }
        if not options.quick:
            report.profile["job seconds"] = by_stage(clone / "logs/demo/jobs.jsonl")
        report.note("disk, GB", round(size_of(clone) / 1e9, 2))
    report.write(options)


if __name__ == "__main__":
    main()
