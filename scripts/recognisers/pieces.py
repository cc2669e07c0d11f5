"""Recordings longer than the window, cut at their pauses into pieces that fit, and their texts.

A recogniser hears one window at a time. A piece is an utterance of its own, in a file of its own:
so it is read, batched, kept as an encoding and noted in a journal as any other.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from files import scratch
from files.audio import SAMPLING_RATE, load_audio, save_audio
from files.manifest import fits
from texts.normalise import WITHOUT_SPACES

FRAME = SAMPLING_RATE // 100  # samples over which energy is measured: 10 ms
PAUSE = 30  # frames of a pause: longer than what is silent within words (before p, t and k)
SEARCHED = 0.5  # of the window, before its end: where a pause is looked for
SHORTEST_REST = 0.25  # of the window: what is left for the last piece, at least


def cuts(waveform: np.ndarray, longest: int) -> list[int]:
    """Return where to cut a waveform, float32 [n_samples], into pieces of at most ``longest``.

    Each cut is in the middle of the quietest 0.3 s (of the least energy) in the last half of what
    ``longest`` samples allow, the last of equally quiet ones. A last piece is no shorter than a
    quarter of ``longest``: of little speech, or of silence alone, Whisper makes up texts.
    """
    places: list[int] = []
    start = 0
    while len(waveform) - start > longest:
        end = min(start + longest, len(waveform) - round(SHORTEST_REST * longest))
        begin = start + round((1 - SEARCHED) * longest)
        start = begin + quietest(waveform[begin:end])
        places.append(start)
    return places


def quietest(waveform: np.ndarray) -> int:
    """Return the sample in the middle of the quietest 0.3 s; a constant offset is no sound."""
    frame = min(FRAME, len(waveform))
    frames = waveform[: len(waveform) // frame * frame].reshape(-1, frame)
    energy = frames.var(axis=1, dtype=np.float64)
    length = min(PAUSE, len(energy))
    summed = sliding_window_view(energy, length).sum(axis=1)
    last = len(summed) - 1 - int(summed[::-1].argmin())
    return last * frame + length * frame // 2


@contextmanager
def in_pieces(utterances: Sequence[dict], window: float) -> Iterator[list[dict]]:
    """Yield the utterances that fit a window (s), and the pieces of those that don't.

    A piece has ``piece_of``, the id of its utterance. The pieces' files go when the block ends.
    """
    with TemporaryDirectory(prefix="pieces-", dir=scratch.folder()) as folder:
        rows = []
        for number, row in enumerate(utterances):
            if fits(row, window):
                rows.append(row)
            else:
                rows += pieces_of(row, window, Path(folder) / str(number))
        yield rows


def pieces_of(utterance: dict, window: float, folder: Path) -> list[dict]:
    """Write an utterance's pieces into a folder; return their rows of a manifest, in order."""
    waveform = load_audio(scratch.near(utterance["audio_filepath"]))
    places = cuts(waveform, round(window * SAMPLING_RATE))
    rows = []
    for number, piece in enumerate(np.split(waveform, places)):
        path = folder / f"{number}.flac"
        about = {"id": f"{utterance['id']}\0{number}", "piece_of": utterance["id"]}  # no id has \0
        duration = save_audio(path, piece)
        rows.append(utterance | about | {"audio_filepath": str(path), "duration": duration})
    return rows


def joined(hypotheses: Sequence[dict], rows: Sequence[dict], language: str) -> list[dict[str, Any]]:
    """Return the hypotheses of utterances, of those of the rows that ``in_pieces`` gave.

    The text of one that was cut is that of its pieces, of which ``pieces`` is the number, and its
    log probability the lowest of theirs, where they have one.
    """
    space = "" if language in WITHOUT_SPACES else " "
    whole: list[dict[str, Any]] = []
    for id, group in groupby(
        zip(rows, hypotheses, strict=True), lambda pair: pair[0].get("piece_of", pair[0]["id"])
    ):
        parts = [hypothesis for _, hypothesis in group]
        if len(parts) == 1:
            whole.append(parts[0] | {"id": id})
            continue
        text = space.join(part["text"] for part in parts if part["text"])
        again = {"decoded_again": True} if any("decoded_again" in part for part in parts) else {}
        told = [part["log_probability"] for part in parts if "log_probability" in part]
        sure = {"log_probability": min(told)} if told else {}
        whole.append({"id": id, "text": text, "pieces": len(parts)} | again | sure)
    return whole
