"""Show what made a file, or a number of the WER table, back to the files from outside.

A tree: below each file stands what it was made from. With --row, FILE is a summary.json, and the
tree is that of the row's scores. A file that is not what its record says is marked.
"""

import argparse
import functools
import os
import shutil
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from errors import InputError
from escaping import visible
from paths import coefficient
from records.record import (
    SUFFIX,
    Record,
    ended,
    known_sha256,
    name_in,
    record_of,
    record_of_fetched,
    records_of_folder,
    sha256,
    sidecar,
)
from reporting.words import percent
from scoring.scored import read_json

KEY_SETTINGS = (
    "command", "domain", "tts", "voices", "learning_rate", "epochs", "max_steps", "batch_size",
    "scaling_coefficient", "max_cer", "per", "resamples", "chosen_on", "window", "seed",
)  # fmt: skip
FEW = 3  # things that are named one by one
WIDTH = 100  # columns, if no terminal says otherwise
RESULTS = "results"
CODE = "scripts"


@dataclass
class Node:
    """A branch of the tree: a file, what is said of it, and what it was made from."""

    heading: str
    details: list[str]
    parts: list["Node"] = field(default_factory=list)


@dataclass(frozen=True)
class Group:
    """Inputs that are told of together: files of one folder that one stage made, or fetched."""

    names: list[str]
    maker: Record | None
    fetched: Record | None


# Reading records


records_in = functools.cache(records_of_folder)


@functools.cache
def maker_of(path: Path) -> Record | None:
    """Return the record of the stage that made a file; each is read once."""
    return record_of(path, records_in)


@functools.cache
def fetched_in(folder: Path) -> Record | None:
    """Return the record of the fetched artifact that a folder is in, if it is in one."""
    return record_of_fetched(folder / "any file")


def record_of_file(path: str | Path) -> Record:
    """Return the record of a file; raise ``InputError`` if there is none."""
    record = maker_of(Path(path))
    if record is None:
        there = "no lineage record tells how it was made" if Path(path).exists() else "no such file"
        raise InputError(f"{path}: {there}; name a file that the workflow made")
    return record


@functools.cache
def sha256_now(path: Path) -> str | None:
    """Return a file's SHA-256, its record's if it was not written since; None without a file."""
    if not path.is_file():
        return None
    record = maker_of(path)
    return known_sha256(path, record) if record else sha256(path)


def identity(record: Record) -> tuple[str, str]:
    """Return what tells a record from others; it may lie in several folders."""
    return record.root, min(record.outputs)


def main_output(record: Record) -> str:
    """Return the output that a record is called by, as it names it."""
    return os.path.relpath(os.path.abspath(record.sidecar).removesuffix(SUFFIX), record.root)


def short(path: str) -> str:
    """Return a record's path from the experiment's folder on, if it is in one."""
    first, *rest = Path(path).parts
    return str(Path(*rest[1:])) if first == RESULTS and len(rest) > 1 else path


def groups_of(record: Record) -> list[Group]:
    """Return the inputs of a record, those that belong together as one."""
    groups: dict[tuple, Group] = {}
    for name in record.inputs:
        place = record.at(name)
        maker, fetched = maker_of(place), fetched_in(place.parent)
        if fetched:
            key = identity(fetched)
        elif maker:
            key = (*identity(maker), str(place.parent))
        else:
            key = (str(place.parent),)
        groups.setdefault(key, Group([], maker, fetched)).names.append(name)
    for group in groups.values():
        group.names.sort(key=lambda name: not sidecar(record.at(name)).is_file())
    return list(groups.values())


# A row of the WER table


def find_row(summary: dict, words: list[str], path: str | Path) -> tuple[dict, dict]:
    """Return the target and the row that each of some words names; raise ``InputError`` if several.

    Names in full come before their beginnings, and these before parts.
    """
    rows = [(target, row) for target in summary["targets"] for row in target["rows"]]
    found: list[tuple[dict, dict]] = []
    for fits in (str.__eq__, str.startswith, str.__contains__):
        found = found or [
            (target, row)
            for target, row in rows
            if all(any(fits(name, plain(w)) for name in names_of(target, row)) for w in words)
        ]
    if len(found) == 1:
        return found[0]
    listed = "\n".join(f"  {target['name']} {row['label']!r}" for target, row in found or rows)
    verdict = f"{len(found)} rows are" if found else "no row is"
    raise InputError(f"{path}: {verdict} meant by --row {' '.join(words)}; name one of\n{listed}")


def names_of(target: dict, row: dict) -> list[str]:
    """Return all that a row may be called by."""
    scale = row["scaling_coefficient"]
    names = [target["name"], target["target"], target["base"], target["speech"]]
    names += [row["label"], row["arm"], row["tts"], None if scale is None else coefficient(scale)]
    return [plain(name) for name in names if name]


def plain(name: str) -> str:
    """Return a name as it is compared: in lower case, arrows as typed, without the vector's τ."""
    return " ".join(name.lower().replace("→", "->").replace("τ", "").split())


def about_row(target: dict, row: dict) -> str:
    """Return a row's number and what it rests on, in one sentence."""
    bounds = " to ".join(map(percent, row["wer_interval"]))
    seeds = ", ".join(
        f"seed {seed}: {percent(wer)} %"
        for seed, wer in zip(row["seeds"], row["wer_of_seeds"], strict=True)
    )
    return (
        f"{target['name']}, {row['label']}: WER {percent(row['wer'])} % (interval {bounds}),"
        f" {target['utterances']:,} utterances, {target['words']:,} words; {seeds}"
    )


def scores_of_row(path: Path, words: list[str]) -> tuple[str, list[Path]]:
    """Return what is said of a summary's row, and its score files."""
    record = record_of_file(path)
    target, row = find_row(read_json(path, "name a summary.json"), words, path)
    return about_row(target, row), [record.at(score) for score in row["scores"]]


def licences_in_words(records: Iterable[Record]) -> list[str]:
    """Return the licences of all that is in some files, one a line, with what they forbid."""
    found: dict[str, dict[str, str]] = {}
    for record in records:
        found |= record.content["licences"]
    return [f"{name}: {licence_in_words(found[name])}" for name in sorted(found)]


def licence_in_words(licence: dict[str, str] | None) -> str:
    """Return a licence and what it forbids."""
    if not licence:
        return "licence unknown"
    forbidden = f", forbids {licence['forbids']}" if licence.get("forbids") else ""
    return f"licence {licence['licence']}{forbidden}"


# The tree


class Tree:
    """What files were made from; ``whole`` shows all settings and files, not the few that matter.

    What was shown once is referred to. ``depth`` bounds the levels below a file.
    """

    def __init__(self, whole: bool = False, depth: int | None = None) -> None:
        self.whole = whole
        self.depth = depth
        self.shown: dict[tuple[str, ...], str] = {}  # first file, by what tells it from others

    def root(self, path: Path) -> Node:
        """Return the branch of a file that has a record."""
        record = record_of_file(path)
        name = name_in(record, path)
        return self._made([name], record, record, record.outputs, 0)

    def _made(
        self, names: list[str], maker: Record, told: Record, expected: dict[str, str], level: int
    ) -> Node:
        heading = self._heading(names)
        changes = list(changed(names, told, expected))
        if above := self.shown.get(identity(maker)):
            if above == names[0]:
                return Node(f"{heading} (see above)", changes)
            return Node(heading, [f"made with {short(above)}, see above", *changes])
        node = Node(heading, [self._about(maker, names, expected), *changes])
        if maker.inputs and self.depth is not None and level >= self.depth:
            several = "s" if len(maker.inputs) > 1 else ""
            node.details.append(f"from {len(maker.inputs)} file{several} that --depth leaves out")
            return node
        self.shown[identity(maker)] = names[0]
        for group in groups_of(maker):
            if group.fetched or group.maker is None:
                node.parts.append(self._external(group, maker))
            else:
                read = (group.names, group.maker, maker, maker.inputs)
                node.parts.append(self._made(*read, level + 1))
        return node

    def _heading(self, names: list[str], outside: bool = False) -> str:
        first, *others = names
        if not others:
            return short(first)
        folder = os.path.dirname(first)
        if len(names) <= FEW or self.whole:
            listed = ", ".join(os.path.relpath(name, folder) for name in others)
            return f"{short(first)}, {listed}"
        if outside:
            return f"{os.path.dirname(first)}: {len(names)} files"
        return f"{short(first)} and {len(others)} more of its folder"

    def _about(self, record: Record, names: list[str], expected: dict[str, str]) -> str:
        run = record.content["run"]
        settings = in_words(record.content["parameters"], self.whole)
        commit = record.content["commit"][:7] + (" with changes" if record.content["dirty"] else "")
        when = datetime.fromtimestamp(run["started"]).strftime("%Y-%m-%d %H:%M")
        return (
            f"{record.script}{': ' if settings else ''}{settings}; {when},"
            f" {duration(ended(record) - run['started'])}, commit {commit},"
            f" sha256 {expected[names[0]][:12]}"
        )

    def _external(self, group: Group, reader: Record) -> Node:
        names = group.names
        heading = self._heading(names, outside=True)
        key = (heading, *(reader.inputs[name] for name in names))
        if key in self.shown:
            return Node(f"{heading} (see above)", [])
        self.shown[key] = names[0]
        about = f"{self._origin(group, reader)}, sha256 {reader.inputs[names[0]][:12]}"
        return Node(heading, [about, *changed(names, reader, reader.inputs)])

    def _origin(self, group: Group, reader: Record) -> str:
        if Path(group.names[0]).parts[0] == CODE:
            return "part of the code"
        if group.fetched is None:
            licence = reader.content["licences"].get(reader.content["parameters"].get("domain"))
            return f"{licence_in_words(licence)}; from outside of the workflow"
        content = group.fetched.content
        origins = list(dict.fromkeys(origins_of(group.fetched, reader, group.names)))
        few = origins if self.whole else origins[:FEW]
        more = f" and {len(origins) - len(few)} more" if len(few) < len(origins) else ""
        licence = content["licences"].get(content["parameters"].get("artifact"))
        return f"{licence_in_words(licence)}; from {', '.join(few)}{more}"


def changed(names: list[str], record: Record, expected: dict[str, str]) -> Iterator[str]:
    """Yield a line for each file that is not what a record has written or read."""
    for name in names:
        now = sha256_now(record.at(name))
        if now is None:
            yield f"NOT THERE ANY MORE: {os.path.basename(name)}"
        elif now != expected[name]:
            yield f"CHANGED SINCE: {os.path.basename(name)} has sha256 {now[:12]} now"


def origins_of(fetched: Record, reader: Record, names: list[str]) -> Iterator[str]:
    """Yield where fetched files came from; of the index, where all that it lists came from."""
    folder = Path(fetched.sidecar).parent.absolute()
    files = fetched.content["parameters"].get("files", {})
    for name in names:
        file = Path(os.path.relpath(reader.at(name).absolute(), folder)).as_posix()
        asked = [each for each in files if file == each or file.startswith(f"{each}/")]
        for each in asked or files:
            source = fetched.content.get("sources", {}).get(each, "an unknown source")
            known = files[each]["sources"]
            yield declared(known[0]) if source == "here already" and known else source


def declared(source: dict[str, Any]) -> str:
    """Return a declared source in a few words."""
    return " ".join(f"{key} {value}" for key, value in source.items())


def in_words(parameters: dict[str, Any], whole: bool) -> str:
    """Return settings in one line: the few that matter, or all."""
    names = parameters if whole else [name for name in KEY_SETTINGS if name in parameters]
    return ", ".join(
        f"{name} {value_in_words(parameters[name], whole)}"
        for name in names
        if parameters[name] is not None
    )


def value_in_words(value: Any, whole: bool) -> str:
    """Return a setting's value; a long list as its first values and their number."""
    if isinstance(value, list):
        few = value if whole or len(value) <= FEW else value[:FEW]
        more = f" ... ({len(value)})" if len(few) < len(value) else ""
        return " ".join(map(str, few)) + more
    return f"{value:g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    """Return a time in the unit that reads best."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def drawn(node: Node, width: int, lead: str = "", branch: str = "") -> Iterator[str]:
    """Yield the lines of a tree; ``lead`` stands before all of a branch, ``branch`` at its start.

    >>> list(drawn(Node("a", ["made"], [Node("b", [])]), 20))
    ['a', '│  made', '└─ b']
    """
    heading = visible(node.heading, lines=False)
    for number, part in enumerate(broken(heading, width - len(lead) - 3)):
        yield lead + (branch if number == 0 else branch and AFTER[branch]) + part
    lead += AFTER.get(branch, "")
    below = "│  " if node.parts else "   "
    for detail in node.details:
        text = visible(detail).replace("sha256 ", "sha256\xa0")  # which keeps them on one line
        for line in textwrap.wrap(text, max(20, width - len(lead) - 3), break_on_hyphens=False):
            yield f"{lead}{below}{line}".replace("\xa0", " ")
    for part in node.parts:
        yield from drawn(part, width, lead, "└─ " if part is node.parts[-1] else "├─ ")


AFTER = {"├─ ": "│  ", "└─ ": "   "}  # what goes on below a branch


def broken(path: str, width: int) -> list[str]:
    """Return a path in lines of at most ``width`` columns, broken after a slash where it can be."""
    lines = [""]
    for part in path.replace("/", "/\0").split("\0"):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return lines


def columns() -> int:
    """Return how wide the tree may be."""
    return shutil.get_terminal_size((WIDTH, 24)).columns


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", type=Path, help="file that the workflow made")
    add_row(parser)
    parser.add_argument("--depth", type=int, help="levels to show (default: all)")
    parser.add_argument("--all", action="store_true", help="show all settings and names of files")


def add_row(parser: argparse.ArgumentParser) -> None:
    """Add the option that names a row of a summary."""
    parser.add_argument(
        "--row",
        nargs="+",
        metavar="WORD",
        help="FILE is a summary.json, and its row is meant that these words name, of target and"
        ' arm: --row telephone "target-synthetic + 0.25"',
    )


def main(options: argparse.Namespace) -> None:
    """Print the tree of a file, or of a row's scores."""
    files = [options.file]
    if options.depth is not None and options.depth < 0:
        raise InputError(f"--depth is {options.depth}; give 0 or more")
    if options.row:
        number, files = scores_of_row(options.file, options.row)
        print(visible(number))
    records = [record_of_file(path) for path in files]
    for line in licences_in_words(records) if options.row else []:
        print(visible(f"  {line}", lines=False))
    tree = Tree(options.all, options.depth)
    for path in files:
        print("", *drawn(tree.root(path), columns()), sep="\n")
