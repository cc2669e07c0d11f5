"""A config completed: what it leaves to presets, to defaults or to other keys is written out."""

from collections.abc import Iterator
from typing import cast

from configs.known import DEFAULT_PRESET, load_artifacts, load_presets, load_schema
from domains.splits import LONGEST_TEST
from matrix import cluster_counts
from roles import COMPLEMENT, is_text_only
from settings.schema import fill_defaults
from texts.languages import slowest

LIKE_SOURCE = "like_source"  # an augmentation that needs no settings
LIKE_THE_FILTER = ("max_silence", "max_clipping", "min_speaking_rate", "max_speaking_rate")


def complete(config: dict) -> dict:
    """Return a config in full: presets, defaults, targets, bounds, languages, artifacts in use.

    Its values must fit the schema; a name may still refer to nothing (see checking.py). A complete
    config stays as it is.
    """
    schema = load_schema()
    config = cast(dict, fill_defaults(with_presets(config), schema, schema["$defs"]))
    config = config | {"filter": bounds_of_filter(config), "targets": targets_of(config)}
    config["domains"] = {name: with_settings(each) for name, each in config["domains"].items()}
    return config | {
        "domains": {name: bounded(domain, config) for name, domain in config["domains"].items()},
        "tts": {
            name: {"language": config["language"]} | tts for name, tts in config["tts"].items()
        },
        "artifacts": artifacts_in_use(config),
    }


def with_presets(config: dict) -> dict:
    """Return the config with each base model's whole ``finetune``, and none beside.

    A model's own settings win over those of the experiment, and these over the preset's.
    """
    presets = load_presets()
    models = {}
    for name, model in config["base_models"].items():
        preset = presets.get(model.get("preset", DEFAULT_PRESET), {})
        settings = [preset, config.get("finetune", {})]
        settings.append(model.get("finetune", {}))
        merged = {key: value for part in settings for key, value in part.items()}
        mixed = [part.get("mixed", {}) for part in settings]
        merged["mixed"] = {key: value for part in mixed for key, value in part.items()}
        models[name] = model | {"finetune": merged}
    others = {key: value for key, value in config.items() if key != "finetune"}
    return others | {"base_models": models}


def bounds_of_filter(config: dict) -> dict:
    """Return the filter's settings; nothing is longer than the window that models hear."""
    defaults = {
        "min_speaking_rate": slowest(config["language"]),
        "base_model": next(iter(config["base_models"])),
    }
    bounds: dict = defaults | config["filter"]
    longest = min(bounds["max_duration"], bounds["window"], config["window"])
    return bounds | {"max_duration": longest}


def targets_of(config: dict) -> list[str]:
    """Return the targets; ``all`` is every domain that is no source."""
    if config["targets"] != "all":
        return list(config["targets"])
    source = [] if config["source"] == COMPLEMENT else config["source"]
    return [name for name in config["domains"] if name not in source]


def with_settings(domain: dict) -> dict:
    """Return a domain whose augmentation has its settings, where it is but a word."""
    if domain.get("augmentation") != LIKE_SOURCE:
        return domain
    return domain | {"augmentation": {LIKE_SOURCE: {}}}


def bounded(domain: dict, config: dict) -> dict:
    """Return a domain with bounds of its utterances: those of the filter, where it has none.

    What is to be learnt must fit the window, where the domain says nothing; what is tested on is
    cut at its pauses.
    """
    bounds = config["filter"]
    if is_text_only(domain):
        return {"max_duration": bounds["max_duration"]} | domain
    durations = {"max_duration": config["window"], "max_test_duration": LONGEST_TEST}
    of_recordings = {} if "max_duration" in domain else durations
    return of_recordings | {key: bounds[key] for key in LIKE_THE_FILTER} | domain


def artifacts_in_use(config: dict) -> dict:
    """Return the declarations of the artifacts that a config names, and of its own."""
    known = load_artifacts() | config["artifacts"]
    used = {name for _, name in artifacts_named(config)} | set(config["artifacts"])
    return {name: known[name] for name in sorted(used) if name in known}


def artifacts_named(config: dict) -> Iterator[tuple[str, str]]:
    """Yield every place of the config that names an artifact, and the name."""
    for name, model in config["base_models"].items():
        yield f"base_models.{name}.artifact", model["artifact"]
    if "judge" in config:
        yield "judge", config["judge"]
    if cluster_counts(config):
        yield "pseudo_labels.speaker_encoder", config["pseudo_labels"]["speaker_encoder"]
    for name, domain in config["domains"].items():
        if "artifact" in domain:
            yield f"domains.{name}.artifact", domain["artifact"]
        if "generate" in domain:
            yield f"domains.{name}.generate.artifact", domain["generate"]["artifact"]
        augmentation = domain.get("augmentation", {})
        of_dev = {f"dev.{kind}": value for kind, value in augmentation.get("dev", {}).items()}
        for kind, settings in (augmentation | of_dev).items():
            if isinstance(settings, dict) and "artifact" in settings:
                yield f"domains.{name}.augmentation.{kind}.artifact", settings["artifact"]
    for name, tts in config["tts"].items():
        for key in ("artifact", "speakers", "speaker_encoder"):
            if key in tts and tts[key] != "source":
                yield f"tts.{name}.{key}", tts[key]
