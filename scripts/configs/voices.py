"""What a config says to an engine and can be checked before its files are fetched."""

from engines import ENGINES
from engines.espeak_voices import RATE, check_voice, words_per_minute
from errors import InputError

OF_SOME = tuple(dict.fromkeys(key for about in ENGINES.values() for key in about.own_settings))


def check_voices(config: dict) -> None:
    """Raise ``InputError`` for a setting that is not the engine's, or no voice or rate of espeak.

    The languages are checked already (see languages.py).
    """
    for name, tts in config["tts"].items():
        place, engine = f"config: tts.{name}", tts["engine"]
        for key in OF_SOME:
            if key in tts and key not in ENGINES[engine].own_settings:
                raise InputError(f"{place}.{key}: engine {engine} has no such setting; remove it")
        if engine == "espeak":
            for voice in tts["voices"] if tts["voices"] != ["random"] else []:
                check_voice(voice, tts["language"], f"{place}.voices")
            for speed in tts.get("speed_range", ()):
                words_per_minute(tts.get("rate", RATE), speed, place)
