"""Made-up scores of a small experiment, for the tests of what reads them."""

import json
from pathlib import Path

from scoring.score_file import ErrorCounts, Score, ScoredUtterance, write_score

BASELINE = "source-mixed->target-synthetic"


def write_made_up_score(path: Path, errors: list[int], words: int = 5) -> str:
    """Write a score of utterances u00, u01, ... with these substitutions; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    utterances = tuple(
        ScoredUtterance(
            id=f"u{i:02}",
            manifest={"id": f"u{i:02}", "speaker": f"s{i % 10}"},
            reference=f"sentence {i}",
            substitutions=n,
            deletions=0,
            insertions=0,
            reference_words=words,
            character_errors=2 * n,
            reference_characters=4 * words,
        )
        for i, n in enumerate(errors)
    )
    total, all_words = sum(errors), words * len(errors)
    score = Score(
        language="en",
        normaliser="English",
        utterances=len(errors),
        words=ErrorCounts(total, 0, 0, all_words - total, all_words),
        characters=ErrorCounts(2 * total, 0, 0, 4 * all_words - 2 * total, 4 * all_words),
        empty_references=0,
        insertions_against_empty_references=0,
        wer=total / all_words,
        cer=total / all_words / 2,
        wer_against_raw_references=total / all_words + 0.05,
        per_utterance=utterances,
    )
    write_score(path, score)
    return str(path)


def evaluation(
    folder: Path,
    arm: str,
    errors: list[int] | None,
    scale: float | None = None,
    split: str = "test",
    speech: str = "real",
    seed: int = 1,
    **changes,
) -> dict:
    """Return an evaluation of ``arm`` on the target music; its score is written to ``folder``."""
    name = arm.replace(">", "") + (f"+tv{scale:g}" if scale is not None else "")
    place = changes.get("domain", "music")
    path = folder / name / f"seed{seed}" / f"{place}-{speech}-{split}.json"
    vector = "pooled" if scale is not None else None
    row = {
        "role": split,
        "base": "tiny",
        "target": "music",
        "domain": "music",
        "kind": "target",
        "arm": arm,
        "tts": None if arm in ("pretrained", "source-real", "target-real") else "kokoro",
        "model": f"models/{name}/seed{seed}",
        "scaling_coefficient": scale,
        "vector": vector,
        "vector_path": vector and f"task_vectors/source-kokoro/seed{seed}.safetensors",
        "vector_on": arm.removesuffix("+vector") if scale is not None else None,
        "speech": speech,
        "split": split,
        "seed": seed,
        "window": 30,
        "aids": [],
        "terms_bonus": None,
        "texts_weight": None,
        "adaptation": None,
        "manifest": str(folder / "manifest.jsonl"),
        "hypotheses": str(path.with_suffix(".jsonl")),
        "score": None if errors is None else write_made_up_score(path, errors),
        "target_recordings": "training" if arm == "target-real" else "none",
        "line": None,
        "accepted_overlap": [],
    }
    return row | changes


def small_experiment(folder: Path) -> list[dict]:
    """Return evaluations of 40 utterances of 5 words, in which the baseline is surely better."""
    alternating, some = [0, 2] * 20, [0, 0, 0, 1] * 10
    rows = [
        evaluation(folder, "pretrained", [2] * 40, seed=0),
        evaluation(folder, BASELINE, [1] * 40),
        evaluation(folder, "target-synthetic", alternating),
        evaluation(folder, "target-real", [0] * 40),
    ]
    for scale, test, dev in ((0.25, [3] * 40, 2), (0.5, some, 1), (1, [4] * 40, 3)):
        arm = "target-synthetic+vector"
        rows.append(evaluation(folder, arm, test, scale))
        rows.append(evaluation(folder, arm, [dev] * 10, scale, "dev"))
    rows.append(
        evaluation(folder, "target-synthetic+vector", None, 0.25, target="weather", split=None)
    )
    return rows


def write_evaluations(folder: Path, rows: list[dict]) -> Path:
    """Write evaluations as JSON; return the file's path."""
    path = folder / "evaluations.json"
    path.write_text(json.dumps(rows))
    return path
