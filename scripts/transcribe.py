"""Transcribe a manifest with a checkpoint, to which a scaled task vector may be added.

An utterance longer than the window is cut at its pauses, and its pieces' texts are joined.
With a work folder, the same command goes on after a kill with the batches that are not yet
transcribed, and ends with the same bytes. What was transcribed with a task vector stays there, so
that the command with one more scaling coefficient transcribes with that one only. With ``--adapt``
the model adapts to each recording before it transcribes it (see adaptation/).
"""

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from adaptations import ADAPTATIONS
from computing import readers
from computing.precision import name_of
from errors import InputError, run
from files import scratch
from files.atomic import check_outputs, remove_work
from files.manifest import check_audio, fits, read_jsonl, read_manifest, write_jsonl
from options import Parser
from recognisers.favouring import favour
from recognisers.load import load_recogniser
from recognisers.pieces import in_pieces, joined
from recognisers.transcription import sweep
from recognisers.whisper import MAX_LENGTH
from records.record import checkpoint_files
from records.writing import fingerprint, write_record
from texts.languages import add_language
from vectors.addition import Addition


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


def texts_of(path: str | None) -> list[str]:
    """Return the texts of a JSON-lines file, if one is given."""
    return [row["text"] for row in read_jsonl(path)] if path else []


def decoded_again(hypotheses: Sequence[dict]) -> dict[str, int]:
    """Return the count of the endless repetitions that were decoded again, if there are any."""
    count = sum(row.get("decoded_again", False) for row in hypotheses)
    return {"decoded_again": count} if count else {}


def cut_at_pauses(hypotheses: Sequence[dict]) -> dict[str, int]:
    """Return the count of the utterances longer than the window that were cut, if there are any."""
    count = sum("pieces" in row for row in hypotheses)
    return {"cut_at_pauses": count} if count else {}


def how_adapted(name: str | None) -> dict[str, Any]:
    """Return the settings of test-time adaptation, if there is any: it hears one at a time."""
    return {"adaptation": name, "batch_size": 1, "order": "of the manifest"} if name else {}


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's values."""
    parser = Parser(description=__doc__.split("\n")[0])
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
        help="give utterances longer than the window no hypothesis, instead of cutting them",
    )
    add("--batch-size", type=int, default=32, help="utterances decoded together (default 32)")
    add("--precision", choices=["auto", "bf16", "fp32"], default="auto", help="of matrix products")
    add(
        "--max-length",
        type=int,
        default=MAX_LENGTH,
        help=f"tokens of a hypothesis, at most (default {MAX_LENGTH})",
    )
    add(
        "--guard-repetition",
        action="store_true",
        help="decode an endless repetition again, without any sequence of three tokens twice",
    )
    add(
        "--log-probability",
        action="store_true",
        help="note the mean log probability (nats) of each hypothesis's tokens (CTC: letters)",
    )
    add("--terms", help="key terms to favour (JSON lines: id, text); Whisper only")
    add("--terms-bonus", type=float, default=1.0, help="of a term's first token, nats (default 1)")
    add("--texts", help="texts whose n-grams lead an unsure Whisper (JSON lines: id, text)")
    add("--texts-weight", type=float, default=0.1, help="of their log probabilities (default 0.1)")
    add(
        "--adapt",
        choices=ADAPTATIONS,
        help="adapt to each recording, of which no text is known, in the manifest's order",
    )
    add("--encodings", help="folder that keeps the encoder's outputs, for models that share it")
    add_language(parser)
    add("--task", default="transcribe", help="transcribe or translate (default transcribe)")
    add("--threads", type=int, default=0, help="CPU threads (0: as PyTorch chooses)")
    readers.add_option(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Transcribe as the command line says."""
    options = parse_arguments(argv)
    scales = options.scaling_coefficient or [None]
    if (options.task_vector is None) != (options.scaling_coefficient is None):
        raise InputError("--task-vector and --scaling-coefficient go together: give both or none")
    if len(scales) != len(options.output):
        raise InputError(
            f"{len(options.output)} outputs for {len(scales)} hypotheses of each utterance;"
            " give as many --output as --scaling-coefficient, in the same order"
        )
    if options.adapt and (options.task_vector or options.encodings):
        raise InputError(
            "--adapt changes the whole model for each recording: leave out --encodings, and instead"
            " of --task-vector write the sum first, with task_vector.py apply"
        )
    written = [*options.output, options.work_dir, options.encodings]
    given = [options.model, options.manifest, options.task_vector, options.terms, options.texts]
    check_outputs(written, given)
    if options.threads:
        torch.set_num_threads(options.threads)
    rows = read_manifest(options.manifest)
    utterances = [row for row in rows if fits(row, options.window) or not options.leave_out_longer]
    check_audio(utterances, options.manifest)
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
    recogniser.tells_log_probability = options.log_probability
    aids = {kind: [path] for kind in ("terms", "texts") if (path := getattr(options, kind))}
    if aids:
        terms, texts = texts_of(options.terms), texts_of(options.texts)
        favour(recogniser, terms, options.terms_bonus, texts, options.texts_weight)
    leading = [Path(path) for paths in aids.values() for path in paths]
    aids |= {"recordings": [options.manifest]} if options.adapt else {}
    facts: dict[str, Any] = {"aids": aids} if aids else {}  # of the record
    inputs, addition = [*checkpoint_files(options.model), Path(options.manifest), *leading], None
    if options.task_vector:
        inputs.append(Path(options.task_vector))
        addition = Addition(recogniser.tensors(), options.task_vector, once=len(scales) == 1)
    settings = [
        {
            "window": options.window,
            "batch_size": options.batch_size,
            "max_length": options.max_length,
            "encodings_kept": options.encodings is not None,
            "guard_repetition": options.guard_repetition,
            "precision": name_of(recogniser.precision),
            "language": options.language,
            "task": options.task,
            "scaling_coefficient": scale,
            "terms_bonus": options.terms_bonus if options.terms else None,
            "texts_weight": options.texts_weight if options.texts else None,
        }
        | how_adapted(options.adapt)
        | ({"log_probability": True} if options.log_probability else {})
        for scale in scales
    ]
    modules = [f"adaptation/{options.adapt}.py"] if options.adapt else []
    journals: list[Path] = []
    if options.work_dir:
        device = {"device": recogniser.device.type}
        names = (
            fingerprint(__file__, parameters | device, inputs, modules) for parameters in settings
        )
        journals = [Path(options.work_dir) / f"{name}.jsonl" for name in names]
    read_by = readers.readers_of(options.readers, recogniser.device)
    with in_pieces(utterances, options.window) as spoken:
        if options.adapt:
            guarded, journal = options.guard_repetition, journals[0] if journals else None
            stream = importlib.import_module("adaptation.stream")  # no others depend on its code
            sweeps = [
                stream.transcribe(recogniser, spoken, options.adapt, journal, read_by, guarded)
            ]
        else:
            sweeps = sweep(
                recogniser,
                spoken,
                options.batch_size,
                scales,
                addition,
                journals,
                read_by,
                options.guard_repetition,
            )
    for of_spoken, output, parameters in zip(sweeps, options.output, settings, strict=True):
        hypotheses = joined(of_spoken, spoken, options.language)
        write_jsonl(output, with_untranscribed(hypotheses, rows))
        write_record(
            __file__,
            [output],
            inputs,
            parameters,
            counts={"utterances": len(rows)}
            | longer_than_window(rows, utterances)
            | cut_at_pauses(hypotheses)
            | decoded_again(hypotheses),
            modules=modules,
            device=str(recogniser.device),
            **facts,
        )
    if options.work_dir:
        kept = journals if options.task_vector else []  # one more coefficient needs them
        remove_work(options.work_dir, f"{'[0-9a-f]' * 64}.jsonl", kept)


if __name__ == "__main__":
    run(main)
