"""What holds for any input: 10,000 cases that hypothesis draws, the same ones in each run."""

import copy
import json
import math
import re
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path

import jiwer
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

import arms
import paths
import places
from configs import known, reading
from drawn import configs
from errors import InputError
from files import json_file, manifest, strict_yaml
from groups import Cluster, Pool
from merging.parameter import Parameter
from methods import METHODS, parts_of
from names import JOINED, Name, check_name
from scoring.word_errors import align
from test_experiment import CONFIG
from texts.languages import NAMES as LANGUAGES
from texts.normalise import normalise
from vectors import arithmetic


def cases(count: int) -> settings:
    """Return the settings of a property that so many cases are tried on."""
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    return settings(
        max_examples=count, derandomize=True, deadline=None, database=None,
        suppress_health_check=slow,
    )  # fmt: skip


_KEPT = tempfile.TemporaryDirectory()  # removed at the end of the process
FOLDER = Path(_KEPT.name)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NUMBER = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**19), 10**19)
SCALAR = st.none() | st.booleans() | NUMBER | TEXT
JSON = st.recursive(
    SCALAR,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(TEXT, part, max_size=3),
    max_leaves=6,
)
LABEL = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cf", "Cn", "Co", "Zl", "Zp"]), max_size=20
)
READABLE = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co", "Zl", "Zp"]), max_size=12
)
"""Without line ends: YAML 1.1 has more of them than JSON."""


@pytest.fixture(autouse=True, scope="module")
def no_lazy_modules() -> None:
    """Forget modules that would only be imported now: hypothesis looks into all that there are."""
    for name, module in list(sys.modules.items()):
        if any(kind.__name__ == "LazyModule" for kind in type(module).__mro__):
            del sys.modules[name]


def written(name: str, text: str) -> Path:
    path = FOLDER / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


# -- files


@cases(100)  # each waits for the disk
@given(
    st.lists(
        st.fixed_dictionaries(
            {"id": LABEL, "audio_filepath": TEXT, "text": TEXT, "speaker": LABEL, "domain": LABEL}
            | {"duration": st.floats(0, manifest.LONGEST) | st.integers(0, manifest.LONGEST)},
            optional={"voice": LABEL, "more": JSON},
        ),
        max_size=4,
        unique_by=lambda row: row["id"],
    )
)
def test_a_manifest_is_read_as_it_was_written(rows):
    path = FOLDER / "manifest.jsonl"
    manifest.write_jsonl(path, rows)
    assert manifest.read_manifest(path) == rows


LINE = TEXT | st.sampled_from(['{"id": "a", "text": "b"}', '{"id": "c"}', "{}", "[]", ""])


@cases(1000)
@given(st.lists(LINE, max_size=4), st.binary(max_size=8))
def test_any_lines_are_a_manifest_or_an_input_error(lines, more):
    path = FOLDER / "lines.jsonl"
    path.write_bytes("\n".join(lines).encode() + more)
    try:
        rows = manifest.read_jsonl(path)
    except InputError as error:
        assert str(error).startswith(str(path))
    else:
        assert all(type(row["id"]) is str and type(row["text"]) is str for row in rows)


@cases(500)
@given(JSON)
def test_json_is_read_as_python_writes_it(content):
    assert json_file.parse(json.dumps(content), "a", "b") == content
    assert json_file.parse(json.dumps(content, ensure_ascii=False), "a", "b") == content


PIECES = ["{", "}", "[", "]", ":", ",", '"', "\\u", "d800", "1e999", "NaN", "-", "0", "9" * 30]
PIECES += ["null", "true", "\n", " ", '"a"', "- ", "&a ", "*a", "<<", "|", ">", "#", "\t", "? "]
PIECES += ["!!", "'", "%", "010", ".inf", "a: ", "---", "...", "\ufeff", "\0", "{" * 70, "[" * 999]
SCRAPS = st.lists(st.sampled_from(PIECES) | TEXT, max_size=10).map("".join)


@cases(800)
@given(SCRAPS)
def test_any_text_is_json_or_an_input_error(text):
    try:
        content = json_file.parse(text, "file.json", "mend it")
    except InputError as error:
        assert re.match(r"file\.json: .*; mend it$", str(error), re.DOTALL)
    else:
        assert json.loads(json.dumps(content)) == content


@cases(500)
@given(
    st.dictionaries(
        READABLE.filter(lambda key: key != "<<"),
        st.recursive(
            st.none() | st.booleans() | NUMBER | READABLE,
            lambda part: st.lists(part, max_size=3) | st.dictionaries(READABLE, part, max_size=3),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_what_json_says_yaml_says_too(content):
    assume('"<<"' not in (text := json.dumps(content, ensure_ascii=False)))
    assert strict_yaml.load_yaml(written("json.yaml", text)) == content
    assert strict_yaml.load_yaml(written("yaml.yaml", f"# flow style\n{text}\n")) == content


@cases(700)
@given(SCRAPS)
def test_any_text_is_yaml_or_an_input_error(text):
    path = written("any.yaml", text)
    try:
        content = strict_yaml.load_yaml(path)
    except InputError as error:
        assert str(error).startswith(str(path))
    else:
        assert all(type(key) is str for key in content)


# -- configs


def places_in(part: object, place: tuple = ()) -> list[tuple]:
    """Return where in a config something stands: the keys and indices to each part."""
    items = part.items() if isinstance(part, dict) else ()
    items = enumerate(part) if isinstance(part, list) else items
    return [place, *(found for key, each in items for found in places_in(each, (*place, key)))]


@cache
def words_of_schema() -> list:
    """Return keys, values and defaults that the schema has, wherever they belong."""
    found: dict[str, object] = {}

    def collect(part: object) -> None:
        if isinstance(part, dict):
            words = [*part.get("properties", ()), *part.get("enum", ()), part.get("default")]
            words += [part.get("minimum"), part.get("maximum"), part.get("const")]
            found.update((repr(word), word) for word in words if not isinstance(word, dict))
            for each in part.values():
                collect(each)
        elif isinstance(part, list):
            for each in part:
                collect(each)

    collect(known.load_schema())
    return [found[each] for each in sorted(found)]


PLACES = places_in(CONFIG)[1:]
VALUES = SCALAR | JSON | st.sampled_from([*words_of_schema(), *CONFIG["domains"], *CONFIG["tts"]])
KEYS = st.sampled_from([word for word in words_of_schema() if isinstance(word, str)]) | TEXT


def check_completed(config: dict) -> None:
    """Hold a config to what any is: an error in words, or one that completing leaves as it is."""
    try:
        completed = reading.complete_and_check(config)
    except InputError as error:
        assert len(str(error)) < 2000
    else:
        assert reading.complete_and_check(copy.deepcopy(completed)) == completed


@cases(500)
@given(st.sampled_from(PLACES), KEYS, VALUES, st.booleans())
def test_a_changed_config_is_completed_once_and_for_all_or_an_input_error(
    place, key, value, is_added
):
    config = copy.deepcopy(CONFIG)
    *above, last = place
    part = config
    for step in above:
        part = part[step]
    if is_added and isinstance(part[last], dict):
        part[last][key] = value
    else:
        part[last] = value
    check_completed(config)


@cases(1000)
@given(configs())
def test_so_is_one_whose_changes_fit_the_schema(config):
    check_completed(config)


# -- names

WORD = st.text("abcdefgh01_", min_size=1, max_size=6).filter(
    lambda word: word[0] != "_" and word not in JOINED
)
POOL = st.builds(
    lambda whole, left_out: str(Pool(whole, tuple(left_out))),
    st.sampled_from(["source", ""]),
    st.lists(WORD, max_size=3),
).filter(bool)
GROUP = WORD | POOL
SPEECH = WORD | st.sampled_from(["real", "pseudo"])
MODULES = st.sampled_from(["", "encoder", "decoder", "encoder-decoder0.5", "decoder0.25"])
METHOD = st.sampled_from(
    ["", *(name for name, about in METHODS.items() if not (about.number and about.number.required))]
    + ["ties0.3", "dare0.25", "slerp0.5", "cross_attention2"]
)
SCALE = st.floats(0, 10).map(lambda value: float(f"{value:.3f}"))
SEED = st.integers(0, 10**6)
DATA = st.builds(paths.TrainingData, GROUP, WORD, st.booleans(), GROUP | st.just("")) | st.builds(
    paths.TrainingData, GROUP, SPEECH
)
VECTOR = st.one_of(
    st.builds(paths.TaskVector, GROUP, SPEECH | st.just("engines"), st.booleans(), MODULES, METHOD),
    st.builds(
        lambda *parts: paths.TaskVector(parts[0], "pseudo", False, "", parts[1], parts[2]),
        GROUP,
        METHOD,
        st.integers(2, 99),
    ),
)
AIDS = st.builds(paths.Aids, WORD, st.just(True), st.booleans())
MODEL = st.builds(
    lambda data, first, added, aids, adaptation: paths.Model(
        data, first if data else None, *(added or (None, None)), aids, adaptation
    ),
    st.none() | DATA,
    st.none() | DATA,
    st.none() | st.tuples(VECTOR, SCALE),
    st.none() | AIDS,
    st.none() | st.sampled_from(["suta", "entropy", "pseudo_labels"]),
)
MANIFEST = st.builds(paths.Manifest, GROUP, SPEECH, st.sampled_from(["train", "dev", "test"]))
NAMES = st.one_of(
    DATA, VECTOR, AIDS, MODEL, MANIFEST,
    st.builds(Cluster, GROUP, st.integers(1, 9), st.integers(1, 9)),
    st.builds(paths.Checkpoint, WORD, MODEL, SEED),
    st.builds(places.VectorFile, WORD, VECTOR, SEED),
    st.builds(places.Hypotheses, WORD, MODEL, SEED, MANIFEST),
    st.builds(places.Score, WORD, MODEL, SEED, MANIFEST),
)  # fmt: skip


@cases(1000)
@given(NAMES)
def test_a_name_is_read_as_it_was_written(name):
    assert type(name).parse(str(name)) == name


KINDS = [paths.TrainingData, paths.TaskVector, paths.Aids, paths.Model, paths.Checkpoint]
KINDS += [paths.Manifest, places.Hypotheses, places.Score, places.VectorFile, Cluster, Pool]


@cases(700)
@given(
    st.sampled_from(KINDS),
    st.lists(st.sampled_from([*"-+/.0", "tv", "after", "seed1", "source", "ties"]) | WORD | TEXT),
    NAMES,
)
def test_any_text_is_a_name_that_is_written_so_or_an_input_error(kind: type[Name], parts, name):
    for text in ("".join(parts), str(name), str(name) + "".join(parts)):
        try:
            assert str(kind.parse(text)) == text
        except InputError as error:
            assert "is no name of" in str(error)


@cases(300)
@given(st.sampled_from(["", "domains-", "clusters3-", "encoder-"]), METHOD, WORD, WORD)
def test_the_kind_of_a_task_vector_is_read_off_its_name(whole, method, tts, group):
    kind = f"{whole or 'pooled-'}{method}".removesuffix("-")
    vector = arms.vector_of(kind, tts, group)
    assert arms.kind_of_vector(paths.TaskVector.parse(str(vector))) == kind
    assert parts_of(kind)[1] == method


@cases(300)
@given(TEXT | WORD, st.sampled_from(["experiment", "base model", "artifact", "domain", "tts"]))
def test_a_name_that_is_taken_is_one_plain_part_of_a_path(name, kind):
    try:
        check_name(name, kind)
    except InputError:
        return
    assert Path("results", name).parts == ("results", name) and name.isascii()


# -- merging

WHOLE = st.integers(-1000, 1000).map(float)  # whose sums float32 has without rounding
SIZE = 6


def tensors(count: int, values=WHOLE) -> st.SearchStrategy:
    of_size = st.lists(values, min_size=SIZE, max_size=SIZE).map(torch.tensor)
    return st.lists(of_size, min_size=count, max_size=count)


@cases(400)
@given(tensors(3), st.integers(-8, 8).map(lambda n: n / 4), st.integers(-8, 8))
def test_addition_is_linear_and_what_numpy_computes(parts, scale, more):
    theta, real, synthetic = parts
    vector = arithmetic.subtract(real, synthetic)
    assert torch.equal(arithmetic.add(theta, vector, 0), theta)
    assert torch.equal(arithmetic.add(synthetic, vector, 1), real)
    added = arithmetic.add(theta, vector, scale)
    expected = theta.double().numpy() + scale * (real.double().numpy() - synthetic.double().numpy())
    assert np.array_equal(added.double().numpy(), expected)
    both = arithmetic.add(added, vector, more)
    assert torch.equal(both, arithmetic.add(theta, vector, scale + more))


@cases(300)
@given(tensors(1, st.floats(-3, 3, width=32)), st.floats(-2, 2, width=32))
def test_addition_of_any_values_is_numpys_within_float32(parts, scale):
    [vector] = parts
    theta = torch.linspace(-1, 1, SIZE)
    expected = theta.numpy() + np.float32(scale) * vector.numpy()
    assert np.allclose(arithmetic.add(theta, vector, scale), expected, rtol=1e-6, atol=1e-6)


def saved(name: str, tensor: torch.Tensor) -> Path:
    path = FOLDER / f"{name}.safetensors"
    save_file({"model.decoder.a": tensor.numpy(), "model.encoder.b": -tensor.numpy()}, path)
    return path


@cases(100)
@given(st.integers(1, 4).flatmap(tensors), st.randoms(use_true_random=False))
def test_the_mean_of_files_is_numpys_in_any_order(parts, random):
    vectors = [saved(str(number), part) for number, part in enumerate(parts)]
    means = []
    for name in ("mean", "shuffled"):
        arithmetic.mean_files(vectors, FOLDER / f"{name}.safetensors")
        means.append(load_file(FOLDER / f"{name}.safetensors"))
        random.shuffle(vectors)
    for key, sign in (("model.decoder.a", 1), ("model.encoder.b", -1)):
        assert np.array_equal(means[0][key], means[1][key])
        expected = np.mean(sign * np.stack([part.numpy() for part in parts]), axis=0)
        assert np.allclose(means[0][key], expected, rtol=1e-6)


ANY_ORDER = ("breadcrumbs", "iso_c", "lines", "lines_falling", "model_stock", "ties", "tsv_m")


@cases(600)
@given(
    st.sampled_from(sorted(METHODS)),
    tensors(2),
    st.sampled_from([0.25, 0.5, 2.0, 64.0]),
    st.sampled_from([0.0, 0.5, 1.0, None]),
)
def test_a_merged_vector_scales_with_its_vectors_and_knows_no_order(method, parts, scale, depth):
    merge = import_module(f"merging.{method}").merge
    parameter = Parameter("model.decoder.layers.1.encoder_attn.k_proj.weight", depth)
    numbers = [0.5] if METHODS[method].number and METHODS[method].number.required else []
    vectors = [part.reshape(2, 3) for part in parts]
    merged = merge(vectors, parameter, *numbers)
    size = 1e-4 * (1 + max(float(part.abs().max()) for part in parts))
    scaled = merge([scale * part for part in vectors], parameter, *numbers)
    assert torch.isfinite(merged).all() and merged.shape == (2, 3)
    assert torch.allclose(scaled, scale * merged, atol=scale * size)
    if method in ANY_ORDER:
        swapped = merge(vectors[::-1], parameter, *numbers)
        assert torch.allclose(swapped, merged, atol=size)


# -- word errors

SENTENCE = st.lists(st.sampled_from("abcde"), max_size=7)


def distance(first: list[str], second: list[str]) -> int:
    """Return Levenshtein's distance, row by row."""
    row = list(range(len(second) + 1))
    for number, one in enumerate(first, start=1):
        before, row = row, [number]
        for column, other in enumerate(second, start=1):
            row.append(min(row[-1] + 1, before[column] + 1, before[column - 1] + (one != other)))
    return row[-1]


def errors_of(reference: list[str], hypothesis: list[str]) -> int:
    [counts] = align([" ".join(reference)], [" ".join(hypothesis)], "words")
    assert counts.hits + counts.substitutions + counts.deletions == len(reference)
    assert counts.hits + counts.substitutions + counts.insertions == len(hypothesis)
    return counts.errors


@cases(700)
@given(SENTENCE, SENTENCE, SENTENCE)
def test_word_errors_are_a_distance(first, second, third):
    errors = errors_of(first, second)
    assert errors == errors_of(second, first) == distance(first, second)
    assert (errors == 0) == (first == second)
    assert errors <= errors_of(first, third) + errors_of(third, second)
    assert abs(len(first) - len(second)) <= errors <= max(len(first), len(second))


@cases(300)
@given(st.lists(st.tuples(SENTENCE.filter(bool), SENTENCE), min_size=1, max_size=4))
def test_pooled_word_errors_are_jiwers_and_the_sum_of_each_texts(pairs):
    references, hypotheses = (
        [" ".join(each) for each in side] for side in zip(*pairs, strict=True)
    )
    rows = align(references, hypotheses, "words")
    errors, words = sum(row.errors for row in rows), sum(row.reference for row in rows)
    assert math.isclose(errors / words, jiwer.wer(references, hypotheses))
    assert errors == sum(errors_of(*pair) for pair in pairs)


@cases(200)
@given(TEXT, st.sampled_from(sorted(LANGUAGES)))
def test_a_normalised_text_is_words_between_single_spaces(text, language):
    assert normalise(text, language).split() == normalise(text, language).split(" ") or not (
        normalise(text, language)
    )


def test_ten_thousand_cases_are_tried():
    counts = re.findall(r"(?m)^@cases\((\d+)\)", Path(__file__).read_text())
    assert sum(map(int, counts)) == 10_000
