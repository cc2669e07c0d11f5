"""A config held to its schema: what is wrong is said with place, value and remedy."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema

from errors import InputError, nearest_of, remedy_for
from escaping import OBEYED
from modules import trained_of
from names import BESIDE, name_of
from settings.fields import is_number, shortened

LARGEST = 10**15  # of numbers in a config
LONGEST = 4096  # characters of a text in it, as of a path
LAYOUT = str.maketrans("", "", "\n\t")
BOOLEANS = ("yes", "no", "on", "off", "y", "n")  # to YAML 1.1
FORMATS = jsonschema.FormatChecker(formats=())


def _checks_names(kind: str) -> None:
    """Let the schema's ``format: KIND name`` hold a text to the rule for names of that kind."""
    right = name_of(kind)
    FORMATS.checks(f"{kind} name", InputError)(
        lambda value: not isinstance(value, str) or bool(right(value))
    )


for kind in BESIDE:
    _checks_names(kind)
FORMATS.checks("what is trained", InputError)(
    lambda value: not isinstance(value, str) or bool(trained_of(value))
)


def _whole_pattern(_: object, pattern: str, value: object, __: object) -> Iterator:
    """Yield an error unless all of a text matches: to ``re``, ``$`` stands before a newline too."""
    if isinstance(value, str) and not re.fullmatch(pattern, value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


def _ascending(_: object, __: object, value: Any, ___: object) -> Iterator:
    """Yield an error for an interval [lowest, highest] whose ends are reversed."""
    two = isinstance(value, list) and len(value) == 2 and all(map(is_number, value))
    if two and value[0] > value[1]:
        yield jsonschema.ValidationError(f"{value!r} is reversed; write [{value[1]}, {value[0]}]")


def _is_integer(_: object, value: object) -> bool:
    """Say whether a value is written as an integer: 8.0 is none to the scripts."""
    return isinstance(value, int) and not isinstance(value, bool)


Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {"pattern": _whole_pattern, "ascending": _ascending},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


def fill_defaults(config: object, schema: dict, definitions: dict) -> object:
    """Return ``config`` with the schema's defaults where keys are absent."""
    schema = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if not isinstance(config, dict):
        return config
    properties = schema.get("properties", {})
    absent = {key: part["default"] for key, part in properties.items() if "default" in part}
    others = schema.get("additionalProperties")
    others = others if isinstance(others, dict) else {}
    return {
        key: fill_defaults(value, properties.get(key, others), definitions)
        for key, value in (absent | config).items()
    }


def leaves(value: object, place: str = "") -> Iterator[tuple[str, object]]:
    """Yield place and value of all that lies in a config and is no list and no mapping."""
    if not isinstance(value, Mapping | list):
        yield place, value
        return
    for key, part in value.items() if isinstance(value, Mapping) else enumerate(value):
        yield from leaves(part, f"{place}.{key}".removeprefix("."))


def check_numbers(config: Mapping) -> None:
    """Raise ``InputError`` for a number that no bound holds: NaN, an infinity, or one as large."""
    for place, value in leaves(config):
        if isinstance(value, int | float) and not abs(value) < LARGEST:  # so is NaN
            raise InputError(
                f"config: {place}: {str(value)[:20]} is no number that can be used; write one that"
                ' is finite, or if it is a text, quote it: "..."'
            )


def check_characters(config: Mapping) -> None:
    """Raise ``InputError`` for a text that is longer than any path, or that a terminal obeys."""
    for place, value in leaves(config):
        if isinstance(value, str):
            check_text(value, f"config: {place}")


def check_text(text: str, place: str) -> None:
    """Raise ``InputError`` for a text that is too long, or that a terminal would obey."""
    if len(text) > LONGEST:
        raise InputError(
            f"{place}: {shortened(repr(text))} has {len(text):,} characters, of which {LONGEST:,}"
            " are read; shorten it"
        )
    if OBEYED.search(text.translate(LAYOUT)):
        raise InputError(
            f"{place}: {shortened(ascii(text))} has control characters or changes of direction;"
            " remove them"
        )


def check_ranges(config: Mapping, place: str = "") -> None:
    """Raise ``InputError`` for a ``min_...`` above the ``max_...`` beside it, so that none fits."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            check_ranges(value, f"{place}{key}.")
        highest = config.get(str(key).replace("min_", "max_", 1))
        bounds = str(key).startswith("min_") and is_number(value) and is_number(highest)
        if bounds and value > highest:
            name = str(key).removeprefix("min_")
            raise InputError(
                f"config: {place}{key}: {value:g} is more than max_{name}, {highest:g}, so that"
                " nothing is left; lower it, or raise that"
            )


def validate(config: dict, schema: dict) -> None:
    """Raise ``InputError`` for the first violation of the schema."""
    errors = Validator(schema, format_checker=FORMATS).iter_errors(config)
    for error in sorted(errors, key=lambda error: list(map(str, error.absolute_path))):
        raise InputError(explain(error))


def explain(error: jsonschema.ValidationError) -> str:
    """Return a schema violation as a sentence with place, value and remedy."""
    place = ".".join(map(str, error.absolute_path)) or "top level"
    value: Any = error.instance
    rule: Any = error.validator_value
    schema: Any = error.schema
    if error.validator == "additionalProperties":
        known = list(schema["properties"])
        unknown = sorted(set(value) - set(known))[0]
        remedy = remedy_for(unknown, known)
        if unknown == "language" and place.startswith("base_models."):
            remedy = "give it once for the whole experiment, at the top level of the config"
        return f"config: {place}: unknown key {unknown!r}; {remedy}"
    if error.validator == "oneOf" and "required" in rule[0]:
        choices = [" and ".join(choice["required"]) for choice in rule]
        return f"config: {place}: exactly one of these must be given: {'; '.join(choices)}"
    if error.validator == "oneOf":  # a list or keys, or a word in place of them
        of_names = rule[0].get("type") == "array"
        if isinstance(error.instance, list if of_names else dict):
            return explain(next(part for part in error.context if part.schema_path[0] == 0))
        wanted = "a list of names, [a, b]," if of_names else "keys, {a: b},"
        return (
            f"config: {place}: {written(error.instance)} is neither {wanted} nor"
            f" {rule[1]['const']}. {schema['description']}"
        )
    if error.validator == "format":
        return f"config: {place}: {error.cause}"
    described = schema.get("description", "") if isinstance(schema, dict) else ""
    said = error.message.removeprefix(repr(error.instance))
    if error.validator in ("maxItems", "maxProperties"):
        said = f" has {len(value):,} entries, of which {error.validator_value:,} may be"
    is_whole = said == error.message and not said.startswith(" has")
    said = said if is_whole else shortened(written(error.instance)) + said
    return " ".join(filter(None, [f"config: {place}: {said}.", described, remedy_of(error)]))


def written(value: object) -> str:
    """Return a value as a message shows it: texts in quotes, true and null as YAML has them."""
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value)


def remedy_of(error: jsonschema.ValidationError) -> str:
    """Return what to write instead of a name's slip, or of a value that is of another type."""
    value: Any = error.instance
    wanted: Any = error.validator_value
    if error.validator == "enum" and isinstance(value, str):
        nearest = nearest_of(value, [each for each in wanted if isinstance(each, str)])
        return f"Did you mean {nearest!r}?" if nearest else ""
    if error.validator in ("enum", "const") and not isinstance(value, dict | list | str):
        wanted = "string"
    elif error.validator != "type":
        return ""
    if value is None:
        return "Nothing stands there: write a value, or remove the key."
    if wanted == "string" and isinstance(value, bool | int | float):
        return f'If it is a text, quote it: "{str(value).lower()}".'
    if wanted == "boolean" and str(value).lower() in BOOLEANS:
        return "Write true or false."
    if wanted == "integer" and isinstance(value, float):
        return f"Write {value:.0f}." if value.is_integer() else "Write a whole number."
    if wanted in ("number", "integer") and isinstance(value, str):
        return "Write a number in decimal digits, without quotes and units."
    if wanted == "array" and isinstance(value, str | int | float):
        return f"Write [{value}]."
    return ""


def refer(name: str, known: dict, place: str, where: str) -> None:
    """Raise ``InputError`` unless ``name`` is a key of ``known``."""
    if name not in known:
        raise InputError(
            f"config: {place}: {name!r} is not under {where}; {remedy_for(name, known)}"
        )
