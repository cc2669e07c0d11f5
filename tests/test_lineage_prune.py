"""What is pruned can be made again, an audit knows of it, and nothing else is ever deleted."""

import argparse
import fcntl
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from errors import InputError
from lineages import prune as lineage_prune
from lineages.audit import Audit, root_hash, seal_text
from lineages.remaking import Remaking
from made_up_lineage import REAL, SYNTHETIC, make_experiment_in, stage, write

SUFFIX = ".lineage.json"
VECTOR = "task_vectors/base/d-hibari/seed1.safetensors"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_experiment_in(tmp_path, monkeypatch)


def prune(folder: Path, *kinds: str) -> None:
    parser = argparse.ArgumentParser()
    lineage_prune.add_arguments(parser)
    delete = ["--delete", *kinds] if kinds else []
    lineage_prune.main(parser.parse_args([str(folder), "--scripts=scripts", *delete]))


def told(capsys: pytest.CaptureFixture, folder: Path, *kinds: str) -> list[str]:
    capsys.readouterr()
    prune(folder, *kinds)
    return capsys.readouterr().out.splitlines()


def offered(lines: list[str]) -> dict[str, int]:
    """Return how many files of each kind can be made again."""
    return {line.split()[0]: int(line.split()[1]) for line in lines[1:7]}


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def audit(folder: Path) -> Audit:
    return Audit(folder, Path("scripts"))


def root(folder: Path) -> str:
    return root_hash(seal_text(audit(folder).sums))


def test_what_can_be_made_again_is_told_with_sizes_and_the_time_that_it_took(folder: Path, capsys):
    for name, seconds in ((REAL, 100.0), ("models/base/pretrained/seed0", 20.0)):
        sidecar = folder / name / f"model.safetensors{SUFFIX}"
        content = json.loads(sidecar.read_text())
        content["run"] |= {"started": 1000.0, "ended": 1000.0 + seconds}
        sidecar.write_text(json.dumps(content))
    before = files(folder)
    lines = told(capsys, folder)
    assert offered(lines) == {"caches": 2, "checkpoints": 4, "delivered": 2, "task_vectors": 1} | {
        "audio": 5,
        "hypotheses": 1,
    }
    [checkpoints] = [line for line in lines if line.startswith("checkpoints")]
    assert "0.0       120 s" in checkpoints
    assert len(lines) == 7
    assert files(folder) == before


def test_pruning_deletes_the_kinds_asked_for_and_leaves_records_and_results(folder: Path, capsys):
    before, hash_before = files(folder), root(folder)
    prune(folder, "checkpoints", "audio")
    gone = before - files(folder)
    assert gone == {
        *(f"{each}/{name}" for each in (REAL, "models/base/pretrained/seed0") for name in
          ("model.safetensors", "config.json")),
        *(f"audio/d/real/{n}.flac" for n in (1, 2, 3)),
        *(f"audio/d/hibari/train/{n}.flac" for n in (1, 2)),
    }  # fmt: skip
    rows = [json.loads(line) for line in (folder / "pruned.jsonl").read_text().splitlines()]
    assert {row["path"] for row in rows} == gone
    assert sum(row["bytes"] for row in rows) > 0
    after = audit(folder)
    assert after.findings == []
    assert root(folder) == hash_before
    assert offered(told(capsys, folder))["task_vectors"] == 1  # its models can be made again


def test_all_kinds_can_be_pruned_one_after_the_other(folder: Path):
    hash_before = root(folder)
    for kind in lineage_prune.KINDS:
        prune(folder, kind)
        assert audit(folder).findings == []
    left = {name for name in files(folder) if not name.startswith(".")}
    assert {name.split("/")[0] for name in left if not name.endswith(SUFFIX)} == {
        *("audio", "manifests", "texts", "synthesized", "models", "scores"),
        *("summary.json", "summary.tsv", "pruned.jsonl"),
    }
    assert f"{SYNTHETIC}/README.md" in left
    assert {name for name in left if name.startswith("audio")} == {"audio/d/.journal/1.jsonl"}
    assert root(folder) == hash_before


def test_an_export_of_a_delivered_checkpoint_is_kept(folder: Path):
    export = f"{SYNTHETIC}/ggml/ggml-model.bin"
    stage("report.py", [export], [f"{SYNTHETIC}/model.safetensors"])
    prune(folder, *lineage_prune.KINDS)
    assert (folder / export).is_file() and not (folder / SYNTHETIC / "model.safetensors").exists()


def test_a_delivered_checkpoint_is_kept_unless_it_is_named(folder: Path):
    prune(folder, "checkpoints")
    assert (folder / SYNTHETIC / "config.json").is_file()
    prune(folder, "delivered")
    assert not (folder / SYNTHETIC / "config.json").exists()
    assert (folder / SYNTHETIC / "README.md").is_file()


def test_caches_are_deleted_without_a_word_in_the_list(folder: Path):
    prune(folder, "caches")
    assert not (folder / "work").exists()
    assert not (folder / "encodings").exists()
    assert (folder / "pruned.jsonl").read_text() == ""


def test_a_kill_between_the_listing_and_the_deletion_leaves_what_an_audit_understands(
    folder: Path, monkeypatch
):
    def killed(path: Path) -> None:
        if path.name == "config.json":
            raise KeyboardInterrupt
        os.remove(path)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(
            Path, "unlink", lambda path, missing_ok=False: killed(path) if path.exists() else None
        )
        prune(folder, "task_vectors", "checkpoints")
    assert (folder / REAL / "config.json").is_file()
    assert (folder / "pruned.jsonl").read_text().count("\n") == 5
    assert audit(folder).findings == []
    prune(folder, "task_vectors", "checkpoints")
    assert not (folder / REAL / "config.json").exists()
    assert audit(folder).findings == []


def test_a_file_that_is_made_again_counts_as_present(folder: Path):
    content = (folder / VECTOR).read_text()
    prune(folder, "task_vectors")
    assert audit(folder).experiment.is_pruned(VECTOR)
    write(folder / VECTOR, content)
    assert audit(folder).findings == []
    assert not audit(folder).experiment.is_pruned(VECTOR)
    write(folder / VECTOR, "other")
    assert "the file has" in audit(folder).findings[0]


def test_a_pruned_file_whose_record_tells_of_another_since_is_missing(folder: Path):
    prune(folder, "task_vectors")
    row = json.loads((folder / "pruned.jsonl").read_text())
    (folder / "pruned.jsonl").write_text(json.dumps(row | {"sha256": "0" * 64}) + "\n")
    [line] = audit(folder).findings
    assert line.startswith(f"{folder / VECTOR}{SUFFIX}: none of the 1 files")
    (folder / "pruned.jsonl").write_text("damaged\n")
    assert f"{folder}/pruned.jsonl:1: not a pruned file; remove the line" in audit(folder).findings


def refused(capsys: pytest.CaptureFixture, folder: Path, kind: str, where: str) -> str:
    """Prune; return why the files of a folder, which must still be there, were kept."""
    before = {name for name in files(folder) if os.path.dirname(name) == where}
    [line] = [line for line in told(capsys, folder, kind) if line.startswith(f"{folder / where}: ")]
    assert before == {name for name in files(folder) if os.path.dirname(name) == where}
    return line.split(" cannot be made again: ", 1)[1]


def test_what_other_code_made_is_kept(folder: Path, capsys):
    write(Path("scripts/training/data.py"), "CHANGED = 1")
    reason = refused(capsys, folder, "checkpoints", REAL)
    assert reason == "the code that made it was changed since: training/data.py"
    assert not (folder / "models/base/pretrained/seed0/config.json").exists()


def test_what_was_made_of_a_file_that_is_gone_for_good_is_kept_all_the_way_down(folder, capsys):
    Path("resources/hibari/a.onnx").unlink()
    reason = refused(capsys, folder, "audio", "audio/d/hibari/train")
    assert reason == "resources/hibari/a.onnx is needed, and not there as it was"
    assert not (folder / "audio/d/real/1.flac").exists()
    (folder / "audio/d/hibari/train/1.flac").unlink()
    reason = refused(capsys, folder, "delivered", SYNTHETIC)
    assert reason.startswith(f"{folder}/audio/d/hibari/train/1.flac is needed, not there as it was")
    assert "resources/hibari/a.onnx" in reason


@pytest.mark.parametrize("name", ["own/1.wav", "own.jsonl", "resources/base/model.pt"])
def test_what_was_made_of_a_users_own_or_a_fetched_file_is_kept_without_it(folder, capsys, name):
    Path(name).unlink()
    kind, where = "audio", "audio/d/real"
    if name.startswith("resources"):
        kind, where = "checkpoints", "models/base/pretrained/seed0"
    assert refused(capsys, folder, kind, where).startswith(name)


def test_what_was_made_of_a_fetched_folder_that_was_changed_is_kept(folder: Path, capsys):
    write(Path("resources/hibari/voices/y"), "other")
    reason = refused(capsys, folder, "audio", "audio/d/hibari/train")
    assert reason.startswith("resources/hibari/voices: resources/hibari/files.json lists sha256")


def test_a_file_that_is_not_what_was_made_is_kept_and_so_are_those_made_with_it(folder, capsys):
    edited = write(folder / REAL / "config.json", "edited by hand")
    capsys.readouterr()
    prune(folder, "checkpoints")
    lines = capsys.readouterr().out.splitlines()
    assert f"{folder / REAL}: 1 files cannot be made again: it is not what was made" in lines
    assert any(f"{edited} is not what was made, and would be" in line for line in lines)
    assert (folder / REAL / "model.safetensors").is_file()
    assert edited.read_text() == "edited by hand"


def test_what_was_made_of_other_bytes_than_now_is_kept(folder: Path, capsys):
    write(folder / REAL / "model.safetensors", "other")
    sidecar = folder / REAL / f"model.safetensors{SUFFIX}"
    content = json.loads(sidecar.read_text())
    name = str(folder / REAL / "model.safetensors")
    content["outputs"][name] = audit(folder).hashes.sha256(name)
    sidecar.write_text(json.dumps(content))
    reason = refused(capsys, folder, "task_vectors", os.path.dirname(VECTOR))
    assert reason == f"{name}, of which it was made, was of other bytes then"


def test_what_no_record_tells_of_is_not_offered(folder: Path, capsys):
    (folder / f"{VECTOR}{SUFFIX}").unlink()
    write(folder / "audio/d/real/stray.flac", "stray")
    counts = offered(told(capsys, folder))
    assert (counts["task_vectors"], counts["audio"]) == (0, 5)


def test_nothing_is_deleted_while_a_run_goes_on(folder: Path):
    lock = write(Path("logs/tiny/run.lock"), "process 1")
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(InputError, match=r"logs/tiny/run.lock: a run .* goes on"):
            prune(folder, "caches")
    assert (folder / "work/state.pt").is_file()
    prune(folder, "caches")
    assert not (folder / "work/state.pt").exists()


def test_an_unknown_kind_and_a_missing_folder_are_refused(folder: Path, capsys):
    with pytest.raises(SystemExit):
        prune(folder, "scores")
    assert "invalid choice: 'scores'" in capsys.readouterr().err
    shutil.rmtree(folder)
    with pytest.raises(InputError, match="no such folder"):
        prune(folder)


# --- links


def moved(path: Path, elsewhere: Path) -> Path:
    """Move a file or folder away, and leave a link to it; return where it is."""
    elsewhere.mkdir()
    there = path.rename(elsewhere / path.name)
    path.symlink_to(there)
    return there


@pytest.mark.parametrize(
    ("linked", "kind"),
    [
        ("audio", "audio"),
        ("audio/d/real", "audio"),
        ("audio/d/real/1.flac", "audio"),
        ("models", "checkpoints"),
        (f"{REAL}", "checkpoints"),
        (f"{REAL}/config.json", "checkpoints"),
        ("hypotheses/base", "hypotheses"),
        (VECTOR, "task_vectors"),
        ("work", "caches"),
        ("encodings/base", "caches"),
    ],
)
def test_nothing_is_deleted_behind_a_link(folder: Path, tmp_path: Path, linked: str, kind: str):
    there = moved(folder / linked, tmp_path / "elsewhere")
    before = {path for path in (tmp_path / "elsewhere").rglob("*") if path.is_file()}
    assert before
    prune(folder, kind)
    assert {path for path in (tmp_path / "elsewhere").rglob("*") if path.is_file()} == before
    assert there.exists()


def test_what_lies_behind_a_link_is_told_and_the_rest_is_deleted(
    folder: Path, tmp_path: Path, capsys
):
    there = moved(folder / "audio/d/real", tmp_path / "elsewhere")
    lines = told(capsys, folder, "audio")
    why_not = f"3 files cannot be made again: it lies in {there}, behind a link"
    assert f"{folder}/audio/d/real: {why_not}" in lines
    assert not (folder / "audio/d/hibari/train/1.flac").exists()


@pytest.mark.parametrize("linked", ["results/tiny", "results"])
def test_an_experiment_that_is_itself_a_link_is_pruned_only_if_that_is_asked(
    folder: Path, tmp_path: Path, linked: str
):
    moved(Path(linked), tmp_path / "elsewhere")
    for name in (str(folder), f"{folder}/", f"./{folder}"):
        with pytest.raises(InputError, match=r"is a link to .*elsewhere.*; add --follow"):
            prune(Path(name), "caches", "checkpoints")
    assert (folder / "work/state.pt").is_file() and (folder / REAL / "config.json").is_file()
    assert offered_of(folder) == 4
    parser = argparse.ArgumentParser()
    lineage_prune.add_arguments(parser)
    given = [str(folder), "--scripts=scripts", "--follow", "--delete", "caches"]
    lineage_prune.main(parser.parse_args(given))
    assert not (folder / "work").exists()


def offered_of(folder: Path) -> int:
    """Return how many checkpoint files are offered for deletion."""
    experiment = lineage_prune.Experiment(folder, lineage_prune.HashCache(folder))
    remaking = Remaking(experiment, Path("scripts"))
    found = lineage_prune.candidates_of(experiment, remaking)
    return sum(each.kind == "checkpoints" and not each.why_not for each in found)


def test_a_record_that_names_files_elsewhere_deletes_none_of_them(folder: Path, tmp_path: Path):
    precious = write(tmp_path / "precious.safetensors", "precious")
    digest = hashlib.sha256(b"precious").hexdigest()
    sidecar = folder / f"{VECTOR}{SUFFIX}"
    content = json.loads(sidecar.read_text())
    for name in (str(precious), "../precious.safetensors", f"{folder}/../../precious.safetensors"):
        content["outputs"][name] = digest
    sidecar.write_text(json.dumps(content))
    prune(folder, *lineage_prune.KINDS)
    assert precious.read_text() == "precious"


def test_a_folder_that_became_a_link_since_it_was_listed_is_not_followed(folder: Path, tmp_path):
    experiment = lineage_prune.Experiment(folder, lineage_prune.HashCache(folder))
    remaking = Remaking(experiment, Path("scripts"))
    found = [each for each in lineage_prune.candidates_of(experiment, remaking) if not each.why_not]
    there = moved(folder / "audio", tmp_path / "elsewhere")
    with pytest.raises(InputError, match="lies behind a link by now"):
        lineage_prune.delete(experiment, [each for each in found if each.kind == "audio"])
    assert (there / "d/real/1.flac").is_file()
