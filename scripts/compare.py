"""Compare two recognisers on the same utterances: difference in WER, how sure it is, and its words.

A and B are two files of hypotheses (any toolkit's, see foreign_hypotheses.py; they need
--references), two score files, or the results folders of two experiments, whose arms are paired.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from errors import InputError, run
from escaping import visible
from files.atomic import atomic_path, check_outputs
from records.record import write_record
from reporting.compared import changed, lines
from reporting.words import main_rows
from scoring.bootstrap import (
    CONFIDENCE,
    RESAMPLES,
    UNITS,
    interval,
    resampled_rates,
    two_sided_p,
    units_of,
)
from scoring.checks import check_any_words
from scoring.comparisons import adjust
from scoring.foreign_hypotheses import READERS, read_hypotheses, read_references
from scoring.scored import one_language, read_json
from scoring.significance import mapsswe
from scoring.systems import (
    System,
    check_same_references,
    is_score,
    scored_hypotheses,
    system_of_hypotheses,
    system_of_scores,
)
from texts.languages import add_language


def paired_arms(a: Path, b: Path) -> Iterator[tuple[str, System, System]]:
    """Yield the arms that two experiments have in common, by target, with what they are."""
    arms_a, arms_b = arms_of(a), arms_of(b)
    common = [key for key in arms_a if key in arms_b]
    if not common:
        raise InputError(f"{a} and {b} have no target and arm in common; compare their score files")
    for folder, only in ((a, arms_a.keys() - arms_b), (b, arms_b.keys() - arms_a)):
        if only:
            print(f"{len(only)} arms are only in {folder} and not compared.")
    for key in common:
        title = arms_a[key][0]
        yield title, system_of_arm(a, *arms_a[key][1:]), system_of_arm(b, *arms_b[key][1:])


def system_of_arm(folder: Path, label: str, scores: list[Path], hypotheses: Path) -> System:
    """Read an arm of the experiment in a folder."""
    system = system_of_scores(f"{folder}: {label}", scores, hypotheses)
    system.files.append(folder / "summary.json")
    return system


def arms_of(folder: Path) -> dict[tuple, tuple[str, str, list[Path], Path]]:
    """Return title, label, score files and first hypotheses of each reported arm.

    Arms with a task vector are paired whatever scaling coefficient was chosen for them; those with
    one that was only tried out are left out.
    """
    summary = read_json(folder / "summary.json", "write it with summarize.py")
    root = folder.resolve().parents[1]  # results/NAME stands where the experiment ran
    arms = {}
    for target in summary["targets"]:
        for row in main_rows(target):
            key = (target["name"], row["arm"], row["tts"], row["vector"])
            scores, hypotheses = (
                [where(path, root) for path in row[kind]] for kind in ("scores", "hypotheses")
            )
            title = f"{target['name']}, {row['arm']}" + (f" ({row['tts']})" if row["tts"] else "")
            arms[key] = (title, row["label"], scores, hypotheses[0])
    return arms


def where(path: str, root: Path) -> Path:
    """Return a summary's path, which counts from the folder that the experiment ran in."""
    return root / path if (root / path).exists() else Path(path)


def compare(a: System, b: System, by: str, resamples: int, seed: int) -> dict[str, Any]:
    """Return the WERs of two systems, their paired difference (b - a), its interval and p."""
    one_language({a.path: a.language, b.path: b.language})
    check_same_references(a.rows, b.rows, a.path, b.path)
    words = np.array([row["reference_words"] for row in a.rows])
    units = units_of(a.rows, by, a.path)
    try:
        rates = resampled_rates(np.stack([a.errors, b.errors]), words, units, resamples, seed)
    except ValueError as error:
        raise InputError(f"{a.path}: {error}; compare on more utterances with words") from None
    return {
        "a": described(a, words, rates[0]),
        "b": described(b, words, rates[1]),
        "language": a.language,
        "utterances": len(words),
        "words": int(words.sum()),
        "units": len(words) if units is None else len(set(units)),
        "difference": float((b.errors - a.errors).sum() / words.sum()),
        "interval": list(interval(rates[1] - rates[0])),
        "p": two_sided_p(rates[1] - rates[0]),
        "mapsswe_p": mapsswe(a.errors, b.errors, units),
        "fewer_errors": int((b.errors < a.errors).sum()),
        "more_errors": int((b.errors > a.errors).sum()),
    }


def described(system: System, words: np.ndarray, rates: np.ndarray) -> dict[str, Any]:
    """Return a system's name and its WER with interval, from resampled WERs."""
    wer = float(system.errors.sum() / words.sum())
    return {"name": system.name, "wer": wer, "interval": list(interval(rates))}


def pairs(options: argparse.Namespace) -> Iterator[tuple[str, System, System]]:
    """Yield what is to be compared: a title (empty for two files) and two systems."""
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
    path: Path, references: list[dict] | None, options: argparse.Namespace
) -> System:
    """Read a score file, or hypotheses together with their references."""
    if is_score(path):
        return system_of_scores(str(path), [path], scored_hypotheses(path))
    if references is None:
        raise InputError(f"{path}: hypotheses alone; give their true texts by --references")
    found = read_hypotheses(path, references, options.format, options.absent_is_empty)
    return system_of_hypotheses(
        path, references, options.references, found, options.language, options.ids_are_right
    )


def write_json(path: Path, comparisons: list[dict], settings: dict[str, Any]) -> None:
    """Write all comparisons; rates and differences are fractions."""
    content = {"confidence": CONFIDENCE, "adjusted": "Holm"} | settings
    with atomic_path(path) as temporary:
        text = json.dumps(content | {"comparisons": comparisons}, indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's options, checked."""
    parser = argparse.ArgumentParser(description=__doc__)
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
    settings = {"by": options.by, "resamples": options.resamples, "seed": options.seed}
    given = [options.a, options.b, options.references]
    check_outputs([options.json], [path for path in given if path and not path.is_dir()])
    systems = list(pairs(options))
    files = dict.fromkeys(path for _, a, b in systems for path in (*a.files, *b.files))
    check_outputs([options.json], files)
    comparisons = []
    for title, a, b in systems:
        shown = {"changed": changed(a, b, options.utterances)}
        comparisons.append({"title": title} | compare(a, b, **settings) | shown)
    adjust(comparisons, CONFIDENCE)
    for comparison in comparisons:
        if comparison["title"]:
            print(visible(f"\n== {comparison['title']} =="))
        print(visible("\n".join(lines(comparison, settings, len(comparisons) > 1))))
    if options.json:
        write_json(options.json, comparisons, settings)
        write_record(__file__, [options.json], files, settings)


if __name__ == "__main__":
    run(main)
