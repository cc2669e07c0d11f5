"""An experiment's scores, pooled: one row per model and test set, over its seeds."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from errors import InputError
from evaluation import ScoredEvaluation
from scoring.bootstrap import mean_over_seeds
from scoring.evaluations import ModelKey
from scoring.score_file import Score, ScoredUtterance, in_order, read_score
from scoring.summary import MeanWordCounts


@dataclass(frozen=True, eq=False)
class PooledRow:
    """A model's errors on one set of speech, its seeds together; rates are fractions.

    ``evaluations`` and ``wer_of_seeds`` have one entry a seed. The counts are arrays
    [n_utterances] in the order of ``utterances``, which is that of their ids; errors are means over
    the seeds. ``seed_sd`` is the standard deviation of the seeds' WERs, null of a single seed.
    """

    evaluations: tuple[ScoredEvaluation, ...]
    utterances: tuple[ScoredUtterance, ...]
    errors: np.ndarray
    reference_words: np.ndarray
    character_errors: np.ndarray
    reference_characters: np.ndarray
    wer: float
    cer: float
    wer_against_raw_references: float
    wer_of_seeds: tuple[float, ...]
    seed_sd: float | None
    counts: MeanWordCounts
    languages: tuple[str, ...]
    warnings: tuple[str, ...]
    decoded_again: float

    @property
    def evaluation(self) -> ScoredEvaluation:
        """The first seed's evaluation, for what the seeds have in common."""
        return self.evaluations[0]

    @property
    def scores(self) -> tuple[str, ...]:
        """The score files."""
        return tuple(each.score for each in self.evaluations)

    @property
    def model(self) -> ModelKey:
        """The model, without its seeds."""
        return ModelKey.of(self.evaluation)


def gather(evaluations: Iterable[ScoredEvaluation]) -> list[PooledRow]:
    """Return one row per model and set of speech, in the order of their first evaluations."""
    groups: dict[tuple[object, ...], list[ScoredEvaluation]] = defaultdict(list)
    for each in evaluations:
        groups[ModelKey.of(each), each.scored_speech].append(each)
    return [pool_seeds(group, [read_score(e.score) for e in group]) for group in groups.values()]


def pool_seeds(evaluations: Sequence[ScoredEvaluation], scores: Sequence[Score]) -> PooledRow:
    """Return the row of one model and set of speech from its seeds' scores."""
    of_seeds = [in_order(score.per_utterance) for score in scores]
    for evaluation, utterances in zip(evaluations, of_seeds, strict=True):
        check_same_references(of_seeds[0], utterances, evaluation.score, evaluations[0].score)
    words = np.array([each.reference_words for each in of_seeds[0]])
    errors = np.array([[each.word_errors for each in seed] for seed in of_seeds])
    characters = np.array([[each.character_errors for each in seed] for seed in of_seeds])
    pooled = mean_over_seeds(errors)
    rates = errors.sum(axis=1) / words.sum()
    counts = [score.words for score in scores]
    return PooledRow(
        evaluations=tuple(evaluations),
        utterances=of_seeds[0],
        errors=pooled,
        reference_words=words,
        character_errors=mean_over_seeds(characters),
        reference_characters=np.array([each.reference_characters for each in of_seeds[0]]),
        wer=float(pooled.sum() / words.sum()),
        cer=mean([score.cer for score in scores]),
        wer_against_raw_references=mean([score.wer_against_raw_references for score in scores]),
        wer_of_seeds=tuple(rates.tolist()),
        seed_sd=float(rates.std(ddof=1)) if len(rates) > 1 else None,
        counts=MeanWordCounts(
            substitutions=mean([each.substitutions for each in counts]),
            deletions=mean([each.deletions for each in counts]),
            insertions=mean([each.insertions for each in counts]),
            hits=mean([each.hits for each in counts]),
            reference_words=mean([each.reference for each in counts]),
        ),
        languages=tuple(score.language for score in scores),
        warnings=tuple(
            f"{evaluation.score}: {warning}"
            for evaluation, score in zip(evaluations, scores, strict=True)
            for warning in score.warnings
        ),
        decoded_again=mean([score.decoded_again for score in scores]),
    )


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return float(np.mean(values))


def union(rows: Sequence[PooledRow]) -> PooledRow:
    """Return one row of a model on several test sets; what is in two of them counts once.

    An utterance is known by its domain and id: a group of domains and one of them overlap. Only
    utterances, their counts and the WER are those of the union; the rest is the first row's.
    """
    place_of: dict[tuple[str, str], tuple[PooledRow, int]] = {}
    for row in rows:
        for index, utterance in enumerate(row.utterances):
            domain = utterance.manifest.get("domain", row.evaluation.domain)
            place_of.setdefault((domain, utterance.id), (row, index))
    places = list(place_of.values())
    errors = np.array([row.errors[index] for row, index in places])
    words = np.array([row.reference_words[index] for row, index in places])
    return replace(
        rows[0],
        utterances=tuple(row.utterances[index] for row, index in places),
        errors=errors,
        reference_words=words,
        character_errors=np.array([row.character_errors[index] for row, index in places]),
        reference_characters=np.array([row.reference_characters[index] for row, index in places]),
        wer=float(errors.sum() / words.sum()),
    )


def check_same_references(
    first: Sequence[ScoredUtterance],
    second: Sequence[ScoredUtterance],
    first_path: str,
    second_path: str,
) -> None:
    """Refuse a score of other utterances, or of other references, than the first's.

    Both are in the order of their ids.
    """
    if different := {each.id for each in first} ^ {each.id for each in second}:
        raise InputError(
            f"{second_path} and {first_path} are not about the same test set: {len(different)}"
            f" utterances are in only one of them, first {min(different)!r}; score both on one"
            " manifest"
        )
    changed = [
        one.id
        for one, other in zip(first, second, strict=True)
        if one.reference_words != other.reference_words
    ]
    if changed:
        raise InputError(
            f"{second_path} and {first_path} have different references: {len(changed)} utterances"
            f" differ in their number of words, first {changed[0]!r}; score both on one manifest"
        )
