"""Tell why two files differ: the settings, code, packages and files from outside that changed.

The records of both are followed side by side. What is made of the same bytes is passed over; what
differs is told once, with the files at which it enters. The exit status is 0 if the two files have
the same bytes, and 1 if not.
"""

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from escaping import visible
from lineages.trace import (
    FEW,
    RESULTS,
    identity,
    main_output,
    maker_of,
    name_in,
    record_of_file,
    sha256_now,
    short,
)
from records.record import Record

ABSENT = "none"
NAME = "experiment.name"  # a setting of the matrix that shapes nothing but paths
TEXTS = (".json", ".jsonl", ".tsv")
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
        """What made it; None of a file from outside."""
        outside = self.maker is None or self.maker.script == FETCH
        return None if outside else self.maker.script


@dataclass
class Difference:
    """Something that differs, how, and the files at which it enters; both in order, each once."""

    what: str
    changes: dict[str, None] = field(default_factory=dict)
    enters: dict[str, None] = field(default_factory=dict)


# A pair of records


def differing(a: Record, b: Record, pairs: list[tuple[Version, Version]]) -> Iterator[tuple]:
    """Yield what differs between two records besides their inputs: what, and how.

    ``pairs`` are their matched inputs: a setting that only follows these is no difference.
    """
    if a.script != b.script:
        yield "script", f"{a.script} -> {b.script}"
        return
    followed = [(x.name, y.name) for x, y in pairs]
    for name, x, y in changed_keys(flat(a.content["parameters"]), flat(b.content["parameters"])):
        if (x, y) not in followed and name != NAME and unplaced(x, a) != unplaced(y, b):
            yield f"{a.script}: {name}", f"{told(x)} -> {told(y)}"
    for name, x, y in changed_keys(a.content["modules"], b.content["modules"]):
        yield f"code of {name}", "new" if x == ABSENT else "gone" if y == ABSENT else "changed"
    for name, x, y in changed_keys(a.content["packages"], b.content["packages"]):
        yield f"package {name}", f"{x} -> {y}"
    for name in ("python", "device"):
        if a.content[name] != b.content[name]:
            yield name, f"{a.content[name]} -> {b.content[name]}"


def changed_keys(a: dict[str, Any], b: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield the keys whose values differ, with both; ``ABSENT`` where there is none."""
    for key in sorted(a.keys() | b.keys()):
        x, y = a.get(key, ABSENT), b.get(key, ABSENT)
        if x != y:
            yield key, x, y


def flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one level: {"a": {"b": 1}} is {"a.b": 1}."""
    found: dict[str, Any] = {}
    for key, setting in settings.items():
        if isinstance(setting, dict) and setting:
            found |= flat(setting, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = setting
    return found


def told(setting: Any) -> str:
    """Return a value as it is shown."""
    return setting if isinstance(setting, str) else json.dumps(setting)


def experiment_of(record: Record) -> str | None:
    """Return the name of the experiment that a record is of."""
    first, *rest = Path(min(record.outputs)).parts
    return rest[0] if first == RESULTS and len(rest) > 1 else None


def unplaced(setting: Any, record: Record) -> str:
    """Return a setting, as JSON, without the checkout's folder and the experiment's name in paths.

    Of results/demo it leaves "results/*", of experiments/demo.yaml "experiments/*.yaml".
    """
    text = json.dumps(setting, sort_keys=True).replace(record.root.rstrip("/") + "/", "")
    if name := experiment_of(record):
        text = unnamed(text, name)
        text = re.sub(rf"/{re.escape(name)}(?=\.ya?ml\b)", "/*", text)
    return text


def unnamed(text: str, experiment: str) -> str:
    """Return a text without the experiment's name in the paths of its results."""
    return re.sub(rf"\b{RESULTS}/{re.escape(experiment)}(?=[/\s\"']|$)", f"{RESULTS}/*", text)


def same_but_for_names(a: Version, b: Version) -> bool:
    """Say whether two texts of differently named experiments differ in their paths only."""
    names = [experiment_of(version.maker) for version in (a, b)]
    if names[0] == names[1] or None in names or a.place.suffix not in TEXTS:
        return False
    if [sha256_now(version.place) for version in (a, b)] != [a.sha256, b.sha256]:
        return False
    texts = [
        unnamed(version.place.read_text(encoding="utf-8"), name)
        for version, name in zip((a, b), names, strict=True)
    ]
    return texts[0] == texts[1]


def circumstances(a: Record, b: Record) -> str:
    """Return what else may explain that the same work gave other bytes."""
    found = [
        f"{name} {a.content['run'][name]} and {b.content['run'][name]}"
        for name in ("host", "platform")
        if a.content["run"][name] != b.content["run"][name]
    ]
    if unplaced(a.content["command"], a) != unplaced(b.content["command"], b):
        found.append("another command (threads, processes, what is kept)")
    if not found:
        return "it is not deterministic, or a file was changed by hand"
    return f"what may: {'; '.join(found)}; or it is not deterministic"


# Inputs of two records


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


# The walk


class Walk:
    """What differs between two files and all that they were made of."""

    def __init__(self) -> None:
        self.found: dict[str, Difference] = {}
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
            if version.maker.outputs[name_in(version.maker, version.place)] != version.sha256:
                self.note("file made again, or changed, after it was read", version.name)
        key = (identity(a.maker), identity(b.maker))
        if key not in self._seen:
            self._seen.add(key)
            self._compare_makers(a, b)

    def note(self, what: str, change: str, enters: str | None = None) -> None:
        """Note a difference, and a file at which it enters."""
        difference = self.found.setdefault(what, Difference(what))
        difference.changes[change] = None
        if enters:
            difference.enters[enters] = None

    def _compare_makers(self, a: Version, b: Version) -> None:
        inputs = inputs_of(a.maker), inputs_of(b.maker)
        pairs = matched(*inputs)
        changes = [*differing(a.maker, b.maker, pairs)]
        if a.script == b.script:
            changes += [*unmatched("A", inputs[0], [x for x, _ in pairs])]
            changes += [*unmatched("B", inputs[1], [y for _, y in pairs])]
        for what, change in changes:
            self.note(what, change, place_of(*map(weights_of, (a, b))))
        if a.script != b.script:
            return
        if not changes and all(x.sha256 == y.sha256 for x, y in pairs):
            self.unexplained.append(f"{place_of(a, b)}: {circumstances(a.maker, b.maker)}")
        for x, y in pairs:
            self.compare(x, y)

    def _compare_outside(self, a: Version, b: Version) -> None:
        if a.script or b.script:
            made = [f"made by {x.script}" if x.script else "from outside" for x in (a, b)]
            self.note(f"origin of {place_of(a, b)}", " -> ".join(made))
        else:
            change = f"{place_of(a, b)} (sha256 {a.sha256[:12]} -> {b.sha256[:12]})"
            self.note("file from outside", change)


def weights_of(version: Version) -> Version:
    """Return the weights, of a checkpoint's files: its folder is known by them."""
    main = main_output(version.maker)
    beside = Path(main).parent == Path(version.name).parent
    return replace(version, name=main) if beside and main.endswith(WEIGHTS) else version


def place_of(a: Version, b: Version) -> str:
    """Return the path of a file in both, once if it is the same from the experiment's folder on."""
    return " and ".join(dict.fromkeys((short(a.name), short(b.name))))


def lines_of(walk: Walk) -> Iterator[str]:
    """Yield what a walk has found."""
    for difference in walk.found.values():
        yield f"{difference.what}: {few(difference.changes, '; ')}"
        if difference.enters:
            yield f"    at {few(difference.enters, ', ')}"
    for each in walk.unexplained:
        yield f"no setting, code, package or input explains {each}"


def few(items: Iterable[str], separator: str) -> str:
    """Return the first items, and how many there are more."""
    items = list(items)
    more = f" and {len(items) - FEW} more" if len(items) > FEW else ""
    return separator.join(items[:FEW]) + more


def version_of(path: Path) -> Version:
    """Return a file as it is told apart from another: with the bytes that were made."""
    record = record_of_file(path)
    name = name_in(record, path)
    return Version(name, record.outputs[name], path.absolute(), record)


def wer_of(path: Path) -> str:
    """Return a score's WER in words, nothing if a file is no score."""
    try:
        score = json.loads(path.read_text(encoding="utf-8"))
        return f", WER {100 * score['wer']:.2f} % of {score['words']['reference_words']:,} words"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def changed_rows(a: Path, b: Path) -> Iterator[str]:
    """Yield the rows of two summaries whose WER differs; nothing if they are none."""
    for name, x, y in changed_keys(rows_of(a), rows_of(b)):
        yield f"WER of {name}: {x} -> {y}"


def rows_of(path: Path) -> dict[str, str]:
    """Return the WER of a summary's rows, in words; nothing if it is none."""
    try:
        return {
            f"{target['name']}, {row['label']}": f"{100 * row['wer']:.2f} %"
            for target in json.loads(path.read_text(encoding="utf-8"))["targets"]
            for row in target["rows"]
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("a", type=Path, metavar="A", help="file that the workflow made")
    parser.add_argument("b", type=Path, metavar="B", help="another, also of another checkout")


def main(options: argparse.Namespace) -> None:
    """Print why two files differ."""
    a, b = version_of(options.a), version_of(options.b)
    now = [sha256_now(version.place) for version in (a, b)]
    for letter, version, found in zip("AB", (a, b), now, strict=True):
        print(f"{letter}: {version.place}")
        if found is None:
            print(f"   not there any more; made with sha256 {version.sha256[:12]}")
            continue
        print(f"   sha256 {found[:12]}{wer_of(version.place)}")
        if found != version.sha256:
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
