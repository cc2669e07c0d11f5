"""What task_vectors.json holds: norms of task vectors, and cosines of each two.

Norms are Euclidean; ``relative_norm`` is that over the base model's own, null where the base is not
known or has none. A cosine (-1 to 1) is null where a vector is zero. The file is these dataclasses,
key by key in the order of their fields.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from files.atomic import atomic_path
from files.json_file import read_json
from files.typed_json import typed


@dataclass(frozen=True)
class LayerNorm:
    """The norm of a vector's parameters in one layer."""

    layer: str
    norm: float
    relative_norm: float | None


@dataclass(frozen=True)
class VectorNorm:
    """The norm of a whole task vector, and by layer, as sound passes through them."""

    path: str
    name: str
    base: str
    seed: int
    norm: float
    relative_norm: float | None
    layers: tuple[LayerNorm, ...]


@dataclass(frozen=True)
class LayerCosine:
    """The cosine of two vectors' parameters in one layer."""

    layer: str
    cosine: float | None


@dataclass(frozen=True)
class VectorCosine:
    """The cosine of two whole task vectors of one base model and seed, and by layer."""

    a: str
    b: str
    base: str
    seed: int
    cosine: float | None
    layers: tuple[LayerCosine, ...]


@dataclass(frozen=True)
class Geometry:
    """The task vectors of an experiment."""

    vectors: tuple[VectorNorm, ...]
    cosines: tuple[VectorCosine, ...]


def write_geometry(path: Path, geometry: Geometry) -> None:
    """Write norms and cosines as JSON."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(asdict(geometry), indent=1) + "\n", encoding="utf-8")


def read_geometry(path: Path) -> Geometry:
    """Return norms and cosines; raise ``InputError`` for any other file."""
    remedy = "write it with vector_geometry.py"
    return typed(Geometry, read_json(path, remedy), path, remedy)
