"""Write an experiment that adapts a recogniser to a domain, from its texts alone.

``make adapt`` writes it with this command and runs it. The source, which shows what tells real from
synthetic speech, is speech that comes from package registries, or the user's own; its models
are made once, and serve each later domain of the same base model, source and language.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.known import load_artifacts
from configs.reading import read
from engines import espeak_voices
from errors import InputError, run
from files.atomic import atomic_path
from files.text_file import read_text
from names import check_name
from runs.shards import training_texts
from settings.schema import refer
from texts.languages import NAMES, known_code

ENGLISH = "en"
HIBARI = (
    "heart", "heart_bright", "heart_high", "heart_small", "heart_boy", "heart_thin", "heart_warm",
    "heart_alto", "heart_tall", "heart_tenor", "heart_baritone", "heart_bass",
)  # fmt: skip
VARIANTS = ("", "+m3", "+f2", "+m7", "+f4")  # of espeak's voices, which speak each text twice
DIALOGUES = "{corpus: amazon_queen, artifact: amazon-queen, train: 200, dev: 40, test: 20}"
PROMPTS = "{corpus: asterisk, artifact: asterisk-LANGUAGE, dev: 30, test: 20, min_words: 3}"
RECORDED = {ENGLISH: ("dialogues", DIALOGUES)} | {  # in these languages, from package registries
    language: ("prompts", PROMPTS.replace("LANGUAGE", language))
    for language in ("es", "fr", "it", "ru")
}

LIKE_SOURCE = "like_source"  # where the user's own recordings show the channel
CHANNELS = {"telephone": {"telephone": {}, "noise": {"snr": [5, 25]}}}  # what is done to speech

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
OF_HIBARI = "hibari: {{engine: hibari, artifact: hibari, voices: [{voices}]}}"
OF_ESPEAK = "espeak: {{engine: espeak, artifact: espeak, samples_per_text: 2, voices: [{voices}]}}"


@dataclass(frozen=True)
class Wanted:
    """What a user asks for; ``texts`` or ``audio`` may be null, not both."""

    name: str
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
    return RECORDED[wanted.language]


def tts_of(wanted: Wanted) -> str:
    """Return the declaration of the TTS that speaks a language."""
    if wanted.language == ENGLISH:
        return OF_HIBARI.format(voices=", ".join(HIBARI))
    if wanted.language not in espeak_voices.LANGUAGES:
        raise InputError(
            f"no voice that the project fetches speaks {NAMES[wanted.language]}; declare a TTS of"
            " your own in a copied experiment (docs/voices.md)"
        )
    accent = espeak_voices.accents(wanted.language)[0]
    return OF_ESPEAK.format(voices=", ".join(accent + each for each in VARIANTS))


def target_of(wanted: Wanted) -> str:
    """Return the declaration of the domain."""
    keys: dict[str, object] = {}
    if wanted.texts:
        keys["texts"] = wanted.texts
        if wanted.audio:
            keys["test_manifest"] = wanted.audio
    else:
        keys["manifest"] = wanted.audio
    if wanted.column:
        keys["column"] = wanted.column
    keys["dev"] = 24
    if wanted.channel:
        keys["augmentation"] = CHANNELS[wanted.channel]
    elif wanted.source:
        keys["augmentation"] = LIKE_SOURCE
    return declaration(keys)


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
    refer(name, load_artifacts(), "BASE", "rules/artifacts.yaml")
    if name.endswith(".en") and language != ENGLISH:
        raise InputError(
            f"BASE: {name} knows English alone, and the language is {NAMES[language]}; take"
            f" {name.removesuffix('.en')}"
        )
    return name


def plan(path: Path) -> list[str]:
    """Return what a run of an experiment would do: its jobs by rule, as a dry run counts them."""
    command = ["snakemake", "--dry-run", "--quiet", "rules", "--configfile", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"{path}: {(done.stderr or done.stdout).strip()[-1500:]}")
    counts = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE))
    return [f"{name} {counts[name]}" for name in counts]


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line's values."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--texts", help="the domain's texts: one a line, or a table (see --column)")
    add("--column", help="of a table: the column that has the texts")
    add("--audio", help="manifest of the domain's transcribed recordings, to test on")
    add("--source", help="manifest of other transcribed recordings, heard as the domain will be")
    add("--name", help="of the domain (default: the name of the texts' file)")
    add("--base", help="artifact of the base model (default: Whisper tiny)")
    add("--language", type=known_code, default=ENGLISH, help="of the texts (default en)")
    add("--channel", choices=CHANNELS, help="through which the domain is heard")
    add("--folder", type=Path, default=Path("experiments"), help="where to write NAME.yaml")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the experiment and print its path."""
    options = parse_arguments(argv)
    if not options.texts and not options.audio:
        raise InputError("TEXTS (or AUDIO) is needed: make adapt TEXTS=my_domain.txt")
    for key in ("texts", "audio", "source"):
        path = getattr(options, key)
        if path and not Path(path).exists():
            raise InputError(f"{key.upper()}: {path}: no such file")
    name = options.name or slug(Path(options.texts or options.audio).stem)
    wanted = Wanted(
        check_name(name, "experiment"),
        options.language,
        base_of(options.base, options.language),
        options.texts,
        options.audio,
        options.column,
        options.source,
        options.channel,
    )
    path = options.folder / f"{wanted.name}.yaml"
    text = experiment(wanted, path)
    if path.exists() and read_text(path) != text:
        raise InputError(
            f"{path}: is there and says something else; run it (make run EXPERIMENT={path}), or"
            " remove it, or choose another NAME"
        )
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    config = read([str(path)])
    count = training_texts(config["domains"][domain_name(wanted.name)])
    print(f"{path}: {count} texts", file=sys.stderr)
    print(path)


if __name__ == "__main__":
    run(main)
