"""Bad and hostile configs: all that they say is refused before the first job."""

import copy
import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bad_input import RIGHT, Case, judge
from configs import reading, user_files
from configs.known import load_schema
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


def pipe(folder: Path) -> str:
    os.mkfifo(folder / "p-shop.txt")
    return str(folder / "p-shop.txt")


def too_long(folder: Path) -> str:
    (folder / "long.txt").write_text(f"{'word ' * 200}\n{'other ' * 200}\n")
    return str(folder / "long.txt")


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
DEMO = "name: a\ntargets: all\n"
ODD = {  # of texts that are shown, and names
    "an escape sequence": "a\x1b[2Jb",
    "a bell": "a\x07",
    "a change of direction": "a\u202egnp.b",
    "an Arabic mark": "a\u061cb",
    "a line end of Unicode": "a\u2028b",
    "5,000 characters": "a" * 5000,
}
CASES = [
    keys("right", {}),
    *(number(place, value) for place in NUMBERS for value in (True, "12", None, [1])),
    *(number(place, value) for place, value in COSTLY.items()),
    # intervals and bounds that are reversed
    keys(
        "snr reversed", {AUGMENTED: {"noise": {"snr": [25, 5]}}}, r"snr: \[25, 5\] is .* \[5, 25\]"
    ),
    keys("rt60 reversed", {AUGMENTED: {"room": {"rt60": [0.8, 0.2]}}}, "rt60.*reversed"),
    keys("drr reversed", {AUGMENTED: {"dev": {"room": {"drr": [9, 1]}}}}, "drr.*reversed"),
    keys("factor reversed", {AUGMENTED: {"speed": {"factor": [1.1, 1]}}}, "factor.*reversed"),
    keys("speeds reversed", {f"{HIBARI}.speed_range": [1.1, 0.9]}, "speed_range.*reversed"),
    keys("one speed", {f"{HIBARI}.speed_range": [1.1, 1.1]}),
    keys("rates of the filter", {"filter.min_speaking_rate": 40}, "min_speaking_rate: 40 is more"),
    keys("durations of the filter", {"filter.min_duration": 11}, "min_duration: 11 .* 10, so"),
    keys("durations", {f"{PHONE}.min_duration": 12}, "phone.min_duration: 12 is more"),
    keys("durations of texts", {f"{SHOP}.min_duration": 12}, "shop.min_duration: 12 is more"),
    keys("test durations", {f"{PHONE}.max_test_duration": 5}, "max_test_duration: 5"),
    keys("rates", {f"{PHONE}.max_speaking_rate": 1}, "phone.min_speaking_rate: 4 is more"),
    # what the engines, corpora and models can't do
    keys("a voice that is none", {f"{HIBARI}.voices": ["hart"]}, "voices.*'hart'.*heart"),
    keys("a voice in capitals", {f"{HIBARI}.voices": ["Heart"]}, "voices.*'Heart'"),
    keys("a dev voice that is none", {f"{HIBARI}.dev_voices": ["x"]}, "dev_voices: 'x'"),
    keys("random among voices", {f"{HIBARI}.voices": ["random", "heart"]}, "voices.*random"),
    keys("random alone", {f"{HIBARI}.voices": ["random"]}),
    keys("a voice of another language", {"tts.espeak.voices": ["de"]}, "espeak.*'de'"),
    keys("a variant that is none", {"tts.espeak.voices": ["en-us+m99"]}, "en-us\\+m99"),
    keys("random among espeak's", {"tts.espeak.voices": ["random", "en-us"]}, "random"),
    keys(
        "a voice of Kokoro that is none",
        {"tts.k": {"engine": "kokoro", "artifact": "kokoro", "voices": ["zz_x"]}},
        "tts.k.voices.*'zz_x'",
    ),
    keys(
        "voices of Kokoro",
        {
            "tts.k": {
                "engine": "kokoro",
                "artifact": "kokoro",
                "voices": ["af_heart+am_puck", "bf_emma"],
            }
        },
    ),
    keys(
        "a preset of Bark that is not fetched",
        {"tts.b": {"engine": "bark", "artifact": "bark", "voices": ["v2/en_narrator"]}},
        "tts.b.voices.*narrator",
    ),
    keys(
        "a preset of Bark",
        {"tts.b": {"engine": "bark", "artifact": "bark", "voices": ["v2/en_speaker_3", "random"]}},
    ),
    keys("an engine that is none", {f"{HIBARI}.engine": "hibary"}, "'hibary' is not one of"),
    keys("an engine of another language", {f"{HIBARI}.language": "fr"}, "hibari speaks en"),
    keys("a language that is none", {"language": "english"}, "language: 'english'"),
    keys("a language in capitals", {"language": "EN"}, "language: 'EN'"),
    keys("a language of no TTS", {"language": "haw"}, "language|corpus"),
    keys(
        "Cantonese before large-v3",
        {
            "language": "yue",
            "base_models.tiny.artifact": "whisper-tiny",
            "source": ["phone"],
            "targets": ["shop"],
            "domains.games": {"texts": "x.txt"},
            "tts": {"e": {"engine": "espeak", "artifact": "espeak", "voices": ["yue"]}},
        },
        "Cantonese",
    ),
    keys("an artifact of another kind", {f"{HIBARI}.artifact": "espeak"}, "hibari.artifact"),
    keys("an espeak of hibari's", {"tts.espeak.artifact": "hibari"}, "espeak.artifact"),
    keys("a base model that is a TTS", {"base_models.tiny.artifact": "hibari"}, "tiny.artifact"),
    keys("a setting of another engine", {f"{HIBARI}.pitch": 50}, "hibari has no such"),
    keys("a batch of an engine that has none", {f"{HIBARI}.batch_size": 8}, "hibari.*batch_size"),
    keys("a precision of an engine that has none", {f"{HIBARI}.precision": "fp16"}, "precision"),
    keys(
        "speakers of an engine that has none",
        {f"{HIBARI}.speakers": "cmu-arctic-xvectors"},
        "speakers",
    ),
    keys(
        "a speed of an engine that has none",
        {"tts.b": {"engine": "bark", "artifact": "bark", "speed_range": [0.9, 1.1]}},
        "speed_range",
    ),
    keys(
        "SpeechT5 without speakers",
        {"tts.s": {"engine": "speecht5", "artifact": "speecht5"}},
        "speakers",
    ),
    keys(
        "a scenario that is none",
        {"domains.games": {"corpus": "slurp", "artifact": "slurp", "scenario": "weathr"}},
        "games.*weathr",
    ),
    keys("no scenario", {"domains.games": {"corpus": "slurp", "artifact": "slurp"}}, "scenario"),
    keys("a scenario of another corpus", {"domains.games.scenario": "weather"}, "scenario"),
    keys("topics of no corpus", {f"{PHONE}.topics": ["a"]}, "topics"),
    keys(
        "topics twice",
        {"domains.games.topics": ["a"], "domains.games.without_topics": ["b"]},
        "topics",
    ),
    keys("a line of texts", {f"{SHOP}.line": "bad"}, "line"),
    keys(
        "two kinds of test",
        {
            f"{SHOP}.test_texts": "a.txt",
            f"{SHOP}.test_manifest": "a.jsonl",
            "task_vector.chosen_on": ["constant"],
        },
        "test_",
    ),
    keys("columns of a corpus", {"domains.games.column": "a"}, "column"),
    keys("recordings' column of texts", {f"{SHOP}.audio_column": "a"}, "audio_column"),
    keys("licence beside an artifact", {"domains.games.licence": "MIT"}, "licence"),
    # texts and names
    *(keys(f"licence: {what}", {f"{PHONE}.licence": odd}, "licence") for what, odd in ODD.items()),
    *(keys(f"column: {what}", {f"{SHOP}.column": odd}, "column") for what, odd in ODD.items()),
    *(keys(f"name: {what}", {"name": odd}, "name") for what, odd in ODD.items()),
    *(keys(f"path: {what}", {f"{PHONE}.manifest": odd}, "manifest") for what, odd in ODD.items()),
    *(keys(f"voice: {what}", {f"{HIBARI}.voices": [odd]}, "voices") for what, odd in ODD.items()),
    *(
        keys(f"topic: {what}", {"domains.games.topics": [odd]}, "topics")
        for what, odd in ODD.items()
    ),
    *(
        keys(f"name: {name!r}", {"name": name}, "name: .*can't be a name")
        for name in (
            "..",
            "a/b",
            "a b",
            "\u0430",
            "\uff41",
            "con ",
            "a" * 65,
            "",
            ".a",
            "-a",
            "slurm_jobs",
            "\u200ba",
        )
    ),
    # files of the user's
    keys(
        "no manifest",
        {f"{PHONE}.manifest": "no/such.jsonl"},
        "phone.manifest: no/such.jsonl: no such",
    ),
    keys("no texts", {f"{SHOP}.texts": "no/such.txt"}, "shop.texts: no/such.txt: no such file"),
    keys("a name too long", {f"{SHOP}.texts": "x" * 300}, "shop.texts: x{300}: .*name too long"),
    keys("no test texts", {f"{SHOP}.test_texts": "x.txt"}, "shop.test_texts: x.txt: no such"),
    keys("no pronunciations", {f"{SHOP}.pronunciations": "x.tsv"}, "shop.pronunciations: x.tsv"),
    keys(
        "no recordings",
        {f"{SHOP}.untranscribed": "x", "judge": "whisper-base.en"},
        "shop.untranscribed: x: no",
    ),
    keys(
        "no split",
        {PHONE: {"splits": {"train": "t.jsonl", "test": "u.jsonl"}}},
        "phone.splits.train: t.jsonl",
    ),
    keys("texts in a pipe", {f"{SHOP}.texts": pipe}, "shop.txt: is a pipe"),
    keys("a manifest that is a device", {f"{PHONE}.manifest": "/dev/zero"}, "is a device"),
    keys(
        "a manifest that is a folder", {f"{PHONE}.manifest": str}, "is no folder that can be read"
    ),
    keys("texts that none can say at once", {f"{SHOP}.texts": too_long}, "none of 2 texts can be"),
    # YAML
    yaml("300,000 values", "a: [" + "1," * 300_000 + "1]", "more than the bound of 20,000 values"),
    yaml("a key of a list", DEMO + "? [a, b]\n: 1\n", r"my\.yaml:3: a key must be a word"),
    yaml("a key of nothing", DEMO + ": 1\n", r"my\.yaml:3: not YAML"),
    yaml("two keys of nothing", DEMO + "? \n? \n", r"my\.yaml:4: '' stands already in line 3"),
    yaml("a number of a megabyte", DEMO + "window: " + "1" * 10**6, r"my\.yaml:3: .*20 digits"),
    yaml("a fraction of a megabyte", DEMO + "window: 0." + "1" * 10**6, "window|required|is a"),
    yaml("two megabytes", DEMO + "#" * (2 << 20), "more than the bound of 1,048,576 bytes"),
    yaml("merges of merges", "a: &a {<<: &b {<<: *a}}\n", "an alias of itself"),
    yaml("a set", DEMO + "x: !!set {a, b}\n", r"my\.yaml:3: tags"),
    yaml("a binary", DEMO + "x: !!binary aGk=\n", r"my\.yaml:3: tags"),
    yaml("a directive", "%YAML 3.0\n---\na: 1\n", r"my\.yaml:1"),
    yaml("two documents", DEMO + "---\n" + DEMO, "another document"),
    yaml("objects in one another that are never closed", '{"a": 1' * 500, r"my\.yaml"),
    yaml("an escape sequence", 'name: "a\\e[2J"\ntargets: all\n', "name|required"),
    yaml("nulls", b"name: a\x00b\n", r"my\.yaml: has bytes that are 0"),
    # sizes of the whole
    keys(
        "too many numbers",
        {
            "task_vector.scaling_coefficients": [0.25, *(n / 100 for n in range(1, 90) if n != 25)],
            "seeds": list(range(1, 101)),
            "base_models": {f"b{n}": {"artifact": "base"} for n in range(60)},
        },
        "numbers",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.door}: {case.what}")
def test_a_bad_config_is_refused_well(case, tmp_path):
    outcome, said = judge(case, tmp_path)
    assert outcome in RIGHT, said


def numbers_of(schema: dict, place: str = "") -> Iterator[tuple[str, dict]]:
    """Yield place and schema of each number and list."""
    if schema.get("type") in ("integer", "number", "array"):
        yield place, schema
    for key, part in schema.items():
        if isinstance(part, dict):
            yield from numbers_of(part, f"{place}.{key}")
        elif isinstance(part, list):
            for each in part:
                yield from numbers_of(each, place) if isinstance(each, dict) else ()


def test_every_number_and_every_list_of_the_schema_has_bounds():
    for place, schema in numbers_of(load_schema()):
        if schema["type"] == "array":
            assert "maxItems" in schema or "enum" in schema["items"], place
        else:
            lowest = "minimum" in schema or "exclusiveMinimum" in schema
            within = place.endswith(".items")
            assert ("maximum" in schema and lowest) or within, place
