"""Say whether target recordings, test sentences or test speakers touched what made a number.

From lineage alone (see provenance.py): for each score, what of its target was used in training,
in selection (dev speech that stops a training), in filtering (speech that the filter judged, and
its judge), in synthesis (texts spoken, real speakers and channels imitated), in decoding (texts
whose n-grams led the decoder, speech that told key terms, recordings that the model adapted to),
and, of scores on which a scaling coefficient or the model to deliver may be chosen, in that choice.
``--check`` holds a summary's claims against that.
"""

import argparse
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from errors import InputError, run
from evaluation import WITHOUT_TRANSCRIPTS, Evaluation
from files.atomic import check_outputs
from lineages.leaks import (
    AGREEMENT,
    CLAIMS,
    EVIDENCE,
    NAMES,
    ChosenFor,
    Examined,
    examine,
    tried_for,
)
from lineages.provenance import Provenance
from options import Parser
from records.writing import write_record
from scoring.evaluations import read_evaluations
from scoring.leakage_file import STAGES, in_words, leakage_of, write_leakage
from scoring.summary import (
    Leakage,
    ReportedChoice,
    Summary,
    SummaryRow,
    TargetSummary,
    read_summary,
)
from texts.languages import add_language

Examinations = Mapping[tuple[str, str], Examined]  # by target and score


def violations_of(summary: Summary, examined: Sequence[Examined]) -> list[str]:
    """Return what a summary says against lineage, one line each with the number it concerns."""
    violations: list[str] = []
    examinations, tried = by_score(examined), tried_for(examined)
    for target in summary.targets:
        violations += of_verdict(target, examined)
        for row in target.rows:
            name = f"{target.name}: {row.label} (WER {row.wer:.1%})"
            paths = (*row.scores, *row.dev_scores)
            unknown = [path for path in paths if (target.target, path) not in examinations]
            if unknown:
                violations.append(f"{name}: {unknown[0]} is not among the evaluations")
                continue
            violations += [f"{name}: {line}" for line in of_number(row, target, examinations)]
        for choice in target.choices:
            violations += of_choice(choice, target, tried)
    return violations


def by_score(examined: Iterable[Examined]) -> Examinations:
    """Return examinations by target and score: of one score in two roles, they are the same."""
    return {(each.target, each.score): each for each in examined}


def of_verdict(target: TargetSummary, examined: Iterable[Examined]) -> Iterator[str]:
    """Tell whether a verdict's evidence has other target recordings than it says.

    It takes none, but for untranscribed ones whose number it says, which are not the test's.
    """
    said = target.verdict.untranscribed if target.verdict else 0
    allowed = {EVIDENCE: 0} | ({AGREEMENT: said} if target.verdict else {})
    for each in examined:
        if (each.evaluation.base, each.target) != (target.base, target.target):
            continue
        used = each.touched["target_recordings"]["choice"]
        if each.role in allowed and used != allowed[each.role]:
            rests = f"{said} untranscribed recordings" if said else "no recording"
            yield (
                f"{target.name}: the verdict is said to rest on {rests} of it, but {used} are in"
                f" {each.evaluation.manifest}"
            )
        if each.role == AGREEMENT and (tested := each.test_recordings["choice"]):
            yield (
                f"{target.name}: {tested} test recordings are among the untranscribed ones of the"
                f" verdict, in {each.evaluation.manifest}"
            )


def of_number(row: SummaryRow, target: TargetSummary, examinations: Examinations) -> Iterator[str]:
    """Tell what is wrong with a row of the table."""
    counts = leakage_of(target.target, row.scores, row.dev_scores, examinations)
    if row.leakage not in (None, counts):
        yield f"says {in_words(row.leakage or {})}, and lineage {in_words(counts)}"
    used, claim = counts["target_recordings"], row.target_recordings
    for stage in STAGES[:-1]:
        if used[stage] and stage not in CLAIMS.get(claim, ()):
            yield f"says of target recordings {claim!r}, but {used[stage]} were used in {stage}"
    if claim == WITHOUT_TRANSCRIPTS:
        examined = [examinations[target.target, path] for path in row.scores]
        if read := max(max(each.target_transcripts.values()) for each in examined):
            yield f"says of target recordings {claim!r}, but {read} transcripts of them were used"
    if used["choice"] and row.target_recordings_for_choice == 0:
        manifest = examinations[target.target, row.dev_scores[0]].evaluation.manifest
        yield (
            "says that its scaling coefficient was chosen without target recordings, but"
            f" {used['choice']} are in {manifest}"
        )
    yield from of_test_set(row, counts, target, examinations)


def of_test_set(
    row: SummaryRow, counts: Leakage, target: TargetSummary, examinations: Examinations
) -> Iterator[str]:
    """Tell where a row's test recordings, sentences or speakers were used.

    Where a row says that it uses target recordings, their speakers may be those of the test set;
    where it says that it adapts to the test recordings, they are heard in decoding.
    """
    scores = [examinations[target.target, path] for path in (*row.scores, *row.dev_scores)]
    said = {*CLAIMS.get(row.target_recordings, ())}
    if row.target_recordings_for_choice:
        said.add("choice")
    for stage in STAGES:
        number = max(score.test_recordings[stage] for score in scores)
        if number and not (stage == "decoding" and stage in said):
            yield f"{number} test recordings were used in {stage}"
        for kind, name in NAMES.items():
            if name in target.accepted_overlap or (name == "speakers" and stage in said):
                continue
            if number := counts[kind][stage]:
                yield f"{number} test {name} are in {stage}"


def of_choice(
    choice: ReportedChoice, target: TargetSummary, tried: Mapping[ChosenFor, list[Examined]]
) -> Iterator[str]:
    """Tell whether a way to choose the scaling coefficient has used more than it says.

    A choice on source domains has used all that made their models.
    """
    key = ChosenFor(target.base, target.target, choice.vector_on, choice.tts, choice.vector)
    used = 0
    for each in tried.get(key, []):
        of_stage = each.touched["target_recordings"]
        if choice.by == "sources" and each.role == "nested":
            used = max(used, *of_stage.values())
        elif each.role == "dev" and each.evaluation.speech == choice.by:
            used = max(used, of_stage["choice"])
    if used and choice.uses_target_recordings == 0:
        yield (
            f"{target.name}: the scaling coefficient {choice.scaling_coefficient} of"
            f" {choice.vector_on} (WER {choice.wer:.1%}) is said to be chosen by"
            f" {choice.by} without target recordings, but {used} were used"
        )


def leakage_lines(summary: Summary, examinations: Examinations) -> str:
    """Return what touched each row, one line each."""
    lines = []
    for target in summary.targets:
        accepted = " and ".join(target.accepted_overlap)
        lines.append(f"{target.name}" + (f" (accepted overlap: {accepted})" if accepted else ""))
        for row in target.rows:
            counts = leakage_of(target.target, row.scores, row.dev_scores, examinations)
            lines.append(f"  {row.wer:6.1%}  {row.label}: {in_words(counts)}")
    return "\n".join(lines)


def write(evaluations: Path, output: Path, full: bool, language: str) -> None:
    """Write what touched each scored evaluation."""
    rows = read_evaluations(evaluations)
    check_outputs([output], (row.score for row in rows))
    provenance = Provenance(evaluations.parent, full, folders_of(rows))
    examined, manifests = examine(rows, provenance, language)
    write_leakage(output, [each.touch for each in examined], manifests)
    scores = dict.fromkeys(each.score for each in examined)
    write_record(__file__, [output], [evaluations, *scores], {"full": full, "language": language})
    print(f"{len(examined)} scores, {manifests} manifests: {output}")


def folders_of(evaluations: Iterable[Evaluation]) -> list[str]:
    """Return the folders in which the models lie, which several experiments may share."""
    places = (each.model.partition("/models/") for each in evaluations)
    return sorted({folder for folder, is_parted, _ in places if is_parted})


def audit(summary_path: Path, full: bool) -> None:
    """Check a summary, and print what was checked; raise ``InputError`` for all that is wrong."""
    evaluations = read_evaluations(summary_path.with_name("evaluations.json"))
    provenance = Provenance(summary_path.parent, full, folders_of(evaluations))
    path = os.path.normpath(summary_path)
    provenance.verify(path, provenance.record_of(path))
    summary = read_summary(summary_path)
    language = summary.language or ""  # null only where nothing was scored
    examined, manifests = examine(evaluations, provenance, language)
    if violations := violations_of(summary, examined):
        raise InputError("\n".join([f"{summary_path}: against its lineage:", *violations]))
    print(leakage_lines(summary, by_score(examined)))
    print(f"{len(examined)} scores, {manifests} manifests: as lineage says")


def main(argv: list[str] | None = None) -> None:
    """Write what touched each score, or check a summary."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--evaluations", type=Path, help="evaluations.json of the experiment's folder")
    add("--output", type=Path, help="what touched each score (JSON)")
    add(
        "--check",
        type=Path,
        help="summary.json of the experiment's folder: check it, write nothing",
    )
    add(
        "--full",
        action="store_true",
        help="also read the weights, and compare their hashes",
    )
    add_language(parser, required=False, note=", needed with --evaluations")
    options = parser.parse_args(argv)
    if options.check:
        audit(options.check, options.full)
    elif options.evaluations and options.output and options.language:
        check_outputs([options.output], [options.evaluations])
        write(options.evaluations, options.output, options.full, options.language)
    else:
        parser.error("give --evaluations, --output and --language, or --check")


if __name__ == "__main__":
    run(main)
