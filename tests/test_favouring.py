"""Key terms and n-grams: hand arithmetic, and what they do to a decoder's choice."""

import json
from math import log
from pathlib import Path

import pytest
import torch

import transcribe
from configs import known
from errors import InputError
from files.manifest import read_jsonl, write_jsonl
from recognisers.key_terms import KeyTerms
from recognisers.ngrams import Fusion, Ngrams
from tiny import write_ctc, write_speech, write_whisper


def test_a_term_that_is_begun_is_rather_finished():
    terms = KeyTerms([[1, 2, 3], [1, 4], [5]], bonus=2.0)
    assert terms.bonuses([]) == {1: 2.0, 5: 2.0}
    second = 2 * (1 + log(2))
    assert terms.bonuses([9, 1]) == {1: 2.0, 5: 2.0, 2: second, 4: second}
    assert terms.bonuses([1, 2]) == {1: 2.0, 5: 2.0, 3: 2 * (1 + log(3))}
    assert terms.bonuses([2]) == {1: 2.0, 5: 2.0}


def test_bonuses_are_added_to_the_row_that_has_begun_a_term():
    logits = torch.zeros(6, 2)
    KeyTerms([[1, 2]], bonus=1.0)(logits, [[1], []])
    assert logits[2].tolist() == pytest.approx([1 + log(2), 0])
    assert logits[1].tolist() == [1, 1]


def test_no_terms_change_nothing():
    logits = torch.zeros(6, 1)
    KeyTerms([], bonus=1.0)(logits, [[1]])
    assert not logits.any()


def test_probabilities_are_witten_and_bells():
    ngrams = Ngrams([[0, 1], [0, 2], [0, 1]], vocabulary=4, order=2)
    # of 6 tokens 3 are 0, 2 are 1, 1 is 2: three kinds, so 3/9 is left for all four alike
    unigrams = [3 / 9 + 1 / 12, 2 / 9 + 1 / 12, 1 / 9 + 1 / 12, 1 / 12]
    assert ngrams.unigrams.tolist() == pytest.approx(unigrams)
    # behind 0 are 1, 2, 1: two kinds, so 2/5 is left for the unigrams
    behind = [2 / 5 * each for each in unigrams]
    behind[1] += 2 / 5
    behind[2] += 1 / 5
    assert ngrams.probabilities([0]).tolist() == pytest.approx(behind)
    assert ngrams.probabilities([3]).tolist() == pytest.approx(unigrams)
    assert ngrams.probabilities([]).tolist() == pytest.approx(
        [3 / 4 + unigrams[0] / 4, *(each / 4 for each in unigrams[1:])]
    )


@pytest.mark.parametrize("history", [[], [0], [0, 1], [2, 0, 1, 1], [3, 3, 3, 3, 3]])
def test_probabilities_sum_to_1_behind_any_history(history):
    ngrams = Ngrams([[0, 1, 2, 0, 1, 3], [2, 2]], vocabulary=4)
    assert ngrams.probabilities(history).sum().item() == pytest.approx(1)


def test_the_texts_are_listened_to_where_the_decoder_is_unsure():
    ngrams = Ngrams([[0, 1]] * 50, vocabulary=3)
    logits = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.1, 30.0]])  # unsure of 2, and sure of it
    Fusion(ngrams, weight=0.5)(logits, [[0], [0]])
    assert logits.argmax(dim=0).tolist() == [1, 2]


def test_a_suppressed_token_stays_so_and_spoils_no_entropy():
    ngrams = Ngrams([[0, 1]] * 50, vocabulary=3)
    logits = torch.tensor([[-torch.inf], [0.0], [0.0]])
    Fusion(ngrams, weight=1.0)(logits, [[0]])
    assert logits[0, 0] == -torch.inf and logits[1, 0] > logits[2, 0] and logits[2, 0].isfinite()


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_whisper(folder / "base")
    write_speech(folder, "test", 4)
    write_jsonl(folder / "terms.jsonl", [{"id": "zebra", "text": "zebra"}])
    write_jsonl(folder / "texts.jsonl", [{"id": str(n), "text": "a zebra"} for n in range(5)])
    return folder


def texts_of(data: Path, output: Path, *options: str, model: str = "base") -> list[str]:
    transcribe.main(
        ["--model", str(data / model), "--manifest", str(data / "test.jsonl"), "--language", "en"]
        + ["--window", "1", "--max-length", "12", "--precision", "fp32", "--output", str(output)]
        + list(options)
    )
    return [row["text"] for row in read_jsonl(output)]


def test_a_random_decoder_is_led_to_terms_and_to_texts(data, tmp_path):
    """With a bonus, or a weight, so large that nothing else is heard."""
    plain = texts_of(data, tmp_path / "plain.jsonl")
    assert not any("zebra" in text.lower() for text in plain)
    terms = ["--terms", str(data / "terms.jsonl"), "--terms-bonus"]
    assert all("zebra" in each.lower() for each in texts_of(data, tmp_path / "t", *terms, "99"))
    assert texts_of(data, tmp_path / "none", *terms, "0") == plain
    texts = ["--texts", str(data / "texts.jsonl"), "--texts-weight", "99"]
    led = texts_of(data, tmp_path / "l", *texts)  # not at once: no hypothesis begins with a space
    assert all(text.endswith("bra.") for text in led)
    record = json.loads((tmp_path / "l.lineage.json").read_text())
    assert record["parameters"]["texts_weight"] == 99
    assert record["aids"] == {"texts": [str(data / "texts.jsonl")]}
    assert "aids" not in json.loads((tmp_path / "plain.jsonl.lineage.json").read_text())


def test_the_strengths_of_an_experiment_are_those_of_the_command_unless_it_says_others():
    options = transcribe.parse_arguments(
        ["--model=m", "--manifest=m", "--output=o", "--language=en"]
    )
    decoding = known.load_schema()["properties"]["decoding"]["properties"]
    assert {key: getattr(options, key) for key in decoding} == {
        key: value["default"] for key, value in decoding.items()
    }


def test_a_domain_without_key_terms_is_heard_as_without_aids(data, tmp_path):
    (tmp_path / "none.jsonl").write_text("")
    plain = texts_of(data, tmp_path / "plain.jsonl")
    assert texts_of(data, tmp_path / "o", "--terms", str(tmp_path / "none.jsonl")) == plain


def test_a_ctc_model_has_no_decoder_to_lead(data, tmp_path):
    write_ctc(data / "ctc")
    with pytest.raises(InputError, match="a CTC model has none"):
        texts_of(data, tmp_path / "o", "--terms", str(data / "terms.jsonl"), model="ctc")
