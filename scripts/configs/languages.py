"""The parts of an experiment held to its language: recognisers, corpora, engines and voices."""

import re

from configs.decoders import declared
from corpora import CORPORA
from engines import ENGINES
from errors import InputError
from texts.languages import NAMES

PRESET = re.compile(r"(?:.*/)?([a-z]{2})_speaker_\d+")  # of Bark: v2/de_speaker_3
ENGLISH_ONLY = re.compile(r"(?:tiny|base|small|medium)\.en(?![a-z])|gpt2\.tiktoken")


def check_parts(config: dict, artifacts: dict) -> None:
    """Raise ``InputError`` for a part of the experiment that surely is of another language.

    What a checkpoint that is not fetched yet can do is told by what its declaration is called.
    """
    language = config["language"]
    for name, model in config["base_models"].items():
        told = ENGLISH_ONLY.search(declared(model, artifacts))
        if told and model["task"] == "translate":
            raise InputError(
                f"config: base_models.{name}.task: translate, but {model['artifact']} ({told[0]})"
                " is Whisper for English only, which can't; take a multilingual one, as"
                " whisper-small, or set task: transcribe"
            )
        if told and language != "en":
            raise InputError(
                f"config: base_models.{name}.artifact: {model['artifact']} ({told[0]}) is Whisper"
                f" for English only, but language is {language!r} ({NAMES[language]}); take a"
                " multilingual one, as whisper-small"
            )
    judge = config.get("judge")
    told = judge and ENGLISH_ONLY.search(declared({"artifact": judge}, artifacts))
    if told and language != "en":
        raise InputError(
            f"config: judge: {judge} ({told[0]}) is Whisper for English only, but language is"
            f" {language!r} ({NAMES[language]}); take a multilingual one"
        )
    for name, domain in config["domains"].items():
        about = CORPORA.get(domain.get("corpus"))
        if about and language not in about.languages:
            known_ones = ", ".join(NAMES[code] for code in about.languages)
            raise InputError(
                f"config: domains.{name}.corpus: {domain['corpus']} is {known_ones},"
                f" but language is {language!r} ({NAMES[language]}); name recordings or texts of"
                " that language"
            )
    for name, tts in config["tts"].items():
        spoken, place = tts["language"], f"config: tts.{name}"
        known = ENGINES[tts["engine"]].languages
        if known and spoken not in known:
            raise InputError(
                f"{place}.engine: {tts['engine']} speaks {', '.join(known)}, not {spoken!r};"
                " take another engine (coqui, with a model of that language, or XTTS)"
            )
        for voice in tts["voices"] if tts["engine"] == "bark" else []:
            if (preset := PRESET.fullmatch(voice)) and preset[1] != spoken:
                raise InputError(
                    f"{place}.voices: {voice!r} speaks {preset[1]!r}, not {spoken!r}; take a preset"
                    f" of that language (v2/{spoken}_speaker_0 ...), or random"
                )
