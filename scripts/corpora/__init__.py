"""Readers of published corpora: one module each, with a function from a folder to recordings.

A new corpus is its module, with ``read(folder: Path) -> Iterator[Recording]``, and its line in
``CORPORA``; its splits are drawn. (SLURP, whose splits are its own, is read by another signature.)
A recording whose ``extra`` has a ``topic`` can be chosen by it. Where a corpus is
``split_by_speaker``, whoever speaks in several domains is in one split of all of them.
The table is read wherever a workflow is planned, so it imports no reader; and it shapes no
manifest, so a domain is not prepared again for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """What is to be known of a corpus before it is read.

    ``languages`` are codes of Whisper's; ``read`` is told which as its second argument if the
    corpus ``takes_language``. ``training_texts`` are the different ones, counted, by scenario where
    a domain is one; 0 if nobody has counted them.
    """

    languages: tuple[str, ...]
    training_texts: int | Mapping[str, int] = 0
    takes_language: bool = False
    split_by_speaker: bool = False


OF_SLURP = {  # in 93 % of its training sentences
    "alarm": 383,
    "audio": 284,
    "calendar": 1550,
    "cooking": 195,
    "datetime": 361,
    "email": 881,
    "general": 601,
    "iot": 716,
    "lists": 500,
    "music": 308,
    "news": 463,
    "play": 1270,
    "qa": 1082,
    "recommendation": 388,
    "social": 358,
    "takeaway": 240,
    "transport": 524,
    "weather": 536,
}

CORPORA = {
    "amazon_queen": About(("en",), training_texts=3549),
    "asterisk": About(("en", "es", "fr", "it", "ru"), training_texts=507, takes_language=True),
    "drascula": About(("en",), training_texts=730),
    "slurp": About(("en",), training_texts=OF_SLURP),
    "wuw_corpus_ii": About(("en",), training_texts=180, split_by_speaker=True),
}
