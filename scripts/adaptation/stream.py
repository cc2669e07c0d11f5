"""Recordings transcribed one after the other, by a recogniser that adapts to each."""

import importlib
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from adaptation.weights import Weights
from adaptations import ADAPTATIONS, CTC, WHISPER, refusal
from computing import readers
from errors import InputError
from files import scratch
from files.progress import progress
from recognisers.ctc import CtcRecogniser
from recognisers.load import Recogniser
from recognisers.transcription import REPORT_EVERY, append, guard, read_journal


class Utterance(NamedTuple):
    """A recording as the recogniser's ``read`` gives it, a batch of one, and its id."""

    id: str
    audio: Any


class Adaptation(Protocol):
    """What a method does with each recording of a stream, in order."""

    def adapt(self, utterance: Utterance) -> None:
        """Change the model's weights, before it transcribes an utterance."""

    def leave(self, utterance: Utterance) -> None:
        """Make the weights what the next utterance begins with; this one may not be adapted to."""


class EachAnew:
    """The method that begins with the same weights for each utterance.

    ``loss(utterance, step)`` is computed ``steps`` times.
    """

    def __init__(self, weights: Weights, loss: Callable, steps: int):
        self.weights, self.loss, self.steps = weights, loss, steps
        self.before = weights.state()

    def adapt(self, utterance: Utterance) -> None:
        """Take the steps on an utterance's own loss."""
        for step in range(self.steps):
            self.weights.step([partial(self.loss, utterance, step)])

    def leave(self, utterance: Utterance) -> None:
        """Make the weights what they were."""
        self.weights.restore(self.before)


def start(name: str, recogniser: Recogniser) -> Adaptation:
    """Return a method that adapts a recogniser; raise ``InputError`` if it does not fit it."""
    kind = CTC if isinstance(recogniser, CtcRecogniser) else WHISPER
    if reason := refusal(name, kind):
        raise InputError(f"--adapt: {reason}")
    adaptation: Adaptation = importlib.import_module(f"adaptation.{name}").start(recogniser)
    return adaptation


def transcribe(
    recogniser: Recogniser,
    utterances: Sequence[dict],
    name: str,
    journal: Path | None = None,
    read_by: int = 0,
    guarded: bool = False,
) -> list[dict]:
    """Return ``{"id", "text"}`` for each utterance, in the manifest's order, as ``sweep`` does.

    That is the order in which they are adapted to. Utterances that the journal has are not
    transcribed again; a continual method learns of them again, and so goes on as if never stopped.
    """
    adaptation = start(name, recogniser)
    trained = [each for each, value in recogniser.model.named_parameters() if value.requires_grad]
    read, hear, write = recogniser.stages(trained)
    finished = read_journal(journal) if journal else {}
    heard = [row for row in utterances if ADAPTATIONS[name].continual or row["id"] not in finished]
    resumed, started = len(finished), time.monotonic()
    reported = started

    def speech_of(row: dict) -> tuple[dict, Any]:
        return row, read([scratch.near(row["audio_filepath"])])

    for row, audio in readers.read_ahead(speech_of, heard, read_by):
        utterance = Utterance(row["id"], hear(audio))
        if row["id"] not in finished:
            adaptation.adapt(utterance)
            one = guard([row], utterance.audio, write) if guarded else write(utterance.audio)
            [finished[row["id"]]] = one
            if journal:
                append(journal, {row["id"]: finished[row["id"]]})
        adaptation.leave(utterance)
        if time.monotonic() - reported > REPORT_EVERY:
            reported = time.monotonic()
            line = progress(len(finished), len(utterances), resumed, reported - started)
            print(line, file=sys.stderr, flush=True)
    return [{"id": row["id"]} | finished[row["id"]] for row in utterances]
