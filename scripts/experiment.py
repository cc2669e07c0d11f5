"""The experiment: its config, checked, and the matrix of what it evaluates."""

import argparse
import difflib
import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import yaml

from atomic import atomic_path
from errors import InputError, run

SCHEMA = Path(__file__).parent.parent / "rules" / "config.schema.yaml"
PRETRAINED = "pretrained"
VECTOR = "+vector"
CONTINUED = "source-mixed->target-synthetic"
WHISPER_WINDOW = 30  # s, in which the pretrained model is decoded


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a repeated key is an error, not a silent replacement."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict:
    seen: dict[str, int] = {}
    for key_node, _ in node.value:
        key, line = key_node.value, key_node.start_mark.line + 1
        if key in seen:
            raise InputError(
                f"{key_node.start_mark.name}:{line}: {key!r} stands already in line {seen[key]};"
                " remove or rename one of them"
            )
        seen[key] = line
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_yaml(path: str | Path) -> dict:
    """Return a YAML file's content; a key that stands twice, or a syntax error, is refused."""
    try:
        with open(path, encoding="utf-8") as file:
            return yaml.load(file, _StrictLoader)
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {error}") from None


def fill_defaults(config: object, schema: dict) -> object:
    """Return ``config`` with the schema's defaults where keys are absent."""
    if not isinstance(config, dict):
        return config
    properties = schema.get("properties", {})
    absent = {key: part["default"] for key, part in properties.items() if "default" in part}
    others = schema.get("additionalProperties")
    others = others if isinstance(others, dict) else {}
    return {
        key: fill_defaults(value, properties.get(key, others))
        for key, value in (absent | config).items()
    }


def check(config: dict) -> dict:
    """Return the config with defaults filled in; raise ``InputError`` for the first mistake."""
    schema = load_yaml(SCHEMA)
    config = fill_defaults(config, schema)
    validator = jsonschema.Draft202012Validator(schema)
    for error in sorted(validator.iter_errors(config), key=lambda error: list(error.path)):
        raise InputError(explain(error))
    check_names(config)
    return config


def explain(error: jsonschema.ValidationError) -> str:
    """Return a schema violation as a sentence with place, value and remedy."""
    place = ".".join(map(str, error.absolute_path)) or "top level"
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        unknown = sorted(set(error.instance) - set(known))[0]
        nearest = difflib.get_close_matches(unknown, known, 1)
        remedy = f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(known)}"
        return f"config: {place}: unknown key {unknown!r}; {remedy}"
    if error.validator == "oneOf":
        choices = [" and ".join(choice["required"]) for choice in error.validator_value]
        return f"config: {place}: exactly one of these must be given: {'; '.join(choices)}"
    if error.validator == "pattern" and "propertyNames" in error.schema_path:
        return (
            f"config: {place}: {error.instance!r} can't be a name here;"
            f" names match {error.validator_value} and are used in file names"
        )
    described = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    return f"config: {place}: {error.message}. {described}".strip()


def check_names(config: dict) -> None:
    """Raise ``InputError`` for a name that refers to nothing, or to something unfit."""
    domains, artifacts, tts = config["domains"], config["artifacts"], config["tts"]
    for role in ("source", "targets"):
        for name in config[role]:
            refer(name, domains, role, "domains")
    for name in config["source"]:
        if is_text_only(domains[name]):
            raise InputError(f"config: source: {name!r} has texts only; a source needs recordings")
        if name in config["targets"]:
            raise InputError(f"config: targets: {name!r} is a source too; take it out of one list")
    refer(config["model"]["artifact"], artifacts, "model.artifact", "artifacts")
    for kind, entries in (("domains", domains), ("tts", tts)):
        for name, entry in entries.items():
            if "artifact" in entry:
                refer(entry["artifact"], artifacts, f"{kind}.{name}.artifact", "artifacts")
    for name, domain in domains.items():
        if domain.setdefault("max_duration", config["window"]) > config["window"]:
            raise InputError(
                f"config: domains.{name}.max_duration: {domain['max_duration']} s is more than"
                f" the window of {config['window']} s, in which all arms hear the same"
            )
        if name in config["targets"] and not is_text_only(domain) and domain.get("test") == 0:
            raise InputError(f"config: domains.{name}.test: 0 utterances give no WER; raise it")
    refer(config["task_vector"]["chosen_on"], {"real": {}} | tts, "task_vector.chosen_on", "tts")
    bounds = config["filter"]
    bounds["max_duration"] = min(bounds["max_duration"], bounds["window"], config["window"])


def refer(name: str, known: dict, place: str, where: str) -> None:
    """Raise ``InputError`` unless ``name`` is a key of ``known``."""
    if name not in known:
        nearest = difflib.get_close_matches(name, known, 1)
        remedy = f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(known)}"
        raise InputError(f"config: {place}: {name!r} is not under {where}; {remedy}")


def is_text_only(domain: dict) -> bool:
    """Say whether a domain has no recordings."""
    return "texts" in domain


def model_name(arm: str, target: str, tts: str | None) -> str:
    """Return the name under ``models/`` of an arm without its vector."""
    return {
        PRETRAINED: PRETRAINED,
        "source-real": "source-real",
        "source-synthetic": f"source-{tts}",
        "source-mixed": f"source-mixed-{tts}",
        CONTINUED: f"{target}-{tts}-after-source-mixed-{tts}",
        "target-synthetic": f"{target}-{tts}",
        "target-real": f"{target}-real",
    }[arm]


def delivered(config: dict, target: str, tts: str) -> str:
    """Return the name under ``models/`` of the adapted checkpoint that is written for a target."""
    choice = config["task_vector"]["delivered"]
    return f"{model_name(choice['arm'], target, tts)}+tv{choice['scaling_coefficient']:g}"


def evaluations(config: dict) -> Iterator[dict]:
    """Yield every number of the experiment: which model is scored on which speech, and as what.

    This is the whole matrix. A target without recordings has its delivered checkpoint, whose
    ``score`` is null. The dev speech is where the scaling coefficient of a vector is chosen.
    """
    for target in config["targets"]:
        if is_text_only(config["domains"][target]):
            choice = config["task_vector"]["delivered"]
            for tts in config["tts"]:
                arm, scale = choice["arm"] + VECTOR, choice["scaling_coefficient"]
                yield from evaluations_of(config, target, arm, tts, scale, None, None)
            continue
        for arm, tts, scale in arms(config):
            yield from evaluations_of(config, target, arm, tts, scale, "real", "test")
            if scale is not None:
                speech = config["task_vector"]["chosen_on"]
                yield from evaluations_of(config, target, arm, tts, scale, speech, "dev")


def arms(config: dict) -> Iterator[tuple[str, str | None, float | None]]:
    """Yield arm, TTS and scaling coefficient: one that hears no TTS once, a vector with each."""
    for arm in config["arms"]:
        hears_tts = arm not in (PRETRAINED, "source-real", "target-real")
        scales = config["task_vector"]["scaling_coefficients"] if arm.endswith(VECTOR) else [None]
        for tts in config["tts"] if hears_tts else [None]:
            for scale in scales:
                yield arm, tts, scale


def evaluations_of(
    config: dict,
    target: str,
    arm: str,
    tts: str | None,
    scale: float | None,
    speech: str | None,
    split: str | None,
) -> Iterator[dict]:
    """Yield the evaluations of one model on one test or dev set, one for each seed.

    ``scaling_coefficient`` and ``vector_on`` are null without a vector; the pretrained model has
    seed 0 only.
    """
    results, base = results_folder(config), arm.removesuffix(VECTOR)
    model = model_name(base, target, tts)
    added = "" if scale is None else f"+tv{scale:g}"
    written = model if split else model + added  # a vector is added while a model is transcribing
    for seed in [0] if arm == PRETRAINED else config["seeds"]:
        path = f"{model}{added}/seed{seed}/{target}/{speech}/{split}"
        yield {
            "target": target,
            "arm": arm,
            "tts": tts,
            "model": f"{results}/models/{written}/seed{seed}",
            "scaling_coefficient": scale,
            "vector_on": None if scale is None else base,
            "speech": speech,
            "split": split,
            "seed": seed,
            "window": window_of(config, model),
            "manifest": f"{results}/manifests/{target}/{speech}/{split}.jsonl" if split else None,
            "hypotheses": f"{results}/hypotheses/{path}.jsonl" if split else None,
            "score": f"{results}/scores/{path}.json" if split else None,
            "target_recordings": "training" if arm == "target-real" else "none",
        }


def window_of(config: dict, model: str) -> float:
    """Return the audio window (s) in which a model is decoded; the pretrained one keeps its own."""
    return WHISPER_WINDOW if model == PRETRAINED else config["window"]


def results_folder(config: dict) -> str:
    """Return the folder of the experiment's files."""
    return f"results/{config['name']}"


def main(argv: list[str] | None = None) -> None:
    """Write the matrix of an experiment."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--experiment", required=True, help="the config as JSON, or a YAML file")
    parser.add_argument("--output", help="JSON file to write (default: print)")
    options = parser.parse_args(argv)
    given = options.experiment
    config = json.loads(given) if given.startswith("{") else load_yaml(given)
    text = json.dumps(list(evaluations(check(config))), indent=1) + "\n"
    if options.output is None:
        print(text, end="")
        return
    with atomic_path(options.output) as temporary:
        temporary.write_text(text)


if __name__ == "__main__":
    run(main)
