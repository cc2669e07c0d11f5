"""A recogniser's errors on a test set, from score files or from hypotheses of any toolkit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from errors import InputError
from files.checksum import sha256
from files.json_file import read_objects
from files.regular import open_regular
from records.reading import record_of
from scoring.bootstrap import mean_over_seeds
from scoring.checks import check_same_ids, ids_of, sign_of_shuffling
from scoring.evaluations import one_language
from scoring.foreign_hypotheses import read_hypotheses
from scoring.score_file import ScoredUtterance, in_order, read_score
from scoring.word_errors import normalised, score


@dataclass(frozen=True, eq=False)
class System:
    """A recogniser's errors on a test set: ``utterances`` in the order of their ids.

    ``errors`` is float [n_utterances], averaged over seeds; ``hypotheses`` are normalised texts by
    id (of the first seed), or ``None`` where they are not at hand. ``files`` were read for it.
    Texts were normalised as ``language`` needs it.
    """

    name: str
    path: Path
    utterances: tuple[ScoredUtterance, ...]
    errors: np.ndarray
    hypotheses: dict[str, str] | None
    files: tuple[Path, ...]
    language: str


def system_of_hypotheses(
    path: Path,
    references: list[dict[str, Any]],
    references_path: Path,
    hypotheses: list[dict[str, Any]],
    language: str,
    ids_are_right: bool,
) -> System:
    """Score hypotheses of any toolkit like those of an experiment."""
    check_same_ids(ids_of(references), ids_of(hypotheses), references_path, path)
    sign = None if ids_are_right else sign_of_shuffling(references, hypotheses, language)
    if sign:
        raise InputError(
            f"{path}: {sign}; give each text the id of the recording that it was heard in, or"
            " --ids-are-right if it has it"
        )
    utterances = in_order(score(references, hypotheses, language).per_utterance)
    texts = {row["id"]: normalised(row["text"], language) for row in hypotheses}
    files = (references_path, path)
    return System(str(path), path, utterances, errors_of(utterances), texts, files, language)


def system_of_scores(name: str, paths: Sequence[Path], hypotheses: Path | None) -> System:
    """Read the score files of one system, one for each seed, and its first seed's hypotheses."""
    scores = [read_score(path) for path in paths]
    language = scores[0].language
    one_language({path: score.language for path, score in zip(paths, scores, strict=True)})
    of_seeds = [in_order(score.per_utterance) for score in scores]
    for path, utterances in zip(paths, of_seeds, strict=True):
        check_same_references(of_seeds[0], utterances, paths[0], path)
    errors = mean_over_seeds(np.stack([errors_of(utterances) for utterances in of_seeds]))
    texts, files = None, tuple(paths)
    if hypotheses and hypotheses.is_file():
        ids = [{"id": each.id} for each in of_seeds[0]]
        rows = read_hypotheses(hypotheses, ids, "jsonl")
        texts = {row["id"]: normalised(row["text"], language) for row in rows}
        files = (*files, hypotheses)
    return System(name, paths[0], of_seeds[0], errors, texts, files, language)


def errors_of(utterances: Sequence[ScoredUtterance]) -> np.ndarray:
    """Return the word errors, float [n_utterances]."""
    return np.array([each.word_errors for each in utterances], dtype=float)


def is_score(path: Path) -> bool:
    """Say whether a JSON file is a score, and not JSON lines."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    with open_regular(path) as file:
        return not file.readline().strip().endswith(b"}")  # a score is written over many lines


def scored_hypotheses(path: Path) -> Path | None:
    """Return the unchanged hypotheses that a score was made of, if its lineage leads to them."""
    record = record_of(path)
    if record is None:
        return None
    manifest_keys = {"audio_filepath", "duration"}
    for name, digest in record.inputs.items():
        used = record.at(name)
        if used.is_file() and sha256(used) == digest:
            _, first = next(read_objects(used), (0, {}))
            if not manifest_keys & set(first):
                return used
    return None


def check_same_references(
    a: Sequence[ScoredUtterance], b: Sequence[ScoredUtterance], path_a: Path, path_b: Path
) -> None:
    """Refuse two systems that were scored on other utterances, or on other reference texts."""
    check_same_ids([each.id for each in a], [each.id for each in b], path_a, path_b)
    changed = [one.id for one, other in zip(a, b, strict=True) if one.reference != other.reference]
    if changed:
        raise InputError(
            f"{path_a} and {path_b} have different references: those of {len(changed)} utterances"
            f" differ, first {changed[0]!r}; score both on one manifest"
        )
