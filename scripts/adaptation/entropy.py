"""Entropy minimization of Whisper: it is made surer of one utterance, by a policy gradient.

A decoder's entropy is that of all hypotheses of an utterance: the expected sum of the entropies of
its predictions, each behind tokens that it drew itself. Its exact gradient has two parts: each
prediction's entropy falls, and tokens become less likely that unsure predictions follow.
"Rethinking Entropy Minimization in Test-Time Adaptation for Autoregressive Models" (Huang et al.
2026, arXiv 2605.08186) derives that, and adapts Whisper by it. Only its abstract could be read
here: the two parts are its, worked out again from the definition; the rest is ours. Hypotheses are
drawn from the model, and only layer norms are trained; steps and optimizer are SUTA's, and the rate
is larger, as of layer norms alone nothing is heard at SUTA's.
"""

import zlib
from collections.abc import Sequence
from functools import partial

import torch

from adaptation import suta
from adaptation.entropies import entropy
from adaptation.stream import EachAnew, Utterance
from adaptation.tokens import Scored, hypotheses, score, weights_of
from recognisers.whisper import WhisperRecogniser

DRAWN = 4  # hypotheses at each step


def start(recogniser: WhisperRecogniser) -> EachAnew:
    """Return the method, for a recogniser."""
    return EachAnew(weights_of(recogniser), partial(loss_of, recogniser), suta.STEPS)


def loss_of(recogniser: WhisperRecogniser, utterance: Utterance, step: int) -> torch.Tensor:
    """Return the loss of an utterance; what is drawn depends on its id and the step."""
    encoded = recogniser.encode(utterance.audio).expand(DRAWN, -1, -1)
    draw = Draw(zlib.crc32(f"{utterance.id}/{step}".encode()))
    return loss(score(recogniser, encoded, hypotheses(recogniser, encoded.detach(), [draw])))


class Draw:
    """Noise on logits, [vocabulary, rows], whose largest is then a token drawn (Gumbel 1954)."""

    def __init__(self, seed: int):
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, logits: torch.Tensor, histories: Sequence[Sequence[int]]) -> None:
        """Add the noise in place."""
        noise = torch.empty(logits.shape).exponential_(generator=self.generator)
        logits -= noise.log().to(logits.device)


def loss(scored: Scored) -> torch.Tensor:
    """Return what has the gradient of the entropy of all hypotheses (nats), from some drawn ones.

    Of each token it is its prediction's entropy, and its log probability times the entropies that
    follow it. From the latter the mean of what follows the same place in the other hypotheses is
    taken, which makes the gradient steadier and leaves its expectation as it is.
    """
    entropies = entropy(scored.logits) * scored.counts
    log_probabilities = scored.logits.log_softmax(dim=-1)
    chosen = log_probabilities.gather(-1, scored.tokens[..., None])[..., 0] * scored.counts
    following = entropies.sum(dim=1, keepdim=True) - entropies.cumsum(dim=1)
    others = (following.sum(dim=0) - following) / max(1, len(following) - 1)
    return (entropies + (following - others).detach() * chosen).sum(dim=1).mean()
