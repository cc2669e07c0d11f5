"""Settings, times and licences in words."""

from collections.abc import Iterable
from typing import Any

from records.record import Record

KEY_SETTINGS = (
    "command", "domain", "tts", "voices", "learning_rate", "epochs", "max_steps", "batch_size",
    "scaling_coefficient", "max_cer", "per", "resamples", "chosen_on", "window", "seed",
)  # fmt: skip
FEW = 3  # things that are named one by one


def licences_in_words(records: Iterable[Record]) -> list[str]:
    """Return the licences of all that is in some files, one a line, with what they forbid."""
    licences: dict[str, dict[str, str]] = {}
    for record in records:
        licences |= record.content["licences"]
    return [f"{name}: {licence_in_words(licences[name])}" for name in sorted(licences)]


def licence_in_words(licence: dict[str, str] | None) -> str:
    """Return a licence and what it forbids."""
    if not licence:
        return "licence unknown"
    forbidden = f", forbids {licence['forbids']}" if licence.get("forbids") else ""
    return f"licence {licence['licence']}{forbidden}"


def declared(source: dict[str, Any]) -> str:
    """Return a declared source in a few words."""
    return " ".join(f"{key} {value}" for key, value in source.items())


def in_words(parameters: dict[str, Any], whole: bool) -> str:
    """Return settings in one line: the few that matter, or all."""
    names = parameters if whole else [name for name in KEY_SETTINGS if name in parameters]
    return ", ".join(
        f"{name} {value_in_words(parameters[name], whole)}"
        for name in names
        if parameters[name] is not None
    )


def value_in_words(value: Any, whole: bool) -> str:
    """Return a setting's value; a long list as its first values and their number."""
    if isinstance(value, list):
        few = value if whole or len(value) <= FEW else value[:FEW]
        more = f" ... ({len(value)})" if len(few) < len(value) else ""
        return " ".join(map(str, few)) + more
    return f"{value:g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    """Return a time in the unit that reads best."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def few(items: Iterable[str], separator: str) -> str:
    """Return the first items, and how many there are more."""
    items = list(items)
    more = f" and {len(items) - FEW} more" if len(items) > FEW else ""
    return separator.join(items[:FEW]) + more
