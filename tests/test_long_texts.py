"""Texts and speech longer than the window: told early, split, rejected, never the end of a run."""

import json
from pathlib import Path

import numpy as np
import pytest

import filter as rejecting
import prepare
import transcribe
from configs import reading
from conftest import ROOT
from errors import InputError
from files.audio import save_audio
from files.manifest import read_jsonl, read_manifest, read_texts, write_jsonl
from files.strict_yaml import load_yaml
from texts.long_texts import PER_SECOND, pieces, sentences, speaking_time
from tiny import write_whisper

TEN_SECONDS = "x" * (10 * PER_SECOND - 1)  # and a full stop


def test_a_second_is_twelve_letters_three_digits_or_five_syllables_of_chinese():
    assert speaking_time("twelve words") == speaking_time(" twelve \n words ") == 1
    assert speaking_time("123") == 1
    assert speaking_time("\u4f60\u597d\u4e16\u754c\u4eba" * 6) == 30 * 2.5 / 12


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rains. Does it? Yes!", ["It rains.", "Does it?", "Yes!"]),
        ("He met Dr. Smith at 5 p.m. sharp.", ["He met Dr. Smith at 5 p.m. sharp."]),
        ("It costs 3.50 dollars. Buy it.", ["It costs 3.50 dollars.", "Buy it."]),
        ('"Stop there." He stopped.', ['"Stop there."', "He stopped."]),
        ("It is 1998. We wait...", ["It is 1998.", "We wait..."]),
        ("wait... what", ["wait... what"]),
        ("it rains. does it? yes", ["it rains.", "does it?", "yes"]),
        (
            "\u4eca\u5929\u4e0b\u96e8\u3002\u660e\u5929\u5462\uff1f",
            ["\u4eca\u5929\u4e0b\u96e8\u3002", "\u660e\u5929\u5462\uff1f"],
        ),
        (
            "\u092f\u0939 \u0918\u0930 \u0939\u0948\u0964 \u0935\u0939 \u0928\u0926\u0940",
            ["\u092f\u0939 \u0918\u0930 \u0939\u0948\u0964", "\u0935\u0939 \u0928\u0926\u0940"],
        ),
        ("no end at all", ["no end at all"]),
        ("", []),
    ],
)
def test_sentences_end_where_it_is_clear_in_any_language(text, expected):
    assert sentences(text) == expected


def test_pieces_are_as_few_as_fit_and_hold_all_of_the_text():
    text = " ".join(f"{TEN_SECONDS}." for _ in range(5))
    assert [round(speaking_time(piece)) for piece in pieces(text, 30)] == [20, 20, 10]
    assert [round(speaking_time(piece)) for piece in pieces(text, 31)] == [30, 20]
    assert " ".join(pieces(text, 31)) == text
    assert len(pieces("x" * 999, 30)) == 1


@pytest.mark.parametrize("text", ["x" * 1_000_000, "." * 1_000_000])
def test_a_text_without_an_end_is_one_sentence_however_long(text):
    assert sentences(text) == [text]  # at once: looking again from each character takes hours


def prepare_texts(folder: Path, train: str, test: str = "", **keys) -> dict:
    """Prepare a domain of texts; return counts.json."""
    (folder / "t.txt").write_text(train)
    declaration = {"texts": str(folder / "t.txt"), "dev": 1} | keys
    if test:
        (folder / "test.txt").write_text(test)
        declaration["test_texts"] = str(folder / "test.txt")
    prepare.main(
        ["--domain", "demo", "--declaration", json.dumps(declaration)]
        + ["--texts-dir", str(folder / "texts"), "--language", "en"]
    )
    return json.loads((folder / "texts" / "counts.json").read_text())


def texts(folder: Path, *splits: str) -> dict[str, str]:
    rows = [row for split in splits for row in read_texts(folder / "texts" / f"{split}.jsonl")]
    return {row["id"]: row["text"] for row in rows}


def test_a_long_text_is_split_at_ends_of_sentences_and_its_pieces_are_numbered(tmp_path):
    long = f"{TEN_SECONDS}. {TEN_SECONDS[:-1]}y. {TEN_SECONDS[:-1]}z."
    counts = prepare_texts(tmp_path, f"Hello there.\n{long}\nGood bye.\n", max_duration=21)
    found = texts(tmp_path, "train", "dev")
    assert sorted(found) == ["demo-000001", "demo-000002-1", "demo-000002-2", "demo-000003"]
    assert f"{found['demo-000002-1']} {found['demo-000002-2']}" == long
    assert (counts["read"], counts["split_texts"], counts["left_out"]) == (3, 1, {})


def test_what_cannot_be_split_is_left_out_counted_and_named_and_the_rest_of_its_text_stays(
    tmp_path, capsys
):
    endless = "on and on " * 40
    test = f"Hello again.\nWell then. {endless}\n"
    counts = prepare_texts(tmp_path, f"Hello.\n{endless}\nGood bye.\n", test)
    reason = "longer than 30 s to say, in one sentence"
    assert counts["left_out"] == {reason: 2}
    assert counts["out_of_bounds"][reason] == [
        f"{tmp_path}/{name}: about 33 s: 'on and on on and on on and on on and on on and on '"
        for name in ("t.txt:2", "test.txt:2")
    ]
    assert sorted(texts(tmp_path, "train", "dev")) == ["demo-000001", "demo-000003"]
    assert set(texts(tmp_path, "test")) == {"demo-test-000001", "demo-test-000002-1"}
    assert "1 of the given test set are left out (1 longer than 30 s" in capsys.readouterr().err


def test_a_piece_that_is_called_like_another_text_is_refused(tmp_path):
    long = f"a\t{TEN_SECONDS}. {TEN_SECONDS}."
    with pytest.raises(InputError, match=r"t.txt:2: id 'a-1' stands already at .*t.txt:1"):
        prepare_texts(tmp_path, f"{long}\na-1\tHello.\n", max_duration=11)


def test_texts_may_be_as_long_as_the_filter_lets_speech_be():
    config = load_yaml(ROOT / "experiments/drascula.yaml")
    config["domains"]["shop"] = {"texts": "shop.txt"}
    config["filter"] = {"window": 12, "max_duration": 20}
    domains = reading.complete_and_check(config)["domains"]
    assert (domains["shop"]["max_duration"], domains["queen"]["max_duration"]) == (12, 10)


# --- speech that came out too long


def hum(seconds: float) -> np.ndarray:
    times = np.arange(round(seconds * 16_000)) / 16_000
    return (0.5 * np.sin(2 * np.pi * 200 * times)).astype(np.float32)


@pytest.fixture
def manifest(tmp_path) -> Path:
    """Speech of 1, 2, 2.01 and 3 s."""
    rows = []
    for id, seconds in (("short", 1.0), ("exact", 2.0), ("hair", 2.01), ("long", 3.0)):
        path = tmp_path / f"{id}.flac"
        duration = save_audio(path, hum(seconds))
        row = {"id": id, "audio_filepath": str(path), "duration": duration, "text": "ten letters"}
        rows.append(row | {"speaker": "a", "domain": "demo", "text_id": id})
    write_jsonl(tmp_path / "m.jsonl", rows)
    return tmp_path / "m.jsonl"


def run_transcribe(manifest: Path, *options: str) -> dict[str, dict]:
    folder = manifest.parent
    if not (folder / "base").exists():
        write_whisper(folder / "base")
    transcribe.main(
        ["--model", str(folder / "base"), "--manifest", str(manifest), "--window", "2"]
        + ["--max-length", "8", "--language", "en", "--output", str(folder / "h.jsonl"), *options]
    )
    return {row["id"]: row for row in read_jsonl(folder / "h.jsonl")}


def run_filter(manifest: Path, longest: float) -> list[str]:
    folder = manifest.parent
    rejecting.main(
        ["--manifest", str(manifest), "--hypotheses", str(folder / "h.jsonl")]
        + ["--max-duration", str(longest), "--max-cer", "99", "--min-speaking-rate", "0"]
        + ["--max-clipping", "1", "--output", str(folder / "kept.jsonl")]
        + ["--rejected", str(folder / "rejected.tsv"), "--language", "en"]
    )
    return [row["id"] for row in read_manifest(folder / "kept.jsonl")]


def test_speech_beyond_the_window_is_rejected_by_the_filter_for_its_duration(manifest):
    hypotheses = run_transcribe(manifest, "--leave-out-longer")
    assert list(hypotheses) == ["short", "exact", "hair", "long"]
    assert hypotheses["long"] == {"id": "long", "text": "", "transcribed": False}
    assert set(hypotheses["hair"]) == {"id", "text"}
    facts = json.loads((manifest.parent / "h.jsonl.lineage.json").read_text())
    assert facts["counts"] == {"utterances": 4, "longer_than_window": 1}
    assert run_filter(manifest, 2) == ["short", "exact"]
    lines = (manifest.parent / "rejected.tsv").read_text().splitlines()[1:]
    assert [line.split("\t")[:4] for line in lines] == [
        ["hair", "duration", "2.01", "2"],
        ["long", "duration", "3", "2"],
    ]


def test_all_speech_beyond_the_window_is_told_by_the_filter(manifest):
    write_jsonl(manifest, [row for row in read_manifest(manifest) if row["id"] == "long"])
    run_transcribe(manifest, "--leave-out-longer")
    with pytest.raises(InputError, match="kept 0 of 1 utterances, duration 1"):
        run_filter(manifest, 2)


def test_a_bound_beyond_the_window_of_the_transcription_is_refused(manifest):
    run_transcribe(manifest, "--leave-out-longer")
    with pytest.raises(InputError, match=r"'long' \(3.00 s\) was longer than the window .*lower"):
        run_filter(manifest, 30)
