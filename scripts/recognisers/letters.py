"""The letters of a CTC model: how a text is spelt in them, and how many frames they take."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise

from transformers import Wav2Vec2CTCTokenizer

from texts.folding import fold
from texts.spoken import without_remarks


def letter_ids(tokenizer: Wav2Vec2CTCTokenizer) -> dict[str, int]:
    """Return the vocabulary's letters, the word delimiter as a space, without special tokens."""
    delimiter = tokenizer.word_delimiter_token
    return {
        " " if token == delimiter else token: id
        for token, id in tokenizer.get_vocab().items()
        if len(token) == 1
    }


def special_cases(letters: Collection[str], language: str) -> dict[str, str]:
    """Return the letters whose other case is special to a language, in the case of a vocabulary.

    Turkish and Azerbaijani have i with a dot, which its capital keeps, and one without.
    """
    if language not in ("az", "tr"):
        return {}
    if not any(map(str.islower, letters)):
        return {"i": "İ", "ı": "I"}
    return {} if any(map(str.isupper, letters)) else {"İ": "i", "I": "ı"}


def spell(text: str, letters: dict[str, int]) -> tuple[str, Counter[str]]:
    """Return ``text`` in the vocabulary's letters, and how often which characters were left out.

    The text is folded, and without remarks. Case follows the vocabulary's, as does the apostrophe;
    accents go if they must; hyphens, dashes and slashes part words.
    """
    text = without_remarks(text)
    if not any(map(str.islower, letters)):
        text = text.upper()
    elif not any(map(str.isupper, letters)):
        text = text.lower()
    signs = {fold(letter): letter for letter in letters if not letter.isalnum()}
    spelt: list[str] = []
    dropped: Counter[str] = Counter()
    for character in text:
        parts = [part for part in unicodedata.normalize("NFKD", character) if part in letters]
        if character in letters or character in signs:
            spelt.append(character if character in letters else signs[character])
        elif character.isspace() or character in "-/\u2013\u2014\u2015":
            spelt.append(" ")
        elif parts:
            spelt += parts
        else:
            dropped[character] += 1
    return " ".join("".join(spelt).split()), dropped


def frames_needed(labels: Sequence[int]) -> int:
    """Return the fewest frames that CTC can align: a blank stands between two equal labels."""
    return len(labels) + sum(first == second for first, second in pairwise(labels))
