"""Texts from outside, written so that they are read and never obeyed."""

import re
from collections.abc import Iterable
from typing import Any, TextIO

# What a terminal or an editor obeys: control characters, line ends of Unicode, changes of
# direction; and half characters, which no file can hold.
OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
MARKUP = re.compile(
    r"[\\`*\[\]<>|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|:(?=//)|^(?:#+|[+=-]+|\d+[.)])(?=\s|$)"
)
ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
LINK = re.compile(r"https?://[^\s<>\"'`\\|\[\]()*~$]+")


def visible(text: str, lines: bool = True) -> str:
    r"""Return a text whose control characters are shown (``\x1b``); ``lines`` may end and indent.

    >>> visible("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return OBEYED.sub(lambda found: _shown(found[0], lines), text)


def _shown(character: str, lines: bool) -> str:
    if lines and character in "\n\t":
        return character
    return character.encode("unicode_escape", "surrogatepass").decode()


class Shown:
    """A stream on which control characters are shown; in all else it is the stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text as ``visible`` has it."""
        self._stream.write(visible(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def markdown(text: object) -> str:
    r"""Return a text for a line of Markdown: it shows as it is, and only web addresses are links.

    >>> markdown("<b>MIT</b> [x](javascript:y) https://example.org/a_b")
    '&lt;b&gt;MIT&lt;/b&gt; \\[x\\](javascript:y) https://example.org/a_b'
    """
    line = visible(" ".join(str(text).split()), lines=False)
    parts, end = [], 0
    for link in LINK.finditer(line):
        parts += [_escaped(line[end : link.start()], at_start=not end), link[0]]
        end = link.end()
    return "".join([*parts, _escaped(line[end:], at_start=not end)])


def _escaped(text: str, at_start: bool) -> str:
    def escape(match: re.Match[str]) -> str:
        mark = match[0]
        if match.start() == 0 and not at_start and mark[0] in "#+=-0123456789":
            return mark
        return ENTITIES.get(mark) or f"{mark[:-1]}\\{mark[-1]}"

    return MARKUP.sub(escape, text)


def code(text: object) -> str:
    """Return a text for Markdown's code, between backticks: in one line, and without backticks."""
    return visible(" ".join(str(text).split()), lines=False).replace("`", "'")
