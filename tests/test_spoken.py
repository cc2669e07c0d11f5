"""What a TTS is given to say of capitals, held against what the engines' front end makes of it."""

import re

import pytest

from engines.phonemes import phonemizer
from recognisers.whisper import WhisperRecogniser
from texts.spoken import FUNCTION_WORDS, clean_for_tts, without_remarks
from tiny import write_whisper


@pytest.fixture(scope="module")
def said():
    """A function that gives the phonemes of a text without stress, as hibari and Kokoro say it."""
    phonemes_of = phonemizer()
    return lambda text: re.sub("[\u02c8\u02cc]", "", phonemes_of(text))


@pytest.mark.parametrize(
    "text",
    [
        "Call the IT department",
        "The US market opens at 9 AM",
        "Take him to the OR now",
        "Henry VIII sent it by USPS, see the URL",
        "The CEO asked the WHO, HIPAA and the EU",
        "AT&T and R&D",
        "Use the ON/OFF switch",
        "USPS",
        "the CEO'S desk",
        "M.B.A. of the U.S.",
        "I said STOP, it is URGENT",  # these the front end says as words
    ],
)
def test_abbreviations_in_a_sentence_stay(text):
    assert clean_for_tts(text, "en") == text


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("CALL THE IT DEPARTMENT", "Call the it department"),  # which is meant, no one can tell
        ("RESTART THE SERVER. CALL US!", "Restart the server. call us!"),
        ("I CAN'T WATCH TV", "I can't watch TV"),
        ("MY plane, NOT yours", "my plane, not yours"),
        ("IT'S what YOU said, I'LL wait", "it's what you said, I'll wait"),
    ],
)
def test_shouted_lines_and_shouted_function_words_are_calmed(text, spoken):
    assert clean_for_tts(text, "en") == spoken
    assert clean_for_tts(spoken, "en") == spoken


def test_capitals_of_another_language_are_not_taken_for_english():
    assert clean_for_tts("Das ist FOR DICH", "de") == "Das ist FOR DICH"
    assert clean_for_tts("ÖFFNEN SIE DIE TÜR", "de") == "Öffnen sie die tür"
    assert clean_for_tts("Es kostet −€5", "fr") == "Es kostet -€5"


def test_the_front_end_spells_abbreviations_out_and_says_words_as_words(said):
    for letters in ("I T", "U S", "O R", "U S P S", "U R L"):
        word = letters.replace(" ", "")
        spelt = said(letters).replace(" ", "")
        assert spelt in said(clean_for_tts(f"Look at the {word} now", "en"))
    assert said(clean_for_tts("I said STOP", "en")) == said("I said stop")
    for word in FUNCTION_WORDS:
        assert said(clean_for_tts(f"He wrote {word.upper()} again", "en")) == said(
            f"He wrote {word} again"
        )


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("[laughs ((loud))] Well (hm), yes (uh).", "Well, yes."),
        ("<|startoftranscript|><|en|> hello <unk>there", "hello there"),
        ("&lt;UNK&gt; hello \uff1cnoise\uff1e", "hello"),
        ("great \U0001f600\ufe0f job \u266a", "great job"),
        ("(hm). Okay", "Okay"),
        ("... and so on", "... and so on"),
        ("[laughs]", ""),
    ],
)
def test_what_nobody_says_is_in_no_text(text, left):
    assert without_remarks(text) == left
    assert without_remarks(left) == left


def test_no_name_of_a_special_token_becomes_one_in_a_label(tmp_path):
    recogniser = WhisperRecogniser(write_whisper(tmp_path, multilingual=True), 1.0)
    text = "hello <|endoftext|> <|en|> [laughs] there <|0.00|>"
    assert recogniser.labels(text) == recogniser.labels("hello there")
    special = set(recogniser.tokenizer.all_special_ids)
    assert [id for id in recogniser.labels(text) if id in special] == [
        *recogniser.tokenizer.prefix_tokens,
        recogniser.tokenizer.eos_token_id,
    ]
