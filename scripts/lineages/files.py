"""The files of an experiment, and the hashes that records and manifests claim for them."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from errors import InputError
from files.json_file import parse_object
from files.manifest import audio_rows
from files.regular import read_bytes
from lineages.hash_cache import HashCache
from records.reading import read_record
from records.record import SUFFIX, Record, ended

CACHES = ("work", "encodings", "curves")
SEAL = "SHA256SUMS"
PRUNED = "pruned.jsonl"
LISTEN = ("listen.html", "listen.tsv")  # what is there so far, to look at: nothing is made of it
AGAIN = "run the workflow again"


def files_below(folder: str) -> Iterator[str]:
    """Yield the paths, from the folder, of all files that count: none is hidden, or in a cache."""
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = parent.removeprefix(folder).lstrip("/")
        if not below:
            folders[:] = [name for name in folders if name not in CACHES]
            names = [name for name in names if name not in (SEAL, PRUNED, *LISTEN)]
        for name in names:
            if not name.startswith("."):
                yield os.path.join(below, name)


def prefix_of(name: str, record: Record) -> str | None:
    """Return what a record's paths begin with before those in the folder; None if it was moved.

    ``name`` is the path of the record's sidecar in the folder.
    """
    own = name.removesuffix(SUFFIX)
    for output in record.outputs:
        if output == own or output.endswith(f"/{own}"):
            return output.removesuffix(own)
    return None


class AudioFile(NamedTuple):
    """An audio file of a manifest: its path, in the experiment or outside, and its SHA-256."""

    path: str
    is_inside: bool
    sha256: str


class Experiment:
    """The files of an experiment, its records, and the hashes that these claim for files.

    Files inside go by their path from the folder, ``names``. ``makers`` are records by the name of
    an output, the latest of several. ``claims`` are, by name, the hashes that are claimed for a
    file, each with a line that says who claims it first; ``externals`` are those of files outside,
    by path. ``audio`` are the audio files of manifests, by the manifest's name.
    """

    def __init__(self, folder: str | Path, hashes: HashCache) -> None:
        self.folder, self.hashes = os.path.normpath(folder), hashes
        self.absolute = os.path.join(os.path.abspath(folder), "")
        self.findings: list[str] = []
        self._outputs: dict[str, dict[str, str]] = {}
        self.files = set(files_below(self.folder))
        self.records = self._read_records()
        self.prefix, self.root = self._location()
        self.makers = self._makers()
        self.stages = list({record.sidecar: record for record in self.makers.values()}.values())
        self.pruned = self._read_pruned()
        self.claims: dict[str, dict[str, str]] = {}
        self.externals: dict[str, dict[str, str]] = {}
        self.audio: dict[str, list[AudioFile]] = {}
        self._gather_claims()

    def path(self, name: str) -> str:
        """Return where a file of the experiment is."""
        return os.path.join(self.folder, name)

    def locate(self, path: str) -> tuple[str, bool]:
        """Return a recorded path's name and True, or where it is outside and False."""
        for prefix in (self.prefix, self.absolute):
            if path.startswith(prefix):
                name = path.removeprefix(prefix)
                if not name.startswith(("/", "../")):
                    return name, True
        return os.path.normpath(os.path.join(self.root, path)), False

    def outputs(self, record: Record) -> dict[str, str]:
        """Return the hashes of a record's outputs in the experiment, by name."""
        if record.sidecar not in self._outputs:
            located = ((*self.locate(path), sha256) for path, sha256 in record.outputs.items())
            of_name = {name: sha256 for name, is_inside, sha256 in located if is_inside}
            self._outputs[record.sidecar] = of_name
        return self._outputs[record.sidecar]

    def is_pruned(self, name: str) -> bool:
        """Return whether a file that is not there had a claimed hash when it was pruned."""
        return name not in self.files and self.pruned.get(name) in self.claims.get(name, {})

    def _read_records(self) -> dict[str, Record]:
        """Return the records by the names of their sidecars; note those that cannot be read."""
        records = {}
        for name in sorted(name for name in self.files if name.endswith(SUFFIX)):
            try:
                records[name] = read_record(self.path(name))
            except InputError as error:
                self.findings.append(str(error))
        if not records:
            raise InputError(
                f"{self.folder}: no lineage record is below it; name the folder of an experiment,"
                " as results/NAME"
            )
        return records

    def _location(self) -> tuple[str, str]:
        """Return the path of the folder in records, and the folder that those paths begin in."""
        prefixes = {name: prefix_of(name, record) for name, record in self.records.items()}
        counts = Counter(prefix for prefix in prefixes.values() if prefix is not None)
        prefix = counts.most_common(1)[0][0] if counts else self.absolute
        for name, its in prefixes.items():
            if its not in (prefix, self.absolute):
                self.findings.append(
                    f"{self.path(name)}: lies beside none of its files, first"
                    f" {min(self.records[name].outputs, default='(none)')}; it was moved or"
                    f" edited: put it back, or delete it and {AGAIN}"
                )
        for here in (os.path.join(self.folder, ""), self.absolute):
            if f"/{here}".endswith(f"/{prefix}"):
                return prefix, here.removesuffix(prefix)
        return prefix, ""

    def _makers(self) -> dict[str, Record]:
        """Return the record of every output; note those that other records contradict."""
        makers: dict[str, Record] = {}
        for record in self.records.values():
            for name in self.outputs(record):
                if name not in makers or ended(makers[name]) < ended(record):
                    makers[name] = record
        for record in self.records.values():
            others = [makers[name] for name in self.outputs(record)]
            if not any(other.content == record.content for other in others):
                reason = f"{others[0].sidecar} tells otherwise" if others else "it names no file"
                self.findings.append(
                    f"{record.sidecar}: is the last record of no file: {reason}; remove the one"
                    f" that is wrong, or {AGAIN}"
                )
        return makers

    def _read_pruned(self) -> dict[str, str]:
        """Return the last hash of each file that was pruned, by name."""
        pruned = {}
        path = Path(self.path(PRUNED))
        content = read_bytes(path) if path.is_file() else b""
        for number, line in enumerate(content.splitlines(), start=1):
            try:
                row = parse_object(line.decode(errors="replace"), path, AGAIN)
                pruned[str(row["path"])] = str(row["sha256"])
            except (InputError, KeyError):
                self.findings.append(f"{path}:{number}: not a pruned file; remove the line")
        return pruned

    def _gather_claims(self) -> None:
        """Fill ``claims`` and ``externals`` from records, and from the rows of manifests."""
        for record in self.stages:
            for name, sha256 in self.outputs(record).items():
                if self.makers[name] is record:
                    claim = f"{record.script} wrote sha256 {sha256[:12]} ({record.sidecar})"
                    self.claims.setdefault(name, {})[sha256] = claim
            for path, sha256 in record.inputs.items():
                place, is_inside = self.locate(path)
                if not is_inside:
                    claim = f"{record.script} read sha256 {sha256[:12]} ({record.sidecar})"
                    self.externals.setdefault(place, {}).setdefault(sha256, claim)
        for name in sorted(self.makers):
            if name.endswith(".jsonl") and name in self.files:
                self.audio[name] = list(self._read_audio(name))
            for path, is_inside, sha256 in self.audio.get(name, ()):
                claim = f"{self.path(name)} lists it with sha256 {sha256[:12]}"
                claims = self.claims if is_inside else self.externals
                claims.setdefault(path, {}).setdefault(sha256, claim)

    def _read_audio(self, name: str) -> Iterator[AudioFile]:
        """Yield the audio files of a manifest; unreadable rows are left to its own hash."""
        if not os.path.isfile(self.path(name)):
            return
        with suppress(InputError):  # of a line without an end
            for row in audio_rows(self.path(name), strict=False):
                if "sha256" in row:
                    path = os.path.normpath(row["audio_filepath"])
                    yield AudioFile(*self.locate(path), str(row["sha256"]))
