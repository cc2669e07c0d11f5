"""A config checked: its values by the schema, then what they say of one another."""

import json

from configs.completing import artifacts_named
from configs.decoders import check_adaptations, check_decoders, check_recognisers, check_words
from configs.domains import check_domains
from configs.known import load_artifacts, load_presets, load_schema
from configs.languages import check_parts
from configs.names import check_coefficients, check_lengths, check_references, check_roles
from configs.texts import check_texts
from configs.training import (
    check_kinds,
    check_positions,
    check_test_sets,
    check_training,
    check_windows,
)
from configs.vectors import check_vectors
from configs.voices import check_voices
from errors import InputError
from fetching.declaration import check_declaration
from settings.schema import check_characters, check_numbers, check_ranges, refer, validate

LARGEST = 130_000  # bytes: rules give a config to commands, and Linux takes 131,071 as one option


def check_values(config: dict) -> None:
    """Raise ``InputError`` for the first value that does not fit the schema."""
    check_numbers(config)
    validate(config, load_schema())
    check_characters(config)


def check_size(config: dict) -> None:
    """Raise ``InputError`` for a config that no command could be given."""
    if (size := len(json.dumps(config))) > LARGEST:
        raise InputError(
            f"config: domains: with all defaults the config has {size:,} bytes, of which"
            f" {LARGEST:,} can be given to a command; make two experiments of it, which may share"
            " models (shared), or shorten paths and lists"
        )


def check(config: dict) -> None:
    """Raise ``InputError`` for the first mistake of a complete config (see completing.py)."""
    for name, model in config["base_models"].items():
        refer(model["preset"], load_presets(), f"base_models.{name}.preset", "the presets")
    check_values(config)
    check_size(config)
    check_references(config)
    check_coefficients(config["task_vector"])
    check_roles(config)
    check_texts(config)
    known = load_artifacts() | config["artifacts"]
    for place, name in artifacts_named(config):
        refer(name, known, place, "artifacts")
    check_vectors(config, known)
    check_training(config)
    check_recognisers(config, known)
    check_kinds(config, known)
    check_positions(config, known)
    check_windows(config)
    check_ranges(config)
    check_test_sets(config)
    check_domains(config)
    check_lengths(config)
    check_parts(config, known)
    check_decoders(config, known)
    check_adaptations(config, known)
    check_words(config)
    check_voices(config)
    for name, declaration in config["artifacts"].items():
        try:
            check_declaration(declaration)
        except InputError as error:
            raise InputError(f"config: artifacts.{name}: {error}") from None
