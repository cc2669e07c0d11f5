"""The modules of a recogniser: of which a task vector may be, and what of them is trained."""

import re
from collections.abc import Collection
from typing import NamedTuple

from errors import InputError

MODULES = {  # and how the names of their parameters begin, of Whisper and of CTC models
    "encoder": re.compile(r"(?:model\.encoder|wav2vec2|wav2vec2_conformer|hubert)\."),
    "decoder": re.compile(r"(?:model\.decoder|proj_out|lm_head)\."),
}
FACTOR = r"\d+(?:\.\d+)?"
NAMED = f"(?:{'|'.join(MODULES)})(?:{FACTOR})?"
SEVERAL = f"{NAMED}(?:-{NAMED})*"  # encoder, decoder0.5, encoder-decoder0.5
PARTS = {  # of a module, which may be trained alone; how their parameters are called
    "without_embeddings": re.compile(r"^(?!model\.decoder\.embed_tokens\.)"),
    "attention": re.compile(r"\.(?:self_attn|encoder_attn|attention)\."),
    "feed_forward": re.compile(r"\.(?:fc1|fc2|feed_forward|ffn1|ffn2)\."),
    "norms": re.compile(r"norm\.(?:weight|bias)$"),
    "biases": re.compile(r"\.bias$"),
}
LAYER = re.compile(r"(.+\.layers)\.(\d+)\.")  # the stack that it is of, and its number
LAYERS = r"(?:first|last)_[1-9]\d*_layers"
PART = f"(?:{'|'.join(PARTS)}|{LAYERS})"
TRAINED = f"all|{PART}|(?P<module>{'|'.join(MODULES)})(?:_(?P<of_module>{PART}))?"
CHOICES = (  # in words
    f"all, {', '.join(PARTS)}, first_2_layers or last_2_layers (or another number), each of both"
    " modules, or encoder, decoder, or a part of one, as decoder_attention"
)


class Trained(NamedTuple):
    """What is trained: a part, or all (""), of a module, or of both ("")."""

    module: str
    part: str


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


def trained_of(choice: str) -> Trained:
    """Return what is trained of "decoder_attention"; raise ``InputError`` for another word."""
    if not (match := re.fullmatch(TRAINED, choice)):
        raise InputError(f"{choice!r} is nothing that can be trained; write one of {CHOICES}")
    if match["module"]:
        return Trained(match["module"], match["of_module"] or "")
    return Trained("", choice.removeprefix("all"))


def keeps_encoder(choice: str) -> bool:
    """Say whether no parameter of the encoder is trained, so that its outputs stay as they are."""
    return trained_of(choice).module == "decoder"


def trained_parameters(choice: str, parameters: Collection[str]) -> set[str]:
    """Return which of a model's parameters are trained, by their names.

    The first or last layers are those of each stack: the encoder's, and the decoder's. Raises
    ``InputError`` where a stack has fewer.
    """
    module, part = trained_of(choice)
    within = {name for name in parameters if not module or module_of(name) == module}
    if not part:
        return within
    if part in PARTS:
        return {name for name in within if PARTS[part].search(name)}
    end, number, _ = part.split("_")
    layers = {name: (match[1], int(match[2])) for name in within if (match := LAYER.match(name))}
    depths: dict[str, int] = {}
    for stack, layer in layers.values():
        depths[stack] = max(depths.get(stack, 0), layer + 1)
    for stack, depth in sorted(depths.items()):
        if depth < int(number):
            raise InputError(f"trained: {choice}: {stack} are {depth}; write {depth} or fewer")
    first = {stack: 0 if end == "first" else depth - int(number) for stack, depth in depths.items()}
    return {
        name
        for name, (stack, layer) in layers.items()
        if first[stack] <= layer < first[stack] + int(number)
    }
