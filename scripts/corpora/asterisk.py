"""Telephone prompts of the Asterisk exchange, in five languages: one voice each, and its script.

``core-sounds-en.txt`` (or ``.txt.gz``; or es, fr, it, ru) has lines ``name: text``; the recording
of a name is ``{name}.wav`` (8 kHz, 16-bit) or ``{name}.gsm`` (8 kHz, GSM 06.10 full rate, as on a
telephone line). Where both are in the folder, the GSM recording is taken. The topic of a prompt is
what its name begins with: a folder, or all before the first hyphen.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from corpora.files import AGAIN, find
from errors import InputError
from files.recording import Recording
from files.sound_file import read_channels
from files.text_file import read_text
from texts.languages import NAMES

CORPUS = "the Asterisk prompts"
LANDMARK = "vm-goodbye"  # a prompt of every release; its folder is the root of all names
FORMATS: dict[str, dict[str, Any]] = {
    ".gsm": {"format": "RAW", "subtype": "GSM610", "samplerate": 8_000, "channels": 1},
    ".wav": {},
}
GSM_FRAME = 33  # bytes for 20 ms
SPEAKERS = {"en": "allison", "es": "allison", "fr": "june", "it": "carlo", "ru": "ivrvoice"}
SYMBOLS = {  # as the voice says them
    "en": {"*": " star ", "#": " pound "},
    "es": {"*": " asterisco ", "#": " número "},
    "fr": {"*": " étoile ", "#": " dièse "},
    "it": {"*": " asterisco ", "#": " cancelletto "},
    "ru": {"*": " звёздочка ", "#": " решётка "},
}
SOUNDS = ("ascending-2tone", "beep", "beeperr", "confbridge-join", "confbridge-leave",
          "descending-2tone", "tt-monkeys")  # fmt: skip  # not words, though a script may have some
OTHER_WORDS = {  # than the script's has the recording, as Whisper base hears it
    "es": ("vm-record-prepend",),
    "fr": ("please-try-call-later",),
    "it": ("conf-adminmenu-18", "conf-muted", "confbridge-mute-in", "confbridge-mute-out",
           "confbridge-only-one", "please-try-call-later", "vm-then-pound"),
}  # fmt: skip
REMARK = re.compile(r"\[[^]]*\]|\([^)]*\)|<[^>]*>")  # of the script's writer, not spoken
SAID = re.compile(r"\((ne m'appelez plus, jamais|статус|IAX)\)")  # in brackets, and spoken
LEFT_OPEN = re.compile(r"\.{2,}|…")
LOST_LETTER = re.compile(r"\w\?\w|\?\s+[a-zà-ÿ]")  # the Italian script has a ? for some accents
QUOTATION_MARK = re.compile('["“”„«»]')
NAME = re.compile(r"[\w/]+-[\w/-]+(?=: )")


def read(folder: Path, language: str = "en") -> Iterator[Recording]:
    """Yield the prompts that have words and a recording of them, in the order of the script."""
    scripts = (f"core-sounds-{language}.txt", f"core-sounds-{language}.txt.gz")
    script = find(folder, *scripts, needed_for=f"{CORPUS} in {NAMES[language]}")
    landmark = find(folder, *(f"{LANDMARK}{suffix}" for suffix in FORMATS), needed_for=CORPUS)
    seen = {*SOUNDS, *OTHER_WORDS.get(language, ())}
    for name, text in prompts(script):
        audio = landmark.parent / f"{name}{landmark.suffix}"
        words = spoken(text, language)
        if name not in seen and words and audio.is_file():
            seen.add(name)
            yield Recording(
                id=name.replace("/", "."),
                text=words,
                speaker=SPEAKERS[language],
                load=partial(load, audio),
                extra={"topic": re.split("[/-]", name)[0]},
            )


def prompts(script: Path) -> list[tuple[str, str]]:
    """Return the script's (name, text) pairs; lines that begin with ``;`` are comments.

    Where lines have run into one, a text ends before the next name.
    """
    pairs = []
    for number, line in enumerate(read_text(script, AGAIN).splitlines(), start=1):
        if not line.strip() or line.startswith(";"):
            continue
        name, colon, text = line.partition(":")
        if not colon:
            raise InputError(f"{script}:{number}: {line[:60]!r} is not of the form 'name: text'")
        pairs.append((name.strip(), text.strip()))
    names = {name for name, _ in pairs}
    if not pairs:
        raise InputError(f"{script}: has no line 'name: text'; {AGAIN}")
    return [(name, alone(text.removeprefix(f"{name}: "), names)) for name, text in pairs]


def alone(text: str, names: set[str]) -> str:
    """Return a text up to the first of the script's names in it."""
    ends = [match.start() for match in NAME.finditer(text) if match[0] in names]
    return text[: min(ends, default=len(text))]


def spoken(text: str, language: str) -> str:
    """Return the words of a prompt: no remarks, no dots for what is left open, keys by name.

    It is empty if the text is not what is said, for letters of it are lost. Quotation marks go if
    they are no pairs, or one around all.
    """
    if LOST_LETTER.search(text):
        return ""
    text = LEFT_OPEN.sub(" ", REMARK.sub(" ", SAID.sub(r"\1", text))).strip()
    marks = [match.start() for match in QUOTATION_MARK.finditer(text)]
    if len(marks) % 2 or marks == [0, len(text) - 1]:
        text = QUOTATION_MARK.sub("", text)
    for symbol, word in SYMBOLS[language].items():
        text = text.replace(symbol, word)
    return " ".join(text.split())


def load(path: Path) -> tuple[np.ndarray, int]:
    """Return a recording as float32 [n_samples], mono, and its sampling rate in Hz."""
    if path.suffix == ".gsm" and path.stat().st_size % GSM_FRAME:
        raise InputError(
            f"{path}: {path.stat().st_size} bytes are no whole number of {GSM_FRAME}-byte frames;"
            " the file is cut short: fetch it again"
        )
    waveform, rate = read_channels(path, AGAIN, raw=FORMATS[path.suffix])
    return waveform.mean(axis=1), rate
