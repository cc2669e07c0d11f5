"""Whisper's English text normaliser, for references and hypotheses alike.

It comes from ``whisper-normalizer``, OpenAI's own code with its table of British spellings in the
package. ``transformers`` has the code without the table and takes seconds to import.
"""

import functools
from collections.abc import Callable

from spoken import without_remarks


def normalise(text: str) -> str:
    """Return lower-case words without punctuation or fillers, numbers as digits, US spelling.

    What nobody says is left out first (see spoken.py).

    The words are separated by single spaces; the result is empty if nothing counts as a word.
    A word must have a letter or a digit: Whisper's rules make "wait ." of "wait...", and a model
    that has learnt where to write dots would seem to hear better.
    """
    words = english_normaliser()(without_remarks(text)).split()
    return " ".join(word for word in words if any(map(str.isalnum, word)))


@functools.cache
def english_normaliser() -> Callable[[str], str]:
    """Return the package's normaliser, loaded when the first text needs it."""
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()
