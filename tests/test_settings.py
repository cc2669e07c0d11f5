"""Settings read into dataclasses, which say what the config's schema says of them."""

import re
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from augmentations.effects import CODECS
from augmentations.settings import KINDS, Augmentation, Codec
from configs.known import load_schema
from corpora.slurp import Selection
from domains.domain import NOT_DECLARED, NOT_PREPARED, Domain
from errors import InputError
from fetching.declaration import Artifact
from filter import Bounds
from settings.fields import BOUNDS, fields_of, fill
from training.settings import Settings

SCHEMA = load_schema()
OF_CONFIG = SCHEMA["properties"]
DOMAIN = OF_CONFIG["domains"]["additionalProperties"]["properties"]
AUGMENTATION = SCHEMA["$defs"]["augmentation"]["properties"]
NAMES = {float: "number", int: "integer", bool: "boolean", str: "string", dict: "object"}
NAMES |= {list: "array", tuple: "array"}


def differences(kind: type, schema: dict[str, dict], default: bool = True) -> list[str]:
    """Return the settings, properties of ``schema``, of which ``kind`` says something else."""
    types = get_type_hints(kind, include_extras=True)
    found = []
    for field in fields(kind):
        if field.name not in schema:
            continue
        rule, (of_type, bounds) = schema[field.name], type_and_bounds(types[field.name])
        rule = SCHEMA["$defs"].get(rule.get("$ref", "").rpartition("/")[2], {}) | rule
        if is_dataclass(of_type):
            inner = differences(of_type, rule["properties"], default)
            found += [f"{field.name}.{each}" for each in inner]
        elif bounds != bounds_of(rule) or type_of(rule) != name_of(of_type):
            found.append(field.name)
        elif default and rule.get("default") != (
            None if field.default is MISSING else field.default
        ):
            found.append(f"{field.name}: default")
    return found


def type_and_bounds(annotated: Any) -> tuple[Any, dict[str, Any]]:
    """Return a field's type, None aside, and those of its bounds that JSON Schema has as well."""
    kind, bounds = get_args(annotated) if get_origin(annotated) is Annotated else (annotated, {})
    kind = get_args(kind)[0] if get_origin(kind) in (Union, UnionType) else kind
    return kind, {key: value for key, value in bounds.items() if key in BOUNDS}


def bounds_of(rule: dict) -> dict[str, Any]:
    """Return the bounds of a value, or those of both ends of an interval."""
    rule = rule["items"] if rule.get("maxItems") == 2 else rule
    return {key: value for key, value in rule.items() if key in BOUNDS}


def type_of(rule: dict) -> object:
    """Return the type of a rule's values, or what can be chosen of."""
    items = rule.get("items", {})
    if "enum" in items:
        return ["array", *sorted(items["enum"])]
    return rule.get("type") or sorted(rule["enum"])


def name_of(kind: Any) -> object:
    """Return what ``type_of`` gives for a rule of the same type."""
    arguments = get_args(kind)
    if get_origin(kind) is Literal:
        return sorted(arguments)
    if get_origin(kind) is list and get_origin(arguments[0]) is Literal:
        return ["array", *sorted(get_args(arguments[0]))]
    return NAMES[get_origin(kind) or kind]


def names(kind: type) -> set[str]:
    return {field.name for field in fields(kind)}


def test_the_settings_of_a_training_are_those_of_the_config():
    schema = dict(SCHEMA["$defs"]["finetune"]["properties"])
    schema |= {key: OF_CONFIG[key] for key in ("window", "precision", "max_length", "language")}
    schema["task"] = OF_CONFIG["base_models"]["additionalProperties"]["properties"]["task"]
    of_rules = {"mixed", "gpus", "selected_on", "continued_learning_rate_factor"}
    of_command = {"lora_alpha", "lora_dropout", "lora_targets", "seed"}
    assert schema.keys() - of_rules == names(Settings) - of_command
    assert differences(Settings, schema) == ["language"]  # a command knows it by its own option


def test_the_bounds_of_the_filter_are_those_of_the_config():
    schema = OF_CONFIG["filter"]["properties"]
    assert schema.keys() - {"base_model", "window"} == names(Bounds)
    # the experiment's language says it
    assert differences(Bounds, schema) == ["min_speaking_rate: default"]


def test_the_settings_of_an_augmentation_are_those_of_the_config():
    assert AUGMENTATION.keys() - {"dev"} == names(Augmentation)
    for kind in KINDS:
        of_type, _ = type_and_bounds(get_type_hints(Augmentation)[kind])
        assert AUGMENTATION[kind]["properties"].keys() - {"artifact"} == names(of_type)
        for field in fields(of_type):
            if isinstance(field.default, tuple):
                said = "({:g} to {:g})".format(*field.default)
                assert said in AUGMENTATION[kind]["properties"][field.name]["description"]
    assert differences(Augmentation, AUGMENTATION, default=False) == []
    assert set(CODECS) == set(get_args(Codec))


def test_the_keys_of_a_domain_are_those_of_the_config():
    declared = names(Domain) - set(NOT_DECLARED)
    assert DOMAIN.keys() - set(NOT_PREPARED) == declared | names(Selection)
    assert differences(Domain, DOMAIN, default=False) == ["dev"]  # 0 is all, as an absent one says
    assert differences(Selection, DOMAIN, default=False) == []
    defaults = {key: DOMAIN[key]["default"] for key in declared if "default" in DOMAIN[key]}
    assert defaults == {key: getattr(Domain(language="en"), key) for key in defaults}
    assert DOMAIN["corpus"]["enum"]


def test_what_is_said_of_an_artifact_is_what_the_config_says_of_it():
    schema = OF_CONFIG["artifacts"]["additionalProperties"]
    assert schema["properties"].keys() == names(Artifact) - {"files"}
    assert set(schema["required"]) == {
        name for name, needed in fields_of(Artifact).items() if needed
    }
    assert differences(Artifact, schema["properties"], default=False) == []


@dataclass(frozen=True)
class Part:
    share: Annotated[float, {"minimum": 0, "maximum": 1}]


@dataclass(frozen=True)
class Whole:
    part: Part | None = None
    span: Annotated[tuple[float, float], {"minimum": 1}] = (1.0, 2.0)
    word: Annotated[str | None, {"pattern": "[a-z]+", "description": "one word"}] = None
    tree: Annotated[str | None, {"enum": ("ash", "elm")}] = None
    names: Annotated[list[str] | None, {"minItems": 1}] = None
    colours: list[Literal["red", "blue"]] | None = None
    files: dict[str, str] | None = None
    shape: Literal["round", "square"] | None = None


def test_a_dataclass_within_another_is_filled_and_whole_numbers_become_fractions():
    whole = fill(Whole, {"part": {"share": 1}, "span": [1, 3], "tree": "elm", "shape": None}, "it")
    assert whole == Whole(Part(1.0), (1.0, 3.0), tree="elm")
    assert type(whole.part.share) is float and type(whole.span[0]) is float


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "it: [] is not an object of part, span, word"),
        ({"spam": 1}, "it: unknown key 'spam'; did you mean 'span'?"),
        ({"part": {}}, "it: part: share is missing; add it"),
        ({"part": {"sharp": 1}}, "it: part: unknown key 'sharp'; did you mean 'share'?"),
        ({"part": 1}, "it: part: 1 is not an object of share"),
        ({"part": {"share": True}}, "it: part: share: true; give a number, at least 0, at most 1"),
        ({"span": [3, 1]}, "it: span: [3, 1]; give [lowest, highest], at least 1"),
        ({"span": [0, 1]}, "it: span: [0, 1]; give [lowest, highest], at least 1"),
        ({"span": 1}, "it: span: 1; give [lowest, highest], at least 1"),
        ({"span": [1, 2, 3]}, "it: span: [1, 2, 3]; give [lowest, highest]"),
        ({"word": "two words"}, 'it: word: "two words"; give one word'),
        ({"word": 1}, "it: word: 1; give one word"),
        ({"tree": "as"}, "it: tree: \"as\"; did you mean 'ash'?"),
        ({"tree": ["ash"]}, "it: tree: [\"ash\"]; did you mean 'ash'?"),
        ({"tree": "oak"}, 'it: tree: "oak"; known: ash, elm'),
        ({"names": []}, "it: names: []; give a list of texts, of at least 1"),
        ({"names": "a"}, 'it: names: "a"; give a list of texts, of at least 1'),
        ({"colours": ["green"]}, 'it: colours: ["green"]; give a list of some of red, blue'),
        ({"shape": "oval"}, 'it: shape: "oval"; give one of round, square'),
        ({"files": {"a": 1}}, 'it: files: {"a": 1}; give a mapping of texts'),
    ],
)
def test_what_does_not_fit_is_refused_with_place_value_and_remedy(values, message):
    with pytest.raises(InputError, match="^" + re.escape(message)):
        fill(Whole, values, "it")
