"""What of a file can touch a test set: recordings, sentences, speakers; and what two share."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from errors import InputError
from files.audio_file import UNKNOWN_SPEAKER
from files.origin import is_real
from scoring.word_errors import normalised

Row = dict[str, Any]  # of a manifest
Speaker = tuple[str, str]  # corpus, name


@dataclass(frozen=True)
class Content:
    """What of a file can touch a test set.

    ``recordings`` are audio paths of real speech by domain, ``keys`` audio paths by domain, TTS and
    id, ``audio`` all audio paths, ``voices`` names of imitated speakers of an unknown corpus.
    """

    recordings: Mapping[str, frozenset[str]] = field(default_factory=dict)
    keys: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    audio: frozenset[str] = frozenset()
    sentences: frozenset[str] = frozenset()
    speakers: frozenset[Speaker] = frozenset()
    voices: frozenset[str] = frozenset()

    @cached_property
    def sizes(self) -> dict[int, list[str]]:
        """Return the audio paths by size (bytes): files of different size are different."""
        by_size: dict[int, list[str]] = {}
        for path in sorted(self.audio):
            by_size.setdefault(size_of(path), []).append(path)
        return by_size


@dataclass(frozen=True)
class Overlap:
    """What a file and a target have in common; recordings are audio paths, tests are keys.

    ``target_transcripts`` are recordings whose transcripts the file has.
    """

    target_recordings: frozenset[str] = frozenset()
    test_recordings: frozenset[tuple[str, str, str]] = frozenset()
    test_sentences: frozenset[str] = frozenset()
    test_speakers: frozenset[Speaker] = frozenset()
    target_transcripts: frozenset[str] = frozenset()

    def __or__(self, other: "Overlap") -> "Overlap":
        return Overlap(*(mine | others for mine, others in zip(self, other, strict=True)))

    def __iter__(self) -> Iterator[frozenset[Any]]:
        return iter(vars(self).values())


@cache
def size_of(path: str) -> int:
    """Return an audio file's size, bytes."""
    try:
        return os.path.getsize(path)
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}, but a manifest names it; without it no one can say whether"
            " it is a test recording: make its manifest again"
        ) from None


def speaker_of(row: Row, corpora: Mapping[str, str]) -> Speaker | None:
    """Return an utterance's speaker, who is known by name within a corpus, or a TTS's voice."""
    if "tts" in row:
        return ("tts", row["speaker"])
    if not is_real(row) or row["speaker"] == UNKNOWN_SPEAKER:
        return None
    return (corpora.get(row["domain"], "own data"), row["speaker"])


def content_of(rows: Sequence[Row], corpora: Mapping[str, str], language: str) -> Content:
    """Return what of utterances can touch a test set."""
    recordings: dict[str, set[str]] = {}
    keys: dict[tuple[str, str, str], str] = {}
    for row in rows:
        path = os.path.normpath(row["audio_filepath"])
        own_id = row["id"].removeprefix(f"{row['domain']}--")  # of pooled speech
        keys[row["domain"], row.get("tts", "" if is_real(row) else "synthetic"), own_id] = path
        if is_real(row):
            recordings.setdefault(row["domain"], set()).add(path)
    return Content(
        {domain: frozenset(paths) for domain, paths in recordings.items()},
        keys,
        frozenset(keys.values()),
        sentences_of(rows, language),
        frozenset(speaker for row in rows if (speaker := speaker_of(row, corpora))),
    )


def sentences_of(rows: Iterable[Row], language: str) -> frozenset[str]:
    """Return the different normalised texts that have words."""
    return frozenset(normalised(row["text"], language) for row in rows) - {""}


def overlap_of(content: Content, test: Content, sha256: Callable[[str], str]) -> Overlap:
    """Return what a file has in common with a test manifest; audio also by its bytes."""
    key_of = {path: key for key, path in test.keys.items()}
    copies = {content.keys[key]: key for key in content.keys.keys() & test.keys.keys()}
    for size in content.sizes.keys() & test.sizes.keys():
        of_bytes = {sha256(path): key_of[path] for path in test.sizes[size]}
        copies |= {
            path: of_bytes[sha256(path)] for path in content.sizes[size] if sha256(path) in of_bytes
        }
    speakers = (content.speakers & test.speakers) | {
        speaker for speaker in test.speakers if speaker[1] in content.voices
    }
    sentences = content.sentences & test.sentences
    return Overlap(frozenset(copies), frozenset(copies.values()), sentences, speakers)
