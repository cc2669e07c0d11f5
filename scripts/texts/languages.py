"""Languages by Whisper's codes: what they are called, their scripts, and who speaks them.

Only checks are made with these: how texts are compared is in normalise.py.
"""

import argparse
import difflib
import unicodedata

from errors import InputError

NAMES = {
    "af": "Afrikaans", "am": "Amharic", "ar": "Arabic", "as": "Assamese", "az": "Azerbaijani",
    "ba": "Bashkir", "be": "Belarusian", "bg": "Bulgarian", "bn": "Bengali", "bo": "Tibetan",
    "br": "Breton", "bs": "Bosnian", "ca": "Catalan", "cs": "Czech", "cy": "Welsh", "da": "Danish",
    "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian",
    "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fo": "Faroese", "fr": "French",
    "gl": "Galician", "gu": "Gujarati", "ha": "Hausa", "haw": "Hawaiian", "he": "Hebrew",
    "hi": "Hindi", "hr": "Croatian", "ht": "Haitian Creole", "hu": "Hungarian", "hy": "Armenian",
    "id": "Indonesian", "is": "Icelandic", "it": "Italian", "ja": "Japanese", "jw": "Javanese",
    "ka": "Georgian", "kk": "Kazakh", "km": "Khmer", "kn": "Kannada", "ko": "Korean", "la": "Latin",
    "lb": "Luxembourgish", "ln": "Lingala", "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian",
    "mg": "Malagasy", "mi": "Maori", "mk": "Macedonian", "ml": "Malayalam", "mn": "Mongolian",
    "mr": "Marathi", "ms": "Malay", "mt": "Maltese", "my": "Myanmar", "ne": "Nepali", "nl": "Dutch",
    "nn": "Nynorsk", "no": "Norwegian", "oc": "Occitan", "pa": "Punjabi", "pl": "Polish",
    "ps": "Pashto", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sa": "Sanskrit",
    "sd": "Sindhi", "si": "Sinhala", "sk": "Slovak", "sl": "Slovenian", "sn": "Shona",
    "so": "Somali", "sq": "Albanian", "sr": "Serbian", "su": "Sundanese", "sv": "Swedish",
    "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "tg": "Tajik", "th": "Thai", "tk": "Turkmen",
    "tl": "Tagalog", "tr": "Turkish", "tt": "Tatar", "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek",
    "vi": "Vietnamese", "yi": "Yiddish", "yo": "Yoruba", "yue": "Cantonese", "zh": "Chinese",
}  # fmt: skip

SCRIPTS = {  # as Unicode names letters; the others are written in Latin ones
    **dict.fromkeys(("be", "bg", "ba", "kk", "mk", "mn", "ru", "tg", "tt", "uk"), ("CYRILLIC",)),
    **dict.fromkeys(("az", "bs", "sr", "tk", "uz"), ("CYRILLIC", "LATIN")),
    **dict.fromkeys(("ar", "fa", "ps", "sd", "ur"), ("ARABIC",)),
    **dict.fromkeys(("he", "yi"), ("HEBREW",)),
    **dict.fromkeys(("hi", "mr", "ne", "sa"), ("DEVANAGARI",)),
    **dict.fromkeys(("as", "bn"), ("BENGALI",)),
    **dict.fromkeys(("yue", "zh"), ("CJK", "BOPOMOFO", "LATIN")),
    "am": ("ETHIOPIC",),
    "bo": ("TIBETAN",),
    "el": ("GREEK",),
    "gu": ("GUJARATI",),
    "ha": ("LATIN", "ARABIC"),
    "hy": ("ARMENIAN",),
    "ja": ("HIRAGANA", "KATAKANA", "CJK"),
    "ka": ("GEORGIAN",),
    "km": ("KHMER",),
    "kn": ("KANNADA",),
    "ko": ("HANGUL",),
    "lo": ("LAO",),
    "ml": ("MALAYALAM",),
    "my": ("MYANMAR",),
    "pa": ("GURMUKHI", "ARABIC"),
    "si": ("SINHALA",),
    "ta": ("TAMIL",),
    "te": ("TELUGU",),
    "th": ("THAI",),
}

SLOWEST = {"ja": 2, "ko": 2, "yue": 1, "zh": 1}  # speech, characters/s, that are syllables or words
SLOWEST_IN_LETTERS = 4  # characters/s


def add_language(parser: argparse.ArgumentParser, required: bool = True, note: str = "") -> None:
    """Add ``--language`` to a command: there is no language that is right for all who leave it."""
    parser.add_argument(
        "--language",
        type=known_code,
        required=required,
        metavar="CODE",
        help=f"of the texts, as Whisper abbreviates it (en, de, ...){note}",
    )


def known_code(language: str, place: str = "--language") -> str:
    """Return a code of Whisper's as it is; raise ``InputError`` for anything else."""
    if language in NAMES:
        return language
    by_name = {name.lower(): code for code, name in NAMES.items()}
    given = str(language).lower()
    near = difflib.get_close_matches(given, by_name, 1)
    if code := by_name.get(near[0] if near else "", given[:2] if given[:2] in NAMES else None):
        remedy = f"did you mean {code!r} ({NAMES[code]})?"
    else:
        remedy = f"known: {', '.join(NAMES)}"
    raise InputError(f"{place}: {language!r} is no code of Whisper's for a language; {remedy}")


def slowest(language: str) -> int:
    """Return the rate (characters/s) below which speech is taken for no reading of its text."""
    return SLOWEST.get(language, SLOWEST_IN_LETTERS)


def script_of(letter: str) -> str:
    """Return the script of a letter as Unicode names it: LATIN, CYRILLIC, CJK, ..."""
    return unicodedata.name(letter, "").partition(" ")[0]
