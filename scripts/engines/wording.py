"""What engines are told to say: words as a domain has them listed, and words for digits."""

from collections.abc import Sequence

from texts.in_words import in_words
from texts.pronunciations import Pronunciation, pronounced


def as_listed(texts: Sequence[dict], listed: Sequence[Pronunciation]) -> list[dict]:
    """Return texts that are spoken as listed; one with a listed word has ``pronounced``, too."""
    said = [pronounced(row["spoken"], listed) for row in texts]
    return [
        row if spoken == row["spoken"] else row | {"spoken": spoken, "pronounced": spoken}
        for row, spoken in zip(texts, said, strict=True)
    ]


def for_letters_only(texts: Sequence[dict], language: str) -> list[dict]:
    """Return texts that are spoken without digits and signs: these are in words."""
    return [row | {"spoken": in_words(row["spoken"], language)} for row in texts]
