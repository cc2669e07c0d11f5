"""The filter: what is measured, what is left out and why, what the table says."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import filter as rejecting
from errors import InputError
from files.audio import save_audio
from files.manifest import read_manifest, write_jsonl
from filter import Bounds, Reason, Sound, character_error_rate, measure, reasons_to_reject

BOUNDS = Bounds(
    max_cer=0.25,
    min_duration=0.5,
    max_duration=10,
    min_speaking_rate=4,
    max_speaking_rate=20,
    max_silence=0.5,
    max_clipping=0.01,
)
GOOD = Sound(duration=2.0, silence=0.2, clipping=0.0)
TEXT = "abcd efgh ijkl mnop."  # 20 characters: 10 a second in 2 s; 19 without the full stop


def hum(seconds: float, amplitude: float = 0.5, rate: int = 16_000) -> np.ndarray:
    times = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * 200 * times)).astype(np.float32)


def test_a_good_utterance_has_no_reason_against_it():
    assert reasons_to_reject(TEXT, TEXT, GOOD, BOUNDS, "en") == []


@pytest.mark.parametrize(
    ("text", "hypothesis", "sound", "reason"),
    [
        ("abcd", "abxx", GOOD, Reason("cer", 0.5, 0.25)),
        (TEXT, TEXT, Sound(0.4, 0, 0), Reason("duration", 0.4, 0.5)),
        ("a" * 200, "a" * 200, Sound(20, 0, 0), Reason("duration", 20, 10)),
        ("a" * 6, "a" * 6, GOOD, Reason("speaking_rate", 3, 4)),
        ("a" * 50, "a" * 50, GOOD, Reason("speaking_rate", 25, 20)),
        (TEXT, TEXT, Sound(2, 0.6, 0), Reason("silence", 0.6, 0.5)),
        (TEXT, TEXT, Sound(2, 0, 0.02), Reason("clipping", 0.02, 0.01)),
    ],
)
def test_each_bound_is_a_reason(text, hypothesis, sound, reason):
    assert reason in reasons_to_reject(text, hypothesis, sound, BOUNDS, "en")


def test_values_on_the_bounds_are_kept_and_all_reasons_are_given():
    assert reasons_to_reject("abcd", "abcx", Sound(1.0, 0.5, 0.01), BOUNDS, "en") == []
    assert reasons_to_reject("a" * 10, "a" * 10, Sound(0.5, 0.5, 0.01), BOUNDS, "en") == []
    reasons = reasons_to_reject("a" * 10, "", Sound(0.0, 1.0, 0.0), BOUNDS, "en")
    assert [reason.name for reason in reasons] == ["cer", "duration", "speaking_rate", "silence"]


def test_a_listed_pronunciation_may_be_transcribed_as_it_is_said_or_as_it_is_written(tmp_path):
    save_audio(tmp_path / "a.flac", hum(0.5))
    row = {"id": "a", "audio_filepath": str(tmp_path / "a.flac"), "text": "SQL"}
    said = row | {"pronounced": "sequel"}

    def names(row: dict, transcript: str) -> list[str]:
        ((_, reasons),) = rejecting.judge([row], {"a": transcript}, BOUNDS, "en")
        return [reason.name for reason in reasons]

    assert names(row, "Sequel.") == ["cer"] and names(said, "Sequel.") == []
    assert names(said, "SQL") == [] and names(said, "circle") == ["cer"]
    assert "speaking_rate" in names(said | {"pronounced": "sequel server"}, "SQL")  # 26 a second


def test_cer_is_of_characters_and_normalised_on_both_sides():
    assert character_error_rate("abcd efgh.", "ABCD, efxx!", "en") == 2 / 8
    assert character_error_rate("It's twenty dollars", "it is $20", "en") == 0
    assert character_error_rate("at ten thirty", "at 10:30", "en") == 0
    assert character_error_rate("ab", "abcdef", "en") == 2
    assert character_error_rate("...", "", "en") == 0
    assert character_error_rate("...", "hello", "en") == math.inf


def test_silence_is_the_part_of_the_frames_40_db_below_the_loudest():
    quiet, silent = hum(1, amplitude=0.006), np.zeros(16_000, np.float32)
    assert measure(np.concatenate([hum(3), silent])).silence == 0.25
    assert measure(np.concatenate([hum(3), quiet])).silence == 0  # 38.4 dB below
    assert measure(np.concatenate([hum(3), quiet / 2])).silence == 0.25
    assert measure(silent).silence == 1
    assert measure(np.concatenate([hum(3), silent]) / 10).silence == 0.25


def test_clipping_is_the_part_of_the_samples_at_full_scale():
    waveform = np.zeros(1000, np.float32)
    waveform[:30] = 1
    waveform[30:50] = -1
    assert measure(waveform).clipping == 0.05
    assert measure(waveform * 0.9).clipping == 0


def test_duration_is_that_of_the_audio():
    assert measure(hum(1.5)).duration == 1.5
    assert measure(np.zeros(0, np.float32)) == Sound(0, 1, 0)


def utterance(folder: Path, name: str, text: str, waveform: np.ndarray) -> dict:
    path = folder / f"{name}.flac"
    duration = save_audio(path, waveform)
    row = {"id": name, "audio_filepath": str(path), "duration": duration, "text": text}
    return row | {"speaker": "hum:ann", "domain": "music", "voice": "ann"}


@pytest.fixture
def data(tmp_path) -> Path:
    """Two shards: a is good, b misheard, c silent and too slow, d good."""
    half_silent = np.concatenate([hum(1), np.zeros(64_000, np.float32)])
    a = utterance(tmp_path, "a", "one two three", hum(1))
    b = utterance(tmp_path, "b", "four\tfive", hum(1))
    c = utterance(tmp_path, "c", "six seven", half_silent)
    d = utterance(tmp_path, "d", "eight nine ten", hum(1))
    write_jsonl(tmp_path / "one.jsonl", [a, b])
    write_jsonl(tmp_path / "two.jsonl", [c, d])
    write_jsonl(
        tmp_path / "one.hypotheses.jsonl",
        [{"id": "b", "text": "zzzz zzzz"}, {"id": "a", "text": "One, two, three."}],
    )
    write_jsonl(
        tmp_path / "two.hypotheses.jsonl",
        [{"id": "c", "text": "6-7"}, {"id": "d", "text": "8 9 10"}],
    )
    return tmp_path


def run(data: Path, *more: str) -> list[str]:
    """Filter both shards; return the ids that are kept."""
    rejecting.main(
        ["--manifest", f"{data}/one.jsonl", f"{data}/two.jsonl"]
        + ["--hypotheses", f"{data}/two.hypotheses.jsonl", f"{data}/one.hypotheses.jsonl"]
        + ["--output", f"{data}/kept.jsonl", "--rejected", f"{data}/rejected.tsv"]
        + ["--language", "en", *more]
    )
    return [row["id"] for row in read_manifest(data / "kept.jsonl")]


def test_kept_utterances_stay_as_they_were_and_the_others_are_in_the_table(data):
    assert run(data) == ["a", "d"]
    expected = [row for row in read_manifest(data / "one.jsonl") if row["id"] == "a"]
    assert read_manifest(data / "kept.jsonl")[0] == expected[0]
    rows = [line.split("\t") for line in (data / "rejected.tsv").read_text().splitlines()]
    assert rows[0] == ["id", "reason", "value", "bound", "text", "hypothesis"]
    assert rows[1:] == [
        ["b", "cer", "4", "0.3", "four five", "zzzz zzzz"],  # 8 errors in "45"
        ["c", "speaking_rate", "1.8", "4", "six seven", "6-7"],
        ["c", "silence", "0.8", "0.6", "six seven", "6-7"],
    ]


def test_counts_are_in_the_lineage(data):
    run(data)
    counts = json.loads((data / "kept.jsonl.lineage.json").read_text())["counts"]
    assert counts == {
        "utterances": 4,
        "kept": 2,
        "rejected": 2,
        "reasons": {"cer": 1, "speaking_rate": 1, "silence": 1},
    }


def test_bounds_are_those_of_the_command_line(data):
    more = ["--max-cer", "9", "--max-silence", "0.9", "--min-speaking-rate", "1"]
    assert run(data, *more) == ["a", "b", "c", "d"]
    assert run(data, *more, "--max-duration", "1") == ["a", "b", "d"]


def test_bounds_are_those_of_the_settings_unless_an_option_says_otherwise(data):
    told = json.dumps({"max_cer": 9, "max_silence": 0.9, "min_speaking_rate": 1, "max_duration": 1})
    assert run(data, "--settings", told) == ["a", "b", "d"]
    parameters = json.loads((data / "kept.jsonl.lineage.json").read_text())["parameters"]
    assert parameters == vars(rejecting.Bounds(9.0, 0.3, 1.0, 1.0, 30.0, 0.9, 0.01)) | {
        "language": "en"
    }
    assert run(data, "--settings", told, "--max-duration", "9") == ["a", "b", "c", "d"]
    with pytest.raises(InputError, match="unknown key 'max_cr'; did you mean 'max_cer'"):
        run(data, "--settings", '{"max_cr": 1}')


def test_ids_must_be_the_same_and_stand_once(data):
    write_jsonl(data / "one.hypotheses.jsonl", [{"id": "a", "text": "one"}])
    with pytest.raises(InputError, match="1 utterances have no hypothesis, first 'b'"):
        run(data)
    write_jsonl(
        data / "one.hypotheses.jsonl", [{"id": name, "text": "one"} for name in ("a", "b", "x")]
    )
    with pytest.raises(InputError, match="1 hypotheses have no utterance, first 'x'"):
        run(data)
    with pytest.raises(InputError, match="id 'a' stands already in"):
        run(data, "--manifest", f"{data}/one.jsonl")


def test_nothing_left_is_an_error_that_names_the_table(data):
    with pytest.raises(InputError, match="rejected.tsv: kept 0 of 4 utterances, .*duration 4"):
        run(data, "--min-duration", "9")
    assert (data / "rejected.tsv").exists()
    assert not (data / "kept.jsonl").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--min-duration", "50"], "min_duration 50 is above max_duration 30"),
        (["--min-speaking-rate", "50"], "min_speaking_rate 50 is above"),
        (["--max-cer", "-1"], "--max-cer: '-1'; give a number from 0"),
        (["--max-cer", "nan"], "--max-cer: 'nan'; give a number from 0"),
    ],
)
def test_bounds_that_nothing_could_meet_are_refused(data, more, message):
    with pytest.raises(InputError, match=message):
        run(data, *more)


def test_missing_audio_is_told(data):
    (data / "d.flac").unlink()
    with pytest.raises(InputError, match="d.flac: no such file"):
        run(data)
