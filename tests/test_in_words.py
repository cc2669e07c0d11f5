"""Numbers, dates, currencies and units in words."""

import pytest
from num2words import CONVERTER_CLASSES
from transformers.models.whisper.tokenization_whisper import LANGUAGES

from texts.in_words import in_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("5 cats, 21 dogs", "five cats, twenty one dogs"),
        ("1,234 or 3.14 or 0.5", "one thousand two hundred and thirty four or three point one four"
         " or zero point five"),
        ("1000000", "one million"),
        ("It costs $5.20 or -$3", "It costs five dollars and twenty cents or minus three dollars"),
        ("$1, $0.99, $3 million, £1, 5 €", "one dollar, ninety nine cents, three million dollars,"
         " one pound, five euros"),
        ("on 2024-05-03", "on May third, twenty twenty four"),
        ("5/3/2024 or 25/12/1999", "May third, twenty twenty four or December twenty fifth,"
         " nineteen ninety nine"),
        ("May 3, 2024 or the 4th of July", "May third, twenty twenty four or the fourth of July"),
        ("at 7:30, 7:05 pm or 9am", "at seven thirty, seven oh five p m or nine a m"),
        ("at 7:00", "at seven o'clock"),
        ("-5 °C and 98.6°F", "minus five degrees Celsius and ninety eight point six degrees"
         " Fahrenheit"),
        ("50%, 1 km, 10 km, 16 GB, 60 mph", "fifty percent, one kilometer, ten kilometers,"
         " sixteen gigabytes, sixty miles per hour"),
        ("the 1st, 22nd and 103rd", "the first, twenty second and one hundred and third"),
        ("in 1999, the 1980s", "in nineteen ninety nine, the nineteen eighties"),
        ("call 555-0199", "call five five five, zero one nine nine"),
        ("+1 800 555 1234", "plus one, eight zero zero, five five five, one two three four"),
        ("agent 007, id 12345678", "agent zero zero seven, id one two three four five six seven"
         " eight"),
        ("1/2, 3/4, 1 1/2, 24/7", "one half, three quarters, one and one half, twenty four seven"),
        ("pages 10-12", "pages ten to twelve"),
        ("version 3.11.2", "version three point eleven point two"),
        ("MP3 and COVID-19", "MP three and COVID-nineteen"),
        ("R&D + 2 = #5", "R and D plus two equals number five"),
        ("No numbers, and none's needed.", "No numbers, and none's needed."),
    ],
)  # fmt: skip
def test_a_form_is_said_as_one_reads_it(text, words):
    assert in_words(text, "en") == words
    assert in_words(words, "en") == words


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("de", "1.234,50 € am 3. Mai", "eintausendzweihundertvierunddreißig Euro fünfzig Cent am"
         " dritte Mai"),
        ("de", "-5 °C, 50 %, 1 km", "minus fünf Grad Celsius, fünfzig Prozent, ein Kilometer"),
        ("de", "um 7:30, 1.000.000", "um sieben Uhr dreißig, eine Million"),
        ("fr", "la 2e, 1 234,5 km", "la deuxième, mille deux cent trente quatre virgule cinq"
         " kilomètres"),
        ("es", "El 3 de mayo, 1º", "El tres de mayo, primero"),
        ("it", "-2,5 kg", "meno due virgola cinque chilogrammi"),
        ("nl", "€ 5,20", "vijf euro twintig cent"),
        ("ru", "5 км", "пять километров"),
        ("sv", "1 000 000 kr", "en miljon kr"),
        ("tr", "%50", "yüzde elli"),
        ("ja", "5人", "五人"),
        ("hi", "५ लोग", "५ लोग"),  # num2words has no Hindi
    ],
)  # fmt: skip
def test_words_are_those_of_the_language(language, text, words):
    assert in_words(text, language) == words


def test_no_digit_is_left_in_any_language_that_num2words_has():
    for language in sorted(set(LANGUAGES) & set(CONVERTER_CLASSES)):
        text = "2,5 7:30 2024-05-03 5 % 10 km 1/2 -3 007 $5 $5.20 0301234567 1.2.3 100000000000"
        words = in_words(text, language)
        assert not any(map(str.isdigit, words)), (language, words)
