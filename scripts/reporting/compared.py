"""The comparison of two systems in words: verdict, rates, and what each of them heard."""

from collections.abc import Iterator
from typing import Any

import jiwer
import numpy as np

from reporting.words import percent, points
from scoring.bootstrap import CONFIDENCE
from scoring.significance import FEW_UNITS
from scoring.systems import System
from texts.normalise import unit

MARKS = {"substitute": "[{} → {}]", "delete": "[−{}]", "insert": "[+{1}]"}


def changed(a: System, b: System, count: int) -> list[dict]:
    """Return the ``count`` utterances whose errors differ most, with the words of both."""
    difference = np.abs(b.errors - a.errors)
    order = np.argsort(-difference, kind="stable")[:count]
    return [
        {
            "id": a.rows[index]["id"],
            "reference": a.rows[index]["reference"],
            "heard": [
                {"errors": float(system.errors[index]), "words": heard(system, a.rows[index])}
                for system in (a, b)
            ],
        }
        for index in order
        if difference[index]
    ]


def heard(system: System, row: dict) -> str | None:
    """Return what a system heard in an utterance, marked, or ``None`` if that is not at hand."""
    if system.hypotheses is None or row["id"] not in system.hypotheses:
        return None
    return marked(row["reference"], system.hypotheses[row["id"]])


def marked(reference: str, hypothesis: str) -> str:
    """Return a hypothesis aligned: right words as they are, [true → heard], [−missed], [+added]."""
    found = jiwer.process_words([reference], [hypothesis])
    pieces = []
    for chunk in found.alignments[0]:
        true = " ".join(found.references[0][chunk.ref_start_idx : chunk.ref_end_idx])
        said = " ".join(found.hypotheses[0][chunk.hyp_start_idx : chunk.hyp_end_idx])
        pieces.append(MARKS.get(chunk.type, "{}").format(true, said))
    return " ".join(pieces)


def verdict(comparison: dict) -> str:
    """Say in a sentence what a comparison shows."""
    if not comparison["fewer_errors"] and not comparison["more_errors"]:
        return "Both make the same number of errors in every utterance."
    if not comparison["significant"]:
        return "No significant difference: chance alone may well make one as large as this."
    better, worse = ("B", "A") if comparison["difference"] < 0 else ("A", "B")
    sentence = f"{better} makes fewer word errors than {worse}, by more than chance explains."
    if comparison["mapsswe_p"] >= 1 - CONFIDENCE:
        sentence += " MAPSSWE does not confirm it: take it with care."
    return sentence


def lines(comparison: dict, settings: dict[str, Any], several: bool) -> Iterator[str]:
    """Yield a comparison as it is printed: percent and points."""
    for letter in "ab":
        system = comparison[letter]
        bounds = ", ".join(map(percent, system["interval"]))
        yield f"{letter.upper()}  WER {percent(system['wer'])} % [{bounds}]  {system['name']}"
    bounds = ", ".join(map(points, comparison["interval"]))
    adjusted = f" ({comparison['p_adjusted']:.2g} after Holm)" if several else ""
    yield (
        f"B − A: {points(comparison['difference'])} points [{bounds}], p {comparison['p']:.2g}"
        f"{adjusted}, MAPSSWE p {comparison['mapsswe_p']:.2g}"
    )
    yield verdict(comparison)
    if told := unit(comparison["language"]):
        yield told
    drawn = "" if settings["by"] == "utterance" else f" ({comparison['units']:,} of them)"
    yield (
        f"{comparison['utterances']:,} utterances, {comparison['words']:,} words;"
        f" {comparison['fewer_errors']:,} have fewer errors in B, {comparison['more_errors']:,}"
        f" more. {CONFIDENCE * 100:g} % intervals by {settings['resamples']:,} paired resamples by"
        f" {settings['by']}{drawn}."
    )
    if comparison["units"] < FEW_UNITS:
        yield f"Intervals and p from fewer than {FEW_UNITS} {settings['by']}s are rough."
    for row in comparison["changed"]:
        yield ""
        yield f"{row['id']}: {row['reference'] or '(no words)'}"
        for letter, system in zip("AB", row["heard"], strict=True):
            words = "" if system["words"] is None else f": {system['words'] or '(nothing)'}"
            yield f"  {letter}  {system['errors']:g} errors{words}"
