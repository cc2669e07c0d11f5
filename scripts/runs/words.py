"""A job in words: its stage, what it is for, and the command that runs it again."""

import argparse
import functools
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import arms
import roles
from adaptations import ADAPTATIONS
from addresses import redacted
from evaluation import AIDS
from paths import PRETRAINED, PSEUDO, REAL, Aids, Model, TaskVector, TrainingData, coefficient

# What a table of progress has a line for, in the order of the work.
STAGES = (
    "fetch", "pretrained", "prepare", "write_texts", "select_texts", "synthesize", "xvectors",
    "filter", "key_terms", "channels", "augment", "pool", "cluster", "collect", "label", "finetune",
    "task_vector", "apply", "transcribe", "score", "agree", "evaluations", "leakage", "summarize",
    "breakdown", "rank", "vector_geometry", "report", "deliver", "export", "model_card",
)  # fmt: skip
ARMS = (
    PRETRAINED, "source-real", "source-synthetic", "source-mixed", arms.CONTINUED,
    "target-synthetic", arms.JOINT, arms.REPLAYING_TTS, "source-pseudo", roles.SELF_TRAINED,
    "target-real",
)  # fmt: skip
# Options by which another call of Snakemake is the same experiment on the same machines.
KEPT_OPTIONS: dict[tuple[str, ...], dict[str, Any]] = {
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
        str(arms.model_of(arm, target, tts, roles.source_group(config, target))): arm
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
        data, first = TrainingData.parse(left.pop("data")), left.pop("first", None)
        model = Model(data, TrainingData.parse(first) if first else None)
        words.append(trained_words(model, arms))
    if "model" in left or "name" in left:
        model = Model.parse(left.pop("model" if "model" in left else "name"))
        vector, scale = left.pop("vector", model.vector), left.pop("scale", None)
        if model.scale is not None:
            scale = coefficient(model.scale)
        words.append(model_words(model.trained, vector, scale, arms))
        if aids := left.pop("aids", model.aids):
            words.append(aids_words(Aids.parse(str(aids))))
        if adaptation := left.pop("adaptation", model.adaptation):
            words.append(f"adapting by {ADAPTATIONS[adaptation].title}")
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


def model_words(
    model: Model, vector: TaskVector | str | None, scale: str | None, arms: Mapping[str, str]
) -> str:
    """Return what a model is, with the task vector that is added to it, if any."""
    words = trained_words(model, arms)
    if vector:
        words += f", plus task vector {vector}" + (f" x {scale}" if scale else ", each coefficient")
    return words


def aids_words(aids: Aids) -> str:
    """Return what a decoder is led by."""
    kinds = (words for aid, words in AIDS.items() if getattr(aids, aid.removeprefix("+")))
    return f"led by {' and '.join(kinds)} of {aids.domain}"


def trained_words(model: Model, arms: Mapping[str, str]) -> str:
    """Return a trained model's arm and what it was trained on."""
    arm = f"arm {arms[str(model)]}" if str(model) in arms else "a model"
    if model.data is None:
        return arm
    words = f"{arm} ({data_words(model.data)}"
    return words + (f", after {data_words(model.first)})" if model.first else ")")


def data_words(data: TrainingData) -> str:
    """Return what a data set is: recordings of a domain, its texts as spoken by a TTS, or both."""
    if data.replayed:
        replayed = data_words(TrainingData(data.replayed, data.replayed_speech))
        return f"{data_words(replace(data, replayed='', replayed_speech=REAL))} with {replayed}"
    if data.mixed:
        return f"recordings of {data.group} and {data.speech}"
    if data.speech == REAL:
        return f"recordings of {data.group}"
    if data.speech == PSEUDO:
        return f"recordings of {data.group} as the base model heard them"
    return f"{data.group} spoken by {data.speech}"


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
