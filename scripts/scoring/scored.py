"""Scores of an experiment, read and pooled: one row per model and test set, over its seeds."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from errors import InputError
from matrix import label
from scoring.bootstrap import mean_over_seeds
from scoring.word_errors import ERRORS

KEYS = (
    "role", "base", "target", "domain", "kind", "arm", "tts", "model", "scaling_coefficient",
    "vector", "vector_path", "vector_on", "speech", "split", "seed", "window", "manifest",
    "hypotheses", "score", "target_recordings", "accepted_overlap",
)  # fmt: skip
OF_A_SEED = ("seed", "model", "vector_path", "score", "hypotheses")


def read_json(path: str | Path, remedy: str) -> Any:
    """Return a JSON file's content."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); {remedy}") from None


def language_of(content: dict, path: str | Path, remedy: str) -> str:
    """Return the language in which a score's, or a summary's, texts were normalised."""
    if "language" not in content:
        raise InputError(f"{path}: does not say in which language it was scored; {remedy}")
    return content["language"]


def one_language(language_of_file: Mapping[str | Path, str]) -> str | None:
    """Return the language of some scores, by path; refuse what was normalised in several."""
    first: dict[str, str | Path] = {}
    for path, language in language_of_file.items():
        first.setdefault(language, path)
    if len(first) > 1:
        told = ", ".join(f"{path} in {language!r}" for language, path in first.items())
        raise InputError(
            f"scores of {len(first)} languages don't compare: {told}; score all in one language"
        )
    return next(iter(first), None)


def read_evaluations(path: Path) -> list[dict]:
    """Return the evaluations, each with all of ``KEYS``; raise ``InputError`` for what is wrong."""
    rows = read_json(path, "write it with experiment.py")
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{path}: must be a list of at least one evaluation")
    seen: dict[tuple, int] = {}
    for number, row in enumerate(rows, start=1):
        if missing := [key for key in KEYS if key not in row]:
            raise InputError(f"{path}: evaluation {number} lacks {', '.join(missing)}")
        identity = (*identity_of(row), *heard_by(row), row["seed"])
        if identity in seen:
            raise InputError(
                f"{path}: evaluations {seen[identity]} and {number} are both of"
                f" {label(row)} of {row['base']} on {row['target']}, seed {row['seed']},"
                f" split {row['split']}"
            )
        seen[identity] = number
    return rows


def identity_of(row: dict) -> tuple:
    """Return what makes a row of the table: its evaluations differ in seed and test set only."""
    return (*vector_of(row), row["scaling_coefficient"])


def vector_of(row: dict) -> tuple:
    """Return what rows have in common that differ in their scaling coefficient only."""
    return (row["base"], row["target"], row["tts"], row["arm"], row["vector"])


def heard_by(row: dict) -> tuple:
    """Return which speech a row is scored on, and as what."""
    return (row["role"], row["domain"], row["speech"], row["split"])


def gather(evaluations: Iterable[dict]) -> list[dict]:
    """Return one row per model and data: its seeds' evaluations and their errors, averaged.

    ``errors``, ``character_errors`` and the reference's words and characters are per utterance, in
    the order of ``ids``.
    """
    groups: dict[tuple, list[dict]] = defaultdict(list)
    for evaluation in evaluations:
        groups[(*identity_of(evaluation), *heard_by(evaluation))].append(evaluation)
    return [
        pool_seeds(group, [read_json(row["score"], "score it again") for row in group])
        for group in groups.values()
    ]


def pool_seeds(group: list[dict], scores: list[dict]) -> dict:
    """Return the row of one model and data from its seeds' scores."""
    tables = [{row["id"]: row for row in score["per_utterance"]} for score in scores]
    ids = sorted(tables[0])
    words = column(tables[0], ids, "reference_words")
    for evaluation, table in zip(group, tables, strict=True):
        check_same_references(ids, words, table, evaluation["score"], group[0]["score"])
    errors = np.array([[sum(t[i][key] for key in ERRORS) for i in ids] for t in tables])
    pooled = mean_over_seeds(errors)
    rates = errors.sum(axis=1) / words.sum()
    return {
        **{key: group[0][key] for key in KEYS if key not in OF_A_SEED},
        "languages": {
            row["score"]: language_of(score, row["score"], "score the hypotheses again")
            for row, score in zip(group, scores, strict=True)
        },
        "ids": ids,
        "utterance_rows": [tables[0][i] for i in ids],
        "errors": pooled,
        "reference_words": words,
        "character_errors": mean_over_seeds([column(t, ids, "character_errors") for t in tables]),
        "reference_characters": column(tables[0], ids, "reference_characters"),
        "wer": float(pooled.sum() / words.sum()),
        "cer": float(np.mean([score["cer"] for score in scores])),
        "wer_against_raw_references": float(
            np.mean([score["wer_against_raw_references"] for score in scores])
        ),
        "wer_of_seeds": rates.tolist(),
        "seed_sd": float(rates.std(ddof=1)) if len(rates) > 1 else None,
        "counts": {
            key: float(np.mean([score["words"][key] for score in scores]))
            for key in (*ERRORS, "hits", "reference_words")
        },
        **{f"{key}s": [row[key] for row in group] for key in ("seed", "model", "score")},
        "hypotheses": [row["hypotheses"] for row in group],
        "warnings": [
            f"{row['score']}: {warning}"
            for row, score in zip(group, scores, strict=True)
            for warning in score.get("warnings", [])
        ],
    }


def column(table: dict[str, dict], ids: list[str], key: str) -> np.ndarray:
    """Return a count [n_utterances] of a score's utterances."""
    return np.array([table[i][key] for i in ids])


def check_same_references(
    ids: list[str], words: np.ndarray, table: dict[str, dict], path: str, first_path: str
) -> None:
    """Refuse a score of other utterances, or of other references, than the first's."""
    if different := set(ids) ^ set(table):
        raise InputError(
            f"{path} and {first_path} are not about the same test set: {len(different)} utterances"
            f" are in only one of them, first {min(different)!r}; score both on one manifest"
        )
    changed = np.flatnonzero(column(table, ids, "reference_words") != words)
    if len(changed):
        raise InputError(
            f"{path} and {first_path} have different references: {len(changed)} utterances differ"
            f" in their number of words, first {ids[changed[0]]!r}; score both on one manifest"
        )
