"""What records say of a checkpoint's speech, engines, base model and licences."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from files.manifest import read_manifest
from records.reading import record_of_fetched
from records.record import Record
from reporting.card_history import History

UNKNOWN = "unknown: no record tells it"
PURPOSES = {  # of the external files that a stage brings in
    "augment.py": "noise and rooms",
    "prepare.py": "data of a domain",
    "pretrained.py": "recogniser",
    "synthesize.py": "text to speech",
    "write_texts.py": "language model that wrote texts",
    "xvectors.py": "speaker encoder",
}
# https://huggingface.co/docs/hub/repositories-licenses, those that models and data have
HUB_LICENCES = (
    "apache-2.0", "mit", "openrail", "bigscience-openrail-m", "creativeml-openrail-m",
    "bigcode-openrail-m", "openmdw-1.0", "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd",
    "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "c-uda", "cc0-1.0", "cc-by-2.0",
    "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0",
    "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cdla-sharing-1.0",
    "cdla-permissive-1.0", "cdla-permissive-2.0", "ecl-2.0", "epl-1.0", "epl-2.0", "eupl-1.1",
    "eupl-1.2", "agpl-3.0", "gfdl", "gpl-2.0", "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "isc", "mpl-2.0",
    "odbl", "odc-by", "ofl-1.1", "osl-3.0", "pddl", "unlicense", "zlib",
)  # fmt: skip


def about_speech(training: Record | None) -> dict[str, Any]:
    """Return on what a training run was, if any: domains, utterances and, of each TTS, voices."""
    paths = map(training.at, training.content["manifests"]["train"]) if training else ()
    rows = [row for path in paths for row in read_manifest(path)]
    voices: dict[str, set[str]] = {}
    for row in rows:
        if "tts" in row:
            voices.setdefault(row["tts"], set()).add(row["voice"])
    return {
        "domains": sorted({row["domain"] for row in rows}),
        "utterances": len(rows),
        "of_tts": Counter(row["tts"] for row in rows if "tts" in row),
        "voices": {tts: sorted(names) for tts, names in voices.items()},
    }


def about_aids(own: Record) -> dict[str, Any]:
    """Return how many key terms and texts lead a delivered checkpoint's decoder, how strongly."""
    counts, strengths = own.content["counts"], own.content["parameters"]
    return {kind: counts.get(kind) for kind in ("terms", "texts")} | {
        kind: strengths[kind] for kind in ("terms_bonus", "texts_weight")
    }


def about_domain(history: History, name: str) -> dict[str, Any]:
    """Return what is known of a domain: its texts to train on, and its recordings, if any.

    ``line`` is the simulated line that these went through, or null.
    """
    prepared = [
        record.content
        for record in history.made_by("prepare.py")
        if record.content["parameters"]["domain"] == name
    ]
    counts = prepared[0]["counts"] if prepared else {"texts": {}, "splits": {}}
    declared = prepared[0]["parameters"].get("declaration", {}) if prepared else {}
    return {
        "name": name,
        "line": declared.get("line"),
        "texts": counts["texts"].get("train"),
        "recordings": counts["splits"].get("train", {}).get("utterances"),
    }


def about_base(history: History, name: str) -> dict[str, Any]:
    """Return a base model's name, its repository on the hub, if known, and its licences."""
    *_, pretrained = history.descent(history.own)
    return {
        "name": name,
        "hub": hub_name(pretrained),
        "licences": [each["licence"] for each in pretrained.content["licences"].values()],
    }


def hub_name(pretrained: Record) -> str | None:
    """Return the repository of a base model on the hub: whence it was fetched, or OpenAI's own."""
    for path in map(Path, pretrained.inputs):
        fetched = record_of_fetched(pretrained.at(str(path)))
        source = fetched.content["sources"].get(path.name, "") if fetched else ""
        if match := re.match(r"hub ([^\s:]+)", source):
            return match[1]
        if path.suffix in (".pt", ".bin") and path.parent.name == f"whisper-{path.stem}":
            return f"openai/{path.parent.name}"
    return None


def about_engines(history: History, speech: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the TTS that spoke a training's texts: engine, number of voices and utterances."""
    engine_of = {
        record.content["parameters"]["tts"]: record.content["parameters"]["engine"]
        for record in history.made_by("synthesize.py")
    }
    return [
        {"tts": tts, "engine": engine_of.get(tts), "utterances": count}
        | {"voices": len(speech["voices"][tts])}
        for tts, count in sorted(speech["of_tts"].items())
    ]


def licences_of(history: History) -> list[dict[str, str]]:
    """Return the licence of each external, what it forbids, what it served for, and its origin."""
    by_name: dict[str, dict[str, Any]] = {}
    for record in history.records:
        terms_of = record.content["licences"]
        for name in terms_of.keys() | externals(history, record):
            terms = terms_of.get(name, {"licence": UNKNOWN})
            row = by_name.setdefault(name, {"name": name, "purposes": [], "sources": []})
            row |= {"licence": terms["licence"], "forbids": terms.get("forbids", "")}
        for name in terms_of if record.script == "fetch.py" else ():
            by_name[name]["sources"] += map(origin, record.content["sources"].values())
        for name in externals(history, record):
            by_name[name]["purposes"].append(PURPOSES[record.script])
    lists = ("purposes", "sources")
    return [
        row | {key: ", ".join(dict.fromkeys(row[key])) for key in lists}
        for _, row in sorted(by_name.items())
    ]


def externals(history: History, record: Record) -> set[str]:
    """Return the names of the externals that a stage has read itself, not had from an earlier one.

    A fetched folder without a record, which would tell its licence, goes by its own name.
    """
    if record.script not in PURPOSES:
        return set()
    inherited = {
        name
        for path in record.inputs
        if path in history.maker and history.maker[path].script != "fetch.py"
        for name in history.maker[path].content["licences"]
    }
    names = set(record.content["licences"]) - inherited
    if record.content["parameters"].get("domain") in names:  # the user's own files
        return names
    return names | {
        Path(path).parent.name
        for path in record.inputs
        if path not in history.maker and record_of_fetched(record.at(path)) is None
    }


def origin(source: str) -> str:
    """Return whence a file was fetched: the package, repository or URL, without what is in it."""
    return "a local file" if source.startswith("path ") else source.split(": ")[0]


def hub_licence(base: dict[str, Any], licences: Iterable[dict[str, str]]) -> dict[str, str]:
    """Return the card's licence: the base model's, if nothing in the model forbids anything.

    Else ``other``, whose name points to the card's text; a link must be a URL.
    """
    [own] = base["licences"] if len(base["licences"]) == 1 else [""]
    identifier = re.sub(r"[\s_]+", "-", own.strip().lower())
    if identifier in HUB_LICENCES and not any(row["forbids"] for row in licences):
        return {"license": identifier}
    link = re.search(r"https?://[^\s)>\"']+", own)
    return {"license": "other", "license_name": "see-licences-in-this-card"} | (
        {"license_link": link[0]} if link and identifier not in HUB_LICENCES else {}
    )
