"""Endless repetitions in what a decoder wrote: how they are told from speech."""

import zlib

COMPRESSED = 2.4  # times that zlib shortens a text: more than speech repeats (openai/whisper's)
FASTEST = 35.0  # characters/s; the fastest speakers say 25
SHORT = 30  # characters of a text that may be as fast: durations are cut tight
LONGEST_PHRASE = 8  # words
REPEATED_WORDS = 10  # that a phrase's repetitions have together
REPETITIONS = 4


def is_repetitive(text: str, duration: float) -> bool:
    """Say whether a hypothesis is an endless repetition, or has more than its speech (s) can hold.

    ``zlib`` shortens it more than 2.4 times; or a phrase of up to 8 words stands at least 4 times
    in a row, 10 words or more together; or it is faster than 35 characters a second.
    """
    content = text.encode()
    if len(content) > COMPRESSED * len(zlib.compress(content)):
        return True
    if len(text) > max(SHORT, FASTEST * duration):
        return True
    words = text.lower().split()
    return any(
        most_in_a_row(words, length) * length >= max(REPEATED_WORDS, REPETITIONS * length)
        for length in range(1, LONGEST_PHRASE + 1)
    )


def most_in_a_row(words: list[str], length: int) -> int:
    """Return how many times a phrase of ``length`` words stands in a row, at most."""
    equal = longest = 0
    for before, word in zip(words, words[length:], strict=False):
        equal = equal + 1 if before == word else 0
        longest = max(longest, equal)
    return 1 + longest // length


def completions(tokens: list[int], n: int) -> set[int]:
    """Return the tokens that would complete a sequence of ``n`` that ``tokens`` has already.

    Of no sequence, n being 0, there is none.
    """
    if not n or len(tokens) < n:
        return set()
    last = tuple(tokens[len(tokens) - n + 1 :])
    starts = range(len(tokens) - n + 1)
    return {tokens[at + n - 1] for at in starts if tuple(tokens[at : at + n - 1]) == last}
