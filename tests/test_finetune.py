"""Fine-tuning: order, schedule, resume, early stopping, what is saved."""

import hashlib
import json
import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file
from transformers import WhisperForConditionalGeneration

import finetune
from configs.known import DEFAULT_PRESET
from errors import InputError, Stopped
from files.audio import load_audio
from files.manifest import read_manifest, write_jsonl
from recognisers.label_loss import pad_labels
from recognisers.load import load_recogniser
from recognisers.whisper import POSITION_TABLE, WhisperRecogniser
from settings.fields import settings_of
from tiny import begin_training, finetune_command, write_speech, write_whisper
from training import data as training_data
from training import evaluation
from training import run as training
from training.settings import SPENDING, Settings


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_whisper(folder / "base")
    write_speech(folder, "train", 24)
    write_speech(folder, "dev", 4, seed=1)
    return folder


def command(data: Path, output: Path, **changes: object) -> list[str]:
    usual = {"model": data / "base", "epochs": 2, "batch_size": 4}
    return finetune_command(data, output, **(usual | changes))


def settings(**changes: object) -> Settings:
    options = finetune.arguments().parse_args(command(Path("."), Path("model"), **changes))
    return settings_of(Settings, options)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def data_order(keys: list[str], seed: int, epoch: int) -> list[int]:
    """Return the indices of ``keys`` in the order of an epoch's passes."""
    return [index for of_pass in training_data.passes(keys, seed, epoch) for index in of_pass]


def test_every_utterance_is_in_exactly_one_batch_of_an_epoch():
    keys = [f"0/{number}" for number in range(50)]
    found = training_data.batches(keys, [number % 7 for number in range(50)], 8, seed=1, epoch=0)
    assert sorted(index for batch in found for index in batch) == list(range(50))
    assert max(map(len, found)) == 8


def test_order_changes_with_epoch_and_seed_and_with_nothing_else():
    keys = [f"0/{number}" for number in range(50)]
    order = data_order(keys, seed=1, epoch=0)
    assert order == data_order(keys, seed=1, epoch=0)
    assert order != data_order(keys, seed=1, epoch=1)
    assert order != data_order(keys, seed=2, epoch=0)


def test_real_and_synthetic_speech_are_visited_in_the_same_order_when_the_filter_took_some():
    real = ["0/a", "0/b", "0/c", "0/d", "0/e"]
    synthetic = ["0/a", "0/c", "0/e"]
    order = [real[index] for index in data_order(real, 3, 0)]
    filtered = [synthetic[index] for index in data_order(synthetic, 3, 0)]
    assert filtered == [key for key in order if key in synthetic]


def test_with_one_utterance_a_text_the_order_is_that_of_a_hash_of_seed_epoch_and_key():
    keys = [f"0/{number}" for number in range(50)]
    hashes = [hashlib.sha256(f"1/2/{key}".encode()).digest() for key in keys]
    expected = sorted(range(50), key=hashes.__getitem__)
    assert data_order(keys, seed=1, epoch=2) == expected


def texts_of(batches: list[list[int]], keys: list[str]) -> list[list[str]]:
    return [[keys[index] for index in batch] for batch in batches]


def test_an_epoch_of_five_utterances_a_text_is_five_epochs_of_one():
    once = [f"0/{number}" for number in range(50)]
    lengths = [number % 7 for number in range(50)]
    five_times = [key for key in once for _ in range(5)]
    found = training_data.batches(five_times, [n for n in lengths for _ in range(5)], 8, 1, epoch=1)
    five_epochs = [
        batch
        for epoch in range(5, 10)
        for batch in texts_of(training_data.batches(once, lengths, 8, 1, epoch), once)
    ]
    assert texts_of(found, five_times) == five_epochs
    assert sorted(index for batch in found for index in batch) == list(range(250))


def test_texts_come_in_the_same_order_however_often_and_unevenly_they_are_spoken():
    once = [f"0/{number}" for number in range(40)]
    synthetic = [key for key in once for _ in range(5)]
    del synthetic[3], synthetic[20:23], synthetic[70]  # what a filter took
    real = [key for number, key in enumerate(once) for _ in range(4 + number % 3)]  # 4 to 6
    for keys in (synthetic, real):
        order = [keys[index] for index in data_order(keys, seed=3, epoch=0)]
        expected = [once[index] for index in data_order(once, seed=3, epoch=0)]
        assert list(dict.fromkeys(order)) == expected
        assert sorted(order) == sorted(keys)


def test_a_sentence_that_is_said_very_often_is_spread_and_every_epoch_has_as_many_batches():
    keys = [f"0/{number}" for number in range(100)] + ["0/yes"] * 100
    order = data_order(keys, seed=1, epoch=0)
    assert 30 < sum(index >= 100 for index in order[:100]) < 70
    counts = {len(training_data.batches(keys, [1] * 200, 8, 1, epoch)) for epoch in range(4)}
    assert counts == {25}


def test_synthetic_utterances_have_the_key_of_their_text_and_an_id_of_their_own(data):
    rows = read_manifest(data / "dev.jsonl")
    several = [row | {"id": f"{row['id']}-{n}", "text_id": row["id"]} for row in rows for n in "12"]
    write_jsonl(data / "several.jsonl", several)
    recogniser = load_recogniser(data / "base")
    real = training_data.Speech(recogniser, [data / "dev.jsonl"])
    synthetic = training_data.Speech(recogniser, [data / "several.jsonl"])
    assert set(synthetic.keys) == set(real.keys) == set(real.ids)
    assert len(set(synthetic.ids)) == len(synthetic) == 2 * len(real)
    assert evaluation.dev_wer(synthetic) == evaluation.dev_wer(real)  # each is scored by its id


def test_a_text_of_more_tokens_than_the_decoder_has_is_left_out_and_told(data):
    rows = read_manifest(data / "dev.jsonl")
    rows[1]["text"] = "hello " * 500
    write_jsonl(data / "long.jsonl", rows)
    speech = training_data.Speech(load_recogniser(data / "base"), [data / "long.jsonl"])
    limit = speech.recogniser.model.config.max_target_positions
    assert [row["id"] for row in speech.utterances] == [rows[n]["id"] for n in (0, 2, 3)]
    assert len(speech.labels) == len(speech.keys) == len(speech.ids) == 3
    [remark] = speech.remarks
    assert f"1 utterances are left out, their texts have more than the decoder's {limit}" in remark
    assert f"first {rows[1]['id']!r}" in remark


def test_batches_hold_texts_of_like_length():
    lengths = [1, 9] * 8
    found = training_data.batches([str(i) for i in range(16)], lengths, 4, seed=1, epoch=0)
    assert all(len({lengths[index] for index in batch}) == 1 for batch in found)


def test_learning_rate_rises_over_the_warmup_and_falls_linearly_to_the_end():
    factors = [training.learning_rate_factor(step, 2, 6) for step in range(7)]
    assert factors == pytest.approx([1 / 3, 2 / 3, 1, 3 / 4, 1 / 2, 1 / 4, 0])


def test_padding_is_not_learnt():
    assert pad_labels([[5], [6, 7]]).tolist() == [[5, -100], [6, 7]]


def test_loss_is_the_models_own(data):
    recogniser = load_recogniser(data / "base", 1.0, precision="fp32")
    recogniser.model.eval()
    speech = training_data.Speech(recogniser, [data / "dev.jsonl"])
    waveforms = [load_audio(row["audio_filepath"]) for row in speech.utterances[:2]]
    with torch.no_grad():
        ours = speech.loss([0, 1], duration=0)
        labels = pad_labels(speech.labels[:2])
        features = recogniser.log_mel(waveforms)
        theirs = recogniser.model(input_features=features, labels=labels[:, 1:]).loss
    assert ours.item() / speech.tokens([0, 1]) == pytest.approx(theirs.item())


def test_training_lowers_the_dev_loss_and_the_saved_checkpoint_is_an_ordinary_whisper(
    data, tmp_path
):
    finetune.main(command(data, tmp_path / "model", epochs=6))
    history = json.loads((tmp_path / "model/model.safetensors.lineage.json").read_text())
    errors = [entry["dev"] for entry in history["training"]["history"]]
    assert errors[-1] < errors[0] - 0.2

    model = WhisperForConditionalGeneration.from_pretrained(tmp_path / "model")
    assert model.config.max_source_positions == 1500
    assert model.generation_config.audio_window == 1.0
    base, tuned = weights(data / "base"), weights(tmp_path / "model")
    assert torch.equal(base[POSITION_TABLE], tuned[POSITION_TABLE])
    assert not torch.equal(base["model.encoder.conv1.weight"], tuned["model.encoder.conv1.weight"])
    model.generate(torch.zeros(1, 80, 3000), max_new_tokens=2)
    assert not (tmp_path / "model.work").exists()


def test_the_same_command_gives_the_same_bytes_and_another_seed_does_not(data, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        finetune.main(command(data, tmp_path / name, seed=seed))
    contents = [(tmp_path / name / "model.safetensors").read_bytes() for name in "abc"]
    assert contents[0] == contents[1] != contents[2]


def test_killed_with_kill_9_and_started_again_gives_the_undisturbed_bytes(data, tmp_path):
    options = command(data, tmp_path / "killed", epochs=40, patience=99)
    script = [sys.executable, finetune.__file__, *options]
    process = begin_training(options, tmp_path / "log")
    process.kill()
    process.wait()
    assert not (tmp_path / "killed").exists()
    resumed = subprocess.run(script, capture_output=True, text=True, check=True)
    assert "resuming at step" in resumed.stderr

    finetune.main(command(data, tmp_path / "undisturbed", epochs=40, patience=99))
    name = "model.safetensors"
    assert (tmp_path / "killed" / name).read_bytes() == (
        tmp_path / "undisturbed" / name
    ).read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_by_a_signal_it_keeps_the_step_and_ends_with_the_undisturbed_bytes(
    data, tmp_path, number
):
    long = {"epochs": 40, "patience": 99, "evaluate_every": 40}  # the first state comes late
    script = [sys.executable, finetune.__file__, *command(data, tmp_path / "stopped", **long)]
    log = tmp_path / "log"
    process = begin_training(script[2:], log)
    process.send_signal(number)
    assert process.wait() == 128 + signal.SIGTERM
    told = log.read_text().splitlines()[-1]
    assert re.fullmatch(
        rf"stopped by {number.name} at step \d+ of 240; the same command goes on from there", told
    )
    resumed = subprocess.run(script, capture_output=True, text=True, check=True)
    assert f"resuming at step {told.split()[5]} of 240" in resumed.stderr

    finetune.main(command(data, tmp_path / "undisturbed", **long))
    assert weights_of(tmp_path / "stopped") == weights_of(tmp_path / "undisturbed")


def weights_of(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


@pytest.mark.parametrize("moment", ["in a training step", "in the dev evaluation"])
def test_wherever_sigterm_comes_the_run_goes_on_from_there(data, tmp_path, monkeypatch, moment):
    def then_comes_sigterm(work):
        def interrupted(*arguments):
            os.kill(os.getpid(), signal.SIGTERM)
            return work(*arguments)

        return interrupted

    handler = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch, pytest.raises(Stopped, match="goes on") as stopped:
        if moment == "in the dev evaluation":
            patch.setitem(evaluation.CRITERIA, "loss", then_comes_sigterm(evaluation.dev_loss))
        else:
            update = training.Training.update
            patch.setattr(training.Training, "update", then_comes_sigterm(update))
        finetune.main(command(data, tmp_path / "stopped"))
    expected = 6 if moment == "in the dev evaluation" else 1
    assert f"at step {expected} of 12" in str(stopped.value)
    assert signal.getsignal(signal.SIGTERM) == handler
    assert not (tmp_path / "stopped").exists()

    evaluated = []
    monkeypatch.setitem(
        evaluation.CRITERIA, "loss", lambda dev: evaluated.append(1) or evaluation.dev_loss(dev)
    )
    finetune.main(command(data, tmp_path / "stopped"))
    assert len(evaluated) == 2  # of step 6 and step 12
    finetune.main(command(data, tmp_path / "undisturbed"))
    assert weights_of(tmp_path / "stopped") == weights_of(tmp_path / "undisturbed")


def test_a_long_epoch_is_not_lost_to_a_kill_that_gives_no_warning(data, tmp_path, monkeypatch):
    monkeypatch.setattr("training.loop.SAVE_EVERY", 0.0)
    monkeypatch.setattr(training, "SAVING_SHARE", 1e9)
    steps = []
    save = training.Training.save

    def note(run, *arguments, **options):
        save(run, *arguments, **options)
        steps.append(run.saved)

    monkeypatch.setattr(training.Training, "save", note)
    finetune.main(command(data, tmp_path / "model", epochs=1))
    assert sorted(set(steps)) == [1, 2, 3, 4, 5, 6]


def test_what_a_kill_left_half_written_is_cleared_away(data, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / ".state.abc123.pt").write_bytes(b"half a state")
    run = training.Training(load_recogniser(data / "base", 1.0), settings(), total_steps=4)
    assert not run.restore(work / "state.pt", "fingerprint")
    assert not list(work.iterdir())


def test_auto_is_recorded_as_what_it_was_and_a_run_mixes_no_two_precisions(
    data, tmp_path, monkeypatch, capsys
):
    update = training.Training.update

    def then_comes_sigterm(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return update(*arguments)

    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    with monkeypatch.context() as patch, pytest.raises(Stopped, match="goes on"):
        patch.setattr(training.Training, "update", then_comes_sigterm)
        finetune.main(command(data, tmp_path / "auto", precision="auto"))
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)  # on another machine
    finetune.main(command(data, tmp_path / "auto", precision="auto"))
    assert "starting anew" in capsys.readouterr().err
    record = json.loads((tmp_path / "auto/model.safetensors.lineage.json").read_text())
    assert record["parameters"]["precision"] == "fp32"
    finetune.main(command(data, tmp_path / "fp32", precision="fp32"))
    assert weights_of(tmp_path / "auto") == weights_of(tmp_path / "fp32")


def test_state_of_other_settings_is_not_resumed(data, tmp_path, capsys):
    recogniser = load_recogniser(data / "base", 1.0, precision="fp32")
    run = training.Training(recogniser, settings(), total_steps=4)
    run.save(tmp_path / "state.pt", "one fingerprint")
    assert run.restore(tmp_path / "state.pt", "one fingerprint")
    assert not run.restore(tmp_path / "state.pt", "another")
    assert "starting anew" in capsys.readouterr().err


def test_stops_early_and_keeps_the_best_parameters_not_the_last(data):
    recogniser = load_recogniser(data / "base", 1.0, precision="fp32")
    run = training.Training(recogniser, settings(patience=2), total_steps=99)
    name, parameter = next(iter(recogniser.model.named_parameters()))
    for error, value in ((0.5, 1.0), (0.3, 2.0), (0.4, 3.0), (0.3, 4.0)):
        assert not run.finished
        parameter.data.fill_(value)
        run.judge(error)
    assert run.finished
    assert run.best[name].unique().tolist() == [2.0]


def test_a_loss_that_is_no_number_stops_with_the_step(data, tmp_path, monkeypatch):
    loss = WhisperRecogniser.loss
    monkeypatch.setattr(WhisperRecogniser, "loss", lambda *given: loss(*given) * float("nan"))
    with pytest.raises(InputError, match=r"loss became (nan|inf) at step \d+; lower the learning"):
        finetune.main(command(data, tmp_path / "model", epochs=9))
    assert not (tmp_path / "model").exists()


def test_training_the_decoder_leaves_the_encoder_to_the_bit(data, tmp_path):
    finetune.main(command(data, tmp_path / "model", trained="decoder"))
    base, tuned = weights(data / "base"), weights(tmp_path / "model")
    changed = {name for name in base if not torch.equal(base[name], tuned[name])}
    assert changed and all(name.startswith("model.decoder.") for name in changed)


def test_kept_encoder_outputs_are_used_and_give_nearly_the_same_model(data, tmp_path, monkeypatch):
    for name, more in (("fresh", {}), ("kept", {"encodings": tmp_path / "encodings"})):
        finetune.main(command(data, tmp_path / name, trained="decoder", **more))
    fresh, kept = weights(tmp_path / "fresh"), weights(tmp_path / "kept")
    assert max((fresh[name] - kept[name]).abs().max() for name in fresh) < 3e-3  # float16 was kept
    assert len(list((tmp_path / "encodings").rglob("*.npy"))) == 24 + 4

    monkeypatch.setattr(WhisperRecogniser, "_encoder", None)  # a second run needs no encoder
    finetune.main(
        command(data, tmp_path / "again", trained="decoder", encodings=tmp_path / "encodings")
    )
    contents = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("kept", "again")]
    assert contents[0] == contents[1]


def test_an_encoder_that_is_trained_is_not_kept(data, tmp_path):
    with pytest.raises(InputError, match="need trained: decoder"):
        finetune.main(command(data, tmp_path / "model", encodings=tmp_path / "encodings"))


def test_weight_decay_spares_biases_and_layer_norms():
    matrix, bias = torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(2))
    decaying, spared = training.parameter_groups([matrix, bias], 0.1)
    assert decaying["params"] == [matrix] and decaying["weight_decay"] == 0.1
    assert spared["params"] == [bias] and spared["weight_decay"] == 0.0


def test_options_win_over_the_settings_and_these_over_the_defaults():
    told = json.dumps({"learning_rate": 1, "epochs": 3, "patience": 9})
    given = ["--model", "m", "--train", "t", "--dev", "d", "--output", "o", "--work-dir", "w"]
    given += ["--language", "en", "--seed", "1", "--settings", told, "--epochs", "5"]
    chosen = settings_of(Settings, finetune.arguments().parse_args(given))
    assert (chosen.epochs, chosen.patience, chosen.batch_size) == (5.0, 9, 16)
    assert chosen.learning_rate == 1.0 and type(chosen.learning_rate) is float


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ('{"learning_rat": 1}', "unknown key 'learning_rat'; did you mean 'learning_rate'"),
        ('{"gpus": 2}', "unknown key 'gpus'; known: window, learning_rate"),
        ('{"patience": 2.5}', "patience: 2.5; give a whole number"),
        ('{"patience": true}', "patience: true; give a whole number"),
        ('{"weight_decay": "0.1"}', 'weight_decay: "0.1"; give a number'),
        ('{"weight_decay": NaN}', "weight_decay: NaN is not a number"),
        ('{"gradient_checkpointing": 1}', "gradient_checkpointing: 1; give true or false"),
        ('{"criterion": "cer"}', 'criterion: "cer"; give one of wer, loss'),
        ('{"criterion": ["wer"]}', "give one of wer, loss"),
        ('{"lora_targets": "fc1"}', "give a list of texts"),
        ('{"task": null}', "task: null; give one of transcribe, translate"),
        ('{"batch_size": 0}', "batch_size: 0; give a whole number, at least 1"),
        ('{"dropout": 2}', "dropout: 2; give a number, at least 0, at most 1"),
        ('{"micro_batch_size": null}', "micro_batch_size: null; give a whole number, at least 0"),
        ('{"epochs": 1, "epochs": 2}', "'epochs' stands twice"),
        ("[1]", "is not a JSON object"),
        ("{", "not JSON"),
    ],
)
def test_settings_that_are_none_are_refused_by_name(data, tmp_path, told, message):
    with pytest.raises(InputError, match=f"^--settings: .*{re.escape(message)}"):
        finetune.main([*command(data, tmp_path / "model"), "--settings", told])
    assert not (tmp_path / "model.work").exists()


def test_an_option_is_held_to_the_bounds_of_its_setting(data, tmp_path):
    with pytest.raises(InputError, match="^--learning-rate: '0'; give a number from 1e-12 to 1"):
        finetune.main(command(data, tmp_path / "model", learning_rate=0))
    with pytest.raises(InputError, match="^--epochs: 'nan'; give a number from 0 to 10000"):
        finetune.main(command(data, tmp_path / "model", epochs="nan"))


def test_a_learning_rate_is_asked_for(data, tmp_path):
    options = command(data, tmp_path / "model")
    at = options.index("--learning-rate")
    with pytest.raises(InputError, match="learning_rate is missing; give it .* --learning-rate"):
        finetune.main(options[:at] + options[at + 2 :])


def test_audio_longer_than_the_window_is_refused_by_name(data, tmp_path):
    with pytest.raises(InputError, match=r"longer than the window of 0\.2 s,\s+first 'utterance1'"):
        finetune.main(command(data, tmp_path / "model", window=0.2))


def test_missing_audio_is_refused_before_the_model_is_trained(data, tmp_path):
    rows = read_manifest(data / "train.jsonl")
    rows[3]["audio_filepath"] = "gone.flac"
    write_jsonl(tmp_path / "train.jsonl", rows)
    with pytest.raises(InputError, match=r"audio of 1 utterances is missing, first gone\.flac"):
        finetune.main(command(data, tmp_path / "model", train=tmp_path / "train.jsonl"))


def test_dev_wer_is_a_fraction_of_the_reference_words(data):
    recogniser = load_recogniser(data / "base", 1.0, precision="fp32")
    speech = training_data.Speech(recogniser, [data / "dev.jsonl"])
    recogniser.transcribe = lambda paths: [""] * len(paths)
    assert evaluation.dev_wer(speech) == 1.0
    assert math.isfinite(evaluation.dev_loss(speech))


def test_the_checkpoint_is_that_of_the_best_evaluation_not_of_the_last(data, tmp_path, monkeypatch):
    seen = []

    def worse_each_time(speech: training_data.Speech) -> float:
        seen.append(speech.recogniser.model.model.decoder.layers[0].fc1.weight.detach().clone())
        return float(len(seen))

    monkeypatch.setitem(evaluation.CRITERIA, "loss", worse_each_time)
    finetune.main(command(data, tmp_path / "model", epochs=2))
    saved = weights(tmp_path / "model")["model.decoder.layers.0.fc1.weight"]
    assert torch.equal(saved, seen[0]) and not torch.equal(saved, seen[1])


@pytest.mark.parametrize("trained", ["all", "decoder"])
def test_parts_of_a_batch_and_gradient_checkpointing_change_nothing(data, tmp_path, trained):
    finetune.main(command(data, tmp_path / "whole", trained=trained))
    less_memory = {"micro_batch_size": 3, "gradient_checkpointing": True}
    finetune.main(command(data, tmp_path / "parts", trained=trained, **less_memory))
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    for name in whole:
        torch.testing.assert_close(parts[name], whole[name], rtol=0, atol=5e-6)


@pytest.mark.parametrize("trained", ["all", "decoder"])
def test_lora_saves_an_ordinary_checkpoint_in_which_only_the_targets_changed(
    data, tmp_path, trained
):
    lora = {"lora_rank": 2, "lora_targets": ["q_proj", "fc2"]}
    finetune.main(command(data, tmp_path / "model", trained=trained, **lora))
    base, tuned = weights(data / "base"), weights(tmp_path / "model")
    assert list(base) == list(tuned)
    expected = {
        name
        for name in base
        if name.endswith(("q_proj.weight", "fc2.weight"))
        and (trained == "all" or name.startswith("model.decoder."))
    }
    assert {name for name in base if not torch.equal(base[name], tuned[name])} == expected
    change = tuned["model.decoder.layers.0.fc2.weight"] - base["model.decoder.layers.0.fc2.weight"]
    assert torch.linalg.matrix_rank(change, atol=1e-5) == 2

    _, loading = WhisperForConditionalGeneration.from_pretrained(
        tmp_path / "model", output_loading_info=True
    )
    assert not any(loading.values())
    saved = json.loads((tmp_path / "model/model.safetensors.lineage.json").read_text())
    best = min(saved["training"]["history"], key=lambda entry: entry["dev"])
    recogniser = load_recogniser(tmp_path / "model", 1.0, precision="fp32")
    dev = training_data.Speech(recogniser, [data / "dev.jsonl"])
    assert evaluation.dev_loss(dev) == pytest.approx(best["dev"], rel=1e-5)


def test_a_layer_that_lora_does_not_find_is_refused_with_those_that_it_does(data, tmp_path):
    with pytest.raises(InputError, match=r"called 'linear_q'; take some of fc1, fc2, k_proj"):
        lora = {"lora_rank": 2, "lora_targets": ["linear_q", "q_proj"]}
        finetune.main(command(data, tmp_path / "model", **lora))


def test_whichever_of_epochs_and_max_steps_comes_first_bounds_the_run():
    assert training.count_steps(settings(epochs=2, max_steps=0), per_epoch=6) == 12
    assert training.count_steps(settings(epochs=0.5, max_steps=0), per_epoch=5) == 3
    assert training.count_steps(settings(epochs=2, max_steps=7), per_epoch=6) == 7
    assert training.count_steps(settings(epochs=0, max_steps=40), per_epoch=6) == 40
    with pytest.raises(InputError, match="both 0"):
        training.count_steps(settings(epochs=0), per_epoch=6)


def test_max_steps_is_where_the_run_and_its_schedule_end(data, tmp_path):
    finetune.main(command(data, tmp_path / "model", epochs=0, max_steps=4))
    saved = json.loads((tmp_path / "model/model.safetensors.lineage.json").read_text())
    assert saved["training"]["steps"] == 4
    assert [entry["step"] for entry in saved["training"]["history"]] == [4]


def test_without_bitsandbytes_the_8_bit_optimizer_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    monkeypatch.setitem(sys.modules, "bitsandbytes.optim", None)
    with pytest.raises(InputError, match="pip install bitsandbytes==0.50.2"):
        training.make_optimizer("adamw8bit", [{"params": [1]}], 1e-3)


def test_processes_share_one_run_and_so_have_no_part_in_its_fingerprint(data):
    parts = settings(micro_batch_size=3, gradient_checkpointing=True)
    assert parts.of_result == settings().of_result
    assert parts.of_result.keys() == Settings.__dataclass_fields__.keys() - set(SPENDING)
    assert "processes" not in parts.of_result


def test_a_large_state_is_not_written_all_the_time(data, tmp_path, monkeypatch):
    recogniser = load_recogniser(data / "base", 1.0, precision="fp32")
    run = training.Training(recogniser, settings(), total_steps=4)
    seconds = iter([100, 102, 110, 121.9, 122.1, 122.2])  # writing took 2 s: 20 s of rest
    monkeypatch.setattr(training.time, "monotonic", lambda: next(seconds))
    written = []
    for _ in range(4):
        run.save(tmp_path / "state.pt", "fingerprint")
        written.append((tmp_path / "state.pt").is_file())
        (tmp_path / "state.pt").unlink(missing_ok=True)
    assert written == [True, False, False, True]


def test_a_large_v3_like_and_a_multilingual_whisper_go_the_same_way(data, tmp_path):
    write_whisper(tmp_path / "base", languages=100, multilingual=True, mels=128)
    assert json.loads((tmp_path / "base/config.json").read_text())["num_mel_bins"] == 128
    finetune.main(command(data, tmp_path / "model", model=tmp_path / "base", language="de"))
    recogniser = load_recogniser(tmp_path / "model", 1.0, "de", "translate", "fp32", 12)
    tokens = recogniser.tokenizer.convert_ids_to_tokens(recogniser.labels("alpha")[:4])
    assert tokens == ["<|startoftranscript|>", "<|de|>", "<|translate|>", "<|notimestamps|>"]
    paths = [row["audio_filepath"] for row in read_manifest(data / "dev.jsonl")]
    assert recogniser.log_mel([load_audio(paths[0])]).shape == (1, 128, 100)
    assert len(recogniser.transcribe(paths)) == 4


def test_presets_are_settings_of_this_command():
    presets = yaml.safe_load(
        (Path(finetune.__file__).parents[1] / "rules/presets.yaml").read_text()
    )
    options = Settings.__dataclass_fields__
    assert all(preset.keys() - {"mixed"} <= options.keys() for preset in presets.values())
    for preset in [preset for name, preset in presets.items() if name != DEFAULT_PRESET]:
        assert preset["mixed"] == {"max_steps": 70_000, "patience": 100}
    assert presets["whisper-small"]["learning_rate"] == 1e-5
    assert presets["wav2vec2-conformer-large"]["micro_batch_size"] == 8
