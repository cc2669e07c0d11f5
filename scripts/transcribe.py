"""Transcribe a manifest with a checkpoint, to which a scaled task vector may be added.

With a work folder, the same command goes on after a kill with the batches that are not yet
transcribed, and ends with the same bytes. What was transcribed with a task vector stays there, so
that the command with one more scaling coefficient transcribes with that one only.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from computing import readers
from computing.precision import name_of
from errors import InputError, naming_full_disk, run
from files import scratch
from files.atomic import check_outputs, remove_work
from files.manifest import check_fits, fits, read_manifest, write_jsonl
from files.progress import progress
from recognisers.load import Recogniser, load_recogniser
from recognisers.whisper import MAX_LENGTH
from records.record import checkpoint_files, fingerprint, write_record
from task_vector import Addition
from texts.languages import add_language

REPORT_EVERY = 10.0  # s
HELD = 1 << 30  # bytes of heard speech that wait in memory for the next scaling coefficient


def by_duration(utterances: Sequence[dict], batch_size: int) -> Iterator[list[dict]]:
    """Yield batches of utterances of like duration, the longest first, ties by id."""
    ordered = sorted(utterances, key=lambda row: (-row["duration"], row["id"]))
    for start in range(0, len(ordered), batch_size):
        yield ordered[start : start + batch_size]


def transcribe(
    recogniser: Recogniser, utterances: Sequence[dict], batch_size: int, read_by: int = 0
) -> list[dict]:
    """Return ``{"id", "text"}`` for each utterance, in the manifest's order."""
    [hypotheses] = sweep(recogniser, utterances, batch_size, read_by=read_by)
    return hypotheses


def sweep(
    recogniser: Recogniser,
    utterances: Sequence[dict],
    batch_size: int,
    scales: Sequence[float | None] = (None,),
    addition: Addition | None = None,
    journals: Sequence[Path | None] = (None,),
    read_by: int = 0,
) -> list[list[dict]]:
    """Return the hypotheses of ``transcribe`` for each scaling coefficient of a task vector.

    Speech is read once, and where the vector leaves the encoder as it is, heard once, for all
    coefficients. The batches that a coefficient's journal has are not transcribed again, and the
    others join them there. ``read_by`` threads read ahead.
    """
    recogniser.model.eval()
    read, hear, write = recogniser.stages(addition.changed() if addition else ())
    texts = [read_journal(journal) if journal else {} for journal in journals]
    total, resumed = len(scales) * len(utterances), sum(map(len, texts))
    started = reported = time.monotonic()
    added = None
    unfinished = (
        batch
        for batch in by_duration(utterances, batch_size)
        if any(batch[0]["id"] not in found for found in texts)
    )

    def speech_of(batch: list[dict]) -> tuple[list[dict], Any]:
        return batch, read([scratch.near(row["audio_filepath"]) for row in batch])

    spoken = readers.read_ahead(speech_of, unfinished, read_by)
    for part in in_parts(spoken, hear, HELD if len(scales) > 1 else 0):
        for scale, found, journal in zip(scales, texts, journals, strict=True):
            for batch, heard in part:
                if batch[0]["id"] in found:
                    continue
                if addition and added != scale:
                    addition.scale(scale)
                    added = scale
                ids = [row["id"] for row in batch]
                finished = dict(zip(ids, write(heard), strict=True))
                found |= finished
                if journal:
                    append(journal, finished)
                if time.monotonic() - reported > REPORT_EVERY:
                    reported = time.monotonic()
                    done = sum(map(len, texts))
                    line = progress(done, total, resumed, reported - started)
                    print(line, file=sys.stderr, flush=True)
    return [[{"id": row["id"], "text": found[row["id"]]} for row in utterances] for found in texts]


def in_parts(
    batches: Iterable[tuple[list[dict], Any]], hear: Callable, most: int
) -> Iterator[list[tuple[list[dict], Any]]]:
    """Yield batches and what is heard of them, as many together as take ``most`` bytes or more."""
    part, held = [], 0
    for batch, audio in batches:
        heard = hear(audio)
        part.append((batch, heard))
        held += sum(each.nbytes for each in (heard if isinstance(heard, tuple) else [heard]))
        if held >= most:
            yield part
            part, held = [], 0
    if part:
        yield part


def with_untranscribed(hypotheses: Sequence[dict], rows: Sequence[dict]) -> list[dict]:
    """Return hypotheses of all rows: of those that have none an empty one that says so."""
    of_id = {row["id"]: row for row in hypotheses}
    return [
        of_id.get(row["id"], {"id": row["id"], "text": "", "transcribed": False}) for row in rows
    ]


def longer_than_window(rows: Sequence[dict], transcribed: Sequence[dict]) -> dict[str, int]:
    """Return the count of the rows that were left out, if there are any."""
    left_out = len(rows) - len(transcribed)
    return {"longer_than_window": left_out} if left_out else {}


def read_journal(path: Path) -> dict[str, str]:
    """Return the texts by id of the batches, one a line; cut off what a kill left half written."""
    texts: dict[str, str] = {}
    whole = 0  # bytes
    for line in path.read_bytes().splitlines(keepends=True) if path.is_file() else []:
        if not line.endswith(b"\n"):
            break
        texts |= json.loads(line)
        whole += len(line)
    if path.is_file():
        os.truncate(path, whole)
    return texts


def append(path: Path, texts: dict[str, str]) -> None:
    """Write a batch's line, which survives the process."""
    with naming_full_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(json.dumps(texts).encode() + b"\n")


def main(argv: list[str] | None = None) -> None:
    """Transcribe as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--model", required=True, help="Hugging Face folder of the checkpoint")
    add("--task-vector", help="safetensors file to add to the checkpoint's parameters")
    add("--scaling-coefficient", type=float, nargs="+", help="factors of the task vector")
    add("--manifest", required=True, help="utterances to transcribe")
    add(
        "--output",
        required=True,
        nargs="+",
        help="hypotheses to write (JSON lines: id, text), one file for each scaling coefficient",
    )
    add("--work-dir", help="folder of its own for what a restart goes on from (default: none)")
    add("--window", type=float, default=30.0, help="audio window, s; CTC: longest audio (30)")
    add(
        "--leave-out-longer",
        action="store_true",
        help="give utterances longer than the window no hypothesis, instead of refusing them",
    )
    add("--batch-size", type=int, default=32, help="utterances decoded together (default 32)")
    add("--precision", choices=["auto", "bf16", "fp32"], default="auto", help="of matrix products")
    add(
        "--max-length",
        type=int,
        default=MAX_LENGTH,
        help=f"tokens of a hypothesis, at most (default {MAX_LENGTH})",
    )
    add("--encodings", help="folder that keeps the encoder's outputs, for models that share it")
    add_language(parser)
    add("--task", default="transcribe", help="transcribe or translate (default transcribe)")
    add("--threads", type=int, default=0, help="CPU threads (0: as PyTorch chooses)")
    readers.add_option(parser)
    options = parser.parse_args(argv)
    scales = options.scaling_coefficient or [None]
    if (options.task_vector is None) != (options.scaling_coefficient is None):
        raise InputError("--task-vector and --scaling-coefficient go together: give both or none")
    if len(scales) != len(options.output):
        raise InputError(
            f"{len(options.output)} outputs for {len(scales)} hypotheses of each utterance;"
            " give as many --output as --scaling-coefficient, in the same order"
        )
    written = [*options.output, options.work_dir, options.encodings]
    check_outputs(written, [options.model, options.manifest, options.task_vector])
    if options.threads:
        torch.set_num_threads(options.threads)
    rows = read_manifest(options.manifest)
    utterances = [row for row in rows if fits(row, options.window) or not options.leave_out_longer]
    check_fits(utterances, options.manifest, options.window)
    scratch.check(row["audio_filepath"] for row in utterances)
    recogniser = load_recogniser(
        options.model,
        options.window,
        options.language,
        options.task,
        options.precision,
        options.max_length,
        options.encodings,
    )
    inputs, addition = [*checkpoint_files(options.model), Path(options.manifest)], None
    if options.task_vector:
        inputs.append(Path(options.task_vector))
        addition = Addition(recogniser.tensors(), options.task_vector, once=len(scales) == 1)
    settings = [
        {
            "window": options.window,
            "batch_size": options.batch_size,
            "max_length": options.max_length,
            "encodings_kept": options.encodings is not None,
            "precision": name_of(recogniser.precision),
            "language": options.language,
            "task": options.task,
            "scaling_coefficient": scale,
        }
        for scale in scales
    ]
    journals = [None for _ in scales]
    if options.work_dir:
        device = {"device": recogniser.device.type}
        names = (fingerprint(__file__, parameters | device, inputs) for parameters in settings)
        journals = [Path(options.work_dir) / f"{name}.jsonl" for name in names]
    read_by = readers.readers_of(options.readers, recogniser.device)
    found = sweep(recogniser, utterances, options.batch_size, scales, addition, journals, read_by)
    for hypotheses, output, parameters in zip(found, options.output, settings, strict=True):
        write_jsonl(output, with_untranscribed(hypotheses, rows))
        write_record(
            __file__,
            [output],
            inputs,
            parameters,
            counts={"utterances": len(rows)} | longer_than_window(rows, utterances),
            device=str(recogniser.device),
        )
    if options.work_dir:
        kept = journals if options.task_vector else ()  # one more coefficient needs them
        remove_work(options.work_dir, f"{'[0-9a-f]' * 64}.jsonl", kept)


if __name__ == "__main__":
    run(main)
