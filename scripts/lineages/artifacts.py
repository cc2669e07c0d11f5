"""All lineage of one experiment: its records, what they were made from, and the files they name.

A file is known by its path and its bytes: a score that was made from an earlier checkpoint of the
same name names another file than the one that lies there now.
"""

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from addresses import is_web
from errors import InputError
from files.json_file import read_object
from records.reading import read_records, record_of, record_of_fetched
from records.record import SUFFIX, Record

FETCH = "fetch.py"
SUMMARY = "summary.json"
Key = tuple[str, str]  # path relative to the records' root, SHA-256


@dataclass(frozen=True)
class Artifact:
    """A file, or a fetched folder, that a record names; ``size`` in bytes, where a record told it.

    ``sidecar`` is that of the record that made it; without one it came from outside, or it is an
    earlier version of a file that was made again (``is_earlier``). ``source`` says in words where
    a fetched file came from; ``licences`` are by the external's name.
    """

    path: str
    sha256: str
    place: Path
    size: int | None = None
    sidecar: str | None = None
    is_earlier: bool = False
    is_folder: bool = False
    fetched: bool = False
    source: str | None = None
    url: str | None = None
    licences: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return self.path, self.sha256

    @property
    def is_users(self) -> bool:
        """Say whether it is a file of the user's: no run made it, and it is no code or record."""
        is_ours = self.path.startswith("scripts/") or self.path.endswith(SUFFIX)
        return self.sidecar is None and not self.is_earlier and not is_ours


@dataclass(frozen=True)
class Lineage:
    """An experiment's records, makers before users, and all artifacts that they name."""

    folder: str  # relative to root
    root: Path
    records: list[Record]
    artifacts: dict[Key, Artifact]
    summary: Record

    @property
    def name(self) -> str:
        """Return the experiment's name."""
        return Path(self.folder).name

    @property
    def audio(self) -> str:
        """Return the path of the folder of its audio, which manifests name and no record."""
        return f"{self.folder}/audio"

    @functools.cached_property
    def by_maker(self) -> dict[str | None, list[Artifact]]:
        """Return the artifacts by the record that made them."""
        found: dict[str | None, list[Artifact]] = {}
        for artifact in self.artifacts.values():
            found.setdefault(artifact.sidecar, []).append(artifact)
        return found

    def outputs_of(self, record: Record) -> list[Artifact]:
        """Return what a stage wrote: its outputs, and the files of a fetched folder."""
        return self.by_maker.get(record.sidecar, [])

    def inputs_of(self, record: Record) -> list[Artifact]:
        """Return what a stage read."""
        return [self.artifacts[key] for key in sorted(record.inputs.items())]

    def external(self) -> list[Artifact]:
        """Return what came from outside: fetched files, and the user's own."""
        return [each for each in self.artifacts.values() if each.fetched or each.is_users]

    def users(self) -> dict[str, list[Artifact]]:
        """Return the user's own files, by path; the files of a folder of several together."""
        by_folder: dict[str, list[Artifact]] = {}
        for artifact in self.artifacts.values():
            if artifact.is_users:
                by_folder.setdefault(os.path.dirname(artifact.path), []).append(artifact)
        return {
            files[0].path if len(files) == 1 else f"{folder or '.'}/ ({len(files)} files)": files
            for folder, files in by_folder.items()
        }


def read_lineage(folder: Path) -> Lineage:
    """Return the lineage of a finished experiment; ``folder`` is its ``results/NAME``."""
    of_folder = read_records(folder)
    place = os.path.abspath(folder / SUMMARY)
    found = [each for path, each in of_folder.items() if os.path.abspath(each.at(path)) == place]
    if not found or not (folder / SUMMARY).is_file():
        raise InputError(
            f"{folder}: has no {SUMMARY} with a lineage record; name the results of an experiment"
            " that ran to its end (results/NAME)"
        )
    (summary,) = found
    records = with_upstream(of_folder)
    artifacts = {artifact.key: artifact for artifact in artifacts_of(records)}
    relative = os.path.relpath(os.path.abspath(folder), summary.root)
    return Lineage(relative, Path(summary.root), records, dict(sorted(artifacts.items())), summary)


def with_upstream(of_folder: dict[str, Record]) -> list[Record]:
    """Return the records of a folder and those of what they read elsewhere, makers first."""
    found: dict[str, Record] = {}

    @functools.cache
    def maker(path: str, place: Path) -> Record | None:
        return of_folder.get(path) or record_of(place) or record_of_fetched(place)

    def visit(record: Record) -> None:
        if record.sidecar in found:
            return
        found[record.sidecar] = record
        for path in sorted(record.inputs):
            if made_by := maker(path, record.at(path)):
                visit(made_by)
        found[record.sidecar] = found.pop(record.sidecar)  # after its inputs' makers

    for path in sorted(of_folder):
        visit(of_folder[path])
    return list(found.values())


def artifacts_of(records: list[Record]) -> Iterator[Artifact]:
    """Yield what records read, then what they wrote, which has more to say of the same file."""
    made = {path for record in records for path in record.outputs}
    for record in records:
        licences = own_licences(record)
        for path, sha256 in record.inputs.items():
            is_earlier = path in made
            yield Artifact(path, sha256, record.at(path), is_earlier=is_earlier, licences=licences)
    for record in records:
        sizes = {
            os.path.normpath(path): stamp[2]
            for path, stamp in record.content["run"]["stamps"].items()
        }
        for path, sha256 in record.outputs.items():
            yield Artifact(path, sha256, record.at(path), sizes.get(path), record.sidecar)
        if record.script == FETCH:
            yield from fetched_files(record)


def own_licences(record: Record) -> dict[str, dict[str, str]]:
    """Return the licence that the user gave to a domain of files of his own."""
    domain = record.content["parameters"].get("domain")
    licences = record.content["licences"]
    return {domain: licences[domain]} if domain in licences else {}


def fetched_files(record: Record) -> Iterator[Artifact]:
    """Yield the files of a fetched folder, as its index and the record of the fetch have them."""
    (index,) = record.outputs
    files = read_index(record.at(index))
    for name, entry in sorted(record.content["parameters"]["files"].items()):
        path = os.path.join(os.path.dirname(index), name)
        yield Artifact(
            path,
            files[name]["sha256"],
            record.at(path),
            files[name]["bytes"],
            record.sidecar,
            is_folder=any("members" in source for source in entry["sources"]),
            fetched=True,
            source=record.content.get("sources", {}).get(name),
            url=next((s["url"] for s in entry["sources"] if is_web(s.get("url"))), None),
            licences=record.content["licences"],
        )


def read_index(path: Path) -> dict[str, dict]:
    """Return SHA-256 and bytes of the files of a fetched folder, by name."""
    remedy = f"fetch the folder again: snakemake {path}"
    content = read_object(path, remedy)
    if not isinstance(content.get("files"), dict):
        raise InputError(f"{path}: does not list what was fetched; {remedy}")
    files: dict[str, dict] = content["files"]
    return files
