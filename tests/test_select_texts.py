"""Which texts are spoken when there are too many: choices that can be followed in one's head."""

import json
from collections import Counter
from math import log
from pathlib import Path

import pytest

import prepare
import select_texts
from domains.coverage import covering, diphones, share_covered
from domains.unlike import cross_entropy, unlike
from errors import InputError
from files.manifest import read_texts, write_jsonl
from recognisers.ngrams import Ngrams

FIVE = ["turn on the lamp", "turn off the lamp", "open a door", "turn on", "close"]


def words(*texts: str) -> list[list[str]]:
    return [text.split() for text in texts]


def write(path: Path, *texts: str) -> Path:
    write_jsonl(
        path,
        ({"id": f"t{n}", "text": text.capitalize(), "spoken": text, "domain": "shop"}
         for n, text in enumerate(texts)),
    )  # fmt: skip
    return path


def selected(folder: Path, number: int, by: str, *options: str, texts: list[str] = FIVE):
    """Run the command; return the ids that are selected, and the record."""
    path, output = write(folder / "train.jsonl", *texts), folder / "selected.jsonl"
    select_texts.main(
        [f"--texts={path}", f"--number={number}", f"--by={by}", f"--output={output}",
         *(options if any("language" in each for each in options) else ("--language=en", *options))]
    )  # fmt: skip
    record = json.loads((folder / "selected.jsonl.lineage.json").read_text())
    return [row["id"] for row in read_texts(output)], record


# --- coverage


def test_the_text_that_adds_most_is_next_and_what_is_there_already_adds_a_half_then_a_third():
    """4 words; then 3 new ones, before 1 and three halves; then these; then 1 before 1/2 + 1/3."""
    texts = [*map(Counter, words(*FIVE))]
    assert covering(texts, 1) == [0]
    assert covering(texts, 2) == [0, 2]
    assert covering(texts, 3) == [0, 1, 2]
    assert covering(texts, 4) == [0, 1, 2, 4]
    assert covering(texts, 9) == [0, 1, 2, 3, 4]


def test_of_equals_the_first_is_taken_and_a_word_twice_in_a_text_counts_one_and_a_half():
    assert covering([*map(Counter, words("a b", "c d"))], 1) == [0]
    assert covering([*map(Counter, words("a", "b b", "c"))], 1) == [1]
    assert covering([*map(Counter, words("b b", "a c"))], 1) == [1]


def test_the_share_of_words_is_that_of_different_ones():
    assert share_covered([*map(Counter, words("a b", "a c", "d"))], [0, 1]) == 3 / 4


def test_pairs_of_phones_go_across_words_and_leave_stress_and_signs():
    assert diphones("hˈɛ, lO!") == {("h", "ɛ"): 1, ("ɛ", "l"): 1, ("l", "O"): 1}
    assert diphones("n") == {}


def test_by_phones_sea_and_see_are_one_and_by_words_they_are_two(tmp_path):
    texts = ["see", "sea", "no"]
    assert selected(tmp_path, 2, "phones", texts=texts)[0] == ["t0", "t2"]
    assert selected(tmp_path, 2, "coverage", texts=texts)[0] == ["t0", "t1"]


# --- unlike the source


def test_cross_entropy_is_the_mean_of_negative_logs():
    """A text of one word: half of 1 by its own count, and half of the 1/2 that each token has."""
    assert cross_entropy(Ngrams([[0, 1]], 2, order=2), [0, 1]) == pytest.approx(-log(3 / 4))


def test_what_only_the_domain_says_comes_before_what_the_source_says_too():
    texts = words("stop", "play a song", "stop it", "play songs")
    assert unlike(texts, words("stop", "stop it", "stop now"), 2) == [1, 3]
    assert unlike(texts, words("play a song", "play it", "play songs"), 2) == [0, 2]


# --- the command


def test_selected_texts_stay_as_they_are_in_their_order_and_those_left_out_are_counted(tmp_path):
    ids, record = selected(tmp_path, 2, "coverage")
    assert ids == ["t0", "t2"]
    assert record["counts"] == {
        "texts": 5, "selected": 2, "left_out": 3, "different_words": 9,
        "share_of_words": round(7 / 9, 4),
    }  # fmt: skip
    assert read_texts(tmp_path / "selected.jsonl")[0]["text"] == "Turn on the lamp"
    assert selected(tmp_path, 5, "coverage")[1]["counts"]["left_out"] == 0


def test_random_draws_the_texts_that_train_of_a_domain_of_texts_draws(tmp_path):
    lines = [f"tree {n}" for n in range(30)]
    (tmp_path / "t.txt").write_text("".join(f"{line}\n" for line in lines))
    prepared = {}
    for train in (0, 9):
        declaration = json.dumps({"texts": str(tmp_path / "t.txt"), "dev": 5, "train": train})
        folder = tmp_path / f"texts{train}"
        prepare.main(["--domain=shop", f"--declaration={declaration}", "--language=en",
                      f"--texts-dir={folder}"])  # fmt: skip
        prepared[train] = [row["id"] for row in read_texts(folder / "train.jsonl")]
    output = tmp_path / "selected.jsonl"
    arguments = ["--number=9", "--by=random", "--language=en", f"--output={output}"]
    select_texts.main([f"--texts={tmp_path / 'texts0' / 'train.jsonl'}", *arguments])
    assert [row["id"] for row in read_texts(output)] == prepared[9]
    assert len(prepared[0]) == 25
    select_texts.main([f"--texts={tmp_path / 'texts0' / 'train.jsonl'}", *arguments, "--seed=2"])
    assert [row["id"] for row in read_texts(output)] != prepared[9]


def test_the_sources_texts_are_inputs_of_what_is_unlike_them(tmp_path):
    source = write(tmp_path / "source.jsonl", "turn on the lamp", "turn off the lamp", "turn on")
    ids, record = selected(tmp_path, 2, "unlike_source", f"--source={source}")
    assert ids == ["t2", "t4"]
    assert str(source) in record["inputs"]


@pytest.mark.parametrize(
    ("number", "by", "options", "message"),
    [
        (0, "coverage", [], "--number: '0'; give a whole number from 1"),
        (1, "phones", ["--language=fr"], "phones: knows how English is said, and not French; take"),
        (1, "unlike_source", [], "unlike_source: needs --source, texts of the source"),
        (1, "random", ["--source=x"], "random: has no use for --source; leave it out"),
    ],
)
def test_what_can_not_be_selected_by_is_refused(tmp_path, number, by, options, message):
    with pytest.raises(InputError, match=message):
        selected(tmp_path, number, by, *options)
