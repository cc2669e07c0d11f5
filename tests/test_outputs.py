"""No command writes over what it reads, whatever the path is called, and it says so at once."""

import hashlib
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import fetch
from conftest import ROOT
from errors import InputError
from files.atomic import INSIDE, check_outputs, remove_work
from made_up_summary import made_up_summary
from scoring.summary import write_summary

SCRIPTS = sorted(
    path.name
    for path in (ROOT / "scripts").glob("*.py")
    if "write_record(" in path.read_text() and path.name != "fetch.py"
)
JSON = '{"manifest": "train/train.jsonl"}'
MODEL = "--model in --train in/a --dev in/b --learning-rate 1 --max-steps 1 --seed 1"
DECODING = "--window 30 --max-length 225"
SPEECH = "--texts in/a --engine kokoro --resources in/r --tts x --voices v --seed 1"
EXPORT = "--checkpoint in/model.safetensors --format ggml --manifest m --hypotheses v"
CALLS = '{"recordings": "in/a"}'
# Each command, with an output that is one of its inputs; OUT is it.
COMMANDS = [
    ("agree.py", "--references in/a --texts in/b --hypotheses in/c --output OUT", "in/b"),
    ("augment.py", "--manifest in/a --settings {} --seed 1 --audio-dir out --output OUT", "in/a"),
    ("augment.py", "--manifest in/a --settings {} --seed 1 --audio-dir OUT --output out", "in"),
    ("augment.py", "--manifest in/a --settings {} --channels in/b --seed 1 --audio-dir out"
     " --output OUT", "in/b"),
    ("breakdown.py", "--summary in/summary.json --output OUT", "in/summary.json"),
    ("channels.py", "--manifest in/a --output OUT", "in/a"),
    ("cluster.py", "--speakers in/a --manifest in/b --clusters 2 --cluster 1 --output OUT", "in/b"),
    ("collect.py", f"--domain d --declaration '{CALLS}' --audio-dir out --output OUT", "in/a"),
    ("collect.py", f"--domain d --declaration '{CALLS}' --audio-dir OUT --output out", "in"),
    ("compare.py", "in/a in/b --references in/c --json OUT", "in/c"),
    ("deliver.py", f"--checkpoint in/a --terms v --texts m {DECODING} --output OUT", "in/new"),
    ("deliver.py", f"--checkpoint in/a --terms v --texts m {DECODING} --output OUT", "m"),
    ("experiment.py", "--experiment in/a --output OUT", "in/a"),
    ("export.py", f"{EXPORT} --output OUT --measured out --transcripts x", "in"),
    ("export.py", f"{EXPORT} --output out --measured OUT --transcripts x", "m"),
    ("export.py", f"{EXPORT} --output out --measured x --transcripts OUT", "v"),
    ("filter.py", "--manifest in/a --hypotheses in/b --output OUT --rejected out", "in/b"),
    ("filter.py", "--manifest in/a --hypotheses in/b --output out --rejected OUT", "in/a"),
    ("finetune.py", f"{MODEL} --output OUT --work-dir out", "in"),
    ("finetune.py", f"{MODEL} --output out --work-dir OUT", "."),
    ("finetune.py", f"{MODEL} --output out --work-dir OUT", "out"),
    ("key_terms.py", "--manifest in/a --hypotheses in/b --output OUT", "in/b"),
    ("label.py", "--manifest in/a --hypotheses in/b --output OUT", "in/b"),
    ("leakage.py", "--evaluations in/a --output OUT", "in/a"),
    ("merge.py", "--method ties --vectors in/a in/b --output OUT", "in/b"),
    ("model_card.py", "--checkpoint in/model.safetensors --summary OUT", "in/README.md"),
    ("pool.py", "in/a in/b --output OUT", "in/b"),
    ("prepare.py", f"--domain d --declaration '{JSON}' --texts-dir OUT", "train"),
    ("pretrained.py", "--artifact in --output OUT", "in"),
    ("pretrained.py", "--artifact in --output OUT", "."),
    ("rank.py", "--evaluations in/a --summary in/summary.json --output OUT", "in/a"),
    ("report.py", "--summary in/summary.json --experiment in/b --output OUT", "in/b"),
    ("score.py", "--references in/a --hypotheses in/b --output OUT", "in/a"),
    ("summarize.py", "--evaluations in/e.json --output-json out --output-tsv OUT", "in/e.json"),
    ("select_texts.py", "--texts in/a --number 1 --by coverage --source in/b --output OUT", "in/b"),
    ("synthesize.py", f"{SPEECH} --audio-dir out --output OUT", "in/a"),
    ("synthesize.py", f"{SPEECH} --audio-dir OUT --output out", "in/r"),
    ("task_vector.py", "subtract --real in/a --synthetic in/b --output OUT", "in/a"),
    ("task_vector.py", "mean --vectors in/a in/b --output OUT", "in/b"),
    ("task_vector.py", "restrict --vector in/a --modules encoder --output OUT", "in/a"),
    ("task_vector.py", "apply --checkpoint in/a --vector v --scaling-coefficient 1 --output OUT",
     "in/new"),
    ("task_vector.py", "apply --checkpoint in/a --vector v --scaling-coefficient 1 --output OUT",
     "v"),
    ("transcribe.py", "--model in --manifest m --output OUT", "m"),
    ("transfer.py", "--model in --add train train 1 --output OUT", "in"),
    ("transfer.py", "--model in --add train train 1 --output OUT", "train"),
    ("transcribe.py", "--model in --manifest m --output out --work-dir OUT", "in"),
    ("vector_geometry.py", "--vector in/a --base in/b --output OUT", "in/b"),
    ("write_texts.py", "--texts in/a --apart in/b --model in/r --number 1 --output OUT", "in/b"),
    ("xvectors.py", "--manifest in/a --encoder in/r --output OUT", "in/a"),
]  # fmt: skip
OF_A_LANGUAGE = (
    "agree.py", "collect.py", "compare.py", "deliver.py", "export.py", "filter.py", "finetune.py",
    "key_terms.py", "label.py", "leakage.py", "prepare.py", "score.py",
    "select_texts.py", "transcribe.py", "write_texts.py",
)  # fmt: skip
ALIASES = {
    "itself": lambda path: path,
    "with dots": lambda path: f"./in/../{path}",
    "in full": lambda path: os.path.abspath(path),
    "by a link": lambda path: link(path),
    "in a linked folder": lambda path: f"{link('.')}/{path}",
}


def link(path: str) -> str:
    os.symlink(os.path.abspath(path), "linked")
    return "linked"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder with files to read, of which a command must not come to read the content."""
    monkeypatch.chdir(tmp_path)
    for name in ("in/a", "in/b", "in/c", "in/r/x", "in/model.safetensors", "in/config.json", "v",
                 "m", "in/README.md", "train/train.jsonl"):  # fmt: skip
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("precious")
    write_summary(Path("in/summary.json"), made_up_summary())
    Path("in/e.json").write_text("[]")
    return tmp_path


def content(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in folder.rglob("*") if path.is_file()}


def call(script: str, arguments: str, output: str) -> None:
    argv = [part.replace("OUT", output) for part in shlex.split(arguments)]
    argv += ["--language", "en"] if script in OF_A_LANGUAGE else []
    importlib.import_module(script.removesuffix(".py")).main(argv)


@pytest.mark.parametrize("alias", ALIASES.values(), ids=ALIASES.keys())
@pytest.mark.parametrize(("script", "arguments", "output"), COMMANDS)
def test_no_command_writes_over_what_it_reads(folder, script, arguments, output, alias):
    before = content(folder)
    with pytest.raises(InputError, match=r"would be written over|is to be written twice"):
        call(script, arguments, alias(output))
    assert {path: text for path, text in content(folder).items() if path in before} == before


def test_every_command_that_writes_a_record_is_asked():
    assert {script for script, *_ in COMMANDS} == set(SCRIPTS)
    for script in SCRIPTS:
        text = (ROOT / "scripts" / script).read_text()
        assert re.search(r"^    +check_outputs\(", text, flags=re.MULTILINE), script


def test_files_elsewhere_and_options_that_were_not_given_pass():
    check_outputs(["out/a", None, "in2"], ["in/a", None, "in"])


def test_two_outputs_of_one_name_are_refused():
    with pytest.raises(InputError, match=r"out/\.\./x: is to be written twice \(x\)"):
        check_outputs(["x", "out/../x"], [])


def test_what_may_not_be_written_is_refused_before_any_work(folder):
    Path("file").touch()
    with pytest.raises(InputError, match=r"file/a/b: cannot be written \(Not a dir.*/file\)"):
        check_outputs(["file/a/b"], [])
    Path("theirs").mkdir(0o555)
    asked_by_another = textwrap.dedent("""
        import os
        from errors import InputError
        from files.atomic import check_outputs
        if os.getuid() == 0:
            os.setuid(65534)  # root may write anywhere
        try:
            check_outputs(["theirs/a/b"], [])
        except InputError as error:
            print(error)
    """)
    told = subprocess.check_output(
        [sys.executable, "-c", asked_by_another],
        env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")},
        text=True,
    )
    assert re.search(r": Permission denied; give user \d+ the right to it", told)


def test_nothing_is_written_outside_of_a_folder_that_the_environment_names(folder, monkeypatch):
    monkeypatch.setenv(INSIDE, str(folder / "out"))
    check_outputs(["out/a"], ["in/a"])
    for path in ("x", "out/../x", str(folder.parent / "x"), "out2"):
        with pytest.raises(InputError, match="lies outside of"):
            check_outputs([path], [])


def test_a_folder_of_work_keeps_what_is_not_the_commands_own(folder):
    Path("in/state.pt").write_text("state")
    before = content(folder)
    remove_work("in", "state.pt")
    assert content(folder) == {k: v for k, v in before.items() if not k.endswith("state.pt")}
    Path("work").mkdir()
    Path("work/state.pt").touch()
    remove_work("work", "state.pt")
    assert not Path("work").exists()
    remove_work("work", "state.pt")


# --- fetched files


def declare(folder: Path, name: str) -> Path:
    """Fetch a file from this machine into resources/x; return the path that it has there."""
    (folder / "source").write_text("fetched")
    sha256 = hashlib.sha256(b"fetched").hexdigest()
    entry = {"sha256": sha256, "sources": [{"path": str(folder / "source")}]}
    declaration = json.dumps({"licence": "MIT", "files": {name: entry}})
    fetch.main(["--artifact=x", f"--declaration={declaration}", "--output=resources/x"])
    return folder / "resources/x" / name


def test_a_fetch_writes_nothing_through_a_linked_folder(folder):
    Path("resources/x").mkdir(parents=True)
    Path("resources/x/sub").symlink_to(folder / "in")
    with pytest.raises(InputError, match=r"resources/x/sub: is a link that leads out of resources"):
        declare(folder, "sub/a")
    assert Path("in/a").read_text() == "precious"


@pytest.mark.parametrize("linked", ["in/a", "in"])
def test_a_fetch_replaces_a_link_and_leaves_what_it_leads_to(folder, linked):
    Path("resources/x").mkdir(parents=True)
    Path("resources/x/a").symlink_to(folder / linked)
    before = content(folder / "in")
    assert declare(folder, "a").read_text() == "fetched"
    assert content(folder / "in") == before


def test_a_folder_of_resources_may_itself_be_a_link(folder):
    Path("big").mkdir()
    Path("resources").mkdir()
    Path("resources/x").symlink_to(folder / "big")
    declare(folder, "a")
    assert Path("big/a").read_text() == "fetched"
