"""What each lever of the recipe is worth: errors on human test recordings, and seconds of training.

A lever is a base model of `experiments/levers.yaml` whose `finetune` differs in one thing from that
of `plain`; of other experiments it may be a TTS, or a whole experiment of several that are given.
Its models, trained on the targets' synthetic speech alone, are compared with plain's on all
targets' test recordings together, means over the seeds. What is not there is run first; of an
experiment only what this needs.
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from measure import Report, arguments

import matrix
from configs import reading
from evaluation import ScoredEvaluation
from paths import PRETRAINED
from records.reading import read_record
from records.record import WEIGHTS, duration, sidecar
from scoring.bootstrap import CONFIDENCE, RESAMPLES
from scoring.comparisons import ResampledRows, adjusted
from scoring.differences import Comparison
from scoring.pooling import PooledRow, gather, union
from scoring.summary import SummarySettings

PLAIN = "plain"
HEAD = "| lever | {targets} | all | against plain, points | p (Holm) | s of a training |"
SETTINGS = SummarySettings(CONFIDENCE, RESAMPLES, seed=0, resampled_by="sentence")


def tests_of(experiment: Path) -> list[ScoredEvaluation]:
    """Run an experiment's tests, and no more of it; return them."""
    evaluations = matrix.evaluations(reading.read([experiment]))
    tests = [e for e in evaluations if isinstance(e, ScoredEvaluation) and e.role == "test"]
    command = ["snakemake", "--profile", "profiles/local", "--configfile", str(experiment)]
    subprocess.run([*command, "--", *(each.score for each in tests)], check=True)
    return tests


def rows_by_lever(
    tests_of_experiment: Mapping[str, Sequence[ScoredEvaluation]],
) -> dict[str, dict[str, PooledRow]]:
    """Return the row of each target by lever, and the pretrained model's by its own name.

    A lever is called by what distinguishes it: the experiment, the base model, the TTS.
    """
    rows: dict[str, dict[str, PooledRow]] = {}
    for experiment, tests in tests_of_experiment.items():
        several_bases = len({each.base for each in tests}) > 1
        several_tts = len({each.tts for each in tests} - {None}) > 1
        for row in gather(tests):
            of = row.evaluation
            distinguished = (
                (of.base, several_bases or len(tests_of_experiment) == 1 and not several_tts),
                (of.tts, several_tts),
                (experiment, len(tests_of_experiment) > 1),
            )
            lever = ", ".join(str(name) for name, is_told in distinguished if is_told)
            name = PRETRAINED if of.arm == PRETRAINED else lever
            rows.setdefault(name, {})[of.target] = row
    return rows


def seconds_of_training(rows: Sequence[PooledRow]) -> float:
    """Return the mean seconds of the jobs that trained the models of some rows."""
    models = [each.model for row in rows for each in row.evaluations]
    return fmean(duration(read_record(sidecar(Path(model, WEIGHTS)))) for model in models)


def main() -> None:
    parser = arguments("levers", __doc__)
    add = parser.add_argument
    experiment = Path("experiments/levers.yaml")
    add("--experiment", type=Path, nargs="+", default=[experiment], help="to run and compare")
    add("--plain", default=PLAIN, help="the lever that the others are compared with")
    options = parser.parse_args()
    report = Report("levers")
    rows = rows_by_lever({path.stem: tests_of(path) for path in options.experiment})
    if options.plain not in rows:
        parser.error(f"--plain {options.plain}: take one of {'; '.join(rows)}")
    targets = list(rows[options.plain])
    whole = {lever: union([of_lever[t] for t in targets]) for lever, of_lever in rows.items()}
    levers = [lever for lever in whole if lever not in (options.plain, PRETRAINED)]
    plain = whole[options.plain]
    compared = [ResampledRows([whole[lever], plain], SETTINGS).compare(0, 1) for lever in levers]
    tested = adjusted([each for each in compared if each], SETTINGS.confidence)
    versus = dict(zip(levers, tested, strict=True))
    print(HEAD.format(targets=" | ".join(targets)), "|---" * (len(targets) + 5) + "|", sep="\n")
    for lever in (PRETRAINED, options.plain, *levers):
        wers = {target: rows[lever][target].wer for target in targets} | {"all": whole[lever].wer}
        seconds = seconds_of_training(list(rows[lever].values())) if lever != PRETRAINED else None
        print(line(lever, wers, versus.get(lever), seconds))
        report.facts[lever] = {
            "wer": wers,
            "versus_plain": vars(versus[lever]) if lever in versus else None,
            "seconds_of_training": seconds,
        }
    report.write(options)


def line(
    lever: str, wers: dict[str, float], versus: Comparison | None, seconds: float | None
) -> str:
    """Return a lever's line of the Markdown table."""
    cells = [lever, *(f"{100 * wer:.1f}" for wer in wers.values())]
    if versus:
        low, high = versus.interval
        cells += [f"{100 * versus.difference:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"]
        cells += [f"{versus.p_adjusted:.2g}"]
    else:
        cells += ["–", "–"]
    return f"| {' | '.join([*cells, f'{seconds:.0f}' if seconds else '–'])} |"


if __name__ == "__main__":
    main()
