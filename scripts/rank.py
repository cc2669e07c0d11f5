"""Rank the methods of an experiment: every arm of every base model, over all targets together.

Each is compared with the pretrained model on the same utterances, and stands beside what it was
made from and what its trainings took. Of several scaling coefficients it is the chosen one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from errors import InputError, run
from evaluation import SOURCE_RECORDINGS, ScoredEvaluation, uses_of
from files.atomic import check_outputs
from options import Parser
from paths import PRETRAINED, Checkpoint, Model
from records.reading import known_sha256, upstream
from records.record import WEIGHTS, Record, duration
from records.writing import write_record
from reporting.tables import column_name
from scoring.comparisons import ResampledRows, adjusted
from scoring.evaluations import read_evaluations
from scoring.pooling import PooledRow, gather, union
from scoring.ranking_file import RankedMethod, Ranking, write_ranking
from scoring.summary import Summary, SummaryRow, SummarySettings, read_summary


class Method(NamedTuple):
    """What is ranked: an arm of a base model, whose scaling coefficients may differ by target."""

    base: str
    arm: str
    tts: str | None
    vector: str | None


def methods_of(summary: Summary) -> dict[Method, list[SummaryRow]]:
    """Return the rows of each method that was tested on every test set, one for each of them."""
    rows: dict[Method, list[SummaryRow]] = defaultdict(list)
    tested = [target for target in summary.targets if target.rows]
    for target in tested:
        for row in target.main_rows:
            rows[Method(target.base, row.arm, row.tts, row.vector)].append(row)
    test_sets = len({(target.target, target.speech) for target in tested})
    return {method: of_method for method, of_method in rows.items() if len(of_method) == test_sets}


def pretrained_models(methods: Mapping[Method, list[SummaryRow]]) -> dict[str, Method]:
    """Return the first pretrained model of some weights by the name of each base model that it is.

    Base models that differ in how they are fine-tuned only have one; maybe only one of them has the
    arm.
    """
    weights_of = {
        method.base: known_sha256(pretrained_weights(rows[0].models[0]))
        for method, rows in methods.items()
    }
    first_of: dict[str, Method] = {}
    for method in methods:
        if method.arm == PRETRAINED:
            first_of.setdefault(weights_of[method.base], method)
    return {base: first_of[w] for base, w in weights_of.items() if w in first_of}


def pretrained_weights(model: str) -> Path:
    """Return the weights of the pretrained model of a model's base model."""
    folder, _, place = model.rpartition("/models/")
    base = Checkpoint.parse(f"models/{place}").base
    return Path(folder, str(Checkpoint(base, Model(), 0)), WEIGHTS)


@cache
def trainings(file: str) -> dict[str, Record]:
    """Return the records of the trainings that weights were made from, by their paths.

    Weights lead to weights: what is learnt from was made by no training.
    """
    of_weights = upstream(file, Path(WEIGHTS).suffix)
    return {each.sidecar: each for each in of_weights if each.script == "finetune.py"}


def trainings_of(evaluations: Sequence[ScoredEvaluation]) -> list[Record]:
    """Return the records of all trainings that some models and their vectors were made from."""
    found: dict[str, Record] = {}
    for each in evaluations:
        found |= trainings(str(Path(each.model, WEIGHTS)))
        found |= trainings(each.vector_path) if each.vector_path else {}
    return list(found.values())


def data_of(arm: str, records: Iterable[Record]) -> tuple[str, ...]:
    """Return what an arm's models were made from: EWC is held to recordings of the source."""
    held = any(each.content.get("manifests", {}).get("fisher") for each in records)
    return tuple(dict.fromkeys([*uses_of(arm), *([SOURCE_RECORDINGS] if held else [])]))


def rank(summary: Summary, rows: Iterable[PooledRow]) -> Ranking:
    """Return the methods by their WER over all targets; of equal WER, in the matrix's order.

    Each is compared with the pretrained model that it comes of. ``rows`` are the scores.
    """
    methods, row_of = methods_of(summary), {row.scores: row for row in rows}
    if not methods:
        raise InputError("no arm was tested on all targets: there is nothing to rank")
    parts = {method: [row_of[row.scores] for row in methods[method]] for method in methods}
    place = {method: index for index, method in enumerate(methods)}
    settings = SummarySettings(
        confidence=summary.confidence,
        resamples=summary.resamples,
        seed=summary.seed,
        resampled_by=summary.resampled_by,
    )
    test = ResampledRows([union(of_method) for of_method in parts.values()], settings)
    pretrained = pretrained_models(methods)
    told = [m for m in methods if m.arm != PRETRAINED or m in pretrained.values()]
    ranked = sorted(told, key=lambda method: test.rows[place[method]].wer)
    versus = {
        method: comparison
        for method in ranked
        if method.base in pretrained
        and (comparison := test.compare(place[method], place[pretrained[method.base]]))
    }
    tested = dict(zip(versus, adjusted([*versus.values()], settings.confidence), strict=True))
    size = test.size
    seeds_of = {method: len(rows[0].seeds) for method, rows in methods.items()}
    records = {
        method: trainings_of([each for row in parts[method] for each in row.evaluations])
        for method in ranked
    }
    return Ranking(
        targets=tuple(dict.fromkeys(target.target for target in summary.targets if target.rows)),
        utterances=size.utterances,
        words=size.words,
        confidence=settings.confidence,
        methods=tuple(
            RankedMethod(
                label=column_name(methods[method][0]),
                arm=method.arm,
                base=method.base,
                uses=data_of(method.arm, records[method]),
                seeds=seeds_of[method],
                wer=test.rows[place[method]].wer,
                wer_interval=test.wer_interval(place[method]),
                versus_pretrained=tested.get(method),
                seconds_of_training=sum(map(duration, records[method]))
                / len(methods[method][0].seeds),
            )
            for method in ranked
        ),
    )


def main(argv: list[str] | None = None) -> None:
    """Rank the methods of an experiment."""
    parser = Parser(description=__doc__)
    add = parser.add_argument
    add("--evaluations", type=Path, required=True, help="evaluations.json of experiment.py")
    add("--summary", type=Path, required=True, help="summary.json of summarize.py")
    add("--output", type=Path, required=True, help="ranking to write (JSON; rates are fractions)")
    options = parser.parse_args(argv)
    inputs = [options.evaluations, options.summary]
    check_outputs([options.output], inputs)
    tests = [
        each
        for each in read_evaluations(options.evaluations)
        if isinstance(each, ScoredEvaluation) and each.role == "test"
    ]
    rows = gather(tests)
    ranking = rank(read_summary(options.summary), rows)
    write_ranking(options.output, ranking)
    scores = [score for row in rows for score in row.scores]
    write_record(__file__, [options.output], [*inputs, *scores], {})


if __name__ == "__main__":
    run(main)
