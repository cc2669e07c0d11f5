"""How libraries are told to decode as the checkpoint was measured.

That is greedily, without timestamps, which an adapted checkpoint was not taught to write, and
without a second try at another temperature, which would be drawn at random.
"""

from typing import Any


def faster_whisper_options(language: str, task: str) -> dict[str, Any]:
    """Return the options of ``faster_whisper.WhisperModel.transcribe``."""
    return {
        "language": language,
        "task": task,
        "beam_size": 1,
        "temperature": 0.0,
        "without_timestamps": True,
        "condition_on_previous_text": False,
    }


def whisper_cpp_options(language: str, task: str) -> dict[str, Any]:
    """Return the options of ``pywhispercpp.model.Model.transcribe``."""
    return {
        "language": language,
        "translate": task == "translate",
        "temperature_inc": 0.0,
        "no_timestamps": True,
        "suppress_nst": True,  # signs that are no speech, as the others do
    }


def whisper_cli_options(language: str, task: str) -> list[str]:
    """Return the options of whisper.cpp's own program that say the same."""
    translate = ["--translate"] if task == "translate" else []
    return [
        *("--language", language, *translate),
        *("--best-of", "1", "--beam-size", "1"),
        *("--no-fallback", "--no-timestamps", "--suppress-nst"),
    ]
