"""Tell why two files differ: the settings, code, packages and files from outside that changed.

The records of both are followed side by side. What is made of the same bytes is passed over; what
differs is told once, with the files at which it enters. The exit status is 0 if the two files have
the same bytes, and 1 if not.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from escaping import visible
from lineages.differences import circumstances, differing, same_but_for_names
from lineages.makers import (
    identity,
    sha256_now,
)
from lineages.rows import changed_rows, wer_of
from lineages.settings import few
from lineages.versions import (
    Version,
    inputs_of,
    matched,
    place_of,
    unmatched,
    version_of,
    weights_of,
)
from records.record import name_of_output


@dataclass
class Difference:
    """Something that differs, how, and the files at which it enters; both in order, each once."""

    what: str
    changes: dict[str, None] = field(default_factory=dict)
    enters: dict[str, None] = field(default_factory=dict)


class Walk:
    """What differs between two files and all that they were made of."""

    def __init__(self) -> None:
        self.differences: dict[str, Difference] = {}
        self.unexplained: list[str] = []
        self._seen: set[tuple] = set()

    def compare(self, a: Version, b: Version) -> None:
        """Note why two files differ, if they do."""
        if a.sha256 == b.sha256:
            return
        if a.script is None or b.script is None:
            self._compare_outside(a, b)
            return
        if same_but_for_names(a, b):
            return
        for version in (a, b):
            maker = version.record
            if maker.outputs[name_of_output(maker, version.place)] != version.sha256:
                self.note("file made again, or changed, after it was read", version.name)
        key = (identity(a.record), identity(b.record))
        if key not in self._seen:
            self._seen.add(key)
            self._compare_makers(a, b)

    def note(self, what: str, change: str, enters: str | None = None) -> None:
        """Note a difference, and a file at which it enters."""
        difference = self.differences.setdefault(what, Difference(what))
        difference.changes[change] = None
        if enters:
            difference.enters[enters] = None

    def _compare_makers(self, a: Version, b: Version) -> None:
        inputs = inputs_of(a.record), inputs_of(b.record)
        pairs = matched(*inputs)
        changes = [*differing(a.record, b.record, pairs)]
        if a.script == b.script:
            changes += [*unmatched("A", inputs[0], [x for x, _ in pairs])]
            changes += [*unmatched("B", inputs[1], [y for _, y in pairs])]
        for what, change in changes:
            self.note(what, change, place_of(*map(weights_of, (a, b))))
        if a.script != b.script:
            return
        if not changes and all(x.sha256 == y.sha256 for x, y in pairs):
            self.unexplained.append(f"{place_of(a, b)}: {circumstances(a.record, b.record)}")
        for x, y in pairs:
            self.compare(x, y)

    def _compare_outside(self, a: Version, b: Version) -> None:
        if a.script or b.script:
            origins = [f"made by {x.script}" if x.script else "from outside" for x in (a, b)]
            self.note(f"origin of {place_of(a, b)}", " -> ".join(origins))
        else:
            change = f"{place_of(a, b)} (sha256 {a.sha256[:12]} -> {b.sha256[:12]})"
            self.note("file from outside", change)


def lines_of(walk: Walk) -> Iterator[str]:
    """Yield the differences of a walk, a line each."""
    for difference in walk.differences.values():
        yield f"{difference.what}: {few(difference.changes, '; ')}"
        if difference.enters:
            yield f"    at {few(difference.enters, ', ')}"
    for each in walk.unexplained:
        yield f"no setting, code, package or input explains {each}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("a", type=Path, metavar="A", help="file that the workflow made")
    parser.add_argument("b", type=Path, metavar="B", help="another, also of another checkout")


def main(options: argparse.Namespace) -> None:
    """Print why two files differ."""
    a, b = version_of(options.a), version_of(options.b)
    now = [sha256_now(version.place) for version in (a, b)]
    for letter, version, digest in zip("AB", (a, b), now, strict=True):
        print(f"{letter}: {version.place}")
        if digest is None:
            print(f"   not there any more; made with sha256 {version.sha256[:12]}")
            continue
        print(f"   sha256 {digest[:12]}{wer_of(version.place)}")
        if digest != version.sha256:
            print(f"   changed since it was made, with sha256 {version.sha256[:12]}")
    if now[0] == now[1] is not None:
        print("They have the same bytes.")
        return
    for line in changed_rows(a.place, b.place):
        print(visible(line))
    walk = Walk()
    walk.compare(a, b)
    print("They differ:", *map(visible, lines_of(walk)), sep="\n  ")
    raise SystemExit(1)
