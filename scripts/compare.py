"""Compare two recognisers on the same utterances: difference in WER, how sure it is, and its words.

A and B are two files of hypotheses (any toolkit's, see foreign_hypotheses.py; they need
--references), two score files, or the results folders of two experiments, whose arms are paired.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from errors import InputError, run
from escaping import visible
from files.atomic import atomic_path, check_outputs
from options import Parser
from records.writing import write_record
from reporting.compared import changed, lines
from scoring.bootstrap import (
    CONFIDENCE,
    RESAMPLES,
    UNITS,
    interval,
    resampled_rates,
    two_sided_p,
)
from scoring.checks import check_any_words
from scoring.comparisons import adjusted
from scoring.evaluations import one_language
from scoring.foreign_hypotheses import READERS, read_hypotheses, read_references
from scoring.paired import Resampling, SystemComparison, SystemWer
from scoring.score_file import drawn_with
from scoring.significance import mapsswe
from scoring.summary import read_summary
from scoring.systems import (
    System,
    check_same_references,
    is_score,
    scored_hypotheses,
    system_of_hypotheses,
    system_of_scores,
)
from texts.languages import add_language

Pair = tuple[str, System, System]  # with a title, empty for two files


class ReportedArm(NamedTuple):
    """An arm of an experiment in a folder, with its score files and first hypotheses."""

    folder: Path
    title: str
    label: str
    scores: list[Path]
    hypotheses: Path

    def system(self) -> System:
        """Read the arm's scores and texts."""
        system = system_of_scores(f"{self.folder}: {self.label}", self.scores, self.hypotheses)
        return replace(system, files=(*system.files, self.folder / "summary.json"))


def paired_arms(a: Path, b: Path) -> Iterator[Pair]:
    """Yield the arms that two experiments have in common, by target, with what they are."""
    arms_a, arms_b = arms_of(a), arms_of(b)
    common = [key for key in arms_a if key in arms_b]
    if not common:
        raise InputError(f"{a} and {b} have no target and arm in common; compare their score files")
    for folder, only in ((a, arms_a.keys() - arms_b), (b, arms_b.keys() - arms_a)):
        if only:
            print(f"{len(only)} arms are only in {folder} and not compared.")
    for key in common:
        yield arms_a[key].title, arms_a[key].system(), arms_b[key].system()


def arms_of(folder: Path) -> dict[tuple[str | None, ...], ReportedArm]:
    """Return each reported arm of an experiment.

    Arms with a task vector are paired whatever scaling coefficient was chosen for them; those with
    one that was only tried out are left out.
    """
    summary = read_summary(folder / "summary.json")
    root = folder.resolve().parents[1]  # results/NAME stands where the experiment ran
    arms: dict[tuple[str | None, ...], ReportedArm] = {}
    for target in summary.targets:
        for row in target.main_rows:
            title = f"{target.name}, {row.arm}" + (f" ({row.tts})" if row.tts else "")
            scores = [where(path, root) for path in row.scores]
            hypotheses = where(row.hypotheses[0], root)
            key = (target.name, row.arm, row.tts, row.vector)
            arms[key] = ReportedArm(folder, title, row.label, scores, hypotheses)
    return arms


def where(path: str, root: Path) -> Path:
    """Return a summary's path, which counts from the folder that the experiment ran in."""
    return root / path if (root / path).exists() else Path(path)


def compare(title: str, a: System, b: System, settings: Resampling, most: int) -> SystemComparison:
    """Return the paired difference of two systems, and the ``most`` changed utterances."""
    one_language({a.path: a.language, b.path: b.language})
    check_same_references(a.utterances, b.utterances, a.path, b.path)
    words = np.array([each.reference_words for each in a.utterances])
    units = drawn_with(a.utterances, settings.by, a.path)
    errors = np.stack([a.errors, b.errors])
    try:
        rates = resampled_rates(errors, words, units, settings.resamples, settings.seed)
    except ValueError as error:
        raise InputError(f"{a.path}: {error}; compare on more utterances with words") from None
    return SystemComparison(
        title=title,
        a=wer_of(a, words, rates[0]),
        b=wer_of(b, words, rates[1]),
        language=a.language,
        utterances=len(words),
        words=int(words.sum()),
        units=len(words) if units is None else len(set(units)),
        difference=float((b.errors - a.errors).sum() / words.sum()),
        interval=interval(rates[1] - rates[0]),
        p=two_sided_p(rates[1] - rates[0]),
        mapsswe_p=mapsswe(a.errors, b.errors, units),
        fewer_errors=int((b.errors < a.errors).sum()),
        more_errors=int((b.errors > a.errors).sum()),
        changed=changed(a, b, most),
    )


def wer_of(system: System, words: np.ndarray, rates: np.ndarray) -> SystemWer:
    """Return a system's WER with its interval, from resampled WERs."""
    return SystemWer(system.name, float(system.errors.sum() / words.sum()), interval(rates))


def pairs(options: argparse.Namespace) -> Iterator[Pair]:
    """Yield what is to be compared."""
    a, b = options.a, options.b
    if a.is_dir() and b.is_dir():
        yield from paired_arms(a, b)
        return
    if a.is_dir() or b.is_dir():
        raise InputError(f"{a} and {b}: a folder is compared to a folder, a file to a file")
    references = None
    if options.references:
        references = read_references(options.references, options.references_format)
        if options.language is None:
            raise InputError(f"{options.references}: texts; give their language by --language")
        check_any_words(references, options.references, options.language)
    yield "", system_of_file(a, references, options), system_of_file(b, references, options)


def system_of_file(
    path: Path, references: list[dict[str, Any]] | None, options: argparse.Namespace
) -> System:
    """Read a score file, or hypotheses together with their references."""
    if is_score(path):
        return system_of_scores(str(path), [path], scored_hypotheses(path))
    if references is None:
        raise InputError(f"{path}: hypotheses alone; give their true texts by --references")
    hypotheses = read_hypotheses(path, references, options.format, options.absent_is_empty)
    return system_of_hypotheses(
        path, references, options.references, hypotheses, options.language, options.ids_are_right
    )


def write_json(path: Path, comparisons: Sequence[SystemComparison], settings: Resampling) -> None:
    """Write all comparisons; rates and differences are fractions."""
    content: dict[str, Any] = {"confidence": CONFIDENCE, "adjusted": "Holm"} | asdict(settings)
    content["comparisons"] = [asdict(each) for each in comparisons]
    with atomic_path(path) as temporary:
        text = json.dumps(content, indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's options, checked."""
    parser = Parser(description=__doc__)
    add = parser.add_argument
    add("a", type=Path, help="hypotheses, a score file (JSON), or a folder with summary.json")
    add("b", type=Path, help="the same of the other system; the difference is B − A")
    add("--references", type=Path, help="true texts: manifest (JSON lines), TRN, Kaldi or text")
    add_language(parser, required=False, note="; needed with --references (a score tells its own)")
    add("--format", choices=READERS, help="of the hypotheses (default: by suffix)")
    add("--references-format", choices=READERS, help="of the references (default: by suffix)")
    add(
        "--absent-is-empty",
        action="store_true",
        help="a reference without words in a CTM file is one in which nothing was recognised",
    )
    add(
        "--ids-are-right", action="store_true", help="compare texts that look shuffled all the same"
    )
    add("--by", choices=UNITS, default="sentence", help="what is drawn anew (default: sentence)")
    add("--resamples", type=int, default=RESAMPLES, help=f"of the bootstrap (default {RESAMPLES})")
    add("--seed", type=int, default=0, help="of the bootstrap (default 0)")
    add("--utterances", type=int, default=10, help="most changed ones to show (default 10)")
    add("--json", type=Path, help="write all of it here too (rates are fractions)")
    options = parser.parse_args(argv)
    if options.resamples < 100:
        raise InputError(f"--resamples is {options.resamples}; an interval needs at least 100")
    if options.utterances < 0:
        raise InputError(f"--utterances is {options.utterances}; give 0 or more")
    return options


def main(argv: list[str] | None = None) -> None:
    """Compare two systems, or all arms that two experiments have in common."""
    options = parse(argv)
    settings = Resampling(options.by, options.resamples, options.seed)
    given = [options.a, options.b, options.references]
    check_outputs([options.json], [path for path in given if path and not path.is_dir()])
    systems = list(pairs(options))
    files = dict.fromkeys(path for _, a, b in systems for path in (*a.files, *b.files))
    check_outputs([options.json], files)
    compared = [compare(title, a, b, settings, options.utterances) for title, a, b in systems]
    comparisons = adjusted(compared, CONFIDENCE)
    for comparison in comparisons:
        if comparison.title:
            print(visible(f"\n== {comparison.title} =="))
        print(visible("\n".join(lines(comparison, settings, len(comparisons) > 1))))
    if options.json:
        write_json(options.json, comparisons, settings)
        write_record(__file__, [options.json], files, asdict(settings))


if __name__ == "__main__":
    run(main)
