"""Choosing texts that are like one collection and unlike another, by n-grams of words."""

from collections.abc import Iterable, Iterator, Sequence
from math import fsum

from recognisers.ngrams import Ngrams

ORDER = 2  # words: of short texts, longer n-grams are seldom seen twice
Words = Sequence[str]  # of a text


def unlike(texts: Sequence[Words], others: Sequence[Words], number: int) -> list[int]:
    """Choose the texts that are most like all texts and least like others; return positions.

    Each is given the difference of its cross-entropies (nats a word, its end counts as one) by
    n-grams of the texts, itself among them, and of the others; the lowest are chosen (Moore and
    Lewis 2010, "Intelligent selection of language model training data"). Probabilities are those of
    ``Ngrams``, over the words of both. Of equals the first is taken.
    """
    number_of = {word: n for n, word in enumerate(sorted({*words_of(texts), *words_of(others)}))}
    end = len(number_of)
    own, foreign = (
        [[*(number_of[word] for word in text), end] for text in each] for each in (texts, others)
    )
    of_own, of_foreign = (Ngrams(each, end + 1, ORDER) for each in (own, foreign))
    difference = [cross_entropy(of_own, each) - cross_entropy(of_foreign, each) for each in own]
    return sorted(sorted(range(len(own)), key=difference.__getitem__)[:number])


def words_of(texts: Iterable[Words]) -> Iterator[str]:
    """Yield the words of texts."""
    return (word for text in texts for word in text)


def cross_entropy(ngrams: Ngrams, tokens: Sequence[int]) -> float:
    """Return the mean of a text's negative log probabilities, nats a token."""
    each = (ngrams.probabilities(tokens[:at])[token].log() for at, token in enumerate(tokens))
    return -fsum(map(float, each)) / len(tokens)
