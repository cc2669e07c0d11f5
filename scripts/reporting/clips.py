"""The recordings in the report: which ones, and as data that a page can hold."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

import soundfile

from files.audio import SAMPLING_RATE, load_audio
from scoring.breakdown_file import ChangedUtterance

Row = dict[str, Any]  # of a manifest
Item = TypeVar("Item")

LONGEST = 12.0  # s, of an utterance in an audio player
CLIPS = 60  # audio players on the page, over all domains and targets


@dataclass(frozen=True)
class Example:
    """A text with the manifest's rows of its synthetic and, if there is one, its real utterance."""

    text: str
    real: Row | None
    synthetic: Row


Examples = dict[str, list[Example]]  # by domain


def audio_examples(real: list[Row], synthetic: list[Row], count: int) -> Examples:
    """Return up to ``count`` synthetic utterances per domain, with the real one of the same text.

    Domains whose texts were never recorded have no real side. The choice is spread evenly over the
    manifest, in the order of ids.
    """
    recording_of = {(row["domain"], row["text"]): row for row in real if row["duration"] <= LONGEST}
    by_domain: dict[str, dict[str, Row]] = {row["domain"]: {} for row in synthetic}
    for row in sorted(synthetic, key=lambda row: row["id"]):
        if row["duration"] <= LONGEST:
            by_domain[row["domain"]].setdefault(row["text"], row)
    examples: Examples = {}
    for domain, of_text in by_domain.items():
        paired = [text for text in of_text if (domain, text) in recording_of]
        examples[domain] = [
            Example(text, recording_of.get((domain, text)), of_text[text])
            for text in spread(paired or list(of_text), count)
        ]
    return {domain: of_domain for domain, of_domain in examples.items() if of_domain}


def spread(items: list[Item], count: int) -> list[Item]:
    """Return ``count`` items (or all, if fewer) at even distances."""
    step = max(1.0, len(items) / count)
    return [items[int(index * step)] for index in range(min(count, len(items)))]


def in_turn(groups: Mapping[str, Sequence[Item]]) -> Iterator[tuple[str, Item]]:
    """Yield the first item of every group with its name, then the second of each, and so on."""
    for layer in zip_longest(*groups.values()):
        yield from ((n, item) for n, item in zip(groups, layer, strict=True) if item is not None)


def within_budget(examples: Examples, clips: int) -> Examples:
    """Return the examples that ``clips`` players allow, taken from the domains in turn."""
    kept: Examples = {}
    for domain, example in in_turn(examples):
        clips -= players(example)
        if clips < 0:
            break
        kept.setdefault(domain, []).append(example)
    return {domain: kept[domain] for domain in examples if domain in kept}


def players(example: Example) -> int:
    """Return the number of audio players of an example: of the synthetic, and of the real side."""
    return 2 if example.real else 1


def played_ids(
    changed: Mapping[str, Sequence[ChangedUtterance]], clips: int
) -> set[tuple[str, str]]:
    """Return target and id of the changed utterances that ``clips`` players allow, in turn."""
    short = {
        name: [each.id for each in utterances if each.duration <= LONGEST]
        for name, utterances in changed.items()
    }
    return set(list(in_turn(short))[:clips])


def audio_uri(path: str | Path) -> str:
    """Return a recording as an MP3 data URI (16 kHz mono, about 3 kB per second)."""
    buffer = io.BytesIO()
    soundfile.write(
        buffer,
        load_audio(path),
        SAMPLING_RATE,
        format="MP3",
        bitrate_mode="VARIABLE",
        compression_level=0.7,
    )
    return "data:audio/mpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
