"""Recordings that nobody has transcribed: collected, labelled by a judge, and agreed with."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

import agree
import collect
import label
from configs.user_files import check_files
from domains.untranscribed import parts, read_untranscribed
from errors import InputError
from files.manifest import read_manifest, write_jsonl
from records.record import sidecar
from scoring.alignment import word_errors
from scoring.score_file import read_score
from scoring.unknown_words import excused, with_errors

RATE = 16_000


def record(path: Path, seconds: float = 1.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(round(seconds * RATE)) / RATE
    soundfile.write(path, (0.5 * np.sin(2 * np.pi * 200 * times)).astype(np.float32), RATE)
    return path


def collected(folder: Path, recordings: Path, **declared) -> list[dict]:
    """Return the manifest that the command writes of some recordings."""
    declaration = json.dumps({"recordings": str(recordings)} | declared)
    collect.main(
        ["--domain=desk", f"--declaration={declaration}", "--language=en"]
        + [f"--audio-dir={folder / 'audio'}", f"--output={folder / 'manifest.jsonl'}"]
    )
    return read_manifest(folder / "manifest.jsonl")


def utterances(*texts: str) -> list[dict]:
    row = {"audio_filepath": "a.flac", "duration": 2.0, "speaker": "unknown", "domain": "desk"}
    return [row | {"id": f"u{n:02}", "text": text} for n, text in enumerate(texts)]


def test_all_audio_files_below_a_folder_are_collected_without_texts(tmp_path):
    calls = tmp_path / "calls"
    for number in range(10):
        record(calls / f"day {number % 2}" / f"call {number}.wav", 1 + number / 10)
    (calls / "notes.txt").write_text("not a recording")
    rows = collected(tmp_path, calls, licence="own")
    assert [row["text"] for row in rows] == [""] * 10
    assert [row["id"] for row in rows][:2] == ["untranscribed-000001", "untranscribed-000002"]
    assert sorted(row["duration"] for row in rows) == [1 + number / 10 for number in range(10)]
    lineage = json.loads(sidecar(tmp_path / "manifest.jsonl").read_text())
    assert sorted(lineage["inputs"]) == sorted(map(str, calls.rglob("*.wav")))
    assert lineage["licences"]["desk"]["licence"] == "own"


def test_a_table_or_json_lines_name_recordings_and_no_text_of_theirs_is_read(tmp_path):
    record(tmp_path / "long.wav", 10)
    rows = [
        {"audio_filepath": "long.wav", "text": "secret", "offset": n, "duration": 1}
        for n in range(10)
    ]
    write_jsonl(tmp_path / "calls.jsonl", rows)
    of_lines = collected(tmp_path, tmp_path / "calls.jsonl")
    assert [(row["text"], row["duration"]) for row in of_lines] == [("", 1.0)] * 10
    (tmp_path / "calls.csv").write_text("path,sentence\nlong.wav,secret\n")
    [(recording, place)] = read_untranscribed(tmp_path / "calls.csv")
    assert place == f"{tmp_path}/calls.csv:2" and recording.text != "secret"


def test_too_few_recordings_or_none_are_refused_before_a_judge_hears_them(tmp_path):
    calls = tmp_path / "calls"
    calls.mkdir()
    with pytest.raises(InputError, match=r"calls: has no audio files \(\.wav, "):
        collected(tmp_path, calls)
    for number in range(11):
        record(calls / f"{number}.wav", 0.2 if number < 2 else 1)
    expected = (
        r"domain desk: untranscribed: 9 of 11 recordings can be used \(left out: 2 shorter"
        r" than 0\.3 s\), and fewer than 10 say little; give more"
    )
    with pytest.raises(InputError, match=expected):
        collected(tmp_path, calls)


def test_what_lists_no_recordings_is_refused_before_the_first_job(tmp_path):
    (tmp_path / "calls.csv").write_text("name,sentence\na,b\n")
    domains = {
        "desk": {
            "manifest": str(tmp_path / "calls.csv"),
            "untranscribed": str(tmp_path / "calls.csv"),
        }
    }
    with pytest.raises(InputError, match=r"calls\.csv: no column is known to have the recordings"):
        check_files(domains, "en")
    domains["desk"]["untranscribed"] = str(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"domains\.desk\.untranscribed: .*nowhere: no such file"):
        check_files(domains, "en")


def test_so_many_are_drawn_that_they_last_long_enough(tmp_path):
    for number in range(9):
        record(tmp_path / f"{number}.wav")
    recordings = read_untranscribed(tmp_path)
    drawn = parts(recordings, 1, longest=2.5)["verdict"]
    assert len(drawn) == 3 and drawn == [each for each in recordings if each in drawn]
    assert parts(recordings, 1, longest=2.5)["verdict"] == drawn
    assert parts(recordings, 2, longest=2.5)["verdict"] != drawn
    assert parts(recordings, 1)["verdict"] == recordings


@pytest.mark.parametrize(
    ("share", "longest", "count"),
    [
        (0.5, 3600, {"verdict": 10, "dev": 1, "train": 9}),
        (0.5, 4, {"verdict": 4, "dev": 2, "train": 14}),  # a tenth of 16 s, or a little more
        (0, 3600, {"verdict": 0, "dev": 2, "train": 18}),
    ],
)
def test_no_recording_is_both_learnt_from_and_a_verdicts_evidence(tmp_path, share, longest, count):
    for number in range(20):
        record(tmp_path / f"{number}.wav")
    recordings = read_untranscribed(tmp_path)
    found = parts(recordings, 1, share, longest)
    assert {part: len(drawn) for part, drawn in found.items()} == count
    places = [place for drawn in found.values() for _, place in drawn]
    assert sorted(places) == sorted(place for _, place in recordings)
    assert found["verdict"] == parts(recordings, 1, longest=count["verdict"])["verdict"]


def test_a_broken_recording_is_told_also_where_it_is_drawn_by_chance(tmp_path):
    calls = tmp_path / "calls"
    for number in range(11):
        record(calls / f"{number}.wav")
    (calls / "5.wav").write_bytes(b"no sound")
    with pytest.raises(InputError, match="the audio of 1 of 11 recordings is missing or broken"):
        collected(tmp_path, calls)
    assert len(collected(tmp_path, calls, skip_missing_audio=True)) == 10


def test_what_the_judge_heard_is_the_text_unless_it_is_none_or_an_endless_repetition():
    left_out: Counter[str] = Counter()
    rows = utterances("", "", "", "")
    texts = ("Go on.", "...", "no " * 20, "again and again")
    heard = [{"id": row["id"], "text": text} for row, text in zip(rows, texts, strict=True)]
    heard[3]["decoded_again"] = True
    kept = label.labelled(rows, heard, "en", left_out)
    assert [(row["id"], row["text"]) for row in kept] == [("u00", "Go on.")]
    assert left_out == {"no word": 1, "endless repetition": 2}


def test_only_a_hypothesis_that_is_sure_enough_is_learnt_and_no_transcript_is():
    left_out: Counter[str] = Counter()
    rows = [row | {"raw_text": "Secret", "text_id": "u07"} for row in utterances("s", "s", "s")]
    heard = [
        {"id": row["id"], "text": "Go on.", "log_probability": value}
        for row, value in zip(rows, (-0.5, -0.5001, -0.1), strict=True)
    ]
    kept = label.labelled(rows, heard, "en", left_out, least=-0.5)
    assert [row["id"] for row in kept] == ["u00", "u02"] and left_out == {"not sure enough": 1}
    assert kept[0] == utterances("Go on.")[0]


def test_where_no_hypothesis_is_sure_enough_the_surest_is_told(tmp_path):
    write_jsonl(tmp_path / "rows.jsonl", utterances("", ""))
    heard = [{"id": f"u{n:02}", "text": "Go.", "log_probability": -0.9 - n} for n in range(2)]
    write_jsonl(tmp_path / "heard.jsonl", heard)
    files = [f"--manifest={tmp_path}/rows.jsonl", f"--hypotheses={tmp_path}/heard.jsonl"]
    options = [*files, f"--output={tmp_path}/labelled.jsonl", "--language=en", "--fewest=1"]
    expected = r"2 not sure enough\), .* lower min_log_probability, -0\.5 \(the surest .* -0\.9\)"
    with pytest.raises(InputError, match=expected):
        label.main([*options, "--min-log-probability=-0.5"])
    label.main([*options, "--min-log-probability=-1"])
    assert [row["id"] for row in read_manifest(tmp_path / "labelled.jsonl")] == ["u00"]


def test_a_judge_that_hears_too_little_is_refused(tmp_path):
    rows = utterances(*[""] * 12)
    write_jsonl(tmp_path / "rows.jsonl", rows)
    heard = [{"id": row["id"], "text": "yes" if n < 9 else ""} for n, row in enumerate(rows)]
    write_jsonl(tmp_path / "heard.jsonl", heard)
    files = [f"--manifest={tmp_path}/rows.jsonl", f"--hypotheses={tmp_path}/heard.jsonl"]
    with pytest.raises(
        InputError,
        match=r"of 12 recordings 9 can be labelled \(left out: 3 no word\), and fewer than 10",
    ):
        label.main([*files, f"--output={tmp_path}/labelled.jsonl", "--language=en"])


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ("go onword now", "go onward now"),  # in the place of another word: the judge's
        ("Go left now", "Go left now"),  # a word that it knows
        ("go onword onward now", "go onword onward now"),  # added, in no place
        ("onword onword then", "go onward then"),
        ("go now", "go now"),
    ],
)
def test_a_word_of_the_domain_that_the_judge_never_wrote_counts_as_the_one_it_wrote(said, counted):
    judged = utterances("Go onward now.")
    rows = excused(judged, [{"id": "u00", "text": said}], {"onword"}, "en")
    assert [row["text"] for row in rows] == [counted]


def test_a_text_without_its_errors_is_the_reference_and_with_them_the_hypothesis():
    for reference, hypothesis in (
        ("a b c", "a x c"), ("a b c", "z a c d e"), ("a", ""), ("a b", "b a"), ("a b c", "c"),
    ):  # fmt: skip
        errors = word_errors([(reference, hypothesis)])[reference, hypothesis]
        assert with_errors(reference, errors) == hypothesis
        assert with_errors(reference, []) == reference


def test_agreement_is_counted_over_the_judges_words(tmp_path):
    """Eight words; "onword" for "onward" is excused, "write" for "right" and "go" are not."""
    write_jsonl(tmp_path / "judged.jsonl", utterances("go onward", "turn right", "go to it now"))
    texts = [{"id": "t", "text": "go onword", "spoken": "go onword", "domain": "desk"}]
    write_jsonl(tmp_path / "texts.jsonl", texts)
    heard = ("go onword", "turn write", "to it now")
    rows = [{"id": f"u{n:02}", "text": text} for n, text in enumerate(heard)]
    write_jsonl(tmp_path / "heard.jsonl", rows)
    names = {"references": "judged", "texts": "texts", "hypotheses": "heard"}
    options = [f"--{option}={tmp_path}/{name}.jsonl" for option, name in names.items()]
    agree.main([*options, f"--output={tmp_path}/score.json", "--language=en"])
    score = read_score(tmp_path / "score.json")
    assert (score.words.errors, score.words.reference) == (2, 8)
