"""Bad and hostile configs: all that they say is refused before the first job."""

import copy
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bad_input import RIGHT, Case, judge
from configs import reading, user_files
from test_experiment import CONFIG

FILES = {"whole.bin": {"checksum": "first-use", "sources": [{"path": "/nowhere"}]}}
BASE = copy.deepcopy(CONFIG) | {
    "tts": {
        "hibari": {"engine": "hibari", "artifact": "hibari", "voices": ["heart", "heart_bass"]},
        "espeak": {"engine": "espeak", "artifact": "espeak", "voices": ["en-us", "en-us+m3"]},
    },
}


def read(folder: Path, config: Path) -> dict:
    """Read a config as the workflow does before its first job."""
    (folder / "shop.txt").write_text("Where is the milk?\nTwo of those, please.\n")
    (folder / "phone.jsonl").write_text('{"audio_filepath": "a.wav", "text": "yes"}\n')
    whole = reading.read([config])
    user_files.check_files(whole["domains"], whole["language"])
    return whole


def of_keys(folder: Path, changes: dict[str, Any]) -> None:
    """Read the base config with other values under some keys: ``{"tts.hibari.shards": 0}``."""
    config: dict = copy.deepcopy(BASE)
    config["domains"]["shop"]["texts"] = str(folder / "shop.txt")
    config["domains"]["phone"]["manifest"] = str(folder / "phone.jsonl")
    for place, value in changes.items():
        *parts, last = place.split(".")
        part = config
        for key in parts:
            part = part.setdefault(key, {})
        part[last] = value(folder) if callable(value) else value
    (folder / "my.yaml").write_text(json.dumps(config))
    read(folder, folder / "my.yaml")


def of_text(folder: Path, text: str | bytes) -> None:
    """Read a config that is written so."""
    (folder / "my.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    read(folder, folder / "my.yaml")


def keys(what: str, changes: dict[str, Any], says: str = "") -> Case:
    return Case("config", what, partial(of_keys, changes=changes), says)


def number(place: str, value: object, says: str = "") -> Case:
    return keys(f"{place}: {str(value)[:30]}", {place: value}, says or place.split(".")[-1])


def yaml(what: str, text: str | bytes, says: str) -> Case:
    return Case("YAML", what, partial(of_text, text=text), says)


PHONE, SHOP, HIBARI = "domains.phone", "domains.shop", "tts.hibari"
AUGMENTED = f"{SHOP}.augmentation"
NUMBERS = (  # each is a number with bounds
    *("window", "decoding_window", "finetune.learning_rate", "finetune.epochs", "filter.max_cer"),
    *("finetune.weight_decay", "finetune.kl_weight", "finetune.ewc_weight", "finetune.replay"),
    *("task_vector.constant", "decoding.terms_bonus", "pseudo_labels.min_log_probability"),
    *(f"{PHONE}.max_test_duration", f"{PHONE}.max_speaking_rate", f"{HIBARI}.max_failures"),
    *("resamples", "batch_size", "max_length", f"{HIBARI}.samples_per_text", f"{HIBARI}.shards"),
    *("finetune.max_steps", "finetune.gpus", "finetune.lora_rank", f"{PHONE}.train"),
)
COSTLY = {  # more than anybody can want of what costs time, memory or files
    f"{HIBARI}.shards": 10_000_000,
    f"{HIBARI}.samples_per_text": 10**9,
    f"{HIBARI}.dev_samples_per_text": 10**6,
    f"{HIBARI}.batch_size": 10**7,
    f"{HIBARI}.seconds_per_utterance": 1e9,
    f"{AUGMENTED}.copies": 10**8,
    f"{SHOP}.min_words": 10**9,
    f"{SHOP}.dev": 10**12,
    f"{PHONE}.test": 10**12,
    f"{PHONE}.train": 10**12,
    f"{PHONE}.min_duration": 1e9,
    f"{PHONE}.max_speaking_rate": 1e9,
    f"{SHOP}.select": {"texts": 10**12},
    f"{SHOP}.generate": {"artifact": "smollm2-135m", "texts": 10**9},
    "resamples": 10**12,
    "batch_size": 10**9,
    "seeds": list(range(1, 100_000)),
    "task_vector.scaling_coefficients": [0.25, *(n / 1000 for n in range(1, 20_000))],
    "finetune.epochs": 1e9,
    "finetune.max_steps": 10**12,
    "finetune.batch_size": 10**9,
    "finetune.micro_batch_size": 10**9,
    "finetune.gpus": 10**6,
    "finetune.lora_rank": 10**9,
    "finetune.patience": 10**12,
    "finetune.average_last": 10**9,
    "finetune.warmup_steps": 10**12,
    "finetune.evaluate_every": 10**12,
    "finetune.learning_rate": 1e6,
    "finetune.kl_weight": 1e14,
    "filter.max_cer": 1e9,
    "decoding.terms_bonus": 1e9,
}
CASES = [
    keys("right", {}),
    *(number(place, value) for place in NUMBERS for value in (True, "12", None, [1])),
    *(number(place, value) for place, value in COSTLY.items()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.door}: {case.what}")
def test_a_bad_config_is_refused_well(case, tmp_path):
    outcome, said = judge(case, tmp_path)
    assert outcome in RIGHT, said
