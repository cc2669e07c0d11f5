"""An n-gram model of a domain's texts over a decoder's tokens, fused with what the decoder thinks.

Probabilities are interpolated by Witten and Bell's rule (Bell, Cleary and Witten 1990): a history
that was followed by c tokens, t different ones, gives c / (c + t) of the mass to its own counts and
the rest to the history that is one token shorter; the shortest gives it to all tokens alike.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import torch
from torch.nn.functional import log_softmax

ORDER = 4  # tokens, the predicted one among them
BEGIN = -1  # in a history, what is before the first token


class Ngrams:
    """Counts of token sequences, and the probabilities that follow."""

    def __init__(self, texts: Iterable[Sequence[int]], vocabulary: int, order: int = ORDER):
        self.order = order
        self.counts: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for text in texts:
            for place, token in enumerate(text):
                for history in self._histories(text[:place]):
                    self.counts[history][token] += 1
        self.unigrams = self._with(torch.full((vocabulary,), 1 / vocabulary), ())

    def _histories(self, tokens: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the histories behind some tokens, the shortest first."""
        whole = (BEGIN, *tokens)[-(self.order - 1) :]
        return [tuple(whole[len(whole) - length :]) for length in range(len(whole) + 1)]

    def _with(self, shorter: torch.Tensor, history: tuple[int, ...]) -> torch.Tensor:
        """Return the probabilities behind a history, given those behind a shorter one."""
        if not (following := self.counts.get(history)):
            return shorter
        tokens, counts = (torch.tensor(each) for each in zip(*following.items(), strict=True))
        whole = following.total() + len(following)
        probabilities = shorter * (len(following) / whole)
        probabilities[tokens] += counts / whole
        return probabilities

    def probabilities(self, history: Sequence[int]) -> torch.Tensor:
        """Return the probability of each token behind some tokens, float32 [vocabulary]."""
        probabilities = self.unigrams
        for each in self._histories(history)[1:]:
            probabilities = self._with(probabilities, each)
        return probabilities


class Fusion:
    """A model of n-grams beside a decoder, which is listened to where the decoder is unsure.

    The log probability of a token is the decoder's plus ``weight`` times the decoder's entropy
    (nats, 1 at most) times the n-grams'.
    """

    def __init__(self, ngrams: Ngrams, weight: float):
        self.ngrams, self.weight = ngrams, weight

    def __call__(self, logits: torch.Tensor, histories: Sequence[Sequence[int]]) -> None:
        """Add the n-grams' part to ``logits``, float32 [vocabulary, rows], in place."""
        probable = log_softmax(logits, dim=0)
        entropy = -(probable.exp() * probable.clamp(min=-1e4)).sum(dim=0)
        weights = self.weight * entropy.clamp(max=1)
        for row, history in enumerate(histories):
            if weights[row] > 0:
                of_texts = self.ngrams.probabilities(history).log().to(logits.device)
                logits[:, row] += weights[row] * of_texts
