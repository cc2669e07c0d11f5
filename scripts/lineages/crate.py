"""An experiment's lineage as an RO-Crate of the profile Provenance Run Crate 0.5.

Small files are copied into the crate. Large ones, and those of others, are named by the URI of
their SHA-256 (RFC 6920) and their path. Nothing in the crate depends on when it was written.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rocrate.model import ContextEntity, DataEntity, Entity, File
from rocrate.rocrate import ROCrate

from errors import InputError
from files.checksum import sha256
from lineages.artifacts import Artifact, Lineage
from lineages.files import SCRIPTS, Code
from lineages.graphs import iso, sidecar_path
from records.record import INDEX, MODEL_CARD, Record, ended

CHECKOUT = SCRIPTS.parent
SNAKEFILE = "Snakefile"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
TERMS = "https://w3id.org/ro/terms/workflow-run#"
BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
COMPLETED = "http://schema.org/CompletedActionStatus"
ENGINE = "https://snakemake.github.io/"
SOFTWARE_LICENCE = "Apache-2.0"
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
LARGE = ("models", "task_vectors", "speakers", "audio")  # folders of an experiment
Version = tuple[str, str]  # of a script: its name, its code's hash


class RunCrate:
    """An RO-Crate in the making; ``with_files`` copies the experiment's large files, too."""

    def __init__(self, lineage: Lineage, with_files: bool) -> None:
        self.lineage = lineage
        self.with_files = with_files
        self.code = Code(SCRIPTS)
        self.crate = ROCrate(version="1.1")
        self.crate.metadata.extra_terms = {
            term: TERMS + term for term in ("sha256", "resourceUsage")
        }
        self.actions: dict[str, Entity] = {}
        self.files: dict[tuple[str, str], Entity] = {}

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

    def is_own(self, artifact: Artifact) -> bool:
        """Say whether a stage made a file in the experiment's folder."""
        inside = Path(artifact.path).is_relative_to(self.lineage.folder)
        return inside and artifact.sidecar is not None

    def is_copied(self, artifact: Artifact) -> bool:
        """Say whether a file goes into the crate: the experiment's, there, small or asked for."""
        path = Path(artifact.path)
        if not artifact.place.is_file():
            return False
        if not self.is_own(artifact):
            return artifact.sidecar is not None and path.name == INDEX
        kind = path.relative_to(self.lineage.folder).parts[0]
        return self.with_files or kind not in LARGE or path.name in MODEL_CARD

    def add_artifact(self, artifact: Artifact) -> None:
        """Add a file: with its bytes, which are checked, or by name and SHA-256 alone."""
        properties = {
            "name": artifact.path,
            "sha256": artifact.sha256,
            "contentSize": None if artifact.size is None else str(artifact.size),
            "encodingFormat": None if artifact.is_folder else encoding(artifact.path),
            "license": self.licence(artifact.licences),
            "url": artifact.url,
            "description": artifact.source and f"fetched from {artifact.source}",
        }
        properties = filled(properties)
        if self.is_copied(artifact):
            check_is_recorded(artifact)
            entity = self.crate.add_file(
                artifact.place, artifact.path, properties=filled(properties)
            )
        else:
            type = "Dataset" if artifact.is_folder else "File"
            entity = self.crate.add(
                DataEntity(self.crate, by_hash(artifact), {"@type": type} | properties)
            )
        self.files[artifact.key] = entity

    def add_file(self, place: Path, path: str, **properties: Any) -> File:
        """Add a file that no record names."""
        told = {"name": path, "encodingFormat": encoding(path), "sha256": sha256(place)}
        told |= filled(properties)
        return self.crate.add_file(place, path, properties=told, record_size=True)

    def add_audio(self) -> None:
        """Add the folder of the experiment's audio, which the caller copies."""
        told = "the experiment's audio; the manifests name each file with its SHA-256"
        properties = {"@type": "Dataset", "name": "audio", "description": told}
        identifier = f"{quote(self.lineage.audio)}/"
        self.crate.add(DataEntity(self.crate, identifier, properties))

    def add_code(self, path: str, **properties: Any) -> File:
        """Add a file of the checkout."""
        types = {"@type": ["File", "SoftwareSourceCode"]}
        return self.add_file(CHECKOUT / path, path, **types, **properties)

    def add_tools(self) -> dict[Version, Entity]:
        """Add the scripts that ran, each version once; return them by name and code's hash.

        The text of a script is in the crate if it still is the code that ran.
        """
        tools: dict[Version, Entity] = {}
        for record in self.lineage.records:
            script, code = version_of(record)
            if (script, code) in tools:
                continue
            told = {"version": code, "softwareRequirements": self.packages(record)}
            told |= {"programmingLanguage": self.python(record), "license": SOFTWARE_LICENCE}
            if self.code.change(record) is None:
                tools[script, code] = self.add_code(f"scripts/{script}", **told)
            else:
                then = f"{script} as it was at commit {record.content['commit']}"
                told |= {"name": f"scripts/{script}", "description": then}
                tools[script, code] = self.add(f"#{script}@{code}", "SoftwareSourceCode", **told)
        self.add_modules({script for script, _ in tools})
        return tools

    def add_modules(self, scripts: set[str]) -> None:
        """Add the modules that the scripts imported, where they still are the code that ran."""
        versions = {
            module: version
            for record in self.lineage.records
            if self.code.change(record) is None
            for module, version in record.content["modules"].items()
        }
        for module, version in sorted(versions.items()):
            if module not in scripts:
                self.add_code(f"scripts/{module}", version=version)

    def packages(self, record: Record) -> list[Entity] | Entity | None:
        """Add the packages that a stage ran with."""
        return one_or_many(
            [
                self.add(f"pkg:pypi/{name}@{version}", "SoftwareApplication", name=name,
                         softwareVersion=version)
                for name, version in sorted(record.content["packages"].items())
            ]
        )  # fmt: skip

    def python(self, record: Record) -> Entity:
        """Add the Python that a stage ran with."""
        version = record.content["python"]
        return self.add(f"#python-{version}", "ComputerLanguage", name="Python", version=version)

    def settings(self, owner: str, values: dict[str, Any]) -> list[Entity]:
        """Add settings and the formal parameters that they are values of."""
        found = []
        for name, value in sorted(values.items()):
            formal = f"#{owner}/{quote(name)}"
            plain = isinstance(value, bool | int | float | str)
            text = json.dumps(value, sort_keys=True)
            parameter = self.add(
                formal, "FormalParameter", name=name, additionalType="PropertyValue"
            )
            found.append(
                self.add(f"{formal}={quote(text, safe='')}", "PropertyValue", name=name,
                         value=value if plain and value != "" else text, exampleOfWork=parameter)
            )  # fmt: skip
        return found

    def add_action(self, record: Record, tool: Entity) -> None:
        """Add a stage's run: what it read, its settings, what it wrote, when, and its memory."""
        content, path = record.content, sidecar_path(self.lineage, record)
        name = f"#run/{quote(path)}"
        memory = self.add(f"{name}#memory", "PropertyValue", name="peak memory",
                          propertyID="peak_memory", value=content["run"]["peak_memory"],
                          unitCode="https://qudt.org/vocab/unit/BYTE")  # fmt: skip
        code = content["commit"] + (" and changes of its own" if content["dirty"] else "")
        told = self.add_record(record, path)
        read = [self.files[each.key] for each in self.lineage.used(record)]
        settings = {key: value for key, value in content["parameters"].items() if value is not None}
        self.actions[record.sidecar] = self.add(
            name,
            "CreateAction",
            name=f"{record.script}: {path.removesuffix('.lineage.json')}",
            description=f"{record.script} on {content['device']}, commit {code}",
            instrument=tool,
            object=one_or_many(read + self.settings(record.script, settings)),
            result=one_or_many([self.files[each.key] for each in self.lineage.made(record)]),
            startTime=iso(content["run"]["started"]),
            endTime=iso(ended(record)),
            actionStatus=COMPLETED,
            resourceUsage=memory,
            subjectOf=told,
        )

    def add_record(self, record: Record, path: str) -> Entity:
        """Add a record, without the secrets of addresses that one of before may have."""
        text = Path(record.sidecar).read_text(encoding="utf-8")
        if json.loads(text) == record.content:
            return self.add_file(Path(record.sidecar), path, description="lineage record")
        clean = json.dumps(record.content, indent=1, sort_keys=True) + "\n"
        return self.add_text(path, clean, "lineage record")

    def add_workflow(self, tools: dict[Version, Entity]) -> Entity:
        """Add the Snakefile with its rules and scripts."""
        commit = self.lineage.summary.content["commit"]
        for path in sorted(CHECKOUT.glob("rules/*.*")):
            self.add_code(str(path.relative_to(CHECKOUT)), version=commit)
        properties = {"name": "syn2real", "version": commit, "license": SOFTWARE_LICENCE}
        properties |= {"encodingFormat": "text/plain", "sha256": sha256(CHECKOUT / SNAKEFILE)}
        types = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
        workflow = self.crate.add_workflow(
            CHECKOUT / SNAKEFILE, SNAKEFILE, main=True, lang="snakemake", record_size=True,
            properties={"@type": types} | properties,
        )  # fmt: skip
        workflow["conformsTo"] = self.add(BIOSCHEMAS, "CreativeWork", name="ComputationalWorkflow")
        workflow["hasPart"] = one_or_many(tools.values())
        return workflow

    def add_run(self, workflow: Entity, tools: dict[Version, Entity]) -> None:
        """Add the run of the workflow, which organized the runs of its steps."""
        records = self.lineage.records
        steps = {
            version: self.add(f"#step/{'@'.join(version)}", "HowToStep", name=version[0],
                              position=str(number), workExample=tool)
            for number, (version, tool) in enumerate(tools.items(), start=1)
        }  # fmt: skip
        workflow["step"] = one_or_many(steps.values())
        controls = [
            self.add(f"#step-{action.id[1:]}", "ControlAction", name=f"step {action['name']}",
                     instrument=steps[version_of(record)], object=action)
            for record, action in zip(records, self.actions.values(), strict=True)
        ]  # fmt: skip
        times = {
            "startTime": iso(min(record.content["run"]["started"] for record in records)),
            "endTime": iso(max(ended(record) for record in records)),
        }
        run = self.add("#run", "CreateAction", name=f"experiment {self.lineage.name}",
                       description=f"{len(records)} runs of {len(tools)} scripts, by Snakemake",
                       instrument=workflow, object=self.inputs(workflow), result=self.results(),
                       actionStatus=COMPLETED, **times)  # fmt: skip
        engine = self.add(ENGINE, "SoftwareApplication", name="Snakemake", url=ENGINE)
        self.add("#organize", "OrganizeAction", name="Snakemake", instrument=engine,
                 object=one_or_many(controls), result=run, **times)  # fmt: skip
        self.crate.root_dataset["mentions"] = [run, *self.actions.values()]

    def inputs(self, workflow: Entity) -> list[Entity]:
        """Return what the experiment was made from: its settings, and the files from outside."""
        given = [self.files[each.key] for each in self.lineage.external()]
        experiments = [
            record.content["parameters"].get("experiment") for record in self.lineage.records
        ]
        config = next((each for each in experiments if isinstance(each, dict)), {})
        settings = self.settings("config", config)
        if settings:
            workflow["input"] = one_or_many([each["exampleOfWork"] for each in settings])
        return given + settings

    def results(self) -> list[Entity]:
        """Return what the experiment is for: its summary, and its files that nothing else reads."""
        read = {key for record in self.lineage.records for key in record.inputs.items()}
        return [
            self.files[each.key]
            for each in self.lineage.artifacts.values()
            if each.sidecar == self.lineage.summary.sidecar
            or (self.is_own(each) and each.key not in read)
        ]


def build(lineage: Lineage, with_files: bool) -> RunCrate:
    """Return the crate of an experiment's lineage; nothing is written yet."""
    built = RunCrate(lineage, with_files)
    for artifact in lineage.artifacts.values():
        built.add_artifact(artifact)
    if with_files and (lineage.root / lineage.audio).is_dir():
        built.add_audio()
    tools = built.add_tools()
    for record in lineage.records:
        built.add_action(record, tools[version_of(record)])
    built.add_run(built.add_workflow(tools), tools)
    crate = built.crate
    crate.name = f"syn2real experiment {lineage.name}"
    crate.description = (
        f"What made the results of {lineage.folder}: {len(lineage.records)} runs, each with the"
        " SHA-256 of all that it read and wrote, its code and its settings. Manifests name each"
        " audio file with its SHA-256."
    )
    crate.datePublished = iso(ended(lineage.summary))
    crate.license = built.licence(lineage.summary.content["licences"]) or built.licence(
        {"code": {"licence": SOFTWARE_LICENCE}}
    )
    crate.root_dataset["conformsTo"] = [
        built.add(uri, "CreativeWork", name=name, version=uri.rsplit("/", 1)[1])
        for uri, name in PROFILES.items()
    ]
    return built


def version_of(record: Record) -> Version:
    """Return which version of which script ran."""
    return record.script, record.content["code"]


def check_is_recorded(artifact: Artifact) -> None:
    """Refuse a file that is not what its record says."""
    if (found := sha256(artifact.place)) != artifact.sha256:
        raise InputError(
            f"{artifact.place}: its sha256 is {found[:16]}..., its record says"
            f" {artifact.sha256[:16]}...; find out why with lineage.py audit, make it again, then"
            " export"
        )


def by_hash(artifact: Artifact) -> str:
    """Return the URI of a file's SHA-256 (RFC 6920), with its path; a folder's ends in a slash."""
    digest = base64.urlsafe_b64encode(bytes.fromhex(artifact.sha256)).decode().rstrip("=")
    return f"ni:///sha-256;{digest}?path={quote(artifact.path)}" + "/" * artifact.is_folder


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
