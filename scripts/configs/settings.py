"""Settings that a command takes as one JSON object: the fields of a dataclass, and no others."""

import argparse
import json
import math
import operator
from collections.abc import Callable
from dataclasses import MISSING, fields
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from errors import InputError, check_keys
from files.json_file import parse_object

Settings = TypeVar("Settings")
BOUNDS = {
    "minimum": ("at least", operator.ge),
    "exclusiveMinimum": ("above", operator.gt),
    "maximum": ("at most", operator.le),
}


def settings_of(kind: Callable[..., Settings], options: argparse.Namespace) -> Settings:
    """Return the dataclass ``kind`` of ``--settings``, in which options of their own win.

    Raises ``InputError`` for an unknown key, a value of another type or out of its field's bounds,
    and one that is missing. A field with bounds is ``Annotated`` with them, as JSON Schema calls
    them: ``Annotated[int, {"minimum": 1}]``.
    """
    types = get_type_hints(kind, include_extras=True)
    values = parse_object(options.settings, "--settings", 'write {"key": value, ...}')
    check_keys(values, list(types), "--settings")
    values = {
        key: value_of(value, types[key], f"--settings: {key}") for key, value in values.items()
    }
    for field in fields(kind):
        flag = f"--{field.name.replace('_', '-')}"
        if (value := getattr(options, field.name, None)) is not None:
            values[field.name] = value_of(value, types[field.name], flag)
        elif field.default is MISSING and field.name not in values:
            raise InputError(f"--settings: {field.name} is missing; give it there or as {flag}")
    return kind(**values)


def value_of(value: Any, kind: Any, place: str) -> Any:
    """Return a value as a field of type ``kind`` holds it: 2 as 2.0 where that is ``float``."""
    kind, bounds = get_args(kind) if get_origin(kind) is Annotated else (kind, {})
    kinds = get_args(kind) if get_origin(kind) is UnionType else (kind,)
    if value is None and NoneType in kinds:
        return None
    kind = kinds[0]
    if get_origin(kind) is Literal:
        right, wanted = value in get_args(kind), f"one of {', '.join(get_args(kind))}"
    elif get_origin(kind) is list:
        right = isinstance(value, list) and all(type(each) is str for each in value)
        wanted = "a list of texts"
    elif kind is float:
        right, wanted = type(value) in (int, float) and math.isfinite(value), "a number"
        value = float(value) if right else value
    else:
        right = type(value) is kind
        wanted = {int: "a whole number", bool: "true or false", str: "a text"}[kind]
    for word, (said, holds) in BOUNDS.items():
        if word in bounds:
            wanted += f", {said} {bounds[word]}"
            right = right and holds(value, bounds[word])
    if not right:
        raise InputError(f"{place}: {json.dumps(value)}; give {wanted}")
    return value
