"""CTC recognisers: letters, loss, decoding, and the same commands that Whisper goes through."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import Wav2Vec2ConformerForCTC, Wav2Vec2FeatureExtractor, Wav2Vec2Processor

import finetune
import task_vector
import transcribe
from errors import InputError
from files.audio import load_audio
from files.manifest import read_jsonl, read_manifest, write_jsonl
from recognisers.letters import frames_needed, spell
from recognisers.load import load_recogniser
from tiny import LETTERS, finetune_command, write_ctc, write_speech, write_whisper
from training import evaluation

ENGLISH = {" " if letter == "|" else letter: n for n, letter in enumerate(LETTERS) if n > 3}
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for kind in ("conformer", "wav2vec2", "hubert"):
        write_ctc(folder / kind, kind=kind)
    write_speech(folder, "train", 12)
    write_speech(folder, "dev", 4, seed=1)
    return folder


def command(data: Path, output: Path, **changes: object) -> list[str]:
    usual = {"model": data / "conformer", "epochs": 2, "batch_size": 5}
    return finetune_command(data, output, **(usual | changes))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize(
    ("text", "spelt", "dropped"),
    [
        ("don\u2019t stop", "DON'T STOP", {}),
        ("a twenty-one, either/or", "A TWENTY ONE EITHER OR", {",": 1}),
        ("café  naïve", "CAFE NAIVE", {}),
        ("at 7 or 77 %", "AT OR", {"7": 3, "%": 1}),
    ],
)
def test_text_is_spelt_in_the_vocabularys_letters_and_what_is_left_out_is_counted(
    text, spelt, dropped
):
    assert spell(text, ENGLISH) == (spelt, dropped)


def test_a_lower_case_vocabulary_gets_lower_case_and_its_own_accents():
    assert spell("ÉTÉ Ère", {"é": 5, "t": 6, "e": 7, "r": 8, " ": 4}) == ("été ere", {})


def test_two_equal_letters_need_a_frame_between_them():
    assert frames_needed([5, 6]) == 2
    assert frames_needed([5, 5, 6, 6, 6]) == 8


def test_loss_is_the_models_own(data):
    recogniser = load_recogniser(data / "conformer", 1.0, precision="fp32")
    recogniser.model.eval()
    rows = read_manifest(data / "dev.jsonl")[:3]
    labels = [recogniser.labels(row["text"]) for row in rows]
    features = Wav2Vec2FeatureExtractor.from_pretrained(data / "conformer")
    inputs = features(
        [load_audio(row["audio_filepath"]) for row in rows],
        sampling_rate=16_000,
        padding=True,
        return_tensors="pt",
    )
    padded = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(row) for row in labels], batch_first=True, padding_value=-100
    )
    with torch.no_grad():
        ours = recogniser.loss(recogniser.prepare([row["audio_filepath"] for row in rows]), labels)
        theirs = recogniser.model(**inputs, labels=padded).loss  # "sum" is the default
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)


def test_greedy_decoding_joins_repeats_drops_blanks_and_stops_where_the_audio_does(data):
    recogniser = load_recogniser(data / "conformer", 1.0)
    frames = [*"HH", "<pad>", *"ELL", "<pad>", *"LO", "|", "<s>", "|", "A", "Z"]
    best = torch.tensor([[LETTERS.index(letter) for letter in frames]])
    scores = torch.nn.functional.one_hot(best, len(LETTERS)).float()
    recogniser._scores = lambda *audio: (scores, torch.tensor([len(frames) - 1]))
    [heard] = recogniser.write(torch.zeros(1, 16_000), torch.tensor([16_000]))
    assert heard == {"text": "HELLO  A"}


def test_a_log_probability_is_the_mean_of_the_letters_by_all_alignments(data):
    """Three of the four paths of two frames, 1/4 each, are an A: its log is that of 3/4."""
    recogniser = load_recogniser(data / "conformer", 1.0)
    scores = torch.full((2, 2, len(LETTERS)), -torch.inf)
    scores[:, :, [LETTERS.index("A"), recogniser.blank]] = 0
    scores[0, 0, LETTERS.index("A")] += 1e-6  # the best path of the first has the letter
    scores[1, :, recogniser.blank] += 1e-6
    recogniser._scores = lambda *audio: (scores, torch.tensor([2, 2]))
    recogniser.tells_log_probability = True
    first, silent = recogniser.write(torch.zeros(2, 16_000), torch.tensor([16_000, 16_000]))
    assert first == {"text": "A", "log_probability": round(math.log(3 / 4), 4)}
    assert silent == {"text": "", "log_probability": round(math.log(1 / 4), 4)}


@pytest.mark.parametrize("kind", ["conformer", "wav2vec2", "hubert"])
def test_hypotheses_are_those_of_plain_transformers_one_by_one(data, tmp_path, kind):
    output = tmp_path / "hypotheses.jsonl"
    options = ["--model", str(data / kind), "--manifest", str(data / "dev.jsonl"), "--language=en"]
    transcribe.main([*options, "--output", str(output), "--precision", "fp32", "--batch-size", "1"])
    found = {row["id"]: row["text"] for row in read_jsonl(output)}
    assert any(found.values())
    processor = Wav2Vec2Processor.from_pretrained(data / kind)
    model = load_recogniser(data / kind).model.eval()
    for row in read_manifest(data / "dev.jsonl"):
        audio = processor(
            load_audio(row["audio_filepath"]), sampling_rate=16_000, return_tensors="pt"
        )
        best = model(**audio).logits.argmax(dim=-1)
        expected = processor.batch_decode(best)[0]
        for special in ("<s>", "</s>", "<unk>"):
            expected = expected.replace(special, "")
        assert found[row["id"]] == expected.strip()


def test_training_lowers_the_dev_loss_and_leaves_ears_and_statistics_alone(data, tmp_path):
    finetune.main(command(data, tmp_path / "model", epochs=6, learning_rate=3e-3))
    lineage = json.loads((tmp_path / "model/model.safetensors.lineage.json").read_text())
    errors = [entry["dev"] for entry in lineage["training"]["history"]]
    assert errors[-1] < errors[0] - 0.1

    base, tuned = weights(data / "conformer"), weights(tmp_path / "model")
    assert list(base) == list(tuned)
    same = {name for name in base if torch.equal(base[name], tuned[name])}
    assert {name for name in base if "feature_extractor" in name} <= same
    assert {name for name in base if name.endswith(STATISTICS)} <= same
    changed = {"lm_head.weight", "wav2vec2_conformer.encoder.layers.1.self_attn.linear_q.weight"}
    assert changed.isdisjoint(same)
    again = Wav2Vec2ConformerForCTC.from_pretrained(tmp_path / "model")
    assert again(torch.zeros(1, 8000)).logits.shape[-1] == len(LETTERS)


@pytest.mark.parametrize("kind", ["conformer", "wav2vec2", "hubert"])
def test_how_a_batch_is_divided_changes_nothing_without_noise(data, tmp_path, kind):
    still = {"model": data / kind, "dropout": 0, "mask_time_prob": 0}
    finetune.main(command(data, tmp_path / "whole", **still))
    finetune.main(command(data, tmp_path / "parts", **still, micro_batch_size=2))
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    for name in whole:
        torch.testing.assert_close(parts[name], whole[name], rtol=0, atol=5e-6)


def test_stopped_and_started_again_gives_the_undisturbed_bytes_in_spite_of_dropout(
    data, tmp_path, monkeypatch
):
    noisy = {"dropout": 0.2, "mask_time_prob": 0.2, "epochs": 4, "patience": 9}
    finetune.main(command(data, tmp_path / "undisturbed", **noisy))
    losses, calls = evaluation.CRITERIA["loss"], []

    def stop_at_the_third(speech):
        calls.append(speech)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return losses(speech)

    monkeypatch.setitem(evaluation.CRITERIA, "loss", stop_at_the_third)
    monkeypatch.setattr("training.run.SAVING_SHARE", 1e9)  # write at every evaluation
    with pytest.raises(KeyboardInterrupt):
        finetune.main(command(data, tmp_path / "stopped", **noisy))
    torch.manual_seed(123)
    np.random.seed(123)
    finetune.main(command(data, tmp_path / "stopped", **noisy))
    contents = [
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("undisturbed", "stopped")
    ]
    assert contents[0] == contents[1]


def test_dropout_is_what_was_asked_for(data):
    recogniser = load_recogniser(data / "conformer", 1.0, dropout=0.25, mask_time_prob=0.0)
    layer = recogniser.model.wav2vec2_conformer.encoder.layers[0]
    assert [layer.self_attn_dropout.p, layer.conv_module.dropout.p] == [0.25, 0.25]
    assert recogniser.model.config.mask_time_prob == 0.0
    assert load_recogniser(data / "conformer", 1.0).model.config.mask_time_prob == 0.05


def test_a_task_vector_added_while_loading_gives_the_hypotheses_of_the_written_checkpoint(
    data, tmp_path
):
    finetune.main(command(data, tmp_path / "real", learning_rate=0.1))
    files = [
        str(folder / "model.safetensors") for folder in (tmp_path / "real", data / "conformer")
    ]
    vector, added = str(tmp_path / "vector.safetensors"), str(tmp_path / "sum/model.safetensors")
    task_vector.main(["subtract", "--real", files[0], "--synthetic", files[1], "--output", vector])
    task_vector.main(
        ["apply", "--checkpoint", files[1], "--vector", vector, "--scaling-coefficient", "0.5"]
        + ["--output", added]
    )
    counters = [name for name in weights(tmp_path / "sum") if name.endswith("num_batches_tracked")]
    assert len(counters) == 2

    def hypotheses(model: Path, *more: str) -> list[str]:
        output = tmp_path / "hypotheses.jsonl"
        options = ["--model", str(model), "--manifest", str(data / "dev.jsonl"), "--language=en"]
        transcribe.main([*options, "--output", str(output), "--precision", "fp32", *more])
        return [row["text"] for row in read_jsonl(output)]

    in_memory = hypotheses(
        data / "conformer", "--task-vector", vector, "--scaling-coefficient", "0.5"
    )
    assert in_memory == hypotheses(tmp_path / "sum") != hypotheses(data / "conformer")


def test_transcripts_that_do_not_fit_are_told(data, tmp_path, capsys):
    rows = read_manifest(data / "train.jsonl")
    rows[2]["text"] = "far too many letters for three tenths of a second of audio " * 2
    rows[3]["text"] = "7 alpha"
    write_jsonl(tmp_path / "train.jsonl", rows)
    finetune.main(command(data, tmp_path / "model", train=tmp_path / "train.jsonl"))
    told = capsys.readouterr().err
    assert "1 utterances have more letters than audio frames, first 'utterance2'" in told
    assert "1 characters of the transcripts are no letters of the model, left out: '7' 1" in told
    lineage = json.loads((tmp_path / "model/model.safetensors.lineage.json").read_text())
    assert len(lineage["training"]["remarks"]) == 2

    rows[4]["text"] = "42"
    write_jsonl(tmp_path / "train.jsonl", rows)
    finetune.main(command(data, tmp_path / "other", train=tmp_path / "train.jsonl"))
    told = capsys.readouterr().err
    remark = (
        "1 utterances are left out, their texts have no letter of the model's vocabulary, first"
    )
    assert f"{remark} 'utterance4' ('42')" in told
    lineage = json.loads((tmp_path / "other/model.safetensors.lineage.json").read_text())
    assert lineage["training"]["utterances"] == len(rows) - 1

    write_jsonl(tmp_path / "train.jsonl", rows[4:5])
    with pytest.raises(InputError, match=r"'utterance4' \('42'\); no utterance is left"):
        finetune.main(command(data, tmp_path / "none", train=tmp_path / "train.jsonl"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trained": "decoder"}, "a CTC model has no decoder; set trained: all"),
        ({"trained": "decoder", "encodings": "kept"}, "no decoder for which to keep encodings"),
        ({"task": "translate"}, "a CTC model cannot translate"),
    ],
)
def test_what_only_whisper_has_is_refused(data, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        finetune.main(command(data, tmp_path / "model", **changes))


def test_masking_needs_a_model_that_was_trained_with_it(tmp_path):
    write_ctc(tmp_path, mask_time_prob=0.0)
    with pytest.raises(InputError, match="trained without masking; mask_time_prob must be 0"):
        load_recogniser(tmp_path, mask_time_prob=0.05)


def test_dropout_of_a_whisper_and_unknown_models_are_refused(tmp_path):
    write_whisper(tmp_path / "whisper")
    with pytest.raises(InputError, match="Whisper has neither"):
        load_recogniser(tmp_path / "whisper", dropout=0.1)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(InputError, match="'bert' is no recogniser known here; take one of whisper"):
        load_recogniser(tmp_path)
    with pytest.raises(InputError, match="no such file; it must be a model's configuration"):
        load_recogniser(tmp_path / "nothing")
