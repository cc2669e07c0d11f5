"""hibari by onnxruntime on the CPU: 24 kHz, one by one; weights Apache-2.0.

One of Kokoro's voices in a small model, 45 times faster, and eleven voices bent from it.
"""

from pathlib import Path

import numpy as np
import soxr

from engines.engine import (
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
from files.json_file import read_json

# hibari has one speaker. The others are hers, bent: pitch and formant frequencies as multiples of
# hers. A man's pitch is about half a woman's, his formants about 0.85 times hers.
VOICES = {
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


def load(setup: Setup) -> Engine:
    """Return hibari, whose voice is bent as each request's voice says.

    The model gives pitch and spectra, frame by frame; the pitch is scaled before the waveform is
    made of them, and the formants by playing the waveform faster or slower than its 24 kHz, for
    which the model speaks as much slower or faster.
    """
    check_unused("hibari", setup, "batch_size", "precision", "speakers", "language")
    voices = chosen_voices(setup.voices, list(VOICES), "engine hibari")
    files = [setup.resources / "hibari.onnx"]
    check_files(files)
    from hibari import dsp
    from hibari.tts import ASSETS

    vocabulary = read_json(Path(ASSETS) / "vocab.json", "pip install hibari-tts again")
    session = onnx_session(files[0], setup.threads)
    phonemes_of = phonemizer()

    def speak(request: Request) -> np.ndarray:
        pitch, formants = VOICES[request.voice]
        noise = np.random.default_rng(request.seed)
        waveforms = []
        for phonemes in phonemize(request.spoken, phonemes_of):
            inputs = {
                "ids": np.array([token_ids(phonemes, vocabulary)], np.int64),
                "speed": np.array([request.speed / formants], np.float32),
            }
            *spectra, f0 = (output[0] for output in session.run(None, inputs))
            waveforms.append(dsp.synth(*spectra, f0 * np.float32(pitch / formants), noise))
        joined = np.concatenate(waveforms)
        waveform: np.ndarray = soxr.resample(joined, dsp.SR * formants, dsp.SR, quality="HQ")
        return waveform

    packages = installed("hibari-tts", "onnxruntime", "numpy", "soxr")
    return Engine(
        one_by_one(speak),
        dsp.SR,
        voices,
        has_speed=True,
        files=files,
        packages=packages | {"fft": dsp.FFT_BACKEND},
    )
