"""The utterances that an engine is asked for: voice, speed and seed drawn for each, in batches."""

import hashlib
import json
from collections.abc import Sequence

from engines.engine import Engine, Request


def draw(*names: object) -> int:
    """Return 64 bits that depend on the names and on nothing else."""
    digest = hashlib.sha256("\0".join(map(str, names)).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def shuffle(voices: Sequence[str], text_id: str, seed: int) -> list[str]:
    """Return the voices in the order in which a text's utterances take them.

    Each voice is ranked by a number of its own, so one voice more changes only the utterances that
    it takes over.
    """
    return sorted(voices, key=lambda voice: draw(seed, text_id, "voice", voice))


def request(
    text: dict,
    sample: int,
    samples: int,
    shuffled: Sequence[str],
    speeds: tuple[float, float],
    seed: int,
) -> Request:
    """Return the ``sample``-th (from 1) of ``samples`` utterances of a text, in voices in turn."""
    name = text["id"] if samples == 1 else f"{text['id']}-{sample}"
    low, high = speeds
    return Request(
        id=name,
        text=text,
        voice=shuffled[(sample - 1) % len(shuffled)],
        speed=round(low + (high - low) * draw(seed, name, "speed") / 2**64, 3),
        seed=draw(seed, name, "engine") % 2**32,
    )


def requests(
    texts: Sequence[dict],
    shard: int,
    shards: int,
    samples: int,
    voices: Sequence[str],
    speeds: tuple[float, float],
    seed: int,
) -> list[Request]:
    """Return the utterances of a shard: of the first text, the (shards+1)-th, ... for shard 1."""
    asked = []
    for text in texts[shard - 1 :: shards]:
        shuffled = shuffle(voices, text["id"], seed)
        asked += [
            request(text, sample, samples, shuffled, speeds, seed)
            for sample in range(1, samples + 1)
        ]
    return asked


def batches(asked: Sequence[Request], engine: Engine, size: int) -> list[list[Request]]:
    """Return the requests in the batches that are spoken together, of at most ``size`` each.

    Those of a batch have the same key (a voice, say) and texts of similar length, since a batch
    takes as long as its longest. With a size of 1 the order is that of the requests.
    """
    if size == 1:
        return [[one] for one in asked]
    groups: dict[str, list[Request]] = {}
    for one in asked:
        groups.setdefault(engine.batch_key(one), []).append(one)
    return [
        ordered[start : start + size]
        for group in groups.values()
        for ordered in [sorted(group, key=lambda one: len(one.spoken))]
        for start in range(0, len(ordered), size)
    ]


def fingerprints(batch: Sequence[Request], identity: str) -> list[str]:
    """Return a hash for each utterance of a batch: of all that shapes it, which is the batch."""
    members = [(one.spoken, one.voice, one.speed, one.seed) for one in batch]
    return [
        hashlib.sha256(json.dumps([identity, place, members]).encode()).hexdigest()
        for place in range(len(batch))
    ]
