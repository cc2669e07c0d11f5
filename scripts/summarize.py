"""Put all scores of an experiment into one table, with intervals, and say what they show."""

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from errors import InputError, run
from files.atomic import atomic_path, check_outputs
from files.checksum import sha256
from lineages import leaks
from matrix import label
from paths import REAL
from records.writing import write_record
from reporting.summary_table import print_summary
from reporting.summary_tsv import write_tsv
from reporting.words import sentences
from scoring.bootstrap import CONFIDENCE, RESAMPLES
from scoring.choices import Choice, choices_of
from scoring.comparisons import COMPARISONS, TestSet, adjust
from scoring.forgetting import add_forgetting
from scoring.scored import gather, identity_of, one_language, read_evaluations, read_json, vector_of

CARRIED = (
    "arm", "tts", "vector", "scaling_coefficient", "vector_on", "window", "target_recordings",
    "wer", "cer", "wer_against_raw_references", "counts", "seeds", "wer_of_seeds", "seed_sd",
    "models", "scores", "hypotheses", "warnings",
)  # fmt: skip


def summarize_target(
    name: str,
    rows: list[dict],
    others: list[dict],
    settings: dict[str, Any],
    touched: leaks.Numbers | None = None,
) -> dict:
    """Return a target's table: every test row with interval, paired differences, gain and price.

    ``others`` are the gathered rows on which a coefficient may be chosen, or forgetting is seen.
    """
    test = TestSet(rows, settings)
    tried = [row for row in others if row["role"] in ("dev", "nested")]
    choices = choices_of(rows, tried, settings["chosen_on"], settings["constant"])
    table = table_of(test, choices, dev_wers(tried), settings, touched)
    adjust_for_all(table, settings["confidence"])
    add_forgetting(rows, table, others, settings)
    target = about_target(name, test, settings) | {
        "rows": table,
        "choices": [
            reported(arm, choice, of_arm, test)
            for arm, of_arm in choices.items()
            for choice in of_arm
        ],
    }
    return target | {"plain_words": sentences(target)}


def table_of(
    test: TestSet,
    choices: dict[tuple, list[Choice]],
    dev_wer: dict[tuple, float],
    settings: dict[str, Any],
    touched: leaks.Numbers | None,
) -> list[dict]:
    """Return the rows of a target's table, in the order of the test's."""
    several_tts = len({row["tts"] for row in test.rows if row["tts"]}) > 1
    table = []
    for measured, row in zip(test.measured(), test.rows, strict=True):
        entry = {"label": label(row, several_tts), "dev_wer": dev_wer.get(identity_of(row))}
        entry |= measured | about_choice(row, choices.get(vector_of(row), []))
        entry["evaluation"] = evaluation_id(row["scores"][0])
        entry["command"] = settings["again"].replace("{}", shlex.join(row["scores"]), 1)
        entry |= {key: row[key] for key in CARRIED}
        entry["leakage"] = touched and leaks.of_row(row["target"], entry, touched)
        table.append(entry)
    return table


def dev_wers(tried: list[dict]) -> dict[tuple, float]:
    """Return the WER of each model on the first dev speech that the config names."""
    of_dev = [row for row in tried if row["role"] == "dev"]
    return {identity_of(row): row["wer"] for row in reversed(of_dev)}  # the first one stays


def adjust_for_all(table: list[dict], confidence: float) -> None:
    """Adjust the p of all comparisons of a table together, without those of mere trials."""
    tested = [row[key] for row in table for key in COMPARISONS if not row["exploratory"]]
    adjust([comparison for comparison in tested if comparison], confidence)


def about_target(name: str, test: TestSet, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what a target's table says of its test set."""
    carried = ("base", "target", "speech", "manifest", "accepted_overlap")
    return {
        **{key: test.first[key] for key in carried},
        "name": name,
        **test.size,
        "resampled_by": settings["resampled_by"],
    }


def about_choice(row: dict, choices: list[Choice]) -> dict:
    """Return what is said of a row's coefficient, given the choices made for its arm."""
    scale = row["scaling_coefficient"]
    made = [choice for choice in choices if choice.scaling_coefficient == scale]
    primary = choices[0] if made and made[0] is choices[0] else None
    return {
        "choices": [choice.by for choice in made],
        "exploratory": scale is not None and not made,
        "chosen": primary is not None,
        "chosen_on": primary and primary.in_words(row["target"]),
        "dev_scores": primary.scores if primary else [],
        "target_recordings_for_choice": primary.recordings if primary else 0,
    }


def evaluation_id(score: str) -> str:
    """Return the beginning of a score's hash, by which its number is found in the lineage."""
    return sha256(score)[:12]


def reported(arm: tuple, choice: Choice, choices: list[Choice], test: TestSet) -> dict:
    """Return how a coefficient was chosen and what that loses against the target's recordings."""
    of_scale = {
        row["scaling_coefficient"]: index
        for index, row in enumerate(test.rows)
        if vector_of(row) == arm
    }
    index = of_scale[choice.scaling_coefficient]
    oracle = next((other for other in choices if other.by == REAL), None)
    versus_oracle = None
    if oracle and choice is not oracle:
        best = of_scale[oracle.scaling_coefficient]
        versus_oracle = test.compare(index, best) or {
            "difference": 0.0, "interval": [0.0, 0.0], "p": 1.0
        }  # fmt: skip
        versus_oracle = {key: versus_oracle[key] for key in ("difference", "interval", "p")}
    row = test.rows[index]
    return {
        **{key: row[key] for key in ("vector_on", "tts", "vector", "scaling_coefficient", "wer")},
        "by": choice.by,
        "uses_target_recordings": choice.recordings,
        "in_words": choice.in_words(row["target"]),
        "scores": choice.scores,
        "folds": [{"domain": k, "scaling_coefficient": v} for k, v in choice.folds.items()],
        "versus_oracle": versus_oracle,
    }


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
        "accepted_overlap": checkpoints[0]["accepted_overlap"],
        "utterances": 0,
        "words": 0,
        "units": 0,
        "resampled_by": None,
        "rows": [],
        "choices": [],
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
    evaluations: list[dict],
    settings: dict[str, Any],
    touched: leaks.Numbers | None = None,
) -> dict[str, Any]:
    """Return the whole summary; rates and differences are fractions.

    ``settings``: confidence, resamples, seed, resampled_by, chosen_on, constant, again; ``touched``
    is what leakage.py found.
    """
    several_bases = len({row["base"] for row in evaluations}) > 1
    targets, languages = [], {}
    for base, name in dict.fromkeys((row["base"], row["target"]) for row in evaluations):
        of_target = [row for row in evaluations if (row["base"], row["target"]) == (base, name)]
        title = f"{name} ({base})" if several_bases else name
        checkpoints = [row for row in of_target if row["score"] is None]
        scored = gather(row for row in of_target if row["score"] is not None)
        for row in scored:
            languages |= row["languages"]
        others = [row for row in scored if row["role"] != "test"]
        for speech in dict.fromkeys(row["speech"] for row in scored if row["role"] == "test"):
            test = [row for row in scored if (row["role"], row["speech"]) == ("test", speech)]
            full = title if speech == REAL else f"{title}, spoken by {speech}"
            target = summarize_target(full, test, others, settings, touched)
            targets.append(target | {"checkpoints": []})
        if checkpoints:
            targets.append(untested_target(title, checkpoints))
    carried = ("confidence", "resamples", "resampled_by", "seed")
    summary = {"language": one_language(languages)} | {key: settings[key] for key in carried}
    return summary | {"comparisons": "Holm", "targets": targets}


def main(argv: list[str] | None = None) -> None:
    """Summarize an experiment, or print its summary again."""
    parser = argparse.ArgumentParser(description=__doc__)
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
        print_summary(read_json(options.show, "write it with --evaluations"))
        return
    if not (options.evaluations and options.output_json and options.output_tsv):
        parser.error("--evaluations, --output-json and --output-tsv go together")
    if options.resamples < 100:
        raise InputError(f"--resamples is {options.resamples}; an interval needs at least 100")

    outputs = [options.output_json, options.output_tsv]
    inputs = [options.evaluations, *([options.leakage] if options.leakage else [])]
    check_outputs(outputs, inputs)
    evaluations = read_evaluations(options.evaluations)
    scores = dict.fromkeys(row["score"] for row in evaluations if row["score"])
    check_outputs(outputs, scores)
    told = ("resamples", "seed", "resampled_by", "chosen_on", "constant", "again")
    settings = {"confidence": CONFIDENCE} | {key: getattr(options, key) for key in told}
    touched = None
    if options.leakage:
        found = read_json(options.leakage, "write it with leakage.py")
        touched = leaks.by_number(found["evaluations"])
    summary = summarize(evaluations, settings, touched)
    with atomic_path(options.output_json) as temporary:
        text = json.dumps(summary, indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    write_tsv(options.output_tsv, summary)
    print_summary(summary)
    del settings["again"]  # told, and shapes no number
    write_record(__file__, outputs, [*inputs, *scores], settings)


if __name__ == "__main__":
    run(main)
