"""The voices of espeak-ng 1.52: an accent of a language, alone or with a variant (``fr+m3``).

They are known before its library is fetched, so that a config is checked before anything runs.
"""

from collections.abc import Mapping
from typing import Any

from errors import InputError

ACCENTS = {  # by Whisper's codes of languages; the first is the one that `random` speaks
    "ca": ("ca", "ca-ba", "ca-nw", "ca-va"),
    "en": ("en-us", "en", "en-029", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd",
           "en-gb-x-rp", "en-us-nyc"),
    "es": ("es", "es-419"),
    "fr": ("fr", "fr-be", "fr-ch"),
    "no": ("nb",),
    "pt": ("pt", "pt-br"),
    "ru": ("ru", "ru-lv"),
    "vi": ("vi", "vi-vn-x-central", "vi-vn-x-south"),
    "zh": ("cmn",),
}  # fmt: skip
# Those of one accent, which is called as the language is. Not Japanese, of which espeak-ng reads no
# Chinese characters, and not Faroese, of which its library comes without the dictionary.
OF_ONE_ACCENT = (
    "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bs", "cs", "cy", "da", "de", "el", "et",
    "eu", "fa", "fi", "gu", "haw", "he", "hi", "hr", "ht", "hu", "hy", "id", "is", "it", "ka", "kk",
    "kn", "ko", "la", "lb", "lt", "lv", "mi", "mk", "ml", "mr", "ms", "mt", "my", "ne", "nl", "pa",
    "pl", "ro", "sd", "si", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tk", "tr", "tt",
    "uk", "ur", "uz", "yue",
)  # fmt: skip
LANGUAGES = tuple(sorted((*ACCENTS, *OF_ONE_ACCENT)))
MEN = tuple(f"m{number}" for number in range(1, 9))
WOMEN = tuple(f"f{number}" for number in range(1, 6))
OTHERS = ("croak", "klatt", "klatt2", "klatt3", "klatt4", "whisper", "whisperf")
RATE = 175  # words/minute: espeak-ng's own
SLOWEST, FASTEST = 80, 450  # words/minute, beyond which it would speak at its bounds
VARIANTS = (*MEN, *WOMEN, *OTHERS)


def random_voices(language: str) -> list[str]:
    """Return the voices that ``random`` draws from: the language's men and women."""
    return [f"{accents(language)[0]}+{variant}" for variant in (*MEN, *WOMEN)]


def accents(language: str) -> tuple[str, ...]:
    """Return what espeak-ng calls a language of ``LANGUAGES``, once for each of its accents."""
    return ACCENTS.get(language, (language,))


def check_voice(voice: str, language: str, where: str) -> None:
    """Raise ``InputError`` for what is no voice of a language of ``LANGUAGES``."""
    accent, plus, variant = voice.partition("+")
    if accent not in accents(language) or (plus and variant not in VARIANTS):
        raise InputError(
            f"{where}: espeak has no voice {voice!r} of {language!r}; there are"
            f" {', '.join(accents(language))}, alone or with +{', +'.join(VARIANTS)}"
        )


def check_settings(tts: Mapping[str, Any], place: str) -> None:
    """Raise ``InputError`` for a voice or a rate that espeak-ng has not, in a config's ``tts``."""
    for voice in tts["voices"] if tts["voices"] != ["random"] else []:
        check_voice(voice, tts["language"], f"{place}.voices")
    for speed in tts.get("speed_range", ()):
        words_per_minute(tts.get("rate", RATE), speed, place)


def words_per_minute(rate: int, speed: float, where: str) -> int:
    """Return a rate at a speed; raise ``InputError`` if espeak-ng has no such rate."""
    found = round(rate * speed)
    if not SLOWEST <= found <= FASTEST:
        raise InputError(
            f"{where}: a rate of {rate} words a minute at the speed {speed:g} is {found}, not"
            f" {SLOWEST} to {FASTEST}; change rate or speed_range"
        )
    return found
