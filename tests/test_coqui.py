"""The engine coqui, through the real command: its VITS with speakers, and what it refuses."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from engines import coqui
from engines.engine import Setup, Speech
from errors import InputError
from files.audio import save_audio
from files.manifest import read_jsonl
from test_engines import ask, run, say, sounds
from tiny_tts import write_vits, write_xtts

pytest.importorskip("TTS", reason="needs the package coqui-tts and what it needs")


@pytest.fixture(scope="module")
def vits(tmp_path_factory) -> Path:
    return write_vits(tmp_path_factory.mktemp("vits"))


@pytest.fixture
def copy(tmp_path, vits) -> Path:
    return Path(shutil.copytree(vits, tmp_path / "copy"))


def test_vits_speaks_in_its_speakers_voices_to_the_same_bytes_again(tmp_path, vits):
    found = run(tmp_path / "one", engine="coqui", resources=vits)
    assert {row["voice"] for row in found.values()} == {"p225", "p226"}
    assert len(set(sounds(found).values())) == 4
    again = run(tmp_path / "again", engine="coqui", resources=vits)
    assert sounds(again) == sounds(found)
    other = run(tmp_path / "other", engine="coqui", resources=vits, seed=2, voices="p226")
    assert {row["voice"] for row in other.values()} == {"p226"}
    assert all(other[name] != sounds(found)[name] for name in other)
    files = json.loads((tmp_path / "one" / "shard1of1.jsonl.lineage.json").read_text())["inputs"]
    assert {"config.json", "model_file.pth", "speaker_ids.json"} <= {Path(f).name for f in files}


def test_vits_depends_on_voice_seed_and_speed(vits):
    engine = coqui.load(Setup(vits, ["random"]))
    assert engine.sampling_rate == 22_050
    first = say(engine, "good morning", "p225", 1.0, 1)
    assert len(say(engine, "good morning", "p225", 0.5, 1)) > 1.5 * len(first)
    assert say(engine, "good morning", "p226", 1.0, 1).tobytes() != first.tobytes()
    assert say(engine, "good morning", "p225", 1.0, 2).tobytes() != first.tobytes()
    assert say(engine, "good morning", "p225", 1.0, 1).tobytes() == first.tobytes()


def test_vits_refuses_what_coqui_would_leave_out(tmp_path, vits):
    texts = ("good morning", "café §", " ", "good night")
    found = run(tmp_path, texts, engine="coqui", resources=vits, max_failures=0.5)
    assert list(found) == ["t0", "t3"]
    failures = read_jsonl(tmp_path / "shard1of1.failures.jsonl", {"id": str, "reason": str})
    assert [row["reason"] for row in failures] == [
        "characters that are not in the vocabulary: é §",
        "no characters: nothing in the text can be said",
    ]
    engine = coqui.load(Setup(vits, ["p225"]))
    engine.speak([ask("é", "p225")])
    assert isinstance(engine.speak([ask("e", "p225")])[0], Speech)


def edit(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def test_a_vits_that_cannot_read_digits_is_given_words(tmp_path, copy, vits):
    texts = ("call at 9", "good night")
    found = run(tmp_path / "own", texts, engine="coqui", resources=vits)
    assert "spoken" not in found["t0"]  # Coqui's English cleaner knows numbers
    edit(copy, text_cleaner="basic_cleaners")
    found = run(tmp_path / "words", texts, engine="coqui", resources=copy)
    assert (found["t0"]["text"], found["t0"]["spoken"]) == ("call at 9", "call at nine")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ("no config", "config.json: no such file"),
        ("no weights", "no model_file.pth or model.pth"),
        ("no speakers", "no speaker_ids.json or .* though config.json has a speakers_file"),
        ("other weights", "not a checkpoint of its config.json"),
        ("code in the weights", "not a checkpoint of its config.json"),
        ("bark", "model 'bark' is not supported; use the engine bark"),
        ("tacotron2", "model 'tacotron2' is not supported; use vits or xtts"),
        ("voice", "no voice 'p1'; there are p225, p226"),
        ("language", "--language en: .* speaks de"),
        ("batch", "--batch-size 2: engine coqui has no use for it"),
    ],
)
def test_mistakes_are_told(copy, harm, message):
    if harm.startswith("no "):
        names = {
            "config": "config.json",
            "weights": "model_file.pth",
            "speakers": "speaker_ids.json",
        }
        (copy / names[harm[3:]]).unlink()
    elif harm == "other weights":
        torch.save({"model": {"emb_g.weight": torch.zeros(2, 8)}}, copy / "model_file.pth")
    elif harm == "code in the weights":
        torch.save({"model": print}, copy / "model_file.pth")
    elif harm in ("bark", "tacotron2"):
        edit(copy, model=harm)
    elif harm == "language":
        edit(copy, phoneme_language="de")
    setup = Setup(
        copy,
        ["p1" if harm == "voice" else "random"],
        batch_size=2 if harm == "batch" else 1,
        language="en" if harm == "language" else None,
    )
    with pytest.raises(InputError, match=message):
        coqui.load(setup)


@pytest.fixture(scope="module")
def xtts(tmp_path_factory) -> Path:
    return write_xtts(tmp_path_factory.mktemp("xtts"))


def test_xtts_speaks_in_its_speakers_voices_and_leaves_its_files_alone(tmp_path, xtts):
    before = {path.name: path.read_bytes() for path in xtts.iterdir()}
    texts = ("good morning", "good night")
    found = run(tmp_path / "one", texts, engine="coqui", resources=xtts, language="en")
    assert {row["voice"] for row in found.values()} <= {"Ana", "Boris"}
    again = run(tmp_path / "again", texts, engine="coqui", resources=xtts, language="en")
    assert sounds(again) == sounds(found)
    assert {path.name: path.read_bytes() for path in xtts.iterdir()} == before


def test_xtts_imitates_the_audio_files_of_a_folder(tmp_path, xtts):
    folder = tmp_path / "references"
    folder.mkdir()
    random = np.random.default_rng(0)
    for name, pitch in (("low", 100), ("high", 300)):
        seconds = np.arange(60_000) / 16_000
        hum = 0.3 * np.sin(2 * np.pi * pitch * seconds) + random.normal(0, 0.01, len(seconds))
        save_audio(folder / f"{name}.flac", hum.astype(np.float32))
    engine = coqui.load(Setup(xtts, ["random"], speakers=folder, language="en"))
    assert list(engine.voices) == ["high", "low"]
    low, high = (say(engine, "good morning", voice) for voice in ("low", "high"))
    assert low.tobytes() != high.tobytes()
    assert {"low.flac", "high.flac"} <= {path.name for path in engine.files}
    with pytest.raises(InputError, match="no voice 'Ana'; there are high, low"):
        coqui.load(Setup(xtts, ["Ana"], speakers=folder, language="en"))


def test_xtts_needs_a_language_that_it_speaks_and_texts_that_it_does_not_cut(xtts):
    with pytest.raises(InputError, match="--language is missing: .* speaks en, "):
        coqui.load(Setup(xtts, ["Ana"]))
    with pytest.raises(InputError, match="--language xx: .* speaks en, "):
        coqui.load(Setup(xtts, ["Ana"], language="xx"))
    engine = coqui.load(Setup(xtts, ["Ana"], language="en"))
    (answer,) = engine.speak([ask("a" * 251, "Ana")])
    assert str(answer) == "too long: 251 characters, XTTS takes 250 of this language"
