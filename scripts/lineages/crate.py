"""An experiment's lineage as an RO-Crate of the profile Provenance Run Crate 0.5.

Small files are copied into the crate. Large ones, and those of others, are named by the URI of
their SHA-256 (RFC 6920) and their path. Nothing in the crate depends on when it was written.
"""

import base64
import json
from pathlib import Path
from urllib.parse import quote

from rocrate.model import DataEntity, Entity

from errors import InputError
from files.checksum import sha256
from files.json_file import read_json
from lineages.artifacts import Artifact, Lineage
from lineages.crate_entities import CHECKOUT, Entities, encoding, filled, one_or_many
from lineages.crate_software import SOFTWARE_LICENCE, Version, add_tools, version_of
from lineages.graphs import iso, sidecar_path
from records.record import INDEX, MODEL_CARD, Record, ended

SNAKEFILE = "Snakefile"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
COMPLETED = "http://schema.org/CompletedActionStatus"
ENGINE = "https://snakemake.github.io/"
LARGE = ("models", "task_vectors", "speakers", "audio")  # folders of an experiment


class RunCrate:
    """The RO-Crate of an experiment; ``with_files`` copies its large files, too."""

    def __init__(self, lineage: Lineage, with_files: bool) -> None:
        self.lineage = lineage
        self.with_files = with_files
        self.entities = Entities()
        self.crate = self.entities.crate
        self.actions: dict[str, Entity] = {}  # by the record's sidecar
        self.files: dict[tuple[str, str], Entity] = {}  # by path and SHA-256

    def is_own(self, artifact: Artifact) -> bool:
        """Return whether a stage made a file in the experiment's folder."""
        inside = Path(artifact.path).is_relative_to(self.lineage.folder)
        return inside and artifact.sidecar is not None

    def is_copied(self, artifact: Artifact) -> bool:
        """Return whether a file goes into the crate: the experiment's, small or asked for."""
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
            "license": self.entities.licence(artifact.licences),
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

    def add_audio(self) -> None:
        """Add the folder of the experiment's audio, which the caller copies."""
        description = "the experiment's audio; the manifests name each file with its SHA-256"
        properties = {"@type": "Dataset", "name": "audio", "description": description}
        identifier = f"{quote(self.lineage.audio)}/"
        self.crate.add(DataEntity(self.crate, identifier, properties))

    def add_action(self, record: Record, tool: Entity) -> None:
        """Add a stage's run: what it read, its settings, what it wrote, when, and its memory."""
        content, path = record.content, sidecar_path(self.lineage, record)
        name = f"#run/{quote(path)}"
        memory = self.entities.add(
            f"{name}#memory", "PropertyValue", name="peak memory", propertyID="peak_memory",
            value=content["run"]["peak_memory"], unitCode="https://qudt.org/vocab/unit/BYTE",
        )  # fmt: skip
        code = content["commit"] + (" and changes of its own" if content["dirty"] else "")
        record_file = self.add_record(record, path)
        read = [self.files[each.key] for each in self.lineage.inputs_of(record)]
        settings = {key: value for key, value in content["parameters"].items() if value is not None}
        self.actions[record.sidecar] = self.entities.add(
            name,
            "CreateAction",
            name=f"{record.script}: {path.removesuffix('.lineage.json')}",
            description=f"{record.script} on {content['device']}, commit {code}",
            instrument=tool,
            object=one_or_many(read + self.entities.settings(record.script, settings)),
            result=one_or_many([self.files[each.key] for each in self.lineage.outputs_of(record)]),
            startTime=iso(content["run"]["started"]),
            endTime=iso(ended(record)),
            actionStatus=COMPLETED,
            resourceUsage=memory,
            subjectOf=record_file,
        )

    def add_record(self, record: Record, path: str) -> Entity:
        """Add a record, without the secrets of addresses that one of an older version may have."""
        if read_json(record.sidecar) == record.content:
            return self.entities.add_file(Path(record.sidecar), path, description="lineage record")
        clean = json.dumps(record.content, indent=1, sort_keys=True) + "\n"
        return self.entities.add_text(path, clean, "lineage record")

    def add_workflow(self, tools: dict[Version, Entity]) -> Entity:
        """Add the Snakefile with its rules and scripts."""
        commit = self.lineage.summary.content["commit"]
        for path in sorted(CHECKOUT.glob("rules/*.*")):
            self.entities.add_code(str(path.relative_to(CHECKOUT)), version=commit)
        properties = {"name": "syn2real", "version": commit, "license": SOFTWARE_LICENCE}
        properties |= {"encodingFormat": "text/plain", "sha256": sha256(CHECKOUT / SNAKEFILE)}
        types = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
        workflow = self.crate.add_workflow(
            CHECKOUT / SNAKEFILE, SNAKEFILE, main=True, lang="snakemake", record_size=True,
            properties={"@type": types} | properties,
        )  # fmt: skip
        workflow["conformsTo"] = self.entities.add(
            BIOSCHEMAS, "CreativeWork", name="ComputationalWorkflow"
        )
        workflow["hasPart"] = one_or_many(tools.values())
        return workflow

    def add_run(self, workflow: Entity, tools: dict[Version, Entity]) -> None:
        """Add the run of the workflow, which organized the runs of its steps."""
        records, add = self.lineage.records, self.entities.add
        steps = {
            version: add(f"#step/{'@'.join(version)}", "HowToStep", name=version[0],
                         position=str(number), workExample=tool)
            for number, (version, tool) in enumerate(tools.items(), start=1)
        }  # fmt: skip
        workflow["step"] = one_or_many(steps.values())
        controls = [
            add(f"#step-{action.id[1:]}", "ControlAction", name=f"step {action['name']}",
                instrument=steps[version_of(record)], object=action)
            for record, action in zip(records, self.actions.values(), strict=True)
        ]  # fmt: skip
        times = {
            "startTime": iso(min(record.content["run"]["started"] for record in records)),
            "endTime": iso(max(ended(record) for record in records)),
        }
        run = add("#run", "CreateAction", name=f"experiment {self.lineage.name}",
                  description=f"{len(records)} runs of {len(tools)} scripts, by Snakemake",
                  instrument=workflow, object=self.inputs(workflow), result=self.results(),
                  actionStatus=COMPLETED, **times)  # fmt: skip
        engine = add(ENGINE, "SoftwareApplication", name="Snakemake", url=ENGINE)
        add("#organize", "OrganizeAction", name="Snakemake", instrument=engine,
            object=one_or_many(controls), result=run, **times)  # fmt: skip
        self.crate.root_dataset["mentions"] = [run, *self.actions.values()]

    def inputs(self, workflow: Entity) -> list[Entity]:
        """Return what the experiment was made from: its settings, and the files from outside."""
        given = [self.files[each.key] for each in self.lineage.external()]
        experiments = [
            record.content["parameters"].get("experiment") for record in self.lineage.records
        ]
        config = next((each for each in experiments if isinstance(each, dict)), {})
        settings = self.entities.settings("config", config)
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
    tools = add_tools(built.entities, lineage.records)
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
    own = {"code": {"licence": SOFTWARE_LICENCE}}
    crate.license = built.entities.licence(lineage.summary.content["licences"] or own)
    crate.root_dataset["conformsTo"] = [
        built.entities.add(uri, "CreativeWork", name=name, version=uri.rsplit("/", 1)[1])
        for uri, name in PROFILES.items()
    ]
    return built


def check_is_recorded(artifact: Artifact) -> None:
    """Refuse a file that is not what its record says."""
    if (digest := sha256(artifact.place)) != artifact.sha256:
        raise InputError(
            f"{artifact.place}: its sha256 is {digest[:16]}..., its record says"
            f" {artifact.sha256[:16]}...; find out why with lineage.py audit, make it again, then"
            " export"
        )


def by_hash(artifact: Artifact) -> str:
    """Return the URI of a file's SHA-256 (RFC 6920), with its path; a folder's ends in a slash."""
    digest = base64.urlsafe_b64encode(bytes.fromhex(artifact.sha256)).decode().rstrip("=")
    return f"ni:///sha-256;{digest}?path={quote(artifact.path)}" + "/" * artifact.is_folder
