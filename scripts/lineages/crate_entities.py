"""What an RO-Crate is filled with: files, other entities, licences and settings."""

import hashlib
import json
import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rocrate.model import ContextEntity, Entity, File
from rocrate.rocrate import ROCrate

from files.checksum import sha256
from lineages.code import SCRIPTS

CHECKOUT = SCRIPTS.parent
TERMS = "https://w3id.org/ro/terms/workflow-run#"
SPDX = re.compile(r"MIT|[A-Za-z]+(-[A-Za-z]+)*-\d+(\.\d+)*")  # the names that are in use here
FORMATS = {
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".flac": "audio/flac",
    ".wav": "audio/wav",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".tsv": "text/tab-separated-values",
    ".md": "text/markdown",
    ".txt": "text/plain",
    ".py": "text/x-python",
    ".smk": "text/plain",
    ".rst": "text/plain",
    ".yaml": "application/yaml",
    ".dot": "text/vnd.graphviz",
}


class Entities:
    """The entities of an RO-Crate in the making; what is added twice under one name is one."""

    def __init__(self) -> None:
        self.crate = ROCrate(version="1.1")
        self.crate.metadata.extra_terms = {
            term: TERMS + term for term in ("sha256", "resourceUsage")
        }

    def add(self, identifier: str, type: str | list[str], **properties: Any) -> Entity:
        """Add something that is no file; properties that are None or empty are left out."""
        return self.crate.add(
            ContextEntity(self.crate, identifier, {"@type": type} | filled(properties))
        )

    def add_text(self, name: str, text: str, description: str) -> File:
        """Add a file of this text."""
        properties = {"name": name, "encodingFormat": encoding(name), "description": description}
        properties["sha256"] = hashlib.sha256(text.encode()).hexdigest()
        return self.crate.add_file(StringIO(text), name, properties=properties, record_size=True)

    def add_file(self, place: Path, path: str, **properties: Any) -> File:
        """Add a file that no record names."""
        known = {"name": path, "encodingFormat": encoding(path), "sha256": sha256(place)}
        known |= filled(properties)
        return self.crate.add_file(place, path, properties=known, record_size=True)

    def add_code(self, path: str, **properties: Any) -> File:
        """Add a file of the checkout."""
        types = {"@type": ["File", "SoftwareSourceCode"]}
        return self.add_file(CHECKOUT / path, path, **types, **properties)

    def licence(self, licences: dict[str, dict[str, str]]) -> list[Entity] | Entity | None:
        """Return the entities of some licences, each once."""
        return one_or_many(
            [
                self.add(
                    f"https://spdx.org/licenses/{name}"
                    if SPDX.fullmatch(name)
                    else f"#licence/{quote(name)}",
                    "CreativeWork",
                    name=name,
                    description=f"{name}; forbids {forbids}" if forbids else name,
                )
                for name, forbids in sorted(
                    {(each["licence"], each.get("forbids", "")) for each in licences.values()}
                )
            ]
        )

    def settings(self, owner: str, values: dict[str, Any]) -> list[Entity]:
        """Add settings and the formal parameters that they are values of."""
        entities = []
        for name, value in sorted(values.items()):
            formal = f"#{owner}/{quote(name)}"
            plain = isinstance(value, bool | int | float | str)
            text = json.dumps(value, sort_keys=True)
            parameter = self.add(
                formal, "FormalParameter", name=name, additionalType="PropertyValue"
            )
            entities.append(
                self.add(f"{formal}={quote(text, safe='')}", "PropertyValue", name=name,
                         value=value if plain and value != "" else text, exampleOfWork=parameter)
            )  # fmt: skip
        return entities


def encoding(path: str | Path) -> str:
    """Return a file's media type, from its name."""
    return FORMATS.get(Path(path).suffix, "application/octet-stream")


def filled(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the properties that have a value."""
    return {key: value for key, value in properties.items() if value not in (None, [], "")}


def one_or_many(entities: Iterable[Entity]) -> list[Entity] | Entity | None:
    """Return a single entity as itself: RO-Crate 1.1 asks for no list of one."""
    entities = list(entities)
    return entities[0] if len(entities) == 1 else entities or None
