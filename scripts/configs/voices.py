"""What a config says to an engine and can be checked before its files are fetched."""

from engines import ENGINES
from errors import InputError

OF_SOME = tuple(dict.fromkeys(key for about in ENGINES.values() for key in about.own_settings))


def check_voices(config: dict) -> None:
    """Raise ``InputError`` for a setting that is not the engine's, or that it has not so.

    The languages are checked already (see languages.py).
    """
    for name, tts in config["tts"].items():
        place, engine = f"config: tts.{name}", tts["engine"]
        about = ENGINES[engine]
        for key in OF_SOME:
            if key in tts and key not in about.own_settings:
                raise InputError(f"{place}.{key}: engine {engine} has no such setting; remove it")
        if about.check:
            about.check(tts, place)
