"""Recordings are listened to before they are drawn: what is left out, mended, and said of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

import prepare
from errors import InputError
from files.audio import in_antiphase, load_audio, mono
from files.manifest import read_manifest, read_texts
from files.sound import clipping_of_recording, measure

RATE = 16_000
TEXT = "sixteen letters"  # 15 characters: 7.5 a second in 2 s


def hum(seconds: float = 2.0, amplitude: float = 0.5, rate: int = RATE) -> np.ndarray:
    times = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * 200 * times)).astype(np.float32)


def utterance(
    folder: Path, id: str, waveform: np.ndarray, text: str = "", rate: int = RATE, **format
) -> dict:
    """A recording of its own sentence, in a WAV file that can hold it."""
    path = folder / f"{id}.wav"
    soundfile.write(path, waveform, rate, **({"subtype": "FLOAT"} | format))
    return {"id": id, "audio_filepath": str(path), "text": text or f"{TEXT} {id}", "speaker": "a"}


def write_rows(path: Path, rows: list[dict]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def prepare_main(folder: Path, declaration: dict) -> dict:
    """Prepare the domain "demo"; return counts.json."""
    prepare.main(
        ["--domain", "demo", "--declaration", json.dumps(declaration)]
        + ["--audio-dir", f"{folder}/audio", "--manifests-dir", f"{folder}/manifests"]
        + ["--texts-dir", f"{folder}/texts", "--language", "en"]
    )
    return json.loads((folder / "texts" / "counts.json").read_text())


def prepare_rows(folder: Path, *rows: dict, **keys) -> tuple[dict, dict[str, np.ndarray]]:
    """Prepare a good recording and others, all for training; return counts and waveforms by id."""
    good = utterance(folder, "good", hum())
    path = write_rows(folder / "m.jsonl", [good, *rows])
    counts = prepare_main(folder, {"manifest": path, "dev": 0, "test": 0, **keys})
    train = read_manifest(folder / "manifests" / "train.jsonl")
    return counts, {row["id"]: soundfile.read(row["audio_filepath"])[0] for row in train}


def padded(seconds: float, silence: float) -> np.ndarray:
    return np.concatenate([hum(seconds), np.zeros(round(silence * RATE), np.float32)])


@pytest.mark.parametrize(
    ("waveform", "text", "reason", "value"),
    [
        (0 * hum(), "", "silence over 0.6", "1"),
        (0.3 + 0 * hum(), "", "silence over 0.6", "1"),  # a constant makes no sound
        (0.0005 * np.sign(hum()), "", "silence over 0.6", "1"),  # 66 dB below full scale
        (padded(1.0, 3.0), "", "silence over 0.6", "0.75"),
        (np.clip(hum(amplitude=9), -1, 1), "", "clipping over 0.01", "0.925"),
        (np.clip(hum(amplitude=9), -3, 3), "", "clipping over 0.01", "0.775"),  # of a float file
        (hum(1.0), "x" * 31, "over 30 characters/s", "31"),
        (hum(8.0), "hello", "under 4 characters/s", "0.8333"),  # 5 in 8 s less 2 s of pauses
    ],
)
def test_a_recording_out_of_bounds_is_left_out_counted_and_named(
    tmp_path, waveform, text, reason, value
):
    row = utterance(tmp_path, "bad", waveform.astype(np.float32), text)
    counts, kept = prepare_rows(tmp_path, row)
    assert set(kept) == {"good"}
    assert counts["left_out"] == {reason: 1}
    assert counts["out_of_bounds"] == {reason: [f"{tmp_path}/m.jsonl:2: 'bad': {value}"]}


@pytest.mark.parametrize(
    ("waveform", "text"),
    [
        (hum(3.0), "stop"),  # a short command in a long pause
        (padded(1.0, 1.4), ""),
        (hum(amplitude=1.0) * 0.9, ""),
    ],
)
def test_a_recording_within_the_bounds_stays(tmp_path, waveform, text):
    counts, kept = prepare_rows(tmp_path, utterance(tmp_path, "other", waveform, text))
    assert set(kept) == {"good", "other"}
    assert (counts["left_out"], counts["mended"]) == ({}, {})


def test_the_bounds_are_the_domains(tmp_path):
    rows = [utterance(tmp_path, "silent", 0 * hum()), utterance(tmp_path, "fast", hum(0.5))]
    _, kept = prepare_rows(tmp_path, *rows, max_silence=1.0, max_speaking_rate=99)
    assert set(kept) == {"good", "silent", "fast"}


def test_no_more_than_three_of_a_kind_are_named(tmp_path):
    rows = [utterance(tmp_path, f"silent{n}", 0 * hum()) for n in range(5)]
    counts, _ = prepare_rows(tmp_path, *rows)
    assert counts["left_out"] == {"silence over 0.6": 5}
    assert len(counts["out_of_bounds"]["silence over 0.6"]) == 3


def test_a_sampling_rate_below_a_telephones_is_left_out(tmp_path):
    rows = [utterance(tmp_path, f"at{rate}", hum(rate=rate), rate=rate) for rate in (6_000, 8_000)]
    counts, kept = prepare_rows(tmp_path, *rows)
    assert set(kept) == {"good", "at8000"}
    assert counts["left_out"] == {"sampling rate below 8000 Hz": 1}


def test_of_channels_in_antiphase_the_louder_is_taken(tmp_path):
    noise = np.random.default_rng(1).normal(0, 0.001, (2 * RATE, 2)).astype(np.float32)
    opposed = np.stack([0.8 * hum(), -hum()], axis=1) + noise
    counts, kept = prepare_rows(tmp_path, utterance(tmp_path, "stereo", opposed))
    assert np.allclose(kept["stereo"], opposed[:, 1], atol=1e-4)
    [(flaw, mended)] = counts["mended"].items()
    assert "antiphase" in flaw
    assert mended == {"recordings": 1, "first": [f"{tmp_path}/m.jsonl:2: 'stereo'"]}
    assert np.allclose(load_audio(tmp_path / "stereo.wav"), opposed[:, 1])


def test_channels_that_do_not_cancel_are_averaged():
    left, right = hum(), hum(amplitude=0.1)
    other = np.random.default_rng(1).normal(0, 0.3, len(left)).astype(np.float32)
    for pair in ((left, right), (left, 0 * right), (left, other), (left, -right)):
        channels = np.stack(pair, axis=1)
        assert not in_antiphase(channels)
        assert np.array_equal(mono(channels), channels.mean(axis=1))
    assert not in_antiphase(np.zeros((100, 2), np.float32))
    assert not in_antiphase(np.zeros((0, 2), np.float32))
    assert in_antiphase(np.stack([left, -left, right, -right], axis=1))


@pytest.mark.parametrize("loudest", [1.5, 32_767.0])  # legitimate in floats; integers misread
def test_what_is_beyond_full_scale_is_scaled_down_and_not_clipped(tmp_path, loudest):
    counts, kept = prepare_rows(tmp_path, utterance(tmp_path, "loud", hum(amplitude=loudest)))
    assert np.allclose(kept["loud"], hum(amplitude=1.0), atol=1e-4)
    assert counts["mended"]["beyond full scale, scaled down to it"]["recordings"] == 1
    assert counts["left_out"] == {}


def test_a_constant_offset_is_taken_off(tmp_path):
    counts, kept = prepare_rows(tmp_path, utterance(tmp_path, "offset", hum() + 0.2))
    assert np.allclose(kept["offset"], hum(), atol=1e-4)
    assert counts["mended"]["constant offset, taken off"]["recordings"] == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_broken_audio(tmp_path, value):
    waveform = hum()
    waveform[100] = value
    row = utterance(tmp_path, "odd", waveform)
    with pytest.raises(InputError, match=r"1 of 2 .*m.jsonl:2: .*odd\.wav' .*not finite numbers"):
        prepare_rows(tmp_path, row)
    counts, kept = prepare_rows(tmp_path, row, skip_missing_audio=True)
    assert (set(kept), counts["left_out"]) == ({"good"}, {"audio broken": 1})


def test_an_empty_recording_is_left_out_whatever_the_shortest_duration(tmp_path):
    row = utterance(tmp_path, "empty", hum(0))
    assert prepare_rows(tmp_path, row)[0]["left_out"] == {"shorter than 0.3 s": 1}
    assert prepare_rows(tmp_path, row, min_duration=0)[0]["left_out"] == {"silence over 0.6": 1}


@pytest.mark.parametrize("subtype", ["PCM_U8", "ULAW", "PCM_16", "FLOAT"])
def test_clipping_is_seen_where_the_scale_of_a_format_ends(tmp_path, subtype):
    path = tmp_path / "x.wav"
    soundfile.write(path, np.clip(hum(amplitude=2), -1, 1), 8_000, subtype=subtype)
    channels, _ = soundfile.read(path, dtype="float32", always_2d=True)
    assert clipping_of_recording(channels) > 0.6  # two thirds of a sine are above half its peak
    assert clipping_of_recording(channels * 0.9) < 0.01


def test_an_offset_does_not_hide_silence_in_synthetic_speech_either():
    half = np.concatenate([hum(1.0), np.zeros(RATE, np.float32)])
    assert measure(half + np.float32(0.2)).silence == measure(half).silence == 0.5


def test_recordings_that_a_given_test_set_loses_are_said_to_be_missing(tmp_path, capsys):
    paths = {
        name: write_rows(
            tmp_path / f"{name}.jsonl",
            [utterance(tmp_path, f"{name}{n}", hum() * (n > 0)) for n in range(3)],
        )
        for name in ("train", "dev", "test")
    }
    counts = prepare_main(tmp_path, {"splits": paths})
    assert counts["left_out"] == {"silence over 0.6": 3}
    assert counts["left_out_of_given_test"] == {"silence over 0.6": 1}
    warning = "1 of the given test set are left out (1 silence over 0.6), so its WER is not that of"
    assert warning in capsys.readouterr().err


# --- sentences that are said several times


def several(folder: Path) -> str:
    """A manifest of eight sentences, of which each is said by three speakers."""
    words = "ash birch cedar elm fir hazel ivy larch".split()  # noqa: SIM905
    rows = [
        utterance(folder, f"{word}-{speaker}", hum(), f"It is {word}.") | {"speaker": speaker}
        for word in words
        for speaker in "abc"
    ]
    return write_rows(folder / "m.jsonl", rows)


def test_dev_counts_sentences_and_has_one_recording_of_each(tmp_path):
    path = several(tmp_path)
    counts = prepare_main(tmp_path, {"manifest": path, "dev": 4, "test": 6})
    dev = read_manifest(tmp_path / "manifests" / "dev.jsonl")
    assert len(dev) == len({row["text"] for row in dev}) == counts["texts"]["dev"] == 4
    assert len({row["speaker"] for row in dev}) > 1  # drawn, not the first of each
    assert [counts["splits"][name]["utterances"] for name in ("train", "test")] == [6, 6]
    with pytest.raises(InputError, match="dev: 9 sentences are asked for, but only 6 are left"):
        prepare_main(tmp_path, {"manifest": path, "dev": 9, "test": 6})


def test_by_speaker_dev_counts_sentences_too(tmp_path):
    words = "ash birch cedar elm".split()  # noqa: SIM905
    rows = [  # each speaker says four sentences of his own, three times each
        utterance(tmp_path, f"{speaker}-{word}{n}", hum(), f"{word} is {speaker}")
        | {"speaker": speaker}
        for speaker in ("ann", "bob", "cy", "di")
        for word in words
        for n in range(3)
    ]
    path = write_rows(tmp_path / "m.jsonl", rows)
    prepare_main(tmp_path, {"manifest": path, "dev": 6, "test": 12, "speaker_disjoint": True})
    dev = read_manifest(tmp_path / "manifests" / "dev.jsonl")
    assert len(dev) == len({row["text"] for row in dev}) == 6
    assert len({row["speaker"] for row in dev}) == 2


def test_recordings_of_one_sentence_have_the_text_that_is_spoken_for_them(tmp_path):
    prepare_main(tmp_path, {"manifest": several(tmp_path), "dev": 1, "test": 3})
    train = read_manifest(tmp_path / "manifests" / "train.jsonl")
    texts = read_texts(tmp_path / "texts" / "train.jsonl")
    ids = {row["text"]: row["id"] for row in texts}
    assert len(train) == 18
    assert all(row.get("text_id", row["id"]) == ids[row["text"]] for row in train)
    assert sum("text_id" in row for row in train) == 12  # the first of each is the text's own
