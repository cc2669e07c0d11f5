"""Running text of subtitles, SRT and WebVTT: what is said without a pause is one block."""

import re
from collections.abc import Iterator, Sequence

from errors import InputError
from inputs.sentences import Block

CLOCK = r"(?:([0-9]{1,3}):)?([0-9]{1,2}):([0-9]{2}[.,][0-9]{1,3})"
TIMES = re.compile(rf"\s*{CLOCK}\s*-->\s*{CLOCK}(?:\s.*)?")
TAG = re.compile(r"</?[a-zA-Z0-9][^<>]*>|\{\\[^{}]*\}")
TURN = re.compile("[-\u2010-\u2015]\\s*(?=\\w)")  # before what another person says
ASIDE = re.compile(r"\ufeff?WEBVTT\b|(?:NOTE|STYLE|REGION)\b")  # blocks of WebVTT that nobody sees
PAUSE = 2.0  # s between subtitles

Lines = Sequence[tuple[int, str]]  # number and content


def subtitles(text: str, path: str) -> Iterator[Block]:
    """Yield the blocks of subtitles; one ends at a pause, and where another person speaks.

    A line that repeats the one before it, as rolling subtitles have it, counts once.
    """
    block: Block = []
    last, ended = "", 0.0
    for start, end, lines in cues(text, path):
        if block and start - ended >= PAUSE:
            yield block
            block = []
        for number, line in lines:
            said = " ".join(TAG.sub("", line).split())
            if said == last:
                continue
            last = said
            if block and TURN.match(said):
                yield block
                block = []
            block.append((number, TURN.sub("", said, count=1) if TURN.match(said) else said))
        ended = end
    if block:
        yield block


def cues(text: str, path: str) -> Iterator[tuple[float, float, Lines]]:
    """Yield start (s), end (s) and lines of each subtitle.

    Raises ``InputError`` for lines that belong to none, and if there are no times at all.
    """
    several = False
    for group in groups(text):
        if ASIDE.match(group[0][1]):
            continue
        times = [match for _, line in group[:2] if (match := TIMES.fullmatch(line))]
        if not times:
            at, line = group[0]
            raise InputError(
                f"{path}:{at}: {line.strip()[:40]!r} stands under no times (00:00:01,000 -->"
                " 00:00:02,500); remove the empty line before it, or name a plain text .txt"
            )
        several = True
        below = 1 if TIMES.fullmatch(group[0][1]) else 2
        for at, line in group[below:]:
            if TIMES.fullmatch(line):
                raise InputError(
                    f"{path}:{at}: {line.strip()!r} are times within a subtitle; put an empty line"
                    " before it and its number"
                )
        clock = times[0].groups()
        start, end = seconds(*clock[:3]), seconds(*clock[3:])
        if end < start:
            raise InputError(
                f"{path}:{group[below - 1][0]}: {group[below - 1][1].strip()!r} ends before it"
                " begins; correct its times"
            )
        yield start, end, group[below:]
    if not several:
        raise InputError(f"{path}: has no subtitles; give another file")


def groups(text: str) -> Iterator[list[tuple[int, str]]]:
    """Yield what stands between empty lines: number and content of each line."""
    group: list[tuple[int, str]] = []
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line.strip():
            group.append((number, line))
        elif group:
            yield group
            group = []


def seconds(hours: str | None, minutes: str, rest: str) -> float:
    """Return a time of subtitles in s."""
    return 3600 * int(hours or 0) + 60 * int(minutes) + float(rest.replace(",", "."))
