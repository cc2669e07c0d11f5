"""The experiment that adapts a recogniser to a domain, written from its texts alone.

The source, which shows what tells real from synthetic speech, is speech that comes from package
registries, or the user's own; its models are made once, and serve each later domain of the same
base model, source and language.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from configs.known import load_artifacts
from engines import ENGINES, espeak_voices
from errors import InputError, remedy_for
from texts.languages import NAMES

ENGLISH = "en"
WHISPER = "whisper-"
HIBARI_OF_DEV = ("heart_alto", "heart_baritone")
VARIANTS = ("", "+m3", "+f2", "+m7", "+f4", "+m1", "+f3")  # of espeak's voices
VARIANTS_OF_DEV = ("+m1", "+f3")
DIALOGUES = "{corpus: amazon_queen, artifact: amazon-queen, train: 200, dev: 40, test: 20}"
PROMPTS = "{corpus: asterisk, artifact: asterisk-LANGUAGE, dev: 30, test: 20, min_words: 3}"
RECORDED = {ENGLISH: ("dialogues", DIALOGUES)} | {  # in these languages, from package registries
    language: ("prompts", PROMPTS.replace("LANGUAGE", language))
    for language in ("es", "fr", "it", "ru")
}

NOISE = {"noise": {"snr": [5, 25]}}  # dB
LIKE_SOURCE = {"like_source": {}, **NOISE}  # where the user's own recordings show the channel
CHANNELS = {"telephone": {"telephone": {}, **NOISE}}  # what is done to speech

FEWEST, FEWEST_RECORDED = 50, 100  # texts; transcripts, which are tested on, too
DEV = (24, 60)  # texts, at least and at most, that the verdict stands on
STEP = 12  # texts, so that a few texts more leave the experiment as it is

EXPERIMENT = """\
# {base} for the domain {domain!r}, from its texts alone. `make adapt` wrote this file; change
# what you like, then `make run EXPERIMENT={path}`.
# Keys are described in rules/config.schema.yaml.
name: {name}
shared: {shared}  # under results/: the source's models, made once for all domains
language: {language}
base_models:
  {base}: {{artifact: {base}}}
window: 15  # s, of training; decoded in 30 s
batch_size: 32

source: [{source}]
targets: [{domain}]

domains:
  {source}: {source_domain}
  {domain}: {target_domain}

tts:
  {tts}

filter: {filter}
arms:
  - pretrained
  - source-real
  - source-synthetic
  - target-synthetic
  - target-synthetic+vector
  - source-real+target-synthetic
{topline}task_vector:
  scaling_coefficients: [0.25, 0.5]
  chosen_on: [constant]
forgetting: [source]
"""
OF_HIBARI = "hibari: {{engine: hibari, artifact: hibari, voices: {voices},"
OF_ESPEAK = "espeak: {{engine: espeak, artifact: espeak, samples_per_text: 2, voices: {voices},"
OF_DEV = (
    "\n    dev_voices: {of_dev}, dev_samples_per_text: 2}}  # each of them speaks each dev text"
)


@dataclass(frozen=True)
class Wanted:
    """What a user asks for; ``texts`` or ``audio`` may be null, not both.

    ``count`` is the number of different texts, as far as it is known (else 0).
    """

    name: str
    count: int
    language: str
    base: str
    texts: str | None
    audio: str | None  # manifest of transcribed recordings of the domain, to test on
    column: str | None  # of a table, with the texts
    source: str | None  # manifest of transcribed recordings of any other domain, heard alike
    channel: str | None  # through which the domain is heard


def domain_name(name: str) -> str:
    """Return what the domain of an experiment is called: names of domains have no hyphen."""
    return name.replace("-", "_")


def inline(value: object) -> str:
    """Return a value on one line of YAML, which JSON is."""
    return json.dumps(value, ensure_ascii=False)


def declaration(keys: dict[str, object]) -> str:
    """Return a domain on one line of YAML."""
    return "{" + ", ".join(f"{key}: {inline(value)}" for key, value in keys.items()) + "}"


def source_of(wanted: Wanted) -> tuple[str, str]:
    """Return the name and the declaration of the source."""
    if wanted.source:
        name = domain_name(slug(Path(wanted.source).stem))
        if name == domain_name(wanted.name):
            name = f"{name}_source"
        keys = {"manifest": wanted.source, "dev": 40, "test": 20, "augmentation": LIKE_SOURCE}
        return name, declaration(keys)
    if wanted.language not in RECORDED:
        raise InputError(
            f"there are no recordings in {NAMES[wanted.language]} among what the project fetches"
            f" (in {', '.join(NAMES[each] for each in RECORDED)} there are); name a manifest of"
            " your own, of whatever domain, 100 transcribed recordings or more:"
            " SOURCE=recordings.jsonl"
        )
    if RECORDED[wanted.language][0] == domain_name(wanted.name):
        raise InputError(f"NAME: {wanted.name!r} is what the source is called; choose another")
    return RECORDED[wanted.language]


def tts_of(wanted: Wanted) -> str:
    """Return the declaration of the TTS that speaks a language."""
    if wanted.language == ENGLISH:
        return (OF_HIBARI + OF_DEV).format(
            voices=inline(ENGINES["hibari"].voices), of_dev=inline(HIBARI_OF_DEV)
        )
    if wanted.language not in espeak_voices.LANGUAGES:
        raise InputError(
            f"no voice that the project fetches speaks {NAMES[wanted.language]}; declare a TTS of"
            " your own in a copied experiment (docs/voices.md)"
        )
    accent = espeak_voices.accents(wanted.language)[0]
    return (OF_ESPEAK + OF_DEV).format(
        voices=inline([accent + each for each in VARIANTS]),
        of_dev=inline([accent + each for each in VARIANTS_OF_DEV]),
    )


def target_of(wanted: Wanted) -> str:
    """Return the declaration of the domain."""
    keys: dict[str, object] = {}
    if wanted.texts:
        keys["texts"] = wanted.texts
        if wanted.audio:
            keys["test_manifest"] = wanted.audio
    else:
        keys["manifest"] = wanted.audio
        keys["test"] = test_size(wanted.count)
    if wanted.column:
        keys["column"] = wanted.column
    keys["dev"] = dev_size(wanted.count)
    if wanted.channel:
        keys["augmentation"] = CHANNELS[wanted.channel]
    elif wanted.source:
        keys["augmentation"] = LIKE_SOURCE
    return declaration(keys)


def dev_size(texts: int) -> int:
    """Return how many of some texts the verdict stands on: a fifth, in steps, within ``DEV``."""
    least, most = DEV
    return min(most, max(least, texts // 5 // STEP * STEP))


def test_size(texts: int) -> int:
    """Return how many of some transcribed recordings are tested on: two fifths, or 200."""
    return min(200, max(FEWEST_RECORDED, texts) * 2 // 5)


def check_count(wanted: Wanted) -> None:
    """Raise ``InputError`` for fewer different texts than can be adapted to."""
    fewest = FEWEST if wanted.texts else FEWEST_RECORDED
    if 0 < wanted.count < fewest:
        raise InputError(
            f"{wanted.texts or wanted.audio}: has {wanted.count} different texts, and {fewest} are"
            f" needed: {DEV[0]} of them to judge by, the others to learn from"
            + ("" if wanted.texts else f", and {test_size(0)} to test on")
            + "; add more, of what is said in the domain"
        )


def experiment(wanted: Wanted, path: Path) -> str:
    """Return the YAML of the experiment, which will stand at ``path``."""
    source, source_domain = source_of(wanted)
    parts = ["adapted", wanted.base, wanted.language, *([source] if wanted.source else [])]
    english = wanted.language == ENGLISH
    return EXPERIMENT.format(
        path=path,
        name=wanted.name,
        domain=domain_name(wanted.name),
        shared=slug("-".join(parts)),
        language=wanted.language,
        base=wanted.base,
        source=source,
        source_domain=source_domain,
        target_domain=target_of(wanted),
        tts=tts_of(wanted),
        filter=inline({"window": 15} if english else {"window": 15, "max_cer": 1}),
        topline="" if wanted.texts else "  - target-real\n",
    )


def slug(text: str) -> str:
    """Return a text as the name of an experiment: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "domain"


def base_of(name: str | None, language: str) -> str:
    """Return the artifact of the base model: tiny, of English alone where that is the language."""
    if name is None:
        return "whisper-tiny.en" if language == ENGLISH else "whisper-tiny"
    known = [artifact for artifact in load_artifacts() if artifact.startswith(WHISPER)]
    if name not in known:
        raise InputError(
            f"BASE: {name!r} is no Whisper of rules/artifacts.yaml; {remedy_for(name, known)}"
        )
    if name.endswith(".en") and language != ENGLISH:
        raise InputError(
            f"BASE: {name} knows English alone, and the language is {NAMES[language]}; take"
            f" {name.removesuffix('.en')}"
        )
    return name
