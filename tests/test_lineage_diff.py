"""Two runs of a made-up experiment that differ in one thing: that thing is told, and no other."""

import argparse
import json
import shutil
from pathlib import Path

import pytest

from errors import InputError
from lineages import diff as lineage_diff
from lineages import versions
from lineages.rows import changed_rows
from lineages.versions import Version
from made_up_chain import Chain
from made_up_summary import made_up_row, made_up_target, write_made_up_summary

MODELS = "models/tiny"


pytestmark = pytest.mark.usefixtures("forget_files")


def differences(a: Path, b: Path) -> dict[str, list[str]]:
    """Return what differs between two files, and how."""
    walk = lineage_diff.Walk()
    walk.compare(versions.version_of(a), versions.version_of(b))
    told = {each.what: [*each.changes] for each in walk.differences.values()}
    return told | ({"unexplained": walk.unexplained} if walk.unexplained else {})


@pytest.fixture
def compared(tmp_path, monkeypatch):
    """Return what differs between the scores of a run and of one with changes."""

    def compare(**changes) -> dict[str, list[str]]:
        before = Chain(tmp_path / "before", monkeypatch)
        after = Chain(tmp_path / "after", monkeypatch, **changes)
        return differences(before.path(), after.path())

    return compare


def test_two_runs_of_the_same_are_no_difference(compared):
    assert compared() == {}


def test_a_learning_rate_is_told_once_though_three_models_were_trained_with_it(compared):
    found = compared(parameters={"finetune.py": {"learning_rate": 2e-5}})
    assert found == {"finetune.py: learning_rate": ["1e-05 -> 2e-05"]}


def test_the_precision_in_which_models_were_trained_is_told(tmp_path, monkeypatch):
    runs = [
        Chain(tmp_path / name, monkeypatch, parameters={"finetune.py": {"precision": name}})
        for name in ("bf16", "fp32")
    ]
    found = differences(*(run.path() for run in runs))
    assert found == {"finetune.py: precision": ["bf16 -> fp32"]}


def test_a_difference_names_the_files_at_which_it_enters(tmp_path, monkeypatch):
    rate = {"finetune.py": {"learning_rate": 2e-5}}
    runs = [Chain(tmp_path / "a", monkeypatch), Chain(tmp_path / "b", monkeypatch, parameters=rate)]
    walk = lineage_diff.Walk()
    walk.compare(*(versions.version_of(run.path()) for run in runs))
    weights = [f"{MODELS}/{name}/seed1/model.safetensors"
               for name in ("music-kokoro", "source-kokoro", "source-real")]  # fmt: skip
    assert sorted(walk.differences["finetune.py: learning_rate"].enters) == weights


def test_a_voice_is_told_and_not_the_models_trained_on_it(compared):
    found = compared(parameters={"synthesize.py": {"voices": ["af_heart"]}})
    assert found == {"synthesize.py: voices": ['["af_heart", "am_adam"] -> ["af_heart"]']}


def test_a_nested_setting_is_told_by_its_keys(compared):
    found = compared(parameters={"prepare.py": {"declaration": {"train": 8, "dev": 2}}})
    assert found == {"prepare.py: declaration.train": ["4 -> 8"]}


def test_a_module_is_told_by_its_name_once_for_all_scripts(compared):
    assert compared(modules={"manifest.py": "1" * 16}) == {"code of manifest.py": ["changed"]}


def test_a_line_of_logic_of_one_script_is_told_by_its_name(compared):
    assert compared(modules={"filter.py": "1" * 16}) == {"code of filter.py": ["changed"]}


def test_a_package_is_told_with_both_versions(compared):
    assert compared(packages={"torch": "2.2"}) == {"package torch": ["2.1 -> 2.2"]}


def test_a_package_that_only_one_run_had_is_told(compared):
    assert compared(packages={"peft": "0.2"}) == {"package peft": ["none -> 0.2"]}


def test_a_device_is_told(compared):
    assert compared(device="cuda:0") == {"device": ["cpu -> cuda:0"]}


def test_a_file_from_outside_is_told_by_its_path(compared):
    (change,) = compared(outside={"resources/kokoro/voices.bin": "w"})["file from outside"]
    assert change.startswith("resources/kokoro/voices.bin (sha256 ")


def test_a_recording_of_the_user_is_told_and_not_the_manifest_beside_it(compared):
    found = compared(outside={"data/1.wav": "another sound"})
    assert [*found] == ["file from outside"]
    assert [change.split(" ")[0] for change in found["file from outside"]] == ["data/1.wav"]


def test_files_from_outside_that_changed_together_are_told_one_by_one(compared):
    found = compared(outside={"data/1.wav": "another sound", "data/music.jsonl": "{ }"})
    names = [change.split(" ")[0] for change in found["file from outside"]]
    assert names == ["data/1.wav", "data/music.jsonl"]


def test_files_of_the_user_in_other_places_are_matched_by_their_names():
    a, b = (
        [
            Version(f"/home/{user}/{name}", name + user, Path(f"/home/{user}/{name}"), None)
            for name in "xy"
        ]
        for user in ("ann", "bob")
    )
    pairs = [(x.name, y.name) for x, y in versions.matched(a, b)]
    assert pairs == [("/home/ann/x", "/home/bob/x"), ("/home/ann/y", "/home/bob/y")]


def test_a_checkpoint_is_called_by_its_weights(tmp_path, monkeypatch):
    rate = {"finetune.py": {"learning_rate": 2e-5}}
    runs = [Chain(tmp_path / "a", monkeypatch), Chain(tmp_path / "b", monkeypatch, parameters=rate)]
    walk = lineage_diff.Walk()
    config = f"{MODELS}/source-real/seed1/config.json"
    walk.compare(*(versions.version_of(run.path(config)) for run in runs))
    entered = walk.differences["finetune.py: learning_rate"].enters
    assert list(entered) == [f"{MODELS}/source-real/seed1/model.safetensors"]


def test_two_changes_are_both_told(compared):
    found = compared(
        parameters={"finetune.py": {"epochs": 3.0}}, outside={"resources/whisper/tiny.pt": "other"}
    )
    assert sorted(found) == ["file from outside", "finetune.py: epochs"]


def test_work_that_gave_other_bytes_for_no_reason_is_said_to_be_unexplained(compared):
    found = compared(salt={"filter.py": "by chance"})
    assert found == {
        "unexplained": [
            "manifests/music/kokoro/train.jsonl: it is not deterministic,"
            " or a file was changed by hand"
        ]
    }


def test_another_machine_is_named_where_nothing_else_explains(tmp_path, monkeypatch):
    before = Chain(tmp_path / "before", monkeypatch)
    monkeypatch.setattr("platform.node", lambda: "another-machine")
    after = Chain(tmp_path / "after", monkeypatch, salt={"filter.py": "by chance"})
    (told,) = differences(before.path(), after.path())["unexplained"]
    assert "what may: host" in told and "another-machine" in told


def test_two_coefficients_of_one_arm_differ_in_the_coefficient(tmp_path, monkeypatch):
    run = Chain(tmp_path, monkeypatch)
    names = [run.score(f"music-kokoro+source-kokoro-tv{scale}") for scale in ("0.25", "0.5")]
    found = differences(*map(run.path, names))
    assert found == {"transcribe.py: scaling_coefficient": ["0.25 -> 0.5"]}


def test_two_arms_differ_in_the_vector_that_one_of_them_adds(tmp_path, monkeypatch):
    run = Chain(tmp_path, monkeypatch)
    assert differences(run.path(run.score("music-kokoro")), run.path()) == {
        "transcribe.py: scaling_coefficient": ["null -> 0.25"],
        "read for B only": ["task_vectors/tiny/source-kokoro/seed1.safetensors"],
    }


def test_two_models_of_one_run_are_matched_by_what_they_were_made_from(tmp_path, monkeypatch):
    run = Chain(tmp_path, monkeypatch)
    models = [
        f"{MODELS}/{name}/seed1/model.safetensors" for name in ("source-kokoro", "music-kokoro")
    ]
    assert differences(*map(run.path, models)) == {"finetune.py: seed": ["1 -> 2"]}


def test_the_name_of_the_experiment_is_no_difference(tmp_path, monkeypatch):
    before = Chain(tmp_path, monkeypatch)
    rate = {"finetune.py": {"learning_rate": 2e-5}}
    after = Chain(tmp_path, monkeypatch, name="other", parameters=rate)
    assert [*differences(before.path(), after.path())] == ["finetune.py: learning_rate"]


def test_paths_in_a_text_do_not_count_where_experiments_have_different_names(tmp_path, monkeypatch):
    runs = [Chain(tmp_path, monkeypatch, name=name) for name in ("tiny", "other")]
    files = []
    for run in runs:
        run.make("pool.py", ["pooled.jsonl"], [])
        files.append(run.path("pooled.jsonl"))
        files[-1].write_text(json.dumps({"audio_filepath": f"results/{run.name}/audio/1.flac"}))
        run.make_record_anew("pool.py", "pooled.jsonl")
    assert files[0].read_bytes() != files[1].read_bytes()
    assert differences(*files) == {}


def test_settings_that_are_paths_of_the_experiment_do_not_count(tmp_path, monkeypatch):
    runs = []
    for name in ("tiny", "other"):
        again = {"again": f"make results/{name}/x of experiments/{name}.yaml"}
        runs.append(Chain(tmp_path, monkeypatch, name, parameters={"finetune.py": again}))
    found = differences(*(run.path() for run in runs))
    assert list(found) == ["unexplained"]  # the made-up bytes follow from the setting


def test_a_file_that_was_made_again_after_it_was_read_is_told(tmp_path, monkeypatch):
    rate = {"finetune.py": {"learning_rate": 2e-5}}
    before = Chain(tmp_path / "before", monkeypatch)
    after = Chain(tmp_path / "after", monkeypatch, parameters=rate)
    again = after.path(f"{MODELS}/source-real/seed1/model.safetensors")
    again.write_text("trained once more")
    after.make_record_anew("finetune.py", f"{MODELS}/source-real/seed1/model.safetensors")
    found = differences(before.path(), after.path())
    assert found["file made again, or changed, after it was read"] == [
        "results/tiny/models/tiny/source-real/seed1/model.safetensors"
    ]


def run_command(*arguments: object) -> None:
    parser = argparse.ArgumentParser()
    lineage_diff.add_arguments(parser)
    lineage_diff.main(parser.parse_args([str(each) for each in arguments]))


def test_equal_files_are_said_to_be_so_with_status_0(tmp_path, monkeypatch, capsys):
    run = Chain(tmp_path / "run", monkeypatch)
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    run_command(run.path(), tmp_path / "copy" / run.at(run.score()))
    assert "They have the same bytes." in capsys.readouterr().out


def test_different_files_are_told_of_with_status_1(tmp_path, monkeypatch, capsys):
    before = Chain(tmp_path / "before", monkeypatch)
    after = Chain(tmp_path / "after", monkeypatch, parameters={"filter.py": {"max_cer": 0.2}})
    with pytest.raises(SystemExit) as left:
        run_command(before.path(), after.path())
    out = capsys.readouterr().out
    assert left.value.code == 1
    assert "WER 25.00 % of 8 words" in out
    assert "filter.py: max_cer: 0.3 -> 0.2\n      at manifests/music/kokoro/train.jsonl" in out


def test_the_rows_of_two_summaries_that_differ_are_told_with_both_numbers(tmp_path):
    summaries = []
    for name, wers in (("a", [0.25, 0.5]), ("b", [0.25, 0.375])):
        target = made_up_target([made_up_row(*row) for row in zip("xy", wers, strict=True)])
        summaries.append(write_made_up_summary(tmp_path / name, target))
    assert list(changed_rows(*summaries)) == ["WER of music, y: 50.00 % -> 37.50 %"]


def test_a_file_without_record_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="notes.txt: no lineage record tells how it was made"):
        run_command(tmp_path / "notes.txt", tmp_path / "notes.txt")
