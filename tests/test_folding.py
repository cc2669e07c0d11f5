"""Folding: characters that look alike are one, what is not seen is none."""

import json

import pytest

from errors import InputError
from files.manifest import read_manifest, read_texts
from filter import character_error_rate
from recognisers.letters import spell
from scoring.word_errors import score
from test_prepare import make_row, prepare_main, write_rows
from texts.folding import fold
from texts.normalise import normalise
from texts.spoken import clean_for_tts

APOSTROPHES = "'\u2018\u2019\u201b\u2032\u00b4`\u02b9\u02bb\u02bc\uff07"
UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2066\ufe0f\ufeff\u3164\x07\x7f"


@pytest.mark.parametrize("apostrophe", APOSTROPHES)
def test_every_apostrophe_is_the_plain_one(apostrophe):
    assert fold(f"We don{apostrophe}t ship") == "We don't ship"


@pytest.mark.parametrize("mark", UNSEEN)
def test_what_is_not_seen_is_not_there(mark):
    assert fold(f"cus{mark}tomer{mark} {mark}care") == "customer care"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("\u201cQuoted\u201d \u00abagain\u00bb ``twice''", '"Quoted" "again" "twice"'),
        ("well\u2010known e\u2011mail 555\u20121234", "well-known e-mail 555-1234"),
        ("\u22125 \u00b0C, 10 \u2212 3, x\u22125, (\u2212\u20ac5)", "-5 °C, 10 -3, x -5, (-€5)"),
        ("Oh \u2014 no\u2026", "Oh \u2014 no..."),  # a dash is no hyphen
        ("a\u00a0b\u2003c\u3000d\u2028e\u2800f", "a b c d e f"),
        ("cafe\u0301", "caf\u00e9"),
        ("1\u00bd cups, \u00be full", "1 1/2 cups, 3/4 full"),  # not 11/2
        ("5 m\u00b2", "5 m\u00b2"),  # not m2
        ("\ufb01ne \uff21\uff22\uff11\uff05 \u2167 100 \u2103", "fine AB1% VIII 100 \u00b0C"),
        ("\U0001d5ef\U0001d5fc\U0001d5f9\U0001d5f1", "bold"),
        ("Acme\u2122 phone\u00ae", "Acme phone"),
        ("call (800) 555-1234, \uff08800\uff09555", "call 800 555-1234, 800 555"),
        ("(800) times (hm)", "(800) times (hm)"),
    ],
)
def test_signs_are_plain_where_their_meaning_stays(text, folded):
    assert fold(text) == folded
    assert fold(folded) == folded


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("rock &amp; roll &amp;amp; it&#39;s&nbsp;&#x201C;on&rdquo;", 'rock & roll & it\'s "on"'),
        ("AT&T and R&D; a&b &unknown;", "AT&T and R&D; a&b &unknown;"),  # no entities
        ("don\u00e2\u20ac\u2122t, caf\u00c3\u00a9", "don't, caf\u00e9"),  # UTF-8 read as cp1252
        (r"don\u2019t say \"no\", it\'s \ud83d\ude00", "don't say \"no\", it's \U0001f600"),
        (r"C:\users", r"C:\users"),  # no escape
        ("don\x92t", "don't"),  # cp1252 read as Latin-1
    ],
)
def test_escaped_and_wrongly_decoded_text_is_what_was_meant(text, folded):
    assert fold(text) == folded
    assert fold(folded) == folded


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, with a non-joiner
        "\u0915\u094d\u200d\u0937",  # Hindi, with a joiner
        "\u4f60\u597d\uff0c\u4e16\u754c\uff01",  # Chinese, with its wide punctuation
        "S\u00c3O PAULO, \u00e0 la fran\u00e7aise, na\u00efve",
        "\u0141\u00f3d\u017a, \u00df, \u0130stanbul",
    ],
)
def test_what_a_script_needs_stays(text):
    assert fold(text) == text


def test_a_typographic_apostrophe_is_no_error():
    references = [{"id": "1", "text": "We don\u2019t ship to customers"}]
    hypotheses = [{"id": "1", "text": "We don't ship to cus\u00adtom\u200bers"}]
    result = score(references, hypotheses, "en")
    assert (result.wer, result.words.reference) == (0, 6)
    assert character_error_rate("We don\u2019t ship", "we don't ship", "en") == 0
    assert normalise("R&amp;D", "en") == normalise("R&D", "en")


def test_splits_share_no_sentence_whatever_its_apostrophes(tmp_path):
    (tmp_path / "train.txt").write_text("We don\u2019t ship\nsome other text\n", encoding="utf-8")
    (tmp_path / "test.txt").write_text("We don't ship\n")
    declaration = {"texts": str(tmp_path / "train.txt"), "test_texts": str(tmp_path / "test.txt")}
    with pytest.raises(InputError, match="'we do not ship' of test is also in train"):
        prepare_main(tmp_path, {**declaration, "dev": 0})


def test_real_and_synthetic_speech_are_learnt_from_one_text(tmp_path):
    """Remarks, tokens and typography; the transcript as it was given can be read beside it."""
    given = {
        "a": "We don\u2019t ship <UNK> <|0.00|>",
        "b": "[laughs] Well (hm). Bye {breath}<|endoftext|>",
        "c": "Nothing of the kind",
        "d": "[laughs ((loudly))] (hm)",
    }
    rows = [make_row(tmp_path, id, text) for id, text in given.items()]
    path = write_rows(tmp_path / "m.jsonl", rows)
    counts = prepare_main(tmp_path, {"manifest": path, "dev": 0, "test": 0})
    real = {row["id"]: row for row in read_manifest(tmp_path / "manifests" / "train.jsonl")}
    texts = {row["id"]: row["text"] for row in read_texts(tmp_path / "texts" / "train.jsonl")}
    assert {id: row["text"] for id, row in real.items()} == texts
    assert texts == {"a": "We don't ship", "b": "Well. Bye", "c": "Nothing of the kind"}
    assert real["a"]["raw_text"] == given["a"]
    assert "raw_text" not in real["c"]
    assert counts["left_out"] == {"no word in the text": 1}


def test_words_are_counted_without_remarks(tmp_path):
    rows = [make_row(tmp_path, "a", "[laughs] yes (a b c)"), make_row(tmp_path, "b", "oh yes")]
    path = write_rows(tmp_path / "m.jsonl", rows)
    counts = prepare_main(tmp_path, {"manifest": path, "dev": 0, "test": 0, "min_words": 2})
    assert counts["left_out"] == {"fewer than 2 words": 1}
    (tmp_path / "t.txt").write_text("[laughs] yes (a b c)\noh yes\n")
    counts = prepare_main(tmp_path, {"texts": str(tmp_path / "t.txt"), "dev": 0, "min_words": 2})
    assert counts["texts"] == {"train": 1, "dev": 0}


def test_a_ctc_model_gets_the_apostrophe_that_its_vocabulary_has():
    letters = {"a": 1, "l": 2, " ": 3}
    assert spell("l\u2019a [laughs] \u2014 <unk>l", letters | {"'": 4}) == ("l'a l", {})
    assert spell("l'a", letters | {"\u2019": 4}) == ("l\u2019a", {})


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("It is \u22125 \u00b0C", "It is -5 \u00b0C"),
        ("10 \u2212 3 is 7", "10 minus 3 is 7"),
        ("It costs \u2212$5", "It costs minus $5"),
        ("cus\u00adtomer &amp; don\u2019t", "customer & don't"),
        ("pages 10\u201312", "pages 10-12"),
    ],
)
def test_folded_text_is_said_as_it_is_meant(text, spoken):
    assert clean_for_tts(text, "en") == spoken
    assert clean_for_tts(spoken, "en") == spoken


def test_a_broken_letter_is_refused_with_its_place(tmp_path):
    (tmp_path / "t.txt").write_text("one\ndon\ufffdt\n", encoding="utf-8")
    with pytest.raises(InputError, match="t.txt:2: .*U\\+FFFD"):
        prepare_main(tmp_path, {"texts": str(tmp_path / "t.txt"), "dev": 0})
    path = write_rows(tmp_path / "m.jsonl", [make_row(tmp_path, "a", "b\ud83d")])
    assert json.loads((tmp_path / "m.jsonl").read_text())["text"] == "b\ud83d"
    with pytest.raises(InputError, match="m.jsonl:1: .* half a character"):
        prepare_main(tmp_path, {"manifest": path, "dev": 0, "test": 0})
