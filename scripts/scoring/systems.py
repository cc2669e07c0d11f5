"""A recogniser's errors on a test set, from score files or from hypotheses of any toolkit."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from errors import InputError
from records.record import record_of, sha256
from scoring.bootstrap import mean_over_seeds
from scoring.checks import check_same_ids, sign_of_shuffling
from scoring.foreign_hypotheses import read_hypotheses
from scoring.scored import language_of, one_language, read_json
from scoring.word_errors import ERRORS, normalised, score


@dataclass
class System:
    """A recogniser's errors on a test set: ``rows`` as a score file has them, in the order of ids.

    ``errors`` is float [n_utterances], averaged over seeds; ``hypotheses`` are normalised texts by
    id (of the first seed), or ``None`` where they are not at hand. ``files`` were read for it.
    Texts were normalised as ``language`` needs it.
    """

    name: str
    path: Path
    rows: list[dict]
    errors: np.ndarray
    hypotheses: dict[str, str] | None
    files: list[Path]
    language: str


def system_of_hypotheses(
    path: Path,
    references: list[dict],
    references_path: Path,
    hypotheses: list[dict],
    language: str,
    ids_are_right: bool,
) -> System:
    """Score hypotheses of any toolkit like those of an experiment."""
    check_same_ids(references, hypotheses, references_path, path)
    sign = None if ids_are_right else sign_of_shuffling(references, hypotheses, language)
    if sign:
        raise InputError(
            f"{path}: {sign}; give each text the id of the recording that it was heard in, or"
            " --ids-are-right if it has it"
        )
    rows = in_order(score(references, hypotheses, language)["per_utterance"])
    texts = {row["id"]: normalised(row["text"], language) for row in hypotheses}
    return System(str(path), path, rows, errors_of(rows), texts, [references_path, path], language)


def system_of_scores(name: str, paths: list[Path], hypotheses: Path | None) -> System:
    """Read the score files of one system, one for each seed, and its first seed's hypotheses."""
    scores = {path: read_score(path) for path in paths}
    language = one_language({path: score["language"] for path, score in scores.items()})
    tables = [in_order(score["per_utterance"]) for score in scores.values()]
    for path, table in zip(paths, tables, strict=True):
        check_same_references(tables[0], table, paths[0], path)
    errors = mean_over_seeds(np.stack([errors_of(table) for table in tables]))
    texts, files = None, list(paths)
    if hypotheses and hypotheses.is_file():
        found = read_hypotheses(hypotheses, tables[0], "jsonl")
        texts = {row["id"]: normalised(row["text"], language) for row in found}
        files.append(hypotheses)
    return System(name, paths[0], tables[0], errors, texts, files, language)


def in_order(rows: list[dict]) -> list[dict]:
    """Return rows in the order of their ids, so that the same utterances are drawn for all."""
    return sorted(rows, key=lambda row: row["id"])


def errors_of(rows: list[dict]) -> np.ndarray:
    """Return the word errors, float [n_utterances], of a score's utterances."""
    return np.array([sum(row[error] for error in ERRORS) for row in rows], dtype=float)


def read_score(path: Path) -> dict:
    """Return a score file's content, which must tell the references' texts."""
    found = read_json(path, "write it with score.py")
    rows = found.get("per_utterance") if isinstance(found, dict) else None
    if not rows:
        raise InputError(f"{path}: no score file: it has no per_utterance; write it with score.py")
    lacking = [row["id"] for row in rows if "reference" not in row]
    if lacking:
        raise InputError(
            f"{path}: {len(lacking)} utterances have no reference, first {lacking[0]!r}: an older"
            " score.py wrote it; score the hypotheses again"
        )
    language_of(found, path, "score the hypotheses again")
    return found


def is_score(path: Path) -> bool:
    """Say whether a JSON file is a score, and not JSON lines."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return not file.readline().strip().endswith("}")  # a score is written over many lines


def scored_hypotheses(path: Path) -> Path | None:
    """Return the unchanged hypotheses that a score was made of, if its lineage leads to them."""
    record = record_of(path)
    if record is None:
        return None
    manifest_keys = {"audio_filepath", "duration"}
    for name, digest in record.inputs.items():
        found = record.at(name)
        if found.is_file() and sha256(found) == digest:
            with found.open(encoding="utf-8") as file:
                if not manifest_keys & set(json.loads(file.readline())):
                    return found
    return None


def check_same_references(a: list[dict], b: list[dict], path_a: Path, path_b: Path) -> None:
    """Refuse two systems that were scored on other utterances, or on other reference texts."""
    check_same_ids(a, b, path_a, path_b)
    changed = [
        row["id"] for row, other in zip(a, b, strict=True) if row["reference"] != other["reference"]
    ]
    if changed:
        raise InputError(
            f"{path_a} and {path_b} have different references: those of {len(changed)} utterances"
            f" differ, first {changed[0]!r}; score both on one manifest"
        )
