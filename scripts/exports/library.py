"""A library that runs an exported model."""

import importlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from errors import InputError


class Loaded(NamedTuple):
    """A model in a library: ``transcribe(audio, hints)``, and in which numbers it computes.

    Audio is float32 [samples] of 16 kHz; hints are words that the text may have, or empty.
    """

    transcribe: Callable[[np.ndarray, str], str]
    precision: str


def check_importable(modules: Iterable[str]) -> None:
    """Refuse to begin where a library can't be imported."""
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise InputError(
                f"{module} can't be imported ({str(error).strip()}); install what writes and runs"
                " exported models by `make exporters`"
            ) from None
