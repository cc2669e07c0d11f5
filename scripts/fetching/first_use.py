"""What the files without a declared sha256 were when they first came: ``known.json``."""

import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from fetching.declaration import KNOWN
from files.atomic import atomic_path
from files.json_file import read_object
from files.typed_json import typed

REMEDY = "repair or remove it"


@dataclass(frozen=True)
class Used:
    """What a file was at its first use; ``published`` is its archive's checksum by the source."""

    sha256: str
    bytes: int
    source: str
    published: str | None = None


class Known:
    """What the files without a declared sha256 were when they first came: ``known.json``."""

    def __init__(self, output: Path) -> None:
        self.path = output / KNOWN
        self._guard = threading.Lock()
        self._files: dict[str, Used] = {}
        if os.path.lexists(self.path):
            content = read_object(self.path, REMEDY)
            self._files = {
                name: typed(Used, each, self.path, REMEDY, name) for name, each in content.items()
            }

    def sha256(self, name: str) -> str | None:
        """Return the sha256 of a file's first use, if it was used before."""
        return self._files[name].sha256 if name in self._files else None

    def record(self, name: str, sha256: str, size: int, source: str, published: str | None) -> None:
        """Write down a file's first use (see ``Used``)."""
        with self._guard, atomic_path(self.path) as temporary:
            self._files[name] = Used(sha256, size, source, published)
            content = {name: asdict(used) for name, used in self._files.items()}
            temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
