"""Labels as Whisper writes them."""

import pytest

from texts.written import label_text


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("turn the light off", " Turn the light off."),
        ("can i help you", " Can I help you."),
        ("what i'd do", " What I'd do."),
        ("i.e. this one", " I.e. this one."),
        ("is it you?", " Is it you?"),
        ("Turn it off", " Turn it off"),  # it has a style of its own
        ("[noise] ok", " Ok."),
        ("\u4f60\u597d", " \u4f60\u597d"),
        ("42", " 42"),
        ("\u00e7a va", " \u00c7a va."),
    ],
)
def test_a_text_of_small_letters_is_learnt_as_a_sentence(text, label):
    assert label_text(text, "sentence", "en") == label


def test_the_pronoun_is_a_capital_in_english_only():
    assert label_text("i ragazzi e i cani", "sentence", "it") == " I ragazzi e i cani."


def test_the_published_form_is_the_text_alone():
    assert label_text("can i", "bare", "en") == "can i"
    assert label_text("can i", "space", "en") == " can i"
    assert label_text("[noise]", "sentence", "en") == ""
