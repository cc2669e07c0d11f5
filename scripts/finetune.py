"""Fine-tune Whisper on one or several manifests.

AdamW, linear learning-rate schedule with warm-up, bf16 products where the hardware has them,
evaluation on a dev manifest with early stopping. The optimiser's state is kept in ``--work-dir``:
the same command, after a kill, goes on from there and ends with the same checkpoint.
"""

import argparse
import hashlib
import json
import math
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

import lineage
from atomic import atomic_folder, atomic_path
from errors import InputError, run
from manifest import check_fits, read_manifest
from recogniser import MAX_LENGTH, Recogniser
from score import score
from transcribe import transcribe

IGNORED = -100  # label of padding
LENGTH_BUCKET = 16  # batches that are sorted by text length together
EVALUATION_BATCH = 32  # utterances
MAX_GRADIENT_NORM = 1.0
REPORT_EVERY = 10.0  # s


@dataclass(frozen=True)
class Settings:
    """What shapes the result of a training run, apart from data and base model."""

    window: float
    learning_rate: float
    weight_decay: float
    warmup_steps: int
    epochs: float
    batch_size: int
    trained: str
    evaluate_every: int
    patience: int
    criterion: str
    precision: str
    max_length: int
    language: str
    task: str
    seed: int


def data_order(keys: Sequence[str], seed: int, epoch: int) -> list[int]:
    """Return the indices of ``keys`` in the order of a hash of (seed, epoch, key).

    Two data sets with the same ids (real speech and synthetic speech of the same texts) are so
    visited in the same order, whichever utterances a filter took from one of them.
    """
    digest = [hashlib.sha256(f"{seed}/{epoch}/{key}".encode()).digest() for key in keys]
    return sorted(range(len(keys)), key=digest.__getitem__)


def batches(
    keys: Sequence[str], lengths: Sequence[int], batch_size: int, seed: int, epoch: int
) -> list[list[int]]:
    """Return one epoch of batches of indices, texts of like length (tokens) together.

    Runs of ``LENGTH_BUCKET`` batches of the shuffled data are sorted by length and cut; the batches
    are then shuffled. Every index is in exactly one batch.
    """
    order = data_order(keys, seed, epoch)
    run_length = LENGTH_BUCKET * batch_size
    cut = []
    for start in range(0, len(order), run_length):
        bucket = sorted(
            order[start : start + run_length], key=lambda index: (lengths[index], index)
        )
        cut += [bucket[i : i + batch_size] for i in range(0, len(bucket), batch_size)]
    names = [keys[batch[0]] for batch in cut]
    return [cut[index] for index in data_order(names, seed, epoch)]


def learning_rate_factor(step: int, warmup_steps: int, total_steps: int) -> float:
    """Return the linear schedule's factor in 0..1: up over the warm-up, then down to the end."""
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    return max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))


def pad_labels(labels: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return int64 [batch, longest], ``IGNORED`` behind the shorter ones."""
    longest = max(map(len, labels))
    return torch.tensor([[*row, *[IGNORED] * (longest - len(row))] for row in labels])


def token_losses(
    recogniser: Recogniser, encoded: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Return the summed cross-entropy (nats) of the labels after the first, teacher-forced.

    ``encoded`` is float [batch, positions, width]. The first label is the start of the transcript,
    which the decoder is given; label *i* + 1 is predicted from the labels up to *i*.
    """
    given = labels[:, :-1].masked_fill(labels[:, :-1] == IGNORED, recogniser.tokenizer.pad_token_id)
    with recogniser.autocast():
        logits = recogniser.model(
            encoder_outputs=(encoded,), decoder_input_ids=given, use_cache=False
        ).logits
    return cross_entropy(
        logits.float().flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED, reduction="sum"
    )


class Speech:
    """Utterances with their labels; audio is read when a batch is asked for."""

    def __init__(self, recogniser: Recogniser, manifests: Sequence[str | Path]):
        self.recogniser = recogniser
        self.utterances, self.keys = [], []
        for index, manifest in enumerate(manifests):
            rows = read_manifest(manifest)
            if not rows:
                raise InputError(
                    f"{manifest}: no utterances; check the filter's rejects and the split"
                )
            check_fits(rows, manifest, recogniser.window)
            self.utterances += rows
            self.keys += [f"{index}/{row['id']}" for row in rows]
        self.labels = [recogniser.labels(row["text"]) for row in self.utterances]
        longest = max(range(len(self.labels)), key=lambda index: len(self.labels[index]))
        limit = recogniser.model.config.max_target_positions
        if len(self.labels[longest]) > limit:
            raise InputError(
                f"utterance {self.utterances[longest]['id']!r} has {len(self.labels[longest])}"
                f" tokens, over the decoder's {limit}; leave it out or split it"
            )

    def __len__(self) -> int:
        return len(self.utterances)

    def batch(self, indices: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the encoder's outputs for some utterances and their labels, int64 [batch, n]."""
        labels = pad_labels([self.labels[index] for index in indices])
        paths = [self.utterances[index]["audio_filepath"] for index in indices]
        return self.recogniser.encode(paths), labels.to(self.recogniser.device)


@torch.inference_mode()
def dev_loss(speech: Speech) -> float:
    """Return the loss per token (nats)."""
    speech.recogniser.model.eval()
    order = sorted(range(len(speech)), key=lambda index: len(speech.labels[index]))
    total, tokens = 0.0, 0
    for start in range(0, len(order), EVALUATION_BATCH):
        encoded, labels = speech.batch(order[start : start + EVALUATION_BATCH])
        total += token_losses(speech.recogniser, encoded, labels).item()
        tokens += int((labels[:, 1:] != IGNORED).sum())
    return total / tokens


def dev_wer(speech: Speech) -> float:
    """Return the WER (a fraction)."""
    rows = [row | {"id": key} for row, key in zip(speech.utterances, speech.keys, strict=True)]
    return score(rows, transcribe(speech.recogniser, rows, EVALUATION_BATCH))["wer"]


CRITERIA = {"loss": dev_loss, "wer": dev_wer}


class Training:
    """The state of a run: everything that a resumed run needs to end like an undisturbed one."""

    def __init__(self, recogniser: Recogniser, settings: Settings, total_steps: int):
        self.recogniser = recogniser
        self.settings = settings
        self.total_steps = total_steps
        model = recogniser.model
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            parameter_groups(self.parameters, settings.weight_decay),
            lr=settings.learning_rate,
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer,
            lambda step: learning_rate_factor(step, settings.warmup_steps, total_steps),
        )
        self.step = 0
        self.history: list[dict] = []
        self.best: dict[str, torch.Tensor] = {}
        self.since_best = 0

    def update(self, speech: Speech, indices: Sequence[int]) -> float:
        """Take one optimiser step; return the loss per token (nats), which must be a number."""
        self.recogniser.model.train()
        encoded, labels = speech.batch(indices)
        tokens = int((labels[:, 1:] != IGNORED).sum())
        loss = token_losses(self.recogniser, encoded, labels) / tokens
        if not math.isfinite(value := loss.item()):
            raise InputError(
                f"the loss became {value} at step {self.step + 1};"
                " lower the learning rate, or set precision: fp32"
            )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, MAX_GRADIENT_NORM)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.schedule.step()
        self.step += 1
        return value

    def judge(self, error: float) -> None:
        """Note a dev evaluation; keep the parameters if it is the best so far."""
        if not math.isfinite(error):
            raise InputError(
                f"dev evaluation at step {self.step} gave {error}; lower the learning rate"
            )
        best_error = min((entry["dev"] for entry in self.history), default=math.inf)
        self.history.append({"step": self.step, "dev": error})
        self.since_best += 1
        if error < best_error:
            self.since_best = 0
            self.best = {
                name: value.detach().cpu().clone()
                for name, value in self.recogniser.model.state_dict().items()
            }

    @property
    def finished(self) -> bool:
        """True at the last step, or when ``patience`` evaluations brought nothing better."""
        return self.step >= self.total_steps or self.since_best >= self.settings.patience

    def save(self, path: Path, fingerprint: str) -> None:
        """Write the whole state, atomically."""
        state = {
            "fingerprint": fingerprint,
            "model": self.recogniser.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": {"last_epoch": self.schedule.last_epoch},
            "step": self.step,
            "history": self.history,
            "best": self.best,
            "since_best": self.since_best,
            "random": torch.get_rng_state(),
        }
        with atomic_path(path) as temporary:
            torch.save(state, temporary)

    def restore(self, path: Path, fingerprint: str) -> bool:
        """Take up the state of ``path`` if it belongs to the same run; say whether it did."""
        if not path.is_file():
            return False
        state = torch.load(path, weights_only=True, map_location="cpu")
        if state["fingerprint"] != fingerprint:
            print(f"{path}: belongs to other settings or data; starting anew", file=sys.stderr)
            return False
        self.recogniser.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.last_epoch = state["schedule"]["last_epoch"]
        self.step, self.history = state["step"], state["history"]
        self.best, self.since_best = state["best"], state["since_best"]
        torch.set_rng_state(state["random"])
        return True


def parameter_groups(parameters: Sequence[torch.nn.Parameter], weight_decay: float) -> list[dict]:
    """Return AdamW's groups: matrices decay, biases and layer norms don't (as in Hugging Face)."""
    return [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]


def finetune(
    recogniser: Recogniser,
    train: Speech,
    dev: Speech,
    settings: Settings,
    state_path: Path,
    fingerprint: str,
) -> Training:
    """Train; on return the recogniser holds the parameters of the best dev evaluation."""
    lengths = [len(labels) for labels in train.labels]
    per_epoch = math.ceil(len(train) / settings.batch_size)
    total_steps = math.ceil(settings.epochs * per_epoch)
    evaluate_every = settings.evaluate_every or per_epoch
    training = Training(recogniser, settings, total_steps)
    if training.restore(state_path, fingerprint):
        print(f"resuming at step {training.step} of {total_steps}", file=sys.stderr)
    else:
        torch.manual_seed(settings.seed)
    started, first_step, reported = time.monotonic(), training.step, time.monotonic()
    while not training.finished:
        epoch, position = divmod(training.step, per_epoch)
        order = batches(train.keys, lengths, settings.batch_size, settings.seed, epoch)
        for indices in order[position:]:
            loss = training.update(train, indices)
            if training.step % evaluate_every == 0 or training.step == total_steps:
                training.judge(CRITERIA[settings.criterion](dev))
                training.save(state_path, fingerprint)
            if time.monotonic() - reported > REPORT_EVERY or training.finished:
                reported = time.monotonic()
                report_progress(training, loss, settings, (reported - started), first_step)
            if training.finished:
                break
    recogniser.model.load_state_dict(training.best)
    return training


def report_progress(
    training: Training, loss: float, settings: Settings, elapsed: float, first_step: int
) -> None:
    """Print one line: steps, loss, last dev evaluation, speed, time left."""
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


def fingerprint_of(settings: Settings, inputs: Sequence[Path]) -> str:
    """Return a hash of settings, inputs' bytes and code: what a resumed run must have in common."""
    parts = [settings.__dict__, lineage.code_version(__file__), *map(lineage.sha256, inputs)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def arguments() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--model", required=True, help="Hugging Face folder of the checkpoint to start from")
    add("--train", required=True, action="append", help="manifest to train on (may be repeated)")
    add("--dev", required=True, action="append", help="manifest that stops early (may be repeated)")
    add("--output", required=True, help="Hugging Face folder to write")
    add("--work-dir", required=True, help="folder of the state that a restart resumes from")
    add("--window", type=float, default=30.0, help="audio window, s (default 30)")
    add("--learning-rate", type=float, required=True, help="peak learning rate of AdamW")
    add("--weight-decay", type=float, default=0.0, help="weight decay of AdamW (default 0)")
    add("--warmup-steps", type=int, default=0, help="optimiser steps of warm-up (default 0)")
    add("--epochs", type=float, required=True, help="passes over the training data, at most")
    add("--batch-size", type=int, default=16, help="utterances per optimiser step (default 16)")
    add("--trained", choices=["all", "decoder"], default="all", help="parameters that are trained")
    add("--max-length", type=int, default=MAX_LENGTH, help="tokens of a dev hypothesis, at most")
    add("--encodings", help="folder that keeps the frozen encoder's outputs for other runs")
    add("--evaluate-every", type=int, default=0, help="steps between dev evaluations (0: an epoch)")
    add("--patience", type=int, default=3, help="evaluations without a better one before stopping")
    add("--criterion", choices=list(CRITERIA), default="wer", help="what the dev evaluation is")
    add("--precision", choices=["auto", "bf16", "fp32"], default="auto", help="of matrix products")
    add("--language", default="en", help="of the speech (default en)")
    add("--task", default="transcribe", help="transcribe or translate (default transcribe)")
    add("--seed", type=int, required=True, help="of the data order")
    add("--threads", type=int, default=0, help="CPU threads (0: as PyTorch chooses)")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Fine-tune as the command line says."""
    options = arguments().parse_args(argv)
    settings = Settings(**{name: getattr(options, name) for name in Settings.__dataclass_fields__})
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    if options.encodings and settings.trained != "decoder":
        raise InputError("--encodings: kept encoder outputs need --trained decoder")
    recogniser = Recogniser(
        options.model,
        settings.window,
        settings.language,
        settings.task,
        settings.precision,
        settings.max_length,
        encodings=options.encodings,
    )
    if settings.trained == "decoder":
        recogniser.model.freeze_encoder()
    train, dev = Speech(recogniser, options.train), Speech(recogniser, options.dev)
    inputs = [Path(options.model) / "model.safetensors", *map(Path, options.train + options.dev)]
    training = finetune(
        recogniser,
        train,
        dev,
        settings,
        Path(options.work_dir) / "state.pt",
        fingerprint_of(settings, inputs),
    )
    with atomic_folder(options.output) as temporary:
        recogniser.save(temporary)
    lineage.record(
        __file__,
        [Path(options.output) / "model.safetensors"],
        inputs,
        settings.__dict__,
        training={"utterances": len(train), "steps": training.step, "history": training.history},
        device=str(recogniser.device),
    )
    shutil.rmtree(options.work_dir)


if __name__ == "__main__":
    run(main)
