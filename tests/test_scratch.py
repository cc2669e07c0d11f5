"""Audio copied to a node's own disk: when, where, and that no result depends on it."""

import json
import os
import time
from pathlib import Path

import pytest

import finetune
from errors import InputError
from files import audio, scratch
from files.audio import load_audio
from small_disk import fill, small_disk  # noqa: F401
from tiny import finetune_command, write_speech, write_whisper
from training.data import Speech


@pytest.fixture
def node(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "node"
    folder.mkdir()
    monkeypatch.setenv("SYN2REAL_SCRATCH", str(folder))
    scratch.bring.cache_clear()
    return folder


def copies(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_without_the_variable_a_file_is_read_where_it_is(monkeypatch):
    monkeypatch.delenv("SYN2REAL_SCRATCH", raising=False)
    scratch.check(["gone.flac"])
    assert scratch.near("gone.flac") == "gone.flac"


def test_a_file_is_copied_once_and_again_when_it_has_changed(tmp_path, node):
    path = tmp_path / "a.flac"
    path.write_bytes(b"one")
    assert scratch.near(path) == scratch.near(path)
    assert [copy.read_bytes() for copy in copies(node)] == [b"one"]
    assert copies(node)[0].suffix == ".flac"

    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    scratch.bring.cache_clear()  # as another process
    assert Path(scratch.near(path)).read_bytes() == b"two"
    assert len(copies(node)) == 2


def test_a_file_that_was_changed_behind_its_time_is_copied_again(tmp_path, node):
    path = tmp_path / "a.flac"
    path.write_bytes(b"one")
    before = path.stat().st_mtime_ns
    assert Path(scratch.near(path)).read_bytes() == b"one"
    time.sleep(0.02)  # a file system's clock ticks
    path.write_bytes(b"two")
    os.utime(path, ns=(before, before))  # as rsync --times
    scratch.bring.cache_clear()  # as another process
    assert Path(scratch.near(path)).read_bytes() == b"two"


def test_training_reads_every_epoch_from_there_and_gives_the_same_bytes(
    tmp_path, node, monkeypatch
):
    write_whisper(tmp_path / "base")
    write_speech(tmp_path, "train", 4)
    write_speech(tmp_path, "dev", 2, seed=1)
    settings = {"model": tmp_path / "base", "epochs": 2, "batch_size": 2, "criterion": "wer"}
    settings["max_length"] = 12
    finetune.main(finetune_command(tmp_path, tmp_path / "near", **settings))
    assert len(copies(node)) == 4 + 2

    read = []
    channels = audio.read_channels
    monkeypatch.setattr(
        audio, "read_channels", lambda path: read.append(Path(path)) or channels(path)
    )
    finetune.main(finetune_command(tmp_path, tmp_path / "again", **settings))
    assert len(read) == 2 * (4 + 2) and all(path.is_relative_to(node) for path in read)

    monkeypatch.delenv("SYN2REAL_SCRATCH")
    finetune.main(finetune_command(tmp_path, tmp_path / "far", **settings))
    names = ("near", "again", "far")
    contents = [(tmp_path / name / "model.safetensors").read_bytes() for name in names]
    assert contents[0] == contents[1] == contents[2]
    codes = [
        json.loads((tmp_path / name / "model.safetensors.lineage.json").read_text())["code"]
        for name in names
    ]
    assert len(set(codes)) == 1


def test_a_scratch_folder_that_is_not_there_is_told_before_training(tmp_path, monkeypatch):
    monkeypatch.setenv("SYN2REAL_SCRATCH", str(tmp_path / "gone"))
    write_speech(tmp_path, "train", 1)
    recogniser = type("Recogniser", (), {"window": 1.0})
    with pytest.raises(InputError, match=r"SYN2REAL_SCRATCH=.*/gone: no such folder on this mach"):
        Speech(recogniser, [tmp_path / "train.jsonl"])


def test_a_scratch_folder_that_cannot_be_written_is_told(node):
    (node / f"syn2real-{os.getuid()}").write_text("a file where the folder should be")
    with pytest.raises(InputError, match=r"node: File exists; take another, or unset"):
        scratch.check([])


def test_too_little_room_for_all_files_is_told_before_the_first_is_copied(
    tmp_path,
    small_disk,  # noqa: F811
    monkeypatch,
):
    monkeypatch.setenv("SYN2REAL_SCRATCH", str(small_disk))
    paths = [tmp_path / "a.flac", tmp_path / "b.flac"]
    for path in paths:
        path.write_bytes(bytes(1_500_000))
    with pytest.raises(InputError, match=r"2 audio files need 3\.0 MB and 2\.1 MB are free; make"):
        scratch.check(paths)
    assert not copies(small_disk)


def test_a_disk_that_others_fill_meanwhile_is_told_and_the_rest_follows_when_there_is_room(
    tmp_path,
    small_disk,  # noqa: F811
    monkeypatch,
):
    monkeypatch.setenv("SYN2REAL_SCRATCH", str(small_disk))
    scratch.bring.cache_clear()
    write_speech(tmp_path, "train", 2)
    one, other = (tmp_path / "train" / f"utterance{number}.flac" for number in (0, 1))
    scratch.check([one, other])
    scratch.near(one)
    filler = fill(small_disk, room=0)
    with pytest.raises(InputError, match=rf"no space left on {small_disk} .* run the same command"):
        scratch.near(other)
    assert len(copies(small_disk)) == 2  # the first, and what fills the disk
    filler.unlink()
    assert (load_audio(scratch.near(other)) == load_audio(other)).all()
