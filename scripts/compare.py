"""Compare two recognisers on the same utterances: difference in WER, how sure it is, and its words.

A and B are two files of hypotheses (any toolkit's, see foreign_hypotheses.py; they need
--references), two score files, or the results folders of two experiments, whose arms are paired.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jiwer
import numpy as np

from errors import InputError, run
from escaping import visible
from files.atomic import atomic_path, check_outputs
from files.checksum import sha256
from records.reading import record_of
from records.writing import write_record
from reporting.words import main_rows, percent, points
from scoring.bootstrap import (
    CONFIDENCE,
    RESAMPLES,
    UNITS,
    interval,
    mean_over_seeds,
    resampled_rates,
    two_sided_p,
    units_of,
)
from scoring.checks import check_any_words, check_same_ids, sign_of_shuffling
from scoring.comparisons import adjust
from scoring.foreign_hypotheses import READERS, read_hypotheses, read_references
from scoring.scored import language_of, one_language, read_json
from scoring.significance import FEW_UNITS, mapsswe
from scoring.word_errors import ERRORS, normalised, score
from texts.languages import add_language
from texts.normalise import unit

MARKS = {"substitute": "[{} → {}]", "delete": "[−{}]", "insert": "[+{1}]"}


@dataclass
class System:
    """A recogniser's errors on a test set: ``rows`` as a score file has them, in the order of ids.

    ``errors`` is float [n_utterances], averaged over seeds; ``hypotheses`` are normalised texts by
    id (of the first seed), or ``None`` where they are not at hand. ``files`` were read for it.
    Texts were normalised as ``language`` needs it.
    """

    name: str
    path: Path
    rows: list[dict]
    errors: np.ndarray
    hypotheses: dict[str, str] | None
    files: list[Path]
    language: str


def system_of_hypotheses(
    path: Path,
    references: list[dict],
    references_path: Path,
    hypotheses: list[dict],
    language: str,
    ids_are_right: bool,
) -> System:
    """Score hypotheses of any toolkit like those of an experiment."""
    check_same_ids(references, hypotheses, references_path, path)
    sign = None if ids_are_right else sign_of_shuffling(references, hypotheses, language)
    if sign:
        raise InputError(
            f"{path}: {sign}; give each text the id of the recording that it was heard in, or"
            " --ids-are-right if it has it"
        )
    rows = in_order(score(references, hypotheses, language)["per_utterance"])
    texts = {row["id"]: normalised(row["text"], language) for row in hypotheses}
    return System(str(path), path, rows, errors_of(rows), texts, [references_path, path], language)


def system_of_scores(name: str, paths: list[Path], hypotheses: Path | None) -> System:
    """Read the score files of one system, one for each seed, and its first seed's hypotheses."""
    scores = {path: read_score(path) for path in paths}
    language = one_language({path: score["language"] for path, score in scores.items()})
    tables = [in_order(score["per_utterance"]) for score in scores.values()]
    for path, table in zip(paths, tables, strict=True):
        check_same_references(tables[0], table, paths[0], path)
    errors = mean_over_seeds(np.stack([errors_of(table) for table in tables]))
    texts, files = None, list(paths)
    if hypotheses and hypotheses.is_file():
        found = read_hypotheses(hypotheses, tables[0], "jsonl")
        texts = {row["id"]: normalised(row["text"], language) for row in found}
        files.append(hypotheses)
    return System(name, paths[0], tables[0], errors, texts, files, language)


def in_order(rows: list[dict]) -> list[dict]:
    """Return rows in the order of their ids, so that the same utterances are drawn for all."""
    return sorted(rows, key=lambda row: row["id"])


def errors_of(rows: list[dict]) -> np.ndarray:
    """Return the word errors, float [n_utterances], of a score's utterances."""
    return np.array([sum(row[error] for error in ERRORS) for row in rows], dtype=float)


def read_score(path: Path) -> dict:
    """Return a score file's content, which must tell the references' texts."""
    found = read_json(path, "write it with score.py")
    rows = found.get("per_utterance") if isinstance(found, dict) else None
    if not rows:
        raise InputError(f"{path}: no score file: it has no per_utterance; write it with score.py")
    lacking = [row["id"] for row in rows if "reference" not in row]
    if lacking:
        raise InputError(
            f"{path}: {len(lacking)} utterances have no reference, first {lacking[0]!r}: an older"
            " score.py wrote it; score the hypotheses again"
        )
    language_of(found, path, "score the hypotheses again")
    return found


def is_score(path: Path) -> bool:
    """Say whether a JSON file is a score, and not JSON lines."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return not file.readline().strip().endswith("}")  # a score is written over many lines


def scored_hypotheses(path: Path) -> Path | None:
    """Return the unchanged hypotheses that a score was made of, if its lineage leads to them."""
    record = record_of(path)
    if record is None:
        return None
    manifest_keys = {"audio_filepath", "duration"}
    for name, digest in record.inputs.items():
        found = record.at(name)
        if found.is_file() and sha256(found) == digest:
            with found.open(encoding="utf-8") as file:
                if not manifest_keys & set(json.loads(file.readline())):
                    return found
    return None


def check_same_references(a: list[dict], b: list[dict], path_a: Path, path_b: Path) -> None:
    """Refuse two systems that were scored on other utterances, or on other reference texts."""
    check_same_ids(a, b, path_a, path_b)
    changed = [
        row["id"] for row, other in zip(a, b, strict=True) if row["reference"] != other["reference"]
    ]
    if changed:
        raise InputError(
            f"{path_a} and {path_b} have different references: those of {len(changed)} utterances"
            f" differ, first {changed[0]!r}; score both on one manifest"
        )


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


def changed(a: System, b: System, count: int) -> list[dict]:
    """Return the ``count`` utterances whose errors differ most, with the words of both."""
    difference = np.abs(b.errors - a.errors)
    order = np.argsort(-difference, kind="stable")[:count]
    return [
        {
            "id": a.rows[index]["id"],
            "reference": a.rows[index]["reference"],
            "heard": [
                {"errors": float(system.errors[index]), "words": heard(system, a.rows[index])}
                for system in (a, b)
            ],
        }
        for index in order
        if difference[index]
    ]


def heard(system: System, row: dict) -> str | None:
    """Return what a system heard in an utterance, marked, or ``None`` if that is not at hand."""
    if system.hypotheses is None or row["id"] not in system.hypotheses:
        return None
    return marked(row["reference"], system.hypotheses[row["id"]])


def marked(reference: str, hypothesis: str) -> str:
    """Return a hypothesis aligned: right words as they are, [true → heard], [−missed], [+added]."""
    found = jiwer.process_words([reference], [hypothesis])
    pieces = []
    for chunk in found.alignments[0]:
        true = " ".join(found.references[0][chunk.ref_start_idx : chunk.ref_end_idx])
        said = " ".join(found.hypotheses[0][chunk.hyp_start_idx : chunk.hyp_end_idx])
        pieces.append(MARKS.get(chunk.type, "{}").format(true, said))
    return " ".join(pieces)


def verdict(comparison: dict) -> str:
    """Say in a sentence what a comparison shows."""
    if not comparison["fewer_errors"] and not comparison["more_errors"]:
        return "Both make the same number of errors in every utterance."
    if not comparison["significant"]:
        return "No significant difference: chance alone may well make one as large as this."
    better, worse = ("B", "A") if comparison["difference"] < 0 else ("A", "B")
    sentence = f"{better} makes fewer word errors than {worse}, by more than chance explains."
    if comparison["mapsswe_p"] >= 1 - CONFIDENCE:
        sentence += " MAPSSWE does not confirm it: take it with care."
    return sentence


def lines(comparison: dict, settings: dict[str, Any], several: bool) -> Iterator[str]:
    """Yield a comparison as it is printed: percent and points."""
    for letter in "ab":
        system = comparison[letter]
        bounds = ", ".join(map(percent, system["interval"]))
        yield f"{letter.upper()}  WER {percent(system['wer'])} % [{bounds}]  {system['name']}"
    bounds = ", ".join(map(points, comparison["interval"]))
    adjusted = f" ({comparison['p_adjusted']:.2g} after Holm)" if several else ""
    yield (
        f"B − A: {points(comparison['difference'])} points [{bounds}], p {comparison['p']:.2g}"
        f"{adjusted}, MAPSSWE p {comparison['mapsswe_p']:.2g}"
    )
    yield verdict(comparison)
    if told := unit(comparison["language"]):
        yield told
    drawn = "" if settings["by"] == "utterance" else f" ({comparison['units']:,} of them)"
    yield (
        f"{comparison['utterances']:,} utterances, {comparison['words']:,} words;"
        f" {comparison['fewer_errors']:,} have fewer errors in B, {comparison['more_errors']:,}"
        f" more. {CONFIDENCE * 100:g} % intervals by {settings['resamples']:,} paired resamples by"
        f" {settings['by']}{drawn}."
    )
    if comparison["units"] < FEW_UNITS:
        yield f"Intervals and p from fewer than {FEW_UNITS} {settings['by']}s are rough."
    for row in comparison["changed"]:
        yield ""
        yield f"{row['id']}: {row['reference'] or '(no words)'}"
        for letter, system in zip("AB", row["heard"], strict=True):
            words = "" if system["words"] is None else f": {system['words'] or '(nothing)'}"
            yield f"  {letter}  {system['errors']:g} errors{words}"


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
