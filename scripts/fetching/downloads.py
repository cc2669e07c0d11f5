"""Packages and URLs, each downloaded once in a run."""

import hashlib
import json
import shutil
import threading
import time
from pathlib import Path

from addresses import redacted
from errors import is_full_disk
from fetching.archives import CHUNK, MAX_BYTES, extract_file, extract_folder
from fetching.declaration import is_folder, patterns
from fetching.identity import size
from fetching.resuming import megabytes
from fetching.source import Source, Unavailable, reason_of, say
from fetching.sources import LOCAL_KINDS, RESUMED_KINDS, SOURCES
from fetching.web import PUBLISHED
from files.regular import open_regular
from files.text_file import read_text


def describe(source: Source) -> str:
    """Return a source in one line: ``pypi name==version: member``."""
    if "join" in source:
        return f"{describe(source['join'][0])} and {len(source['join']) - 1} more parts"
    kind = next(kind for kind in SOURCES if kind in source)
    member = " and ".join(patterns(source)) if is_folder(source) else source.get("member")
    inside = [part for part in (source.get("file"), member) if part]
    return redacted(": ".join([f"{kind} {source[kind]}", *inside]))


class Downloads:
    """The packages and URLs of one run, each downloaded once, by whichever file asks first."""

    def __init__(self, work: Path, offline: bool) -> None:
        self.work = work
        self.offline = offline
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._results: dict[str, Path | Unavailable] = {}

    def get(self, source: Source) -> Path:
        """Return where the source's file, archive or folder lies now, or raise ``Unavailable``."""
        kind = next(kind for kind in SOURCES if kind in source)
        if self.offline and kind not in LOCAL_KINDS:
            raise Unavailable("not tried: offline")
        inside = set() if kind == "hub" else {"member", "members"}
        key = json.dumps({k: v for k, v in source.items() if k not in inside}, sort_keys=True)
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._results:
                folder = self.work / hashlib.sha256(key.encode()).hexdigest()[:16]
                self._results[key] = self._download(kind, source, folder)
        result = self._results[key]
        if isinstance(result, Unavailable):
            raise result
        return result

    def _download(self, kind: str, source: Source, folder: Path) -> Path | Unavailable:
        if kind not in RESUMED_KINDS:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        name = redacted(f"{kind} {source[kind]}")
        if kind != "path":
            say(f"downloading {name}")
        started = time.monotonic()
        try:
            found = SOURCES[kind](source, folder, self.offline)
        except Exception as error:
            if is_full_disk(error):
                raise
            say(f"{name} failed: {reason_of(error)}")
            return Unavailable(reason_of(error))
        if kind != "path":
            seconds = time.monotonic() - started
            say(f"downloaded {name}: {megabytes(size(found))} in {seconds:.1f} s")
        return found

    def published(self, source: Source) -> str | None:
        """Return the checksum that the record of a Zenodo source tells of what it gave."""
        return read_text(self.get(source).with_name(PUBLISHED)) if "zenodo" in source else None

    def clean(self) -> None:
        """Remove what was downloaded, except for what was interrupted."""
        for folder in self.work.iterdir():
            if not (folder / "download.part").is_file():
                shutil.rmtree(folder)
        if not any(self.work.iterdir()):
            self.work.rmdir()


def obtain(source: Source, target: Path, downloads: Downloads) -> None:
    """Write what a source gives to ``target``, a file or (with ``members``) a folder."""
    if "join" in source:
        with target.open("wb") as whole:
            for part in source["join"]:
                piece = target.with_name(f"{target.name}.piece")
                obtain(part, piece, downloads)
                with open_regular(piece) as file:
                    shutil.copyfileobj(file, whole, CHUNK)
                piece.unlink()
        return
    found = downloads.get(source)
    if "members" in source:
        extract_folder(found, patterns(source), target)
    elif "member" in source:
        extract_file(found, source["member"], target)
    elif found.is_file():
        if size(found) > MAX_BYTES:
            raise Unavailable(f"larger than the bound of {MAX_BYTES} bytes")
        shutil.copyfile(found, target)
    else:
        raise Unavailable("is a folder; name the files with members")
