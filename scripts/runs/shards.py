"""Into how many jobs a synthesis is divided: from its texts, and the time that each takes."""

import os

from runs.sizes import count_texts

# Seconds for an utterance, one by one, and how much faster large batches are
SECONDS_PER_UTTERANCE = {
    "bark": (6.0, 17),  # published, on an A100
    "coqui": (1.0, 1),  # reckoned, on a GPU
    "hibari": (0.07, 1),  # measured, on one core
    "kokoro": (2.2, 1),  # measured, on one core
    "speecht5": (0.5, 10),  # reckoned, on a GPU
}
ON_CPU = ("hibari", "kokoro")  # by onnxruntime: they have no use for a GPU
SHARD = 20 * 60  # s that a shard should take
TRAINING_TEXTS = {  # different ones, counted; SLURP's in 93 % of its training sentences
    "amazon_queen": 3549,
    "asterisk": 507,
    "drascula": 730,
    "slurp": {
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
    },
}


def seconds_per_utterance(tts: dict) -> float:
    """Return how long the synthesis of an utterance takes, s: as configured, else the engine's.

    An engine that can is faster by its batch size, up to the speed-up that large batches give.
    """
    one_by_one, speed_up = SECONDS_PER_UTTERANCE[tts["engine"]]
    return tts.get("seconds_per_utterance", one_by_one / min(tts["batch_size"], speed_up))


def training_texts(domain: dict) -> int:
    """Return about how many different training texts a domain has, as known before it is prepared.

    What is not known, or not there, has none: whoever reads it says so.
    """
    if domain.get("train"):
        return domain["train"]
    if "corpus" in domain:
        known = TRAINING_TEXTS.get(domain["corpus"], 0)
        return known.get(domain.get("scenario"), 0) if isinstance(known, dict) else known
    path = domain.get("texts") or domain.get("manifest") or domain["splits"]["train"]
    if not os.path.isfile(path):
        return 0
    return count_texts(path)


def number_of_shards(domain: dict, tts: dict) -> int:
    """Return into how many jobs the synthesis of a domain's training texts is divided.

    Those of ``shards`` if the config has it; else so many that each takes about 20 minutes.
    """
    if "shards" in tts:
        return tts["shards"]
    texts = training_texts(domain)
    seconds = texts * tts["samples_per_text"] * seconds_per_utterance(tts)
    return min(max(1, round(seconds / SHARD)), max(1, texts))
