"""The forms that numbers and signs have in a text, each with its words in a language.

Each function returns forms, a pattern and the words for a match, in the order of replacement.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from babel import Locale
from babel.dates import get_month_names

from texts.numbers import (
    ENGLISH,
    amount_pattern,
    called,
    decimal,
    dotted,
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

Form = tuple[str, Callable[[re.Match], str]]


class Language:
    """How a language writes and says numbers; ``code`` is Whisper's, without a region."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.is_english = code == ENGLISH
        self.locale = locale_of(code)
        self.number = amount_pattern(self.locale)
        self.months = months_of(self.locale)
        self.minus = minus_of(code)
        self.signs = SIGNS.get(code, {})

    def say(self, text: str, to: str = "cardinal") -> str:
        """Return a number in words."""
        return number(text, self.code, to)

    def say_digits(self, text: str) -> str:
        """Return digits one by one."""
        return one_by_one(text, self.code)

    def say_day(self, day: str) -> str:
        """Return the day of a month."""
        is_ordinal = self.is_english or self.code == "de"
        return self.say(day, "ordinal" if is_ordinal else "cardinal")

    def say_date(self, year: str, month: str, day: str) -> str | None:
        """Return a date in words; None if there is no such day."""
        try:
            date(int(year), int(month), int(day))
        except ValueError:
            return None
        name = list(self.months)[int(month) - 1]
        of = self.say(year, "year" if self.is_english else "cardinal")
        if self.is_english:
            return f"{name} {self.say_day(day)}, {of}"
        return f"{self.say_day(day)} {name} {of}"


def forms_of(language: Language) -> list[Form]:
    """Return all forms of a language: what an earlier one replaces, a later one does not see."""
    return [
        *dates(language), *times(language), *months(language), *ordinals(language),
        *amounts(language), *codes(language), *english(language), *signs(language),
    ]  # fmt: skip


def dates(language: Language) -> list[Form]:
    """Return dates in digits: 2024-05-03, 5/3/2024, 3.5.2024."""

    def slashed(match: re.Match) -> str:
        first, second, year = match["a"], match["b"], match["y"]
        year = year if len(year) == 4 else f"{19 if int(year) > 50 else 20}{year}"
        orders = [(second, first)]  # month and day
        if language.is_english:
            orders.insert(0, (first, second))
        dates = (language.say_date(year, *order) for order in orders)
        return next(filter(None, dates), match[0])

    return [
        (r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)", lambda m: language.say_date(*m.groups()) or m[0]),
        (r"(?<![\d/.])(?P<a>\d\d?)/(?P<b>\d\d?)/(?P<y>\d{4}|\d\d)(?![\d/])", slashed),
        (r"(?<![\d/.])(?P<a>\d\d?)\.(?P<b>\d\d?)\.(?P<y>\d{4})(?![\d/])", slashed),
    ]


def times(language: Language) -> list[Form]:
    """Return times of day: 7:30, 7:05 pm, 9am."""
    say = language.say

    def clock(match: re.Match) -> str:
        hour, minute, half = match["h"], match["m"] or "00", match["half"]
        if language.is_english and minute == "00":
            words = say(hour) + ("" if half else " o'clock")
        elif language.is_english:
            words = f"{say(hour)} {'oh ' if minute[0] == '0' else ''}{say(minute)}"
        else:
            between = language.signs.get(":", "")
            words = f"{say(hour)} {between} {say(minute) if int(minute) else ''}"
        seconds = f" {say(match['s'])}" if match["s"] else ""
        return f"{words}{seconds}" + (f" {half[0]} m".lower() if half else "") + " "

    half = r"(?:\s?(?P<half>[AaPp]\.?[Mm])(?![^\W\d_])\.?)"
    half = half if language.is_english else "(?P<half>(?!))"
    return [
        (rf"(?<!\d)(?P<h>\d\d?):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?(?!\d){half}?", clock),
        (rf"(?<![\d.,:])(?P<h>\d\d?)(?P<m>(?!))?(?P<s>(?!))?{half}", clock),
    ]


def months(language: Language) -> list[Form]:
    """Return days beside the name of a month, and English decades: May 3, 3. Mai, the 1980s."""
    say, day, names = language.say, language.say_day, language.months
    month = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    if not names:
        return []
    if not language.is_english:
        return [(rf"(?<!\d)(\d\d?)\.\s(?={month})", lambda m: f"{day(m[1])} ")]
    suffix = r"(?:st|nd|rd|th)?(?!\d|[.,]\d)"
    return [
        (rf"\b({month})\.?\s(\d\d?){suffix}", lambda m: f"{names[m[1]]} {day(m[2])}"),
        (
            rf"(?:\bthe\s)?(?<!\d)(\d\d?){suffix}\s(?:of\s)?({month})\b",
            lambda m: f"the {day(m[1])} of {names[m[2]]}",
        ),
        (
            r"(?<!\d)(\d{3})0s\b",
            lambda m: f"{say(m[1] + '0', to='year')}s".replace("ys", "ies"),
        ),
        (r"'?(?<!\d)([2-9])0s\b", lambda m: f"{say(m[1] + '0')}s".replace("ys", "ies")),
    ]


def ordinals(language: Language) -> list[Form]:
    """Return ordinal numbers: 22nd, 2e, 1º."""
    forms: list[Form] = []
    if suffixes := ORDINAL_SUFFIXES.get(language.code):
        pattern = rf"(?<!\d)({language.number})({suffixes})(?![^\W_])"
        forms.append((pattern, lambda m: language.say(m[1], to="ordinal")))
    if language.code in ROMANCE:
        forms.append((r"(?<!\d)(\d+)\.?[ºª]", lambda m: language.say(m[1], to="ordinal")))
    return forms


def amounts(language: Language) -> list[Form]:
    """Return amounts of money, negative numbers and measures: -$3 million, 5 €, -5 °C."""
    locale, plain = language.locale, language.number
    currency = "|".join([*map(re.escape, CURRENCIES), *(rf"\b{code}\b" for code in CODES)])
    unit_of = units_of(locale)
    unit = "|".join(sorted(map(re.escape, unit_of), key=len, reverse=True))

    def money(match: re.Match) -> str:
        value, sign = match["value"], match["before"] or match["after"]
        code = CURRENCIES.get(sign, sign)
        scale = match["scale"] or ""
        scale = SCALES.get(scale, scale)
        negative = f"{language.minus} " if match["minus"] else ""
        price = priced(decimal(value, locale), code, scale, language.code, locale)
        return f" {negative}{price} "

    def measured(match: re.Match) -> str:
        value, unit = decimal(match["value"], locale), unit_of[match["unit"]]
        words = one(language.say(match["value"]), language.code)
        return f"{words} {unit_name(value, unit, locale)}"

    scale = rf"(?:\s?(?P<scale>{LARGE}|bn|[kKmMbB](?![^\W\d_])))?"
    scale = scale if language.is_english else "(?P<scale>)?"
    return [
        (
            rf"(?P<minus>(?<!\w)-)?(?P<before>{currency})\s?(?P<value>{plain}){scale}(?P<after>(?!))?",
            money,
        ),
        (
            rf"(?P<minus>(?<!\w)-)?(?P<value>{plain}){scale}\s?(?P<after>{currency})(?P<before>(?!))?",
            money,
        ),
        (r"(?<![\w-])-(?=\.?\d)", lambda m: f"{language.minus} "),
        (rf"(?P<value>{plain})\s?(?P<unit>{unit})(?![\w²³/])", measured),
    ]


def codes(language: Language) -> list[Form]:
    """Return numbers that name something: versions, telephone numbers, 007."""
    plain, digits = language.number, language.say_digits
    return [
        (r"(?<!\d)\d+(?:\.\d+){2,}(?!\d)", lambda m: dotted(m[0], plain, language.code)),
        (
            r"(?<![\d,.])\+?(?:\d{1,4}[- .]){1,5}\d{2,4}(?!\d|[.,]\d)",
            lambda m: called(m[0], plain, digits),
        ),
        (r"(?<![\d,.])(?<!\d )0\d+(?!\d|[.,]\d)", lambda m: digits(m[0])),
        (r"(?<![\d,.])\d{7,}(?<!000)(?!\d|[.,]\d)", lambda m: digits(m[0])),
    ]


def english(language: Language) -> list[Form]:
    """Return what only English has here: 24/7, fractions, years."""
    if not language.is_english:
        return []
    say = language.say

    def fraction(match: re.Match) -> str:
        upper, lower = int(match["a"]), int(match["b"])
        if not 0 < upper < lower <= 100:
            return f"{say(match['a'])} {say(match['b'])}"
        part = say(str(lower), to="ordinal")
        part, parts = FRACTIONS.get(lower, (part, f"{part}s"))
        whole = f"{say(match['whole'])} and " if match["whole"] else ""
        return f"{whole}{say(match['a'])} {part if upper == 1 else parts}"

    return [
        (r"\b24/7\b", lambda m: "twenty four seven"),
        (r"(?<![\d/.])(?:(?P<whole>\d+)\s)?(?P<a>\d+)/(?P<b>\d+)(?![\d/])", fraction),
        (r"(?<![\d,.])(1[1-9]\d\d|20\d\d)(?!\d|[.,]\d)", lambda m: say(m[1], to="year")),
    ]


def signs(language: Language) -> list[Form]:
    """Return ranges, all other numbers, and the signs that are left."""
    word_of, say, locale = language.signs, language.say, language.locale
    words = {sign: f" {word} " for sign, word in word_of.items() if sign not in "-:#§"}
    words |= dict.fromkeys("#/°", " ")
    words["%"] = f" {unit_name(Decimal(2), UNITS['%'], locale)} "

    def currency(match: re.Match) -> str:
        return f" {currency_name(2, CURRENCIES[match[0]], language.code, locale)} "

    return [
        (r"(?<=\d)\s?-\s?(?=\d)", lambda m: f" {word_of.get('-', '')} "),
        (r"([#§])\s?(?=\d)", lambda m: f"{word_of.get(m[1], '')} "),
        (r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", lambda m: " "),
        (language.number, lambda m: say(m[0])),
        (r"\d+", lambda m: say(m[0])),
        (rf"[{re.escape(''.join(words))}]", lambda m: words[m[0]]),
        (currency_signs(), currency),
    ]


def months_of(locale: Locale) -> dict[str, str]:
    """Return the months' names, first the whole ones in their order, and short ones, with those."""
    whole = get_month_names("wide", locale=locale)
    short = get_month_names("abbreviated", locale=locale)
    names = {whole[n]: whole[n] for n in range(1, 13)}
    if locale.language == ENGLISH:
        names["Sept"] = "September"
    return names | {short[n].strip("."): whole[n] for n in range(1, 13) if short[n] not in names}
