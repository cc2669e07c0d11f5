"""espeak-ng, formants in 77 languages: on the CPU, 22.05 kHz, one by one; GPL-3.0-or-later.

Its library and data are the artifact ``espeak``, from a package that nothing else needs; they
are for Linux on x86-64 (another build, or a system's own, is an artifact of the same two names).
Voices are an accent of the language, alone or with a variant: ``fr``, ``fr-ch``, ``fr+m3``,
``en-us+f2``; ``random`` is m1 to m8 and f1 to f5. The variants are one synthesiser with other
formants and pitches: a speaker model hardly tells them apart. ``rate`` (words a minute, 175 if
absent) is multiplied by the speed that is drawn, and is 80 to 450 then; ``pitch`` is 0 to 99
(50 if absent). Needs --language, and reads digits.
"""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engines.engine import (
    RANDOM,
    Engine,
    Request,
    Setup,
    Unspeakable,
    check_files,
    check_unused,
    one_by_one,
)
from engines.espeak_voices import (
    LANGUAGES,
    RATE,
    check_voice,
    random_voices,
    words_per_minute,
)
from errors import InputError

PITCH, HIGHEST = 50, 99  # espeak-ng's own
LIBRARIES = ("libespeak-ng.so", "libespeak-ng.so.1", "libespeak-ng.dylib")
DATA = "espeak-ng-data"
OF_ALL_VOICES = ("intonations", "phondata", "phonindex", "phontab")
DICTIONARIES = {"nb": "no"}  # that are not called as the accent's language
# of espeak-ng's speak_lib.h
AUDIO_OUTPUT_SYNCHRONOUS, DONT_EXIT, CHARS_UTF8, POS_CHARACTER = 2, 0x8000, 1, 1
ESPEAK_RATE, ESPEAK_PITCH = 1, 3
OF_SAMPLES = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def load(setup: Setup) -> Engine:
    """Return espeak-ng. Each utterance is spoken by a copy of this process.

    What the library has said before changes what it says next, in its pitch and noise, and nothing
    takes that back. A forked process has the library as it was when it was loaded.
    """
    check_unused("espeak", setup, "batch_size", "precision", "speakers")
    voices = voices_of(setup)
    library, files = files_of(setup.resources, voices)
    espeak, sampling_rate = opened(library, setup.resources)
    rate = RATE if setup.rate is None else setup.rate
    pitch = PITCH if setup.pitch is None else setup.pitch
    if not 0 <= pitch <= HIGHEST:
        raise InputError(f"--pitch {pitch}: engine espeak has 0 to {HIGHEST}")

    def speak(request: Request) -> np.ndarray:
        spoken_rate = words_per_minute(rate, request.speed, "engine espeak")
        samples = in_a_fork(lambda: say(espeak, request, spoken_rate, pitch))
        return np.frombuffer(samples, np.int16).astype(np.float32) / 32768

    return Engine(
        one_by_one(speak),
        sampling_rate,
        voices,
        has_speed=True,
        files=files,
        settings={"rate": str(rate), "pitch": str(pitch), "language": str(setup.language)},
    )


def voices_of(setup: Setup) -> list[str]:
    """Return the voices to draw from, of the language that is asked for."""
    if setup.language not in LANGUAGES:
        raise InputError(
            f"--language {setup.language}: engine espeak needs one of {', '.join(LANGUAGES)}"
        )
    if list(setup.voices) == [RANDOM]:
        return random_voices(setup.language)
    for voice in setup.voices:
        check_voice(voice, setup.language, "--voices")
    return list(setup.voices)


def files_of(resources: Path, voices: list[str]) -> tuple[Path, list[Path]]:
    """Return the library, and all files that shape what the voices say."""
    there = [resources / name for name in LIBRARIES if (resources / name).is_file()]
    library, data = (there or [resources / LIBRARIES[0]])[0], resources / DATA
    files = [library, *(data / name for name in OF_ALL_VOICES)]
    by_name = {path.name.lower(): path for path in sorted((data / "lang").rglob("*"))}
    for accent in sorted({voice.partition("+")[0] for voice in voices}):
        language = accent.partition("-")[0]
        files.append(by_name.get(accent, data / "lang" / accent))
        files.append(data / f"{DICTIONARIES.get(language, language)}_dict")
    variants = {variant for voice in voices if (variant := voice.partition("+")[2])}
    files += [data / "voices" / "!v" / variant for variant in sorted(variants)]
    check_files(files)
    return library, list(dict.fromkeys(files))


def opened(library: Path, resources: Path) -> tuple[ctypes.CDLL, int]:
    """Return the library, which has said nothing yet, and its sampling rate in Hz."""
    try:
        espeak = ctypes.CDLL(str(library.resolve()))
        espeak.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
        espeak.espeak_ng_SetRandSeed.restype = None
    except (OSError, AttributeError) as error:
        raise InputError(
            f"{library}: not a library of espeak-ng for this machine ({error}); declare one that is"
            " as an artifact"
        ) from None
    path = os.fsencode(resources.resolve())
    sampling_rate = espeak.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, path, DONT_EXIT)
    if sampling_rate <= 0:
        raise InputError(f"{resources / DATA}: not this version's data; fetch it again")
    return espeak, sampling_rate


def say(espeak: ctypes.CDLL, request: Request, rate: int, pitch: int) -> bytes:
    """Return an utterance as 16-bit samples."""
    pieces = []

    def keep(samples: Any, count: int, events: object) -> int:
        if samples and count:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    callback = OF_SAMPLES(keep)  # kept here: the library holds no reference to it
    espeak.espeak_SetSynthCallback(callback)
    text = request.spoken.encode() + b"\0"
    failed = (
        espeak.espeak_SetVoiceByName(request.voice.encode())
        or espeak.espeak_SetParameter(ESPEAK_RATE, rate, 0)
        or espeak.espeak_SetParameter(ESPEAK_PITCH, pitch, 0)
        or espeak.espeak_ng_SetRandSeed(request.seed)
        or espeak.espeak_Synth(
            text, ctypes.c_size_t(len(text)), 0, POS_CHARACTER, 0, CHARS_UTF8, None, None
        )
    )
    if failed:
        raise RuntimeError(f"espeak-ng's error {failed}")
    return b"".join(pieces)


def in_a_fork(work: Callable[[], bytes]) -> bytes:
    """Return what ``work`` returns in a copy of this process; ``Unspeakable`` if that fails."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with open(writing, "wb") as file:
                file.write(work())
            os._exit(0)
        finally:  # whatever it raised: nothing of the parent's may run in the child
            os._exit(1)
    os.close(writing)
    with open(reading, "rb") as file:
        result = file.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise Unspeakable(f"espeak-ng failed (exit status {os.waitstatus_to_exitcode(status)})")
    return result
