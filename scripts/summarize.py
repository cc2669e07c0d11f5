"""Put all scores of an experiment into one table, with intervals, and say what they show."""

from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from errors import InputError, run
from evaluation import Evaluation, ScoredEvaluation
from files.atomic import check_outputs
from options import Parser
from paths import REAL
from records.writing import write_record
from reporting.summary_table import print_summary
from reporting.summary_tsv import write_tsv
from reporting.words import sentences
from scoring.bootstrap import CONFIDENCE, RESAMPLES
from scoring.choices import Choice, choices_of, reported_choice
from scoring.comparisons import ResampledRows
from scoring.decisions import Verdict
from scoring.evaluations import ArmKey, ModelKey, labels_of, one_language, read_evaluations
from scoring.forgetting import with_forgetting
from scoring.leakage_file import Touches, read_leakage
from scoring.pooling import PooledRow, gather
from scoring.primary import Pair, corrected, over_all_targets, pairs_of
from scoring.summary import (
    DeliveredCheckpoint,
    Summary,
    SummarySettings,
    TargetSummary,
    read_summary,
    write_summary,
)
from scoring.target_table import Declared, Table, adjusted_table, dev_wers, table_of
from scoring.verdict import evidence_of, verdict_of


@dataclass(frozen=True)
class TestedTarget:
    """A target on one test set; ``name`` is as it is shown.

    The comparisons of the ``table`` are not yet corrected. On ``others`` a coefficient or a model
    may be chosen, or forgetting is seen.
    """

    name: str
    test: ResampledRows
    table: Table
    others: list[PooledRow]
    choices: dict[ArmKey, list[Choice]]
    verdict: Verdict | None

    @property
    def pairs(self) -> list[Pair]:
        """The declared comparisons."""
        shipped = self.verdict.chosen if self.verdict and self.verdict.ships else None
        chosen = next((model for model, row in self.table.items() if row.label == shipped), None)
        scales: dict[str, float] = {}
        for arm, choices in self.choices.items():
            if choices:
                scales.setdefault(arm.arm, choices[0].scaling_coefficient)
        return pairs_of(self.name, self.test, self.table, chosen, scales)


def tried_rows(others: list[PooledRow]) -> list[PooledRow]:
    """Return the rows on which a scaling coefficient is chosen."""
    return [row for row in others if row.evaluation.role in ("dev", "nested")]


def summarize_target(
    of_target: TestedTarget, declared: Declared, settings: SummarySettings
) -> TargetSummary:
    """Return a target's table: every test row with interval, paired differences, gain and price.

    ``declared`` are the comparisons that were tested first.
    """
    test, choices = of_target.test, of_target.choices
    table = adjusted_table(of_target.table, declared, settings.confidence)
    first = test.first.evaluation
    target = TargetSummary(
        base=first.base,
        target=first.target,
        speech=first.speech,
        manifest=first.manifest,
        line=first.line,
        accepted_overlap=tuple(first.accepted_overlap),
        name=of_target.name,
        **test.size._asdict(),
        resampled_by=settings.resampled_by,
        rows=with_forgetting(table, of_target.others, settings),
        choices=tuple(
            reported_choice(choice, of_arm, arm, test)
            for arm, of_arm in choices.items()
            for choice in of_arm
        ),
        plain_words=(),
        checkpoints=(),
        verdict=of_target.verdict,
    )
    return replace(target, plain_words=tuple(sentences(target)))


def untested_target(
    name: str, checkpoints: list[Evaluation], verdict: Verdict | None = None
) -> TargetSummary:
    """Return the entry of a target without recordings: its checkpoints or verdict, and no WER."""
    several = len(checkpoints) > 1
    labels = labels_of(ModelKey.of(each) for each in checkpoints)
    first = checkpoints[0]
    return TargetSummary(
        base=first.base,
        target=first.target,
        speech=None,
        manifest=None,
        line=first.line,
        accepted_overlap=tuple(first.accepted_overlap),
        name=name,
        utterances=0,
        words=0,
        units=0,
        resampled_by=None,
        rows=(),
        choices=(),
        plain_words=(
            f"{name} has texts and no transcribed recordings, so no WER can be given."
            if verdict
            else f"{name} has texts and no recordings: {len(checkpoints)} adapted"
            f" checkpoint{'s were' if several else ' was'} written, and no WER can be given.",
        ),
        checkpoints=tuple(
            DeliveredCheckpoint(labels[ModelKey.of(each)], each.model, each.seed)
            for each in ([] if verdict else checkpoints)
        ),
        verdict=verdict,
    )


def summarize(
    evaluations: list[Evaluation], settings: SummarySettings, touches: Touches | None = None
) -> Summary:
    """Return the whole summary; ``touches`` is what leakage.py wrote."""
    several_bases = len({each.base for each in evaluations}) > 1
    tests: list[TestedTarget] = []
    untested: list[TargetSummary] = []
    languages: dict[str, str] = {}
    for base, name in dict.fromkeys((each.base, each.target) for each in evaluations):
        of_target = [each for each in evaluations if (each.base, each.target) == (base, name)]
        title = f"{name} ({base})" if several_bases else name
        pooled = gather(each for each in of_target if isinstance(each, ScoredEvaluation))
        for row in pooled:
            languages |= zip(row.scores, row.languages, strict=True)
        test_rows = [row for row in pooled if row.evaluation.role == "test"]
        others = [row for row in pooled if row.evaluation.role != "test"]
        verdict = verdict_of(evidence_of(others), settings)
        for speech in dict.fromkeys(row.evaluation.speech for row in test_rows):
            rows = [row for row in test_rows if row.evaluation.speech == speech]
            full = title if speech == REAL else f"{title}, spoken by {speech}"
            test, tried = ResampledRows(rows, settings), tried_rows(others)
            choices = choices_of(rows, tried, settings.chosen_on, settings.constant)
            table = table_of(test, choices, dev_wers(tried), settings, touches)
            tests.append(TestedTarget(full, test, table, others, choices, verdict))
        if not test_rows:
            untested.append(untested_target(title, of_target, verdict))
    pairs = [pair for each in tests for pair in each.pairs]
    over_all = over_all_targets(pairs, settings)
    of_pairs = corrected([pair.reported() for pair in pairs], settings)
    declared_of: dict[str | None, Declared] = defaultdict(dict)
    for pair, comparison in zip(pairs, of_pairs, strict=True):
        declared_of[pair.target][pair.first.model, pair.key] = comparison.comparison
    targets = [summarize_target(each, declared_of[each.name], settings) for each in tests]
    return Summary(
        language=one_language(languages),
        confidence=settings.confidence,
        resamples=settings.resamples,
        resampled_by=settings.resampled_by,
        seed=settings.seed,
        comparisons="Holm",
        primary=(*over_all, *of_pairs),
        targets=(*targets, *untested),
    )


def main(argv: list[str] | None = None) -> None:
    """Summarize an experiment, or print its summary again."""
    parser = Parser(description=__doc__)
    add = parser.add_argument
    add("--evaluations", type=Path, help="what was evaluated (JSON, from experiment.py)")
    add("--output-json", type=Path, help="summary to write, all of it (rates are fractions)")
    add("--output-tsv", type=Path, help="summary to write, one line per row of the table")
    add("--resamples", type=int, default=RESAMPLES, help=f"of the bootstrap (default {RESAMPLES})")
    add("--seed", type=int, default=0, help="of the bootstrap (default 0)")
    add("--resampled-by", choices=("sentence", "speaker", "utterance"), default="sentence",
        help="what is drawn with replacement (default sentence)")  # fmt: skip
    add("--leakage", type=Path, help="what touched each test set (JSON, from leakage.py)")
    add("--chosen-on", nargs="+", default=["constant"], help="how lambda is chosen: first for the "
        "table, then to compare (constant, sources, real, or a TTS; default constant)")  # fmt: skip
    add("--constant", type=float, help="the coefficient that constant chooses")
    add("--again", default="snakemake {}", help="command that makes a number again; {} its scores")
    add("--show", type=Path, help="print this summary (JSON) and do nothing else")
    options = parser.parse_args(argv)
    if options.show:
        print_summary(read_summary(options.show))
        return
    if not (options.evaluations and options.output_json and options.output_tsv):
        parser.error("--evaluations, --output-json and --output-tsv go together")
    if options.resamples < 100:
        raise InputError(f"--resamples is {options.resamples}; an interval needs at least 100")

    outputs = [options.output_json, options.output_tsv]
    inputs = [options.evaluations, *([options.leakage] if options.leakage else [])]
    check_outputs(outputs, inputs)
    evaluations = read_evaluations(options.evaluations)
    scores = dict.fromkeys(each.score for each in evaluations if each.score)
    check_outputs(outputs, scores)
    settings = SummarySettings(
        confidence=CONFIDENCE,
        resamples=options.resamples,
        seed=options.seed,
        resampled_by=options.resampled_by,
        chosen_on=tuple(options.chosen_on),
        constant=options.constant,
        again=options.again,
    )
    touches = read_leakage(options.leakage) if options.leakage else None
    summary = summarize(evaluations, settings, touches)
    write_summary(options.output_json, summary)
    write_tsv(options.output_tsv, summary)
    print_summary(summary)
    parameters = asdict(settings)
    del parameters["again"]  # which shapes no number
    write_record(__file__, outputs, [*inputs, *scores], parameters)


if __name__ == "__main__":
    run(main)
