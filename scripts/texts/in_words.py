"""Numbers, dates, times, currencies, units and signs in words, for engines that read letters only.

The words are num2words', and CLDR's by Babel: a language that num2words does not have stays as it
is written. What reads as in a calendar or on a telephone is told by its form, as a reader would.
"""

import functools
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.dates import get_month_names
from babel.numbers import get_currency_name, get_decimal_symbol, get_group_symbol
from babel.units import format_unit
from num2words import CONVERTER_CLASSES, num2words
from num2words.base import Num2Word_Base

ENGLISH = "en"
DROPS_DECIMALS = ("cy", "it")  # num2words, of a Decimal
MINUS = {"bn": "ঋণাত্মক", "vi": "âm"}  # num2words says another number
CONVERTERS = {"kk": "kz", "nn": "no"}  # Whisper's codes that num2words calls otherwise
CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₽": "RUB"}
CODES = ("USD", "EUR", "GBP", "JPY", "INR", "CHF", "CAD", "AUD", "CNY", "SEK", "NOK", "DKK", "PLN")
NAMES = {  # as one says them in English
    "USD": ("dollar", "dollars"), "EUR": ("euro", "euros"), "GBP": ("pound", "pounds"),
    "JPY": ("yen", "yen"), "INR": ("rupee", "rupees"), "KRW": ("won", "won"),
}  # fmt: skip
SCALES = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "bn": "billion"}
SCALES |= {"b": "billion", "B": "billion"}
LARGE = "hundred|thousand|million|billion|trillion"
UNITS = {  # as CLDR calls them
    "km": "length-kilometer", "m": "length-meter", "cm": "length-centimeter",
    "mm": "length-millimeter", "µm": "length-micrometer", "μm": "length-micrometer",
    "nm": "length-nanometer", "mi": "length-mile", "ft": "length-foot", "yd": "length-yard",
    "kg": "mass-kilogram", "g": "mass-gram", "mg": "mass-milligram", "lb": "mass-pound",
    "lbs": "mass-pound", "oz": "mass-ounce", "l": "volume-liter", "L": "volume-liter",
    "ml": "volume-milliliter", "mL": "volume-milliliter", "m²": "area-square-meter",
    "km²": "area-square-kilometer", "cm²": "area-square-centimeter", "m³": "volume-cubic-meter",
    "cm³": "volume-cubic-centimeter", "km/h": "speed-kilometer-per-hour",
    "kph": "speed-kilometer-per-hour", "mph": "speed-mile-per-hour",
    "m/s": "speed-meter-per-second", "kW": "power-kilowatt", "MW": "power-megawatt",
    "W": "power-watt", "kWh": "energy-kilowatt-hour", "V": "electric-volt",
    "mA": "electric-milliampere", "Hz": "frequency-hertz", "kHz": "frequency-kilohertz",
    "MHz": "frequency-megahertz", "GHz": "frequency-gigahertz", "kB": "digital-kilobyte",
    "KB": "digital-kilobyte", "MB": "digital-megabyte", "GB": "digital-gigabyte",
    "TB": "digital-terabyte", "px": "graphics-pixel", "ms": "duration-millisecond",
    "s": "duration-second", "sec": "duration-second", "min": "duration-minute",
    "h": "duration-hour", "hr": "duration-hour", "hrs": "duration-hour",
    "kcal": "energy-kilocalorie",
    "%": "concentr-percent", "°C": "temperature-celsius", "°F": "temperature-fahrenheit",
    "°": "angle-degree",
}  # fmt: skip
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
    """Return what is said of each form, in the order in which forms are looked for."""
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

    def slashed(found: re.Match) -> str:
        first, second, year = found["a"], found["b"], found["y"]
        year = year if len(year) == 4 else f"{19 if int(year) > 50 else 20}{year}"
        tries = [(first, second), (second, first)] if english else [(second, first)]
        return next(filter(None, (dated(year, *each) for each in tries)), found[0])

    def clock(found: re.Match) -> str:
        hour, minute, half = found["h"], found["m"] or "00", found["half"]
        between = signs.get(":", "")
        if english and minute == "00":
            said = say(hour) + ("" if half else " o'clock")
        elif english:
            said = f"{say(hour)} {'oh ' if minute[0] == '0' else ''}{say(minute)}"
        else:
            said = f"{say(hour)} {between} {say(minute) if int(minute) else ''}"
        seconds = f" {say(found['s'])}" if found["s"] else ""
        return f"{said}{seconds}" + (f" {half[0]} m".lower() if half else "") + " "

    def money(found: re.Match) -> str:
        value, sign = found["value"], found["before"] or found["after"]
        code = CURRENCIES.get(sign, sign)
        scale = found["scale"] or ""
        scale = SCALES.get(scale, scale)
        negative = f"{minus} " if found["minus"] else ""
        return f" {negative}{priced(decimal(value, locale), code, scale, language, locale)} "

    def measured(found: re.Match) -> str:
        value, unit = decimal(found["value"], locale), unit_of[found["unit"]]
        return f"{one(say(found['value']), language)} {unit_name(value, unit, locale)}"

    def fraction(found: re.Match) -> str:
        upper, lower = int(found["a"]), int(found["b"])
        if not 0 < upper < lower <= 100:
            return f"{say(found['a'])} {say(found['b'])}"
        part = say(str(lower), to="ordinal")
        part, parts = FRACTIONS.get(lower, (part, f"{part}s"))
        whole = f"{say(found['whole'])} and " if found["whole"] else ""
        return f"{whole}{say(found['a'])} {part if upper == 1 else parts}"

    scale = rf"(?:\s?(?P<scale>{LARGE}|bn|[kKmMbB](?![^\W\d_])))?" if english else "(?P<scale>)?"
    half = r"(?:\s?(?P<half>[AaPp]\.?[Mm])(?![^\W\d_])\.?)" if english else "(?P<half>(?!))"
    found: list[tuple[str, Callable[[re.Match], str]]] = [
        (r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)", lambda m: dated(*m.groups()) or m[0]),
        (r"(?<![\d/.])(?P<a>\d\d?)/(?P<b>\d\d?)/(?P<y>\d{4}|\d\d)(?![\d/])", slashed),
        (r"(?<![\d/.])(?P<a>\d\d?)\.(?P<b>\d\d?)\.(?P<y>\d{4})(?![\d/])", slashed),
        (rf"(?<!\d)(?P<h>\d\d?):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?(?!\d){half}?", clock),
        (rf"(?<![\d.,:])(?P<h>\d\d?)(?P<m>(?!))?(?P<s>(?!))?{half}", clock),
    ]
    if months and english:
        suffix = r"(?:st|nd|rd|th)?(?!\d|[.,]\d)"
        found += [
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
        found += [(rf"(?<!\d)(\d\d?)\.\s(?={month})", lambda m: f"{day(m[1])} ")]
    if suffixes := ORDINAL_SUFFIXES.get(language):
        found += [(rf"(?<!\d)({plain})({suffixes})(?![^\W_])", lambda m: say(m[1], to="ordinal"))]
    if language in ROMANCE:
        found += [(r"(?<!\d)(\d+)\.?[ºª]", lambda m: say(m[1], to="ordinal"))]
    found += [
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
        found += [
            (r"\b24/7\b", lambda m: "twenty four seven"),
            (r"(?<![\d/.])(?:(?P<whole>\d+)\s)?(?P<a>\d+)/(?P<b>\d+)(?![\d/])", fraction),
            (r"(?<![\d,.])(1[1-9]\d\d|20\d\d)(?!\d|[.,]\d)", lambda m: say(m[1], to="year")),
        ]
    between = {sign: f" {word} " for sign, word in signs.items() if sign not in "-:#§"}
    between |= dict.fromkeys("#/°", " ")
    between["%"] = f" {unit_name(Decimal(2), UNITS['%'], locale)} "
    found += [
        (r"(?<=\d)\s?-\s?(?=\d)", lambda m: f" {signs.get('-', '')} "),
        (r"([#§])\s?(?=\d)", lambda m: f"{signs.get(m[1], '')} "),
        (r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", lambda m: " "),
        (plain, lambda m: say(m[0])),
        (r"\d+", lambda m: say(m[0])),
        (rf"[{re.escape(''.join(between))}]", lambda m: between[m[0]]),
        (currency_signs(), lambda m: f" {currency_name(2, CURRENCIES[m[0]], language, locale)} "),
    ]
    return [(re.compile(pattern), words) for pattern, words in found]


def number(text: str, language: str, to: str = "cardinal") -> str:
    """Return a number, as it is written in a language, in words."""
    code = CONVERTERS.get(language, language)
    value = decimal(text, locale_of(language))
    if "." not in str(value):
        value = int(value)
    elif code in DROPS_DECIMALS:
        value = float(value)
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


def called(text: str, plain: str, digits: Callable[[str], str]) -> str:
    """Return a telephone number, a group after the other; what is none stays."""
    groups = re.findall(r"\d+", text)
    if sum(map(len, groups)) < 7 or re.fullmatch(plain, text):
        return text
    return ("plus " if text[0] == "+" else "") + ", ".join(map(digits, groups))


def minus_of(language: str) -> str:
    """Return the word before a negative number."""
    code = CONVERTERS.get(language, language)
    word = getattr(CONVERTER_CLASSES[code], "negword", None)
    if language in MINUS or (word and "(" not in word):
        return MINUS.get(language, word).strip()
    return num2words(-1, lang=code).replace(num2words(1, lang=code), "").strip()


def dotted(text: str, plain: str, language: str) -> str:
    """Return a version or an address, 3.11.2, with the word for the point between its numbers."""
    if re.fullmatch(plain, text):
        return text  # German 1.000.000
    point = getattr(CONVERTER_CLASSES[CONVERTERS.get(language, language)], "pointword", None)
    point = f" {point} " if isinstance(point, str) else " "
    return point.join(number(part, language) for part in text.split("."))


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


def months_of(locale: Locale) -> dict[str, str]:
    """Return the months' names, first the whole ones in their order, and short ones, with those."""
    whole = get_month_names("wide", locale=locale)
    short = get_month_names("abbreviated", locale=locale)
    names = {whole[n]: whole[n] for n in range(1, 13)}
    if locale.language == ENGLISH:
        names["Sept"] = "September"
    return names | {short[n].strip("."): whole[n] for n in range(1, 13) if short[n] not in names}


def priced(value: Decimal, code: str, scale: str, language: str, locale: Locale) -> str:
    """Return an amount of a currency: five dollars and twenty cents."""
    whole, cents = int(value), f"{value:.2f}"[-2:]
    converter = CONVERTER_CLASSES[CONVERTERS.get(language, language)]
    name = currency_name(2 if scale else value, code, language, locale)
    if scale:
        return f"{number(written(value, locale), language)} {scale} {name}"
    if value == whole:
        return f"{one(number(str(whole), language), language)} {name}"
    forms = forms_of(converter, code)
    if not forms or f"{value:.2f}" != f"{value + 0}".ljust(len(f"{value:.2f}"), "0"):
        return f"{number(written(value, locale), language)} {name}"
    minor = plural(converter, int(cents), forms[1])
    name = currency_name(Decimal(whole), code, language, locale)
    parts = [f"{one(number(str(whole), language), language)} {name}"] if whole else []
    parts.append(f"{number(str(int(cents)), language)} {minor}")
    return (" and " if language == ENGLISH else " ").join(parts)


def one(words: str, language: str) -> str:
    """Return a number's words as they stand before a noun: German *eins* is *ein* there."""
    return words.removesuffix("s") if language == "de" and words.endswith("eins") else words


def written(value: Decimal, locale: Locale) -> str:
    """Return a number as the locale writes it, without groups."""
    return str(value).replace(".", get_decimal_symbol(locale))


def forms_of(converter: Num2Word_Base, code: str) -> tuple | None:
    """Return num2words' forms of a currency and of its hundredth, if it has them."""
    return getattr(converter, "CURRENCY_FORMS", {}).get(code)


def plural(converter: Num2Word_Base, count: int, forms: tuple | str) -> str:
    """Return the form for a count; some languages of num2words have one form, and don't say so."""
    try:
        return converter.pluralize(count, forms)
    except (NotImplementedError, IndexError):
        return forms if isinstance(forms, str) else forms[0 if count == 1 else -1]


def currency_name(value: Decimal | int, code: str, language: str, locale: Locale) -> str:
    """Return what so much of a currency is called."""
    converter = CONVERTER_CLASSES[CONVERTERS.get(language, language)]
    if language == ENGLISH and code in NAMES:
        return NAMES[code][value != 1]
    if (forms := forms_of(converter, code)) and value == int(value):
        return plural(converter, int(value), forms[0])
    return get_currency_name(code, count=value, locale=locale)


def units_of(locale: Locale) -> dict[str, str]:
    """Return the units by their symbols, with those of the locale: км in Russian."""
    own = (
        {}
        if locale.language == ENGLISH
        else {unit_name(Decimal(5), unit, locale, "short"): unit for unit in UNITS.values()}
    )
    return own | UNITS


def unit_name(value: Decimal, unit: str, locale: Locale, length: str = "long") -> str:
    """Return what so many of a unit are called: a number is written before it, and taken away."""
    written = format_unit(value, unit, length=length, locale=locale)
    return re.sub(r"[\d.,\u00a0\u202f]+", " ", written).strip()


def currency_signs() -> str:
    """Return the pattern of a currency's sign."""
    return f"[{''.join(map(re.escape, CURRENCIES))}]"


@functools.cache
def locale_of(language: str) -> Locale:
    """Return CLDR's locale of a language; where it has none, English signs."""
    try:
        return Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        return Locale.parse(ENGLISH)
