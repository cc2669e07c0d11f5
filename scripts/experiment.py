"""An experiment's config: presets, known artifacts and defaults filled in, and checked."""

import argparse
import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema

from errors import InputError, run
from fetching.declaration import check_declaration
from fetching.sources import redacted
from files.atomic import atomic_path, check_outputs
from files.strict_yaml import line_of, load_yaml
from matrix import (
    COMPLEMENT,
    CONSTANT,
    REAL,
    SOURCE,
    SOURCES,
    coefficient,
    domains_of,
    evaluations,
    is_text_only,
    source_group,
    test_speech,
    training_tts,
)
from names import BESIDE, name_of
from records.record import write_record
from texts.languages import check_parts, slowest

RULES = Path(__file__).parent.parent / "rules"
SCHEMA = RULES / "config.schema.yaml"
PRESETS = RULES / "presets.yaml"  # published hyper-parameters of each base model
ARTIFACTS = RULES / "artifacts.yaml"  # external files that any experiment may use


LARGEST = 10**15  # of numbers in a config
LONGEST = 240  # characters of a part of a path; file systems take 255
BOOLEANS = ("yes", "no", "on", "off", "y", "n")  # to YAML 1.1

FORMATS = jsonschema.FormatChecker(formats=())


def _checks_names(kind: str) -> None:
    """Let the schema's ``format: KIND name`` hold a text to the rule for names of that kind."""
    right = name_of(kind)
    FORMATS.checks(f"{kind} name", InputError)(
        lambda value: not isinstance(value, str) or bool(right(value))
    )


for kind in BESIDE:
    _checks_names(kind)


def _whole_pattern(_: object, pattern: str, value: object, __: object) -> Iterator:
    """Yield an error unless all of a text matches: to ``re``, ``$`` stands before a newline too."""
    if isinstance(value, str) and not re.fullmatch(pattern, value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


def _is_integer(_: object, value: object) -> bool:
    """Say whether a value is written as an integer: 8.0 is none to the scripts."""
    return isinstance(value, int) and not isinstance(value, bool)


Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {"pattern": _whole_pattern},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


def read(files: Sequence[str | Path], overrides: Mapping[str, Any] | None = None) -> dict:
    """Return the checked config of some files, each added to those before it, and of overrides.

    Raises ``InputError`` for the first mistake, with file and line.
    """
    overrides = dict(overrides or {})
    try:
        config: dict = {}
        for path in files:
            config = merged(config, load_yaml(path))
        config = merged(config, overrides)
        if files and not config:
            raise InputError(f"{files[-1]}: is empty; config.yaml shows what an experiment says")
        return check(config)
    except InputError as error:
        raise InputError(redacted(with_line(str(error), files, overrides))) from None


def merged(config: Mapping, more: Mapping) -> dict:
    """Return a config with the values of another in their places, as Snakemake does it."""
    result = dict(config)
    for key, value in more.items():
        if isinstance(value, Mapping):
            below = result.get(key)
            value = merged(below if isinstance(below, Mapping) else {}, value)
        result[key] = value
    return result


def with_line(message: str, files: Sequence[str | Path], overrides: Mapping[str, Any]) -> str:
    """Return a message of ``check`` with the file and line where the faulty value stands."""
    start, _, said = message.partition("config: ")
    place = said.partition(": ")[0].replace("top level", "")
    if key := re.match(r"[^:]*: (?:unknown key '(.*?)'|'(.*?)' can't be a name)", said):
        place = f"{place}.{key[1] or key[2]}".removeprefix(".")
    if start or not files or place.partition(".")[0] in overrides:
        return message.replace("config: ", "--config: ", 1) if overrides else message
    path, (_, line) = max(
        ((path, line_of(path, place)) for path in reversed(files)), key=lambda each: each[1][0]
    )
    return f"{path}:{line}: {said}"


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


def check_numbers(value: object, place: str = "") -> None:
    """Raise ``InputError`` for a number that no bound holds: NaN, an infinity, or one as large."""
    if isinstance(value, Mapping | list):
        parts = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, part in parts:
            check_numbers(part, f"{place}.{key}".removeprefix("."))
    elif isinstance(value, int | float) and not abs(value) < LARGEST:  # so is NaN
        raise InputError(
            f"config: {place}: {str(value)[:20]} is no number that can be used; write one that is"
            ' finite, or if it is a text, quote it: "..."'
        )


def check_paths(config: dict) -> None:
    """Raise ``InputError`` for coefficients and names that can't stand in the paths of files."""
    choice = config["task_vector"]
    places = [("scaling_coefficients", scale) for scale in choice["scaling_coefficients"]]
    places.append(
        ("delivered.scaling_coefficient", choice["delivered"]["scaling_coefficient"]),
    )
    for place, scale in places:
        try:
            coefficient(scale)
        except ValueError as error:
            raise InputError(f"config: task_vector.{place}: {error}") from None
    paths = {path for row in evaluations(config) for path in (row["model"], row["score"]) if path}
    part = max((part for path in sorted(paths) for part in path.split("/")), key=len, default="")
    if len(part) > LONGEST:
        raise InputError(
            f"config: domains: a file would be named {part}, {len(part)} characters, of which"
            f" {LONGEST} fit; shorten the names under domains or tts"
        )


def validate(config: dict, schema: dict) -> None:
    """Raise ``InputError`` for the first violation of the schema."""
    errors = Validator(schema, format_checker=FORMATS).iter_errors(config)
    for error in sorted(errors, key=lambda error: list(map(str, error.absolute_path))):
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
        if unknown == "language" and place.startswith("base_models."):
            remedy = "give it once for the whole experiment, at the top level of the config"
        return f"config: {place}: unknown key {unknown!r}; {remedy}"
    if error.validator == "oneOf" and "required" in error.validator_value[0]:
        choices = [" and ".join(choice["required"]) for choice in error.validator_value]
        return f"config: {place}: exactly one of these must be given: {'; '.join(choices)}"
    if error.validator == "oneOf":  # a list, or a word in place of it
        if isinstance(error.instance, list):
            return explain(next(part for part in error.context if part.schema_path[0] == 0))
        word = error.validator_value[1]["const"]
        return (
            f"config: {place}: {written(error.instance)} is neither a list of names, [a, b], nor"
            f" {word}. {error.schema['description']}"
        )
    if error.validator == "format":
        return f"config: {place}: {error.cause}"
    described = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    said = error.message.removeprefix(repr(error.instance))
    said = error.message if said == error.message else written(error.instance) + said
    return " ".join(filter(None, [f"config: {place}: {said}.", described, remedy_of(error)]))


def written(value: object) -> str:
    """Return a value as a message shows it: texts in quotes, true and null as YAML has them."""
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value)


def remedy_of(error: jsonschema.ValidationError) -> str:
    """Return what to write instead of a value that is of another type, if that is the fault."""
    value, wanted = error.instance, error.validator_value
    if error.validator in ("enum", "const") and not isinstance(value, dict | list | str):
        wanted = "string"
    elif error.validator != "type":
        return ""
    if value is None:
        return "Nothing stands there: write a value, or remove the key."
    if wanted == "string" and isinstance(value, bool | int | float):
        return f'If it is a text, quote it: "{str(value).lower()}".'
    if wanted == "boolean" and str(value).lower() in BOOLEANS:
        return "Write true or false."
    if wanted == "integer" and isinstance(value, float):
        return f"Write {value:.0f}." if value.is_integer() else "Write a whole number."
    if wanted in ("number", "integer") and isinstance(value, str):
        return "Write a number in decimal digits, without quotes and units."
    if wanted == "array" and isinstance(value, str | int | float):
        return f"Write [{value}]."
    return ""


def check_names(config: dict, artifacts: dict) -> None:
    """Raise ``InputError`` for a name that refers to nothing, or to something unfit.

    Writes out ``targets: all`` and the longest durations that the window allows.
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
    if config["decoding_window"] < window:
        raise InputError(
            f"config: decoding_window: {config['decoding_window']} s is less than the window of"
            f" {window} s, in which the models are trained;"
            " raise it, or leave it out (30 s)"
        )
    spoken = min(config["filter"]["max_duration"], config["filter"]["window"], window)
    for name, domain in domains.items():
        longest = spoken if is_text_only(domain) else window
        if domain.setdefault("max_duration", longest) > window:
            raise InputError(
                f"config: domains.{name}.max_duration: {domain['max_duration']} s is more than"
                f" the window of {window} s, in which all arms hear the same"
            )
        if not is_text_only(domain):
            for key in ("max_silence", "max_clipping", "min_speaking_rate", "max_speaking_rate"):
                domain.setdefault(key, config["filter"][key])
        if name in config["targets"] and not is_text_only(domain) and domain.get("test") == 0:
            raise InputError(f"config: domains.{name}.test: 0 utterances give no WER; raise it")
    bounds = config["filter"]
    bounds.setdefault("base_model", next(iter(config["base_models"])))
    refer(bounds["base_model"], config["base_models"], "filter.base_model", "base_models")
    bounds["max_duration"] = spoken


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
    if given.startswith("{"):
        try:
            config = check(json.loads(given))
        except ValueError as error:
            raise InputError(f"--experiment: not JSON: {error}") from None
    else:
        config = read([given])
    text = json.dumps(list(evaluations(config)), indent=1) + "\n"
    if options.output is None:
        print(text, end="")
        return
    with atomic_path(options.output) as temporary:
        temporary.write_text(text)
    write_record(__file__, [options.output], [], {"experiment": config})


if __name__ == "__main__":
    run(main)
