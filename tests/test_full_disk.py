"""A full disk: told in one line, nothing half written, and the same bytes once there is room."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import errors
import finetune
import humming
import synthesize
import transcribe
from errors import InputError, run
from files.atomic import atomic_folder, atomic_path
from records import writing
from small_disk import fill, small_disk  # noqa: F401
from tiny import finetune_command, write_speech, write_whisper
from vectors import arithmetic

TOLD = r"no space left on .*/small \(or in your quota on it\) for this file, .* the same command"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_whisper(folder / "base")
    write_speech(folder, "train", 8)
    write_speech(folder, "dev", 2, seed=1)
    return folder


def check_resumes(work, disk: Path, room: int, name: str, reference: Path) -> None:
    """``work`` fails on a disk with little room, and ends as on another one when there is more."""
    filler = fill(disk, room)
    with pytest.raises(InputError, match=TOLD) as told:
        work(disk)
    assert str(told.value).startswith(f"{disk}/")
    left = [path for path in disk.rglob("*") if path.is_file() and path != filler]
    assert not (disk / name).exists()
    assert not [path for path in left if path.name.startswith(".")]
    filler.unlink()
    work(disk)
    work(reference)
    assert (disk / name).read_bytes() == (reference / name).read_bytes()


def test_the_state_of_a_training(data, tmp_path, small_disk):  # noqa: F811
    settings = {"model": data / "base", "epochs": 2, "batch_size": 4}

    def work(disk: Path) -> None:
        output = tmp_path / "output" / disk.name
        finetune.main(finetune_command(data, output, work_dir=disk / "work", **settings))
        (disk / "weights").write_bytes((output / "model.safetensors").read_bytes()[-99:])

    check_resumes(work, small_disk, 100_000, "weights", tmp_path / "reference")


def test_the_model_of_a_training(data, tmp_path, small_disk):  # noqa: F811
    settings = {"model": data / "base", "epochs": 2, "batch_size": 4}

    def work(disk: Path) -> None:
        work_dir = tmp_path / "work" / disk.name
        finetune.main(finetune_command(data, disk / "model", work_dir=work_dir, **settings))

    name = "model/model.safetensors"
    check_resumes(work, small_disk, 100_000, name, tmp_path / "reference")


@pytest.mark.parametrize("room", [0, 4096, 40_960])
def test_speech(tmp_path, small_disk, monkeypatch, room):  # noqa: F811
    monkeypatch.setitem(sys.modules, "engines.humming", humming)
    monkeypatch.setattr(synthesize, "ENGINES", ("humming",))
    resources = tmp_path / "resources"
    resources.mkdir()
    (resources / "model.bin").write_bytes(b"weights")
    texts = tmp_path / "texts.jsonl"
    row = '{{"id": "t{0}", "text": "hum {0}", "spoken": "hum {0}", "domain": "music"}}\n'
    texts.write_text("".join(row.format(number) for number in range(8)))
    options = ["--texts", texts, "--engine", "humming", "--resources", resources]
    options += ["--tts", "hum"]
    options += ["--voices", ",".join(humming.VOICES), "--seed", "1"]

    def work(disk: Path) -> None:
        folders = ["--audio-dir", disk / "audio", "--output", disk / "shard.jsonl"]
        synthesize.main(list(map(str, [*options, *folders])))
        audio = sorted((disk / "audio").glob("*.flac"))
        (disk / "all").write_bytes(b"".join(path.read_bytes() for path in audio))

    check_resumes(work, small_disk, room, "all", tmp_path / "reference")


@pytest.mark.parametrize("room", [0, 4096])
def test_hypotheses_and_their_journal(data, tmp_path, small_disk, room):  # noqa: F811
    options = ["--model", data / "base", "--manifest", data / "train.jsonl", "--max-length", "12"]
    options += ["--precision", "fp32", "--batch-size", "2", "--language", "en"]

    def work(disk: Path) -> None:
        folders = ["--work-dir", disk / "work", "--output", disk / "hypotheses.jsonl"]
        transcribe.main(list(map(str, [*options, *folders])))

    check_resumes(work, small_disk, room, "hypotheses.jsonl", tmp_path / "reference")


def test_a_task_vector(tmp_path, small_disk):  # noqa: F811
    for number, name in enumerate(("real", "synthetic")):
        weights = {str(layer): torch.full((5_000,), 1.0 + number) for layer in range(10)}
        save_file(weights, tmp_path / f"{name}.safetensors")

    def work(disk: Path) -> None:
        files = [tmp_path / "real.safetensors", tmp_path / "synthetic.safetensors"]
        arithmetic.subtract_files(*files, disk / "vector.safetensors")

    check_resumes(work, small_disk, 100_000, "vector.safetensors", tmp_path / "reference")


def test_a_lineage_record(tmp_path, small_disk):  # noqa: F811
    output = small_disk / "output"
    output.write_text("whole")
    filler = fill(small_disk, room=0)
    with pytest.raises(InputError, match=rf"output\.lineage\.json: {TOLD}"):
        writing.write_record(__file__, [output], [], {})
    filler.unlink()
    writing.write_record(__file__, [output], [], {})
    assert (small_disk / "output.lineage.json").is_file()


def test_a_disk_that_is_full_for_the_folder_itself_is_told(tmp_path, small_disk):  # noqa: F811
    with pytest.raises(InputError, match=TOLD), atomic_folder(small_disk / "model") as folder:
        save_file({"weights": torch.zeros(1_000_000)}, folder / "model.safetensors")
    assert list((small_disk / "model").iterdir()) == []
    assert [path.name for path in small_disk.iterdir()] == ["model"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_quota_is_told_as_a_full_disk_is(tmp_path, number):
    with pytest.raises(InputError, match=r"no space left on"), atomic_path(tmp_path / "a"):
        raise OSError(number, "")
    assert not list(tmp_path.iterdir())


def test_another_error_stays_what_it_is(tmp_path):
    with pytest.raises(OSError, match="Input/output error"), atomic_path(tmp_path / "a"):
        raise OSError(errno.EIO, "Input/output error")


def test_a_full_disk_of_the_log_ends_with_status_2_and_one_line(capsys):
    def main():
        with open("/dev/full", "w") as log:
            log.write("a line")

    with pytest.raises(SystemExit) as stop:
        run(main)
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("error: no space left on the disk of the log") and told.count("\n") == 1


def test_the_status_is_2_even_if_the_line_cannot_be_written():
    code = "import errors\ndef main(): raise errors.InputError('a mistake')\nerrors.run(main)"
    with open("/dev/full", "w") as log:
        scripts = Path(errors.__file__).parent
        found = subprocess.run([sys.executable, "-c", code], cwd=scripts, stderr=log)
    assert found.returncode == 2
