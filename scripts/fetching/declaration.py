"""An artifact's declaration, checked: what ``fetch.py`` describes, and nothing that it would run.

What package clients are given is a name and a version in the registry's own form, never an option,
a path, an address or a file of requirements, of which pip and npm run code.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from addresses import redacted
from errors import InputError
from escaping import OBEYED
from fetching.archives import ArchiveError, safe_name
from fetching.source import Source
from records.record import INDEX
from settings.fields import check_object, fill

SOURCE_KEYS: dict[str, set[str]] = {
    "hub": {"revision", "file", "members", "repo_type"},
    "url": {"member", "members"},
    "zenodo": {"file", "member", "members"},
    "pypi": {"member", "members"},
    "sdist": {"member", "members"},
    "npm": {"member", "members"},
    "deb": {"member", "members"},
    "path": {"member", "members"},
    "join": set(),
}
NEEDS_MEMBER = ("pypi", "sdist", "npm", "deb")
KNOWN = "known.json"
FIRST_USE = "first-use"
MAX_NAME = 200  # characters of a file's name
REPO_TYPES = ("model", "dataset", "space")

WORD = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
NPM_NAME = r"[a-z0-9][a-z0-9._~-]*"
PYTHON_PACKAGE = (  # a version as PEP 440 writes it, so not the name of a file
    rf"{WORD}==(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?"
    r"(?:\+[a-z0-9]+(?:\.[a-z0-9]+)*)?"
)
SPECS = {  # of the kinds whose value is one, with an example
    "hub": (rf"(?:{WORD}/)?{WORD}", "owner/repo"),
    "zenodo": (r"[0-9]+", "4274930"),
    "pypi": (PYTHON_PACKAGE, "name==1.2.3"),
    "sdist": (PYTHON_PACKAGE, "name==1.2.3"),
    "npm": (
        rf"(?:@{NPM_NAME}/)?{NPM_NAME}@[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]+)?",
        "name@1.2.3",
    ),
    "deb": (
        r"[a-z0-9][a-z0-9.+-]*[a-z0-9+](?::[a-z0-9-]*[a-z0-9])?(?:=[0-9][0-9A-Za-z.+~:-]*)?",
        "name or name=1.2-3",
    ),
    "path": (r"[^\x00-\x1f\x7f]+", "/local/file"),
}


@dataclass(frozen=True)
class Artifact:
    """What is said of an artifact."""

    licence: Annotated[str, {"pattern": r"(?s).*\S.*", "description": "its name, as SPDX has it"}]
    files: dict  # entries by name
    forbids: str = ""  # in words


@dataclass(frozen=True)
class Entry:
    """What is said of a file, or of a folder of files."""

    sources: Annotated[list, {"minItems": 1}]
    sha256: Annotated[
        str | None, {"pattern": "[0-9a-f]{64}", "description": "64 hexadecimal digits, quoted"}
    ] = None
    checksum: Literal["first-use"] | None = None


def check_declaration(declaration: Any) -> None:
    """Refuse a declaration with a missing, unknown or impossible entry, and say which."""
    artifact = fill(Artifact, declaration, "artifact")
    if not artifact.files:
        raise InputError("artifact: files is empty; map at least one name to sha256 and sources")
    check_file_names(artifact.files)
    for name, content in artifact.files.items():
        entry = fill(Entry, content, name)
        if (entry.sha256 is None) == (entry.checksum is None):
            raise InputError(
                f"{name}: give either sha256 or, if it is not known, checksum: {FIRST_USE}"
            )
        for source in entry.sources:
            check_source(source, name, pinned=entry.sha256 is not None)
        if len({is_folder(source) for source in entry.sources}) > 1:
            raise InputError(f"{name}: some sources give a file, others (with members) a folder")


def check_file_names(names: Any) -> None:
    """Refuse a name that is no plain path, that is the index's, or that another one excludes."""
    for name in names:
        try:
            path = safe_name(name)
        except ArchiveError as error:
            raise InputError(f"files: {error}; use a name below the artifact's folder") from None
        if str(path) != name:
            raise InputError(f"files: {name!r} is not in its shortest form; write {str(path)!r}")
        if len(name) > MAX_NAME:
            raise InputError(f"files: {name[:60]!r}... is longer than {MAX_NAME} characters")
        if not re.match("[A-Za-z0-9_]", name):
            raise InputError(f"files: {name!r} must begin with a letter, a digit or '_'")
        first = path.parts[0].lower()
        if first in (INDEX, KNOWN) or first.startswith(f"{INDEX}."):
            raise InputError(f"files: {name!r} is the name of the index; choose another")
        for other in names:
            same = other != name and other.lower() == name.lower()
            if same or PurePosixPath(name.lower()) in PurePosixPath(other.lower()).parents:
                raise InputError(f"files: {name!r} and {other!r} can't both be there; rename one")


def check_source(source: Any, name: str, pinned: bool) -> None:
    """Refuse a source with a missing or unknown key; a ``pinned`` one also if it can move."""
    kinds = [kind for kind in SOURCE_KEYS if isinstance(source, dict) and kind in source]
    if len(kinds) != 1:
        raise InputError(
            f"{name}: source {redacted(repr(source))} must have one of {', '.join(SOURCE_KEYS)}"
        )
    kind = kinds[0]
    check_object(source, [kind, *sorted(SOURCE_KEYS[kind])], f"{name}: source {kind}")
    if kind == "join":
        if not isinstance(source["join"], list) or not source["join"]:
            raise InputError(f"{name}: join is empty; list the parts in their order")
        for part in source["join"]:
            check_source(part, name, pinned)
            if "join" in part or is_folder(part):
                raise InputError(f"{name}: a part of join must be one file")
        return
    if "member" in source and "members" in source:
        raise InputError(f"{name}: source {kind} has both member (a file) and members (a folder)")
    if kind in NEEDS_MEMBER and not {"member", "members"} & set(source):
        raise InputError(f"{name}: source {kind} needs member, the file's path in the package")
    if kind == "zenodo" and "file" not in source:
        raise InputError(f"{name}: source zenodo needs file, a name in the record")
    if kind == "url":
        check_address(source["url"], name)
    else:
        check_spec(kind, source[kind], name)
    if is_folder(source) and not patterns(source):
        raise InputError(f"{name}: source {kind}: members is empty; list at least one pattern")
    inside = [source[key] for key in ("file", "member") if key in source]
    for text in [*inside, *(patterns(source) if is_folder(source) else [])]:
        if not isinstance(text, str) or not re.fullmatch(r"[^\x00-\x1f\x7f]+", text):
            raise InputError(
                f"{name}: source {kind} has {text!r}; name a file inside, or with members a pattern"
                " or a list of them"
            )
    if kind == "hub":
        check_hub(source, name, pinned)


def check_hub(source: Source, name: str, pinned: bool) -> None:
    """Refuse a source on a hub that can move, or that names no file."""
    if "file" not in source and "members" not in source:
        raise InputError(f"{name}: source hub needs file, the path in the repository")
    revision = source.get("revision")
    commit = re.fullmatch("[0-9a-f]{40}", str(revision))
    if "revision" not in source or pinned and not commit:
        raise InputError(
            f"{name}: source hub has revision {revision!r}; pin the commit"
            f" (40 hexadecimal digits), branches and tags move, or say checksum: {FIRST_USE}"
        )
    branch = re.fullmatch(rf"{WORD}(?:/{WORD})*", str(revision))  # the client makes a file of it
    if not branch or ".." in str(revision):
        raise InputError(f"{name}: source hub has revision {revision!r}, no branch, tag or commit")
    if source.get("repo_type", "model") not in REPO_TYPES:
        raise InputError(
            f"{name}: source hub has repo_type {source['repo_type']!r}; it is one of"
            f" {', '.join(REPO_TYPES)}"
        )
    if "file" in source:
        try:
            safe_name(source["file"])
        except ArchiveError as error:
            raise InputError(f"{name}: source hub: {error}") from None


def check_spec(kind: str, spec: Any, name: str) -> None:
    """Refuse what is no name (and version) in a registry's own form: an option, a path, a URL."""
    pattern, example = SPECS[kind]
    text = str(spec) if kind == "zenodo" else spec
    right = isinstance(text, str) and re.fullmatch(pattern, text)
    if not right or ".." in text and kind != "path":
        raise InputError(
            f"{name}: source {kind} is {redacted(repr(spec))}; write it as in {kind}: {example}"
        )


def check_address(address: Any, name: str) -> None:
    """Refuse what is no address of an HTTP server."""
    if not isinstance(address, str):
        raise InputError(f"{name}: source url is {redacted(repr(address))}; write one address")
    if bad := re.search(
        rf"[\s\"<>\\]|{OBEYED.pattern}", address
    ):  # what stands behind may be a secret
        raise InputError(
            f"{name}: the address of source url, {redacted(address[: bad.start()])}..., has a"
            ' space, a control character or one of " < > \\; write them as %20, %22, ...'
        )
    told = f"{name}: source url is {redacted(repr(address))}"
    try:
        parts = urlsplit(address)
        has_host = bool(parts.hostname) and parts.port != 0  # a port that is no number raises
        (parts.hostname or "").encode("idna")  # so does a name that no host can have
    except ValueError:
        raise InputError(
            f"{told}, which has no host; write @ : / ? # in a password as %40 %3A %2F ..."
        ) from None
    if parts.scheme not in ("http", "https") or not has_host:
        raise InputError(
            f"{told}: only http and https addresses are fetched; use 'path' for a local file"
        )


def is_folder(source: Source) -> bool:
    """Say whether a source gives a folder of files."""
    return "members" in source


def patterns(source: Source) -> list[str]:
    """Return what a source's ``members`` must match: one pattern, or one of several."""
    members = source["members"]
    return members if isinstance(members, list) else [members]
