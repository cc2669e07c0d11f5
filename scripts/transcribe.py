"""Transcribe a manifest with a checkpoint, to which a scaled task vector may be added."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

import lineage
from errors import InputError, run
from manifest import check_fits, read_manifest, write_jsonl
from progress import progress
from recogniser import Recogniser, load_recogniser
from whisper_recogniser import MAX_LENGTH

REPORT_EVERY = 10.0  # s


def by_duration(utterances: Sequence[dict], batch_size: int) -> Iterator[list[dict]]:
    """Yield batches of utterances of like duration, the longest first, ties by id."""
    ordered = sorted(utterances, key=lambda row: (-row["duration"], row["id"]))
    for start in range(0, len(ordered), batch_size):
        yield ordered[start : start + batch_size]


def transcribe(recogniser: Recogniser, utterances: Sequence[dict], batch_size: int) -> list[dict]:
    """Return ``{"id", "text"}`` for each utterance, in the manifest's order."""
    recogniser.model.eval()
    texts: dict[str, str] = {}
    started = reported = time.monotonic()
    for batch in by_duration(utterances, batch_size):
        hypotheses = recogniser.transcribe([row["audio_filepath"] for row in batch])
        texts |= {row["id"]: text for row, text in zip(batch, hypotheses, strict=True)}
        if time.monotonic() - reported > REPORT_EVERY:
            reported = time.monotonic()
            line = progress(len(texts), len(utterances), 0, reported - started)
            print(line, file=sys.stderr, flush=True)
    return [{"id": row["id"], "text": texts[row["id"]]} for row in utterances]


def main(argv: list[str] | None = None) -> None:
    """Transcribe as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
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
    for scale, output in zip(scales, options.output, strict=True):
        write_hypotheses(options, utterances, scale, output)


def write_hypotheses(
    options: argparse.Namespace, utterances: Sequence[dict], scale: float | None, output: str
) -> None:
    """Transcribe with one scaling coefficient of the task vector, or without one."""
    inputs = [Path(options.model) / "model.safetensors", Path(options.manifest)]
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
    write_jsonl(output, transcribe(recogniser, utterances, options.batch_size))
    lineage.record(
        __file__,
        [output],
        inputs,
        {
            "window": options.window,
            "batch_size": options.batch_size,
            "max_length": options.max_length,
            "encodings_kept": options.encodings is not None,
            "precision": str(recogniser.precision).removeprefix("torch."),
            "language": options.language,
            "task": options.task,
            "scaling_coefficient": scale,
        },
        counts={"utterances": len(utterances)},
        device=str(recogniser.device),
    )


if __name__ == "__main__":
    run(main)
