"""Names that become file names: what users may call things, and how such names are read."""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import ClassVar, Self

from errors import InputError

MAX_LENGTH = 64
NOTHING = "(?!)"  # the pattern that matches no text
BESIDE = {  # letters and digits, in a name of each kind; domains and TTS are joined by hyphens
    "experiment": "_-",
    "base model": "._-",
    "artifact": "._-",
    "domain": "_",
    "tts": "_",
}
JOINED = (  # words that stand beside the names of domains and TTS, or in their place
    "after", "all", "augmented", "cluster", "clusters", "complement", "constant", "domains", "each",
    "engines", "except", "mixed", "pooled", "pretrained", "pseudo", "real", "source", "sources",
    "with",
)  # fmt: skip
RESERVED = {"experiment": ("slurm_jobs",), "domain": JOINED, "tts": JOINED}


def check_name(name: str, kind: str) -> str:
    """Return a name of some kind, or raise ``InputError`` if it can't stand in a file name."""
    beside = BESIDE[kind]
    pattern = rf"[a-z0-9][a-z0-9{re.escape(beside)}]{{0,{MAX_LENGTH - 1}}}"
    if not re.fullmatch(pattern, name) or ".." in name:
        raise InputError(
            f"{name[: MAX_LENGTH + 1]!r} can't be a name here: it becomes a file name, so begin it"
            f" with a letter or digit and go on with those or {' '.join(beside)} (a to z only, no"
            f" two dots in a row, {MAX_LENGTH} characters at most)"
        )
    if name in RESERVED.get(kind, ()):
        raise InputError(
            f"{name!r} can't be a name here: in file names or in the config it means something else"
            f" (so does each of {', '.join(RESERVED[kind])}); choose another"
        )
    return name


def name_of(kind: str) -> Callable[[str], str]:
    """Return what checks a command's option that is a name of some kind (argparse's ``type``)."""
    return partial(check_name, kind=kind)


def one_of(names: Iterable[str]) -> str:
    """Return the pattern of a wildcard that has one of these values."""
    return "|".join(map(re.escape, names)) or NOTHING


def matched(pattern: str, text: str) -> re.Match:
    """Return the match of a whole text; raise ``InputError`` if there is none."""
    if not (match := re.fullmatch(pattern, text)):
        raise InputError(f"{text!r} is not of the form {pattern}")
    return match


class Name:
    """What all names share: ``parse``, the inverse of ``str()``."""

    WHAT: ClassVar[str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what a name says; raise ``InputError`` for a text that is no name of this kind."""
        with suppress(InputError, ValueError):
            if str(name := cls._read(text)) == text:
                return name
        raise InputError(f"{text!r} is no name of {cls.WHAT}")

    @classmethod
    def _read(cls, text: str) -> Self:
        """Return what a name says; raise ``ValueError`` or ``InputError`` if it is none."""
        raise NotImplementedError
