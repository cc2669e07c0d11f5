"""Text to speech: two workers, and one process that speaks one text at a time.

The embedded engine, hibari, on all texts of Drascula's training sets; whole commands. With --bark,
the folder of fetched Bark weights, batches of 16 against one by one, which is worth it on a GPU.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from measure import (
    FIRST,
    ROOT,
    Comparison,
    Growth,
    Report,
    arguments,
    in_turn,
    of_experiment,
    profiled,
    run,
    script,
    take,
)

from errors import InputError
from files.manifest import read_manifest, read_texts, write_jsonl

DOMAINS, WORKERS, BARK_BATCH = ("queen", "drascula", "telephone"), 2, 16


def speak(texts: Path, folder: Path, shard: int, shards: int, *more: object) -> list[object]:
    """Return the command that speaks a shard of texts."""
    return script(
        "synthesize.py", "--texts", texts, "--tts", "bench", "--seed", 1,
        "--shard", shard, "--shards", shards, "--audio-dir", folder / f"audio{shards}",
        "--output", folder / f"{shard}of{shards}.jsonl", *more,
    )  # fmt: skip


def hibari(threads: int = 1) -> list[object]:
    """Return the options of the embedded engine."""
    folder = ROOT / "resources/hibari"
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; {FIRST}")
    return ["--engine", "hibari", "--resources", folder, "--voices", "random", "--threads", threads]


def from_nothing(texts: Path, shards: int, *more: object) -> float:
    """Speak all texts in as many processes at a time; return how many seconds of speech it is."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(shards) as pool:
        shares = range(1, shards + 1)
        list(pool.map(lambda shard: run(speak(texts, Path(name), shard, shards, *more)), shares))
        manifests = [Path(name, f"{shard}of{shards}.jsonl") for shard in shares]
        return sum(row["duration"] for path in manifests for row in read_manifest(path))


def main() -> None:
    parser = arguments("synthesis", __doc__)
    parser.add_argument("--bark", type=Path, help="folder of Bark's weights (none: not measured)")
    options = parser.parse_args()
    report = Report("synthesis")
    rows = [
        row | {"id": f"{domain}-{row['id']}"}
        for domain in DOMAINS
        for row in read_texts(of_experiment(f"texts/{domain}/train.jsonl"))
    ]
    rows = rows[:40] if options.quick else rows
    with tempfile.TemporaryDirectory() as name:
        texts = Path(name, "texts.jsonl")
        write_jsonl(texts, rows)
        samples = 1 if options.quick else 3
        more = ["--samples-per-text", samples]
        runs = in_turn(
            {
                "ours": lambda: from_nothing(texts, WORKERS, *hibari(), *more),
                "one": lambda: from_nothing(texts, 1, *hibari(), *more),
                "one, all cores": lambda: from_nothing(texts, 1, *hibari(WORKERS), *more),
            },
            options.repeats,
        )
        one = runs["one"].median
        for peer, side, bar in (
            ("one process, one thread", "one", 1.8),
            (f"one process, {WORKERS} threads", "one, all cores", None),
        ):
            report.add(
                Comparison(
                    f"hibari, {len(rows) * samples} utterances, {WORKERS} workers of one thread",
                    runs["ours"].median, peer, runs[side].median,
                    runs["ours"].result, "s of speech", bar=bar, runs=runs,
                    limit="all cores busy", limit_seconds=one / WORKERS,
                )
            )  # fmt: skip
        growth = Growth("texts, hibari, one process")
        for times in (1, 4) if options.quick else (1, 4, 16):
            some = take(rows[:40], 40 * times)
            write_jsonl(texts, [row | {"id": str(n)} for n, row in enumerate(some)])
            command = speak(texts, Path(name, str(times)), 1, 1, *hibari())
            growth.add(len(some), *run(command))
        report.growth.append(growth)
        taken = profiled(speak(texts, Path(name, "profiled"), 1, 1, *hibari()))
        spoken, network = taken["hibari.py:speak"], taken["onnxruntime_inference_collection.py:run"]
        report.profile[f"one process, {len(some)} texts"] = {
            "the network": network,
            "phonemes, and voices bent": spoken - network,
            "writing audio": taken["synthesize.py:write"],
            "start, checks, records": taken[""] - spoken - taken["synthesize.py:write"],
        }

        if options.bark:
            write_jsonl(texts, rows[: 2 * BARK_BATCH])
            bark = ["--engine", "bark", "--resources", options.bark, "--voices", "random"]
            bark += ["--max-failures", 1]
            runs = in_turn(
                {
                    "ours": lambda: from_nothing(texts, 1, *bark, "--batch-size", BARK_BATCH),
                    "one": lambda: from_nothing(texts, 1, *bark),
                },
                options.repeats,
            )
            report.add(
                Comparison(
                    f"Bark, batches of {BARK_BATCH}", runs["ours"].median,
                    "one by one", runs["one"].median,
                    2 * BARK_BATCH, "utterances", runs=runs,
                    bar=5 if torch.cuda.is_available() else None,
                )
            )  # fmt: skip
    report.write(options)


if __name__ == "__main__":
    main()
