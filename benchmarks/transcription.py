"""Transcribing Drascula's test sets, greedily: ours, the published loop, and faster-whisper.

The published loop is ``generate`` of transformers, one utterance at a time, each padded to 30 s.
faster-whisper is given whole batches of features at once, which its own interface does not do with
many short files, at every precision, batch size and division of the cores; the best counts.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from measure import (
    FIRST,
    Comparison,
    Growth,
    Report,
    Runs,
    arguments,
    in_turn,
    of_experiment,
    peak_flops,
    run,
    script,
    take,
)
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration

from files.audio import SAMPLING_RATE, load_audio
from files.json_file import read_json
from files.manifest import read_manifest, write_jsonl
from recognisers import transcription
from recognisers.load import load_recogniser
from recognisers.whisper import MAX_LENGTH
from recognisers.window import crop_window
from scoring.word_errors import score
from vectors.addition import Addition

BATCH = 32
BATCHES, TYPES = (1, 8, 16), ("float32", "int8", "float16")  # that faster-whisper is tried with
TRIED = 16  # utterances
BASE = "whisper-tiny.en"
ADAPTED = "telephone-hibari/seed1"  # fine-tuned in a window of 15 s
WINDOW = 15.0  # s, in which Drascula's models are fine-tuned


def published_loop(folder: Path, window: float) -> Callable[[Sequence[dict]], list[str]]:
    """Return what transcribes utterances as the published scripts do, in a window (s)."""
    model = WhisperForConditionalGeneration.from_pretrained(folder).eval()
    extractor = WhisperFeatureExtractor.from_pretrained(folder)
    tokenizer = load_recogniser(folder).tokenizer
    crop_window(model, window)
    samples = round(window * SAMPLING_RATE)

    @torch.no_grad()
    def transcribe_all(rows: Sequence[dict]) -> list[str]:
        texts = []
        for row in rows:
            features = extractor(
                load_audio(row["audio_filepath"]),
                sampling_rate=SAMPLING_RATE,
                max_length=samples,
                return_tensors="pt",
            ).input_features
            # two tokens more than the text has, for its prompt
            tokens = model.generate(features, max_length=MAX_LENGTH + 2, num_beams=1)
            texts += tokenizer.batch_decode(tokens, skip_special_tokens=True)
        return [text.strip() for text in texts]

    return transcribe_all


class Ours:
    """Processes that transcribe as ``transcribe.py`` does, one on each core as in the workflow."""

    def __init__(self, folder: Path, window: float, cores: int):
        self.processes = 1 if torch.cuda.is_available() else cores
        self.pool = ProcessPoolExecutor(
            self.processes, get_context("spawn"), begin_worker, (folder, window)
        )
        list(self.pool.map(transcribe_share, [[]] * self.processes))  # all are up

    def transcribe(self, rows: Sequence[dict]) -> list[str]:
        """Return the texts; utterances of like duration go to the processes in turn."""
        ordered = sum(transcription.by_duration(rows, 1), [])
        shares = [ordered[n :: self.processes] for n in range(self.processes)]
        texts: dict[str, str] = {}
        for found in self.pool.map(transcribe_share, shares):
            texts |= found
        return [texts[row["id"]] for row in rows]


def begin_worker(folder: Path, window: float) -> None:
    """Load the model in a process of ``Ours``."""
    global worker_recogniser
    if not torch.cuda.is_available():
        torch.set_num_threads(1)
    worker_recogniser = load_recogniser(folder, window, precision="fp32", max_length=MAX_LENGTH)


def transcribe_share(rows: Sequence[dict]) -> dict[str, str]:
    """Return the texts by id of a process's share."""
    found = transcription.transcribe(worker_recogniser, rows, BATCH)
    return {row["id"]: row["text"] for row in found}


class FasterWhisper:
    """faster-whisper with one precision and division of the cores; batches of any size."""

    def __init__(self, folder: Path, compute_type: str, threads: int, workers: int, window: float):
        from faster_whisper import WhisperModel

        device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = WhisperModel(
            str(folder), device=device, compute_type=compute_type,
            cpu_threads=threads, num_workers=workers,
        )  # fmt: skip
        self.workers, self.frames = workers, round(window * 100)
        token = self.model.hf_tokenizer.token_to_id
        self.prompt = [token("<|startoftranscript|>"), token("<|notimestamps|>")]

    def features(self, path: str) -> np.ndarray:
        """Return float32 [mels, frames] of an audio file, padded to the window."""
        found = self.model.feature_extractor(load_audio(path))[:, : self.frames]
        return np.pad(found, ((0, 0), (0, self.frames - found.shape[1])))

    def transcribe(self, rows: Sequence[dict], batch: int) -> list[str]:
        """Return the texts, the longest utterances first in batches of like duration."""
        from ctranslate2 import StorageView

        def one(batch_rows: list[dict]) -> dict[str, str]:
            heard = np.stack([self.features(row["audio_filepath"]) for row in batch_rows])
            found = self.model.model.generate(
                StorageView.from_array(np.ascontiguousarray(heard)),
                [self.prompt] * len(heard),
                beam_size=1,
                max_length=MAX_LENGTH,
            )
            return {
                row["id"]: self.model.hf_tokenizer.decode(answer.sequences_ids[0]).strip()
                for row, answer in zip(batch_rows, found, strict=True)
            }

        texts: dict[str, str] = {}
        with ThreadPoolExecutor(self.workers) as pool:
            for found in pool.map(one, transcription.by_duration(rows, batch)):
                texts |= found
        return [texts[row["id"]] for row in rows]


def convert(folder: Path, output: Path) -> Path:
    """Write a checkpoint as CTranslate2 reads it."""
    from ctranslate2.converters import TransformersConverter

    TransformersConverter(
        str(folder), copy_files=["tokenizer.json", "preprocessor_config.json"]
    ).convert(str(output))
    return output


def best_faster_whisper(
    folder: Path, rows: Sequence[dict], window: float, threads: int
) -> tuple[str, Callable[[Sequence[dict]], list[str]]]:
    """Return the settings with which faster-whisper is fastest, and what transcribes with them."""
    import ctranslate2

    device = "cuda" if torch.cuda.is_available() else "cpu"
    some = sum(list(transcription.by_duration(rows, 1))[:: max(1, len(rows) // TRIED)], [])
    tried = []
    for compute_type in ctranslate2.get_supported_compute_types(device) & set(TYPES):
        for cores, workers in {(threads, 1), (1, threads)}:
            model = FasterWhisper(folder, compute_type, cores, workers, window)
            for batch in BATCHES:
                seconds = Runs().once(lambda m=model, b=batch: m.transcribe(some, b)).median
                tried.append((seconds, compute_type, cores, workers, batch))
                print(f"  faster-whisper, {len(some)} utterances: {tried[-1]}", flush=True)
    _, compute_type, cores, workers, batch = min(tried)
    model = FasterWhisper(folder, compute_type, cores, workers, window)
    settings = f"{compute_type}, {workers} worker(s) of {cores} thread(s), batches of {batch}"
    return settings, lambda rows: model.transcribe(rows, batch)


def same(first: Sequence[str], second: Sequence[str]) -> float:
    """Return the share of equal texts."""
    return sum(a == b for a, b in zip(first, second, strict=True)) / len(first)


def wer(rows: Sequence[dict], texts: Sequence[str]) -> float:
    """Return the WER (a fraction) of texts in the rows' order."""
    found = [{"id": row["id"], "text": text} for row, text in zip(rows, texts, strict=True)]
    return score(list(rows), found, "en").wer


def encoder_flops(config, window: float) -> float:
    """Return the multiply-adds, times two, of a Whisper's encoder for one utterance."""
    positions, width, wide = round(50 * window), config.d_model, config.encoder_ffn_dim
    layer = 8 * positions * width**2 + 4 * positions**2 * width + 4 * positions * width * wide
    stem = 6 * width * (config.num_mel_bins * 2 * positions + width * positions)
    return stem + config.encoder_layers * layer


def parts(folder: Path, rows: Sequence[dict], window: float) -> dict[str, float]:
    """Return the seconds of each part of our transcription."""
    recogniser = load_recogniser(folder, window, precision="fp32", max_length=MAX_LENGTH)
    recogniser.model.eval()
    taken = dict.fromkeys(("audio and log-mel", "encoder", "decoder"), 0.0)
    for batch in transcription.by_duration(rows, BATCH):
        marks = [time.perf_counter()]
        features = recogniser.read([row["audio_filepath"] for row in batch])
        marks.append(time.perf_counter())
        with torch.inference_mode():
            encoded = recogniser._encoder(features)
        marks.append(time.perf_counter())
        recogniser.write(encoded)
        marks.append(time.perf_counter())
        for part, (start, end) in zip(taken, pairwise(marks), strict=True):
            taken[part] += end - start
    return taken


def table_rows() -> list[dict]:
    """Return the evaluations of Drascula's table: each model on its target's test set."""
    evaluations = read_json(of_experiment("evaluations.json"), FIRST)
    return [row for row in evaluations if row["role"] == "test"]


def transcribe_all(rows: Sequence[dict], limit: int | None, processes: int) -> None:
    """Transcribe for evaluations as the workflow does: encoder outputs kept, a sweep in one go."""
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault((row["model"], row["vector_path"], row["manifest"]), []).append(row)
    context = get_context("spawn")
    with tempfile.TemporaryDirectory() as encodings:
        tasks = [(group, limit, encodings) for group in groups.values()]
        with ProcessPoolExecutor(processes, context, torch.set_num_threads, (1,)) as pool:
            list(pool.map(transcribe_group, tasks))


def transcribe_group(task: tuple[list[dict], int | None, str]) -> None:
    """Transcribe one test set with one model, or with all coefficients of a task vector."""
    rows, limit, encodings = task
    options = {"precision": "fp32", "max_length": MAX_LENGTH, "encodings": encodings}
    recogniser = load_recogniser(rows[0]["model"], rows[0]["window"], **options)
    utterances = read_manifest(rows[0]["manifest"])[:limit]
    addition, scales = None, [row["scaling_coefficient"] for row in rows]
    if vector := rows[0]["vector_path"]:
        addition = Addition(recogniser.tensors(), vector)
    journals = [None for _ in scales]
    transcription.sweep(recogniser, utterances, BATCH, scales, addition, journals)


def grow_with_models(quick: bool, processes: int) -> Growth:
    """Return how time grows with the models that share their encoder, on one test set."""
    growth = Growth("fine-tuned models on telephone's test set")
    tuned = [
        row
        for row in table_rows()
        if row["target"] == "telephone" and row["arm"] != "pretrained" and not row["vector"]
    ]
    for times in (1, 4) if quick else (1, 4, 16):
        # the same model more than once is another group if its manifest has another name
        rows = [
            row | {"manifest": f"./{'/' * n}{row['manifest']}"}
            for n, row in enumerate(take(tuned, times))
        ]
        seconds = Runs().once(lambda r=rows: transcribe_all(r, None, processes)).median
        growth.add(times, seconds)
    return growth


def grow(folder: Path, rows: Sequence[dict], quick: bool) -> Growth:
    """Return how a whole command's time and memory grow with the utterances."""
    growth = Growth("utterances, transcribe.py in 15 s")
    with tempfile.TemporaryDirectory() as name:
        for times in (1, 4) if quick else (1, 4, 16):
            more = [row | {"id": f"{n}"} for n, row in enumerate(take(rows, times * len(rows)))]
            write_jsonl(Path(name, "m.jsonl"), more)
            command = ["--model", folder, "--manifest", f"{name}/m.jsonl"]
            command += ["--language", "en", "--window", WINDOW, "--output", f"{name}/h.jsonl"]
            growth.add(len(more), *run(script("transcribe.py", *command)))
    return growth


def main() -> None:
    options = arguments("transcription", __doc__).parse_args()
    report = Report("transcription")
    threads = torch.get_num_threads()
    limit = 16 if options.quick else None
    domains = {
        domain: read_manifest(of_experiment(f"manifests/{domain}/real/test.jsonl"))[:limit]
        for domain in ("telephone", "drascula")
    }
    both = [row for rows in domains.values() for row in rows]
    pretrained = of_experiment(f"models/{BASE}/pretrained/seed0")
    adapted = of_experiment(f"models/{BASE}/{ADAPTED}")
    config = load_recogniser(pretrained).model.config
    peak = peak_flops(threads)
    report.note("peak of fp32 matrix products, GFLOP/s", round(peak / 1e9, 1))

    cases = {"pretrained, 30 s": (pretrained, 30.0, both)}
    cases["fine-tuned, 15 s"] = (adapted, WINDOW, domains["telephone"])
    published = published_loop(pretrained, 30.0)
    loop_seconds = {}  # of the published loop, by case
    with tempfile.TemporaryDirectory() as name:
        for case, (folder, window, rows) in cases.items():
            mine = Ours(folder, window, threads)
            loop = published_loop(folder, window)
            settings, other = best_faster_whisper(
                convert(folder, Path(name, case[:4])), rows, window, threads
            )

            sides = {
                "ours": lambda m=mine, r=rows: m.transcribe(r),
                "published loop": lambda r=rows: published(r),
                "faster-whisper": lambda o=other, r=rows: o(r),
            }
            runs = in_turn(sides, options.repeats)
            seconds, of_loop = runs["ours"].median, runs["published loop"].median
            loop_seconds[case] = of_loop
            about = {
                "amount": len(rows),
                "unit": "utterances",
                "limit": "the encoder's multiply-adds at the peak of fp32",
                "limit_seconds": len(rows) * encoder_flops(config, window) / peak,
                "runs": runs,
            }
            for peer, peer_seconds, bar in (
                ("published loop: generate, one by one, 30 s", of_loop, None),
                (f"faster-whisper, same window: {settings}", runs["faster-whisper"].median, 1),
            ):
                work = f"one model, {case}, fp32, batches of {BATCH}"
                report.add(Comparison(work, seconds, peer, peer_seconds, bar=bar, **about))
            texts = {side: found.result for side, found in runs.items()}
            texts["generate"] = texts["published loop"] if window == 30 else loop(rows)
            report.note(
                f"{case}: share of texts as generate gives them, one by one in the same window",
                same(texts["ours"], texts["generate"]),
            )
            for side in ("ours", "generate", "faster-whisper"):
                report.note(f"{case}: WER, {side}", wer(rows, texts[side]))
            report.profile[case] = parts(folder, rows, window)

    rows = table_rows()
    runs = in_turn({"ours": lambda: transcribe_all(rows, limit, threads)}, options.repeats)
    per_utterance = loop_seconds["pretrained, 30 s"] / len(both)
    utterances = len(rows) * len(both) / len(domains)
    once = [encoder_flops(config, window) * len(both) for window in {row["window"] for row in rows}]
    report.add(
        Comparison(
            f"Drascula's table: {len(rows)} models and coefficients, most of one encoder",
            runs["ours"].median,
            "published loop: generate, one by one, 30 s, for each",
            utterances * per_utterance,
            utterances,
            "utterances",
            bar=8,
            limit="the encoder once for each window, at the peak of fp32",
            limit_seconds=sum(once) / peak,
            runs=runs,
        )
    )
    report.growth.append(grow_with_models(options.quick, threads))
    report.growth.append(grow(adapted, domains["telephone"][:15], options.quick))
    report.write(options)


if __name__ == "__main__":
    main()
