"""Key terms as libraries take them: one text before the speech's own; a list of how they sound."""

from collections.abc import Iterable, Sequence

from transformers import WhisperTokenizer

from texts.pronunciations import Pronunciation, pronounced


def hints_of(terms: Iterable[str], tokenizer: WhisperTokenizer, most: int) -> str:
    """Return terms in a row, with commas: of the first ones as many as ``most`` tokens have."""
    text = ""
    for term in terms:
        longer = f"{text}, {term}" if text else term
        tokens = tokenizer(f" {longer}", add_special_tokens=False, split_special_tokens=True)
        if len(tokens.input_ids) > most:
            break
        text = longer
    return text


def sounds_of(terms: Iterable[str], listed: Sequence[Pronunciation]) -> str:
    """Return a line for each term: as it is written, a tab, and how it is said."""
    return "".join(f"{term}\t{pronounced(term, listed)}\n" for term in terms)
