"""What every corpus reader yields."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Recording:
    """One spoken utterance of a corpus: its transcript as published, and a way to its samples."""

    id: str
    text: str
    speaker: str
    load: Callable[[], tuple[np.ndarray, int]]
    """Returns float32 [n_samples], mono, and the sampling rate in Hz."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Further keys of the manifest: what the corpus knows of the utterance."""
