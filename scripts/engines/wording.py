"""What engines are told to say: words as a domain has them listed, and words for digits."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from engines.engine import Request
from engines.utterances import draw
from texts.in_words import in_words
from texts.pronunciations import Pronunciation, pronounced


def as_listed(asked: Sequence[Request], listed: Sequence[Pronunciation]) -> list[Request]:
    """Return utterances spoken as listed; one with a listed word has ``pronounced``, too.

    The utterances of a text take the ways to say a word in turn, from one that its id draws.
    """
    turn: Counter[str] = Counter()
    told = []
    for request in asked:
        id = request.text["id"]
        said = pronounced(request.spoken, listed, draw(id, "pronunciation") + turn[id])
        turn[id] += 1
        if said != request.spoken:
            request = replace(request, text=request.text | {"spoken": said, "pronounced": said})
        told.append(request)
    return told


def for_letters_only(asked: Sequence[Request], language: str) -> list[Request]:
    """Return utterances that are spoken without digits and signs: these are in words."""
    return [
        replace(request, text=request.text | {"spoken": in_words(request.spoken, language)})
        for request in asked
    ]
