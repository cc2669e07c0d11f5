"""A made-up experiment of any size, as its report reads it: summary, breakdown, vectors, speech."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from evaluation import uses_of
from files.audio import save_audio
from files.manifest import write_jsonl
from made_up_summary import comparison, made_up_row, made_up_summary, made_up_target
from scoring.differences import TestedDifference
from scoring.leakage_file import STAGES
from scoring.ranking_file import RankedMethod, Ranking
from scoring.summary import Fold, Forgetting, ReportedChoice, SummaryRow, TargetSummary

NAMES = (
    "alarm", "audio", "calendar", "cooking", "datetime", "email", "general", "iot", "lists",
    "music", "news", "play", "qa", "recommendation", "social", "takeaway", "transport", "weather",
    *(f"domain_{number}" for number in range(19, 201)),
)  # fmt: skip
ARMS = {  # WER in %
    "pretrained": 24, "source-real": 22, "source-synthetic": 23, "source-mixed": 21,
    "source-mixed->target-synthetic": 18, "target-synthetic": 19, "target-real": 12,
}  # fmt: skip
SCALES = {  # WER in % by lambda
    "target-synthetic": {0.25: 18, 0.5: 17, 0.75: 19, 1: 26},
    "pretrained": {0.5: 22, 1: 27},
}
FORGETTING = {"source": 800, "out of domain": 300}  # the higher, the less is forgotten


@dataclass
class Size:
    """How much an experiment holds; as it is, that of SLURP with every domain as target."""

    targets: int = 18
    seeds: int = 3
    utterances: int = 13_078
    speakers: int = 30
    recordings: int = 50_000  # real utterances of the manifests, and as many synthetic ones


SMALL = Size(targets=2, seeds=1, utterances=200, speakers=3, recordings=40)


def leakage(**touched: int) -> dict:
    """Return what a row has met: nothing but the ``touched`` target recordings by stage."""
    nothing = dict.fromkeys(STAGES, 0)
    return {
        "target_recordings": nothing | touched,
        "test_sentences": dict(nothing),
        "test_speakers": dict(nothing),
    }


def row(name: str, size: Size, arm: str, percent: float, scale: float | None = None) -> SummaryRow:
    """Return a row of the summary's table."""
    wer = percent / 100
    label = arm.replace("->", "→") + (f" + {scale:g} τ" if scale else "")
    folder = f"results/made-up/{name}/{label.replace(' ', '')}"
    seeds = tuple(range(1, size.seeds + 1)) if arm != "pretrained" or scale else (0,)
    chosen = (arm, scale) == ("target-synthetic", 0.5)
    topline, pretrained = arm == "target-real", label == "pretrained"
    by_kind = {kind: comparison((25 - percent) / by) for kind, by in FORGETTING.items()}
    return made_up_row(
        f"{arm}+vector" if scale else arm,
        wer,
        tts="hibari" if "synthetic" in arm or scale else None,
        vector="pooled" if scale else None,
        scaling_coefficient=scale,
        vector_on=arm if scale else None,
        target_recordings="train" if topline else "none",
        seed_sd=0.002 if size.seeds > 1 else None,
        wer_of_seeds=(wer,) * len(seeds),
        seeds=seeds,
        models=tuple(f"{folder}/seed{seed}/model" for seed in seeds),
        scores=tuple(f"{folder}/seed{seed}/score.json" for seed in seeds),
        hypotheses=tuple(f"{folder}/seed{seed}/hypotheses.jsonl" for seed in seeds),
        label=label,
        exploratory=scale is not None and not chosen,
        chosen=chosen,
        choices=("constant", "sources") if chosen else (),
        chosen_on="chosen on source domains, which uses no target recordings" if chosen else None,
        dev_wer=wer + 0.02 if scale else None,
        versus_pretrained=None if pretrained else comparison(wer - 0.24),
        versus_baseline=None if "->" in arm else comparison(wer - 0.18),
        evaluation=f"{abs(hash_of(folder)):012x}"[:12],
        command=f"snakemake {folder}/seed1/score.json --configfile made-up.yaml"
        " --profile profiles/local",
        leakage=leakage(training=1200, selection=100) if topline else leakage(),
        forgetting=() if pretrained else forgetting(percent, size),
        forgetting_by_kind={} if pretrained else by_kind,
    )


def hash_of(text: str) -> int:
    """Return a number that is always the same for a text."""
    return int.from_bytes(text.encode()[-7:], "big")


def forgetting(percent: float, size: Size) -> tuple[Forgetting, ...]:
    """Return the WER on the other domains, up to three, and on one out of domain."""
    tested = [(name, "source") for name in NAMES[17::-1][: min(3, size.targets)]]
    return tuple(
        Forgetting(
            domain=domain,
            kind=kind,
            wer=0.2 + (25 - percent) / 800,
            scores=(f"{domain}.json",),
            utterances=500,
            words=3_500,
            units=500,
            wer_interval=(0.19 + (25 - percent) / 800, 0.21 + (25 - percent) / 800),
            versus_pretrained=comparison((25 - percent) / FORGETTING[kind]),
        )
        for domain, kind in [*tested, ("librispeech", "out of domain")]
    )


def target(name: str, size: Size) -> TargetSummary:
    """Return a target's entry in the summary."""
    harder = NAMES.index(name) % 5  # points of WER
    rows = [row(name, size, arm, wer + harder) for arm, wer in ARMS.items()]
    rows += [
        row(name, size, arm, wer + harder, scale)
        for arm, of_scale in SCALES.items()
        for scale, wer in of_scale.items()
    ]
    choice = ReportedChoice(
        vector_on="target-synthetic",
        tts="hibari",
        vector="pooled",
        scaling_coefficient=0.5,
        wer=0.17,
        by="constant",
        uses_target_recordings=0,
        in_words="set beforehand, which uses no target recordings",
        scores=(),
        folds=(),
        versus_oracle=TestedDifference(0.002, (0.0, 0.005), 0.1),
    )
    folds = tuple(Fold(other, 0.5) for other in NAMES[:3])
    return made_up_target(
        rows,
        target=name,
        name=name,
        utterances=size.utterances // size.targets,
        words=7 * size.utterances // size.targets,
        resampled_by="speaker",
        units=size.speakers,
        choices=(
            choice,
            replace(choice, by="sources", folds=folds),
            replace(choice, by="hibari"),
            replace(choice, by="real", uses_target_recordings=100, scaling_coefficient=0.25),
        ),
        plain_words=(
            f"On {name}, with speech synthesized from its texts, fewer word errors than the"
            " pretrained model (24.0 %) are made by target-synthetic + 0.5 τ (17.0 %).",
            "The price: 1.0 points more word errors on the source domains.",
        ),
    )


def ranking(names: Sequence[str], size: Size) -> Ranking:
    """Return the arms, the best first; training of each took a minute."""
    return Ranking(
        targets=tuple(names),
        utterances=size.utterances,
        words=7 * size.utterances,
        confidence=0.95,
        methods=tuple(
            RankedMethod(
                label=arm.replace("->", "→"),
                arm=arm,
                base="tiny",
                uses=uses_of(arm),
                seeds=size.seeds,
                wer=percent / 100,
                wer_interval=(percent / 100 - 0.01, percent / 100 + 0.01),
                versus_pretrained=None if percent == 24 else comparison(percent / 100 - 0.24),
                seconds_of_training=60,
            )
            for arm, percent in sorted(ARMS.items(), key=lambda arm: arm[1])
        ),
    )


def cells(count: int, wer: float, key: str = "wer") -> list[dict]:
    """Return ``count`` arms' rates with intervals, each 2 points below the one before."""
    rates = [wer - 0.02 * arm for arm in range(count)]
    more = {"cer": 0.05, "cer_interval": [0.04, 0.06]} if key == "wer" else {}
    return [{key: rate, "interval": [rate - 0.03, rate + 0.03]} | more for rate in rates]


def table(by: str, values: list[str], arms: int, left_out: int = 0) -> dict:
    """Return a breakdown's table; the WER grows by a tenth of a point from value to value."""
    rows = [
        {
            "value": value,
            "utterances": 40 + index,
            "words": 300 - index,
            "cells": cells(arms, 0.2 + index / 1000),
            "versus_first": [
                None,
                *(
                    {
                        "difference": -0.02 * arm,
                        "interval": [-0.02 * arm - 0.025, -0.02 * arm + 0.025],
                    }
                    for arm in range(1, arms)
                ),
            ],
        }
        for index, value in enumerate(values)
    ]
    return {"by": by, "rows": rows, "left_out": left_out}


def broken_down(name: str, size: Size, audio: list[Path]) -> dict:
    """Return a target's entry in the breakdown."""
    arms = ["pretrained", "source-mixed→target-synthetic", "target-synthetic + 0.5 τ"]
    confused = {
        "substitutions": [{"reference": "there", "hypothesis": "their", "count": 12.5}] * 10,
        "deletions": [{"reference": "the", "count": 9}] * 10,
        "insertions": [{"hypothesis": "and", "count": 4}] * 10,
    }
    heard = [{"kind": "", "text": "wake me"}, {"kind": "wrong", "text": "up"}]
    heard += [{"kind": "added", "text": "late"}, {"kind": "missed", "text": "at seven"}]
    changed = [
        {
            "id": f"{name}-{index}",
            "change": -3 if index < 3 else 2,
            "reference": "wake me app at seven",
            "audio_filepath": str(audio[index % len(audio)]),
            "duration": 1.0,
            "heard": [{"arm": arm, "errors": 3 - i, "words": heard} for i, arm in enumerate(arms)],
        }
        for index in range(6)
    ]
    lengths = ["1 to 4 words", "5 to 8 words", "9 to 14 words", "15 words and more"]
    return {
        "name": name,
        "arms": arms,
        "tables": [
            table("speaker", [f"FE-{index}" for index in range(size.speakers)], 3, left_out=4),
            table("microphone", ["headset", "far"], 3),
            table("gender", ["female", "male"], 3),
            table("native", ["native", "non-native"], 3),
            table("length", lengths, 3),
        ],
        "rare_words": {
            "vocabulary": 8_000,
            "unseen": {"words": 90, "cells": cells(3, 0.5)},
            "seen": {"words": 4_000, "cells": cells(3, 0.1)},
        },
        "entities": {"entities": 300, "not_found": 0, "cells": cells(3, 0.4, "error_rate")}
        | {"by_type": [{"type": "time", "entities": 60, "cells": cells(3, 0.3, "error_rate")}]},
        "confusions": [confused] * 3,
        "changed_between": [arms[0], arms[-1]],
        "changed": changed,
    }


def task_vectors(size: Size) -> dict:
    """Return the geometry of a task vector per target, of 8 layers."""
    layers = [f"{side}.{index}" for side in ("encoder", "decoder") for index in range(4)]
    names = [f"except-{name}-hibari" for name in NAMES[: size.targets]]
    vectors = [
        {"path": f"results/task_vectors/{name}/seed{seed}.safetensors", "name": name, "seed": seed}
        | {"base": "tiny", "norm": 1.5 + place / 10, "relative_norm": 0.01 + place / 1000}
        | {
            "layers": [
                {"layer": layer, "norm": 0.1 * depth, "relative_norm": 0.001 * (depth + place)}
                for depth, layer in enumerate(layers)
            ]
        }
        for place, name in enumerate(names)
        for seed in range(1, size.seeds + 1)
    ]
    cosines = [
        {"a": one, "b": other, "seed": seed, "base": "tiny", "cosine": 0.9 - (j - i) / 20}
        | {"layers": [{"layer": layer, "cosine": 0.5} for layer in layers]}
        for i, one in enumerate(names)
        for j, other in enumerate(names)
        for seed in range(1, size.seeds + 1)
        if i < j
    ]
    return {"vectors": vectors, "cosines": cosines}


def manifest(folder: Path, size: Size, audio: list[Path], **more) -> list[dict]:
    """Return utterances of all targets; the texts of any two manifests are the same."""
    return [
        {
            "id": f"{NAMES[index % size.targets]}-{index:06}",
            "audio_filepath": str(audio[index % len(audio)]),
            "duration": 1.0,
            "text": f"sentence number {index}",
            "speaker": f"FE-{index % size.speakers}",
            "domain": NAMES[index % size.targets],
        }
        | more
        for index in range(size.recordings)
    ]


def write_made_up_report_inputs(folder: Path, size: Size = SMALL) -> list[str]:
    """Write all that ``report.py`` reads below ``folder``; return its options, without output."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).normal(scale=0.1, size=(8, 64_000)).astype(np.float32)
    audio = [folder / f"{index}.flac" for index in range(8)]
    for path, waveform in zip(audio, noise, strict=True):
        save_audio(path, waveform)
    names = NAMES[: size.targets]
    summary = made_up_summary(
        *(target(name, size) for name in names), resamples=1000, resampled_by="speaker"
    )
    content = {
        "summary": asdict(summary),
        "breakdown": {"targets": [broken_down(name, size, audio) for name in names]},
        "task_vectors": task_vectors(size),
        "ranking": asdict(ranking(names, size)),
        "experiment": {"name": "made-up", "base_models": ["tiny"], "source": "complement"}
        | {"window": 30, "finetune": {"learning_rate": 1e-5}}
        | {"artifacts": {"tiny": {"licence": "MIT", "files": {"a.bin": {"sha256": "ab" * 32}}}}},
    }
    for name, found in content.items():
        (folder / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
    write_jsonl(folder / "real.jsonl", manifest(folder, size, audio))
    write_jsonl(folder / "synthetic.jsonl", manifest(folder, size, audio, voice="af_heart"))
    options = {"summary": "summary.json", "experiment": "experiment.json"}
    options |= {"breakdown": "breakdown.json", "task-vectors": "task_vectors.json"}
    options |= {"ranking": "ranking.json"}
    options |= {"real": "real.jsonl", "synthetic": "synthetic.jsonl"}
    return [f"--{option}={folder / file}" for option, file in options.items()]


if __name__ == "__main__":
    print(*write_made_up_report_inputs(Path(sys.argv[1]), Size()), sep="\n")
