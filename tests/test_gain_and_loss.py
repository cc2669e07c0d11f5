"""The figure of what every model gains on its targets and loses elsewhere."""

import re
from dataclasses import replace

import pytest

from made_up_summary import comparison, made_up_row, made_up_summary, made_up_target
from reporting.gain_and_loss import (
    DOT,
    box_about,
    gain_and_loss,
    gains_and_losses,
    key_of,
    label_offsets,
    overlap,
)
from scoring.summary import Forgetting, SummaryRow, TargetSummary

ARMS = ("target-synthetic", "target-real", "source-real+target-synthetic")


def row(arm: str, gain: float, losses: dict[str, tuple[float, int]], **changes) -> SummaryRow:
    """Return an arm's row; ``losses`` has difference and words of each other test set."""
    elsewhere = tuple(
        Forgetting(
            domain=domain, kind="source", wer=0.2, scores=(), utterances=9, words=words, units=9,
            wer_interval=(0.1, 0.3), versus_pretrained=comparison(loss),
        )
        for domain, (loss, words) in losses.items()
    )  # fmt: skip
    return made_up_row(arm, versus_pretrained=comparison(gain), forgetting=elsewhere, **changes)


def target(name: str, *rows: SummaryRow, **changes) -> TargetSummary:
    pretrained = made_up_row("pretrained")
    return made_up_target([pretrained, *rows], name=name, target=name, **changes)


def of_arms(name: str, gain: float, loss: float, words: int = 1000, base: str = "tiny"):
    rows = (row(arm, gain, {"queen": (loss, 500)}) for arm in ARMS)
    return target(name, *rows, words=words, base=base)


def test_targets_and_other_test_sets_are_pooled_by_their_words():
    """Of 1,000 and 3,000 words -2 and -6 are -5; of 100, 200 and 200 +1, +4 and -1 are 1.4."""
    first = target("a", row("target-synthetic", -0.02, {"x": (0.01, 100), "y": (0.04, 200)}))
    second = target("b", row("target-synthetic", -0.06, {"x": (-0.01, 200)}), words=3000)
    (found,) = gains_and_losses(made_up_summary(first, second))
    assert (found.base, found.arm) == ("tiny", "target-synthetic")
    assert found.on_targets == pytest.approx(-0.05)
    assert found.elsewhere == pytest.approx(0.014)
    assert found.in_words == "−5.0 on the target, +1.4 elsewhere"


def test_an_arm_that_was_tested_on_fewer_targets_than_others_is_left_out():
    whole = of_arms("a", -0.02, 0.01)
    part = target("b", row("target-synthetic", -0.06, {"queen": (0.03, 500)}))
    untested = target("c", row("target-synthetic", -0.06, {}))
    found = gains_and_losses(made_up_summary(whole, part, untested))
    assert [each.arm for each in found] == ["target-synthetic"]


def test_an_arm_whose_coefficients_differ_by_target_is_called_by_lambda():
    def with_vector(name: str, scale: float) -> TargetSummary:
        changes = {"vector": "pooled", "scaling_coefficient": scale, "chosen": True}
        label = f"target-synthetic + {scale:g} τ"
        added = row("target-synthetic+vector", -0.02, {"x": (0.01, 9)}, **changes)
        return target(name, replace(added, label=label))

    for second, shown in ((0.5, "target-synthetic + λ τ"), (0.25, "target-synthetic + 0.25 τ")):
        summary = made_up_summary(with_vector("a", 0.25), with_vector("b", second))
        assert [each.arm for each in gains_and_losses(summary)] == [shown]


def test_points_are_named_by_what_they_differ_in():
    one, two = of_arms("a", -0.02, 0.01), of_arms("a", -0.03, 0.02, base="kl")
    assert key_of(made_up_summary(one))[1] == "target-real: −2.0 on the target, +1.0 elsewhere"
    assert key_of(made_up_summary(one, two))[3].startswith("kl: target-synthetic: −3.0 on")
    alone = [replace(each, rows=each.rows[:2]) for each in (one, two)]
    assert [line.split(": ")[0] for line in key_of(made_up_summary(*alone))] == ["tiny", "kl"]


def test_the_figure_is_told_in_words_and_takes_the_pages_colour():
    svg = gain_and_loss(made_up_summary(of_arms("a", -0.02, 0.01), of_arms("b", -0.04, -0.03)))
    (words,) = re.findall("<desc>(.*)</desc>", svg)
    assert words.startswith("1 target-synthetic: −3.0 on the target, −1.0 elsewhere; 2 target-real")
    assert "lower left is best" in svg and 'role="img"' in svg
    assert "currentColor" in svg and "#010203" not in svg and "#000000" not in svg
    shown = re.findall("<text[^>]*>([^<]*)</text>", svg)
    assert {"1", "2", "3", "change of WER elsewhere, points (right: forgotten)"} <= set(shown)


def test_fewer_than_three_points_or_a_single_table_are_no_figure():
    one, other = of_arms("a", -0.02, 0.01), of_arms("b", -0.04, 0.02)
    assert gain_and_loss(made_up_summary(one)) == ""
    assert gain_and_loss(made_up_summary(one, other)) != ""
    few = [replace(each, rows=each.rows[:3]) for each in (one, other)]
    assert gain_and_loss(made_up_summary(*few)) == ""
    forgot_nothing = [
        replace(each, rows=tuple(replace(row, forgetting=()) for row in each.rows))
        for each in (one, other)
    ]
    assert gain_and_loss(made_up_summary(*forgot_nothing)) == ""


def test_numbers_of_points_that_lie_together_stand_apart():
    places = [(100.0, 100.0 + number % 3) for number in range(30)]
    labels = [str(number + 1) for number in range(30)]
    offsets = label_offsets(places[:12], labels[:12], (250, 200))
    boxes = [
        box_about(x + right, y + up, label)
        for (x, y), (right, up), label in zip(places, offsets, labels, strict=False)
    ]
    pairs = [(one, other) for at, one in enumerate(boxes) for other in boxes[:at]]
    assert not any(overlap(*pair) for pair in pairs)
    dots = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in places[:12]]
    assert not any(overlap(box, dot) for box in boxes for dot in dots)
    assert offsets[0] == pytest.approx((0, 10))  # above, where there is room
    assert len(label_offsets(places, labels, (250, 200))) == 30


def test_a_number_stays_within_the_frame():
    ((right, up),) = label_offsets([(100.0, 199.0)], ["1"], (250, 200))
    assert up < 0 and right == pytest.approx(10 * 3**0.5 / 2)  # at four o'clock
