"""The SHA-256 of a file."""

import hashlib
from pathlib import Path

from files.regular import open_regular


def sha256(path: str | Path) -> str:
    """Return the hexadecimal SHA-256 of a regular file, read in pieces."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
