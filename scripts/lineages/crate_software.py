"""The software of a run in an RO-Crate: scripts and their modules, packages, Python."""

from rocrate.model import Entity

from lineages.code import SCRIPTS, Code
from lineages.crate_entities import Entities, one_or_many
from records.record import Record

SOFTWARE_LICENCE = "Apache-2.0"
Version = tuple[str, str]  # of a script: its name, its code's hash


def add_tools(entities: Entities, records: list[Record]) -> dict[Version, Entity]:
    """Add the scripts that ran, each version once; return them by name and code's hash.

    The text of a script is in the crate if it still is the code that ran.
    """
    tools: dict[Version, Entity] = {}
    code = Code(SCRIPTS)
    for record in records:
        script, version = version_of(record)
        if (script, version) in tools:
            continue
        properties = {"version": version, "softwareRequirements": packages(entities, record)}
        properties |= {"programmingLanguage": python(entities, record), "license": SOFTWARE_LICENCE}
        if code.change(record) is None:
            tools[script, version] = entities.add_code(f"scripts/{script}", **properties)
        else:
            then = f"{script} as it was at commit {record.content['commit']}"
            properties |= {"name": f"scripts/{script}", "description": then}
            tools[script, version] = entities.add(
                f"#{script}@{version}", "SoftwareSourceCode", **properties
            )
    add_modules(entities, records, code, {script for script, _ in tools})
    return tools


def add_modules(entities: Entities, records: list[Record], code: Code, scripts: set[str]) -> None:
    """Add the modules that the scripts imported, where they still are the code that ran."""
    versions = {
        module: version
        for record in records
        if code.change(record) is None
        for module, version in record.content["modules"].items()
    }
    for module, version in sorted(versions.items()):
        if module not in scripts:
            entities.add_code(f"scripts/{module}", version=version)


def packages(entities: Entities, record: Record) -> list[Entity] | Entity | None:
    """Add the packages that a stage ran with."""
    return one_or_many(
        [
            entities.add(f"pkg:pypi/{name}@{version}", "SoftwareApplication", name=name,
                         softwareVersion=version)
            for name, version in sorted(record.content["packages"].items())
        ]
    )  # fmt: skip


def python(entities: Entities, record: Record) -> Entity:
    """Add the Python that a stage ran with."""
    version = record.content["python"]
    return entities.add(f"#python-{version}", "ComputerLanguage", name="Python", version=version)


def version_of(record: Record) -> Version:
    """Return which version of which script ran."""
    return record.script, record.content["code"]
