"""Which model to ship to a target, chosen by evidence that takes no transcribed recording of it.

Each candidate is scored on two sets of speech: dev texts of the target as a TTS speaks them, which
show how well its words are known, and dev recordings of the source, which show what the channel and
human speech do to it. A candidate's estimate is the geometric mean of its two WERs, each divided by
the pretrained model's on the same speech. A candidate may be shipped if it is better with a
certainty of 95 % (only one side matters: the upper end of its estimate's 90 % interval is below 1),
and if on average over both sets it saves at least one word of a hundred. Of those that may, and
that the evidence does not tell from the lowest estimate, the first in order (``preference``) is
chosen: evidence is some dozens of sentences, and its noise is not worth following. If none may, the
pretrained model is kept. How often that is right: docs/confidence.md.

A candidate that repeats itself endlessly is left out before all that: one whose share of such
hypotheses, on average over both sets, is above the pretrained model's by more than 2 % of the
utterances, and not by a single one, which may be chance. They count whether or not they were
decoded again, which hides them from the WER.

Where there are untranscribed recordings of the target, a candidate is vetoed that agrees less with
a judge, a larger model, than the pretrained model does: with the certainty of a 95 % interval of
their paired difference. More agreement chooses nothing, and words that the judge can't know do not
count (unknown_words.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from arms import CONTINUED, JOINT, REPLAYING_TTS, aids_of
from evaluation import VECTOR, without_aids
from paths import PRETRAINED
from scoring.bootstrap import interval
from scoring.comparisons import ResampledRows
from scoring.decisions import Candidate, Verdict
from scoring.differences import Difference
from scoring.evaluations import ModelKey, labels_of
from scoring.pooling import PooledRow
from scoring.summary import SummarySettings

CERTAINTY = 0.95  # that a candidate is better, before it may be shipped
LEAST_GAIN = 0.01  # a fraction of the words
MORE_REPETITIVE = 0.02  # than the pretrained model, a fraction of the utterances
BY_CHANCE = 1  # endless repetitions more than the pretrained model's
SMALLEST_WER = 0.001  # as which none counts, so that estimates are numbers
PREFERRED = (
    JOINT, "target-synthetic", CONTINUED, REPLAYING_TTS, PRETRAINED,  # the last with aids only
)  # fmt: skip
AIDS_PREFERRED = ("", "+lm", "+terms", "+terms+lm")


@dataclass(frozen=True)
class Evidence:
    """A candidate's rows on synthetic speech of the target and on recordings of the source.

    ``judged`` is that on untranscribed recordings of the target, if there are any.
    """

    model: ModelKey
    synthetic: PooledRow
    source: PooledRow
    judged: PooledRow | None

    @property
    def repetitions(self) -> float:
        """The number of endless repetitions in the hypotheses, mean over the seeds."""
        return self.synthetic.decoded_again + self.source.decoded_again

    @property
    def repetitive(self) -> float:
        """The share of endless repetitions in the hypotheses, the mean of both sets."""
        rows = (self.synthetic, self.source)
        return sum(row.decoded_again / len(row.utterances) for row in rows) / len(rows)

    def repeats(self, pretrained: "Evidence") -> bool:
        """Say whether it has markedly more endless repetitions than the pretrained model."""
        return (
            self.repetitive - pretrained.repetitive > MORE_REPETITIVE
            and self.repetitions - pretrained.repetitions > BY_CHANCE
        )


def evidence_of(others: Sequence[PooledRow]) -> list[Evidence]:
    """Return the evidence on each candidate, in the order of the matrix."""
    rows = [row for row in others if row.evaluation.role == "evidence"]
    synthetic, source = (
        {row.model: row for row in rows if row.evaluation.kind == kind}
        for kind in ("target", "source")
    )
    judged = {row.model: row for row in others if row.evaluation.role == "agreement"}
    return [
        Evidence(model, synthetic[model], source[model], judged.get(model)) for model in synthetic
    ]


def disagreements(
    candidates: Sequence[Evidence], pretrained: int, settings: SummarySettings
) -> list[Difference | None]:
    """Return each candidate's WER against what the judge heard, minus the pretrained model's.

    Recordings are drawn one by one: of their speakers nothing is known.
    """
    rows = [each.judged for each in candidates if each.judged]
    if len(rows) < len(candidates):
        return [None] * len(candidates)
    draws = ResampledRows(rows, replace(settings, resampled_by="utterance")).rates
    differences = [
        Difference(
            row.wer - rows[pretrained].wer,
            interval(rates - draws[pretrained], settings.confidence),
        )
        for row, rates in zip(rows, draws, strict=True)
    ]
    return [None if index == pretrained else each for index, each in enumerate(differences)]


def verdict_of(candidates: Sequence[Evidence], settings: SummarySettings) -> Verdict | None:
    """Return which candidate to ship; None where the pretrained model, or any other, is none.

    Rates are drawn anew for all candidates together, each kind of speech by itself.
    """
    arms = [each.model.arm.arm for each in candidates]
    if PRETRAINED not in arms or len(arms) < 2:
        return None
    pretrained = arms.index(PRETRAINED)
    kinds = [[each.synthetic for each in candidates], [each.source for each in candidates]]
    wers = np.array([[row.wer for row in rows] for rows in kinds])
    draws = np.stack([ResampledRows(rows, settings).rates for rows in kinds])
    estimates = estimates_of(wers, pretrained)
    resampled = estimates_of(draws, pretrained)
    intervals = [interval(each, 2 * CERTAINTY - 1) for each in resampled]
    left_out = [each.repeats(candidates[pretrained]) for each in candidates]
    judged = disagreements(candidates, pretrained, settings)
    vetoed = [each is not None and each.interval[0] > 0 for each in judged]
    adapted = [index for index in range(len(arms)) if index != pretrained]
    considered = [index for index in adapted if not (left_out[index] or vetoed[index])]
    best = min(considered or adapted, key=estimates.__getitem__)  # of equals the first
    gains = np.mean(wers[:, [pretrained]] - wers, axis=0)

    def may_be_shipped(index: int) -> bool:
        versus_best = interval(resampled[index] / resampled[best], settings.confidence)
        return intervals[index][1] < 1 and gains[index] >= LEAST_GAIN and versus_best[0] <= 1

    preferred = sorted(considered, key=lambda index: preference(candidates[index].model))
    shipped = next(filter(may_be_shipped, preferred), None)
    labels = labels_of(each.model for each in candidates)
    reported = tuple(
        Candidate(
            label=labels[each.model],
            synthetic_wer=each.synthetic.wer,
            source_wer=each.source.wer,
            estimate=float(estimates[index]),
            interval=intervals[index],
            repetitive=each.repetitive,
            left_out=left_out[index],
            disagreement=judged[index],
            vetoed=vetoed[index],
        )
        for index, each in enumerate(candidates)
    )
    chosen = candidates[pretrained if shipped is None else shipped].synthetic.evaluations
    told = reported[best if shipped is None else shipped]
    return Verdict(
        ships=shipped is not None,
        chosen=reported[pretrained if shipped is None else shipped].label,
        best=reported[best].label,
        estimate=told.estimate,
        interval=told.interval,
        models=tuple(each.model for each in chosen),
        vectors=tuple(each.vector_path for each in chosen if each.vector_path),
        scaling_coefficient=chosen[0].scaling_coefficient,
        aids=str(aids) if (aids := aids_of(chosen[0].arm, chosen[0].target)) else None,
        candidates=reported,
        untranscribed=len(of_judge.utterances) if (of_judge := candidates[0].judged) else 0,
    )


def preference(model: ModelKey) -> tuple[bool, int, float, int]:
    """Return the place of a candidate in the order in which equals are chosen.

    Models whose decoder nothing leads come before those with aids, which few programs can decode.
    Then they follow ``PREFERRED``; then no vector is first, and the smallest, or what is first in
    ``AIDS_PREFERRED``.
    """
    trained = without_aids(model.arm.arm)
    aids = AIDS_PREFERRED.index(model.arm.arm.removeprefix(trained))
    place = PREFERRED.index(trained.removesuffix(VECTOR))
    return aids > 0, place, model.scaling_coefficient or 0, aids


def estimates_of(wers: np.ndarray, pretrained: int) -> np.ndarray:
    """Return estimates [n_candidates, ...] from WERs [n_kinds, n_candidates, ...]."""
    rates = np.log(np.maximum(wers, SMALLEST_WER))
    means: np.ndarray = np.exp((rates - rates[:, [pretrained]]).mean(axis=0))
    return means
