"""What is made again from nothing but the files from outside, by real scripts that are quick."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from conftest import ROOT
from errors import InputError
from files import checksum
from lineages import reproduce as lineage_reproduce
from made_up_chain import Chain
from records import record as records

SCORE = "results/tiny/scores/tiny/music/seed1/own/real/test.json"
POOLED = "results/tiny/manifests/source/real/test.jsonl"
HEARD = "resources/heard/heard.jsonl"
COMMIT = re.compile(r"git worktree add \.\./[0-9a-z]{7} [0-9a-z]{7,12}, and call")


pytestmark = pytest.mark.usefixtures("forget_files")


def script(root: Path, name: str, *arguments: object) -> None:
    """Run one of the project's scripts in a folder."""
    argv = [sys.executable, str(ROOT / "scripts" / name), *map(str, arguments)]
    result = subprocess.run(argv, cwd=root, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    """Return a folder in which recordings were prepared, pooled, and hypotheses scored.

    What was heard is a fetched file with one wrong word in eight.
    """
    root = tmp_path_factory.mktemp("original")
    (root / "data" / "audio").mkdir(parents=True)
    rows, tone = [], np.sin(np.arange(16000) / 10)
    for number in range(8):
        path = f"data/audio/{number}.wav"
        soundfile.write(root / path, 0.1 * number / 8 * tone, 16000)  # the first is silent
        text = f"sentence {'abcdefgh'[number]}"
        rows.append({"audio_filepath": path, "text": text, "speaker": f"s{number}"})
    (root / "data" / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    declaration = {"manifest": "data/own.jsonl", "test": 4, "dev": 2, "train": 1}
    declaration |= {"speaker_disjoint": False}  # one recording is read, and left out
    script(
        root, "prepare.py", "--domain", "own", "--declaration", json.dumps(declaration),
        "--audio-dir", "results/tiny/audio/own/real",
        "--manifests-dir", "results/tiny/manifests/own/real",
        "--texts-dir", "results/tiny/texts/own", "--language", "en",
    )  # fmt: skip
    script(root, "pool.py", "--output", POOLED, "results/tiny/manifests/own/real/test.jsonl")
    references = [json.loads(line) for line in (root / POOLED).read_text().splitlines()]
    heard = [{"id": row["id"], "text": row["text"]} for row in references]
    heard[0]["text"] = heard[0]["text"].replace("sentence", "wrong")
    (root / "heard").write_text("".join(json.dumps(row) + "\n" for row in heard))
    source = {"path": str(root / "heard")}
    files = {"heard.jsonl": {"sha256": checksum.sha256(root / "heard"), "sources": [source]}}
    declaration = json.dumps({"licence": "MIT", "files": files})
    script(
        root, "fetch.py", "--artifact", "heard", "--declaration", declaration,
        "--output", "resources/heard",
    )  # fmt: skip
    arguments = ("--references", POOLED, "--hypotheses", HEARD, "--output", SCORE)
    arguments += ("--language", "en")
    script(root, "score.py", *arguments)
    return root


@pytest.fixture
def made(original, tmp_path) -> Path:
    """Return a copy of the same that a test may change."""
    return shutil.copytree(original, tmp_path / "made")


def reproduce(path: Path, *arguments: object) -> None:
    parser = argparse.ArgumentParser()
    lineage_reproduce.add_arguments(parser)
    lineage_reproduce.main(parser.parse_args([str(path), *map(str, arguments)]))


def edit_record(path: Path, **changes) -> None:
    """Change keys of a file's record."""
    sidecar = records.sidecar(path)
    content = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(content | changes))


def commands(text: str) -> list[str]:
    """Return the scripts that a shell script calls, in order."""
    return re.findall(r"^python scripts/(\w+\.py)", text, flags=re.MULTILINE)


# --- the shell script


def test_the_script_has_each_command_once_in_order_and_fetches_nothing_that_is_there(made, capsys):
    reproduce(made / SCORE)
    out = capsys.readouterr().out
    assert commands(out) == ["prepare.py", "pool.py", "score.py"]
    assert f"# Makes {SCORE} again." in out


def test_the_script_names_what_must_come_from_outside(made, capsys):
    reproduce(made / SCORE)
    listed = re.findall(r"^#   (.*)", capsys.readouterr().out, flags=re.MULTILINE)
    sounds = [f"data/audio/{number}.wav" for number in range(8)]
    assert listed == [*sounds, "data/own.jsonl", "resources/heard"]


def test_the_script_makes_the_same_file_where_it_is_run(made, tmp_path, capsys):
    reproduce(made / SCORE)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    for name in ("data", "resources"):
        shutil.copytree(made / name, fresh / name)
    (fresh / "scripts").symlink_to(ROOT / "scripts")
    text = capsys.readouterr().out.replace("\npython ", f"\n{sys.executable} ")
    subprocess.run(["sh", "-c", text], cwd=fresh, check=True, capture_output=True)
    assert (fresh / SCORE).read_bytes() == (made / SCORE).read_bytes()


def test_the_script_fetches_again_what_is_no_longer_what_was_fetched(made, capsys):
    (made / HEARD).write_text("edited")
    reproduce(made / SCORE)
    out = capsys.readouterr().out
    assert sorted(commands(out)[:2]) == ["fetch.py", "prepare.py"]
    assert commands(out)[-1] == "score.py"
    assert re.search(r"# CHANGED: .*resources/heard/heard\.jsonl: has sha256", out)
    assert "#   resources/heard\n" not in out


def test_a_command_that_made_several_files_is_run_once_with_all_that_it_needs(
    tmp_path, monkeypatch, capsys
):
    run = Chain(tmp_path, monkeypatch)
    reproduce(run.path())
    out = capsys.readouterr().out
    assert commands(out).count("score.py") == 1
    assert commands(out).count("transcribe.py") == 2  # of the judged speech, and of the sweep
    assert "tv0.5/seed1/music/real/test.json" in out
    assert out.index("python scripts/task_vector.py") < out.index("python scripts/score.py")


def test_what_a_command_names_besides_its_inputs_is_made_before_it(tmp_path, monkeypatch, capsys):
    run = Chain(tmp_path, monkeypatch)
    vector = "task_vectors/tiny/source-kokoro/seed1.safetensors"
    run.make("leakage.py", ["leakage.json"], ["texts/music/train.jsonl"], heard=[vector])
    reproduce(run.path("leakage.json"))
    assert commands(capsys.readouterr().out)[-2:] == ["task_vector.py", "leakage.py"]


def test_a_row_of_a_summary_is_made_again_by_its_scores(tmp_path, monkeypatch, capsys):
    run = Chain(tmp_path, monkeypatch)
    reproduce(run.path("summary.json"), "--row", "telephone", "target-synthetic")
    out = capsys.readouterr().out
    assert f"# Makes {run.at(run.score('music-kokoro'))} again." in out
    assert "task_vector.py" not in commands(out)


# --- the run


def test_a_run_makes_the_same_bytes_from_links_to_the_files_from_outside(made, tmp_path, capsys):
    reproduce(made / SCORE, "--run", "--folder", tmp_path / "fresh")
    out = capsys.readouterr().out
    assert "[1/3] prepare.py: manifests/own/real/train.jsonl\n    same bytes (6 files);" in out
    assert f"{SCORE}: the same bytes, WER 12.50 % of 8 words" in out
    links = {
        os.path.relpath(path, tmp_path / "fresh")
        for path in (tmp_path / "fresh").rglob("*")
        if path.is_symlink()
    }
    sounds = {f"data/audio/{number}.wav" for number in range(8)}
    assert links == {"data/own.jsonl", "resources/heard"} | sounds
    assert (tmp_path / "fresh" / SCORE).read_bytes() == (made / SCORE).read_bytes()
    assert len(list((tmp_path / "fresh" / "logs").glob("*.log"))) == 3


def test_a_file_in_between_that_was_edited_or_lost_does_not_matter(made, tmp_path, capsys):
    (made / POOLED).write_text("edited")
    (made / "results/tiny/texts/own/train.jsonl").unlink()
    reproduce(made / SCORE, "--run", "--folder", tmp_path / "fresh")
    assert f"{SCORE}: the same bytes" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["data/own.jsonl", "data/audio/3.wav", HEARD])
def test_a_file_from_outside_that_changed_is_refused_by_name(made, tmp_path, name):
    (made / name).write_text("edited")
    with pytest.raises(InputError, match=rf"{name}: has sha256 \w+, (was read with|fetched) \w+"):
        reproduce(made / SCORE, "--run", "--folder", tmp_path / "fresh")
    assert not (tmp_path / "fresh").exists()


@pytest.mark.parametrize("name", ["data/own.jsonl", HEARD])
def test_a_file_from_outside_that_is_gone_is_refused_by_name(made, tmp_path, name):
    (made / name).unlink()
    with pytest.raises(InputError, match=f"{name}: is not there; "):
        reproduce(made / SCORE, "--run", "--folder", tmp_path / "fresh")


def test_code_that_changed_since_is_refused_with_the_module_and_a_remedy(made, tmp_path):
    edit_record(made / POOLED, modules={"pool.py": "0" * 16, "gone.py": "0" * 16})
    with pytest.raises(InputError) as error:
        reproduce(made / SCORE, "--run", "--folder", tmp_path / "fresh")
    for module in ("pool.py", "gone.py"):
        told = f"scripts/{module}: is not what manifests/source/real/test.jsonl was made with"
        assert told in str(error.value)
    assert "scripts/manifest.py" not in str(error.value)
    assert COMMIT.search(str(error.value)) or "commit unknown" in str(error.value)


def test_anyway_runs_changed_code_and_says_that_the_bytes_are_the_same(made, tmp_path, capsys):
    edit_record(made / POOLED, modules={"pool.py": "0" * 16})
    reproduce(made / SCORE, "--run", "--anyway", "--folder", tmp_path / "fresh")
    assert f"{SCORE}: the same bytes" in capsys.readouterr().out


def test_other_bytes_are_told_with_what_may_be_why_and_the_run_goes_on(made, tmp_path, capsys):
    packages = json.loads(records.sidecar(made / POOLED).read_text())["packages"]
    (made / POOLED).write_text("another pooled manifest")
    other = {POOLED: checksum.sha256(made / POOLED)}
    edit_record(made / POOLED, outputs=other, packages=packages | {"jiwer": "0.1"})
    reproduce(made / SCORE, "--run", "--folder", tmp_path / "fresh")
    out = capsys.readouterr().out
    assert f"other bytes: test.jsonl: package jiwer 0.1 -> {packages['jiwer']};" in out
    assert f"{SCORE}: the same bytes" in out


def test_a_result_that_differs_is_told_with_both_numbers_and_status_1(made, tmp_path, capsys):
    score = json.loads((made / SCORE).read_text()) | {"wer": 0.25}
    (made / SCORE).write_text(json.dumps(score))
    edit_record(made / SCORE, outputs={SCORE: checksum.sha256(made / SCORE)})
    with pytest.raises(SystemExit) as left:
        reproduce(made / SCORE, "--run", "--folder", tmp_path / "fresh")
    out = capsys.readouterr().out
    assert left.value.code == 1
    assert "other bytes: test.json: it is not deterministic, or a file was changed by hand" in out
    assert re.search(r"was: sha256 \w{12}, WER 25.00 % of 8 words\n", out)
    assert re.search(r"is: sha256 \w{12}, WER 12.50 % of 8 words\n", out)
    assert f"lineage.py diff {made / SCORE} {tmp_path / 'fresh' / SCORE}" in out


def test_a_command_that_fails_is_told_with_its_log_and_last_line(made, tmp_path):
    (made / "data/own.jsonl").unlink()
    with pytest.raises(InputError, match=r"001-prepare\.log: prepare\.py ended with status 2: err"):
        reproduce(made / SCORE, "--run", "--anyway", "--folder", tmp_path / "fresh")


def test_a_folder_that_is_not_empty_is_refused(made):
    with pytest.raises(InputError, match="is not empty; name a new one"):
        reproduce(made / SCORE, "--run", "--folder", made / "data")


def test_without_a_folder_a_temporary_one_is_kept_and_named(made, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    reproduce(made / SCORE, "--run")
    folder = re.search(r"in (\S+reproduced-\S+), logs in", capsys.readouterr().out)[1]
    assert Path(folder).parent == tmp_path
    assert (Path(folder) / SCORE).is_file()


def test_a_file_from_outside_at_a_path_above_the_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"\.\./own\.jsonl: lies outside of the folder"):
        lineage_reproduce.make_links({"../own.jsonl": tmp_path}, tmp_path)
