"""A bad telephone line: its band, noise and level, what is drawn, and what prepare makes of it."""

import json
from pathlib import Path

import numpy as np
import pytest

import prepare
from augmentations.bad_line import HISS, PEAK, SNR, TALKERS, bad_line, draw_line, in_band, unit
from augmentations.effects import rms
from errors import InputError
from files.audio import SAMPLING_RATE, load_audio, save_audio
from files.manifest import read_manifest, write_jsonl

WORDS = "ash birch cedar elm fir hazel ivy larch maple oak".split()  # noqa: SIM905


def hum(*frequencies: float, seconds: float = 1.0) -> np.ndarray:
    """Tones together, each of amplitude 0.1."""
    times = np.arange(round(seconds * SAMPLING_RATE)) / SAMPLING_RATE
    return sum(0.1 * np.sin(2 * np.pi * f * times) for f in frequencies).astype(np.float32)


def spectrum(waveform: np.ndarray) -> np.ndarray:
    """The power at each frequency, of a second in Hz."""
    return np.abs(np.fft.rfft(waveform, SAMPLING_RATE)) ** 2


def ratio(waveform: np.ndarray) -> float:
    """What is at 1,000 Hz, in dB above all else."""
    power = spectrum(waveform)
    speech = power[998:1003].sum()
    return float(10 * np.log10(speech / (power.sum() - speech)))


TALK = [hum(500), hum(900), hum(1300), hum(1700)]  # Hz


def test_nothing_is_left_of_what_is_outside_of_the_telephones_band():
    speech = hum(120, 1000, 5000)
    power = spectrum(bad_line(speech, TALK, 20.0, seed=1))
    assert len(bad_line(speech, TALK, 20.0, seed=1)) == len(speech)
    assert power[:250].sum() + power[3_450:].sum() < 1e-3 * power.sum()
    assert power[1000] > 0.9 * power.sum()


@pytest.mark.parametrize("snr", [12.0, 25.0])
def test_talkers_and_hiss_together_are_as_far_below_the_speech_as_was_asked(snr: float):
    """What of the speech is below the band counts for nothing."""
    assert ratio(bad_line(hum(120, 1000), TALK, snr, seed=1)) == pytest.approx(snr, abs=0.5)


def test_on_a_quiet_line_the_noise_of_the_codec_is_left():
    """That of mu-law is about 38 dB below speech of any level (ITU-T G.711)."""
    tone = hum(1001)  # at 8 kHz a tone of 1,000 Hz has but eight samples to round
    assert ratio(bad_line(tone, TALK, 90.0, seed=1)) == pytest.approx(38, abs=2)


def test_each_talker_is_as_loud_as_the_others_and_the_hiss_half_as_loud_as_all_four():
    quiet = [TALK[0], 0.01 * TALK[1], TALK[2], TALK[3][:4_000]]  # the last one is repeated
    power = spectrum(bad_line(hum(1000), quiet, 12.0, seed=1))
    talkers = [power[f - 1 : f + 2].sum() for f in (500, 900, 1300, 1700)]
    assert max(talkers) < 1.2 * min(talkers)
    hiss = power.sum() - sum(talkers) - power[998:1003].sum()
    assert hiss / sum(talkers) == pytest.approx(HISS**2, rel=0.15)


@pytest.mark.parametrize("gain", [0.01, 1.0, 9.0])
def test_a_line_is_as_loud_whatever_is_said_into_it(gain: float):
    output = bad_line(gain * hum(1000), TALK, 25.0, seed=1)
    assert np.abs(output).max() == pytest.approx(PEAK, rel=0.05)


def test_silence_on_the_line_is_a_number():
    silent = np.zeros(SAMPLING_RATE, np.float32)
    assert np.isfinite(bad_line(silent, [silent] * TALKERS, 20.0, seed=1)).all()
    assert rms(unit(in_band(hum(1000)))) == pytest.approx(1)


def test_what_is_drawn_depends_on_seed_and_id_alone():
    lines = [draw_line(f"{n}", 50, seed=1) for n in range(200)]
    assert lines == [draw_line(f"{n}", 50, seed=1) for n in range(200)]
    assert draw_line("1", 50, seed=2) != draw_line("1", 50, seed=1)
    assert len({line.talkers for line in lines}) == len({line.seed for line in lines}) == 200
    assert {each for line in lines for each in line.talkers} == set(range(50))
    assert all(len({*line.talkers}) == TALKERS + 1 for line in lines)
    snrs = [line.snr for line in lines]
    assert SNR[0] <= min(snrs) < 13 and 24 < max(snrs) <= SNR[1]


def test_the_same_line_gives_the_same_samples():
    assert np.array_equal(*(bad_line(hum(700), TALK, 15.0, seed=3) for _ in range(2)))
    assert not np.array_equal(*(bad_line(hum(700), TALK, 15.0, seed=n) for n in (3, 4)))


# prepare


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    """Twenty sentences, each by a voice of its own pitch."""
    rows = []
    for number, word in enumerate(
        f"{first} {second}" for first in ("one", "two") for second in WORDS
    ):
        audio = tmp_path / f"{number}.flac"
        save_audio(audio, hum(400 + 100 * number))
        rows.append({"id": f"{number}", "audio_filepath": str(audio), "text": f"{word} or not",
                     "speaker": "a"})  # fmt: skip
    write_jsonl(tmp_path / "all.jsonl", rows)
    return str(tmp_path / "all.jsonl")


def prepared(folder: Path, declaration: dict, jobs: int = 2) -> dict[str, dict]:
    """Return the rows that prepare writes, by id, without their paths."""
    paths = (
        "--audio-dir",
        folder / "audio",
        "--manifests-dir",
        folder,
        "--texts-dir",
        folder / "t",
    )
    command = ["--domain", "calls", "--declaration", json.dumps(declaration), "--language", "en"]
    prepare.main([*command, *map(str, paths), "--jobs", str(jobs)])
    rows = [row | {"split": split} for split in ("train", "dev", "test")
            for row in read_manifest(folder / f"{split}.jsonl")]  # fmt: skip
    return {row["id"]: row for row in rows}


def test_a_bad_line_changes_the_sound_and_nothing_else_of_a_row(tmp_path: Path, manifest: str):
    declaration = {"manifest": manifest, "dev": 5, "test": 5}
    clean = prepared(tmp_path / "clean", declaration)
    bad = prepared(tmp_path / "bad", declaration | {"line": "bad"})
    assert bad.keys() == clean.keys() and len(bad) == 20
    for id, row in bad.items():
        assert {key for key in row if row[key] != clean[id][key]} == {"audio_filepath", "sha256"}
    again = prepared(tmp_path / "again", declaration | {"line": "bad"}, jobs=1)
    assert {id: row["sha256"] for id, row in again.items()} == {
        id: row["sha256"] for id, row in bad.items()
    }


def test_behind_a_recording_are_four_others_of_its_split(tmp_path: Path, manifest: str):
    """Number n of the recordings is a tone of 400 + 100 n Hz."""
    declaration = {"manifest": manifest, "dev": 5, "test": 6, "line": "bad"}
    rows = prepared(tmp_path / "bad", declaration)
    behind = {}
    for id, row in rows.items():
        power = spectrum(load_audio(row["audio_filepath"]))
        by_loudness = sorted(rows, key=lambda n: -power[400 + 100 * int(n)])
        assert by_loudness[0] == id
        behind[id] = {*by_loudness[1 : TALKERS + 1]}
        assert {rows[n]["split"] for n in behind[id]} == {row["split"]}
    assert len({frozenset(names) for names in behind.values()}) > 10


def test_more_training_recordings_leave_the_test_recordings_as_they_sound(
    tmp_path: Path, manifest: str
):
    declaration = {"manifest": manifest, "dev": 5, "test": 6, "line": "bad"}
    small, large = (
        prepared(tmp_path / str(size), declaration | {"train": size}) for size in (5, 9)
    )
    test = [id for id, row in large.items() if row["split"] == "test"]
    assert len(test) == 6
    assert all(small[id]["sha256"] == large[id]["sha256"] for id in test)


def test_a_line_needs_five_recordings_in_a_split_and_recordings_at_all(
    tmp_path: Path, manifest: str
):
    with pytest.raises(InputError, match="line: bad needs 5 recordings in a split, but dev has 4"):
        prepared(tmp_path, {"manifest": manifest, "dev": 4, "test": 6, "line": "bad"})
    with pytest.raises(InputError, match="line is for recordings, and it has none; remove it"):
        prepared(tmp_path, {"texts": manifest, "line": "bad"})
    with pytest.raises(InputError, match='line: "good"; give one of bad'):
        prepared(tmp_path, {"manifest": manifest, "line": "good"})
