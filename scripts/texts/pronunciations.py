"""How words of a domain are said: a list by its experts, for names that a TTS would say wrong.

Each line is a word, or several, as it is written, a tab, and what the TTS is told instead; behind
further tabs may stand other ways to say it, which utterances take in turn. Only what is spoken
changes: a recogniser learns the written word.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import regex

from errors import InputError
from escaping import OBEYED
from files.text_file import read_text
from texts.folding import fold
from texts.plain_texts import check_letters
from texts.spoken import MARKUP, without_remarks

A_LINE = "give a word as it is written, a tab, and how it is said, in every line"
# Of scripts that part words by spaces; in the others a word may stand anywhere.
LETTER = r"(?![\p{Han}\p{Hiragana}\p{Katakana}\p{Khmer}\p{Lao}\p{Myanmar}\p{Thai}])\w"

LONGEST = 1000  # characters of a line

Span = tuple[int, int]  # start and end in a text


@dataclass(frozen=True)
class Pronunciation:
    """A word as it stands in what a TTS reads, how it is said, and its place: file and line.

    ``others`` are further ways to say it.
    """

    word: str
    said: str
    place: str
    others: tuple[str, ...] = ()

    @functools.cached_property
    def small(self) -> str:
        """The word in small letters, to look for it quickly."""
        return self.word.casefold()

    @property
    def ways(self) -> tuple[str, ...]:
        """All ways to say the word, in their order."""
        return (self.said, *self.others)


def pronounced(spoken: str, listed: Sequence[Pronunciation], turn: int = 0) -> str:
    """Return what a TTS reads with all words as they are said, in the way whose ``turn`` it is.

    Of two that overlap the first one counts, and of two that begin at one place the longer one.
    What is put in is not looked through again.
    """
    parts, end = [], 0
    for (start, stop), entry in occurring(spoken, listed):
        if start >= end:
            parts += [spoken[end:start], beside_letters(entry, turn)]
            end = stop
    if not parts:
        return spoken
    text = " ".join("".join([*parts, spoken[end:]]).split())
    return regex.sub(r"\s+(?=[.,;:?!]+(?:\s|$))", "", text)


def occurring(spoken: str, listed: Sequence[Pronunciation]) -> list[tuple[Span, Pronunciation]]:
    """Return where listed words are in what a TTS reads, from left to right, the longer first."""
    small = spoken.casefold()
    there = [
        (match.span(), entry)
        for entry in listed
        if entry.small in small  # patterns are slower
        for match in pattern(entry.word).finditer(spoken)
    ]
    return sorted(there, key=lambda each: (each[0][0], -each[0][1]))


@functools.lru_cache(1 << 14)
def pattern(word: str) -> regex.Pattern:
    """Return the pattern of a word that is no part of another, in small letters or capitals.

    One in capitals is looked for in capitals only: IT and US are not it and us.
    """
    before, after = (
        rf"(?{side}{LETTER})" if regex.match(LETTER, edge) else ""
        for side, edge in (("<!", word[0]), ("!", word[-1]))
    )
    case = "" if word.isupper() else "i"
    return regex.compile(f"{before}(?{case}:{regex.escape(word)}){after}")


def beside_letters(entry: Pronunciation, turn: int) -> str:
    """Return how a word is said, with a space where a sign of its own stood beside a letter.

    Of ``use.NET`` the word ``.NET`` makes ``use dot net``.
    """
    before, after = ("" if edge.isalnum() else " " for edge in (entry.word[0], entry.word[-1]))
    return f"{before}{entry.ways[turn % len(entry.ways)]}{after}"


def read_pronunciations(path: str | Path) -> list[Pronunciation]:
    """Return the pronunciations of a file; raise ``InputError`` for the first line that is none."""
    entries: dict[str, Pronunciation] = {}
    text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        entry = parse(line, f"{path}:{number}")
        first = entries.setdefault(entry.word if entry.word.isupper() else entry.small, entry)
        if first.ways != entry.ways:
            here, there = (" or ".join(map(repr, each.ways)) for each in (entry, first))
            raise InputError(
                f"{entry.place}: {entry.word!r} is said {here} here, but {there} at {first.place};"
                " remove one of the lines, or give both ways in one, with a tab between them"
            )
    if not entries:
        raise InputError(f"{path}: is empty; {A_LINE}, or remove the key pronunciations")
    return [*entries.values()]


def parse(line: str, place: str) -> Pronunciation:
    """Return the pronunciation of a line; raise ``InputError`` if it is none."""
    if len(line) > LONGEST or OBEYED.search(line.strip().replace("\t", "")):
        raise InputError(
            f"{place}: {line.strip()[:60]!r} has more than {LONGEST} characters, or some that none"
            f" can say; {A_LINE}"
        )
    check_letters(place, line)
    written, *given = line.split("\t")
    if not given:
        raise InputError(f"{place}: {line.strip()[:60]!r} has no tab; {A_LINE}")
    word = " ".join(MARKUP.sub(" ", without_remarks(written)).split())
    ways = [fold(each) for each in given]
    checked = [(written, word, "the word")]
    checked += [(each, way, "how it is said") for each, way in zip(given, ways, strict=True)]
    for text, what_is_said, what in checked:
        if not any(map(str.isalnum, what_is_said)):
            raise InputError(
                f"{place}: {text!r} ({what}) has nothing that is said, as what stands in brackets;"
                f" {A_LINE}"
            )
    for said in ways:
        if without_remarks(said) != said or MARKUP.search(said):
            raise InputError(
                f"{place}: {said!r} has brackets or a sign that no TTS is told; write it in words"
            )
    return Pronunciation(word, ways[0], place, tuple(ways[1:]))
