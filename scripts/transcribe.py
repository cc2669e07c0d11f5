"""Transcribe a manifest with a checkpoint, to which a scaled task vector may be added.

With a work folder, the same command goes on after a kill with the batches that are not yet
transcribed, and ends with the same bytes.
"""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

import scratch
from errors import InputError, naming_full_disk, run
from manifest import check_fits, read_manifest, write_jsonl
from progress import progress
from recogniser import Recogniser, load_recogniser
from records import checkpoint_files, fingerprint, write_record
from whisper_recogniser import MAX_LENGTH

REPORT_EVERY = 10.0  # s


def by_duration(utterances: Sequence[dict], batch_size: int) -> Iterator[list[dict]]:
    """Yield batches of utterances of like duration, the longest first, ties by id."""
    ordered = sorted(utterances, key=lambda row: (-row["duration"], row["id"]))
    for start in range(0, len(ordered), batch_size):
        yield ordered[start : start + batch_size]


def transcribe(
    recogniser: Recogniser,
    utterances: Sequence[dict],
    batch_size: int,
    journal: Path | None = None,
) -> list[dict]:
    """Return ``{"id", "text"}`` for each utterance, in the manifest's order.

    The batches that ``journal`` has are not transcribed again, and the others join them there.
    """
    recogniser.model.eval()
    texts = read_journal(journal) if journal else {}
    resumed = len(texts)
    started = reported = time.monotonic()
    for batch in by_duration(utterances, batch_size):
        if batch[0]["id"] in texts:
            continue
        hypotheses = recogniser.transcribe([scratch.near(row["audio_filepath"]) for row in batch])
        finished = {row["id"]: text for row, text in zip(batch, hypotheses, strict=True)}
        texts |= finished
        if journal:
            append(journal, finished)
        if time.monotonic() - reported > REPORT_EVERY:
            reported = time.monotonic()
            line = progress(len(texts), len(utterances), resumed, reported - started)
            print(line, file=sys.stderr, flush=True)
    return [{"id": row["id"], "text": texts[row["id"]]} for row in utterances]


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
    add("--batch-size", type=int, default=32, help="utterances decoded together (default 32)")
    add("--precision", choices=["auto", "bf16", "fp32"], default="auto", help="of matrix products")
    add(
        "--max-length",
        type=int,
        default=MAX_LENGTH,
        help=f"tokens of a hypothesis, at most (default {MAX_LENGTH})",
    )
    add("--encodings", help="folder that keeps the encoder's outputs, for models that share it")
    add("--language", default="en", help="of the speech (default en)")
    add("--task", default="transcribe", help="transcribe or translate (default transcribe)")
    add("--threads", type=int, default=0, help="CPU threads (0: as PyTorch chooses)")
    options = parser.parse_args(argv)
    scales = options.scaling_coefficient or [None]
    if (options.task_vector is None) != (options.scaling_coefficient is None):
        raise InputError("--task-vector and --scaling-coefficient go together: give both or none")
    if len(scales) != len(options.output):
        raise InputError(
            f"{len(options.output)} outputs for {len(scales)} hypotheses of each utterance;"
            " give as many --output as --scaling-coefficient, in the same order"
        )
    if options.threads:
        torch.set_num_threads(options.threads)
    utterances = read_manifest(options.manifest)
    check_fits(utterances, options.manifest, options.window)
    scratch.check(row["audio_filepath"] for row in utterances)
    for scale, output in zip(scales, options.output, strict=True):
        write_hypotheses(options, utterances, scale, output)
    if options.work_dir:
        shutil.rmtree(options.work_dir, ignore_errors=True)


def write_hypotheses(
    options: argparse.Namespace, utterances: Sequence[dict], scale: float | None, output: str
) -> None:
    """Transcribe with one scaling coefficient of the task vector, or without one."""
    inputs = [*checkpoint_files(options.model), Path(options.manifest)]
    if options.task_vector:
        inputs.append(Path(options.task_vector))
    recogniser = load_recogniser(
        options.model,
        options.window,
        options.language,
        options.task,
        options.precision,
        options.max_length,
        (options.task_vector, scale) if options.task_vector else None,
        options.encodings,
    )
    parameters = {
        "window": options.window,
        "batch_size": options.batch_size,
        "max_length": options.max_length,
        "encodings_kept": options.encodings is not None,
        "precision": str(recogniser.precision).removeprefix("torch."),
        "language": options.language,
        "task": options.task,
        "scaling_coefficient": scale,
    }
    journal = None
    if options.work_dir:
        name = fingerprint(__file__, parameters, inputs)
        journal = Path(options.work_dir) / f"{name}.jsonl"
    write_jsonl(output, transcribe(recogniser, utterances, options.batch_size, journal))
    write_record(
        __file__,
        [output],
        inputs,
        parameters,
        counts={"utterances": len(utterances)},
        device=str(recogniser.device),
    )


if __name__ == "__main__":
    run(main)
