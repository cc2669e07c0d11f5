"""Task vectors: two-element weights, and a tiny random Whisper."""

import errno
import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import WhisperConfig, WhisperForConditionalGeneration

import task_vector
from errors import InputError
from files.checksum import sha256
from modules import factors_of, module_of
from records.reading import read_record
from records.record import sidecar
from records.writing import write_record
from task_vector import main
from tiny import write_ctc
from vectors import arithmetic, streaming
from vectors.addition import Addition
from vectors.streaming import Piece, read_layout, read_piece, read_tensor

BASE = {"w": torch.tensor([1.0, 2.0]), "b": torch.tensor([[3.0]])}


def write(folder: Path, tensors: dict[str, torch.Tensor], **kwargs) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors", **kwargs)
    (folder / "config.json").write_text("{}")
    return folder / "model.safetensors"


def subtract(real: Path, synthetic: Path, output: Path) -> Path:
    main(["subtract", f"--real={real}", f"--synthetic={synthetic}", f"--output={output}"])
    return output


def apply(checkpoint: Path, vector: Path, scale: float, output: Path) -> Path:
    main(
        ["apply", f"--checkpoint={checkpoint}", f"--vector={vector}"]
        + [f"--scaling-coefficient={scale}", f"--output={output}"]
    )
    return output


def add(tensors: dict[str, torch.Tensor], vector: Path, scale: float) -> None:
    Addition(tensors, vector, once=True).scale(scale)


@pytest.fixture
def vector(tmp_path: Path) -> Path:
    """tau = [4, 8] for w and [[-2]] for b."""
    real = write(tmp_path / "real", {"w": torch.tensor([5.0, 10.0]), "b": torch.tensor([[1.0]])})
    return subtract(real, write(tmp_path / "synthetic", BASE), tmp_path / "tau.safetensors")


@pytest.mark.parametrize(("synthetic", "refused"), [("fp32", True), ("bf16", False)])
def test_halves_of_a_vector_that_were_trained_in_different_precisions_are_refused(
    tmp_path, synthetic, refused
):
    halves = []
    for name, precision in (("real", "bf16"), ("synthetic", synthetic)):
        halves.append(write(tmp_path / name, BASE))
        write_record(task_vector.__file__, [halves[-1]], [], {"precision": precision})
    if not refused:
        subtract(*halves, tmp_path / "tau.safetensors")
        return
    with pytest.raises(InputError, match=r"real/model.* in bf16 and .* in fp32.*set precision: bf"):
        subtract(*halves, tmp_path / "tau.safetensors")
    assert not (tmp_path / "tau.safetensors").exists()


def whisper(seed: int, dtype: torch.dtype = torch.float32) -> WhisperForConditionalGeneration:
    torch.manual_seed(seed)
    config = WhisperConfig(
        vocab_size=40, d_model=8, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, num_mel_bins=8,
        max_source_positions=10, max_target_positions=12, pad_token_id=0, bos_token_id=1,
        eos_token_id=2, decoder_start_token_id=3, begin_suppress_tokens=None,
    )  # fmt: skip
    return WhisperForConditionalGeneration(config).to(dtype)


@pytest.fixture
def whispers(tmp_path: Path) -> dict[str, Path]:
    """Three tiny Whispers as Hugging Face folders, with the vector of the first two."""
    paths = {}
    for seed, name in enumerate(["real", "synthetic", "target"]):
        whisper(seed).save_pretrained(tmp_path / name)
        paths[name] = tmp_path / name / "model.safetensors"
    paths["vector"] = subtract(paths["real"], paths["synthetic"], tmp_path / "tau.safetensors")
    return paths


def mean(vectors: list[Path], output: Path) -> Path:
    main(["mean", "--vectors", *map(str, vectors), f"--output={output}"])
    return output


def test_mean_of_three_vectors_is_their_sum_over_three(tmp_path: Path):
    paths = [
        write(tmp_path / name, {"w": torch.tensor(values)})
        for name, values in {"a": [3.0, 0.0], "b": [6.0, -1.0], "c": [0.0, 4.0]}.items()
    ]
    found = load_file(mean(paths, tmp_path / "mean.safetensors"))
    assert found["w"].tolist() == [3.0, 1.0]


def test_mean_of_one_vector_is_that_vector_to_the_byte(vector: Path, tmp_path: Path):
    assert mean([vector], tmp_path / "mean.safetensors").read_bytes() == vector.read_bytes()


def test_mean_of_vectors_of_different_models_is_refused(vector: Path, tmp_path: Path):
    other = write(tmp_path / "other", {"w": torch.tensor([1.0, 2.0])})
    with pytest.raises(InputError, match="1 parameter is only in .*tau.*first 'b'"):
        mean([vector, other], tmp_path / "mean.safetensors")
    assert not (tmp_path / "mean.safetensors").exists()


def test_mean_vector_is_added_like_any_other(vector: Path, tmp_path: Path):
    """The mean of tau and 3 tau is 2 tau: 1 + 2 * 4 = 9."""
    thrice = write(tmp_path / "thrice", {n: 3 * t for n, t in load_file(vector).items()})
    both = mean([vector, thrice], tmp_path / "mean.safetensors")
    target = write(tmp_path / "target", BASE)
    adapted = load_file(apply(target, both, 1.0, tmp_path / "adapted/model.safetensors"))
    assert adapted["w"].tolist() == [9.0, 18.0]


def restrict(vector: Path, modules: str, output: Path) -> Path:
    main(["restrict", f"--vector={vector}", f"--modules={modules}", f"--output={output}"])
    return output


PARTS = ("model.encoder.w", "model.decoder.w", "proj_out.w")


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        ("encoder", (9, 1, -0.0)),  # 1 + 2 * 4
        ("decoder", (1, 13, 4)),  # 1 + 2 * 6, and -0 + 2 * 2
        ("encoder-decoder0.5", (9, 7, 2)),  # 1 + 2 * 4, 1 + 2 * 0.5 * 6 and -0 + 2 * 0.5 * 2
        ("decoder0.25", (1, 4, 1)),
    ],
)
def test_a_restricted_vector_moves_its_modules_and_leaves_the_others_to_the_bit(
    tmp_path, modules, expected
):
    tau = {name: torch.tensor([value]) for name, value in zip(PARTS, (4.0, 6.0, 2.0), strict=True)}
    theta = {
        name: torch.tensor([value]) for name, value in zip(PARTS, (1.0, 1.0, -0.0), strict=True)
    }
    part = restrict(write(tmp_path / "tau", tau), modules, tmp_path / "part.safetensors")
    target = write(tmp_path / "target", theta)
    found = load_file(apply(target, part, 2, tmp_path / "out/model.safetensors"))
    add(theta, part, 2)
    for name, value in zip(PARTS, expected, strict=True):
        assert same_bits(found[name], torch.tensor([float(value)])), name
        assert same_bits(theta[name], found[name]), name
    assert read_record(sidecar(part)).content["parameters"]["modules"] == factors_of(modules)


@pytest.mark.parametrize("module", ["encoder", "decoder"])
def test_half_a_whisper_stays_as_it_was_and_the_encoder_is_then_no_news(
    whispers: dict[str, Path], tmp_path, module
):
    part = restrict(whispers["vector"], module, tmp_path / "part.safetensors")
    whole = load_file(apply(whispers["target"], whispers["vector"], 0.5, tmp_path / "a/w"))
    found = load_file(apply(whispers["target"], part, 0.5, tmp_path / "b/w"))
    target = load_file(whispers["target"])
    of_module = {name for name in target if name.startswith(f"model.{module}.")}
    assert 0 < len(of_module) < len(target)
    for name, tensor in found.items():
        assert same_bits(tensor, (whole if name in of_module else target)[name]), name
    model = WhisperForConditionalGeneration.from_pretrained(whispers["target"].parent)
    addition = Addition(model.state_dict(), part)  # with proj_out, tied to the embeddings
    addition.scale(0.5)
    assert set(addition.changed()) <= of_module
    assert all(torch.equal(model.state_dict()[name], found[name]) for name in found)


@pytest.mark.parametrize("kind", ["conformer", "wav2vec2", "hubert"])
def test_of_a_ctc_model_the_decoder_is_its_layer_of_letters(tmp_path, kind):
    tensors = load_file(write_ctc(tmp_path / kind, kind=kind) / "model.safetensors")
    of_decoder = {name for name in tensors if module_of(name) == "decoder"}
    assert of_decoder == {"lm_head.weight", "lm_head.bias"}
    assert {module_of(name) for name in tensors.keys() - of_decoder} == {"encoder"}


def test_a_parameter_of_no_known_module_is_refused_before_anything_is_written(vector, tmp_path):
    with pytest.raises(InputError, match="parameter '[bw]' is of no module that is known here"):
        restrict(vector, "encoder", tmp_path / "part.safetensors")
    assert not (tmp_path / "part.safetensors").exists()


@pytest.mark.parametrize(
    "text",
    ["", "encodr", "pooled", "encoder-", "encoder-encoder", "encoder1", "encoder0", "decoder0.50",
     "encoder-decoder0", "0.5decoder"],
)  # fmt: skip
def test_modules_are_named_in_one_way(text):
    assert factors_of("encoder-decoder0.5") == {"encoder": 1, "decoder": 0.5}
    with pytest.raises(InputError, match=f"{text!r} names no modules: write encoder or decoder"):
        factors_of(text)


def test_vector_is_real_minus_synthetic(vector: Path):
    tau = load_file(vector)
    assert tau["w"].tolist() == [4.0, 8.0]
    assert tau["b"].tolist() == [[-2.0]]


def test_apply_adds_a_quarter_of_the_vector(tmp_path: Path, vector: Path):
    target = write(tmp_path / "target", BASE)
    merged = load_file(apply(target, vector, 0.25, tmp_path / "out" / "model.safetensors"))
    assert merged["w"].tolist() == [2.0, 4.0]
    assert merged["b"].tolist() == [[2.5]]


def test_both_equal_three_lines_of_plain_torch(whispers: dict[str, Path], tmp_path: Path):
    real, synthetic, target = (load_file(whispers[n]) for n in ("real", "synthetic", "target"))
    tau = {name: real[name] - synthetic[name] for name in real}
    merged = {name: target[name] + 0.3 * tau[name] for name in target}

    output = apply(
        whispers["target"], whispers["vector"], 0.3, tmp_path / "o" / "model.safetensors"
    )
    for expected, path in ((tau, whispers["vector"]), (merged, output)):
        found = load_file(path)
        assert found.keys() == expected.keys()
        assert all(same_bits(found[name], expected[name]) for name in expected)


def same_bits(first: torch.Tensor, second: torch.Tensor) -> bool:
    return first.dtype == second.dtype and first.numpy().tobytes() == second.numpy().tobytes()


def test_coefficient_zero_gives_back_every_byte(tmp_path: Path, vector: Path):
    weights = {"w": torch.tensor([-0.0, 2.0]), "b": torch.tensor([[3.0]])}
    target = write(tmp_path / "target", weights, metadata={"format": "pt", "note": "kept"})
    output = apply(target, vector, 0, tmp_path / "out" / "model.safetensors")
    assert output.read_bytes() == target.read_bytes()


def test_apply_keeps_header_and_dtype(tmp_path: Path, vector: Path):
    half = {name: tensor.half() for name, tensor in BASE.items()}
    target = write(tmp_path / "target", half, metadata={"format": "pt", "note": "kept"})
    output = apply(target, vector, 0.5, tmp_path / "out" / "model.safetensors")
    assert read_layout(output).header == read_layout(target).header
    assert load_file(output)["w"].tolist() == [3.0, 6.0]
    assert load_file(output)["w"].dtype == torch.float16


def test_half_precision_is_added_in_float32(tmp_path: Path):
    """1 + 257/65536 is nearest to 1 + 1/128; bfloat16 would round the vector and stay at 1."""
    tau = write(tmp_path / "tau", {"w": torch.tensor([257 / 65536])})
    target = write(tmp_path / "target", {"w": torch.tensor([1.0]).bfloat16()})
    merged = load_file(apply(target, tau, 1, tmp_path / "out" / "model.safetensors"))
    assert merged["w"].item() == 1 + 1 / 128


def test_half_precision_is_subtracted_in_float32(tmp_path: Path):
    real = write(tmp_path / "real", {"w": torch.tensor([256.0]).bfloat16()})
    synthetic = write(tmp_path / "synthetic", {"w": torch.tensor([0.5]).bfloat16()})
    assert load_file(subtract(real, synthetic, tmp_path / "tau"))["w"].tolist() == [255.5]


def test_output_is_a_whole_folder_that_transformers_loads(
    whispers: dict[str, Path], tmp_path: Path
):
    folder = whispers["target"].parent
    write_record(task_vector.__file__, [whispers["target"]], [], {})
    for name in (".hidden", "README.md", "lineage.json"):
        (folder / name).write_text("{}")
    output = apply(
        whispers["target"], whispers["vector"], 0.3, tmp_path / "o" / "model.safetensors"
    )
    assert sorted(path.name for path in output.parent.iterdir()) == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "model.safetensors.lineage.json",
    ]
    assert json.loads((output.parent / "model.safetensors.lineage.json").read_text())["inputs"]
    model = WhisperForConditionalGeneration.from_pretrained(output.parent)
    logits = model(torch.zeros(1, 8, 20), decoder_input_ids=torch.tensor([[3]])).logits
    assert logits.shape == (1, 1, 40)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_adding_while_loading_equals_the_applied_file(
    whispers: dict[str, Path], tmp_path: Path, dtype: torch.dtype
):
    whisper(2, dtype).save_pretrained(tmp_path / "target2")
    target = tmp_path / "target2" / "model.safetensors"
    output = apply(target, whispers["vector"], 0.3, tmp_path / "o" / "model.safetensors")
    applied = WhisperForConditionalGeneration.from_pretrained(output.parent).state_dict()

    model = WhisperForConditionalGeneration.from_pretrained(target.parent)
    add(model.state_dict(), whispers["vector"], 0.3)
    weights = load_file(target)
    add(weights, whispers["vector"], 0.3)

    assert model.dtype == dtype
    assert "proj_out.weight" in model.state_dict() and "proj_out.weight" not in weights
    assert all(torch.equal(tensor, applied[name]) for name, tensor in model.state_dict().items())
    assert all(torch.equal(tensor, applied[name]) for name, tensor in weights.items())


def test_adding_while_loading_changes_nothing_for_zero(whispers: dict[str, Path]):
    weights = {name: tensor.clone() for name, tensor in whisper(2).state_dict().items()}
    weights["model.decoder.layer_norm.bias"].fill_(-0.0)
    weights["proj_out.weight"] = weights["model.decoder.embed_tokens.weight"]
    add(weights, whispers["vector"], 0)
    assert torch.signbit(weights["model.decoder.layer_norm.bias"]).all()


def test_coefficients_one_after_another_each_start_from_the_model_as_it_was(
    whispers: dict[str, Path],
):
    model = WhisperForConditionalGeneration.from_pretrained(whispers["target"].parent)
    addition = Addition(model.state_dict(), whispers["vector"])
    for scale in (0.7, 0.0, 0.3):
        expected = load_file(whispers["target"])
        add(expected, whispers["vector"], scale)
        addition.scale(scale)
        found = model.state_dict()
        assert all(torch.equal(tensor, found[name]) for name, tensor in expected.items())


def test_a_vector_changes_what_it_does_not_hold_zeros_for(tmp_path: Path):
    tau = write(tmp_path, {"a": torch.tensor([0.0, 4.0]), "b": torch.tensor([0.0, -0.0])})
    assert list(Addition({"a": torch.ones(2), "b": torch.ones(2)}, tau).changed()) == ["a"]


def test_a_tied_tensor_gets_the_vector_once(tmp_path: Path):
    tau = write(tmp_path, {"a": torch.tensor([4.0]), "b": torch.tensor([4.0])})
    weight = torch.tensor([1.0])
    add({"a": weight, "b": weight}, tau, 0.5)
    assert weight.item() == 3.0


def test_tied_tensors_with_two_vectors_are_refused(tmp_path: Path):
    tau = write(tmp_path, {"a": torch.tensor([4.0]), "b": torch.tensor([5.0])})
    weight = torch.tensor([1.0])
    with pytest.raises(InputError, match="'a' and 'b' are one tensor"):
        add({"a": weight, "b": weight}, tau, 0.5)
    assert weight.item() == 1.0


def test_untied_extra_parameter_of_the_model_is_refused_before_any_change(tmp_path: Path):
    tau = write(tmp_path, {"a": torch.tensor([4.0])})
    weights = {"a": torch.tensor([1.0]), "head": torch.tensor([1.0])}
    with pytest.raises(InputError, match="1 parameter is only in the model, first 'head'"):
        add(weights, tau, 0.5)
    assert weights["a"].item() == 1.0


def test_integer_buffers_stay_out_of_the_vector_and_are_kept_by_apply(tmp_path: Path):
    def checkpoint(name: str, weight: float, count: int) -> Path:
        tensors = {
            "w": torch.tensor([float(weight)]),
            "count": torch.tensor(count),
            "on": torch.tensor([True]),
        }
        return write(tmp_path / name, tensors)

    tau = subtract(checkpoint("r", 3, 7), checkpoint("s", 1, 4), tmp_path / "tau")
    assert list(load_file(tau)) == ["w"]
    output = apply(checkpoint("t", 5, 9), tau, 0.5, tmp_path / "out" / "model.safetensors")
    merged = load_file(output)
    assert (merged["w"].item(), merged["count"].item(), merged["on"].item()) == (6.0, 9, True)
    weights = load_file(tmp_path / "t" / "model.safetensors")
    add(weights, tau, 0.5)
    assert (weights["w"].item(), weights["count"].item()) == (6.0, 9)


def test_missing_parameters_are_counted_and_named(tmp_path: Path):
    one = torch.tensor([1.0])
    real = write(
        tmp_path / "real", {"z": one, "model.x": one.clone(), "y": one.clone(), "w": one.clone()}
    )
    synthetic = write(tmp_path / "synthetic", {"w": one})
    with pytest.raises(InputError) as error:
        subtract(real, synthetic, tmp_path / "tau")
    assert f"3 parameters are only in {real}, first 'model.x'" in str(error.value)
    assert "both must be fine-tuned from the same base model" in str(error.value)
    with pytest.raises(InputError, match=f"3 parameters are only in {real}, first 'model.x'"):
        subtract(synthetic, real, tmp_path / "tau")
    assert not (tmp_path / "tau").exists()


def test_other_shape_and_dtype_are_named(tmp_path: Path, vector: Path):
    real = write(tmp_path / "real2", BASE)
    longer = write(tmp_path / "longer", BASE | {"w": torch.ones(3)})
    half = write(tmp_path / "half", BASE | {"w": torch.ones(2).half()})
    with pytest.raises(InputError, match=r"'w' is \[2\] in .* and \[3\] in .*same base model"):
        subtract(real, longer, tmp_path / "t")
    with pytest.raises(InputError, match="'w' is F32 in .* and F16 in"):
        subtract(real, half, tmp_path / "t")
    with pytest.raises(InputError, match=r"'w' is \[3\] in .* and \[2\] in"):
        apply(longer, vector, 0.5, tmp_path / "o" / "model.safetensors")
    with pytest.raises(InputError, match=r"'w' is \[3\] in the model and \[2\] in"):
        add(load_file(longer), vector, 0.5)


def test_vector_of_another_model_is_refused(tmp_path: Path, vector: Path):
    target = write(tmp_path / "target", BASE | {"extra": torch.ones(1)})
    with pytest.raises(InputError, match="1 parameter is only in .*target.*, first 'extra'"):
        apply(target, vector, 0.5, tmp_path / "o" / "model.safetensors")


def test_nan_and_overflow_are_refused_by_name(tmp_path: Path, vector: Path):
    broken = write(tmp_path / "broken", BASE | {"w": torch.tensor([1.0, float("nan")])})
    with pytest.raises(InputError, match="'w' comes out with 1 of 2 values not finite"):
        subtract(broken, write(tmp_path / "s", BASE), tmp_path / "t")
    half = write(tmp_path / "half", {"w": BASE["w"].half(), "b": torch.tensor([[-65e3]]).half()})
    with pytest.raises(InputError, match="'b' comes out with 1 of 1 values not finite"):
        apply(half, vector, 1000, tmp_path / "o" / "model.safetensors")
    assert not (tmp_path / "o" / "model.safetensors").exists()
    with pytest.raises(InputError, match="'nan'; give a number from -1000 to 1000"):
        apply(half, vector, float("nan"), tmp_path / "o" / "model.safetensors")


def test_apply_does_not_overwrite_its_checkpoint(tmp_path: Path, vector: Path):
    target = write(tmp_path / "target", BASE)
    with pytest.raises(InputError, match="would be written over"):
        apply(target, vector, 0.5, target)


def test_cut_file_is_refused(tmp_path: Path, vector: Path):
    target = write(tmp_path / "target", BASE)
    target.write_bytes(target.read_bytes()[:-1])
    with pytest.raises(InputError, match="not a whole safetensors file"):
        apply(target, vector, 0.5, tmp_path / "o" / "model.safetensors")


def test_unknown_type_is_refused_by_name(tmp_path: Path, vector: Path):
    target = write(tmp_path / "target", BASE | {"b": torch.tensor([[3.0]], dtype=torch.float64)})
    with pytest.raises(InputError, match="'b' has the type F64; known are F32"):
        apply(target, vector, 0.5, tmp_path / "o" / "model.safetensors")


def test_mistake_is_told_without_traceback(tmp_path: Path):
    script = Path(task_vector.__file__)
    command = [sys.executable, script, "subtract", "--real", "no", "--synthetic", "no"]
    result = subprocess.run([*command, "--output", tmp_path / "t"], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (
        2,
        "error: no: no such file; make it again, or correct its path\n",
    )


def test_scalars_and_empty_tensors_survive(tmp_path: Path):
    tensors = {"scalar": torch.tensor(2.0), "empty": torch.empty(0, 3), "w": torch.ones(2)}
    tau = subtract(write(tmp_path / "r", tensors), write(tmp_path / "s", tensors), tmp_path / "tau")
    assert len(read_layout(tau).header) % 8 == 0  # aligned, for readers that map the file
    with safe_open(tau, framework="pt") as file:
        assert file.metadata() == {"format": "pt"}
        assert {n: list(file.get_tensor(n).shape) for n in file.keys()} == {  # noqa: SIM118
            "scalar": [],
            "empty": [0, 3],
            "w": [2],
        }
    assert read_tensor(read_layout(tau), "scalar").item() == 0.0


def test_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Of a parameter in 100 pieces, few of each file and their results live at any time."""
    monkeypatch.setattr(streaming, "PIECE", 3)
    monkeypatch.setattr(streaming, "AHEAD", 2)
    shape, alive = (3,), []
    checkpoint = write(tmp_path / "m", {"w": torch.ones(3, 100)})

    def finite_and_counted(tensor: torch.Tensor, *arguments) -> torch.Tensor:
        living = [thing for thing in gc.get_objects() if type(thing) is torch.Tensor]
        alive.append(sum(thing.shape == shape for thing in living))
        return tensor

    monkeypatch.setattr(arithmetic, "finite", finite_and_counted)
    tau = subtract(checkpoint, checkpoint, tmp_path / "tau")
    apply(checkpoint, tau, 0.5, tmp_path / "o" / "model.safetensors")
    assert len(alive) == 200
    assert max(alive) <= 2 * (2 + 2) + (2 + 2)  # two files' pieces, and their results


def test_pieces_give_the_bytes_of_the_whole(whispers: dict[str, Path], tmp_path: Path, monkeypatch):
    at_once = apply(whispers["target"], whispers["vector"], 0.3, tmp_path / "a/model.safetensors")
    monkeypatch.setattr(streaming, "PIECE", 5)
    vector = subtract(whispers["real"], whispers["synthetic"], tmp_path / "v.safetensors")
    in_pieces = apply(whispers["target"], vector, 0.3, tmp_path / "b/model.safetensors")
    assert vector.read_bytes() == whispers["vector"].read_bytes()
    assert in_pieces.read_bytes() == at_once.read_bytes()


def test_the_record_has_the_hash_of_what_was_written(whispers: dict[str, Path], tmp_path: Path):
    output = apply(whispers["target"], whispers["vector"], 0.3, tmp_path / "a/model.safetensors")
    for path in (whispers["vector"], output):
        assert read_record(sidecar(path)).outputs[str(path)] == sha256(path)


def test_a_file_that_shrinks_meanwhile_is_told_by_name(tmp_path: Path):
    path = write(tmp_path / "m", {"w": torch.ones(8)})
    layout = read_layout(path)
    path.write_bytes(path.read_bytes()[:-4])
    with path.open("rb") as file, pytest.raises(InputError, match="m/model.* ends within 'w'"):
        read_piece(file, layout, Piece("w", 4, 4))


def test_what_one_thread_raises_ends_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streaming, "PIECE", 1)
    first = write(tmp_path / "m", {"w": torch.ones(100)})

    def fails(*arguments) -> torch.Tensor:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(streaming, "read_piece", fails)
    with pytest.raises(OSError, match="Input/output error"):
        subtract(first, first, tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_large_values_whose_sum_overflows_are_no_mistake(tmp_path: Path):
    large = write(tmp_path / "large", {"w": torch.full((4,), 3e38)})
    none = write(tmp_path / "none", {"w": torch.zeros(4)})
    found = load_file(subtract(large, none, tmp_path / "t"))
    assert torch.equal(found["w"], torch.full((4,), 3e38))
