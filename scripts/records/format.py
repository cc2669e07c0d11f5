"""What a record may say: it may come from anywhere, and is read by people and shells."""

import re
from os.path import normpath
from typing import Any

from escaping import OBEYED

MAX_DEPTH = 32  # of what is nested in it
LAST = 253_402_300_799  # s from 1970 to the end of the year 9999
MAX_NAME = 4096  # characters of a path, as of the system's own bound
SCRIPT = re.compile(r"\w+\.py")
MODULE = re.compile(r"[\w./-]+\.py")
SHA256 = re.compile(r"[0-9a-f]{64}")
CODE = re.compile(r"[0-9a-f]{16}")
COMMIT = re.compile(r"[0-9a-f]{40,64}|unknown")


def check_content(content: dict[str, Any]) -> None:
    """Raise an error if a record is not what a stage writes: it may come from anywhere.

    What it says is read by people and shells: names are in one line, hashes are hashes.
    """
    check_depth(content)
    check_names(content)
    run = content["run"]
    hashes = [*content["outputs"].values(), *content["inputs"].values()]
    patterns = [
        (SHA256, hashes, "a SHA-256"),
        (CODE, [content["code"], *content["modules"].values()], "a hash of code"),
        (SCRIPT, [content["script"]], "a script"),
        (MODULE, content["modules"], "a module"),
        (COMMIT, [content["commit"]], "a commit"),
    ]
    for pattern, texts, what in patterns:
        for text in texts:
            if not isinstance(text, str) or not pattern.fullmatch(text):
                raise ValueError(f"{str(text)[:200]!r} is not {what}")
    for key in ("outputs", "inputs", "licences", "parameters", "packages", "modules"):
        content[key].items()
    for terms in content["licences"].values():
        if not isinstance(terms["licence"], str) or not isinstance(terms.get("forbids", ""), str):
            raise TypeError("a licence is no text")
    parameters, sources = content["parameters"], content.get("sources", {})
    named = [parameters.get(key, "") for key in ("domain", "artifact")] + [*sources.values()]
    if not all(name is None or isinstance(name, str) for name in named):
        raise TypeError("a domain, artifact or source is no text")
    if content["script"] == "fetch.py":
        for name, file in parameters.get("files", {}).items():
            if not all(isinstance(source, dict) for source in [{}, *file["sources"]]):
                raise TypeError(f"a declared source of {name!r} is none")
    command = content["command"]
    if not isinstance(command, list) or not all(isinstance(part, str) for part in command):
        raise TypeError("its command is no list of texts")
    if command[:1] != [content["script"]]:
        raise ValueError("its command is not one of its script")
    if not content["outputs"] or not isinstance(content["dirty"], bool):
        raise ValueError("it names no output, or does not say whether the code was changed")
    times = [run[key] for key in ("started", "ended", "lineage_seconds", "peak_memory")]
    if not all(isinstance(time, int | float) and 0 <= time < 1e18 for time in times):
        raise ValueError(f"its times and memory {times} are not all numbers from 0 on")
    if max(run["started"], run["ended"]) > LAST:
        raise ValueError(f"it tells of a time after the year 9999: {times}")
    if itself := {*map(normpath, content["outputs"])} & {*map(normpath, content["inputs"])}:
        raise ValueError(f"{min(itself)[:200]!r} is told to be made of itself")
    for stamp in run["stamps"].values():
        if len(stamp) != 3 or not all(isinstance(number, int) for number in stamp):
            raise ValueError(f"{stamp!r} is not inode, time and size of a file")


def check_names(content: dict[str, Any]) -> None:
    """Raise ``ValueError`` if a name in a record, of a file first of all, is not in one line."""
    names = [*content["outputs"], *content["inputs"], *content["licences"], *content["modules"]]
    names += [*content["packages"], *content["packages"].values(), content["script"]]
    names += [content["python"], content["device"], content["commit"]]
    names += [*content["run"]["stamps"], content["run"]["host"], content["run"]["platform"]]
    is_text = all(isinstance(name, str) for name in names)
    if is_text and not OBEYED.search(" ".join(names)) and max(map(len, names)) <= MAX_NAME:
        return
    for name in names:
        if not isinstance(name, str) or len(name) > MAX_NAME or OBEYED.search(name):
            raise ValueError(
                f"{str(name)[:200]!r} is no name of at most {MAX_NAME} characters in one line"
            )


def check_depth(value: Any, depth: int = 0) -> None:
    """Raise ``ValueError`` if what is in a record is nested too deep."""
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            check_depth(each, depth + 1)


def check_texts(value: Any) -> None:
    """Raise ``ValueError`` if a text in a record has control characters, but for line ends."""
    if isinstance(value, dict):
        for each in value.items():
            check_texts(list(each))
    elif isinstance(value, list):
        for each in value:
            check_texts(each)
    elif isinstance(value, str) and any(found not in "\n\r\t" for found in OBEYED.findall(value)):
        raise ValueError(f"{value[:200]!r} has control characters")
