"""Task arithmetic on models of Whisper large-v3's size: ours, mergekit's, and copying the bytes.

Random weights, float32, 6.2 GB a file. ``mergekit-pytorch`` is taken, since mergekit 0.1.5's own
table of Whisper's parameters has a name wrong. Its ``linear`` gives real - synthetic, and one
``task_arithmetic`` target + lambda (real - synthetic) without a task vector in between; ours adds
the vector that was computed once. Times are until the bytes are on disk; what is read has been read
before, so that it is in memory where that is large enough.
"""

import hashlib
import math
import os
import shutil
import sys
import tempfile
from pathlib import Path

import torch
import yaml
from measure import SCRIPTS, Comparison, Growth, Report, Runs, arguments, in_turn, run, script
from safetensors import safe_open
from transformers import WhisperConfig, WhisperForConditionalGeneration

from computing.direct_file import DirectFile
from records.writing import write_record
from vectors.streaming import make_header

LARGE = {
    "vocab_size": 51_866, "num_mel_bins": 128, "d_model": 1280,
    "encoder_layers": 32, "decoder_layers": 32, "encoder_attention_heads": 20,
    "decoder_attention_heads": 20, "encoder_ffn_dim": 5120, "decoder_ffn_dim": 5120,
}  # fmt: skip
SCALE = 0.25
BLOCK = 1 << 22  # random numbers, which are repeated


def shapes(layers: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return dtype and shape of the parameters of a Whisper large with so many layers."""
    config = WhisperConfig(**LARGE | {"encoder_layers": layers, "decoder_layers": layers})
    with torch.device("meta"):
        parameters = WhisperForConditionalGeneration(config).state_dict()
    return {
        name: ("F32", tuple(tensor.shape))
        for name, tensor in parameters.items()
        if name != "proj_out.weight"
    }


def write_random(path: Path, layers: int, seed: int) -> None:
    """Write a checkpoint of random weights, with the record that a training run leaves."""
    path.parent.mkdir(parents=True)
    sizes = [math.prod(shape) for _, shape in shapes(layers).values()]
    noise = 0.02 * torch.randn(BLOCK, generator=torch.Generator().manual_seed(seed))
    content = noise.numpy().data
    with path.open("wb") as file:
        header = make_header(shapes(layers))
        file.write(len(header).to_bytes(8, "little") + header)
        left = sum(sizes)
        while left:
            file.write(content[: min(left, BLOCK)])
            left -= min(left, BLOCK)
    (path.parent / "config.json").write_text("{}")
    files = [path, path.parent / "config.json"]
    write_record(SCRIPTS / "task_vector.py", files, [], {"seed": seed})


class Folder:
    """Three checkpoints of one size, and what is done with them."""

    def __init__(self, folder: Path, layers: int):
        self.folder = folder
        self.paths = {
            name: folder / name / "model.safetensors" for name in ("real", "synthetic", "target")
        }
        for seed, path in enumerate(self.paths.values()):
            write_random(path, layers, seed)
        self.bytes = self.paths["real"].stat().st_size
        self.tau, self.adapted = folder / "tau.safetensors", folder / "ours/model.safetensors"
        self.memory: dict[str, int] = {}

    def prepare(self, side: str) -> None:
        """Remove what was made but for tau, and read what a side reads."""
        for folder in self.folder.glob("mergekit-*"):
            shutil.rmtree(folder)
        shutil.rmtree(self.adapted.parent, ignore_errors=True)
        real, synthetic, target = self.paths.values()
        known = {"apply": [target, self.tau], "mergekit all": [real, synthetic, target]}
        read = known.get(side, [real, synthetic])
        run(["sh", "-c", 'cat "$@" > /dev/null', "sh", *read])

    def command(self, name: str, command: list) -> None:
        """Run a command until all that it makes is on disk."""
        _, memory = run(command)
        os.sync()
        self.memory[name] = max(memory, self.memory.get(name, 0))

    def subtract(self) -> None:
        real, synthetic = self.paths["real"], self.paths["synthetic"]
        command = ["subtract", "--real", real, "--synthetic", synthetic, "--output", self.tau]
        self.command("subtract", script("task_vector.py", *command))

    def apply(self) -> None:
        command = ["apply", "--checkpoint", self.paths["target"], "--vector", self.tau]
        command += ["--scaling-coefficient", SCALE, "--output", self.adapted]
        self.command("apply", script("task_vector.py", *command))

    def mergekit(self, name: str, method: str, weights: dict[str, float], base: str | None) -> None:
        """Merge with mergekit; all of its ways of being fast are on."""
        config = {
            "merge_method": method,
            "models": [
                {"model": str(self.paths[model]), "parameters": {"weight": weight}}
                for model, weight in weights.items()
            ],
            "parameters": {"normalize": False} | ({"lambda": 1.0} if base else {}),
            "dtype": "float32",
        } | ({"base_model": str(self.paths[base])} if base else {})
        (self.folder / "merge.yaml").write_text(yaml.safe_dump(config))
        output = self.folder / f"mergekit-{name}"
        command = [Path(sys.executable).parent / "mergekit-pytorch", self.folder / "merge.yaml"]
        command += [output, "--async-write", "--write-threads", 2, "--lazy-unpickle"]
        self.command(f"mergekit {name}", command)

    def merge_vector(self) -> None:
        self.mergekit("vector", "linear", {"real": 1.0, "synthetic": -1.0}, None)

    def merge_all(self) -> None:
        weights = {"target": 1.0, "real": SCALE}
        self.mergekit("all", "task_arithmetic", weights, "synthetic")

    def copy(self) -> None:
        """Read two files and write one of them, as each of our commands must."""
        copied = self.folder / "copy.safetensors"
        run(["sh", "-c", 'cat "$1" > /dev/null && cp "$2" "$3"', "sh",
             self.paths["real"], self.paths["synthetic"], copied])  # fmt: skip
        os.sync()
        copied.unlink()

    def parts(self) -> dict[str, float]:
        """Return the seconds of what tau's threads do at the same time, each done alone."""
        paths = [self.paths["real"], self.paths["synthetic"]]
        block = memoryview(bytearray(1 << 24))

        def read() -> None:
            for path in paths:
                with path.open("rb", buffering=0) as file:
                    while file.readinto(block):
                        pass

        def hashed() -> None:
            digest = hashlib.sha256()
            for _ in range(self.bytes // len(block)):
                digest.update(block)

        def write() -> None:
            with DirectFile(self.folder / "alone") as file:
                for _ in range(self.bytes // len(block)):
                    file.write(block)

        sides = {"reading two files": read, "hashing one": hashed, "writing one": write}
        found = {part: runs.median for part, runs in in_turn(sides, 1).items()}
        (self.folder / "alone").unlink()
        return found

    def difference(self, path: Path, merged: str) -> float:
        """Return the largest difference of a parameter between our file and mergekit's."""
        largest = 0.0
        for other in sorted((self.folder / f"mergekit-{merged}").glob("*.safetensors")):
            with safe_open(path, "pt") as ours, safe_open(other, "pt") as theirs:
                for name in theirs.keys():  # noqa: SIM118
                    gap = ours.get_tensor(name) - theirs.get_tensor(name)
                    largest = max(largest, gap.abs().max().item())
        return largest


def main() -> None:
    parser = arguments("task_vectors", __doc__)
    parser.add_argument("--folder", type=Path, help="where 37 GB fit (default: the system's)")
    options = parser.parse_args()
    report = Report("task_vectors")
    layers = 2 if options.quick else LARGE["encoder_layers"]
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        work = Folder(Path(name, "large"), layers)
        report.note("bytes of a checkpoint", work.bytes)
        runs = in_turn(
            {
                "subtract": work.subtract,
                "mergekit vector": work.merge_vector,
                "apply": work.apply,
                "mergekit all": work.merge_all,
                "copy": work.copy,
            },
            options.repeats,
            before=work.prepare,
        )
        copy = runs["copy"].median
        about = {
            "amount": work.bytes / 1e9, "unit": "GB of parameters", "bar": 3, "at_most": 1.4 * copy,
            "limit": "reading two files and copying one of them", "limit_seconds": copy,
            "runs": runs,
        }  # fmt: skip
        for work_is, ours, peer, theirs in (
            ("tau", "subtract", "linear", "mergekit vector"),
            ("theta + lambda tau", "apply", "task_arithmetic of three models", "mergekit all"),
        ):
            peer_seconds = runs[theirs].median
            peer = f"mergekit-pytorch, {peer}"
            report.add(Comparison(work_is, runs[ours].median, peer, peer_seconds, **about))
        report.profile["each alone; they overlap"] = work.parts()
        work.apply()
        work.merge_vector()
        work.merge_all()
        for side, memory in work.memory.items():
            report.note(f"peak memory, {side}, MB", round(memory / 1e6))
        report.note("largest difference, tau", work.difference(work.tau, "vector"))
        report.note("largest difference, theta + lambda tau", work.difference(work.adapted, "all"))
        shutil.rmtree(work.folder)

        growth = Growth("GB of parameters, tau")
        for count in (2,) if options.quick else (2, 8, 32):
            small = Folder(Path(name, str(count)), count)
            seconds = Runs().once(small.subtract).median
            growth.add(round(small.bytes / 1e9, 2), seconds, small.memory["subtract"])
            shutil.rmtree(small.folder)
        report.growth.append(growth)
    report.write(options)


if __name__ == "__main__":
    main()
