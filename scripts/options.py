"""Command lines: what a number must be, by the option's name, and one line on what is wrong."""

import argparse
from typing import Any, NoReturn

from errors import InputError

SHOWN = 60  # characters of a value in a message
SEEDS = (0, 2**32 - 1)
MANY = (0, 1_000_000)
AT_ONCE = (0, 1024)  # threads, processes, files
BATCH = (1, 4096)
SECONDS = (0.001, 3600)
FACTOR = (-1000, 1000)
BOUNDS: dict[str, tuple[float, float]] = {  # lowest and highest: all that costs has them
    "--batch-size": BATCH,
    "--changed": MANY,
    "--cluster": (1, 1000),
    "--clusters": (1, 1000),
    "--constant": FACTOR,
    "--depth": MANY,
    "--epochs": (0, 10_000),
    "--examples": (0, 1000),
    "--fewest": MANY,
    "--jobs": (1, 1024),
    "--learning-rate": (1e-12, 1),
    "--length-bounds": MANY,
    "--max-cer": (0, 1000),
    "--max-clipping": (0, 1),
    "--max-duration": (0, 3600),
    "--max-failures": (0, 1),
    "--max-length": (1, 448),
    "--max-silence": (0, 1),
    "--max-speaking-rate": (0, 1000),
    "--max-steps": (0, 10_000_000),
    "--max-utterances": (1, 1_000_000),
    "--min-duration": (0, 3600),
    "--min-log-probability": (-1000, 0),
    "--min-speaking-rate": (0, 1000),
    "--min-words": (1, 1000),
    "--most": MANY,
    "--number": (1, 1_000_000),
    "--pitch": (0, 99),
    "--processes": AT_ONCE,
    "--rate": (1, 1000),
    "--readers": AT_ONCE,
    "--resamples": (1, 1_000_000),
    "--samples-per-text": (1, 1000),
    "--scaling-coefficient": FACTOR,
    "--seed": SEEDS,
    "--select": MANY,
    "--shard": (1, 1000),
    "--shards": (1, 1000),
    "--share": (0, 1),
    "--speed-range": (0.1, 10),
    "--temperature": (0.001, 10),
    "--terms-bonus": (0, 100),
    "--texts-weight": (0, 100),
    "--threads": AT_ONCE,
    "--utterances": MANY,
    "--window": SECONDS,
}


class Parser(argparse.ArgumentParser):
    """A parser that holds numbers to ``BOUNDS``, and says in one line what is wrong."""

    def add_argument(self, *names: Any, **about: Any) -> argparse.Action:
        """Add an option; one whose ``type`` is int or float is within its bounds."""
        if (kind := about.get("type")) in (int, float):
            least, most = BOUNDS[names[0]]
            about["type"] = lambda text: number(text, kind, least, most)
        return super().add_argument(*names, **about)

    def error(self, message: str) -> NoReturn:
        """Raise ``InputError``; ``--help`` lists what is right."""
        said = message.removeprefix("argument ")[:1000]
        raise InputError(f"{said}; {self.prog} --help lists the options")


def number(text: str, kind: type[int] | type[float], least: float, most: float) -> float:
    """Return the number that an option says, within bounds; a finite one, as they are."""
    try:
        value = kind(text) if text.isascii() and len(text) <= SHOWN else None
    except ValueError:
        value = None
    if value is None or "_" in text or not least <= value <= most:  # so is NaN
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
        words = "whole number" if kind is int else "number"
        raise argparse.ArgumentTypeError(f"{shown!r}; give a {words} from {least} to {most}")
    return value
