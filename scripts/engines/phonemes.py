"""Texts as phonemes in pieces that an ONNX model can say: what Kokoro and hibari share."""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engines.engine import Unspeakable

MAX_PHONEMES = 400  # in one go, of Kokoro's 508 and hibari's 400; longer texts are said in pieces
BREAKS = (r"(?<=[.!?…])\s+", r"(?<=[,;:—])\s+", r"\s+")  # where a text may be cut, best first


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
            best = min(breaks, key=lambda match: abs(match.start() - len(text) / 2))
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
