"""Web addresses: written down without the secrets that they may carry, followed with them."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

HIDDEN = "***"
ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s\"<>\\]*")
PARTS = re.compile(r"([^:]+://)([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
# Keys of a query whose value tells which file is meant; the value of any other may be a secret.
TELLING = ("download", "dl", "raw", "id", "export", "format", "version", "rev", "ref")
TELLING_VALUE = re.compile(r"[\w.-]{0,64}")
VARIABLE = re.compile(r"\$\{(SYN2REAL_\w+)\}")
FROM_WORKFLOW = "_SYN2REAL_DECLARATION_"  # and the artifact's name, in hexadecimal digits


def redacted(text: str) -> str:
    """Return a text whose addresses have no user and password, and no secrets in their query.

    >>> redacted("see https://me:pass@host/a.zip?download=1&token=abc#key")
    'see https://host/a.zip?download=1&token=***#***'
    """
    return ADDRESS.sub(lambda found: _redacted(found[0]), text) if "://" in text else text


def _redacted(address: str) -> str:
    if not (parts := PARTS.fullmatch(address)):
        return HIDDEN
    scheme, host, path, query, fragment = parts.groups("")
    if re.search(r"^[^\[]*:\d*[^\d@][^@]*$", host) and "@" in path + query + fragment:
        host, _, path = f"{host}{path}{query}{fragment}".rpartition("@")[2].partition("/")
        path, query, fragment = f"/{path}".partition("?")[0], "", ""  # of a password with / ? #
    user, at, host = host.rpartition("@")
    if at and VARIABLE.search(user) and not VARIABLE.sub("", user).strip(":"):
        host = f"{user}@{host}"
    if query:
        query = "?" + re.sub(r"[^?&;]+", lambda found: _redacted_pair(found[0]), query[1:])
    return f"{scheme}{host}{path}{query}" + (f"#{HIDDEN}" if fragment else "")


def _redacted_pair(pair: str) -> str:
    key, equals, value = pair.partition("=")
    if VARIABLE.fullmatch(value) or key.lower() in TELLING and TELLING_VALUE.fullmatch(value):
        return pair
    return f"{key}={HIDDEN}" if equals else HIDDEN


def without_secrets(value: Any) -> Any:
    """Return a value, and all that is in it, with the texts redacted; also those that are JSON."""
    if isinstance(value, dict):
        return {
            key: _redacted(each)
            if key == "url" and isinstance(each, str) and ADDRESS.match(each)
            else without_secrets(each)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(each) for each in value]
    if not isinstance(value, str) or "://" not in value:
        return value
    if value.lstrip().startswith(("{", "[")):
        try:
            content = json.loads(value)
        except (ValueError, RecursionError):
            return redacted(value)
        clean = without_secrets(content)
        return value if clean == content else json.dumps(clean)
    if ADDRESS.match(value) and not re.search(r"\s", value):
        return _redacted(value)
    return redacted(value)


def hide(config: dict[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    """Return an experiment's config without the secrets of its addresses.

    Artifacts that have some go into ``environment`` as they are, for the fetch: what is there is
    written nowhere, unlike parameters and command lines.
    """
    clean: dict[str, Any] = without_secrets(config)
    for name, declaration in config["artifacts"].items():
        if declaration != clean["artifacts"][name]:
            environment[FROM_WORKFLOW + name.encode().hex()] = json.dumps(declaration)
    return clean


def restored(name: str, declaration: Any, environment: Mapping[str, str]) -> Any:
    """Return an artifact's declaration with the secrets that ``hide`` kept for it, if it did."""
    whole = json.loads(environment.get(FROM_WORKFLOW + name.encode().hex(), "null"))
    return whole if whole is not None and without_secrets(whole) == declaration else declaration


def missing_variables(address: str) -> Iterator[str]:
    """Yield the environment variables that an address names and that are not set."""
    yield from (name for name in VARIABLE.findall(address) if not os.environ.get(name))


def expanded(address: str) -> str:
    """Return an address with the values of the environment variables that it names.

    ``${SYN2REAL_TOKEN}``; others are left, so that no config of somebody else's can send them.
    """
    return VARIABLE.sub(lambda found: os.environ.get(found[1], ""), address)


def is_web(address: str | None) -> bool:
    """Say whether an address may become a link: of http or https, and of nothing else."""
    return re.fullmatch(r"https?://[^\s\x00-\x20<>\"\\]+", address or "") is not None
