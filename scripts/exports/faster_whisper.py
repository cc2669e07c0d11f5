"""CTranslate2's format for faster-whisper: its own converter writes it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from exports.decoding import faster_whisper_options
from exports.library import Loaded

BESIDE = ["tokenizer.json", "preprocessor_config.json"]  # else the library asks the model hub


def writer(quantization: str) -> Callable[[Path, Path], None]:
    """Return what writes a Hugging Face folder with weights of a type of CTranslate2's."""

    def write(folder: Path, output: Path) -> None:
        from ctranslate2.converters import TransformersConverter

        converter = TransformersConverter(str(folder), copy_files=BESIDE)
        converter.convert(str(output), quantization=quantization, force=True)

    return write


def load(folder: Path, language: str, task: str, threads: int) -> Loaded:
    """Return what transcribes with a folder, on the CPU, which needs no library of CUDA's."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(folder), device="cpu", cpu_threads=threads, local_files_only=True)
    options = faster_whisper_options(language, task)

    def transcribe(audio: np.ndarray, hints: str) -> str:
        segments, _ = model.transcribe(audio, hotwords=hints or None, **options)
        return "".join(segment.text for segment in segments).strip()

    return Loaded(transcribe, model.model.compute_type)
