"""The verdict on each target, and the comparisons that were declared beforehand, in words."""

from evaluation import AIDS
from paths import PRETRAINED
from reporting.words import percent, spread
from scoring.decisions import PrimaryComparison, Verdict
from scoring.summary import Summary, SummaryRow, TargetSummary


def verdict_sentence(target: TargetSummary) -> str:
    """Return what to ship to a target, on what evidence, and how that did in its test, if any."""
    verdict = target.verdict
    if verdict is None:
        return ""
    return " ".join(filter(None, [advice(verdict, target.name), tested(verdict, target)]))


def advice(verdict: Verdict, name: str) -> str:
    """Return which model to ship, and on what evidence."""
    count = len(verdict.candidates) - 1
    among = "the only candidate" if count == 1 else f"the best of {count} candidates"
    if verdict.ships and verdict.chosen != verdict.best:
        among = (
            f"the preferred one of {count} candidates; the evidence does not tell it from the best"
        )
    low, high = map(change, verdict.interval)
    evidence = f"{change(verdict.estimate)} word errors (interval: {low} to {high})"
    if verdict.ships:
        return (
            f"{name}: ship {in_words(verdict.chosen)}. By evidence without a recording of it, that"
            f" makes {evidence}; it is {among}."
        )
    return (
        f"{name}: keep the pretrained model. By evidence without a recording of it,"
        f" {in_words(verdict.best)}, {among}, makes {evidence}: not enough to change a model."
    )


def in_words(label: str) -> str:
    """Return a candidate's label, with what leads its decoder in words, if anything does."""
    aids = [words for words in AIDS.values() if f" + {words}" in label]
    if not aids:
        return label
    for words in aids:
        label = label.replace(f" + {words}", "")
    name = "the pretrained model" if label == PRETRAINED else label
    return f"{name} with {' and '.join(aids)} of its texts"


def change(estimate: float) -> str:
    """Return how many of the errors an estimate saves or adds."""
    word = "more" if estimate > 1 else "fewer"
    return f"{100 * abs(1 - estimate):.0f} % {word}"


def tested(verdict: Verdict, target: TargetSummary) -> str:
    """Return how the chosen model, or the best that was not, did on the test set."""
    pretrained = next((row for row in target.rows if row.arm == PRETRAINED), None)
    row = row_of(target, verdict.chosen if verdict.ships else verdict.best)
    if row is None or pretrained is None or row.versus_pretrained is None:
        return ""
    kind = "test recordings" if target.speech == "real" else "synthetic test utterances"
    shown = "" if row.versus_pretrained.significant else "; no difference is shown"
    which = "it" if verdict.ships else "that one"
    return (
        f"On {target.utterances:,} {kind} {which} makes {percent(row.wer)} % word errors, the"
        f" pretrained model {percent(pretrained.wer)} % ({spread(row.versus_pretrained)}{shown})."
    )


def row_of(target: TargetSummary, label: str) -> SummaryRow | None:
    """Return the row of a label."""
    return next((row for row in target.rows if row.label == label), None)


def primary_sentence(comparison: PrimaryComparison) -> str:
    """Return a declared comparison: rates, difference, and whether it is shown."""
    where = "all targets together" if comparison.target is None else comparison.target
    difference = comparison.comparison
    shown = "shown" if difference.significant else "not shown"
    return (
        f"{where}, {comparison.name}: {percent(comparison.first)} against"
        f" {percent(comparison.second)} % ({spread(difference)}; {shown}, p ="
        f" {difference.p_adjusted:.2g})"
    )


def verdicts(summary: Summary) -> list[str]:
    """Return the verdicts, one a target, of the targets that have one."""
    return [sentence for target in summary.targets if (sentence := verdict_sentence(target))]


def primaries(summary: Summary) -> list[str]:
    """Return the declared comparisons, those over all targets first."""
    return [primary_sentence(comparison) for comparison in summary.primary]
