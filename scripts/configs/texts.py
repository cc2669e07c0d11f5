"""Training texts of a config's domains: which are written by a model, and which are spoken."""

from errors import InputError
from roles import COMPLEMENT, is_text_only
from texts.languages import NAMES
from texts.numbers import ENGLISH

KEYS = ("generate", "select")


def check_texts(config: dict) -> None:
    """Raise ``InputError`` for texts that are written or selected where that can't be."""
    for name, domain in config["domains"].items():
        for key in KEYS:
            if key in domain and is_source(config, name):
                raise InputError(
                    f"config: domains.{name}.{key}: is for a target, and {name!r} is in the source,"
                    " whose synthetic speech says what its recordings say; remove it"
                )
        select = domain.get("select", {})
        if select and domain["train"] and is_text_only(domain):
            raise InputError(
                f"config: domains.{name}.select: train draws {domain['train']} of the texts"
                " already; remove one of them"
            )
        if select.get("by") == "phones" and config["language"] != ENGLISH:
            raise InputError(
                f"config: domains.{name}.select.by: phones knows how English is said, and not"
                f" {NAMES[config['language']]}; take coverage"
            )
        if select.get("by") == "unlike_source" and name not in config["targets"]:
            raise InputError(
                f"config: domains.{name}.select.by: unlike_source is for a target; add {name!r} to"
                " targets, or take coverage"
            )


def is_source(config: dict, name: str) -> bool:
    """Say whether a domain is in the source of any target."""
    if config["source"] != COMPLEMENT:
        return name in config["source"]
    others = [target for target in config["targets"] if target != name]
    return bool(others) and not is_text_only(config["domains"][name])
