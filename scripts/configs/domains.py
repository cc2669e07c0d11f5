"""A config's domains, held to what ``prepare.py`` will hold them to."""

from domains.domain import NOT_PREPARED, domain_of
from errors import InputError


def check_domains(config: dict) -> None:
    """Raise ``InputError`` for a domain whose keys do not go together."""
    for name, declared in config["domains"].items():
        given = {key: value for key, value in declared.items() if key not in NOT_PREPARED}
        try:
            domain_of(given, config["language"])
        except InputError as error:
            said = str(error).removeprefix("domain: ")
            raise InputError(f"config: domains.{name}: {said}") from None
