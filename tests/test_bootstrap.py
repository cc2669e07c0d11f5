"""The bootstrap, against cases with a known answer and a plain loop."""

import time

import numpy as np
import pytest
from scipy.stats import bootstrap

from errors import InputError
from scoring.bootstrap import interval, mean_over_seeds, resampled_rates, two_sided_p, units_of
from simulated import experiment


def test_identical_utterances_leave_nothing_to_vary():
    rates = resampled_rates(np.ones((1, 50)), np.full(50, 4))
    assert interval(rates[0]) == (0.25, 0.25)


def test_rate_is_pooled_over_words():
    """One utterance of 1 word, always wrong, and one of 9, never: WERs 0, 1/10 and 1."""
    rates = resampled_rates(np.array([[1, 0]]), np.array([1, 9]), resamples=400)
    assert set(np.round(rates[0], 6)) == {0.0, 0.1, 1.0}
    assert np.mean(rates[0] == 0.1) == pytest.approx(0.5, abs=0.1)


def test_interval_is_that_of_the_normal_approximation():
    """100 one-word utterances, half of them wrong: 0.5 +- 1.96 * 0.05."""
    errors = np.repeat([0, 1], 50)[None]
    low, high = interval(resampled_rates(errors, np.ones(100))[0])
    assert low == pytest.approx(0.402, abs=0.01)
    assert high == pytest.approx(0.598, abs=0.01)


def test_confidence_is_two_sided():
    assert interval(np.arange(101), confidence=0.9) == pytest.approx((5, 95))
    assert interval(np.arange(1001)) == pytest.approx((25, 975))


def test_pairing_takes_out_what_both_systems_find_hard():
    """B makes the errors of A and one more per utterance: the difference is certain."""
    errors = np.random.default_rng(1).integers(5, size=200)
    rates = resampled_rates(np.stack([errors, errors + 1]), np.full(200, 10))
    differences = rates[1] - rates[0]
    assert interval(differences) == pytest.approx((0.1, 0.1))
    assert interval(rates[0])[1] - interval(rates[0])[0] > 0.03
    assert two_sided_p(differences) == 2 / 10_001


def test_equals_a_plain_loop_over_the_same_draws():
    random = np.random.default_rng(3)
    errors, words = random.integers(4, size=(2, 30)), random.integers(1, 9, size=30)
    rates = resampled_rates(errors, words, resamples=50, seed=7)
    draws = np.random.default_rng(7).integers(30, size=(50, 30), dtype=np.int32)
    for column, draw in enumerate(draws):
        for system in range(2):
            expected = sum(errors[system][i] for i in draw) / sum(words[i] for i in draw)
            assert rates[system, column] == pytest.approx(expected, abs=1e-12)


def test_groups_are_drawn_whole():
    """Two speakers, one always wrong: WERs 0, 1/2 and 1, however many utterances they spoke."""
    errors, speakers = np.repeat([[0, 1]], 50, axis=1), np.repeat(["ann", "bob"], 50)
    rates = resampled_rates(errors, np.ones(100), groups=speakers, resamples=400)
    assert set(rates[0]) == {0.0, 0.5, 1.0}


def test_groups_of_one_are_utterances():
    errors, words = np.arange(20)[None] % 3, np.full(20, 5)
    alone = resampled_rates(errors, words, groups=np.arange(20), resamples=100)
    assert np.array_equal(alone, resampled_rates(errors, words, resamples=100))


def test_same_seed_same_rates_other_seed_other_rates():
    errors, words = np.arange(20)[None] % 3, np.full(20, 5)
    first = resampled_rates(errors, words, resamples=100, seed=1)
    assert np.array_equal(first, resampled_rates(errors, words, resamples=100, seed=1))
    assert not np.array_equal(first, resampled_rates(errors, words, resamples=100, seed=2))


def test_chunks_do_not_repeat_each_other(monkeypatch: pytest.MonkeyPatch):
    errors, words = np.arange(20)[None] % 3, np.full(20, 5)
    whole = resampled_rates(errors, words, resamples=100)
    monkeypatch.setattr("scoring.bootstrap.CHUNK", 60)
    assert np.array_equal(whole, resampled_rates(errors, words, resamples=100))


def test_p_counts_both_sides():
    assert two_sided_p(np.array([-1.0] * 9 + [1.0] * 90)) == 2 * 10 / 100
    assert two_sided_p(np.array([1.0] * 9 + [-1.0] * 90)) == 2 * 10 / 100
    assert two_sided_p(np.zeros(99)) == 1


def test_seeds_are_averaged_per_utterance():
    assert mean_over_seeds(np.array([[0, 3], [1, 1]])).tolist() == [0.5, 2.0]


def test_utterances_without_words_still_count_their_insertions():
    rates = resampled_rates(np.array([[2, 0, 0, 0]]), np.array([0, 1, 1, 1]), resamples=20, seed=1)
    assert rates.max() > 0


def test_a_draw_without_words_is_refused():
    with pytest.raises(ValueError, match="no words"):
        resampled_rates(np.array([[1, 0]]), np.array([0, 1]), resamples=50)


def test_intervals_are_scipys():
    """40 utterances, two systems: WER and paired difference, to a tenth of a point."""
    random = np.random.default_rng(5)
    words = random.integers(3, 9, size=40)
    errors = random.binomial(words, [[0.3], [0.2]])
    rates = resampled_rates(errors, words, resamples=20_000)

    def scipys(statistic, *counts: np.ndarray) -> tuple[float, float]:
        found = bootstrap(
            (*counts, words), statistic, paired=True, vectorized=True, method="percentile",
            n_resamples=20_000, batch=1000, rng=np.random.default_rng(6),
        )  # fmt: skip
        return tuple(found.confidence_interval)

    def wer(errors, words, axis=-1):
        return errors.sum(axis) / words.sum(axis)

    def difference(first, second, words, axis=-1):
        return wer(second, words, axis) - wer(first, words, axis)

    assert interval(rates[0]) == pytest.approx(scipys(wer, errors[0]), abs=0.002)
    expected = scipys(difference, *errors)
    assert interval(rates[1] - rates[0]) == pytest.approx(expected, abs=0.002)


def coverage(experiments: int, by_sentence: bool) -> tuple[float, float]:
    """Return how often the intervals hold the true WER of 0.2, and the true difference of -0.03."""
    held = np.zeros(2)
    for seed in range(experiments):
        errors, words, sentence = experiment(seed, wer_a=0.2, wer_b=0.17)
        groups = sentence if by_sentence else None
        rates = resampled_rates(errors, words, groups, resamples=400, seed=seed)
        for index, (values, truth) in enumerate([(rates[0], 0.2), (rates[1] - rates[0], -0.03)]):
            low, high = interval(values)
            held[index] += low <= truth <= high
    return tuple(held / experiments)


def test_intervals_by_sentence_hold_the_truth_in_95_of_100_experiments():
    of_wer, of_difference = coverage(1000, by_sentence=True)
    assert 0.93 <= of_wer <= 0.97
    assert 0.93 <= of_difference <= 0.97


def test_intervals_by_utterance_are_too_narrow_where_sentences_are_read_often():
    of_wer, of_difference = coverage(300, by_sentence=False)
    assert of_wer < 0.85
    assert of_difference < 0.93


UTTERANCES = {
    "ids": ["a", "b", "c", "d"],
    "references": ["stop", "stop", "", ""],
    "speakers": ["ann", "bob", "bob", "bob"],
}


def test_units_are_utterances_sentences_or_speakers():
    assert units_of("utterance", "score.json", **UTTERANCES) is None
    assert units_of("speaker", "score.json", **UTTERANCES) == ["ann", "bob", "bob", "bob"]
    first, second, *without_words = units_of("sentence", "score.json", **UTTERANCES)
    assert first == second == "stop"
    assert len({"stop", *without_words}) == 3  # two noises are not one sentence


def test_a_missing_speaker_is_refused_with_the_file_and_the_first_id():
    lacking = UTTERANCES | {"speakers": ["ann", None, None, "bob"]}
    with pytest.raises(InputError, match="s.json: 2 of 4 .*no 'speaker', first 'b'; add 'speaker'"):
        units_of("speaker", "s.json", **lacking)
    assert units_of("sentence", "s.json", **lacking) == ["stop", "stop", "(c)", "(d)"]


def test_slurps_test_set_takes_seconds():
    random = np.random.default_rng(0)
    errors, words = random.integers(3, size=(2, 13_078)), random.integers(1, 12, size=13_078)
    start = time.process_time()
    resampled_rates(errors, words, resamples=2_000)
    assert time.process_time() - start < 2  # 10,000 within 10 s, busy machine or not
