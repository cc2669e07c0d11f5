"""The store of encoder outputs: what changes, and so is computed again, and what does not."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from files.manifest import read_manifest
from recognisers import checkpoints, encoded
from recognisers import whisper as whisper_recogniser
from recognisers.load import load_recogniser
from records import writing
from tiny import write_speech, write_whisper


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_whisper(folder / "base")
    write_speech(folder, "test", 3)
    return folder


@pytest.fixture
def scripts(tmp_path, monkeypatch) -> Path:
    """Return a copy of the code that a test may edit; the store is told that it is the code."""
    folder = tmp_path / "scripts"
    shutil.copytree(Path(encoded.__file__).parents[1], folder)
    monkeypatch.setattr(whisper_recogniser, "__file__", str(folder / "recognisers/whisper.py"))
    yield folder
    writing.code_of.cache_clear()


def computed(data: Path, store: Path, window: float = 1.0) -> int:
    """Hear three utterances; return how many encodings came to the store."""
    writing.code_of.cache_clear()
    before = len(list(store.rglob("*.npy")))
    model = load_recogniser(data / "base", window, precision="fp32", encodings=store)
    paths = [row["audio_filepath"] for row in read_manifest(data / "test.jsonl")]
    with torch.no_grad():
        model.encode(model.prepare(paths))
    return len(list(store.rglob("*.npy"))) - before


@pytest.mark.parametrize(
    "module",
    [
        "recognisers/log_mel.py",
        "files/audio.py",
        "recognisers/cross_attention.py",
        "recognisers/whisper.py",
        "computing/precision.py",
    ],
)
def test_a_line_of_logic_in_what_makes_features_or_encodes_makes_new_ones(
    data, scripts, tmp_path, module
):
    store, path = tmp_path / "store", scripts / module
    assert [computed(data, store) for _ in range(2)] == [3, 0]
    text = path.read_text()
    path.write_text(text + "\n# a comment\n")
    assert computed(data, store) == 0
    path.write_text(text + "\nCHANGED = 1\n")
    assert [computed(data, store) for _ in range(2)] == [3, 0]
    path.write_text(text)  # and what was there is found again
    assert computed(data, store) == 0


@pytest.mark.parametrize("package", ["numpy", "soundfile", "soxr", "torch", "transformers"])
def test_another_version_of_a_package_makes_new_ones(data, tmp_path, monkeypatch, package):
    store = tmp_path / "store"
    assert computed(data, store) == 3
    changed = writing.versions_of(encoded.PACKAGES) | {package: "0.1"}
    monkeypatch.setattr(encoded, "versions_of", lambda packages: changed)
    assert computed(data, store) == 3


def test_another_processor_makes_new_ones(data, tmp_path, monkeypatch):
    store = tmp_path / "store"
    assert computed(data, store) == 3
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2 of old")
    assert computed(data, store) == 3


def test_other_mel_filters_make_new_ones(data, tmp_path):
    assert computed(data, tmp_path / "store") == 3
    filters = checkpoints.WhisperFeatureExtractor.from_pretrained

    def louder(folder, **options):
        features = filters(folder, **options)
        features.mel_filters = 2 * np.asarray(features.mel_filters)
        return features

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints.WhisperFeatureExtractor, "from_pretrained", louder)
        assert computed(data, tmp_path / "store") == 3


def test_another_window_and_another_number_of_heads_make_new_ones(data, tmp_path):
    store = tmp_path / "store"
    assert computed(data, store) == 3
    assert computed(data, store, window=2.0) == 3
    shutil.copytree(data / "base", tmp_path / "base")
    shutil.copy(data / "test.jsonl", tmp_path)
    config = tmp_path / "base/config.json"
    text = config.read_text()
    heads = '"encoder_attention_heads": 2'
    assert heads in text
    config.write_text(text.replace(heads, '"encoder_attention_heads": 4'))
    assert computed(tmp_path, store) == 3  # the weights are the same
