"""An experiment's lineage as W3C PROV (PROV-JSON) and as a Graphviz graph."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lineages.artifacts import Artifact, Lineage
from records.record import SUFFIX, Record, ended

NAMESPACE = "urn:syn2real"


def iso(seconds: float) -> str:
    """Return a time in s since 1970 as ISO 8601 has it, in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def entity_id(artifact: Artifact) -> str:
    """Return the PROV name of a file: its path and the beginning of its SHA-256."""
    return f"file:{quote(artifact.path)}@{artifact.sha256[:16]}"


def activity_id(lineage: Lineage, record: Record) -> str:
    """Return the PROV name of a stage's run: the path of its record."""
    return f"run:{quote(sidecar_path(lineage, record))}"


def sidecar_path(lineage: Lineage, record: Record) -> str:
    """Return the path of a record, relative to the folder that its stage ran in."""
    return str(Path(record.sidecar).absolute().relative_to(record.root))


def prov(lineage: Lineage) -> dict[str, Any]:
    """Return the lineage as PROV-JSON (W3C Member Submission of 24 April 2013)."""
    document: dict[str, Any] = {
        "prefix": {name: f"{NAMESPACE}:{name}:" for name in ("file", "run", "script", "syn2real")},
        "entity": {entity_id(each): described(each) for each in lineage.artifacts.values()},
    }
    sections = ("activity", "agent", "used", "wasGeneratedBy", "wasAssociatedWith")
    document |= {section: {} for section in sections}
    for record in lineage.records:
        run = activity_id(lineage, record)
        agent = f"script:{record.script}@{record.content['code']}"
        document["activity"][run] = {
            "prov:startTime": iso(record.content["run"]["started"]),
            "prov:endTime": iso(ended(record)),
            "prov:label": f"{record.script}: {sidecar_path(lineage, record)}",
            "syn2real:parameters": json.dumps(record.content["parameters"], sort_keys=True),
        }
        document["agent"][agent] = {
            "prov:type": {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"},
            "prov:label": record.script,
        }
        relations = [("wasAssociatedWith", "prov:agent", [agent])]
        read = [*map(entity_id, lineage.inputs_of(record))]
        written = [*map(entity_id, lineage.outputs_of(record))]
        relations += [("used", "prov:entity", read), ("wasGeneratedBy", "prov:entity", written)]
        for section, key, others in relations:
            for other in others:
                name = f"_:{section}{len(document[section]) + 1}"
                document[section][name] = {"prov:activity": run, key: other}
    return document


def described(artifact: Artifact) -> dict[str, str]:
    """Return the attributes of a file in PROV."""
    told = {"prov:label": artifact.path, "syn2real:sha256": artifact.sha256}
    if artifact.licences:
        told["syn2real:licence"] = "; ".join(
            sorted({terms["licence"] for terms in artifact.licences.values()})
        )
    return told


def dot(lineage: Lineage) -> str:
    """Return the graph of the lineage: a box for each stage's run, in a cluster for each stage.

    Arrows go from what made a file to what used it; the user's files are drawn by folder.
    """
    lines = [
        "digraph lineage {",
        ' graph [rankdir=LR, ranksep=1.2, nodesep=0.1, fontname="sans-serif", style=rounded];',
        ' node [shape=box, style="rounded,filled", fillcolor="#eef3f8", color="#57606b",',
        '  fontname="sans-serif", fontsize=10, height=0.25];',
        ' edge [color="#8a949e", arrowsize=0.6];',
    ]
    scripts = dict.fromkeys(record.script for record in lineage.records)
    for script in scripts:
        lines += [f" subgraph {quoted('cluster_' + script)} {{", f"  label={quoted(script)};"]
        lines += [
            f"  {quoted(sidecar_path(lineage, record))} [label={quoted(label(lineage, record))}];"
            for record in lineage.records
            if record.script == script
        ]
        lines += [" }"]
    lines += [f" {quoted(name)} [shape=note, style=filled];" for name in sorted(lineage.users())]
    return "\n".join([*lines, *sorted(edges(lineage)), "}", ""])


def edges(lineage: Lineage) -> set[str]:
    """Return the arrows of the graph."""
    names = {record.sidecar: sidecar_path(lineage, record) for record in lineage.records}
    made_by = {each.key: names[each.sidecar] for each in lineage.artifacts.values() if each.sidecar}
    made_by |= {each.key: name for name, files in lineage.users().items() for each in files}
    return {
        f" {quoted(made_by[each.key])} -> {quoted(names[record.sidecar])};"
        for record in lineage.records
        for each in lineage.inputs_of(record)
        if each.key in made_by
    }


def label(lineage: Lineage, record: Record) -> str:
    """Return a run's short name: its first output, without the folder and kind of all of them."""
    first = sidecar_path(lineage, record).removesuffix(SUFFIX)
    short = first.removeprefix(f"{lineage.folder}/")
    kind, _, rest = short.partition("/")
    more = len(record.outputs) - 1
    return (rest or kind) + (f"\n(and {more} more)" if more else "")


def quoted(text: str) -> str:
    """Return a text as a quoted identifier of the DOT language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
