"""Config files, read strictly and merged as Snakemake merges them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from addresses import redacted
from configs.checking import check, check_values
from configs.completing import complete
from errors import InputError
from files.strict_yaml import line_of, load_yaml


def read(files: Sequence[str | Path], overrides: Mapping[str, Any] | None = None) -> dict:
    """Return the whole config of some files, each added to those before it, and of overrides.

    Raises ``InputError`` for the first mistake, with file and line.
    """
    overrides = dict(overrides or {})
    try:
        config: dict = {}
        for path in files:
            config = merged(config, load_yaml(path))
        config = merged(config, overrides)
        if files and not config:
            raise InputError(f"{files[-1]}: is empty; config.yaml shows what an experiment says")
        return complete_and_check(config)
    except InputError as error:
        raise InputError(redacted(with_line(str(error), files, overrides))) from None


def complete_and_check(config: dict) -> dict:
    """Return a config in full; raise ``InputError`` for the first mistake.

    A config that is complete already stays as it is.
    """
    check_values(config)
    config = complete(config)
    check(config)
    return config


def merged(config: Mapping, more: Mapping) -> dict:
    """Return a config with the values of another in their places, as Snakemake does it."""
    result = dict(config)
    for key, value in more.items():
        if isinstance(value, Mapping):
            below = result.get(key)
            value = merged(below if isinstance(below, Mapping) else {}, value)
        result[key] = value
    return result


def with_line(message: str, files: Sequence[str | Path], overrides: Mapping[str, Any]) -> str:
    """Return a message about a config with the file and line where the faulty value stands."""
    start, _, said = message.partition("config: ")
    place = said.partition(": ")[0].replace("top level", "")
    if key := re.match(r"[^:]*: (?:unknown key '(.*?)'|'(.*?)' can't be a name)", said):
        place = f"{place}.{key[1] or key[2]}".removeprefix(".")
    if start or not files or place.partition(".")[0] in overrides:
        return message.replace("config: ", "--config: ", 1) if overrides else message
    path, (_, line) = max(
        ((path, line_of(path, place)) for path in reversed(files)), key=lambda each: each[1][0]
    )
    return f"{path}:{line}: {said}"
