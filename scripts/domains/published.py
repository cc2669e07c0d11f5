"""The recordings of a published corpus that a domain takes: all, or those of some topics."""

import importlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from corpora import CORPORA
from domains.domain import Domain
from errors import InputError
from files.recording import Recording


def reader_of(corpus: str) -> ModuleType:
    """Return the module that reads a published corpus."""
    return importlib.import_module(f"corpora.{corpus}")


def read_corpus(domain: Domain, folder: Path) -> list[tuple[Recording, str]]:
    """Return a domain's recordings of the corpus in a folder, each with its place."""
    corpus = str(domain.corpus)
    languages = [domain.language] if CORPORA[corpus].takes_language else []
    recordings = reader_of(corpus).read(folder, *languages)
    return [(each, f"{corpus}:{each.id}") for each in of_topics(recordings, domain)]


def of_topics(recordings: Iterable[Recording], domain: Domain) -> list[Recording]:
    """Return the recordings of a domain's topics; ``InputError`` for a topic that none has."""
    recordings, named = list(recordings), domain.topics or domain.without_topics
    if named is None:
        return recordings
    count = Counter(each.extra["topic"] for each in recordings if "topic" in each.extra)
    key = "topics" if domain.topics else "without_topics"
    for topic in named:
        if topic not in count:
            there = ", ".join(f"{name} ({n})" for name, n in count.most_common(40)) or "none"
            raise InputError(
                f"domain: {key}: {domain.corpus} has no recordings of {topic!r}; there are {there}"
            )
    return [each for each in recordings if (each.extra["topic"] in named) == bool(domain.topics)]
