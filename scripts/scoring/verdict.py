"""Which model to ship to a target, chosen by evidence that takes no recording of it.

Each candidate is scored on two sets of speech: dev texts of the target as a TTS speaks them, which
show how well its words are known, and dev recordings of the source, which show what the channel and
human speech do to it. A candidate's estimate is the geometric mean of its two WERs, each divided by
the pretrained model's on the same speech. A candidate may be shipped if its whole interval is below
1, and if on average over both sets it saves at least one word of a hundred. Of those that may, and
that the evidence does not tell from the lowest estimate, the first in order (``preference``) is
chosen: evidence is some dozens of sentences, and its noise is not worth following. If none may, the
pretrained model is kept. How often that is right: docs/confidence.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation import VECTOR, without_aids
from matrix import CONTINUED, JOINT, aids_of
from paths import PRETRAINED
from scoring.bootstrap import interval
from scoring.comparisons import ResampledRows
from scoring.decisions import Candidate, Verdict
from scoring.evaluations import ModelKey, labels_of
from scoring.pooling import PooledRow
from scoring.summary import SummarySettings

LEAST_GAIN = 0.01  # a fraction of the words
SMALLEST_WER = 0.001  # as which none counts, so that estimates are numbers
PREFERRED = (JOINT, "target-synthetic", CONTINUED, PRETRAINED)  # the last with aids only
AIDS_PREFERRED = ("", "+lm", "+terms", "+terms+lm")


@dataclass(frozen=True)
class Evidence:
    """A candidate's rows on synthetic speech of the target and on recordings of the source."""

    model: ModelKey
    synthetic: PooledRow
    source: PooledRow


def evidence_of(others: Sequence[PooledRow]) -> list[Evidence]:
    """Return the evidence on each candidate, in the order of the matrix."""
    rows = [row for row in others if row.evaluation.role == "evidence"]
    synthetic, source = (
        {row.model: row for row in rows if row.evaluation.kind == kind}
        for kind in ("target", "source")
    )
    return [Evidence(model, synthetic[model], source[model]) for model in synthetic]


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
    intervals = [interval(each, settings.confidence) for each in resampled]
    adapted = [index for index in range(len(arms)) if index != pretrained]
    best = min(adapted, key=estimates.__getitem__)  # of equals the first
    gains = np.mean(wers[:, [pretrained]] - wers, axis=0)

    def may_be_shipped(index: int) -> bool:
        versus_best = interval(resampled[index] / resampled[best], settings.confidence)
        return intervals[index][1] < 1 and gains[index] >= LEAST_GAIN and versus_best[0] <= 1

    preferred = sorted(adapted, key=lambda index: preference(candidates[index].model))
    shipped = next(filter(may_be_shipped, preferred), None)
    labels = labels_of(each.model for each in candidates)
    reported = tuple(
        Candidate(
            label=labels[each.model],
            synthetic_wer=each.synthetic.wer,
            source_wer=each.source.wer,
            estimate=float(estimates[index]),
            interval=intervals[index],
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
