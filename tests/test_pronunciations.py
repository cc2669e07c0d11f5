"""How a domain's words are said: what is replaced, what is refused, and what is left as it is."""

import json
import re
import sys
from pathlib import Path

import pytest

import humming
import synthesize
from configs.user_files import check_files
from engines.engine import Request
from engines.utterances import requests
from engines.wording import as_listed, for_letters_only
from errors import InputError
from files.manifest import read_manifest
from texts.pronunciations import Pronunciation, pronounced, read_pronunciations

LISTED = {
    "Zylo": "zigh low",
    "SQL": "sequel",
    "SQL Server": "sequel sir ver",
    "IT": "I T",
    ".NET": "dot net",
    "C#": "see sharp",
    "nguyen": "win",
    "24/7": "round the clock",
    "東京": "とうきょう",
    "राम": "raam",
}


def listed(**changes: str) -> list[Pronunciation]:
    return [Pronunciation(word, said, "p.tsv:1") for word, said in (LISTED | changes).items()]


def write(folder: Path, *lines: str) -> Path:
    (folder / "p.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "p.tsv"


@pytest.mark.parametrize(
    ("spoken", "said"),
    [
        ("Is Zylo open?", "Is zigh low open?"),
        ("ZYLO, zylo and Zylo's", "zigh low, zigh low and zigh low's"),
        ("zylos, Zylon and MyZylo", "zylos, Zylon and MyZylo"),
        ("a Zylo-Pro", "a zigh low-Pro"),
        ("Restart the SQL Server.", "Restart the sequel sir ver."),
        ("one SQL server, two SQL", "one sequel sir ver, two sequel"),
        ("sql and MySQL", "sql and MySQL"),
        ("Ask IT, it knows", "Ask I T, it knows"),
        ("We use.NET, and C#.", "We use dot net, and see sharp."),
        ("Nguyen is here 24/7", "win is here round the clock"),
        ("東京都はどこ", "とうきょう都はどこ"),
        ("राम रामा", "raam रामा"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_whole_words_are_replaced_and_capitals_only_by_capitals(spoken, said):
    assert pronounced(spoken, listed()) == said


def test_the_longer_word_wins_the_first_of_two_that_overlap_and_nothing_is_replaced_twice():
    assert pronounced("a b c", listed(**{"a b": "x", "b c": "y", "x": "z"})) == "x c"
    assert pronounced("a b c", listed(**{"a": "x", "a b c": "y", "b c": "z"})) == "y"


def test_signs_of_a_list_mean_those_of_the_text(tmp_path):
    """A TTS reads ' for ’, and a space for an underscore."""
    path = write(tmp_path, "O’Brien\toh bry en", "\ufeffnet_name\tnet name", "", "Zylo\tzigh low\r")
    read = read_pronunciations(path)
    assert [(each.word, each.said) for each in read] == [
        ("O'Brien", "oh bry en"), ("net name", "net name"), ("Zylo", "zigh low"),
    ]  # fmt: skip
    assert read[2].place == f"{path}:4"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["Zylo\tzigh low", "SQL sequel"], r"p.tsv:2: 'SQL sequel' has no tab; give a word"),
        (["Zylo\tzigh low\t"], r"p.tsv:1: '' \(how it is said\) has nothing that is said"),
        (["Zylo\tzigh low\t[zil] o"], r"p.tsv:1: '\[zil\] o' has brackets or a sign"),
        (["\tzigh low"], r"p.tsv:1: '' \(the word\) has nothing that is said.*; give a word"),
        (["(Zylo)\tzigh low"], r"p.tsv:1: '\(Zylo\)' \(the word\) has nothing that is said"),
        (["Zylo\t"], r"p.tsv:1: '' \(how it is said\) has nothing that is said"),
        (["Zylo\t..."], r"p.tsv:1: '\.\.\.' \(how it is said\) has nothing that is said"),
        (["Zylo\t[zaI] low"], r"p.tsv:1: '\[zaI\] low' has brackets or a sign .*; write it in"),
        (["Zylo\tzigh_low"], r"p.tsv:1: 'zigh_low' has brackets or a sign"),
        (["Zylo\tzigh low", "", "zylo\tzil o"],
         r"p.tsv:3: 'zylo' is said 'zil o' here, but 'zigh low' at \S*p.tsv:1; remove .* tab"),
        ([""], r"p.tsv: is empty; give a word .*, or remove the key pronunciations"),
    ],
)  # fmt: skip
def test_a_bad_line_is_told_with_its_place_and_what_to_do(tmp_path, lines, message):
    with pytest.raises(InputError, match=message):
        read_pronunciations(write(tmp_path, *lines))


def test_a_word_may_stand_twice_if_it_is_said_alike_and_in_capitals_it_is_another(tmp_path):
    path = write(tmp_path, "Zylo\tzigh low", "zylo\tzigh low", "ZYLO\tZ Y L O")
    read = read_pronunciations(path)
    assert [each.word for each in read] == ["Zylo", "ZYLO"]


def asked_of(samples: int = 1, **spoken: str) -> list[Request]:
    """Return the utterances of texts by id."""
    rows = [{"id": id, "text": text, "spoken": text} for id, text in spoken.items()]
    return requests(rows, 1, 1, samples, ["ann"], (1, 1), seed=1)


def test_engines_without_digits_get_the_words_of_what_is_listed_too():
    asked = asked_of(a="Zylo 24/7", b="Room 5")
    said = as_listed(asked, listed(**{"24/7": "24 by 7"}))
    assert said[0].text["pronounced"] == said[0].spoken == "zigh low 24 by 7"
    assert said[1] == asked[1]
    words = for_letters_only(said, "en")
    assert words[0].spoken == "zigh low twenty four by seven"
    assert words[0].text["pronounced"] == "zigh low 24 by 7"
    assert words[1].spoken == "Room five"


def test_the_utterances_of_a_text_take_the_ways_to_say_a_word_in_turn(tmp_path):
    read = read_pronunciations(write(tmp_path, "Zylo\tzigh low\tzil o\tzee lo", "SQL\tsequel"))
    assert [each.ways for each in read] == [("zigh low", "zil o", "zee lo"), ("sequel",)]
    said = [one.spoken for one in as_listed(asked_of(6, a="Zylo SQL"), read)]
    ways = [f"{way} sequel" for way in ("zigh low", "zil o", "zee lo")]
    start = ways.index(said[0])
    assert said == [ways[(start + sample) % 3] for sample in range(6)]


def test_texts_that_are_spoken_once_begin_with_one_way_or_another_by_their_ids():
    read = [Pronunciation("Zylo", "zigh low", "", ("zil o",))]
    texts = {f"t{n}": "Zylo" for n in range(100)}
    first = [one.spoken for one in as_listed(asked_of(**texts), read)]
    assert 35 < first.count("zigh low") < 65 and first.count("zil o") == 100 - first.count(
        "zigh low"
    )
    assert [one.spoken for one in as_listed(asked_of(**texts)[50:], read)] == first[50:]


# --- the synthesis


@pytest.fixture
def speak(tmp_path, monkeypatch):
    """A function that speaks three texts with the humming engine; it returns rows by id."""
    monkeypatch.setitem(sys.modules, "engines.humming", humming)
    monkeypatch.setattr(synthesize, "ENGINES", ("humming",))
    (tmp_path / "hum").mkdir()
    (tmp_path / "hum" / "model.bin").write_bytes(b"weights")
    texts = [{"id": id, "text": text, "spoken": text, "domain": "shop"}
             for id, text in (("a", "Zylo"), ("b", "SQL now"), ("c", "Lamps"))]  # fmt: skip
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts))

    def run(*lines: str) -> dict[str, dict]:
        options = ["--pronunciations", str(write(tmp_path, *lines))] if lines else []
        synthesize.main(
            [f"--texts={tmp_path / 't.jsonl'}", f"--resources={tmp_path / 'hum'}",
             "--engine=humming", "--tts=hum", "--voices=ann", "--seed=1", *options,
             f"--audio-dir={tmp_path / 'audio'}", f"--output={tmp_path / 'shard.jsonl'}"]
        )  # fmt: skip
        return {row["id"]: row for row in read_manifest(tmp_path / "shard.jsonl")}

    return run


def test_what_is_spoken_is_as_listed_and_what_is_learnt_as_written(speak, tmp_path):
    rows = speak("zylo\tzigh low", "nowhere\tno where")
    assert (tmp_path / "hum" / "asked.txt").read_text().splitlines() == [
        "zigh low",
        "SQL now",
        "Lamps",
    ]
    assert (rows["a"]["text"], rows["a"]["pronounced"]) == ("Zylo", "zigh low")
    assert "pronounced" not in rows["b"] and "spoken" not in rows["a"]
    inputs = json.loads((tmp_path / "shard.jsonl.lineage.json").read_text())["inputs"]
    assert str(tmp_path / "p.tsv") in inputs


def test_another_pronunciation_speaks_anew_what_has_the_word_and_nothing_else(speak, tmp_path):
    speak()
    speak("Zylo\tzigh low")
    speak("Zylo\tzigh low", "SQL\tsequel")
    assert (tmp_path / "hum" / "asked.txt").read_text().splitlines() == [
        *("Zylo", "SQL now", "Lamps"), "zigh low", "sequel now",
    ]  # fmt: skip


def test_a_bad_line_is_told_before_the_engine_is_loaded(speak, monkeypatch):
    monkeypatch.setattr(humming, "load", lambda _: pytest.fail("the engine was loaded"))
    with pytest.raises(InputError, match="p.tsv:1: 'Zylo' has no tab"):
        speak("Zylo")


# --- before the first job


def domain(folder: Path, texts: str, *lines: str, **more: str) -> dict:
    (folder / "shop.txt").write_text(texts)
    said = str(write(folder, *lines))
    return {"shop": {"texts": str(folder / "shop.txt"), "pronunciations": said} | more}


def test_a_word_that_no_text_has_is_a_remark_with_file_and_line(tmp_path):
    config = domain(tmp_path, "1\tZYLO’s lamps\n", "Zylo's\tzigh lows", "2\ttwo", "SQL\tsequel")
    remarks = check_files(config, "en")
    why = "is in no text of domain shop, so that nothing there is said otherwise"
    assert [re.sub(r"\S*/", "", remark) for remark in remarks] == [
        f"remark: p.tsv:2: '2' {why}",
        f"remark: p.tsv:3: 'SQL' (in capitals, as it is written here) {why}",
    ]


def test_manifests_and_test_texts_are_texts_of_a_domain_too(tmp_path):
    (tmp_path / "test.txt").write_text("the SQL one\n")
    more = {"test_texts": str(tmp_path / "test.txt")}
    assert (
        check_files(domain(tmp_path, "Zylo\n", "SQL\tsequel", "zylo\tzigh low", **more), "en") == []
    )
    (tmp_path / "m.jsonl").write_text('{"audio_filepath": "Lamp.wav", "text": "O\\u2019Neil"}\n')
    mine = {"splits": {"train": str(tmp_path / "m.jsonl"), "test": str(tmp_path / "m.jsonl")}}
    mine["pronunciations"] = str(write(tmp_path, "O'Neil\toh neel", "Lamp\tlump"))
    (remark,) = check_files({"mine": mine}, "en")
    assert "'Lamp' is in no text of domain mine" in remark


def test_a_corpus_that_may_not_be_fetched_yet_is_not_remarked_upon_but_its_list_is_read(tmp_path):
    corpus = {"corpus": "slurp", "artifact": "slurp"}
    corpus["pronunciations"] = str(write(tmp_path, "Zylo\tzigh low"))
    assert check_files({"news": corpus}, "en") == []
    write(tmp_path, "Zylo")
    with pytest.raises(InputError, match="p.tsv:1: 'Zylo' has no tab"):
        check_files({"news": corpus}, "en")
    (tmp_path / "p.tsv").unlink()
    with pytest.raises(InputError, match=r"news\.pronunciations: .*p\.tsv: no such file"):
        check_files({"news": corpus}, "en")
