"""Hold every file of an experiment against records, manifests, inputs, code and seal.

What is found is printed, one line each, and the exit status is then 1. ``--seal`` writes
SHA256SUMS, which ``sha256sum -c SHA256SUMS`` can check, too. The root hash is the SHA-256 of that
file: who has noted it down can tell with ``--root`` whether anything was changed since, be it
records or the seal itself.
"""

import argparse
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from errors import InputError
from escaping import visible
from files.atomic import atomic_path
from files.json_file import read_json
from files.regular import read_bytes
from lineages.code import SCRIPTS, Code
from lineages.fetched import Fetched
from lineages.files import AGAIN, SEAL, Experiment
from lineages.hash_cache import HashCache
from records.record import SUFFIX, Record


class Audit:
    """What is wrong with an experiment (``findings``, sorted), and the hashes of its files."""

    def __init__(self, folder: str | Path, scripts: Path, full: bool = False) -> None:
        self.hashes = HashCache(folder, fresh=full)
        self.experiment = Experiment(folder, self.hashes)
        self.code, self.fetched = Code(scripts), Fetched(self.hashes)
        names = sorted(self.experiment.files)
        try:
            self.hashes.learn([*map(self.experiment.path, names), *self.experiment.externals])
            found = [
                *self.experiment.findings,
                *self.of_files(),
                *self.of_externals(),
                *(line for record in self.experiment.stages for line in self.of_record(record)),
                *(invalid(self.experiment.records.values()) if full else ()),
            ]
        finally:
            self.hashes.save()
        self.findings = in_order(found)
        self.sums = {
            name: self.hashes.sha256(self.experiment.path(name)) or "unreadable" for name in names
        } | {
            name: sha256
            for name, sha256 in self.experiment.pruned.items()
            if self.experiment.is_pruned(name)
        }

    def of_files(self) -> Iterator[str]:
        """Yield what files are not what they are said to be, and those that nobody tells of."""
        owners = {
            hash_: name for name, claims in self.experiment.claims.items() for hash_ in claims
        }
        gone = {
            record.sidecar: record
            for record in self.experiment.stages
            if all(map(self.is_missing, self.experiment.outputs(record)))
        }
        for path, record in gone.items():
            yield (
                f"{path}: none of the {len(record.outputs)} files that it tells of is there;"
                f" {AGAIN}, or delete it"
            )
        for name, claims in self.experiment.claims.items():
            maker = self.experiment.makers.get(name)
            if self.experiment.is_pruned(name) or maker and maker.sidecar in gone:
                continue
            found = self.hashes.sha256(self.experiment.path(name))
            owner = owners.get(found) if found else None
            for expected, told in claims.items():
                if found != expected:
                    yield self.differs(self.experiment.path(name), told, found, owner)
        for name in self.experiment.files - set(self.experiment.claims):
            if not name.endswith(SUFFIX):
                yield (
                    f"{self.experiment.path(name)}: no record, and no row of a manifest, tells how"
                    f" it was made; delete it, or delete what it belongs to and {AGAIN}"
                )

    def is_missing(self, name: str) -> bool:
        """Say whether a file is neither there nor pruned."""
        return name not in self.experiment.files and not self.experiment.is_pruned(name)

    def differs(self, path: str, told: str, found: str | None, owner: str | None = None) -> str:
        """Return that a file is not what somebody tells; ``owner`` is whose bytes it has."""
        if found is None:
            return f"{path}: {self.hashes.why_not(path)}, but {told}; make it again"
        whose = f", the bytes of {self.experiment.path(owner)}" if owner else ""
        return (
            f"{path}: {told}, the file has {found[:12]}{whose}; it was changed afterwards: delete"
            f" it and what was made from it, and {AGAIN}"
        )

    def of_externals(self) -> Iterator[str]:
        """Yield what files from outside are not what the experiment was made of."""
        for path, claims in self.experiment.externals.items():
            for expected in claims:
                yield from self.of_external(path, expected)

    def of_external(self, path: str, expected: str) -> Iterator[str]:
        """Yield how a file from outside differs from what was read, or from what was fetched."""
        found = self.hashes.sha256(path)
        told = self.experiment.externals[path][expected]
        if found is None:
            yield f"{path}: {self.hashes.why_not(path)}, but {told}; put it back"
        elif found != expected:
            yield (
                f"{path}: {told}, the file has {found[:12]}; it was changed since: put back what"
                f" was read, or {AGAIN}"
            )
        yield from self.fetched.faults(path)

    def of_record(self, record: Record) -> Iterator[str]:
        """Yield what a stage was made of that is not what the records tell now: files and code."""
        made = self.experiment.path(next(iter(self.experiment.outputs(record))))
        for path, expected in record.inputs.items():
            name, is_inside = self.experiment.locate(path)
            claims = self.experiment.claims.get(name, {})
            if not is_inside or expected in claims:
                continue
            read = f"{record.script} read {self.experiment.path(name)}"
            if not claims:
                yield (
                    f"{made}: {read} ({record.sidecar}), and no record tells how that was made;"
                    f" delete both, and {AGAIN}"
                )
            for told in claims.values():
                yield (
                    f"{made}: is made of other bytes: {read} with sha256 {expected[:12]}"
                    f" ({record.sidecar}), but {told}; make it again"
                )
        if changed := self.code.change(record):
            yield (
                f"{made}: is made by other code ({record.sidecar}), since changed: {changed};"
                f" {AGAIN}"
            )


def in_order(findings: Iterable[str]) -> list[str]:
    """Return findings sorted by path, each once."""
    return sorted(set(findings), key=lambda line: line.partition(": "))


def invalid(records: Iterable[Record]) -> Iterator[str]:
    """Yield where records do not fit their schema."""
    validator = Draft202012Validator(read_json(SCRIPTS / "lineage.schema.json"))
    for record in records:
        if error := best_match(validator.iter_errors(record.content)):
            yield f"{record.sidecar}: {error.json_path}: {error.message}; make its file again"


def seal_text(sums: dict[str, str]) -> str:
    """Return what ``sha256sum`` prints for files, given hashes by path, in the order of bytes."""
    lines = []
    for name in sorted(sums, key=os.fsencode):
        escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        lines.append("\\" * (escaped != name) + f"{sums[name]}  {escaped}\n")
    return "".join(lines)


def root_hash(text: str) -> str:
    """Return the SHA-256 of a seal."""
    return hashlib.sha256(os.fsencode(text)).hexdigest()


def against_seal(folder: str | Path, sums: dict[str, str], root: str | None) -> Iterator[str]:
    """Yield how files, given hashes by path, differ from the seal, and it from a root hash."""
    seal, now = Path(folder, SEAL), seal_text(sums)
    sealed = os.fsdecode(read_bytes(seal)) if seal.is_file() else None
    if root and sealed is None and root_hash(now) != root:
        yield f"{seal}: is not there to say which files differ; their root hash is not {root}"
    if sealed is None:
        return
    if root and root_hash(sealed) != root:
        yield f"{seal}: was written again: its own hash is {root_hash(sealed)}, not {root}"
    then, there = set(sealed.split("\n")), set(now.split("\n"))
    was, has = (
        {line.partition("  ")[2] for line in lines} for lines in (then - there, there - then)
    )
    for name in sorted(was | has):
        how = "was changed" if name in was & has else "is missing" if name in was else "was added"
        yield (
            f"{Path(folder, name)}: {how} since the files were sealed ({seal}); find out why, and"
            " seal again if that is right"
        )


def write_seal(folder: str | Path, sums: dict[str, str]) -> None:
    """Write the seal of files, given hashes by path."""
    with atomic_path(Path(folder, SEAL)) as temporary:
        temporary.write_bytes(os.fsencode(seal_text(sums)))


def summary(audit: Audit, seconds: float) -> str:
    """Return what was audited, in one line."""
    experiment = audit.experiment
    pruned = sum(map(experiment.is_pruned, experiment.pruned))
    paths = [*map(experiment.path, experiment.files), *experiment.externals]
    read = sum(audit.hashes.size(path) for path in paths if audit.hashes.sha256(path))
    return (
        f"{len(experiment.makers)} artifacts, {len(experiment.stages)} records,"
        f" {len(experiment.claims.keys() - experiment.makers.keys())} audio files,"
        f" {len(experiment.externals)} externals, {pruned} pruned: {read / 1e6:.1f} MB in"
        f" {seconds:.1f} s; root hash {root_hash(seal_text(audit.sums))}"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command can be told."""
    parser.add_argument("folder", metavar="DIR", help="an experiment's folder, as results/NAME")
    parser.add_argument(
        "--full", action="store_true", help="read all bytes again, and hold records to their schema"
    )
    parser.add_argument(
        "--scripts",
        type=Path,
        default=SCRIPTS,
        help="folder of the code that the experiment is held against (default: this one)",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--seal", action="store_true", help=f"if all is well, write DIR/{SEAL}")
    how.add_argument("--root", metavar="HASH", help=f"the root hash that the {SEAL} must have")


def main(options: argparse.Namespace) -> None:
    """Audit an experiment, print what is found, and seal it if that is asked and all is well."""
    started = time.monotonic()
    if not os.path.isdir(options.folder):
        raise InputError(f"{options.folder}: no such folder; name an experiment's, as results/NAME")
    audit = Audit(options.folder, options.scripts, options.full)
    findings = audit.findings
    if not options.seal:
        findings = in_order([*findings, *against_seal(options.folder, audit.sums, options.root)])
    for line in findings:
        print(visible(line, lines=False))
    print(summary(audit, time.monotonic() - started))
    if options.seal and findings:
        raise InputError(f"{options.folder}: not sealed, for what is found above; mend it first")
    if options.seal:
        write_seal(options.folder, audit.sums)
    if findings:
        raise SystemExit(1)
