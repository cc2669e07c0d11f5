"""The SHA-256 of a file."""

import hashlib
from pathlib import Path


def sha256(path: str | Path) -> str:
    """Return the hexadecimal SHA-256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
