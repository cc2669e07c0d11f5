"""Who spoke an utterance of a manifest: a person or a TTS."""

from typing import Any


def is_real(utterance: dict[str, Any]) -> bool:
    """Say whether an utterance was spoken by a person."""
    return "tts" not in utterance and utterance.get("origin") != "synthetic"
