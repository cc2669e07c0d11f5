"""A file as a record knows it, and which inputs of two records stand for each other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from lineages.makers import (
    main_output,
    maker_of,
    record_of_file,
    short,
)
from records.record import Record, name_of_output

FETCH = "fetch.py"
WEIGHTS = ".safetensors"


@dataclass(frozen=True)
class Version:
    """A file as a record knows it: its path there, its bytes, and who made it, if anyone did."""

    name: str
    sha256: str
    place: Path
    maker: Record | None

    @property
    def parts(self) -> tuple[str, ...]:
        """The path from the experiment's folder on."""
        return Path(short(self.name)).parts

    @property
    def script(self) -> str | None:
        """The script that made it; None for a file from outside."""
        return None if self.maker is None or self.maker.script == FETCH else self.maker.script

    @property
    def record(self) -> Record:
        """The record of what made it, which a file from outside may lack."""
        if self.maker is None:
            raise ValueError(f"{self.place} has no record")
        return self.maker


def inputs_of(record: Record) -> list[Version]:
    """Return what a record has read."""
    places = {name: record.at(name) for name in record.inputs}
    return [
        Version(name, record.inputs[name], place, maker_of(place)) for name, place in places.items()
    ]


def matched(a: list[Version], b: list[Version]) -> list[tuple[Version, Version]]:
    """Return which inputs stand for each other, each once.

    Those of one path do; else files from outside of one content, or one name, and made files that
    are most alike.
    """
    left, right = ({version.name: version for version in versions} for versions in (a, b))
    pairs = []
    for key in (by_path, by_content, by_name):
        of_key = {key(y): y.name for y in right.values()}
        for x in [*left.values()]:
            if key(x) is not None and (name := of_key.pop(key(x), None)):
                pairs.append((left.pop(x.name), right.pop(name)))
    alike = sorted(
        (likeness(x, y), x.name, y.name)
        for x, y in product(left.values(), right.values())
        if x.script and y.script and x.parts[0] == y.parts[0]
    )
    for _, x, y in reversed(alike):
        if x in left and y in right:
            pairs.append((left.pop(x), right.pop(y)))
    if len(rest := outside(left)) == len(outside(right)) == 1:
        pairs.append((left[rest[0]], right[outside(right)[0]]))
    return pairs


def by_path(version: Version) -> tuple:
    """Return the path from the experiment's folder on, and whether the file is from outside."""
    return version.parts, version.script is None


def by_content(version: Version) -> str | None:
    """Return the bytes' hash of a file from outside."""
    return None if version.script else version.sha256


def by_name(version: Version) -> str | None:
    """Return the file name of a file from outside."""
    return None if version.script else version.place.name


def outside(versions: dict[str, Version]) -> list[str]:
    """Return the names of the files from outside."""
    return [name for name, version in versions.items() if version.script is None]


def unmatched(letter: str, read: list[Version], pairs: list[Version]) -> Iterator[tuple]:
    """Yield what only one of two records has read, as a difference."""
    names = {version.name for version in pairs}
    for version in read:
        if version.name not in names:
            yield f"read for {letter} only", short(version.name)


def likeness(a: Version, b: Version) -> tuple:
    """Return how much two made files are alike, what counts most first."""
    places = sum(x == y for x, y in zip(a.parts, b.parts, strict=False))
    return a.parts[-1] == b.parts[-1], a.script == b.script, a.sha256 == b.sha256, places


def weights_of(version: Version) -> Version:
    """Return the weights, of a checkpoint's files: its folder is known by them."""
    main = main_output(version.record)
    beside = Path(main).parent == Path(version.name).parent
    return replace(version, name=main) if beside and main.endswith(WEIGHTS) else version


def place_of(a: Version, b: Version) -> str:
    """Return the path of a file in both, once if it is the same from the experiment's folder on."""
    return " and ".join(dict.fromkeys((short(a.name), short(b.name))))


def version_of(path: Path) -> Version:
    """Return the version of a file that its record names: the bytes that were made."""
    record = record_of_file(path)
    name = name_of_output(record, path)
    return Version(name, record.outputs[name], path.absolute(), record)
