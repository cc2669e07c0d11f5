"""Texts are looked at before they are spoken: what is counted, what is odd, and where it stands."""

import pytest

import look
from domains.survey import Survey, survey
from errors import InputError

ENGLISH = [("en", 1.0), ("de", 0.0)]
GERMAN = [("de", 0.995), ("en", 0.005)]


def looked_at(*texts: str, language: str = "en", **changes: object) -> Survey:
    rows = [(f"t{n}", text, f"t.txt:{n}") for n, text in enumerate(texts, start=1)]
    options = {"longest": 30.0, "rank": lambda text: ENGLISH} | changes
    return survey(rows, language, **options)


def findings(*texts: str, **changes: object) -> dict[str, tuple[int, list[str]]]:
    """Return count and examples by what was found."""
    seen = looked_at(*texts, **changes)
    return {each.what: (each.count, each.examples) for each in seen.findings}


def test_texts_words_and_minutes_are_counted():
    seen = looked_at("Open the door.", "Close the door!")
    assert (seen.texts, seen.words, seen.different) == (2, 6, 4)
    assert seen.minutes == pytest.approx((14 + 15) / 12 / 60)  # 12 characters a second
    assert seen.findings == []


@pytest.mark.parametrize(
    ("texts", "what", "count", "examples"),
    [
        (["Go.", "[sighs]"], "texts without a word (left out)", 1, ["t.txt:2: [sighs]"]),
        (
            ["Go.", "Go (now)."],
            "texts of which a part is not said (in brackets, or a picture)",
            1,
            ["t.txt:2: Go (now)."],
        ),
        (
            ["Go there.", "Stay.", "go there"],
            "texts that repeat one before them (spoken once)",
            1,
            ["t.txt:3: go there, as t.txt:1"],
        ),
        (
            [f"{'a' * 299}. {'b' * 299}.", "c" * 480],  # 601 characters: 50 s; 480 at once: 40 s
            "texts of over 30 s, by estimate (split at ends of sentences)",
            1,
            [f"t.txt:1: {'a' * 60}... (50 s)"],
        ),
        (
            [f"{'a' * 299}. {'b' * 299}.", "c" * 480],
            "texts with a sentence of over 30 s, by estimate (left out)",
            1,
            [f"t.txt:2: {'c' * 60}... (40 s)"],
        ),
        (
            ["Caf\u00e9 \u2192 1\u00ba", "Say \u03bb, \u00a7 \u03bb."],
            "texts with characters foreign to English",
            1,
            ["\u03bb (1)", "t.txt:2: Say \u03bb, \u00a7 \u03bb."],
        ),
    ],
)
def test_what_is_odd_is_counted_and_shown_with_its_line(texts, what, count, examples):
    assert findings(*texts)[what] == (count, examples)


def test_no_more_than_three_examples_are_shown():
    [(count, examples)] = findings("Go.", *["go"] * 9).values()
    assert (count, len(examples)) == (9, 3)


def test_texts_of_five_words_are_too_short_to_tell_a_language():
    rank = {"rank": lambda text: GERMAN}
    assert findings("a b c d e", **rank) == {}
    what = "texts that seem to be in another language than English"
    assert findings("a b c d e f", **rank)[what] == (1, ["t.txt:1: a b c d e f (German?)"])
    assert findings("a b c d e f", rank=lambda text: [("de", 0.98), ("en", 0.02)]) == {}
    assert findings("a b c d e f", language="haw", **rank) == {}  # which the model does not know


def test_words_of_three_tokens_are_listed_with_the_commonest_first():
    tokens = {"Go": 1, "rigatoni": 3, "penne": 2, "fusilli": 4}
    [(count, listed)] = findings("Go, rigatoni.", "Penne? fusilli!", "Penne, fusilli: fusilli",
                                 tokens=lambda word: tokens.get(word, 2)).values()  # fmt: skip
    assert (count, listed) == (2, ["fusilli (3), rigatoni (1)"])


def test_the_language_model_tells_a_french_sentence_from_english_ones():
    texts = ["Please leave a message after the tone.", "Veuillez laisser un message \u00e0 la fin."]
    [(count, examples)] = findings(*texts, rank=look.language_model()).values()
    assert count == 1 and examples[0].endswith("(French?)")


def test_the_command_says_it_on_a_screen(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("n,said\n1,Go there.\n2,go there\n")
    ranks = tmp_path / "r.tiktoken"
    ranks.write_text("".join(f"{each} {n}\n" for n, each in enumerate(["IA==", "Zw==", "IGc="])))
    options = ["--language", "en", "--column", "said"]
    look.main([str(path), *options, "--tokenizer", str(ranks)])
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: 2 texts in English with 4 words (2 different), about 0.0 min to say. They begin:",
        f"  {path}:2: Go there.",
        f"  {path}:3: go there",
        "1 texts that repeat one before them (spoken once):",
        f"  {path}:3: go there, as {path}:2",
        "2 words that the recogniser writes with 3 tokens or more, as it has seldom met them:",
        "  there (2), Go (1)",
    ]
    path.write_text("n,said\n1,Go there.\n")
    look.main([str(path), *options])
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing odd was found."
    with pytest.raises(InputError, match=r"t\.csv: has no column 'sad'; did you mean 'said'"):
        look.main([str(path), "--language", "en", "--column", "sad"])


def test_what_a_selection_would_have_of_the_words_is_told_if_asked(tmp_path, capsys):
    """Two of four texts: the long one and the one that shares no word with it, all five words."""
    (tmp_path / "t.txt").write_text("open it\nopen it now\nnow\ngo on\nGo on.\n")
    look.main([str(tmp_path / "t.txt"), "--language", "en", "--select", "2"])
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith("2 of 4 different texts have, drawn at random, ")
    assert told.endswith(" of the words, and by coverage 100%.")
    with pytest.raises(InputError, match="--select 0: at least 1"):
        look.main([str(tmp_path / "t.txt"), "--language", "en", "--select", "0"])
