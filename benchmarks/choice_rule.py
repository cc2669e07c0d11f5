"""How good the verdict is: what it loses against the best candidate, and how often it harms.

A case is a target of an experiment that was run, with one seed. The verdict chooses by evidence
that takes no recording of the target; here its choice is held to the target's test recordings.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from measure import Report, arguments

from errors import InputError
from evaluation import Evaluation
from files.json_file import read_object
from paths import PRETRAINED
from records.record import sidecar
from scoring.bootstrap import CONFIDENCE, RESAMPLES
from scoring.evaluations import read_evaluations
from scoring.summary import SummaryRow, SummarySettings, TargetSummary
from summarize import summarize


@dataclass(frozen=True)
class Case:
    """WERs (fractions) on a target's test recordings with one seed.

    ``chosen`` is the verdict's choice; ``best`` the candidate with the lowest WER on the test
    recordings themselves, which nobody can know beforehand. ``harms``: the choice is worse than the
    pretrained model by more than noise, its whole interval above 0. ``left_out`` are the candidates
    that repeat themselves endlessly.
    """

    experiment: str
    target: str
    seed: int
    ships: bool
    chosen: str
    best: str
    pretrained_wer: float
    chosen_wer: float
    best_wer: float
    harms: bool
    left_out: tuple[str, ...]

    @property
    def gain(self) -> float:
        """The fraction of words that the best candidate saves."""
        return self.pretrained_wer - self.best_wer

    @property
    def regret(self) -> float:
        """The fraction of words that the choice loses against the best candidate."""
        return self.chosen_wer - self.best_wer

    def line(self) -> str:
        """Return the case as a line of a Markdown table."""
        wers = (f"{100 * wer:.1f}" for wer in (self.pretrained_wer, self.chosen_wer, self.best_wer))
        names = (self.chosen, self.best, ", ".join(self.left_out) or "–")
        cells = (self.experiment, self.target, str(self.seed), *wers, *names)
        return f"| {' | '.join(cells)} |{' harm' if self.harms else ''}"


COLUMNS = (
    *("experiment", "target", "seed", "pretrained", "chosen", "best"),
    *("chosen model", "best model", "left out"),
)


def settings_of(folder: Path) -> SummarySettings:
    """Return how an experiment's own summary was made."""
    used = read_object(sidecar(folder / "summary.json"))["parameters"]
    return SummarySettings(
        confidence=CONFIDENCE,
        resamples=RESAMPLES,
        seed=used["seed"],
        resampled_by=used["resampled_by"],
        chosen_on=tuple(used["chosen_on"]),
        constant=used["constant"],
    )


def cases_of(folder: Path) -> Iterator[Case]:
    """Yield the cases of an experiment's folder of results."""
    settings, evaluations = settings_of(folder), read_evaluations(folder / "evaluations.json")
    for seed in sorted({each.seed for each in evaluations} - {0}):
        for target in summarize(of_seed(evaluations, seed), settings).targets:
            if target.verdict and target.rows:
                yield case_of(folder.name, seed, target)


def of_seed(evaluations: list[Evaluation], seed: int) -> list[Evaluation]:
    """Return the evaluations of a seed's models, and of the pretrained one, which has seed 0."""
    return [each for each in evaluations if each.seed in (0, seed)]


def case_of(experiment: str, seed: int, target: TargetSummary) -> Case:
    """Return a target's case."""
    rows: dict[str, SummaryRow] = {row.label: row for row in target.rows}
    candidates = [rows[each.label] for each in target.verdict.candidates]
    best, chosen = min(candidates, key=lambda row: row.wer), rows[target.verdict.chosen]
    versus = chosen.versus_pretrained
    return Case(
        experiment=experiment,
        target=target.target,
        seed=seed,
        ships=target.verdict.ships,
        chosen=chosen.label,
        best=best.label,
        pretrained_wer=next(row.wer for row in candidates if row.arm == PRETRAINED),
        chosen_wer=chosen.wer,
        best_wer=best.wer,
        harms=bool(versus and versus.interval[0] > 0),
        left_out=tuple(each.label for each in target.verdict.candidates if each.left_out),
    )


def main() -> None:
    parser = arguments("choice_rule", __doc__)
    parser.add_argument(
        "experiments", nargs="+", type=Path, help="folders of results, such as results/demo"
    )
    options = parser.parse_args()
    report = Report("choice_rule")
    cases = [case for folder in options.experiments for case in cases_of(folder)]
    if not cases:
        raise InputError(f"{options.experiments[0]}: no target with a verdict and recordings")
    head = (f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|")
    print(*head, *(case.line() for case in cases), sep="\n")
    gain = sum(case.gain for case in cases)
    report.note("cases", len(cases))
    report.note("shipped", sum(case.ships for case in cases))
    report.note("harmed beyond noise", sum(case.harms for case in cases))
    report.note("worse than pretrained at all", sum(c.chosen_wer > c.pretrained_wer for c in cases))
    report.note("mean gain of the best candidate, points", round(100 * gain / len(cases), 2))
    report.note("mean regret, points", round(100 * np.mean([c.regret for c in cases]).item(), 2))
    report.note("share of the gain lost", round(sum(c.regret for c in cases) / gain, 3))
    report.facts["each"] = [asdict(case) for case in cases]
    report.write(options)


if __name__ == "__main__":
    main()
