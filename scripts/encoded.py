"""A store of encoder outputs, shared by all models that have the same encoder.

When only the decoder is trained, every arm hears an utterance through the same encoder: what it
gives is computed once, and kept in a file named by all that it depends on. The folder can be
deleted at any time.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from atomic import atomic_path
from records import sha256


class Encodings:
    """Files of float16 [positions, width], one per utterance and encoder."""

    def __init__(self, folder: str | Path, encoder: torch.nn.Module, *settings: object):
        self.folder = Path(folder)
        digest = hashlib.sha256(repr(settings).encode())
        for name, value in sorted(encoder.state_dict().items()):
            digest.update(name.encode())
            digest.update((value.cpu() + 0.0).contiguous().numpy())  # + 0.0 makes -0.0 a 0.0
        self.identity = digest.hexdigest()

    def get(self, path: str | Path, encode: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Return an audio file's encoding, float32 [positions, width]; ``encode`` it if needed."""
        key = hashlib.sha256(f"{self.identity}/{sha256(path)}".encode()).hexdigest()
        stored = self.folder / key[:2] / f"{key}.npy"
        if not stored.is_file():
            with atomic_path(stored) as temporary, temporary.open("wb") as file:
                np.save(file, encode().cpu().numpy().astype(np.float16))
        return torch.from_numpy(np.load(stored)).float()
