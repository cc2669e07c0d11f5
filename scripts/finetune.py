"""Fine-tune a recogniser on one or several manifests.

AdamW, linear learning-rate schedule with warm-up, bf16 products where they are faster,
evaluation on a dev manifest with early stopping; in several processes if wanted. The optimiser's
state is kept in ``--work-dir``: the same command, after a kill, goes on from there and ends with
the same checkpoint; with other packages, or where ``auto`` means another precision, it starts anew.
On SIGTERM it writes the state at the end of the step, and stops.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from computing import readers
from computing.heap import keep_freed_memory
from computing.precision import name_of
from computing.processor import ask_for_determinism
from errors import InputError, run
from files.atomic import atomic_folder, check_outputs, remove_work
from modules import keeps_encoder
from options import Parser
from recognisers.factors import add_factors, add_scales
from recognisers.load import load_recogniser
from recognisers.whisper import WhisperRecogniser
from records.record import checkpoint_files
from records.writing import fingerprint, write_record
from settings.fields import settings_of
from texts.languages import add_language
from training import several_processes as distributed
from training.curves import check_tensorboard, curves
from training.data import Speech
from training.loop import finetune
from training.settings import SPENDING, Settings
from training.sigterm import Sigterm


def arguments() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = Parser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--model", required=True, help="Hugging Face folder of the checkpoint to start from")
    add("--train", required=True, action="append", help="manifest to train on (may be repeated)")
    add("--replayed", default=[], action="append", help="manifest of which some is replayed,"
        " as much as the setting replay says (may be repeated)")  # fmt: skip
    add("--dev", required=True, action="append", help="manifest that stops early (may be repeated)")
    add("--fisher", default=[], action="append", help="manifest of the source's speech, to which"
        " the setting ewc_weight holds the model (may be repeated)")  # fmt: skip
    add("--output", required=True, help="Hugging Face folder to write")
    add("--work-dir", required=True, help="folder of the state that a restart resumes from")
    add("--settings", default="{}", help="JSON: more of training/settings.py; options win over it")
    add("--window", type=float, help="audio window, s; CTC: longest audio")
    add("--learning-rate", type=float, help="peak learning rate of AdamW")
    add("--epochs", type=float, help="passes over the data, at most (0: no bound)")
    add("--max-steps", type=int, help="optimiser steps, at most (0: no bound)")
    add("--batch-size", type=int, help="utterances per optimiser step")
    add_language(parser)
    add("--seed", type=int, required=True, help="of data order, draws, dropout, LoRA's factors")
    add("--encodings", help="folder that keeps the frozen encoder's outputs for other runs")
    add("--tensorboard", metavar="DIR", help="folder of TensorBoard's files, with the curves")
    add("--processes", type=int, default=1, help="processes that share each batch (default 1)")
    add("--threads", type=int, default=0, help="CPU threads of all processes (0: PyTorch chooses)")
    readers.add_option(parser)
    return parser


def main(argv: list[str] | None = None) -> None:
    """Fine-tune as the command line says, in as many processes as it says."""
    options = arguments().parse_args(argv)
    settings = settings_of(Settings, options)
    check(options, settings)
    if options.tensorboard:
        check_tensorboard()
    written = [options.output, options.work_dir, options.encodings, options.tensorboard or None]
    check_outputs(written, [options.model, *manifests_of(options)])
    if options.processes > 1 and not torch.distributed.is_torchelastic_launched():
        distributed.launch(options.processes, __file__, sys.argv[1:] if argv is None else argv)
        return
    with distributed.worker():
        work(options, settings)


def check(options: argparse.Namespace, settings: Settings) -> None:
    """Raise ``InputError`` for options and settings that make no sense together."""
    if options.encodings and (not keeps_encoder(settings.trained) or settings.spec_augment):
        raise InputError(
            "--encodings: kept encoder outputs need trained: decoder, or a part of it, and no"
            " spec_augment"
        )
    for flag, key in (("replayed", "replay"), ("fisher", "ewc_weight")):
        if bool(getattr(options, flag)) != bool(getattr(settings, key)):
            raise InputError(f"--{flag}: goes with the setting {key}; give both, or neither")
    of_weights = {"interpolation": settings.interpolation < 1, "ewc_weight": settings.ewc_weight}
    of_factors = {"LoRA": ("lora_rank", settings.lora_rank), "(IA)³": ("ia3", settings.ia3)}
    for name, (key, is_set) in of_factors.items():
        for other in [each for each, value in of_weights.items() if value and is_set]:
            raise InputError(
                f"{other}: {name} trains factors, not weights; leave out {other} or {key}"
            )
    if settings.lora_rank and settings.ia3:
        raise InputError("ia3: LoRA's factors are trained already; leave out ia3 or lora_rank")


def manifests_of(options: argparse.Namespace) -> list[str]:
    """Return all manifests that a training reads."""
    return [*options.train, *options.replayed, *options.dev, *options.fisher]


def work(options: argparse.Namespace, settings: Settings) -> None:
    """Do one process's part of the training; the first process writes what comes of it."""
    if options.threads:
        torch.set_num_threads(max(1, options.threads // distributed.size()))
    if not torch.cuda.is_available():
        keep_freed_memory()
    ask_for_determinism()
    recogniser = load_recogniser(
        options.model,
        settings.window,
        settings.language,
        settings.task,
        settings.precision,
        settings.max_length,
        encodings=options.encodings,
        dropout=settings.dropout,
        mask_time_prob=settings.mask_time_prob,
    )
    settings = replace(settings, precision=name_of(recogniser.precision))
    if isinstance(recogniser, WhisperRecogniser):
        recogniser.masks_features = settings.spec_augment
        if settings.kl_weight:
            recogniser.stay_near_start(settings.kl_weight, settings.kl_temperature)
    elif settings.spec_augment or settings.kl_weight:
        raise InputError(
            "spec_augment and kl_weight are for Whisper; a CTC model has mask_time_prob"
        )
    recogniser.freeze(settings.trained)
    count = readers.readers_of(options.readers, recogniser.device)
    learnt = [*options.train, *options.replayed]
    train, dev = (
        Speech(recogniser, paths, count, settings.labels) for paths in (learnt, options.dev)
    )
    source = Speech(recogniser, options.fisher, count, settings.labels) if options.fisher else None
    if settings.replay:
        train.thin_out(len(options.train), settings.replay, settings.seed)
    remarks = train.remarks + dev.remarks + (source.remarks if source else [])
    if distributed.rank() == 0:
        for remark in remarks:
            print(remark, file=sys.stderr)
    factors: Any = None  # a model of peft
    if settings.lora_rank:
        torch.manual_seed(settings.seed)
        factors = add_factors(
            recogniser.model,
            settings.lora_rank,
            settings.lora_alpha,
            settings.lora_dropout,
            settings.lora_targets,
        )
    elif settings.ia3:
        factors = add_scales(recogniser.model)
    if settings.gradient_checkpointing:
        recogniser.model.activation_checkpointing_enable({"use_reentrant": False})
    inputs = [*checkpoint_files(options.model), *map(Path, manifests_of(options))]
    with Sigterm() as sigterm, curves(options.tensorboard) as draw:
        training = finetune(
            recogniser,
            train,
            dev,
            source,
            settings,
            Path(options.work_dir) / "state.pt",
            # not of how many processes share the work: a run may go on with more or fewer
            fingerprint(__file__, settings.of_result | {"device": recogniser.device.type}, inputs),
            sigterm,
            draw,
        )
        if distributed.rank():
            return
        if factors is not None:
            factors.merge_and_unload()
        with atomic_folder(options.output) as temporary:  # worth finishing, once it has come so far
            recogniser.save(temporary)
    write_record(
        __file__,
        checkpoint_files(options.output),
        inputs,
        settings.of_result
        | {"processes": distributed.size()}
        | {key: getattr(settings, key) for key in SPENDING},
        manifests={"train": learnt, "dev": options.dev}
        | ({"fisher": options.fisher} if options.fisher else {}),
        training={
            "utterances": len(train),
            "steps": training.step,
            "history": training.history,
            "remarks": remarks,
        },
        device=str(recogniser.device),
    )
    remove_work(options.work_dir, "state.pt")


if __name__ == "__main__":
    run(main)
