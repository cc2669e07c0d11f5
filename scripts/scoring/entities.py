"""How many of the entities that a manifest annotates are heard wrong."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from scoring.alignment import WordError
from scoring.arms import Arm, Bootstrap, TestSet
from scoring.bootstrap import mean_over_seeds
from scoring.word_errors import normalised


class Entity(NamedTuple):
    """Where an utterance's entity stands: its reference words are ``start`` to ``end - 1``."""

    utterance: int
    type: str
    start: int
    end: int


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
