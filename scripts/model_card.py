"""Write the model card of an adapted checkpoint, and the lineage that goes with it to a model hub.

README.md is a card in the Hugging Face form, lineage.json has the records of all that the
checkpoint was made from. The card says what records and summary say, and nothing that they don't.
"""

import argparse
import os
import shlex
from pathlib import Path
from typing import Any

import jinja2
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from markupsafe import Markup

from errors import InputError, run
from escaping import code, markdown
from files.atomic import atomic_path, check_outputs
from lineages.leaks import told
from matrix import CONTINUED
from paths import PRETRAINED, REAL, Checkpoint, coefficient, seed_folder
from records.record import MODEL_CARD, WEIGHTS, Record, checkpoint_files
from records.writing import write_record
from reporting.card_facts import (
    UNKNOWN,
    about_base,
    about_domain,
    about_engines,
    about_speech,
    hub_licence,
    licences_of,
)
from reporting.card_history import History, lineage, read_history
from reporting.card_verdict import about_coefficient, verdict
from reporting.summary_table import comparison_cell
from reporting.words import enumerated, percent, points
from scoring.scored import read_json

TEMPLATE = Path(__file__).parent / "reporting" / "templates" / "model_card.md.j2"
PAPER = "arxiv:2406.02925"
STRIDE = 2  # mel frames per encoder position: the encoder's second convolution


def place_of(checkpoint: Path) -> Checkpoint:
    """Return what the path of a checkpoint's weights says of them."""
    return Checkpoint.parse("/".join(checkpoint.parts[-5:-1]))


def results_of(
    summary: dict, checkpoint: Path, base: str, target: str, parent: Record
) -> list[dict]:
    """Return what was measured of the checkpoint, for each test set of its target.

    ``row`` is null where the table does not have the checkpoint; ``other_scales`` are the
    coefficients with which it has the model that the vector was added to (``parent``).
    """
    own = place_of(checkpoint)
    folder = os.path.dirname(next(iter(parent.outputs)))
    found = []
    for entry in summary["targets"]:
        if (entry["base"], entry["target"]) != (base, target) or not entry["rows"]:
            continue
        place = f"/scores/{base}/{own.model}/{seed_folder(own.seed)}/"
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
    own = place_of(checkpoint)
    base = own.base
    training, *_ = history.descent(history.applied)
    settings, speech = training.content["parameters"], about_speech(training)
    [target] = speech["domains"]
    sources = sorted(
        {domain for each in history.vector() for domain in about_speech(each)["domains"]}
    )
    earlier = [each for each in history.descent(training) if each.script == "finetune.py"]
    return {
        "name": f"{base}, {own.model}, {seed_folder(own.seed)}",
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
