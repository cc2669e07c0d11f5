"""Export an experiment's lineage: RO-Crate, W3C PROV, a graph, and a page that shows them.

The folder is a Provenance Run Crate: the experiment's small files, each with the run that made it,
its settings, code, time and SHA-256; the files from outside with their licence. Weights and audio
are named by path and SHA-256, unless --with-files copies them. It also has prov.json (PROV-JSON),
lineage.dot, lineage.svg if Graphviz's dot is installed, and ro-crate-preview.html. Two exports of
the same results are the same, byte for byte.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from rocrate.model import Preview

from errors import InputError, naming_file
from evaluation import label
from lineages.artifacts import SUMMARY, Artifact, read_lineage
from lineages.crate import RunCrate, build
from lineages.graphs import dot, iso, prov, sidecar_path
from records.record import ended
from scoring.summary import Summary, SummaryRow, read_summary

TEMPLATE = Path(__file__).parent.parent / "reporting" / "templates" / "crate_preview.html.j2"
GRAPH = "lineage.svg"


def add_graphs(built: RunCrate) -> None:
    """Add the lineage as PROV-JSON, as a Graphviz graph and, with ``dot`` installed, drawn."""
    lineage = built.lineage
    text = json.dumps(prov(lineage), indent=1, sort_keys=True) + "\n"
    built.entities.add_text("prov.json", text, "the lineage in W3C PROV (PROV-JSON)")
    graph = dot(lineage)
    built.entities.add_text("lineage.dot", graph, "the lineage as a graph, for Graphviz")
    if program := shutil.which("dot"):
        drawn = subprocess.run([program, "-Tsvg"], input=graph, capture_output=True, text=True)
        if drawn.returncode:
            raise InputError(f"{program}: failed on the lineage's graph: {drawn.stderr.strip()}")
        built.entities.add_text(GRAPH, drawn.stdout, "the lineage as a graph, drawn")


def preview(built: RunCrate, summary: Summary) -> str:
    """Return the page that shows the crate: the headline numbers, each with its records."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = "{:.1%}".format
    lineage, crate = built.lineage, built.crate
    records = {
        path: sidecar_path(lineage, record) for record in lineage.records for path in record.outputs
    }
    return environment.get_template(TEMPLATE.name).render(
        crate=crate,
        published=iso(ended(lineage.summary)),
        runs=len(lineage.records),
        summary=f"{lineage.folder}/{SUMMARY}",
        targets=[
            {"name": target.name, "rows": [shown(row, records) for row in target.rows]}
            for target in summary.targets
        ],
        is_here=lambda path: quote(path) in crate,
        external=[
            *(outside(each.path, [each]) for each in lineage.external() if each.fetched),
            *(outside(name, files) for name, files in lineage.users().items()),
        ],
        files=[each for each in crate.data_entities if "://" not in each.id],
        graph=GRAPH if GRAPH in crate else None,
        href=quote,
    )


def shown(row: SummaryRow, records: dict[str, str]) -> dict[str, Any]:
    """Return what the page shows of a number: rates, and the records of what it was made from."""
    behind = [*row.scores, *row.hypotheses]
    behind += [f"{model}/model.safetensors" for model in row.models]
    return {
        "label": label(row.arm, row.scaling_coefficient, row.vector, row.tts),
        "wer": row.wer,
        "low": row.wer_interval[0],
        "high": row.wer_interval[1],
        "chosen": row.chosen,
        "scores": row.scores,
        "records": [records[path] for path in behind if path in records],
    }


def outside(name: str, files: list[Artifact]) -> dict[str, Any]:
    """Return what the page shows of a fetched file, or of the user's files in a folder."""
    licences = {
        terms["licence"] + (f", forbids {forbids}" if (forbids := terms.get("forbids")) else "")
        for file in files
        for terms in file.licences.values()
    }
    return {
        "name": name,
        "sha256": files[0].sha256 if len(files) == 1 else None,
        "licence": "; ".join(sorted(licences)) or "not stated",
        "source": files[0].source or "not stated",
        "url": files[0].url,
    }


def write(built: RunCrate, output: Path) -> None:
    """Write the crate: the folder appears when it is whole."""
    with naming_file(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
        try:
            built.crate.write(temporary)
            if built.with_files and (audio := built.lineage.root / built.lineage.audio).is_dir():
                shutil.copytree(
                    audio,
                    temporary / built.lineage.audio,
                    ignore=shutil.ignore_patterns(".*"),
                    dirs_exist_ok=True,
                )
            temporary.chmod(0o755)
            temporary.rename(output)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="results of an experiment (results/NAME)")
    add("--output", type=Path, required=True, help="folder to write; must not be there yet")
    add("--with-files", action="store_true", help="copy the experiment's weights and audio, too")


def main(options: argparse.Namespace) -> None:
    """Export the lineage of an experiment."""
    if options.output.exists():
        raise InputError(f"--output: {options.output} is there already; remove it or name another")
    lineage = read_lineage(options.folder)
    summary = read_summary(options.folder / SUMMARY)
    built = build(lineage, options.with_files)
    add_graphs(built)
    page = preview(built, summary)
    built.crate.add(Preview(built.crate, StringIO(page)))
    write(built, options.output)
    copied = [path for path in options.output.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in copied) / 1e6
    print(
        f"{options.output}: {len(lineage.records)} runs, {len(lineage.artifacts)} artifacts,"
        f" {len(copied)} files copied ({size:.1f} MB)"
    )
