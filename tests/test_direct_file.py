"""Files written past the cache: the same bytes, of whatever number, in whatever pieces."""

import errno
import os
from pathlib import Path

import pytest

from computing import direct_file
from computing.direct_file import ALIGNED, DirectFile

BLOCK = 2 * ALIGNED
SIZES = [0, 1, ALIGNED - 1, ALIGNED, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + ALIGNED + 7]


@pytest.fixture(params=["direct", "cached"])
def opened(request, monkeypatch) -> list[bool]:
    """Return for each opened file whether it is past the cache; "cached" is a system without."""
    monkeypatch.setattr(direct_file, "BLOCK", BLOCK)
    direct, system_open = [], os.open

    def watched(path, flags, *mode):
        is_direct = bool(flags & os.O_DIRECT)
        if is_direct and request.param == "cached":
            raise OSError(errno.EINVAL, "Invalid argument")
        direct.append(is_direct)
        return system_open(path, flags, *mode)

    monkeypatch.setattr(os, "open", watched)
    return direct


@pytest.mark.parametrize("piece", [1000, ALIGNED, 5 * BLOCK])
@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_is_read(size: int, piece: int, opened, tmp_path: Path):
    content = os.urandom(size)
    with DirectFile(tmp_path / "file") as file:
        for start in range(0, size, piece):
            file.write(content[start : start + piece])
    assert (tmp_path / "file").read_bytes() == content


def test_a_longer_file_is_replaced(opened, tmp_path: Path):
    (tmp_path / "file").write_bytes(os.urandom(5 * BLOCK))
    with DirectFile(tmp_path / "file") as file:
        file.write(b"short")
    assert (tmp_path / "file").read_bytes() == b"short"


def test_the_systems_other_errors_are_told(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        DirectFile(tmp_path / "no" / "file")


def test_whole_blocks_leave_the_buffer_when_they_are_full(opened, tmp_path: Path):
    with DirectFile(tmp_path / "file") as file:
        file.write(os.urandom(2 * BLOCK + 5))
        assert (tmp_path / "file").stat().st_size == 2 * BLOCK


@pytest.mark.parametrize("part", [ALIGNED, 1000])
def test_what_a_call_leaves_unwritten_is_written_by_the_next(
    part: int, opened, tmp_path: Path, monkeypatch
):
    system_write = os.write
    monkeypatch.setattr(os, "write", lambda file, left: system_write(file, left[:part]))
    content = os.urandom(3 * BLOCK + 100)
    with DirectFile(tmp_path / "file") as file:
        file.write(content)
    assert (tmp_path / "file").read_bytes() == content
