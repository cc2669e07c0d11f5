"""ggml, in float16, for whisper.cpp: written here, run by its Python package pywhispercpp."""

from pathlib import Path

import numpy as np

from exports.decoding import whisper_cpp_options
from exports.library import Loaded
from recognisers.checkpoints import load_whisper
from recognisers.ggml_writing import to_original, write_ggml

MODEL = "ggml-model.bin"


def write(folder: Path, output: Path) -> None:
    """Write a Hugging Face folder as one file."""
    model, tokenizer, features = load_whisper(folder)
    write_ggml(output / MODEL, to_original(model, tokenizer, folder), features.mel_filters.T)


def load(folder: Path, language: str, task: str, threads: int) -> Loaded:
    """Return what transcribes with a folder, on the CPU."""
    from pywhispercpp.model import Model

    model = Model(
        str(folder / MODEL),
        redirect_whispercpp_logs_to=None,
        print_progress=False,
        n_threads=threads,
    )
    options = whisper_cpp_options(language, task)

    def transcribe(audio: np.ndarray, hints: str) -> str:
        segments = model.transcribe(audio, initial_prompt=hints, **options)
        return " ".join(segment.text for segment in segments).strip()

    return Loaded(transcribe, "float16")
