"""Fine-tuning Whisper tiny.en on Drascula's manifests: ours, and Seq2SeqTrainer of transformers.

The peer is trained as the published scripts do it: all parameters, windows of 30 s, Seq2SeqTrainer
with features computed beforehand; in fp32 and in bf16, of which the faster counts. Ours trains the
decoder only, with encoder outputs not there yet, in Drascula's window of 15 s, and in the same one.
All see the same utterances as often, at the same learning rate, and are tested on the same
recordings. For a few steps both also train the same parameters. Whole commands are timed, from the
first import to the checkpoint. Word errors are those in Whisper's own window, 30 s, for both sides.
"""

import argparse
import json
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from measure import (
    EXPERIMENT,
    Comparison,
    Growth,
    Report,
    arguments,
    in_turn,
    of_experiment,
    peak_flops,
    profiled,
    run,
    script,
    take,
)
from transcription import encoder_flops
from transformers import WhisperConfig

from computing.precision import precision_of
from files.manifest import read_jsonl, read_manifest, write_jsonl
from scoring.bootstrap import interval, resampled_rates
from scoring.word_errors import score

BASE = "models/whisper-tiny.en/pretrained/seed0"
RATE, WARMUP, BATCH, EPOCHS = 1e-5, 5, 8, 2
WINDOWS = (15, 30)  # s, ours is trained in
FULL = 30  # s, all are tested in
TRAIN, DEV = "manifests/source/real/train.jsonl", "manifests/source/real/dev.jsonl"
TESTS = ("source", "telephone", "drascula")
FEW = 6  # steps of a comparison at equal settings


def trainer(options: argparse.Namespace) -> None:
    """Fine-tune with Seq2SeqTrainer, as the published scripts do."""
    from transformers import (
        Seq2SeqTrainer,
        Seq2SeqTrainingArguments,
        WhisperForConditionalGeneration,
        WhisperProcessor,
    )

    from files.audio import SAMPLING_RATE, load_audio

    processor = WhisperProcessor.from_pretrained(EXPERIMENT / BASE)
    model = WhisperForConditionalGeneration.from_pretrained(EXPERIMENT / BASE)

    def prepared(manifest: Path) -> list[dict]:
        return [
            {
                "input_features": processor(
                    load_audio(row["audio_filepath"]), sampling_rate=SAMPLING_RATE
                ).input_features[0],
                "labels": processor.tokenizer(row["text"]).input_ids,
            }
            for row in read_manifest(manifest)
        ]

    def collate(rows: list[dict]) -> dict[str, torch.Tensor]:
        features = torch.from_numpy(np.stack([row["input_features"] for row in rows]))
        labels = processor.tokenizer.pad(
            [{"input_ids": row["labels"]} for row in rows], return_tensors="pt"
        )
        padded = labels.input_ids.masked_fill(labels.attention_mask.ne(1), -100)
        return {"input_features": features, "labels": padded[:, 1:]}  # the model puts the start

    settings = Seq2SeqTrainingArguments(
        output_dir=options.output,
        per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=BATCH,
        learning_rate=RATE,
        warmup_steps=WARMUP,
        num_train_epochs=EPOCHS,
        max_steps=options.steps or -1,
        eval_strategy="epoch" if not options.steps else "no",
        save_strategy="no",
        bf16=options.precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        report_to=[],
        disable_tqdm=True,
        seed=1,
    )
    Seq2SeqTrainer(
        model=model,
        args=settings,
        train_dataset=prepared(options.train),
        eval_dataset=prepared(options.dev),
        data_collator=collate,
    ).train()
    model.save_pretrained(options.output)
    processor.save_pretrained(options.output)


def ours(
    folder: Path, train: Path, dev: Path, window: float, keep: bool = True, **changes: object
) -> list[object]:
    """Return the command that fine-tunes with our script into a folder, from nothing.

    The encoder's outputs are kept for the next epochs, unless it is trained too.
    """
    for made in (folder, Path(f"{folder}.work"), Path(f"{folder}.encodings")):
        shutil.rmtree(made, ignore_errors=True)
    settings = {"trained": "decoder", "epochs": EPOCHS, "criterion": "loss"}
    settings |= {"warmup_steps": WARMUP, "weight_decay": 0} | changes
    kept = ["--encodings", f"{folder}.encodings"] if keep else []
    return script(
        "finetune.py", "--model", EXPERIMENT / BASE, "--train", train, "--dev", dev, *kept,
        "--window", window, "--learning-rate", RATE, "--batch-size", BATCH,
        "--settings", json.dumps(settings), "--language", "en", "--seed", 1,
        "--work-dir", f"{folder}.work", "--output", folder,
    )  # fmt: skip


def train_theirs(folder: Path, train: Path, dev: Path, precision: str, steps: int = 0) -> None:
    """Fine-tune with the peer into a folder."""
    run(
        [sys.executable, __file__, "--peer", "--train", train, "--dev", dev]
        + ["--precision", precision, "--steps", steps, "--output", folder]
    )


def errors_of(folder: Path, window: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a checkpoint's word errors on each test utterance, its words and its sentence."""
    found = []
    for domain in TESTS:
        manifest = of_experiment(f"manifests/{domain}/real/test.jsonl")
        hypotheses = folder / f"{domain}.jsonl"
        run(
            script(
                "transcribe.py", "--model", folder, "--manifest", manifest, "--window", window,
                "--max-length", 96, "--language", "en", "--output", hypotheses,
            )
        )  # fmt: skip
        for row in score(read_manifest(manifest), read_jsonl(hypotheses), "en").per_utterance:
            found.append((row.word_errors, row.reference_words, f"{domain} {row.reference}"))
    return tuple(map(np.array, zip(*found, strict=True)))


def flops(rows: list[dict], config: WhisperConfig, window: float) -> float:
    """Return the multiply-adds, times two, of training all parameters for an epoch.

    The backward pass is twice the forward one. Of the decoder its matrices count, for the tokens
    of the texts (1.4 a word, and three more) and for the keys and values of the audio.
    """
    width, layers = config.d_model, config.decoder_layers
    tokens = sum(3 + 1.4 * len(row["text"].split()) for row in rows)
    of_token = layers * (12 * width**2 + 2 * width * config.decoder_ffn_dim)
    of_token += width * config.vocab_size
    of_audio = 4 * layers * width**2 * round(50 * window)
    each = encoder_flops(config, window) + of_audio
    return 3 * (len(rows) * each + 2 * tokens * of_token)


def main() -> None:
    parser = arguments("finetuning", __doc__)
    parser.set_defaults(repeats=1)
    parser.add_argument("--peer", action="store_true", help="be the peer")
    for name in ("train", "dev"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--steps", type=int, default=0)
    options = parser.parse_args()
    if options.peer:
        trainer(options)
        return
    report = Report("finetuning")
    rows = read_manifest(of_experiment(TRAIN))[: 24 if options.quick else None]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train, dev = folder / "train.jsonl", folder / "dev.jsonl"
        write_jsonl(train, rows)
        write_jsonl(dev, read_manifest(of_experiment(DEV))[: 8 if options.quick else None])
        precision = at_equal_settings(report, folder, train, dev, options.repeats)
        decoder_only(report, folder, train, dev, precision, options.repeats)
        growth = Growth("utterances, one epoch of the decoder, 15 s, nothing kept of the encoder")
        for times in (1, 4) if options.quick else (1, 4, 16):
            some = [row | {"id": str(n)} for n, row in enumerate(take(rows[:40], 40 * times))]
            write_jsonl(train, some)
            command = ours(folder / f"{times}", train, dev, 15, keep=False, epochs=1)
            growth.add(len(some), *run(command))
        report.growth.append(growth)
    report.write(options)


def at_equal_settings(report: Report, folder: Path, train: Path, dev: Path, repeats: int) -> str:
    """Compare some steps with the peer's own settings; return its faster precision.

    What a command takes for a single step is taken off.
    """

    def mine(steps: int) -> tuple[float, int]:
        changes = {"trained": "all", "max_steps": steps, "evaluate_every": 1000}
        return run(ours(folder / "equal", train, dev, FULL, keep=False, **changes))

    def theirs(precision: str, steps: int) -> None:
        train_theirs(folder / f"{precision}{steps}", train, dev, precision, steps)

    sides = {
        f"{side}, {steps}": lambda f=function, s=steps: f(s)
        for side, function in (
            ("ours", mine), ("fp32", partial(theirs, "fp32")), ("bf16", partial(theirs, "bf16")),
        )
        for steps in (1, FEW)
    }  # fmt: skip
    runs = in_turn(sides, repeats)
    seconds = {
        side: runs[f"{side}, {FEW}"].median - runs[f"{side}, 1"].median
        for side in ("ours", "fp32", "bf16")
    }
    precision = min(("fp32", "bf16"), key=seconds.get)
    report.add(
        Comparison(
            f"equal settings: all parameters, 30 s, {FEW - 1} steps of {BATCH}",
            seconds["ours"], f"Seq2SeqTrainer, {precision}", seconds[precision],
            (FEW - 1) * BATCH, "utterances", runs=runs,
        )
    )  # fmt: skip
    return precision


def decoder_only(
    report: Report, folder: Path, train: Path, dev: Path, precision: str, repeats: int
) -> None:
    """Compare whole commands, and the word errors of what they made."""
    rows = read_manifest(train)
    sides = {
        f"decoder, {window} s": lambda w=window: run(ours(folder / f"{w}", train, dev, w))
        for window in WINDOWS
    }
    sides["theirs"] = partial(train_theirs, folder / "theirs", train, dev, precision)
    runs = in_turn(sides, repeats)
    on_gpu = torch.cuda.is_available()
    peak = peak_flops(torch.get_num_threads(), precision_of(precision, "cuda" if on_gpu else "cpu"))
    least = EPOCHS * flops(rows, WhisperConfig.from_pretrained(EXPERIMENT / BASE), 30) / peak
    report.note("peer's share of the machine's peak", least / runs["theirs"].median)
    their_errors, words, sentences = errors_of(folder / "theirs", FULL)
    report.note("test utterances", len(words))
    report.note("WER, theirs", their_errors.sum() / words.sum())
    for window in WINDOWS:
        side = f"decoder, {window} s"
        report.add(
            Comparison(
                f"{side}: {EPOCHS} epochs of {len(rows)} utterances",
                runs[side].median,
                f"Seq2SeqTrainer as published: all parameters, 30 s, {precision}",
                runs["theirs"].median,
                EPOCHS * len(rows),
                "utterances",
                bar=3 if on_gpu else 4,
                limit=f"the peer's multiply-adds at the machine's peak in {precision}",
                limit_seconds=least,
                runs={name: runs[name] for name in (side, "theirs")},
            )
        )
        report.note(f"{side}: peak memory, MB", round(runs[side].result[1] / 1e6))
        for tested in sorted({FULL, window}, reverse=True):
            errors, _, _ = errors_of(folder / f"{window}", tested)
            rates = resampled_rates(np.stack([errors, their_errors]), words, sentences)
            told = f"{side}, decoded in {tested} s: WER"
            report.note(told, errors.sum() / words.sum())
            report.note(f"{told} less theirs, 95 % interval", list(interval(rates[0] - rates[1])))
        report.profile[side] = parts(ours(folder / "profiled", train, dev, window))


def parts(command: list[object]) -> dict[str, float]:
    """Return the seconds of each part of our command."""
    taken = profiled(command)
    loop = taken["training/loop.py:finetune"]
    encoder = sum(taken[f"recognisers/whisper.py:{name}"] for name in ("prepare", "encode"))
    steps = taken["training/run.py:update"] + taken["training/evaluation.py:dev_loss"]
    return {
        "start and imports": taken[""] - loop,
        "encoder, once for each utterance": encoder,
        "decoder, training and dev loss": steps - encoder,
        "saving the state": loop - steps,
    }


if __name__ == "__main__":
    main()
