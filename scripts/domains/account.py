"""What is said of a prepared domain: counts, a test set that is shorter, a split without rows."""

from collections.abc import Iterable
from typing import Any

from domains.usable import TOLD, Counts, words
from errors import InputError
from files.audio import SAMPLING_RATE
from files.audio_file import UNKNOWN_SPEAKER


def summary(
    counts: Counts, rows: dict[str, list], texts: dict[str, list], language: str
) -> dict[str, Any]:
    """Return the content of ``counts.json``."""
    return {
        "read": counts.read,
        "left_out": dict(sorted((k, n) for k, n in counts.left_out.items() if n)),
        "sampling_rates": {str(rate): n for rate, n in sorted(counts.sampling_rates.items())},
        "below_16_kHz": sum(n for r, n in counts.sampling_rates.items() if r < SAMPLING_RATE),
        "more_than_one_channel": counts.more_than_one_channel,
        "without_speaker": sum(
            row["speaker"] == UNKNOWN_SPEAKER for split in rows.values() for row in split
        ),
        "unreadable": counts.unreadable[:TOLD],
        "out_of_bounds": {reason: names[:TOLD] for reason, names in counts.out_of_bounds.items()},
        "mended": {
            flaw: {"recordings": len(names), "first": names[:TOLD]}
            for flaw, names in counts.mended.items()
        },
        "left_out_of_given_test": dict(sorted((+counts.left_out_of_given_test).items())),
        "split_texts": counts.split_texts,
        "splits": {
            name: {
                "utterances": len(split),
                "words": sum(words(row["text"], language) for row in split),
                "speakers": len({row["speaker"] for row in split}),
                "minutes": round(sum(row["duration"] for row in split) / 60, 2),
            }
            for name, split in rows.items()
        },
        "texts": {name: len(split) for name, split in texts.items()},
    }


def shorter_test(name: str, counts: Counts) -> str:
    """Return that the test set is not the whole one that was given, and why."""
    reasons = ", ".join(f"{n} {why}" for why, n in sorted((+counts.left_out_of_given_test).items()))
    return (
        f"warning: domain {name}: {counts.left_out_of_given_test.total()} of the given test set are"
        f" left out ({reasons}), so its WER is not that of the whole set; mend them, or widen the"
        " domain's bounds to keep them"
    )


def check_not_empty(
    name: str, splits: dict[str, list], counts: Counts, needed: Iterable[str] = ("train",)
) -> None:
    """Refuse a domain of which nothing is left in a split that is needed."""
    for split in needed:
        if not splits[split]:
            reasons = ", ".join(f"{n} {reason}" for reason, n in counts.left_out.items() if n)
            raise InputError(
                f"domain {name}: nothing is left for {split} of {counts.read}"
                f" (left out: {reasons or 'none'}); lower dev and test, or widen the bounds"
            )
