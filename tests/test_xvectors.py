"""x-vectors: which utterances count, their mean, and the file that SpeechT5's engine reads."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import xvectors
from engines.speecht5 import check_dimensions, read_speakers
from errors import InputError
from files.audio import save_audio
from files.manifest import write_jsonl
from tiny_tts import write_xvector


def utterance(name: str, speaker: str = "ann", duration: float = 2.0) -> dict:
    return {
        "id": name,
        "audio_filepath": f"{name}.flac",
        "duration": duration,
        "text": "a",
        "speaker": speaker,
        "domain": "music",
    }


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> Path:
    return write_xvector(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> Path:
    """Three speakers who each hum at a pitch of their own, two utterances each, and a short one."""
    folder = tmp_path_factory.mktemp("speech")
    random = np.random.default_rng(0)
    rows = []
    for number in range(7):
        seconds = np.arange(8_000 if number == 6 else 20_000 + 1_000 * number) / 16_000
        hum = np.sign(np.sin(2 * np.pi * (100 + 100 * (number % 3)) * seconds))
        waveform = 0.1 * hum + random.normal(0, 0.001, len(seconds))
        path = folder / f"u{number}.flac"
        duration = save_audio(path, waveform.astype(np.float32))
        speaker = "dan" if number == 6 else ("ann", "bob", "cyd")[number % 3]
        rows.append(utterance(f"u{number}", speaker, duration) | {"audio_filepath": str(path)})
    write_jsonl(folder / "speech.jsonl", rows)
    return folder / "speech.jsonl"


def run(output: Path, manifest: Path, encoder: Path, *more: str) -> dict[str, np.ndarray]:
    argv = ["--manifest", str(manifest), "--encoder", str(encoder), "--output", str(output), *more]
    xvectors.main(argv)
    return read_speakers(output)


def test_each_speaker_has_a_vector_of_length_one_that_the_engine_takes(tmp_path, speech, encoder):
    found = run(tmp_path / "speakers.safetensors", speech, encoder)
    assert list(found) == ["ann", "bob", "cyd"]
    check_dimensions(found, 512, tmp_path)
    for vector in found.values():
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    facts = json.loads((tmp_path / "speakers.safetensors.lineage.json").read_text())
    assert facts["counts"] == {"vectors": 3, "utterances": 6, "without": 1}  # dan says too little


def test_a_speaker_s_vector_is_the_mean_of_the_utterances(tmp_path, speech, encoder):
    speakers = run(tmp_path / "speakers.safetensors", speech, encoder)
    single = run(tmp_path / "utterances.safetensors", speech, encoder, "--per", "utterance")
    assert list(single) == ["u0", "u1", "u2", "u3", "u4", "u5"]
    mean = single["u0"] + single["u3"]
    assert np.allclose(speakers["ann"], mean / np.linalg.norm(mean), atol=1e-6)
    first = run(tmp_path / "first.safetensors", speech, encoder, "--max-utterances", "1")
    assert np.allclose(first["ann"], single["u0"], atol=1e-6)


def test_a_vector_does_not_depend_on_the_others_and_a_rerun_changes_nothing(
    tmp_path, speech, encoder
):
    everyone = run(tmp_path / "everyone.safetensors", speech, encoder)
    lines = speech.read_text().splitlines(keepends=True)
    alone = tmp_path / "alone.jsonl"
    alone.write_text(lines[1] + lines[4])
    bob = run(tmp_path / "bob.safetensors", alone, encoder)["bob"]
    assert np.array_equal(bob, everyone["bob"])
    assert not np.array_equal(bob, everyone["ann"])


def test_short_utterances_do_not_count_and_the_first_come_first():
    rows = [
        utterance("a", duration=0.9),
        utterance("b"),
        utterance("c", "bob"),
        utterance("d"),
        utterance("e"),
    ]
    ids = {name: [row["id"] for row in taken] for name, taken in choose(rows, 2).items()}
    assert ids == {"ann": ["b", "d"], "bob": ["c"]}
    assert [row["id"] for row in choose(rows, None)["ann"]] == ["b", "d", "e"]


def choose(rows: list[dict], most: int | None) -> dict[str, list[dict]]:
    return xvectors.select(rows, "speaker", most)


def test_the_mean_of_directions_has_length_one():
    assert np.allclose(xvectors.mean_direction(np.array([[1.0, 0], [0, 1]])), [0.5**0.5] * 2)


def test_the_published_hyper_parameters_are_the_network_s(encoder):
    network = xvectors.load_encoder(encoder, torch.device("cpu"))["network"]
    shapes = [tuple(p.shape) for name, p in network.named_parameters() if "conv.weight" in name]
    assert shapes == [(512, 24, 5), (512, 512, 3), (512, 512, 3), (512, 512, 1), (1500, 512, 1)]
    assert not network.training


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ("no encoder", "embedding_model.ckpt: no such file; fetch speechbrain/spkrec-xvect"),
        ("another network", "not the x-vector network"),
        ("code in the pickle", "not the x-vector network"),
        ("no audio", "the audio of 1 utterances is missing, first gone.flac of 'u'"),
        ("short", "no utterance of 1 has 1.0 s or more"),
        ("twice", "id 'u0' is in two of them"),
        ("none", "--max-utterances: '0'; give a whole number from 1 to 1000000"),
    ],
)
def test_mistakes_are_told(tmp_path, speech, encoder, harm, message):
    more: list[str] = []
    if harm in ("no encoder", "another network", "code in the pickle"):
        encoder = tmp_path / "encoder"
        encoder.mkdir()
    if harm == "another network":
        torch.save({"blocks": torch.zeros(1)}, encoder / "embedding_model.ckpt")
    elif harm == "code in the pickle":
        torch.save(print, encoder / "embedding_model.ckpt")
    elif harm in ("no audio", "short"):
        row = utterance("u", duration=0.5)
        row["audio_filepath"] = "gone.flac" if harm == "no audio" else __file__
        speech = tmp_path / "other.jsonl"
        write_jsonl(speech, [row])
    elif harm == "twice":
        more = ["--per", "utterance", "--manifest", str(speech), str(speech)]
    elif harm == "none":
        more = ["--max-utterances", "0"]
    with pytest.raises(InputError, match=message):
        run(tmp_path / "speakers.safetensors", speech, encoder, *more)
    assert not (tmp_path / "speakers.safetensors").exists()
