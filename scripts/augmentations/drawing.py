"""What is drawn for a copy of an utterance: its speed, room, noise, telephone and channel."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augmentations.settings import Augmentation, Interval
from errors import InputError
from files.checksum import sha256


@dataclass(frozen=True)
class Folder:
    """Recordings to draw from: a folder, and the names in it."""

    path: Path
    names: list[str]
    hashes: dict[str, str] = field(default_factory=dict)  # of those asked for: many are shared

    def pick(self, chance: float) -> str:
        """Return the name at a fraction of the list."""
        return self.names[int(chance * len(self.names))]

    def sha256(self, name: str) -> str:
        """Return the hash of a file, which is read once."""
        if name not in self.hashes:
            self.hashes[name] = sha256(self.path / name)
        return self.hashes[name]


def read_folder(path: str, option: str, kind: str, settings: Augmentation) -> Folder:
    """Return the wav and flac files below a folder, sorted."""
    if getattr(settings, kind) is None:
        raise InputError(f"{option} {path}: the settings do not name {kind!r}; add it there")
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"{option} {path}: no such folder")
    names = sorted(
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.suffix.lower() in (".wav", ".flac") and not file.name.startswith(".")
    )
    if not names:
        raise InputError(f"{option} {path}: no .wav or .flac file in it or below it")
    return Folder(folder, names)


def draw(
    utterance: dict,
    copy: int,
    settings: Augmentation,
    folders: Mapping[str, Folder],
    seed: int,
    max_duration: float,
    likenesses: Sequence[Mapping[str, Any]] = (),
) -> dict:
    """Return what is to be done to a copy (from 1) of an utterance: kinds and their values.

    ``folders`` are those of the rooms and noises that are recordings, by kind; ``likenesses`` the
    values of the source's recordings, of which one gives all of its own.
    """

    def chance(*what: str) -> float:
        names = (seed, utterance["id"], copy, *what)
        digest = hashlib.sha256("\0".join(map(str, names)).encode()).digest()
        return int.from_bytes(digest[:6], "big") / 2**48  # in [0, 1), and exact

    def between(interval: Interval, digits: int, *what: str) -> float:
        low, high = interval
        return round(low + (high - low) * chance(*what), digits)

    def number(kind: str) -> int:
        return int(chance(kind, "seed") * 2**32)

    drawn: dict = {}
    if (speed := settings.speed) and chance("speed") < speed.probability:
        fits = math.ceil(100 * utterance["duration"] / max_duration) / 100
        drawn["speed"] = max(between(speed.factor, 2, "speed", "factor"), fits)
    if (room := settings.room) and chance("room") < room.probability:
        if "room" in folders:
            drawn["room"] = {"file": folders["room"].pick(chance("room", "file"))}
        else:
            drawn["room"] = {
                "rt60": between(room.rt60, 3, "room", "rt60"),
                "drr": between(room.drr, 1, "room", "drr"),
                "seed": number("room"),
            }
    if (noise := settings.noise) and chance("noise") < noise.probability:
        drawn["noise"] = {"snr": between(noise.snr, 1, "noise", "snr")}
        if "noise" in folders:
            file = folders["noise"].pick(chance("noise", "file"))
            drawn["noise"] |= {"file": file, "start": chance("noise", "start")}
        else:
            drawn["noise"]["seed"] = number("noise")
    if (telephone := settings.telephone) and chance("telephone") < telephone.probability:
        codecs = telephone.codecs
        drawn["telephone"] = codecs[int(chance("telephone", "codec") * len(codecs))]
    if (like := settings.like_source) and chance("like_source") < like.probability:
        one = likenesses[int(chance("like_source", "recording") * len(likenesses))]
        drawn["like_source"] = {**one, "seed": number("like_source")}
    return drawn


def named_copies(utterance: dict, settings: Augmentation) -> list[tuple[str, int]]:
    """Return the id and the number (from 1) of each copy of an utterance, 0 for the clean one."""
    if settings.copies == 1 and not settings.keep_clean:
        return [(utterance["id"], 1)]
    clean = [(utterance["id"], 0)] if settings.keep_clean else []
    copies = range(1, settings.copies + 1)
    return clean + [(f"{utterance['id']}-augmented{copy}", copy) for copy in copies]
