"""An experiment's config: presets, known artifacts and defaults filled in, and checked."""

import argparse
import difflib
import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import yaml

from atomic import atomic_path, check_outputs
from errors import InputError, run
from matrix import (
    COMPLEMENT,
    CONSTANT,
    REAL,
    SOURCE,
    SOURCES,
    domains_of,
    evaluations,
    is_text_only,
    source_group,
    test_speech,
    training_tts,
)
from records import write_record

RULES = Path(__file__).parent.parent / "rules"
SCHEMA = RULES / "config.schema.yaml"
PRESETS = RULES / "presets.yaml"  # published hyper-parameters of each base model
ARTIFACTS = RULES / "artifacts.yaml"  # external files that any experiment may use


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


def fill_defaults(config: object, schema: dict, definitions: dict) -> object:
    """Return ``config`` with the schema's defaults where keys are absent."""
    schema = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if not isinstance(config, dict):
        return config
    properties = schema.get("properties", {})
    absent = {key: part["default"] for key, part in properties.items() if "default" in part}
    others = schema.get("additionalProperties")
    others = others if isinstance(others, dict) else {}
    return {
        key: fill_defaults(value, properties.get(key, others), definitions)
        for key, value in (absent | config).items()
    }


def check(config: dict) -> dict:
    """Return the config with presets, known artifacts and defaults filled in.

    Raises ``InputError`` for the first mistake. A checked config stays as it is.
    """
    schema = load_yaml(SCHEMA)
    validate(config, schema)
    config = fill_defaults(with_presets(config), schema, schema["$defs"])
    validate(config, schema)
    known = load_yaml(ARTIFACTS) | config["artifacts"]
    check_names(config, known)
    used = {name for _, name in artifacts_named(config)} | set(config["artifacts"])
    return config | {"artifacts": {name: known[name] for name in sorted(used)}}


def validate(config: dict, schema: dict) -> None:
    """Raise ``InputError`` for the first violation of the schema."""
    validator = jsonschema.Draft202012Validator(schema)
    for error in sorted(validator.iter_errors(config), key=lambda error: list(error.path)):
        raise InputError(explain(error))


def with_presets(config: dict) -> dict:
    """Return the config with each base model's whole ``finetune``, and none beside.

    A model's own settings win over those of the experiment, and these over the preset's.
    """
    presets = load_yaml(PRESETS)
    models = {}
    for name, model in config["base_models"].items():
        if "preset" in model:
            refer(model["preset"], presets, f"base_models.{name}.preset", "the presets")
        settings = [presets.get(model.get("preset"), {}), config.get("finetune", {})]
        settings.append(model.get("finetune", {}))
        merged = {key: value for part in settings for key, value in part.items()}
        mixed = [part.get("mixed", {}) for part in settings]
        merged["mixed"] = {key: value for part in mixed for key, value in part.items()}
        models[name] = model | {"finetune": merged}
    others = {key: value for key, value in config.items() if key != "finetune"}
    return others | {"base_models": models}


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


def check_names(config: dict, artifacts: dict) -> None:
    """Raise ``InputError`` for a name that refers to nothing, or to something unfit.

    Writes out ``targets: all``, the decoding window and the longest durations that windows allow.
    """
    domains, window = config["domains"], config["window"]
    if config["targets"] == "all":
        source = [] if config["source"] == COMPLEMENT else config["source"]
        config["targets"] = [name for name in domains if name not in source]
    for role in ("source", "targets"):
        for name in [] if config[role] == COMPLEMENT else config[role]:
            refer(name, domains, role, "domains")
    check_roles(config)
    for place, name in artifacts_named(config):
        refer(name, artifacts, place, "artifacts")
    for name, model in config["base_models"].items():
        settings, place = model["finetune"], f"base_models.{name}"
        if "learning_rate" not in settings:
            raise InputError(f"config: {place}: name a preset, or finetune.learning_rate")
        if settings["selected_on"] == "real":
            for domain in filter(lambda name: is_text_only(domains[name]), config["targets"]):
                raise InputError(
                    f"config: {place}.finetune.selected_on: real, but {domain!r} has no recordings"
                )
        if not settings["epochs"] and not settings["max_steps"]:
            raise InputError(
                f"config: {place}: neither finetune.epochs nor max_steps ends training"
            )
    if config.setdefault("decoding_window", window) < window:
        raise InputError(
            f"config: decoding_window: {config['decoding_window']} s is less than the window of"
            f" {window} s, in which the models are trained"
        )
    for name, domain in domains.items():
        if domain.setdefault("max_duration", window) > window:
            raise InputError(
                f"config: domains.{name}.max_duration: {domain['max_duration']} s is more than"
                f" the window of {window} s, in which all arms hear the same"
            )
        if name in config["targets"] and not is_text_only(domain) and domain.get("test") == 0:
            raise InputError(f"config: domains.{name}.test: 0 utterances give no WER; raise it")
    bounds = config["filter"]
    bounds.setdefault("base_model", next(iter(config["base_models"])))
    refer(bounds["base_model"], config["base_models"], "filter.base_model", "base_models")
    bounds["max_duration"] = min(bounds["max_duration"], bounds["window"], window)


def check_roles(config: dict) -> None:
    """Raise ``InputError`` for a domain or synthetic speech that can't be what it is named for."""
    domains, training = config["domains"], training_tts(config)
    if not training:
        raise InputError("config: tts: all are held out; one at least must be trained on")
    if config["source"] != COMPLEMENT:
        for name in config["source"]:
            if is_text_only(domains[name]):
                raise InputError(
                    f"config: source: {name!r} has texts only; a source needs recordings"
                )
            if name in config["targets"]:
                raise InputError(
                    f"config: targets: {name!r} is a source too; take it out of one list"
                )
    else:
        for target in config["targets"]:
            if not domains_of(config, source_group(config, target)):
                raise InputError(f"config: source: no domain but {target!r} has recordings")
    check_speakers(config)
    check_held_out(config["tts"])
    check_choices(config, training)
    for name in config["forgetting"]:
        if name == SOURCE:
            continue
        refer(name, domains, "forgetting", "domains")
        if is_text_only(domains[name]):
            raise InputError(f"config: forgetting: {name!r} has no recordings to test on")
    for target in config["targets"]:
        for name in domains_of(config, source_group(config, target)):
            if SOURCE in config["forgetting"] and domains[name].get("test") == 0:
                raise InputError(
                    f"config: domains.{name}.test: 0, but models are tested on the source domains"
                    " too (forgetting); raise it, or take source out of forgetting"
                )


def check_choices(config: dict, training: list[str]) -> None:
    """Raise ``InputError`` for a way to choose lambda that this experiment can't go."""
    choice, place = config["task_vector"], "task_vector.chosen_on"
    known = dict.fromkeys([CONSTANT, SOURCES, REAL, *training])
    for by in choice["chosen_on"]:
        refer(by, known, place, "the choices and tts")
    constant = choice["delivered"]["scaling_coefficient"]
    if CONSTANT in choice["chosen_on"] and constant not in choice["scaling_coefficients"]:
        raise InputError(
            f"config: {place}: constant is delivered.scaling_coefficient, {constant:g}, which is"
            " not among scaling_coefficients; add it"
        )
    for target in config["targets"]:
        if not test_speech(config, target):
            continue
        group = source_group(config, target)
        if SOURCES in choice["chosen_on"] and len(domains_of(config, group)) < 2:
            raise InputError(
                f"config: {place}: sources, but {target!r} has a single source domain, which none"
                " is left without; name another way"
            )
        if choice["chosen_on"][0] == REAL and is_text_only(config["domains"][target]):
            raise InputError(
                f"config: {place}: real, but {target!r} has no recordings; begin with one of"
                f" {', '.join([CONSTANT, SOURCES, *training])}"
            )


def check_speakers(config: dict) -> None:
    """Raise ``InputError`` for a TTS that can't or must not imitate the source's speakers."""
    for name, tts in config["tts"].items():
        if tts.get("speakers") != "source":
            continue
        if "speaker_encoder" not in tts:
            raise InputError(
                f"config: tts.{name}: speakers: source needs speaker_encoder, the artifact that"
                " computes their x-vectors; spkrec-xvect-voxceleb is one"
            )
        if config["source"] == COMPLEMENT:
            raise InputError(
                f"config: tts.{name}.speakers: in complement mode every domain is a target, and its"
                " speakers must not be heard; name an artifact"
            )


def check_held_out(tts: dict) -> None:
    """Raise ``InputError`` for a voice that is held out here and trained on there."""
    for name, held_out in tts.items():
        for other, trained in tts.items():
            if not held_out["held_out"] or trained["held_out"]:
                continue
            same = (held_out["engine"], held_out["artifact"]) == (
                trained["engine"],
                trained["artifact"],
            )
            if same and (shared := set(held_out["voices"]) & set(trained["voices"])):
                raise InputError(
                    f"config: tts.{name}.voices: {min(shared)!r} is held out here, but {other}"
                    " trains on it; take it out of one of them"
                )


def artifacts_named(config: dict) -> Iterator[tuple[str, str]]:
    """Yield every place of the config that names an artifact, and the name."""
    for name, model in config["base_models"].items():
        yield f"base_models.{name}.artifact", model["artifact"]
    for name, domain in config["domains"].items():
        if "artifact" in domain:
            yield f"domains.{name}.artifact", domain["artifact"]
        for kind, settings in domain.get("augmentation", {}).items():
            if isinstance(settings, dict) and "artifact" in settings:
                yield f"domains.{name}.augmentation.{kind}.artifact", settings["artifact"]
    for name, tts in config["tts"].items():
        for key in ("artifact", "speakers", "speaker_encoder"):
            if key in tts and tts[key] != "source":
                yield f"tts.{name}.{key}", tts[key]


def refer(name: str, known: dict, place: str, where: str) -> None:
    """Raise ``InputError`` unless ``name`` is a key of ``known``."""
    if name not in known:
        nearest = difflib.get_close_matches(name, known, 1)
        remedy = f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(known)}"
        raise InputError(f"config: {place}: {name!r} is not under {where}; {remedy}")


def main(argv: list[str] | None = None) -> None:
    """Write the matrix of an experiment."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--experiment", required=True, help="the config as JSON, or a YAML file")
    parser.add_argument("--output", help="JSON file to write (default: print)")
    options = parser.parse_args(argv)
    given = options.experiment
    check_outputs([options.output], [] if given.startswith("{") else [given])
    config = json.loads(given) if given.startswith("{") else load_yaml(given)
    text = json.dumps(list(evaluations(check(config))), indent=1) + "\n"
    if options.output is None:
        print(text, end="")
        return
    with atomic_path(options.output) as temporary:
        temporary.write_text(text)
    write_record(__file__, [options.output], [], {"experiment": config})


if __name__ == "__main__":
    run(main)
