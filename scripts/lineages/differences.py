"""What differs between two records besides their inputs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from files.text_file import read_text
from lineages.makers import (
    RESULTS,
    sha256_now,
)
from lineages.versions import (
    Version,
)
from records.record import Record

ABSENT = "none"
NAME = "experiment.name"  # a setting of the matrix that shapes nothing but paths
TEXTS = (".json", ".jsonl", ".tsv")


def differing(a: Record, b: Record, pairs: list[tuple[Version, Version]]) -> Iterator[tuple]:
    """Yield what differs between two records besides their inputs: what, and how.

    ``pairs`` are their matched inputs: a setting that only follows these is no difference.
    """
    if a.script != b.script:
        yield "script", f"{a.script} -> {b.script}"
        return
    followed = [(x.name, y.name) for x, y in pairs]
    for name, x, y in changed_keys(flat(a.content["parameters"]), flat(b.content["parameters"])):
        if (x, y) not in followed and name != NAME and unplaced(x, a) != unplaced(y, b):
            yield f"{a.script}: {name}", f"{shown(x)} -> {shown(y)}"
    for name, x, y in changed_keys(a.content["modules"], b.content["modules"]):
        yield f"code of {name}", "new" if x == ABSENT else "gone" if y == ABSENT else "changed"
    for name, x, y in changed_keys(a.content["packages"], b.content["packages"]):
        yield f"package {name}", f"{x} -> {y}"
    for name in ("python", "device"):
        if a.content[name] != b.content[name]:
            yield name, f"{a.content[name]} -> {b.content[name]}"


def changed_keys(a: dict[str, Any], b: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield the keys whose values differ, with both; ``ABSENT`` where there is none."""
    for key in sorted(a.keys() | b.keys()):
        x, y = a.get(key, ABSENT), b.get(key, ABSENT)
        if x != y:
            yield key, x, y


def flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one level: {"a": {"b": 1}} is {"a.b": 1}."""
    level: dict[str, Any] = {}
    for key, setting in settings.items():
        if isinstance(setting, dict) and setting:
            level |= flat(setting, f"{prefix}{key}.")
        else:
            level[f"{prefix}{key}"] = setting
    return level


def shown(setting: Any) -> str:
    """Return a value as it is shown."""
    return setting if isinstance(setting, str) else json.dumps(setting)


def experiment_of(record: Record) -> str | None:
    """Return the name of the experiment that a record is of."""
    first, *rest = Path(min(record.outputs)).parts
    return rest[0] if first == RESULTS and len(rest) > 1 else None


def unplaced(setting: Any, record: Record) -> str:
    """Return a setting, as JSON, without the checkout's folder and the experiment's name in paths.

    Of results/demo it leaves "results/*", of experiments/demo.yaml "experiments/*.yaml".
    """
    text = json.dumps(setting, sort_keys=True).replace(record.root.rstrip("/") + "/", "")
    if name := experiment_of(record):
        text = unnamed(text, name)
        text = re.sub(rf"/{re.escape(name)}(?=\.ya?ml\b)", "/*", text)
    return text


def unnamed(text: str, experiment: str) -> str:
    """Return a text without the experiment's name in the paths of its results."""
    return re.sub(rf"\b{RESULTS}/{re.escape(experiment)}(?=[/\s\"']|$)", f"{RESULTS}/*", text)


def same_but_for_names(a: Version, b: Version) -> bool:
    """Return whether two texts of differently named experiments differ in their paths only."""
    found = (experiment_of(version.record) for version in (a, b))
    names = [name for name in found if name is not None]
    if len(set(names)) < 2 or a.place.suffix not in TEXTS:
        return False
    if [sha256_now(version.place) for version in (a, b)] != [a.sha256, b.sha256]:
        return False
    texts = [
        unnamed(read_text(version.place), name) for version, name in zip((a, b), names, strict=True)
    ]
    return texts[0] == texts[1]


def circumstances(a: Record, b: Record) -> str:
    """Return what else may explain that the same work gave other bytes."""
    reasons = [
        f"{name} {a.content['run'][name]} and {b.content['run'][name]}"
        for name in ("host", "platform")
        if a.content["run"][name] != b.content["run"][name]
    ]
    if unplaced(a.content["command"], a) != unplaced(b.content["command"], b):
        reasons.append("another command (threads, processes, what is kept)")
    if not reasons:
        return "it is not deterministic, or a file was changed by hand"
    return f"what may: {'; '.join(reasons)}; or it is not deterministic"
