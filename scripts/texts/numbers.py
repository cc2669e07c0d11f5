"""Numbers: how a language writes them in digits (CLDR), and how it says them (num2words)."""

import functools
import re
from collections.abc import Callable
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import get_decimal_symbol, get_group_symbol
from num2words import CONVERTER_CLASSES, num2words

ENGLISH = "en"
DROPS_DECIMALS = ("cy", "it")  # num2words, of a Decimal
MINUS = {"bn": "ঋণাত্মক", "vi": "âm"}  # num2words says another number
CONVERTERS = {"kk": "kz", "nn": "no"}  # Whisper's codes that num2words calls otherwise


def number(text: str, language: str, to: str = "cardinal") -> str:
    """Return a number, as it is written in a language, in words."""
    code = CONVERTERS.get(language, language)
    value: Decimal | int | float = decimal(text, locale_of(language))
    if "." not in str(value):
        value = int(value)
    elif code in DROPS_DECIMALS:
        value = float(value)
    words: str
    try:
        words = num2words(value, lang=code, to=to)
    except (NotImplementedError, TypeError):  # a form that this language's converter does not have
        words = num2words(value, lang=code)
    except OverflowError:  # beyond the numbers that the language has names for here
        words = one_by_one(text, language)
    return words.replace(", ", " ").replace("-", " ")


def one_by_one(text: str, language: str) -> str:
    """Return digits one by one."""
    return " ".join(number(digit, language) for digit in text if digit.isdigit())


def minus_of(language: str) -> str:
    """Return the word before a negative number."""
    if language in MINUS:
        return MINUS[language]
    code = CONVERTERS.get(language, language)
    word: str | None = getattr(CONVERTER_CLASSES[code], "negword", None)
    if word and "(" not in word:
        return word.strip()
    minus_one: str = num2words(-1, lang=code)
    return minus_one.replace(num2words(1, lang=code), "").strip()


def decimal(text: str, locale: Locale) -> Decimal:
    """Return the number that a text stands for, with the locale's signs for groups and decimals."""
    text = text.replace(" ", "")
    point, group = get_decimal_symbol(locale), get_group_symbol(locale)
    if re.fullmatch(rf"\d{{1,3}}(?:{re.escape(group)}\d{{3}})+(?:{re.escape(point)}\d+)?", text):
        text = text.replace(group, "")
    return Decimal(text.replace(",", ".") if point == "," else text.replace(",", ""))


def amount_pattern(locale: Locale) -> str:
    """Return the pattern of a number: 1,234.5 in English, 1.234,5 in German, 1 234,5 in French."""
    point, group = get_decimal_symbol(locale), get_group_symbol(locale)
    group = " " if group.isspace() else re.escape(group)
    point = rf"[.{point}]" if point == "," else r"\."
    grouped = rf"\d{{1,3}}(?:{group}\d{{3}})+(?!\d)(?:{point}\d+)?"
    return rf"(?:(?<!\d)(?:{grouped}|\d+{point}\d+|\d+)|(?<!\d)\.\d+)"


def one(words: str, language: str) -> str:
    """Return a number's words as they stand before a noun: German *eins* is *ein* there."""
    return words.removesuffix("s") if language == "de" and words.endswith("eins") else words


def written(value: Decimal, locale: Locale) -> str:
    """Return a number as the locale writes it, without groups."""
    return str(value).replace(".", get_decimal_symbol(locale))


@functools.cache
def locale_of(language: str) -> Locale:
    """Return CLDR's locale of a language; where it has none, English signs."""
    try:
        return Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        return Locale.parse(ENGLISH)


def called(text: str, plain: str, digits: Callable[[str], str]) -> str:
    """Return a telephone number, a group after the other; what is none stays."""
    groups = re.findall(r"\d+", text)
    if sum(map(len, groups)) < 7 or re.fullmatch(plain, text):
        return text
    return ("plus " if text[0] == "+" else "") + ", ".join(map(digits, groups))


def dotted(text: str, plain: str, language: str) -> str:
    """Return a version or an address, 3.11.2, with the word for the point between its numbers."""
    if re.fullmatch(plain, text):
        return text  # German 1.000.000
    point = getattr(CONVERTER_CLASSES[CONVERTERS.get(language, language)], "pointword", None)
    point = f" {point} " if isinstance(point, str) else " "
    return point.join(number(part, language) for part in text.split("."))
