"""The table of an experiment: 40 utterances of 5 words, with errors one can count."""

import csv
import json
from pathlib import Path

import pytest

import summarize
from errors import InputError
from files.checksum import sha256
from lineages import leaks
from made_up import BASELINE, evaluation, small_experiment, write_evaluations
from reporting.summary_table import comparison_cell, print_table
from reporting.words import percent, points
from scoring.differences import Comparison
from scoring.evaluations import read_evaluations
from scoring.summary import SummarySettings, read_summary, write_summary
from summarize import main

VECTOR = "target-synthetic+vector"


def run_summarize(folder: Path, rows: list[dict], *options: str) -> dict:
    main(
        [f"--evaluations={write_evaluations(folder, rows)}", "--resamples=500"]
        + ["--chosen-on", "real", "kokoro"]
        + [f"--output-json={folder / 'summary.json'}", f"--output-tsv={folder / 'summary.tsv'}"]
        + list(options)
    )
    return json.loads((folder / "summary.json").read_text())


def rows_of(summary: dict, target: str = "music") -> dict[str, dict]:
    return {
        row["label"]: row
        for entry in summary["targets"]
        if entry["target"] == target
        for row in entry["rows"]
    }


def test_every_arm_and_scaling_coefficient_has_one_row(tmp_path: Path):
    rows = rows_of(run_summarize(tmp_path, small_experiment(tmp_path)))
    assert list(rows) == [
        "pretrained",
        "source-mixed→target-synthetic",
        "target-synthetic",
        "target-real",
        "target-synthetic + 0.25 τ",
        "target-synthetic + 0.5 τ",
        "target-synthetic + 1 τ",
    ]


def test_rates_are_fractions_with_interval(tmp_path: Path):
    rows = rows_of(run_summarize(tmp_path, small_experiment(tmp_path)))
    assert rows["pretrained"]["wer"] == 0.4
    assert rows["pretrained"]["wer_interval"] == pytest.approx([0.4, 0.4])
    assert rows["target-synthetic"]["wer"] == 0.2
    low, high = rows["target-synthetic"]["wer_interval"]
    assert low == pytest.approx(0.14, abs=0.02)
    assert high == pytest.approx(0.26, abs=0.02)


def test_differences_are_paired_and_marked_only_if_the_interval_excludes_zero(tmp_path: Path):
    rows = rows_of(run_summarize(tmp_path, small_experiment(tmp_path)))
    sure = rows["source-mixed→target-synthetic"]["versus_pretrained"]
    assert sure["difference"] == pytest.approx(-0.2)
    assert sure["interval"] == pytest.approx([-0.2, -0.2])
    assert sure["significant"]
    unsure = rows["target-synthetic"]["versus_baseline"]
    assert unsure["difference"] == pytest.approx(0)
    assert unsure["interval"][0] < 0 < unsure["interval"][1]
    assert not unsure["significant"]
    assert unsure["p"] > 0.5


def test_a_difference_within_the_noise_is_not_marked(tmp_path: Path):
    """42 errors against 40, but 20 utterances better and 20 worse."""
    data = [
        evaluation(tmp_path, "pretrained", [1] * 40, seed=0),
        evaluation(tmp_path, BASELINE, [0, 2] * 19 + [2, 2]),
    ]
    found = rows_of(run_summarize(tmp_path, data))["source-mixed→target-synthetic"]
    assert found["versus_pretrained"]["difference"] == pytest.approx(0.01)
    assert found["versus_pretrained"]["significant"] is False


def test_a_sure_difference_is_marked_although_the_rates_vary(tmp_path: Path):
    """One error more in every utterance, easy or hard: 0.2 in every resample."""
    data = [
        evaluation(tmp_path, "pretrained", [0, 4] * 20, seed=0),
        evaluation(tmp_path, BASELINE, [1, 5] * 20),
    ]
    found = rows_of(run_summarize(tmp_path, data))["source-mixed→target-synthetic"]
    assert found["versus_pretrained"]["interval"] == pytest.approx([0.2, 0.2])
    assert found["versus_pretrained"]["significant"] is True


def test_nothing_is_compared_with_itself(tmp_path: Path):
    rows = rows_of(run_summarize(tmp_path, small_experiment(tmp_path)))
    assert rows["pretrained"]["versus_pretrained"] is None
    assert rows["source-mixed→target-synthetic"]["versus_baseline"] is None
    assert rows["pretrained"]["versus_baseline"]["difference"] == pytest.approx(0.2)


def test_scaling_coefficient_is_chosen_on_dev_not_on_test(tmp_path: Path):
    data = small_experiment(tmp_path)
    data[0] = evaluation(tmp_path, "pretrained", [2] * 40, seed=0)
    best_on_test = evaluation(tmp_path, VECTOR, [0] * 40, 1)
    data = [
        best_on_test if row["scaling_coefficient"] == 1 and row["split"] == "test" else row
        for row in data
    ]
    rows = rows_of(run_summarize(tmp_path, data))
    assert [label for label, row in rows.items() if row["chosen"]] == ["target-synthetic + 0.5 τ"]
    assert rows["target-synthetic + 0.5 τ"]["dev_wer"] == 0.2
    assert (
        rows["target-synthetic + 0.5 τ"]["chosen_on"]
        == "chosen on music dev (real speech), which uses 10 target recordings"
    )
    assert rows["target-synthetic + 0.5 τ"]["target_recordings_for_choice"] == 10
    assert rows["target-synthetic + 1 τ"]["target_recordings_for_choice"] == 0


def test_equal_dev_scores_choose_the_smaller_coefficient(tmp_path: Path):
    data = [
        evaluation(tmp_path, VECTOR, [1] * 4, scale, split)
        for scale in (0.5, 0.25, 1)
        for split in ("test", "dev")
    ]
    rows = rows_of(run_summarize(tmp_path, data))
    assert [label for label, row in rows.items() if row["chosen"]] == ["target-synthetic + 0.25 τ"]


def test_dev_scores_are_averaged_over_seeds(tmp_path: Path):
    dev = {(0.25, 1): 0, (0.25, 2): 4, (0.5, 1): 1, (0.5, 2): 1}
    data = [
        evaluation(tmp_path, VECTOR, [errors if split == "dev" else 1] * 4, scale, split, seed=seed)
        for (scale, seed), errors in dev.items()
        for split in ("test", "dev")
    ]
    rows = rows_of(run_summarize(tmp_path, data))
    assert [label for label, row in rows.items() if row["chosen"]] == ["target-synthetic + 0.5 τ"]


def test_synthetic_dev_speech_uses_no_target_recordings(tmp_path: Path):
    data = [
        evaluation(tmp_path, VECTOR, [1] * 4, 0.25),
        evaluation(tmp_path, VECTOR, [1] * 4, 0.25, "dev", "kokoro"),
    ]
    row = rows_of(run_summarize(tmp_path, data))["target-synthetic + 0.25 τ"]
    assert (
        row["chosen_on"] == "chosen on music dev (kokoro speech), which uses no target recordings"
    )
    assert row["target_recordings_for_choice"] == 0


def test_placements_choose_for_themselves(tmp_path: Path):
    data = [
        evaluation(tmp_path, arm, [errors] * 4, scale, split)
        for arm, best in ((VECTOR, 0.25), (f"{BASELINE}+vector", 0.5))
        for scale in (0.25, 0.5)
        for split in ("test", "dev")
        for errors in [0 if scale == best else 1]
    ]
    rows = rows_of(run_summarize(tmp_path, data))
    assert [label for label, row in rows.items() if row["chosen"]] == [
        "target-synthetic + 0.25 τ",
        "source-mixed→target-synthetic + 0.5 τ",
    ]


def test_seeds_are_averaged_per_utterance(tmp_path: Path):
    data = [
        evaluation(tmp_path, "target-synthetic", [0, 4] * 20, seed=1),
        evaluation(tmp_path, "target-synthetic", [4, 0] * 20, seed=2),
    ]
    row = rows_of(run_summarize(tmp_path, data))["target-synthetic"]
    assert row["seeds"] == [1, 2]
    assert row["wer"] == 0.4
    assert row["wer_of_seeds"] == [0.4, 0.4]
    assert row["wer_interval"] == pytest.approx([0.4, 0.4])
    assert row["counts"]["substitutions"] == 80


def test_arms_of_two_tts_are_compared_with_the_baseline_of_their_own(tmp_path: Path):
    data = [
        evaluation(tmp_path / tts, arm, [errors] * 4, tts=tts)
        for tts, arm, errors in (
            ("bark", BASELINE, 4),
            ("kokoro", BASELINE, 3),
            ("bark", "target-synthetic", 3),
            ("kokoro", "target-synthetic", 3),
        )
    ]
    data.append(evaluation(tmp_path, "pretrained", [5] * 4, seed=0))
    rows = rows_of(run_summarize(tmp_path, data))
    assert rows["target-synthetic (bark)"]["versus_baseline"]["difference"] == pytest.approx(-0.2)
    assert rows["target-synthetic (kokoro)"]["versus_baseline"]["difference"] == 0
    assert rows["target-synthetic (bark)"]["versus_pretrained"]["difference"] == pytest.approx(-0.4)
    assert rows["pretrained"]["versus_baseline"] is None


def test_target_without_recordings_has_a_checkpoint_and_no_wer(
    tmp_path: Path, capsys: pytest.CaptureFixture
):
    summary = run_summarize(tmp_path, small_experiment(tmp_path))
    weather = summary["targets"][1]
    assert weather["rows"] == []
    assert weather["checkpoints"] == [
        {
            "label": "target-synthetic + 0.25 τ",
            "model": "models/target-synthetic+vector+tv0.25/seed1",
            "seed": 1,
        }
    ]
    sentence = (
        "weather has texts and no recordings: 1 adapted checkpoint was written,"
        " and no WER can be given."
    )
    assert weather["plain_words"] == [sentence]
    assert sentence in capsys.readouterr().out
    assert "tiny\tweather\t\ttarget-synthetic + 0.25 τ" in (tmp_path / "summary.tsv").read_text()


def test_sentences_claim_what_the_intervals_bear_out(tmp_path: Path):
    text, vector, topline = run_summarize(tmp_path, small_experiment(tmp_path))["targets"][0][
        "plain_words"
    ]
    assert text == (
        "On music, with speech synthesized from its texts, fewer word errors than the pretrained"
        " model (40.0 %) are made by source-mixed→target-synthetic (20.0 %), target-synthetic"
        " (20.0 %) and target-synthetic + 0.5 τ (5.0 %; λ chosen with 10 target recordings)."
    )
    assert vector.startswith(
        "With the task vector, target-synthetic + 0.5 τ makes fewer word errors than the paper's"
        " baseline (\N{MINUS SIGN}15.0 points, interval \N{MINUS SIGN}17."
    )
    assert topline.startswith("There was room: training on the target's own recordings (0.0 %;")


def test_decoders_that_are_led_by_texts_have_a_sentence_of_their_own(tmp_path: Path):
    data = [
        evaluation(tmp_path, "pretrained", [2] * 40, seed=0),
        evaluation(tmp_path, "pretrained+terms", [1] * 40, seed=0, tts=None),
        evaluation(tmp_path, "target-synthetic", [0] * 40),
        evaluation(tmp_path, "target-synthetic+terms+lm", [3] * 40),
    ]
    (target,) = run_summarize(tmp_path, data)["targets"]
    text, led = target["plain_words"]
    assert text.endswith("are made by target-synthetic (0.0 %).")
    assert led == (
        "On music, with a decoder that is led by its texts, fewer word errors than the pretrained"
        " model (40.0 %) are made by pretrained + key terms (20.0 %); more word errors than the"
        " pretrained model (40.0 %) are made by target-synthetic + key terms + n-grams (60.0 %)."
    )
    assert target["verdict"] is None and not any(row["forgetting"] for row in target["rows"])


def test_models_that_adapt_to_test_recordings_are_told_apart_from_those_that_saw_texts_alone(
    tmp_path: Path, capsys
):
    data = [
        evaluation(tmp_path, "pretrained", [2] * 40, seed=0),
        evaluation(tmp_path, "target-synthetic", [1] * 40),
        evaluation(tmp_path, "target-synthetic+suta", [0] * 40),
    ]
    for row in data[2:]:
        row |= {"adaptation": "suta", "target_recordings": "test-time adaptation"}
    (target,) = run_summarize(tmp_path, data)["targets"]
    text, adapting = target["plain_words"]
    assert text.endswith("are made by target-synthetic (20.0 %).")
    assert adapting == (
        "On music, with test-time adaptation, which hears the test recordings (not their texts),"
        " fewer word errors than the pretrained model (40.0 %) are made by target-synthetic + SUTA"
        " (0.0 %)."
    )
    told = " ".join(capsys.readouterr().out.split())
    assert "Target recordings, test-time adaptation: target-synthetic + SUTA." in told


def test_sentences_do_not_claim_what_they_do_not(tmp_path: Path):
    noisy = [0, 4, 2, 2] * 10
    data = [
        evaluation(tmp_path, "pretrained", [2] * 40, seed=0),
        evaluation(tmp_path, BASELINE, noisy),
        evaluation(tmp_path, VECTOR, [3] * 40, 0.5),
        evaluation(tmp_path, VECTOR, [3] * 10, 0.5, "dev"),
        evaluation(tmp_path, VECTOR, [0] * 40, 1),
        evaluation(tmp_path, VECTOR, [4] * 10, 1, "dev"),
        evaluation(tmp_path, "target-real", noisy[1:] + [0]),
    ]
    text, vector, topline = run_summarize(tmp_path, data)["targets"][0]["plain_words"]
    assert text == (
        "On music, with speech synthesized from its texts, more word errors than the pretrained"
        " model (40.0 %) are made by target-synthetic + 0.5 τ (60.0 %; λ chosen with 10 target"
        " recordings); no difference from the pretrained model (40.0 %) is shown for"
        " source-mixed→target-synthetic (40.0 %)."
    )
    assert "target-synthetic + 0.5 τ makes more word errors than the paper's baseline" in vector
    assert "1 τ" not in vector
    assert topline.startswith("Room is not shown") and "not shown to differ" in topline


def test_better_than_pretrained_is_not_better_than_the_baseline(tmp_path: Path):
    data = [
        evaluation(tmp_path, "pretrained", [3] * 40, seed=0),
        evaluation(tmp_path, BASELINE, [1] * 40),
        evaluation(tmp_path, VECTOR, [0, 2] * 20, 0.5),
        evaluation(tmp_path, VECTOR, [1] * 4, 0.5, "dev"),
    ]
    text, vector = run_summarize(tmp_path, data)["targets"][0]["plain_words"]
    assert "fewer word errors than the pretrained model (60.0 %)" in text
    assert vector.startswith(
        "With the task vector, no difference from the paper's baseline is shown for"
        " target-synthetic + 0.5 τ (0.0 points, interval"
    )


def test_only_significant_differences_carry_the_mark():
    unsure = Comparison(-0.01, (-0.03, 0.01), 0.3, 0.6, significant=False, mapsswe_p=0.3)
    assert comparison_cell(unsure) == "−1.0 [−3.0, +1.0]"
    sure = Comparison(-0.02, (-0.03, -0.01), 0.001, 0.002, significant=True, mapsswe_p=0.001)
    assert comparison_cell(sure) == "−2.0 [−3.0, −1.0]*"
    assert comparison_cell(None) == "–"


def test_table_is_printed_in_percent(tmp_path: Path, capsys: pytest.CaptureFixture):
    run_summarize(tmp_path, small_experiment(tmp_path))
    printed = capsys.readouterr().out
    lines = {line.split("  ")[0]: line for line in printed.splitlines()}
    assert lines["music: 40 test utterances, 200 words"]
    baseline = lines["source-mixed→target-synthetic"]
    assert "20.0 [20.0, 20.0]" in baseline
    assert "−20.0 [−20.0, −20.0]*" in baseline
    assert "Target recordings, training: target-real." in printed
    assert "Target recordings, 10 to choose λ: target-synthetic + 0.5 τ." in printed
    assert max(map(len, printed.splitlines())) <= 100


def test_the_printed_table_has_no_column_that_says_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture
):
    rows = [evaluation(tmp_path, arm, [1] * 40) for arm in ("pretrained", "target-synthetic")]
    run_summarize(tmp_path, rows)
    table = capsys.readouterr().out.partition("music: 40 test utterances")[2]
    headings, rule, *_ = table.splitlines()[1:]
    assert headings.split("  ")[0] == "Arm" and "WER %" in headings and "vs pretrained" in headings
    assert not any(name in headings for name in ("Elsewhere", "Seeds", "Target recordings"))
    assert len(rule.split()) == 3


def test_a_window_that_is_not_whispers_own_is_told_of_the_pretrained_model_too(
    tmp_path: Path, capsys: pytest.CaptureFixture
):
    rows = [evaluation(tmp_path, "pretrained", [1] * 4, seed=0, window=15)]
    run_summarize(tmp_path, [*rows, evaluation(tmp_path, BASELINE, [1] * 4, window=15)])
    told = "Audio window: all arms, the pretrained model too, were decoded in 15 s"
    assert told in capsys.readouterr().out


def test_different_windows_are_told(tmp_path: Path, capsys: pytest.CaptureFixture):
    data = [evaluation(tmp_path, "pretrained", [1] * 4, seed=0)]
    data += [evaluation(tmp_path, arm, [1] * 4, window=10) for arm in (BASELINE, "target-real")]
    run_summarize(tmp_path, data)
    told = "Audio windows: pretrained in 30 s; all others in 10 s."
    assert told in capsys.readouterr().out
    run_summarize(tmp_path, data[:1])
    assert "Audio window" not in capsys.readouterr().out


def test_an_arm_with_a_long_name_goes_on_in_the_next_line(capsys: pytest.CaptureFixture):
    cells = dict.fromkeys(("WER %", "vs pretrained", "Elsewhere"), "x" * 24)
    print_table("music", [{"Arm": "source-mixed→target-synthetic + 0.25 τ"} | cells])
    first, more = capsys.readouterr().out.splitlines()[-2:]
    assert first.startswith("source-mixed→target-sy") or first.startswith("source-mixed→")
    assert len(first) <= 106 and more.startswith("  ")


def test_summary_is_shown_again(tmp_path: Path, capsys: pytest.CaptureFixture):
    run_summarize(tmp_path, small_experiment(tmp_path))
    first = capsys.readouterr().out
    main([f"--show={tmp_path / 'summary.json'}"])
    assert capsys.readouterr().out == first


def test_a_summary_read_back_is_the_one_that_was_written(tmp_path: Path):
    data = small_experiment(tmp_path) + with_forgetting(tmp_path / "elsewhere")[2:4]
    evaluations = read_evaluations(write_evaluations(tmp_path, data))
    settings = SummarySettings(0.95, 200, 0, "speaker", ("real", "constant"), 0.25, "snakemake {}")
    summary = summarize.summarize(evaluations, settings)
    assert [len(target.rows) for target in summary.targets] == [7, 0]
    assert summary.targets[0].choices and summary.targets[0].rows[0].forgetting
    path = tmp_path / "summary.json"
    write_summary(path, summary)
    assert read_summary(path) == summary
    written = path.read_text()
    write_summary(path, read_summary(path))
    assert path.read_text() == written


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"seed": "one"}, r"seed is 'one'; must be a whole number; summarize again"),
        ({"targets": {}}, r"targets is '{}'; must be a list"),
        ({"targets": [{"rows": []}]}, r"targets\[0\] lacks base, target, speech"),
    ],
)
def test_a_summary_that_is_not_one_is_refused_by_key(tmp_path: Path, change: dict, complaint: str):
    summary = run_summarize(tmp_path, small_experiment(tmp_path))
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(summary | change))
    with pytest.raises(InputError, match=f"summary.json: {complaint}"):
        read_summary(path)


def test_tsv_holds_fractions(tmp_path: Path):
    run_summarize(tmp_path, small_experiment(tmp_path))
    with (tmp_path / "summary.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 8
    baseline = rows[1]
    assert baseline["arm"] == BASELINE
    assert float(baseline["wer"]) == 0.2
    assert float(baseline["cer"]) == 0.1
    assert float(baseline["versus_pretrained"]) == pytest.approx(-0.2)
    assert float(baseline["versus_pretrained_high"]) == pytest.approx(-0.2)
    assert baseline["versus_baseline"] == ""
    low, rate, high = (float(rows[2][key]) for key in ("wer_low", "wer", "wer_high"))
    assert 0.1 < low < rate == 0.2 < high < 0.3
    assert (baseline["utterances"], baseline["words"], baseline["seeds"]) == ("40", "200", "1")
    assert [row["chosen"] for row in rows if row["scaling_coefficient"] == "0.5"] == ["yes"]


def test_two_runs_are_equal(tmp_path: Path):
    first = run_summarize(tmp_path, small_experiment(tmp_path))
    assert run_summarize(tmp_path, small_experiment(tmp_path)) == first


def test_another_seed_draws_other_resamples(tmp_path: Path):
    data = [
        evaluation(tmp_path, "pretrained", [i * i % 37 for i in range(40)], seed=0),
        evaluation(tmp_path, BASELINE, [i * i % 41 for i in range(40)]),
    ]
    first, other = (
        rows_of(run_summarize(tmp_path, data, f"--seed={seed}"))["pretrained"] for seed in (0, 1)
    )
    assert first["wer"] == other["wer"]
    assert first["wer_interval"] != other["wer_interval"]


def test_resampling_by_speaker_is_wider_where_speakers_differ(tmp_path: Path):
    """Ten speakers of ten utterances; half of them are always misheard."""
    data = [evaluation(tmp_path, "pretrained", [0, 2] * 50, seed=0)]
    by_utterance = rows_of(run_summarize(tmp_path, data))["pretrained"]["wer_interval"]
    summary = run_summarize(tmp_path, data, "--resampled-by=speaker")
    by_speaker = rows_of(summary)["pretrained"]["wer_interval"]
    assert by_speaker[1] - by_speaker[0] > 2 * (by_utterance[1] - by_utterance[0])
    (target,) = summary["targets"]
    assert (target["resampled_by"], target["units"], target["utterances"]) == ("speaker", 10, 100)


def test_too_few_speakers_to_draw_from_are_refused(tmp_path: Path):
    data = [evaluation(tmp_path, "pretrained", [1] * 9, seed=0)]
    with pytest.raises(InputError, match="9 speakers are too few .*set resampled_by: sentence"):
        run_summarize(tmp_path, data, "--resampled-by=speaker")


def test_readings_of_one_sentence_are_drawn_together(tmp_path: Path):
    data = [evaluation(tmp_path, "pretrained", [0, 0, 0, 0, 2, 2, 2, 2] * 5, seed=0)]
    path = Path(data[0]["score"])
    apart = rows_of(run_summarize(tmp_path, data))["pretrained"]["wer_interval"]
    score = json.loads(path.read_text())
    for number, row in enumerate(score["per_utterance"]):
        row["reference"] = f"sentence {number // 4}"
    path.write_text(json.dumps(score))
    (target,) = run_summarize(tmp_path, data)["targets"]
    assert (target["resampled_by"], target["units"]) == ("sentence", 10)
    low, high = target["rows"][0]["wer_interval"]
    assert high - low > 1.7 * (apart[1] - apart[0])  # a quarter of the units: twice as wide


def test_comparisons_are_corrected_for_their_number_and_untried_coefficients_take_no_part(
    tmp_path: Path,
):
    """Six of 40 utterances lose an error: p is 0.03 alone, and is no longer below 0.05 twice."""
    fewer = [0] * 6 + [1] * 34
    data = [evaluation(tmp_path, "pretrained", [1] * 40, seed=0)]
    data += [evaluation(tmp_path, VECTOR, fewer, scale) for scale in (0.25, 0.5, 1)]
    for scale, errors in ((0.25, 0), (0.5, 1), (1, 1)):
        data.append(evaluation(tmp_path, VECTOR, [errors] * 4, scale, "dev"))
    rows = rows_of(run_summarize(tmp_path, data))
    chosen = rows["target-synthetic + 0.25 τ"]
    assert chosen["versus_pretrained"]["p_adjusted"] == chosen["versus_pretrained"]["p"] < 0.05
    assert chosen["versus_pretrained"]["significant"] and not chosen["exploratory"]
    other = rows["target-synthetic + 0.5 τ"]
    assert other["exploratory"] and other["versus_pretrained"]["p_adjusted"] is None
    assert other["versus_pretrained"]["interval"] == chosen["versus_pretrained"]["interval"]
    assert not other["versus_pretrained"]["significant"]
    data += [evaluation(tmp_path, arm, fewer) for arm in ("source-real", "target-real")]
    chosen = rows_of(run_summarize(tmp_path, data))["target-synthetic + 0.25 τ"]
    comparison = chosen["versus_pretrained"]
    assert comparison["p_adjusted"] == pytest.approx(3 * comparison["p"])
    assert comparison["mapsswe_p"] == pytest.approx(0.0087, abs=0.0001)  # z = 0.15 / 0.0572


def test_each_way_of_choosing_is_reported_with_what_it_loses(tmp_path: Path):
    """The target's own dev speech wants 0.5, its synthetic one 1; beforehand it was 0.25."""
    data = []
    for scale, test, real, kokoro in ((0.25, 3, 2, 2), (0.5, 1, 0, 1), (1, 2, 1, 0)):
        data.append(evaluation(tmp_path, VECTOR, [test] * 40, scale))
        data.append(evaluation(tmp_path, VECTOR, [real] * 8, scale, "dev"))
        data.append(evaluation(tmp_path, VECTOR, [kokoro] * 8, scale, "dev", "kokoro"))
    order = ["--chosen-on", "kokoro", "constant", "real", "--constant=0.25"]
    (target,) = run_summarize(tmp_path, data, *order)["targets"]
    found = {choice["by"]: choice for choice in target["choices"]}
    assert {by: choice["scaling_coefficient"] for by, choice in found.items()} == {
        "kokoro": 1,
        "constant": 0.25,
        "real": 0.5,
    }
    assert found["kokoro"]["versus_oracle"]["difference"] == pytest.approx(0.2)
    assert found["constant"]["versus_oracle"]["difference"] == pytest.approx(0.4)
    assert found["real"]["versus_oracle"] is None
    assert [choice["uses_target_recordings"] for choice in target["choices"]] == [0, 0, 8]
    (chosen,) = [row for row in target["rows"] if row["chosen"]]
    assert chosen["scaling_coefficient"] == 1 and chosen["choices"] == ["kokoro"]
    assert not any(row["exploratory"] for row in target["rows"])


def test_source_domains_choose_in_the_targets_place(tmp_path: Path):
    """One wants 0.1, the other two 0.5: of 0.1, 0.25, 0.5 the nearest to the mean 0.37 is 0.25."""
    data = []
    for domain, best in (("news", 0.1), ("play", 0.5), ("qa", 0.5)):
        for scale in (0.1, 0.25, 0.5):
            errors = [int(scale != best)] * 4
            nested = {"role": "nested", "domain": domain, "kind": "source"}
            data.append(evaluation(tmp_path, VECTOR, errors, scale, "dev", **nested))
    data += [evaluation(tmp_path, VECTOR, [1] * 4, scale) for scale in (0.1, 0.25, 0.5)]
    (target,) = run_summarize(tmp_path, data, "--chosen-on", "sources")["targets"]
    (choice,) = target["choices"]
    assert choice["scaling_coefficient"] == 0.25 and choice["uses_target_recordings"] == 0
    assert choice["folds"][1] == {"domain": "play", "scaling_coefficient": 0.5}
    assert len(choice["scores"]) == 9
    assert "(news 0.1, play 0.5, qa 0.5), which uses no target recordings" in choice["in_words"]


def test_what_the_vector_itself_does_is_told_apart(tmp_path: Path):
    data = [evaluation(tmp_path, "pretrained", [3] * 40, seed=0)]
    data += [
        evaluation(tmp_path, arm, [2 - i] * 40)
        for i, arm in enumerate((BASELINE, "target-synthetic"))
    ]
    data += [evaluation(tmp_path, arm, [1] * 40, 0.5) for arm in (VECTOR, f"{BASELINE}+vector")]
    options = ["--chosen-on", "constant", "--constant=0.5"]
    (target,) = run_summarize(tmp_path, data, *options)["targets"]
    baseline, adapted, vector, on_baseline = target["rows"][1:]
    assert vector["versus_without_vector"]["difference"] == 0
    assert vector["versus_baseline"]["difference"] == pytest.approx(-0.2)
    assert on_baseline["versus_without_vector"] is None  # which is the baseline
    assert baseline["versus_without_vector"] is adapted["versus_without_vector"] is None
    assert target["plain_words"][1].endswith(
        " Against target-synthetic without it, no difference is shown (0.0 points, interval 0.0 to"
        " 0.0)."
    )


def with_forgetting(folder: Path) -> list[dict]:
    """The vector takes the errors off the target, and adds one to each source utterance."""
    data = [evaluation(folder, "pretrained", [1] * 40, seed=0)]
    data += [evaluation(folder, VECTOR, [0] * 40, 0.5)]
    elsewhere = {"role": "forgetting", "domain": "games", "kind": "source"}
    data += [evaluation(folder, "pretrained", [1] * 20, seed=0, **elsewhere)]
    data += [evaluation(folder, VECTOR, [2] * 20, 0.5, **elsewhere)]
    return data + [evaluation(folder, VECTOR, [0] * 4, 0.5, "dev")]


def test_the_gain_and_its_price_stand_side_by_side(tmp_path: Path, capsys):
    (target,) = run_summarize(tmp_path, with_forgetting(tmp_path))["targets"]
    pretrained, adapted = target["rows"]
    (there,) = adapted["forgetting"]
    assert (there["domain"], there["kind"], there["utterances"]) == ("games", "source", 20)
    assert there["wer"] == 0.4
    assert there["versus_pretrained"]["difference"] == pytest.approx(0.2)
    assert there["versus_pretrained"]["significant"]
    assert pretrained["forgetting"][0]["versus_pretrained"] is None
    printed = capsys.readouterr().out
    assert "games +20.0*" in printed and "games 20.0 %" in printed
    (price,) = [words for words in target["plain_words"] if words.startswith("The price")]
    assert price.startswith(
        "The price: on 20 utterances of the source, more word errors than the pretrained model"
        " (20.0 %) are made by target-synthetic + 0.5 τ (+20.0 points,"
    )


def test_an_utterance_of_two_test_sets_elsewhere_counts_once(tmp_path: Path):
    """The group has games and two more utterances: games alone adds nothing to it.

    Of 20 utterances of 5 words the vector gives 10 one error: +10 points. Were games counted twice,
    20 of 30 would have one.
    """
    data = with_forgetting(tmp_path)[:2]
    for domain, size in (("source", 20), ("games", 10)):
        elsewhere = {"role": "forgetting", "domain": domain, "kind": "source"}
        for arm, errors in (("pretrained", [0] * 20), (VECTOR, [1] * 10 + [0] * 10)):
            scale, seed = (None, 0) if arm == "pretrained" else (0.5, 1)
            row = evaluation(tmp_path, arm, errors[:size], scale, seed=seed, **elsewhere)
            score = json.loads(Path(row["score"]).read_text())
            for utterance in score["per_utterance"]:
                utterance["domain"] = "games"
            Path(row["score"]).write_text(json.dumps(score))
            data.append(row)
    option = ["--chosen-on", "constant", "--constant=0.5"]
    (target,) = run_summarize(tmp_path, data, *option)["targets"]
    pooled = target["rows"][1]["forgetting_by_kind"]["source"]
    (whole, _) = target["rows"][1]["forgetting"]
    assert pooled["difference"] == pytest.approx(0.1)
    assert pooled["interval"] == pytest.approx(whole["versus_pretrained"]["interval"])


def test_a_small_test_set_and_what_looks_shuffled_are_warned_of(tmp_path: Path, capsys):
    data = [evaluation(tmp_path, "pretrained", [1] * 40, seed=0)]
    score = json.loads(Path(data[0]["score"]).read_text())
    Path(data[0]["score"]).write_text(json.dumps(score | {"warnings": ["6 are swapped"]}))
    run_summarize(tmp_path, data)
    printed = " ".join(capsys.readouterr().out.split())
    assert "from fewer than 50 sentences are rough (here 40)" in printed
    assert f"pretrained: {data[0]['score']}: 6 are swapped." in printed
    run_summarize(tmp_path, [evaluation(tmp_path, "pretrained", [1] * 50, seed=0)])
    assert "rough" not in capsys.readouterr().out


def test_what_touched_the_test_set_stands_in_each_line_and_is_said(tmp_path: Path):
    data = with_forgetting(tmp_path)
    nothing = {kind: dict.fromkeys(leaks.STAGES, 0) for kind in leaks.KINDS}
    rows = [{key: row[key] for key in ("score", "role", "target")} for row in data]
    no_recordings = dict.fromkeys(leaks.STAGES, 0)
    rows = [row | {"touched": nothing, "test_recordings": no_recordings} for row in rows]
    known = json.loads(json.dumps(nothing))
    known["test_sentences"]["training"] = 3
    rows[1]["touched"] = known
    (tmp_path / "leakage.json").write_text(json.dumps({"evaluations": rows}))
    option = f"--leakage={tmp_path / 'leakage.json'}"
    (target,) = run_summarize(tmp_path, data, option, "--chosen-on", "constant", "--constant=0.5")[
        "targets"
    ]
    assert target["rows"][1]["leakage"]["test_sentences"]["training"] == 3
    assert target["plain_words"][-1].startswith(
        "Not everything in the test set is new: 3 test sentences had a part"
    )
    (tmp_path / "leakage.json").write_text(json.dumps({"evaluations": rows[1:]}))
    with pytest.raises(InputError, match=r"pretrained/.*: not among the scores of leakage\.json"):
        run_summarize(tmp_path, data, option)


def test_every_number_has_an_id_and_the_command_that_makes_it_again(tmp_path: Path):
    data = [evaluation(tmp_path, "pretrained", [1] * 4, seed=0)]
    again = "--again=snakemake {} --configfile my.yaml --config 'a={}'"
    (row,) = run_summarize(tmp_path, data, again)["targets"][0]["rows"]
    options = "--configfile my.yaml --config 'a={}'"
    assert row["command"] == f"snakemake {data[0]['score']} {options}"
    assert sha256(data[0]["score"]).startswith(row["evaluation"]) and len(row["evaluation"]) == 12


def test_seeds_spread_apart_from_the_interval(tmp_path: Path, capsys):
    data = [
        evaluation(tmp_path, "target-synthetic", [errors] * 40, seed=seed)
        for seed, errors in ((1, 1), (2, 2), (3, 3))
    ]
    (row,) = run_summarize(tmp_path, data)["targets"][0]["rows"]
    assert row["wer_interval"] == pytest.approx([0.4, 0.4])
    assert row["seed_sd"] == pytest.approx(0.2)
    printed = capsys.readouterr().out
    assert "Means over 3 seeds; standard deviation of WER 20.0 to 20.0 points." in printed


def test_scores_of_other_test_sets_are_refused(tmp_path: Path):
    data = [
        evaluation(tmp_path, "pretrained", [1] * 4, seed=0),
        evaluation(tmp_path, BASELINE, [1] * 5),
    ]
    with pytest.raises(InputError, match="1 utterances are in only one of them, first 'u04'"):
        run_summarize(tmp_path, data)
    data[1] = evaluation(tmp_path, "pretrained", [1] * 5, seed=1)
    with pytest.raises(InputError, match="1 utterances are in only one of them, first 'u04'"):
        run_summarize(tmp_path, data)


def test_scores_of_other_references_are_refused(tmp_path: Path):
    data = [
        evaluation(tmp_path, "pretrained", [1] * 4, seed=0),
        evaluation(tmp_path, BASELINE, [1] * 4),
    ]
    path = Path(data[1]["score"])
    path.write_text(path.read_text().replace('"reference_words": 5, ', '"reference_words": 6, ', 1))
    with pytest.raises(
        InputError, match="1 utterances differ in their number of words, first 'u00'"
    ):
        run_summarize(tmp_path, data)


def test_double_and_incomplete_evaluations_are_refused(tmp_path: Path):
    row = evaluation(tmp_path, "pretrained", [1] * 4, seed=0)
    with pytest.raises(
        InputError, match="evaluations 1 and 2 are both of pretrained of tiny on music"
    ):
        run_summarize(tmp_path, [row, row])
    del row["split"]
    with pytest.raises(InputError, match="evaluation 1 lacks split"):
        run_summarize(tmp_path, [row])
    with pytest.raises(InputError, match="a list of at least one"):
        run_summarize(tmp_path, [])


def test_missing_score_is_refused(tmp_path: Path):
    row = evaluation(tmp_path, "pretrained", [1] * 4, seed=0) | {"score": "gone.json"}
    with pytest.raises(InputError, match="gone.json: .*; score it again"):
        run_summarize(tmp_path, [row])
    with pytest.raises(InputError, match="gone.json: .*write it with summarize.py"):
        main(["--show=gone.json"])


def test_lineage_names_every_score(tmp_path: Path):
    data = small_experiment(tmp_path)
    run_summarize(tmp_path, data)
    recorded = json.loads((tmp_path / "summary.json.lineage.json").read_text())
    assert set(recorded["inputs"]) >= {row["score"] for row in data if row["score"]}


def test_points_show_the_side_of_zero():
    assert points(0.0123) == "+1.2"
    assert points(-0.0004) == "\N{MINUS SIGN}0.04"
    assert points(-0.000001) == "0.0"
    assert points(0) == "0.0"
    assert percent(0.1234) == "12.3"


def test_few_resamples_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="--resamples is 99"):
        main(["--evaluations=e", "--output-json=j", "--output-tsv=t", "--resamples=99"])
    assert summarize.RESAMPLES == 10_000


def test_each_base_model_has_a_table_of_its_own(tmp_path: Path):
    data = []
    for base, dev in (
        ("tiny", [0, 1]),
        ("small", [1, 0]),
    ):  # 0.25 is best for one, 0.5 for the other
        folder = tmp_path / base
        data += [evaluation(folder, "pretrained", [1] * 4, seed=0, base=base)]
        for scale, errors in zip((0.25, 0.5), dev, strict=True):
            arm = "target-synthetic+vector"
            data.append(evaluation(folder, arm, [errors] * 4, scale, base=base))
            data.append(evaluation(folder, arm, [errors] * 4, scale, "dev", base=base))
    tiny, small = run_summarize(tmp_path, data)["targets"]
    assert (tiny["name"], small["name"]) == ("music (tiny)", "music (small)")
    assert [row["scaling_coefficient"] for row in tiny["rows"] if row["chosen"]] == [0.25]
    assert [row["scaling_coefficient"] for row in small["rows"] if row["chosen"]] == [0.5]


def test_each_kind_of_task_vector_has_a_coefficient_of_its_own(tmp_path: Path):
    data = [evaluation(tmp_path, "pretrained", [1] * 4, seed=0)]
    for vector, best in (("pooled", 0.25), ("domains", 0.5), ("encoder", 0.25)):
        for scale in (0.25, 0.5):
            errors, arm = [int(scale != best)] * 4, "pretrained+vector"
            of_vector = {"vector": vector, "tts": "kokoro"}
            folder = tmp_path / vector
            data.append(evaluation(folder, arm, errors, scale, **of_vector))
            data.append(evaluation(folder, arm, errors, scale, "dev", **of_vector))
    rows = run_summarize(tmp_path, data)["targets"][0]["rows"]
    assert [row["label"] for row in rows if row["chosen"]] == [
        "pretrained + 0.25 τ",
        "pretrained + 0.5 mean τ of domains",
        "pretrained + 0.25 τ of the encoder",
    ]


def test_a_test_on_synthetic_speech_is_a_table_of_its_own_and_says_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture
):
    data = [
        evaluation(tmp_path / speech, "pretrained", [1] * 4, speech=speech, seed=0)
        for speech in ("real", "bark", "kokoro")
    ]
    real, *others = run_summarize(tmp_path, data)["targets"]
    assert real["name"] == "music" and "no recordings" not in " ".join(real["plain_words"])
    assert [target["name"] for target in others] == [
        "music, spoken by bark",
        "music, spoken by kokoro",
    ]
    assert "word errors on synthetic speech (bark)" in others[0]["plain_words"][0]
    printed = capsys.readouterr().out
    assert "music: 4 test utterances" in printed
    assert "music, spoken by bark: 4 synthetic test utterances" in printed
