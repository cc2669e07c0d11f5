"""A disk of 2 MB that can be filled."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SIZE = 2 * 2**20  # bytes


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A tmpfs; without the right to mount one the test is skipped, but not in CI."""
    folder = tmp_path / "small"
    folder.mkdir()
    sudo = [] if os.getuid() == 0 else ["sudo", "-n"]
    options = f"size={SIZE},uid={os.getuid()},mode=700"
    mounted = subprocess.run(
        [*sudo, "mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True
    )
    if mounted.returncode:
        if os.environ.get("CI"):
            pytest.fail(f"no tmpfs could be mounted: {mounted.stderr.decode()}")
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run([*sudo, "umount", folder], check=True)


def fill(folder: Path, room: int) -> Path:
    """Write a file that leaves ``room`` bytes; return it."""
    filler = folder / "filler"
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    filler.write_bytes(bytes(free - room))
    return filler
