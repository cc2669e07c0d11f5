"""Numbers, dates, times, currencies, units and signs in words, for engines that read letters only.

The words are num2words', and CLDR's by Babel: a language that num2words does not have stays as it
is written. Dates, times and telephone numbers are recognised by their form, as readers do.
"""

import functools
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from babel import Locale
from babel.dates import get_month_names
from num2words import CONVERTER_CLASSES

from texts.numbers import (
    CONVERTERS,
    ENGLISH,
    amount_pattern,
    decimal,
    locale_of,
    minus_of,
    number,
    one,
    one_by_one,
)
from texts.quantities import (
    CODES,
    CURRENCIES,
    UNITS,
    currency_name,
    currency_signs,
    priced,
    unit_name,
    units_of,
)

SCALES = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "bn": "billion"}
SCALES |= {"b": "billion", "B": "billion"}
LARGE = "hundred|thousand|million|billion|trillion"
SIGNS = {  # "-" is that of a range, ":" that of an hour
    "en": {"&": "and", "+": "plus", "=": "equals", "@": "at", "#": "number",
           "-": "to", "§": "section", "×": "times", "±": "plus or minus", "²": "squared",
           "³": "cubed"},
    "de": {"&": "und", "+": "plus", "=": "gleich", "@": "at", "-": "bis", "§": "Paragraf",
           "×": "mal", ":": "Uhr"},
    "es": {"&": "y", "+": "más", "=": "igual a", "@": "arroba", "-": "a", "×": "por"},
    "fr": {"&": "et", "+": "plus", "=": "égale", "@": "arobase", "-": "à", "×": "fois",
           ":": "heures"},
    "it": {"&": "e", "+": "più", "=": "uguale a", "@": "chiocciola", "-": "a", "×": "per"},
    "nl": {"&": "en", "+": "plus", "=": "is", "@": "apenstaartje", "-": "tot", "×": "keer",
           ":": "uur"},
    "pt": {"&": "e", "+": "mais", "=": "igual a", "@": "arroba", "-": "a", "×": "vezes"},
}  # fmt: skip
ORDINAL_SUFFIXES = {"en": "st|nd|rd|th", "fr": "er|re|e|ème|eme|nde?", "nl": "ste|de|e"}
ROMANCE = ("es", "it", "pt", "gl", "ca")  # 1º, 1ª
FRACTIONS = {2: ("half", "halves"), 4: ("quarter", "quarters")}

Rule = tuple[re.Pattern, Callable[[re.Match], str]]


def in_words(text: str, language: str = ENGLISH) -> str:
    """Return a text without digits, and with words for the signs between them.

    ``Call 555-0199 by 5/3/2024, it costs $5.20`` is ``Call five five five, zero one nine nine by
    May third, twenty twenty four, it costs five dollars and twenty cents``. ``language`` is
    Whisper's code; English says four digits as a year, and writes month before day.
    """
    language = language.partition("-")[0]
    if CONVERTERS.get(language, language) not in CONVERTER_CLASSES:
        return text
    for pattern, words in rules(language):
        text = pattern.sub(words, text)
    return re.sub(r"\s+([.,;:?!])", r"\1", " ".join(text.split()))


@functools.cache
def rules(language: str) -> list[Rule]:
    """Return the forms of numbers and signs, in the order of replacement, with their words."""
    say = functools.partial(number, language=language)
    english, signs = language == ENGLISH, SIGNS.get(language, {})
    locale = locale_of(language)
    plain = amount_pattern(locale)
    months = months_of(locale)
    month = "|".join(sorted(map(re.escape, months), key=len, reverse=True))
    currency = "|".join([*map(re.escape, CURRENCIES), *(rf"\b{code}\b" for code in CODES)])
    unit_of = units_of(locale)
    unit = "|".join(sorted(map(re.escape, unit_of), key=len, reverse=True))
    minus = minus_of(language)
    digits = functools.partial(one_by_one, language=language)
    day = functools.partial(say, to="ordinal") if english or language == "de" else say

    def dated(year: str, month: str, day_: str) -> str | None:
        try:
            date(int(year), int(month), int(day_))
        except ValueError:
            return None
        name = list(months)[int(month) - 1]
        of = say(year, to="year" if english else "cardinal")
        return f"{name} {day(day_)}, {of}" if english else f"{day(day_)} {name} {of}"

    def slashed(match: re.Match) -> str:
        first, second, year = match["a"], match["b"], match["y"]
        year = year if len(year) == 4 else f"{19 if int(year) > 50 else 20}{year}"
        tries = [(first, second), (second, first)] if english else [(second, first)]
        return next(filter(None, (dated(year, *each) for each in tries)), match[0])

    def clock(match: re.Match) -> str:
        hour, minute, half = match["h"], match["m"] or "00", match["half"]
        between = signs.get(":", "")
        if english and minute == "00":
            said = say(hour) + ("" if half else " o'clock")
        elif english:
            said = f"{say(hour)} {'oh ' if minute[0] == '0' else ''}{say(minute)}"
        else:
            said = f"{say(hour)} {between} {say(minute) if int(minute) else ''}"
        seconds = f" {say(match['s'])}" if match["s"] else ""
        return f"{said}{seconds}" + (f" {half[0]} m".lower() if half else "") + " "

    def money(match: re.Match) -> str:
        value, sign = match["value"], match["before"] or match["after"]
        code = CURRENCIES.get(sign, sign)
        scale = match["scale"] or ""
        scale = SCALES.get(scale, scale)
        negative = f"{minus} " if match["minus"] else ""
        return f" {negative}{priced(decimal(value, locale), code, scale, language, locale)} "

    def measured(match: re.Match) -> str:
        value, unit = decimal(match["value"], locale), unit_of[match["unit"]]
        return f"{one(say(match['value']), language)} {unit_name(value, unit, locale)}"

    def fraction(match: re.Match) -> str:
        upper, lower = int(match["a"]), int(match["b"])
        if not 0 < upper < lower <= 100:
            return f"{say(match['a'])} {say(match['b'])}"
        part = say(str(lower), to="ordinal")
        part, parts = FRACTIONS.get(lower, (part, f"{part}s"))
        whole = f"{say(match['whole'])} and " if match["whole"] else ""
        return f"{whole}{say(match['a'])} {part if upper == 1 else parts}"

    scale = rf"(?:\s?(?P<scale>{LARGE}|bn|[kKmMbB](?![^\W\d_])))?" if english else "(?P<scale>)?"
    half = r"(?:\s?(?P<half>[AaPp]\.?[Mm])(?![^\W\d_])\.?)" if english else "(?P<half>(?!))"
    forms: list[tuple[str, Callable[[re.Match], str]]] = [
        (r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)", lambda m: dated(*m.groups()) or m[0]),
        (r"(?<![\d/.])(?P<a>\d\d?)/(?P<b>\d\d?)/(?P<y>\d{4}|\d\d)(?![\d/])", slashed),
        (r"(?<![\d/.])(?P<a>\d\d?)\.(?P<b>\d\d?)\.(?P<y>\d{4})(?![\d/])", slashed),
        (rf"(?<!\d)(?P<h>\d\d?):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?(?!\d){half}?", clock),
        (rf"(?<![\d.,:])(?P<h>\d\d?)(?P<m>(?!))?(?P<s>(?!))?{half}", clock),
    ]
    if months and english:
        suffix = r"(?:st|nd|rd|th)?(?!\d|[.,]\d)"
        forms += [
            (rf"\b({month})\.?\s(\d\d?){suffix}", lambda m: f"{months[m[1]]} {day(m[2])}"),
            (
                rf"(?:\bthe\s)?(?<!\d)(\d\d?){suffix}\s(?:of\s)?({month})\b",
                lambda m: f"the {day(m[1])} of {months[m[2]]}",
            ),
            (
                r"(?<!\d)(\d{3})0s\b",
                lambda m: f"{say(m[1] + '0', to='year')}s".replace("ys", "ies"),
            ),
            (r"'?(?<!\d)([2-9])0s\b", lambda m: f"{say(m[1] + '0')}s".replace("ys", "ies")),
        ]
    elif months:
        forms += [(rf"(?<!\d)(\d\d?)\.\s(?={month})", lambda m: f"{day(m[1])} ")]
    if suffixes := ORDINAL_SUFFIXES.get(language):
        forms += [(rf"(?<!\d)({plain})({suffixes})(?![^\W_])", lambda m: say(m[1], to="ordinal"))]
    if language in ROMANCE:
        forms += [(r"(?<!\d)(\d+)\.?[ºª]", lambda m: say(m[1], to="ordinal"))]
    forms += [
        (
            rf"(?P<minus>(?<!\w)-)?(?P<before>{currency})\s?(?P<value>{plain}){scale}(?P<after>(?!))?",
            money,
        ),
        (
            rf"(?P<minus>(?<!\w)-)?(?P<value>{plain}){scale}\s?(?P<after>{currency})(?P<before>(?!))?",
            money,
        ),
        (r"(?<![\w-])-(?=\.?\d)", lambda m: f"{minus} "),
        (rf"(?P<value>{plain})\s?(?P<unit>{unit})(?![\w²³/])", measured),
        (r"(?<!\d)\d+(?:\.\d+){2,}(?!\d)", lambda m: dotted(m[0], plain, language)),
        (
            r"(?<![\d,.])\+?(?:\d{1,4}[- .]){1,5}\d{2,4}(?!\d|[.,]\d)",
            lambda m: called(m[0], plain, digits),
        ),
        (r"(?<![\d,.])(?<!\d )0\d+(?!\d|[.,]\d)", lambda m: digits(m[0])),
        (r"(?<![\d,.])\d{7,}(?<!000)(?!\d|[.,]\d)", lambda m: digits(m[0])),
    ]
    if english:
        forms += [
            (r"\b24/7\b", lambda m: "twenty four seven"),
            (r"(?<![\d/.])(?:(?P<whole>\d+)\s)?(?P<a>\d+)/(?P<b>\d+)(?![\d/])", fraction),
            (r"(?<![\d,.])(1[1-9]\d\d|20\d\d)(?!\d|[.,]\d)", lambda m: say(m[1], to="year")),
        ]
    between = {sign: f" {word} " for sign, word in signs.items() if sign not in "-:#§"}
    between |= dict.fromkeys("#/°", " ")
    between["%"] = f" {unit_name(Decimal(2), UNITS['%'], locale)} "
    forms += [
        (r"(?<=\d)\s?-\s?(?=\d)", lambda m: f" {signs.get('-', '')} "),
        (r"([#§])\s?(?=\d)", lambda m: f"{signs.get(m[1], '')} "),
        (r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", lambda m: " "),
        (plain, lambda m: say(m[0])),
        (r"\d+", lambda m: say(m[0])),
        (rf"[{re.escape(''.join(between))}]", lambda m: between[m[0]]),
        (currency_signs(), lambda m: f" {currency_name(2, CURRENCIES[m[0]], language, locale)} "),
    ]
    return [(re.compile(pattern), words) for pattern, words in forms]


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


def months_of(locale: Locale) -> dict[str, str]:
    """Return the months' names, first the whole ones in their order, and short ones, with those."""
    whole = get_month_names("wide", locale=locale)
    short = get_month_names("abbreviated", locale=locale)
    names = {whole[n]: whole[n] for n in range(1, 13)}
    if locale.language == ENGLISH:
        names["Sept"] = "September"
    return names | {short[n].strip("."): whole[n] for n in range(1, 13) if short[n] not in names}
