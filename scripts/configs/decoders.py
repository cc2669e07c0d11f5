"""What needs a decoder, words to lead it by, or another model, held to base models and language."""

import json
import re
from collections.abc import Iterator

from adaptations import CTC as CTC_MODEL
from adaptations import WHISPER, refusal
from configs.known import load_artifacts
from errors import InputError
from evaluation import adaptation_of, has_aids
from modules import trained_of
from roles import arms_of
from texts.languages import NAMES
from texts.normalise import WITHOUT_SPACES

CANTONESE = "yue"
OLD_WHISPER = re.compile(r"whisper-(?:tiny|base|small|medium|large(?:-v[12])?)(?![-\w])")
CTC = re.compile(r"wav2vec2|hubert|conformer|\bctc\b", re.IGNORECASE)


def ctc_models(config: dict, artifacts: dict) -> Iterator[tuple[str, str]]:
    """Yield the name of each base model that is a CTC model, and its artifact with what told so.

    What a checkpoint that is not fetched yet can do is told by what its declaration is called.
    """
    whispers = whisper_models(config, artifacts)
    for name, model in config["base_models"].items():
        if (told := CTC.search(declared(model, artifacts))) and name not in whispers:
            yield name, f"{model['artifact']}: {told[0]}"


def whisper_models(config: dict, artifacts: dict) -> list[str]:
    """Return the names of the base models that are Whisper, told likewise."""
    models = config["base_models"].items()
    return [name for name, model in models if "whisper" in declared(model, artifacts).lower()]


def declared(model: dict, artifacts: dict) -> str:
    """Return the declaration of a base model's artifact, and its name, as one text."""
    return f"{model['artifact']} {json.dumps(artifacts[model['artifact']])}"


def check_recognisers(config: dict, artifacts: dict) -> None:
    """Raise ``InputError`` for a base model or a judge that is none, or has not the language.

    Of artifacts that the project comes with it is known what they are.
    """
    models = {f"base_models.{name}.artifact": each for name, each in config["base_models"].items()}
    if "judge" in config:
        models["judge"] = {"artifact": config["judge"]}
    ours = load_artifacts()
    for place, model in models.items():
        told = declared(model, artifacts).lower()
        own = artifacts[model["artifact"]] != ours.get(model["artifact"])
        if not own and "whisper" not in told and not CTC.search(told):
            raise InputError(
                f"config: {place}: {model['artifact']} is no recogniser; name a Whisper or a CTC"
                " model (docs/base_models.md)"
            )
        if config["language"] == CANTONESE and OLD_WHISPER.search(told):
            raise InputError(
                f"config: {place}: {model['artifact']} has no Cantonese (language: {CANTONESE}),"
                " which Whisper has from large-v3 on; take large-v3 or turbo, or another language"
            )


def check_decoders(config: dict, artifacts: dict) -> None:
    """Raise ``InputError`` for what a CTC model's decoder would have to do: it has none."""
    for name, told in ctc_models(config, artifacts):
        if arms := [arm for arm in arms_of(config, name) if has_aids(arm)]:
            raise InputError(
                f"config: arms: {arms[0]} leads Whisper's decoder, but base_models.{name}"
                f" ({told}) is a CTC model, which has none; leave out"
                f" {', '.join(arms)}, or name the others under base_models.{name}.arms"
            )
        if config["exports"]:
            raise InputError(
                f"config: exports: {config['exports'][0]} is a form of a Whisper, but"
                f" base_models.{name} ({told}) is a CTC model, which neither faster-whisper nor"
                " whisper.cpp runs; leave out exports, or take another base model"
            )
        choice = config["base_models"][name]["finetune"]["trained"]
        trained = trained_of(choice)
        if trained.module or trained.part == "without_embeddings":
            raise InputError(
                f"config: base_models.{name} ({told}) is a CTC model, which has neither decoder nor"
                f" embeddings (trained: {choice}; the preset from-text has decoder); set"
                " finetune.trained: all, or name a preset of CTC models"
            )


def check_adaptations(config: dict, artifacts: dict) -> None:
    """Raise ``InputError`` for a method of test-time adaptation that does not fit a base model."""
    kinds = dict.fromkeys((name for name, _ in ctc_models(config, artifacts)), CTC_MODEL)
    kinds |= dict.fromkeys(whisper_models(config, artifacts), WHISPER)
    for base, kind in kinds.items():
        for arm in arms_of(config, base):
            if (name := adaptation_of(arm)) and (reason := refusal(name, kind)):
                raise InputError(
                    f"config: arms: {arm}: base_models.{base}: {reason}, or leave out {arm}"
                )


def check_words(config: dict) -> None:
    """Raise ``InputError`` for an arm of key terms in a language that parts no words."""
    arms, language = [arm for arm in config["arms"] if has_aids(arm)], config["language"]
    if of_terms := [arm for arm in arms if "+terms" in arm and language in WITHOUT_SPACES]:
        raise InputError(
            f"config: arms: {of_terms[0]} needs words, but {NAMES[language]} (language) parts none"
            f" by spaces; leave out {', '.join(of_terms)}"
        )
