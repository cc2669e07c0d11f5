"""A job in words: what it was for, why it failed, and the command that runs it again."""

import argparse
import functools
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

import matrix
import roles
from addresses import redacted
from paths import PRETRAINED, REAL, Model, TaskVector, TrainingData, coefficient

# What a table of progress has a line for, in the order of the work.
STAGES = (
    "fetch", "pretrained", "prepare", "synthesize", "xvectors", "filter", "augment", "pool",
    "finetune", "task_vector", "apply", "transcribe", "score", "evaluations", "leakage",
    "summarize", "breakdown", "vector_geometry", "report", "model_card",
)  # fmt: skip
ARMS = (
    PRETRAINED, "source-real", "source-synthetic", "source-mixed", matrix.CONTINUED,
    "target-synthetic", "target-real",
)  # fmt: skip
# What SLURM's states mean to whoever has to do something about them.
STATES = {
    "TIMEOUT": "it ran longer than the {runtime} min it asked for",
    "OUT_OF_MEMORY": "it used more than the {mem_mb} MB it asked for",
    "CANCELLED": "somebody, or the site, cancelled it",
    "PREEMPTED": "a job of a higher priority took its place",
    "NODE_FAIL": "its node failed",
    "BOOT_FAIL": "its node did not start",
}
# What SLURM writes into a job's own log when it ends it; the first that is found counts.
TRACES = {
    r"oom[-_]kill": "OUT_OF_MEMORY",
    r"DUE TO TIME LIMIT": "TIMEOUT",
    r"DUE TO PREEMPTION": "PREEMPTED",
    r"DUE TO NODE FAILURE": "NODE_FAIL",
    r"slurmstepd.*: error: .* CANCELLED AT": "CANCELLED",
}
ENDING = r"slurmstepd|srun: error|[Kk]illed|exit status|No space left|command not found"
EXIT_STATUS = r"(?:exit status |died with <Signals\.)(\w+)"
KILLED = ("137", "SIGKILL")  # 128 + 9, as a shell tells of its child
TOLD = r"[Ee]rror|[Ee]xception|Killed|No space left"  # a log's last line that says why
TAIL = 15  # lines
CLOCKS = 5  # s, by which the clocks of a cluster's machines may differ
READ_AT_MOST = 65536  # bytes from the end of a log
# Options by which another call of Snakemake is the same experiment on the same machines.
KEPT_OPTIONS = {
    ("--profile",): {"action": "append"},
    ("--workflow-profile",): {"action": "append"},
    ("--snakefile", "-s"): {},
    ("--directory", "-d"): {},
    ("--executor", "-e"): {},
    ("--jobs", "-j"): {"nargs": "?", "const": "unlimited"},
    ("--cores", "-c"): {"nargs": "?", "const": "all"},
    ("--configfile", "--configfiles"): {"nargs": "+"},
    ("--config", "-C"): {"nargs": "*"},
}
REPEATED = ("--profile", "--workflow-profile")


@functools.cache
def stage(rule: str) -> str:
    """Return the stage of a rule: ``finetune`` for ``finetune_further``; else its own name."""
    whole = rule.removeprefix("mean_")
    return next((name for name in STAGES if f"{whole}_".startswith(f"{name}_")), rule)


def arms_of_models(config: dict) -> dict[str, str]:
    """Return the arm of each model name (``telephone-hibari``) of a checked config's matrix."""
    return {
        str(matrix.model_of(arm, target, tts, roles.source_group(config, target))): arm
        for target in config["targets"]
        for tts in roles.training_tts(config)
        for arm in ARMS
    }


def title(rule: str, wildcards: Mapping[str, str], arms: Mapping[str, str]) -> str:
    """Return a job's rule and what it is for."""
    words = describe(rule, wildcards, arms)
    return f"{rule}: {words}" if words else rule


def describe(rule: str, wildcards: Mapping[str, str], arms: Mapping[str, str]) -> str:
    """Return what a job is for: base model, arm and its data, domain, speech, seed.

    ``arms`` is what ``arms_of_models`` gives. A wildcard that nothing is known of is named.
    """
    left = dict(wildcards)
    words = [f"base model {left.pop('base')}"] if "base" in left else []
    if "data" in left:
        data, first = (left.pop(key, None) for key in ("data", "first"))
        model = Model(TrainingData.parse(data), TrainingData.parse(first) if first else None)
        words.append(trained_words(model, arms))
    if "model" in left or "name" in left:
        model = Model.parse(left.pop("model", None) or left.pop("name"))
        vector, scale = left.pop("vector", model.vector), left.pop("scale", None)
        if model.scale is not None:
            scale = coefficient(model.scale)
        words.append(model_words(model.without_vector(), vector, scale, arms))
    if "vector" in left:
        words.append(f"task vector {left.pop('vector')}")
    seed = left.pop("seed", None)
    heard = [left.pop(key) for key in ("domain", "group", "speech", "tts", "split") if key in left]
    if heard:
        words.append(("on " if "transcribe" in rule or "score" in rule else "") + " ".join(heard))
    if "shard" in left and "shards" in left:
        words.append(f"shard {left.pop('shard')} of {left.pop('shards')}")
    words += [f"{name} {value}" for name, value in left.items()]
    words += [f"seed {seed}"] if seed else []
    return ", ".join(words)


def model_words(
    model: Model, vector: TaskVector | str | None, scale: str | None, arms: Mapping[str, str]
) -> str:
    """Return what a model is, with the task vector that is added to it, if any."""
    words = trained_words(model, arms)
    if vector:
        words += f", plus task vector {vector}" + (f" x {scale}" if scale else ", each coefficient")
    return words


def trained_words(model: Model, arms: Mapping[str, str]) -> str:
    """Return a trained model's arm and what it was trained on."""
    arm = f"arm {arms[str(model)]}" if str(model) in arms else "a model"
    if model.data is None:
        return arm
    words = f"{arm} ({data_words(model.data)}"
    return words + (f", after {data_words(model.first)})" if model.first else ")")


def data_words(data: TrainingData) -> str:
    """Return what a data set is: recordings of a domain, its texts as spoken by a TTS, or both."""
    if data.mixed:
        return f"recordings of {data.group} and {data.speech}"
    if data.speech == REAL:
        return f"recordings of {data.group}"
    return f"{data.group} spoken by {data.speech}"


def tail(path: str | Path, lines: int = TAIL) -> list[str]:
    """Return the last lines of a log that say something; none if it is empty or not there."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - READ_AT_MOST))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    written = [line.rsplit("\r", 1)[-1].rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    return [line for line in written if line][-lines:]


def is_written_since(log: str | Path | None, time: float) -> bool:
    """Say whether a log is of a job submitted at ``time`` (s since 1970), not of an earlier one."""
    try:
        return log is not None and Path(log).stat().st_mtime >= time - CLOCKS
    except OSError:
        return False


def endings(slurm_log: str | Path) -> list[str]:
    """Return the lines of a SLURM log that say how the job ended; else its last lines.

    The rest is what the job's own Snakemake says of itself.
    """
    lines = tail(slurm_log, 200)
    return [line for line in lines if re.search(ENDING, line)][-TAIL:] or lines[-TAIL:]


def last_begun(slurm_log: str | Path) -> str | None:
    """Return the rule that a job's Snakemake began with last."""
    begun = [re.match(r"localrule (\w+):", line) for line in tail(slurm_log, 1000)]
    return next((match[1] for match in reversed(begun) if match), None)


def state(message: str, slurm_log: str | Path | None) -> str | None:
    """Return SLURM's word for how a job ended, of the plugin's message or else of the job's log.

    ``FAILED`` is no such word: the script itself failed, or a part of it was killed for memory,
    which only the log tells.
    """
    told = re.search(r"SLURM status is:\s+'(\w+)'", message)
    if told and told[1] != "FAILED":
        return told[1]
    text = "\n".join(tail(slurm_log, 200)) if slurm_log else ""
    return next((word for trace, word in TRACES.items() if re.search(trace, text)), None)


def reason(
    message: str, log: str | Path | None, slurm_log: str | Path | None, asked: Mapping[str, float]
) -> str:
    """Return why a job failed, in one line.

    ``message`` is what Snakemake or its SLURM plugin said; ``asked`` the resources of the job.
    """
    word = state(message, slurm_log)
    if word:
        known = {"runtime": asked.get("runtime", "?"), "mem_mb": asked.get("mem_mb", "?")}
        return f"{word}: {STATES[word].format(**known)}" if word in STATES else word
    if "output files are missing" in message:
        return "it ended well, but left some of its files unwritten"
    if "submission failed" in message or "sbatch failed" in message:
        return " ".join(message.split())[:300]
    last = tail(log, 1) if log else []
    if last and re.search(TOLD, last[0]):
        return last[0]
    ended = [message, *(endings(slurm_log) if slurm_log else [])]
    status = next((match[1] for text in ended if (match := re.search(EXIT_STATUS, text))), None)
    words = f"exit status {status}" if status else "it failed"
    if status in KILLED:
        words = "it was killed (SIGKILL: perhaps the machine ran out of memory)"
    return words + (f", its last words: {last[0]}" if last else ", with nothing in its log")


def command_again(arguments: Iterable[str], output: str) -> str:
    """Return the command that makes one output, in the profile and experiment of this call.

    ``arguments`` are those of this call, without the program's name. The output comes first:
    ``--configfile`` takes all that follows it.
    """
    parser = argparse.ArgumentParser(add_help=False)
    for (name, *aliases), settings in KEPT_OPTIONS.items():
        parser.add_argument(name, *aliases, dest=name, **settings)
    given, _ = parser.parse_known_args(list(arguments))
    command = ["snakemake", output]
    for name, value in vars(given).items():
        if name in REPEATED:
            command += [part for each in value or [] for part in (name, each)]
        elif value is not None:
            command += [name, *(value if isinstance(value, list) else [value])]
    return shlex.join(map(redacted, command))


def command_of_number(configfiles: Iterable[str | Path], config: Iterable[str] | None) -> str:
    """Return the command that makes a number again: ``{}`` stands for its files.

    ``config`` are the settings of ``--config``.
    """
    options = ["--configfile", *map(str, configfiles), *(["--config", *config] if config else [])]
    return f"snakemake {{}} {shlex.join(map(redacted, options))}"


def ordinal(number: int) -> str:
    """Return ``1st``, ``2nd``, ``3rd``, ``4th``."""
    endings = {} if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{endings.get(number % 10, 'th')}"
