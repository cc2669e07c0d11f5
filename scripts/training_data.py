"""Utterances to learn from: their order, their batches, and the loss on some of them."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

import scratch
from errors import InputError
from manifest import check_fits, read_manifest
from readers import read_ahead
from recogniser import Recogniser

LENGTH_BUCKET = 16  # batches that are sorted by text length together


def data_order(keys: Sequence[str], seed: int, epoch: int) -> list[int]:
    """Return the indices of ``keys`` in the order of a hash of (seed, epoch, key).

    Two data sets with the same ids (real speech and synthetic speech of the same texts) are so
    visited in the same order, whichever utterances a filter took from one of them.
    """
    digest = [hashlib.sha256(f"{seed}/{epoch}/{key}".encode()).digest() for key in keys]
    return sorted(range(len(keys)), key=digest.__getitem__)


def batches(
    keys: Sequence[str], lengths: Sequence[int], batch_size: int, seed: int, epoch: int
) -> list[list[int]]:
    """Return one epoch of batches of indices, texts of like length (tokens) together.

    Runs of ``LENGTH_BUCKET`` batches of the shuffled data are sorted by length and cut; the batches
    are then shuffled. Every index is in exactly one batch.
    """
    order = data_order(keys, seed, epoch)
    run_length = LENGTH_BUCKET * batch_size
    cut = []
    for start in range(0, len(order), run_length):
        bucket = sorted(
            order[start : start + run_length], key=lambda index: (lengths[index], index)
        )
        cut += [bucket[i : i + batch_size] for i in range(0, len(bucket), batch_size)]
    names = [keys[batch[0]] for batch in cut]
    return [cut[index] for index in data_order(names, seed, epoch)]


class Speech:
    """Utterances with their labels; audio is read when a loss is asked for, or before.

    ``readers`` threads read what ``audio`` is asked for ahead of its use.
    """

    def __init__(self, recogniser: Recogniser, manifests: Sequence[str | Path], readers: int = 0):
        self.recogniser = recogniser
        self.readers = readers
        self.utterances, self.keys = [], []
        for index, manifest in enumerate(manifests):
            rows = read_manifest(manifest)
            if not rows:
                raise InputError(
                    f"{manifest}: no utterances; check the filter's rejects and the split"
                )
            check_fits(rows, manifest, recogniser.window)
            self.utterances += rows
            self.keys += [f"{index}/{row['id']}" for row in rows]
        scratch.check(row["audio_filepath"] for row in self.utterances)
        self.labels = [recogniser.labels(row["text"]) for row in self.utterances]
        self.remarks = recogniser.check(self.utterances, self.labels)

    def __len__(self) -> int:
        return len(self.utterances)

    def tokens(self, indices: Sequence[int]) -> int:
        """Return how many predictions the loss on some utterances is a sum of."""
        return sum(self.recogniser.tokens(self.labels[index]) for index in indices)

    def duration(self, indices: Sequence[int]) -> float:
        """Return the duration of the longest of some utterances, s."""
        return max(self.utterances[index]["duration"] for index in indices)

    def audio(self, parts: Iterable[tuple[Sequence[int], float]]) -> Iterator[Any]:
        """Yield what ``loss`` needs of parts of batches: indices, and the batch's duration (s)."""
        return read_ahead(self._prepare, parts, self.readers)

    def _prepare(self, part: tuple[Sequence[int], float]) -> Any:
        indices, duration = part
        paths = [scratch.near(self.utterances[index]["audio_filepath"]) for index in indices]
        return self.recogniser.prepare(paths, duration)

    def loss(self, indices: Sequence[int], duration: float, audio: Any = None) -> torch.Tensor:
        """Return the summed loss (nats) on some utterances of a batch of this duration (s).

        ``audio`` is theirs, if it was read before.
        """
        if audio is None:
            audio = self._prepare((indices, duration))
        return self.recogniser.loss(audio, [self.labels[index] for index in indices])
