"""Test-time adaptation: losses by hand arithmetic, and models that come back to what they were."""

import json
from collections import Counter
from functools import partial
from itertools import product
from math import log
from pathlib import Path

import pytest
import torch

import transcribe
from adaptation import dsuta, entropy, pseudo_labels, stream, suta, tokens
from adaptation.entropies import entropy as entropy_of
from adaptation.stream import Utterance
from adaptation.tokens import Scored, hypotheses, score
from adaptation.weights import Weights
from errors import InputError, Stopped
from files.manifest import read_jsonl, read_manifest
from recognisers import transcription
from recognisers.load import Recogniser, load_recogniser
from tiny import write_ctc, write_speech, write_whisper

CTC_KINDS = ("wav2vec2", "hubert", "conformer")
FITTING = [(name, kind) for name in ("dsuta", "pseudo_labels", "suta") for kind in CTC_KINDS]
FITTING += [("entropy", "whisper"), ("pseudo_labels", "whisper")]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for kind in CTC_KINDS:
        write_ctc(folder / kind, kind=kind)
    write_whisper(folder / "whisper")
    write_speech(folder, "test", 12)
    return folder


def loaded(data: Path, kind: str) -> tuple[Recogniser, list[Utterance]]:
    """Return a recogniser in windows of 1 s, and four utterances."""
    recogniser = load_recogniser(data / kind, 1.0, precision="fp32", max_length=6)
    rows = read_manifest(data / "test.jsonl")[:4]
    return recogniser, [
        Utterance(row["id"], recogniser.read([row["audio_filepath"]])) for row in rows
    ]


def logits(*probabilities: list[float]) -> torch.Tensor:
    return torch.tensor(probabilities).log()


def test_the_entropy_of_a_fair_coin_is_log_2_and_of_what_is_sure_0():
    found = entropy_of(logits([0.5, 0.5], [1, 1e-30])).tolist()
    assert found == pytest.approx([log(2), 0])


def test_classes_that_have_frames_of_their_own_are_not_confused():
    assert suta.confusion(100 * torch.eye(3)).item() == pytest.approx(0)


def test_classes_that_share_every_frame_evenly_have_half_of_each_others_weight():
    """Each row of shares is (1/2, 1/2): off the diagonal is 1 of 2 classes."""
    assert suta.confusion(torch.zeros(5, 2)).item() == pytest.approx(1 / 2)


def test_a_sure_frame_counts_nearly_twice_as_much_as_one_that_is_sure_of_nothing():
    """Weights 1 + exp(-0) = 2 and 1 + exp(-log 2) = 3/2, of which the sum is 7/2.

    The sure frame has class 0: together are (2 + 3/8, 3/8) and (3/8, 3/8), times 4/7. Shares off
    the diagonal are 3/22 and 1/2.
    """
    found = suta.confusion(torch.tensor([[200.0, 0.0], [0.0, 0.0]]))
    assert found.item() == pytest.approx((3 / 22 + 1 / 2) / 2)


def test_the_loss_is_the_entropy_of_what_is_no_blank_and_the_confusion_of_all():
    """Softened by 2.5, three frames: sure of blank 0, and two that halve classes 1 and 2."""
    scores = 2.5 * torch.tensor([[200.0, 0.0, 0.0], [-200.0, 0.1, 0.1], [-200.0, 0.1, 0.1]])
    expected = 0.3 * log(2) + 0.7 * (0 + 1 / 2 + 1 / 2) / 3
    assert suta.loss(scores, blank=0).item() == pytest.approx(expected)


def test_of_blanks_alone_there_is_no_entropy():
    scores = torch.zeros(4, 2)
    scores[:, 0] = 1e-6
    assert suta.loss(scores, blank=0).item() == pytest.approx(0.7 / 2)


def test_a_best_path_is_taken_for_the_text():
    """ "A" in one of two frames, each 3/4 sure: paths A-, -A and AA spell it."""
    scores = logits([0.25, 0.75], [0.75, 0.25])
    expected = 3 / 4 * 3 / 4 + 1 / 4 * 1 / 4 + 3 / 4 * 1 / 4
    assert pseudo_labels.of_best_path(scores, blank=0).item() == pytest.approx(-log(expected))


def test_of_no_letters_it_is_learnt_that_there_are_none():
    scores = logits([0.75, 0.25], [0.5, 0.5])
    loss = pseudo_labels.of_best_path(scores, blank=0)
    assert loss.item() == pytest.approx(-log(3 / 4 * 1 / 2))


def test_the_cross_entropy_of_a_hypothesis_ends_where_it_does():
    scored = Scored(
        logits([0.25, 0.75], [0.5, 0.5])[None], torch.tensor([[1, 0]]), torch.tensor([[1.0, 0.0]])
    )
    assert pseudo_labels.of_tokens(scored).item() == pytest.approx(-log(3 / 4))


def entropy_of_all(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the entropy of two tokens, of which the second's logits depend on the first's."""
    log_probabilities = first.log_softmax(-1)[:, None] + second.log_softmax(-1)
    return -(log_probabilities.exp() * log_probabilities).sum()


@pytest.mark.parametrize("together", [1, 2])
def test_drawn_hypotheses_give_the_gradient_of_the_entropy_of_all(together):
    """All that can be drawn, each as often as it is: one by one, and in pairs."""
    torch.manual_seed(0)
    first, second = torch.randn(3, requires_grad=True), torch.randn(3, 3, requires_grad=True)
    expected = torch.autograd.grad(entropy_of_all(first, second), (first, second))
    ways = list(product(range(3), repeat=2))
    whole = torch.zeros(())
    for drawn in product(ways, repeat=together):
        rows = [torch.stack([first, second[one]]) for one, _ in drawn]
        picked = torch.tensor(drawn)
        scored = Scored(torch.stack(rows), picked, torch.ones(together, 2))
        chosen = scored.logits.log_softmax(-1).gather(-1, picked[..., None])
        whole = whole + chosen.sum().exp().detach() * entropy.loss(scored)
    found = torch.autograd.grad(whole, (first, second))
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_what_is_behind_a_hypothesis_s_end_counts_for_nothing():
    torch.manual_seed(0)
    whole = torch.randn(1, 3, 4)
    ended = Scored(whole, torch.tensor([[1, 2, 3]]), torch.tensor([[1.0, 1.0, 0.0]]))
    alone = Scored(whole[:, :2], torch.tensor([[1, 2]]), torch.ones(1, 2))
    assert entropy.loss(ended).item() == pytest.approx(entropy.loss(alone).item())


def test_tokens_are_drawn_as_often_as_they_are_likely_and_suppressed_ones_never():
    odds = torch.tensor([3.0, 1.0, 0.0])[:, None].log().expand(-1, 4000).clone()
    entropy.Draw(1)(odds, [])
    counts = Counter(odds.argmax(dim=0).tolist())
    assert counts[2] == 0 and counts[0] / 4000 == pytest.approx(3 / 4, abs=0.03)


def test_a_domain_shifts_where_five_gains_are_clearly_smaller_than_was_usual():
    """Usual are -1 and -3, whose deviation is the square root of 2: that of a mean of 5 is 0.63."""
    assert not dsuta.deviates([-0.8] * 5, [-1, -3])
    assert dsuta.deviates([-0.7] * 5, [-1, -3])
    assert not dsuta.deviates([-9.0] * 5, [-1, -3])


@pytest.mark.parametrize(("name", "kind"), FITTING)
def test_a_model_is_bit_for_bit_what_it_was_when_it_has_left_an_utterance(data, name, kind):
    recogniser, (utterance, *_) = loaded(data, kind)
    before = {name: value.clone() for name, value in recogniser.model.state_dict().items()}
    adaptation = stream.start(name, recogniser)
    adaptation.adapt(utterance)
    after = recogniser.model.state_dict()
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    ears = ("feature_extractor", "feature_projection")
    assert any("layer_norm" in name for name in changed)
    assert all("layer_norm" in name or any(ear in name for ear in ears) for name in changed)
    assert any("conv_layers" in name for name in changed) == (kind != "whisper")
    adaptation.leave(utterance)
    for name, value in recogniser.model.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("name", ["suta", "pseudo_labels"])
def test_the_loss_of_a_ctc_model_falls_over_the_steps(data, name):
    recogniser, (utterance, *_) = loaded(data, "wav2vec2")
    loss = {"suta": suta.loss_of, "pseudo_labels": pseudo_labels.loss_of_letters}[name]
    adaptation = stream.start(name, recogniser)
    before = loss(recogniser, utterance, 0).item()
    adaptation.adapt(utterance)
    assert loss(recogniser, utterance, 0).item() < before


def test_whisper_s_entropy_falls_over_the_steps(data):
    """Of many hypotheses, drawn before and after, of a model that is sure of some tokens."""
    recogniser, (utterance, *_) = loaded(data, "whisper")
    recogniser.model.proj_out.weight.data *= 20
    adaptation = entropy.start(recogniser)

    def whole() -> float:
        encoded = recogniser.encode(utterance.audio).detach().expand(200, -1, -1)
        scored = score(recogniser, encoded, hypotheses(recogniser, encoded, [entropy.Draw(7)]))
        return (entropy_of(scored.logits) * scored.counts).sum(dim=1).mean().item()

    before = whole()
    adaptation.weights.optimizer.param_groups[0]["lr"] = 1e-2
    adaptation.adapt(utterance)
    assert whole() < before / 2


def test_a_hypothesis_has_its_end_unless_it_was_cut_off_and_suppressed_tokens_are_improbable(data):
    recogniser, (utterance, *_) = loaded(data, "whisper")
    encoded = recogniser.encode(utterance.audio).detach()
    [cut] = hypotheses(recogniser, encoded)
    scored = score(recogniser, encoded, [[1, 256], cut])
    assert len(cut) == 6 and 256 not in cut
    assert scored.counts.tolist() == [[1, 1, 0, 0, 0, 0], [1] * 6]
    assert scored.logits[1].argmax(dim=-1).tolist() == cut
    assert scored.logits[..., 257:].softmax(dim=-1).shape[-1] > 0
    assert scored.logits.softmax(dim=-1)[..., 257:].max() == 0


def test_slow_weights_take_a_step_on_five_utterances_and_fast_ones_begin_with_them(data):
    recogniser, utterances = loaded(data, "wav2vec2")
    adaptation = dsuta.start(recogniser)
    first = adaptation.weights.trained[0]
    base = first.detach().clone()
    for utterance in [*utterances, utterances[0]]:
        assert torch.equal(first, base)
        adaptation.adapt(utterance)
        assert not torch.equal(first, base)
        adaptation.leave(utterance)
    slow = first.detach().clone()
    assert not torch.equal(slow, base)
    alone = Weights(recogniser.model, iter(adaptation.weights.trained), suta.LEARNING_RATE)
    adaptation.weights.restore(adaptation.base)
    alone.step([partial(suta.loss_of, recogniser, each) for each in [*utterances, utterances[0]]])
    assert torch.equal(first, slow)


def test_slow_weights_are_the_base_model_s_again_when_two_buffers_deviate(data, monkeypatch):
    """No loss is computed: gains are -1 and -3 in turn, and behind utterance 100 there are none."""
    recogniser, (utterance, *_) = loaded(data, "wav2vec2")
    adaptation = dsuta.start(recogniser)
    monkeypatch.setattr(adaptation, "learn", lambda: adaptation.buffer.clear())
    gains = {False: lambda: -1.0 if adaptation.heard % 2 else -3.0, True: lambda: 0.0}
    monkeypatch.setattr(adaptation, "change", lambda each: gains[adaptation.heard > 100]())
    heard = []
    for _ in range(112):
        adaptation.leave(utterance)
        heard.append(adaptation.heard)
    assert heard == [*range(1, 110), 0, 1, 2]  # buffers 105 and 110 deviate
    assert adaptation.changes == [] and len(adaptation.buffer) == 2


def run(data: Path, output: Path, *options: str, kind: str = "wav2vec2") -> list[dict]:
    transcribe.main(
        ["--model", str(data / kind), "--manifest", str(data / "test.jsonl"), "--language", "en"]
        + [
            "--window",
            "1",
            "--max-length",
            "6",
            "--precision",
            "fp32",
            "--threads",
            "1",
            "--output",
            str(output),
        ]
        + list(options)
    )
    return read_jsonl(output)


def record_of(output: Path) -> dict:
    return json.loads(Path(f"{output}.lineage.json").read_text())


@pytest.mark.parametrize(("name", "kind"), [("dsuta", "wav2vec2"), ("entropy", "whisper")])
def test_killed_halfway_it_ends_with_the_same_bytes(data, tmp_path, monkeypatch, name, kind):
    """A rate so large that what was learnt is heard."""
    module = {"dsuta": suta, "entropy": tokens}[name]
    monkeypatch.setattr(module, "LEARNING_RATE", 0.05)
    adapt, work = ["--adapt", name], ["--work-dir", str(tmp_path / "work")]
    whole = run(data, tmp_path / "whole.jsonl", *adapt, kind=kind)
    assert whole != run(data, tmp_path / "plain.jsonl", kind=kind)
    append, written = stream.append, []

    def stopped(path: Path, texts: dict) -> None:
        if len(written) == 7:
            raise Stopped("stopped")
        written.extend(texts)
        append(path, texts)

    with monkeypatch.context() as patch:
        patch.setattr(stream, "append", stopped)
        with pytest.raises(Stopped):
            run(data, tmp_path / "again.jsonl", *adapt, *work, kind=kind)
    [journal] = (tmp_path / "work").iterdir()
    journal.write_bytes(journal.read_bytes()[:-3])  # a kill cut the last line short
    run(data, tmp_path / "again.jsonl", *adapt, *work, kind=kind)
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert not (tmp_path / "work").exists()


def test_the_stream_is_in_the_manifest_s_order_which_the_record_says(data, tmp_path, monkeypatch):
    heard = []
    leave = stream.EachAnew.leave

    def noted(adaptation: stream.EachAnew, utterance: Utterance) -> None:
        heard.append(utterance.id)
        leave(adaptation, utterance)

    monkeypatch.setattr(stream.EachAnew, "leave", noted)
    rows = run(data, tmp_path / "o.jsonl", "--adapt", "suta", "--guard-repetition")
    ids = [row["id"] for row in read_manifest(data / "test.jsonl")]
    assert heard == ids == [row["id"] for row in rows]
    record = record_of(tmp_path / "o.jsonl")
    settings = {key: record["parameters"][key] for key in ("adaptation", "batch_size", "order")}
    assert settings == {"adaptation": "suta", "batch_size": 1, "order": "of the manifest"}
    assert record["aids"] == {"recordings": [str(data / "test.jsonl")]}
    assert {"adaptation/suta.py", "adaptation/stream.py"} <= set(record["modules"])


def test_without_adaptation_a_record_says_nothing_of_it(data, tmp_path):
    run(data, tmp_path / "o.jsonl")
    record = record_of(tmp_path / "o.jsonl")
    assert not {"adaptation", "order"} & set(record["parameters"]) and "aids" not in record
    assert not [module for module in record["modules"] if module.startswith("adaptation/")]


def test_an_endless_repetition_is_decoded_again_by_the_adapted_model(data, tmp_path, monkeypatch):
    monkeypatch.setattr(transcription, "is_repetitive", lambda text, duration: True)
    rows = run(data, tmp_path / "o", "--adapt", "entropy", "--guard-repetition", kind="whisper")
    assert all(row["decoded_again"] for row in rows)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (
            ["--adapt=suta"],
            "whisper",
            "suta adapts CTC models, and this is a Whisper model; take e",
        ),
        (["--adapt=entropy"], "wav2vec2", "entropy adapts Whisper models, and .*; take dsuta, pse"),
        (["--adapt=entropy", "--encodings=kept"], "whisper", "leave out --encodings"),
        (
            ["--adapt=entropy", "--task-vector=v", "--scaling-coefficient=1"],
            "whisper",
            "instead of --task-vector write the sum first, with task_vector.py apply",
        ),
    ],
)
def test_what_can_t_be_adapted_is_refused_with_the_remedy(data, tmp_path, options, kind, message):
    with pytest.raises(InputError, match=message):
        run(data, tmp_path / "o.jsonl", *options, kind=kind)


def test_a_loss_that_is_no_number_stops_the_transcription():
    layer = torch.nn.LayerNorm(2)
    weights = Weights(layer, layer.parameters(), 1e-3)
    with pytest.raises(InputError, match="the loss is nan"):
        weights.step([lambda: layer.weight.sum() * torch.nan])
    assert layer.weight.tolist() == [1, 1]
