"""Augmentation: what each kind does in numbers, what is drawn, the same bytes however it is run."""

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

import augment
from augmentations import drawing
from augmentations.channel import BANDS, measure
from augmentations.effects import (
    add_noise,
    band_pass,
    change_speed,
    excerpt,
    reverberate,
    rms,
    simulated_room,
    telephone,
    white_noise,
)
from augmentations.settings import read_settings
from conftest import ROOT
from errors import InputError
from files.audio import load_audio, save_audio
from files.manifest import read_manifest, write_jsonl

RATE = 16_000
ALL = {"speed": {}, "room": {}, "noise": {}, "telephone": {}}


def sine(frequency: float, rate: int = RATE, amplitude: float = 0.5) -> np.ndarray:
    """A second of a tone."""
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(rate) / rate)).astype(np.float32)


def level(waveform: np.ndarray, frequency: float, rate: int = RATE) -> float:
    """The amplitude of a sine of a frequency (Hz) in a waveform."""
    turns = np.exp(-2j * np.pi * frequency * np.arange(len(waveform)) / rate)
    return 2 * abs((waveform * turns).mean())


def words(seed: int, seconds: float = 1.0) -> np.ndarray:
    """Noise with a pause after every quarter of a second, as speech has."""
    noise = 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (noise * (np.arange(len(noise)) // 2_000 % 2)).astype(np.float32)


def power_ratio(mix: np.ndarray, clean: np.ndarray) -> float:
    """The SNR in dB of a mix whose clean part is known but for a factor."""
    part = clean * (mix @ clean) / (clean @ clean)
    return 20 * np.log10(rms(part) / rms(mix - part))


# What each kind does


def test_half_the_speed_is_twice_as_long_and_an_octave_lower():
    slow = change_speed(sine(1000), 0.5)
    assert len(slow) == 32_000
    assert level(slow, 500) == pytest.approx(0.5, rel=0.02)
    assert np.array_equal(change_speed(sine(1000), 1.0), sine(1000))


@pytest.mark.parametrize("delay", [0, 300])
def test_a_room_that_answers_with_one_impulse_changes_nothing(delay):
    response = np.zeros(1_000, np.float32)
    response[delay] = 0.25  # the direct sound, however late and soft
    assert np.abs(reverberate(words(1), response) - words(1)).max() < 1e-5


def test_an_echo_comes_when_it_should_and_the_end_does_not_echo_in_the_beginning():
    speech = np.zeros(16_000, np.float32)
    speech[[8_000, 15_990]] = 1
    response = np.zeros(1_001, np.float32)
    response[[0, 1_000]] = 1, 0.5
    heard = reverberate(speech, response)
    assert np.flatnonzero(np.abs(heard) > 1e-3).tolist() == [8_000, 9_000, 15_990]
    assert heard[9_000] / heard[8_000] == pytest.approx(0.5, abs=1e-4)


def test_speech_in_a_room_is_as_long_and_as_loud_as_before():
    heard = reverberate(words(1), simulated_room(0.5, 3, seed=1))
    assert len(heard) == 16_000
    assert rms(heard) == pytest.approx(rms(words(1)), rel=1e-4)


def test_a_simulated_room_decays_by_60_db_in_its_rt60_and_has_its_direct_to_reverberant_ratio():
    response = simulated_room(0.4, 6, seed=1).astype(float)
    assert response[0] == 1 and len(response) == 6_400
    energy = response[1:] ** 2
    assert 10 * np.log10(1 / energy.sum()) == pytest.approx(6, abs=0.01)
    first, last = energy[:640].mean(), energy[-640:].mean()  # 0.36 s apart: 54 of the 60 dB
    assert 10 * np.log10(first / last) == pytest.approx(54, abs=1)


@pytest.mark.parametrize("snr", [-5, 0, 12.5])
def test_noise_has_the_ratio_that_was_asked_for(snr):
    mix = add_noise(words(1), words(2), snr)
    assert power_ratio(mix, words(1)) == pytest.approx(snr, abs=0.2)
    assert rms(mix) <= rms(words(1)) * 1.01


def test_an_excerpt_of_a_noise_is_as_long_as_asked_and_has_no_digital_silence():
    noise = np.concatenate([np.zeros(3_200), np.arange(1, 961), np.zeros(320)])
    assert excerpt(noise, 4, 0).tolist() == [1, 2, 3, 4]
    assert excerpt(noise, 4, 0.999999).tolist() == [957, 958, 959, 960]
    assert excerpt(noise, 962, 0.5).tolist()[-3:] == [960, 1, 2]


@pytest.mark.parametrize(("frequency", "expected"), [(100, 0), (1000, 0.5), (3900, 0)])
def test_band_pass_keeps_what_a_telephone_carries(frequency, expected):
    passed = band_pass(sine(frequency, 8_000), 8_000, 300, 3_400)
    assert level(passed, frequency, 8_000) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("codec", ["gsm", "mu-law", "a-law"])
@pytest.mark.parametrize("length", [16_000, 15_999])
def test_telephone_speech_is_as_long_as_it_was_and_has_no_bass_and_no_treble(codec, length):
    clear = (sine(150, amplitude=0.2) + sine(1000) + sine(6000, amplitude=0.2))[:length]
    heard = telephone(clear, codec)
    assert len(heard) == length
    assert level(heard, 1000) == pytest.approx(0.5, rel=0.2)
    assert level(heard, 150) < 0.01
    assert level(heard, 6000) < 0.01


def test_nothing_is_left_of_noise_above_the_telephone_band():
    heard = np.abs(np.fft.rfft(telephone(white_noise(RATE, 1) * np.float32(0.1), "a-law"))) ** 2
    assert heard[3_600:].sum() < 0.01 * heard.sum()  # 1 Hz each


@pytest.mark.parametrize("codec", ["gsm", "mu-law", "a-law"])
def test_an_overloaded_telephone_does_not_wrap_around(codec):
    loud = sine(1000, amplitude=1.3)
    heard = telephone(loud, codec)
    assert power_ratio(heard, np.clip(loud, -1, 1)) > 10


def test_the_codecs_differ_and_each_is_audible():
    heard = {codec: telephone(words(1), codec) for codec in ("gsm", "mu-law", "a-law")}
    assert len({waveform.tobytes() for waveform in heard.values()}) == 3
    # G.711's two laws are near each other (37 dB), GSM's 13 kbit/s is not
    assert (
        power_ratio(heard["a-law"], heard["mu-law"])
        > 25
        > power_ratio(heard["gsm"], heard["mu-law"])
    )


# The command


@pytest.fixture
def speech(tmp_path) -> Path:
    """A manifest of twelve utterances of a second."""
    rows = [
        {
            "id": f"u{i:02}",
            "audio_filepath": str(tmp_path / "clean" / f"u{i:02}.flac"),
            "duration": save_audio(tmp_path / "clean" / f"u{i:02}.flac", words(i)),
            "text": f"text {i}",
            "speaker": "hum:ann",
            "domain": "music",
            "sha256": "of the clean file",
        }
        for i in range(12)
    ]
    write_jsonl(tmp_path / "clean.jsonl", rows)
    return tmp_path / "clean.jsonl"


def arguments(speech: Path, name: str, settings: object, **changes: object) -> list[str]:
    folder = speech.parent / name
    options = {
        "manifest": speech,
        "settings": settings if isinstance(settings, str) else json.dumps(settings),
        "seed": 1,
        "audio_dir": folder / "audio",
        "output": folder / "augmented.jsonl",
    } | changes
    return [part for k, v in options.items() for part in (f"--{k.replace('_', '-')}", str(v))]


def run(speech: Path, name: str, settings: object, **changes: object) -> list[dict]:
    """Augment; return the rows of the manifest."""
    augment.main(arguments(speech, name, settings, **changes))
    return read_manifest(speech.parent / name / "augmented.jsonl")


def audio_of(rows: list[dict]) -> dict[str, bytes]:
    return {row["id"]: Path(row["audio_filepath"]).read_bytes() for row in rows}


def lineage(speech: Path, name: str) -> dict:
    return json.loads((speech.parent / name / "augmented.jsonl.lineage.json").read_text())


def counts(speech: Path, name: str) -> dict:
    return lineage(speech, name)["counts"]


def resumed(speech: Path, name: str) -> int:
    return lineage(speech, name)["run"]["resumed"]


def test_without_a_kind_the_samples_are_the_same(speech):
    rows = run(speech, "off", {})
    for row, clean in zip(rows, read_manifest(speech), strict=True):
        assert row["augmentation"] == {}
        assert row["audio_filepath"] != clean["audio_filepath"]
        assert np.array_equal(
            load_audio(row["audio_filepath"]), load_audio(clean["audio_filepath"])
        )
    assert counts(speech, "off")["untouched"] == 12


def test_the_manifest_keeps_ids_order_and_texts_and_says_what_was_done(speech):
    rows = run(speech, "all", ALL)
    for row, clean in zip(rows, read_manifest(speech), strict=True):
        assert [row[key] for key in ("id", "text", "speaker", "domain")] == [
            clean[key] for key in ("id", "text", "speaker", "domain")
        ]
        done = row["augmentation"]
        assert list(done) == ["speed", "room", "noise", "telephone"]
        assert 0.9 <= done["speed"] <= 1.1
        assert 0.2 <= done["room"]["rt60"] <= 0.8 and 0 <= done["room"]["drr"] <= 12
        assert 0 <= done["noise"]["snr"] <= 20
        assert done["telephone"] in ("gsm", "mu-law", "a-law")
        assert row["duration"] == soundfile.info(row["audio_filepath"]).duration
        assert row["duration"] == pytest.approx(1 / done["speed"], abs=1e-3)
        assert row["sha256"] == augment.sha256(row["audio_filepath"])
    assert counts(speech, "all") == {
        "utterances": 12,
        "duration": pytest.approx(sum(row["duration"] for row in rows), abs=1e-3),
        "untouched": 0,
        "speed": 12,
        "room": 12,
        "noise": 12,
        "telephone": 12,
        "like_source": 0,
    }


def test_the_snr_in_the_file_is_the_one_in_the_manifest(speech):
    for row in run(speech, "noisy", {"noise": {"snr": [3, 15]}}):
        clean = load_audio(speech.parent / "clean" / f"{row['id']}.flac")
        heard = power_ratio(load_audio(row["audio_filepath"]), clean)
        assert heard == pytest.approx(row["augmentation"]["noise"]["snr"], abs=0.5)


def test_kinds_come_as_often_as_their_probabilities_say():
    settings = read_settings('{"speed": {"probability": 0.3}, "telephone": {}}')
    drawn = [
        drawing.draw({"id": f"u{i}", "duration": 1}, 1, settings, {}, 1, 30) for i in range(2_000)
    ]
    assert sum("speed" in one for one in drawn) == pytest.approx(600, abs=60)
    speeds = [one["speed"] for one in drawn if "speed" in one]
    assert np.mean(speeds) == pytest.approx(1, abs=0.01)
    assert np.std(speeds) == pytest.approx(0.2 / 12**0.5, rel=0.1)
    codecs = [one["telephone"] for one in drawn]
    assert all(codecs.count(codec) == pytest.approx(667, abs=70) for codec in set(codecs))
    assert not any("room" in one or "noise" in one for one in drawn)


def test_what_is_drawn_for_one_kind_does_not_depend_on_the_others():
    utterance = {"id": "u", "duration": 1}
    some, more = (
        drawing.draw(utterance, 1, read_settings(text), {}, 1, 30)
        for text in ('{"noise": {}}', '{"noise": {}, "room": {}, "speed": {}}')
    )
    assert some["noise"] == more["noise"]


def test_slow_speech_still_fits():
    settings = read_settings('{"speed": {"factor": [0.5, 0.5]}}')
    utterance = {"id": "u", "duration": 27.0}
    assert drawing.draw(utterance, 1, settings, {}, 1, 30.0) == {"speed": 0.9}
    assert drawing.draw(utterance, 1, settings, {}, 1, 60.0) == {"speed": 0.5}


def test_order_jobs_and_company_do_not_matter_and_the_seed_does(speech):
    first = audio_of(run(speech, "first", ALL))
    backwards = speech.parent / "backwards.jsonl"
    write_jsonl(backwards, reversed(read_manifest(speech)[:7]))
    rows = run(backwards, "threads", ALL, jobs=3)
    assert [row["id"] for row in rows] == [f"u{i:02}" for i in range(6, -1, -1)]
    assert audio_of(rows) == {name: first[name] for name in audio_of(rows)}
    other = audio_of(run(speech, "other", ALL, seed=2))
    assert all(other[name] != first[name] for name in first)


def test_killed_and_started_again_it_goes_on_and_the_result_is_the_same(speech):
    killed = speech.parent / "killed" / "audio"
    process = subprocess.Popen(
        [sys.executable, ROOT / "scripts" / "augment.py", *arguments(speech, "killed", ALL)],
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 60
    while len(finished := list(killed.glob("u*.flac"))) < 3:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (speech.parent / "killed" / "augmented.jsonl").exists()
    times = {path: path.stat().st_mtime_ns for path in finished}
    rows = run(speech, "killed", ALL)
    assert {path: path.stat().st_mtime_ns for path in finished} == times
    assert 3 <= resumed(speech, "killed") < 12
    whole = run(speech, "whole", ALL)
    assert audio_of(rows) == audio_of(whole)
    assert [row | {"audio_filepath": ""} for row in rows] == [
        row | {"audio_filepath": ""} for row in whole
    ]


def test_only_what_changed_is_made_again(speech):
    run(speech, "again", ALL)
    save_audio(speech.parent / "clean" / "u03.flac", words(99))
    run(speech, "again", ALL)
    assert resumed(speech, "again") == 11
    run(speech, "again", ALL | {"speed": {"factor": [0.8, 0.8]}})
    assert resumed(speech, "again") == 0


def test_copies_have_ids_and_draws_of_their_own_and_the_clean_one_may_stay(speech):
    rows = run(speech, "copies", {"noise": {}, "copies": 2, "keep_clean": True})
    assert [row["id"] for row in rows[:4]] == ["u00", "u00-augmented1", "u00-augmented2", "u01"]
    assert rows[0] == read_manifest(speech)[0] | {"augmentation": {}}
    assert rows[1]["augmentation"]["noise"] != rows[2]["augmentation"]["noise"]
    assert len(rows) == 36 and counts(speech, "copies")["untouched"] == 12


def test_noises_and_rooms_are_taken_from_folders(speech):
    noises, rooms = speech.parent / "noises", speech.parent / "rooms"
    tones = {"low/a.wav": 500, "b.FLAC": 2_000}
    for name, frequency in tones.items():
        (noises / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(noises / name, sine(frequency, 8_000), 8_000, format=name[-4:].strip("."))
    (noises / "readme.txt").write_text("no sound")
    rooms.mkdir()
    first, second = np.eye(2, 600)[0], np.eye(600)[400]  # two microphones: only the first counts
    soundfile.write(rooms / "room.wav", np.stack([first, second], axis=1), RATE)
    settings = {"noise": {"snr": [0, 0]}, "room": {}}
    rows = run(speech, "folders", settings, noises=noises, rooms=rooms)
    assert {row["augmentation"]["room"]["file"] for row in rows} == {"room.wav"}
    assert {row["augmentation"]["noise"]["file"] for row in rows} == set(tones)
    for row in rows:
        clean = load_audio(speech.parent / "clean" / f"{row['id']}.flac")
        heard = load_audio(row["audio_filepath"])
        assert power_ratio(heard, clean) == pytest.approx(0, abs=0.5)
        loudest = np.argmax(np.abs(np.fft.rfft(heard)))
        assert loudest == tones[row["augmentation"]["noise"]["file"]]  # s, so bins are Hz
    read = {str(noises / name) for name in tones} | {str(rooms / "room.wav")}
    assert read < set(lineage(speech, "folders")["inputs"])
    soundfile.write(noises / "b.FLAC", sine(3_000), RATE, format="FLAC")
    run(speech, "folders", settings, noises=noises, rooms=rooms)
    kept = sum(row["augmentation"]["noise"]["file"] == "low/a.wav" for row in rows)
    assert resumed(speech, "folders") == kept


NARROW = [0.0] * 16 + [-99.0] * 4  # of the 20 bands the last four are above 3.6 kHz
CALLS = {  # what three recordings are like
    "faint": {"snr": 40.0, "level": -40.0, "sampling_rate": 8_000}
    | {"speech": NARROW, "noise": NARROW},
    "loud": {"snr": 10.0, "level": -15.0, "sampling_rate": 16_000},
    "clear": {"snr": 60.0, "level": -20.0, "sampling_rate": 16_000},
}


def write_channels(speech: Path, calls: dict[str, dict]) -> Path:
    """Write a file of channels: white speech, white noise, and the values of some recordings."""
    white = {"speech": [0.0] * len(BANDS), "noise": [0.0] * len(BANDS)}
    path = speech.parent / "channels.jsonl"
    write_jsonl(path, [{"id": name} | white | values for name, values in calls.items()])
    return path


def test_an_utterance_gets_all_values_of_one_of_the_sources_recordings(speech):
    rows = run(speech, "like", {"like_source": {}}, channels=write_channels(speech, CALLS))
    drawn = {row["id"]: row["augmentation"]["like_source"] for row in rows}
    assert {each["recording"] for each in drawn.values()} == set(CALLS)
    for row in rows:
        like = drawn[row["id"]]
        heard = measure(load_audio(row["audio_filepath"]))
        for kind in ("snr", "level", "sampling_rate"):
            assert like["channel"][kind] == CALLS[like["recording"]][kind]
            assert getattr(heard, kind) == pytest.approx(like["channel"][kind], abs=1.5)
    record = lineage(speech, "like")
    assert record["counts"]["like_source"] == 12
    assert record["parameters"]["settings"]["like_source"] == {"probability": 1.0}
    assert str(speech.parent / "channels.jsonl") in record["inputs"]


def test_like_source_is_drawn_by_seed_and_id_and_made_again_where_the_recording_is_another(speech):
    settings = {"like_source": {}}
    first = run(speech, "one", settings, channels=write_channels(speech, CALLS))
    threads = run(speech, "two", settings, channels=speech.parent / "channels.jsonl", jobs=3)
    assert audio_of(first) == audio_of(threads)
    kept = sum(row["augmentation"]["like_source"]["recording"] != "loud" for row in first)
    louder = CALLS | {"loud": CALLS["loud"] | {"level": -14.0}}
    run(speech, "one", settings, channels=write_channels(speech, louder))
    assert 0 < kept < 12 and resumed(speech, "one") == kept


def test_like_source_comes_with_recordings_and_they_with_it(speech):
    for settings, options in (
        ({"like_source": {}}, {}),
        ({"noise": {}}, {"channels": write_channels(speech, CALLS)}),
    ):
        with pytest.raises(InputError, match="--channels is for like_source of the settings"):
            run(speech, "wrong", settings, **options)
    assert not (speech.parent / "wrong").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("{", "not JSON"),
        ([], "is not a JSON object"),
        ({"nosie": {}}, "unknown key 'nosie'; did you mean 'noise'"),
        ({"noise": {"sn": [0, 1]}}, "noise: unknown key 'sn'; did you mean 'snr'"),
        (
            {"noise": {"probability": 50}},
            "noise: probability: 50; give a number, at least 0, at most",
        ),
        ({"noise": {"snr": [20, 0]}}, r"noise: snr: \[20, 0\]; give \[lowest, highest\]"),
        ({"noise": {"snr": 10}}, "noise: snr: 10; "),
        ({"speed": {"factor": [0.1, 1]}}, "at least 0.5, at most 2"),
        ({"telephone": {"codecs": ["mp3"]}}, "some of gsm, mu-law, a-law"),
        ({"telephone": {"codecs": []}}, "some of gsm, mu-law, a-law"),
        ({"copies": 0}, "copies: 0; give a whole number, at least 1"),
        ({"keep_clean": 1}, "keep_clean: 1; give true or false"),
    ],
)
def test_settings_that_cannot_be_right_are_told(speech, settings, message):
    with pytest.raises(InputError, match=message):
        run(speech, "wrong", settings)
    assert not (speech.parent / "wrong").exists()


def test_folders_that_are_missing_empty_or_unused_are_told(speech):
    (speech.parent / "empty").mkdir()
    for folder, settings, message in (
        ("nowhere", {"noise": {}}, "--noises .*nowhere: no such folder"),
        ("empty", {"noise": {}}, "--noises .*empty: no .wav or .flac file"),
        ("empty", {"room": {}}, "the settings do not name 'noise'"),
    ):
        with pytest.raises(InputError, match=message):
            run(speech, "wrong", settings, noises=speech.parent / folder)


def test_failures_name_the_utterance_and_the_file(speech):
    rooms = speech.parent / "rooms"
    rooms.mkdir()
    (rooms / "broken.wav").write_bytes(b"no sound")
    with pytest.raises(InputError, match="utterance 'u00': .*broken.wav: not readable as audio"):
        run(speech, "wrong", {"room": {}}, rooms=rooms)
    soundfile.write(rooms / "broken.wav", np.zeros(100), RATE)
    with pytest.raises(InputError, match="utterance 'u00': .*broken.wav: .*digital silence"):
        run(speech, "wrong", {"room": {}}, rooms=rooms)
    assert not (speech.parent / "wrong" / "augmented.jsonl").exists()


def test_missing_audio_and_audio_that_does_not_fit_are_told_at_once(speech):
    with pytest.raises(InputError, match="12 utterances are longer than the window of 0.5 s"):
        run(speech, "wrong", ALL, max_duration=0.5)
    (speech.parent / "clean" / "u05.flac").unlink()
    with pytest.raises(InputError, match="the audio of 1 utterances is missing.*'u05'"):
        run(speech, "wrong", ALL)
    assert not (speech.parent / "wrong").exists()


def test_a_mix_that_is_too_loud_is_turned_down_and_not_clipped(speech):
    loud = np.sign(sine(100)) * np.float32(0.9)
    room = {"room": {"rt60": 0.8, "drr": -5, "seed": 1}}
    heard = augment.augment(loud, room, {})
    assert np.abs(heard).max() == pytest.approx(1)
    assert np.abs(reverberate(loud, simulated_room(**room["room"]))).max() > 1.2
