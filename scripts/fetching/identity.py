"""What a fetched file or folder is known by: its SHA-256."""

import hashlib
from pathlib import Path

from files.checksum import sha256


def identity(path: Path) -> str:
    """Return the sha256 of a file, or that of a folder's ``sha256  name`` lines, sorted by name."""
    if path.is_file():
        return sha256(path)
    files = sorted(
        (file.relative_to(path).as_posix(), file) for file in path.rglob("*") if file.is_file()
    )
    lines = "".join(f"{sha256(file)}  {name}\n" for name, file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
