"""Endless repetitions, told from speech that repeats itself."""

import pytest

from recognisers.repetition import completions, is_repetitive

SPEECH = [
    ("no no no no", 2.0),
    ("Knock, knock, knock. Penny. Knock, knock, knock. Penny.", 5.0),
    ("Row, row, row your boat gently down the stream, merrily, merrily, merrily, merrily", 8.0),
    ("", 1.0),
    ("Yes.", 0.3),
    ("to be or not to be that is the question whether it is nobler in the mind to suffer", 6.0),
]


@pytest.mark.parametrize(("text", "duration"), SPEECH)
def test_speech_may_repeat_itself(text, duration):
    assert not is_repetitive(text, duration)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("you " * 200, 30.0),
        ("thank you very much " * 4, 9.0),
        ("ha" * 110, 30.0),  # one word, that zlib shortens
        ("I am sorry, I am so sorry, " * 12, 12.0),
        ("a sentence of an ordinary length that nobody says within a second", 1.0),
    ],
)
def test_endless_repetitions_and_too_fast_speech_are_none(text, duration):
    assert is_repetitive(text, duration)


def test_what_would_complete_a_sequence_again():
    assert completions([1, 2, 3, 1, 2], 3) == {3}
    assert completions([1, 2, 3, 1, 2, 4, 1, 2], 3) == {3, 4}
    assert completions([1, 2], 3) == completions([], 3) == set()
    assert completions([5, 5], 2) == {5}
