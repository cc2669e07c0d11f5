"""Synthesis: what is drawn, sharding, batches, the journal, failures."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

import humming
import synthesize
from conftest import ROOT
from engines import utterances
from engines.engine import Request
from engines.utterances import request, requests, shuffle
from errors import InputError
from files.manifest import read_jsonl, read_manifest
from files.progress import progress
from humming import VOICES


@pytest.fixture(autouse=True)
def humming_engine(monkeypatch):
    monkeypatch.setitem(sys.modules, "engines.humming", humming)
    monkeypatch.setattr(synthesize, "ENGINES", ("humming",))


@pytest.fixture
def resources(tmp_path) -> Path:
    folder = tmp_path / "resources"
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    return folder


def texts_of(*spoken: str) -> list[dict]:
    return [
        {"id": f"t{i}", "text": text.upper(), "spoken": text, "domain": "music"}
        for i, text in enumerate(spoken)
    ]


def write_texts(path: Path, *spoken: str) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in texts_of(*spoken)))
    return path


def arguments(folder: Path, texts: Path, resources: Path, **changes: object) -> list[str]:
    options = {
        "texts": texts,
        "engine": "humming",
        "resources": resources,
        "tts": "humming",
        "voices": ",".join(VOICES),
        "seed": 1,
        "audio_dir": folder / "audio",
        "output": folder / "shard1of1.jsonl",
    } | changes
    return [part for k, v in options.items() for part in (f"--{k.replace('_', '-')}", str(v))]


def run(folder: Path, texts: Path, resources: Path, **changes: object) -> dict[str, dict]:
    """Synthesize; return the manifest's rows by id."""
    argv = arguments(folder, texts, resources, **changes)
    synthesize.main(argv)
    return {row["id"]: row for row in read_manifest(argv[argv.index("--output") + 1])}


def audio_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "audio").glob("[!.]*.flac"))}


def asked(resources: Path) -> list[str]:
    path = resources / "asked.txt"
    return path.read_text().split() if path.exists() else []


FIVE = ("one", "three", "seven", "eleven", "thirteen")


def test_manifest_says_what_was_spoken_by_whom(tmp_path, resources):
    texts = write_texts(tmp_path / "texts.jsonl", "hello")
    found = run(tmp_path, texts, resources, voices="ann")
    row = found["t0"]
    waveform, rate = soundfile.read(row["audio_filepath"])
    assert rate == 16_000
    assert row["duration"] == len(waveform) / 16_000 == pytest.approx(0.5 / row["speed"], abs=1e-3)
    assert (row["text"], row["domain"], row["text_id"]) == ("HELLO", "music", "t0")
    assert (row["speaker"], row["voice"], row["tts"]) == ("humming:ann", "ann", "humming")
    assert 0.9 <= row["speed"] <= 1.1


def test_a_second_run_speaks_nothing_and_gives_the_same_manifest(tmp_path, resources):
    texts = write_texts(tmp_path / "texts.jsonl", *FIVE)
    first = run(tmp_path, texts, resources)
    assert run(tmp_path, texts, resources) == first
    assert asked(resources) == list(FIVE)
    facts = json.loads((tmp_path / "shard1of1.jsonl.lineage.json").read_text())
    assert facts["run"]["resumed"] == 5


def test_another_sharding_order_of_texts_and_of_voices_gives_the_same_bytes(tmp_path, resources):
    texts = write_texts(tmp_path / "texts.jsonl", *FIVE)
    whole = run(tmp_path / "whole", texts, resources)
    backwards = tmp_path / "backwards.jsonl"
    backwards.write_text("".join(reversed(texts.read_text().splitlines(keepends=True))))
    parts = {}
    for shard in (3, 1, 2):
        parts |= run(
            tmp_path / "parts",
            backwards,
            resources,
            voices="dan,bob,ann,cyd",
            shard=shard,
            shards=3,
            output=tmp_path / "parts" / f"shard{shard}of3.jsonl",
        )
    assert audio_of(tmp_path / "parts") == audio_of(tmp_path / "whole")
    assert len(audio_of(tmp_path / "parts")) == 5
    without_place = {
        key: {k: v for k, v in row.items() if k != "audio_filepath"} for key, row in parts.items()
    }
    assert without_place == {
        key: {k: v for k, v in row.items() if k != "audio_filepath"} for key, row in whole.items()
    }


def test_other_shards_find_what_is_finished(tmp_path, resources):
    texts = write_texts(tmp_path / "texts.jsonl", *FIVE)
    run(tmp_path, texts, resources)
    run(tmp_path, texts, resources, shards=2, shard=2, output=tmp_path / "shard2of2.jsonl")
    assert asked(resources) == list(FIVE)


def test_only_changed_requests_are_spoken_again(tmp_path, resources):
    texts = write_texts(tmp_path / "texts.jsonl", "one", "three", "seven")
    run(tmp_path, texts, resources)
    write_texts(texts, "one", "four", "seven")
    run(tmp_path, texts, resources)
    assert asked(resources) == ["one", "three", "seven", "four"]


@pytest.mark.parametrize("harm", ["cut short", "deleted", "other weights", "other precision"])
def test_audio_that_is_not_what_would_be_made_is_made_again(tmp_path, resources, harm):
    texts = write_texts(tmp_path / "texts.jsonl", "one")
    run(tmp_path, texts, resources)
    audio = tmp_path / "audio" / "t0.flac"
    if harm == "cut short":
        audio.write_bytes(audio.read_bytes()[:-1])
    elif harm == "deleted":
        audio.unlink()
    elif harm == "other weights":
        (resources / "model.bin").write_bytes(b"better weights")
    changes = {"precision": "bf16"} if harm == "other precision" else {}
    run(tmp_path, texts, resources, **changes)
    assert asked(resources) == ["one", "one"]


def test_audio_without_an_entry_in_the_journal_does_not_count(tmp_path, resources):
    texts = write_texts(tmp_path / "texts.jsonl", "one")
    (tmp_path / "audio").mkdir()
    soundfile.write(tmp_path / "audio" / "t0.flac", np.full(1600, 0.5), 16_000)
    run(tmp_path, texts, resources)
    assert asked(resources) == ["one"]


def test_a_journal_line_that_was_cut_short_costs_one_utterance(tmp_path, resources):
    texts = write_texts(tmp_path / "texts.jsonl", "one", "three")
    first = run(tmp_path, texts, resources)
    journal = tmp_path / "audio" / ".journal" / "shard1of1.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    assert run(tmp_path, texts, resources) == first
    assert asked(resources) == ["one", "three", "three"]
    assert run(tmp_path, texts, resources) == first  # the mended journal is whole again
    assert asked(resources) == ["one", "three", "three"]


def start_humming(
    folder: Path, texts: Path, resources: Path, **changes: object
) -> subprocess.Popen:
    """Start a process that takes a tenth of a second for each batch."""
    code = """
import sys, humming, synthesize
sys.modules["engines.humming"] = humming
synthesize.ENGINES = ("humming",)
synthesize.main(sys.argv[1:])
"""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments(folder, texts, resources, **changes)],
        env=os.environ | {"HUMMING_PAUSE": "0.1", "PYTHONPATH": f"{ROOT}/scripts:{ROOT}/tests"},
        stderr=subprocess.DEVNULL,
    )


def test_killed_and_started_again_it_goes_on_and_the_result_is_the_same(tmp_path, resources):
    spoken = [f"utterance{i:02}" for i in range(12)]
    texts = write_texts(tmp_path / "texts.jsonl", *spoken)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = start_humming(killed, texts, resources)
    journal = killed / "audio" / ".journal" / "shard1of1.jsonl"
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 3):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    finished = [json.loads(line)["id"] for line in journal.read_bytes().splitlines()]
    assert 3 <= len(finished) < 12
    assert not (killed / "shard1of1.jsonl").exists()
    times = {name: (killed / "audio" / f"{name}.flac").stat().st_mtime_ns for name in finished}
    (resources / "asked.txt").unlink()
    run(killed, texts, resources)
    assert len(asked(resources)) == 12 - len(finished)
    for name, written in times.items():
        assert (killed / "audio" / f"{name}.flac").stat().st_mtime_ns == written
    run(whole, texts, resources)
    assert audio_of(killed) == audio_of(whole)
    manifest = (killed / "shard1of1.jsonl").read_text()
    assert manifest.replace("/killed/", "/whole/") == (whole / "shard1of1.jsonl").read_text()


def test_failures_are_written_down_with_their_reasons(tmp_path, resources):
    texts = write_texts(tmp_path / "texts.jsonl", "crash", "one", "silence", "unspeakable")
    found = run(tmp_path, texts, resources, max_failures=0.75)
    assert list(found) == ["t1"]
    failures = read_jsonl(tmp_path / "shard1of1.failures.jsonl", {"id": str, "reason": str})
    assert [(row["id"], row["reason"]) for row in failures] == [
        ("t0", "ZeroDivisionError: division by zero"),
        ("t2", "silence: 16000 samples, none above 0.001 of full scale"),
        ("t3", "no phonemes"),
    ]
    facts = json.loads((tmp_path / "shard1of1.jsonl.lineage.json").read_text())
    assert facts["counts"]["utterances"] == 1
    assert facts["counts"]["failures"] == 3


def test_too_many_failures_are_an_error_and_there_is_no_manifest(tmp_path, resources):
    texts = write_texts(tmp_path / "texts.jsonl", "one", "crash", "crash", "crash")
    with pytest.raises(InputError, match=r"3 of 4 .* 50% .*'t1': ZeroDivisionError"):
        run(tmp_path, texts, resources, max_failures=0.5)
    assert not (tmp_path / "shard1of1.jsonl").exists()
    assert len(read_jsonl(tmp_path / "shard1of1.failures.jsonl", {"id": str})) == 3


def test_one_utterance_may_fail_of_few_but_not_the_only_one(tmp_path, resources):
    texts = write_texts(tmp_path / "texts.jsonl", "crash", "one", "two")
    assert list(run(tmp_path, texts, resources, max_failures=0.05)) == ["t1", "t2"]
    with pytest.raises(InputError, match="1 of 3 .* 0% may"):
        run(tmp_path, texts, resources, max_failures=0)
    alone = write_texts(tmp_path / "alone.jsonl", "crash")
    with pytest.raises(InputError, match="1 of 1 .*max_failures of the TTS"):
        run(tmp_path, alone, resources, max_failures=0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"speed_range": "1.1 0.9"}, "lowest <= highest"),
        ({"samples_per_text": 0}, "'0'; give a whole number from 1 to 1000"),
        ({"shard": 3, "shards": 2}, "from 1 to --shards 2"),
        ({"shards": 6}, "5 texts for 6 shards"),
        ({"max_failures": 5}, "'5'; give a number from 0 to 1"),
        ({"voices": "ann,bob,ann"}, "'ann' stands there twice"),
        ({"batch_size": 0}, "'0'; give a whole number from 1 to 4096"),
    ],
)
def test_mistakes_are_told_before_the_engine_is_loaded(
    tmp_path, resources, monkeypatch, changes, message
):
    monkeypatch.setattr(humming, "load", lambda _: pytest.fail("the engine was loaded"))
    texts = write_texts(tmp_path / "texts.jsonl", *FIVE)
    argv = arguments(tmp_path, texts, resources, **changes)
    if "speed_range" in changes:
        argv[-1:] = argv[-1].split()
    with pytest.raises(InputError, match=message):
        synthesize.main(argv)
    assert not (tmp_path / "audio").exists()


def test_missing_texts_are_told(tmp_path, resources):
    with pytest.raises(InputError, match="nowhere.jsonl: no such file"):
        run(tmp_path, tmp_path / "nowhere.jsonl", resources)


def test_an_id_that_is_no_file_name_is_refused(tmp_path, resources):
    texts = tmp_path / "texts.jsonl"
    texts.write_text(json.dumps(texts_of("one")[0] | {"id": "../one"}))
    with pytest.raises(InputError, match=r"'\.\./one' is no file name"):
        run(tmp_path, texts, resources)


def test_samples_of_a_text_have_ids_and_voices_of_their_own():
    text = texts_of("one")[0]
    shuffled = shuffle(VOICES, "t0", seed=1)
    three = [request(text, k, 3, shuffled, (0.9, 1.1), seed=1) for k in (1, 2, 3)]
    assert [one.id for one in three] == ["t0-1", "t0-2", "t0-3"]
    assert len({one.voice for one in three}) == 3
    assert len({one.seed for one in three}) == 3
    assert len({one.speed for one in three}) == 3


def test_one_voice_more_changes_only_the_utterances_that_it_takes_over():
    texts = texts_of(*map(str, range(1000)))
    before = requests(texts, 1, 1, 1, VOICES, (1, 1), seed=1)
    after = requests(texts, 1, 1, 1, [*VOICES, "eve"], (1, 1), seed=1)
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert {one.voice for one in changed} == {"eve"}
    assert 150 < len(changed) < 250  # a fifth


def test_voices_and_speeds_are_drawn_evenly_and_by_the_seed():
    texts = texts_of(*map(str, range(1000)))
    drawn = requests(texts, 1, 1, 1, VOICES, (0.9, 1.1), seed=1)
    for voice in VOICES:
        assert 200 < sum(one.voice == voice for one in drawn) < 300
    assert np.mean([one.speed for one in drawn]) == pytest.approx(1.0, abs=0.01)
    assert np.std([one.speed for one in drawn]) == pytest.approx(0.2 / 12**0.5, abs=0.005)
    others = requests(texts, 1, 1, 1, VOICES, (0.9, 1.1), seed=2)
    assert sum(a.voice == b.voice for a, b in zip(drawn, others, strict=True)) < 350  # a quarter


def test_shards_part_the_texts():
    texts = texts_of(*FIVE)
    parts = [requests(texts, shard, 2, 1, VOICES, (1, 1), seed=1) for shard in (1, 2)]
    assert [[one.id for one in part] for part in parts] == [["t0", "t2", "t4"], ["t1", "t3"]]


def test_random_draws_from_all_voices_of_the_engine(tmp_path, resources):
    texts = write_texts(tmp_path / "texts.jsonl", *map(str, range(40)))
    assert run(tmp_path, texts, resources, voices="random") == run(tmp_path, texts, resources)
    with pytest.raises(InputError, match="'random' means all voices; give it alone"):
        run(tmp_path, texts, resources, voices="ann,random")


def test_a_batch_has_one_voice_texts_of_similar_length_and_everyone_once():
    texts = texts_of(*("a" * (number % 7 + 1) for number in range(100)))
    asked = requests(texts, 1, 1, 1, VOICES, (1, 1), seed=1)
    engine = humming.load(humming.Setup(Path("."), VOICES))
    made = utterances.batches(asked, engine, 4)
    assert all(len({one.voice for one in batch}) == 1 for batch in made)
    assert sum(len(batch) < 4 for batch in made) <= len(VOICES)
    assert max(len(batch) for batch in made) == 4
    lengths = [[len(one.spoken) for one in batch] for batch in made]
    assert sum(max(batch) - min(batch) for batch in lengths) <= 7 * len(VOICES)
    assert sorted(one.id for batch in made for one in batch) == sorted(one.id for one in asked)
    assert utterances.batches(asked, engine, 1) == [[one] for one in asked]


def test_a_fingerprint_is_of_the_whole_batch_and_of_the_place_in_it():
    one, other, third = (
        Request(f"t{i}", {"spoken": "same"}, "ann", 1.0, seed) for i, seed in enumerate((1, 1, 2))
    )
    first, second = utterances.fingerprints([one, other], "identity")
    assert first != second
    assert utterances.fingerprints([one, third], "identity")[0] != first
    assert utterances.fingerprints([one, other], "other")[0] != first
    assert utterances.fingerprints([other, one], "identity") == [first, second]  # ids don't sound


def test_batches_killed_and_started_again_give_the_same_bytes(tmp_path, resources):
    spoken = [f"utterance{i:02}" for i in range(12)]
    texts = write_texts(tmp_path / "texts.jsonl", *spoken)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = start_humming(killed, texts, resources, batch_size=3, voices="ann")
    journal = killed / "audio" / ".journal" / "shard1of1.jsonl"
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 4):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:4]))  # one batch is whole, of the second there is one
    (resources / "asked.txt").unlink()
    found = run(killed, texts, resources, batch_size=3, voices="ann")
    assert asked(resources) == spoken[3:]
    again = run(whole, texts, resources, batch_size=3, voices="ann")
    assert list(found) == list(again) == [f"t{i}" for i in range(12)]
    assert audio_of(killed) == audio_of(whole)


def test_another_batch_size_is_other_speech(tmp_path, resources):
    texts = write_texts(tmp_path / "texts.jsonl", "one", "three")
    run(tmp_path, texts, resources, voices="ann")
    first = audio_of(tmp_path)
    run(tmp_path, texts, resources, voices="ann", batch_size=2)
    assert all(first[name] != bytes_ for name, bytes_ in audio_of(tmp_path).items())


def test_what_befalls_a_batch_befalls_its_utterances_and_no_others(tmp_path, resources):
    texts = write_texts(tmp_path / "texts.jsonl", "one", "crash", "sixteen", "unspeakable")
    found = run(tmp_path, texts, resources, voices="ann", batch_size=2, max_failures=0.75)
    assert list(found) == ["t2"]
    failures = read_jsonl(tmp_path / "shard1of1.failures.jsonl", {"id": str, "reason": str})
    assert [(row["id"], row["reason"]) for row in failures] == [
        ("t0", "ZeroDivisionError: division by zero"),
        ("t1", "ZeroDivisionError: division by zero"),
        ("t3", "no phonemes"),
    ]


def test_what_an_engine_tells_the_user_is_no_failure_of_an_utterance(
    tmp_path, resources, monkeypatch
):
    def full(request, noise):
        raise InputError("the GPU's memory is full; lower --batch-size")

    monkeypatch.setattr(humming, "hum", full)
    texts = write_texts(tmp_path / "texts.jsonl", "one")
    with pytest.raises(InputError, match="lower --batch-size"):
        run(tmp_path, texts, resources, max_failures=1)


def test_speech_that_was_cut_off_is_marked(tmp_path, resources):
    texts = write_texts(tmp_path / "texts.jsonl", "endless", "one")
    found = run(tmp_path, texts, resources)
    assert [row["capped"] for row in found.values()] == [True, False]
    facts = json.loads((tmp_path / "shard1of1.jsonl.lineage.json").read_text())
    assert facts["counts"]["capped"] == 1


def test_an_engine_without_speeds_draws_none_and_is_asked_for_none(tmp_path, resources):
    mute = resources.rename(tmp_path / "mute")
    texts = write_texts(tmp_path / "texts.jsonl", "one")
    assert run(tmp_path, texts, mute)["t0"]["speed"] == 1
    argv = arguments(tmp_path, texts, mute)
    synthesize.main([*argv, "--speed-range", "1", "1"])
    with pytest.raises(InputError, match="engine humming can't change its speed"):
        synthesize.main([*argv, "--speed-range", "0.9", "1.1"])


def test_an_engine_s_code_counts_for_that_engine_alone(tmp_path, monkeypatch):
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    for path in (one, other):
        path.write_text("VALUE = 1\n")
    for path in (one, other):
        module = type(sys)(path.stem)
        module.__file__ = str(path)
        monkeypatch.setitem(sys.modules, f"engines.{path.stem}", module)
    before = synthesize.code_of("one"), synthesize.code_of("other")
    one.write_text("VALUE = 2\n")
    assert synthesize.code_of("one") != before[0]
    assert synthesize.code_of("other") == before[1]


def test_progress_says_how_fast_and_how_long_and_leaves_out_what_was_there():
    assert progress(30, 50, 10, 4.0) == (
        "30/50 utterances, 5.0 a second, 4 s left (10 were there already)"
    )
