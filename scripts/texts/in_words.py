"""Numbers, dates, times, currencies, units and signs in words, for engines that read letters only.

The words are num2words', and CLDR's by Babel: a language that num2words does not have stays as it
is written. Dates, times and telephone numbers are recognised by their form, as readers do.
"""

import functools
import re
from collections.abc import Callable

from num2words import CONVERTER_CLASSES

from texts.forms import Language, forms_of
from texts.numbers import CONVERTERS, ENGLISH

Replacement = tuple[re.Pattern, Callable[[re.Match], str]]


def in_words(text: str, language: str = ENGLISH) -> str:
    """Return a text without digits, and with words for the signs between them.

    ``Call 555-0199 by 5/3/2024, it costs $5.20`` is ``Call five five five, zero one nine nine by
    May third, twenty twenty four, it costs five dollars and twenty cents``. ``language`` is
    Whisper's code; English says four digits as a year, and writes month before day.
    """
    language = language.partition("-")[0]
    if CONVERTERS.get(language, language) not in CONVERTER_CLASSES:
        return text
    for pattern, words in replacements(language):
        text = pattern.sub(words, text)
    return re.sub(r"\s+([.,;:?!])", r"\1", " ".join(text.split()))


@functools.cache
def replacements(language: str) -> list[Replacement]:
    """Return the forms of a language with their words, in the order in which they are replaced."""
    return [(re.compile(pattern), words) for pattern, words in forms_of(Language(language))]
