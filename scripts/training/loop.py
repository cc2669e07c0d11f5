"""The loop of a training run: steps, evaluations, states on disk, progress, and SIGTERM."""

import sys
import time
from collections.abc import Generator, Sequence
from contextlib import closing, nullcontext
from pathlib import Path

from errors import Stopped
from recognisers.load import Recogniser
from training import several_processes as distributed
from training.curves import Draw
from training.data import Speech, batches
from training.evaluation import CRITERIA
from training.run import Training, count_steps, share
from training.settings import Settings
from training.sigterm import Sigterm

REPORT_EVERY = 10.0  # s
SAVE_EVERY = 300.0  # s


def finetune(
    recogniser: Recogniser,
    train: Speech,
    dev: Speech,
    source: Speech | None,
    settings: Settings,
    state_path: Path,
    fingerprint: str,
    sigterm: Sigterm,
    draw: Draw,
) -> Training:
    """Train; on return the recogniser holds the parameters of the best dev evaluation.

    ``source`` is the speech to which ``ewc_weight`` holds the model. When SIGTERM came, the state
    is written and ``Stopped`` raised. ``draw`` is called for each point of a curve.
    """
    lengths = [len(labels) for labels in train.labels]
    per_epoch = len(batches(train.keys, lengths, settings.batch_size, settings.seed, epoch=0))
    total_steps = count_steps(settings, per_epoch)
    evaluate_every = settings.evaluate_every or per_epoch
    training = Training(recogniser, settings, total_steps)
    if training.restore(state_path, fingerprint) and distributed.rank() == 0:
        print(f"resuming at step {training.step} of {total_steps}", file=sys.stderr)
    if training.consolidation and source and not training.consolidation.fisher:
        with sigterm.at_once():
            training.consolidation.learn(source, settings.seed)
        training.save(state_path, fingerprint)

    def stop() -> None:
        training.save(state_path, fingerprint, at_once=True)
        raise Stopped(
            f"stopped by {sigterm.name} at step {training.step} of {total_steps};"
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
        draw(f"dev {settings.criterion}", error, training.step)
        training.save(state_path, fingerprint)

    started, first_step, reported = time.monotonic(), training.step, time.monotonic()
    saved = started
    evaluate_if_due()
    while not training.finished:
        epoch, position = divmod(training.step, per_epoch)
        order = batches(train.keys, lengths, settings.batch_size, settings.seed, epoch)
        order = order[position : position + total_steps - training.step]
        with closing(audio_of(train, order, settings.micro_batch_size)) as audio:
            for indices in order:
                loss = training.update(train, indices, audio)
                draw("loss", loss, training.step)
                draw("learning rate", training.learning_rate, training.step)
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
    training.take(training.result())
    return training


def audio_of(speech: Speech, order: Sequence[Sequence[int]], micro_batch_size: int) -> Generator:
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
