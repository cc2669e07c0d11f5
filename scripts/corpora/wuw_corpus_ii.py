"""WUW-Corpus-II: callers who put a keyword into a sentence of their own, over the telephone, 2001.

Këpuska, "Wake-Up-Word Speech Recognition", 2011, doi:10.5772/16242; CC BY-SA 4.0. The folder has
``data.json``, whose ``entries`` have transcription, caller and MD5 of each recording, and
``calls/{session}/WUWII{session}_{utterance}.ulaw``: 8 kHz, mu-law, without a header. Five of the
utterances of a session are sentences, each with another keyword, which is its topic. A session is
taken for one speaker; the corpus does not say which sessions are of one who called again.
"""

import hashlib
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from corpora.files import AGAIN, find
from errors import InputError
from files.audio_file import UnreadableAudio
from files.json_file import read_object
from files.recording import Recording
from files.regular import read_bytes
from files.sound_file import read_channels

CORPUS = "WUW-Corpus-II"
TOPICS = {  # by the number of the utterance; the others are a name, and the keywords alone
    "006": "operator",
    "007": "think_engine",
    "008": "onword",
    "009": "wildfire",
    "010": "voyager",
}
SAMPLING_RATE = 8_000  # Hz
FORMAT = {"format": "RAW", "subtype": "ULAW", "channels": 1, "samplerate": SAMPLING_RATE}
KEYS = {  # of an entry, and what they may be
    "sessionNumber": r"\d{5}",
    "utteranceNumber": r"\d{3}",
    "gender": "female|male",
    "dialect": "native|nonNative",
    "phonetype": r"\w+",
    "checksum": "[0-9a-f]{32}",
    "transcription": r"(?s).*\S.*",
}
LEFT_OUT = re.compile(r"\[+\s*(?:\.\.\.|skip)\s*\]+")  # speech that was not transcribed
SOUND = re.compile(r"\[+[^][{}]*[]}]+|\{[^{}]*\}|<[^<>]*>")
BRACKET = re.compile(r"[][(){}<>]")  # around what was not understood, or without its other half
CUT_OFF = re.compile(r"(?<![\w'-])-[\w']+|[\w']+-(?![\w-])")
MARK = re.compile(r"[~^+*%]")  # of names, dialect, mispronounced words, hesitations, spelling
APOSTROPHE = re.compile("(?<=[A-Za-z])\ufffd(?=[A-Za-z])")  # that was decoded by a wrong table


def read(folder: Path) -> Iterator[Recording]:
    """Yield the sentences, in the order of ``data.json``; what is not understood has no text."""
    data = find(folder, "data.json", needed_for=CORPUS)
    entries = read_object(data, AGAIN).get("entries")
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{data}: has no list of entries; it is not {CORPUS}'s: fetch it again")
    for number, entry in enumerate(entries):
        check_entry(entry, f"{data}: entries[{number}]")
        if topic := TOPICS.get(entry["utteranceNumber"]):
            session = entry["sessionNumber"]
            name = f"WUWII{session}_{entry['utteranceNumber']}"
            path = data.parent / "calls" / session / f"{name}.ulaw"
            yield Recording(
                id=name,
                text=spoken(entry["transcription"]),
                speaker=session,
                load=partial(load, path, entry["checksum"]),
                extra={
                    "topic": topic,
                    "gender": entry["gender"],
                    "native": entry["dialect"] == "native",
                    "microphone": entry["phonetype"],
                },
            )


def check_entry(entry: Any, place: str) -> None:
    """Raise ``InputError`` for an entry with a key that is missing or cannot be right."""
    for key, pattern in KEYS.items():
        value = entry.get(key) if isinstance(entry, dict) else None
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise InputError(f"{place}: {key} is {value!r}; fetch {CORPUS}'s data.json again")


def spoken(transcription: str) -> str:
    """Return the words of a transcription, without its marks and what was cut off.

    It is empty where some speech was not understood (``((...))``) or not transcribed.
    """
    if LEFT_OUT.search(transcription):
        return ""
    text = SOUND.sub(" ", APOSTROPHE.sub("'", transcription))
    if BRACKET.search(text):
        return ""
    text = CUT_OFF.sub(" ", MARK.sub("", text.replace("_", " ")))
    return " ".join(text.split()).lstrip(" .,?")


def load(path: Path, checksum: str) -> tuple[np.ndarray, int]:
    """Return a recording as float32 [n_samples], and its sampling rate in Hz."""
    if not path.is_file():
        raise UnreadableAudio(f"{path}: no such file; fetch {CORPUS} again", "audio missing")
    content = read_bytes(path)
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if digest != checksum:
        raise UnreadableAudio(
            f"{path}: {len(content)} bytes of MD5 {digest}, not {checksum} as data.json has it; the"
            " file is cut short or another: fetch it again",
            "audio broken",
        )
    channels, rate = read_channels(path, AGAIN, content=content, raw=FORMAT)
    return channels[:, 0], rate
