"""Channels: what is measured of a recording, and the same laid over other speech."""

import json
from pathlib import Path

import numpy as np
import pytest

import channels
from augmentations.channel import (
    BANDS,
    GAIN,
    Channel,
    average,
    channels_by_id,
    equalise,
    likeness,
    measure,
    mu_law,
    through_channel,
)
from augmentations.effects import band_pass, rms, white_noise
from errors import InputError
from files.audio import resample, save_audio
from files.manifest import write_jsonl
from files.sound_file import read_header

RATE = 16_000
WITHIN = (BANDS > 350) & (BANDS < 3_000)  # of 300 to 3,400 Hz
BEYOND = (BANDS < 210) | (BANDS > 5_000)
FLAT = [0.0] * len(BANDS)


def words(seed: int, seconds: float = 2.0) -> np.ndarray:
    """White noise of RMS 0.1 with a pause of a quarter of a second before each of as long."""
    noise = 0.1 * white_noise(round(seconds * RATE), seed)
    return noise * (np.arange(len(noise)) // 4_000 % 2).astype(np.float32)


def in_noise(snr: float, seed: int, noise: np.ndarray | None = None) -> np.ndarray:
    """Words with a noise (white, if it is not given) at an SNR in dB, while someone speaks."""
    speech = words(seed)
    noise = white_noise(len(speech), seed + 100) if noise is None else noise
    return speech + noise * (0.1 / rms(noise) * 10 ** (-snr / 20))


def made_up(**changes: object) -> Channel:
    values = {"speech": FLAT, "noise": FLAT, "snr": 30.0, "level": -20.0, "sampling_rate": RATE}
    return Channel(**values | changes)


# What is measured


def test_bands_are_third_octaves_and_what_lies_below():
    assert len(BANDS) == 20
    assert BANDS[10] == 1000 and BANDS[13] == pytest.approx(2000, abs=20)


def test_a_recording_of_300_to_3400_hz_is_equalised_so():
    clean = average(measure(words(seed)).speech for seed in range(5))
    heard = measure(band_pass(words(9), RATE, 300, 3_400))
    gain = np.array(likeness(heard, clean)["gain"])
    assert np.ptp(gain[WITHIN]) < 3 and gain[BEYOND].max() < gain[WITHIN].mean() - 30


def test_a_spectral_tilt_is_measured_within_a_decibel():
    tilt = -3 * np.log2(BANDS / 1_000)  # dB; 3 of each octave
    gain = likeness(measure(equalise(words(1), tilt)), measure(words(1)).speech)["gain"]
    assert np.abs(np.diff(gain) - np.diff(tilt))[3:].max() < 1


def test_gain_is_bounded():
    steep = tuple(np.where(BANDS < 1_000, 0.0, -200.0))
    down, up = (likeness(made_up(speech=a), b)["gain"] for a, b in ((steep, FLAT), (FLAT, steep)))
    assert (min(down), max(up)) == GAIN == (-60, 20)


@pytest.mark.parametrize("snr", [5, 10, 20, 30, 40])
def test_a_known_snr_is_estimated_within_two_decibels(snr):
    for seed in range(4):
        assert measure(in_noise(snr, seed)).snr == pytest.approx(snr, abs=2)


def test_the_spectrum_of_the_noise_is_that_of_the_pauses_and_not_of_the_speech():
    hum = band_pass(white_noise(2 * RATE, 7), RATE, 50, 1_000)
    heard = measure(in_noise(20, 1, hum))
    noise = np.array(heard.noise)
    assert noise[BANDS > 1_600].max() < noise[BANDS < 700].min() - 30
    assert np.ptp(np.array(heard.speech)[BANDS > 200]) < 4  # white


def test_level_is_that_of_the_speech_without_its_pauses():
    assert measure(words(1)).level == pytest.approx(-20, abs=0.5)  # an RMS of 0.1
    assert measure(words(1) / 10).level == pytest.approx(-40, abs=0.5)


def test_digital_silence_at_the_ends_is_not_the_noise_of_the_recording():
    noisy = in_noise(20, 1)
    padded = np.pad(noisy, 8_192)
    assert measure(padded).snr == pytest.approx(measure(noisy).snr, abs=0.3)


def test_what_was_sampled_at_8_khz_is_known_even_where_a_word_clips():
    narrow = resample(resample(in_noise(30, 1), RATE, 8_000), 8_000)
    narrow[5_000:5_100] = 1  # edges, as of a clipped word
    assert measure(np.round(narrow * 2**15) / 2**15).sampling_rate == 8_000
    assert measure(in_noise(30, 1)).sampling_rate == 16_000
    assert measure(in_noise(80, 1)).sampling_rate == 16_000


def test_a_sound_shorter_than_a_frame_is_measured():
    assert np.isfinite(measure(words(1)[4_000:4_100]).speech).all()


# What is laid over speech


def test_a_gain_of_6_db_doubles_and_nothing_is_moved():
    impulse = np.zeros(1_000, np.float32)
    impulse[[0, 400]] = 0.25
    assert equalise(impulse, [6.0206] * len(BANDS)) == pytest.approx(2 * impulse, abs=1e-4)


def test_mu_law_has_255_levels_which_are_dense_about_zero():
    assert mu_law(np.array([0, 1, -1], np.float32)) == pytest.approx([0, 1, -1], abs=1e-6)
    levels = np.unique(mu_law(np.linspace(-1, 1, 100_001, dtype=np.float32)))
    assert len(levels) == 255
    steps = np.diff(levels)
    assert steps[127] == pytest.approx((256 ** (1 / 127) - 1) / 255, rel=1e-3)
    assert steps[-1] > 200 * steps[127]


def test_speech_through_the_channel_of_a_recording_measures_as_the_recording():
    tilt = np.where(BANDS > 500, 0.0, -9.0)
    noise = band_pass(white_noise(2 * RATE, 7), RATE, 50, 1_000)
    recording = measure(0.3 * in_noise(15, 1, noise) + 0.3 * equalise(words(1), tilt))
    clean = measure(words(2))
    heard = measure(through_channel(words(2), seed=3, **likeness(recording, clean.speech)))
    assert heard.snr == pytest.approx(recording.snr, abs=1.5)
    assert heard.level == pytest.approx(recording.level, abs=1)
    for kind in ("speech", "noise"):
        both = np.subtract(getattr(heard, kind), getattr(recording, kind))[3:]
        assert np.ptp(both[BANDS[3:] < 1_100]) < 4
    assert heard.sampling_rate == recording.sampling_rate == 16_000


def test_an_8_khz_channel_leaves_nothing_above_4_khz_and_is_as_long():
    values = likeness(made_up(sampling_rate=8_000), FLAT)
    for length in (16_000, 15_999):
        heard = through_channel(words(1)[:length], seed=1, **values)
        assert heard.dtype == np.float32 and len(heard) == length
        assert measure(heard).sampling_rate == 8_000


def test_noise_follows_from_the_seed_and_nothing_clips():
    values = likeness(made_up(level=-1.0), FLAT)
    one, again, other = (through_channel(words(1), seed=seed, **values) for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert np.abs(one).max() == pytest.approx(1)


# The command


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest of three recordings, of 5, 15 and 25 dB SNR, and of synthetic speech."""
    rows = []
    for name in ("5", "15", "25", "synthetic"):
        path = tmp_path / f"{name}.flac"
        save_audio(path, in_noise(40.0 if name == "synthetic" else float(name), 1))
        rows.append({"id": name, "audio_filepath": str(path), "duration": 2.0, "text": "a"})
        rows[-1] |= {"speaker": "ann", "domain": "music"}
    rows[-1]["origin"] = "synthetic"
    write_jsonl(tmp_path / "real.jsonl", rows)
    return tmp_path / "real.jsonl"


def run(manifest: Path, jobs: int = 1) -> Path:
    output = manifest.with_name("channels.jsonl")
    channels.main([f"--manifest={manifest}", f"--jobs={jobs}", f"--output={output}"])
    return output


def test_each_recording_of_a_person_has_its_channel(manifest: Path):
    by_id = channels_by_id(run(manifest))
    assert list(by_id) == ["5", "15", "25"]
    assert [each.snr for each in by_id.values()] == pytest.approx([5, 15, 25], abs=2)
    record = json.loads(manifest.with_name("channels.jsonl.lineage.json").read_text())
    assert record["inputs"].keys() == {str(manifest)} and record["counts"] == {"recordings": 3}


def test_threads_change_no_byte(manifest: Path):
    assert run(manifest).read_bytes() == run(manifest, jobs=3).read_bytes()


def test_silence_and_manifests_without_a_person_are_refused(manifest: Path):
    save_audio(manifest.with_name("15.flac"), np.zeros(16_000, np.float32))
    assert read_header(manifest.with_name("15.flac")).frames == 16_000
    with pytest.raises(InputError, match="15.flac: digital silence; remove"):
        run(manifest)
    manifest.write_text(manifest.read_text().splitlines()[-1] + "\n")
    with pytest.raises(InputError, match="real.jsonl: has no recording of a person"):
        run(manifest)
    assert not manifest.with_name("channels.jsonl").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "has no recording; make it with channels.py"),
        ('{"id": "a"}', "a lacks speech, noise, snr, level, sampling_rate; make"),
        (
            '{"id": "a", "speech": [0], "noise": [0], "snr": 1, "level": 1, "sampling_rate": 1}',
            "a: a spectrum has not 20 bands",
        ),
    ],
)
def test_a_file_that_is_not_of_channels_is_refused(tmp_path: Path, line: str, message: str):
    (tmp_path / "x.jsonl").write_text(line + "\n")
    with pytest.raises(InputError, match=message):
        channels_by_id(tmp_path / "x.jsonl")
