"""Methods over all targets: two of 40 utterances each, of 5 words, with errors one can count."""

import json
from pathlib import Path

import pytest

import rank
import summarize
from conftest import ROOT
from errors import InputError
from made_up import BASELINE, evaluation, write_evaluations
from records.record import sidecar
from records.writing import write_record

JOINT = "source-real+target-synthetic"


def trained(folder: Path, seconds: int, *inputs: Path, script: str = "finetune.py") -> Path:
    """Write weights and their record, which says how long a script took."""
    path = folder / "model.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"weights of {folder}")
    write_record(ROOT / "scripts" / script, [path], list(inputs), {})
    record = json.loads(sidecar(path).read_text())
    record["run"] |= {"started": 100, "ended": 100 + seconds}
    sidecar(path).write_text(json.dumps(record))
    return path


MODELS = {
    "pretrained": "pretrained",
    BASELINE: "{}-kokoro-after-source-mixed-kokoro",
    JOINT: "{}-kokoro-with-source",
    "target-real": "{}-real",
    "target-synthetic": "{}-kokoro",
}


def result_of(
    folder: Path, target: str, arm: str, errors: list[int], *inputs: Path, **changes
) -> dict:
    """Return the evaluation of an arm on a target; the training of its model took ten seconds."""
    base, seed = changes.get("base", "tiny"), changes.get("seed", 1)
    model = folder / "models" / base / MODELS[arm].format(target) / f"seed{seed}"
    trained(model, 10, *inputs, script="pretrained.py" if arm == "pretrained" else "finetune.py")
    below = folder / base / target
    return evaluation(below, arm, errors, target=target, domain=target, model=str(model), **changes)


def ranked(folder: Path, rows: list[dict]) -> dict:
    """Return the ranking of some evaluations."""
    evaluations = write_evaluations(folder, rows)
    outputs = [f"--output-json={folder / 'summary.json'}", f"--output-tsv={folder / 's.tsv'}"]
    summarize.main([f"--evaluations={evaluations}", "--resamples=500", *outputs])
    output = folder / "ranking.json"
    rank.main([
        f"--evaluations={evaluations}", f"--summary={folder / 'summary.json'}", f"--output={output}"
    ])  # fmt: skip
    return json.loads(output.read_text())


def two_targets(folder: Path) -> list[dict]:
    """Return the evaluations of three arms: of 200 words a target 80 and 40, 20 and 40, 40 and 40
    are wrong."""
    joint = trained(folder / "first", 7)
    return [
        result_of(folder, "music", "pretrained", [2] * 40, seed=0),
        result_of(folder, "news", "pretrained", [1] * 40, seed=0),
        result_of(folder, "music", BASELINE, [0, 1] * 20, joint),
        result_of(folder, "news", BASELINE, [1] * 40, joint),
        result_of(folder, "music", JOINT, [1] * 40),
        result_of(folder, "news", JOINT, [1] * 40),
    ]


def test_methods_stand_in_the_order_of_their_errors_over_all_targets(tmp_path: Path):
    found = ranked(tmp_path, two_targets(tmp_path))
    assert (found["targets"], found["utterances"], found["words"]) == (["music", "news"], 80, 400)
    told = [(method["label"], method["wer"]) for method in found["methods"]]
    expected = [("source-mixed→target-synthetic", 0.15), (JOINT, 0.2), ("pretrained", 0.3)]
    assert told == expected
    first, joint, pretrained = found["methods"]
    assert first["versus_pretrained"]["difference"] == pytest.approx(-0.15)
    assert joint["versus_pretrained"]["difference"] == pytest.approx(-0.1)
    assert pretrained["versus_pretrained"] is None


def test_it_says_what_a_method_is_made_from(tmp_path: Path):
    uses = {
        each["label"]: each["uses"] for each in ranked(tmp_path, two_targets(tmp_path))["methods"]
    }
    assert uses["pretrained"] == []
    assert uses[JOINT] == ["texts of the target", "recordings of the source"]


def test_a_model_that_ewc_holds_to_the_source_was_made_from_its_recordings(tmp_path: Path):
    rows = [result_of(tmp_path, t, "target-synthetic", [1] * 40) for t in ("music", "news")]
    path = sidecar(Path(rows[0]["model"], "model.safetensors"))
    record = json.loads(path.read_text()) | {"manifests": {"fisher": ["source.jsonl"]}}
    path.write_text(json.dumps(record))
    rows += [result_of(tmp_path, t, "pretrained", [2] * 40, seed=0) for t in ("music", "news")]
    first = ranked(tmp_path, rows)["methods"][0]
    assert first["uses"] == ["texts of the target", "recordings of the source"]


def test_a_training_that_both_targets_rest_on_counts_once(tmp_path: Path):
    """Two of 10 s, and one of 7 s that both go on from."""
    first, joint, pretrained = ranked(tmp_path, two_targets(tmp_path))["methods"]
    assert first["seconds_of_training"] == 27
    assert joint["seconds_of_training"] == 20
    assert pretrained["seconds_of_training"] == 0


def test_of_two_seeds_the_mean_counts(tmp_path: Path):
    rows = two_targets(tmp_path)
    rows += [
        result_of(tmp_path, target, JOINT, [errors] * 40, seed=2)
        for target, errors in (("music", 0), ("news", 1))
    ]
    joint = next(m for m in ranked(tmp_path, rows)["methods"] if m["label"] == JOINT)
    assert (joint["seeds"], joint["wer"], joint["seconds_of_training"]) == (2, 0.15, 20)


def test_an_arm_that_lacks_a_target_is_not_ranked(tmp_path: Path):
    rows = [*two_targets(tmp_path), result_of(tmp_path, "music", "target-real", [0] * 40)]
    assert "target-real" not in [each["label"] for each in ranked(tmp_path, rows)["methods"]]


def test_base_models_of_the_same_weights_have_one_pretrained_model(tmp_path: Path):
    """Only the first of them has the arm; of 400 words 160 are wrong, then 80 and none."""
    rows = [
        result_of(tmp_path, target, arm, [errors] * 40, base=base, seed=seed)
        for base, arm, errors, seed in (
            ("plain", "pretrained", 2, 0), ("plain", JOINT, 1, 1), ("lora", JOINT, 0, 1)
        )
        for target in ("music", "news")
    ]  # fmt: skip
    other = tmp_path / "models/lora/pretrained/seed0/model.safetensors"
    other.parent.mkdir(parents=True)
    other.write_bytes((tmp_path / "models/plain/pretrained/seed0/model.safetensors").read_bytes())
    methods = ranked(tmp_path, rows)["methods"]
    told = [(each["base"], each["label"]) for each in methods]
    assert told == [("lora", JOINT), ("plain", JOINT), ("plain", "pretrained")]
    assert methods[0]["versus_pretrained"]["difference"] == pytest.approx(-0.4)


def test_where_nothing_was_tested_on_all_targets_it_says_so(tmp_path: Path):
    rows = [
        result_of(tmp_path, "music", JOINT, [1] * 40),
        result_of(tmp_path, "news", "target-real", [1] * 40),
    ]
    with pytest.raises(InputError, match="tested on all targets"):
        ranked(tmp_path, rows)
