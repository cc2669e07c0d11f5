"""What a training changes, and what holds it: parts of a Whisper, masks, distance, averages."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import finetune
import transcribe
from errors import InputError
from files.manifest import read_jsonl
from recognisers.hypotheses import hypothesis
from recognisers.load import load_recogniser
from recognisers.whisper import WhisperRecogniser
from tiny import finetune_command, write_ctc, write_speech, write_whisper
from training.data import Speech
from training.run import Training
from training.settings import Settings

EMBEDDINGS = {"model.decoder.embed_tokens.weight", "proj_out.weight"}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_whisper(folder / "base")
    write_speech(folder, "train", 8)
    write_speech(folder, "dev", 4, seed=1)
    return folder


def trained(data: Path, output: Path, model: str = "base", **settings: object) -> dict:
    """Return the tensors of a model fine-tuned with some settings."""
    options = {"model": data / model, "epochs": 2, "batch_size": 4} | settings
    finetune.main(finetune_command(data, output, **options))
    return load_file(output / "model.safetensors")


def changed(before: dict, after: dict) -> set[str]:
    return {name for name in after if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("part", ["all", "without_embeddings", "encoder", "decoder"])
def test_only_what_is_to_be_trained_changes(data, tmp_path, part):
    base = load_file(data / "base/model.safetensors")
    names = changed(base, trained(data, tmp_path / "model", trained=part))
    parts = {name.split(".")[1] for name in names - {"proj_out.weight"}}
    assert parts == ({part} if part in ("encoder", "decoder") else {"encoder", "decoder"})
    assert bool(names & EMBEDDINGS) == (part in ("all", "decoder"))


def test_masks_change_what_is_learnt_and_nothing_of_an_evaluation(data, tmp_path):
    plain = trained(data, tmp_path / "plain", spec_augment=False)
    assert changed(plain, trained(data, tmp_path / "masked", spec_augment=True))
    recogniser = load_recogniser(data / "base", 1.0)
    speech = Speech(recogniser, [data / "dev.jsonl"])
    recogniser.model.eval()
    loss = speech.loss([0, 1], 1.0)
    recogniser.masks_features = True
    assert speech.loss([0, 1], 1.0) == loss


def test_the_divergence_is_0_at_the_start_and_holds_the_model_there(data, tmp_path):
    recogniser = load_recogniser(data / "base", 1.0, precision="fp32")
    speech = Speech(recogniser, [data / "train.jsonl"])
    recogniser.model.train()
    plain = speech.loss([0, 1, 2], 1.0).item()
    recogniser.stay_near_start(weight=10.0, temperature=2.0)
    assert speech.loss([0, 1, 2], 1.0).item() == pytest.approx(plain, abs=1e-3)
    with torch.no_grad():
        recogniser.model.model.decoder.embed_tokens.weight.mul_(1.5)
    held_back = speech.loss([0, 1, 2], 1.0).item()
    recogniser.weight = 0.0
    assert held_back > speech.loss([0, 1, 2], 1.0).item() + 0.1

    base = load_file(data / "base/model.safetensors")

    def distance(model: dict) -> float:
        return sum((model[name] - base[name]).norm().item() for name in base)

    free = trained(data, tmp_path / "free", learning_rate=1e-3)
    held = trained(data, tmp_path / "held", learning_rate=1e-3, kl_weight=5.0)
    assert 0 < distance(held) < distance(free)


def test_the_mean_of_the_last_evaluations_replaces_the_best_one(data):
    recogniser = load_recogniser(data / "base", 1.0)
    settings = Settings(learning_rate=1e-3, language="en", seed=1, average_last=2)
    training = Training(recogniser, settings, total_steps=9)
    name = "model.encoder.layer_norm.weight"
    for value, error in ((1.0, 0.1), (2.0, 0.3), (4.0, 0.2)):
        with torch.no_grad():
            training.trained[name].fill_(value)
        training.judge(error)
    assert (training.best[name] == 1).all()
    assert (training.result()[name] == 3).all()


def test_the_result_lies_on_the_way_from_the_start_to_what_was_trained(data, tmp_path):
    start = load_file(data / "base/model.safetensors")
    whole = trained(data, tmp_path / "whole")
    part = trained(data, tmp_path / "part", interpolation=0.25)
    assert any((whole[name] != start[name]).any() for name in start)
    for name in start:
        torch.testing.assert_close(part[name], 0.75 * start[name] + 0.25 * whole[name])
    with pytest.raises(InputError, match="interpolation: LoRA trains factors"):
        trained(data, tmp_path / "lora", interpolation=0.5, lora_rank=2)


@pytest.mark.parametrize("lever", [{"spec_augment": True}, {"kl_weight": 0.1}])
def test_a_lever_of_whisper_is_refused_where_a_ctc_model_is_trained(data, tmp_path, lever):
    write_ctc(data / "ctc")
    with pytest.raises(InputError, match="for Whisper"):
        trained(data, tmp_path / "model", "ctc", **lever)


def transcribed(data: Path, output: Path, *options: str) -> list[dict]:
    transcribe.main(
        ["--model", str(data / "base"), "--manifest", str(data / "dev.jsonl"), "--language", "en"]
        + ["--window", "1", "--output", str(output), *options]
    )
    return read_jsonl(output)


def test_an_endless_repetition_is_decoded_again_and_noted(data, tmp_path, monkeypatch):
    """One of the batch's utterances repeats itself, as long as it may."""
    written: list[tuple[int, int]] = []
    write = WhisperRecogniser.write

    def endless(recogniser, encoded, unrepeated=0):
        written.append((len(encoded), unrepeated))
        found = write(recogniser, encoded, unrepeated)
        return found if unrepeated else list(map(hypothesis, ("yes", "you " * 60, "no", "well")))

    monkeypatch.setattr(WhisperRecogniser, "write", endless)
    plain = transcribed(data, tmp_path / "plain.jsonl")
    assert sum("you you" in row["text"] for row in plain) == 1
    rows = transcribed(data, tmp_path / "guarded.jsonl", "--guard-repetition")
    assert written == [(4, 0), (4, 0), (1, 3)]
    [again] = [row for row in rows if row.get("decoded_again")]
    assert "you you" not in again["text"]
    record = json.loads((tmp_path / "guarded.jsonl.lineage.json").read_text())
    assert record["counts"]["decoded_again"] == 1 and record["parameters"]["guard_repetition"]
