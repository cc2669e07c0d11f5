"""Into how many jobs a synthesis is divided: from its texts, and the time that each takes."""

import os
from collections.abc import Mapping

from corpora import CORPORA
from engines import ENGINES
from runs.sizes import count_texts

SHARD = 20 * 60  # s that a shard should take


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
    if not os.path.isfile(path):
        return 0
    return count_texts(path)


def number_of_shards(domain: dict, tts: dict) -> int:
    """Return into how many jobs the synthesis of a domain's training texts is divided.

    Those of ``shards`` if the config has it; else so many that each takes about 20 minutes.
    """
    if "shards" in tts:
        return int(tts["shards"])
    texts = training_texts(domain)
    seconds = texts * tts["samples_per_text"] * seconds_per_utterance(tts)
    return int(min(max(1, round(seconds / SHARD)), max(1, texts)))
