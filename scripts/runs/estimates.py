"""What a job will need: memory (MB), time (min), disk (MB).

Estimates for a scheduler, generous and in round numbers: made of the sizes of models and manifests
just before a job starts. Each further attempt asks for more; long jobs go on from where
the last attempt was ended, so that a run time that was too short costs a restart.

What is *measured* was so on one core of an AMD EPYC (AVX2); what is *reckoned* was not run.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from runs.sizes import AmountOfSpeech

# Memory, MB
PYTHON = 500  # numpy, jiwer, soundfile; measured: 20 to 100 (prepare, filter)
TORCH = 2000  # measured: 410 with torch and transformers; CUDA's and read audio's share is reckoned
ONNX = 1000  # measured: 250 with hibari's 8 MB of weights, 580 with Kokoro's 92
KEPT_SPEECH = 1100  # of a sweep over coefficients: transcription.HELD, in MB
LOADED = 3  # times the weights: read, in the model, on their way to the GPU
TRAINED = 8  # times the weights: gradient, two moments, best; and a whole state that is read again
HELD = 2  # times the weights, with ewc_weight: where they started, and their Fisher information
MORE_MEMORY = 1.5  # on each further attempt

# Time, s
GPU = 0.3 * 312e12  # FLOP/s; reckoned: 30 % of an A100's peak in bf16
CORE = 5e10  # FLOP/s; measured: an export of Whisper tiny takes 0.6 to 1.2 s for an utterance
FORWARD = 60  # FLOP for each parameter and second of audio window; Whisper's sizes have 38 to 55
BACKWARD = 2  # times the forward pass
DECODING = 1  # times the forward pass: greedy search, of an utterance in a batch (reckoned)
ADAPTING = 10  # steps on each recording (see adaptation/)
PIECES = 2  # for each window of what is longer, at most (see recognisers/pieces.py)
FEATURES = 1e-3  # for a second of audio window, on one core; measured: reading and log-mel
START = 60  # of a job with torch on a busy node
MARGIN = 2
MORE_TIME = 2  # on each further attempt
DISK = 50e6  # bytes read or written in a second, on a shared disk (reckoned)
SHORTEST = 10  # min
SHORTEST_ON_GPU = 30  # min
LONGEST = 24 * 60  # min; many sites allow no more, and a longer run goes on at the next attempt


class Needs(NamedTuple):
    """What a job needs at its first attempt, without margins."""

    memory: float  # MB
    seconds: float
    disk: float = 1000  # MB
    shortest: int = SHORTEST  # min


def memory_mb(needs: Needs, attempt: int) -> int:
    """Return the memory to ask for, MB: by half more on each further attempt, in steps of 500."""
    return math.ceil(needs.memory * MORE_MEMORY ** (attempt - 1) / 500) * 500


def minutes(needs: Needs, attempt: int) -> int:
    """Return the run time to ask for, min: twice as much on each further attempt, at most a day."""
    asked = max(needs.shortest, math.ceil(MARGIN * (START + needs.seconds) / 600) * 10)
    return min(LONGEST, asked * int(MORE_TIME ** (attempt - 1)))


def disk_mb(needs: Needs) -> int:
    """Return the disk to ask for, MB, in steps of 1000."""
    return math.ceil(needs.disk / 1000) * 1000


def network_seconds(
    utterances: float, parameters: float, window: float, passes: float, gpus: int
) -> float:
    """Return the seconds that the network takes for utterances, each of a whole window (s)."""
    return utterances * passes * FORWARD * parameters * window / GPU / gpus


def reading_seconds(utterances: float, window: float, threads: int) -> float:
    """Return the seconds that reading utterances and their log-mel spectra take, window in s.

    It goes on beside the network's work (readers.py), and counts whole all the same: generously.
    """
    return utterances * window * FEATURES / max(1, threads)


def finetune(
    model_mb: float,
    train: AmountOfSpeech,
    dev: AmountOfSpeech,
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
    seconds = network_seconds(trained, parameters, window, passes, gpus)
    seconds += network_seconds(judged, parameters, window, judging, gpus)
    seconds += reading_seconds(trained + judged, window, threads)
    copies = TRAINED + (HELD if settings.get("ewc_weight") else 0)
    return Needs(
        memory=gpus * (TORCH + copies * model_mb),
        seconds=seconds,
        disk=1000 + (copies - 2) * model_mb,  # state, twice while it is replaced; and the model
        shortest=SHORTEST_ON_GPU,
    )


def transcribe(
    model_mb: float,
    speech: AmountOfSpeech,
    window: float,
    coefficients: int = 1,
    threads: int = 1,
    adapts: bool = False,
) -> Needs:
    """Return what transcribing a manifest needs, with each of some scaling coefficients.

    With several, the model as it was and the encoded speech are kept in memory. If it ``adapts`` to
    each recording, it takes steps on each, one by one.
    """
    windows = max(speech.utterances, PIECES * speech.seconds / window)
    passes = 1 + DECODING + adapts * ADAPTING * (1 + BACKWARD + DECODING)
    each = network_seconds(windows, model_mb * 1e6 / 4, window, passes, 1)
    each += reading_seconds(windows, window, threads) + LOADED * model_mb * 1e6 / DISK
    kept = model_mb + KEPT_SPEECH if coefficients > 1 else 0
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


def xvectors(speech: AmountOfSpeech) -> Needs:
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


def write_texts(weights: float, texts: int) -> Needs:
    """Return what a language model of ``weights`` (MB) needs to write texts, on one core.

    It reads and writes some 2,000 tokens for each (reckoned), at 2 FLOP a parameter.
    """
    seconds = texts * 2000 * 2 * weights * 1e6 / 2 / CORE  # 2 bytes a parameter
    return Needs(TORCH + 2 * LOADED * weights, seconds, shortest=SHORTEST_ON_GPU)


def select_texts(texts: int) -> Needs:
    """Return what selecting of so many texts needs, at 100 of them a second (reckoned)."""
    return Needs(TORCH, texts / 100)


def filter_speech(speech: AmountOfSpeech) -> Needs:
    """Return what the filter needs, at 100 times the speech's speed (measured: 500)."""
    return Needs(2 * PYTHON, speech.seconds / 100)


def channels(speech: AmountOfSpeech) -> Needs:
    """Return what measuring channels needs, at 100 times the speech's speed (measured: 1,000)."""
    return Needs(2 * PYTHON, speech.seconds / 100)


def augment(speech: AmountOfSpeech, copies: int, threads: int = 1) -> Needs:
    """Return what augmentation needs, at 20 times the speech's speed (reckoned, on one core)."""
    seconds = copies * speech.seconds
    return Needs(4 * PYTHON, seconds / 20 / max(1, threads), 1000 + 0.02 * seconds)


def task_vector(models_mb: Sequence[float]) -> Needs:
    """Return what subtracting, averaging or adding models needs: a few pieces of them at a time.

    Each file is read, perhaps hashed, and what is written is hashed. Measured: 0.4 GB, PyTorch's
    own share included, with models of Whisper large's size.
    """
    return Needs(TORCH, 3 * sum(models_mb) * 1e6 / DISK, 1000 + max(models_mb))


def export(model_mb: float, speech: AmountOfSpeech, with_hints: bool) -> Needs:
    """Return what a form of a model needs: to be written, and to hear speech on one core.

    With hints the speech is heard twice, always in Whisper's window of 30 s.
    """
    parameters = model_mb * 1e6 / 4  # of float32
    hearing = (1 + with_hints) * speech.utterances * FORWARD * parameters * 30
    return Needs(
        TORCH + 2 * LOADED * model_mb,
        2 * LOADED * model_mb * 1e6 / DISK + hearing / CORE,
        1000 + model_mb,
    )


def merge(models_mb: Sequence[float]) -> Needs:
    """Return what a method of merging vectors needs: the largest parameter of each, some times.

    That is the tokens' embeddings: 270 MB of Whisper large, over half of tiny. Time is of the
    slowest methods, which take singular values (measured: 0.02 to 0.15 s per MB, on one core).
    """
    largest = min(300, 0.6 * max(models_mb))
    seconds = 0.3 * (sum(models_mb) + 2 * max(models_mb))
    return Needs(
        TORCH + 4 * (len(models_mb) + 1) * largest,
        seconds + task_vector(models_mb).seconds,
        1000 + max(models_mb),
    )
