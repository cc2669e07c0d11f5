"""Sentences of running text, each with the line that it begins in."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate

Block = list[tuple[int, str]]  # number and content of the lines of a paragraph, heading, cell, ...


def sentences(blocks: Iterable[Block], language: str) -> Iterator[tuple[int, str]]:
    """Yield number of its first line and text of each sentence; none goes beyond its block.

    Wikimedia's ``sentencex`` tells where one ends, by the language's marks and abbreviations.
    """
    import sentencex

    for block in blocks:
        lines = [(number, " ".join(text.split())) for number, text in block]
        lines = [(number, text) for number, text in lines if text]
        ends = list(accumulate(len(text) + 1 for _, text in lines))
        start = 0
        for part in sentencex.segment(language, " ".join(text for _, text in lines)):
            if sentence := part.strip():
                begins = start + part.index(sentence)
                yield lines[bisect_right(ends, begins)][0], sentence
            start += len(part)
