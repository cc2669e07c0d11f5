"""A store of encoder outputs, shared by all models that have the same encoder.

When only the decoder is trained, every arm hears an utterance through the same encoder: what it
gives is computed once, and kept in a file named by all that it depends on. The folder can be
deleted at any time.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from computing.processor import kind_of
from files.array_file import read_array
from files.atomic import atomic_path
from files.checksum import sha256
from records.writing import code_of, versions_of

PACKAGES = ("numpy", "soundfile", "soxr", "torch", "transformers")  # that read, hear and encode


class Encodings:
    """Files of float16 [positions, width], one per utterance and encoder.

    ``script`` is the module that makes features and encodes; it counts with all that it imports.
    ``settings`` (JSON) and ``tensors`` are what else shapes an encoding: the encoder's parameters,
    the mel filters.
    """

    def __init__(
        self,
        folder: str | Path,
        script: str | Path,
        settings: dict[str, Any],
        tensors: dict[str, torch.Tensor],
        device: torch.device,
    ):
        self.folder = Path(folder)
        parts = [code_of(script)[0], versions_of(PACKAGES), kind_of(device), settings]
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
        for name, value in sorted(tensors.items()):
            digest.update(name.encode())
            digest.update((value.cpu() + 0.0).contiguous().numpy().data)  # + 0.0 makes -0.0 a 0.0
        self.identity = digest.hexdigest()

    def place(self, path: str | Path) -> Path:
        """Return where an audio file's encoding lies, or will."""
        key = hashlib.sha256(f"{self.identity}/{sha256(path)}".encode()).hexdigest()
        return self.folder / key[:2] / f"{key}.npy"


def write_encoding(place: Path, encoding: torch.Tensor) -> torch.Tensor:
    """Keep an encoding, [positions, width], at its place; return it as it is read again."""
    with atomic_path(place) as temporary, temporary.open("wb") as file:
        np.save(file, encoding.cpu().numpy().astype(np.float16))
    return read_encoding(place)


def read_encoding(place: Path) -> torch.Tensor:
    """Return the encoding that is kept at a place, float32 [positions, width]."""
    return torch.from_numpy(read_array(place, "delete it")).float()
