"""A sweep over eleven scaling coefficients: one job for all, and one full checkpoint for each.

Speech is read from audio files and nothing is kept from before. The demo's task vector leaves the
encoder as it is; the other one, random numbers for every parameter, changes it.
"""

import tempfile
from pathlib import Path

import torch
from measure import (
    Comparison,
    Growth,
    Report,
    arguments,
    in_turn,
    of_experiment,
    profiled,
    run,
    script,
)

from vectors.streaming import make_header, read_layout, write_combined

BASE, MODEL, WINDOW = "whisper-tiny.en", "telephone-hibari/seed1", 15
SCALES = [round(0.1 * step, 1) for step in range(11)]


def random_vector(like: Path, output: Path) -> Path:
    """Write a task vector of small random numbers for every parameter of a checkpoint."""
    layout = read_layout(like)
    generator = torch.Generator().manual_seed(1)

    def noise(name: str, pieces: list[torch.Tensor]) -> torch.Tensor:
        return 1e-4 * torch.randn(len(pieces[0]), generator=generator)

    header = make_header({name: ("F32", entry.shape) for name, entry in layout.entries.items()})
    write_combined(output, header, layout.entries, [layout], noise)
    return output


def main() -> None:
    options = arguments("sweep", __doc__).parse_args()
    report = Report("sweep")
    checkpoint = of_experiment(f"models/{BASE}/{MODEL}/model.safetensors")
    manifest = of_experiment(
        "manifests/telephone/real/" + ("dev" if options.quick else "test") + ".jsonl"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vectors = {
            "decoder only": of_experiment(f"task_vectors/{BASE}/source-hibari/seed1.safetensors"),
            "all parameters": random_vector(checkpoint, folder / "vector.safetensors"),
        }

        def transcribe(
            vector: Path | None, scales: list[float], model: Path = checkpoint
        ) -> list[object]:
            """Return the command that transcribes with some coefficients in one job."""
            added = ["--task-vector", vector, "--scaling-coefficient", *scales] if vector else []
            outputs = [folder / f"{scale}.jsonl" for scale in scales]
            return script(
                "transcribe.py", "--model", model.parent, "--manifest", manifest,
                "--window", WINDOW, "--language", "en", "--precision", "fp32", *added,
                "--output", *outputs,
            )  # fmt: skip

        def with_checkpoint(vector: Path) -> None:
            """Write the checkpoint of one coefficient, and transcribe with it."""
            output = folder / "applied" / "model.safetensors"
            run(
                script(
                    "task_vector.py", "apply", "--checkpoint", checkpoint, "--vector", vector,
                    "--scaling-coefficient", 0.5, "--output", output,
                )
            )  # fmt: skip
            run(transcribe(None, [0.5], output))

        for kind, vector in vectors.items():
            runs = in_turn(
                {
                    "sweep": lambda v=vector: run(transcribe(v, SCALES)),
                    "one": lambda v=vector: run(transcribe(v, [0.5])),
                    "checkpoint": lambda v=vector: with_checkpoint(v),
                },
                options.repeats,
            )
            seconds, one = runs["sweep"].median, runs["one"].median
            for peer, peer_seconds in (
                ("a checkpoint written for each, and decoded", runs["checkpoint"].median),
                ("as many times one decode, vector added while loading", one),
            ):
                report.add(
                    Comparison(
                        f"{len(SCALES)} coefficients, vector of {kind}", seconds,
                        f"{peer} (one measured)", len(SCALES) * peer_seconds,
                        len(SCALES), "coefficients", bar=1, runs=runs,
                    )
                )  # fmt: skip
            taken = profiled(transcribe(vector, SCALES))
            names = {"audio and log-mel": "read", "encoder": "_encoder", "decoder": "write"}
            parts = {part: taken[f"recognisers/whisper.py:{name}"] for part, name in names.items()}
            parts["start, models, records"] = taken[""] - sum(parts.values())
            report.profile[f"vector of {kind}"] = parts
        growth = Growth("coefficients, vector of all parameters")
        for count in (1, 4, 16):
            scales = [step / 16 for step in range(count)]
            growth.add(count, *run(transcribe(vectors["all parameters"], scales)))
        report.growth.append(growth)
    report.write(options)


if __name__ == "__main__":
    main()
