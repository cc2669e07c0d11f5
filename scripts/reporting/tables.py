"""What the report's tables say, in the words and digits of the page."""

from collections.abc import Iterable
from dataclasses import dataclass

from evaluation import symbol
from paths import REAL, coefficient
from records.record import sidecar
from reporting.words import MINUS, percent, points
from roles import CONSTANT, SOURCES
from scoring.breakdown_file import RoughDifference, Wer
from scoring.differences import Difference, Interval
from scoring.summary import Forgetting, Leakage, ReportedChoice, SummaryRow, TargetSummary

CHOICES = {
    CONSTANT: "a constant set beforehand",
    SOURCES: "source domains in the target's place",
    REAL: "real dev speech of the target",
}
LEAKS = {
    "target_recordings": "target recording",
    "test_sentences": "test sentence",
    "test_speakers": "test speaker",
}


@dataclass(frozen=True)
class ForgettingRow:
    """A test set elsewhere, and the WER of each arm on it, null where an arm has none there."""

    value: str
    utterances: int
    words: int
    cells: tuple[Wer, ...]
    versus_first: tuple[Difference | None, ...]


@dataclass(frozen=True)
class ForgettingTable:
    """The WER on every other test set, by arm: it is shown as a breakdown's table is."""

    arms: tuple[str, ...]
    rows: tuple[ForgettingRow, ...]


@dataclass(frozen=True)
class Overview:
    """Every target's main rows side by side: targets by arms, or, if there are more arms, arms by
    targets, so that the longer way goes down the page.
    """

    corner: str
    columns: tuple[str, ...]
    lines: tuple[tuple[str, tuple[SummaryRow | None, ...]], ...]


def tone(comparison: Difference | RoughDifference | None, significant: bool) -> str:
    """Return "better" or "worse" for a difference that is significant, else ""."""
    if comparison is None or not significant:
        return ""
    return "better" if comparison.difference < 0 else "worse"


def is_sure(comparison: Difference | RoughDifference | None) -> bool:
    """Say whether a comparison's interval, if it has one, excludes 0."""
    if comparison is None or comparison.interval is None:
        return False
    low, high = comparison.interval
    return low > 0 or high < 0


def tone_of_cell(text: str) -> str:
    """Return "better" or "worse" for a printed difference that is marked by *, else ""."""
    if not text.endswith("*") or text[0] not in f"+{MINUS}":
        return ""
    return "better" if text[0] == MINUS else "worse"


def rate(value: float | None, bounds: Interval | None) -> str:
    """Return a rate with its interval in percent: "12.3 [11.0, 13.5]"."""
    if value is None:
        return "–"
    return percent(value) + (f" [{', '.join(map(percent, bounds))}]" if bounds else "")


def change(comparison: Difference | RoughDifference | None) -> str:
    """Return a difference with its interval in points: "−2.0 [−3.1, −0.9]"."""
    if comparison is None:
        return ""
    bounds = comparison.interval
    text = points(comparison.difference)
    return text + (f" [{', '.join(map(points, bounds))}]" if bounds else "")


def forgotten(row: SummaryRow) -> dict[str, Difference]:
    """Return per kind of other test sets ("source", "out of domain") a row's pooled difference."""
    return {kind: pooled for kind, pooled in row.forgetting_by_kind.items() if pooled}


def forgetting_table(target: TargetSummary) -> ForgettingTable | None:
    """Return the WER on every other test set by arm, in the form of a breakdown's table."""
    rows = [row for row in target.main_rows if row.forgetting]
    if not rows:
        return None
    of_rows = [{(each.kind, each.domain): each for each in row.forgetting} for row in rows]
    tested = {place: entry for of_row in of_rows for place, entry in of_row.items()}
    return ForgettingTable(
        arms=tuple(row.label for row in rows),
        rows=tuple(
            forgetting_row(entry, [of_row.get(place) for of_row in of_rows])
            for place, entry in tested.items()
        ),
    )


def forgetting_row(test: Forgetting, of_arms: list[Forgetting | None]) -> ForgettingRow:
    """Return the row of a test set elsewhere, from the entries of the arms."""
    return ForgettingRow(
        value=f"{test.domain} ({test.kind})",
        utterances=test.utterances,
        words=test.words,
        cells=tuple(Wer(e.wer, e.wer_interval) if e else Wer(None, None) for e in of_arms),
        versus_first=tuple(e.versus_pretrained if e else None for e in of_arms),
    )


def column_of(row: SummaryRow) -> tuple[str, str | None, str | None]:
    """Return what makes a column of the overview: rows that differ in their λ only share it."""
    return row.arm, row.vector, row.tts


def column_name(row: SummaryRow) -> str:
    """Return an arm's name with λ in place of its number."""
    if row.scaling_coefficient is None or row.vector is None:
        return row.label
    vector = symbol(row.vector)
    number = f"+ {coefficient(row.scaling_coefficient)} {vector}"
    return row.label.replace(number, f"+ λ {vector}")


def overview(targets: Iterable[TargetSummary]) -> Overview:
    """Return every target's main rows side by side."""
    tested = [target for target in targets if target.rows]
    arms = {column_of(row): column_name(row) for target in tested for row in target.main_rows}
    rows_of = [{column_of(row): row for row in target.main_rows} for target in tested]
    names = tuple(target.name for target in tested)
    cells = [tuple(of_target.get(arm) for arm in arms) for of_target in rows_of]
    if len(arms) > len(names):
        across = tuple(zip(*cells, strict=True))
        return Overview("Arm", names, tuple(zip(arms.values(), across, strict=True)))
    return Overview("Target", tuple(arms.values()), tuple(zip(names, cells, strict=True)))


def choice_cells(choice: ReportedChoice) -> list[str]:
    """Return how a λ was chosen, for what, with which recordings, and what it lost, as printed."""
    means = CHOICES.get(choice.by, f"synthetic dev speech of the target ({choice.by})")
    added = f"{symbol(choice.vector)} on {choice.vector_on.replace('->', '→')}"
    folds = ", ".join(
        f"{fold.domain} {coefficient(fold.scaling_coefficient)}" for fold in choice.folds
    )
    return [
        f"{means}: {folds}" if folds else means,
        f"{added} ({choice.tts})" if choice.tts else added,
        f"{choice.uses_target_recordings:,}" if choice.uses_target_recordings else "none",
        coefficient(choice.scaling_coefficient),
        rate(choice.wer, None),
        change(choice.versus_oracle) or "–",
    ]


def leakage_words(leakage: Leakage | None) -> str:
    """Say how much of a target's recordings, test sentences and test speakers a row has met."""
    if leakage is None:
        return ""
    return ", ".join(
        met(leakage[key], name) for key, name in LEAKS.items() if leakage.get(key) is not None
    )


def met(counts: dict[str, int], name: str) -> str:
    """Return "no test sentences", or "test sentences (training 2, synthesis 1)".

    There is no total: a sentence may be met in several stages.
    """
    where = ", ".join(f"{stage} {count:,}" for stage, count in counts.items() if count)
    return f"{name}s ({where})" if where else f"no {name}s"


def clean(leakage: Leakage | None) -> bool:
    """Say whether a row has met nothing of its test set and no target recording."""
    return leakage is not None and not any(
        count for key in ("target_recordings", "test_sentences") for count in leakage[key].values()
    )


def lineage_of(path: str) -> str:
    """Return the lineage record beside a score file."""
    return str(sidecar(path))
