"""Print on one screen what an experiment came to, for each target.

Which model to ship, on what evidence, how it does elsewhere; the sentences that changed most, as
they were heard before and as they are heard now; the words of the domain that it still misses; and
where the model lies. Sentences are of the target's test set, or, if it has none, of its synthetic
dev speech.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from errors import InputError, run
from escaping import visible
from evaluation import ScoredEvaluation
from files.manifest import read_jsonl, read_manifest
from options import Parser
from paths import PRETRAINED
from reporting.verdicts import verdict_sentence
from reporting.words import percent
from scoring.alignment import WordError, word_errors
from scoring.decisions import Verdict
from scoring.evaluations import read_evaluations
from scoring.summary import TargetSummary, read_summary
from texts.normalise import normalise

SENTENCES = 10  # that changed most
WORDS = 20  # still missed


class Sentence(NamedTuple):
    """An utterance as it was said, and as two models heard it; errors are counted in words."""

    said: str
    before: str
    now: str
    errors_before: int
    errors_now: int

    @property
    def gain(self) -> int:
        """The errors that are gone."""
        return self.errors_before - self.errors_now


def most_changed(sentences: Iterable[Sentence], most: int = SENTENCES) -> list[Sentence]:
    """Return those whose number of errors changed most, better or worse, each text once."""
    ordered = sorted(sentences, key=lambda each: -abs(each.gain))
    by_text: dict[str, Sentence] = {}
    for each in ordered:
        by_text.setdefault(each.said, each)
    return [each for each in by_text.values() if each.gain][:most]


def still_missed(
    errors: Iterable[tuple[str, Sequence[WordError]]], most: int = WORDS
) -> list[tuple[str, int, int]]:
    """Return words that are missed in at least half of their places: word, missed, places.

    ``errors`` are those of each normalised reference. The most often missed come first.
    """
    said: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for reference, of_sentence in errors:
        said.update(reference.split())
        missed.update(each.reference for each in of_sentence if each.reference)
    often = [word for word, count in missed.items() if 2 * count >= said[word]]
    return [(word, missed[word], said[word]) for word in sorted(often, key=lambda w: -missed[w])][
        :most
    ]


def heard(evaluation: ScoredEvaluation) -> dict[str, str]:
    """Return the hypotheses of an evaluation by the utterance's id."""
    return {row["id"]: row["text"] for row in read_jsonl(evaluation.hypotheses)}


def chosen_evaluation(
    evaluations: Sequence[ScoredEvaluation], verdict: Verdict
) -> ScoredEvaluation | None:
    """Return the evaluation of the verdict's model, of its first seed; None if there is none."""
    for each in evaluations:
        if (each.model, each.scaling_coefficient) != (
            verdict.models[0],
            verdict.scaling_coefficient,
        ):
            continue
        if each.vector_path is None or each.vector_path in verdict.vectors:
            return each
    return None


def compare(
    before: ScoredEvaluation, now: ScoredEvaluation, language: str
) -> tuple[list[Sentence], list[tuple[str, int, int]]]:
    """Return each utterance as both models heard it, and the words that the second still misses."""
    rows, first, second = read_manifest(now.manifest), heard(before), heard(now)

    def pairs(hypotheses: dict[str, str]) -> list[tuple[str, str]]:
        return [
            (normalise(row["text"], language), normalise(hypotheses[row["id"]], language))
            for row in rows
        ]

    errors = word_errors([*pairs(first), *pairs(second)])
    sentences = [
        Sentence(
            row["text"],
            first[row["id"]].strip(),
            second[row["id"]].strip(),
            len(errors[of_first]),
            len(errors[of_second]),
        )
        for row, of_first, of_second in zip(rows, pairs(first), pairs(second), strict=True)
    ]
    missed = still_missed((pair[0], errors[pair]) for pair in pairs(second))
    return sentences, missed


def elsewhere(verdict: Verdict) -> str:
    """Say what the chosen model does to the source's recordings."""
    wers = {each.label: each.source_wer for each in verdict.candidates}
    before, now = wers[PRETRAINED], wers[verdict.chosen]
    return (
        f"Elsewhere: {percent(now)} % word errors on the source's dev recordings, the pretrained"
        f" model {percent(before)} %."
    )


def outcome(
    target: TargetSummary, evaluations: Sequence[ScoredEvaluation], language: str
) -> Iterator[str]:
    """Yield the lines on a target."""
    verdict = target.verdict
    if verdict is None:
        yield f"{target.name}: no verdict, the config names the model to deliver."
        return
    yield verdict_sentence(target)
    if not verdict.ships:
        yield "Nothing is delivered."
        return
    yield elsewhere(verdict)
    role = "test" if target.rows else "evidence"
    tried = [
        each
        for each in evaluations
        if (each.target, each.base, each.role, each.kind)
        == (target.target, target.base, role, "target")
    ]
    before = next((each for each in tried if each.arm == PRETRAINED), None)
    now = chosen_evaluation(tried, verdict)
    if before and now:
        sentences, missed = compare(before, now, language)
        speech = "test recordings" if now.speech == "real" else "synthetic speech"
        if changed := most_changed(sentences):
            yield ""
            yield f"Heard before and now, what changed most on its {speech}:"
        for each in changed:
            yield f"  said    {each.said}"
            yield f"  before  {each.before} ({each.errors_before})"
            yield f"  now     {each.now} ({each.errors_now})"
            yield ""
        if missed:
            words = ", ".join(f"{word} ({count} of {places})" for word, count, places in missed)
            yield f"Words that it still misses: {words}."
    yield f"The model: {', '.join(verdict.folders)}"


def main(argv: list[str] | None = None) -> None:
    """Print what an experiment came to."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="an experiment's folder, as results/NAME"
    )
    options = parser.parse_args(argv)
    path = options.folder / "summary.json"
    if not path.is_file():
        raise InputError(f"{path}: is not there; run the experiment to its end first")
    summary = read_summary(path)
    evaluations = [
        each
        for each in read_evaluations(options.folder / "evaluations.json")
        if isinstance(each, ScoredEvaluation)
    ]
    for target in summary.targets:
        for line in outcome(target, evaluations, summary.language or "en"):
            print(visible(line))
        print()
    print(f"Report: {options.folder / 'report.html'}", file=sys.stdout)


if __name__ == "__main__":
    run(main)
