"""A config completed: presets, known artifacts and defaults filled in; and checked."""

from pathlib import Path

from configs.languages import check_parts
from configs.names import artifacts_named, check_names, check_paths
from configs.schema import check_numbers, fill_defaults, refer, validate
from corpora import CORPORA
from engines import ENGINES
from errors import InputError
from fetching.declaration import check_declaration
from files.strict_yaml import load_yaml
from texts.languages import slowest

RULES = Path(__file__).parents[2] / "rules"
SCHEMA = RULES / "config.schema.yaml"
PRESETS = RULES / "presets.yaml"  # published hyper-parameters of each base model
ARTIFACTS = RULES / "artifacts.yaml"  # external files that any experiment may use


def check(config: dict) -> dict:
    """Return the config with presets, known artifacts and defaults filled in.

    Raises ``InputError`` for the first mistake. A checked config stays as it is.
    """
    schema = load_schema()
    check_numbers(config)
    validate(config, schema)
    config = fill_defaults(with_presets(config), schema, schema["$defs"])
    config["filter"].setdefault("min_speaking_rate", slowest(config["language"]))
    validate(config, schema)
    known = load_yaml(ARTIFACTS) | config["artifacts"]
    check_names(config, known)
    check_paths(config)
    check_parts(config, known)
    used = {name for _, name in artifacts_named(config)} | set(config["artifacts"])
    for name in sorted(used):
        try:
            check_declaration(known[name])
        except InputError as error:
            raise InputError(f"config: artifacts.{name}: {error}") from None
    return config | {"artifacts": {name: known[name] for name in sorted(used)}}


def load_schema() -> dict:
    """Return the schema of a config, with the names of engines and corpora filled in."""
    schema = load_yaml(SCHEMA)
    for section, key, table in (("tts", "engine", ENGINES), ("domains", "corpus", CORPORA)):
        named = schema["properties"][section]["additionalProperties"]
        named["properties"][key]["enum"] = list(table)
    return schema


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
