"""The verdict on each target, and the comparisons that were declared beforehand, in words."""

from evaluation import AIDS, MADE
from paths import PRETRAINED
from reporting.words import percent, points, simulated_line, spread
from scoring.decisions import PrimaryComparison, Verdict
from scoring.summary import Summary, SummaryRow, TargetSummary


def verdict_sentence(target: TargetSummary) -> str:
    """Return what to ship to a target, how that did in its test, if any, and on what evidence."""
    verdict = target.verdict
    if verdict is None:
        return ""
    result, reason = tested(verdict, target), grounds(verdict, target.name)
    support = [result, reason] if verdict.ships else [reason, result]
    sentences = [headline(verdict, target.name), *support]
    sentences += [repetitions(verdict), agreement(verdict, target.name)]
    return " ".join(filter(None, sentences))


def headline(verdict: Verdict, name: str) -> str:
    """Return which model to ship."""
    if not verdict.ships:
        return f"{name}: keep the pretrained model."
    model = "pretrained" if verdict.chosen.startswith(PRETRAINED) else "adapted"
    aids = aids_in(verdict.chosen)
    return f"{name}: ship the {model} model{f' with {aids}' if aids else ''}."


def grounds(verdict: Verdict, name: str) -> str:
    """Return on what evidence a model is shipped, and which it is; or why none is."""
    adapted = [each for each in verdict.candidates if each.label != PRETRAINED]
    considered = [each for each in adapted if not (each.left_out or each.vetoed)]
    count = len(considered or adapted)
    low, high = map(change, verdict.interval)
    evidence = f"{change(verdict.estimate)} word errors (90 % interval: {low} to {high})"
    kind = "transcribed recording" if verdict.untranscribed else "recording"
    among = "the only candidate" if count == 1 else f"the best of {count} candidates"
    if not verdict.ships:
        loops = any(each.left_out for each in adapted if each.label == verdict.best)
        disagrees = "it surely agrees less with the judge than the pretrained model"
        held_back = "it repeats itself endlessly" if loops else disagrees
        why = "not enough to change a model" if considered else held_back
        return (
            f"Evidence without a {kind} of {name} gives {verdict.best}, {among}, {evidence}: {why}."
        )
    if verdict.chosen != verdict.best:
        among = f"preferred among {count} candidates, and not told from the best by the evidence"
    return (
        f"It was chosen by evidence without a {kind} of {name}, which gives it {evidence}. It is"
        f" {verdict.chosen}, {made(verdict.chosen)}; {among}."
    )


def repetitions(verdict: Verdict) -> str:
    """Return which candidates were left out for endless repetitions, a sentence, or ""."""
    shares = {each.label: f"{percent(each.repetitive)} %" for each in verdict.candidates}
    left_out = [
        f"{each.label} ({shares[each.label]})" for each in verdict.candidates if each.left_out
    ]
    if not left_out:
        return ""
    return (
        f"Left out for endless repetitions in the evidence: {', '.join(left_out)}; the pretrained"
        f" model has {shares[PRETRAINED]}."
    )


def agreement(verdict: Verdict, name: str) -> str:
    """Return what a judge says of the model in untranscribed recordings, sentences, or ""."""
    told = verdict.chosen if verdict.ships else verdict.best
    candidate = next(each for each in verdict.candidates if each.label == told)
    if candidate.disagreement is None:
        return ""
    who = "it" if verdict.ships else told
    difference = candidate.disagreement.difference
    size = points(abs(difference)).lstrip("+")
    more = f"{size} points {'more' if difference > 0 else 'less'} than"
    much = "as much as" if size == "0.0" else more
    low, high = map(points, candidate.disagreement.interval)
    vetoed = ", ".join(each.label for each in verdict.candidates if each.vetoed)
    sentence = (
        f"In {verdict.untranscribed:,} untranscribed recordings of {name} {who} disagrees with the"
        f" judge {much} the pretrained model (interval {low} to {high})."
    )
    return sentence + (f" Not shipped, as they surely disagree more: {vetoed}." if vetoed else "")


def made(label: str) -> str:
    """Return what the model of a label is made of, in words."""
    arms = {arm.replace("->", "→"): words for arm, words in MADE.items()}
    longest = max(filter(label.startswith, arms), key=len)
    vector = ", with a task vector added" if "τ" in label else ""
    aids = aids_in(label)
    return arms[longest] + vector + (f", its decoder led by {aids}" if aids else "")


def aids_in(label: str) -> str:
    """Return what leads the decoder of a candidate, in words, or ""."""
    aids = [words for words in AIDS.values() if f" + {words}" in label]
    return f"{' and '.join(aids)} of the target's texts" if aids else ""


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
    if line := simulated_line(target):
        kind += f" (through a {line})"
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


def over_all(summary: Summary) -> list[str]:
    """Return the declared comparisons over all targets together; of a single target, its own."""
    together = [each for each in summary.primary if each.target is None]
    return [primary_sentence(comparison) for comparison in together or summary.primary]


def primaries(summary: Summary) -> list[str]:
    """Return the declared comparisons, those over all targets first."""
    return [primary_sentence(comparison) for comparison in summary.primary]
