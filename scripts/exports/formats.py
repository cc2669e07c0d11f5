"""The table of the forms: what writes each, what runs it, and the file of hints that it takes."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from exports import faster_whisper, whisper_cpp
from exports.library import Loaded


class Format(NamedTuple):
    """A form in which a service runs a Whisper.

    ``write(folder, output)`` makes it of a Hugging Face folder, ``load(folder, language, task,
    threads)`` runs it. Both need ``modules``, which are of ``packages``.
    """

    write: Callable[[Path, Path], None]
    load: Callable[[Path, str, str, int], Loaded]
    modules: tuple[str, ...]
    packages: tuple[str, ...]
    hints: str


def of_faster_whisper(quantization: str) -> Format:
    """Return the form that faster-whisper runs, with weights of a type of CTranslate2's."""
    return Format(
        faster_whisper.writer(quantization),
        faster_whisper.load,
        ("ctranslate2.converters", "faster_whisper"),
        ("ctranslate2", "faster-whisper"),
        "hotwords.txt",
    )


FORMATS = {
    "ctranslate2-int8": of_faster_whisper("int8"),
    "ctranslate2-float16": of_faster_whisper("float16"),
    "ggml": Format(
        whisper_cpp.write,
        whisper_cpp.load,
        ("pywhispercpp.model",),
        ("pywhispercpp",),
        "prompt.txt",
    ),
}
