"""Text-to-speech engines: each a function that checks its resources and loads a voice box.

``ENGINES[name](resources, voices, threads)`` returns an ``Engine``. One more engine is one more
function in that table. An engine must give the same waveform for the same request whatever it was
asked before; what it can't say it refuses with ``Unspeakable``.
"""

import functools
import importlib.metadata
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from errors import InputError

MAX_PHONEMES = 400  # in one go, of Kokoro's 508 and hibari's 400; longer texts are said in pieces
BREAKS = (r"(?<=[.!?…])\s+", r"(?<=[,;:—])\s+", r"\s+")  # where a text may be cut, best first

# hibari has one speaker. The others are hers, bent: pitch and formant frequencies as multiples of
# hers. A man's pitch is about half a woman's, his formants about 0.85 times hers.
HIBARI_VOICES = {
    "heart": (1.00, 1.00),
    "heart_bright": (1.06, 1.06),
    "heart_high": (1.22, 1.00),
    "heart_small": (1.28, 1.12),
    "heart_boy": (1.12, 1.15),
    "heart_thin": (0.95, 1.08),
    "heart_warm": (0.88, 0.96),
    "heart_alto": (0.80, 0.92),
    "heart_tall": (0.90, 0.87),
    "heart_tenor": (0.68, 0.90),
    "heart_baritone": (0.58, 0.86),
    "heart_bass": (0.50, 0.83),
}


class Unspeakable(Exception):
    """An utterance that an engine can't say; the message says why."""


@dataclass(frozen=True)
class Engine:
    """``speak(text, voice, speed, seed)`` returns float32 [n_samples], mono, and its rate in Hz.

    ``files`` and ``packages`` are all that shapes the waveform besides the request and the code.
    """

    speak: Callable[[str, str, float, int], tuple[np.ndarray, int]]
    files: list[Path] = field(default_factory=list)
    packages: dict[str, str] = field(default_factory=dict)


def kokoro(resources: Path, voices: Sequence[str], threads: int) -> Engine:
    """Kokoro-82M, 24 kHz. ``af_heart+am_puck`` is a further voice, halfway between the two.

    Voices named b... speak British English, all others American.
    """
    parts = sorted({part for voice in voices for part in voice.split("+")})
    known = [path.stem for path in sorted((resources / "voices").glob("*.bin"))]
    check_voices(parts, known, f"{resources}/voices")
    files = [resources / "model.onnx", resources / "vocab.json"]
    check_files(files)
    styles = {}
    for part in parts:
        path = resources / "voices" / f"{part}.bin"
        files.append(path)
        styles[part] = np.fromfile(path, np.float32).reshape(-1, 1, 256)
    vocabulary = json.loads(files[1].read_text(encoding="utf-8"))["vocab"]
    session = onnx_session(files[0], threads)
    phonemes_of = phonemizer()

    def speak(text: str, voice: str, speed: float, seed: int) -> tuple[np.ndarray, int]:
        british = voice.startswith("b")
        style = np.mean([styles[part] for part in voice.split("+")], axis=0)
        waveforms = []
        for phonemes in phonemize(text, functools.partial(phonemes_of, british=british)):
            tokens = token_ids(phonemes, vocabulary)
            inputs = {
                "tokens": np.array([tokens], np.int64),
                "style": style[len(phonemes)],
                "speed": np.array([speed], np.float32),
            }
            waveforms.append(session.run(None, inputs)[0].ravel())
        return np.concatenate(waveforms), 24_000

    return Engine(speak, files, installed("hibari-tts", "onnxruntime", "numpy"))


def hibari(resources: Path, voices: Sequence[str], threads: int) -> Engine:
    """hibari, 24 kHz: one of Kokoro's voices in a small model, 45 times faster, and bent from it.

    The model gives pitch and spectra, frame by frame; the pitch is scaled before the waveform is
    made of them, and the formants by playing the waveform faster or slower than its 24 kHz, for
    which the model speaks as much slower or faster.
    """
    check_voices(voices, HIBARI_VOICES, "engine hibari")
    files = [resources / "hibari.onnx"]
    check_files(files)
    from hibari import dsp
    from hibari.tts import ASSETS

    vocabulary = json.loads((Path(ASSETS) / "vocab.json").read_text(encoding="utf-8"))
    session = onnx_session(files[0], threads)
    phonemes_of = phonemizer()

    def speak(text: str, voice: str, speed: float, seed: int) -> tuple[np.ndarray, int]:
        pitch, formants = HIBARI_VOICES[voice]
        noise = np.random.default_rng(seed)
        waveforms = []
        for phonemes in phonemize(text, phonemes_of):
            inputs = {
                "ids": np.array([token_ids(phonemes, vocabulary)], np.int64),
                "speed": np.array([speed / formants], np.float32),
            }
            *spectra, f0 = (output[0] for output in session.run(None, inputs))
            waveforms.append(dsp.synth(*spectra, f0 * np.float32(pitch / formants), noise))
        played = soxr.resample(np.concatenate(waveforms), dsp.SR * formants, dsp.SR, quality="HQ")
        return played, dsp.SR

    packages = installed("hibari-tts", "onnxruntime", "numpy", "soxr")
    return Engine(speak, files, packages | {"fft": dsp.FFT_BACKEND})


ENGINES: dict[str, Callable[[Path, Sequence[str], int], Engine]] = {
    "kokoro": kokoro,
    "hibari": hibari,
}


def check_voices(voices: Sequence[str], known: Sequence[str], where: str) -> None:
    """Raise ``InputError`` for the first voice that is not known."""
    unknown = [voice for voice in voices if voice not in known]
    if unknown:
        raise InputError(
            f"{where}: no voice {unknown[0]!r}; there are {', '.join(known) or 'none at all'}"
        )


def check_files(paths: Sequence[Path]) -> None:
    """Raise ``InputError`` for the first file that is missing."""
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise InputError(f"{missing[0]}: no such file; fetch the engine's artifact (fetch.py)")


def installed(*packages: str) -> dict[str, str]:
    """Return the versions of packages."""
    return {package: importlib.metadata.version(package) for package in packages}


def onnx_session(path: Path, threads: int) -> Any:
    """Return an onnxruntime session on the CPU; threads are told what to wait for, not to spin."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def phonemizer() -> Callable[..., str]:
    """Return ``phonemes_of(text, british=False)``; a variant is loaded when first needed."""
    from hibari.g2p import G2P

    variant = functools.cache(lambda british: G2P(british=british))
    return lambda text, british=False: variant(british)(text)


def phonemize(text: str, phonemes_of: Callable[[str], str]) -> list[str]:
    """Return the phonemes of a text in pieces of at most ``MAX_PHONEMES``."""
    phonemes = phonemes_of(text)
    if not phonemes.strip():
        raise Unspeakable("no phonemes: nothing in the text can be said")
    if len(phonemes) <= MAX_PHONEMES:
        return [phonemes]
    first, second = halves(text)
    return phonemize(first, phonemes_of) + phonemize(second, phonemes_of)


def halves(text: str) -> tuple[str, str]:
    """Cut a text in two, as near its middle as the best kind of break in it allows."""
    for pattern in BREAKS:
        breaks = list(re.finditer(pattern, text.strip()))
        if breaks:
            best = min(breaks, key=lambda found: abs(found.start() - len(text) / 2))
            return text.strip()[: best.start()], text.strip()[best.end() :]
    raise Unspeakable(
        f"too long: a word of more than {MAX_PHONEMES} phonemes, {text[:20]!r}... ({len(text)})"
    )


def token_ids(phonemes: str, vocabulary: dict[str, int]) -> list[int]:
    """Return the model's ids of phonemes, between the zeros that it wants at both ends."""
    unknown = sorted({phoneme for phoneme in phonemes if phoneme not in vocabulary})
    if unknown:
        raise Unspeakable(f"phonemes that are not in the vocabulary: {' '.join(unknown)}")
    return [0, *(vocabulary[phoneme] for phoneme in phonemes), 0]
