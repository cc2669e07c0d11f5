"""What a table of WERs shows, in sentences that claim no more than its tests bear out."""

from collections.abc import Iterable

from evaluation import VECTOR, WITHOUT_TRANSCRIPTS, adaptation_of, has_aids, label
from paths import PRETRAINED, REAL
from scoring.differences import Comparison, Difference
from scoring.summary import Forgetting, SummaryRow, TargetSummary

Pairs = list[tuple[SummaryRow, Comparison]]
Price = tuple[SummaryRow, Forgetting, Comparison]

TOPLINE = "target-real"
MINUS = "\N{MINUS SIGN}"


def percent(rate: float) -> str:
    """Return a fraction as percent, to a tenth: 0.1234 is "12.3"."""
    return f"{100 * rate:.1f}"


def points(difference: float) -> str:
    """Return a difference of fractions in points, signed, to a tenth.

    What a tenth would show as 0 gets one or two more digits, so that a bound's side is seen.
    """
    value = 100 * difference
    digits = next((n for n in (1, 2) if round(value, n)), 3)
    text = f"{value:+.{digits}f}" if round(value, digits) else "0.0"
    return text.replace("-", MINUS)


def sentences(target: TargetSummary) -> list[str]:
    """Return what a target's rows show: adaptation from text, the task vector, and the room left.

    Of the arms with a task vector only the chosen ones are spoken of: the best of many on the test
    set would look better than it is.
    """
    rows = target.main_rows
    parts = [
        about_test_speech(target),
        about_text(target.name, rows),
        about_aids(target.name, rows),
        about_adaptation(target.name, rows),
        about_pseudo(target.name, rows),
        about_vector(rows),
        about_price(rows),
        about_topline(rows),
        about_overlap(target),
    ]
    return [sentence for sentence in parts if sentence]


def about_test_speech(target: TargetSummary) -> str:
    """Say so if the test set has no recordings, or none that a real line has carried."""
    if target.speech == REAL:
        return about_line(target)
    return (
        f"{target.target} has no recordings: these are word errors on synthetic speech"
        f" ({target.speech}) of its test texts, and no evidence for human speech."
    )


def simulated_line(target: TargetSummary) -> str:
    """Return through which simulated line the test recordings went, if through any."""
    return (
        f"simulated {target.line} telephone line" if target.speech == REAL and target.line else ""
    )


def about_line(target: TargetSummary) -> str:
    """Say so if the test recordings went through a simulated line."""
    line = simulated_line(target)
    return line and (
        f"The test recordings of {target.target} went through a {line}, which is not a real one:"
        " these word errors are no evidence for real telephones."
    )


def about_text(name: str, rows: list[SummaryRow]) -> str:
    """Say which arms that saw the target's texts, and none of its recordings, beat pretrained."""
    adapted = [
        row
        for row in rows
        if "target-synthetic" in row.arm and not has_aids(row.arm) and not adaptation_of(row.arm)
    ]
    return against_pretrained(f"On {name}, with speech synthesized from its texts", rows, adapted)


def about_aids(name: str, rows: list[SummaryRow]) -> str:
    """Say which arms whose decoder is led by the target's texts beat pretrained."""
    led = [row for row in rows if has_aids(row.arm)]
    return against_pretrained(f"On {name}, with a decoder that is led by its texts", rows, led)


def about_adaptation(name: str, rows: list[SummaryRow]) -> str:
    """Say which arms that adapt to the test recordings beat pretrained, and what they heard."""
    adapting = [row for row in rows if adaptation_of(row.arm)]
    beginning = f"On {name}, with test-time adaptation, which hears the test recordings (not their"
    return against_pretrained(f"{beginning} texts)", rows, adapting)


def about_pseudo(name: str, rows: list[SummaryRow]) -> str:
    """Say which arms that heard the target's recordings, and no transcript, beat pretrained."""
    trained = [row for row in rows if row.target_recordings == WITHOUT_TRANSCRIPTS]
    return against_pretrained(f"On {name}, with its recordings and no transcript", rows, trained)


def against_pretrained(beginning: str, rows: list[SummaryRow], some: list[SummaryRow]) -> str:
    """Return how some of the rows compare with the pretrained model, in a sentence that begins."""
    pretrained = next((row for row in rows if row.arm == PRETRAINED), None)
    compared = [(row, row.versus_pretrained) for row in some]
    if pretrained is None or not any(comparison for _, comparison in compared):
        return ""
    better, worse, neither = divided(compared)
    whole = f"the pretrained model ({percent(pretrained.wer)} %)"
    parts = []
    if better:
        parts.append(f"fewer word errors than {whole} are made by {with_rates(better)}")
    if worse:
        parts.append(f"more word errors than {whole} are made by {with_rates(worse)}")
    if neither:
        parts.append(f"no difference from {whole} is shown for {with_rates(neither)}")
    return f"{beginning}, {'; '.join(parts)}."


def about_vector(rows: list[SummaryRow]) -> str:
    """Say how the chosen arms with a task vector compare with the paper's baseline."""
    vector = [row for row in rows if row.arm.endswith(VECTOR) and row.versus_baseline]
    if not vector:
        return ""
    better, worse, neither = divided([(row, row.versus_baseline) for row in vector])
    parts = []
    for group, claim in ((better, "fewer word errors than"), (worse, "more word errors than")):
        parts += [
            f"{row.label} makes {claim} the paper's baseline ({spread(comparison)})"
            for row, comparison in group
        ]
    if neither:
        parts.append(
            f"no difference from the paper's baseline is shown for {with_differences(neither)}"
        )
    whole = "With the task vector, " + "; ".join(parts) + "."
    return " ".join(filter(None, [whole, *map(about_own, vector)]))


def about_own(row: SummaryRow) -> str:
    """Say what the vector does to its own arm, if that is not the baseline: the vector's share."""
    comparison = row.versus_without_vector
    if comparison is None or row.vector_on is None:
        return ""
    own = label(row.vector_on, None, None)
    shown = "no difference is shown"
    if comparison.significant:
        shown = "it takes errors away" if comparison.difference < 0 else "it adds errors"
    return f"Against {own} without it, {shown} ({spread(comparison)})."


def about_price(rows: list[SummaryRow]) -> str:
    """Say what the arms adapted from text lose, or gain, on the recordings of other domains."""
    of_domain: dict[str, list[Price]] = {}
    for row in rows:
        for entry in row.forgetting:
            if "target-synthetic" in row.arm and entry.versus_pretrained:
                price = (row, entry, entry.versus_pretrained)
                of_domain.setdefault(entry.domain, []).append(price)
    parts = [price_on(domain, there) for domain, there in of_domain.items()]
    return f"The price: {' '.join(parts)}" if parts else ""


def price_on(domain: str, prices: list[Price]) -> str:
    """Say what arms lose, or gain, on the recordings of one other domain."""
    _, first, comparison = prices[0]
    whole = f"the pretrained model ({percent(first.wer - comparison.difference)} %)"
    better, worse, neither = divided([(row, comparison) for row, _, comparison in prices])
    parts = [
        f"{claim} than {whole} are made by {with_differences(group)}"
        for group, claim in ((worse, "more word errors"), (better, "fewer word errors"))
        if group
    ]
    if neither:
        wer_of = {row.label: entry.wer for row, entry, _ in prices}
        listed = enumerated(listing(row, wer_of[row.label]) for row, _ in neither)
        parts.append(f"no difference from {whole} is shown for {listed}")
    kind = "of the source" if first.kind == "source" else f"of {domain}, another domain"
    return f"on {first.utterances:,} utterances {kind}, {'; '.join(parts)}."


def about_overlap(target: TargetSummary) -> str:
    """Say what of the test set was known to an arm that uses no target recordings, if anything."""
    most: dict[str, int] = {}
    for row in target.rows:
        for kind, stages in (row.leakage or {}).items():
            if row.target_recordings == "none" and not row.target_recordings_for_choice:
                most[kind] = max(most.get(kind, 0), *stages.values())
    parts = [
        f"{count} {kind.replace('_', ' ').removesuffix('s')}{'' if count == 1 else 's'}"
        for kind, count in most.items()
        if count
    ]
    if not parts:
        return ""
    return (
        f"Not everything in the test set is new: {enumerated(parts)} had a part in making models"
        " that claim to use no target recordings; the table's lines say in which."
    )


def about_topline(rows: list[SummaryRow]) -> str:
    """Say whether training on the target's recordings shows that there was room."""
    row = next((row for row in rows if row.arm == TOPLINE), None)
    if row is None or row.versus_pretrained is None:
        return ""
    comparison = row.versus_pretrained
    trained = (
        f"training on the target's own recordings ({percent(row.wer)} %; {spread(comparison)})"
    )
    if comparison.significant and comparison.difference < 0:
        return f"There was room: {trained} makes fewer word errors than the pretrained model."
    if comparison.significant:
        return f"Room is not shown: {trained} makes more word errors than the pretrained model."
    return f"Room is not shown: {trained} is not shown to differ from the pretrained model."


def divided(pairs: Iterable[tuple[SummaryRow, Comparison | None]]) -> tuple[Pairs, Pairs, Pairs]:
    """Return the rows that are better, those that are worse, and those with no difference shown.

    Each comes with the comparison that tells; a row without one is left out.
    """
    compared = [(row, comparison) for row, comparison in pairs if comparison]
    shown = [pair for pair in compared if pair[1].significant]
    better = [pair for pair in shown if pair[1].difference < 0]
    worse = [pair for pair in shown if pair[1].difference >= 0]
    return better, worse, [pair for pair in compared if not pair[1].significant]


def with_rates(pairs: Pairs) -> str:
    """Return arms with their WER, and with the target recordings that chose their λ, if any."""
    return enumerated(listing(row, row.wer) for row, _ in pairs)


def listing(row: SummaryRow, wer: float) -> str:
    """Return an arm with a WER of it, and with the target recordings that chose its λ, if any."""
    count = row.target_recordings_for_choice
    choice = f"; λ chosen with {count} target recordings" if count else ""
    return f"{row.label} ({percent(wer)} %{choice})"


def with_differences(pairs: Pairs) -> str:
    """Return arms with their differences."""
    return enumerated(f"{row.label} ({spread(comparison)})" for row, comparison in pairs)


def enumerated(items: Iterable[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def spread(comparison: Difference) -> str:
    """Return a difference with its interval, in points."""
    low, high = map(points, comparison.interval)
    return f"{points(comparison.difference)} points, interval {low} to {high}"
