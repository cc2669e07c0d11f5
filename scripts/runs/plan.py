"""What a run of an experiment would do: its jobs, as a dry run lists them, and their time and disk.

Times are of one core, in s, and grow with the parameters of a base model; a run shares them among
the cores. They follow from the jobs of a whole run with Whisper tiny (docs/costs.md, by stage: job
seconds less those of the start, for each utterance), and are rough. What SLURM is asked for
(``estimates.py``) are bounds, whose sum would say nothing.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from typing import NamedTuple

from errors import InputError
from paths import REAL, Manifest, TrainingData
from roles import domains_of, is_text_only, samples_per_text
from runs.shards import seconds_per_utterance, spoken_texts, training_texts

DRAWN = {"dev": 50, "test": 200}  # sentences, where a domain does not say how many
PARAMETERS = {"tiny": 38, "base": 74, "small": 244, "medium": 769, "large": 1550}  # millions
WIDTH = {"tiny": 384, "base": 512, "small": 768, "medium": 1024, "large": 1280}  # of encodings

START = 4.0  # of a job with torch
OTHERS = 0.5  # a job without
TRANSCRIBED = 0.18  # an utterance
SWEPT = 0.09  # an utterance, with a further coefficient
TRAINED = 0.25  # an utterance, in all four epochs
WRITTEN = 1.0  # a text, by a language model of 135 million parameters
SPREAD = (0.7, 2)  # of the time that a run takes, by the estimate
OF_WEIGHTS = ("pretrained", "finetune", "finetune_further", "task_vector")  # rules that write them
OF_TORCH = (*OF_WEIGHTS, "transcribe", "vector_geometry")


class Job(NamedTuple):
    """A job that a run would do."""

    rule: str
    wildcards: dict[str, str]


def dry_run(experiment: str, profile: str) -> str:
    """Return what Snakemake lists of a run of an experiment's file; its mistakes are raised."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--profile", profile]
    done = subprocess.run([*command, "--configfile", experiment], capture_output=True, text=True)
    if done.returncode:
        said = done.stdout + done.stderr
        of_ours = re.search(r"^WorkflowError in file .*:\n(.*)$", said, re.MULTILINE)
        raise InputError(of_ours[1] if of_ours else said.strip()[-1500:])
    return done.stdout


def jobs_of(listing: str) -> list[Job]:
    """Return the jobs of a dry run's list, but for ``all``, which does nothing."""
    parts = re.split(r"^(?:local)?(?:rule|checkpoint) (\w+):$", listing, flags=re.MULTILINE)[1:]
    jobs = []
    for rule, block in zip(parts[::2], parts[1::2], strict=True):
        named = re.search(r"^ +wildcards: (.*)$", block, re.MULTILINE)
        pairs = re.findall(r"(\w+)=(.*?)(?:, (?=\w+=)|$)", named[1]) if named else []
        jobs += [Job(rule, dict(pairs))] if rule != "all" else []
    return jobs


def utterances(config: dict, manifest: Manifest) -> int:
    """Return about how many utterances a split of a group's speech has."""
    return sum(
        utterances_of(config, config["domains"][name], manifest)
        for name in domains_of(config, manifest.group)
    )


def utterances_of(config: dict, domain: dict, manifest: Manifest) -> int:
    """Return about how many utterances a split of a domain's speech has."""
    drawn = {split: domain.get(split, DRAWN[split]) for split in DRAWN}
    if manifest.split != "train":
        texts = drawn[manifest.split]
    elif domain["train"]:
        texts = domain["train"]
    else:
        drawn["test"] = 0 if is_text_only(domain) else drawn["test"]
        texts = max(1, training_texts(domain) - sum(drawn.values()))
    if manifest.speech not in config["tts"]:  # recordings, whoever labelled them
        return int(texts)
    if manifest.split == "train":
        texts = spoken_texts(domain, int(texts))
    return int(texts) * samples_per_text(config["tts"][manifest.speech], manifest.split)


def heard(job: Job) -> Manifest:
    """Return the speech that a transcription or a synthesis is of, recordings if it says none."""
    named = job.wildcards
    speech = named.get("speech") or named.get("tts", REAL)
    return Manifest(named["domain"], speech, named.get("split", "dev"))


def seconds(job: Job, config: dict) -> float:
    """Return about how long a job takes on one core."""
    named = job.wildcards
    if job.rule == "synthesize":
        each = seconds_per_utterance(config["tts"][named["tts"]])
        return OTHERS + each * utterances(config, heard(job)) / int(named["shards"])
    if job.rule == "write_texts":
        return START + WRITTEN * int(config["domains"][named["domain"]]["generate"]["texts"])
    if not job.rule.startswith(OF_TORCH):
        return OTHERS
    base = named.get("base", config["filter"]["base_model"])
    larger = of_size(PARAMETERS, config["base_models"][base]["artifact"]) / PARAMETERS["tiny"]
    if job.rule.startswith("finetune"):
        train = TrainingData.parse(named["data"]).manifests("train", base)
        return START + larger * TRAINED * sum(utterances(config, each) for each in train)
    if not job.rule.startswith("transcribe"):
        return START * larger
    each = TRANSCRIBED
    if job.rule == "transcribe_sweep":
        each += SWEPT * (len(config["task_vector"]["scaling_coefficients"]) - 1)
    count = utterances(config, heard(job)) / int(named.get("shards", 1))
    return START + larger * each * count


def of_size(table: dict[str, int], artifact: str) -> int:
    """Return what a table says of the size of Whisper that an artifact's name has."""
    return next((value for size, value in table.items() if size in artifact), table["large"])


def minutes(jobs: Iterable[Job], config: dict, cores: int) -> tuple[int, int]:
    """Return about how many minutes jobs take on some cores: at least and at most, 1 or more."""
    about = sum(seconds(job, config) for job in jobs) / cores / 60
    low, high = (round(about * factor) for factor in SPREAD)
    return max(1, low), max(2, high)


def gigabytes(jobs: Iterable[Job], config: dict) -> float:
    """Return about how much disk the results of jobs take, GB: checkpoints and encodings.

    A checkpoint has 4 bytes a parameter; the state of a training that is under way, six times as
    large, goes when it ends. Encodings have 2 bytes a number, and 50 positions a second of window.
    """
    size, encoded = 0.0, set()
    for job in jobs:
        base = job.wildcards.get("base", "")
        if job.rule in OF_WEIGHTS:
            size += 4e6 * of_size(PARAMETERS, config["base_models"][base]["artifact"])
        if job.rule.startswith("finetune"):
            data = TrainingData.parse(job.wildcards["data"])
            manifests = data.manifests("train", base) + data.manifests("dev", base)
            encoded |= {(base, manifest, config["window"]) for manifest in manifests}
        if job.rule in ("transcribe", "transcribe_sweep"):
            encoded.add((base, heard(job), config["decoding_window"]))
    for base, manifest, window in encoded if config["keep_encodings"] else ():
        width = of_size(WIDTH, config["base_models"][base]["artifact"])
        size += utterances(config, manifest) * 2 * 50 * window * width
    return size / 1e9


def cores_here() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0))
