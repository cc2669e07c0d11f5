"""Test sets whose true word error rates are known: sentences that several speakers read."""

from typing import NamedTuple

import numpy as np

SENTENCES, READINGS = 200, 4


class Simulated(NamedTuple):
    """Errors int [2, n_utterances], words int [n_utterances], and each utterance's sentence."""

    errors: np.ndarray
    words: np.ndarray
    sentence: np.ndarray


def experiment(seed: int, wer_a: float = 0.2, wer_b: float = 0.2) -> Simulated:
    """Draw a test set of 200 sentences of 4 to 10 words, 4 readings each, and what A and B hear.

    A word is misheard with a probability that belongs to the sentence: 0.7 of it is common to both
    systems, 0.3 a system's own. Its expectation, the true WER, is ``wer_a`` for A, ``wer_b`` for B.
    """
    random = np.random.default_rng(seed)
    sentence = np.repeat(np.arange(SENTENCES), READINGS)
    words = random.integers(4, 11, size=SENTENCES)[sentence]
    hard = random.beta(1, 4, size=(3, SENTENCES)) / 0.2  # expectation 1
    rates = np.outer((wer_a, wer_b), 0.7 * hard[0]) + 0.3 * np.array([[wer_a], [wer_b]]) * hard[1:]
    return Simulated(random.binomial(words, rates[:, sentence]), words, sentence)
