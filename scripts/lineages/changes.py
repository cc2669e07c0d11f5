"""What has changed since some files were made: files from outside, fetched folders, code."""

from collections.abc import Iterator
from pathlib import Path

from fetching.identity import identity as identity_of_fetched
from lineages.artifacts import read_index
from lineages.code import SCRIPTS, Code
from lineages.makers import (
    main_output,
    sha256_now,
    short,
)
from lineages.plan import Plan
from records.record import Record


def changed_outside(plan: Plan) -> Iterator[str]:
    """Yield a line for each file from outside that is not what was read."""
    for name, expected in plan.outside.items():
        digest = sha256_now(Path(plan.root, name))
        if digest is None and expected:
            yield f"{name}: is not there; put the file with sha256 {expected[:12]} in its place"
        elif expected and digest != expected:
            here, there = str(digest)[:12], expected[:12]
            yield f"{name}: has sha256 {here}, was read with {there}; put that back"


def changed_fetched(record: Record) -> Iterator[str]:
    """Yield a line for each file of a fetched folder that is not what was fetched."""
    (index,) = record.outputs
    if sha256_now(record.at(index)) != record.outputs[index]:
        yield f"{index}: is not what was fetched; fetch it again"
        return
    for name, file in read_index(record.at(index)).items():
        place = record.at(index).parent / name
        if not place.exists():
            yield f"{place}: is not there; fetch it again"
            continue
        digest = sha256_now(place) if place.is_file() else identity_of_fetched(place)
        if digest != file["sha256"]:
            fetched = file["sha256"][:12]
            yield f"{place}: has sha256 {str(digest)[:12]}, fetched {fetched}; fetch it again"


def changed_code(plan: Plan) -> Iterator[str]:
    """Yield a line for each module that is not what made the files, and the remedy."""
    first: dict[str, Record] = {}
    code = Code(SCRIPTS)
    for record in plan.records.values():
        for name in code.changed_modules(record):
            if name in record.content["modules"]:
                first.setdefault(name, record)
    for name, record in first.items():
        commit = record.content["commit"]
        changes = " with changes that were not committed" if record.content["dirty"] else ""
        yield (
            f"scripts/{name}: is not what {short(main_output(record))} was made with (commit"
            f" {commit[:12]}{changes}); git worktree add ../{commit[:7]} {commit[:12]}, and call"
            " the lineage.py there"
        )
