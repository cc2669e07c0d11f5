"""YAML as it is written: no value is silently another one, and no file ends in a traceback."""

import copy
import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import experiment
import matrix
from configs import reading
from errors import InputError
from files.strict_yaml import line_of, load_yaml
from runs.site import read_site
from test_experiment import CONFIG


def read(tmp_path: Path, text: str | bytes) -> dict:
    path = tmp_path / "my.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_yaml(path)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-5", 0.00001),
        ("1E5", 100000.0),
        ("-2.5e-3", -0.0025),
        (".5", 0.5),
        ("+3", 3),
        ("0.10", 0.1),
        ("no", "no"),
        ("Off", "Off"),
        ("yes", "yes"),
        ("y", "y"),
        ("True", True),
        ("false", False),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("'010'", "010"),
        ("~", None),
        ("", None),
        ("=", "="),
    ],
)
def test_a_value_is_what_yaml_1_2_says(tmp_path, written, value):
    assert read(tmp_path, f"key: {written}\n") == {"key": value}


@pytest.mark.parametrize("key", ["on", "no", "2024", "1e3", "true", "null", "010", "1:30", "~"])
def test_a_key_is_the_text_that_is_written(tmp_path, key):
    assert read(tmp_path, f"{key}: 1\n") == {key: 1}


def test_json_is_read_too_with_its_tabs_and_the_mark_of_an_editor(tmp_path):
    assert read(tmp_path, '\ufeff{\n\t"a": 1e-5\n}') == {"a": 0.00001}
    assert read(tmp_path, "\ufeffa: b\r\nc: d\r\n") == {"a": "b", "c": "d"}
    assert read(tmp_path, "{a: b}") == {"a": "b"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 010\n", r'my\.yaml:2: 010 is 10 to some .* write 10, .* quote it: "010"'),
        ("a: [1, 08]", r"my\.yaml:1: 08 is 8 to some"),
        ("a:\n\tb: 1\n", r"my\.yaml:2: not YAML: .*; indent with spaces, not tabs"),
        ("a: 1\nb: 2\na: 3\n", r"my\.yaml:3: 'a' stands already in line 1"),
        ("1: 1\n'1': 2\n", r"my\.yaml:2: '1' stands already in line 1"),
        ('{"a": 1, "a": 2}', r"my\.yaml: 'a' stands twice"),
        ("[a]", r"my\.yaml: is a list, not a mapping of keys"),
        ("- name: a\n", r"my\.yaml: is a list"),
        ("name:demo\n", r"my\.yaml: is the text 'name:demo'.*with a space after the colon"),
        ("a: b: c\n", r"my\.yaml:1: not YAML: mapping values are not allowed"),
        ("a: 'b\n", r"my\.yaml:2: not YAML: found unexpected end"),
        ("? [a]\n: 1\n", r"my\.yaml:1: a key must be a word"),
        ("a: 1\n---\nb: 2\n", r"my\.yaml:2: not YAML: but found another document"),
        ("a: !!python/object/apply:os.getcwd []\n", r"my\.yaml:1: tags .* are not read"),
        ("a: !!int x\n", r"my\.yaml:1: tags .* are not read"),
        ("a: &b [*b]\n", r"my\.yaml:1: holds an alias of itself"),
        ("a: &b {<<: *b}\n", r"my\.yaml:1: holds an alias of itself"),
        ("a: *b\n", r"my\.yaml:1: not YAML: found undefined alias"),
        (b"a: 1\nb: caf\xe9\n", r"my\.yaml:2: not readable as UTF-8 text \(byte 0xe9\)"),
        ("a: 1\n".encode("utf-16"), r"my\.yaml: is in UTF-16; convert it"),
        ("a: \x07\n", r"my\.yaml: not YAML: .*special characters are not allowed"),
        ("a: " + "[" * 5000, r"my\.yaml: not read: its lists or mappings lie too deep"),
        ("a: " + "[" * 70 + "]" * 70, r"my\.yaml: not read: its lists or mappings lie too deep"),
        ("a:\n  b: " + "9" * 5000, r"my\.yaml:2: 9{20} has more than 20 digits; write a number"),
        ("a: .nan", r"my\.yaml:1: \.nan is not finite; write a number"),
        ("a: [1, -.inf]", r"my\.yaml:1: -\.inf is not finite"),
        ("a: 1e999", r"my\.yaml:1: 1e999 is not finite"),
    ],
)
def test_what_is_no_mapping_or_can_be_read_in_two_ways_is_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_what_is_not_there_or_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: no such file"):
        load_yaml(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="is a folder, not a file"):
        load_yaml(tmp_path)


def test_aliases_of_aliases_are_counted_before_they_are_written_out(tmp_path):
    """Nine of nine of nine ...: 9 ** 9 entries in ten lines."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    with pytest.raises(
        InputError, match=r"more than .* 20,000 values, where its aliases .* out, 490,\d+,\d+; "
    ):
        read(tmp_path, "\n".join(lines))
    assert read(tmp_path, "a: &a {b: 1}\nc: {<<: *a, d: 2}")["c"] == {"b": 1, "d": 2}


def test_the_line_of_a_place_is_that_of_the_deepest_part_that_is_there(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text(
        "a:\n  b.c:\n    - 1\n    - x: 2\n      y: 3\n  d: &d\n    z: 1\n  e: {<<: *d}\n"
    )
    for place, line in {"a.b.c.1.y": 5, "a.b.c": 2, "a.b.c.0": 3, "a.e.z": 7, "a.none": 1}.items():
        assert line_of(path, place)[1] == line, place
    assert line_of(path, "none") == (0, 1)


# --- experiments


EXPERIMENT = yaml.safe_dump({key: value for key, value in CONFIG.items() if key != "window"})
LINES = EXPERIMENT.count("\n")


def experiment_of(tmp_path: Path, more: str, **overrides: object) -> dict:
    """Return the experiment with some lines more, which begin in line LINES + 1."""
    path = tmp_path / "my.yaml"
    path.write_text(f"{EXPERIMENT}{more}\n")
    return reading.read([path], overrides)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("batch_size: yes", r"batch_size: 'yes' is not of type 'integer'.*decimal digits"),
        ("batch_size: 8.0", r"batch_size: 8\.0 is not of type 'integer'.*Write 8\."),
        ("batch_size: 1e1", r"batch_size: 10\.0 is not of type 'integer'.*Write 10\."),
        ("batch_size: 1.5", r"batch_size: 1\.5 is not of type 'integer'.*Write a whole number"),
        ("batch_size: true", r"batch_size: true is not of type 'integer'"),
        ("batch_size: 1_000", r"batch_size: '1_000' is not of type 'integer'.*decimal digits"),
        ("window: 1:30", r"window: '1:30' is not of type 'number'.*decimal digits"),
        ("window: 0x0F", r"window: '0x0F' is not of type 'number'"),
        ("window: '10'", r"window: '10' is not of type 'number'.*without quotes"),
        ("window: .nan", r"\.nan is not finite; write a number"),
        ("window: 1e999", r"1e999 is not finite; write a number"),
        ("resamples: 99999999999999999999", r"resamples: 99999999999999999999 is no number that"),
        ("window:", r"window: null is not of type 'number'.*Nothing stands there"),
        ("precision: no", r"precision: 'no' is not one of \['auto', 'bf16', 'fp32'\]"),
        ("precision: 16", r"precision: 16 is not one of"),
        ("resampled_by: null", r"resampled_by: null is not one of"),
        ("seeds: 1", r"seeds: 1 is not of type 'array'.*Write \[1\]"),
        ("seeds: [4294967296]", r"seeds\.0: 4294967296 is greater than the maximum"),
        ("forgetting: [2024]", r'forgetting\.0: 2024 is not of type \'string\'.*quote it: "2024"'),
        ("forgetting: [true]", r'forgetting\.0: true is not of type \'string\'.*quote it: "true"'),
        ("batch_size:", r"batch_size: null is not of type 'integer'"),
        ("on: 1", r"top level: unknown key 'on'"),
        ("2024: 1", r"top level: unknown key '2024'"),
        ("~: 1", r"top level: unknown key '~'"),
        ("windw: 1", r"top level: unknown key 'windw'; did you mean 'window'\?"),
    ],
)
def test_a_surprise_has_its_line_its_value_and_its_remedy(tmp_path, more, message):
    with pytest.raises(InputError, match=rf"my\.yaml:{LINES + 1}: {message}"):
        experiment_of(tmp_path, more)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("[2024]", r'source\.0: 2024 is not of type \'string\'.*quote it: "2024"'),
        ("games", r"source: 'games' is neither a list of names, \[a, b\], nor complement"),
        ("5", r"source: 5 is neither a list"),
        ("null", r"source: null is neither a list"),
        ("[]", r"source: \[\] should be non-empty"),
        ("[games, games]", r"source: \['games', 'games'\] has non-unique elements"),
    ],
)
def test_a_wrong_list_of_domains_is_told_as_the_list_that_it_is(tmp_path, source, message):
    text = EXPERIMENT.replace("source:\n- games\n", f"source: {source}\n")
    line = text[: text.index("source:")].count("\n") + 1
    (tmp_path / "my.yaml").write_text(text)
    with pytest.raises(InputError, match=rf"my\.yaml:{line}: {message}"):
        reading.read([tmp_path / "my.yaml"])


def test_domains_and_languages_that_yaml_1_1_took_for_switches_and_numbers_are_names(tmp_path):
    text = EXPERIMENT.replace("  shop:", "  no:").replace("- shop", "- no")
    text = text.replace("  phone:", "  2024:").replace("- phone", '- "2024"')
    (tmp_path / "my.yaml").write_text(text.replace("1.0e-05", "1e-5"))
    config = reading.read([tmp_path / "my.yaml"])
    assert config["targets"] == ["2024", "no"]
    assert config["base_models"]["tiny"]["finetune"]["learning_rate"] == 0.00001
    (tmp_path / "norwegian.yaml").write_text("language: no\n")
    assert load_yaml(tmp_path / "norwegian.yaml") == {"language": "no"}


def test_a_name_that_can_not_be_one_is_told_in_its_own_line(tmp_path):
    text = EXPERIMENT.replace("  shop:", "  two-words:")
    (tmp_path / "my.yaml").write_text(text)
    line = text[: text.index("  two-words:")].count("\n") + 1
    with pytest.raises(InputError, match=rf"my\.yaml:{line}: domains: 'two-words' can't be a name"):
        reading.read([tmp_path / "my.yaml"])


ODD = [None, True, -1, 1.5, math.nan, 10**30, "x", "..", "{x}\n", "\ud800", [], [None], {}, {"": 1}]


def test_no_value_in_any_place_of_a_config_ends_in_a_traceback():
    """Each of these in the place of each key and item, at every depth, defaults filled in."""
    whole = reading.complete_and_check(copy.deepcopy(CONFIG))
    places = [place for place in places_of(whole) if place[:2] != ("artifacts", "queen")]
    assert len(places) > 100
    refused = 0
    for place in places:
        for odd in ODD:
            config = copy.deepcopy(whole)
            part = config
            for key in place[:-1]:
                part = part[key]
            part[place[-1]] = odd
            try:
                list(matrix.evaluations(reading.complete_and_check(config)))
            except InputError as error:
                assert str(error).startswith("config: "), error
                refused += 1
    assert refused > 0.8 * len(places) * len(ODD)


def places_of(value: object, place: tuple = ()) -> Iterator[tuple]:
    """Yield where each value of a config is, but the config itself."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in pairs:
        yield (*place, key)
        if isinstance(part, dict | list):
            yield from places_of(part, (*place, key))


def test_a_number_for_a_name_is_told_to_be_quoted(tmp_path):
    (tmp_path / "my.yaml").write_text(EXPERIMENT.replace("name: tiny", "name: 2024"))
    with pytest.raises(InputError, match=r"name: 2024 is not of type 'string'.*quote it: \"2024\""):
        reading.read([tmp_path / "my.yaml"])


@pytest.mark.parametrize(
    "source",
    ["{url: https://me:secret@host/a b}", "{pypi: https://me:secret@host/x, member: a}"]
    + [
        "https://me:secret@host/a",
        "{url: https://me:secret@host/a, nmber: a",
        "[[https://me:secret@host",
    ],
)
def test_no_message_tells_the_password_of_an_address(tmp_path, source):
    files = f"{{a: {{checksum: first-use, sources: [{source}]}}}}"
    text = EXPERIMENT.replace(
        "artifacts:\n", f"artifacts:\n  x: {{licence: MIT, files: {files}}}\n"
    )
    (tmp_path / "my.yaml").write_text(text)
    with pytest.raises(InputError, match=r"my\.yaml:\d+: ") as error:
        reading.read([tmp_path / "my.yaml"])
    assert "secret" not in str(error.value) and "host" in str(error.value)


def test_a_switch_is_true_or_false(tmp_path):
    text = EXPERIMENT.replace("engine: kokoro", "engine: kokoro\n    held_out: no")
    (tmp_path / "my.yaml").write_text(text)
    with pytest.raises(InputError, match=r"held_out: 'no' is not of type 'boolean'.*true or false"):
        reading.read([tmp_path / "my.yaml"])


def test_a_config_that_is_empty_says_so(tmp_path):
    for text in ("", "# nothing\n", "null\n", "{}"):
        (tmp_path / "my.yaml").write_text(text)
        with pytest.raises(InputError, match=r"my\.yaml: is empty; config\.yaml shows"):
            reading.read([tmp_path / "my.yaml"])


def test_nan_and_infinity_pass_no_bound_wherever_they_come_from(tmp_path):
    for value in (math.nan, math.inf, -math.inf):
        config = copy.deepcopy(CONFIG) | {"filter": {"max_silence": value}}
        with pytest.raises(InputError, match=r"config: filter\.max_silence: -?(nan|inf) is no num"):
            reading.complete_and_check(config)
        with pytest.raises(InputError, match=r"--experiment: filter\.max_silence: -?(NaN|Inf)"):
            experiment.main(["--experiment", json.dumps(config)])
        with pytest.raises(InputError, match=r"--config: window: -?(nan|inf) is no number"):
            experiment_of(tmp_path, "", window=value)


def test_files_are_added_up_and_what_the_command_line_says_wins(tmp_path):
    (tmp_path / "more.yaml").write_text("filter: {max_cer: 0.1}\nseeds: [3]\nwindow: 20\n")
    (tmp_path / "my.yaml").write_text(EXPERIMENT + "filter: {max_silence: 0.5, max_cer: 0.2}\n")
    files = [tmp_path / "my.yaml", tmp_path / "more.yaml"]
    config = reading.read(files, {"window": 5, "filter": {"max_silence": 0.4}})
    assert (config["window"], config["seeds"]) == (5, [3])
    assert (config["filter"]["max_cer"], config["filter"]["max_silence"]) == (0.1, 0.4)


def test_a_mistake_is_placed_in_the_file_that_has_it_or_on_the_command_line(tmp_path):
    (tmp_path / "more.yaml").write_text("seeds: [3]\nfilter:\n  max_cer: none\n")
    (tmp_path / "my.yaml").write_text(EXPERIMENT + "batch_size: 0\n")
    files = [tmp_path / "my.yaml", tmp_path / "more.yaml"]
    with pytest.raises(InputError, match=rf"my\.yaml:{LINES + 1}: batch_size: 0 is less"):
        reading.read(files)
    with pytest.raises(InputError, match=r"more\.yaml:3: filter\.max_cer: 'none' is not of type"):
        reading.read(files, {"batch_size": 8})
    with pytest.raises(InputError, match=r"^--config: batch_size: 'x' is not of type"):
        reading.read(files, {"batch_size": "x"})


def test_a_clusters_file_is_read_by_the_same_rules(tmp_path):
    (tmp_path / "site.yaml").write_text("account: no\ncores_per_gpu: 4\njobs: 010\n")
    with pytest.raises(InputError, match=r"site\.yaml:3: 010 is 10 to some"):
        read_site(tmp_path / "site.yaml")
    (tmp_path / "site.yaml").write_text("account: no\ncores_per_gpu: 4\njobs: 10\n")
    assert read_site(tmp_path / "site.yaml").account == "no"
