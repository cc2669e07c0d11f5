"""Texts that would take longer to say than a recogniser's window: split at ends of sentences.

How long a text takes is an estimate, of any language, and rather too long than too short: what a
TTS makes of it is known only when it has spoken.
"""

import re
import unicodedata

PER_SECOND = 12  # characters that a slow voice says in a second, pauses between sentences included
SYLLABLE = 2.5  # characters that an East Asian one counts for, which is a syllable or two
DIGIT = 4  # characters that a digit counts for: it is a word
MARKS = r".!?\u2026\u0964\u0965\u061f\u06d4"
END = re.compile(
    rf"(?<![{MARKS}])(?P<mark>[{MARKS}]++)[\"'\u2019\u201d\u00bb)\]]*+\s+"
    r"|[\u3002\uff01\uff1f][\u300d\u300f\u201d\u2019\uff09]*\s*"
)
SHORT = 4  # letters: a full stop after a word of fewer may belong to an abbreviation


def speaking_time(text: str) -> float:
    """Return about how long it takes to say a text, s."""
    return sum(map(_characters, " ".join(text.split()))) / PER_SECOND


def _characters(character: str) -> float:
    if character.isdigit():
        return DIGIT
    if unicodedata.east_asian_width(character) in "WF" and character.isalnum():
        return SYLLABLE
    return 1


def sentences(text: str) -> list[str]:
    """Return the sentences of a text; where it is not clear that one ends, it goes on."""
    parts, start = [], 0
    for end in END.finditer(text):
        following = text[end.end() : end.end() + 1]
        mark = end["mark"]
        word = re.split(r"\W", text[max(0, end.start() - SHORT) : end.start()])[-1]
        abbreviated = mark == "." and len(word) < SHORT and not word.isdigit()
        hesitates = mark in ("...", "\u2026") and following.islower()
        if abbreviated or hesitates:
            continue
        parts.append(text[start : end.end()].strip())
        start = end.end()
    return [sentence for sentence in [*parts, text[start:].strip()] if sentence]


def pieces(text: str, longest: float) -> list[str]:
    """Return a text in pieces of whole sentences, as few as take at most ``longest`` s each.

    A sentence that takes longer is a piece of its own.
    """
    joined: list[str] = []
    place = 0
    for sentence in sentences(text):
        start = text.index(sentence, place)
        gap = text[place:start] if joined else ""
        if joined and speaking_time(joined[-1] + gap + sentence) <= longest:
            joined[-1] += gap + sentence
        else:
            joined.append(sentence)
        place = start + len(sentence)
    return joined
