"""Write the page that shows an experiment: one HTML file that needs nothing else."""

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from markupsafe import Markup

from adaptations import ADAPTATIONS
from errors import run
from evaluation import KNOWN_AS, MADE, adaptation_of, without_aids
from files.atomic import atomic_path, check_outputs
from files.json_file import parse_object, read_object
from files.manifest import read_manifest
from files.text_file import read_text
from options import Parser
from paths import PRETRAINED
from records.reading import record_of
from records.writing import write_record
from reporting import summary_table
from reporting import tables as report_tables
from reporting.charts import compared_rows, gain_and_forgetting, verdict_figure, wer_bars
from reporting.clips import (
    CLIPS,
    Examples,
    audio_examples,
    audio_uri,
    played_ids,
    players,
    within_budget,
)
from reporting.gain_and_loss import gain_and_loss, key_of
from reporting.lambda_curve import lambda_curve
from reporting.pages import TEMPLATES, style, template
from reporting.vector_charts import vector_maps
from reporting.verdicts import primaries, verdicts
from reporting.words import enumerated
from scoring.breakdown_file import Breakdown, read_breakdown
from scoring.ranking_file import Ranking, read_ranking
from scoring.summary import Summary, read_summary
from vectors.geometry import Geometry, read_geometry

FILES = tuple(TEMPLATES / f"report.{kind}" for kind in ("html.j2", "css", "js"))
MANY = 4  # targets, above which each is folded away


def flat_settings(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield a config's settings as dotted key and value; what is nested deeper is in the value."""
    for key, value in config.items():
        if isinstance(value, dict) and value:
            yield from ((f"{key}.{inner}", in_a_line(part)) for inner, part in value.items())
        else:
            yield key, in_a_line(value)


def in_a_line(value: Any) -> str:
    """Return a setting's value as a line of text."""
    if isinstance(value, dict):
        return "; ".join(f"{key}: {in_a_line(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(in_a_line, value))
    return value if isinstance(value, str) else json.dumps(value)


def read_experiment(given: str) -> dict[str, Any]:
    """Return the experiment's config from JSON, or from a file that holds it."""
    remedy = "give the config as JSON, or a file that holds it"
    if given.lstrip().startswith("{"):
        return parse_object(given, "--experiment", remedy)
    return read_object(given, f"--experiment: {remedy}")


def facts(experiment: dict[str, Any], summary: Summary) -> list[tuple[str, str]]:
    """Return what a reader wants to know first: what went in, and how much was tested."""
    trained = [row for _, row in summary.rows() if without_aids(row.arm) != PRETRAINED]
    seeds = {seed for row in trained for seed in row.seeds}
    window, decoding = experiment.get("window"), experiment.get("decoding_window")
    values = {
        "Base models": experiment.get("base_models"),
        "Source domains": experiment.get("source"),
        "Target domains": list(dict.fromkeys(target.target for target in summary.targets)),
        "Simulated bad line": through_line(experiment.get("domains", {})),
        "Speech synthesis": experiment.get("tts"),
        "Audio window": window and f"{window} s",
        "Decoding window": decoding not in (None, window) and f"{decoding} s",
        "Seeds of training": sorted(seeds),
        "Test utterances": f"{sum(target.utterances for target in summary.targets):,}",
    }
    return [(name, in_words(value)) for name, value in values.items() if value]


def adaptations_in(summary: Summary) -> list[str]:
    """Return the titles of the methods of test-time adaptation in a summary's tables."""
    names = dict.fromkeys(adaptation_of(row.arm) for _, row in summary.rows())
    return [ADAPTATIONS[name].title for name in names if name]


def through_line(domains: dict[str, dict]) -> str:
    """Say which domains' recordings went through a simulated line, if any did."""
    names = [name for name, domain in domains.items() if domain.get("line")]
    return f"all recordings of {enumerated(names)}; no real one carried them" if names else ""


def in_words(value: Any) -> str:
    """Return a setting as it is read: the names in a list or a table, one after the other."""
    return ", ".join(map(str, value)) if isinstance(value, dict | list) else str(value)


def charts_of(summary: Summary) -> dict[str, dict[str, Markup]]:
    """Return each tested target's drawings, which escape for themselves; "" where there is none."""
    confidence = summary.confidence
    tested = [target for target in summary.targets if target.rows]
    shown = [row for target in tested for row in target.main_rows]
    widest = max((max(row.wer, row.wer_interval[1]) for row in shown), default=1)
    return {
        target.name: {
            "bars": Markup(wer_bars(target, confidence, widest)),
            "curve": Markup(lambda_curve(target, confidence)),
            "forgetting": Markup(gain_and_forgetting(target)),
        }
        for target in tested
    }


def vector_charts_of(geometry: Geometry) -> list[tuple[Markup, str]]:
    """Return the heat maps of task vectors with their captions, one base after the other."""
    return [
        (Markup(drawing), caption)
        for base in dict.fromkeys(vector.base for vector in geometry.vectors)
        for drawing, caption in vector_maps(geometry, base)
    ]


def content_security_policy(script: str) -> str:
    """Return the page's policy: nothing from elsewhere, and no script but this one."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline';"
        " media-src data:; img-src data:"
    )


def render(
    summary: Summary,
    experiment: dict[str, Any],
    origin: dict[str, str],
    breakdown: Breakdown | None = None,
    geometry: Geometry | None = None,
    examples: Examples | None = None,
    ranking: Ranking | None = None,
) -> str:
    """Return the page. ``origin`` says where the summary comes from (file, commit)."""
    breakdown_of = {target.name: target for target in breakdown.targets} if breakdown else {}
    examples = within_budget(examples or {}, CLIPS // 2)
    left = CLIPS - sum(players(each) for of_domain in examples.values() for each in of_domain)
    changed = {name: target.changed for name, target in breakdown_of.items()}
    settings = {key: value for key, value in experiment.items() if key != "artifacts"}
    script = read_text(TEMPLATES / "report.js")
    return template("report.html.j2").render(
        name=experiment.get("name", "experiment"),
        style=style(),
        script=Markup(script),
        policy=content_security_policy(script),
        facts=facts(experiment, summary),
        summary=summary,
        folded=len(summary.targets) > MANY,
        tables=report_tables,
        summary_table=summary_table,
        verdicts=verdicts(summary),
        verdict_figure=Markup(verdict_figure(summary)),
        made={arm.replace("->", "→"): words for arm, words in MADE.items()},
        adaptations=adaptations_in(summary),
        known_as=KNOWN_AS,
        primaries=primaries(summary),
        note=summary_table.note(summary),
        charts=charts_of(summary),
        gain_and_loss=Markup(gain_and_loss(summary)),
        gain_and_loss_key=key_of(summary),
        compared_rows=compared_rows,
        breakdown_of=breakdown_of,
        played_ids=played_ids(changed, left),
        ranking=ranking,
        vectors=geometry,
        vector_charts=vector_charts_of(geometry) if geometry else [],
        examples=examples,
        audio_uri=audio_uri,
        settings=list(flat_settings(settings)),
        artifacts=experiment.get("artifacts", {}),
        origin=origin,
    )


def origin_of(path: Path) -> dict[str, str]:
    """Return where a summary comes from: its path, and the commit and packages of its lineage."""
    origin = {"Summary": str(path)}
    if record := record_of(path):
        content = record.content
        changed = " and changed files" if content["dirty"] else ""
        origin |= {"Lineage": record.sidecar, "Commit": content["commit"] + changed}
        origin["Packages"] = ", ".join(f"{k} {v}" for k, v in content["packages"].items())
    return origin


def read_manifests(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Return the utterances of several manifests, one after the other."""
    return [row for path in paths for row in read_manifest(path)]


def main(argv: list[str] | None = None) -> None:
    """Write the report of an experiment."""
    parser = Parser(description=__doc__)
    add = parser.add_argument
    add("--summary", type=Path, required=True, help="summary.json of summarize.py")
    add(
        "--experiment", required=True, help="the experiment's config: JSON, or a file that holds it"
    )
    add(
        "--breakdown", type=Path, help="breakdown.json of breakdown.py: what kinds of speech differ"
    )
    add("--task-vectors", type=Path, help="task_vectors.json of vector_geometry.py")
    add("--ranking", type=Path, help="ranking.json of rank.py: the methods over all targets")
    add("--real", type=Path, nargs="*", default=[], help="manifests of real speech, to listen to")
    add("--synthetic", type=Path, nargs="*", default=[], help="manifests of synthetic speech, same")
    add("--examples", type=int, default=3, help="utterances to listen to per domain (default 3; "
        f"at most {CLIPS} recordings are on the page)")  # fmt: skip
    add("--output", type=Path, required=True, help="HTML page to write")
    options = parser.parse_args(argv)

    files = [options.summary, options.breakdown, options.task_vectors, options.ranking]
    inputs = [*filter(None, files), *map(os.path.relpath, FILES), *options.real, *options.synthetic]
    given = [] if options.experiment.lstrip().startswith("{") else [options.experiment]
    check_outputs([options.output], [*inputs, *given])
    summary = read_summary(options.summary)
    breakdown = read_breakdown(options.breakdown) if options.breakdown else None
    geometry = read_geometry(options.task_vectors) if options.task_vectors else None
    ranking = read_ranking(options.ranking) if options.ranking else None
    experiment = read_experiment(options.experiment)
    examples: Examples = {}
    if options.examples:
        real, synthetic = read_manifests(options.real), read_manifests(options.synthetic)
        examples = audio_examples(real, synthetic, options.examples)
    origin = origin_of(options.summary)
    page = render(summary, experiment, origin, breakdown, geometry, examples, ranking)
    with atomic_path(options.output) as temporary:
        temporary.write_text(page, encoding="utf-8")
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.1f} MB")
    write_record(__file__, [options.output], inputs, {"examples": options.examples})


if __name__ == "__main__":
    run(main)
