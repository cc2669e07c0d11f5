"""The comparison of two systems in words: verdict, rates, and the texts of both."""

from collections.abc import Iterator

import jiwer
import numpy as np

from reporting.words import percent, points
from scoring.bootstrap import CONFIDENCE
from scoring.paired import Resampling, SystemComparison, SystemText, UtterancePair
from scoring.score_file import ScoredUtterance
from scoring.significance import FEW_UNITS
from scoring.systems import System
from texts.normalise import unit

MARKS = {"substitute": "[{} → {}]", "delete": "[−{}]", "insert": "[+{1}]"}


def changed(a: System, b: System, count: int) -> tuple[UtterancePair, ...]:
    """Return the ``count`` utterances whose errors differ most, with the words of both."""
    difference = np.abs(b.errors - a.errors)
    order = np.argsort(-difference, kind="stable")[:count]
    return tuple(
        UtterancePair(
            id=a.utterances[index].id,
            reference=a.utterances[index].reference,
            heard=tuple(
                SystemText(float(system.errors[index]), marked_text(system, a.utterances[index]))
                for system in (a, b)
            ),
        )
        for index in order
        if difference[index]
    )


def marked_text(system: System, utterance: ScoredUtterance) -> str | None:
    """Return a system's text of an utterance, marked, or ``None`` if that is not at hand."""
    if system.hypotheses is None or utterance.id not in system.hypotheses:
        return None
    return marked(utterance.reference, system.hypotheses[utterance.id])


def marked(reference: str, hypothesis: str) -> str:
    """Return a hypothesis aligned: right words as they are, [true → heard], [−missed], [+added]."""
    aligned = jiwer.process_words([reference], [hypothesis])
    pieces = []
    for chunk in aligned.alignments[0]:
        true = " ".join(aligned.references[0][chunk.ref_start_idx : chunk.ref_end_idx])
        recognised = " ".join(aligned.hypotheses[0][chunk.hyp_start_idx : chunk.hyp_end_idx])
        pieces.append(MARKS.get(chunk.type, "{}").format(true, recognised))
    return " ".join(pieces)


def verdict(comparison: SystemComparison) -> str:
    """Say in a sentence what a comparison shows."""
    if not comparison.fewer_errors and not comparison.more_errors:
        return "Both make the same number of errors in every utterance."
    if not comparison.significant:
        return "No significant difference: chance alone may well make one as large as this."
    better, worse = ("B", "A") if comparison.difference < 0 else ("A", "B")
    sentence = f"{better} makes fewer word errors than {worse}, by more than chance explains."
    if comparison.mapsswe_p >= 1 - CONFIDENCE:
        sentence += " MAPSSWE does not confirm it: take it with care."
    return sentence


def lines(comparison: SystemComparison, settings: Resampling, several: bool) -> Iterator[str]:
    """Yield a comparison as it is printed: percent and points."""
    for letter, system in (("A", comparison.a), ("B", comparison.b)):
        bounds = ", ".join(map(percent, system.interval))
        yield f"{letter}  WER {percent(system.wer)} % [{bounds}]  {system.name}"
    bounds = ", ".join(map(points, comparison.interval))
    adjusted = f" ({comparison.p_adjusted:.2g} after Holm)" if several else ""
    yield (
        f"B − A: {points(comparison.difference)} points [{bounds}], p {comparison.p:.2g}"
        f"{adjusted}, MAPSSWE p {comparison.mapsswe_p:.2g}"
    )
    yield verdict(comparison)
    if counted := unit(comparison.language):
        yield counted
    drawn = "" if settings.by == "utterance" else f" ({comparison.units:,} of them)"
    yield (
        f"{comparison.utterances:,} utterances, {comparison.words:,} words;"
        f" {comparison.fewer_errors:,} have fewer errors in B, {comparison.more_errors:,}"
        f" more. {CONFIDENCE * 100:g} % intervals by {settings.resamples:,} paired resamples by"
        f" {settings.by}{drawn}."
    )
    if comparison.units < FEW_UNITS:
        yield f"Intervals and p from fewer than {FEW_UNITS} {settings.by}s are rough."
    for row in comparison.changed:
        yield ""
        yield f"{row.id}: {row.reference or '(no words)'}"
        for letter, text in zip("AB", row.heard, strict=True):
            words = "" if text.words is None else f": {text.words or '(nothing)'}"
            yield f"  {letter}  {text.errors:g} errors{words}"
