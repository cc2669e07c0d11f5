"""Key terms: which words of a domain are missed, counted by hand."""

import json
from pathlib import Path

import pytest

import key_terms
from errors import InputError
from files.manifest import read_jsonl, write_jsonl


def terms_of(*pairs: tuple[str, str], language: str = "en", **more: int) -> list[tuple]:
    """Return each term's form, how often it was missed, and in how many utterances it stands."""
    terms = key_terms.key_terms(pairs, language, **more)
    return [(form, word.missed, word.utterances) for form, word in terms.items()]


def test_a_word_is_a_term_if_half_of_the_utterances_miss_it():
    assert terms_of(
        ("Open the mailbox.", "open the male box"),
        ("The mailbox is full", "the mailbox is fool"),
        ("Open it", "open it"),
    ) == [("mailbox", 1, 2), ("full", 1, 1)]
    assert terms_of(("a b", "a"), ("b", "b"), ("b", "b")) == []  # b is missed once in three


def test_what_is_missed_most_often_comes_first_and_of_equals_what_is_read_first():
    pairs = [("quux bar", "x"), ("foo bar", "x"), ("bar quux foo zap", "zip")]
    assert terms_of(*pairs) == [("bar", 3, 3), ("quux", 2, 2), ("foo", 2, 2), ("zap", 1, 1)]
    assert terms_of(*pairs, most=2) == [("bar", 3, 3), ("quux", 2, 2)]


def test_a_word_that_stands_twice_in_an_utterance_counts_once():
    assert terms_of(("well well", "bell")) == [("well", 1, 1)]


def test_words_are_compared_as_scores_compare_them():
    same = [("It's COLOUR, isn't it?", "it is color is not it"), ("twenty-five", "25")]
    assert terms_of(*same) == []
    assert terms_of(("[laughs] Zork!", "fork")) == [("zork", 1, 1)]


def test_what_is_a_word_only_beside_another_is_left_out():
    """Normalised, "twenty five" is one word, 25, and neither 20 nor 5."""
    assert terms_of(("twenty five zorks", "nothing")) == [("zorks", 1, 1)]


def test_marks_belong_to_a_word_and_punctuation_around_it_does_not():
    words = key_terms.words_of("« Répondeur », “हिन्दी…”", "fr")
    assert [each for spellings in words.values() for each in spellings] == ["Répondeur", "हिन्दी"]


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Write two shards of three utterances and their hypotheses; one of them has none."""
    rows = {"s1": [("a", "Zork it", "fork it"), ("b", "zork", "sort")], "s2": [("c", "zork", "")]}
    for shard, utterances in rows.items():
        manifest, heard = [], []
        for id, text, hypothesis in utterances:
            about = {"audio_filepath": "x.wav", "duration": 1.0, "speaker": "s", "domain": "d"}
            manifest.append({"id": id, "text": text} | about)
            heard.append({"id": id, "text": hypothesis})
        if shard == "s2":
            heard[0]["transcribed"] = False
        write_jsonl(tmp_path / f"{shard}.jsonl", manifest)
        write_jsonl(tmp_path / f"{shard}.hypotheses.jsonl", heard)
    return tmp_path


def run(speech: Path, language: str = "en", hypotheses: tuple[str, ...] = ("s1", "s2")) -> Path:
    output = speech / "terms.jsonl"
    manifests = [str(speech / f"{shard}.jsonl") for shard in ("s1", "s2")]
    heard = [str(speech / f"{shard}.hypotheses.jsonl") for shard in hypotheses]
    key_terms.main(
        ["--manifest", *manifests, "--hypotheses", *heard, "--language", language]
        + ["--output", str(output)]
    )
    return output


def test_terms_of_all_shards_are_written_as_the_texts_write_them_with_their_record(speech):
    """The utterance that was too long to be transcribed counts for nothing."""
    output = run(speech)
    assert read_jsonl(output) == [{"id": "zork", "text": "Zork", "missed": 2, "utterances": 2}]
    record = json.loads(Path(f"{output}.lineage.json").read_text())
    assert record["counts"] == {"utterances": 2, "terms": 1}
    assert len(record["inputs"]) == 4 and record["parameters"] == {"language": "en", "most": 100}


def test_hypotheses_of_another_shard_are_refused(speech):
    with pytest.raises(InputError, match="1 utterances have no hypothesis, first 'c'"):
        run(speech, hypotheses=("s1",))
    with pytest.raises(InputError, match="id 'a' stands already in .*s1.*; give each shard once"):
        run(speech, hypotheses=("s1", "s1"))


def test_a_language_without_spaces_between_words_has_no_key_terms(speech):
    with pytest.raises(InputError, match="--language ja: Japanese parts no words by spaces"):
        run(speech, language="ja")
