"""The folders of fetched files that an experiment read, against their indexes."""

import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

from errors import InputError
from files.json_file import read_object
from lineages.files import AGAIN
from lineages.hash_cache import HashCache
from records.reading import read_record
from records.record import INDEX, sidecar


class Fetched:
    """The folders of fetched files that an experiment has used, and what has changed in them."""

    def __init__(self, hashes: HashCache) -> None:
        self.hashes = hashes
        self.folder_of = functools.cache(self._folder_of)
        self.listed = functools.cache(self._listed)
        self.fault_of_entry = functools.cache(self._fault_of_entry)

    def _folder_of(self, folder: Path) -> Path | None:
        """Return the fetched folder that a folder is or is in."""
        for each in (folder, *folder.parents):
            if (each / INDEX).is_file():
                return each
        return None

    def _listed(self, folder: Path) -> dict[str, str] | str:
        """Return the hashes of a fetched folder's entries; what is wrong, if its index is."""
        index = folder / INDEX
        try:
            record = read_record(sidecar(index))
        except InputError:
            return f"{index}: has no record that can be read; delete it, and {AGAIN}"
        try:
            entries = read_object(index)["files"]
            listed = {name: entry["sha256"] for name, entry in entries.items()}
        except (InputError, KeyError, TypeError, AttributeError):
            return f"{index}: does not list what was fetched; delete it, and {AGAIN}"
        expected = [digest for path, digest in record.outputs.items() if Path(path).name == INDEX]
        if [self.hashes.sha256(str(index))] != expected:
            return f"{index}: was changed after it was fetched; delete it, and {AGAIN}"
        return listed

    def faults(self, path: str) -> Iterator[str]:
        """Yield what is wrong with the fetched folder of an external file, if it is in one."""
        folder = self.folder_of(Path(path).parent)
        if folder is None:
            return
        listed = self.listed(folder)
        if isinstance(listed, str):
            yield listed
            return
        name = Path(path).relative_to(folder).as_posix()
        is_index = name in (INDEX, sidecar(INDEX).name)
        used = [each for each in listed if is_index or f"{name}/".startswith(f"{each}/")]
        if not used and not is_index:
            yield f"{path}: {folder / INDEX} does not list it; delete it, and {AGAIN}"
        yield from filter(None, (self.fault_of_entry(folder, each, listed[each]) for each in used))

    def _fault_of_entry(self, folder: Path, name: str, expected: str) -> str | None:
        """Return how a fetched file or folder differs from what the index lists."""
        digest = self._identity(folder / name)
        if digest == expected:
            return None
        differs = f"has {digest[:12]}" if digest else "is not there"
        return (
            f"{folder / name}: {folder / INDEX} lists sha256 {expected[:12]}, but it {differs};"
            f" delete it and {INDEX}, and {AGAIN}"
        )

    def _identity(self, path: Path) -> str | None:
        """Return the SHA-256 of a file or folder as ``fetch.identity`` does, from known hashes."""
        if not path.is_dir():
            return self.hashes.sha256(str(path))
        files = sorted(
            (f.relative_to(path).as_posix(), str(f)) for f in path.rglob("*") if f.is_file()
        )
        self.hashes.learn(file for _, file in files)
        lines = "".join(f"{self.hashes.sha256(file)}  {name}\n" for name, file in files)
        return hashlib.sha256(lines.encode()).hexdigest()
