"""Write the page that shows an experiment: one HTML file that needs nothing else."""

import argparse
import base64
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import jiwer
import soundfile
from markupsafe import Markup

import lineage
import summary_table
from atomic import atomic_path
from audio import SAMPLING_RATE, load_audio
from errors import InputError, run
from lambda_curve import lambda_curve
from manifest import read_jsonl, read_manifest
from matrix import CONTINUED, PRETRAINED
from normalise import normalise

TEMPLATE = Path(__file__).parent / "templates" / "report.html.j2"
LONGEST = 12.0  # s, of an utterance in an audio player
KINDS = {"equal": "", "substitute": "wrong", "insert": "added", "delete": "missed"}


def audio_examples(real: list[dict], synthetic: list[dict], count: int) -> dict[str, list[dict]]:
    """Return up to ``count`` synthetic utterances per domain, with the real one of the same text.

    Domains whose texts were never recorded have no real side. The choice is spread evenly over the
    manifest, in the order of ids.
    """
    recording_of = {(row["domain"], row["text"]): row for row in real if row["duration"] <= LONGEST}
    by_domain: dict[str, dict[str, dict]] = {}
    domains = list(dict.fromkeys(row["domain"] for row in synthetic))
    for row in sorted(synthetic, key=lambda row: (domains.index(row["domain"]), row["id"])):
        if row["duration"] <= LONGEST:
            by_domain.setdefault(row["domain"], {}).setdefault(row["text"], row)
    examples = {}
    for domain, of_text in by_domain.items():
        paired = [text for text in of_text if (domain, text) in recording_of]
        examples[domain] = [
            {"text": text, "real": recording_of.get((domain, text)), "synthetic": of_text[text]}
            for text in spread(paired or list(of_text), count)
        ]
    return examples


def spread(items: list, count: int) -> list:
    """Return ``count`` items (or all, if fewer) at even distances."""
    step = max(1.0, len(items) / count)
    return [items[int(index * step)] for index in range(min(count, len(items)))]


def audio_uri(path: str | Path) -> str:
    """Return a recording as an MP3 data URI (16 kHz mono, about 3 kB per second)."""
    buffer = io.BytesIO()
    soundfile.write(
        buffer,
        load_audio(path),
        SAMPLING_RATE,
        format="MP3",
        bitrate_mode="VARIABLE",
        compression_level=0.7,
    )
    return "data:audio/mpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def shown_arms(target: dict) -> list[dict]:
    """Return the rows whose hypotheses are shown: pretrained, baseline, best adapted from text.

    The best has the lowest test WER among the arms that saw the target's texts; those with a task
    vector take part with the chosen scaling coefficient only.
    """
    rows = target["rows"]
    adapted = [
        row
        for row in rows
        if "target-synthetic" in row["arm"]
        and (row["scaling_coefficient"] is None or row["chosen"])
    ]
    found = [row for arm in (PRETRAINED, CONTINUED) for row in rows if row["arm"] == arm][:2]
    best = min(adapted, key=lambda row: row["wer"], default=None)
    return found + ([best] if best and best not in found else [])


def changed_utterances(target: dict, count: int) -> list[dict]:
    """Return test utterances that changed most from the first shown arm to the last.

    ``count`` that lost errors and ``count`` that gained some, with what each arm heard (its first
    seed), word by word.
    """
    arms = shown_arms(target)
    if len(arms) < 2 or not target["manifest"]:
        return []
    errors = [errors_of(row["scores"][0]) for row in arms]
    hypotheses = [
        {row["id"]: row["text"] for row in read_jsonl(arm["hypotheses"][0])} for arm in arms
    ]
    change = {name: errors[-1][name] - before for name, before in errors[0].items()}
    order = sorted(change, key=lambda name: (change[name], name))
    names = [name for name in order[:count] if change[name] < 0]
    names += [name for name in order[::-1][:count] if change[name] > 0]
    utterance_of = {row["id"]: row for row in read_manifest(target["manifest"])}
    return [
        {
            "id": name,
            "change": change[name],
            "reference": normalise(utterance_of[name]["text"]),
            "audio_filepath": utterance_of[name]["audio_filepath"],
            "heard": [
                {
                    "arm": arm["label"],
                    "errors": errors[index][name],
                    "words": aligned(utterance_of[name]["text"], hypotheses[index][name]),
                }
                for index, arm in enumerate(arms)
            ],
        }
        for name in names
    ]


def files_of_changed(summary: dict) -> list[str]:
    """Return the files that ``changed_utterances`` reads, but for the audio."""
    return [
        path
        for target in summary["targets"]
        if target["manifest"]
        for path in (
            target["manifest"],
            *(
                path
                for row in shown_arms(target)
                for path in (row["scores"][0], row["hypotheses"][0])
            ),
        )
    ]


def errors_of(score: str) -> dict[str, int]:
    """Return the word errors per utterance of a score file."""
    rows = json.loads(Path(score).read_text(encoding="utf-8"))["per_utterance"]
    return {row["id"]: row["substitutions"] + row["deletions"] + row["insertions"] for row in rows}


def aligned(reference: str, hypothesis: str) -> list[dict[str, str]]:
    """Return the hypothesis as scored, in pieces that are right, wrong, added or missed."""
    found = jiwer.process_words([normalise(reference)], [normalise(hypothesis)])
    pieces = []
    for chunk in found.alignments[0]:
        words = found.hypotheses[0][chunk.hyp_start_idx : chunk.hyp_end_idx]
        if chunk.type == "delete":
            words = found.references[0][chunk.ref_start_idx : chunk.ref_end_idx]
        pieces.append({"kind": KINDS[chunk.type], "text": " ".join(words)})
    return pieces


def flat_settings(config: dict) -> Iterator[tuple[str, str]]:
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


def read_experiment(given: str) -> dict:
    """Return the experiment's config from JSON, or from a file that holds it."""
    try:
        text = given if given.lstrip().startswith("{") else Path(given).read_text(encoding="utf-8")
        return json.loads(text)
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"--experiment: neither JSON nor a JSON file ({error})") from None


def facts(experiment: dict, summary: dict) -> list[tuple[str, str]]:
    """Return what a reader wants to know first: what went in, and how much was tested."""
    rows = [row for target in summary["targets"] for row in target["rows"]]
    seeds = {seed for row in rows if row["arm"] != PRETRAINED for seed in row["seeds"]}
    found = {
        "Base models": experiment.get("base_models"),
        "Source domains": experiment.get("source"),
        "Target domains": list(dict.fromkeys(target["target"] for target in summary["targets"])),
        "Speech synthesis": experiment.get("tts"),
        "Audio window": experiment.get("window") and f"{experiment['window']} s",
        "Seeds of training": sorted(seeds),
        "Test utterances": f"{sum(target['utterances'] for target in summary['targets']):,}",
    }
    return [(name, in_words(value)) for name, value in found.items() if value]


def in_words(value: Any) -> str:
    """Return a setting as it is read: the names in a list or a table, one after the other."""
    return ", ".join(map(str, value)) if isinstance(value, dict | list) else str(value)


def render(
    summary: dict,
    experiment: dict,
    examples: dict[str, list[dict]],
    changed: dict[str, list[dict]],
    origin: dict[str, str],
) -> str:
    """Return the page. ``origin`` says where the summary comes from (file, commit)."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    curve_of = {
        target["name"]: Markup(lambda_curve(target, summary["confidence"]))  # escapes for itself
        for target in summary["targets"]
    }
    artifacts = experiment.get("artifacts", {})
    settings = {key: value for key, value in experiment.items() if key != "artifacts"}
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        name=experiment.get("name", "experiment"),
        facts=facts(experiment, summary),
        summary=summary,
        headings=summary_table.HEADINGS,
        title=summary_table.title,
        cells=summary_table.cells,
        remarks=summary_table.remarks,
        note=summary_table.note(summary),
        curve_of=curve_of,
        examples=examples,
        changed=changed,
        audio_uri=audio_uri,
        settings=list(flat_settings(settings)),
        artifacts=artifacts,
        origin=origin,
    )


def origin_of(path: Path) -> dict[str, str]:
    """Return where a summary comes from: its path, and the commit and packages of its lineage."""
    found = {"Summary": str(path)}
    sidecar = lineage.sidecar(path)
    if sidecar.is_file():
        recorded = json.loads(sidecar.read_text(encoding="utf-8"))
        found |= {"Lineage": str(sidecar), "Commit": recorded["commit"]}
        found["Packages"] = ", ".join(f"{k} {v}" for k, v in recorded["packages"].items())
    return found


def read_manifests(paths: Iterable[Path]) -> list[dict]:
    """Return the utterances of several manifests, one after the other."""
    return [row for path in paths for row in read_manifest(path)]


def main(argv: list[str] | None = None) -> None:
    """Write the report of an experiment."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--summary", type=Path, required=True, help="summary.json of summarize.py")
    add(
        "--experiment", required=True, help="the experiment's config: JSON, or a file that holds it"
    )
    add("--real", type=Path, nargs="*", default=[], help="manifests of real speech, to listen to")
    add("--synthetic", type=Path, nargs="*", default=[], help="manifests of synthetic speech, same")
    add("--examples", type=int, default=3, help="utterances to listen to per domain (default 3)")
    add("--changed", type=int, default=3, help="test utterances shown per target that lost errors, "
        "and as many that gained some (default 3)")  # fmt: skip
    add("--output", type=Path, required=True, help="HTML page to write")
    options = parser.parse_args(argv)

    try:
        summary = json.loads(options.summary.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{options.summary}: not readable as a summary ({error})") from None
    experiment = read_experiment(options.experiment)
    real, synthetic = read_manifests(options.real), read_manifests(options.synthetic)
    examples = audio_examples(real, synthetic, options.examples) if options.examples else {}
    changed = {
        target["name"]: changed_utterances(target, options.changed) for target in summary["targets"]
    }
    page = render(summary, experiment, examples, changed, origin_of(options.summary))
    with atomic_path(options.output) as temporary:
        temporary.write_text(page, encoding="utf-8")
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.1f} MB")
    inputs = [options.summary, TEMPLATE, *options.real, *options.synthetic]
    inputs += files_of_changed(summary)
    parameters = {"examples": options.examples, "changed": options.changed}
    lineage.record(__file__, [options.output], inputs, parameters)


if __name__ == "__main__":
    run(main)
