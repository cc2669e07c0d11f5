"""Whatever is changed in an experiment behind its records' back, an audit names it."""

import argparse
import json
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from errors import InputError
from lineages import audit as lineage_audit
from lineages import hash_cache
from lineages.audit import Audit
from made_up_lineage import (
    ARTIFACTS,
    AUDIO,
    EXTERNALS,
    REAL,
    RECORDS,
    SCORE,
    SYNTHETIC,
    make_experiment_in,
    write,
)

SUFFIX = ".lineage.json"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_experiment_in(tmp_path, monkeypatch)


@pytest.fixture
def chance() -> random.Random:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    return random.Random(seed)


def findings(folder: str | Path, scripts: Path = Path("scripts"), full: bool = False) -> list[str]:
    return Audit(folder, scripts, full).findings


def about(path: Path, lines: list[str]) -> str:
    """Return the one finding about a file."""
    [line] = [line for line in lines if line.startswith(f"{path}: ")]
    return line


def run(*arguments: str) -> None:
    parser = argparse.ArgumentParser()
    lineage_audit.add_arguments(parser)
    lineage_audit.main(parser.parse_args(["--scripts=scripts", *map(str, arguments)]))


def printed(capsys: pytest.CaptureFixture, *arguments: str) -> list[str]:
    """Return the findings that the command prints, without its summary."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as status:
        run(*arguments)
    assert status.value.code == 1
    return capsys.readouterr().out.splitlines()[:-1]


def seal(folder: Path, capsys: pytest.CaptureFixture) -> str:
    """Seal an experiment; return the root hash that is printed."""
    capsys.readouterr()
    run(folder, "--seal")
    return capsys.readouterr().out.split()[-1]


def flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(7)
    path.write_bytes(content)


def edit(path: Path, *steps: str | int, to: object) -> None:
    """Set a value of a JSON file, in the form of a record."""
    content = inner = json.loads(path.read_text())
    for step in steps[:-1]:
        inner = inner[step]
    inner[steps[-1]] = to
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


def test_an_experiment_as_it_was_made_has_no_findings_and_is_counted(folder: Path, capsys):
    run(folder, "--full")
    [line] = capsys.readouterr().out.splitlines()
    told = f"{ARTIFACTS} artifacts, {RECORDS} records, {AUDIO} audio files, {EXTERNALS} externals"
    assert line.startswith(f"{told}, 0 pruned: 0.0 MB in ")


@pytest.mark.parametrize(
    "kind",
    [
        "audio/**/*.flac",
        "task_vectors/**/*.safetensors",
        "models/**/config.json",
        "models/**/model.safetensors",
        "manifests/**/*.jsonl",
        "scores/**/test.json",
        "**/*",
    ],
)
def test_a_flipped_bit_of_any_file_is_named(folder: Path, kind: str, chance: random.Random):
    skipped = (SUFFIX, ".npy", ".pt")
    files = sorted(path for path in folder.glob(kind) if path.is_file())
    victim = chance.choice(
        [path for path in files if not path.name.endswith(skipped) and ".journal" not in str(path)]
    )
    flip(victim, chance)
    assert "the file has" in about(victim, findings(folder))


def test_a_flipped_bit_of_a_sidecar_is_named_once_the_experiment_is_sealed(folder, chance, capsys):
    root = seal(folder, capsys)
    victim = chance.choice(sorted(folder.rglob(f"*{SUFFIX}")))
    flip(victim, chance)
    assert any(
        line.startswith(f"{victim}: was changed since the files were sealed")
        for line in printed(capsys, folder, "--root", root)
    )


def test_a_sidecar_that_is_no_record_is_named_and_so_is_what_it_told_of(folder: Path):
    (folder / f"{SCORE}{SUFFIX}").write_text("{")
    found = findings(folder)
    assert "not a lineage record" in about(folder / f"{SCORE}{SUFFIX}", found)
    assert "no record" in about(folder / SCORE, found)


def test_damage_is_named_wherever_it_is_and_never_ends_the_audit(folder: Path, chance, capsys):
    seal(folder, capsys)
    skipped = {".hashes.json", "state.pt", "a.npy", "1.jsonl"}
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in skipped]
    for victim in chance.choices(sorted(files), k=30):
        content = victim.read_bytes()
        if not content:
            continue
        place = chance.randrange(len(content))
        middle = chance.choice([b"", b"[", b"{}", b"1", b"\xff", b"null"])
        victim.write_bytes(content[:place] + middle + content[place + 3 :])
        found = printed(capsys, folder)
        assert any(str(victim) in line for line in found), victim
        victim.write_bytes(content)


def test_a_record_whose_hashes_are_no_texts_is_named(folder: Path):
    edit(folder / f"{SCORE}{SUFFIX}", "outputs", str(folder / SCORE), to=7)
    assert "'7' is not a SHA-256" in about(folder / f"{SCORE}{SUFFIX}", findings(folder))


def test_the_audio_of_a_manifest_may_lie_outside_and_is_named_if_it_was_changed(folder: Path):
    manifest = folder / "manifests/d/real/test.jsonl"
    row = json.loads(manifest.read_text())
    row |= {"audio_filepath": "own/1.wav", "sha256": hash_cache.sha256("own/1.wav")}
    manifest.write_text(json.dumps(row) + "\n")
    assert not [line for line in findings(folder) if line.startswith("own/1.wav: ")]
    write(Path("own/1.wav"), "other")
    assert f"{manifest} lists it with sha256" in about(Path("own/1.wav"), findings(folder))


def test_a_deleted_sidecar_is_told_by_its_files_and_by_what_was_made_of_them(folder: Path):
    (folder / f"{SCORE}{SUFFIX}").unlink()
    found = findings(folder)
    assert "no record, and no row of a manifest, tells how it was made" in about(
        folder / SCORE, found
    )
    assert f"summarize.py read {folder / SCORE}" in about(folder / "summary.json", found)
    assert len(found) == 2


def test_swapped_checkpoints_are_both_named_with_whose_bytes_they_have(folder: Path):
    real, synthetic = (folder / each / "model.safetensors" for each in (REAL, SYNTHETIC))
    real.rename("kept")
    synthetic.rename(real)
    Path("kept").rename(synthetic)
    found = findings(folder)
    assert f"the bytes of {synthetic}; " in about(real, found)
    assert f"the bytes of {real}; " in about(synthetic, found)


def test_swapped_folders_of_checkpoints_are_named_with_their_sidecars(folder: Path):
    real, synthetic = folder / REAL, folder / SYNTHETIC
    real.rename("kept")
    synthetic.rename(real)
    Path("kept").rename(synthetic)
    found = findings(folder)
    for each in (real, synthetic):
        assert "the bytes of" in about(each / "model.safetensors", found)
        assert "lies beside none of its files" in about(each / f"model.safetensors{SUFFIX}", found)


def test_a_score_edited_by_hand_is_named(folder: Path):
    (folder / SCORE).write_text('{"wer": 0.20}')
    assert "score.py wrote sha256" in about(folder / SCORE, findings(folder))


def test_a_score_edited_by_hand_together_with_its_record_is_named(folder: Path):
    (folder / SCORE).write_text('{"wer": 0.20}')
    sha256 = hash_cache.sha256(folder / SCORE)
    edit(folder / f"{SCORE}{SUFFIX}", "outputs", str(folder / SCORE), to=sha256)
    [line] = findings(folder)
    assert line.startswith(f"{folder / 'summary.json'}: is made of other bytes: summarize.py read")
    assert str(folder / SCORE) in line


def test_an_edited_summary_with_an_edited_record_is_named_by_the_seal(folder: Path, capsys):
    root = seal(folder, capsys)
    summary = write(folder / "summary.json", "better")
    sidecar = folder / f"summary.json{SUFFIX}"
    edit(sidecar, "outputs", str(summary), to=hash_cache.sha256(summary))
    assert findings(folder) == []
    assert [line.split(": ")[0] for line in printed(capsys, folder)] == [str(summary), str(sidecar)]
    edited = [line for line in printed(capsys, folder, "--root", root) if "was changed" in line]
    assert len(edited) == 2


def test_a_missing_file_is_named_and_of_a_stage_without_any_the_record(folder: Path):
    (folder / REAL / "config.json").unlink()
    (folder / SCORE).unlink()
    found = findings(folder)
    assert "No such file or directory, but finetune.py" in about(
        folder / REAL / "config.json", found
    )
    assert "none of the 1 files" in about(folder / f"{SCORE}{SUFFIX}", found)
    assert len(found) == 2


def test_a_link_to_nothing_is_a_missing_file(folder: Path):
    for name in ("manifests/d/real/test.jsonl", f"{REAL}/config.json"):
        (folder / name).unlink()
        (folder / name).symlink_to("nowhere")
        assert "No such file" in about(folder / name, findings(folder))


def test_copies_of_a_record_must_be_the_same(folder: Path):
    copy = folder / f"texts/d/train.jsonl{SUFFIX}"
    edit(copy, "parameters", to={"seed": 2})
    [line] = findings(folder)
    assert str(copy) in line
    assert str(folder / f"manifests/d/real/train.jsonl{SUFFIX}") in line


def test_a_record_whose_files_have_a_later_one_is_named(folder: Path):
    old = folder / "scores/base/old.json"
    shutil.copy(folder / f"{SCORE}{SUFFIX}", f"{old}{SUFFIX}")
    edit(Path(f"{old}{SUFFIX}"), "run", "ended", to=1.0)
    found = [line for line in findings(folder) if line.startswith(f"{old}{SUFFIX}: ")]
    assert any("is the last record of no file" in line for line in found)


def test_of_two_records_about_a_file_the_later_counts(folder: Path):
    table = write(folder / "summary.tsv", "made again, alone")
    later = Path(f"{table}{SUFFIX}")
    shutil.copy(folder / f"summary.json{SUFFIX}", later)
    edit(later, "outputs", to={str(table): hash_cache.sha256(table)})
    edit(later, "run", "ended", to=1e10)
    assert findings(folder) == []


def test_a_file_that_no_record_tells_of_is_named_but_no_cache_and_no_hidden_file(folder: Path):
    for name in ("work/a", "encodings/b", ".hidden", "audio/.unfinished.flac", "listen.html"):
        write(folder / name, "a")
    assert findings(folder) == []
    write(folder / "models/work/a", "a")
    assert about(folder / "models/work/a", findings(folder))


def test_a_finding_is_one_line_whatever_the_file_is_called(folder: Path, capsys):
    write(folder / "models/a\n\udcff", "a")
    [line] = printed(capsys, folder)
    assert line.startswith(f"{folder}/models/a\\n\\udcff: no record")


def test_a_manifest_that_tells_otherwise_of_an_audio_file_is_named(folder: Path):
    manifest = folder / "manifests/d/hibari/train.jsonl"
    row = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(row | {"sha256": "0" * 64}) + "\n")
    assert f"{manifest} lists it with sha256 0000" in about(
        Path(row["audio_filepath"]), findings(folder)
    )


def test_a_changed_line_of_logic_is_named_with_what_it_made_and_a_comment_is_not(folder: Path):
    module = Path("scripts/training/data.py")
    module.write_text(module.read_text() + "\n# a remark\n")
    assert findings(folder) == []
    module.write_text(module.read_text() + "\nCHANGED = 1\n")
    found = findings(folder)
    assert [line.split(": ")[0] for line in found] == [
        f"{folder / each}/config.json" for each in (SYNTHETIC, REAL)
    ]
    assert all("since changed: training/data.py;" in line for line in found)


def test_a_change_of_the_engine_that_spoke_is_named_and_one_of_another_is_not(folder: Path):
    for engine, changed in (("kokoro", []), ("hibari", ["engines/hibari.py"])):
        module = Path(f"scripts/engines/{engine}.py")
        module.write_text(module.read_text() + "\nCHANGED = 1\n")
        found = findings(folder)
        assert [line.split("changed: ")[1].split(";")[0] for line in found] == changed


def test_a_script_that_is_no_more_is_named(folder: Path):
    Path("scripts/score.py").rename("scripts/judge.py")
    [line] = findings(folder)
    assert line.startswith(f"{folder / SCORE}: ")
    assert "score.py, which is no more" in line


def test_a_record_with_an_edited_version_of_the_code_is_named(folder: Path):
    edit(folder / f"{SCORE}{SUFFIX}", "code", to="0" * 16)
    assert "its record says two things" in about(folder / SCORE, findings(folder))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("own.jsonl", "prepare.py read sha256"),
        ("resources/base/model.pt", "pretrained.py read sha256"),
        ("resources/hibari/voices/x", "synthesize.py read sha256"),
        ("resources/base/files.json", "pretrained.py read sha256"),
    ],
)
def test_a_file_from_outside_that_was_changed_is_named(folder: Path, name: str, told: str):
    write(Path(name), Path(name).read_text() + " ")
    assert any(line.startswith(f"{name}: {told}") for line in findings(folder))
    Path(name).unlink()
    assert any(line.startswith(f"{name}: No such file") for line in findings(folder))


def test_all_of_a_fetched_folder_counts_of_which_one_file_was_read(folder: Path):
    write(Path("resources/hibari/voices/y"), "other")
    [line] = findings(folder)
    assert line.startswith("resources/hibari/voices: resources/hibari/files.json lists sha256")


def test_all_that_was_fetched_counts_of_what_was_read_by_its_index(folder: Path):
    write(Path("resources/corpus/en/1.wav"), "other")
    [line] = findings(folder)
    assert line.startswith("resources/corpus/en: resources/corpus/files.json lists sha256")


def test_a_fetched_file_that_was_replaced_with_its_index_is_named(folder: Path):
    edit(Path("resources/hibari/files.json"), "licence", to="none")
    [line] = findings(folder)
    assert line.startswith("resources/hibari/files.json: was changed after it was fetched")


def test_a_file_beside_the_fetched_ones_is_named_if_it_was_read(folder: Path):
    other = write(Path("resources/base/other"), "other")
    inputs = json.loads((folder / f"{SCORE}{SUFFIX}").read_text())["inputs"]
    inputs |= {str(other): hash_cache.sha256(other)}
    edit(folder / f"{SCORE}{SUFFIX}", "inputs", to=inputs)
    [line] = findings(folder)
    assert line.startswith(f"{other}: resources/base/files.json does not list it; delete it")


def test_the_fetched_files_may_lie_elsewhere_and_be_linked(folder: Path):
    Path("resources").rename("shared")
    Path("resources").symlink_to("shared")
    assert findings(folder) == []
    write(Path("shared/base/model.pt"), "other")
    assert findings(folder)


def test_an_experiment_is_audited_where_it_was_moved_to(folder: Path, tmp_path: Path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    shutil.move(tmp_path / "results", tmp_path / "elsewhere")
    for path in ("resources", "own.jsonl", "own"):
        shutil.move(tmp_path / path, tmp_path / "elsewhere")
    monkeypatch.chdir("/")
    assert findings(tmp_path / "elsewhere/results/tiny", tmp_path / "scripts") == []
    monkeypatch.chdir(tmp_path / "elsewhere")
    Path("results/tiny").rename("copy")
    assert findings("copy", tmp_path / "scripts") == []
    write(Path("copy", SCORE), "other")
    assert about(Path("copy", SCORE), findings("copy", tmp_path / "scripts"))


def test_the_seal_is_read_by_sha256sum_whatever_the_names(folder: Path, capsys):
    root = seal(folder, capsys)
    result = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=folder)
    assert result.returncode == 0
    assert root == hash_cache.sha256(folder / "SHA256SUMS")
    listed = (folder / "SHA256SUMS").read_text().splitlines()
    assert len(listed) == ARTIFACTS + AUDIO + len(list(folder.rglob(f"*{SUFFIX}")))
    odd = ["a\nb", "a\\b", "a b", "\udcff"]
    for name in odd:
        Path(name).write_text(name.encode(errors="replace").decode())
    expected = subprocess.run(["sha256sum", *sorted(odd, key=os.fsencode)], capture_output=True)
    text = lineage_audit.seal_text({name: hash_cache.sha256(name) for name in odd})
    assert os.fsencode(text) == expected.stdout


def test_the_root_hash_is_that_of_the_same_files_and_no_others(folder: Path, capsys):
    root = seal(folder, capsys)
    run(folder, "--root", root)
    assert capsys.readouterr().out.split()[-1] == root
    (folder / SCORE).write_text("changed")
    (folder / REAL / "config.json").unlink()
    write(folder / "models/extra", "added")
    found = printed(capsys, folder, "--root", root)
    for name, how in (
        (SCORE, "changed"),
        (f"{REAL}/config.json", "missing"),
        ("models/extra", "added"),
    ):
        told = [line for line in found if line.startswith(f"{folder / name}: was {how} since")]
        told += [line for line in found if line.startswith(f"{folder / name}: is {how} since")]
        assert len(told) == 1
    paths = [line.split(": ")[0] for line in found]
    assert paths == sorted(paths)


def test_a_seal_that_was_written_again_is_named(folder: Path, capsys):
    root = seal(folder, capsys)
    sums = folder / "SHA256SUMS"
    sums.write_text("\n".join(reversed(sums.read_text().strip().split("\n"))) + "\n")
    [line] = printed(capsys, folder, "--root", root)
    assert line.startswith(f"{sums}: was written again: its own hash is ")
    sums.unlink()
    run(folder, "--root", root)
    [line] = printed(capsys, folder, "--root", "0" * 64)
    assert line.startswith(f"{sums}: is not there to say which files differ")


def test_an_experiment_with_findings_is_not_sealed_but_one_made_anew_is(folder: Path, capsys):
    seal(folder, capsys)
    before = (folder / "SHA256SUMS").read_text()
    content = (folder / SCORE).read_text()
    (folder / SCORE).write_text("changed")
    with pytest.raises(InputError, match="not sealed"):
        run(folder, "--seal")
    assert (folder / "SHA256SUMS").read_text() == before
    (folder / SCORE).write_text(content)
    edit(folder / f"summary.json{SUFFIX}", "run", "host", to="another")
    seal(folder, capsys)
    run(folder)


def test_hashes_are_kept_while_files_are_not_written(folder: Path, monkeypatch):
    monkeypatch.setattr(hash_cache, "SETTLED", 0)
    time.sleep(0.05)  # longer than a tick of the disk's clock
    findings(folder)
    read = []
    sha256 = hash_cache.sha256
    monkeypatch.setattr(hash_cache, "sha256", lambda path: read.append(path) or sha256(path))
    assert findings(folder) == []
    assert read == []
    assert findings(folder, full=True) == []
    assert str(folder / SCORE) in read
    status = (folder / SCORE).stat()
    (folder / SCORE).write_text('{"wer": 0.20}')
    os.utime(folder / SCORE, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert about(folder / SCORE, findings(folder))


def test_hashes_of_files_that_were_just_written_are_not_kept(folder: Path):
    findings(folder)
    assert json.loads((folder / ".hashes.json").read_text())["files"] == {}


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"files": {}}', "\x00"])
def test_what_is_no_cache_counts_as_empty(folder: Path, content: str):
    write(folder / ".hashes.json", content)
    assert findings(folder) == []


def test_a_cache_with_one_wrong_digit_counts_as_empty(folder: Path, monkeypatch):
    monkeypatch.setattr(hash_cache, "SETTLED", 0)
    time.sleep(0.05)
    findings(folder)
    cache = folder / ".hashes.json"
    digest = hash_cache.sha256(folder / SCORE)
    assert digest in cache.read_text()
    cache.write_text(cache.read_text().replace(digest, digest.translate({ord(digest[0]): "x"})))
    assert findings(folder) == []


def test_the_cache_of_other_files_counts_as_empty(folder: Path, monkeypatch):
    monkeypatch.setattr(hash_cache, "SETTLED", 0)
    time.sleep(0.05)
    findings(folder)
    shutil.copytree(folder, "results/copy")
    write(Path("results/copy", SCORE), '{"wer": 0.20}')
    assert about(Path("results/copy", SCORE), findings(Path("results/copy")))


def test_a_folder_that_cannot_be_written_to_is_audited(folder: Path, monkeypatch, capsys):
    monkeypatch.setattr(hash_cache, "NAME", "/proc/self/.hashes.json")
    assert findings(folder) == []
    assert "the next audit reads all" in capsys.readouterr().err


def test_a_full_audit_holds_records_to_their_schema(folder: Path):
    edit(folder / f"{SCORE}{SUFFIX}", "version", to=7)
    assert findings(folder) == []
    [line] = findings(folder, full=True)
    assert line.startswith(f"{folder / SCORE}{SUFFIX}: $.version: 1 was expected")


def test_what_is_no_experiment_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no such folder"):
        run(tmp_path / "nothing")
    with pytest.raises(InputError, match="no lineage record is below it"):
        run(tmp_path)
