"""Finding a corpus's files in the folder of what was fetched, whatever their place in it."""

from pathlib import Path

from errors import InputError

AGAIN = "fetch it again"


def find(folder: Path, *names: str, needed_for: str) -> Path:
    """Return the one file below ``folder`` called by the first of ``names`` that exists."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; fetch {needed_for} first")
    for name in names:
        matches = sorted(folder.rglob(name))
        if len(matches) > 1:
            raise InputError(
                f"{folder}: {len(matches)} files are called {name}, first {matches[0]} and"
                f" {matches[1]}; leave only the one of {needed_for}"
            )
        if matches:
            return matches[0]
    raise InputError(
        f"{folder}: {' or '.join(names)} is missing; {needed_for} needs it: fetch it again"
    )
