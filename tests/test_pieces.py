"""Recordings longer than the window: where they are cut, and the texts of their pieces joined."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import transcribe
from errors import InputError, Stopped
from files import scratch
from files.audio import SAMPLING_RATE, load_audio, save_audio
from files.manifest import read_jsonl, read_manifest, write_jsonl
from recognisers.pieces import cuts, in_pieces, joined
from tiny import count_and_stop, write_ctc, write_speech, write_whisper
from vectors import arithmetic

TEN = 10 * SAMPLING_RATE  # samples of a window of 10 s


def hum(seconds: float, loudness: float = 0.3) -> np.ndarray:
    """Return a sound that is equally loud all the time: float32 at 16 kHz."""
    times = np.arange(round(seconds * SAMPLING_RATE)) / SAMPLING_RATE
    return (loudness * np.sin(2 * np.pi * 400 * times)).astype(np.float32)


def speech(*parts: tuple[float, float]) -> np.ndarray:
    """Return parts, each a duration (s) and a loudness, one after the other."""
    return np.concatenate([hum(*part) for part in parts])


def in_seconds(places: Sequence[int]) -> list[float]:
    return [round(place / SAMPLING_RATE, 2) for place in places]


# --- where to cut


def test_what_fits_is_not_cut():
    assert cuts(hum(10.0), TEN) == []
    assert cuts(np.zeros(0, np.float32), TEN) == []


def test_the_cut_is_in_the_middle_of_the_last_of_equally_quiet_03_s():
    pauses = speech((6.0, 0.3), (0.5, 0), (1.5, 0.3), (0.5, 0), (7.5, 0.3))  # at 6 and at 8 s
    assert in_seconds(cuts(pauses, TEN)) == [8.35]  # of the pause up to 8.5 s


def test_the_quieter_pause_is_taken_and_none_before_half_of_the_window():
    parts = [(4.0, 0.3), (0.5, 0), (1.5, 0.3), (0.5, 0.001), (1.5, 0.3), (0.5, 0.01), (7.5, 0.3)]
    assert in_seconds(cuts(speech(*parts), TEN)) == [pytest.approx(6.25, abs=0.1)]


def test_a_silence_within_a_word_is_no_pause():
    stop = speech((6.0, 0.3), (0.4, 0.01), (2.0, 0.3), (0.08, 0), (7.0, 0.3))
    assert in_seconds(cuts(stop, TEN)) == [pytest.approx(6.2, abs=0.05)]


def test_a_constant_offset_hides_no_pause():
    shifted = speech((6.0, 0.3), (0.5, 0), (9.5, 0.3)) + np.float32(0.5)
    assert in_seconds(cuts(shifted, TEN)) == [6.35]


def test_the_last_piece_is_no_shorter_than_a_quarter_of_the_window():
    parts = [(6.0, 0.3), (0.5, 0.001), (2.5, 0.3), (0.5, 0), (1.0, 0.3)]  # 10.5 s
    assert in_seconds(cuts(speech(*parts), TEN)) == [pytest.approx(6.25, abs=0.1)]
    parts[-1] = (3.0, 0.3)  # 12.5 s
    assert in_seconds(cuts(speech(*parts), TEN)) == [9.35]


@pytest.mark.parametrize("longest", [TEN, 320])  # 10 s, and the shortest window of a Whisper
@pytest.mark.parametrize("windows", [1.0001, 1.05, 1.5, 1.99, 2.01, 7.32])
@pytest.mark.parametrize("loudness", [0, 0.3])
def test_all_pieces_fit_and_nothing_is_lost_whatever_the_sound(longest, windows, loudness):
    samples = np.ceil(windows * longest).astype(int)
    noise = np.random.default_rng(1).normal(0, loudness, samples).astype(np.float32)
    pieces = np.split(noise, cuts(noise, longest))
    assert max(map(len, pieces)) <= longest and min(map(len, pieces)) >= longest // 4
    assert np.array_equal(np.concatenate(pieces), noise)


# --- texts


ROWS = [{"id": "a"}, {"id": "b\0000", "piece_of": "b"}, {"id": "b\0001", "piece_of": "b"}]


@pytest.mark.parametrize(("language", "text"), [("de", "one two"), ("ja", "onetwo")])
def test_the_texts_of_pieces_are_joined_by_a_space_where_the_language_has_one(language, text):
    heard = [
        {"id": row["id"], "text": word} for row, word in zip(ROWS, ["", "one", "two"], strict=True)
    ]
    assert joined(heard, ROWS, language) == [
        {"id": "a", "text": ""},
        {"id": "b", "text": text, "pieces": 2},
    ]


def test_a_piece_without_text_leaves_no_space_and_one_that_was_decoded_again_is_told():
    heard = [{"id": "a", "text": "x"}, {"id": "b\0000", "text": ""}]
    heard.append({"id": "b\0001", "text": "two", "decoded_again": True})
    assert joined(heard, ROWS, "en")[1] == {
        "id": "b", "text": "two", "pieces": 2, "decoded_again": True,
    }  # fmt: skip


def test_a_text_of_pieces_is_as_sure_as_the_least_sure_of_them():
    heard = [
        {"id": id, "text": "x", "log_probability": value}
        for id, value in (("a", -0.9), ("b\0000", -0.2), ("b\0001", -0.7))
    ]
    assert [each["log_probability"] for each in joined(heard, ROWS, "en")] == [-0.9, -0.7]


def test_a_recording_that_is_shorter_than_its_manifest_says_is_whole():
    assert joined([{"id": "b\0000", "text": "one"}], ROWS[1:2], "en") == [
        {"id": "b", "text": "one"}
    ]


# --- the command, in windows of 1 s


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Five short utterances (test.jsonl); with two longer ones (all.jsonl), and these cut by hand.

    Each of the longer ones is of 0.5 s, a pause of 0.3 s, and 0.5 s: cut at 0.65 s.
    """
    folder = tmp_path_factory.mktemp("data")
    write_whisper(folder / "whisper", seed=1)
    write_ctc(folder / "ctc")
    write_whisper(folder / "other", seed=2)
    weights = [folder / name / "model.safetensors" for name in ("other", "whisper")]
    arithmetic.subtract_files(*weights, folder / "vector.safetensors")
    short = read_manifest(write_speech(folder, "test", 5))
    write_jsonl(folder / "terms.jsonl", [{"id": "z", "text": "zebra"}])
    rows, cut = [], []
    for number, row in enumerate(short[:2]):
        parts = [
            hum(0.5, 0.3 + number / 10),
            np.zeros(4800, np.float32),
            hum(0.5, 0.8 + number / 10),
        ]
        waveform = np.concatenate(parts)
        about = row | {"id": f"long{number}", "audio_filepath": str(folder / f"long{number}.flac")}
        rows.append(about | {"duration": save_audio(about["audio_filepath"], waveform)})
        for place, piece in enumerate((waveform[:10_400], waveform[10_400:])):
            path = str(folder / f"long{number}-{place}.flac")
            duration = save_audio(path, piece)
            about = {"id": f"long{number}-{place}", "audio_filepath": path, "duration": duration}
            cut.append(row | about)
    write_jsonl(folder / "all.jsonl", [rows[0], *short, rows[1]])
    write_jsonl(folder / "cut.jsonl", cut)
    return folder


def run(data: Path, manifest: str, output: Path, *options: object) -> dict[str, dict]:
    """Return the rows of the hypotheses of a manifest by id."""
    usual = ["--model", data / "whisper", "--window", 1, "--precision", "fp32", "--language", "en"]
    usual += ["--manifest", data / manifest, "--max-length", 12, "--output", output]
    transcribe.main([str(option) for option in [*usual, *options]])
    return {row["id"]: row for row in read_jsonl(output)}


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--model", "ctc"],
        ["--terms", "terms.jsonl"],
        ["--encodings", "encodings"],
        ["--task-vector", "vector.safetensors", "--scaling-coefficient", 0.5],
    ],
    ids=lambda options: " ".join(map(str, options)) or "plain",
)
def test_a_long_utterance_has_the_texts_of_its_pieces_and_the_others_stay_as_they_are(
    data, tmp_path, options
):
    options = [data / each if (data / str(each)).exists() else each for each in options]
    options = [tmp_path / each if each == "encodings" else each for each in options]
    short, cut, all_ = (
        run(data, f"{name}.jsonl", tmp_path / f"{name}.jsonl", *options)
        for name in ("test", "cut", "all")
    )
    assert list(all_) == ["long0", *short, "long1"]
    assert {id: all_[id] for id in short} == short
    for id in ("long0", "long1"):
        text = " ".join(filter(None, (cut[f"{id}-{place}"]["text"] for place in (0, 1))))
        assert all_[id] == {"id": id, "text": text, "pieces": 2}
    counts = json.loads((tmp_path / "all.jsonl.lineage.json").read_text())["counts"]
    assert counts == {"utterances": 7, "cut_at_pauses": 2}
    if "--encodings" in options:  # of all pieces, too, that are the same audio
        assert len(list((tmp_path / "encodings").rglob("*.npy"))) == 5 + 4


def test_pieces_come_in_batches_of_their_own_after_the_others(data, tmp_path, monkeypatch):
    sizes = count_and_stop(monkeypatch)
    run(data, "all.jsonl", tmp_path / "all.jsonl", "--batch-size", 3)
    assert sizes == [3, 2, 3, 1]


def test_a_stopped_job_goes_on_with_the_pieces_that_are_left(data, tmp_path, monkeypatch):
    work = ["--batch-size", 2, "--work-dir", tmp_path / "work"]
    with monkeypatch.context() as patch:
        count_and_stop(patch, after=4)
        with pytest.raises(Stopped):
            run(data, "all.jsonl", tmp_path / "stopped.jsonl", *work)
    sizes = count_and_stop(monkeypatch)
    run(data, "all.jsonl", tmp_path / "stopped.jsonl", *work)
    assert sizes == [2]  # of 2, 2, 1; 2, 2
    run(data, "all.jsonl", tmp_path / "undisturbed.jsonl", "--batch-size", 2)
    stopped, undisturbed = tmp_path / "stopped.jsonl", tmp_path / "undisturbed.jsonl"
    assert stopped.read_bytes() == undisturbed.read_bytes()


def test_every_coefficient_of_a_sweep_gives_what_it_gives_alone(data, tmp_path):
    vector = ["--task-vector", data / "vector.safetensors", "--scaling-coefficient"]
    alone = [run(data, "all.jsonl", tmp_path / str(scale), *vector, scale) for scale in (0.5, 30)]
    both = [tmp_path / "first", tmp_path / "second"]
    options = ["--batch-size", 3, *vector, 0.5, 30, "--output", *both]
    run(data, "all.jsonl", both[0], *options)
    assert [{row["id"]: row for row in read_jsonl(path)} for path in both] == alone
    assert alone[0]["long0"]["text"] != alone[1]["long0"]["text"]


def test_the_pieces_lie_on_the_scratch_disk_and_do_not_stay(data, tmp_path, monkeypatch):
    monkeypatch.setenv("SYN2REAL_SCRATCH", str(tmp_path))
    scratch.bring.cache_clear()
    rows = read_manifest(data / "all.jsonl")
    scratch.check(row["audio_filepath"] for row in rows)
    with in_pieces(rows, 1.0) as spoken:
        pieces = [row for row in spoken if "piece_of" in row]
        for row in pieces:
            path = Path(row["audio_filepath"])
            assert path.is_relative_to(scratch.folder()) and scratch.near(path) == path
            assert row["duration"] == len(load_audio(path)) / SAMPLING_RATE == 0.65
        assert [row["piece_of"] for row in pieces] == ["long0", "long0", "long1", "long1"]
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(left) == 2  # copies of the long recordings


def test_a_long_recording_that_is_missing_is_told_before_the_model_is_loaded(data, tmp_path):
    [row] = [row for row in read_manifest(data / "all.jsonl") if row["id"] == "long1"]
    write_jsonl(data / "missing.jsonl", [row | {"audio_filepath": str(tmp_path / "gone.flac")}])
    with pytest.raises(InputError, match=r"the audio of 1 utterances is missing, first .*gone"):
        run(data, "missing.jsonl", tmp_path / "h.jsonl", "--model", "no model")
