"""Say where the errors are: by speaker, microphone and length, by rare word, entity and confusion.

Arms are those of a summary, each task vector with its chosen scaling coefficient. Errors of an arm
are averaged over its seeds, for each utterance; arms are compared on the same drawn test sets.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from errors import InputError, run
from evaluation import adaptation_of, has_aids
from files.atomic import check_outputs
from files.manifest import read_jsonl, read_manifest
from options import Parser
from paths import PRETRAINED
from records.writing import write_record
from scoring.alignment import character_errors, pieces, word_errors
from scoring.arms import RESAMPLES, ArmErrors, Bootstrap, TestSet, per_utterance
from scoring.bootstrap import units_of
from scoring.breakdown_file import ArmText, ChangedUtterance, TargetBreakdown, write_breakdown
from scoring.by_value import LENGTHS, value_tables
from scoring.checks import check_same_ids, ids_of
from scoring.confusions import confusions
from scoring.entities import entity_errors
from scoring.rare_words import rare_words, source_vocabulary
from scoring.summary import SummaryRow, TargetSummary, read_summary
from scoring.word_errors import normalised

BY = ("domain", "speaker", "microphone", "gender", "native", "scenario")


Errors = TypeVar("Errors")


def shown_rows(target: TargetSummary) -> list[SummaryRow]:
    """Return a target's rows, the pretrained model's first, vectors as they were chosen only."""
    return sorted(target.main_rows, key=lambda row: row.arm != PRETRAINED)


def best_adapted(rows: Sequence[SummaryRow]) -> int | None:
    """Return the place of the lowest WER among the rows, but the first, that saw target texts.

    Those that adapted to the test recordings, too, are left out.
    """
    adapted = [
        i
        for i, row in enumerate(rows)
        if i and ("target-synthetic" in row.arm or has_aids(row.arm)) and not adaptation_of(row.arm)
    ]
    return min(adapted, key=lambda index: rows[index].wer, default=None)


def changed_utterances(test: TestSet, to: int | None, count: int) -> list[ChangedUtterance]:
    """Return every arm's texts (first seed) where errors changed most from arm 0 to arm ``to``.

    ``count`` utterances that lost errors, then ``count`` that gained some, the greatest first.
    """
    if to is None:
        return []
    errors = [[len(of_utterance) for of_utterance in arm.errors[0]] for arm in test.arms]
    change = [after - before for before, after in zip(errors[0], errors[to], strict=True)]
    order = sorted(range(len(change)), key=lambda i: (change[i], test.utterances[i]["id"]))
    shown = [i for i in order[:count] if change[i] < 0]
    shown += [i for i in order[::-1][:count] if change[i] > 0]
    return [
        ChangedUtterance(
            id=test.utterances[i]["id"],
            change=change[i],
            reference=test.references[i],
            audio_filepath=test.utterances[i]["audio_filepath"],
            duration=test.utterances[i]["duration"],
            heard=tuple(
                ArmText(
                    arm=arm.label,
                    errors=errors[place][i],
                    words=tuple(pieces(test.references[i], arm.hypotheses[0][i])),
                )
                for place, arm in enumerate(test.arms)
            ),
        )
        for i in shown
    ]


def read_test_set(
    target: TargetSummary, manifest: Path, resampled_by: str, language: str
) -> TestSet:
    """Return a target's test set; refuse hypotheses that are not those of the summary."""
    rows, utterances = shown_rows(target), read_manifest(manifest)
    references = [normalised(row["text"], language) for row in utterances]
    texts_of = [
        [read_texts(file, utterances, manifest, language) for file in row.hypotheses]
        for row in rows
    ]
    pairs = {
        pair for arm in texts_of for seed in arm for pair in zip(references, seed, strict=True)
    }
    words, characters = word_errors(pairs), character_errors(pairs, language)

    def of_pairs(
        errors: dict[tuple[str, str], Errors], texts: list[list[str]]
    ) -> list[list[Errors]]:
        return [[errors[pair] for pair in zip(references, seed, strict=True)] for seed in texts]

    arms = [
        ArmErrors(row.label, texts, of_pairs(words, texts), of_pairs(characters, texts))
        for row, texts in zip(rows, texts_of, strict=True)
    ]
    speakers = [row["speaker"] for row in utterances]
    ids = ids_of(utterances)
    units = units_of(resampled_by, manifest, ids, references, speakers) or ids
    test = TestSet(utterances, references, np.array(units), arms, language)
    check_same_wer(test, rows, manifest)
    return test


def read_texts(
    hypotheses: str, utterances: list[dict[str, Any]], manifest: Path, language: str
) -> list[str]:
    """Return the normalised hypotheses of a file, in the order of the manifest."""
    rows = read_jsonl(hypotheses)
    check_same_ids(ids_of(utterances), ids_of(rows), manifest, Path(hypotheses))
    text_of = {row["id"]: row["text"] for row in rows}
    return [normalised(text_of[row["id"]], language) for row in utterances]


def check_same_wer(test: TestSet, rows: Sequence[SummaryRow], manifest: Path) -> None:
    """Refuse hypotheses whose WER is another than the summary's: they were scored before."""
    rates = per_utterance(test.arms).sum(axis=1) / test.words.sum()
    for row, rate in zip(rows, rates, strict=True):
        if abs(row.wer - rate) > 1e-6:
            raise InputError(
                f"{row.hypotheses[0]}: {row.label} has a WER of {rate:.4%} on {manifest}, but"
                f" {row.wer:.4%} in the summary; score the hypotheses again and summarize again"
            )


def break_down(
    target: TargetSummary,
    test: TestSet,
    source: list[dict[str, Any]],
    options: argparse.Namespace,
    bootstrap: Bootstrap,
) -> TargetBreakdown:
    """Return a target's part of the file."""
    vocabulary = source_vocabulary(source, target.target, test.language)
    best = best_adapted(shown_rows(target))
    labels = tuple(arm.label for arm in test.arms)
    return TargetBreakdown(
        name=target.name,
        arms=labels,
        tables=tuple(value_tables(test, options.by, options.length_bounds, bootstrap)),
        rare_words=rare_words(test, vocabulary, bootstrap) if vocabulary else None,
        entities=entity_errors(test, bootstrap),
        confusions=tuple(confusions(arm, options.most) for arm in test.arms),
        changed_between=None if best is None else (labels[0], labels[best]),
        changed=tuple(changed_utterances(test, best, options.changed)),
    )


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's values, checked."""
    parser = Parser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--summary", type=Path, required=True, help="summary.json of summarize.py")
    add("--source-training", type=Path, nargs="*", default=[],
        help="manifests of the source's training speech, whose words count as seen, but for those"
        " of the target's own domain (default: none, and nothing on rare words)")  # fmt: skip
    add("--length-bounds", type=int, nargs="+", default=LENGTHS, metavar="WORDS",
        help="longest reference of each length but the last (default 5 10 15)")  # fmt: skip
    add("--by", nargs="*", default=BY, metavar="KEY",
        help=f"keys of the test manifests to break down by (default {' '.join(BY)})")  # fmt: skip
    add("--most", type=int, default=20, help="confusions of each kind per arm (default 20)")
    add("--changed", type=int, default=5, help="test utterances shown per target that lost errors, "
        "and as many that gained some (default 5)")  # fmt: skip
    add("--resamples", type=int, default=RESAMPLES, help=f"of the bootstrap (default {RESAMPLES})")
    add("--output", type=Path, required=True, help="breakdown to write (JSON; rates are fractions)")
    options = parser.parse_args(argv)
    bounds = list(options.length_bounds)
    if bounds != sorted(set(bounds)) or bounds[0] < 1:
        raise InputError(f"--length-bounds are {bounds}; give whole numbers from 1 on, increasing")
    if options.resamples < 100:
        raise InputError(f"--resamples is {options.resamples}; an interval needs at least 100")
    return options


def main(argv: list[str] | None = None) -> None:
    """Write the breakdown of a summary's errors."""
    options = parse_arguments(argv)
    summary = read_summary(options.summary)
    source = [row for path in options.source_training for row in read_manifest(path)]
    tested = [
        (target, Path(target.manifest))
        for target in summary.targets
        if target.manifest and shown_rows(target)
    ]
    inputs = [options.summary, *options.source_training]
    for target, manifest in tested:
        inputs.append(manifest)
        inputs += [path for row in shown_rows(target) for path in row.hypotheses]
    check_outputs([options.output], inputs)
    language = summary.language or ""  # null only where nothing was scored
    tests = [
        read_test_set(target, manifest, summary.resampled_by, language)
        for target, manifest in tested
    ]
    bootstrap = Bootstrap(options.resamples, summary.seed, summary.confidence)
    targets = [
        break_down(target, test, source, options, bootstrap)
        for (target, _), test in zip(tested, tests, strict=True)
    ]
    write_breakdown(options.output, targets)
    utterances = sum(len(test.utterances) for test in tests)
    print(f"{options.output}: {len(tests)} targets, {utterances:,} utterances")

    names = ("length_bounds", "by", "most", "changed", "resamples")
    parameters = {name: getattr(options, name) for name in names}
    write_record(__file__, [options.output], inputs, parameters)


if __name__ == "__main__":
    run(main)
