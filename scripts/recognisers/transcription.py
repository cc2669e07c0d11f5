"""Utterances transcribed in batches, with a task vector's coefficients one after the other."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from computing import readers
from errors import naming_file
from files import scratch
from files.json_file import parse_object
from files.progress import progress
from files.regular import read_bytes
from files.text_file import decode
from recognisers.hypotheses import Hypothesis
from recognisers.load import Recogniser
from recognisers.repetition import is_repetitive
from vectors.addition import Addition

REPORT_EVERY = 10.0  # s
AGAIN = "delete it to transcribe all again"
HELD = 1 << 30  # bytes of heard speech that wait in memory for the next scaling coefficient
UNREPEATED = 3  # tokens of which no sequence stands twice where a repetition is decoded again


def by_duration(utterances: Sequence[dict], batch_size: int) -> Iterator[list[dict]]:
    """Yield batches of utterances of like duration, the longest first, ties by id.

    Pieces of what is longer than the window (see pieces.py) have batches of their own, which come
    last: no other hypothesis depends on them.
    """
    for are_pieces in (False, True):
        rows = [row for row in utterances if ("piece_of" in row) == are_pieces]
        rows.sort(key=lambda row: (-row["duration"], row["id"]))
        for start in range(0, len(rows), batch_size):
            yield rows[start : start + batch_size]


def transcribe(
    recogniser: Recogniser, utterances: Sequence[dict], batch_size: int, read_by: int = 0
) -> list[dict]:
    """Return id and hypothesis of each utterance, in the manifest's order."""
    [hypotheses] = sweep(recogniser, utterances, batch_size, read_by=read_by)
    return hypotheses


def sweep(
    recogniser: Recogniser,
    utterances: Sequence[dict],
    batch_size: int,
    scales: Sequence[float | None] = (None,),
    addition: Addition | None = None,
    journals: Sequence[Path] = (),
    read_by: int = 0,
    guarded: bool = False,
) -> list[list[dict]]:
    """Return the hypotheses of ``transcribe`` for each scaling coefficient of a task vector.

    If ``guarded``, an endless repetition is decoded again without any, and ``decoded_again`` is
    true of that hypothesis.

    Speech is read once, and where the vector leaves the encoder as it is, heard once, for all
    coefficients. The batches that a coefficient's journal has are not transcribed again, and the
    others join them there. ``read_by`` threads read ahead.
    """
    recogniser.model.eval()
    read, hear, write = recogniser.stages(addition.changed() if addition else ())
    files: Sequence[Path | None] = journals or [None for _ in scales]
    texts = [read_journal(file) if file else {} for file in files]
    total, resumed = len(scales) * len(utterances), sum(map(len, texts))
    started = reported = time.monotonic()
    added = None
    unfinished = (
        batch
        for batch in by_duration(utterances, batch_size)
        if any(batch[0]["id"] not in by_id for by_id in texts)
    )

    def speech_of(batch: list[dict]) -> tuple[list[dict], Any]:
        return batch, read([scratch.near(row["audio_filepath"]) for row in batch])

    spoken = readers.read_ahead(speech_of, unfinished, read_by)
    for part in in_parts(spoken, hear, HELD if len(scales) > 1 else 0):
        for scale, by_id, journal in zip(scales, texts, files, strict=True):
            for batch, encoded in part:
                if batch[0]["id"] in by_id:
                    continue
                if addition and scale is not None and added != scale:
                    addition.scale(scale)
                    added = scale
                ids = [row["id"] for row in batch]
                hypotheses = guard(batch, encoded, write) if guarded else write(encoded)
                finished = dict(zip(ids, hypotheses, strict=True))
                by_id |= finished
                if journal:
                    append(journal, finished)
                if time.monotonic() - reported > REPORT_EVERY:
                    reported = time.monotonic()
                    done = sum(map(len, texts))
                    line = progress(done, total, resumed, reported - started)
                    print(line, file=sys.stderr, flush=True)
    return [[{"id": row["id"]} | by_id[row["id"]] for row in utterances] for by_id in texts]


def guard(batch: Sequence[dict], encoded: Any, write: Callable) -> list[Hypothesis]:
    """Return the hypotheses of a batch; those that repeat endlessly are decoded again.

    The second time no sequence of three tokens stands in one twice, which is deterministic, as the
    other recognisers' retries at a temperature are not.
    """
    hypotheses: list[Hypothesis] = write(encoded)
    endless = [
        place
        for place, (row, hypothesis) in enumerate(zip(batch, hypotheses, strict=True))
        if is_repetitive(hypothesis["text"], row["duration"])
    ]
    if endless:
        again = write(rows_of(encoded, endless), unrepeated=UNREPEATED)
        for place, hypothesis in zip(endless, again, strict=True):
            hypotheses[place] = hypothesis | {"decoded_again": True}
    return hypotheses


def rows_of(encoded: Any, places: Sequence[int]) -> Any:
    """Return some rows of what was heard of a batch: of a tensor, or of each of several."""
    return (
        tuple(each[places] for each in encoded) if isinstance(encoded, tuple) else encoded[places]
    )


def in_parts(
    batches: Iterable[tuple[list[dict], Any]], hear: Callable, most: int
) -> Iterator[list[tuple[list[dict], Any]]]:
    """Yield batches and what is heard of them, as many together as take ``most`` bytes or more."""
    part, held = [], 0
    for batch, audio in batches:
        encoded = hear(audio)
        part.append((batch, encoded))
        held += sum(each.nbytes for each in (encoded if isinstance(encoded, tuple) else [encoded]))
        if held >= most:
            yield part
            part, held = [], 0
    if part:
        yield part


def read_journal(path: Path) -> dict[str, dict[str, Any]]:
    """Return the batches' hypotheses by id, one batch a line; cut off what a kill left half."""
    texts: dict[str, dict[str, Any]] = {}
    whole = 0  # bytes
    lines = read_bytes(path, AGAIN).splitlines(keepends=True) if path.is_file() else []
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            break
        texts |= parse_object(decode(line, path), f"{path}:{number}", AGAIN)
        whole += len(line)
    if path.is_file():
        os.truncate(path, whole)
    return texts


def append(path: Path, texts: dict[str, dict[str, Any]]) -> None:
    """Write a batch's line, which survives the process."""
    with naming_file(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(json.dumps(texts).encode() + b"\n")
