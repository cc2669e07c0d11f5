"""What every text-to-speech engine is asked, what it gives, and what all of them check first."""

import hashlib
import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from errors import InputError

RANDOM = "random"  # for --voices: one of all that the engine has


class Unspeakable(Exception):
    """An utterance that an engine can't say; the message says why."""


@dataclass(frozen=True)
class Request:
    """An utterance to be spoken: all that is drawn for it. ``text`` is a row of the texts."""

    id: str
    text: dict
    voice: str
    speed: float
    seed: int

    @property
    def spoken(self) -> str:
        """The words to be said."""
        return str(self.text["spoken"])


@dataclass(frozen=True)
class Speech:
    """An engine's waveform, float32 [n_samples]; ``capped`` if its length limit cut it off."""

    waveform: np.ndarray
    capped: bool = False


@dataclass(frozen=True)
class Setup:
    """What the user says about an engine; what is None or "auto" is left to the engine."""

    resources: Path
    voices: Sequence[str]
    threads: int = 1
    batch_size: int = 1
    precision: str = "auto"
    speakers: Path | None = None
    language: str | None = None
    rate: int | None = None  # words/minute
    pitch: int | None = None  # 0 to 99


@dataclass(frozen=True)
class Engine:
    """A loaded engine.

    ``speak`` says a batch: a ``Speech`` or an ``Unspeakable`` for each request, which must be the
    same for the same batch whatever was said before. ``batch_key`` of a request is the same for
    requests that can be said together. ``voices`` are those to draw from. An engine of
    ``letters_only`` has no tokens for digits: it is given its texts in words. ``files``,
    ``packages`` and ``settings`` are all that shapes the waveform besides the batch and the code.
    """

    speak: Callable[[Sequence[Request]], list[Speech | Unspeakable]]
    sampling_rate: int  # Hz
    voices: Sequence[str]
    batch_key: Callable[[Request], str] = lambda request: ""
    has_speed: bool = False
    letters_only: bool = False
    files: Sequence[Path] = ()
    packages: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def one_by_one(speak: Callable[[Request], np.ndarray]) -> Callable[..., list[Speech | Unspeakable]]:
    """Return the ``speak`` of an engine that says one utterance at a time."""

    def speak_all(batch: Sequence[Request]) -> list[Speech | Unspeakable]:
        return [spoken_or_not(speak, request) for request in batch]

    return speak_all


def spoken_or_not(speak: Callable[[Request], np.ndarray], request: Request) -> Speech | Unspeakable:
    """Return an utterance, or why it can't be said."""
    try:
        return Speech(speak(request))
    except Unspeakable as reason:
        return reason


def seed_of(batch: Sequence[Request]) -> int:
    """Return the seed, of 32 bits, of utterances that are said together: all of theirs count."""
    seeds = " ".join(str(request.seed) for request in batch)
    return int.from_bytes(hashlib.sha256(seeds.encode()).digest()[:4], "big")


def chosen_voices(voices: Sequence[str], known: Sequence[str], where: str) -> list[str]:
    """Return the voices to draw from; ``InputError`` for the first that is not known."""
    if list(voices) == [RANDOM]:
        if not known:
            raise InputError(f"{where}: no voices at all to draw from")
        return list(known)
    if RANDOM in voices:
        raise InputError(f"--voices: {RANDOM!r} means all voices; give it alone")
    check_voices(voices, known, where)
    return list(voices)


def check_voices(voices: Sequence[str], known: Sequence[str], where: str) -> None:
    """Raise ``InputError`` for the first voice that is not known."""
    unknown = [voice for voice in voices if voice not in known]
    if unknown:
        some = ", ".join(list(known)[:40]) + (f", ... ({len(known)})" if len(known) > 40 else "")
        raise InputError(f"{where}: no voice {unknown[0]!r}; there are {some or 'none at all'}")


def check_files(paths: Sequence[Path]) -> None:
    """Raise ``InputError`` for the first file that is missing."""
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise InputError(f"{missing[0]}: no such file; fetch the engine's artifact (fetch.py)")


def check_unused(engine: str, setup: Setup, *names: str) -> None:
    """Raise ``InputError`` for the first option, of ``names``, that was given for nothing."""
    for name in names:
        if getattr(setup, name) != getattr(Setup, name, None):
            option = f"--{name.replace('_', '-')}"
            raise InputError(
                f"{option} {getattr(setup, name)}: engine {engine} has no use for it; leave it out"
            )


def installed(*packages: str) -> dict[str, str]:
    """Return the versions of packages."""
    return {package: importlib.metadata.version(package) for package in packages}
