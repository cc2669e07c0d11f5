"""Utterances to learn from: their order, their batches, and the loss on some of them."""

import hashlib
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from statistics import median_low
from typing import Any

import torch

from computing.readers import read_ahead
from errors import InputError
from files import scratch
from files.manifest import check_fits, read_manifest
from recognisers.load import Recogniser
from texts.written import LabelForm

LENGTH_BUCKET = 16  # batches that are sorted by text length together


def passes(keys: Sequence[str], seed: int, epoch: int) -> list[list[int]]:
    """Return an epoch's passes over the texts: indices of ``keys``, one key a text, in order.

    There are as many as a text has utterances (the median, if texts differ), and a text's
    utterances are spread over them, the first in the first pass, two in one only if there are more
    than passes. A pass is in the order of a hash of (seed, number of the pass since the first
    epoch, key): so an epoch over five utterances of each text goes through the texts like five
    epochs over one. Two data sets of the same texts (real and synthetic speech) are visited in the
    same order of texts, whichever utterances a filter took from one of them.
    """
    indices_of: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        indices_of.setdefault(key, []).append(index)
    count = median_low(map(len, indices_of.values())) if indices_of else 0
    digests: list[dict[int, bytes]] = [{} for _ in range(count)]
    for key, indices in indices_of.items():
        again: Counter[int] = Counter()  # utterances of the text that a pass has already
        for turn, index in enumerate(indices):
            left = len(indices) - 1 - turn
            number = count - 1 - left * count // len(indices) if turn else 0
            name = f"{seed}/{epoch * count + number}/{key}"
            name += f"/{again[number]}" if again[number] else ""
            again[number] += 1
            digests[number][index] = hashlib.sha256(name.encode()).digest()
    return [sorted(of_pass, key=of_pass.__getitem__) for of_pass in digests]


def batches(
    keys: Sequence[str], lengths: Sequence[int], batch_size: int, seed: int, epoch: int
) -> list[list[int]]:
    """Return one epoch of batches of indices, texts of like length (tokens) together.

    Within each pass, runs of ``LENGTH_BUCKET`` batches of the shuffled data are sorted by length
    and cut; the batches are then shuffled. Every index is in exactly one batch, and all epochs have
    as many batches.
    """
    run_length = LENGTH_BUCKET * batch_size
    epoch_of_batches = []
    for order in passes(keys, seed, epoch):
        place_of = {index: place for place, index in enumerate(order)}
        cut = []
        for start in range(0, len(order), run_length):
            bucket = sorted(
                order[start : start + run_length], key=lambda index: (lengths[index], index)
            )
            cut += [bucket[i : i + batch_size] for i in range(0, len(bucket), batch_size)]
        epoch_of_batches += sorted(cut, key=lambda batch: place_of[batch[0]])
    return epoch_of_batches


def drawn(ids: Sequence[str], count: int, salt: str) -> list[int]:
    """Return the indices of ``count`` ids at most, in order: those with the smallest hashes.

    Of fewer, some of the same are drawn. ``salt`` says what for, and by which seed.
    """

    def digest(index: int) -> bytes:
        return hashlib.sha256(f"{salt}/{ids[index]}".encode()).digest()

    return sorted(sorted(range(len(ids)), key=digest)[:count])


class Speech:
    """Utterances with their labels; audio is read when a loss is asked for, or before.

    Each has an id among all manifests, and a key, which utterances of one text share.

    ``readers`` threads read what ``audio`` is asked for ahead of its use; ``form`` is that of the
    labels, where the recogniser has several.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        manifests: Sequence[str | Path],
        readers: int = 0,
        form: LabelForm = "sentence",
    ):
        self.recogniser = recogniser
        self.readers = readers
        self.utterances: list[dict] = []
        self.ids: list[str] = []
        self.keys: list[str] = []
        for index, manifest in enumerate(manifests):
            rows = read_manifest(manifest)
            if not rows:
                raise InputError(
                    f"{manifest}: no utterances; check the filter's rejects and the split"
                )
            check_fits(rows, manifest, recogniser.window)
            self.utterances += rows
            self.ids += [f"{index}/{row['id']}" for row in rows]
            self.keys += [f"{index}/{row.get('text_id', row['id'])}" for row in rows]
        scratch.check(row["audio_filepath"] for row in self.utterances)
        self.labels = [recogniser.labels(row["text"], form) for row in self.utterances]
        self.remarks = self._leave_out() + recogniser.check(self.utterances, self.labels)

    def _leave_out(self) -> list[str]:
        """Leave out utterances whose labels can't be learnt; return remarks on them.

        Those of one text have one fault, so real and synthetic speech lose the same texts. Raises
        ``InputError`` if no utterance is left.
        """
        faults = [self.recogniser.fault(labels) for labels in self.labels]
        remarks = []
        for fault in sorted({fault for fault in faults if fault}):
            rows = [row for row, each in zip(self.utterances, faults, strict=True) if each == fault]
            remarks.append(
                f"{len(rows)} utterances are left out, their texts have {fault}, first"
                f" {rows[0]['id']!r} ({rows[0]['text'][:60]!r})"
            )
        kept = [index for index, fault in enumerate(faults) if fault is None]
        if not kept:
            raise InputError("; ".join([*remarks, "no utterance is left; mend the texts"]))
        self._keep(kept)
        return remarks

    def _keep(self, indices: Sequence[int]) -> None:
        self.utterances = [self.utterances[index] for index in indices]
        self.ids = [self.ids[index] for index in indices]
        self.keys = [self.keys[index] for index in indices]
        self.labels = [self.labels[index] for index in indices]

    def thin_out(self, own: int, ratio: float, seed: int) -> None:
        """Keep of the manifests behind ``own`` first ones ``ratio`` utterances for each of theirs.

        What is replayed of an earlier task is a share of the new one's data, as in LAMOL (Sun et
        al. 2020, arXiv 1909.03329). Where there are fewer, all are kept.
        """
        of_own = [index for index, id in enumerate(self.ids) if int(id.partition("/")[0]) < own]
        others = range(len(of_own), len(self.ids))  # they come behind
        wanted = max(1, round(ratio * len(of_own)))
        chosen = drawn([self.ids[index] for index in others], wanted, f"{seed}/replay")
        self.remarks.append(
            f"{len(chosen)} of {len(others)} utterances are replayed, {ratio:g} for each of the"
            f" {len(of_own)} others"
        )
        self._keep(of_own + [others[index] for index in chosen])

    def __len__(self) -> int:
        return len(self.utterances)

    def tokens(self, indices: Sequence[int]) -> int:
        """Return how many predictions the loss on some utterances is a sum of."""
        return sum(self.recogniser.tokens(self.labels[index]) for index in indices)

    def duration(self, indices: Sequence[int]) -> float:
        """Return the duration of the longest of some utterances, s."""
        return float(max(self.utterances[index]["duration"] for index in indices))

    def audio(self, parts: Iterable[tuple[Sequence[int], float]]) -> Generator[Any, None, None]:
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
