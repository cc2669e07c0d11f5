"""A job in words: its stage, what it is for, and the command that runs it again."""

import argparse
import functools
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

import matrix
from addresses import redacted

# What a table of progress has a line for, in the order of the work.
STAGES = (
    "fetch", "pretrained", "prepare", "synthesize", "xvectors", "filter", "augment", "pool",
    "finetune", "task_vector", "apply", "transcribe", "score", "evaluations", "leakage",
    "summarize", "breakdown", "vector_geometry", "report", "model_card",
)  # fmt: skip
ARMS = (
    matrix.PRETRAINED, "source-real", "source-synthetic", "source-mixed", matrix.CONTINUED,
    "target-synthetic", "target-real",
)  # fmt: skip
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
        matrix.model_name(arm, target, tts, matrix.source_group(config, target)): arm
        for target in config["targets"]
        for tts in matrix.training_tts(config)
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
        data, first = left.pop("data"), left.pop("first", None)
        model = f"{data}-after-{first}" if first else data
        words.append(trained_words(model, arms))
    if "model" in left or "name" in left:
        name = left.pop("model", None) or left.pop("name")
        words.append(model_words(name, left.pop("vector", None), left.pop("scale", None), arms))
    if "vector" in left:
        words.append(f"task vector {left.pop('vector')}")
    seed = left.pop("seed", None)
    speech = [left.pop(key) for key in ("domain", "group", "speech", "tts", "split") if key in left]
    if speech:
        words.append(("on " if "transcribe" in rule or "score" in rule else "") + " ".join(speech))
    if "shard" in left and "shards" in left:
        words.append(f"shard {left.pop('shard')} of {left.pop('shards')}")
    words += [f"{name} {value}" for name, value in left.items()]
    words += [f"seed {seed}"] if seed else []
    return ", ".join(words)


def model_words(name: str, vector: str | None, scale: str | None, arms: Mapping[str, str]) -> str:
    """Return what a model is, with the task vector that is added to it, if any."""
    match = re.fullmatch(r"([^+]+)\+(.+?)(?:-tv([0-9.]+)|-sweep)", name)
    if match:
        name, vector, scale = match.groups()
    words = trained_words(name, arms)
    if vector:
        words += f", plus task vector {vector}" + (f" x {scale}" if scale else ", each coefficient")
    return words


def trained_words(model: str, arms: Mapping[str, str]) -> str:
    """Return a trained model's arm and what it was trained on."""
    arm = f"arm {arms[model]}" if model in arms else "a model"
    if model == matrix.PRETRAINED:
        return arm
    data, _, first = model.partition("-after-")
    words = f"{arm} ({data_words(data)}"
    return words + (f", after {data_words(first)})" if first else ")")


def data_words(data: str) -> str:
    """Return what a data set is: recordings of a domain, its texts as spoken by a TTS, or both."""
    match = re.fullmatch(r"(.*?)-((?:mixed-)?[^-]*)", data)
    if not match:
        return data
    domain, speech = match.groups()
    if speech == "real":
        return f"recordings of {domain}"
    if speech.startswith("mixed-"):
        return f"recordings of {domain} and {speech.removeprefix('mixed-')}"
    return f"{domain} spoken by {speech}"


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
