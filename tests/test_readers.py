"""Audio read ahead by threads: when, the same results, the same errors."""

import os
import signal
import threading
from pathlib import Path

import pytest
import torch

import finetune
from computing import readers
from errors import InputError, Stopped
from files.manifest import read_manifest
from recognisers import transcription
from recognisers.load import load_recogniser
from recognisers.whisper import WhisperRecogniser
from tiny import finetune_command, write_ctc, write_speech, write_whisper
from training import evaluation
from training import run as training
from training.data import Speech


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_whisper(folder / "whisper")
    write_ctc(folder / "ctc")
    write_speech(folder, "train", 12)
    write_speech(folder, "dev", 4, seed=1)
    return folder


def train(data: Path, output: Path, read_by: int, **changes: object) -> bytes:
    """Fine-tune for two epochs of three steps; return the weights' bytes."""
    usual = {"model": data / "whisper", "epochs": 2, "batch_size": 4, "readers": read_by}
    finetune.main(finetune_command(data, output, **(usual | changes)))
    return (output / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"criterion": "wer", "max_length": 12},
        {"micro_batch_size": 3},
        {"trained": "decoder", "encodings": "encodings"},
        {"model": "ctc"},
    ],
    ids=["whisper", "parts of batches", "kept encodings", "CTC"],
)
def test_a_training_ends_with_the_same_bytes_whoever_reads_its_audio(data, tmp_path, changes):
    if "model" in changes:
        changes = {"model": data / "ctc"}
    found = []
    for read_by in (0, 2):
        if "encodings" in changes:
            changes |= {"encodings": tmp_path / f"encodings{read_by}"}
        found.append(train(data, tmp_path / f"{read_by}", read_by, **changes))
    assert found[0] == found[1]


def test_a_transcription_gives_the_same_texts_whoever_reads_its_audio(data):
    recogniser = load_recogniser(data / "whisper", 1.0, precision="fp32", max_length=12)
    rows = read_manifest(data / "train.jsonl")
    found = [transcription.transcribe(recogniser, rows, 2, read_by) for read_by in (0, 2)]
    assert found[0] == found[1]


def test_another_thread_reads_the_next_batch_while_the_network_learns(data, tmp_path, monkeypatch):
    threads, next_is_read = [], threading.Event()
    prepare, loss = WhisperRecogniser.prepare, WhisperRecogniser.loss

    def prepare_and_tell(recogniser, paths, duration=0):
        threads.append(threading.current_thread())
        if len(threads) == 2:
            next_is_read.set()
        return prepare(recogniser, paths, duration)

    def learn_when_next_is_read(recogniser, audio, labels):
        assert next_is_read.wait(timeout=20)
        return loss(recogniser, audio, labels)

    monkeypatch.setattr(WhisperRecogniser, "prepare", prepare_and_tell)
    monkeypatch.setattr(WhisperRecogniser, "loss", learn_when_next_is_read)
    monkeypatch.setitem(evaluation.CRITERIA, "loss", lambda dev: 0.0)
    train(data, tmp_path / "model", read_by=1, epochs=1)
    assert len(threads) == 3
    assert threading.current_thread() not in threads


def test_audio_that_cannot_be_read_is_told_as_without_threads(data, tmp_path):
    rows = read_manifest(data / "train.jsonl")
    broken = tmp_path / "broken.flac"
    broken.write_bytes(b"no audio")
    recogniser = load_recogniser(data / "whisper", 1.0, precision="fp32", max_length=12)
    rows[5] = rows[5] | {"audio_filepath": str(broken)}
    told = set()
    for read_by in (0, 2):
        with pytest.raises(InputError, match=r"broken\.flac: not readable as audio") as error:
            transcription.transcribe(recogniser, rows, 2, read_by)
        told.add(str(error.value))
    assert len(told) == 1


def test_sigterm_stops_a_training_whose_audio_is_read_ahead(data, tmp_path, monkeypatch):
    update, others = training.Training.update, threading.active_count()

    def then_comes_sigterm(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return update(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Stopped, match="at step 1 of 6"):
        patch.setattr(training.Training, "update", then_comes_sigterm)
        train(data, tmp_path / "stopped", read_by=2)
    assert threading.active_count() == others  # no reader is left behind
    undisturbed = train(data, tmp_path / "undisturbed", read_by=0)
    assert train(data, tmp_path / "stopped", read_by=2) == undisturbed


def test_a_gpu_has_readers_and_a_cpu_needs_its_cores_for_the_network(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    assert readers.readers_of(None, torch.device("cuda")) == 4
    assert readers.readers_of(None, torch.device("cpu")) == 0
    monkeypatch.setattr(torch, "get_num_threads", lambda: 96)
    assert readers.readers_of(None, torch.device("cuda")) == 16
    assert readers.readers_of(3, torch.device("cpu")) == 3
    with pytest.raises(InputError, match="--readers -1: at least 0"):
        readers.readers_of(-1, torch.device("cpu"))


def test_a_reader_takes_one_core_and_leaves_the_others_theirs():
    before = torch.get_num_threads()
    seen = [*readers.read_ahead(lambda _: torch.get_num_threads(), range(3), 2)]
    assert seen == [1, 1, 1]
    assert torch.get_num_threads() == before


def test_some_utterances_more_than_readers_wait_in_memory(data, monkeypatch):
    recogniser = load_recogniser(data / "whisper", 1.0, precision="fp32")
    read = []
    monkeypatch.setattr(recogniser, "prepare", lambda paths, _: read.append(paths))
    speech = Speech(recogniser, [data / "train.jsonl"], readers=1)
    audio = speech.audio(([index], 1.0) for index in range(12))
    next(audio)
    audio.close()
    assert len(read) <= 3
