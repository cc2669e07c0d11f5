"""Unfinished files: whose they are, and that a killed process's are deleted by the next one."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from errors import InputError, run
from files import unfinished
from files.atomic import atomic_folder, atomic_path
from small_disk import small_disk  # noqa: F401

SCRIPTS = Path(unfinished.__file__).parents[1]
DIES = """
import os, sys
from files.atomic import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_left_is_deleted_by_the_next_that_writes_there(tmp_path):
    command = [sys.executable, "-c", DIES, str(tmp_path / "a.jsonl")]
    assert subprocess.run(command, cwd=SCRIPTS).returncode == -9
    [left] = tmp_path.iterdir()
    assert left.name.startswith(".a.") and left.suffix == ".jsonl"
    with atomic_path(tmp_path / "b.txt") as temporary:
        temporary.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]


def test_what_is_being_written_here_or_on_another_machine_and_hidden_files_stay(tmp_path):
    mine, elsewhere = unfinished.machine(), "0" * 8
    names = [f".a.{mine}-{os.getpid()}-01234567.txt", f".a.{elsewhere}-1-01234567.txt", ".hidden"]
    for name in names:
        (tmp_path / name).write_text("")
    with atomic_path(tmp_path / "b.txt"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "b.txt"])


def test_weights_get_their_final_name_last(tmp_path, monkeypatch):
    moved, replace = [], Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda path, to: moved.append(Path(to).name) or replace(path, to)
    )
    with atomic_folder(tmp_path / "model") as folder:
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            (folder / name).write_text(name)
    assert moved == ["config.json", "tokenizer.json", "model.safetensors"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_file_that_may_not_be_written_is_told_with_user_and_remedy(tmp_path, number):
    told = rf"/a: {os.strerror(number)}; give user {os.getuid()} the right to it, or name another"
    with pytest.raises(InputError, match=told), atomic_path(tmp_path / "a"):
        raise OSError(number, os.strerror(number))


def test_of_another_file_that_may_not_be_read_that_one_is_named(tmp_path):
    with pytest.raises(InputError, match="^/elsewhere/b: "), atomic_path(tmp_path / "a"):
        raise PermissionError(errno.EACCES, "Permission denied", "/elsewhere/b")


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.EACCES, "Permission denied; give user"),
        (errno.ENOENT, "no such file any more; bring"),
    ],
)
def test_a_script_ends_with_one_line_and_status_2_on_a_file_it_can_not_use(capsys, number, told):
    def main() -> None:
        raise OSError(number, os.strerror(number), "/elsewhere/b")

    with pytest.raises(SystemExit) as stop:
        run(main)
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert said.startswith(f"error: /elsewhere/b: {told}") and said.count("\n") == 1


def test_used_up_inodes_are_no_lack_of_bytes(small_disk):  # noqa: F811
    sudo = [] if os.getuid() == 0 else ["sudo", "-n"]
    few = [*sudo, "mount", "-o", "remount,nr_inodes=3", str(small_disk)]
    subprocess.run(few, check=True)
    for name in ("a", "b"):
        (small_disk / name).touch()
    with pytest.raises(InputError, match="all 3 inodes are used"), atomic_path(small_disk / "c"):
        pass
    assert sorted(path.name for path in small_disk.iterdir()) == ["a", "b"]


def test_a_full_disk_is_known_behind_the_error_that_closing_a_file_raises(tmp_path):
    told = pytest.raises(InputError, match="no space left on")
    with told, atomic_path(tmp_path / "a"):
        try:
            raise OSError(errno.ENOSPC, "")
        finally:
            raise RuntimeError("unexpected pos 101760 vs 101648")  # of torch.save
