"""Put all scores of an experiment into one table, with intervals, and say what they show."""

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

import lineage
from atomic import atomic_path
from bootstrap import (
    CONFIDENCE,
    RESAMPLES,
    interval,
    mean_over_seeds,
    resampled_rates,
    two_sided_p,
)
from errors import InputError, run
from matrix import CONTINUED, PRETRAINED
from plain_words import label, sentences
from summary_table import print_summary

KEYS = (
    "base", "target", "arm", "tts", "model", "scaling_coefficient", "vector", "vector_on", "speech",
    "split", "seed", "window", "manifest", "hypotheses", "score", "target_recordings",
)  # fmt: skip
ERRORS = ("substitutions", "deletions", "insertions")
COLUMNS = (
    "base", "target", "speech", "arm", "tts", "vector", "scaling_coefficient", "chosen",
    "wer", "wer_low", "wer_high", "cer", "wer_against_raw_references",
    "versus_pretrained", "versus_pretrained_low", "versus_pretrained_high", "versus_pretrained_p",
    "versus_baseline", "versus_baseline_low", "versus_baseline_high", "versus_baseline_p",
    "utterances", "words", "seeds", "window", "target_recordings", "chosen_on",
)  # fmt: skip


def read_json(path: str | Path, remedy: str) -> Any:
    """Return a JSON file's content."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); {remedy}") from None


def read_evaluations(path: Path) -> list[dict]:
    """Return the evaluations, each with all of ``KEYS``; raise ``InputError`` for what is wrong."""
    rows = read_json(path, "write it with experiment.py")
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{path}: must be a list of at least one evaluation")
    seen: dict[tuple, int] = {}
    for number, row in enumerate(rows, start=1):
        if missing := [key for key in KEYS if key not in row]:
            raise InputError(f"{path}: evaluation {number} lacks {', '.join(missing)}")
        identity = (*identity_of(row), row["speech"], row["split"], row["seed"])
        if identity in seen:
            raise InputError(
                f"{path}: evaluations {seen[identity]} and {number} are both of"
                f" {label(row)} of {row['base']} on {row['target']}, seed {row['seed']},"
                f" split {row['split']}"
            )
        seen[identity] = number
    return rows


def identity_of(row: dict) -> tuple:
    """Return what makes a row of the table: its evaluations differ in seed and test set only."""
    return (*vector_of(row), row["scaling_coefficient"])


def vector_of(row: dict) -> tuple:
    """Return what rows have in common that differ in their scaling coefficient only."""
    return (row["base"], row["target"], row["tts"], row["arm"], row["vector"])


def gather(evaluations: Iterable[dict]) -> list[dict]:
    """Return one row per model and data: its seeds' evaluations and their errors, averaged.

    ``errors`` and ``reference_words`` are per utterance, in the order of ``ids``.
    """
    groups: dict[tuple, list[dict]] = defaultdict(list)
    for evaluation in evaluations:
        data = (evaluation["speech"], evaluation["split"])
        groups[(*identity_of(evaluation), *data)].append(evaluation)
    return [
        pool_seeds(group, [read_json(row["score"], "score it again") for row in group])
        for group in groups.values()
    ]


def pool_seeds(group: list[dict], scores: list[dict]) -> dict:
    """Return the row of one model and data from its seeds' scores."""
    tables = [{row["id"]: row for row in score["per_utterance"]} for score in scores]
    ids = sorted(tables[0])
    words = reference_words(tables[0], ids)
    for evaluation, table in zip(group, tables, strict=True):
        check_same_references(ids, words, table, evaluation["score"], group[0]["score"])
    errors = np.array([[sum(t[i][key] for key in ERRORS) for i in ids] for t in tables])
    pooled = mean_over_seeds(errors)
    return {
        **{
            key: group[0][key]
            for key in KEYS
            if key not in ("seed", "model", "score", "hypotheses")
        },
        "ids": ids,
        "utterance_rows": [tables[0][i] for i in ids],
        "errors": pooled,
        "reference_words": words,
        "wer": float(pooled.sum() / words.sum()),
        "cer": float(np.mean([score["cer"] for score in scores])),
        "wer_against_raw_references": float(
            np.mean([score["wer_against_raw_references"] for score in scores])
        ),
        "wer_of_seeds": [float(row.sum() / words.sum()) for row in errors],
        "counts": {
            key: float(np.mean([score["words"][key] for score in scores]))
            for key in (*ERRORS, "hits", "reference_words")
        },
        "seeds": [row["seed"] for row in group],
        "models": [row["model"] for row in group],
        "scores": [row["score"] for row in group],
        "hypotheses": [row["hypotheses"] for row in group],
    }


def reference_words(table: dict[str, dict], ids: list[str]) -> np.ndarray:
    """Return the reference words [n_utterances] of a score's utterances."""
    return np.array([table[i]["reference_words"] for i in ids])


def check_same_references(
    ids: list[str], words: np.ndarray, table: dict[str, dict], path: str, first_path: str
) -> None:
    """Refuse a score of other utterances, or of other references, than the first's."""
    if different := set(ids) ^ set(table):
        raise InputError(
            f"{path} and {first_path} are not about the same test set: {len(different)} utterances"
            f" are in only one of them, first {min(different)!r}; score both on one manifest"
        )
    changed = np.flatnonzero(reference_words(table, ids) != words)
    if len(changed):
        raise InputError(
            f"{path} and {first_path} have different references: {len(changed)} utterances differ"
            f" in their number of words, first {ids[changed[0]]!r}; score both on one manifest"
        )


def choose_scaling_coefficients(dev_rows: Iterable[dict]) -> dict[tuple, dict]:
    """Return per ``vector_of`` the dev row of the chosen scaling coefficient.

    It has the lowest WER, averaged over the seeds; among equal ones the coefficient is the lowest.
    """
    chosen: dict[tuple, dict] = {}
    ordered = sorted(dev_rows, key=lambda row: (row["wer"], row["scaling_coefficient"]))
    for row in ordered:
        chosen.setdefault(vector_of(row), row)
    return chosen


def chosen_on(dev_row: dict) -> str:
    """Say on what a scaling coefficient was chosen, and how many target recordings that took."""
    recordings = f"{len(dev_row['ids'])} target recordings"
    if dev_row["speech"] != "real":
        recordings = "no target recordings"
    return (
        f"chosen on {dev_row['target']} dev ({dev_row['speech']} speech), which uses {recordings}"
    )


def compare(rates: np.ndarray, to: np.ndarray, difference: float, confidence: float) -> dict:
    """Return a paired difference of WERs with its interval and p, from resampled WERs."""
    low, high = interval(rates - to, confidence)
    return {
        "difference": difference,
        "interval": [low, high],
        "p": two_sided_p(rates - to),
        "significant": low > 0 or high < 0,
    }


def summarize_target(
    name: str,
    rows: list[dict],
    dev_rows: list[dict],
    resamples: int,
    seed: int,
    confidence: float = CONFIDENCE,
    group_by: str | None = None,
) -> dict:
    """Return a target's table: every test row with interval and paired differences."""
    first = rows[0]
    for row in rows:
        table = dict(zip(row["ids"], row["utterance_rows"], strict=True))
        check_same_references(
            first["ids"], first["reference_words"], table, row["scores"][0], first["scores"][0]
        )
    rates = resampled_rates(
        np.stack([row["errors"] for row in rows]),
        first["reference_words"],
        groups_of(first, group_by),
        resamples,
        seed,
    )
    chosen = choose_scaling_coefficients(dev_rows)
    dev_of = {identity_of(row): row for row in dev_rows}
    several_tts = len({row["tts"] for row in rows if row["tts"]}) > 1
    table = []
    for index, row in enumerate(rows):
        dev, choice = dev_of.get(identity_of(row)), chosen.get(vector_of(row))
        is_chosen = (
            choice is not None and choice["scaling_coefficient"] == row["scaling_coefficient"]
        )
        entry = {
            key: row[key]
            for key in (
                "arm", "tts", "vector", "scaling_coefficient", "vector_on", "window",
                "target_recordings", "wer", "cer", "wer_against_raw_references", "counts", "seeds",
                "wer_of_seeds", "models", "scores", "hypotheses",
            )
        }  # fmt: skip
        entry |= {
            "label": label(row, several_tts),
            "wer_interval": list(interval(rates[index], confidence)),
            "chosen": is_chosen,
            "chosen_on": chosen_on(dev) if is_chosen else None,
            "dev_wer": dev and dev["wer"],
            "dev_scores": dev["scores"] if dev else [],
            "target_recordings_for_choice": (
                len(dev["ids"]) if is_chosen and dev["speech"] == "real" else 0
            ),
        }
        for key, arm in (("versus_pretrained", PRETRAINED), ("versus_baseline", CONTINUED)):
            other = reference_row(rows, row, arm)
            entry[key] = None
            if other is not None and other != index:
                difference = row["wer"] - rows[other]["wer"]
                entry[key] = compare(rates[index], rates[other], difference, confidence)
        table.append(entry)
    target = {
        "base": first["base"],
        "target": first["target"],
        "name": name,
        "speech": first["speech"],
        "manifest": first["manifest"],
        "utterances": len(first["ids"]),
        "words": int(first["reference_words"].sum()),
        "rows": table,
    }
    return target | {"plain_words": sentences(target)}


def reference_row(rows: list[dict], row: dict, arm: str) -> int | None:
    """Return the place of the row of ``arm`` that ``row`` is compared to: the one of its TTS."""
    of_arm = [i for i, other in enumerate(rows) if other["arm"] == arm]
    of_tts = [i for i in of_arm if rows[i]["tts"] in (row["tts"], None)]
    if not of_tts and row["tts"] is None and len(of_arm) == 1:
        of_tts = of_arm
    return of_tts[0] if of_tts else None


def groups_of(row: dict, key: str | None) -> list[str] | None:
    """Return each utterance's value of ``key`` (such as its speaker), by which it is resampled."""
    if key is None:
        return None
    missing = [utterance["id"] for utterance in row["utterance_rows"] if key not in utterance]
    if missing:
        raise InputError(
            f"{row['scores'][0]}: {len(missing)} utterances have no {key!r}, first {missing[0]!r};"
            " add it to the manifest, or resample by utterance"
        )
    return [str(utterance[key]) for utterance in row["utterance_rows"]]


def untested_target(name: str, checkpoints: list[dict]) -> dict:
    """Return the entry of a target without recordings: its checkpoints, and no WER."""
    several = len(checkpoints) > 1
    several_tts = len({row["tts"] for row in checkpoints}) > 1
    return {
        "base": checkpoints[0]["base"],
        "target": checkpoints[0]["target"],
        "name": name,
        "speech": None,
        "manifest": None,
        "utterances": 0,
        "words": 0,
        "rows": [],
        "checkpoints": [
            {"label": label(row, several_tts), "model": row["model"], "seed": row["seed"]}
            for row in checkpoints
        ],
        "plain_words": [
            f"{name} has texts and no recordings: {len(checkpoints)} adapted"
            f" checkpoint{'s were' if several else ' was'} written, and no WER can be given."
        ],
    }


def summarize(
    evaluations: list[dict], resamples: int = RESAMPLES, seed: int = 0, group_by: str | None = None
) -> dict[str, Any]:
    """Return the whole summary; rates and differences are fractions."""
    several_bases = len({row["base"] for row in evaluations}) > 1
    targets = []
    for base, name in dict.fromkeys((row["base"], row["target"]) for row in evaluations):
        of_target = [row for row in evaluations if (row["base"], row["target"]) == (base, name)]
        title = f"{name} ({base})" if several_bases else name
        checkpoints = [row for row in of_target if row["score"] is None]
        scored = gather(row for row in of_target if row["score"] is not None)
        dev = [row for row in scored if row["split"] == "dev"]
        for speech in dict.fromkeys(row["speech"] for row in scored if row["split"] == "test"):
            test = [row for row in scored if (row["split"], row["speech"]) == ("test", speech)]
            full = title if speech == "real" else f"{title}, spoken by {speech}"
            target = summarize_target(full, test, dev, resamples, seed, group_by=group_by)
            targets.append(target | {"checkpoints": []})
        if checkpoints:
            targets.append(untested_target(title, checkpoints))
    return {
        "confidence": CONFIDENCE,
        "resamples": resamples,
        "resampled_by": group_by or "utterance",
        "seed": seed,
        "targets": targets,
    }


def flat(target: dict, row: dict) -> dict[str, Any]:
    """Return a row as the TSV file has it: fractions, and empty where there is nothing."""
    cells = {key: row.get(key) for key in COLUMNS} | {
        "base": target["base"],
        "target": target["target"],
        "speech": target["speech"],
        "chosen": "yes" if row["chosen"] else "no",
        "wer_low": row["wer_interval"][0],
        "wer_high": row["wer_interval"][1],
        "utterances": target["utterances"],
        "words": target["words"],
        "seeds": ",".join(map(str, row["seeds"])),
    }
    for name in ("versus_pretrained", "versus_baseline"):
        comparison = row[name] or {"difference": None, "interval": (None, None), "p": None}
        cells |= {
            name: comparison["difference"],
            f"{name}_low": comparison["interval"][0],
            f"{name}_high": comparison["interval"][1],
            f"{name}_p": comparison["p"],
        }
    return cells


def write_tsv(path: Path, summary: dict) -> None:
    """Write one line per row of the table; a target without WER has a line without numbers."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n", restval="")
        writer.writeheader()
        for target in summary["targets"]:
            for row in target["rows"]:
                writer.writerow(flat(target, row))
            for checkpoint in target["checkpoints"]:
                writer.writerow(
                    {"base": target["base"], "target": target["target"]}
                    | {"arm": checkpoint["label"], "utterances": 0}
                )


def main(argv: list[str] | None = None) -> None:
    """Summarize an experiment, or print its summary again."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--evaluations", type=Path, help="what was evaluated (JSON, from experiment.py)")
    add("--output-json", type=Path, help="summary to write, all of it (rates are fractions)")
    add("--output-tsv", type=Path, help="summary to write, one line per row of the table")
    add("--resamples", type=int, default=RESAMPLES, help=f"of the bootstrap (default {RESAMPLES})")
    add("--seed", type=int, default=0, help="of the bootstrap (default 0)")
    add("--group-by", help="manifest key to resample by, such as speaker (default: by utterance)")
    add("--show", type=Path, help="print this summary (JSON) and do nothing else")
    options = parser.parse_args(argv)
    if options.show:
        print_summary(read_json(options.show, "write it with --evaluations"))
        return
    if not (options.evaluations and options.output_json and options.output_tsv):
        parser.error("--evaluations, --output-json and --output-tsv go together")
    if options.resamples < 100:
        raise InputError(f"--resamples is {options.resamples}; an interval needs at least 100")

    evaluations = read_evaluations(options.evaluations)
    summary = summarize(evaluations, options.resamples, options.seed, options.group_by)
    with atomic_path(options.output_json) as temporary:
        text = json.dumps(summary, indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    write_tsv(options.output_tsv, summary)
    print_summary(summary)
    inputs = [options.evaluations, *(row["score"] for row in evaluations if row["score"])]
    parameters = {
        "resamples": options.resamples,
        "seed": options.seed,
        "group_by": options.group_by,
    }
    lineage.record(__file__, [options.output_json, options.output_tsv], inputs, parameters)


if __name__ == "__main__":
    run(main)
