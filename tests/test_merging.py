"""Methods of merging task vectors: on a few values, by hand; and each on vectors of a Whisper."""

import math
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import merge
import task_vector
from configs.known import load_schema
from conftest import ROOT
from errors import InputError
from merging import (
    breadcrumbs,
    cross_attention,
    dare,
    iso_c,
    lines,
    lines_falling,
    model_stock,
    slerp,
    ties,
    tsv_m,
)
from merging.parameter import Parameter, place
from methods import METHODS, Method, method_of, parts_of
from records.reading import read_record
from records.record import sidecar
from tiny import write_whisper

W = Parameter("w", None)
PAGE = ROOT / "docs" / "experiments.md"


def close(found: torch.Tensor, expected: list) -> None:
    torch.testing.assert_close(found, torch.tensor(expected))


def test_ties_trims_elects_a_sign_and_averages_what_agrees():
    """Of each vector the two largest are left: 4 and 3, -6 and 5. In 4 - 6 the sign is -."""
    vectors = [torch.tensor([4.0, 3.0, -1.0, 0.0]), torch.tensor([-6.0, 1.0, 0.5, 5.0])]
    assert ties.merge(vectors, W, 0.5).tolist() == [-6, 3, 0, 5]
    together = [torch.tensor([4.0, 1.0]), torch.tensor([2.0, 0.0])]
    assert ties.merge(together, W, 0.5).tolist() == [3, 0]


def test_ties_keeps_a_fifth_and_one_value_at_least():
    assert ties.merge([torch.arange(1.0, 11)], W).tolist() == [0] * 8 + [9, 10]
    assert ties.merge([torch.tensor([1.0, -2.0])], W).tolist() == [0, -2]
    assert ties.merge([torch.tensor(-3.0)], W).item() == -3


def test_values_of_one_magnitude_stay_together():
    assert ties.merge([torch.tensor([2.0, -2.0, 2.0, 1.0])], W, 0.25).tolist() == [2, -2, 2, 0]


def test_breadcrumbs_leave_out_the_smallest_85_percent_and_the_largest_0_7():
    """Of 1 to 1000, 850 are too small and 7 too large."""
    found = breadcrumbs.merge([torch.arange(1.0, 1001)], W)
    assert found[found != 0].tolist() == list(range(851, 994))


def test_breadcrumbs_of_all_values_leave_none_out_and_are_averaged():
    vectors = [torch.tensor([[1.0, -9.0]]), torch.tensor([[3.0, 0.0]])]
    assert breadcrumbs.merge(vectors, W, 1).tolist() == [[2, -4.5]]


def test_dare_drops_at_random_and_keeps_the_sum_as_it_is_expected():
    found = dare.merge([torch.full((10_000,), 3.0)], W, 0.25)
    assert set(found.tolist()) == {0, 12}  # 3 / 0.25
    assert 2_300 < (found == 12).sum() < 2_700
    assert set(dare.merge([torch.ones(1000)], W).unique().tolist()) == {0, 10}


def test_dare_draws_alike_each_time_and_apart_for_each_vector_and_name():
    ones = torch.ones(100)
    both = dare.merge([ones, ones], W, 0.5)
    assert torch.equal(both, dare.merge([ones, ones], W, 0.5))
    assert set(both.tolist()) == {0, 1, 2}  # by none, by one of them, by both
    assert not torch.equal(both, dare.merge([ones, ones], Parameter("b", None), 0.5))


def test_slerp_goes_along_the_arc():
    """From [3, 0] to [0, 3] are 90 degrees; at a third of the way, 30."""
    ends = [torch.tensor([3.0, 0.0]), torch.tensor([0.0, 3.0])]
    close(slerp.merge(ends, W), [3 / math.sqrt(2)] * 2)
    close(slerp.merge(ends, W, 1 / 3), [3 * math.sqrt(3) / 2, 1.5])
    close(slerp.merge([torch.tensor([1.0, 0.0]), torch.tensor([3.0, 0.0])], W), [2.0, 0.0])
    assert slerp.merge([torch.zeros(2), torch.zeros(2)], W).tolist() == [0, 0]


def test_model_stock_draws_the_mean_back_by_the_angle():
    """The cosine of [2, 0] and [1, root of 3] is 1/2: the mean times 2 / 2 / (1 + 1/2)."""
    vectors = [torch.tensor([2.0, 0.0]), torch.tensor([1.0, math.sqrt(3)])]
    close(model_stock.merge(vectors, W), [1.0, math.sqrt(3) / 3])
    close(model_stock.merge([vectors[0]] * 3, W), [2.0, 0.0])
    assert model_stock.merge([vectors[0], -0.5 * vectors[0]], W).tolist() == [0, 0]


def test_tsv_m_adds_matrices_of_different_directions_and_turns_the_others_apart():
    """Of left directions [1, 0] and [0.6, 0.8] the nearest orthogonal ones are turned by 1 in 3."""
    apart = [torch.tensor([[3.0, 0.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 5.0]])]
    close(tsv_m.merge(apart, W), [[3.0, 0.0], [0.0, 5.0]])
    near = [torch.tensor([[2.0, 0.0], [0.0, 0.0]]), torch.tensor([[0.0, 1.2], [0.0, 1.6]])]
    turned = 2 / math.sqrt(10) * torch.tensor([[3.0, 1.0], [-1.0, 3.0]])
    torch.testing.assert_close(tsv_m.merge(near, W), turned)


def test_tsv_m_takes_half_the_rank_of_each_of_two():
    """Of diag(4, 3, 2, 1) the first two directions are left, of the other matrix the last two."""
    descending = torch.diag(torch.tensor([4.0, 3.0, 2.0, 1.0]))
    found = tsv_m.merge([descending, descending.flip(0, 1)], W)
    torch.testing.assert_close(found, torch.diag(torch.tensor([4.0, 3.0, 3.0, 4.0])))


def test_iso_c_gives_the_sum_one_singular_value():
    """diag(1, 0) + diag(0, 3) has 1 and 3, whose mean is 2."""
    vectors = [torch.diag(torch.tensor([1.0, 0.0])), torch.diag(torch.tensor([0.0, 3.0]))]
    close(iso_c.merge(vectors, W), [[2.0, 0.0], [0.0, 2.0]])


@pytest.mark.parametrize("method", [tsv_m, iso_c])
def test_what_is_no_matrix_is_averaged(method):
    assert method.merge([torch.tensor([1.0, 4.0]), torch.tensor([3.0, 0.0])], W).tolist() == [2, 2]


LAYERS = [f"model.encoder.layers.{layer}.fc1.weight" for layer in (0, 1, 2)]


def test_lines_rise_or_fall_with_depth_in_each_stack():
    """Of three layers the second is halfway from 0.2 to 1: 0.6."""
    names = [*LAYERS, "model.encoder.conv1.weight", "model.decoder.layers.0.fc1.weight"]
    parameters = place(names)
    assert [each.depth for each in parameters] == [0, 0.5, 1, None, 1]
    ones = torch.ones(1)

    def factors(method, *numbers: float) -> list[float]:
        found = [method.merge([ones, ones], each, *numbers).item() for each in parameters[:4]]
        return [round(factor, 6) for factor in found]

    assert factors(lines) == [0, 0.5, 1, 0]
    assert factors(lines, 0.2) == [0.2, 0.6, 1, 0.2]
    assert factors(lines_falling) == [1, 0.5, 0, 1]
    assert factors(lines_falling, 0.2) == [1, 0.6, 0.2, 1]


def test_the_cross_attention_has_a_factor_and_all_else_stays():
    vector = [torch.tensor([4.0])]
    for name, expected in (
        ("model.decoder.layers.0.encoder_attn.k_proj.weight", 1),
        ("model.decoder.layers.0.encoder_attn_layer_norm.bias", 1),
        ("model.decoder.layers.0.self_attn.k_proj.weight", 4),
        ("model.encoder.layers.0.self_attn.k_proj.weight", 4),
    ):
        assert cross_attention.merge(vector, Parameter(name, 1), 0.25).item() == expected


def write(path: Path, tensors: dict[str, torch.Tensor]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)
    return str(path)


def merged(method: str, vectors: list[str], output: Path) -> dict[str, torch.Tensor]:
    merge.main(["--method", method, "--vectors", *vectors, f"--output={output}"])
    return load_file(output)


@pytest.fixture
def vectors(tmp_path: Path) -> list[str]:
    """Two vectors of a tiny Whisper, with a parameter that is empty and one that is a number."""
    model = load_file(write_whisper(tmp_path / "base") / "model.safetensors")
    paths = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        tensors = {name: torch.randn_like(tensor) for name, tensor in model.items()}
        tensors |= {"empty": torch.empty(0, 3), "scalar": torch.tensor(float(seed))}
        paths.append(write(tmp_path / f"{seed}.safetensors", tensors))
    return paths


NUMBERED = {"cross_attention": "cross_attention0.5"}


@pytest.mark.parametrize("name", METHODS)
def test_each_method_merges_vectors_of_a_whisper_parameter_by_parameter(vectors, tmp_path, name):
    found = merged(NUMBERED.get(name, name), vectors, tmp_path / "out.safetensors")
    first, second = map(load_file, vectors)
    assert {key: tensor.shape for key, tensor in found.items()} == {
        key: tensor.shape for key, tensor in first.items()
    }
    module = __import__(f"merging.{name}", fromlist=["merge"])
    numbers = [0.5] if name in NUMBERED else []
    for parameter in place(found):
        if parameter.name != "empty":
            both = [first[parameter.name], second[parameter.name]]
            expected = module.merge(both, parameter, *numbers)
            torch.testing.assert_close(found[parameter.name], expected)
    assert any(tensor.any() for tensor in found.values())
    record = read_record(sidecar(tmp_path / "out.safetensors"))
    others = {f"merging/{other}.py" for other in METHODS} - {f"merging/{name}.py"}
    assert f"merging/{name}.py" in record.content["modules"]
    assert not others & record.content["modules"].keys()
    assert record.content["parameters"]["name"] == name


@pytest.mark.parametrize("name", [name for name, about in METHODS.items() if about.fewest == 1])
def test_of_one_vector_a_method_makes_another_that_is_added_like_any(vectors, tmp_path, name):
    one = load_file(vectors[0])
    del one["empty"], one["scalar"]
    path = write(tmp_path / "one.safetensors", one)
    merged(NUMBERED.get(name, name), [path], tmp_path / "out.safetensors")
    base = tmp_path / "base/model.safetensors"
    task_vector.main(
        ["apply", f"--checkpoint={base}", f"--vector={tmp_path / 'out.safetensors'}"]
        + ["--scaling-coefficient=0.5", f"--output={tmp_path / 'adapted/model.safetensors'}"]
    )
    assert load_file(tmp_path / "adapted/model.safetensors").keys() == one.keys()


def test_a_number_behind_the_name_is_told_to_the_method(tmp_path):
    path = write(tmp_path / "v", {"w": torch.arange(1.0, 11)})
    assert merged("ties", [path], tmp_path / "a")["w"].count_nonzero() == 2
    assert merged("ties0.5", [path], tmp_path / "b")["w"].count_nonzero() == 5
    record = read_record(sidecar(tmp_path / "b"))
    assert record.content["parameters"] == {"name": "ties", "number": 0.5}


@pytest.mark.parametrize(
    ("method", "count", "message"),
    [("slerp", 3, "slerp merges exactly 2, not 3"), ("model_stock", 1, "at least 2, not 1")],
)
def test_too_few_or_too_many_vectors_are_refused(tmp_path, method, count, message):
    paths = [write(tmp_path / str(name), {"w": torch.ones(2)}) for name in range(count)]
    with pytest.raises(InputError, match=message):
        merged(method, paths, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_not_trained_keeps_its_bits(tmp_path):
    """0 stays 0 and -0 stays -0, which added to a weight leaves it as it is to the bit."""
    path = write(tmp_path / "v", {"w": torch.ones(2), "b": torch.tensor([-0.0])})
    for name in METHODS:
        if METHODS[name].fewest == 1:
            found = merged(NUMBERED.get(name, name), [path, path], tmp_path / name)
            assert torch.signbit(found["b"]).item()


def test_vectors_of_different_models_and_values_that_are_not_finite_are_refused(tmp_path):
    one = write(tmp_path / "one", {"w": torch.ones(2), "b": torch.ones(1)})
    less = write(tmp_path / "less", {"w": torch.ones(2)})
    longer = write(tmp_path / "longer", {"w": torch.ones(3), "b": torch.ones(1)})
    broken = write(tmp_path / "broken", {"w": torch.tensor([1.0, math.nan]), "b": torch.ones(1)})
    for other, message in (
        (less, "1 parameter is only in .*one, first 'b'"),
        (longer, r"'w' is \[2\] in .*one and \[3\] in"),
        (broken, "'w' comes out with 1 of 2 values not finite"),
    ):
        with pytest.raises(InputError, match=message):
            merged("iso_c", [one, other], tmp_path / "out")
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tie", "'tie' is no method; known are breadcrumbs, "),
        ("ties0", "'ties0': behind ties stands the share of the values that are kept, from 0.0001"),
        ("ties1.5", "from 0.0001 to 1, as short as it can be written: ties0.5"),
        ("ties0.50", "as short as it can be written"),
        ("tsv_m0.5", "'tsv_m0.5': tsv_m takes no number; write tsv_m"),
        ("cross_attention", "'cross_attention' lacks its number, the factor of the cross-att"),
    ],
)
def test_a_method_is_named_in_one_way(text, message):
    assert method_of("ties0.5") == Method("ties", 0.5)
    assert method_of("cross_attention0") == Method("cross_attention", 0)
    with pytest.raises(InputError, match=message):
        method_of(text)


def test_the_docs_say_what_each_method_does():
    rows = re.findall(r"^\| `(\w+?)(?:0\.5)?` \|", PAGE.read_text(), flags=re.MULTILINE)
    schema = load_schema()["properties"]["task_vector"]["properties"]["vectors"]["description"]
    assert sorted(METHODS) == sorted(set(rows) & METHODS.keys()) == list(METHODS)
    assert all(re.search(rf"\b{name}(?:0\.5)?\b", schema) for name in METHODS)


def test_a_kind_is_what_a_vector_is_made_of_and_how():
    assert parts_of("domains-ties0.3") == ("domains", "ties0.3")
    assert parts_of("encoder-decoder0.5-lines") == ("encoder-decoder0.5", "lines")
    assert parts_of("encoder-decoder0.5") == ("encoder-decoder0.5", "")
    assert parts_of("pooled") == ("pooled", "")
