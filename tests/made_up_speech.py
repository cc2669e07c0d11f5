"""A made-up experiment of which speech is synthesized: hummed by a made-up engine, and filtered.

Texts and list of the domain shop, and what the judge understood of each, are below.
"""

import sys
from pathlib import Path

import pytest
import yaml

import filter as rejecting
import humming
import synthesize
from files.manifest import read_manifest, write_jsonl
from test_experiment import CONFIG

RESULTS = Path("results/tiny")
FOLDER = RESULTS / "synthesized/shop/hibari/train"
MANIFEST = RESULTS / "manifests/shop/hibari/train.jsonl"
TEXTS = {  # with the judge's transcript, None if it is too long to be transcribed
    "a": ("Is Zylo open today?", "Is Zelo open today?"),
    "b": ("The shop is open.", "the shop is open"),
    "c": ("SQL", "sequel"),
    "d": ("Bring it back, please.", "nothing of it at all"),
    "e": ("Ask at the <b>counter</b> & wait.", "ask at the count her and wait"),
    "f": ("We close at nine.", "other words are here"),
    "g": ("Pay by card or in cash, as you like it.", None),
    "unspeakable": ("unspeakable", ""),
}
LISTED = {"Zylo": "zigh low", "SQL": "sequel", "Nowhere": "no where"}
BOUNDS = ["--max-duration=3.5", "--min-speaking-rate=1"]  # g's 39 letters take 3.9 s


def write_experiment(**shop: object) -> Path:
    """Write the experiment's file; ``shop`` are further keys of that domain."""
    said = "".join(f"{word}\t{words}\n" for word, words in LISTED.items())
    Path("said.tsv").write_text(said)
    Path("shop.txt").write_text("".join(f"{text}\n" for text, _ in TEXTS.values()))
    own = {"texts": "shop.txt", "pronunciations": "said.tsv"} | shop
    tts = {"engine": "kokoro", "artifact": "voices", "voices": ["ann", "bob"], "shards": 2}
    config = CONFIG | {"domains": CONFIG["domains"] | {"shop": own}, "tts": {"hibari": tts}}
    path = Path("tiny.yaml")
    path.write_text(yaml.safe_dump(config | {"targets": ["shop"]}))
    return path


def prepare() -> None:
    """Write the training texts of shop, as ``prepare`` does."""
    rows = [{"id": id, "text": text, "spoken": text, "domain": "shop"}
            for id, (text, _) in TEXTS.items()]  # fmt: skip
    (RESULTS / "texts/shop").mkdir(parents=True, exist_ok=True)
    write_jsonl(RESULTS / "texts/shop/train.jsonl", rows)


def speak(monkeypatch: pytest.MonkeyPatch, shard: int) -> None:
    """Synthesize one of the two shards."""
    monkeypatch.setitem(sys.modules, "engines.humming", humming)
    monkeypatch.setattr(synthesize, "ENGINES", ("humming",))
    Path("model").mkdir(exist_ok=True)
    Path("model/model.bin").write_bytes(b"weights")
    synthesize.main(
        [f"--texts={RESULTS}/texts/shop/train.jsonl", "--engine=humming", "--resources=model",
         "--tts=hibari", "--voices=ann,bob", "--pronunciations=said.tsv", "--seed=3",
         f"--shard={shard}", "--shards=2", f"--audio-dir={RESULTS}/audio/shop/hibari/train",
         "--speed-range", "1", "1", "--max-failures=1", f"--output={FOLDER}/shard{shard}of2.jsonl"]
    )  # fmt: skip


def judge(shard: int) -> None:
    """Write what the judge understood of a shard."""
    rows = []
    for row in read_manifest(FOLDER / f"shard{shard}of2.jsonl"):
        transcript = TEXTS[row["text_id"]][1]
        unheard = {"text": "", "transcribed": False}
        rows.append({"id": row["id"]} | ({"text": transcript} if transcript else unheard))
    write_jsonl(FOLDER / f"shard{shard}of2.hypotheses.jsonl", rows)


def leave_out(kept: Path = MANIFEST) -> None:
    """Filter both shards."""
    shards = [str(FOLDER / f"shard{shard}of2") for shard in (1, 2)]
    rejecting.main(
        ["--manifest", *(f"{shard}.jsonl" for shard in shards),
         "--hypotheses", *(f"{shard}.hypotheses.jsonl" for shard in shards), "--language=en",
         *BOUNDS, f"--output={kept}", f"--rejected={kept.with_suffix('.rejected.tsv')}"]
    )  # fmt: skip


def make_all(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make all speech of the experiment in the present folder; return the experiment's file."""
    experiment = write_experiment()
    prepare()
    for shard in (1, 2):
        speak(monkeypatch, shard)
        judge(shard)
    leave_out()
    return experiment
