"""Say where the errors are: by speaker, microphone and length, by rare word, entity and confusion.

Arms are those of a summary, each task vector with its chosen scaling coefficient. Errors of an arm
are averaged over its seeds, for each utterance; arms are compared on the same drawn test sets.
"""

import argparse
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from errors import InputError, run
from files.atomic import atomic_path, check_outputs
from files.manifest import read_jsonl, read_manifest
from paths import PRETRAINED
from records.record import write_record
from reporting.words import main_rows
from scoring.alignment import WordError, character_errors, pieces, word_errors
from scoring.bootstrap import CONFIDENCE, interval, mean_over_seeds, resampled_rates, units_of
from scoring.checks import check_same_ids
from scoring.scored import language_of, read_json
from scoring.word_errors import normalised, spelt

RESAMPLES = 1_000  # of the bootstrap: cells are many, and none of them is a headline
LARGEST = 30  # values in a table
BY = ("domain", "speaker", "microphone", "gender", "native", "scenario")
LENGTHS = (5, 10, 15)  # words
READ_AS = {True: "yes", False: "no", None: "unknown"}


@dataclass(frozen=True)
class Arm:
    """What a system heard: ``heard`` (normalised), its word ``errors`` and the number of its
    ``character_errors``, each [n_seeds][n_utterances].
    """

    label: str
    heard: list[list[str]]
    errors: list[list[list[WordError]]]
    character_errors: list[list[int]]


@dataclass(frozen=True)
class TestSet:
    """A target's test utterances, their normalised references, and what the shown arms heard.

    ``units`` are the units of resampling, one label per utterance; texts are normalised as
    ``language`` needs it.
    """

    target: dict
    utterances: list[dict]
    references: list[str]
    units: np.ndarray
    arms: list[Arm]
    language: str

    @property
    def words(self) -> np.ndarray:
        """Reference words, int [n_utterances]."""
        return np.array([len(reference.split()) for reference in self.references])

    @property
    def characters(self) -> np.ndarray:
        """Reference characters, spaces included if the language has them, int [n_utterances]."""
        return np.array([len(spelt(reference, self.language)) for reference in self.references])


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are drawn: number of test sets, seed, and how much lies in the interval."""

    resamples: int = RESAMPLES
    seed: int = 0
    confidence: float = CONFIDENCE

    def rates(self, errors: np.ndarray, words: np.ndarray, units: np.ndarray) -> "Rates":
        """Return the rates of the arms, from errors [n_arms, n] per words [n], in ``units`` [n].

        There is no interval with fewer than 2 units, or if a drawn test set has no words at all.
        """
        if not words.sum():
            return Rates([None] * len(errors), None, self.confidence)
        pooled = (errors.sum(axis=1) / words.sum()).tolist()
        drawn = None
        if len(np.unique(units)) > 1:
            with suppress(ValueError):  # too few units have any words
                drawn = resampled_rates(errors, words, units, self.resamples, self.seed)
        return Rates(pooled, drawn, self.confidence)


@dataclass(frozen=True)
class Rates:
    """Pooled rates of the arms, null without words, and resampled ones [n_arms, resamples]."""

    pooled: list[float | None]
    drawn: np.ndarray | None
    confidence: float

    def cells(self, name: str = "wer") -> list[dict]:
        """Return each arm's rate with its interval."""
        return [
            {name: rate, "interval": self._interval(arm)} for arm, rate in enumerate(self.pooled)
        ]

    def versus_first(self) -> list[dict | None]:
        """Return each arm's paired difference to the first, which itself has none."""
        first = self.pooled[0]
        return [
            {"difference": rate - first, "interval": self._interval(arm, minus=0)}
            if arm and first is not None
            else None
            for arm, rate in enumerate(self.pooled)
        ]

    def _interval(self, arm: int, minus: int | None = None) -> list[float] | None:
        if self.drawn is None:
            return None
        values = self.drawn[arm] if minus is None else self.drawn[arm] - self.drawn[minus]
        return list(interval(values, self.confidence))


class Entity(NamedTuple):
    """Where an utterance's entity stands: its reference words are ``start`` to ``end - 1``."""

    utterance: int
    type: str
    start: int
    end: int


def shown_rows(target: dict) -> list[dict]:
    """Return a target's rows, the pretrained model's first, vectors as they were chosen only."""
    return sorted(main_rows(target), key=lambda row: row["arm"] != PRETRAINED)


def per_utterance(
    arms: Sequence[Arm], measure: Callable[[list[WordError]], float] = len
) -> np.ndarray:
    """Return float [n_arms, n_utterances]: a measure of an utterance's errors, mean over seeds."""
    return np.stack(
        [
            mean_over_seeds(np.array([[measure(errors) for errors in seed] for seed in arm.errors]))
            for arm in arms
        ]
    )


def tables(
    test: TestSet, keys: Iterable[str], bounds: Sequence[int], bootstrap: Bootstrap
) -> Iterator[dict]:
    """Yield the table of each manifest key that has several values, and the table by length."""
    for key in keys:
        values = [as_read(row.get(key)) for row in test.utterances]
        sizes = Counter(values)
        if len(sizes) > 1:
            order = sorted(sizes, key=lambda value: (-sizes[value], value))
            yield table(test, key, values, order, bootstrap)
    names = length_names(bounds)
    lengths = [names[bisect_left(bounds, words)] for words in test.words]
    if len(set(lengths)) > 1:
        order = [name for name in names if name in lengths]
        yield table(test, "length", lengths, order, bootstrap)


def as_read(value: Any) -> str:
    """Return a manifest's value as a reader finds it in a table."""
    return READ_AS[value] if value is None or isinstance(value, bool) else str(value)


def length_names(bounds: Sequence[int]) -> list[str]:
    """Return what lengths up to each bound are called: 5 and 10 make "1-5", "6-10" and "11+".

    A reference without words is with the shortest.
    """
    lows = [1, *(bound + 1 for bound in bounds)]
    return [f"{low}-{high}" for low, high in zip(lows[:-1], bounds, strict=True)] + [f"{lows[-1]}+"]


def table(
    test: TestSet, by: str, values: list[str], order: list[str], bootstrap: Bootstrap
) -> dict:
    """Return WER and CER of the utterances with each value, the first ``LARGEST`` of ``order``."""
    errors, words, characters = per_utterance(test.arms), test.words, test.characters
    of_characters = np.stack([mean_over_seeds(arm.character_errors) for arm in test.arms])
    rows = []
    for value in order[:LARGEST]:
        mine = np.flatnonzero(np.array(values) == value)
        rates = bootstrap.rates(errors[:, mine], words[mine], test.units[mine])
        cer = bootstrap.rates(of_characters[:, mine], characters[mine], test.units[mine])
        rows.append(
            {
                "value": value,
                "utterances": len(mine),
                "words": int(words[mine].sum()),
                "cells": [
                    cell | {"cer": other["cer"], "cer_interval": other["interval"]}
                    for cell, other in zip(rates.cells(), cer.cells("cer"), strict=True)
                ],
                "versus_first": rates.versus_first(),
            }
        )
    return {"by": by, "rows": rows, "left_out": len(order) - len(rows)}


def rare_words(test: TestSet, vocabulary: set[str], bootstrap: Bootstrap) -> dict:
    """Return WERs over reference words outside (B-WER) and inside (U-WER) the vocabulary.

    A missed or substituted word counts where the reference's word belongs, an added one where it
    belongs itself (Le et al. 2021, arXiv 2104.02194, section 3).
    """

    def unseen_errors(errors: list[WordError]) -> int:
        return sum((error.reference or error.hypothesis) not in vocabulary for error in errors)

    unseen = per_utterance(test.arms, unseen_errors)
    unseen_words = np.array(
        [sum(word not in vocabulary for word in text.split()) for text in test.references]
    )
    parts = {
        "unseen": (unseen, unseen_words),
        "seen": (per_utterance(test.arms) - unseen, test.words - unseen_words),
    }
    return {"vocabulary": len(vocabulary)} | {
        name: {
            "words": int(words.sum()),
            "cells": bootstrap.rates(errors, words, test.units).cells(),
        }
        for name, (errors, words) in parts.items()
    }


def source_vocabulary(source: Iterable[dict], target: str, language: str) -> set[str]:
    """Return the normalised words of training utterances, without those of the target's domain.

    A source that is all other domains differs from target to target.
    """
    texts = {row["text"] for row in source if row["domain"] != target}
    return {word for text in texts for word in normalised(text, language).split()}


def entity_errors(test: TestSet, bootstrap: Bootstrap) -> dict | None:
    """Return how many entities are heard wrong, of all and of each type; null if there are none."""
    found, not_found = [], 0
    for index, row in enumerate(test.utterances):
        named, words = row.get("entities", []), test.references[index].split()
        here, lost = find_entities(index, named, words, test.language)
        found += here
        not_found += lost
    if not found:
        return None
    wrong = np.stack([wrongness(arm, found) for arm in test.arms])
    types = np.array([entity.type for entity in found])
    units = test.units[[entity.utterance for entity in found]]

    def cells(of: np.ndarray) -> list[dict]:
        return bootstrap.rates(wrong[:, of], np.ones(len(of)), units[of]).cells("error_rate")

    of_type = {name: np.flatnonzero(types == name) for name in sorted(set(types))}
    return {
        "entities": len(found),
        "not_found": not_found,
        "cells": cells(np.arange(len(found))),
        "by_type": [
            {"type": str(name), "entities": len(of), "cells": cells(of)}
            for name, of in sorted(of_type.items(), key=lambda item: -len(item[1]))
        ],
    }


def find_entities(
    utterance: int, annotated: list[dict], reference: list[str], language: str
) -> tuple[list[Entity], int]:
    """Return an utterance's entities, and how many are not among its reference's words.

    They are looked for in the order of the annotation, each behind the one before it. Numbers that
    the normaliser joins across an entity's end are why one may not be found.
    """
    found: list[Entity] = []
    for entity in annotated:
        words = normalised(entity["words"], language).split()
        behind = found[-1].end if found else 0
        starts = range(behind, len(reference) - len(words) + 1) if words else ()
        at = (start for start in starts if reference[start : start + len(words)] == words)
        if (start := next(at, None)) is not None:
            found.append(Entity(utterance, entity["type"], start, start + len(words)))
    return found, len(annotated) - len(found)


def wrongness(arm: Arm, entities: Sequence[Entity]) -> np.ndarray:
    """Return float [n_entities], 0 to 1: for how much of the seeds an entity was heard wrong."""
    return mean_over_seeds(
        np.array(
            [[is_wrong(each, seed[each.utterance]) for each in entities] for seed in arm.errors]
        )
    )


def is_wrong(entity: Entity, errors: Iterable[WordError]) -> bool:
    """Say whether a word of the entity is missed or substituted, or one is added inside it."""
    return any(
        entity.start + (error.reference is None) <= error.position < entity.end for error in errors
    )


def confusions(arm: Arm, most: int) -> dict[str, list[dict]]:
    """Return the most frequent errors of each kind, with their count in a test set (mean of seeds).

    Among equally frequent ones the first in the alphabet come first.
    """
    counts = Counter(
        (error.reference, error.hypothesis)
        for seed in arm.errors
        for errors in seed
        for error in errors
    )
    order = sorted(counts, key=lambda pair: (-counts[pair], pair[0] or "", pair[1] or ""))
    kinds = {
        "substitutions": [pair for pair in order if None not in pair],
        "deletions": [pair for pair in order if pair[1] is None],
        "insertions": [pair for pair in order if pair[0] is None],
    }
    return {
        kind: [confusion(pair, counts[pair] / len(arm.errors)) for pair in pairs[:most]]
        for kind, pairs in kinds.items()
    }


def confusion(pair: tuple[str | None, str | None], count: float) -> dict:
    """Return an error as the file has it: what is null in the pair is left out."""
    words = zip(("reference", "hypothesis"), pair, strict=True)
    return {key: word for key, word in words if word is not None} | {"count": count}


def best_adapted(rows: Sequence[dict]) -> int | None:
    """Return the place of the lowest WER among the rows, but the first, that saw target texts."""
    adapted = [i for i, row in enumerate(rows) if i and "target-synthetic" in row["arm"]]
    return min(adapted, key=lambda index: rows[index]["wer"], default=None)


def changed_utterances(test: TestSet, to: int | None, count: int) -> list[dict]:
    """Return what every arm's first seed heard where errors changed most from arm 0 to arm ``to``.

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
        {
            "id": test.utterances[i]["id"],
            "change": change[i],
            "reference": test.references[i],
            "audio_filepath": test.utterances[i]["audio_filepath"],
            "duration": test.utterances[i]["duration"],
            "heard": [
                {
                    "arm": arm.label,
                    "errors": errors[place][i],
                    "words": pieces(test.references[i], arm.heard[0][i]),
                }
                for place, arm in enumerate(test.arms)
            ],
        }
        for i in shown
    ]


def read_test_set(target: dict, resampled_by: str, language: str) -> TestSet:
    """Return a target's test set; refuse hypotheses that are not those of the summary."""
    rows, path = shown_rows(target), Path(target["manifest"])
    utterances = read_manifest(path)
    references = [normalised(row["text"], language) for row in utterances]
    heard = [
        [read_heard(file, utterances, path, language) for file in row["hypotheses"]] for row in rows
    ]
    pairs = {(r, h) for arm in heard for seed in arm for r, h in zip(references, seed, strict=True)}
    aligned, characters = word_errors(pairs), character_errors(pairs, language)

    def of_pairs(found: dict, texts: list[list[str]]) -> list[list]:
        return [[found[pair] for pair in zip(references, seed, strict=True)] for seed in texts]

    arms = [
        Arm(row["label"], texts, of_pairs(aligned, texts), of_pairs(characters, texts))
        for row, texts in zip(rows, heard, strict=True)
    ]
    with_reference = [
        row | {"reference": text} for row, text in zip(utterances, references, strict=True)
    ]
    units = units_of(with_reference, resampled_by, path) or [row["id"] for row in utterances]
    test = TestSet(target, utterances, references, np.array(units), arms, language)
    check_same_wer(test, rows)
    return test


def read_heard(hypotheses: str, utterances: list[dict], manifest: Path, language: str) -> list[str]:
    """Return the normalised hypotheses of a file, in the order of the manifest."""
    found = read_jsonl(hypotheses)
    check_same_ids(utterances, found, manifest, Path(hypotheses))
    text_of = {row["id"]: row["text"] for row in found}
    return [normalised(text_of[row["id"]], language) for row in utterances]


def check_same_wer(test: TestSet, rows: Sequence[dict]) -> None:
    """Refuse hypotheses whose WER is another than the summary's: they were scored before."""
    rates = per_utterance(test.arms).sum(axis=1) / test.words.sum()
    for row, rate in zip(rows, rates, strict=True):
        if abs(row["wer"] - rate) > 1e-6:
            raise InputError(
                f"{row['hypotheses'][0]}: {row['label']} has a WER of {rate:.4%} on"
                f" {test.target['manifest']}, but {row['wer']:.4%} in the summary; score the"
                " hypotheses again and summarize again"
            )


def break_down(
    test: TestSet, source: list[dict], options: argparse.Namespace, bootstrap: Bootstrap
) -> dict:
    """Return a target's part of the file."""
    vocabulary = source_vocabulary(source, test.target["target"], test.language)
    best = best_adapted(shown_rows(test.target))
    labels = [arm.label for arm in test.arms]
    return {
        "name": test.target["name"],
        "arms": labels,
        "tables": list(tables(test, options.by, options.length_bounds, bootstrap)),
        "rare_words": rare_words(test, vocabulary, bootstrap) if vocabulary else None,
        "entities": entity_errors(test, bootstrap),
        "confusions": [confusions(arm, options.most) for arm in test.arms],
        "changed_between": None if best is None else [labels[0], labels[best]],
        "changed": changed_utterances(test, best, options.changed),
    }


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's values, checked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
    summary = read_json(options.summary, "write it with summarize.py")
    source = [row for path in options.source_training for row in read_manifest(path)]
    targets = [target for target in summary["targets"] if shown_rows(target)]
    inputs = [options.summary, *options.source_training]
    for target in targets:
        inputs.append(target["manifest"])
        inputs += [path for row in shown_rows(target) for path in row["hypotheses"]]
    check_outputs([options.output], inputs)
    language = language_of(summary, options.summary, "summarize again")
    tests = [read_test_set(target, summary["resampled_by"], language) for target in targets]
    bootstrap = Bootstrap(options.resamples, summary["seed"], summary["confidence"])
    found = [break_down(test, source, options, bootstrap) for test in tests]
    with atomic_path(options.output) as temporary:
        text = json.dumps({"targets": found}, indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    utterances = sum(len(test.utterances) for test in tests)
    print(f"{options.output}: {len(tests)} targets, {utterances:,} utterances")

    names = ("length_bounds", "by", "most", "changed", "resamples")
    parameters = {name: getattr(options, name) for name in names}
    write_record(__file__, [options.output], inputs, parameters)


if __name__ == "__main__":
    run(main)
