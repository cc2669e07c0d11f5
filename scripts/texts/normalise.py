"""Whisper's text normalisers, for references and hypotheses alike: one for each kind of writing.

They come from ``whisper-normalizer``, OpenAI's own code with its table of British spellings in the
package. ``transformers`` has the code without the table and takes seconds to import.
"""

import functools
import re
import unicodedata
from collections.abc import Callable

from texts.languages import NAMES, known_code
from texts.spoken import without_remarks

ENGLISH = "en"
WITHOUT_SPACES = ("ja", "km", "lo", "my", "th", "yue", "zh")  # between words
LETTERS = {  # two codes of one letter, or capitals that are another letter's elsewhere
    **dict.fromkeys(("az", "tr"), {"I": "ı"}),
    **dict.fromkeys(("fa", "ur"), {"ي": "ی", "ك": "ک"}),
    "ro": {"ş": "ș", "Ş": "Ș", "ţ": "ț", "Ţ": "Ț"},
}
JOINED = {  # letters that older texts write with a joiner: ta of Bengali, six of Malayalam
    "\u09a4\u09cd\u200d": "\u09ce",
    "\u0d15\u0d4d\u200d": "\u0d7f",
    "\u0d23\u0d4d\u200d": "\u0d7a",
    "\u0d28\u0d4d\u200d": "\u0d7b",
    "\u0d30\u0d4d\u200d": "\u0d7c",
    "\u0d32\u0d4d\u200d": "\u0d7d",
    "\u0d33\u0d4d\u200d": "\u0d7e",
}
OPTIONAL = re.compile(
    "[\ufe00-\ufe0f\U000e0100-\U000e01ef"  # which picture of a character is meant
    "\u0610-\u061a\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]"
    "|(?<=[\u0400-\u04ff])[\u0300\u0301]"  # stress in Cyrillic; what is another letter is composed
)
POINTS = re.compile("[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]")  # of Hebrew
POINTED = ("yi",)  # where Hebrew letters are others without their points


def normalise(text: str, language: str) -> str:
    """Return what counts of a text in a language (a code of Whisper's), in lower case.

    English loses punctuation and fillers, and has numbers as digits and US spelling. The other
    languages lose punctuation and symbols; their words and marks stay. Where words are not parted
    by spaces, each character is a word, as in Whisper's evaluation: a WER is then a CER.

    What nobody says is left out first (see spoken.py).

    The words are separated by single spaces; the result is empty if nothing counts as a word.
    A word must have a letter or a digit: Whisper's rules make "wait ." of "wait...", and a model
    that has learnt where to write dots would seem to hear better.
    """
    words = normaliser_of(language)(without_remarks(text)).split()
    return " ".join(word for word in words if any(map(str.isalnum, word)))


def described(language: str) -> str:
    """Return what a score says of how its texts were normalised."""
    if language == ENGLISH:
        return "whisper-normalizer, English"
    counted = ", each character a word" if language in WITHOUT_SPACES else ""
    return f"whisper-normalizer, basic, marks kept{counted}"


def unit(language: str | None) -> str:
    """Say what a WER counts where words are not parted by spaces; nothing where they are."""
    if language not in WITHOUT_SPACES:
        return ""
    return f"{NAMES[language]} parts no words by spaces: each character counts as one."


@functools.cache
def normaliser_of(language: str) -> Callable[[str], str]:
    """Return the normaliser of a language, loaded when the first text needs it."""
    known_code(language)
    if language == ENGLISH:
        from whisper_normalizer.english import EnglishTextNormalizer

        english: Callable[[str], str] = EnglishTextNormalizer()
        return english
    from whisper_normalizer.basic import BasicTextNormalizer

    # without its marks, a Hindi word is its consonants
    basic: Callable[[str], str] = BasicTextNormalizer(
        split_letters=language in WITHOUT_SPACES, preserve_marks=True
    )
    letters = str.maketrans({"İ": "i"} | LETTERS.get(language, {}))

    def normaliser(text: str) -> str:
        composed = unicodedata.normalize("NFKC", text).translate(letters)
        for joined, letter in JOINED.items():
            composed = composed.replace(joined, letter)
        visible = "".join(each for each in composed if unicodedata.category(each) != "Cf")
        return basic(without_optional_marks(visible, language)).replace("ς", "σ")

    return normaliser


def without_optional_marks(text: str, language: str) -> str:
    """Return a composed text without the marks that are written or left out as one likes."""
    text = OPTIONAL.sub("", text)
    return text if language in POINTED else POINTS.sub("", text)
