"""YAML read as its version 1.2 says: ``no`` and ``on`` are texts, ``1e-5`` is a number.

Keys are texts as they are written (``2024:``, ``yes:``). What stands twice, refers to itself, or is
read as one number by some and as another by others (``010``) is refused.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from errors import InputError

MAX_NODES = 100_000  # of a file, aliases written out
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

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node:
        event = self.peek_event()
        if getattr(event, "tag", None) not in (None, "!"):
            raise InputError(
                f"{self.name}:{event.start_mark.line + 1}: tags ({event.tag}) are not read; write"
                ' the value alone, or if it is a text, quote it: "..."'
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.Node, deep: bool = True) -> dict[str, Any]:
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


for tag, (pattern, first) in PLAIN.items():
    _Loader.add_implicit_resolver(tag, re.compile(rf"(?:{pattern})\Z"), first)
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_mapping)
_Loader.add_constructor(LEADING_ZERO, _Loader.leading_zero)


def load_yaml(path: str | Path) -> dict[str, Any]:
    """Return the mapping of a YAML or JSON file; it is empty if the file is.

    Raises ``InputError`` for what is no mapping, or can be read in two ways.
    """
    text = read_text(path)
    try:
        content = read_json(text, path) if text.lstrip().startswith("{") else None
        content = read_nodes(text, path) if content is None else content
    except yaml.MarkedYAMLError as error:
        line = (error.problem_mark or error.context_mark).line
        said = text.split("\n")[line].strip()
        tab = "; indent with spaces, not tabs" if "\\t" in str(error.problem) else ""
        raise InputError(f"{path}:{line + 1}: not YAML: {error.problem}{tab}: {said!r}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{path}: not YAML: {error}") from None
    except RecursionError:
        raise InputError(f"{path}: not read: its lists or mappings lie too deep") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        kind = "a list" if isinstance(content, list) else f"the text {str(content)[:60]!r}"
        raise InputError(
            f"{path}: is {kind}, not a mapping of keys to values; write `key: value`, with a space"
            " after the colon"
        )
    return content


def read_text(path: str | Path) -> str:
    """Return the text of a file; what is not there or not UTF-8 is an ``InputError``."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: not readable: {error.strerror}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}:{line}: byte {content[error.start]:#04x} is not UTF-8; save the file as UTF-8"
        ) from None


def read_json(text: str, path: str | Path) -> dict[str, Any] | None:
    """Return the mapping that a text is in JSON; None if it is none (flow style of YAML, say)."""

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        for key in keys:
            if keys.count(key) > 1:
                raise InputError(f"{path}: {key!r} stands twice in a mapping; remove one of them")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=mapping)
    except ValueError:
        return None


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
        if sizes[node] is None:
            raise InputError(
                f"{path}:{node.start_mark.line + 1}: holds an alias of itself; write it out"
            )
        return sizes[node]

    if (count := size(root)) > MAX_NODES:
        raise InputError(
            f"{path}: has {count:,} entries where its aliases (*name) are written out, more than"
            f" {MAX_NODES:,}; remove some"
        )


def line_of(path: str | Path, place: str) -> tuple[int, int]:
    """Return how many characters of a place (``domains.phone.test``) a file has, and in which line.

    0 and 1 if it has nothing of it. The file can be read: ``load_yaml`` did.
    """
    loader = _Loader(read_text(path))
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
    except yaml.YAMLError:  # JSON that is indented with tabs
        pass
    return length, line
