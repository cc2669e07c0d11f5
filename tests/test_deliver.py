"""A delivered folder: the checkpoint as it is, and what leads its decoder, in forms others take."""

import json
from pathlib import Path

import pytest

import deliver
import transcribe
from errors import InputError
from files.manifest import read_jsonl, write_jsonl
from recognisers.load import load_recogniser
from records.reading import read_record
from records.record import WEIGHTS, checkpoint_files
from tiny import write_speech, write_whisper

OPTIONS = ["--window", "1", "--max-length", "12", "--language", "en"]
MADE = {"decoding.json", "key_terms.jsonl", "key_terms.txt", "texts.jsonl"}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_whisper(folder / "base")
    write_speech(folder, "test", 2)
    terms = [("zebra", "Zébra"), ("b 2", "b-2")]
    write_jsonl(folder / "terms.jsonl", [{"id": id, "text": text} for id, text in terms])
    write_jsonl(folder / "texts.jsonl", [{"id": str(n), "text": "a zebra"} for n in range(3)])
    return folder


def delivered(data: Path, folder: Path, *options: str) -> Path:
    checkpoint, output = (str(place / WEIGHTS) for place in (data / "base", folder))
    deliver.main(["--checkpoint", checkpoint, "--output", output, *OPTIONS, *options])
    return folder


def test_the_folder_is_the_checkpoint_with_terms_and_texts_and_how_to_decode(data, tmp_path):
    led = ["--terms", str(data / "terms.jsonl"), "--terms-bonus", "2"]
    led += ["--texts", str(data / "texts.jsonl"), "--guard-repetition"]
    folder = delivered(data, tmp_path / "shop", *led)
    of_checkpoint = {path.name: path.read_bytes() for path in checkpoint_files(data / "base")}
    files = {path.name: path.read_bytes() for path in checkpoint_files(folder)}
    assert files.keys() == of_checkpoint.keys() | MADE
    assert {name: files[name] for name in of_checkpoint} == of_checkpoint
    assert files["key_terms.jsonl"] == (data / "terms.jsonl").read_bytes()
    assert files["texts.jsonl"] == (data / "texts.jsonl").read_bytes()
    assert files["key_terms.txt"].decode() == "Zébra\nb-2\n"
    settings = json.loads(files["decoding.json"])
    assert settings == {
        "terms_bonus": 2,
        "texts_weight": 0.1,
        "window": 1,
        "max_length": 12,
        "guard_repetition": True,
        "language": "en",
        "task": "transcribe",
    }
    record = read_record(folder / f"{WEIGHTS}.lineage.json")
    assert {Path(path).name for path in record.outputs} == files.keys()
    assert record.content["parameters"] == settings
    assert record.content["counts"] == {"terms": 2, "texts": 3}
    load_recogniser(folder, 1.0)


def test_only_what_leads_the_decoder_is_there(data, tmp_path):
    folder = delivered(data, tmp_path / "shop", "--texts", str(data / "texts.jsonl"))
    names = {path.name for path in folder.iterdir()}
    assert names & MADE == {"texts.jsonl", "decoding.json"}
    assert json.loads((folder / "decoding.json").read_text())["terms_bonus"] is None
    with pytest.raises(InputError, match="give --terms, --texts or both"):
        delivered(data, tmp_path / "none")


def test_what_is_delivered_decodes_as_what_it_was_made_of(data, tmp_path):
    def texts_of(model: Path, terms: Path, texts: Path, output: str) -> list[str]:
        led = ["--terms", str(terms), "--terms-bonus", "9"]
        led += ["--texts", str(texts), "--texts-weight", "9"]
        speech = ["--manifest", str(data / "test.jsonl"), "--output", str(tmp_path / output)]
        transcribe.main(["--model", str(model), *speech, *OPTIONS, *led])
        return [row["text"] for row in read_jsonl(tmp_path / output)]

    files = data / "terms.jsonl", data / "texts.jsonl"
    folder = delivered(data, tmp_path / "x", "--terms", str(files[0]), "--texts", str(files[1]))
    before = texts_of(data / "base", *files, "before.jsonl")
    of_folder = folder / "key_terms.jsonl", folder / "texts.jsonl"
    assert texts_of(folder, *of_folder, "after.jsonl") == before and any(before)


def test_terms_that_are_none_are_refused_before_anything_is_written(data, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"id": "a"}\n')
    with pytest.raises(InputError, match=r"bad\.jsonl:1: key 'text' is missing"):
        delivered(data, tmp_path / "x", "--terms", str(tmp_path / "bad.jsonl"))
    assert not (tmp_path / "x").exists()
