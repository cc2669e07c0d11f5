"""The config's checks, and the matrix that follows from it."""

import copy
import json

import pytest

import experiment
from errors import InputError

CONFIG = {
    "name": "tiny",
    "model": {"artifact": "base"},
    "window": 10,
    "source": ["games"],
    "targets": ["phone", "shop"],
    "domains": {
        "games": {"corpus": "amazon_queen", "artifact": "queen"},
        "phone": {"manifest": "phone.jsonl"},
        "shop": {"texts": "shop.txt"},
    },
    "tts": {"kokoro": {"engine": "kokoro", "artifact": "voices", "voices": ["a", "b"]}},
    "finetune": {"learning_rate": 1e-5, "epochs": 2},
    "task_vector": {"scaling_coefficients": [0.25, 0.5]},
    "artifacts": {name: {"licence": "MIT", "files": {}} for name in ("base", "queen", "voices")},
}


def changed(**changes) -> dict:
    return experiment.check(copy.deepcopy(CONFIG) | changes)


def test_defaults_are_filled_in_at_every_depth():
    config = changed()
    assert config["seeds"] == [1]
    assert config["domains"]["games"]["dev"] == 50
    assert config["domains"]["phone"]["max_duration"] == 10  # the window
    assert config["task_vector"]["delivered"]["scaling_coefficient"] == 0.25
    assert config["filter"]["max_duration"] == 10


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"windw": 10}, r"top level: unknown key 'windw'; did you mean 'window'\?"),
        ({"window": "ten"}, r"window: 'ten' is not of type 'number'\. Audio window in seconds"),
        ({"window": 31}, r"window: 31 is greater than the maximum of 30"),
        ({"targets": ["phon"]}, r"targets: 'phon' is not under domains; did you mean 'phone'\?"),
        ({"targets": ["games"]}, r"targets: 'games' is a source too"),
        ({"source": ["shop"]}, r"'shop' has texts only; a source needs recordings"),
        ({"model": {"artifact": "huge"}}, r"model\.artifact: 'huge' is not under artifacts"),
        ({"arms": ["pretraned"]}, r"arms\.0: 'pretraned' is not one of"),
        (
            {"task_vector": {"chosen_on": "bark"}},
            r"task_vector\.chosen_on: 'bark' is not under tts; known: real, kokoro",
        ),
        (
            {"finetune": {"learning_rate": 1e-5, "epochs": 2, "epoch": 3}},
            r"finetune: unknown key 'epoch'; did you mean 'epochs'\?",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_and_remedy(changes, message):
    with pytest.raises(InputError, match=message):
        changed(**changes)


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ({"texts": "a.txt", "manifest": "b.jsonl"}, r"exactly one of these must be given"),
        ({"corpus": "amazon_queen"}, r"exactly one of these must be given: corpus and artifact"),
        ({"manifest": "b.jsonl", "max_duration": 20}, r"20 s is more than the window of 10 s"),
        ({"manifest": "b.jsonl", "test": 0}, r"domains\.phone\.test: 0 utterances give no WER"),
    ],
)
def test_a_domain_has_one_origin_that_fits(domain, message):
    with pytest.raises(InputError, match=message):
        changed(domains=CONFIG["domains"] | {"phone": domain})


@pytest.mark.parametrize("name", ["source", "real", "mixed", "two-words", "Upper", "a/b"])
def test_names_that_would_confuse_file_names_are_refused(name):
    with pytest.raises(InputError, match="can't be a name here"):
        changed(domains=CONFIG["domains"] | {name: {"texts": "a.txt"}})


def test_a_key_that_stands_twice_is_refused_with_both_lines(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("domains:\n  phone: {texts: a}\n  shop: {texts: b}\n  phone: {texts: c}\n")
    with pytest.raises(InputError, match=r"config\.yaml:4: 'phone' stands already in line 2"):
        experiment.load_yaml(path)


def test_the_matrix_has_every_arm_once_and_every_vector_at_every_coefficient():
    rows = [row for row in experiment.evaluations(changed()) if row["target"] == "phone"]
    test = [row for row in rows if row["split"] == "test"]
    names = [(row["arm"], row["scaling_coefficient"]) for row in test]
    assert names == [
        ("pretrained", None),
        ("source-real", None),
        ("source-synthetic", None),
        ("source-mixed", None),
        ("source-mixed->target-synthetic", None),
        ("target-synthetic", None),
        ("source-mixed->target-synthetic+vector", 0.25),
        ("source-mixed->target-synthetic+vector", 0.5),
        ("target-synthetic+vector", 0.25),
        ("target-synthetic+vector", 0.5),
        ("target-real", None),
    ]
    dev = [row for row in rows if row["split"] == "dev"]
    assert [row["scaling_coefficient"] for row in dev] == [0.25, 0.5, 0.25, 0.5]
    assert {row["vector_on"] for row in dev} == {
        "source-mixed->target-synthetic",
        "target-synthetic",
    }


def test_the_pretrained_model_is_decoded_in_its_own_window_and_once_for_all_seeds():
    rows = list(experiment.evaluations(changed(seeds=[1, 2])))
    windows = {row["arm"]: row["window"] for row in rows}
    assert windows["pretrained"] == 30
    assert {window for arm, window in windows.items() if arm != "pretrained"} == {10}
    assert [row["seed"] for row in rows if row["arm"] == "pretrained"] == [0]
    assert [row["seed"] for row in rows if row["arm"] == "source-real"] == [1, 2]


def test_a_domain_of_texts_gives_a_checkpoint_and_no_score():
    (row,) = [row for row in experiment.evaluations(changed()) if row["target"] == "shop"]
    assert row["score"] is None
    assert row["model"] == "results/tiny/models/shop-kokoro+tv0.25/seed1"


def test_two_tts_share_the_arms_that_hear_none():
    tts = CONFIG["tts"] | {"bark": CONFIG["tts"]["kokoro"]}
    rows = [
        row
        for row in experiment.evaluations(changed(tts=tts))
        if row["target"] == "phone" and row["split"] == "test"
    ]
    count = {arm: sum(row["arm"] == arm for row in rows) for arm in {row["arm"] for row in rows}}
    assert count["pretrained"] == count["source-real"] == count["target-real"] == 1
    assert count["source-synthetic"] == count["target-synthetic"] == 2


def test_a_third_target_adds_rows_and_changes_none():
    before = list(experiment.evaluations(changed()))
    domains = CONFIG["domains"] | {"third": {"manifest": "third.jsonl"}}
    after = list(
        experiment.evaluations(changed(domains=domains, targets=["phone", "shop", "third"]))
    )
    assert [row for row in after if row["target"] != "third"] == before
    assert len(after) > len(before)


def test_the_command_line_writes_the_matrix(tmp_path):
    output = tmp_path / "evaluations.json"
    experiment.main(["--experiment", json.dumps(CONFIG), "--output", str(output)])
    assert json.loads(output.read_text()) == list(experiment.evaluations(changed()))


def test_only_the_topline_is_marked_as_trained_on_target_recordings():
    rows = list(experiment.evaluations(changed()))
    assert {row["arm"] for row in rows if row["target_recordings"] != "none"} == {"target-real"}
