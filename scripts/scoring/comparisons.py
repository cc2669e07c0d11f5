"""Models on one test set: intervals of their error rates, and paired differences with p values."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from errors import InputError
from matrix import CONTINUED
from paths import PRETRAINED
from scoring.bootstrap import interval, resampled_rates, two_sided_p, units_of
from scoring.scored import check_same_references
from scoring.significance import holm, mapsswe

COMPARISONS = ("versus_pretrained", "versus_baseline", "versus_without_vector")
FEWEST_SPEAKERS = 10  # an interval from fewer says little of other speakers


class TestSet:
    """Rows that are scored on the same utterances, and their rates on the same drawn test sets."""

    def __init__(self, rows: list[dict], settings: dict[str, Any]):
        self.rows, self.first = rows, rows[0]
        self.confidence = settings["confidence"]
        for row in rows:
            table = dict(zip(row["ids"], row["utterance_rows"], strict=True))
            check_same_references(
                self.first["ids"],
                self.first["reference_words"],
                table,
                row["scores"][0],
                self.first["scores"][0],
            )
        self.units = drawn_units(self.first, settings["resampled_by"])
        self._resample = (self.units, settings["resamples"], settings["seed"])
        self.rates = self._rates("errors", "reference_words")

    def _rates(self, errors: str, whole: str) -> np.ndarray:
        counts = np.stack([row[errors] for row in self.rows])
        try:
            return resampled_rates(counts, self.first[whole], *self._resample)
        except ValueError as error:
            score = self.first["scores"][0]
            raise InputError(f"{score}: {error}; test on more utterances with words") from None

    def wer_interval(self, index: int) -> list[float]:
        """Return the interval of a row's WER."""
        return list(interval(self.rates[index], self.confidence))

    def measured(self) -> Iterator[dict]:
        """Yield for each row its intervals, and its differences from the arms it is compared to."""
        characters = self._rates("character_errors", "reference_characters")
        for index, row in enumerate(self.rows):
            yield {
                "wer_interval": self.wer_interval(index),
                "cer_interval": list(interval(characters[index], self.confidence)),
            } | {
                name: self.compare(index, self.index_of(row, arm))
                for name, arm in zip(COMPARISONS, compared_to(row), strict=True)
            }

    def compare(self, index: int, other: int | None) -> dict | None:
        """Return a row's paired difference from another; None if there is none but itself."""
        if other is None or other == index:
            return None
        difference = self.rates[index] - self.rates[other]
        low, high = interval(difference, self.confidence)
        row, reference = self.rows[index], self.rows[other]
        return {
            "difference": row["wer"] - reference["wer"],
            "interval": [low, high],
            "p": two_sided_p(difference),
            "p_adjusted": None,
            "significant": False,
            "mapsswe_p": mapsswe(row["errors"], reference["errors"], self.units),
        }

    def index_of(self, row: dict, arm: str | None) -> int | None:
        """Return the place of the row of ``arm`` that ``row`` is compared to: of its TTS."""
        of_arm = [i for i, other in enumerate(self.rows) if other["arm"] == arm]
        of_tts = [i for i in of_arm if self.rows[i]["tts"] in (row["tts"], None)]
        if not of_tts and row["tts"] is None and len(of_arm) == 1:
            of_tts = of_arm
        return of_tts[0] if of_tts else None

    @property
    def size(self) -> dict[str, int]:
        """The numbers of utterances, reference words, and units that are drawn."""
        utterances = len(self.first["ids"])
        return {
            "utterances": utterances,
            "words": int(self.first["reference_words"].sum()),
            "units": utterances if self.units is None else len(set(self.units)),
        }


def union(rows: list[dict]) -> dict:
    """Return one row of a model on several test sets; what is in two of them counts once.

    An utterance is known by its domain and id: a group of domains and one of them overlap.
    """
    place_of: dict[str, tuple[dict, int]] = {}
    for row in rows:
        for index, (id, utterance) in enumerate(
            zip(row["ids"], row["utterance_rows"], strict=True)
        ):
            place_of.setdefault(f"{utterance.get('domain', row['domain'])}/{id}", (row, index))
    pooled = rows[0] | {"ids": list(place_of)}
    pooled["utterance_rows"] = [row["utterance_rows"][index] for row, index in place_of.values()]
    for key in ("errors", "reference_words"):
        pooled[key] = np.array([row[key][index] for row, index in place_of.values()])
    return pooled | {"wer": float(pooled["errors"].sum() / pooled["reference_words"].sum())}


def compared_to(row: dict) -> tuple[str, str, str | None]:
    """Return the arms of ``COMPARISONS``: pretrained, the paper's baseline, its own without vector.

    The last is null where there is no vector, or where it is one of the others.
    """
    own = row["vector_on"]
    return PRETRAINED, CONTINUED, None if own in (PRETRAINED, CONTINUED) else own


def drawn_units(row: dict, by: str) -> list[str] | None:
    """Return the unit of each utterance that is drawn with it, or None if each is one."""
    units = units_of(row["utterance_rows"], by, row["scores"][0])
    if by == "speaker" and len(set(units)) < FEWEST_SPEAKERS:
        raise InputError(
            f"{row['scores'][0]}: {len(set(units))} speakers are too few to be drawn from"
            f" ({FEWEST_SPEAKERS} at least); set resampled_by: sentence"
        )
    return units


def adjust(comparisons: list[dict], confidence: float) -> None:
    """Correct the p values of comparisons that are reported together, by Holm's method, in place.

    A difference is significant if its corrected p is below 1 - ``confidence``.
    """
    for comparison, p in zip(comparisons, holm([each["p"] for each in comparisons]), strict=True):
        comparison["p_adjusted"] = p
        comparison["significant"] = p < 1 - confidence
