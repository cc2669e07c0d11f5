"""What files were made from, as a tree: built from records, then drawn in lines."""

import os
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from escaping import visible
from lineages.makers import fetched_in, identity, maker_of, record_of_file, sha256_now, short
from lineages.settings import FEW, declared, duration, in_words, licence_in_words
from records.record import Record, ended, name_of_output, sidecar

WIDTH = 100  # columns, if no terminal says otherwise
CODE = "scripts"


@dataclass
class Node:
    """A branch of the tree: a file, the lines about it, and what it was made from."""

    heading: str
    details: list[str]
    parts: list["Node"] = field(default_factory=list)


@dataclass(frozen=True)
class Group:
    """Inputs with one branch: files of one folder that one stage made or fetched."""

    names: list[str]
    maker: Record | None
    fetched: Record | None


def groups_of(record: Record) -> list[Group]:
    """Return the inputs of a record, those that belong together as one."""
    groups: dict[tuple, Group] = {}
    for name in record.inputs:
        place = record.at(name)
        maker, fetched = maker_of(place), fetched_in(place.parent)
        if fetched:
            key: tuple[str, ...] = identity(fetched)
        elif maker:
            key = (*identity(maker), str(place.parent))
        else:
            key = (str(place.parent),)
        groups.setdefault(key, Group([], maker, fetched)).names.append(name)
    for group in groups.values():
        group.names.sort(key=lambda name: not sidecar(record.at(name)).is_file())
    return list(groups.values())


class Tree:
    """What files were made from; ``whole`` shows all settings and files, not the few that matter.

    A file that was shown is referred to the next time. ``depth`` bounds the levels below a file.
    """

    def __init__(self, whole: bool = False, depth: int | None = None) -> None:
        self.whole = whole
        self.depth = depth
        self.shown: dict[tuple[str, ...], str] = {}  # first file, by its record's key

    def root(self, path: Path) -> Node:
        """Return the branch of a file that has a record."""
        record = record_of_file(path)
        name = name_of_output(record, path)
        return self._branch([name], record, record, record.outputs, 0)

    def _branch(
        self, names: list[str], maker: Record, source: Record, expected: dict[str, str], level: int
    ) -> Node:
        heading = self._heading(names)
        changes = list(changed(names, source, expected))
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
                node.parts.append(self._branch(*read, level + 1))
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


def drawn(node: Node, width: int, lead: str = "", branch: str = "") -> Iterator[str]:
    """Yield the lines of a tree; ``lead`` stands before all of a branch, ``branch`` at its start.

    >>> list(drawn(Node("a", ["made"], [Node("b", [])]), 20))
    ['a', '│  made', '└─ b']
    """
    heading = visible(node.heading, lines=False)
    for number, piece in enumerate(broken(heading, width - len(lead) - 3)):
        yield lead + (branch if number == 0 else branch and AFTER[branch]) + piece
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
