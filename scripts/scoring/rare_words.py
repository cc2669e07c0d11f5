"""Error rates of words that a model was trained on, and of words that it was not."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from scoring.alignment import WordError
from scoring.arms import Bootstrap, TestSet, per_utterance
from scoring.breakdown_file import RareWords, Wer, WordGroup
from scoring.word_errors import normalised


def rare_words(test: TestSet, vocabulary: set[str], bootstrap: Bootstrap) -> RareWords:
    """Return WERs over reference words outside (B-WER) and inside (U-WER) the vocabulary.

    A missed or substituted word counts where the reference's word belongs, an added one where it
    belongs itself (Le et al. 2021, arXiv 2104.02194, section 3).
    """

    def unseen_errors(errors: list[WordError]) -> int:
        return sum((error.reference or error.hypothesis) not in vocabulary for error in errors)

    unseen = per_utterance(test.arms, unseen_errors)
    unseen_words = np.array(
        [sum(word not in vocabulary for word in text.split()) for text in test.references]
    )

    def word_group(errors: np.ndarray, words: np.ndarray) -> WordGroup:
        rates = bootstrap.rates(errors, words, test.units).with_intervals()
        return WordGroup(int(words.sum()), tuple(Wer(*rate) for rate in rates))

    return RareWords(
        vocabulary=len(vocabulary),
        unseen=word_group(unseen, unseen_words),
        seen=word_group(per_utterance(test.arms) - unseen, test.words - unseen_words),
    )


def source_vocabulary(source: Iterable[dict[str, Any]], target: str, language: str) -> set[str]:
    """Return the normalised words of training utterances, without those of the target's domain.

    A source that is all other domains differs from target to target.
    """
    texts = {row["text"] for row in source if row["domain"] != target}
    return {word for text in texts for word in normalised(text, language).split()}
