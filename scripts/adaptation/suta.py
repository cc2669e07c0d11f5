"""SUTA (Lin et al. 2022, arXiv 2203.14222): a CTC model is made surer of one utterance.

Ten steps on the entropy of the frames that are no blanks and on the confusion of classes, both
softened by a temperature; layer norms and the convolutions that hear the waveform are trained, with
their projection. Then the model is what it was. Numbers, AdamW and the weighting of frames by their
certainty are those of the authors' scripts.
"""

from collections.abc import Iterator
from functools import partial

import torch

from adaptation.entropies import entropy
from adaptation.stream import EachAnew, Utterance
from adaptation.weights import Weights, layer_norms
from computing.precision import autocast
from recognisers.ctc import CtcRecogniser

STEPS = 10
LEARNING_RATE = 2e-5
TEMPERATURE = 2.5
EARS = ("feature_extractor", "feature_projection")
ENTROPY = 0.3  # its share of the loss; the confusion has the rest


def start(recogniser: CtcRecogniser) -> EachAnew:
    """Return the method, for a recogniser."""
    return EachAnew(weights_of(recogniser), partial(loss_of, recogniser), STEPS)


def weights_of(recogniser: CtcRecogniser) -> Weights:
    """Return what is trained of a recogniser."""
    return Weights(recogniser.model, ears_and_norms(recogniser.model), LEARNING_RATE)


def ears_and_norms(model: torch.nn.Module) -> Iterator[torch.nn.Parameter]:
    """Yield the parameters that are trained."""
    yield from layer_norms(model)
    for name, parameter in model.named_parameters():
        if set(EARS) & set(name.split(".")):
            yield parameter


def loss_of(recogniser: CtcRecogniser, utterance: Utterance, step: int = 0) -> torch.Tensor:
    """Return the loss of an utterance."""
    return loss(scores_of(recogniser, utterance), recogniser.blank)


def scores_of(recogniser: CtcRecogniser, utterance: Utterance) -> torch.Tensor:
    """Return float32 [frames, classes] of an utterance, which is alone in its batch: no padding."""
    audio, _ = utterance.audio
    with autocast(recogniser.device, recogniser.precision):
        scores: torch.Tensor = recogniser.model(audio.to(recogniser.device)).logits
    return scores[0].float()


def loss(scores: torch.Tensor, blank: int) -> torch.Tensor:
    """Return the loss of an utterance's scores, [frames, classes]."""
    softened = scores / TEMPERATURE
    heard = entropy(softened[scores.argmax(dim=-1) != blank])
    sure = heard.mean() if len(heard) else heard.sum()  # of blanks alone: 0
    return ENTROPY * sure + (1 - ENTROPY) * confusion(softened)


def confusion(scores: torch.Tensor) -> torch.Tensor:
    """Return how much classes are confused with each other (Jin et al. 2020, arXiv 1912.03699).

    That is the mean over classes of the share of a class's weight that others have in its frames:
    0, where each frame has one class. Sure frames count up to twice as much as unsure ones.
    """
    probabilities = scores.softmax(dim=-1)
    weights = 1 + torch.exp(-entropy(scores).detach())
    weights = len(scores) * weights / weights.sum()
    together = (weights[:, None] * probabilities).T @ probabilities
    shares = together / together.sum(dim=-1, keepdim=True)
    return (shares.sum() - shares.trace()) / len(shares)
