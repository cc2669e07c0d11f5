"""Records that somebody else has written: what they say is checked, shown, and never obeyed."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from errors import InputError
from escaping import markdown, visible
from files import checksum
from lineages import reproduce as lineage_reproduce
from lineages import trace as lineage_trace
from lineages import trust
from lineages.provenance import Provenance
from made_up_chain import Chain
from records import reading, writing
from records import record as records

ESCAPE = "\x1b]0;owned\x07"


pytestmark = pytest.mark.usefixtures("forget_files")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chain:
    return Chain(tmp_path / "here", monkeypatch)


def edit(path: Path, **changes) -> Path:
    """Change keys of a file's record; return the record's path."""
    sidecar = records.sidecar(path)
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | changes))
    return sidecar


def reproduce(path: Path, *arguments: object) -> None:
    parser = argparse.ArgumentParser()
    lineage_reproduce.add_arguments(parser)
    lineage_reproduce.main(parser.parse_args([str(path), *map(str, arguments)]))


def lineage(run: Chain, *arguments: object) -> subprocess.CompletedProcess:
    argv = [sys.executable, str(ROOT / "scripts/lineage.py"), *map(str, arguments)]
    return subprocess.run(argv, cwd=run.root, capture_output=True, text=True)


SHA = "0" * 64
DAMAGES = {
    "a line in a commit": {"commit": "c0ffee\ntouch PWNED\n#"},
    "an option as a commit": {"commit": "--upload-pack=x"},
    "a line in a file name": {"inputs": {"data/x\ntouch PWNED\n#": SHA}},
    "an escape sequence in a file name": {"inputs": {f"data/{ESCAPE}": SHA}},
    "half a character": {"inputs": {"data/\udcff": SHA}},
    "a change of direction": {"inputs": {"data/\u202egpj.exe": SHA}},
    "a hash that is none": {"inputs": {"data/x": "$(touch PWNED)"}},
    "a script elsewhere": {"script": "../evil.py", "command": ["../evil.py"]},
    "a command of another script": {"command": ["lineage.py", "prune"]},
    "a command that is a text": {"command": "score.py; touch PWNED"},
    "a module that is an option": {"modules": {"x.py; touch PWNED": "0" * 16}},
    "an escape sequence in a setting": {"parameters": {"seed": ESCAPE}},
    "settings that are a list": {"parameters": [1]},
    "licences that are texts": {"licences": {"x": "MIT"}},
    "a line in a licence's name": {"licences": {"x\n# y": {"licence": "MIT"}}},
    "a version with a line": {"packages": {"torch": "2\ntouch PWNED"}},
    "no output": {"outputs": {}},
    "whether it is dirty, as a text": {"dirty": "no"},
    "a device that is a number": {"device": 7},
}


@pytest.mark.parametrize("changes", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_record_that_no_stage_writes_is_refused_by_its_path(run, changes):
    sidecar = edit(run.path(), **changes)
    with pytest.raises(InputError) as error:
        reading.read_record(sidecar)
    text = str(error.value)
    assert text.startswith(f"{sidecar}: not a lineage record") and "make its file again" in text
    assert "\n" not in text and "\x1b" not in text


@pytest.mark.parametrize("value", ["Infinity", "NaN", '"then"', "-1", "1e30"])
def test_times_that_are_no_times_are_refused(run, value):
    sidecar = records.sidecar(run.path())
    text = json.dumps(json.loads(sidecar.read_text()))
    started = json.loads(text)["run"]["started"]
    sidecar.write_text(text.replace(f'"started": {started}', f'"started": {value}'))
    with pytest.raises(InputError, match="not a lineage record"):
        reading.read_record(sidecar)


@pytest.mark.parametrize("depth", [40, 100_000])
def test_a_record_that_is_nested_without_end_is_refused(run, depth):
    sidecar = records.sidecar(run.path())
    content = json.loads(sidecar.read_text())
    nested = json.dumps(content | {"parameters": {}}).replace(
        '"parameters": {}', f'"parameters": {{"a": {"[" * depth}{"]" * depth}}}'
    )
    sidecar.write_text(nested)
    with pytest.raises(InputError, match="not a lineage record"):
        reading.read_record(sidecar)


def test_a_record_of_gigabytes_is_not_read(run):
    with records.sidecar(run.path()).open("ab") as file:
        file.truncate(1 << 32)
    with pytest.raises(
        InputError, match="more than the bound of 67,108,864 bytes; make its file again"
    ):
        reading.read_record(records.sidecar(run.path()))


def test_what_a_stage_cannot_name_in_a_record_is_refused_when_it_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a").touch()
    Path("in\nput").touch()
    with pytest.raises(InputError, match=r"a: 'in\\nput' is no name of at most .* rename it"):
        writing.write_record(ROOT / "scripts/pool.py", ["a"], ["in\nput"], {})


@pytest.mark.parametrize("command", ["trace", "reproduce", "diff", "audit"])
@pytest.mark.parametrize("damage", ["a line in a commit", "an escape sequence in a file name"])
def test_no_command_prints_what_a_terminal_or_a_shell_would_obey(run, command, damage):
    edit(run.path(), **DAMAGES[damage])
    arguments = {"diff": [run.path(), run.path("summary.json")], "audit": [run.path("")]}
    done = lineage(run, command, *arguments.get(command, [run.path()]))
    assert done.returncode in (1, 2)
    for line in (done.stdout + done.stderr).splitlines():
        assert not line.startswith("touch PWNED")
    assert "\x1b" not in done.stdout + done.stderr


def test_texts_with_lines_stay_in_the_comment_or_quotes_that_they_are_in(run, tmp_path, capsys):
    """A licence and a setting may have lines, as YAML's blocks have."""
    command = json.loads(records.sidecar(run.path()).read_text())["command"]
    edit(
        run.path(),
        parameters={"declaration": "a\ntouch PWNED"},
        licences={"x": {"licence": "MIT\ntouch PWNED\n"}},
        command=[*command, "x\ntouch PWNED\n'; touch PWNED; '"],
    )
    reproduce(run.path())
    script = capsys.readouterr().out
    fresh = tmp_path / "fresh"
    (fresh / "scripts").mkdir(parents=True)
    quiet = script.replace("\npython ", "\ntrue ")
    subprocess.run(["sh", "-c", quiet], cwd=fresh, check=True)
    assert not (fresh / "PWNED").exists()
    lineage_trace.main(argparse.Namespace(file=run.path(), row=None, depth=None, all=True))
    assert not any(line.startswith("touch") for line in capsys.readouterr().out.splitlines())


def test_a_comment_never_ends_before_its_line(capsys):
    assert lineage_reproduce.comment("a\nb\r\x1b[2J\u2028c") == r"# a\nb\r\x1b[2J\u2028c"


@pytest.mark.parametrize(
    "changes",
    [{"parameters": {"domain": {}}}, {"sources": {"x": 1}}, {"parameters": {"files": {"x": 1}}}],
)
def test_a_fetch_that_no_fetch_writes_is_refused(run, changes):
    sidecar = edit(run.root / "resources/whisper/files.json", **changes)
    with pytest.raises(InputError, match="not a lineage record"):
        reading.read_record(sidecar)


def test_a_file_that_was_made_of_itself_is_told(run):
    """By way of the hypotheses that it was made of."""
    record = reading.record_of(run.path())
    heard = next(name for name in record.inputs if "hypotheses" in name)
    edit(run.root / heard, inputs={run.at(run.score()): checksum.sha256(run.path())})
    with pytest.raises(InputError, match="made of themselves"):
        reproduce(run.path())
    with pytest.raises(InputError, match="made of themselves"):
        reading.upstream(run.path())


def test_a_walk_through_what_was_made_of_itself_ends(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, other in (("a", "b"), ("b", "a")):
        for each in (name, other):
            Path("results/x", each).parent.mkdir(parents=True, exist_ok=True)
            Path("results/x", each).touch()
        writing.write_record(
            ROOT / "scripts/pool.py", [f"results/x/{name}"], [f"results/x/{other}"], {}
        )
    with pytest.raises(InputError, match="made of themselves"):
        Provenance("results/x").uses("results/x/a")


# --- what is run


@pytest.mark.parametrize("script", ["lineage.py", "sdist.py", "gone.py", "setup.py"])
@pytest.mark.parametrize("how", [[], ["--run"]])
def test_only_scripts_that_a_rule_calls_are_run_or_printed(run, tmp_path, script, how, capsys):
    edit(run.path(), script=script, command=[script, "prune", "results", "--delete", "audio"])
    with pytest.raises(InputError, match=f"was made by {script}, which no rule"):
        reproduce(run.path(), *how, "--anyway", "--folder", tmp_path / "fresh")
    assert capsys.readouterr().out == ""


def test_all_scripts_that_make_results_are_called_by_rules():
    known = trust.scripts_of_rules()
    assert {"fetch.py", "finetune.py", "task_vector.py", "pool.py", "report.py"} <= known
    assert not known & {"lineage.py", "sdist.py", "computing/direct_file.py"}
    assert all((ROOT / "scripts" / name).is_file() for name in known)


@pytest.mark.parametrize("argument", ["/etc/x", "../x", "results/../../x", "--output=/etc/x"])
@pytest.mark.parametrize("how", [[], ["--run"]])
def test_a_command_that_names_other_folders_is_refused(run, tmp_path, argument, how):
    command = json.loads(records.sidecar(run.path()).read_text())["command"]
    edit(run.path(), command=[*command, argument])
    with pytest.raises(InputError, match=r"its command names .* outside of the folder"):
        reproduce(run.path(), *how, "--anyway", "--folder", tmp_path / "fresh")


def test_a_command_that_read_a_file_elsewhere_may_name_it_and_its_folder(run, tmp_path, capsys):
    content = json.loads(records.sidecar(run.path()).read_text())
    place = tmp_path / "corpus/own.jsonl"
    place.parent.mkdir()
    place.write_text("{}")
    edit(
        run.path(),
        command=[*content["command"], "--artifact", str(place.parent)],
        inputs=content["inputs"] | {str(place): checksum.sha256(place)},
    )
    reproduce(run.path())
    assert f"--artifact {place.parent}" in capsys.readouterr().out


def test_what_a_run_writes_through_a_link_to_a_file_from_outside_is_refused(tmp_path):
    """The file stays, though the record says that it is only read."""
    root, fresh = tmp_path / "there", tmp_path / "fresh"
    (root / "data").mkdir(parents=True)
    row = {"id": "1", "text": "one", "audio_filepath": "1.wav"}
    rows = [row | {"duration": 1.0, "speaker": "s", "domain": "d"}]
    (root / "data/own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / "data/precious.jsonl").write_text('{"precious": 1}')
    pool = [sys.executable, str(ROOT / "scripts/pool.py")]
    subprocess.run([*pool, "data/own.jsonl", "--output", "results/x/a.jsonl"], cwd=root, check=True)
    sidecar = root / "results/x/a.jsonl.lineage.json"
    content = json.loads(sidecar.read_text())
    precious = root / "data/precious.jsonl"
    content["inputs"]["data/precious.jsonl"] = checksum.sha256(precious)
    content["command"] = ["pool.py", "data/own.jsonl", "--outp", "data/precious.jsonl"]
    sidecar.write_text(json.dumps(content))
    with pytest.raises(InputError, match="lies outside of .*, where all must be written"):
        reproduce(root / "results/x/a.jsonl", "--run", "--folder", fresh)
    assert precious.read_text() == '{"precious": 1}'


# --- how texts are shown


def test_control_characters_are_shown_and_lines_kept():
    assert visible("a\x1b[2J\tb\nc\x9b") == "a\\x1b[2J\tb\nc\\x9b"
    assert visible("a\nb", lines=False) == r"a\nb"
    assert visible("Ünïcödé 漢字 – ok") == "Ünïcödé 漢字 – ok"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("[free](javascript:alert(1))", r"\[free\](javascript:alert(1))"),
        ("a | b\n# c", r"a \| b # c"),
        ("**CC** _BY_ af_heart $x$ `code`", r"\*\*CC\*\* \_BY\_ af_heart \$x\$ \`code\`"),
        ("&lt;b&gt; R&D", "&amp;lt;b&amp;gt; R&D"),
        ("# head", r"\# head"),
        ("1. one", r"1\. one"),
        ("- one", r"\- one"),
        ("20.0 % -3 #1", "20.0 % -3 #1"),
        ("ftp://host file:///etc", r"ftp\://host file\:///etc"),
        ("see https://host/a_b?x=1&y=2.", "see https://host/a_b?x=1&y=2."),
        ("CC-BY-NC-4.0 (in README.md)", "CC-BY-NC-4.0 (in README.md)"),
    ],
)
def test_markdown_shows_a_text_as_it_is(text, shown):
    assert markdown(text) == shown
