"""A made-up engine: it hums a tenth of a second for each letter and notes what it was asked."""

import os
import time
from collections.abc import Sequence

import numpy as np

from engines.engine import (
    Engine,
    Request,
    Setup,
    Speech,
    Unspeakable,
    chosen_voices,
    seed_of,
)

VOICES = ["ann", "bob", "cyd", "dan"]


def load(setup: Setup) -> Engine:
    """Return an engine that adds noise to a batch, made of the seeds of all its requests."""
    pause = float(os.environ.get("HUMMING_PAUSE", "0"))

    def speak(batch: Sequence[Request]) -> list[Speech | Unspeakable]:
        with (setup.resources / "asked.txt").open("a") as file:
            file.writelines(f"{request.spoken}\n" for request in batch)
        time.sleep(pause)
        noise = np.random.default_rng(seed_of(batch))
        return [hum(request, noise) for request in batch]

    return Engine(
        speak,
        8_000,
        chosen_voices(setup.voices, VOICES, "engine humming"),
        batch_key=lambda request: request.voice,
        has_speed="mute" not in setup.resources.name,
        files=[setup.resources / "model.bin"],
        packages={"humming": "1"},
        settings={"precision": setup.precision},
    )


def hum(request: Request, noise: np.random.Generator) -> Speech | Unspeakable:
    """Return the hum of a text, of a pitch by its voice, or what its name says happens to it."""
    if request.spoken == "crash":
        raise ZeroDivisionError("division by zero")
    if request.spoken == "silence":
        return Speech(np.zeros(8_000, np.float32))
    if request.spoken == "unspeakable":
        return Unspeakable("no phonemes")
    seconds = np.arange(round(800 * len(request.spoken) / request.speed)) / 8_000
    pitch = 100 + 50 * VOICES.index(request.voice)
    waveform = 0.3 * np.sin(2 * np.pi * pitch * seconds) + noise.normal(0, 0.01, len(seconds))
    return Speech(waveform.astype(np.float32), capped=request.spoken == "endless")
