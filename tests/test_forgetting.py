"""What keeps a model from forgetting: parts that are trained alone, scales, EWC, and replay."""

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from transformers import WhisperForConditionalGeneration

import finetune
from errors import InputError, Stopped
from modules import keeps_encoder, trained_of, trained_parameters
from recognisers.load import load_recogniser
from tiny import finetune_command, write_ctc, write_speech, write_whisper
from training import ewc, run
from training.data import Speech, drawn
from training.ewc import Consolidation
from training.settings import Settings

ENCODER, DECODER = "model.encoder", "model.decoder"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_whisper(folder / "base")
    for kind in ("wav2vec2", "conformer"):
        write_ctc(folder / kind, kind=kind)
    write_speech(folder, "train", 8)
    write_speech(folder, "source", 12, seed=2)
    write_speech(folder, "dev", 4, seed=1)
    return folder


def train(data: Path, output: Path, **settings: object) -> dict[str, torch.Tensor]:
    """Return the tensors of a model fine-tuned with some settings."""
    options = {"model": data / "base", "epochs": 2, "batch_size": 4} | settings
    finetune.main(finetune_command(data, output, **options))
    return load_file(output / "model.safetensors")


def record(output: Path) -> dict:
    return json.loads((output / "model.safetensors.lineage.json").read_text())


STACK = [
    f"{stack}.{name}"
    for stack in (ENCODER, DECODER)
    for name in (
        *(f"layers.{n}.{of_layer}" for n in range(3) for of_layer in (
            "self_attn.k_proj.weight", "self_attn.q_proj.bias", "self_attn_layer_norm.weight",
            "fc1.weight", "fc2.bias",
        )),
        "layer_norm.bias",
    )
]  # fmt: skip
WHISPER = [
    f"{ENCODER}.conv1.weight",
    f"{DECODER}.embed_tokens.weight",
    f"{DECODER}.layers.0.encoder_attn.v_proj.weight",
    *STACK,
]


def chosen(choice: str) -> set[str]:
    return trained_parameters(choice, WHISPER)


def test_a_choice_of_what_is_trained_is_a_part_of_both_modules_or_of_one():
    assert chosen("all") == set(WHISPER)
    assert chosen("encoder") | chosen("decoder") == set(WHISPER)
    assert chosen("all") - chosen("without_embeddings") == {f"{DECODER}.embed_tokens.weight"}
    assert len(chosen("attention")) == 2 * 3 * 2 + 1  # keys and queries; one of cross-attention
    assert len(chosen("feed_forward")) == 2 * 3 * 2
    assert len(chosen("norms")) == 2 * (3 + 1)
    assert len(chosen("biases")) == 2 * (3 * 2 + 1)
    assert chosen("decoder_norms") == chosen("decoder") & chosen("norms")
    assert not chosen("attention") & chosen("feed_forward") & chosen("norms")


def test_layers_are_counted_from_either_end_of_each_stack():
    numbers = {name.split(".")[3] for name in chosen("last_2_layers")}
    assert numbers == {"1", "2"} and len(chosen("last_2_layers")) == 2 * 2 * 5
    assert {name.split(".")[3] for name in chosen("first_1_layers")} == {"0"}
    assert chosen("first_1_layers") | chosen("last_2_layers") == chosen("first_3_layers")
    assert {name[: len(DECODER)] for name in chosen("decoder_first_1_layers")} == {DECODER}
    told = r"trained: last_4_layers: model\.decoder\.layers are 3; write 3 or fewer"
    with pytest.raises(InputError, match=told):
        chosen("last_4_layers")


@pytest.mark.parametrize(
    "choice", ["decodr", "first_0_layers", "last_layers", "attention_decoder", "", "all_attention"]
)
def test_a_word_for_nothing_is_refused_with_what_there_is(choice):
    with pytest.raises(InputError, match=r"is nothing that can be trained; write one of all, wi"):
        trained_of(choice)
    with pytest.raises(InputError, match="give one of all, without_embeddings"):
        finetune.main(finetune_command(Path("."), Path("model"), model="m", trained=choice))


@pytest.mark.parametrize(
    ("choice", "kept"),
    [("decoder", True), ("decoder_last_1_layers", True), ("all", False), ("attention", False),
     ("encoder", False), ("last_1_layers", False)],
)  # fmt: skip
def test_the_encoders_outputs_are_kept_exactly_where_nothing_of_it_is_trained(
    data, tmp_path, choice, kept
):
    base = load_file(data / "base/model.safetensors")
    tuned = train(data, tmp_path / "model", trained=choice)
    changed = {name for name in base if not torch.equal(base[name], tuned[name])}
    assert any(name.startswith(ENCODER) for name in changed) != kept
    assert keeps_encoder(choice) == kept
    if kept:
        train(data, tmp_path / "again", trained=choice, encodings=tmp_path / "kept")
    else:
        with pytest.raises(InputError, match="need trained: decoder, or a part of it"):
            train(data, tmp_path / "again", trained=choice, encodings=tmp_path / "kept")


@pytest.mark.parametrize(
    "choice", ["attention", "feed_forward", "norms", "biases", "decoder_attention", "last_1_layers"]
)
def test_only_what_is_chosen_gets_a_gradient(data, choice):
    recogniser = load_recogniser(data / "base", 1.0, precision="fp32")
    recogniser.freeze(choice)
    Speech(recogniser, [data / "train.jsonl"]).loss([0, 1], 1.0).backward()
    parameters = dict(recogniser.model.named_parameters())
    with_gradient = {name for name, each in parameters.items() if each.grad is not None}
    assert with_gradient == trained_parameters(choice, parameters) and with_gradient


@pytest.mark.parametrize(
    ("kind", "choice", "inside"),
    [
        ("wav2vec2", "attention", ".attention."),
        ("conformer", "attention", ".self_attn."),
        ("wav2vec2", "feed_forward", ".feed_forward."),
        ("conformer", "feed_forward", ".ffn"),
        ("conformer", "last_1_layers", ".layers.1."),
        ("wav2vec2", "norms", "norm."),
    ],
)
def test_a_ctc_model_trains_what_it_has_of_the_parts(data, kind, choice, inside):
    recogniser = load_recogniser(data / kind, 1.0, precision="fp32")
    recogniser.freeze(choice)
    trained = {n for n, each in recogniser.model.named_parameters() if each.requires_grad}
    assert trained and all(inside in name for name in trained)
    assert not any("feature_extractor" in name or "lm_head" in name for name in trained)
    with pytest.raises(InputError, match="a CTC model has no decoder_norms; set trained: all"):
        recogniser.freeze("decoder_norms")


@pytest.mark.parametrize("trained", ["all", "decoder"])
def test_scales_of_ia3_are_multiplied_into_an_ordinary_checkpoint(data, tmp_path, trained):
    base = load_file(data / "base/model.safetensors")
    tuned = train(data, tmp_path / "model", trained=trained, ia3=True, learning_rate=0.1)
    assert list(base) == list(tuned)
    targets = ("k_proj.weight", "v_proj.weight", "v_proj.bias", "fc2.weight")
    changed = {name for name in base if not torch.equal(base[name], tuned[name])}
    moved = {name for name in changed if not name.endswith("v_proj.bias")}  # 0 stays 0
    assert moved == {
        name
        for name in base
        if name.endswith(targets) and not name.endswith("bias")
        and (trained == "all" or name.startswith(DECODER))
    }  # fmt: skip
    layer = f"{DECODER}.layers.0"
    for name, dimension in ((f"{layer}.self_attn.k_proj", 1), (f"{layer}.fc2", 0)):
        scale = tuned[f"{name}.weight"] / base[f"{name}.weight"]  # one for each output, or input
        torch.testing.assert_close(scale, scale.mean(dimension, keepdim=True).expand_as(scale))
        assert (scale - 1).abs().max() > 0.01

    _, loading = WhisperForConditionalGeneration.from_pretrained(
        tmp_path / "model", output_loading_info=True
    )
    assert not any(loading.values())


def test_a_ctc_model_has_scales_too(data, tmp_path):
    for kind, first in (("wav2vec2", "attention.k_proj"), ("conformer", "self_attn.linear_k")):
        base = load_file(data / kind / "model.safetensors")
        tuned = train(data, tmp_path / kind, model=data / kind, ia3=True, learning_rate=0.1)
        changed = {name for name in base if not torch.equal(base[name], tuned[name])}
        assert any(f".{first}." in name for name in changed)
        assert all(name.endswith(("k.weight", "v.weight", "k.bias", "v.bias", "k_proj.weight",
                                  "v_proj.weight", "k_proj.bias", "v_proj.bias",
                                  "output_dense.weight")) for name in changed)  # fmt: skip


def test_scales_which_start_at_1_do_not_decay_to_0(data):
    recogniser = load_recogniser(data / "base", 1.0)
    settings = {"learning_rate": 1e-3, "language": "en", "seed": 1, "weight_decay": 0.1}
    decays = {
        ia3: {
            group["weight_decay"]
            for group in run.Training(
                recogniser, Settings(**settings, ia3=ia3), total_steps=9
            ).optimizer.param_groups
        }
        for ia3 in (None, True)
    }
    assert decays == {None: {0.1, 0.0}, True: {0.0}}


class Sums:
    """A source whose loss on utterance ``n`` is ``slopes[n]`` times the model's one parameter."""

    def __init__(self, parameter: torch.nn.Parameter, slopes: list[float], tokens: list[int]):
        self.parameter, self.slopes, self.lengths = parameter, slopes, tokens
        self.recogniser = SimpleNamespace(model=torch.nn.Dropout())
        self.ids = [f"0/{number}" for number in range(len(slopes))]

    def duration(self, indices):
        return 1.0

    def audio(self, parts):
        yield from parts

    def loss(self, indices, duration, audio):
        return sum(self.slopes[index] for index in indices) * self.parameter

    def tokens(self, indices):
        return sum(self.lengths[index] for index in indices)


def test_the_fisher_information_is_that_of_each_utterance_by_itself_over_all_tokens():
    """Slopes of 1 and 3: 1 + 9, and not (1 + 3) squared; over 2 + 3 tokens, that is 2."""
    parameter = torch.nn.Parameter(torch.tensor(1.0))
    held = Consolidation({"w": parameter}, weight=4.0)
    held.learn(Sums(parameter, [1.0, 3.0], [2, 3]), seed=1)
    assert held.fisher == {"w": 2.0} and parameter.grad is None


def test_the_penalty_grows_with_the_square_of_the_way_and_its_gradient_with_the_way():
    """Weight 4 and information 2: of a way of a half, 4 / 2 * 2 * 0.25 = 1, and 4 * 2 * 0.5 = 4."""
    parameter = torch.nn.Parameter(torch.tensor(1.0))
    held = Consolidation({"w": parameter}, weight=4.0)
    held.fisher = {"w": torch.tensor(2.0)}
    parameter.grad = torch.tensor(10.0)
    assert held.pull() == 0 and parameter.grad == 10
    parameter.data += 0.5
    assert held.pull() == 1 and parameter.grad == 14
    parameter.grad = None
    assert held.pull() == 0 and parameter.grad is None


def test_of_a_large_source_some_utterances_are_drawn_by_the_seed(monkeypatch):
    monkeypatch.setattr(ewc, "UTTERANCES", 2)
    parameter = torch.nn.Parameter(torch.tensor(1.0))
    source = Sums(parameter, [1.0] * 9, [1] * 9)
    heard: list[int] = []

    def audio(parts):
        for [index], _ in parts:
            yield heard.append(index)

    source.audio = audio
    held = Consolidation({"w": parameter}, weight=1.0)
    for seed in (1, 1, 2):
        held.learn(source, seed)
    assert held.fisher == {"w": 1.0}  # 2 utterances of one token each
    assert len(heard) == 6 and heard[:2] == heard[2:4] != heard[4:]


def distance(first: dict, second: dict) -> float:
    return sum((first[name] - second[name]).float().norm().item() for name in first)


def test_ewc_holds_a_model_near_its_start_the_more_the_larger_its_weight(data, tmp_path):
    base = load_file(data / "base/model.safetensors")
    free = train(data, tmp_path / "free")
    held = {"fisher": data / "source.jsonl"}
    near, nearer = (
        train(data, tmp_path / f"held{weight}", ewc_weight=weight, **held) for weight in (10, 1e4)
    )
    assert 0 < distance(base, nearer) < distance(base, near) < distance(base, free)
    written = record(tmp_path / "held10")
    assert written["manifests"]["fisher"] == [str(data / "source.jsonl")]
    assert str(data / "source.jsonl") in written["inputs"]
    assert "fisher" not in record(tmp_path / "free")["manifests"]


def test_a_ctc_model_is_held_too(data, tmp_path):
    base = load_file(data / "conformer/model.safetensors")
    options = {"model": data / "conformer", "dropout": 0, "mask_time_prob": 0}
    free = train(data, tmp_path / "free", **options)
    options |= {"ewc_weight": 1e4, "fisher": data / "source.jsonl"}
    assert distance(base, train(data, tmp_path / "held", **options)) < distance(base, free)


def test_a_stopped_run_that_is_held_goes_on_and_ends_with_the_undisturbed_bytes(
    data, tmp_path, monkeypatch
):
    """The information is that of the start, which the resumed run takes from the state."""
    held = {"ewc_weight": 10, "fisher": data / "source.jsonl"}
    update, learn = run.Training.update, Consolidation.learn

    def then_comes_sigterm(training, *arguments):
        if training.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return update(training, *arguments)

    with monkeypatch.context() as patch, pytest.raises(Stopped, match="at step 3 of 4"):
        patch.setattr(run.Training, "update", then_comes_sigterm)
        train(data, tmp_path / "stopped", **held)
    learnt: list[int] = []
    monkeypatch.setattr(
        Consolidation, "learn", lambda *arguments: learnt.append(1) or learn(*arguments)
    )
    train(data, tmp_path / "stopped", **held)
    assert learnt == []
    train(data, tmp_path / "undisturbed", **held)
    assert learnt == [1]
    stopped, undisturbed = (
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("stopped", "undisturbed")
    )
    assert stopped == undisturbed


def test_a_signal_while_the_source_is_heard_ends_the_run_at_once(data, tmp_path, monkeypatch):
    def interrupted(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("it went on")

    monkeypatch.setattr(Consolidation, "learn", interrupted)
    with pytest.raises(Stopped, match="begins again or goes on"):
        train(data, tmp_path / "model", ewc_weight=1, fisher=data / "source.jsonl")
    assert not (tmp_path / "model").exists()


def test_smaller_draws_are_part_of_larger_ones_and_another_salt_draws_others():
    ids = [f"0/{number}" for number in range(100)]
    few, many = (drawn(ids, count, "1/replay") for count in (10, 40))
    assert len(few) == 10 and few == sorted(few) and set(few) < set(many)
    assert drawn(ids, 10, "2/replay") != few
    assert drawn(ids, 200, "1/replay") == [*range(100)]


@pytest.mark.parametrize(("ratio", "replayed"), [(0.5, 4), (1, 8), (0.01, 1), (9, 12)])
def test_a_ratio_says_how_many_utterances_are_replayed_for_each_own_one(data, ratio, replayed):
    """Of 12 utterances of the source, beside 8 of the target."""
    recogniser = load_recogniser(data / "base", 1.0)
    speech = Speech(recogniser, [data / "train.jsonl", data / "source.jsonl"])
    whole = [*zip(speech.ids, speech.keys, speech.utterances, speech.labels, strict=True)]
    speech.thin_out(1, ratio, seed=1)
    kept = [*zip(speech.ids, speech.keys, speech.utterances, speech.labels, strict=True)]
    assert kept[:8] == whole[:8] and len(kept) == 8 + replayed
    assert [each for each in whole if each in kept] == kept
    assert speech.remarks[-1] == (
        f"{replayed} of 12 utterances are replayed, {ratio:g} for each of the 8 others"
    )


def test_a_training_replays_by_its_ratio_and_says_so(data, tmp_path):
    options = {"replay": 0.5, "replayed": data / "source.jsonl"}
    tuned = train(data, tmp_path / "half", **options)
    written = record(tmp_path / "half")
    assert written["training"]["utterances"] == 8 + 4
    assert written["training"]["steps"] == 2 * 3  # epochs of 12 utterances, 4 at once
    assert written["manifests"]["train"] == [
        str(data / f"{name}.jsonl") for name in ("train", "source")
    ]
    other = train(data, tmp_path / "other", **options | {"seed": 2})
    assert distance(tuned, other) > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"replay": 0.5}, "--replayed: goes with the setting replay; give both, or neither"),
        ({"replayed": "source.jsonl"}, "--replayed: goes with the setting replay"),
        ({"ewc_weight": 1}, "--fisher: goes with the setting ewc_weight"),
        ({"ewc_weight": 0, "fisher": "source.jsonl"}, "--fisher: goes with"),
        ({"ewc_weight": 1, "fisher": "source.jsonl", "lora_rank": 2}, "ewc_weight: LoRA trains f"),
        ({"ewc_weight": 1, "fisher": "source.jsonl", "ia3": True}, r"ewc_weight: \(IA\)³ trains"),
        ({"interpolation": 0.5, "ia3": True}, "leave out interpolation or ia3"),
        ({"ia3": True, "lora_rank": 2}, "leave out ia3 or lora_rank"),
        ({"ia3": True, "trained": "norms"}, "no trained linear layer is called fc2 or"),
        ({"replay": 0}, "replay: 0; give a number, above 0"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_together_is_refused(data, tmp_path, settings, message):
    for key in {"replayed", "fisher"} & settings.keys():
        settings = settings | {key: data / settings[key]}
    with pytest.raises(InputError, match=message):
        train(data, tmp_path / "model", **settings)
