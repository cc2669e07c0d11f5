"""How a run stands: which jobs of each stage are planned, running, done, and for good failed."""

from collections import Counter
from dataclasses import dataclass, field

from runs import words
from runs.failures import last_begun


@dataclass
class Job:
    """One attempt of a job. Times are in s since 1970, memory and disk in MB, run time in min."""

    rule: str
    wildcards: dict[str, str]
    inputs: list[str]
    outputs: list[str]
    log: str | None
    asked: dict[str, float]
    attempt: int
    submitted: float
    external: str | None = None
    slurm_log: str | None = None


@dataclass
class Run:
    """How a run stands."""

    name: str
    started: float = 0.0  # s since 1970, of the first job; 0 before it
    planned: Counter = field(default_factory=Counter)  # jobs of each stage
    done: Counter = field(default_factory=Counter)
    lost: Counter = field(default_factory=Counter)
    running: dict[int, Job] = field(default_factory=dict)
    failed: list[dict] = field(default_factory=list)
    attempts: Counter = field(default_factory=Counter)  # of each job

    def stages(self) -> dict[str, dict[str, int]]:
        """Return the counts of every stage, in the order of the work."""
        running = Counter(words.stage(job.rule) for job in self.running.values())
        known = [name for name in words.STAGES if name in self.planned]
        return {
            name: {
                "planned": self.planned[name],
                "running": running[name],
                "done": self.done[name],
                "failed": self.lost[name],
            }
            for name in [*known, *(name for name in self.planned if name not in known)]
        }

    def start(self, id: int, job: Job) -> None:
        """Count a job as running (or as waiting for a machine: Snakemake does not know)."""
        stage = words.stage(job.rule)
        seen = self.done[stage] + self.lost[stage]
        self.running[id] = job
        busy = sum(words.stage(other.rule) == stage for other in self.running.values())
        self.planned[stage] = max(self.planned[stage], seen + busy)

    def finish(self, id: int) -> Job:
        """Count a running job as done."""
        job = self.running.pop(id)
        self.done[words.stage(job.rule)] += 1
        return job

    def give_up(self, job: Job, failure: dict) -> None:
        """Count a job that no longer runs as failed, with what the status says of it."""
        self.lost[words.stage(job.rule)] += 1
        self.failed.append(failure)

    def is_complete(self) -> bool:
        """Return whether everything that was planned is done."""
        return all(self.done[stage] >= count for stage, count in self.planned.items())


def culprit(jobs: list[Job], slurm_log: str | None) -> Job:
    """Return the job of a failed group that failed: the last that its node began with.

    Of a group, SLURM tells only that it failed; if it never came to a job, it is the first.
    """
    outputs = {path for job in jobs for path in job.outputs}
    first = next((job for job in jobs if not outputs & set(job.inputs)), jobs[0])
    begun = last_begun(slurm_log) if slurm_log else None
    return next((job for job in jobs if job.rule == begun), first)
