"""What a table of WERs shows, in sentences that claim no more than its tests bear out."""

from collections.abc import Iterable

from matrix import VECTOR, label
from paths import PRETRAINED

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


def main_rows(target: dict) -> list[dict]:
    """Return a target's rows without the scaling coefficients that the primary choice left."""
    return [row for row in target["rows"] if row["scaling_coefficient"] is None or row["chosen"]]


def sentences(target: dict) -> list[str]:
    """Return what a target's rows show: adaptation from text, the task vector, and the room left.

    Of the arms with a task vector only the chosen ones are spoken of: the best of many on the test
    set would look better than it is.
    """
    rows = main_rows(target)
    found = [
        about_test_speech(target),
        about_text(target["name"], rows),
        about_vector(rows),
        about_price(rows),
        about_topline(rows),
        about_overlap(target),
    ]
    return [sentence for sentence in found if sentence]


def about_test_speech(target: dict) -> str:
    """Say so if the test set has no recordings."""
    if target["speech"] == "real":
        return ""
    return (
        f"{target['target']} has no recordings: these are word errors on synthetic speech"
        f" ({target['speech']}) of its test texts, and no evidence for human speech."
    )


def about_text(name: str, rows: list[dict]) -> str:
    """Say which arms that saw the target's texts, and none of its recordings, beat pretrained."""
    pretrained = next((row for row in rows if row["arm"] == PRETRAINED), None)
    adapted = [row for row in rows if "target-synthetic" in row["arm"] and row["versus_pretrained"]]
    if pretrained is None or not adapted:
        return ""
    better, worse, neither = divide(adapted, "versus_pretrained")
    whole = f"the pretrained model ({percent(pretrained['wer'])} %)"
    parts = []
    if better:
        parts.append(f"fewer word errors than {whole} are made by {listed(better)}")
    if worse:
        parts.append(f"more word errors than {whole} are made by {listed(worse)}")
    if neither:
        parts.append(f"no difference from {whole} is shown for {listed(neither)}")
    return f"On {name}, with speech synthesized from its texts, " + "; ".join(parts) + "."


def about_vector(rows: list[dict]) -> str:
    """Say how the chosen arms with a task vector compare with the paper's baseline."""
    vector = [row for row in rows if row["arm"].endswith(VECTOR) and row["versus_baseline"]]
    if not vector:
        return ""
    better, worse, neither = divide(vector, "versus_baseline")
    parts = []
    for group, claim in ((better, "fewer word errors than"), (worse, "more word errors than")):
        parts += [
            f"{row['label']} makes {claim} the paper's baseline ({spread(row['versus_baseline'])})"
            for row in group
        ]
    if neither:
        differences = enumerated(
            f"{row['label']} ({spread(row['versus_baseline'])})" for row in neither
        )
        parts.append(f"no difference from the paper's baseline is shown for {differences}")
    sentences = ["With the task vector, " + "; ".join(parts) + ".", *map(about_own, vector)]
    return " ".join(filter(None, sentences))


def about_own(row: dict) -> str:
    """Say what the vector does to its own arm, if that is not the baseline: the vector's share."""
    comparison = row["versus_without_vector"]
    if not comparison:
        return ""
    own = label(row | {"arm": row["vector_on"], "scaling_coefficient": None})
    shown = "no difference is shown"
    if comparison["significant"]:
        shown = "it takes errors away" if comparison["difference"] < 0 else "it adds errors"
    return f"Against {own} without it, {shown} ({spread(comparison)})."


def about_price(rows: list[dict]) -> str:
    """Say what the arms adapted from text lose, or gain, on the recordings of other domains."""
    adapted = [row for row in rows if "target-synthetic" in row["arm"]]
    parts = []
    for domain in dict.fromkeys(each["domain"] for row in adapted for each in row["forgetting"]):
        there = [
            row | each | {"label": row["label"]}
            for row in adapted
            for each in row["forgetting"]
            if each["domain"] == domain and each["versus_pretrained"]
        ]
        if not there:
            continue
        better, worse, neither = divide(there, "versus_pretrained")
        of_pretrained = there[0]["wer"] - there[0]["versus_pretrained"]["difference"]
        whole = f"the pretrained model ({percent(of_pretrained)} %)"
        found = []
        for group, claim in ((worse, "more word errors"), (better, "fewer word errors")):
            if group:
                differences = enumerated(
                    f"{row['label']} ({spread(row['versus_pretrained'])})" for row in group
                )
                found.append(f"{claim} than {whole} are made by {differences}")
        if neither:
            found.append(f"no difference from {whole} is shown for {listed(neither)}")
        kind = "of the source" if there[0]["kind"] == "source" else f"of {domain}, another domain"
        parts.append(f"on {there[0]['utterances']:,} utterances {kind}, {'; '.join(found)}.")
    return f"The price: {' '.join(parts)}" if parts else ""


def about_overlap(target: dict) -> str:
    """Say what of the test set was known to an arm that uses no target recordings, if anything."""
    found: dict[str, int] = {}
    for row in target["rows"]:
        for kind, stages in (row["leakage"] or {}).items():
            if row["target_recordings"] == "none" and not row["target_recordings_for_choice"]:
                found[kind] = max(found.get(kind, 0), *stages.values())
    told = [
        f"{count} {kind.replace('_', ' ').removesuffix('s')}{'' if count == 1 else 's'}"
        for kind, count in found.items()
        if count
    ]
    if not told:
        return ""
    return (
        f"Not everything in the test set is new: {enumerated(told)} had a part in making models"
        " that claim to use no target recordings; the table's lines say in which."
    )


def about_topline(rows: list[dict]) -> str:
    """Say whether training on the target's recordings shows that there was room."""
    row = next((row for row in rows if row["arm"] == TOPLINE), None)
    if row is None or row["versus_pretrained"] is None:
        return ""
    comparison = row["versus_pretrained"]
    trained = (
        f"training on the target's own recordings ({percent(row['wer'])} %; {spread(comparison)})"
    )
    if comparison["significant"] and comparison["difference"] < 0:
        return f"There was room: {trained} makes fewer word errors than the pretrained model."
    if comparison["significant"]:
        return f"Room is not shown: {trained} makes more word errors than the pretrained model."
    return f"Room is not shown: {trained} is not shown to differ from the pretrained model."


def divide(rows: list[dict], comparison: str) -> tuple[list[dict], list[dict], list[dict]]:
    """Return the rows that are better, those that are worse, and those with no difference shown."""
    shown = [row for row in rows if row[comparison]["significant"]]
    better = [row for row in shown if row[comparison]["difference"] < 0]
    worse = [row for row in shown if row[comparison]["difference"] >= 0]
    return better, worse, [row for row in rows if not row[comparison]["significant"]]


def listed(rows: list[dict]) -> str:
    """Return arms with their WER, and with the target recordings that chose their λ, if any."""
    return enumerated(f"{row['label']} ({percent(row['wer'])} %{choice(row)})" for row in rows)


def enumerated(items: Iterable[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def choice(row: dict) -> str:
    """Say how many target recordings chose a row's λ, if any did."""
    count = row["target_recordings_for_choice"]
    return f"; λ chosen with {count} target recordings" if count else ""


def spread(comparison: dict) -> str:
    """Return a difference with its interval, in points."""
    low, high = map(points, comparison["interval"])
    return f"{points(comparison['difference'])} points, interval {low} to {high}"
