"""Fine-tune a recogniser on one or several manifests.

AdamW, linear learning-rate schedule with warm-up, bf16 products where they are faster,
evaluation on a dev manifest with early stopping; in several processes if wanted. The optimiser's
state is kept in ``--work-dir``: the same command, after a kill, goes on from there and ends with
the same checkpoint; with other packages, or where ``auto`` means another precision, it starts anew.
On SIGTERM it writes the state at the end of the step, and stops.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path

import torch

from computing import readers
from computing.heap import keep_freed_memory
from computing.precision import name_of
from computing.processor import ask_for_determinism
from errors import InputError, Stopped, run
from files.atomic import atomic_folder, check_outputs, remove_work
from recognisers.load import Recogniser, load_recogniser
from recognisers.low_rank import add_factors
from recognisers.transcription import by_duration, transcribe
from recognisers.whisper import MAX_LENGTH
from records.record import checkpoint_files
from records.writing import fingerprint, write_record
from scoring.word_errors import score
from texts.languages import add_language
from training import several_processes as distributed
from training.data import Speech, batches
from training.run import Settings, Training, count_steps, share
from training.sigterm import Sigterm

EVALUATION_BATCH = 32  # utterances
REPORT_EVERY = 10.0  # s
SAVE_EVERY = 300.0  # s


@torch.no_grad()
def dev_loss(speech: Speech) -> float:
    """Return the loss per token (nats)."""
    speech.recogniser.model.eval()
    order = sorted(range(len(speech)), key=lambda index: len(speech.labels[index]))
    cut = [order[i : i + EVALUATION_BATCH] for i in range(0, len(order), EVALUATION_BATCH)]
    parts = [
        (indices, speech.duration(indices))
        for indices in cut[distributed.rank() :: distributed.size()]
    ]
    summed = 0.0
    for part, audio in zip(parts, speech.audio(parts), strict=True):
        summed += speech.loss(*part, audio).item()
    [summed] = distributed.total([summed], speech.recogniser.device)
    return summed / speech.tokens(order)


def dev_wer(speech: Speech) -> float:
    """Return the WER (a fraction)."""
    rows = [row | {"id": id} for row, id in zip(speech.utterances, speech.ids, strict=True)]
    cut = list(by_duration(rows, EVALUATION_BATCH))[distributed.rank() :: distributed.size()]
    share = [row for batch in cut for row in batch]
    hypotheses = transcribe(speech.recogniser, share, EVALUATION_BATCH, speech.readers)
    return score(rows, distributed.gather(hypotheses), speech.recogniser.language)["wer"]


CRITERIA = {"loss": dev_loss, "wer": dev_wer}


def finetune(
    recogniser: Recogniser,
    train: Speech,
    dev: Speech,
    settings: Settings,
    state_path: Path,
    fingerprint: str,
    sigterm: Sigterm,
    micro_batch_size: int = 0,
) -> Training:
    """Train; on return the recogniser holds the parameters of the best dev evaluation.

    When SIGTERM came, the state is written and ``Stopped`` raised.
    """
    lengths = [len(labels) for labels in train.labels]
    per_epoch = len(batches(train.keys, lengths, settings.batch_size, settings.seed, epoch=0))
    total_steps = count_steps(settings, per_epoch)
    evaluate_every = settings.evaluate_every or per_epoch
    training = Training(recogniser, settings, total_steps)
    if training.restore(state_path, fingerprint) and distributed.rank() == 0:
        print(f"resuming at step {training.step} of {total_steps}", file=sys.stderr)

    def stop() -> None:
        training.save(state_path, fingerprint, at_once=True)
        raise Stopped(
            f"stopped by SIGTERM at step {training.step} of {total_steps};"
            " the same command goes on from there"
        )

    def evaluate_if_due() -> None:
        due = training.step % evaluate_every == 0 or training.step == total_steps
        if training.step == 0 or training.judged or not due:
            return
        try:  # the other processes wait for what the first one has to say
            with sigterm.at_once() if distributed.rank() == 0 else nullcontext():
                error = CRITERIA[settings.criterion](dev)
        except Stopped:
            stop()
        training.judge(error)
        training.save(state_path, fingerprint)

    started, first_step, reported = time.monotonic(), training.step, time.monotonic()
    saved = started
    evaluate_if_due()
    while not training.finished:
        epoch, position = divmod(training.step, per_epoch)
        order = batches(train.keys, lengths, settings.batch_size, settings.seed, epoch)
        order = order[position : position + total_steps - training.step]
        with closing(audio_of(train, order, micro_batch_size)) as audio:
            for indices in order:
                loss = training.update(train, indices, micro_batch_size, audio)
                evaluate_if_due()
                if time.monotonic() - reported > REPORT_EVERY or training.finished:
                    reported = time.monotonic()
                    report_progress(training, loss, settings, (reported - started), first_step)
                if time.monotonic() - saved > SAVE_EVERY:
                    saved = time.monotonic()
                    training.save(state_path, fingerprint)
                if training.finished:
                    break
                if any(distributed.total([sigterm.came], recogniser.device)):
                    training.save(state_path, fingerprint, at_once=True)
                    distributed.total([0], recogniser.device)  # none leaves before it is written
                    stop()
    training.take(training.best)
    return training


def audio_of(speech: Speech, order: Sequence[Sequence[int]], micro_batch_size: int) -> Iterator:
    """Yield the audio of this process's share of some batches, part by part."""
    return speech.audio(
        (part, speech.duration(indices))
        for indices in order
        for _, part in share(indices, micro_batch_size)
    )


def report_progress(
    training: Training, loss: float, settings: Settings, elapsed: float, first_step: int
) -> None:
    """Print one line: steps, loss, last dev evaluation, speed, time left."""
    if distributed.rank():
        return
    seconds = elapsed / max(1, training.step - first_step)
    dev = (
        f", dev {settings.criterion} {training.history[-1]['dev']:.4f}" if training.history else ""
    )
    print(
        f"step {training.step}/{training.total_steps}, loss {loss:.4f}{dev},"
        f" {settings.batch_size / seconds:.1f} utterances/s,"
        f" at most {(training.total_steps - training.step) * seconds:.0f} s left",
        file=sys.stderr,
        flush=True,
    )


def arguments() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--model", required=True, help="Hugging Face folder of the checkpoint to start from")
    add("--train", required=True, action="append", help="manifest to train on (may be repeated)")
    add("--dev", required=True, action="append", help="manifest that stops early (may be repeated)")
    add("--output", required=True, help="Hugging Face folder to write")
    add("--work-dir", required=True, help="folder of the state that a restart resumes from")
    add("--window", type=float, default=30.0, help="audio window, s; CTC: longest audio (30)")
    add("--learning-rate", type=float, required=True, help="peak learning rate of AdamW")
    add("--weight-decay", type=float, default=0.1, help="weight decay of AdamW (default 0.1)")
    add("--warmup-steps", type=int, default=0, help="optimiser steps of warm-up (default 0)")
    add("--epochs", type=float, default=0, help="passes over the data, at most (0: no bound)")
    add("--max-steps", type=int, default=0, help="optimiser steps, at most (0: no bound)")
    add("--batch-size", type=int, default=16, help="utterances per optimiser step (default 16)")
    add("--micro-batch-size", type=int, default=0, help="utterances at once per process (0: all)")
    add("--processes", type=int, default=1, help="processes that share each batch (default 1)")
    add("--trained", choices=["all", "decoder"], default="all", help="parameters that are trained")
    add("--optimizer", choices=["adamw", "adamw8bit"], default="adamw", help="(default adamw)")
    add("--gradient-checkpointing", action="store_true", help="less memory, a third more time")
    add("--lora-rank", type=int, default=0, help="rank of LoRA's factors (0: train all weights)")
    add("--lora-alpha", type=float, default=16.0, help="LoRA's scale times its rank (default 16)")
    add("--lora-dropout", type=float, default=0.0, help="before LoRA's factors (default 0)")
    add("--lora-targets", nargs="+", help="linear layers with factors (default: queries, values)")
    add("--dropout", type=float, help="CTC: probability in training (default: the checkpoint's)")
    add("--mask-time-prob", type=float, help="CTC: of SpecAugment (default: the checkpoint's)")
    add("--max-length", type=int, default=MAX_LENGTH, help="tokens of a dev hypothesis, at most")
    add("--encodings", help="folder that keeps the frozen encoder's outputs for other runs")
    add("--evaluate-every", type=int, default=0, help="steps between dev evaluations (0: an epoch)")
    add("--patience", type=int, default=3, help="evaluations without a better one before stopping")
    add("--criterion", choices=list(CRITERIA), default="wer", help="what the dev evaluation is")
    add("--precision", choices=["auto", "bf16", "fp32"], default="auto", help="of matrix products")
    add_language(parser)
    add("--task", default="transcribe", help="transcribe or translate (default transcribe)")
    add("--seed", type=int, required=True, help="of the data order, dropout and LoRA's factors")
    add("--threads", type=int, default=0, help="CPU threads of all processes (0: PyTorch chooses)")
    readers.add_option(parser)
    return parser


def main(argv: list[str] | None = None) -> None:
    """Fine-tune as the command line says, in as many processes as it says."""
    options = arguments().parse_args(argv)
    if options.encodings and options.trained != "decoder":
        raise InputError("--encodings: kept encoder outputs need --trained decoder")
    written = [options.output, options.work_dir, options.encodings]
    check_outputs(written, [options.model, *options.train, *options.dev])
    if options.processes > 1 and not torch.distributed.is_torchelastic_launched():
        distributed.launch(options.processes, __file__, sys.argv[1:] if argv is None else argv)
        return
    with distributed.worker():
        work(options)


def work(options: argparse.Namespace) -> None:
    """Do one process's part of the training; the first process writes what comes of it."""
    settings = Settings(**{name: getattr(options, name) for name in Settings.__dataclass_fields__})
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
    recogniser.freeze(settings.trained)
    count = readers.readers_of(options.readers, recogniser.device)
    train, dev = (Speech(recogniser, paths, count) for paths in (options.train, options.dev))
    if distributed.rank() == 0:
        for remark in train.remarks + dev.remarks:
            print(remark, file=sys.stderr)
    factors = None
    if settings.lora_rank:
        torch.manual_seed(settings.seed)
        factors = add_factors(
            recogniser.model,
            settings.lora_rank,
            settings.lora_alpha,
            settings.lora_dropout,
            settings.lora_targets or recogniser.lora_targets,
        )
    if options.gradient_checkpointing:
        recogniser.model.activation_checkpointing_enable({"use_reentrant": False})
    inputs = [*checkpoint_files(options.model), *map(Path, options.train + options.dev)]
    with Sigterm() as sigterm:
        training = finetune(
            recogniser,
            train,
            dev,
            settings,
            Path(options.work_dir) / "state.pt",
            # not of how many processes share the work: a run may go on with more or fewer
            fingerprint(__file__, settings.__dict__ | {"device": recogniser.device.type}, inputs),
            sigterm,
            options.micro_batch_size,
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
        settings.__dict__
        | {
            "processes": distributed.size(),
            "micro_batch_size": options.micro_batch_size,
            "gradient_checkpointing": options.gradient_checkpointing,
        },
        manifests={"train": options.train, "dev": options.dev},
        training={
            "utterances": len(train),
            "steps": training.step,
            "history": training.history,
            "remarks": train.remarks + dev.remarks,
        },
        device=str(recogniser.device),
    )
    remove_work(options.work_dir, "state.pt")


if __name__ == "__main__":
    run(main)
