"""What a config says to an engine and can be checked before its files are fetched."""

from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any

from configs.known import load_artifacts
from engines import ENGINES, About
from errors import InputError, remedy_for

RANDOM = "random"  # all voices of an engine
OF_SOME = tuple(dict.fromkeys(key for about in ENGINES.values() for key in about.own_settings))
UNSAID = {"batch_size": 1, "precision": "auto", "speakers": None, "speed_range": None}


def check_voices(config: dict) -> None:
    """Raise ``InputError`` for a setting that is not the engine's, or that it has not so.

    The languages are checked already (see languages.py).
    """
    ours = load_artifacts()
    for name, tts in config["tts"].items():
        place, engine = f"config: tts.{name}", tts["engine"]
        about = ENGINES[engine]
        for key in OF_SOME:
            if key in tts and key not in about.own_settings:
                raise InputError(f"{place}.{key}: engine {engine} has no such setting; remove it")
        for key, unsaid in UNSAID.items():
            if key not in about.uses and tts.get(key, unsaid) != unsaid:
                raise InputError(
                    f"{place}.{key}: engine {engine} has no use for it (of {tts[key]}); remove it"
                )
        for key in about.needs:
            if key not in tts:
                raise InputError(f"{place}.{key}: is missing; engine {engine} needs it: name it")
        check_random(tts["voices"], about, place)
        if about.check:
            about.check(tts, place)
        check_voice_names(tts, about, place)
        if (declared := config["artifacts"][tts["artifact"]]) == ours.get(tts["artifact"]):
            check_files(tts, about, declared["files"], place)


def check_random(voices: list[str], about: About, place: str) -> None:
    """Raise ``InputError`` for ``random`` among voices, where it stands for all of them."""
    if RANDOM in voices and len(voices) > 1 and not about.random_is_a_voice:
        raise InputError(f"{place}.voices: {RANDOM!r} means all voices; give it alone")


def check_voice_names(tts: Mapping[str, Any], about: About, place: str) -> None:
    """Raise ``InputError`` for a voice that an engine has with no artifact."""
    for voice in names_of(tts) if about.voices else []:
        if voice not in about.voices:
            raise InputError(
                f"{place}.voices: engine {tts['engine']} has no voice {voice!r};"
                f" {remedy_for(voice, about.voices)}"
            )


def check_files(tts: Mapping[str, Any], about: About, files: dict, place: str) -> None:
    """Raise ``InputError`` for files, known by their declaration, without the engine or a voice."""
    if about.file and not may_hold(files, about.file):
        raise InputError(
            f"{place}.artifact: {tts['artifact']} has no {about.file}, so it is not of engine"
            f" {tts['engine']}; name that engine's artifact"
        )
    for voice in names_of(tts) if about.voice_file else []:
        for part in voice.split("+"):
            if not may_hold(files, about.voice_file.format(part)):
                raise InputError(
                    f"{place}.voices: {part!r} is no voice of artifact {tts['artifact']}; take"
                    " another (docs/voices.md), or declare an artifact of your own that has it"
                )


def names_of(tts: Mapping[str, Any]) -> list[str]:
    """Return the voices that are named."""
    return [voice for voice in tts["voices"] if voice != RANDOM]


def may_hold(files: Mapping[str, Any], path: str) -> bool:
    """Say whether files that are declared may hold a path: itself, or a folder's by its pattern."""
    for name, declared in files.items():
        if name == path:
            return True
        if PurePosixPath(path).is_relative_to(name):
            patterns = [source.get("members") for source in declared["sources"]]
            for given in patterns:
                listed = given if isinstance(given, list) else [given or "*"]
                names = [PurePosixPath(pattern).name for pattern in listed]
                if any(fnmatch(PurePosixPath(path).name, pattern) for pattern in names):
                    return True
    return False
