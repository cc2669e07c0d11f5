"""The config's checks, and the matrix that follows from it."""

import copy
import json
from dataclasses import asdict

import pytest

import experiment
import matrix
import roles
from arms import kind_of_vector, vector_of
from configs import checking, completing, known, reading
from conftest import ROOT
from corpora.slurp import PUBLISHED
from errors import InputError
from evaluation import label, symbol
from files.strict_yaml import load_yaml

FILES = {"weights": {"checksum": "first-use", "sources": [{"path": "/nowhere"}]}}
CONFIG = {
    "name": "tiny",
    "base_models": {"tiny": {"artifact": "base"}},
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
    "task_vector": {"scaling_coefficients": [0.25, 0.5], "chosen_on": ["real"]},
    "artifacts": {name: {"licence": "MIT", "files": FILES} for name in ("base", "queen", "voices")},
}


def changed(**changes) -> dict:
    return reading.complete_and_check(copy.deepcopy(CONFIG) | changes)


def rows_of(config: dict) -> list[dict]:
    """Return the matrix as its JSON has it."""
    return [asdict(row) for row in matrix.evaluations(config)]


def test_defaults_are_filled_in_at_every_depth():
    config = changed()
    assert config["seeds"] == [1]
    assert config["base_models"]["tiny"]["preset"] == known.DEFAULT_PRESET  # as the schema says
    assert config["domains"]["games"]["min_words"] == 1
    phone = config["domains"]["phone"]
    assert (phone["max_duration"], phone["max_test_duration"]) == (10, 3600)  # the window, an hour
    assert config["task_vector"]["constant"] == 0.25 and "delivered" not in config["task_vector"]
    assert config["filter"]["max_duration"] == 10


@pytest.mark.parametrize(
    ("given", "completed"),
    [
        ({"max_duration": 8}, {"max_duration": 8}),  # of all splits, as prepare.py takes it
        ({"max_test_duration": 90}, {"max_duration": 10, "max_test_duration": 90}),
    ],
)
def test_a_bound_of_durations_that_a_domain_names_is_of_its_test_set_too(given, completed):
    config = changed(domains=CONFIG["domains"] | {"phone": {"manifest": "phone.jsonl"} | given})
    phone = config["domains"]["phone"]
    durations = ("max_duration", "max_test_duration")
    assert {key: phone[key] for key in durations if key in phone} == completed
    assert reading.complete_and_check(config) == config


def with_keys(name: str, **keys: object) -> dict:
    """Return the domains, one of which has more keys."""
    return {"domains": CONFIG["domains"] | {name: CONFIG["domains"][name] | keys}}


def test_texts_are_selected_by_coverage_and_written_by_examples_unless_the_domain_says_more():
    written = {"artifact": "smollm2-135m", "texts": 9}
    config = changed(**with_keys("shop", select={"texts": 5}, generate=written))
    shop = config["domains"]["shop"]
    assert shop["select"] == {"texts": 5, "by": "coverage", "seed": 1}
    more = {"prompt": "", "examples": 8, "temperature": 0.7, "seed": 1}
    assert shop["generate"] == written | more
    assert "smollm2-135m" in config["artifacts"] and "select" not in config["domains"]["phone"]
    assert roles.texts_spoken(shop) == "selected"
    assert roles.texts_spoken({"generate": written}) == "written"
    assert roles.texts_spoken(config["domains"]["phone"]) == "train"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            with_keys("games", select={"texts": 5}),
            "games.select: is for a target, and 'games' is in",
        ),
        (
            with_keys("games", generate={"artifact": "smollm2-135m", "texts": 9}),
            "games.generate: is for a target, and 'games' is in the source",
        ),
        (
            with_keys("phone", select={"texts": 5}) | {"source": "complement", "task_vector": {}},
            "phone.select: is for a target, and 'phone' is in the source",
        ),
        (
            with_keys("shop", select={"texts": 5}, train=9),
            "shop.select: train draws 9 of the texts",
        ),
        (
            with_keys("shop", select={"texts": 5, "by": "phones"}) | {"language": "fr"},
            "shop.select.by: phones knows how English is said, and not French; take coverage",
        ),
        (
            with_keys("shop", select={"texts": 5, "by": "unlike_source"}) | {"targets": ["phone"]},
            "shop.select.by: unlike_source is for a target; add 'shop' to targets, or take",
        ),
        (
            with_keys("shop", select={"texts": 5, "by": "cover"}),
            r"select.by: 'cover' is not one of",
        ),
        (with_keys("shop", select={"by": "coverage"}), "'texts' is a required property"),
        (
            with_keys("shop", generate={"artifact": "smollm", "texts": 9}),
            "shop.generate.artifact: 'smollm' is not under artifacts; did you mean 'smollm2",
        ),
    ],
)
def test_texts_that_can_not_be_selected_or_written_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        changed(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"windw": 10}, r"top level: unknown key 'windw'; did you mean 'window'\?"),
        ({"window": "ten"}, r"window: 'ten' is not of type 'number'\. Audio window in seconds"),
        ({"window": 31}, r"window: 31 is greater than the maximum of 30"),
        ({"decoding_window": 9}, r"decoding_window: 9 s is less than the window of 10 s"),
        ({"targets": ["phon"]}, r"targets: 'phon' is not under domains; did you mean 'phone'\?"),
        ({"targets": ["games"]}, r"targets: 'games' is a source too"),
        ({"source": ["shop"]}, r"'shop' has texts only; a source needs recordings"),
        (
            {"base_models": {"tiny": {"artifact": "huge"}}},
            r"base_models\.tiny\.artifact: 'huge' is not under artifacts",
        ),
        (
            {"base_models": {"tiny": {"artifact": "base", "preset": "whisper-tny"}}},
            r"tiny\.preset: 'whisper-tny' is not under the presets; did you mean 'whisper-tiny'\?",
        ),
        ({"finetune": {"epochs": 0}}, r"neither finetune\.epochs nor max_steps"),
        ({"filter": {"base_model": "tny"}}, r"filter\.base_model: 'tny' is not under base_models"),
        (
            {"arms": ["pretraned"]},
            r"arms\.0: 'pretraned' is not one of.*Did you mean 'pretrained'\?",
        ),
        (
            {"task_vector": {"chosen_on": ["bark"]}},
            r"chosen_on: 'bark' is not under the choices and tts; known: constant, sources, real",
        ),
        (
            {"task_vector": {"chosen_on": ["sources"]}},
            r"chosen_on: sources, but 'phone' has a single source domain, which none is left",
        ),
        (
            {"task_vector": {"scaling_coefficients": [0.5]}},
            r"constant is task_vector\.constant, 0\.25, which is not among scaling_coeff",
        ),
        ({"forgetting": ["music"]}, r"forgetting: 'music' is not under domains; known: games"),
        ({"forgetting": ["shop"]}, r"forgetting: 'shop' has no recordings to test on"),
        (
            {"domains": CONFIG["domains"] | {"games": CONFIG["domains"]["games"] | {"test": 0}}},
            r"domains\.games\.test: 0, but models are tested on the source domains too",
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


@pytest.mark.parametrize("name", ["source", "real", "mixed", "except", "two-words", "Upper", "a/b"])
def test_names_that_would_confuse_file_names_are_refused(name):
    with pytest.raises(InputError, match="can't be a name here"):
        changed(domains=CONFIG["domains"] | {name: {"texts": "a.txt"}})


def test_a_key_that_stands_twice_is_refused_with_both_lines(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("domains:\n  phone: {texts: a}\n  shop: {texts: b}\n  phone: {texts: c}\n")
    with pytest.raises(InputError, match=r"config\.yaml:4: 'phone' stands already in line 2"):
        load_yaml(path)


def test_the_matrix_has_every_arm_once_and_every_vector_at_every_coefficient():
    rows = [row for row in rows_of(changed()) if row["target"] == "phone"]
    test = [row for row in rows if row["role"] == "test"]
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
    dev = [row for row in rows if row["role"] == "dev"]
    assert [row["scaling_coefficient"] for row in dev] == [0.25, 0.5, 0.25, 0.5]
    assert {row["vector_on"] for row in dev} == {
        "source-mixed->target-synthetic",
        "target-synthetic",
    }


@pytest.mark.parametrize(("asked", "window"), [({}, 30), ({"decoding_window": 25}, 25)])
def test_every_arm_is_decoded_in_one_window_which_is_whispers_own_unless_asked(asked, window):
    arms = [
        *load_yaml(known.SCHEMA)["properties"]["arms"]["default"],
        "pretrained+vector",
    ]
    rows = rows_of(changed(arms=arms, **asked))
    assert {row["arm"] for row in rows} == set(arms)
    assert {row["window"] for row in rows} == {window}


def test_the_pretrained_model_is_decoded_once_for_all_seeds():
    rows = rows_of(changed(seeds=[1, 2], forgetting=[]))
    tests = [row for row in rows if row["role"] == "test"]
    assert [row["seed"] for row in tests if row["arm"] == "pretrained"] == [0]
    assert [row["seed"] for row in tests if row["arm"] == "source-real"] == [1, 2]


AIDED = [
    f"{arm}+{aids}"
    for arm in ("pretrained", "target-synthetic", "source-real+target-synthetic")
    for aids in ("terms", "lm", "terms+lm")
]


def test_an_arm_with_aids_is_the_arm_without_but_for_its_decoder():
    """Two training TTS: key terms are told by the first; the pretrained model is decoded once."""
    tts = CONFIG["tts"] | {"bark": CONFIG["tts"]["kokoro"]}
    rows = of_target(changed(arms=AIDED, tts=tts, seeds=[1, 2], targets=["phone"]), "phone")
    terms = "results/tiny/key_terms/phone/kokoro.jsonl"
    texts = "results/tiny/texts/phone/train.jsonl"
    (one,) = [row for row in rows if row["arm"] == "pretrained+terms"]
    assert (one["seed"], one["tts"], one["model"]) == (
        0,
        None,
        "results/tiny/models/tiny/pretrained/seed0",
    )
    assert one["hypotheses"] == (
        "results/tiny/hypotheses/tiny/pretrained+phone-terms/seed0/phone/real/test.jsonl"
    )
    assert (one["aids"], one["terms_bonus"], one["texts_weight"]) == ([terms], 1, None)
    joint = [row for row in rows if row["arm"] == "source-real+target-synthetic+terms+lm"]
    assert [(row["tts"], row["seed"]) for row in joint] == [
        *(("kokoro", 1), ("kokoro", 2), ("bark", 1), ("bark", 2)),
    ]
    assert {row["model"] for row in joint[2:]} == {
        f"results/tiny/models/tiny/phone-bark-with-source/seed{seed}" for seed in (1, 2)
    }
    assert joint[3]["score"].split("/")[4:6] == ["phone-bark-with-source+phone-terms-lm", "seed2"]
    assert {(*row["aids"], row["terms_bonus"], row["texts_weight"]) for row in joint} == {
        (terms, texts, 1, 0.1)
    }
    assert len(rows) == 3 + 2 * 3 * 4  # once; and two arms with three kinds, two TTS and two seeds


def test_arms_with_aids_are_candidates_whose_evidence_is_decoded_as_the_test_is():
    """By texts of train, where evidence is of dev; no coefficient is chosen, nothing forgotten."""
    rows = rows_of(changed(arms=["pretrained", *AIDED], targets=["phone"]))
    aided = [row for row in rows if row["arm"] != "pretrained"]
    assert {row["role"] for row in aided} == {"test", "evidence"}
    led_by = {
        (row["role"], row["domain"], row["speech"]): {path for path in row["aids"]}
        for row in aided
        if row["arm"] == "target-synthetic+terms+lm"
    }
    files = {"results/tiny/key_terms/phone/kokoro.jsonl", "results/tiny/texts/phone/train.jsonl"}
    assert led_by == {
        ("test", "phone", "real"): files,
        ("evidence", "phone", "kokoro"): files,
        ("evidence", "source", "real"): files,
    }
    evidence = [row for row in aided if row["role"] == "evidence"]
    assert {row["split"] for row in evidence} == {"dev"} and len(evidence) == 2 * len(AIDED)
    assert {row["target_recordings"] for row in aided} == {"none"}
    by_hand = CONFIG["task_vector"] | {"delivered": {"scaling_coefficient": 0.25}}
    named = rows_of(changed(arms=["pretrained", *AIDED], targets=["phone"], task_vector=by_hand))
    assert named == [row for row in rows if row["role"] != "evidence"]


def test_experiments_without_aids_have_the_evidence_that_they_had():
    rows = rows_of(changed(arms=["pretrained", "pretrained+vector", "target-synthetic"]))
    assert {row["arm"] for row in rows if row["role"] == "evidence"} == {
        "pretrained",
        "target-synthetic",
    }


def test_arms_with_aids_are_asked_for_and_say_how_strong_they_are():
    schema = load_yaml(known.SCHEMA)["properties"]["arms"]
    assert set(AIDED) <= set(schema["items"]["enum"]) and not set(AIDED) & set(schema["default"])
    decoding = {"terms_bonus": 1.5, "texts_weight": 0.5}
    rows = rows_of(changed(arms=["pretrained+terms+lm"], decoding=decoding, targets=["phone"]))
    assert {(row["terms_bonus"], row["texts_weight"]) for row in rows} == {(1.5, 0.5)}
    with pytest.raises(InputError, match=r"decoding\.texts_weight: 0 "):
        changed(decoding={"texts_weight": 0})


@pytest.mark.parametrize(
    ("arm", "shown"),
    [
        ("pretrained+terms", "pretrained + key terms"),
        ("pretrained+lm", "pretrained + n-grams"),
        ("source-real+target-synthetic+terms+lm",
         "source-real+target-synthetic + key terms + n-grams"),
    ],
)  # fmt: skip
def test_aids_stand_behind_the_name_of_an_arm(arm, shown):
    assert label(arm, None, None) == shown
    assert label(arm, None, None, "kokoro") == f"{shown} (kokoro)"


def test_a_base_model_may_name_arms_of_its_own():
    models = CONFIG["base_models"] | {"lora": {"artifact": "base", "arms": ["source-real"]}}
    config = changed(arms=["pretrained", "source-real"], base_models=models)
    arms = {
        base: {each.arm for each in matrix.evaluations(config) if each.base == base}
        for base in models
    }
    assert arms.pop("lora") == {"source-real"}
    assert all(found == {"pretrained", "source-real"} for found in arms.values())
    models["lora"]["arms"] = ["source-mixed"]
    with pytest.raises(
        InputError, match=r"base_models\.lora\.arms: 'source-mixed' is not under arms"
    ):
        changed(arms=["pretrained", "source-real"], base_models=models)


def test_a_model_named_by_hand_is_not_made_of_a_base_model_whose_own_arms_lack_it():
    models = CONFIG["base_models"] | {"lora": {"artifact": "base", "arms": ["target-synthetic"]}}
    config = changed(base_models=models, task_vector=CONFIG["task_vector"] | {"delivered": {}})
    assert matrix.delivering(config) == [*CONFIG["base_models"]]
    config["base_models"]["lora"]["arms"] = ["target-synthetic+vector"]
    assert matrix.delivering(config) == [*models]


def test_an_arm_that_a_model_or_a_language_cannot_have_is_refused():
    models = CONFIG["base_models"] | {"letters": {"artifact": "wav2vec2-conformer-rope-large-960h"}}
    told = (
        r"config: arms: pretrained\+lm leads Whisper's decoder, but base_models\.letters \(wav2vec2"
        r"-conformer-rope-large-960h: wav2vec2\) is a CTC model, which has none; leave out"
        r" pretrained\+lm, or name the others under base_models\.letters\.arms"
    )
    with pytest.raises(InputError, match=told):
        changed(arms=["pretrained", "pretrained+lm"], base_models=models)
    whole = {"learning_rate": 1e-5, "epochs": 2, "trained": "all"}
    changed(arms=["pretrained"], base_models=models, finetune=whole)
    with pytest.raises(
        InputError, match=r"exports: ggml is a form of a Whisper, but base_models\.l"
    ):
        changed(arms=["pretrained"], base_models=models, finetune=whole, exports=["ggml"])
    told = (
        r"base_models\.letters \(wav2vec2.*has neither decoder nor embeddings \(trained: decoder;"
    )
    with pytest.raises(InputError, match=told):
        changed(arms=["pretrained"], base_models=models)
    source = {"hub": "hubert/whisper-base", "revision": "main", "file": "base.pt"}
    own = {"licence": "MIT", "files": {"base.pt": {"checksum": "first-use", "sources": [source]}}}
    models = {"own": {"artifact": "own"}}  # told by its name to be Whisper, whoever keeps it
    changed(
        arms=["pretrained+lm"], base_models=models, artifacts=CONFIG["artifacts"] | {"own": own}
    )
    japanese = {"domains": CONFIG["domains"] | {"games": {"manifest": "games.jsonl"}}}
    japanese |= {"language": "ja", "tts": {"voices": {"engine": "coqui", "artifact": "voices"}}}
    with pytest.raises(InputError, match=r"arms: pretrained\+terms\+lm needs words, but Japanese"):
        changed(arms=["pretrained+terms+lm", "pretrained+lm"], **japanese)
    changed(arms=["pretrained+lm"], **japanese)


def test_arms_that_adapt_to_test_recordings_are_tested_say_so_and_are_no_candidates():
    arms = ["pretrained", "pretrained+entropy", "target-synthetic+pseudo_labels"]
    rows = rows_of(changed(arms=arms, targets=["phone"], seeds=[1, 2]))
    adapting = [row for row in rows if row["adaptation"]]
    assert {(row["arm"], row["role"], row["adaptation"], row["seed"]) for row in adapting} == {
        ("pretrained+entropy", "test", "entropy", 0),
        ("target-synthetic+pseudo_labels", "test", "pseudo_labels", 1),
        ("target-synthetic+pseudo_labels", "test", "pseudo_labels", 2),
    }
    assert {row["target_recordings"] for row in adapting} == {"test-time adaptation"}
    assert adapting[0]["model"] == "results/tiny/models/tiny/pretrained/seed0"
    assert adapting[0]["hypotheses"] == (
        "results/tiny/hypotheses/tiny/pretrained+entropy/seed0/phone/real/test.jsonl"
    )
    selected = {"learning_rate": 1e-5, "epochs": 2, "selected_on": "real"}
    rows = rows_of(changed(arms=arms[1:], targets=["phone"], finetune=selected))
    assert [row["target_recordings"] for row in rows] == [
        "test-time adaptation", "model selection, test-time adaptation",
    ]  # fmt: skip


def test_an_adaptation_stands_behind_the_name_of_an_arm():
    assert label("pretrained+suta", None, None) == "pretrained + SUTA"
    shown = "target-synthetic + pseudo-labels (kokoro)"
    assert label("target-synthetic+pseudo_labels", None, None, "kokoro") == shown


def test_an_adaptation_that_does_not_fit_a_base_model_is_refused_with_those_that_do():
    with pytest.raises(
        InputError,
        match=r"arms: pretrained\+suta: base_models\.tiny: suta adapts CTC models, and this is a"
        r" Whisper model; take entropy, pseudo_labels, or leave out pretrained\+suta",
    ):
        changed(
            arms=["pretrained", "pretrained+suta"],
            base_models={"tiny": {"artifact": "whisper-tiny.en"}},
        )
    letters = {"tiny": {"artifact": "wav2vec2-conformer-rope-large-960h"}}
    whole = {"learning_rate": 1e-5, "epochs": 2, "trained": "all"}
    changed(arms=["pretrained", "pretrained+suta"], base_models=letters, finetune=whole)
    with pytest.raises(InputError, match="take dsuta, pseudo_labels, suta, or leave out"):
        changed(arms=["pretrained+entropy"], base_models=letters, finetune=whole)
    with pytest.raises(InputError, match=r"'pretrained\+sutta' is not one of"):
        changed(arms=["pretrained+sutta"])


CANDIDATES = [
    ("pretrained", None),
    ("source-mixed->target-synthetic", None),
    ("target-synthetic", None),
    ("source-mixed->target-synthetic+vector", 0.25),
    ("source-mixed->target-synthetic+vector", 0.5),
    ("target-synthetic+vector", 0.25),
    ("target-synthetic+vector", 0.5),
]


@pytest.mark.parametrize("target", ["phone", "shop"])
def test_the_model_to_deliver_is_chosen_on_no_recording_of_the_target(target):
    """Whether there are any: phone has some, shop has texts alone."""
    rows = [row for row in rows_of(changed()) if row["target"] == target]
    evidence = [row for row in rows if row["role"] == "evidence"]
    assert {row["manifest"] for row in evidence} == {
        f"results/tiny/manifests/{target}/kokoro/dev.jsonl",
        "results/tiny/manifests/source/real/dev.jsonl",
    }
    for kind in ("target", "source"):
        names = [(r["arm"], r["scaling_coefficient"]) for r in evidence if r["kind"] == kind]
        assert names == CANDIDATES


def test_evidence_is_spoken_by_voices_that_nothing_was_trained_on_if_there_are_any():
    held_out = {"engine": "kokoro", "artifact": "voices", "voices": ["c"], "held_out": True}
    rows = rows_of(changed(tts=CONFIG["tts"] | {"other": held_out}))
    assert {row["speech"] for row in rows if row["role"] == "evidence"} == {"other", "real"}


DEV_B = CONFIG["tts"]["kokoro"] | {"dev_voices": ["b"]}


def test_dev_voices_speak_dev_texts_alone():
    both, apart = changed()["tts"]["kokoro"], changed(tts={"kokoro": DEV_B})["tts"]["kokoro"]
    assert {split: roles.voices_of(both, split) for split in ("train", "dev")} == {
        "train": ["a", "b"], "dev": ["a", "b"],
    }  # fmt: skip
    assert {split: roles.voices_of(apart, split) for split in ("train", "dev", "test")} == {
        "train": ["a"], "dev": ["b"], "test": ["a"],
    }  # fmt: skip


def test_dev_texts_are_spoken_as_often_as_is_said_and_those_of_test_once():
    often = {"samples_per_text": 5, "dev_samples_per_text": 3}
    tts = changed(tts={"kokoro": CONFIG["tts"]["kokoro"] | often})["tts"]["kokoro"]
    splits = ("train", "dev", "test")
    assert [roles.samples_per_text(tts, split) for split in splits] == [5, 3, 1]
    once = changed()["tts"]["kokoro"]
    assert roles.samples_per_text(once, "dev") == 1


@pytest.mark.parametrize(
    ("tts", "message"),
    [
        (
            {"kokoro": DEV_B | {"dev_voices": ["c"]}},
            r"tts\.kokoro\.dev_voices: 'c' is not among voices \(a, b\); name it there, too",
        ),
        (
            {"kokoro": DEV_B | {"dev_voices": ["b", "a"]}},
            r"tts\.kokoro\.dev_voices: all voices speak dev only; leave one to the other texts",
        ),
        (
            {"kokoro": DEV_B, "other": CONFIG["tts"]["kokoro"]},
            r"tts\.kokoro\.dev_voices: 'b' is held out here, but other trains on it; take it out",
        ),
    ],
)
def test_a_dev_voice_is_no_voice_of_training(tts, message):
    with pytest.raises(InputError, match=message):
        changed(tts=tts)


def test_dev_speech_may_have_an_augmentation_of_its_own_and_that_no_other():
    def augmented(augmentation: dict) -> dict:
        phone = CONFIG["domains"]["phone"] | {"augmentation": augmentation}
        return changed(domains=CONFIG["domains"] | {"phone": phone})

    telephone = {"telephone": {}, "dev": {"noise": {"artifact": "voices"}}}
    assert augmented(telephone)["domains"]["phone"]["augmentation"] == telephone
    with pytest.raises(InputError, match=r"augmentation\.dev\.noise\.artifact: 'hum' is not under"):
        augmented({"telephone": {}, "dev": {"noise": {"artifact": "hum"}}})
    with pytest.raises(InputError, match=r"phone\.augmentation\.dev: .* it has no dev of its own"):
        augmented({"telephone": {}, "dev": {"dev": {}}})


def test_a_domain_of_texts_gives_a_checkpoint_named_by_hand_and_no_score():
    by_hand = CONFIG["task_vector"] | {"delivered": {"scaling_coefficient": 0.25}}
    rows = rows_of(changed(task_vector=by_hand))
    assert not [row for row in rows if row["role"] == "evidence"]
    (row,) = [row for row in rows if row["target"] == "shop"]
    assert row["score"] is None
    assert row["model"] == "results/tiny/models/tiny/shop-kokoro+source-kokoro-tv0.25/seed1"


def test_two_tts_share_the_arms_that_hear_none():
    tts = CONFIG["tts"] | {"bark": CONFIG["tts"]["kokoro"]}
    rows = [
        row
        for row in rows_of(changed(tts=tts))
        if row["target"] == "phone" and row["role"] == "test"
    ]
    count = {arm: sum(row["arm"] == arm for row in rows) for arm in {row["arm"] for row in rows}}
    assert count["pretrained"] == count["source-real"] == count["target-real"] == 1
    assert count["source-synthetic"] == count["target-synthetic"] == 2


def test_a_third_target_adds_rows_and_changes_none():
    before = rows_of(changed())
    domains = CONFIG["domains"] | {"third": {"manifest": "third.jsonl"}}
    after = rows_of(changed(domains=domains, targets=["phone", "shop", "third"]))
    assert [row for row in after if row["target"] != "third"] == before
    assert len(after) > len(before)


def test_the_command_line_writes_the_matrix(tmp_path):
    output = tmp_path / "evaluations.json"
    experiment.main(["--experiment", json.dumps(CONFIG), "--output", str(output)])
    assert json.loads(output.read_text()) == rows_of(changed())


def test_only_the_topline_is_marked_as_trained_on_target_recordings():
    rows = rows_of(changed())
    assert {row["arm"] for row in rows if row["target_recordings"] != "none"} == {"target-real"}


def of_target(config: dict, target: str, role: str = "test") -> list[dict]:
    rows = rows_of(config)
    return [row for row in rows if (row["target"], row["role"]) == (target, role)]


def finetune_of(**changes) -> dict:
    return changed(**changes)["base_models"]["tiny"]["finetune"]


def test_a_models_own_settings_win_over_the_experiments_and_these_over_the_presets():
    model = {"artifact": "base", "preset": "whisper-tiny"}
    assert finetune_of(base_models={"tiny": model}, finetune={})["learning_rate"] == 3e-5
    settings = finetune_of(
        base_models={"tiny": model | {"finetune": {"batch_size": 4}}},
        finetune={"learning_rate": 1e-4, "batch_size": 8, "mixed": {"patience": 7}},
    )
    assert settings["learning_rate"] == 1e-4 and settings["batch_size"] == 4
    assert settings["weight_decay"] == 0.1 and settings["max_steps"] == 40_000  # the preset's
    assert settings["mixed"] == {"max_steps": 70_000, "patience": 7}
    assert settings["optimizer"] == "adamw"  # the schema's


def test_a_checked_config_is_checked_again_without_a_change():
    config = changed(base_models={"tiny": {"artifact": "base", "preset": "whisper-tiny"}})
    assert reading.complete_and_check(copy.deepcopy(config)) == config
    assert "finetune" not in config  # each base model has its own, whole


def test_completing_writes_into_a_copy_and_checking_writes_nothing():
    given = copy.deepcopy(CONFIG) | {"targets": "all"}
    before = copy.deepcopy(given)
    config = completing.complete(given)
    assert given == before
    assert config["targets"] == ["phone", "shop"]
    assert config["filter"]["base_model"] == "tiny"
    assert config["tts"]["kokoro"]["language"] == "en"
    whole = copy.deepcopy(config)
    assert checking.check(config) is None
    assert config == whole == completing.complete(config)


def test_completing_leaves_a_name_that_refers_to_nothing_to_the_check():
    unknown = {"base_models": {"tiny": {"artifact": "nowhere", "preset": "none"}}}
    config = completing.complete(copy.deepcopy(CONFIG) | unknown)
    assert "nowhere" not in config["artifacts"]
    with pytest.raises(InputError, match="preset: 'none' is not under the presets"):
        checking.check(config)


def test_selection_on_the_targets_recordings_is_said_of_every_arm_that_it_touched():
    config = changed(
        finetune={"learning_rate": 1e-5, "epochs": 2, "selected_on": "real"}, targets=["phone"]
    )
    said = {row["arm"]: row["target_recordings"] for row in of_target(config, "phone")}
    assert said["target-synthetic"] == said["target-synthetic+vector"] == "model selection"
    assert said["pretrained"] == said["source-mixed"] == "none"
    assert said["target-real"] == "training"
    with pytest.raises(InputError, match="selected_on: real, but 'shop' has no recordings"):
        changed(finetune={"learning_rate": 1e-5, "epochs": 2, "selected_on": "real"})


def test_artifacts_are_those_in_use_and_those_the_experiment_declares():
    config = changed(base_models={"tiny": {"artifact": "whisper-tiny.en"}})
    assert set(config["artifacts"]) == {"base", "queen", "voices", "whisper-tiny.en"}
    own = {"licence": "mine", "files": FILES}
    config = changed(artifacts=CONFIG["artifacts"] | {"hibari": own})
    assert config["artifacts"]["hibari"] == own  # not the one that comes with the project


def test_every_base_model_has_the_whole_matrix():
    models = {name: {"artifact": "base"} for name in ("tiny", "small")}
    rows = rows_of(changed(base_models=models))
    tiny, small = ([row for row in rows if row["base"] == name] for name in models)
    assert len(tiny) == len(small) == len(rows) / 2
    assert [row["arm"] for row in tiny] == [row["arm"] for row in small]
    assert tiny[0]["manifest"] == small[0]["manifest"] and tiny[0]["score"] != small[0]["score"]


def test_in_complement_mode_each_targets_source_is_all_the_others():
    domains = {name: {"manifest": f"{name}.jsonl"} for name in ("news", "music", "play")}
    config = changed(domains=domains, source="complement", targets="all")
    assert config["targets"] == ["news", "music", "play"]
    assert roles.domains_of(config, "except-music") == ["news", "play"]
    models = {row["model"].split("/")[-2] for row in of_target(config, "music")}
    assert {"except-music-real", "music-kokoro-after-except-music-mixed-kokoro"} <= models
    assert not any("news" in name for name in models)


def test_a_domain_of_texts_with_recordings_to_test_on_is_tested_on_them():
    shop = {"texts": "shop.txt", "test_manifest": "shop.jsonl"}
    blind = {"scaling_coefficients": [0.25], "chosen_on": ["kokoro"]}
    config = changed(domains=CONFIG["domains"] | {"shop": shop}, task_vector=blind)
    rows = of_target(config, "shop")
    assert {row["speech"] for row in rows} == {"real"}
    assert "target-real" not in {row["arm"] for row in rows}  # which has nothing to learn from
    assert rows[0]["manifest"].endswith("manifests/shop/real/test.jsonl")


def test_in_complement_mode_a_domain_of_texts_is_a_target_and_no_source():
    domains = {name: {"manifest": f"{name}.jsonl"} for name in ("men", "music")}
    config = changed(
        domains=domains | {"shop": {"texts": "shop.txt"}}, source="complement", targets="all"
    )
    assert config["targets"] == ["men", "music", "shop"]  # "men" is in "complement" by letters only
    assert roles.domains_of(config, "except-music") == ["men"]


def test_all_targets_are_those_that_are_no_source():
    assert changed(targets="all")["targets"] == ["phone", "shop"]


def test_an_ensemble_is_a_vector_of_its_own_beside_the_pooled_one():
    tts = {name: CONFIG["tts"]["kokoro"] for name in ("kokoro", "bark")}
    config = changed(
        tts=tts,
        arms=["pretrained+vector", "target-synthetic+vector"],
        task_vector={
            "scaling_coefficients": [0.5],
            "chosen_on": ["kokoro"],
            "vectors": ["pooled", "engines"],
            "vectors_on_pretrained": ["domains", "engines"],
        },
    )
    rows = of_target(config, "phone")
    assert [(row["arm"], row["tts"], row["vector"]) for row in rows[:3]] == [
        ("pretrained+vector", "kokoro", "domains"),
        ("pretrained+vector", "bark", "domains"),
        ("pretrained+vector", None, "engines"),
    ]
    assert [row["hypotheses"].split("/")[4] for row in rows] == [
        "pretrained+each-source-kokoro-tv0.5",
        "pretrained+each-source-bark-tv0.5",
        "pretrained+source-engines-tv0.5",
        "phone-kokoro+source-kokoro-tv0.5",
        "phone-bark+source-bark-tv0.5",
        "phone-kokoro+source-engines-tv0.5",
        "phone-bark+source-engines-tv0.5",
    ]
    assert rows[0]["model"].endswith("models/tiny/pretrained/seed0") and rows[0]["seed"] == 1


WHOLE = {"learning_rate": 1e-5, "epochs": 2, "trained": "all"}


def test_a_part_of_the_vector_is_a_kind_of_its_own_with_every_coefficient():
    config = changed(
        arms=["pretrained", "pretrained+vector", "target-synthetic+vector"],
        finetune=WHOLE,
        task_vector={
            "scaling_coefficients": [0.25, 0.5],
            "chosen_on": ["kokoro"],
            "vectors": ["pooled", "encoder", "encoder-decoder0.5"],
            "vectors_on_pretrained": ["decoder"],
        },
    )
    names = [
        "pretrained",
        *(f"pretrained+source-kokoro-decoder-tv{scale}" for scale in (0.25, 0.5)),
        *(f"phone-kokoro+source-kokoro-tv{scale}" for scale in (0.25, 0.5)),
        *(f"phone-kokoro+source-kokoro-encoder-tv{scale}" for scale in (0.25, 0.5)),
        *(f"phone-kokoro+source-kokoro-encoder-decoder0.5-tv{scale}" for scale in (0.25, 0.5)),
    ]
    for role, expected in (("test", names), ("dev", names[1:])):
        rows = of_target(config, "phone", role)
        assert [row["hypotheses"].split("/")[4] for row in rows] == expected
    assert [label(row["arm"], row["scaling_coefficient"], row["vector"]) for row in rows[4:6]] == [
        "target-synthetic + 0.25 τ of the encoder",
        "target-synthetic + 0.5 τ of the encoder",
    ]
    assert rows[4]["vector_path"] == (
        "results/tiny/task_vectors/tiny/source-kokoro-encoder/seed1.safetensors"
    )
    candidates = {
        (row["arm"], row["vector"], row["scaling_coefficient"])
        for row in of_target(config, "phone", "evidence")
    }
    assert len(candidates) == 1 + 3 * 2  # the pretrained model, and kinds by coefficients


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("pooled", "τ"),
        ("encoder", "τ of the encoder"),
        ("encoder-decoder0.5", "(τ of the encoder + 0.5 τ of the decoder)"),
        ("decoder0.5", "(0.5 τ of the decoder)"),
        ("domains-ties", "τ of domains by TIES"),
        ("engines-dare0.5", "τ of engines by DARE 0.5"),
        ("pooled-lines", "τ by LiNeS"),
        ("encoder-lines_falling", "τ of the encoder by falling LiNeS"),
        (
            "encoder-decoder0.5-cross_attention2",
            "(τ of the encoder + 0.5 τ of the decoder) with the cross-attention times 2",
        ),
    ],
)
def test_a_kind_of_vector_is_shown_as_what_lambda_multiplies(kind, shown):
    assert symbol(kind) == shown
    assert label("target-synthetic+vector", 0.5, kind) == f"target-synthetic + 0.5 {shown}"


@pytest.mark.parametrize(
    ("vectors", "finetune", "message"),
    [
        (
            {"vectors": ["encodr"]},
            {},
            r"task_vector\.vectors: 'encodr' names no modules: write encoder or.*; or pooled",
        ),
        (
            {"vectors_on_pretrained": ["encoder"]},
            {"trained": "decoder"},
            r"task_vector\.vectors_on_pretrained: encoder, but of base_models\.tiny the encoder is"
            r" not trained \(finetune\.trained: decoder\), so its part of the task vector is zero;"
            r" set trained: all \(the preset from-text has decoder\), or leave out encoder",
        ),
        (
            {"vectors": ["pooled", "encoder-decoder0.5"]},
            {"trained": "encoder"},
            r"vectors: encoder-decoder0\.5, but of base_models\.tiny the decoder is not trained",
        ),
        (
            {"vectors": ["encoder-lines"]},
            {"trained": "decoder"},
            r"vectors: encoder-lines, but of base_models\.tiny the encoder is not trained",
        ),
        (
            {"vectors": ["domains-tie"]},
            {},
            r"vectors: 'domains-tie' names no modules.*; behind each may stand a method, as"
            r" domains-ties: breadcrumbs, ",
        ),
        (
            {"vectors": ["domains-ties2"]},
            {},
            r"vectors: domains-ties2: 'ties2': behind ties stands the share .* from 0\.0001 to 1",
        ),
        (
            {"vectors": ["pooled-cross_attention"]},
            {},
            r"pooled-cross_attention: 'cross_attention' lacks its number",
        ),
        (
            {"vectors_on_pretrained": ["engines-slerp"]},
            {},
            r"vectors_on_pretrained: engines-slerp: slerp merges 2 vectors, and of source there is"
            r" 1; take another method",
        ),
        (
            {"vectors": ["pooled-model_stock"]},
            {},
            r"pooled-model_stock: model_stock merges 2 vectors or more, and of source there is 1",
        ),
    ],
)
def test_a_part_that_is_unknown_or_not_trained_is_refused(vectors, finetune, message):
    choice = CONFIG["task_vector"] | vectors
    with pytest.raises(InputError, match=message):
        changed(task_vector=choice, finetune=WHOLE | finetune)
    parts = {"vectors": ["decoder"], "vectors_on_pretrained": ["domains"]}
    changed(task_vector=choice | parts)  # from-text trains it


def test_the_letters_of_a_ctc_model_have_no_factors_of_lora():
    letters = {"letters": {"artifact": "wav2vec2-conformer-rope-large-960h"}}
    choice, lora = CONFIG["task_vector"] | {"vectors": ["decoder"]}, WHOLE | {"lora_rank": 8}
    with pytest.raises(
        InputError, match=r"decoder is not trained \(finetune\.lora_rank: 8\).*lora_rank: 0,"
    ):
        changed(base_models=letters, finetune=lora, task_vector=choice)
    for models, finetune in ((letters, WHOLE), (CONFIG["base_models"], lora)):
        changed(base_models=models, finetune=finetune, task_vector=choice)


def test_a_ctc_model_has_no_cross_attention():
    letters = {"letters": {"artifact": "wav2vec2-conformer-rope-large-960h"}}
    choice = CONFIG["task_vector"] | {"vectors": ["pooled-cross_attention0.5"]}
    with pytest.raises(InputError, match=r"0\.5: base_models\.letters is a CTC model"):
        changed(base_models=letters, finetune=WHOLE, task_vector=choice)
    changed(finetune=WHOLE, task_vector=choice)


def test_a_method_merges_the_vectors_of_each_domain_or_engine():
    config = changed(
        source=["games", "talk"],
        domains=CONFIG["domains"] | {"talk": {"manifest": "talk.jsonl"}},
        tts={name: CONFIG["tts"]["kokoro"] for name in ("kokoro", "bark")},
        arms=["pretrained+vector", "target-synthetic+vector"],
        task_vector=CONFIG["task_vector"]
        | {"vectors": ["domains-slerp0.5"], "vectors_on_pretrained": ["engines-model_stock"]},
    )
    paths = {row["vector_path"].split("/")[4] for row in of_target(config, "phone", "test")}
    assert paths == {
        "each-source-bark-slerp0.5",
        "each-source-kokoro-slerp0.5",
        "source-engines-model_stock",  # once, for no TTS alone
    }


def test_a_row_says_through_which_simulated_line_its_targets_recordings_went():
    domains = CONFIG["domains"] | {"phone": {"manifest": "phone.jsonl", "line": "bad"}}
    lines = {(row["target"], row["line"]) for row in rows_of(changed(domains=domains))}
    assert {line for target, line in lines if target == "phone"} == {"bad"}
    assert {line for target, line in lines if target == "shop"} == {None}


WHISPER = {"base_models": {"tiny": {"artifact": "whisper-tiny.en"}}}
LETTERS = {"base_models": {"letters": {"artifact": "wav2vec2-conformer-rope-large-960h"}}}
OF_CTC = {"preset": "wav2vec2-conformer-large"}


@pytest.mark.parametrize(
    ("given", "changes", "message"),
    [
        (
            {},
            {"finetune": WHOLE | {"lora_rank": 8, "interpolation": 0.5}},
            r"base_models\.tiny\.finetune\.interpolation: 0\.5, but LoRA \(lora_rank: 8\) trains"
            r" factors, not weights; set interpolation: 1 or lora_rank: 0",
        ),
        (
            {},
            {"finetune": WHOLE | {"lora_rank": 8, "ewc_weight": 2}},
            r"finetune\.ewc_weight: 2, but LoRA \(lora_rank: 8\) trains factors, .*; set ewc_w",
        ),
        (
            {},
            {"finetune": WHOLE | {"ia3": True, "trained": "attention"}},
            r"finetune\.trained: attention, but \(IA\)³ \(ia3: true\) trains factors, .* or ia3",
        ),
        (
            {},
            {"finetune": WHOLE | {"lora_rank": 8, "ia3": True}},
            r"finetune\.ia3: true, but LoRA \(lora_rank: 8\) trains its factors; set ia3: false",
        ),
        (
            {},
            {"finetune": WHOLE | {"trained": "decoder_atention"}},
            r"config: finetune\.trained: 'decoder_atention' is nothing that can be trained; wr",
        ),
        (
            LETTERS,
            {"finetune": WHOLE | {"trained": "decoder_norms"}},
            r"neither decoder nor embeddings \(trained: decoder_norms; the preset from-text",
        ),
        (
            {},
            {
                "finetune": WHOLE | {"ewc_weight": 2},
                "task_vector": {"scaling_coefficients": [0.5], "chosen_on": ["sources"]},
                "source": ["games", "talk"],
                "domains": CONFIG["domains"] | {"talk": {"manifest": "talk.jsonl"}},
            },
            r"ewc_weight: 2, but task_vector\.chosen_on: sources trains models of source dom",
        ),
        (
            {},
            {
                "finetune": WHOLE | {"ewc_weight": 2},
                "task_vector": CONFIG["task_vector"] | {"vectors": ["domains"]},
                "source": "complement",
                "domains": CONFIG["domains"] | {"talk": {"manifest": "talk.jsonl"}},
            },
            r"ewc_weight: 2, but the vector domains is of models of each domain, ",
        ),
        (
            {},
            {"finetune": {"max_steps": 9, "epochs": 0, "mixed": {"max_steps": 0}}},
            r"base_models\.tiny\.finetune\.mixed\.max_steps: 0, and without finetune\.epochs",
        ),
        (
            LETTERS,
            {"finetune": WHOLE | {"spec_augment": True}},
            r"letters\.finetune\.spec_augment: is for Whisper, .*; set spec_augment: false there",
        ),
        (
            LETTERS,
            {"finetune": WHOLE | {"kl_weight": 0.2}},
            r"base_models\.letters\.finetune\.kl_weight: is for Whisper, and this \(wav2vec2-conf"
            r".*: wav2vec2\) is a CTC model, which has mask_time_prob; set kl_weight: 0 there",
        ),
        (
            {},
            {"base_models": {"letters": LETTERS["base_models"]["letters"] | {"task": "translate"}}},
            r"base_models\.letters\.task: translate, but this .* is a CTC model, which can only tr",
        ),
        (
            WHISPER,
            {"finetune": WHOLE | {"mask_time_prob": 0.1}},
            r"base_models\.tiny\.finetune\.mask_time_prob: is for CTC models, and this is Whisper",
        ),
        (
            {},
            {"base_models": {"tiny": WHISPER["base_models"]["tiny"] | OF_CTC}},
            r"base_models\.tiny\.finetune\.dropout: is for CTC models, .* or a preset that has it",
        ),
        (
            {},
            {"base_models": {"tiny": WHISPER["base_models"]["tiny"] | {"task": "translate"}}},
            r"base_models\.tiny\.task: translate, but whisper-tiny\.en \(tiny\.en\) is Whisper",
        ),
        (
            WHISPER,
            {"window": 9.51},
            r"window: 9\.51 s is no multiple of 0\.02 s, .*; write 9\.5[02]",
        ),
        (WHISPER, {"filter": {"window": 0.001}}, r"filter\.window: 0\.001 s is no .*; write 0\.02"),
    ],
)
def test_what_a_training_would_refuse_is_refused_before_the_first_job(given, changes, message):
    with pytest.raises(InputError, match=message):
        changed(**{"finetune": WHOLE} | given | changes)


def test_what_is_set_for_the_model_that_has_it_is_no_mistake():
    masked = LETTERS["base_models"]["letters"] | OF_CTC
    changed(base_models={"letters": masked}, finetune=WHOLE, window=9.51)
    whole = WHOLE | {"spec_augment": True, "kl_weight": 0.2, "interpolation": 0.5}
    changed(**WHISPER, finetune=whole, window=9.58)
    changed(finetune=WHOLE | {"lora_rank": 8, "interpolation": 1})
    changed(finetune=WHOLE | {"ia3": True, "ewc_weight": 0, "trained": "without_embeddings"})
    changed(finetune=WHOLE | {"lora_rank": 8, "trained": "decoder_last_2_layers"})
    part = {"trained": "attention", "ewc_weight": 2}
    changed(base_models={"letters": masked}, finetune=WHOLE | part)
    changed(source="complement", finetune=WHOLE | part | {"replay": 2})


def test_synthetic_speech_of_the_source_is_replayed_beside_the_targets():
    arm = "source-synthetic+target-synthetic"
    config = changed(arms=["pretrained", arm, f"{arm}+vector"], targets=["phone"])
    rows = of_target(config, "phone", "test")
    names = [row["model"].split("/")[4] for row in rows]
    assert names == ["pretrained", *["phone-kokoro-with-source-kokoro"] * 3]
    evidence = of_target(config, "phone", "evidence")
    assert {row["arm"] for row in evidence} == {"pretrained", arm, f"{arm}+vector"}
    assert {row["target_recordings"] for row in rows} == {"none"}


HELD_OUT = {"engine": "kokoro", "artifact": "voices", "voices": ["c"], "held_out": True}


def with_test_texts(**changes) -> dict:
    shop = {"texts": "shop.txt", "test_texts": "test.txt"}
    return changed(
        **{
            "domains": CONFIG["domains"] | {"shop": shop},
            "tts": CONFIG["tts"] | {"others": HELD_OUT},
            "task_vector": {"chosen_on": ["kokoro"]},
        }
        | changes
    )


def test_a_domain_of_texts_is_tested_on_held_out_voices_that_no_arm_is_trained_on():
    rows = of_target(with_test_texts(), "shop")
    assert {row["speech"] for row in rows} == {"others"}
    assert rows[0]["manifest"] == "results/tiny/manifests/shop/others/test.jsonl"
    assert {row["tts"] for row in rows} == {None, "kokoro"}
    assert "target-real" not in {row["arm"] for row in rows}
    assert {row["speech"] for row in of_target(with_test_texts(), "phone")} == {"real"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"task_vector": {"chosen_on": ["real"]}},
            r"chosen_on: real, but 'shop' has no recordings; begin with one of constant, sources",
        ),
        (
            {"task_vector": {"chosen_on": ["others"]}},
            r"'others' is not under the choices and tts; known: constant, sources, real, kok",
        ),
        ({"tts": {"others": HELD_OUT}}, r"tts: all are held out"),
        (
            {"tts": CONFIG["tts"] | {"others": HELD_OUT | {"voices": ["b", "c"]}}},
            r"tts\.others\.voices: 'b' is held out here, but kokoro trains on it",
        ),
    ],
)
def test_held_out_voices_are_heard_in_tests_only(changes, message):
    with pytest.raises(InputError, match=message):
        with_test_texts(**changes)


def test_the_targets_recordings_choose_only_where_it_has_some():
    config = with_test_texts(task_vector={"chosen_on": ["kokoro", "real"]})
    assert {row["speech"] for row in of_target(config, "shop", "dev")} == {"kokoro"}
    assert {row["speech"] for row in of_target(config, "phone", "dev")} == {"kokoro", "real"}


SOURCES = {name: {"manifest": f"{name}.jsonl"} for name in ("news", "play", "qa")}


def test_each_source_domain_plays_the_target_for_models_trained_without_both():
    config = changed(
        domains=CONFIG["domains"] | SOURCES,
        source=["news", "play", "qa"],
        targets=["phone"],
        task_vector={"chosen_on": ["sources"], "scaling_coefficients": [0.25]},
    )
    rows = of_target(config, "phone", "nested")
    assert {(row["domain"], row["speech"], row["split"], row["kind"]) for row in rows} == {
        (name, "real", "dev", "source") for name in SOURCES
    }
    (of_news,) = [
        row for row in rows if (row["domain"], row["arm"]) == ("news", "target-synthetic+vector")
    ]
    assert of_news["model"].endswith("/news-kokoro/seed1")
    assert of_news["vector_path"].endswith("/source-except-news-kokoro/seed1.safetensors")
    assert roles.domains_of(config, "source-except-news") == ["play", "qa"]
    (continued,) = [row for row in rows if row["domain"] == "qa" and row not in (of_news,)][:1]
    assert "/qa-kokoro-after-source-except-qa-mixed-kokoro/" in continued["model"]
    assert {"source", "source-except-news", "source-except-qa"} <= set(roles.groups(config))


def test_in_complement_mode_neither_the_target_nor_its_stand_in_is_in_the_source():
    config = changed(
        domains=SOURCES | {"web": {"manifest": "web.jsonl"}},
        source="complement",
        targets="all",
        task_vector={"chosen_on": ["sources"], "scaling_coefficients": [0.25]},
    )
    pair = roles.without(config, "except-qa", "news")
    assert pair == roles.without(config, "except-news", "qa") == "except-news-except-qa"
    assert roles.domains_of(config, pair) == ["play", "web"]
    assert roles.without(config, pair, "web") == "play"  # a single domain is itself
    assert roles.domains_of(config, "play") == ["play"]


def test_adapted_models_are_tested_on_other_domains_too():
    config = changed(
        domains=CONFIG["domains"] | SOURCES, targets=["phone", "qa"], forgetting=["source", "qa"]
    )
    rows = of_target(config, "phone", "forgetting")
    assert {(row["domain"], row["kind"]) for row in rows} == {
        ("source", "source"),
        ("qa", "out of domain"),
    }
    assert {row["domain"] for row in of_target(config, "qa", "forgetting")} == {"source"}
    assert {row["arm"] for row in rows} == {
        "pretrained",
        "source-mixed->target-synthetic",
        "target-synthetic",
        "source-mixed->target-synthetic+vector",
        "target-synthetic+vector",
        "target-real",
    }


def test_the_experiments_that_come_with_the_project_are_right():
    for path in (ROOT / "config.yaml", *sorted((ROOT / "experiments").glob("*.yaml"))):
        reading.complete_and_check(load_yaml(path))


def test_no_experiment_asks_for_more_dev_sentences_than_slurp_has():
    for path in (ROOT / "config.yaml", *sorted((ROOT / "experiments").glob("*.yaml"))):
        config = load_yaml(path)
        for name, domain in config["domains"].items():
            if domain.get("corpus") == "slurp" and name in config["targets"]:
                assert "dev" not in domain or domain.get("text_only"), name  # all of a target's
            elif domain.get("corpus") == "slurp":
                assert domain.get("dev", 0) <= PUBLISHED[domain["scenario"]]["dev"][1], name


def test_recordings_keep_the_bounds_of_the_filter_unless_their_domain_has_its_own():
    domains = CONFIG["domains"] | {"games": CONFIG["domains"]["games"] | {"max_clipping": 0.1}}
    found = changed(domains=domains, filter={"max_silence": 0.5})["domains"]
    bounds = ("max_silence", "max_clipping", "min_speaking_rate", "max_speaking_rate")
    assert [found["games"][bound] for bound in bounds] == [0.5, 0.1, 4, 30]
    texts = next(domain for domain in found.values() if "texts" in domain)
    assert not set(bounds) & set(texts)


def test_the_papers_matrix_is_every_scenario_with_seventeen_sources():
    config = reading.complete_and_check(load_yaml(ROOT / "experiments/paper.yaml"))
    assert len(config["targets"]) == 18
    for target in config["targets"]:
        source = roles.domains_of(config, roles.source_group(config, target))
        assert len(source) == 17 and target not in source


def test_the_default_experiment_has_the_published_targets_and_a_frozen_source():
    config = reading.complete_and_check(load_yaml(ROOT / "config.yaml"))
    assert config["targets"] == ["cooking", "music", "social", "weather"]
    assert len(config["source"]) == 14 and not set(config["source"]) & set(config["targets"])
    assert set(config["source"]) | set(config["targets"]) == set(config["domains"])


@pytest.mark.parametrize(
    ("source", "more", "message"),
    [
        (["games"], {}, r"tts\.kokoro: speakers: source needs speaker_encoder"),
        ("complement", {"speaker_encoder": "voices"}, r"its speakers must not be heard"),
    ],
)
def test_the_sources_speakers_are_imitated_only_where_that_can_be_and_may_be(source, more, message):
    tts = {"kokoro": CONFIG["tts"]["kokoro"] | {"speakers": "source"} | more}
    with pytest.raises(InputError, match=message):
        changed(source=source, tts=tts)


def like_source(**changes) -> dict:
    """Return the experiment whose domains all have synthetic speech like their source."""
    domains = {
        name: domain | {"augmentation": "like_source"} for name, domain in CONFIG["domains"].items()
    }
    return changed(**{"domains": domains} | changes)


LIKE_SOURCE_IN_DEV = {
    name: domain | {"augmentation": {"telephone": {}, "dev": {"like_source": {}}}}
    for name, domain in CONFIG["domains"].items()
}
WITHOUT_SOURCE_SPEECH = {
    "arms": ["pretrained", "source-real", "target-synthetic", "source-real+target-synthetic"],
    "task_vector": {"chosen_on": ["constant"]},
}


def test_like_source_is_short_for_its_settings():
    domain = like_source()["domains"]["phone"]
    assert domain["augmentation"] == {"like_source": {}}


def test_a_target_is_made_like_its_source_and_a_source_like_itself():
    config = like_source()
    groups = {name: roles.imitated_group(config, name) for name in config["domains"]}
    assert groups == {"games": "games", "phone": "source", "shop": "source"}
    config = like_source(source="complement", targets=["phone", "games"], **WITHOUT_SOURCE_SPEECH)
    groups = {name: roles.imitated_group(config, name) for name in config["domains"]}
    assert groups == {"games": "except-games", "phone": "except-phone", "shop": "except-shop"}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"domains": LIKE_SOURCE_IN_DEV},
        {"arms": ["pretrained", "source-synthetic"]},
        {"arms": ["pretrained", "target-synthetic+vector"]},
        {"arms": ["source-mixed->target-synthetic"]},
        WITHOUT_SOURCE_SPEECH | {"task_vector": {"delivered": {}, "chosen_on": ["constant"]}},
    ],
)
def test_a_targets_recordings_are_not_heard_in_the_speech_of_its_source(more):
    message = r"games.augmentation: like_source .* of 'games' like recordings of 'phone', whose"
    with pytest.raises(InputError, match=message):
        like_source(source="complement", targets=["phone", "games"], **more)


def test_a_text_only_target_is_a_source_of_none_and_may_be_like_all():
    domains = CONFIG["domains"] | {
        "shop": CONFIG["domains"]["shop"] | {"augmentation": "like_source"}
    }
    config = changed(source="complement", targets=["phone", "games", "shop"], domains=domains)
    assert roles.domains_of(config, roles.imitated_group(config, "shop")) == ["games", "phone"]


@pytest.mark.parametrize(
    ("augmentation", "message"),
    [
        ("like_sorce", r"'like_sorce' is neither keys, \{a: b\}, nor like_source"),
        (["noise"], r"\['noise'\] is neither keys"),
        ({"nosie": {}}, r"unknown key 'nosie'; did you mean 'noise'\?"),
        ({"like_source": {"snr": [0, 1]}}, r"like_source: unknown key 'snr'"),
    ],
)
def test_an_augmentation_that_cannot_be_is_told_as_what_it_is(augmentation, message):
    domains = CONFIG["domains"] | {
        "phone": CONFIG["domains"]["phone"] | {"augmentation": augmentation}
    }
    with pytest.raises(InputError, match=rf"domains\.phone\.augmentation.*{message}"):
        changed(domains=domains)


def test_the_calls_of_the_levers_can_be_like_their_source():
    config = load_yaml(ROOT / "experiments/levers.yaml")
    for domain in config["domains"].values():
        domain["augmentation"] = "like_source"
    config = reading.complete_and_check(config)
    for name in config["domains"]:
        imitated = roles.domains_of(config, roles.imitated_group(config, name))
        assert len(imitated) == 4 and name not in imitated


def untranscribed(*targets: str, **changes) -> dict:
    """Return a config in which these targets have recordings that nobody has transcribed."""
    domains = copy.deepcopy(CONFIG["domains"])
    for name in targets:
        domains[name]["untranscribed"] = f"{name}/"
    artifacts = CONFIG["artifacts"] | {"larger": {"licence": "MIT", "files": FILES}}
    return changed(domains=domains, artifacts=artifacts, **{"judge": "larger"} | changes)


def test_all_candidates_and_no_others_are_held_to_the_judge_of_untranscribed_recordings():
    rows = rows_of(untranscribed("shop"))
    judged = [row for row in rows if row["role"] == "agreement"]
    assert {(row["target"], row["kind"], row["speech"]) for row in judged} == {
        ("shop", "target", "real-untranscribed")
    }
    assert {row["manifest"] for row in judged} == {
        "results/tiny/manifests/shop/real-untranscribed/dev.jsonl"
    }
    synthetic = [row for row in rows if (row["role"], row["domain"]) == ("evidence", "shop")]

    def models(rows: list[dict]) -> list:
        return [(row["arm"], row["scaling_coefficient"], row["seed"]) for row in rows]

    assert models(judged) == models(synthetic) and len(judged) > 3
    assert rows_of(changed()) == [row for row in rows if row["role"] != "agreement"]


@pytest.mark.parametrize(
    ("targets", "changes", "message"),
    [
        ([], {}, r"judge: no target has untranscribed recordings; remove it"),
        (["shop"], {"judge": "lager"}, r"judge: 'lager' is not under artifacts; did you mean"),
        (["shop"], {"judge": "base"}, r"judge: base is that of base_models\.tiny too, which would"),
        (
            ["shop"],
            {"task_vector": {"scaling_coefficients": [0.25], "delivered": {}}},
            r"domains\.shop\.untranscribed: is evidence for the choice of a model, which",
        ),
        (
            ["shop"],
            {"judge": "whisper-base.en", "language": "de", "source": ["phone"],
             "targets": ["shop"]},
            r"judge: whisper-base\.en \(base\.en\) is Whisper for English only, but language",
        ),
    ],
)  # fmt: skip
def test_a_judge_is_another_model_of_the_language_that_has_something_to_hear(
    targets, changes, message
):
    with pytest.raises(InputError, match=message):
        untranscribed(*targets, **changes)


def test_untranscribed_recordings_need_a_judge():
    domains = CONFIG["domains"] | {"shop": {"texts": "shop.txt", "untranscribed": "calls/"}}
    with pytest.raises(InputError, match=r"domains\.shop\.untranscribed: has no judge; name the"):
        changed(domains=domains)


SELF_TRAINING = ["source-pseudo", "target-pseudo", "target-pseudo+vector"]


def self_trained(**changes) -> dict:
    """Return a config of one target with recordings, whose arms are those of pseudo-labels."""
    return changed(**{"targets": ["phone"], "arms": ["pretrained", *SELF_TRAINING]} | changes)


def test_self_training_has_its_rows_and_its_vector_is_what_pseudo_labels_lack():
    kinds = CONFIG["task_vector"] | {"vectors_on_pseudo": ["pooled", "domains"]}
    rows = of_target(self_trained(task_vector=kinds), "phone")
    assert [
        (row["arm"], row["tts"], row["vector"], row["scaling_coefficient"]) for row in rows
    ] == [
        ("pretrained", None, None, None),
        ("source-pseudo", None, None, None),
        ("target-pseudo", None, None, None),
        ("target-pseudo+vector", None, "pooled", 0.25),
        ("target-pseudo+vector", None, "pooled", 0.5),
        ("target-pseudo+vector", None, "domains", 0.25),
        ("target-pseudo+vector", None, "domains", 0.5),
    ]
    names = {row["vector_path"].split("/")[-2] for row in rows if row["vector"]}
    assert names == {"source-pseudo", "each-source-pseudo"}
    assert rows[3]["model"] == "results/tiny/models/tiny/phone-pseudo/seed1"
    assert rows[3]["score"].split("/")[4] == "phone-pseudo+source-pseudo-tv0.25"
    said = {row["arm"]: row["target_recordings"] for row in rows}
    assert said["source-pseudo"] == "none"
    assert said["target-pseudo"] == said["target-pseudo+vector"] == "training without transcripts"


def test_self_training_gives_no_candidate_and_what_it_forgets_is_seen():
    blind = CONFIG["task_vector"] | {"chosen_on": ["kokoro"]}
    rows = rows_of(self_trained(task_vector=blind, targets=["phone", "shop"]))
    roles = {row["role"] for row in rows if row["arm"].startswith("target-pseudo")}
    assert roles == {"test", "dev", "forgetting"}
    assert {row["arm"] for row in rows if row["role"] == "evidence"} == {"pretrained"}
    of_shop = {row["arm"] for row in rows if row["target"] == "shop"}
    assert of_shop == {"pretrained"}  # which is not tested: there is nothing to see of the others


def texts_with_tests(**more: str) -> dict:
    """Return the domains, of which shop has texts, test recordings and more."""
    shop = {"texts": "shop.txt", "test_manifest": "shop.jsonl"} | more
    return CONFIG["domains"] | {"shop": shop}


def test_a_domain_of_texts_is_self_trained_on_its_untranscribed_recordings_with_or_without_judge():
    texts = {"targets": ["shop"], "task_vector": {"chosen_on": ["kokoro"]}}
    refused = r"arms: target-pseudo learns from recordings of the target, and 'shop' has none; name"
    with pytest.raises(InputError, match=refused):
        self_trained(domains=texts_with_tests(), **texts)
    texts["domains"] = texts_with_tests(untranscribed="calls/")
    alone = self_trained(**texts)
    assert roles.learns_from_untranscribed(alone, "shop")
    assert not of_target(alone, "shop", "agreement")
    artifacts = CONFIG["artifacts"] | {"larger": CONFIG["artifacts"]["base"]}
    judged = self_trained(**texts, judge="larger", artifacts=artifacts)
    assert {row["arm"] for row in of_target(judged, "shop", "agreement")} == {"pretrained"}
    assert of_target(alone, "shop") == of_target(judged, "shop")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"finetune": CONFIG["finetune"] | {"selected_on": "real"}},
            r"selected_on: real, which takes transcripts of the target, and target-pseudo reads no",
        ),
        (
            {"task_vector": CONFIG["task_vector"] | {"vectors_on_pseudo": ["engines-ties"]}},
            r"vectors_on_pseudo: engines-ties is of several TTS, and no TTS speaks pseudo-labelled",
        ),
        (
            {"task_vector": CONFIG["task_vector"] | {"vectors": ["clusters4"]}},
            r"task_vector\.vectors: clusters4 is of clusters of speakers, .* vectors_on_pseudo",
        ),
        (
            {"task_vector": CONFIG["task_vector"] | {"vectors_on_pseudo": ["clusters1"]}},
            r"vectors_on_pseudo: 'clusters1'",
        ),
        (
            {"task_vector": CONFIG["task_vector"] | {"vectors_on_pseudo": ["clusters2-slerp0.5"]}}
            | {"pseudo_labels": {"speaker_encoder": "ears"}},
            r"pseudo_labels\.speaker_encoder: 'ears' is not under artifacts",
        ),
        ({"pseudo_labels": {"min_log_probability": 0.5}}, r"0\.5 is greater than the maximum of 0"),
        (
            {"domains": CONFIG["domains"] | {"phone": {"manifest": "a", "untranscribed": "b"}}},
            r"domains\.phone\.untranscribed: has no judge",  # it learns from its own recordings
        ),
    ],
)
def test_self_training_that_can_not_be_as_asked_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        self_trained(**changes)


def test_in_complement_mode_no_target_is_in_the_vector_of_its_own_self_training():
    domains = {name: {"manifest": f"{name}.jsonl"} for name in ("news", "music", "play")}
    config = self_trained(domains=domains, source="complement", targets="all")
    paths = {row["vector_path"] for row in of_target(config, "music") if row["vector_path"]}
    assert {path.split("/")[-2] for path in paths} == {"except-music-pseudo"}
    like = {name: domain | {"augmentation": "like_source"} for name, domain in domains.items()}
    assert self_trained(domains=like, source="complement", targets="all")  # no arm hears a TTS


def test_clusters_of_the_sources_speakers_have_vectors_whose_mean_is_added():
    kinds = ["clusters2", "clusters3-ties"]
    config = self_trained(task_vector=CONFIG["task_vector"] | {"vectors_on_pseudo": kinds})
    rows = [row for row in of_target(config, "phone") if row["scaling_coefficient"] == 0.25]
    assert [row["vector_path"].split("/")[-2] for row in rows] == [
        "clusters-2-source-pseudo",
        "clusters-3-source-pseudo-ties",
    ]
    assert label(rows[0]["arm"], 0.25, "clusters2") == (
        "target-pseudo + 0.25 mean τ of 2 clusters of speakers"
    )
    assert symbol("clusters3-ties") == "τ of 3 clusters of speakers by TIES"
    assert matrix.clusters(config)[1:3] == ["source-cluster-2of2", "source-cluster-1of3"]
    assert roles.domains_of(config, "source-cluster-2of2") == ["games"]
    assert "spkrec-xvect-voxceleb" in config["artifacts"]
    assert "spkrec-xvect-voxceleb" not in self_trained()["artifacts"]
    vectors = [vector_of(kind, "pseudo", "source") for kind in kinds]
    assert [kind_of_vector(vector) for vector in vectors] == kinds
