"""Tests of significance, against scipy, NIST's own program, and data without a difference."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm, ttest_rel

import nist
from scoring.bootstrap import resampled_rates, two_sided_p
from scoring.significance import holm, mapsswe
from simulated import experiment


def test_holm_multiplies_the_smallest_by_the_number_and_never_turns_the_order():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1, 1])
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_mapsswe_is_the_mean_difference_over_its_standard_error():
    """Differences 2, 0, 2, 0: mean 1, standard deviation 2/sqrt(3), over sqrt(4): z = sqrt(3)."""
    p = mapsswe(np.array([2, 1, 3, 0]), np.array([0, 1, 1, 0]))
    assert p == pytest.approx(2 * norm.sf(3**0.5))


def test_mapsswe_is_scipys_paired_t_with_normal_tails():
    errors, _, _ = experiment(seed=1, wer_b=0.18)
    t = ttest_rel(*errors).statistic
    assert mapsswe(*errors) == pytest.approx(2 * norm.sf(abs(t)))
    assert mapsswe(*errors) == pytest.approx(ttest_rel(*errors).pvalue, abs=0.001)
    assert mapsswe(*errors) == mapsswe(*errors[::-1])


def test_mapsswe_sums_the_errors_of_a_group():
    sums = mapsswe(np.array([2, 4, 1]), np.array([1, 1, 1]))
    groups = ["x", "y", "x", "y", "z"]
    assert mapsswe([1, 3, 1, 1, 1], [0, 0, 1, 1, 1], groups) == pytest.approx(sums)


def test_without_spread_there_is_no_z():
    same = np.array([1, 0, 2])
    assert mapsswe(same, same) == 1
    assert mapsswe(same + 1, same) == 0
    assert mapsswe(np.array([5]), np.array([0])) == 1
    assert mapsswe([1, 0], [0, 0], groups=["x", "x"]) == 1


def sc_stats(folder: Path, references: list[str], *hypotheses: list[str]) -> float:
    """Return the p of NIST's MAPSSWE, which rounds it to 0.001."""
    reference = nist.write_trn(folder / "ref.trn", references)
    aligned = ""
    for name, texts in zip(("sysa", "sysb"), hypotheses, strict=True):
        aligned += nist.alignments(reference, nist.write_trn(folder / f"{name}.trn", texts))
    command = [nist.find("sc_stats"), "-p", "-t", "mapsswe", "-u", "-n", "both", "-O", folder]
    subprocess.run(command, input=aligned, text=True, check=True, capture_output=True)
    unified = (folder / "both.stats.unified").read_text()
    p = re.search(r"MP +\|\| +sysa +\|[^|]*\| +(?:sys[ab]|~) +<?([\d.]+)", unified)
    return float(p[1])


@nist.needs("sc_stats")
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_mapsswe_is_nists_where_its_segments_are_utterances(tmp_path: Path, seed: int):
    """400 utterances of 1 to 3 words, too short for NIST to cut.

    NIST looks p up by z cut off after two digits, and prints three.
    """
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 4, size=400)
    wrong = [[random.random(n) < rate for n in lengths] for rate in (0.3, 0.27)]
    references = [" ".join(["right"] * n) for n in lengths]
    heard = [[" ".join("wrong" if w else "right" for w in row) for row in rows] for rows in wrong]
    p = sc_stats(tmp_path, references, *heard)
    errors_a, errors_b = ([row.sum() for row in rows] for rows in wrong)
    z = np.floor(100 * norm.isf(mapsswe(errors_a, errors_b) / 2)) / 100
    assert 2 * norm.sf(z) == pytest.approx(p, abs=0.0006)


def share_below(level: float, p_values: list[float]) -> float:
    return float(np.mean(np.array(p_values) < level))


def test_p_values_are_uniform_where_there_is_no_difference():
    """1,000 simulated test sets: about 1 in 20 has p < 0.05, about 1 in 2 has p < 0.5."""
    of_bootstrap, of_mapsswe = [], []
    for seed in range(1000):
        errors, words, sentence = experiment(seed)
        rates = resampled_rates(errors, words, sentence, resamples=400, seed=seed)
        of_bootstrap.append(two_sided_p(rates[1] - rates[0]))
        of_mapsswe.append(mapsswe(*errors, sentence))
    for p_values in (of_bootstrap, of_mapsswe):
        assert 0.03 <= share_below(0.05, p_values) <= 0.07
        assert 0.45 <= share_below(0.5, p_values) <= 0.55


def test_holm_keeps_the_chance_of_any_false_alarm_at_5_percent():
    """1,000 families of 6 comparisons without a difference; uncorrected, 1 in 4 raises an alarm."""
    families = [
        [mapsswe(errors[0], errors[1], sentence) for errors, _, sentence in map(experiment, seeds)]
        for seeds in np.arange(6000).reshape(1000, 6)
    ]
    assert np.mean([min(family) < 0.05 for family in families]) > 0.2
    assert np.mean([min(holm(family)) < 0.05 for family in families]) <= 0.065
