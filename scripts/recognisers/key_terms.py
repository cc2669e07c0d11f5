"""Key terms of a domain, favoured while a decoder writes: a bonus for what continues one."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import log

import torch


class KeyTerms:
    """Terms as sequences of tokens, and the bonus that each of their tokens gets.

    The first token of a term gets ``bonus`` (a logit's unit, nats); the token at depth d, after the
    d - 1 before it, gets ``bonus * (1 + ln d)``: a term that is begun is rather finished.
    """

    def __init__(self, terms: Iterable[Sequence[int]], bonus: float):
        self.bonus = bonus
        self.next: dict[tuple[int, ...], set[int]] = defaultdict(set)  # tokens behind a beginning
        for term in terms:
            for depth, token in enumerate(term):
                self.next[tuple(term[:depth])].add(token)
        self.deepest = max(map(len, self.next), default=0)

    def __call__(self, logits: torch.Tensor, histories: Sequence[Sequence[int]]) -> None:
        """Add the bonuses to ``logits``, float32 [vocabulary, rows], given each row's tokens."""
        for row, history in enumerate(histories):
            for token, bonus in self.bonuses(history).items():
                logits[token, row] += bonus

    def bonuses(self, history: Sequence[int]) -> dict[int, float]:
        """Return the bonus of each token that begins or continues a term behind some tokens."""
        bonuses: dict[int, float] = {}
        for length in range(min(self.deepest, len(history)) + 1):
            begun = tuple(history[len(history) - length :])
            for token in self.next.get(begun, ()):
                bonuses[token] = self.bonus * (1 + log(length + 1))  # the longest match wins
        return bonuses
