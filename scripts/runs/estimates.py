"""What a job will need: memory (MB), time (min), disk (MB); and how many shards a synthesis has.

Estimates for a scheduler, generous and in round numbers: made of the sizes of models and manifests
just before a job starts. Each further attempt asks for more; long jobs go on from where
the last attempt was ended, so that a run time that was too short costs a restart.

What is *measured* was so on one core of an AMD EPYC (AVX2); what is *reckoned* was not run.
"""

import functools
import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from corpora import CORPORA
from engines import ENGINES

# Memory, MB
PYTHON = 500  # numpy, jiwer, soundfile; measured: 20 to 100 (prepare, filter)
TORCH = 2000  # measured: 410 with torch and transformers; CUDA's and read audio's share is reckoned
ONNX = 1000  # measured: 250 with hibari's 8 MB of weights, 580 with Kokoro's 92
HEARD = 1100  # of a sweep over coefficients: HELD of transcribe.py
LOADED = 3  # times the weights: read, in the model, on their way to the GPU
TRAINED = 8  # times the weights: gradient, two moments, best; and a whole state that is read again
MORE_MEMORY = 1.5  # on each further attempt

# Time, s
GPU = 0.3 * 312e12  # FLOP/s; reckoned: 30 % of an A100's peak in bf16
FORWARD = 60  # FLOP for each parameter and second of audio window; Whisper's sizes have 38 to 55
BACKWARD = 2  # times the forward pass
DECODING = 1  # times the forward pass: greedy search, of an utterance in a batch (reckoned)
FEATURES = 1e-3  # for a second of audio window, on one core; measured: reading and log-mel
START = 60  # of a job with torch on a busy node
MARGIN = 2
MORE_TIME = 2  # on each further attempt
DISK = 50e6  # bytes read or written in a second, on a shared disk (reckoned)
SHORTEST = 10  # min
SHORTEST_ON_GPU = 30  # min
LONGEST = 24 * 60  # min; many sites allow no more, and a longer run goes on at the next attempt

SHARD = 20 * 60  # s that a shard should take

DURATION = re.compile(rb'"duration": ?([0-9.eE+-]+)')
WEIGHTS = {".safetensors", ".bin", ".pt", ".pth", ".onnx", ".ckpt", ".npz"}


class Needs(NamedTuple):
    """What a job needs at its first attempt, without margins."""

    memory: float  # MB
    seconds: float
    disk: float = 1000  # MB
    shortest: int = SHORTEST  # min


class Speech(NamedTuple):
    """The size of some manifests."""

    utterances: int
    seconds: float


def memory_mb(needs: Needs, attempt: int) -> int:
    """Return the memory to ask for, MB: by half more on each further attempt, in steps of 500."""
    return math.ceil(needs.memory * MORE_MEMORY ** (attempt - 1) / 500) * 500


def minutes(needs: Needs, attempt: int) -> int:
    """Return the run time to ask for, min: twice as much on each further attempt, at most a day."""
    asked = max(needs.shortest, math.ceil(MARGIN * (START + needs.seconds) / 600) * 10)
    return min(LONGEST, asked * MORE_TIME ** (attempt - 1))


def disk_mb(needs: Needs) -> int:
    """Return the disk to ask for, MB, in steps of 1000."""
    return math.ceil(needs.disk / 1000) * 1000


def megabytes(path: str) -> float:
    """Return the size of a file, MB; ``FileNotFoundError`` if it is not there yet."""
    return os.stat(path).st_size / 1e6


def weights_mb(index: str) -> float:
    """Return the size of the weights in a fetched artifact's folder, MB; ``index`` is its list."""
    os.stat(index)
    files = (path for path in Path(index).parent.rglob("*") if path.suffix in WEIGHTS)
    return sum(path.stat().st_size for path in files) / 1e6


def speech_of(manifests: Iterable[str]) -> Speech:
    """Return the size of manifests together."""
    sizes = [_speech_of(path, *_stamp(path)) for path in manifests]
    return Speech(sum(size.utterances for size in sizes), sum(size.seconds for size in sizes))


def count_lines(path: str) -> int:
    """Return how many rows a list of texts has."""
    return _lines(path, *_stamp(path))


def _stamp(path: str) -> tuple[int, int]:
    """Return what a file's content is known by: time of change (ns) and size (bytes)."""
    stat = os.stat(path)
    return stat.st_mtime_ns, stat.st_size


@functools.cache
def _speech_of(path: str, changed: int, size: int) -> Speech:
    with open(path, "rb") as file:
        durations = [float(found) for line in file for found in DURATION.findall(line)[:1]]
    return Speech(len(durations), sum(durations))


@functools.cache
def _lines(path: str, changed: int, size: int) -> int:
    with open(path, "rb") as file:
        return sum(1 for line in file if line.strip())


@functools.cache
def _different_texts(path: str, changed: int, size: int) -> int:
    with open(path, encoding="utf-8", errors="replace") as file:
        return len({_text_of(line) for line in file if line.strip()})


def _text_of(line: str) -> str:
    """Return the text of a line: of a manifest's row, of "id, tab, text", or the line itself."""
    try:
        return str(json.loads(line)["text"]).strip().lower()
    except (ValueError, KeyError, TypeError):
        return line.rpartition("\t")[2].strip().lower()


def heard(utterances: float, parameters: float, window: float, passes: float, gpus: int) -> float:
    """Return the seconds that the network takes for utterances, each of a whole window (s)."""
    return utterances * passes * FORWARD * parameters * window / GPU / gpus


def read(utterances: float, window: float, threads: int) -> float:
    """Return the seconds that reading utterances and their log-mel spectra take, window in s.

    It goes on beside the network's work (readers.py), and counts whole all the same: generously.
    """
    return utterances * window * FEATURES / max(1, threads)


def finetune(
    model_mb: float,
    train: Speech,
    dev: Speech,
    window: float,
    settings: dict,
    gpus: int = 1,
    threads: int = 1,
) -> Needs:
    """Return what a training run needs; ``settings`` are those of scripts/finetune.py.

    Memory is the host's, of each process: gradients and moments are on the GPU if there is one.
    On a CPU Whisper tiny needs 9 MB more for each utterance of a batch and second of its window.
    Time is that of all steps: early stopping ends most runs before.
    """
    parameters = model_mb * 1e6 / 4  # of float32
    per_epoch = math.ceil(train.utterances / settings["batch_size"])
    bounds = [settings["max_steps"], math.ceil(settings["epochs"] * per_epoch)]
    steps = min(bound for bound in bounds if bound > 0)
    evaluations = steps // (settings["evaluate_every"] or max(1, per_epoch)) + 1
    trained, judged = steps * settings["batch_size"], evaluations * dev.utterances
    passes = 1 + BACKWARD + settings["gradient_checkpointing"]
    judging = 1 + DECODING * (settings["criterion"] == "wer")
    seconds = heard(trained, parameters, window, passes, gpus)
    seconds += heard(judged, parameters, window, judging, gpus)
    seconds += read(trained + judged, window, threads)
    return Needs(
        memory=gpus * (TORCH + TRAINED * model_mb),
        seconds=seconds,
        disk=1000 + (TRAINED - 2) * model_mb,  # state, twice while it is replaced; and the model
        shortest=SHORTEST_ON_GPU,
    )


def transcribe(
    model_mb: float, speech: Speech, window: float, coefficients: int = 1, threads: int = 1
) -> Needs:
    """Return what transcribing a manifest needs, with each of some scaling coefficients.

    Several ask for the model as it was, and for speech that was heard, to be kept in memory.
    """
    each = heard(speech.utterances, model_mb * 1e6 / 4, window, 1 + DECODING, 1)
    each += read(speech.utterances, window, threads) + LOADED * model_mb * 1e6 / DISK
    kept = model_mb + HEARD if coefficients > 1 else 0
    return Needs(TORCH + LOADED * model_mb + kept, coefficients * each, shortest=SHORTEST_ON_GPU)


def synthesize(
    weights: float, utterances: int, seconds_per_utterance: float, on_gpu: bool
) -> Needs:
    """Return what a shard needs; ``weights`` in MB. 16 kHz FLAC of 10 s takes 0.2 MB."""
    return Needs(
        memory=(TORCH if on_gpu else ONNX) + LOADED * weights,
        seconds=LOADED * weights * 1e6 / DISK + utterances * seconds_per_utterance,
        disk=1000 + 0.2 * utterances,
        shortest=SHORTEST_ON_GPU,
    )


def xvectors(speech: Speech) -> Needs:
    """Return what x-vectors of recordings need, at 50 times their speed (reckoned, on one core)."""
    return Needs(TORCH, speech.seconds / 50, shortest=SHORTEST_ON_GPU)


def pretrained(weights: float) -> Needs:
    """Return what converting a checkpoint needs, ``weights`` in MB: read, copied, checked."""
    return Needs(
        TORCH + 2 * LOADED * weights, 2 * LOADED * weights * 1e6 / DISK, 1000 + 2 * weights
    )


def prepare() -> Needs:
    """Return what a domain needs, whose size is not known before: half an hour for all of SLURP."""
    return Needs(4 * PYTHON, 1800, 10_000)


def filter_speech(speech: Speech) -> Needs:
    """Return what the filter needs, at 100 times the speech's speed (measured: 500)."""
    return Needs(2 * PYTHON, speech.seconds / 100)


def augment(speech: Speech, copies: int, threads: int = 1) -> Needs:
    """Return what augmentation needs, at 20 times the speech's speed (reckoned, on one core)."""
    seconds = copies * speech.seconds
    return Needs(4 * PYTHON, seconds / 20 / max(1, threads), 1000 + 0.02 * seconds)


def task_vector(models_mb: Sequence[float]) -> Needs:
    """Return what subtracting, averaging or adding models needs: a few pieces of them at a time.

    Each file is read, perhaps hashed, and what is written is hashed. Measured: 0.4 GB, PyTorch's
    own share included, with models of Whisper large's size.
    """
    return Needs(TORCH, 3 * sum(models_mb) * 1e6 / DISK, 1000 + max(models_mb))


def seconds_per_utterance(tts: dict) -> float:
    """Return how long the synthesis of an utterance takes, s: as configured, else the engine's.

    An engine that can is faster by its batch size, up to the speed-up that large batches give.
    """
    about = ENGINES[tts["engine"]]
    faster = min(tts["batch_size"], about.batch_speed_up)
    return tts.get("seconds_per_utterance", about.seconds / faster)


def training_texts(domain: dict) -> int:
    """Return about how many different training texts a domain has, as known before it is prepared.

    What is not known, or not there, has none: whoever reads it says so.
    """
    if domain.get("train"):
        return domain["train"]
    if "corpus" in domain:
        about = CORPORA.get(domain["corpus"])
        known = about.training_texts if about else 0
        return known.get(domain.get("scenario"), 0) if isinstance(known, Mapping) else known
    path = domain.get("texts") or domain.get("manifest") or domain["splits"]["train"]
    if not os.path.isfile(path):
        return 0
    return _different_texts(path, *_stamp(path))


def shards(domain: dict, tts: dict) -> int:
    """Return into how many jobs the synthesis of a domain's training texts is divided.

    Those of ``shards`` if the config has it; else so many that each takes about 20 minutes.
    """
    if "shards" in tts:
        return tts["shards"]
    texts = training_texts(domain)
    seconds = texts * tts["samples_per_text"] * seconds_per_utterance(tts)
    return min(max(1, round(seconds / SHARD)), max(1, texts))
