"""Into how many jobs a synthesis is divided: from its texts, and the time that each takes."""

import functools
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from corpora import CORPORA
from engines import ENGINES
from errors import InputError
from inputs import reading
from inputs.folders import files_of
from runs.sizes import count_texts, stamp

SHARD = 20 * 60  # s that a shard should take
MOST = 1000  # shards, as the schema says


def seconds_per_utterance(tts: dict) -> float:
    """Return how long the synthesis of an utterance takes, s: as configured, else the engine's.

    An engine that can is faster by its batch size, up to the speed-up that large batches give.
    """
    about = ENGINES[tts["engine"]]
    faster = min(tts["batch_size"], about.batch_speed_up)
    return float(tts.get("seconds_per_utterance", about.seconds / faster))


def training_texts(domain: dict) -> int:
    """Return about how many different training texts a domain has, as known before it is prepared.

    What is not known, or not there, has none: whoever reads it says so.
    """
    if domain.get("train"):
        return int(domain["train"])
    if "corpus" in domain:
        about = CORPORA.get(domain["corpus"])
        known = about.training_texts if about else 0
        return known.get(domain.get("scenario", ""), 0) if isinstance(known, Mapping) else known
    path = domain.get("texts") or domain.get("manifest") or domain["splits"]["train"]
    files = [str(file) for file in files_of(Path(path))]
    if "artifact" in domain or not all(map(os.path.isfile, files)):
        return 0
    if reading.has_lines(Path(path), domain.get("column")):
        return count_texts(path)
    return count_different(path, domain.get("column"), *(stamp(file) for file in files))


@functools.cache
def count_different(path: str, column: str | None, *stamps: tuple[int, int]) -> int:
    """Return how many different texts a table, page or folder has; 0 if it can't be read.

    Sentences are parted as English ones, which is near enough. ``stamps`` tell a changed file.
    """
    with suppress(InputError):
        return len(
            {str(text).strip().lower() for text in reading.all_texts(Path(path), "en", column)}
        )
    return 0


def spoken_texts(domain: dict, given: int) -> int:
    """Return about how many texts are spoken of a domain with so many training texts."""
    written = domain["generate"]["texts"] if "generate" in domain else 0
    texts = given + written if given else 0
    return min(domain["select"]["texts"], texts) if "select" in domain else texts


def number_of_shards(domain: dict, tts: dict) -> int:
    """Return into how many jobs the synthesis of a domain's training texts is divided.

    Those of ``shards`` if the config has it; else so many that each takes about 20 minutes.
    """
    if "shards" in tts:
        return int(tts["shards"])
    texts = spoken_texts(domain, training_texts(domain))
    seconds = texts * tts["samples_per_text"] * seconds_per_utterance(tts)
    return int(min(max(1, round(seconds / SHARD)), max(1, texts), MOST))
