"""The files of an experiment, and what vouches for them: records, manifests, what was fetched."""

import functools
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from errors import InputError
from lineages.hash_cache import HashCache
from records.code_version import code_versions
from records.reading import read_record
from records.record import INDEX, SUFFIX, Record, ended, sidecar

SCRIPTS = Path(__file__).parent.parent
CACHES = ("work", "encodings")
SEAL = "SHA256SUMS"
PRUNED = "pruned.jsonl"
AGAIN = "run the workflow again"


def files_below(folder: str) -> Iterator[str]:
    """Yield the paths, from the folder, of all files that are neither hidden nor in a cache."""
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = parent.removeprefix(folder).lstrip("/")
        if not below:
            folders[:] = [name for name in folders if name not in CACHES]
            names = [name for name in names if name not in (SEAL, PRUNED)]
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


class Heard(NamedTuple):
    """An audio file of a manifest: its path, in the experiment or outside, and its SHA-256."""

    path: str
    is_inside: bool
    sha256: str


class Experiment:
    """The files of an experiment, and who says what they must be.

    Files inside go by their path from the folder, ``names``. ``makers`` are records by the name of
    an output, the latest of several. ``claims`` are, by name, the hashes that a file is said to
    have, each with who says so first; ``externals`` the same of files outside, by path.
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
        self.heard: dict[str, list[Heard]] = {}
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
        """Say whether a file that is not there was pruned when it was what it is said to be."""
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
                told = f"{others[0].sidecar} tells otherwise" if others else "it names no file"
                self.findings.append(
                    f"{record.sidecar}: is the last record of no file: {told}; remove the one that"
                    f" is wrong, or {AGAIN}"
                )
        return makers

    def _read_pruned(self) -> dict[str, str]:
        """Return the last hash of each file that was pruned, by name."""
        pruned = {}
        path = Path(self.path(PRUNED))
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                row = json.loads(line)
                pruned[str(row["path"])] = str(row["sha256"])
            except (ValueError, KeyError, TypeError):
                self.findings.append(f"{path}:{number}: not a pruned file; remove the line")
        return pruned

    def _gather_claims(self) -> None:
        """Fill what records and the rows of manifests say of files."""
        for record in self.stages:
            for name, sha256 in self.outputs(record).items():
                if self.makers[name] is record:
                    told = f"{record.script} wrote sha256 {sha256[:12]} ({record.sidecar})"
                    self.claims.setdefault(name, {})[sha256] = told
            for path, sha256 in record.inputs.items():
                place, is_inside = self.locate(path)
                if not is_inside:
                    told = f"{record.script} read sha256 {sha256[:12]} ({record.sidecar})"
                    self.externals.setdefault(place, {}).setdefault(sha256, told)
        for name in sorted(self.makers):
            if name.endswith(".jsonl") and name in self.files:
                self.heard[name] = list(self._read_heard(name))
            for path, is_inside, sha256 in self.heard.get(name, ()):
                told = f"{self.path(name)} lists it with sha256 {sha256[:12]}"
                claims = self.claims if is_inside else self.externals
                claims.setdefault(path, {}).setdefault(sha256, told)

    def _read_heard(self, name: str) -> Iterator[Heard]:
        """Yield the audio files of a manifest; of what cannot be read in it, its hash tells."""
        if not os.path.isfile(self.path(name)):
            return
        with open(self.path(name), encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if '"audio_filepath"' not in line or '"sha256"' not in line:
                    continue
                try:
                    row = json.loads(line)
                    path = os.path.normpath(row["audio_filepath"])
                    yield Heard(*self.locate(path), str(row["sha256"]))
                except (ValueError, KeyError, TypeError):
                    continue


class Code:
    """The scripts as they are now, against those of records."""

    def __init__(self, scripts: Path) -> None:
        self.scripts = scripts
        self._now = functools.cache(self._read)

    def _read(self, script: str, modules: tuple[str, ...]) -> tuple[str, dict[str, str]]:
        """Return hashes of a script's code and of its modules: those and what it imports now."""
        if not (self.scripts / script).is_file():
            return "", {}
        there = [name for name in modules if (self.scripts / name).is_file()]
        return code_versions(self.scripts / script, *there)

    def change(self, record: Record) -> str | None:
        """Return which code is not what made a record's files; None if all is as it was."""
        code, now = self._now(record.script, tuple(record.content["modules"]))
        if not now:
            return f"{record.script}, which is no more"
        changed = self.changed_modules(record)
        if not changed and record.content.get("code") == code:
            return None
        return ", ".join(changed) or f"{record.script} (its record says two things)"

    def changed_modules(self, record: Record) -> list[str]:
        """Return the modules that are new, gone or other than those that made a record's files."""
        then = record.content["modules"]
        _, now = self._now(record.script, tuple(then))
        return sorted(name for name in then | now if then.get(name) != now.get(name))


class Fetched:
    """The folders of fetched files that an experiment has used, and whether they still are so."""

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
            entries = json.loads(index.read_bytes())["files"]
            listed = {name: entry["sha256"] for name, entry in entries.items()}
        except InputError:
            return f"{index}: has no record that can be read; delete it, and {AGAIN}"
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return f"{index}: does not list what was fetched; delete it, and {AGAIN}"
        told = [hash_ for path, hash_ in record.outputs.items() if Path(path).name == INDEX]
        if [self.hashes.sha256(str(index))] != told:
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
        yield from filter(None, (self.fault_of_entry(folder, each) for each in used))

    def _fault_of_entry(self, folder: Path, name: str) -> str | None:
        """Return how a fetched file or folder differs from what the index lists."""
        expected, found = self.listed(folder)[name], self._identity(folder / name)
        if found == expected:
            return None
        differs = f"has {found[:12]}" if found else "is not there"
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
