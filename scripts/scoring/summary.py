"""What summary.json holds: the table of each target, with intervals and tests.

Rates and differences are fractions, intervals their lower and upper bound. The file is these
dataclasses, key by key in the order of their fields.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from files.atomic import atomic_path
from files.json_file import read_json
from files.typed_json import typed
from scoring.decisions import PrimaryComparison, Verdict
from scoring.differences import Comparison, Difference, Interval, TestedDifference

Leakage = dict[str, dict[str, int]]  # number of what was met, by kind and stage (lineages/leaks.py)


@dataclass(frozen=True)
class SummarySettings:
    """How a summary is made.

    Intervals hold ``confidence`` (0 to 1) of ``resamples`` drawn test sets; what is drawn is a
    ``resampled_by``: sentence, speaker or utterance. ``chosen_on`` are the ways in which a scaling
    coefficient is chosen, the primary one first, ``constant`` what "constant" chooses. ``again`` is
    the command that makes a number again, {} its score files.
    """

    confidence: float
    resamples: int
    seed: int
    resampled_by: str
    chosen_on: tuple[str, ...] = ()
    constant: float | None = None
    again: str = ""


@dataclass(frozen=True)
class MeanWordCounts:
    """Errors and words of a test set, means over the seeds."""

    substitutions: float
    deletions: float
    insertions: float
    hits: float
    reference_words: float


@dataclass(frozen=True)
class Forgetting:
    """A row's WER on the test set of another domain than its target.

    ``kind`` is "source" or "out of domain"; ``units`` is how many units were drawn from.
    """

    domain: str
    kind: str
    wer: float
    scores: tuple[str, ...]
    utterances: int
    words: int
    units: int
    wer_interval: Interval
    versus_pretrained: Comparison | None


@dataclass(frozen=True)
class SummaryRow:
    """A row of a target's table: an arm, with one scaling coefficient if it has a task vector.

    ``dev_wer`` is that on the first dev speech of the config; the comparisons are with the
    pretrained model, the paper's baseline and the row's own arm without its vector, null where
    there is none. ``choices`` are the ways of choosing that picked its coefficient; ``chosen`` says
    that the primary one did, ``chosen_on`` how, on ``dev_scores``; ``exploratory``: none did.
    ``evaluation`` is the beginning of its score's hash, ``command`` makes the score again,
    ``window`` is in s. What is listed by seed is in the order of ``seeds``. ``leakage`` is null
    where lineage was not searched. ``decoded_again`` is the number of hypotheses that were endless
    repetitions at first (see ``Score``), mean over the seeds. ``forgetting`` has each test set of
    another domain, ``forgetting_by_kind`` all those of a kind together, against the pretrained
    model.
    """

    label: str
    dev_wer: float | None
    wer_interval: Interval
    cer_interval: Interval
    versus_pretrained: Comparison | None
    versus_baseline: Comparison | None
    versus_without_vector: Comparison | None
    choices: tuple[str, ...]
    exploratory: bool
    chosen: bool
    chosen_on: str | None
    dev_scores: tuple[str, ...]
    target_recordings_for_choice: int
    evaluation: str
    command: str
    arm: str
    tts: str | None
    vector: str | None
    scaling_coefficient: float | None
    vector_on: str | None
    window: float
    target_recordings: str
    wer: float
    cer: float
    wer_against_raw_references: float
    counts: MeanWordCounts
    seeds: tuple[int, ...]
    wer_of_seeds: tuple[float, ...]
    seed_sd: float | None
    models: tuple[str, ...]
    scores: tuple[str, ...]
    hypotheses: tuple[str, ...]
    warnings: tuple[str, ...]
    decoded_again: float
    leakage: Leakage | None
    forgetting: tuple[Forgetting, ...]
    forgetting_by_kind: dict[str, Difference | None]


@dataclass(frozen=True)
class Fold:
    """The best coefficient of a source domain that played the target."""

    domain: str
    scaling_coefficient: float


@dataclass(frozen=True)
class ReportedChoice:
    """A scaling coefficient, how it was chosen, and its WER on the test set.

    ``versus_oracle`` compares it with what the target's dev recordings choose, null where that is
    not known or is this choice.
    """

    vector_on: str
    tts: str | None
    vector: str
    scaling_coefficient: float
    wer: float
    by: str
    uses_target_recordings: int
    in_words: str
    scores: tuple[str, ...]
    folds: tuple[Fold, ...]
    versus_oracle: TestedDifference | None

    def is_of(self, row: SummaryRow) -> bool:
        """Say whether this choice picked a row's model."""
        return (self.vector_on, self.tts, self.vector, self.scaling_coefficient) == (
            row.vector_on,
            row.tts,
            row.vector,
            row.scaling_coefficient,
        )


@dataclass(frozen=True)
class DeliveredCheckpoint:
    """An adapted checkpoint of a target that can't be tested: its folder and seed."""

    label: str
    model: str
    seed: int


@dataclass(frozen=True)
class TargetSummary:
    """The table of a target on one test set.

    ``speech`` is "real" or the TTS that spoke the test texts; ``words`` are those of the
    references, ``units`` what was drawn from. Without recordings there are ``checkpoints`` instead
    of ``rows``, and speech, manifest and ``resampled_by`` are null. ``line`` is the simulated line
    that its recordings went through ("bad"), or null.
    """

    base: str
    target: str
    speech: str | None
    manifest: str | None
    line: str | None
    accepted_overlap: tuple[str, ...]
    name: str
    utterances: int
    words: int
    units: int
    resampled_by: str | None
    rows: tuple[SummaryRow, ...]
    choices: tuple[ReportedChoice, ...]
    plain_words: tuple[str, ...]
    checkpoints: tuple[DeliveredCheckpoint, ...]
    verdict: Verdict | None

    @property
    def main_rows(self) -> list[SummaryRow]:
        """The rows without the scaling coefficients that the primary choice left."""
        return [row for row in self.rows if row.scaling_coefficient is None or row.chosen]


@dataclass(frozen=True)
class Summary:
    """An experiment's summary. ``language`` is null where nothing was scored."""

    language: str | None
    confidence: float
    resamples: int
    resampled_by: str
    seed: int
    comparisons: str
    primary: tuple[PrimaryComparison, ...]
    targets: tuple[TargetSummary, ...]

    def rows(self) -> Iterator[tuple[TargetSummary, SummaryRow]]:
        """Yield every row with its target."""
        yield from ((target, row) for target in self.targets for row in target.rows)


def shipped(path: Path) -> list[str]:
    """Return the folders of the checkpoints that the verdicts of a summary ship."""
    verdicts = [target.verdict for target in read_summary(path).targets if target.verdict]
    return sorted({folder for verdict in verdicts for folder in verdict.folders})


def write_summary(path: Path, summary: Summary) -> None:
    """Write a summary as JSON."""
    with atomic_path(path) as temporary:
        text = json.dumps(asdict(summary), indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_summary(path: Path) -> Summary:
    """Return a summary; raise ``InputError`` for any other file, one of an older version, say."""
    content = read_json(path, "write it with summarize.py")
    return typed(Summary, content, path, "summarize again: delete it, and run again")
