"""Write the model card of an adapted checkpoint, and the lineage that goes with it to a model hub.

README.md is a card in the Hugging Face form, lineage.json has the records of all that the
checkpoint was made from. The card says what records and summary say, and nothing that they don't.
"""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from markupsafe import Markup

from arms import kind_of_vector
from errors import InputError, run
from escaping import code, markdown
from evaluation import TASK_VECTORS, symbol
from files.atomic import atomic_path, check_outputs
from files.json_file import read_json
from options import Parser
from paths import REAL, seed_folder
from records.record import MODEL_CARD, WEIGHTS, checkpoint_files
from records.writing import write_record
from reporting.card_exports import about_exports, about_libraries
from reporting.card_facts import (
    UNKNOWN,
    about_aids,
    about_base,
    about_domain,
    about_engines,
    about_speech,
    hub_licence,
    licences_of,
)
from reporting.card_history import History, lineage, read_history
from reporting.card_results import place_of, results_of
from reporting.summary_table import comparison_cell
from reporting.verdicts import verdict_sentence
from reporting.words import about_line, enumerated, percent, points
from scoring.summary import Summary, read_summary

TEMPLATE = Path(__file__).parent / "reporting" / "templates" / "model_card.md.j2"
PAPER = "arxiv:2406.02925"
REPLAYED = {True: "the source's recordings", False: "synthetic speech of the source's texts"}
STRIDE = 2  # mel frames per encoder position: the encoder's second convolution


def metadata(card: dict[str, Any]) -> ModelCardData:
    """Return the card's front matter."""
    results = [
        EvalResult(
            task_type="automatic-speech-recognition",
            dataset_type=card["target"]["name"],
            dataset_name=card["target"]["name"]
            + ("" if each.entry.speech == REAL else f" ({each.entry.speech}, synthetic)"),
            dataset_split="test",
            metric_type="wer",
            metric_name="WER (%)",
            metric_value=round(100 * each.measured.wer, 2),
        )
        for each in card["results"]
        if each.measured
    ]
    licence: dict[str, Any] = hub_licence(card["base"], card["licences"])
    return ModelCardData(
        language=card["settings"]["language"],
        **licence,
        library_name="transformers",
        pipeline_tag="automatic-speech-recognition",
        base_model=card["base"]["hub"],
        tags=[
            card["usage"]["model_type"],
            "domain-adaptation",
            *(["synthetic-speech", "task-vector", PAPER] if card["training"] else []),
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
    options = {"model_type": config["model_type"], "window": window}
    options |= {"positions": None, "generate": None, "libraries": None}
    if config["model_type"] != "whisper":
        return options
    samples = round(window * features["sampling_rate"])
    positions = samples // features["hop_length"] // STRIDE
    generation = read_json(folder / "generation_config.json", "apply the task vector again")
    options["generate"] = {"num_beams": 1, "max_length": settings["max_length"]}
    options["libraries"] = about_libraries(settings["language"], settings["task"])
    if generation["is_multilingual"]:
        options["generate"] |= {key: settings[key] for key in ("language", "task")}
    if positions < config["max_source_positions"]:
        options |= {"positions": positions, "samples": samples}
    return options


def describe(
    checkpoint: Path,
    history: History,
    summary: Summary,
    window: float | None,
    experiment: Path,
    exports: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Return all that the card says; ``experiment`` is the folder of its summary."""
    own = place_of(checkpoint)
    base = own.base
    training, speech = history.training, about_speech(history.training)
    maker = training or history.own
    settings = maker.content["parameters"]
    decoding = history.own.content["parameters"] if history.is_led else settings
    data, aids = own.model.data, own.model.aids
    target = aids.domain if aids else data.group if data else ""
    sources = sorted(
        {domain for each in history.vector() for domain in about_speech(each)["domains"]}
    )
    kind = kind_of_vector(own.model.vector) if own.model.vector else "pooled"
    earlier = [each for each in history.descent(maker) if each.script == "finetune.py"]
    return {
        "name": f"{base}, {own.model}, {seed_folder(own.seed)}",
        "checkpoint": checkpoint,
        "experiment": experiment,
        "base": about_base(history, base),
        "target": about_domain(history, target),
        "sources": [about_domain(history, domain) for domain in sources],
        "engines": about_engines(history, speech),
        # of what is replayed by a ratio, the manifests list more
        "utterances": training.content["training"]["utterances"]
        if training and settings.get("replay")
        else speech["utterances"],
        "earlier": [about_speech(each) for each in earlier],
        "scale": own.model.scale,
        "part": "" if kind in TASK_VECTORS else symbol(kind),
        "replayed": REPLAYED[data.replayed_speech == REAL] if data and data.replayed else "",
        "aids": about_aids(history.own) if history.is_led else None,
        "settings": settings,
        "decoding": decoding,
        "training": training.content["training"] if training else None,
        "verdicts": verdicts_on(checkpoint, summary),
        "confidence": summary.confidence,
        "results": results_of(summary, checkpoint, base, target, maker),
        "licences": (licences := licences_of(history)),
        "forbidding": [row for row in licences if row["forbids"]],
        "unknown": [row["name"] for row in licences if row["licence"] == UNKNOWN],
        "exports": exports,
        "usage": usage(checkpoint.parent, decoding, window or decoding["window"]),
        "versions": sorted(
            {
                f"{each.content['commit']}{' with changes' * each.content['dirty']}"
                for each in history.records
            }
        ),
        "packages": maker.content["packages"],
        "python": maker.content["python"],
        "devices": sorted(
            {each.content["device"] for each in [maker, *earlier, *history.vector()]}
        ),
        "count": len(history.records),
    }


def verdicts_on(checkpoint: Path, summary: Summary) -> list[str]:
    """Return the verdicts that ship a checkpoint, one for each test set of its target."""
    return [
        verdict_sentence(target)
        for target in summary.targets
        if target.verdict and os.path.relpath(checkpoint.parent) in target.verdict.folders
    ]


def escaped(value: Any) -> Any:
    """Return what the template writes: a text as Markdown that shows it, if it is no markup yet."""
    return markdown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def render(card: dict[str, Any]) -> str:
    """Return the card: front matter, which the hub's library must read as it is, then text.

    All that the template is told is shown as it is: only what is ``Markup`` here is Markdown.
    """
    environment = jinja2.Environment(  # noqa: S701 (it is Markdown: ``escaped`` does that)
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
        "about_line": about_line,
        "megabytes": lambda size: f"{size / 1e6:,.0f} MB",
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
    parser = Parser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, help=f"{WEIGHTS} of the adapted checkpoint")
    add("--summary", type=Path, required=True, help="summary.json of the experiment")
    add("--exports", type=Path, nargs="*", default=[], help="numbers of its exports (JSON)")
    add("--window", type=float, help="audio window it is decoded in, s (default: that of training)")
    options = parser.parse_args(argv)
    outputs = [options.checkpoint.parent / name for name in MODEL_CARD]
    check_outputs(outputs, [options.checkpoint, options.summary, *options.exports])
    history = read_history(options.checkpoint)
    summary = read_summary(options.summary)
    experiment = options.summary.parent
    exports = about_exports(options.exports, options.checkpoint)
    card = render(
        describe(options.checkpoint, history, summary, options.window, experiment, exports)
    )
    for path, text in zip(outputs, (card, lineage(history)), strict=True):
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    inputs = [
        *checkpoint_files(options.checkpoint.parent),
        options.summary,
        *options.exports,
        os.path.relpath(TEMPLATE),
    ]
    write_record(__file__, outputs, inputs, {"window": options.window})


if __name__ == "__main__":
    run(main)
