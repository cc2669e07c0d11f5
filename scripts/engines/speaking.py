"""Utterances spoken in batches: speech at 16 kHz in the journal, or why there is none."""

import hashlib
import json
import sys
import time
from collections.abc import Sequence

import numpy as np

from engines.engine import Engine, Request, Speech, Unspeakable
from engines.journal import Journal
from engines.utterances import batches, fingerprints
from errors import InputError
from files.audio import resample
from files.checksum import sha256
from files.progress import progress
from files.sound import FAINT
from records.writing import versions_of

REPORT_EVERY = 5.0  # s
PACKAGES = ("numpy", "soundfile", "soxr")


def speak(batch: Sequence[Request], engine: Engine) -> list[Speech | Exception]:
    """Return the speech of a batch, or the reason why not; what an engine raises befalls all."""
    try:
        answers = engine.speak(batch)
    except InputError:
        raise
    except Exception as error:
        return [error] * len(batch)
    return [finish(answer, engine.sampling_rate) for answer in answers]


def finish(answer: Speech | Unspeakable, sampling_rate: int) -> Speech | Unspeakable:
    """Return an engine's answer at 16 kHz; silence and broken waveforms are no speech."""
    if isinstance(answer, Unspeakable):
        return answer
    if not np.isfinite(answer.waveform).all():
        return Unspeakable("the waveform has values that are not numbers")
    waveform = resample(answer.waveform, sampling_rate)
    loudest = float(np.abs(waveform).max(initial=0.0))
    if loudest < FAINT:
        return Unspeakable(f"silence: {len(waveform)} samples, none above {FAINT} of full scale")
    return Speech(waveform, answer.capped)


def failure(utterance: Request, error: Exception) -> dict:
    """Return the record of an utterance that could not be spoken."""
    reason = str(error) if isinstance(error, Unspeakable) else f"{type(error).__name__}: {error}"
    return {
        "id": utterance.id,
        "text_id": utterance.text["id"],
        "reason": reason,
        "spoken": utterance.spoken,
        "voice": utterance.voice,
    }


def identity_of(engine: Engine, code: str) -> str:
    """Return a hash of the engine's files, packages and settings and of the code.

    Packages are those of the engine, and those that resample and write its waveforms.
    """
    files = [sha256(path) for path in engine.files]
    packages = versions_of(PACKAGES) | dict(engine.packages)
    content = [code, files, sorted(packages.items()), sorted(engine.settings.items())]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def speak_all(
    asked: Sequence[Request],
    engine: Engine,
    code: str,
    journal: Journal,
    batch_size: int,
    most_failures: float,
) -> tuple[dict[str, dict], list[dict], int]:
    """Return the journal's rows by id, the failures, and how many rows were there already.

    A batch of which a row is missing is spoken again as a whole. Stops early, with the failures so
    far, when more than ``most_failures`` utterances have failed.
    """
    identity = identity_of(engine, code)
    rows: dict[str, dict] = {}
    failures: list[dict] = []
    count = resumed = 0
    started = reported = time.monotonic()
    for batch in batches(asked, engine, batch_size):
        wanted = fingerprints(batch, identity)
        entries = map(journal.find, [request.id for request in batch], wanted)
        finished = [row for row in entries if row is not None]
        if len(finished) == len(batch):
            resumed += len(batch)
            rows |= {row["id"]: row for row in finished}
        else:
            answers = speak(batch, engine)
            for utterance, hash_, answer in zip(batch, wanted, answers, strict=True):
                if isinstance(answer, Speech):
                    rows[utterance.id] = journal.write(utterance.id, hash_, answer)
                else:
                    failures.append(failure(utterance, answer))
        count += len(batch)
        if time.monotonic() - reported > REPORT_EVERY or count == len(asked):
            reported = time.monotonic()
            print(progress(count, len(asked), resumed, reported - started), file=sys.stderr)
        if len(failures) > most_failures:
            break
    return rows, failures, resumed


def most_of(fraction: float, utterances: int) -> float:
    """Return how many utterances may fail: one may, unless none may or no other is left."""
    return max(fraction * utterances, float(fraction > 0 and utterances > 1))
