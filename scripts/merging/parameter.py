"""What methods of merging are told of a parameter."""

import re
from collections.abc import Iterable
from typing import NamedTuple

LAYER = re.compile(r"(.*\blayers)\.(\d+)\.")  # of an encoder or a decoder


class Parameter(NamedTuple):
    """A parameter's name, and how deep in its stack of layers it is.

    ``depth`` goes from 0, the first layer of the encoder or of the decoder, to 1, the last one;
    it is null outside of all layers. The layer of a stack that has one is its last.
    """

    name: str
    depth: float | None


def place(names: Iterable[str]) -> list[Parameter]:
    """Return the parameters of a model by their names."""
    layers = {name: layer_of(name) for name in names}
    last: dict[str, int] = {}
    for stack, layer in filter(None, layers.values()):
        last[stack] = max(layer, last.get(stack, 0))
    return [
        Parameter(name, depth(found[1], last[found[0]]) if found else None)
        for name, found in layers.items()
    ]


def layer_of(name: str) -> tuple[str, int] | None:
    """Return a parameter's stack of layers, and the layer's number in it, from 0."""
    match = LAYER.match(name)
    return (match[1], int(match[2])) if match else None


def depth(layer: int, last: int) -> float:
    """Return how deep a layer is, of so many that the last one has this number."""
    return layer / last if last else 1.0
