"""Currencies and units in words: the signs that stand for them, and their names by CLDR."""

import re
from decimal import Decimal
from typing import Literal

from babel import Locale
from babel.numbers import get_currency_name
from babel.units import format_unit
from num2words import CONVERTER_CLASSES
from num2words.base import Num2Word_Base

from texts.numbers import (
    CONVERTERS,
    ENGLISH,
    number,
    one,
    written,
)

CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₽": "RUB"}
CODES = ("USD", "EUR", "GBP", "JPY", "INR", "CHF", "CAD", "AUD", "CNY", "SEK", "NOK", "DKK", "PLN")
NAMES = {  # as one says them in English
    "USD": ("dollar", "dollars"), "EUR": ("euro", "euros"), "GBP": ("pound", "pounds"),
    "JPY": ("yen", "yen"), "INR": ("rupee", "rupees"), "KRW": ("won", "won"),
}  # fmt: skip
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


def forms_of(converter: Num2Word_Base, code: str) -> tuple | None:
    """Return num2words' forms of a currency and of its hundredth, if it has them."""
    return getattr(converter, "CURRENCY_FORMS", {}).get(code)


def plural(converter: Num2Word_Base, count: int, forms: tuple | str) -> str:
    """Return the form for a count; some languages of num2words have one form, and don't say so."""
    try:
        form: str = converter.pluralize(count, forms)
    except (NotImplementedError, IndexError):
        form = forms if isinstance(forms, str) else forms[0 if count == 1 else -1]
    return form


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


def unit_name(
    value: Decimal, unit: str, locale: Locale, length: Literal["short", "long"] = "long"
) -> str:
    """Return the name of a unit for a number of it: formatted with the number, which is removed."""
    with_number = format_unit(value, unit, length=length, locale=locale)
    return re.sub(r"[\d.,\u00a0\u202f]+", " ", with_number).strip()


def currency_signs() -> str:
    """Return the pattern of a currency's sign."""
    return f"[{''.join(map(re.escape, CURRENCIES))}]"
