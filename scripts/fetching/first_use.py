"""What the files without a declared sha256 were when they first came: ``known.json``."""

import json
import threading
from pathlib import Path

from fetching.declaration import KNOWN
from files.atomic import atomic_path
from files.json_file import read_object


class Known:
    """What the files without a declared sha256 were when they first came: ``known.json``."""

    def __init__(self, output: Path) -> None:
        self.path = output / KNOWN
        self._guard = threading.Lock()
        known = read_object(self.path, "repair or remove it") if self.path.exists() else {}
        self._files: dict[str, dict] = known

    def sha256(self, name: str) -> str | None:
        """Return the sha256 of a file's first use, if it was used before."""
        return self._files.get(name, {}).get("sha256")

    def record(self, name: str, sha256: str, size: int, source: str, published: str | None) -> None:
        """Write down a file's first use; ``published`` is its archive's checksum by the source."""
        entry = {"sha256": sha256, "bytes": size, "source": source, "published": published}
        with self._guard, atomic_path(self.path) as temporary:
            self._files[name] = entry
            temporary.write_text(json.dumps(self._files, indent=1, sort_keys=True) + "\n")
