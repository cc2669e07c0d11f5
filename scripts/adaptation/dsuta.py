"""Dynamic SUTA (Lin et al. 2024, arXiv 2406.11064): SUTA that goes on learning from a stream.

Each utterance is adapted to (fast weights) from slow weights, which take one step on each five
utterances that were heard. A domain's shift is found by the loss: how much weights of the domain's
beginning lower it, against the base model, is measured on the next utterances, and where they lower
it clearly less, twice in a row, the slow weights are the base model's again. Numbers are those of
the authors' published settings; weights come with AdamW's moments, as in their code.
"""

from collections.abc import Sequence
from functools import partial
from math import sqrt
from statistics import fmean, stdev

import torch

from adaptation import suta
from adaptation.stream import Utterance
from recognisers.ctc import CtcRecogniser

STEPS = 5  # of the fast weights
BUFFER = 5  # utterances on which the slow weights take a step
SETTLED = 50  # utterances from a domain's beginning, whose slow weights stand for it
KNOWN = 100  # utterances from a domain's beginning, when its usual gains are known
DEVIATION = 2.0  # of a buffer's mean gain from the usual one, in standard deviations of the mean
PATIENCE = 2  # buffers in a row that deviate, for a reset


def start(recogniser: CtcRecogniser) -> "Stream":
    """Return the method, for a recogniser."""
    return Stream(recogniser)


class Stream:
    """Slow and fast weights, and what is known of the present domain."""

    def __init__(self, recogniser: CtcRecogniser):
        self.recogniser = recogniser
        self.weights = suta.weights_of(recogniser)
        self.base = self.weights.state()
        self.begin_domain()

    def begin_domain(self) -> None:
        """Begin with the base model, and with nothing known."""
        self.slow = self.settled = self.base
        self.changes: list[float] = []  # of the loss, by the settled weights
        self.buffer: list[Utterance] = []
        self.heard = self.deviating = 0

    def adapt(self, utterance: Utterance) -> None:
        """Make the fast weights, of the slow ones."""
        for _ in range(STEPS):
            self.weights.step([partial(suta.loss_of, self.recogniser, utterance)])

    def leave(self, utterance: Utterance) -> None:
        """Go on with the slow weights, which have learnt from the utterance if a buffer is full."""
        self.weights.restore(self.slow)
        self.heard += 1
        self.buffer.append(utterance)
        if len(self.buffer) == BUFFER:
            self.deviating = self.deviating + 1 if self.deviates() else 0
            if self.deviating == PATIENCE:
                self.begin_domain()
            else:
                self.learn()
        self.observe(utterance)
        self.weights.restore(self.slow)

    def learn(self) -> None:
        """Let the slow weights take a step on the buffer, and empty it."""
        self.weights.restore(self.slow)
        self.weights.step([partial(suta.loss_of, self.recogniser, each) for each in self.buffer])
        self.slow = self.weights.state()
        self.buffer = []

    def observe(self, utterance: Utterance) -> None:
        """Note the domain's weights when it has settled, and then what they do to the loss."""
        if self.heard == SETTLED:
            self.settled = self.slow
        elif SETTLED < self.heard < KNOWN:
            self.changes.append(self.change(utterance))

    def deviates(self) -> bool:
        """Say whether the settled weights do less for the buffer than they did for the domain."""
        known = self.heard > KNOWN
        return known and deviates([self.change(each) for each in self.buffer], self.changes)

    @torch.no_grad()
    def change(self, utterance: Utterance) -> float:
        """Return the change of an utterance's loss from the base model to the settled weights."""
        losses = []
        for state in (self.base, self.settled):
            self.weights.restore(state)
            losses.append(suta.loss_of(self.recogniser, utterance).item())
        return losses[1] - losses[0]


def deviates(changes: Sequence[float], usual: Sequence[float]) -> bool:
    """Say whether the mean of some changes of the loss lies above the usual ones.

    It does if it is more than two standard deviations of such a mean above their own.
    """
    deviation = stdev(usual) / sqrt(len(changes))
    return fmean(changes) - fmean(usual) > DEVIATION * deviation
