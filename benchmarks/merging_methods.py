"""Methods of merging on random vectors of a small model: do ours and mergekit's values agree?

mergekit merges models; given the task vectors as models of a base model that is 0, it merges those.
Its ``dare_linear`` draws from PyTorch's global generator, so that of DARE its function is called
alone, with the seed of each parameter. The others have no rival there. No time is compared.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import yaml
from measure import Report, arguments
from mergekit.sparsify import bernoulli
from safetensors.torch import load_file, save_file

import merge
from merging import dare

SHAPES = {"embed": (3000, 96), "matrix": (384, 96), "wide": (96, 384), "bias": (384,)}
METHODS = {  # ours: mergekit's method, and its parameters
    "ties": ("ties", {"density": 0.2, "normalize": True}),
    "ties0.5": ("ties", {"density": 0.5, "normalize": True}),
    "breadcrumbs": ("breadcrumbs", {"density": 0.143, "gamma": 0.007, "normalize": True}),
    "breadcrumbs0.9": ("breadcrumbs", {"density": 0.9, "gamma": 0.007, "normalize": True}),
    "slerp": ("slerp", {"t": 0.5}),
    "slerp0.2": ("slerp", {"t": 0.2}),
    "model_stock": ("model_stock", {}),
}


def write_vectors(folder: Path, count: int) -> list[Path]:
    """Write random vectors that have half of their values' variance in common, and a base of 0."""
    generator = torch.Generator().manual_seed(1)
    common = {n: torch.randn(shape, generator=generator) for n, shape in SHAPES.items()}
    paths = []
    for number in range(count):
        own = {n: torch.randn(shape, generator=generator) for n, shape in SHAPES.items()}
        paths.append(folder / f"{number}.safetensors")
        save_file({name: 0.01 * (common[name] + own[name]) for name in SHAPES}, paths[-1])
    save_file({n: torch.zeros(shape) for n, shape in SHAPES.items()}, folder / "base.safetensors")
    return paths


def ours(method: str, vectors: list[Path], folder: Path) -> dict[str, torch.Tensor]:
    """Return the vector that a method of ours makes."""
    output = folder / f"{method}.safetensors"
    merge.main(["--method", method, "--vectors", *map(str, vectors), f"--output={output}"])
    return load_file(output)


def theirs(method: str, vectors: list[Path], folder: Path) -> dict[str, torch.Tensor]:
    """Return the vector that mergekit makes."""
    name, parameters = METHODS[method]
    weight = {"weight": 1.0 / len(vectors)} if name in ("ties", "breadcrumbs") else {}
    models = [{"model": str(path), "parameters": weight} for path in vectors]
    base = vectors[0] if name == "slerp" else folder / "base.safetensors"
    config = {
        "merge_method": name,
        "models": models,
        "base_model": str(base),
        "parameters": parameters,
        "dtype": "float32",
    }
    (folder / "merge.yaml").write_text(yaml.safe_dump(config))
    output = folder / f"mergekit-{method}"
    command = [Path(sys.executable).parent / "mergekit-pytorch", folder / "merge.yaml", output]
    subprocess.run(command, check=True, capture_output=True)
    found: dict[str, torch.Tensor] = {}
    for path in output.glob("*.safetensors"):
        found |= load_file(path)
    return found


def their_dare(vectors: list[Path], density: float) -> dict[str, torch.Tensor]:
    """Return the mean of what mergekit drops of the vectors, rescaled as the authors do."""
    loaded = [load_file(path) for path in vectors]
    found = {}
    for name in SHAPES:
        torch.manual_seed(dare.seed_of(name))
        kept = [bernoulli(vector[name], density) for vector in loaded]
        found[name] = torch.stack(kept).mean(0) / density
    return found


def difference(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Return the largest difference of a value, over the largest value."""
    largest = max(tensor.abs().max().item() for tensor in one.values())
    return max((one[name] - other[name]).abs().max().item() for name in one) / largest


def main() -> None:
    options = arguments("merging", __doc__).parse_args()
    report = Report("merging")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in (2, 3):
            vectors = write_vectors(folder, count)
            for method in METHODS:
                if count == 2 or not method.startswith("slerp"):
                    gap = difference(ours(method, vectors, folder), theirs(method, vectors, folder))
                    report.note(f"{method} of {count}: largest difference from mergekit's", gap)
            gap = difference(ours("dare0.5", vectors, folder), their_dare(vectors, 0.5))
            report.note(f"dare0.5 of {count}: largest difference from mergekit's", gap)
    report.write(options)


if __name__ == "__main__":
    main()
