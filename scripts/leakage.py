"""Say whether target recordings, test sentences or test speakers touched what made a number.

From lineage alone (see provenance.py): for each score, what of its target was used in training,
in selection (dev speech that stops a training), in filtering (speech that the filter judged, and
its judge), in synthesis (texts spoken, real speakers imitated), and, of scores on which a scaling
coefficient may be chosen, in that choice. ``--check`` holds a summary's claims against that.
"""

import argparse
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from errors import InputError, run
from files.atomic import atomic_path, check_outputs
from lineages.leaks import (
    CHOSEN_FOR,
    CLAIMS,
    KEYS,
    NAMES,
    STAGES,
    TEST_RECORDINGS,
    Counts,
    Numbers,
    by_number,
    examine,
    of_row,
    told,
    tried_for,
)
from lineages.provenance import Provenance
from records.writing import write_record
from scoring.scored import language_of, read_json
from texts.languages import add_language


def check(summary: dict, found: Numbers) -> list[str]:
    """Return what a summary says against lineage, one line each with the number it concerns."""
    violations = []
    tried = tried_for(found.values())
    for target in summary["targets"]:
        for row in target["rows"]:
            name = f"{target['name']}: {row['label']} (WER {row['wer']:.1%})"
            paths = (*row["scores"], *row["dev_scores"])
            unknown = [path for path in paths if (target["target"], path) not in found]
            if unknown:
                violations.append(f"{name}: {unknown[0]} is not among the evaluations")
                continue
            violations += [f"{name}: {line}" for line in of_number(row, target, found)]
        for choice in target.get("choices", []):
            violations += of_choice(choice, target, tried)
    return violations


def of_number(row: dict, target: dict, found: Numbers) -> Iterator[str]:
    """Tell what is wrong with a row of the table."""
    counts = of_row(target["target"], row, found)
    if row.get("leakage") not in (None, counts):
        yield f"says {told(row['leakage'])}, and lineage {told(counts)}"
    used, claim = counts["target_recordings"], row["target_recordings"]
    for stage in STAGES[:-1]:
        if used[stage] and stage not in CLAIMS.get(claim, ()):
            yield f"says of target recordings {claim!r}, but {used[stage]} were used in {stage}"
    if used["choice"] and row["target_recordings_for_choice"] == 0:
        yield (
            "says that its scaling coefficient was chosen without target recordings, but"
            f" {used['choice']} are in {found[target['target'], row['dev_scores'][0]]['manifest']}"
        )
    yield from of_test_set(row, counts, target, found)


def of_test_set(row: dict, counts: Counts, target: dict, found: Numbers) -> Iterator[str]:
    """Tell where a row's test recordings, sentences or speakers were used.

    Where a row says that it uses target recordings, their speakers may be those of the test set.
    """
    scores = [found[target["target"], path] for path in (*row["scores"], *row["dev_scores"])]
    accepted = target.get("accepted_overlap", [])
    said = {*CLAIMS.get(row["target_recordings"], ())}
    if row["target_recordings_for_choice"]:
        said.add("choice")
    for stage in STAGES:
        if number := max(score[TEST_RECORDINGS][stage] for score in scores):
            yield f"{number} test recordings were used in {stage}"
        for kind, name in NAMES.items():
            if name in accepted or (name == "speakers" and stage in said):
                continue
            if number := counts[kind][stage]:
                yield f"{number} test {name} are in {stage}"


def of_choice(choice: dict, target: dict, tried: Mapping[tuple, list[dict]]) -> Iterator[str]:
    """Tell whether a way to choose the scaling coefficient has used more than it says.

    A choice on source domains has used all that made their models.
    """
    by_sources = choice["by"] == "sources"
    used = 0
    for row in tried.get(tuple((target | choice)[key] for key in CHOSEN_FOR), []):
        of_stage = row["touched"]["target_recordings"]
        if by_sources and row["role"] == "nested":
            used = max(used, *of_stage.values())
        elif row["role"] == "dev" and row["speech"] == choice["by"]:
            used = max(used, of_stage["choice"])
    if used and choice["uses_target_recordings"] == 0:
        yield (
            f"{target['name']}: the scaling coefficient {choice['scaling_coefficient']} of"
            f" {choice['vector_on']} (WER {choice['wer']:.1%}) is said to be chosen by"
            f" {choice['by']} without target recordings, but {used} were used"
        )


def table(summary: dict, found: Numbers) -> str:
    """Return what was found for each row, one line each."""
    lines = []
    for target in summary["targets"]:
        accepted = " and ".join(target.get("accepted_overlap", []))
        lines.append(f"{target['name']}" + (f" (accepted overlap: {accepted})" if accepted else ""))
        lines += [
            f"  {row['wer']:6.1%}  {row['label']}: {told(of_row(target['target'], row, found))}"
            for row in target["rows"]
        ]
    return "\n".join(lines)


def read_evaluations(path: Path) -> list[dict]:
    """Return the evaluations, each with ``KEYS``."""
    rows: list[dict] = read_json(path, "write it with experiment.py")
    for number, row in enumerate(rows, start=1):
        if missing := [key for key in KEYS if key not in row]:
            raise InputError(
                f"{path}: evaluation {number} lacks {', '.join(missing)}; write it anew"
            )
    return rows


def write(evaluations: Path, output: Path, full: bool, language: str) -> None:
    """Write what touched each scored evaluation."""
    rows = read_evaluations(evaluations)
    check_outputs([output], (row["score"] for row in rows))
    found, manifests = examine(rows, Provenance(evaluations.parent, full), language)
    keys = ("score", "role", "target", "touched", TEST_RECORDINGS)
    touched = ",\n  ".join(json.dumps({key: row[key] for key in keys}) for row in found)
    with atomic_path(output) as temporary:
        temporary.write_text(
            f'{{\n "manifests read": {manifests},\n "evaluations": [\n  {touched}\n ]\n}}\n',
            encoding="utf-8",
        )
    scores = dict.fromkeys(row["score"] for row in found)
    write_record(__file__, [output], [evaluations, *scores], {"full": full, "language": language})
    print(f"{len(found)} scores, {manifests} manifests: {output}")


def audit(summary_path: Path, full: bool) -> None:
    """Check a summary, and print what was checked; raise ``InputError`` for all that is wrong."""
    provenance = Provenance(summary_path.parent, full)
    path = os.path.normpath(summary_path)
    provenance.verify(path, provenance.record_of(path))
    evaluations = read_evaluations(summary_path.with_name("evaluations.json"))
    summary = read_json(summary_path, "write it with summarize.py")
    language = language_of(summary, summary_path, "summarize again")
    examined, manifests = examine(evaluations, provenance, language)
    found = by_number(examined)
    if violations := check(summary, found):
        raise InputError("\n".join([f"{summary_path}: against its lineage:", *violations]))
    print(table(summary, found))
    print(f"{len(found)} scores, {manifests} manifests: as lineage says")


def main(argv: list[str] | None = None) -> None:
    """Write what touched each score, or check a summary."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
