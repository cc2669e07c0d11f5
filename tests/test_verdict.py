"""Which model is shipped, and what was declared and is tested first: numbers one can count."""

import json
import random
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from arms import CANDIDATES
from conftest import ROOT
from evaluation import without_aids
from made_up import BASELINE, evaluation, write_evaluations
from paths import PRETRAINED
from report import render
from reporting.summary_table import print_summary, repetitions
from reporting.verdicts import made, primaries, verdicts
from scoring.decisions import Verdict
from scoring.evaluations import ArmKey, ModelKey, read_evaluations
from scoring.summary import Summary, SummarySettings, shipped, write_summary
from scoring.verdict import PREFERRED, estimates_of, preference
from summarize import summarize

sys.path.append(str(ROOT / "benchmarks"))

import choice_rule  # noqa: E402

SETTINGS = SummarySettings(0.95, 500, 0, "sentence", ("constant",), 0.5, "again {}")
RESULTS = "results/tiny"


def row(folder: Path, arm: str, errors: list[int], scale: float | None = None, **changes) -> dict:
    """Return an evaluation whose model and vector have the places of a real experiment's."""
    is_pretrained = without_aids(arm) == "pretrained"
    name = "pretrained" if is_pretrained else "music-kokoro"
    vector = f"{RESULTS}/task_vectors/tiny/source-kokoro/seed1.safetensors"
    seed = 0 if is_pretrained else 1
    places = {"model": f"{RESULTS}/models/tiny/{name}/seed{seed}", "seed": seed}
    places |= {"tts": None} if is_pretrained else {}
    places |= {"vector_path": vector} if scale is not None else {}
    return evaluation(folder, arm, errors, scale, **(places | changes))


def candidate(
    folder: Path, arm: str, errors: Iterable[int], scale: float | None = None, utterances: int = 40
) -> list:
    """Return a candidate's evidence, with these errors in each utterance of a kind, and test."""
    synthetic, source, test = ([each] * utterances for each in errors)
    kinds = [
        row(folder, arm, synthetic, scale, split="dev", speech="kokoro", role="evidence"),
        row(folder, arm, source, scale, split="dev", role="evidence", kind="source",
            domain="source"),
        row(folder, arm, test, scale),
    ]  # fmt: skip
    return kinds


def repeating(rows: list, synthetic: int, source: int) -> list:
    """Say of a candidate's evidence that so many hypotheses repeat themselves endlessly."""
    for each, count in zip(rows, (synthetic, source), strict=False):
        score = json.loads(Path(each["score"]).read_text())
        Path(each["score"]).write_text(json.dumps({**score, "decoded_again": count}))
    return rows


def summary_of(folder: Path, rows: list[dict]) -> Summary:
    return summarize(read_evaluations(write_evaluations(folder, rows)), SETTINGS)


def verdict_on(folder: Path, rows: list[dict]) -> Verdict:
    verdict = summary_of(folder, rows).targets[0].verdict
    assert verdict is not None
    return verdict


def test_an_estimate_is_the_geometric_mean_of_relative_wers():
    wers = np.array([[0.4, 0.1], [0.2, 0.2]])  # of two kinds of speech, pretrained first
    assert estimates_of(wers, pretrained=0) == pytest.approx([1, (0.25 * 1) ** 0.5])


def test_the_lowest_estimate_is_shipped(tmp_path):
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path, "target-synthetic", (1, 5, 3)),
        *candidate(tmp_path, "target-synthetic+vector", (2, 2, 2), 0.5),
    ]
    verdict = verdict_on(tmp_path, rows)
    assert (verdict.ships, verdict.chosen) == (True, "target-synthetic + 0.5 τ")
    assert verdict.estimate == pytest.approx(0.5)
    assert verdict.folders == [f"{RESULTS}/models/tiny/music-kokoro+source-kokoro-tv0.5/seed1"]


def width_of_evidence(folder: Path, said_again: bool) -> float:
    """Return the width of an estimate's interval on 40 utterances, each sentence said twice or not.

    Both are heard alike.
    """
    errors = {"pretrained": [4] * 40, "target-synthetic": [n // 2 % 5 for n in range(40)]}
    rows = []
    for arm, of_arm in errors.items():
        source, test = candidate(folder, arm, (4, 4, 4))[1:]
        usual = {"split": "dev", "speech": "kokoro", "role": "evidence"}
        rows += [row(folder, arm, of_arm, **usual), source, test]
        path = Path(rows[-3]["score"])
        sentence = re.compile(r"(?<=sentence )\d+")
        text = sentence.sub(lambda n: str(int(n[0]) // 2), path.read_text())
        path.write_text(text if said_again else path.read_text())
    low, high = verdict_on(folder, rows).interval
    return high - low


def test_a_sentence_that_is_said_twice_is_no_more_evidence_if_both_are_heard_alike(tmp_path):
    """Drawn one by one, 40 utterances would seem to be twice the evidence of 20 sentences."""
    ratio = width_of_evidence(tmp_path / "a", True) / width_of_evidence(tmp_path / "b", False)
    assert 1.3 < ratio < 1.7  # about the root of 2


def test_a_part_of_the_vector_is_a_candidate_like_the_whole(tmp_path):
    part = {
        "vector": "encoder",
        "vector_path": f"{RESULTS}/task_vectors/tiny/source-kokoro-encoder/seed1.safetensors",
    }
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path / "whole", "target-synthetic+vector", (3, 3, 3), 0.5),
        *(
            each | part
            for each in candidate(tmp_path / "part", "target-synthetic+vector", (1, 1, 1), 0.5)
        ),
    ]
    verdict = verdict_on(tmp_path, rows)
    assert verdict.chosen == "target-synthetic + 0.5 τ of the encoder"
    assert verdict.estimate == pytest.approx(0.25) and len(verdict.candidates) == 3
    (folder,) = verdict.folders
    assert folder == f"{RESULTS}/models/tiny/music-kokoro+source-kokoro-encoder-tv0.5/seed1"


def test_recordings_through_a_simulated_line_are_said_to_be_so(tmp_path, capsys):
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path, "target-synthetic", (1, 1, 1)),
    ]
    for line, said in (("bad", True), (None, False)):
        summary = summary_of(tmp_path, [each | {"line": line} for each in rows])
        print_summary(summary)
        printed = capsys.readouterr().out
        heard = " through a simulated bad telephone line"
        assert (f"music: 40 test utterances{heard}, 200 words" in printed) == said
        told = "music went through a simulated bad telephone line, which is not a real one: these"
        assert (told in summary.targets[0].plain_words[0]) == said
        (verdict,) = verdicts(summary)
        assert (f"On 40 test recordings ({heard.strip()}) it makes" in verdict) == said
        assert ("simulated" in printed) == said


def test_of_candidates_that_evidence_does_not_tell_apart_the_preferred_one_is_shipped(tmp_path):
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path, BASELINE, (2, 2, 2)),
        *candidate(tmp_path, "source-real+target-synthetic", (2, 2, 3)),
    ]
    rows[3] |= row(tmp_path, BASELINE, [1, 2, 2, 2] * 10, split="dev", speech="kokoro",
                   role="evidence")  # fmt: skip
    rows[6] |= row(tmp_path, "source-real+target-synthetic", [2, 1, 2, 2] * 10, split="dev",
                   speech="kokoro", role="evidence")  # fmt: skip
    rows[7] |= row(tmp_path, "source-real+target-synthetic", [3] + [2] * 39, split="dev",
                   role="evidence", kind="source", domain="source")  # fmt: skip
    verdict = verdict_on(tmp_path, rows)
    assert verdict.best == BASELINE.replace("->", "→")
    assert (verdict.ships, verdict.chosen) == (True, "source-real+target-synthetic")
    chosen = next(each for each in verdict.candidates if each.label == verdict.chosen)
    assert (verdict.estimate, verdict.interval) == (chosen.estimate, chosen.interval)
    rows[7] |= row(tmp_path, "source-real+target-synthetic", [3] * 40, split="dev",
                   role="evidence", kind="source", domain="source")  # fmt: skip
    assert verdict_on(tmp_path, rows).chosen == verdict.best  # now it does tell them apart


def test_a_model_without_a_vector_is_shipped_as_it_was_trained(tmp_path):
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path, "target-synthetic", (1, 2, 3)),
    ]
    assert verdict_on(tmp_path, rows).folders == [f"{RESULTS}/models/tiny/music-kokoro/seed1"]


@pytest.mark.parametrize(
    ("arm", "folder", "words"),
    [
        ("target-synthetic+lm", "music-kokoro+music-lm/seed1",
         "ship the adapted model with n-grams of the target's texts"),
        ("target-synthetic+terms+lm", "music-kokoro+music-terms-lm/seed1",
         "ship the adapted model with key terms and n-grams of the target's texts"),
        ("pretrained+terms", "pretrained+music-terms/seed0",
         "ship the pretrained model with key terms of the target's texts"),
    ],
)  # fmt: skip
def test_a_model_whose_decoder_texts_lead_is_shipped_where_evidence_tells_it_apart(
    tmp_path, arm, folder, words
):
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path, "target-synthetic", (3, 4, 3)),
        *candidate(tmp_path, arm, (2, 3, 2)),
    ]
    summary = summary_of(tmp_path, rows)
    verdict = summary.targets[0].verdict
    assert verdict is not None
    assert (verdict.ships, verdict.chosen) == (True, verdict.best)
    assert verdict.estimate == pytest.approx((2 / 4 * 3 / 4) ** 0.5)
    assert verdict.folders == [f"{RESULTS}/models/tiny/{folder}"]
    sentence, *_ = verdicts(summary)
    assert sentence.startswith(f"music: {words}. On 40 test recordings")
    assert "it makes 40.0 % word errors, the pretrained model 80.0 %" in sentence
    write_summary(tmp_path / "summary.json", summary)
    assert shipped(tmp_path / "summary.json") == verdict.folders


def test_a_model_that_is_led_and_not_enough_better_is_told_in_words(tmp_path):
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path, "pretrained+lm", (4, 4, 4)),
    ]
    (sentence,) = verdicts(summary_of(tmp_path, rows))
    assert "keep the pretrained model." in sentence
    assert "gives pretrained + n-grams, the only candidate, " in sentence


def test_a_label_is_in_words_whatever_else_is_in_it():
    trained = "trained on synthetic speech of the target's texts"
    assert made("target-synthetic + 0.5 τ") == f"{trained}, with a task vector added"
    assert made("target-synthetic + n-grams (kokoro)") == (
        f"{trained}, its decoder led by n-grams of the target's texts"
    )


@pytest.mark.parametrize("rival", ["pretrained+lm", "source-real+target-synthetic+terms"])
def test_a_model_that_nothing_leads_comes_first_where_evidence_tells_no_difference(tmp_path, rival):
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path, rival, (2, 2, 2)),
        *candidate(tmp_path, BASELINE, (2, 2, 2)),
    ]
    assert verdict_on(tmp_path, rows).chosen == BASELINE.replace("->", "→")


def test_the_order_in_which_equals_are_chosen():
    """As without arms whose decoder is led; then these, trained ones first, n-grams first."""
    joint = "source-real+target-synthetic"
    order = [
        (joint, None),
        (f"{joint}+vector", 0.25),
        (f"{joint}+vector", 0.5),
        ("target-synthetic", None),
        ("target-synthetic+vector", 0.25),
        (BASELINE, None),
        (f"{BASELINE}+vector", 0.5),
        (f"{joint}+lm", None),
        (f"{joint}+terms", None),
        (f"{joint}+terms+lm", None),
        ("target-synthetic+lm", None),
        ("pretrained+lm", None),
        ("pretrained+terms+lm", None),
    ]
    models = [ModelKey(ArmKey("tiny", "music", None, arm, None), scale) for arm, scale in order]
    assert sorted(random.Random(0).sample(models, len(models)), key=preference) == models


@pytest.mark.parametrize("errors", [(4, 4, 1), (3, 6, 1), (5, 5, 1)])
def test_the_pretrained_model_is_kept_unless_evidence_says_otherwise(tmp_path, errors):
    """Whatever the test recordings say, which the rule does not see."""
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path, "target-synthetic", errors),
    ]
    verdict = verdict_on(tmp_path, rows)
    assert (verdict.ships, verdict.chosen, verdict.folders) == (False, "pretrained", [])
    assert verdict.best == "target-synthetic"
    write_summary(tmp_path / "summary.json", summary_of(tmp_path, rows))
    assert shipped(tmp_path / "summary.json") == []


def test_a_gain_that_may_be_noise_ships_nothing(tmp_path):
    better_on_few = [0] * 3 + [4] * 37
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path, "target-synthetic", (4, 4, 4)),
    ]
    rows[3] |= row(tmp_path, "target-synthetic", [1, 7] * 20, split="dev", speech="kokoro",
                   role="evidence")  # fmt: skip
    rows[4] |= row(tmp_path, "target-synthetic", better_on_few, split="dev", role="evidence",
                   kind="source", domain="source")  # fmt: skip
    verdict = verdict_on(tmp_path, rows)
    assert verdict.estimate < 1 < verdict.interval[1] and not verdict.ships


def test_a_candidate_that_repeats_itself_endlessly_is_left_out_whatever_its_wer(tmp_path):
    """3 of 40 and none of 40 hypotheses are 3.75 % on average, the pretrained model's 1 1.25 %."""
    rows = [
        *repeating(candidate(tmp_path, "pretrained", (4, 4, 4)), 1, 0),
        *repeating(candidate(tmp_path, "target-synthetic", (1, 1, 1)), 3, 0),
        *candidate(tmp_path, "source-real+target-synthetic", (2, 2, 2)),
    ]
    summary = summary_of(tmp_path, rows)
    verdict = summary.targets[0].verdict
    assert verdict and (verdict.ships, verdict.best) == (True, "source-real+target-synthetic")
    assert [(each.repetitive, each.left_out) for each in verdict.candidates] == [
        (0.0125, False), (0.0375, True), (0, False),
    ]  # fmt: skip
    assert "; the only candidate. Left out" in verdicts(summary)[0]
    assert verdicts(summary)[0].endswith(
        " Left out for endless repetitions in the evidence: target-synthetic (3.8 %); the"
        " pretrained model has 1.2 %."
    )
    assert "<td>3.8 (left out)</td>" in render(summary, {}, {})
    repeating(rows[3:5], 2, 0)  # 1.25 % more than the pretrained model are not too many
    assert verdict_on(tmp_path, rows).chosen == "target-synthetic"


def test_a_single_endless_repetition_may_be_chance(tmp_path):
    """1 of 8 hypotheses is 6.25 % on average over both kinds, and 2 are 12.5 %."""
    pretrained = candidate(tmp_path, "pretrained", (4, 4, 4), utterances=8)
    rows = candidate(tmp_path, "target-synthetic", (1, 1, 1), utterances=8)
    assert verdict_on(tmp_path, pretrained + repeating(rows, 1, 0)).ships
    assert not verdict_on(tmp_path, pretrained + repeating(rows, 2, 0)).ships
    assert verdict_on(tmp_path, repeating(pretrained, 0, 1) + rows).ships


def test_where_all_candidates_repeat_themselves_endlessly_the_pretrained_model_is_kept(tmp_path):
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *repeating(candidate(tmp_path, "target-synthetic", (1, 1, 1)), 1, 1),
        *repeating(candidate(tmp_path, "source-real+target-synthetic", (2, 2, 2)), 0, 2),
    ]
    summary = summary_of(tmp_path, [each for each in rows if each["role"] == "evidence"])
    verdict = summary.targets[0].verdict
    assert verdict and (verdict.ships, verdict.best) == (False, "target-synthetic")
    assert verdicts(summary)[0] == (
        "music: keep the pretrained model. Evidence without a recording of music gives"
        " target-synthetic, the best of 2 candidates, 75 % fewer word errors (90 % interval: 75 %"
        " fewer to 75 % fewer): it repeats itself endlessly. Left out for endless repetitions in"
        " the evidence: target-synthetic (2.5 %), source-real+target-synthetic (2.5 %); the"
        " pretrained model has 0.0 %."
    )


def judged(folder: Path, arm: str, errors: list[int]) -> dict:
    """Return a candidate's differences from a judge in untranscribed recordings of the target."""
    speech = {"split": "dev", "speech": "real-untranscribed", "role": "agreement"}
    return row(folder, arm, errors, **speech)


def test_a_candidate_that_surely_agrees_less_with_the_judge_is_not_shipped(tmp_path):
    """Of 5 words a recording; the joint arm differs in no more than the pretrained model."""
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path, "target-synthetic", (1, 1, 1)),
        *candidate(tmp_path, "source-real+target-synthetic", (2, 2, 2)),
    ]
    pretrained = judged(tmp_path, "pretrained", [1] * 40)
    joint = judged(tmp_path, "source-real+target-synthetic", [1, 1, 1, 2, 0] * 8)
    more = judged(tmp_path, "target-synthetic", [2] * 40)
    summary = summary_of(tmp_path, [*rows, pretrained, joint, more])
    verdict = summary.targets[0].verdict
    assert verdict and (verdict.ships, verdict.best) == (True, "source-real+target-synthetic")
    assert verdict.untranscribed == 40
    assert [each.vetoed for each in verdict.candidates] == [False, True, False]
    of_pretrained, vetoed, kept = (each.disagreement for each in verdict.candidates)
    assert of_pretrained is None and vetoed is not None and kept is not None
    assert (vetoed.difference, vetoed.interval) == (pytest.approx(0.2), pytest.approx((0.2, 0.2)))
    assert kept.difference == pytest.approx(0) and kept.interval[0] < 0 < kept.interval[1]
    (sentence, *_) = verdicts(summary)
    assert "chosen by evidence without a transcribed recording of music, which" in sentence
    assert "; the only candidate. In 40 untranscribed recordings of music it disagrees" in sentence
    assert " with the judge as much as the pretrained model (interval " in sentence
    assert sentence.endswith(" Not shipped, as they surely disagree more: target-synthetic.")
    page = render(summary, {}, {})
    assert "<td>+20.0 [+20.0, +20.0] (not shipped)</td>" in page
    assert "no transcribed recording of music is in it" in page
    write_summary(tmp_path / "summary.json", summary)
    assert shipped(tmp_path / "summary.json") == verdict.folders


def test_more_agreement_with_the_judge_ships_nothing_and_less_of_all_keeps_the_pretrained(tmp_path):
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path, "target-synthetic", (4, 4, 4)),
        judged(tmp_path, "pretrained", [2] * 40),
        judged(tmp_path, "target-synthetic", [0] * 40),
    ]
    assert not verdict_on(tmp_path, rows).ships
    rows[3:6] = candidate(tmp_path, "target-synthetic", (1, 1, 1))
    assert verdict_on(tmp_path, rows).ships
    rows[7] = judged(tmp_path, "target-synthetic", [3] * 40)
    assert not verdict_on(tmp_path, rows).ships
    (sentence, *_) = verdicts(summary_of(tmp_path, rows))
    assert "fewer): it surely agrees less with the judge than the pretrained model." in sentence
    assert " music target-synthetic disagrees with the judge 20.0 points more than the" in sentence


def test_without_the_pretrained_model_there_is_no_verdict(tmp_path):
    rows = candidate(tmp_path, "target-synthetic", (1, 1, 1))
    summary = summary_of(tmp_path, rows)
    assert summary.targets[0].verdict is None and verdicts(summary) == []


def test_a_target_without_recordings_has_a_verdict_and_no_rows(tmp_path):
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path, "target-synthetic", (1, 2, 3)),
    ]
    summary = summary_of(tmp_path, [each for each in rows if each["role"] == "evidence"])
    (target,) = summary.targets
    assert target.rows == () and target.verdict and target.verdict.ships
    assert verdicts(summary)[0] == (
        "music: ship the adapted model. It was chosen by evidence without a recording of music,"
        " which gives it 65 % fewer word errors (90 % interval: 65 % fewer to 65 % fewer). It is"
        " target-synthetic, trained on synthetic speech of the target's texts; the only candidate."
    )


def test_declared_comparisons_are_tested_apart_from_the_exploratory_ones(tmp_path):
    """Alone, the chosen model's p is that of four comparisons, whatever else is in the table."""
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path, "target-synthetic", (2, 3, 3)),
        *candidate(tmp_path, "target-synthetic+vector", (1, 2, 2), 0.5),
        row(tmp_path, BASELINE, [3] * 40),
        row(tmp_path, f"{BASELINE}+vector", [2] * 40, 0.5),
    ]
    summary = summary_of(tmp_path, rows)
    assert [(each.name, each.target) for each in summary.primary] == [
        ("the chosen model against the pretrained one", "music"),
        ("the chosen model against the paper's baseline", "music"),
        ("SYN2REAL against the paper's baseline", "music"),
        ("with the task vector against the same model without", "music"),
    ]
    (least, *_) = summary.primary
    assert least.comparison.p_adjusted == pytest.approx(4 * least.comparison.p)
    chosen, method = (row for row in summary.targets[0].rows if row.scaling_coefficient == 0.5)
    assert chosen.versus_pretrained == summary.primary[0].comparison
    assert chosen.versus_baseline == summary.primary[1].comparison
    assert method.versus_baseline == summary.primary[2].comparison
    assert chosen.versus_without_vector == summary.primary[3].comparison
    assert "40.0 against 80.0 %" in primaries(summary)[0]


def test_targets_are_tested_together_first(tmp_path):
    music = [
        *candidate(tmp_path, "pretrained", (4, 4, 4)),
        *candidate(tmp_path, "target-synthetic", (2, 3, 3)),
    ]
    weather = [
        each | {"target": "weather"} | ({"domain": "weather"} if each["kind"] == "target" else {})
        for each in music
    ]
    summary = summary_of(tmp_path, [*music, *weather])
    assert [each.target for each in summary.primary] == [None, "music", "weather"]
    together, *single = summary.primary
    assert together.utterances == 80 and together.first == pytest.approx(0.6)
    assert together.comparison.p_adjusted == together.comparison.p
    assert all(each.comparison.p_adjusted == 2 * each.comparison.p for each in single)
    assert primaries(summary)[0].startswith("all targets together, the chosen model")


def test_endless_repetitions_are_said_below_the_table(tmp_path):
    rows = candidate(tmp_path, "pretrained", (4, 4, 4))
    path = Path(rows[2]["score"])
    path.write_text(
        path.read_text().replace('"utterances": 40', '"decoded_again": 3, "utterances": 40', 1)
    )
    (target,) = summary_of(tmp_path, rows).targets
    assert repetitions(target) == (
        "Endless repetitions among 40 hypotheses, as first decoded: pretrained 3."
    )


def test_a_choice_is_held_to_the_best_candidate_and_to_the_pretrained_model(tmp_path):
    """Errors of 5 words: the best candidate in the test is not the one that evidence prefers."""
    rows = [
        *candidate(tmp_path, "pretrained", (4, 4, 3)),
        *candidate(tmp_path, "target-synthetic", (2, 2, 4)),
        *candidate(tmp_path, "target-synthetic+vector", (3, 3, 1), 0.5),
        *repeating(candidate(tmp_path, "source-real+target-synthetic", (1, 1, 5)), 2, 2),
    ]
    write_evaluations(tmp_path, rows)
    used = {"seed": 0, "resampled_by": "sentence", "chosen_on": [], "constant": None}
    (tmp_path / "summary.json.lineage.json").write_text(json.dumps({"parameters": used}))
    (case,) = choice_rule.cases_of(tmp_path)
    assert (case.chosen, case.best) == ("target-synthetic", "target-synthetic + 0.5 τ")
    assert (case.pretrained_wer, case.chosen_wer, case.best_wer) == (0.6, 0.8, 0.2)
    assert (case.gain, case.regret) == pytest.approx((0.4, 0.6))
    assert case.ships and case.harms and case.seed == 1
    assert case.left_out == ("source-real+target-synthetic",)


def test_every_candidate_has_a_place_among_those_preferred():
    assert sorted(PREFERRED) == sorted([*CANDIDATES, PRETRAINED])
