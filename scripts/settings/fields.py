"""Settings read into a dataclass: its fields and no others, each of its type and in its bounds.

A field with bounds is ``Annotated`` with them, as JSON Schema calls them:
``Annotated[int | None, {"minimum": 1}]``. ``enum`` is a collection of names; ``description`` says
what a ``pattern`` asks for. A field may be a number, a truth value, a text, a ``Literal``, a list
of texts or of ``Literal``, a mapping of texts, an interval (``tuple[float, float]``), another
dataclass, any ``list`` or ``dict``, or nothing (``| None``).
"""

import argparse
import json
import math
import operator
import re
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from addresses import redacted
from errors import InputError, check_keys, remedy_for
from files.json_file import parse_object

Settings = TypeVar("Settings")
BOUNDS = {
    "minimum": ("at least", operator.ge),
    "exclusiveMinimum": ("above", operator.gt),
    "maximum": ("at most", operator.le),
    "minItems": ("of at least", lambda value, least: len(value) >= least),
}
SHOWN = 80  # characters of a value in a message
WRITE = 'write {"key": value, ...}'
PLAIN = {
    int: "a whole number",
    bool: "true or false",
    str: "a text",
    list: "a list",
    dict: "a mapping",
}


def settings_of(kind: type[Settings], options: argparse.Namespace) -> Settings:
    """Return the dataclass ``kind`` of ``--settings``, in which options of their own win.

    Raises ``InputError`` for an unknown key, a value of another type or out of its field's bounds,
    and one that is missing.
    """
    types = get_type_hints(kind, include_extras=True)
    values = checked(kind, parse_object(options.settings, "--settings", WRITE), "--settings")
    for field, required in fields_of(kind).items():
        flag = f"--{field.replace('_', '-')}"
        if (value := getattr(options, field, None)) is not None:
            values[field] = value_of(value, types[field], flag)
        elif required and field not in values:
            raise InputError(f"--settings: {field} is missing; give it there or as {flag}")
    return kind(**values)


def fill(kind: type[Settings], values: object, place: str) -> Settings:
    """Return the dataclass ``kind`` of an object's values.

    Raises ``InputError`` for what is no object, for an unknown key, a value of another type or out
    of its field's bounds, and one that is missing.
    """
    content = checked(kind, values, place)
    for field, required in fields_of(kind).items():
        if required and field not in content:
            raise InputError(f"{place}: {field} is missing; add it")
    return kind(**content)


def fields_of(kind: Any) -> dict[str, bool]:
    """Return the names of a dataclass's fields, and whether each must be given."""
    return {
        field.name: field.default is MISSING and field.default_factory is MISSING
        for field in fields(kind)
    }


def checked(kind: Any, values: object, place: str) -> dict[str, Any]:
    """Return those of a dataclass's fields that an object gives, as they hold its values."""
    types = get_type_hints(kind, include_extras=True)
    return {
        key: value_of(value, types[key], f"{place}: {key}")
        for key, value in check_object(values, list(types), place).items()
    }


def check_object(values: object, known: Collection[str], place: str) -> Mapping[str, Any]:
    """Return an object; raise ``InputError`` for what is none, or has an unknown key."""
    if not isinstance(values, Mapping):
        raise InputError(f"{place}: {written(values)} is not an object of {', '.join(known)}")
    check_keys(map(str, values), known, place)
    return values


def value_of(value: Any, kind: Any, place: str) -> Any:
    """Return a value as a field of type ``kind`` holds it: 2 as 2.0 where that is ``float``."""
    kind, bounds = get_args(kind) if get_origin(kind) is Annotated else (kind, {})
    if get_origin(kind) in (Union, UnionType):  # the first is Literal[...] | None
        if value is None and NoneType in get_args(kind):
            return None
        kind = get_args(kind)[0]
    if isinstance(kind, type) and is_dataclass(kind):
        return fill(kind, value, place)
    if "enum" in bounds:
        if value in list(bounds["enum"]):
            return value
        raise InputError(f"{place}: {written(value)}; {remedy_for(str(value), bounds['enum'])}")
    right, wanted = fits(value, kind)
    for word, (said, holds) in BOUNDS.items():
        if word in bounds:
            wanted += f", {said} {bounds[word]}"
            parts = value if get_origin(kind) is tuple else [value]
            right = right and all(holds(part, bounds[word]) for part in parts)
    if "pattern" in bounds:
        wanted = bounds["description"]
        right = right and re.fullmatch(bounds["pattern"], value) is not None
    if not right:
        raise InputError(f"{place}: {written(value)}; give {wanted}")
    if get_origin(kind) is tuple:
        return tuple(map(float, value))
    return float(value) if kind is float else value


def fits(value: Any, kind: Any) -> tuple[bool, str]:
    """Say whether a value is of a type, and what to give instead."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return value in parts, f"one of {', '.join(parts)}"
    if origin is list and get_origin(parts[0]) is Literal:
        names = get_args(parts[0])
        right = isinstance(value, list) and all(each in names for each in value)
        return right, f"a list of some of {', '.join(names)}"
    if origin is list:
        right = isinstance(value, list) and all(type(each) is str for each in value)
        return right, "a list of texts"
    if origin is dict:
        right = isinstance(value, dict) and all(type(each) is str for each in value.values())
        return right, "a mapping of texts"
    if origin is tuple:
        right = isinstance(value, list) and len(value) == 2 and all(map(is_number, value))
        return right and value[0] <= value[1], "[lowest, highest]"
    if kind is float:
        return is_number(value), "a number"
    return type(value) is kind, PLAIN[kind]


def is_number(value: object) -> bool:
    """Say whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def written(value: object) -> str:
    """Return a value as JSON has it, shortened."""
    return shortened(json.dumps(value, ensure_ascii=False, default=str))


def shortened(text: str) -> str:
    """Return a text of ``SHOWN`` characters at most: of a longer one the beginning, and dots.

    What is secret in it is taken out before: half an address is not known as one.
    """
    text = redacted(text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
