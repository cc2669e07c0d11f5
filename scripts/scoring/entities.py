"""How many of the entities that a manifest annotates are heard wrong."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from scoring.alignment import WordError
from scoring.arms import ArmErrors, Bootstrap, TestSet
from scoring.bootstrap import mean_over_seeds
from scoring.breakdown_file import Entities, EntityErrorRate, EntityType
from scoring.word_errors import normalised


class Entity(NamedTuple):
    """Where an utterance's entity stands: its reference words are ``start`` to ``end - 1``."""

    utterance: int
    type: str
    start: int
    end: int


def entity_errors(test: TestSet, bootstrap: Bootstrap) -> Entities | None:
    """Return how many entities are heard wrong, of all and of each type; null if there are none."""
    entities: list[Entity] = []
    not_found = 0
    for index, row in enumerate(test.utterances):
        named, words = row.get("entities", []), test.references[index].split()
        of_utterance, lost = find_entities(index, named, words, test.language)
        entities += of_utterance
        not_found += lost
    if not entities:
        return None
    wrong = np.stack([wrongness(arm, entities) for arm in test.arms])
    types = np.array([entity.type for entity in entities])
    units = test.units[[entity.utterance for entity in entities]]

    def cells(of: np.ndarray) -> tuple[EntityErrorRate, ...]:
        rates = bootstrap.rates(wrong[:, of], np.ones(len(of)), units[of])
        return tuple(EntityErrorRate(*rate) for rate in rates.with_intervals())

    of_type = {name: np.flatnonzero(types == name) for name in sorted(set(types))}
    return Entities(
        entities=len(entities),
        not_found=not_found,
        cells=cells(np.arange(len(entities))),
        by_type=tuple(
            EntityType(str(name), len(of), cells(of))
            for name, of in sorted(of_type.items(), key=lambda item: -len(item[1]))
        ),
    )


def find_entities(
    utterance: int, annotated: list[dict[str, str]], reference: list[str], language: str
) -> tuple[list[Entity], int]:
    """Return an utterance's entities, and how many are not among its reference's words.

    They are looked for in the order of the annotation, each behind the one before it. Numbers that
    the normaliser joins across an entity's end are why one may not be found.
    """
    entities: list[Entity] = []
    for entity in annotated:
        words = normalised(entity["words"], language).split()
        behind = entities[-1].end if entities else 0
        starts = range(behind, len(reference) - len(words) + 1) if words else ()
        at = (start for start in starts if reference[start : start + len(words)] == words)
        if (start := next(at, None)) is not None:
            entities.append(Entity(utterance, entity["type"], start, start + len(words)))
    return entities, len(annotated) - len(entities)


def wrongness(arm: ArmErrors, entities: Sequence[Entity]) -> np.ndarray:
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
