"""Load: what 100,000 utterances, 200 domains and 10,000 artifacts cost, in seconds and memory.

    python benchmarks/load.py

Each command is the workflow's own, run twice: on a tenth of the work, and on all of it, so that
what grows faster than the work is seen. Speech is segments of one made-up file.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from unittest import mock

import numpy as np
import soundfile
import yaml
from measure import ROOT, run, script

sys.path.append(str(ROOT / "tests"))

from planning import SNAKEMAKE, copy_of_checkout  # noqa: E402

from configs.reading import read  # noqa: E402
from files.manifest import read_manifest, write_jsonl  # noqa: E402
from made_up_report import Size, write_made_up_report_inputs  # noqa: E402
from matrix import evaluations  # noqa: E402
from records.writing import write_record  # noqa: E402

RATE = 16_000  # Hz
SECONDS = 1.5  # of an utterance
SPEECH = 60.0  # s of sound that all of them are segments of
SHARE = 10  # texts for each recording that is prepared: its audio is written
MISHEARD = 5  # every fifth utterance loses its last word
WORK = {"utterances": 100_000, "domains": 200, "artifacts": 10_000}
Measured = tuple[float, int]  # seconds, and bytes of memory at the peak
Stage = Callable[[Path, int], Measured]


def sentence(number: int) -> str:
    """Return a text of a few words that no other number has."""
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return "row " + " a ".join(words[int(digit)] for digit in str(number))


def write_speech(path: Path) -> None:
    """Write what the checks take for speech: a tone that swells four times a second."""
    at = np.arange(int(SPEECH * RATE)) / RATE
    tone = 0.2 * np.sin(2 * np.pi * 200 * at) * (1.2 + np.sin(2 * np.pi * 4 * at))
    soundfile.write(path, tone.astype(np.float32), RATE)


def prepare_texts(folder: Path, count: int) -> Measured:
    """Read and split the texts of one domain."""
    (folder / "own.txt").write_text("".join(f"{sentence(number)}\n" for number in range(count)))
    domain = {"texts": str(folder / "own.txt"), "dev": count // 100}
    options = ("--declaration", json.dumps(domain), "--texts-dir", folder / "texts_alone")
    return run(script("prepare.py", "--domain", "load", "--language", "en", *options))


def prepare(folder: Path, count: int) -> Measured:
    """Split and write the recordings of one domain, segments of one file, one for ten texts."""
    count //= SHARE
    write_speech(folder / "speech.wav")
    starts = np.random.default_rng(0).uniform(0, SPEECH - SECONDS, count).round(3)
    rows = (
        {"id": f"u{number}", "audio_filepath": str(folder / "speech.wav"), "offset": float(start)}
        | {"duration": SECONDS, "text": sentence(number), "speaker": f"s{number % 100}"}
        for number, start in enumerate(starts)
    )
    write_jsonl(folder / "own.jsonl", rows)
    domain = {"manifest": str(folder / "own.jsonl"), "test": count // 10, "dev": count // 100}
    return run(
        script(
            *("prepare.py", "--domain", "load", "--declaration", json.dumps(domain)),
            *("--audio-dir", folder / "audio", "--manifests-dir", folder / "manifests"),
            *("--texts-dir", folder / "texts", "--language", "en"),
        )
    )


def heard(folder: Path, count: int) -> list[Path]:
    """Write a manifest of that speech, taken again and again, and what was heard of it."""
    rows = read_manifest(folder / "manifests" / "train.jsonl")
    texts = [sentence(number) for number in range(count)]
    paths = [folder / "many.jsonl", folder / "heard.jsonl"]
    write_jsonl(
        paths[0],
        (rows[n % len(rows)] | {"id": f"u{n}", "text": text} for n, text in enumerate(texts)),
    )
    shorter = (text if n % MISHEARD else text.rpartition(" ")[0] for n, text in enumerate(texts))
    write_jsonl(paths[1], ({"id": f"u{n}", "text": text} for n, text in enumerate(shorter)))
    return paths


def filter(folder: Path, count: int) -> Measured:
    """Filter that speech, as if a TTS had spoken it."""
    manifest, hypotheses = heard(folder, count)
    return run(
        script(
            *("filter.py", "--manifest", manifest, "--hypotheses", hypotheses),
            *("--output", folder / "kept.jsonl", "--rejected", folder / "rejected.tsv"),
            *("--language", "en"),
        )
    )


def score(folder: Path, count: int) -> Measured:
    """Score what was heard of it."""
    manifest, hypotheses = heard(folder, count)
    return run(
        script(
            *("score.py", "--references", manifest, "--hypotheses", hypotheses),
            *("--output", folder / "score.json", "--language", "en"),
        )
    )


def experiment(folder: Path, domains: int) -> Path:
    """Write an experiment of so many domains of recordings, in a copy of the checkout."""
    copy_of_checkout(folder)
    for name in ("games", *(f"d{number}" for number in range(domains))):
        write_jsonl(folder / f"{name}.jsonl", [])
    content = yaml.safe_load((ROOT / "experiments" / "no-room.yaml").read_text())
    own = {f"d{number}": {"manifest": f"d{number}.jsonl"} for number in range(domains)}
    content |= {"name": "planned", "source": ["games"], "targets": list(own)}
    content |= {"domains": {"games": {"manifest": "games.jsonl"}} | own}
    (folder / "planned.yaml").write_text(yaml.safe_dump(content))
    return folder / "planned.yaml"


def planned(folder: Path, *words: str) -> Measured:
    """Have Snakemake do something in such a copy."""
    command = f"import os; os.chdir({str(folder)!r}); {SNAKEMAKE}"
    words += ("--profile", "profiles/local", "--configfile", "planned.yaml")
    return run([sys.executable, "-c", command, *words])


def plan(folder: Path, domains: int) -> Measured:
    """Plan the experiment."""
    experiment(folder, domains)
    return planned(folder, "-n", "--quiet", "rules")


def list_evaluations(folder: Path, domains: int) -> Measured:
    """Run a rule that is given the whole config."""
    return planned(folder, "results/planned/evaluations.json")


def summarize(folder: Path, domains: int) -> Measured:
    """Summarize the scores of all domains, 500 utterances each."""
    rows = [asdict(row) for row in evaluations(read([experiment(folder / "copy", domains)]))]
    number = 500
    references = [
        {"id": f"u{n}", "audio_filepath": "a.wav", "duration": SECONDS, "text": sentence(n)}
        | {"speaker": f"s{n % 9}", "domain": "d"}
        for n in range(number)
    ]
    write_jsonl(folder / "references.jsonl", references)
    write_jsonl(
        folder / "heard.jsonl",
        ({"id": f"u{n}", "text": sentence(n - n % 3)} for n in range(number)),
    )
    options = ("--references", folder / "references.jsonl", "--language", "en")
    options += ("--hypotheses", folder / "heard.jsonl", "--output", folder / "score.json")
    run(script("score.py", *options))
    for row in rows:
        if row["score"]:
            row["score"] = str(folder / row["score"])
            Path(row["score"]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / "score.json", row["score"])
    (folder / "evaluations.json").write_text(json.dumps(rows))
    return run(
        script(
            *("summarize.py", "--evaluations", folder / "evaluations.json"),
            *("--output-json", folder / "summary.json", "--output-tsv", folder / "summary.tsv"),
            *("--constant", "0.5", "--resamples", "1000"),
        )
    )


def report(folder: Path, domains: int) -> Measured:
    """Write the page of all domains, of 500 utterances each, and say what it weighs."""
    size = Size(targets=domains, recordings=500 * domains)
    options = write_made_up_report_inputs(folder, size)
    measured = run(script("report.py", *options, "--output", folder / "report.html"))
    print(f"the page of {domains} domains: {(folder / 'report.html').stat().st_size / 1e6:.1f} MB")
    return measured


def audit(folder: Path, artifacts: int) -> Measured:
    """Audit files that have a record each, and are each made of the one before."""
    paths = [folder / "scores" / str(number) / "score.json" for number in range(artifacts)]
    with mock.patch("os.fsync"), mock.patch("sys.argv", ["score.py"]):
        for before, path in zip([None, *paths], paths, strict=False):
            path.parent.mkdir(parents=True)
            path.write_text(path.parent.name)
            write_record(ROOT / "scripts" / "score.py", [path], [before] if before else [], {})
    return run(script("lineage.py", "audit", folder))


STAGES: dict[str, tuple[str, Sequence[Stage]]] = {  # in one folder each
    "speech": ("utterances", (prepare_texts, prepare, filter, score)),
    "plan": ("domains", (plan, list_evaluations)),
    "summary": ("domains", (summarize,)),
    "page": ("domains", (report,)),
    "lineage": ("artifacts", (audit,)),
}


def main() -> None:
    """Run the commands, and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for what, count in WORK.items():
        parser.add_argument(f"--{what}", type=int, default=count, help=f"(default {count:,})")
    parser.add_argument("--only", nargs="+", choices=STAGES, default=[*STAGES], help="parts of it")
    parser.add_argument("--folder", type=Path, help="where to write meanwhile (2 GB)")
    options = parser.parse_args()
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # of rules' commands
    print(f"{'command':<18}{'of':>20}{'s':>9}{'CPU s':>9}{'GB':>7}")
    for name in options.only:
        what, stages = STAGES[name]
        whole = getattr(options, what)
        for count in (whole // 10, whole):
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                for stage in stages:
                    stage_of(stage, Path(folder), count, f"{count:,} {what}")


def stage_of(stage: Stage, folder: Path, count: int, of: str) -> None:
    """Run one command, and print what it took; of several processes, the memory of the largest."""
    before = os.times()
    seconds, memory = stage(folder, count)
    after = os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    print(
        f"{stage.__name__:<18}{of:>20}{seconds:>9.1f}{spent:>9.1f}{memory / 1e9:>7.2f}", flush=True
    )


if __name__ == "__main__":
    main()
