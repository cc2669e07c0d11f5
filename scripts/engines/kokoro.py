"""Kokoro-82M by onnxruntime on the CPU: 24 kHz, one by one; weights Apache-2.0.

Voices are the files of the artifact's ``voices`` folder. ``af_heart+am_puck`` is a further voice,
halfway between the two. Voices named b... speak British English, all others American. Speed from
0.5 to 2; long texts are said in pieces.
"""

import functools
from pathlib import Path

import numpy as np

from engines.engine import (
    RANDOM,
    Engine,
    Request,
    Setup,
    check_files,
    check_unused,
    chosen_voices,
    installed,
    one_by_one,
)
from engines.phonemes import onnx_session, phonemize, phonemizer, token_ids
from errors import InputError
from files.json_file import read_object
from files.regular import read_bytes

AGAIN = "fetch the engine's artifact again (fetch.py)"
STYLE = 256  # floats of a style vector


def load(setup: Setup) -> Engine:
    """Return Kokoro with the voices' style vectors."""
    check_unused("kokoro", setup, "batch_size", "precision", "speakers", "language")
    resources = setup.resources
    known = [path.stem for path in sorted((resources / "voices").glob("*.bin"))]
    parts = sorted({part for voice in setup.voices for part in voice.split("+")})
    parts = chosen_voices(parts, known, f"{resources}/voices")
    voices = parts if list(setup.voices) == [RANDOM] else setup.voices
    files = [resources / "model.onnx", resources / "vocab.json"]
    check_files(files)
    styles = {}
    for part in parts:
        path = resources / "voices" / f"{part}.bin"
        files.append(path)
        styles[part] = read_style(path)
    vocabulary = read_object(files[1], AGAIN)["vocab"]
    session = onnx_session(files[0], setup.threads)
    phonemes_of = phonemizer()

    def speak(request: Request) -> np.ndarray:
        british = request.voice.startswith("b")
        style = np.mean([styles[part] for part in request.voice.split("+")], axis=0)
        waveforms = []
        for phonemes in phonemize(request.spoken, functools.partial(phonemes_of, british=british)):
            tokens = token_ids(phonemes, vocabulary)
            inputs = {
                "tokens": np.array([tokens], np.int64),
                "style": style[len(phonemes)],
                "speed": np.array([request.speed], np.float32),
            }
            waveforms.append(session.run(None, inputs)[0].ravel())
        return np.concatenate(waveforms)

    return Engine(
        one_by_one(speak),
        24_000,
        voices,
        has_speed=True,
        files=files,
        packages=installed("hibari-tts", "onnxruntime", "numpy"),
    )


def read_style(path: Path) -> np.ndarray:
    """Return a voice's style vectors, float32 [n_tokens, 1, 256], one for each length of text."""
    content = read_bytes(path, AGAIN)
    if not content or len(content) % (4 * STYLE):
        raise InputError(f"{path}: {len(content)} bytes are no vectors of {STYLE} floats; {AGAIN}")
    return np.frombuffer(content, np.float32).reshape(-1, 1, STYLE)
