"""Pseudo-labels: an utterance's own hypothesis is taken for its text, anew at each step.

It is the rival of SUTA in its paper (arXiv 2203.14222, "single-utterance dynamic pseudo labeling"),
with the same steps, rate and parameters. Of Whisper, which that paper does not have, the layer
norms are trained, on the cross-entropy of its hypothesis and at the rate of ``entropy``.
"""

from functools import partial

import torch
from torch.nn.functional import ctc_loss, log_softmax, nll_loss

from adaptation import suta, tokens
from adaptation.stream import EachAnew, Utterance
from recognisers.ctc import CtcRecogniser
from recognisers.load import Recogniser
from recognisers.whisper import WhisperRecogniser


def start(recogniser: Recogniser) -> EachAnew:
    """Return the method, for a recogniser."""
    if isinstance(recogniser, CtcRecogniser):
        weights = suta.weights_of(recogniser)
        return EachAnew(weights, partial(loss_of_letters, recogniser), suta.STEPS)
    weights = tokens.weights_of(recogniser)
    return EachAnew(weights, partial(loss_of_tokens, recogniser), suta.STEPS)


def loss_of_letters(recogniser: CtcRecogniser, utterance: Utterance, step: int) -> torch.Tensor:
    """Return the loss of a CTC model's hypothesis."""
    return of_best_path(suta.scores_of(recogniser, utterance), recogniser.blank)


def of_best_path(scores: torch.Tensor, blank: int) -> torch.Tensor:
    """Return the CTC loss (nats) of what the best class of each frame says, repeats as one.

    ``scores`` are [frames, classes].
    """
    classes = torch.unique_consecutive(scores.argmax(dim=-1))
    labels = classes[classes != blank]
    return ctc_loss(
        log_softmax(scores, dim=-1)[:, None],
        labels[None],
        torch.tensor([len(scores)]),
        torch.tensor([len(labels)]),
        blank=blank,
        reduction="sum",
    )


def loss_of_tokens(recogniser: WhisperRecogniser, utterance: Utterance, step: int) -> torch.Tensor:
    """Return the loss of Whisper's hypothesis."""
    encoded = recogniser.encode(utterance.audio)
    rows = tokens.hypotheses(recogniser, encoded.detach())
    return of_tokens(tokens.score(recogniser, encoded, rows))


def of_tokens(scored: tokens.Scored) -> torch.Tensor:
    """Return the cross-entropy (nats) of hypotheses, the mean over their tokens."""
    log_probabilities = scored.logits.log_softmax(dim=-1)
    losses = nll_loss(log_probabilities.mT, scored.tokens, reduction="none")
    return (losses * scored.counts).sum() / scored.counts.sum()
