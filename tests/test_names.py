"""Names and numbers that become paths: one rule, and no two of them the same path."""

import copy
import json
import re
from dataclasses import asdict

import pytest

import efficiency
import fetch
import matrix
import paths
import prepare
import status
import synthesize
from errors import InputError
from names import check_name
from settings.schema import validate
from test_experiment import CONFIG, changed

UNFIT = ["..", ".", "", "-rf", "--help", "_a", ".a", "a\n", "a..b", "../a", "a/b", "a b", "A", "é"]
UNFIT += ["a" * 65, "a\x00", "~", "$(a)", "{a}", "<a>", "a*", "a:b", "a\\b"]


def named(kind: str, name: str) -> dict:
    """Return changes of the config that give something of a kind this name."""
    return {
        "experiment": {"name": name},
        "base model": {"base_models": {name: {"artifact": "base"}}},
        "artifact": {"artifacts": CONFIG["artifacts"] | {name: CONFIG["artifacts"]["base"]}},
        "domain": {"domains": CONFIG["domains"] | {name: {"texts": "a.txt"}}},
        "tts": {"tts": {name: CONFIG["tts"]["kokoro"]}},
    }[kind]


@pytest.mark.parametrize("kind", ["experiment", "base model", "artifact", "domain", "tts"])
@pytest.mark.parametrize("name", UNFIT)
def test_a_name_that_would_leave_its_folder_or_be_an_option_is_refused(kind, name):
    with pytest.raises(InputError, match="config: .*can't be a name here"):
        changed(**named(kind, name))


@pytest.mark.parametrize("kind", ["experiment", "base model", "artifact", "domain", "tts"])
@pytest.mark.parametrize("name", ["a", "0", "no", "2024", "1e3", "on", "a_b", "a" * 64])
def test_letters_digits_and_what_yaml_once_took_for_something_else_are_names(kind, name):
    assert changed(**named(kind, name))["name"] in ("tiny", name)


def test_hyphens_join_domains_and_tts_and_may_stand_in_other_names():
    assert [check_name("a-b", kind) for kind in ("experiment", "base model", "artifact")]
    for kind in ("domain", "tts"):
        with pytest.raises(InputError, match="'a-b' can't be a name here"):
            check_name("a-b", kind)
    assert check_name("whisper-tiny.en", "artifact") == "whisper-tiny.en"


@pytest.mark.parametrize(
    "name",
    ["source", "real", "mixed", "except", "each", "engines", "pseudo", "cluster", "clusters"],
)
@pytest.mark.parametrize("kind", ["domain", "tts"])
def test_a_word_of_the_file_names_is_no_domain_and_no_tts(kind, name):
    with pytest.raises(InputError, match=f"'{name}' can't be a name here: .*something else"):
        changed(**named(kind, name))


@pytest.mark.parametrize("name", ["sources", "constant", "pooled", "domains"])
def test_a_tts_is_not_called_like_a_choice_of_lambda_or_a_kind_of_vector(name):
    with pytest.raises(InputError, match=f"'{name}' can't be a name here: .*something else"):
        changed(**named("tts", name))


def test_an_experiment_is_not_called_like_the_folder_of_slurms_logs():
    with pytest.raises(InputError, match="'slurm_jobs' can't be a name here"):
        changed(name="slurm_jobs")


@pytest.mark.parametrize(
    ("command", "option", "name"),
    [
        (fetch, "--artifact", ".."),
        (prepare, "--domain", "../x"),
        (synthesize, "--tts", "a/b"),
        (status, "--experiment", ".."),
        (efficiency, "--experiment", "x\n"),
    ],
)
def test_commands_hold_the_names_that_they_are_given_to_the_same_rule(command, option, name):
    with pytest.raises(InputError, match="can't be a name here"):
        command.main([option, name])


# --- coefficients


@pytest.mark.parametrize(
    ("scale", "text"),
    [(0.25, "0.25"), (1, "1"), (1.0, "1"), (0.0001, "0.0001"), (123.456, "123.456")],
)
def test_a_coefficient_stands_in_file_names_as_it_is(scale, text):
    assert paths.coefficient(scale) == text
    assert re.fullmatch(paths.NUMBER, text) and float(text) == scale


@pytest.mark.parametrize(
    "scale", [5e-05, 0.1234567, 0.12345671, 123.4567, 0.1 + 0.2, 1e-300, 2**0.5]
)
@pytest.mark.parametrize("place", ["scaling_coefficients", "delivered"])
def test_one_that_would_stand_there_as_another_number_is_refused(scale, place):
    vector = copy.deepcopy(CONFIG["task_vector"])
    if place == "delivered":
        vector["delivered"] = {"scaling_coefficient": scale}
    else:
        vector["scaling_coefficients"] = [0.25, scale]
    with pytest.raises(
        InputError, match=rf"task_vector\.{place}.*in file names; write it with six"
    ):
        changed(task_vector=vector)


def test_numbers_of_one_path_are_one_coefficient_and_so_refused_as_twice_the_same():
    with pytest.raises(InputError, match="has non-unique elements"):
        changed(task_vector={"scaling_coefficients": [1, 1.0], "chosen_on": ["real"]})


def test_no_two_numbers_of_a_matrix_share_a_file():
    names = ("news", "play", "qa", "after", "tv")
    config = changed(
        domains={name: {"manifest": f"{name}.jsonl"} for name in names if name != "after"},
        source="complement",
        targets="all",
        tts={name: CONFIG["tts"]["kokoro"] for name in ("bark", "news", "qa")},
        arms=["pretrained", "pretrained+vector", "source-real", "source-synthetic"]
        + ["source-mixed", "source-mixed->target-synthetic", "target-synthetic", "target-real"]
        + ["source-mixed->target-synthetic+vector", "target-synthetic+vector"]
        + ["source-pseudo", "target-pseudo", "target-pseudo+vector"],
        finetune=CONFIG["finetune"] | {"trained": "all"},
        task_vector={"scaling_coefficients": [0.1, 0.11, 1, 11], "chosen_on": ["sources", "bark"]}
        | {
            "vectors": ["pooled", "domains", "engines", "encoder", "decoder0.1"]
            + ["pooled-ties", "domains-ties", "engines-ties0.1", "encoder-ties", "pooled-tsv_m"],
            "vectors_on_pseudo": ["pooled", "domains", "clusters2", "clusters4", "clusters4-ties"],
        }
        | {"delivered": {"scaling_coefficient": 1}},
    )
    of_score: dict[str, set] = {}
    for row in map(asdict, matrix.evaluations(config)):
        made = [row[key] for key in ("base", "model", "vector_path", "scaling_coefficient", "seed")]
        heard = [row[key] for key in ("domain", "speech", "split")]
        of_score.setdefault(row["score"], set()).add(json.dumps(made + heard))
    assert len(of_score) > 1000
    assert {len(numbers) for numbers in of_score.values()} == {1}
    assert len({number for numbers in of_score.values() for number in numbers}) == len(of_score)


def test_names_that_make_a_longer_file_name_than_disks_take_are_refused():
    long = {f"{letter * 60}": {"manifest": "a.jsonl"} for letter in "abc"}
    with pytest.raises(InputError, match=r"a file would be named a{60}-k{60}-after-except-a{60}"):
        changed(
            domains=long,
            source="complement",
            targets="all",
            tts={"k" * 60: CONFIG["tts"]["kokoro"]},
        )


def test_a_path_and_what_a_command_is_given_are_refused_where_they_would_be_read_as_more():
    for path in ("my {x}.jsonl", "<results>/a", "a.jsonl\n", "a\x00"):
        with pytest.raises(InputError, match=r"phone\.manifest: .*no braces or angle brackets"):
            changed(domains=CONFIG["domains"] | {"phone": {"manifest": path}})
        with pytest.raises(InputError, match=r"phone\.splits\.train: .*no braces"):
            splits = {"train": path, "test": "b"}
            changed(domains=CONFIG["domains"] | {"phone": {"splits": splits}})
    for voice in ("--output", "-x", "a\nb", ""):
        with pytest.raises(InputError, match=r"voices\.1: .*can't begin with a hyphen"):
            changed(tts={"kokoro": CONFIG["tts"]["kokoro"] | {"voices": ["a", voice]}})


def test_a_pattern_of_the_schema_holds_for_a_text_as_a_whole():
    """To Python's ``re`` a ``$`` also stands before a newline at the end."""
    text = {"type": "string", "pattern": "^[a-z]+$"}
    validate("abc", text)
    with pytest.raises(InputError):
        validate("abc\n", text)
