"""Synthesis: what is drawn, sharding, the journal, failures, engines, augmentation."""

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

import engines
import synthesize
from augmentation import AUGMENTATIONS, band_pass, gsm, mu_law
from conftest import ROOT
from engines import ENGINES, Engine, Unspeakable, halves, phonemize, token_ids
from errors import InputError
from manifest import read_jsonl, read_manifest
from synthesize import request, requests

VOICES = ["ann", "bob", "cyd", "dan"]


def fake(resources: Path, voices: list[str], threads: int) -> Engine:
    """An engine that hums a tenth of a second for each letter and notes what it was asked."""
    pause = float(os.environ.get("FAKE_PAUSE", "0"))

    def speak(text: str, voice: str, speed: float, seed: int) -> tuple[np.ndarray, int]:
        with (resources / "asked.txt").open("a") as file:
            file.write(f"{text}\n")
        time.sleep(pause)
        if text == "crash":
            raise ZeroDivisionError("division by zero")
        if text == "silence":
            return np.zeros(8_000, np.float32), 8_000
        if text == "unspeakable":
            raise Unspeakable("no phonemes")
        seconds = np.arange(round(800 * len(text) / speed)) / 8_000
        noise = np.random.default_rng(seed).normal(0, 0.01, len(seconds))
        hum = np.sin(2 * np.pi * (100 + 50 * VOICES.index(voice)) * seconds)
        return (0.3 * hum + noise).astype(np.float32), 8_000

    return Engine(speak, [resources / "model.bin"], {"fake": "1"})


@pytest.fixture(autouse=True)
def fake_engine(monkeypatch):
    monkeypatch.setitem(ENGINES, "fake", fake)


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
        "engine": "fake",
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
    return {path.name: path.read_bytes() for path in sorted((folder / "audio").glob("*.flac"))}


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
    assert facts["counts"]["resumed"] == 5


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


@pytest.mark.parametrize("harm", ["cut short", "deleted", "other weights", "other augmentation"])
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
    changes = {"augmentation": "telephone"} if harm == "other augmentation" else {}
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


def test_killed_and_started_again_it_goes_on_and_the_result_is_the_same(tmp_path, resources):
    spoken = [f"utterance{i:02}" for i in range(12)]
    texts = write_texts(tmp_path / "texts.jsonl", *spoken)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    code = "import test_synthesize as t, synthesize, sys; t.ENGINES['fake'] = t.fake;"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code} synthesize.main(sys.argv[1:])"]
        + arguments(killed, texts, resources),
        env=os.environ | {"FAKE_PAUSE": "0.1", "PYTHONPATH": f"{ROOT}/scripts:{ROOT}/tests"},
        stderr=subprocess.DEVNULL,
    )
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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"speed_range": "1.1 0.9"}, "lowest <= highest"),
        ({"samples_per_text": 0}, "at least 1"),
        ({"shard": 3, "shards": 2}, "from 1 to --shards 2"),
        ({"shards": 6}, "5 texts for 6 shards"),
        ({"max_failures": 5}, "a fraction"),
        ({"voices": "ann,bob,ann"}, "'ann' stands there twice"),
    ],
)
def test_mistakes_are_told_before_the_engine_is_loaded(
    tmp_path, resources, monkeypatch, changes, message
):
    monkeypatch.setitem(ENGINES, "fake", lambda *_: pytest.fail("the engine was loaded"))
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
    three = [request(text, k, 3, VOICES, (0.9, 1.1), seed=1) for k in (1, 2, 3)]
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


def test_progress_says_how_fast_and_how_long_and_leaves_out_what_was_there():
    assert synthesize.progress(30, 50, 10, 4.0) == (
        "30/50 utterances, 5.0 a second, 4 s left (10 were there already)"
    )


def test_long_texts_are_cut_at_the_sentence_nearest_the_middle():
    assert halves("One. Two, two. Three") == ("One. Two, two.", "Three")
    assert halves("one, two three four") == ("one,", "two three four")
    assert halves("one two three four") == ("one two", "three four")


def test_pieces_are_short_enough_and_miss_nothing(monkeypatch):
    monkeypatch.setattr(engines, "MAX_PHONEMES", 9)
    assert phonemize("One. Two. Three, four. Five.", str.lower) == [
        "one. two.",
        "three,",
        "four.",
        "five.",
    ]
    with pytest.raises(Unspeakable, match="too long"):
        phonemize("abcdefghij", str.lower)
    with pytest.raises(Unspeakable, match="no phonemes"):
        phonemize("...", lambda text: " ")


def test_phonemes_that_the_model_does_not_know_are_not_left_out():
    assert token_ids("ab", {"a": 5, "b": 6}) == [0, 5, 6, 0]
    with pytest.raises(Unspeakable, match="vocabulary: ! \\?"):
        token_ids("a!b?", {"a": 5, "b": 6})


def level(waveform: np.ndarray, frequency: float, rate: int) -> float:
    """The amplitude of a sine of a frequency (Hz) in a waveform."""
    turns = np.exp(-2j * np.pi * frequency * np.arange(len(waveform)) / rate)
    return 2 * abs((waveform * turns).mean())


def sine(frequency: float, rate: int, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(rate) / rate)).astype(np.float32)


@pytest.mark.parametrize(("frequency", "expected"), [(100, 0), (1000, 0.5), (3900, 0)])
def test_band_pass_keeps_what_a_telephone_carries(frequency, expected):
    passed = band_pass(sine(frequency, 8_000), 8_000, 300, 3_400)
    assert level(passed, frequency, 8_000) == pytest.approx(expected, abs=1e-3)


def test_mu_law_has_255_steps_and_errs_by_a_thirtieth_at_most():
    values = np.linspace(-1, 1, 100_001, dtype=np.float32)
    coded = mu_law(values)
    assert len(np.unique(coded)) == 255
    assert np.abs(coded[[0, 50_000, -1]] - [-1, 0, 1]).max() < 1e-6
    loud = np.abs(values) > 0.1
    assert np.abs(coded[loud] / values[loud] - 1).max() < 1 / 30


def test_gsm_keeps_the_length_and_a_tone():
    coded = gsm(sine(1000, 8_000)[:7_777], 8_000)
    assert len(coded) == 7_777
    assert level(coded, 1000, 8_000) == pytest.approx(0.5, rel=0.2)


@pytest.mark.parametrize("seed", [0, 1])
def test_telephone_speech_is_as_long_as_it_was_and_has_no_bass_and_no_treble(seed):
    clear = sine(150, 16_000, 0.2) + sine(1000, 16_000) + sine(6000, 16_000, 0.2)
    heard = AUGMENTATIONS["telephone"](clear, 16_000, seed)
    assert len(heard) == len(clear)
    assert level(heard, 1000, 16_000) == pytest.approx(0.5, rel=0.2)
    assert level(heard, 150, 16_000) < 0.01
    assert level(heard, 6000, 16_000) < 0.01
    assert np.array_equal(heard, AUGMENTATIONS["telephone"](clear, 16_000, seed))


def pitch(waveform: np.ndarray, rate: int) -> float:
    """The median pitch of speech in Hz, by autocorrelation of its loud 40 ms frames."""
    frames = waveform[: len(waveform) // 960 * 960].reshape(-1, 960)
    frames = frames[(frames**2).mean(axis=1) > 0.2 * (frames**2).mean(axis=1).max()]
    lags = np.arange(rate // 400, rate // 60)
    found = [lags[np.argmax([(f[:-lag] * f[lag:]).mean() for lag in lags])] for f in frames]
    return rate / np.median(found)


@pytest.fixture(scope="module")
def hibari() -> Engine:
    package = pytest.importorskip("hibari", reason="needs the package hibari-tts")
    assets = Path(package.__file__).parent / "assets"
    return ENGINES["hibari"](assets, ["heart", "heart_baritone"], 1)


def test_hibari_says_the_same_again_whatever_was_asked_before(hibari):
    first, rate = hibari.speak("Good morning.", "heart", 1.0, 7)
    hibari.speak("Something else.", "heart_baritone", 1.1, 8)
    again, _ = hibari.speak("Good morning.", "heart", 1.0, 7)
    assert rate == 24_000
    assert np.array_equal(first, again)
    assert not np.array_equal(first, hibari.speak("Good morning.", "heart", 1.0, 8)[0])


def test_hibari_bends_the_pitch_and_not_the_duration(hibari):
    text = "We were away a year ago."
    her, rate = hibari.speak(text, "heart", 1.0, 1)
    baritone, _ = hibari.speak(text, "heart_baritone", 1.0, 1)
    assert len(baritone) / len(her) == pytest.approx(1, abs=0.1)  # 1 / 0.86 if not made up for
    assert pitch(baritone, rate) / pitch(her, rate) == pytest.approx(0.58, abs=0.06)
    slow, _ = hibari.speak(text, "heart", 0.5, 1)
    assert len(slow) / len(her) == pytest.approx(2, rel=0.15)


def test_an_unknown_voice_and_a_missing_model_are_told(tmp_path):
    with pytest.raises(InputError, match="no voice 'hart'; there are heart, "):
        ENGINES["hibari"](tmp_path, ["hart"], 1)
    with pytest.raises(InputError, match="hibari.onnx: no such file"):
        ENGINES["hibari"](tmp_path, ["heart"], 1)
    with pytest.raises(InputError, match="no voice 'af_heart'; there are none"):
        ENGINES["kokoro"](tmp_path, ["af_heart+am_puck"], 1)


def test_kokoro_speaks_with_voices_and_between_them():
    resources = os.environ.get("KOKORO_RESOURCES")
    if not resources:
        pytest.skip("set KOKORO_RESOURCES to a fetched resources/kokoro to try the real engine")
    voices = ["af_heart", "am_puck", "af_heart+am_puck", "bf_emma"]
    engine = ENGINES["kokoro"](Path(resources), voices, 1)
    spoken = [engine.speak("Good morning.", voice, 1.0, 1)[0] for voice in voices]
    assert len({one.tobytes() for one in spoken}) == 4
    assert all(0.5 < len(one) / 24_000 < 3 for one in spoken)
    again, _ = engine.speak("Good morning.", "af_heart", 1.0, 1)
    assert np.array_equal(again, spoken[0])
