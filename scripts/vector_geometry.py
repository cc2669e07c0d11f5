"""Measure task vectors: how long they are, layer by layer, and in how far they point alike.

Norms are Euclidean, cosines those of the angle between two vectors of one base model and seed, all
summed in float64. Files are read in pieces, so that memory does not grow with the model.
"""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from errors import InputError, run
from files.atomic import check_outputs
from files.regular import open_regular
from options import Parser
from paths import PRETRAINED, seed_of
from records.writing import write_record
from vectors.arithmetic import check_same_names, check_same_shapes, parameters
from vectors.geometry import (
    Geometry,
    LayerCosine,
    LayerNorm,
    VectorCosine,
    VectorNorm,
    write_geometry,
)
from vectors.streaming import Layout, pieces, read_layout, read_piece

LAYERS = (  # what a parameter's name has in it, and its layer; the first that fits counts
    (re.compile(r"\b(encoder|decoder)\.layers\.(\d+)\."), r"\1.\2"),
    (re.compile(r"\b(encoder|decoder)\.layer_norm\."), r"\1.norm"),
    (re.compile(r"\b(encoder|decoder)\.embed_\w+\."), r"\1.embed"),
    (re.compile(r"\bencoder\.conv\d\."), "encoder.conv"),
    (re.compile(r"\bencoder\.pos_conv_embed\."), "encoder.embed"),  # wav2vec 2.0's positions
    (re.compile(r"\b(feature_extractor|feature_projection)\."), r"\1"),
)
STACKS = ("feature_extractor", "feature_projection", "encoder", "decoder")  # as sound passes
PLACES = ("conv", "embed")  # before the numbered layers


@dataclass(frozen=True)
class Vector:
    """A task vector: results/NAME/task_vectors/BASE/GROUP-TTS/seedN.safetensors."""

    layout: Layout
    base: str
    name: str
    seed: int


def layer_of(parameter: str) -> str:
    """Return the layer of a parameter: encoder.0, decoder.embed; else its first two components."""
    for pattern, layer in LAYERS:
        if match := pattern.search(parameter):
            return match.expand(layer)
    return ".".join(parameter.split(".")[:2])


def place_of(layer: str) -> tuple:
    """Return what sorts layers as the sound passes through them, those without a place last."""
    stack, _, part = layer.partition(".")
    if stack not in STACKS:
        return (len(STACKS), 0, 0, layer)
    if part.isdigit():
        return (STACKS.index(stack), len(PLACES), int(part), layer)
    step = PLACES.index(part) if part in PLACES else len(PLACES) + 1
    return (STACKS.index(stack), step, 0, layer)


def dot_products(layouts: Sequence[Layout], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return per layer the dot products float64 [n_files, n_files] of each two files' tensors.

    Layers come in the order of ``place_of``.
    """
    sums = {
        layer: np.zeros((len(layouts), len(layouts)))
        for layer in sorted(map(layer_of, names), key=place_of)
    }
    with ExitStack() as stack:
        files = [stack.enter_context(open_regular(layout.path)) for layout in layouts]
        for piece in pieces(layouts[0], names):
            read = (read_piece(*pair, piece) for pair in zip(files, layouts, strict=True))
            rows = np.stack([part.double().numpy() for part in read])
            # not `@`: its threads wait for each other for longer than they work
            sums[layer_of(piece.name)] += np.einsum("an,bn->ab", rows, rows)
    return sums


def measure(vectors: Sequence[Vector], model: Layout | None) -> Geometry:
    """Return the norms of vectors of one base and seed, and the cosines of each two of them.

    With the base model's parameters norms are also relative to its own.
    """
    layouts = [vector.layout for vector in vectors] + ([model] if model else [])
    layers = dot_products(layouts, parameters(vectors[0].layout))
    overall: np.ndarray = sum(layers.values(), start=np.zeros((len(layouts), len(layouts))))
    to = -1 if model else None
    norms = [
        VectorNorm(
            str(vector.layout.path),
            vector.name,
            vector.base,
            vector.seed,
            *norm(overall, place, to),
            tuple(LayerNorm(layer, *norm(of, place, to)) for layer, of in layers.items()),
        )
        for place, vector in enumerate(vectors)
    ]
    cosines = [
        VectorCosine(
            vectors[a].name,
            vectors[b].name,
            vectors[0].base,
            vectors[0].seed,
            cosine(overall, a, b),
            tuple(LayerCosine(layer, cosine(of, a, b)) for layer, of in layers.items()),
        )
        for a, b in combinations(range(len(vectors)), 2)
    ]
    return Geometry(tuple(norms), tuple(cosines))


def norm(products: np.ndarray, of: int, to: int | None) -> tuple[float, float | None]:
    """Return the norm of file ``of``, and relative to that of file ``to``, null without one."""
    length = math.sqrt(products[of, of])
    of_model = 0 if to is None else math.sqrt(products[to, to])
    return length, length / of_model if of_model else None


def cosine(products: np.ndarray, a: int, b: int) -> float | None:
    """Return the cosine of the angle between two files, -1 to 1; null if one of them is zero."""
    lengths = math.sqrt(products[a, a]) * math.sqrt(products[b, b])
    return max(-1.0, min(1.0, float(products[a, b]) / lengths)) if lengths else None


def read_vector(path: Path) -> Vector:
    """Return a task vector that lies where the workflow writes it: that tells what it is."""
    try:
        base, name, seed = path.parts[-3], path.parts[-2], seed_of(path.stem)
    except (IndexError, InputError):
        raise InputError(
            f"{path}: a task vector's path must end in BASE/GROUP-TTS/seedN.safetensors"
        ) from None
    return Vector(read_layout(path), base, name, seed)


def read_models(paths: Sequence[Path]) -> dict[str, Layout]:
    """Return the base models by name, from paths that end in BASE/pretrained/seed0/FILE."""
    for path in paths:
        if len(path.parts) < 4 or path.parts[-3] != PRETRAINED:
            raise InputError(
                f"{path}: a base model's path must end in BASE/pretrained/seed0/model.safetensors"
            )
    return {path.parts[-4]: read_layout(path) for path in paths}


def group(vectors: Sequence[Vector]) -> dict[tuple[str, int], list[Vector]]:
    """Return the vectors by base model and seed; refuse those of one that differ in parameters."""
    groups: dict[tuple[str, int], list[Vector]] = defaultdict(list)
    first_of: dict[str, Layout] = {}
    for vector in vectors:
        check_fits(first_of.setdefault(vector.base, vector.layout), vector.layout)
        groups[vector.base, vector.seed].append(vector)
    return groups


def check_fits(first: Layout, second: Layout) -> None:
    """Refuse two files whose parameters differ in name or shape."""
    of_first, of_second = set(parameters(first)), set(parameters(second))
    check_same_names(of_first, of_second, first.path, second.path)
    check_same_shapes(first, second)


def main(argv: list[str] | None = None) -> None:
    """Write the norms and cosines of an experiment's task vectors."""
    parser = Parser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--vector", type=Path, nargs="+", required=True, help="task vectors (safetensors):"
        " .../BASE/GROUP-TTS/seedN.safetensors")  # fmt: skip
    add("--base", type=Path, nargs="*", default=[], help="base models, to which norms are relative:"
        " .../BASE/pretrained/seed0/model.safetensors")  # fmt: skip
    add("--output", type=Path, required=True, help="norms and cosines to write (JSON)")
    options = parser.parse_args(argv)
    check_outputs([options.output], [*options.vector, *options.base])
    groups = group([read_vector(path) for path in options.vector])
    models = read_models(options.base)
    for (base, _), vectors in groups.items():
        if base in models:
            check_fits(models[base], vectors[0].layout)
    measured = []
    for (base, seed), vectors in groups.items():
        measured.append(measure(vectors, models.get(base)))
        print(f"{base}, seed {seed}: {len(vectors)} task vectors", flush=True)
    norms = tuple(each for geometry in measured for each in geometry.vectors)
    cosines = tuple(each for geometry in measured for each in geometry.cosines)
    write_geometry(options.output, Geometry(norms, cosines))
    write_record(__file__, [options.output], [*options.vector, *options.base], {})


if __name__ == "__main__":
    run(main)
