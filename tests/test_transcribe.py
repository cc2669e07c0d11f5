"""Transcribing: agreement with plain transformers, windows, task vectors added in memory."""

import socket
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizer,
)

import task_vector
import transcribe
from computing.precision import precision_of
from errors import InputError, Stopped
from files.audio import load_audio
from files.manifest import read_jsonl, read_manifest
from recognisers import transcription
from recognisers.load import load_recogniser
from recognisers.whisper import WhisperRecogniser
from recognisers.window import crop_window
from tiny import count_and_stop, write_ctc, write_speech, write_whisper
from vectors import arithmetic


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_whisper(folder / "real", seed=1)
    write_whisper(folder / "synthetic", seed=2)
    write_speech(folder, "test", 5)
    return folder


def run(data: Path, output: Path, **changes: object) -> dict[str, str]:
    options = {
        "model": data / "real",
        "manifest": data / "test.jsonl",
        "output": output,
        "precision": "fp32",
        "max_length": 12,
        "language": "en",
    } | changes
    transcribe.main(
        [part for k, v in options.items() for part in (f"--{k.replace('_', '-')}", str(v))]
    )
    return {row["id"]: row["text"] for row in read_jsonl(output)}


def test_hypotheses_are_those_of_plain_transformers_one_by_one(data, tmp_path):
    found = run(data, tmp_path / "hypotheses.jsonl", batch_size=2)
    model = WhisperForConditionalGeneration.from_pretrained(data / "real")
    extractor = WhisperFeatureExtractor.from_pretrained(data / "real")
    tokenizer = WhisperTokenizer.from_pretrained(data / "real")
    for row in read_manifest(data / "test.jsonl"):
        features = extractor(
            load_audio(row["audio_filepath"]), sampling_rate=16_000, return_tensors="pt"
        ).input_features
        tokens = model.generate(features, max_length=12)
        expected = tokenizer.batch_decode(tokens, skip_special_tokens=True)[0].strip()
        assert found[row["id"]] == expected


def test_hypotheses_keep_the_manifests_order_and_the_batch_size_changes_nothing(data, tmp_path):
    one = run(data, tmp_path / "one.jsonl", batch_size=1)
    all_at_once = run(data, tmp_path / "all.jsonl", batch_size=32)
    assert one == all_at_once
    assert list(one) == [row["id"] for row in read_manifest(data / "test.jsonl")]


def test_how_sure_a_hypothesis_is_is_noted_where_asked_and_changes_no_text(data, tmp_path):
    plain = run(data, tmp_path / "plain.jsonl", window=1.0)
    asked = ["--model", str(data / "real"), "--manifest", str(data / "test.jsonl"), "--window=1"]
    asked += ["--precision=fp32", "--max-length=12", "--language=en", "--log-probability"]
    transcribe.main([*asked, f"--output={tmp_path / 'sure.jsonl'}"])
    found = read_jsonl(tmp_path / "sure.jsonl")
    assert {row["id"]: row["text"] for row in found} == plain
    assert all(row["log_probability"] < 0 for row in found)
    assert all(row.keys() == {"id", "text"} for row in read_jsonl(tmp_path / "plain.jsonl"))


def test_a_task_vector_added_while_loading_gives_the_hypotheses_of_the_written_checkpoint(
    data, tmp_path
):
    vector = tmp_path / "vector.safetensors"
    task_vector.main(
        ["subtract", "--real", str(data / "real/model.safetensors"), "--synthetic"]
        + [str(data / "synthetic/model.safetensors"), "--output", str(vector)]
    )
    task_vector.main(
        ["apply", "--checkpoint", str(data / "real/model.safetensors"), "--vector", str(vector)]
        + ["--scaling-coefficient", "0.5", "--output", str(tmp_path / "sum/model.safetensors")]
    )
    coefficient = {"task_vector": vector, "scaling_coefficient": 0.5, "window": 1.0}
    added = run(data, tmp_path / "added.jsonl", **coefficient)
    written = run(data, tmp_path / "written.jsonl", model=tmp_path / "sum", window=1.0)
    plain = run(data, tmp_path / "plain.jsonl", window=1.0)
    assert added == written != plain


def test_kept_encoder_outputs_change_no_hypothesis_and_belong_to_one_encoder(data, tmp_path):
    plain = run(data, tmp_path / "plain.jsonl", window=1.0)
    for name in ("first.jsonl", "second.jsonl"):
        kept = run(data, tmp_path / name, window=1.0, encodings=tmp_path / "encodings")
        assert kept == plain
        assert len(list((tmp_path / "encodings").rglob("*.npy"))) == 5
    run(data, tmp_path / "o.jsonl", model=data / "synthetic", encodings=tmp_path / "encodings")
    assert len(list((tmp_path / "encodings").rglob("*.npy"))) == 10


def test_a_shorter_window_is_the_first_rows_of_the_position_table(data):
    model = WhisperForConditionalGeneration.from_pretrained(data / "real")
    table = model.model.encoder.embed_positions.weight.detach().clone()
    crop_window(model, 2.5)
    assert torch.equal(model.model.encoder.embed_positions.weight, table[:125])
    assert model(torch.zeros(1, 80, 250), decoder_input_ids=torch.tensor([[257]])).logits.shape[1]


@pytest.mark.parametrize("window", [0, 0.013, 31])
def test_a_window_that_does_not_fit_the_table_is_refused(data, window):
    model = WhisperForConditionalGeneration.from_pretrained(data / "real")
    with pytest.raises(InputError, match=r"not a multiple of 0\.02 s between 0 and the model's 30"):
        crop_window(model, window)


def test_an_english_only_model_is_not_asked_for_another_language(data):
    with pytest.raises(InputError, match="an English-only model cannot transcribe 'de'"):
        load_recogniser(data / "real", language="de")


def test_a_vector_without_a_coefficient_is_refused(data, tmp_path):
    with pytest.raises(InputError, match="go together"):
        run(data, tmp_path / "hypotheses.jsonl", scaling_coefficient=0.5)


def test_precision_is_what_was_asked_for():
    assert precision_of("bf16", "cpu") == torch.bfloat16
    assert precision_of("fp32", "cpu") == torch.float32


@pytest.mark.parametrize(("amx", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_cpu_multiplies_in_bf16_only_where_it_has_amx(monkeypatch, amx, expected):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert precision_of("auto", "cpu") == expected


@pytest.mark.parametrize(("emulated", "expected"), [(True, torch.float32), (False, torch.bfloat16)])
def test_a_gpu_multiplies_in_bf16_only_where_it_need_not_emulate_it(
    monkeypatch, emulated, expected
):
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: including_emulation or not emulated,
    )
    assert precision_of("auto", "cuda") == expected


@pytest.fixture(scope="module")
def vectors(data, tmp_path_factory) -> dict[str, Path]:
    """Return the vector of all parameters, and that of models whose encoder was not trained."""
    folder = tmp_path_factory.mktemp("vectors")
    checkpoints = {name: data / name / "model.safetensors" for name in ("real", "synthetic")}
    synthetic, real = load_file(checkpoints["synthetic"]), load_file(checkpoints["real"])
    mixed = {name: real[name] if "encoder." in name else synthetic[name] for name in real}
    save_file(mixed, folder / "mixed.safetensors")
    arithmetic.subtract_files(*checkpoints.values(), folder / "all.safetensors")
    arithmetic.subtract_files(
        checkpoints["real"], folder / "mixed.safetensors", folder / "decoder.safetensors"
    )
    return {name: folder / f"{name}.safetensors" for name in ("all", "decoder")}


SCALES = (0.5, 40.0, 0.0)


def run_sweep(
    data: Path, folder: Path, vector: Path, scales: Sequence[float] = SCALES, **changes: object
) -> list[dict[str, str]]:
    """Return the hypotheses of one job for all ``scales``."""
    options = {"manifest": data / "test.jsonl", "precision": "fp32", "max_length": 12} | changes
    options |= {"language": "en"}
    arguments = ["--model", data / "real", "--task-vector", vector, "--window", 1.0]
    arguments += [x for k, v in options.items() for x in (f"--{k.replace('_', '-')}", v)]
    outputs = [folder / f"sweep{scale}.jsonl" for scale in scales]
    arguments += ["--scaling-coefficient", *scales, "--output", *outputs]
    transcribe.main([str(argument) for argument in arguments])
    return [{row["id"]: row["text"] for row in read_jsonl(path)} for path in outputs]


@pytest.mark.parametrize("held", [0, 1, 1 << 30])
@pytest.mark.parametrize("kind", ["all", "decoder"])
def test_a_sweep_over_coefficients_gives_what_each_gives_alone(
    data, vectors, tmp_path, kind, held, monkeypatch
):
    alone = [
        run(
            data, tmp_path / f"{scale}.jsonl",
            task_vector=vectors[kind], scaling_coefficient=scale, window=1.0,
        )
        for scale in SCALES
    ]  # fmt: skip
    assert len({tuple(texts.values()) for texts in alone}) == 3
    assert alone[-1] == run(data, tmp_path / "plain.jsonl", window=1.0)
    monkeypatch.setattr(transcription, "HELD", held)
    assert run_sweep(data, tmp_path, vectors[kind], batch_size=2) == alone


def test_as_many_outputs_as_coefficients_are_needed(data, vectors, tmp_path):
    with pytest.raises(InputError, match="1 outputs for 2 hypotheses of each utterance"):
        transcribe.main(
            ["--model", str(data / "real"), "--manifest", str(data / "test.jsonl")]
            + ["--task-vector", str(vectors["all"]), "--scaling-coefficient", "0.5", "1"]
            + ["--output", str(tmp_path / "one.jsonl"), "--language", "en"]
        )


@pytest.mark.parametrize(("kind", "times"), [("all", 3), ("decoder", 1)])
def test_a_sweep_reads_once_and_hears_again_only_if_the_encoder_changes(
    data, vectors, tmp_path, kind, times, monkeypatch
):
    counts = Counter()

    def counted(name: str):
        whole = getattr(WhisperRecogniser, name)

        def method(recogniser, given, *options):
            counts[name] += len(given)
            return whole(recogniser, given, *options)

        return method

    for name in ("read", "_encoder"):
        monkeypatch.setattr(WhisperRecogniser, name, counted(name))
    run_sweep(data, tmp_path, vectors[kind], batch_size=2)
    assert counts == {"read": 5, "_encoder": 5 * times}


@pytest.mark.parametrize("kind", ["all", "decoder"])
def test_nothing_is_remembered_for_a_backward_pass(data, vectors, tmp_path, kind, monkeypatch):
    seen = []
    encode = WhisperRecogniser._encoder

    def watched(recogniser, features, *options):
        seen.append(encode(recogniser, features, *options))
        return seen[-1]

    monkeypatch.setattr(WhisperRecogniser, "_encoder", watched)
    run_sweep(data, tmp_path, vectors[kind])
    assert seen and not any(encoded.requires_grad for encoded in seen)


def test_kept_encodings_are_not_taken_for_those_of_an_encoder_that_the_vector_changes(
    data, vectors, tmp_path
):
    plain = run_sweep(data, tmp_path, vectors["all"])
    run(data, tmp_path / "first.jsonl", window=1.0, encodings=tmp_path / "kept")
    assert run_sweep(data, tmp_path, vectors["all"], encodings=tmp_path / "kept") == plain


def test_a_stopped_sweep_goes_on_where_each_coefficient_was(data, vectors, tmp_path, monkeypatch):
    work = {"batch_size": 2, "work_dir": tmp_path / "work"}
    plain = run_sweep(data, tmp_path, vectors["all"])
    with monkeypatch.context() as patch:
        count_and_stop(patch, after=4)
        with pytest.raises(Stopped):
            run_sweep(data, tmp_path, vectors["all"], **work)
    sizes = count_and_stop(monkeypatch)
    assert run_sweep(data, tmp_path, vectors["all"], **work) == plain
    assert sizes == [2, 1, 2, 2, 1]  # of 3 x [2, 2, 1], what came after the first four


def test_with_one_more_coefficient_only_that_one_is_transcribed(
    data, vectors, tmp_path, monkeypatch
):
    work = {"batch_size": 2, "work_dir": tmp_path / "work"}
    plain = run_sweep(data, tmp_path, vectors["all"])
    assert run_sweep(data, tmp_path, vectors["all"], SCALES[:2], **work) == plain[:2]
    for scale in SCALES[:2]:  # Snakemake deletes the files before it makes them again
        (tmp_path / f"sweep{scale}.jsonl").unlink()
    sizes = count_and_stop(monkeypatch)
    assert run_sweep(data, tmp_path, vectors["all"], SCALES, **work) == plain
    assert sizes == [2, 2, 1]  # of the third
    assert len(list((tmp_path / "work").iterdir())) == 3
    run_sweep(data, tmp_path, vectors["decoder"], SCALES, **work)
    assert sizes == [2, 2, 1] + 3 * [2, 2, 1]  # of another vector, all
    assert len(list((tmp_path / "work").iterdir())) == 3


def test_stopped_and_started_again_it_transcribes_the_rest_and_gives_the_same_bytes(
    data, tmp_path, monkeypatch
):
    work = {"batch_size": 2, "work_dir": tmp_path / "work"}
    with monkeypatch.context() as patch:
        count_and_stop(patch, after=2)
        with pytest.raises(Stopped):
            run(data, tmp_path / "stopped.jsonl", **work)
    assert not (tmp_path / "stopped.jsonl").exists()
    [journal] = (tmp_path / "work").iterdir()
    journal.write_bytes(journal.read_bytes()[:-3])  # of two batches, a kill cut the second short
    with monkeypatch.context() as patch:
        sizes = count_and_stop(patch)
        run(data, tmp_path / "stopped.jsonl", **work)
    assert sizes == [2, 1]
    run(data, tmp_path / "undisturbed.jsonl", batch_size=2)
    stopped, undisturbed = tmp_path / "stopped.jsonl", tmp_path / "undisturbed.jsonl"
    assert stopped.read_bytes() == undisturbed.read_bytes()
    assert not (tmp_path / "work").exists()


def test_what_another_checkpoint_has_transcribed_is_not_taken_over(data, tmp_path, monkeypatch):
    work = {"batch_size": 2, "work_dir": tmp_path / "work"}
    with monkeypatch.context() as patch:
        count_and_stop(patch, after=2)
        with pytest.raises(Stopped):
            run(data, tmp_path / "one.jsonl", **work)
    sizes = count_and_stop(monkeypatch)
    run(data, tmp_path / "other.jsonl", model=data / "synthetic", **work)
    assert sizes == [2, 2, 1]


def test_no_script_that_loads_a_model_asks_the_network(data, tmp_path, monkeypatch):
    asked = []

    def refuse(*address: object, **options: object):
        asked.append(address)
        raise OSError("there is no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    run(data, tmp_path / "hypotheses.jsonl")
    write_ctc(tmp_path / "ctc")
    run(data, tmp_path / "of_ctc.jsonl", model=tmp_path / "ctc")
    assert not asked


def test_a_line_that_a_kill_left_half_written_spoils_none_that_follow(tmp_path):
    journal = tmp_path / "journal.jsonl"
    journal.write_text('{"a": "first"}\n{"b": "hal')
    assert transcription.read_journal(journal) == {"a": "first"}
    transcription.append(journal, {"c": "third"})
    assert transcription.read_journal(journal) == {"a": "first", "c": "third"}
