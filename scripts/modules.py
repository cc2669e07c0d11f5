"""The modules of a recogniser of which a task vector may be, each times a factor."""

import re

from errors import InputError

MODULES = {  # and how the names of their parameters begin, of Whisper and of CTC models
    "encoder": re.compile(r"(?:model\.encoder|wav2vec2|wav2vec2_conformer|hubert)\."),
    "decoder": re.compile(r"(?:model\.decoder|proj_out|lm_head)\."),
}
FACTOR = r"\d+(?:\.\d+)?"
NAMED = f"(?:{'|'.join(MODULES)})(?:{FACTOR})?"
SEVERAL = f"{NAMED}(?:-{NAMED})*"  # encoder, decoder0.5, encoder-decoder0.5


def module_of(parameter: str) -> str:
    """Return the module of a parameter, by its name in a checkpoint."""
    for module, names in MODULES.items():
        if names.match(parameter):
            return module
    raise InputError(
        f"parameter {parameter!r} is of no module that is known here ({', '.join(MODULES)});"
        " take a task vector of Whisper or of a CTC model"
    )


def factors_of(text: str) -> dict[str, float]:
    """Return the factor of each module of "encoder-decoder0.5": 1 and 0.5; of others it is 0.

    Raises ``InputError`` for a module that is unknown or there twice, and for a factor that is 0 or
    not as short as it can be written, in which 1 is left out.
    """
    parts = re.findall(f"(?:^|-)({'|'.join(MODULES)})({FACTOR})?", text)
    factors = {module: float(factor or 1) for module, factor in parts if factor != "0"}
    shortest = (f"{name}{'' if value == 1 else f'{value:g}'}" for name, value in factors.items())
    if not factors or "-".join(shortest) != text:
        raise InputError(
            f"{text!r} names no modules: write {' or '.join(MODULES)}, or both, each once, as"
            " encoder-decoder0.5; behind a module stands its factor, none if it is 1"
        )
    return factors
