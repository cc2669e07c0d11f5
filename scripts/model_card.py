"""Write the model card of an adapted checkpoint, and the lineage that goes with it to a model hub.

README.md is a card in the Hugging Face form, lineage.json has the records of all that the
checkpoint was made from. The card says what records and summary say, and nothing that they don't.
"""

import argparse
import functools
import json
import os
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from markupsafe import Markup

from errors import InputError, run
from escaping import code, markdown
from files.atomic import atomic_path, check_outputs
from files.manifest import read_manifest
from lineages.leaks import told
from matrix import CONTINUED
from paths import PRETRAINED, REAL, coefficient
from records.record import (
    INDEX,
    MODEL_CARD,
    WEIGHTS,
    Record,
    checkpoint_files,
    record_of_fetched,
    upstream,
    write_record,
)
from reporting.summary_table import comparison_cell
from reporting.words import enumerated, percent, points, spread
from scoring.scored import read_json

TEMPLATE = Path(__file__).parent / "reporting" / "templates" / "model_card.md.j2"
PAPER = "arxiv:2406.02925"
UNKNOWN = "unknown: no record tells it"
STRIDE = 2  # mel frames per encoder position: the encoder's second convolution
PURPOSES = {  # of the external files that a stage brings in
    "augment.py": "noise and rooms",
    "prepare.py": "data of a domain",
    "pretrained.py": "recogniser",
    "synthesize.py": "text to speech",
    "xvectors.py": "speaker encoder",
}
# https://huggingface.co/docs/hub/repositories-licenses, those that models and data have
HUB_LICENCES = (
    "apache-2.0", "mit", "openrail", "bigscience-openrail-m", "creativeml-openrail-m",
    "bigcode-openrail-m", "openmdw-1.0", "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd",
    "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "c-uda", "cc0-1.0", "cc-by-2.0",
    "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0",
    "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cdla-sharing-1.0",
    "cdla-permissive-1.0", "cdla-permissive-2.0", "ecl-2.0", "epl-1.0", "epl-2.0", "eupl-1.1",
    "eupl-1.2", "agpl-3.0", "gfdl", "gpl-2.0", "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "isc", "mpl-2.0",
    "odbl", "odc-by", "ofl-1.1", "osl-3.0", "pddl", "unlicense", "zlib",
)  # fmt: skip


# The checkpoint's history


@dataclass(frozen=True)
class History:
    """The records of a checkpoint and of all that it was made from, and who made each file."""

    records: list[Record]
    maker: dict[str, Record]

    @property
    def applied(self) -> Record:
        """Return the record of the checkpoint itself."""
        return self.records[-1]

    def made_by(self, script: str) -> list[Record]:
        """Return the records of a stage."""
        return [record for record in self.records if record.script == script]

    def descent(self, record: Record) -> Iterator[Record]:
        """Yield the records of the checkpoints that one was made from, back to the base model."""
        for path in record.inputs:
            if Path(path).name == WEIGHTS and path in self.maker:
                yield self.maker[path]
                yield from self.descent(self.maker[path])

    def vector(self) -> list[Record]:
        """Return the records of the trainings whose difference, or mean of them, was added."""
        added = [path for path in self.applied.inputs if is_vector(path)]
        trainings: dict[str, Record] = {}
        while added:
            record = self.maker[added.pop()]
            added += [path for path in record.inputs if is_vector(path)]
            for path in record.inputs:
                if not is_vector(path):
                    trainings[path] = self.maker[path]
        return list(trainings.values())


def is_vector(path: str) -> bool:
    """Say whether a file of tensors is a task vector, and no checkpoint."""
    return path.endswith(".safetensors") and Path(path).name != WEIGHTS


def read_history(checkpoint: Path) -> History:
    """Return the history of an adapted checkpoint, back to the fetched files."""
    made = upstream(checkpoint)
    if made[-1].content["parameters"].get("command") != "apply":
        raise InputError(
            f"{checkpoint}: was made by {made[-1].script}, not by task_vector.py apply; cards are"
            " for adapted checkpoints"
        )
    fetched = functools.cache(lambda folder: record_of_fetched(folder / INDEX))
    origins = [fetched(record.at(path).parent) for record in made for path in record.inputs]
    records = {record.sidecar: record for record in [*filter(None, origins), *made]}
    return History(
        list(records.values()),
        {output: record for record in records.values() for output in record.outputs},
    )


def lineage(history: History) -> str:
    """Return the records as canonical JSON, by path from the folder that the workflow ran in.

    ``run`` is left out: names of machines are nobody's business on a hub, and without times the
    same work gives the same bytes.
    """
    root = history.applied.root
    records = {
        os.path.relpath(record.sidecar, root): {
            key: value for key, value in record.content.items() if key != "run"
        }
        for record in history.records
    }
    return json.dumps({"version": 1, "records": records}, indent=1, sort_keys=True) + "\n"


# What the records say


def about_speech(training: Record) -> dict[str, Any]:
    """Return on what a training run was: domains, utterances and, of each TTS, the voices."""
    rows = [
        row
        for path in training.content["manifests"]["train"]
        for row in read_manifest(training.at(path))
    ]
    voices: dict[str, set[str]] = {}
    for row in rows:
        if "tts" in row:
            voices.setdefault(row["tts"], set()).add(row["voice"])
    return {
        "domains": sorted({row["domain"] for row in rows}),
        "utterances": len(rows),
        "of_tts": Counter(row["tts"] for row in rows if "tts" in row),
        "voices": {tts: sorted(names) for tts, names in voices.items()},
    }


def about_domain(history: History, name: str) -> dict[str, Any]:
    """Return what is known of a domain: its texts to train on, and its recordings, if any."""
    prepared = [
        record.content
        for record in history.made_by("prepare.py")
        if record.content["parameters"]["domain"] == name
    ]
    counts = prepared[0]["counts"] if prepared else {"texts": {}, "splits": {}}
    return {
        "name": name,
        "texts": counts["texts"].get("train"),
        "recordings": counts["splits"].get("train", {}).get("utterances"),
    }


def about_base(history: History, name: str) -> dict[str, Any]:
    """Return a base model's name, its repository on the hub, if known, and its licences."""
    *_, pretrained = history.descent(history.applied)
    return {
        "name": name,
        "hub": hub_name(pretrained),
        "licences": [each["licence"] for each in pretrained.content["licences"].values()],
    }


def hub_name(pretrained: Record) -> str | None:
    """Return the repository of a base model on the hub: whence it was fetched, or OpenAI's own."""
    for path in map(Path, pretrained.inputs):
        fetched = record_of_fetched(pretrained.at(str(path)))
        source = fetched.content["sources"].get(path.name, "") if fetched else ""
        if match := re.match(r"hub ([^\s:]+)", source):
            return match[1]
        if path.suffix == ".pt" and path.parent.name == f"whisper-{path.stem}":
            return f"openai/{path.parent.name}"
    return None


def about_engines(history: History, speech: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the TTS that spoke a training's texts: engine, number of voices and utterances."""
    engine_of = {
        record.content["parameters"]["tts"]: record.content["parameters"]["engine"]
        for record in history.made_by("synthesize.py")
    }
    return [
        {"tts": tts, "engine": engine_of.get(tts), "utterances": count}
        | {"voices": len(speech["voices"][tts])}
        for tts, count in sorted(speech["of_tts"].items())
    ]


def licences_of(history: History) -> list[dict[str, str]]:
    """Return the licence of each external, what it forbids, what it served for, and its origin."""
    found: dict[str, dict[str, Any]] = {}
    for record in history.records:
        terms_of = record.content["licences"]
        for name in terms_of.keys() | externals(history, record):
            terms = terms_of.get(name, {"licence": UNKNOWN})
            row = found.setdefault(name, {"name": name, "purposes": [], "sources": []})
            row |= {"licence": terms["licence"], "forbids": terms.get("forbids", "")}
        for name in terms_of if record.script == "fetch.py" else ():
            found[name]["sources"] += map(origin, record.content["sources"].values())
        for name in externals(history, record):
            found[name]["purposes"].append(PURPOSES[record.script])
    lists = ("purposes", "sources")
    return [
        row | {key: ", ".join(dict.fromkeys(row[key])) for key in lists}
        for _, row in sorted(found.items())
    ]


def externals(history: History, record: Record) -> set[str]:
    """Return the names of the externals that a stage has read itself, not had from an earlier one.

    A fetched folder without a record, which would tell its licence, goes by its own name.
    """
    if record.script not in PURPOSES:
        return set()
    inherited = {
        name
        for path in record.inputs
        if path in history.maker and history.maker[path].script != "fetch.py"
        for name in history.maker[path].content["licences"]
    }
    names = set(record.content["licences"]) - inherited
    if record.content["parameters"].get("domain") in names:  # the user's own files
        return names
    return names | {
        Path(path).parent.name
        for path in record.inputs
        if path not in history.maker and record_of_fetched(record.at(path)) is None
    }


def origin(source: str) -> str:
    """Return whence a file was fetched: the package, repository or URL, without what is in it."""
    return "a local file" if source.startswith("path ") else source.split(": ")[0]


def hub_licence(base: dict[str, Any], licences: Iterable[dict[str, str]]) -> dict[str, str]:
    """Return the card's licence: the base model's, if nothing in the model forbids anything.

    Else ``other``, whose name points to the card's text; a link must be a URL.
    """
    [own] = base["licences"] if len(base["licences"]) == 1 else [""]
    identifier = re.sub(r"[\s_]+", "-", own.strip().lower())
    if identifier in HUB_LICENCES and not any(row["forbids"] for row in licences):
        return {"license": identifier}
    link = re.search(r"https?://[^\s)>\"']+", own)
    return {"license": "other", "license_name": "see-licences-in-this-card"} | (
        {"license_link": link[0]} if link and identifier not in HUB_LICENCES else {}
    )


# What the summary says


def results_of(
    summary: dict, checkpoint: Path, base: str, target: str, parent: Record
) -> list[dict]:
    """Return what was measured of the checkpoint, for each test set of its target.

    ``row`` is null where the table does not have the checkpoint; ``other_scales`` are the
    coefficients with which it has the model that the vector was added to (``parent``).
    """
    *_, name, seed, _ = checkpoint.parts
    folder = os.path.dirname(next(iter(parent.outputs)))
    found = []
    for entry in summary["targets"]:
        if (entry["base"], entry["target"]) != (base, target) or not entry["rows"]:
            continue
        place = f"/scores/{base}/{name}/{seed}/"
        rows = [row for row in entry["rows"] if any(place in path for path in row["scores"])]
        others = [row for row in entry["rows"] if row["vector_on"] and folder in row["models"]]
        scales = {row["scaling_coefficient"] for row in others}
        found.append(
            {
                "entry": entry,
                "row": rows[0] if rows else None,
                "other_scales": [coefficient(scale) for scale in sorted(scales)],
            }
            | (measured(rows[0], entry, place) if rows else {})
        )
    return found


def measured(row: dict, entry: dict, place: str) -> dict[str, Any]:
    """Return a row's numbers for the card, and those of the models that it is compared to."""
    [own] = [
        wer for path, wer in zip(row["scores"], row["wer_of_seeds"], strict=True) if place in path
    ]
    same = [other for other in entry["rows"] if other["tts"] in (row["tts"], None)]
    return {
        "wer": own,
        "pretrained": next((other for other in same if other["arm"] == PRETRAINED), None),
        "baseline": next((other for other in same if other["arm"] == CONTINUED), None),
        "verdict": Markup(verdict(row)),  # which names nothing from outside
        "coefficient": Markup(about_coefficient(row, entry)),
        "recordings": about_recordings(row),
    }


def verdict(row: dict) -> str:
    """Say plainly whether a row is better than the pretrained model."""
    comparison = row["versus_pretrained"]
    if comparison is None:
        return "It was not compared with the pretrained model."
    difference = f"({spread(comparison)})"
    if row["exploratory"]:
        shown = "is not better" if comparison["difference"] >= 0 else "is not shown to be better"
        return (
            f"**It {shown} than the pretrained model** {difference}: no way of choosing λ picked"
            " this one, so the difference was not tested."
        )
    if not comparison["significant"]:
        return f"**It is not shown to be better than the pretrained model** {difference}."
    if comparison["difference"] < 0:
        return f"It makes fewer word errors than the pretrained model {difference}."
    return f"**It makes more word errors than the pretrained model** {difference}."


def about_coefficient(row: dict, entry: dict) -> str:
    """Say whether the checkpoint's λ is the one that the table's way of choosing picked."""
    if row["chosen"]:
        return f"The table's λ, {markdown(row['chosen_on'])}, is the same."
    same = ("arm", "tts", "vector")
    for other in entry["rows"]:
        if other["chosen"] and all(other[key] == row[key] for key in same):
            return (
                f"**It is not the table's λ**, which is {coefficient(other['scaling_coefficient'])}"
                f" ({markdown(other['chosen_on'])}; WER {percent(other['wer'])} %)."
            )
    return "The table has chosen no λ for this model."


def about_recordings(row: dict) -> str:
    """Say which recordings of the target served, and what lineage shows of its test set."""
    used = []
    if row["target_recordings"] != "none":
        used.append(f"Recordings of the target served for {row['target_recordings']}.")
    else:
        used.append("No recordings of the target were trained on or selected with.")
    if count := row["target_recordings_for_choice"]:
        used.append(f"{count} chose the table's λ.")
    if row["leakage"] is None:
        return " ".join([*used, "Lineage was not searched for the test set."])
    return " ".join(
        [
            *used,
            f"Of its test set and recordings, lineage shows in the model: {told(row['leakage'])}.",
        ]
    )


# The card


def metadata(card: dict[str, Any]) -> ModelCardData:
    """Return the card's front matter."""
    results = [
        EvalResult(
            task_type="automatic-speech-recognition",
            dataset_type=card["target"]["name"],
            dataset_name=card["target"]["name"]
            + (
                ""
                if each["entry"]["speech"] == REAL
                else f" ({each['entry']['speech']}, synthetic)"
            ),
            dataset_split="test",
            metric_type="wer",
            metric_name="WER (%)",
            metric_value=round(100 * each["wer"], 2),
        )
        for each in card["results"]
        if each["row"]
    ]
    return ModelCardData(
        language=card["settings"]["language"],
        **hub_licence(card["base"], card["licences"]),
        library_name="transformers",
        pipeline_tag="automatic-speech-recognition",
        base_model=card["base"]["hub"],
        tags=[
            card["usage"]["model_type"],
            "domain-adaptation",
            "synthetic-speech",
            "task-vector",
            PAPER,
        ],
        metrics=["wer"] if results else None,
        model_name=card["name"] if results else None,
        eval_results=results or None,
    )


def usage(folder: Path, settings: dict[str, Any], window: float) -> dict[str, Any]:
    """Return what plain transformers must be told to decode as transcribe.py does in a window (s).

    ``positions`` of the encoder and ``samples`` are those of the window, if it is shorter than the
    model's own; a CTC model has neither window nor ``generate`` options.
    """
    config, features = (
        read_json(folder / name, "apply the task vector again")
        for name in ("config.json", "preprocessor_config.json")
    )
    found = {"model_type": config["model_type"], "window": window}
    found |= {"positions": None, "generate": None}
    if config["model_type"] != "whisper":
        return found
    samples = round(window * features["sampling_rate"])
    positions = samples // features["hop_length"] // STRIDE
    generation = read_json(folder / "generation_config.json", "apply the task vector again")
    found["generate"] = {"num_beams": 1, "max_length": settings["max_length"]}
    if generation["is_multilingual"]:
        found["generate"] |= {key: settings[key] for key in ("language", "task")}
    if positions < config["max_source_positions"]:
        found |= {"positions": positions, "samples": samples}
    return found


def describe(
    checkpoint: Path, history: History, summary: dict, window: float | None
) -> dict[str, Any]:
    """Return all that the card says."""
    *_, base, name, seed, _ = checkpoint.parts
    training, *_ = history.descent(history.applied)
    settings, speech = training.content["parameters"], about_speech(training)
    [target] = speech["domains"]
    sources = sorted(
        {domain for each in history.vector() for domain in about_speech(each)["domains"]}
    )
    earlier = [each for each in history.descent(training) if each.script == "finetune.py"]
    return {
        "name": f"{base}, {name}, {seed}",
        "checkpoint": checkpoint,
        "experiment": checkpoint.parents[4],
        "base": about_base(history, base),
        "target": about_domain(history, target),
        "sources": [about_domain(history, domain) for domain in sources],
        "engines": about_engines(history, speech),
        "utterances": speech["utterances"],
        "earlier": [about_speech(each) for each in earlier],
        "scale": history.applied.content["parameters"]["scaling_coefficient"],
        "settings": settings,
        "training": training.content["training"],
        "confidence": summary["confidence"],
        "results": results_of(summary, checkpoint, base, target, training),
        "licences": (licences := licences_of(history)),
        "forbidding": [row for row in licences if row["forbids"]],
        "unknown": [row["name"] for row in licences if row["licence"] == UNKNOWN],
        "usage": usage(checkpoint.parent, settings, window or settings["window"]),
        "versions": sorted(
            {
                f"{each.content['commit']}{' with changes' * each.content['dirty']}"
                for each in history.records
            }
        ),
        "packages": training.content["packages"],
        "python": training.content["python"],
        "devices": sorted(
            {each.content["device"] for each in [training, *earlier, *history.vector()]}
        ),
        "count": len(history.records),
    }


def escaped(value: Any) -> Any:
    """Return what the template writes: a text as Markdown that shows it, if it is no markup yet."""
    return markdown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def render(card: dict[str, Any]) -> str:
    """Return the card: front matter, which the hub's library must read as it is, then text.

    All that the template is told is shown as it is: only what is ``Markup`` here is Markdown.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE.parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=escaped,
    )
    environment.filters |= {
        "counted": lambda number, noun: f"{number:,} {noun}{'' if number == 1 else 's'}",
        "cell": lambda text: Markup(markdown(text)),
        "code": lambda text: Markup(code(text)),
        "comparison": lambda comparison: Markup(comparison_cell(comparison)),
        "enumerated": enumerated,
        "interval": lambda bounds: Markup(f"[{', '.join(map(percent, bounds))}]"),
        "percent": percent,
        "points": points,
        "quoted": lambda text: Markup(code(shlex.quote(str(text)))),
    }
    data = metadata(card)
    front_matter = Markup(data.to_yaml())
    text = environment.get_template(TEMPLATE.name).render(**card, front_matter=front_matter)
    if (read := ModelCard(text).data.to_dict()) != data.to_dict():
        raise InputError(
            f"{card['checkpoint']}: the card's front matter is read as {read}; a name in the"
            " experiment is no plain text: rename it"
        )
    return text


def main(argv: list[str] | None = None) -> None:
    """Write the card of an adapted checkpoint beside it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, help=f"{WEIGHTS} of the adapted checkpoint")
    add("--summary", type=Path, required=True, help="summary.json of the experiment")
    add("--window", type=float, help="audio window it is decoded in, s (default: that of training)")
    options = parser.parse_args(argv)
    outputs = [options.checkpoint.parent / name for name in MODEL_CARD]
    check_outputs(outputs, [options.checkpoint, options.summary])
    history = read_history(options.checkpoint)
    summary = read_json(options.summary, "write it with summarize.py")
    card = render(describe(options.checkpoint, history, summary, options.window))
    for path, text in zip(outputs, (card, lineage(history)), strict=True):
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    inputs = [
        *checkpoint_files(options.checkpoint.parent),
        options.summary,
        os.path.relpath(TEMPLATE),
    ]
    write_record(__file__, outputs, inputs, {"window": options.window})


if __name__ == "__main__":
    run(main)
