"""Running text of Markdown and HTML: its blocks (paragraphs, headings, list items, cells).

Code is left out, of a page also what is not its text: scripts, styles, menus, forms.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from errors import InputError
from inputs.sentences import Block

INLINE = frozenset(  # elements of HTML that part no sentence
    re.findall(
        r"\S+",
        "a abbr acronym b bdi bdo big cite data del dfn em font i ins kbd label mark q s samp small"
        " span strike strong sub sup time tt u var wbr code",
    )
)
NO_TEXT = frozenset(
    re.findall(
        r"\S+",
        "script style template noscript title svg math canvas object iframe pre textarea select"
        " button nav",
    )
)
LONGEST = 20_000  # characters of a line: of signs that open and never close, parsing takes long
FRONT_MATTER = re.compile(r"---[ \t]*\n(?:.*\n)*?(?:---|\.\.\.)[ \t]*(?:\n|\Z)")


class Page(HTMLParser):
    """A page of HTML, read into blocks."""

    def __init__(self, path: str, first: int = 1):
        super().__init__(convert_charrefs=True)
        self.path, self.first = path, first  # file, and number of its line where the page begins
        self.blocks: list[Block] = [[]]
        self.left_out: list[tuple[str, int]] = []  # elements that are open, with their lines

    @property
    def line(self) -> int:
        """Number of the line in the file, from 1."""
        return self.first + self.getpos()[0] - 1

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        """Begin a block, or what is left out."""
        if tag in NO_TEXT:
            self.left_out.append((tag, self.line))
        if tag not in INLINE:
            self.blocks.append([])

    def handle_endtag(self, tag: str) -> None:
        """End a block, or what is left out."""
        if self.left_out and self.left_out[-1][0] == tag:
            self.left_out.pop()
        if tag not in INLINE:
            self.blocks.append([])

    def handle_startendtag(self, tag: str, attributes: Any) -> None:
        """Begin and end a block at once, as at ``<br/>``."""
        if tag not in INLINE:
            self.blocks.append([])

    def handle_data(self, data: str) -> None:
        """Add the lines of a text to the block; those of one line are one."""
        for number, text in enumerate(data.split("\n"), start=self.line):
            block = self.blocks[-1]
            if self.left_out:
                continue
            if block and block[-1][0] == number:
                block[-1] = (number, block[-1][1] + text)
            else:
                block.append((number, text))

    def whole(self) -> list[Block]:
        """Return the blocks that have text, when all has been read."""
        self.close()
        if self.left_out:
            tag, line = self.left_out[0]
            raise InputError(
                f"{self.path}:{line}: <{tag}> is not closed, so that all behind it would be left"
                " out; close it"
            )
        return [block for block in self.blocks if any(text.strip() for _, text in block)]


def html(text: str, path: str, first: int = 1) -> list[Block]:
    """Return the blocks of a page, or of a part of one that begins in line ``first``."""
    page = Page(path, first)
    page.feed(text)
    return page.whole()


def markdown(text: str, path: str) -> Iterator[Block]:
    """Yield the blocks of Markdown (CommonMark, and tables); its front matter is left out."""
    from markdown_it import MarkdownIt

    if matter := FRONT_MATTER.match(text):
        text = "\n" * matter[0].count("\n") + text[matter.end() :]
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > LONGEST:
            raise InputError(
                f"{path}:{number}: the line has {len(line):,} characters, of which {LONGEST:,} are"
                " read; break it, or name a plain text .txt"
            )
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for token in parser.parse(text):
        if token.map is None:
            continue
        first = token.map[0] + 1
        if token.type == "html_block":
            yield from html(token.content, path, first)
        elif token.type == "inline":
            yield inline(token.children or [], first)


def inline(parts: list[Any], first: int) -> Block:
    """Return the text of a block's parts, line by line; tags and pictures have none."""
    lines = [""]
    for part in parts:
        if part.type in ("softbreak", "hardbreak"):
            lines.append("")
        elif part.type in ("text", "text_special", "code_inline"):
            lines[-1] += part.content
        elif part.type == "html_inline" and part.content.startswith("<br"):
            lines[-1] += " "
    return [*enumerate(lines, start=first)]
