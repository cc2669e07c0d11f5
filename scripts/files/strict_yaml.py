"""YAML read as its version 1.2 says: ``no`` and ``on`` are texts, ``1e-5`` is a number.

Keys are texts as they are written (``2024:``, ``yes:``). What stands twice, refers to itself, or is
read as one number by some and as another by others (``010``) is refused.
"""

import math
import re
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from addresses import redacted
from errors import InputError
from files.json_file import MAX_DIGITS, NotJSON, lies_deep, parse
from files.regular import REMEDY
from files.text_file import read_text

LINE_ENDS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # as the library counts lines
MAX_BYTES = 1 << 20  # of a file
MAX_NODES = 20_000  # of a file, aliases written out
PLACED = 5_000  # nodes of a file whose lines a message names
LEADING_ZERO = "!leading-zero"
PLAIN = {  # what an unquoted scalar is, by its text, and the characters that it can begin with
    "tag:yaml.org,2002:null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "tag:yaml.org,2002:bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "tag:yaml.org,2002:int": (r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    LEADING_ZERO: (r"[-+]?0[0-9]+", list("-+0")),
    "tag:yaml.org,2002:float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    "tag:yaml.org,2002:merge": (r"<<", ["<"]),
}


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict = {}
    most = MAX_NODES
    nodes = 0  # so far

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()
        if getattr(event, "tag", None) not in (None, "!"):
            raise InputError(
                f"{self.name}:{event.start_mark.line + 1}: tags ({event.tag}) are not read; write"
                ' the value alone, or if it is a text, quote it: "..."'
            )
        self.nodes += 1
        if self.nodes > self.most:
            raise too_many(self.name)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = True) -> dict[Hashable, Any]:
        lines: dict[str, int] = {}
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise InputError(f"{self.name}:{line}: a key must be a word, not a list or mapping")
            if key_node.value in lines:
                raise InputError(
                    f"{self.name}:{line}: {key_node.value!r} stands already in line"
                    f" {lines[key_node.value]}; remove or rename one of them"
                )
            lines[key_node.value] = line
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}

    def leading_zero(self, node: yaml.ScalarNode) -> None:
        raise InputError(
            f"{self.name}:{node.start_mark.line + 1}: {node.value} is {int(node.value)} to some and"
            f" in base 8 to others; write {int(node.value)}, or if it is a text, quote it:"
            f' "{node.value}"'
        )

    def whole(self, node: yaml.ScalarNode) -> int:
        if len(node.value) > MAX_DIGITS + 1:
            raise self.no_number(node, f"has more than {MAX_DIGITS} digits")
        return int(node.value)

    def fraction(self, node: yaml.ScalarNode) -> float:
        value: float = self.construct_yaml_float(node)
        if not math.isfinite(value):
            raise self.no_number(node, "is not finite")
        return value

    def no_number(self, node: yaml.ScalarNode, problem: str) -> InputError:
        place = f"{self.name}:{node.start_mark.line + 1}"
        return InputError(
            f"{place}: {node.value[:MAX_DIGITS]} {problem}; write a number, or if it is a text,"
            f' quote it: "..."'
        )


for tag, (pattern, first) in PLAIN.items():
    _Loader.add_implicit_resolver(tag, re.compile(rf"(?:{pattern})\Z"), first)
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.whole)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.fraction)
_Loader.add_constructor(LEADING_ZERO, _Loader.leading_zero)


def load_yaml(path: str | Path) -> dict[str, Any]:
    """Return the mapping of a YAML or JSON file; it is empty if the file is.

    Raises ``InputError`` for what is no mapping, or can be read in two ways.
    """
    text = read_text(path, REMEDY, MAX_BYTES)
    try:
        content = read_either(text, path)
        if lies_deep(content):
            raise RecursionError
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line if mark else 0
        said = LINE_ENDS.split(text)[line].strip()
        tab = "; indent with spaces, not tabs" if "\\t" in str(error.problem) else ""
        raise InputError(
            f"{path}:{line + 1}: not YAML: {error.problem}{tab}: {redacted(said)[:200]!r}; {REMEDY}"
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{path}: not YAML: {error}; {REMEDY}") from None
    except RecursionError:
        raise InputError(
            f"{path}: not read: its lists or mappings lie too deep; write it flatter"
        ) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        kind = "a list" if isinstance(content, list) else f"the text {str(content)[:60]!r}"
        raise InputError(
            f"{path}: is {kind}, not a mapping of keys to values; write `key: value`, with a space"
            " after the colon"
        )
    return content


def read_either(text: str, path: str | Path) -> Any:
    """Return the content of a text in JSON, or in YAML, whose flow style looks like it."""
    if text.lstrip().startswith("{"):
        with suppress(NotJSON):
            return parse(text, path, REMEDY)
    return read_nodes(text, path)


def read_nodes(text: str, path: str | Path) -> Any:
    """Return the content of a YAML text."""
    loader = _Loader(text)
    loader.name = str(path)
    node = loader.get_single_node()
    if node is None:
        return None
    check_size(node, path)
    return loader.construct_document(node)


def check_size(root: yaml.Node, path: str | Path) -> None:
    """Refuse a node that, its aliases written out, has no end or too many nodes."""
    sizes: dict[yaml.Node, int | None] = {}  # None while a node's size is being counted

    def size(node: yaml.Node) -> int:
        if node not in sizes:
            sizes[node] = None
            parts = node.value if isinstance(node, yaml.CollectionNode) else []
            nodes = [each for part in parts for each in (part if type(part) is tuple else [part])]
            sizes[node] = 1 + sum(map(size, nodes))
        known = sizes[node]
        if known is None:
            raise InputError(
                f"{path}:{node.start_mark.line + 1}: holds an alias of itself; write it out"
            )
        return known

    if (count := size(root)) > MAX_NODES:
        raise too_many(path, f", where its aliases (*name) are written out, {count:,}")


def too_many(path: str | Path, how_many: str = "") -> InputError:
    """Return the error of a file with too many values."""
    return InputError(
        f"{path}: has more than the bound of {MAX_NODES:,} values{how_many}; remove some"
    )


def line_of(path: str | Path, place: str) -> tuple[int, int]:
    """Return how many characters of a place (``domains.phone.test``) a file has, and in which line.

    0 and 1 if it has nothing of it, or far too much. The file can be read: ``load_yaml`` did.
    """
    loader = _Loader(read_text(path))
    loader.most = PLACED
    length, line = 0, 1
    try:
        node = loader.get_single_node()
        while isinstance(node, yaml.CollectionNode):
            if isinstance(node, yaml.MappingNode):
                loader.flatten_mapping(node)
                parts = [(key.value, key, value) for key, value in node.value]
            else:
                parts = [(str(index), value, value) for index, value in enumerate(node.value)]
            rest = place[length:].removeprefix(".")
            named = [part for part in parts if f"{rest}.".startswith(f"{part[0]}.")]
            if not rest or not named:
                break
            key, marked, node = max(named, key=lambda part: len(part[0]))
            length = len(place) - len(rest) + len(key)
            line = marked.start_mark.line + 1
    except (yaml.YAMLError, InputError):  # JSON that is indented with tabs, or large
        pass
    return length, line
