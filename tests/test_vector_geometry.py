"""Norms and cosines of two-element task vectors."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import vector_geometry
from errors import InputError
from vector_geometry import layer_of, place_of
from vectors import streaming

WEIGHT, BIAS = "model.encoder.layers.0.fc1.weight", "model.decoder.layer_norm.bias"


def vector(folder: Path, name: str, seed: int = 1, base: str = "tiny", **tensors) -> Path:
    """Write a task vector of these tensors, by default with ``weight`` and ``bias`` as layers."""
    names = {"weight": WEIGHT, "bias": BIAS}
    path = folder / "task_vectors" / base / name / f"seed{seed}.safetensors"
    return write(path, {names.get(key, key): value for key, value in tensors.items()})


def model(folder: Path, weight: list, bias: list, base: str = "tiny", dtype=torch.float32) -> Path:
    path = folder / "models" / base / "pretrained" / "seed0" / "model.safetensors"
    return write(path, {WEIGHT: weight, BIAS: bias}, dtype, steps=torch.tensor(3))


def write(path: Path, tensors: dict[str, list], dtype=torch.float32, **more) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {key: torch.tensor(value, dtype=dtype) for key, value in tensors.items()} | more, path
    )
    return path


def measured(folder: Path, vectors: list[Path], models: list[Path] | None = None) -> dict:
    output = folder / "task_vectors.json"
    vector_geometry.main(
        ["--vector", *map(str, vectors), "--base", *map(str, models or []), f"--output={output}"]
    )
    return json.loads(output.read_text())


def test_norms_add_up_in_squares_over_layers(tmp_path: Path):
    path = vector(tmp_path, "source-kokoro", weight=[3.0, 4.0], bias=[12.0])
    assert measured(tmp_path, [path])["vectors"] == [
        {
            "path": str(path),
            "name": "source-kokoro",
            "base": "tiny",
            "seed": 1,
            "norm": 13,
            "relative_norm": None,
            "layers": [
                {"layer": "encoder.0", "norm": 5, "relative_norm": None},
                {"layer": "decoder.norm", "norm": 12, "relative_norm": None},
            ],
        }
    ]


def test_parameters_of_one_layer_count_together(tmp_path: Path):
    other = "model.encoder.layers.0.fc2.bias"
    path = vector(tmp_path, "v", weight=[[3.0], [4.0]], **{other: [12.0]})
    (layer,) = measured(tmp_path, [path])["vectors"][0]["layers"]
    assert (layer["layer"], layer["norm"]) == ("encoder.0", 13)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_relative_norms_are_to_the_base_models_own(tmp_path: Path, dtype: torch.dtype):
    path = vector(tmp_path, "v", weight=[3.0, 4.0], bias=[12.0])
    found = measured(tmp_path, [path], [model(tmp_path, [0.0, 10.0], [24.0], dtype=dtype)])
    assert found["vectors"][0]["relative_norm"] == 0.5  # 13 to 26
    assert [each["relative_norm"] for each in found["vectors"][0]["layers"]] == [0.5, 0.5]


def test_a_layer_that_is_zero_in_the_base_model_has_no_relative_norm(tmp_path: Path):
    path = vector(tmp_path, "v", weight=[3.0, 4.0], bias=[12.0])
    found = measured(tmp_path, [path], [model(tmp_path, [10.0, 0.0], [0.0])])["vectors"][0]
    assert [each["relative_norm"] for each in found["layers"]] == [0.5, None]
    assert found["relative_norm"] == 1.3


def test_cosines_are_told_overall_and_per_layer(tmp_path: Path):
    paths = [
        vector(tmp_path, "a", weight=[3.0, 4.0], bias=[12.0]),
        vector(tmp_path, "b", weight=[4.0, -3.0], bias=[-12.0]),
    ]
    (found,) = measured(tmp_path, paths)["cosines"]
    assert (found["a"], found["b"], found["seed"], found["base"]) == ("a", "b", 1, "tiny")
    assert found["cosine"] == pytest.approx(-144 / 169)
    assert found["layers"] == [
        {"layer": "encoder.0", "cosine": 0},
        {"layer": "decoder.norm", "cosine": -1},
    ]


def test_a_zero_vector_has_no_cosine(tmp_path: Path):
    paths = [
        vector(tmp_path, "a", weight=[0.0, 0.0], bias=[2.0]),
        vector(tmp_path, "b", weight=[1.0, 0.0], bias=[2.0]),
        vector(tmp_path, "c", weight=[0.0, 0.0], bias=[0.0]),
    ]
    found = measured(tmp_path, paths)["cosines"]
    assert [(each["a"], each["b"]) for each in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [each["cosine"] for each in found] == [pytest.approx(2 / 5**0.5), None, None]
    assert [each["cosine"] for each in found[0]["layers"]] == [None, 1]


def test_only_vectors_of_one_base_and_seed_are_compared(tmp_path: Path):
    paths = [
        vector(tmp_path, name, seed, base, weight=[1.0], bias=[1.0])
        for base in ("tiny", "base")
        for seed in (1, 2)
        for name in ("a", "b")
    ]
    found = measured(tmp_path, paths, [model(tmp_path, [2.0], [2.0])])
    assert len(found["vectors"]) == 8
    assert [(each["base"], each["seed"]) for each in found["cosines"]] == [
        ("tiny", 1), ("tiny", 2), ("base", 1), ("base", 2),
    ]  # fmt: skip
    relative = {(each["base"], each["relative_norm"]) for each in found["vectors"]}
    assert relative == {("tiny", 0.5), ("base", None)}


def test_tensors_longer_than_a_piece_are_read_whole(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(streaming, "PIECE", 2)
    paths = [
        vector(tmp_path, "a", weight=[1.0, 1.0, 1.0, 1.0, 2.0], bias=[1.0]),
        vector(tmp_path, "b", weight=[0.0, 0.0, 0.0, 0.0, 2.0], bias=[0.0]),
    ]
    found = measured(tmp_path, paths)
    assert [each["norm"] for each in found["vectors"]] == [3, 2]
    assert found["cosines"][0]["cosine"] == pytest.approx(2 / 3)


def test_small_numbers_are_not_lost_beside_large_ones(tmp_path: Path):
    path = vector(tmp_path, "v", weight=[1e4, *[1e-2] * 9999], bias=[0.0])
    assert measured(tmp_path, [path])["vectors"][0]["norm"] ** 2 - 1e8 == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize(
    ("parameter", "layer"),
    [
        ("model.encoder.conv1.weight", "encoder.conv"),
        ("model.encoder.embed_positions.weight", "encoder.embed"),
        ("model.encoder.layers.0.self_attn_layer_norm.weight", "encoder.0"),
        ("model.encoder.layer_norm.bias", "encoder.norm"),
        ("model.decoder.embed_tokens.weight", "decoder.embed"),
        ("model.decoder.layers.11.encoder_attn.k_proj.weight", "decoder.11"),
        ("model.decoder.layer_norm.weight", "decoder.norm"),
        ("wav2vec2.feature_extractor.conv_layers.0.layer_norm.weight", "feature_extractor"),
        ("hubert.feature_projection.projection.weight", "feature_projection"),
        ("wav2vec2.encoder.pos_conv_embed.conv.bias", "encoder.embed"),
        ("wav2vec2_conformer.encoder.layers.3.conv_module.batch_norm.weight", "encoder.3"),
        ("wav2vec2.masked_spec_embed", "wav2vec2.masked_spec_embed"),
        ("lm_head.weight", "lm_head.weight"),
        ("w", "w"),
    ],
)
def test_a_parameters_name_tells_its_layer(parameter: str, layer: str):
    assert layer_of(parameter) == layer


def test_layers_are_sorted_as_the_sound_passes():
    layers = [
        "feature_extractor", "feature_projection", "encoder.conv", "encoder.embed", "encoder.2",
        "encoder.10", "encoder.norm", "decoder.embed", "decoder.0", "decoder.norm", "lm_head.bias",
    ]  # fmt: skip
    assert sorted(sorted(layers), key=place_of) == layers


def test_vectors_with_other_parameters_are_refused(tmp_path: Path):
    paths = [
        vector(tmp_path, "a", weight=[1.0], bias=[1.0]),
        vector(tmp_path, "b", weight=[1.0]),
    ]
    with pytest.raises(InputError, match="1 parameter is only in .*/a/seed1.*first 'model.decoder"):
        measured(tmp_path, paths)


def test_vectors_of_other_shapes_are_refused_across_seeds_too(tmp_path: Path):
    paths = [vector(tmp_path, "a", 1, weight=[1.0]), vector(tmp_path, "a", 2, weight=[1.0, 2.0])]
    with pytest.raises(InputError, match=r"\[1\] in .* and \[2\] in "):
        measured(tmp_path, paths)


def test_a_base_model_with_other_parameters_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="only in .*pretrained"):
        measured(tmp_path, [vector(tmp_path, "a", weight=[1.0])], [model(tmp_path, [1.0], [1.0])])


def test_paths_that_do_not_tell_base_name_and_seed_are_refused(tmp_path: Path):
    astray = write(tmp_path / "vector.safetensors", {WEIGHT: [1.0]})
    with pytest.raises(InputError, match="must end in BASE/GROUP-TTS/seedN.safetensors"):
        measured(tmp_path, [astray])
    path = vector(tmp_path, "a", weight=[1.0])
    with pytest.raises(InputError, match="must end in BASE/pretrained/seed0"):
        measured(tmp_path, [path], [astray])


def test_the_lineage_names_vectors_and_base_models(tmp_path: Path):
    paths = [vector(tmp_path, "a", weight=[1.0], bias=[1.0]), model(tmp_path, [1.0], [1.0])]
    measured(tmp_path, paths[:1], paths[1:])
    recorded = json.loads((tmp_path / "task_vectors.json.lineage.json").read_text())
    assert list(recorded["inputs"]) == sorted(
        map(str, paths), key=lambda path: "models" not in path
    )
