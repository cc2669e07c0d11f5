"""The tree of a made-up experiment's files, and the row of its table that some words name."""

import argparse
import os
from pathlib import Path

import pytest

from errors import InputError
from lineages import makers, rows, settings
from lineages import trace as lineage_trace
from lineages.tree import Node, Tree, broken, drawn
from made_up_chain import Chain
from scoring.summary import read_summary

pytestmark = pytest.mark.usefixtures("forget_files")


@pytest.fixture
def run(tmp_path, monkeypatch):
    return Chain(tmp_path, monkeypatch)


def nodes(node: Node) -> list[Node]:
    """Return a branch and all below it, in order."""
    return [node, *(below for part in node.parts for below in nodes(part))]


def find(tree: Node, heading: str) -> Node:
    """Return the first branch of a name."""
    return next(node for node in nodes(tree) if node.heading == heading)


def trace(path: Path, *arguments: str) -> None:
    parser = argparse.ArgumentParser()
    lineage_trace.add_arguments(parser)
    lineage_trace.main(parser.parse_args([str(path), *arguments]))


def test_the_tree_ends_in_the_files_from_outside(run):
    tree = Tree().root(run.path())
    ends = {node.heading for node in nodes(tree) if not node.parts and "above" not in node.heading}
    assert ends - {"texts/music/train.jsonl", "manifests/music/real/train.jsonl"} == {
        "resources/whisper/tiny.pt",
        "resources/kokoro/voices.bin",
        "data/1.wav, music.jsonl",
    }


def test_a_file_stands_below_what_was_made_from_it(run):
    tree = Tree().root(run.path())
    assert [part.heading for part in tree.parts] == [
        "hypotheses/tiny/music-kokoro+source-kokoro-tv0.25/seed1/music/real/test.jsonl",
        "manifests/music/real/test.jsonl (see above)",
    ]
    assert [part.heading for part in tree.parts[0].parts] == [
        "manifests/music/real/test.jsonl",
        "models/tiny/music-kokoro/seed1/model.safetensors",
        "task_vectors/tiny/source-kokoro/seed1.safetensors",
    ]


def test_a_stage_is_told_with_its_settings_time_commit_and_hash(run, monkeypatch):
    model = run.path("models/tiny/source-real/seed1/model.safetensors")
    record = makers.record_of_file(model)
    record.content["run"] |= {"started": 0.0, "ended": 90.5}
    (told,) = Tree().root(model).details
    assert told.startswith("finetune.py: learning_rate 1e-05, epochs 2, window 15, seed 1; ")
    assert told.endswith(
        f", 90.5 s, commit c0ffeec, sha256 {record.outputs[run.at(model_name())][:12]}"
    )


def model_name() -> str:
    return "models/tiny/source-real/seed1/model.safetensors"


def test_a_commit_with_changes_is_told_so(run):
    makers.record_of_file(run.path()).content["dirty"] = True
    assert ", commit c0ffeec with changes, " in Tree().root(run.path()).details[0]


def test_what_was_shown_once_is_referred_to(run):
    headings = [node.heading for node in nodes(Tree().root(run.path()))]
    assert headings.count("models/tiny/pretrained/seed0/model.safetensors") == 1
    assert headings.count("models/tiny/pretrained/seed0/model.safetensors (see above)") == 3


def test_a_file_from_outside_that_several_stages_read_is_told_once(run):
    for name in ("a", "b"):
        run.make("pool.py", [f"{name}/pooled.jsonl"], ["resources/whisper/tiny.pt"])
    run.make("pool.py", ["pooled.jsonl"], ["a/pooled.jsonl", "b/pooled.jsonl"])
    ends = [part.parts[0] for part in Tree().root(run.path("pooled.jsonl")).parts]
    assert [end.heading for end in ends] == [
        "resources/whisper/tiny.pt", "resources/whisper/tiny.pt (see above)"
    ]  # fmt: skip
    assert ends[1].details == []


def test_another_file_of_a_stage_that_was_shown_names_the_one_above(run):
    texts = find(Tree().root(run.path()), "texts/music/train.jsonl")
    assert texts.details == ["made with manifests/music/real/test.jsonl, see above"]
    assert texts.parts == []


def test_fetched_files_are_told_with_licence_and_source(run):
    voices = find(Tree().root(run.path()), "resources/kokoro/voices.bin")
    assert voices.details[0].startswith(
        "licence CC BY-NC 4.0, forbids sale; from url https://example.org/kokoro, sha256 4c94485e"
    )


def test_files_of_the_user_are_told_with_the_licence_of_their_domain(run):
    own = find(Tree().root(run.path()), "data/1.wav, music.jsonl")
    assert own.details[0].startswith("licence in house, forbids passing on; from outside")


def test_a_source_that_was_here_already_is_told_as_declared():
    assert settings.declared({"hub": "a/b", "file": "c"}) == "hub a/b file c"


def test_a_file_that_was_written_since_is_marked_where_it_stands(run):
    manifest = run.path("manifests/music/kokoro/train.jsonl")
    manifest.write_text("edited")
    tree = Tree().root(run.path())
    marked = [node.heading for node in nodes(tree) if any("CHANGED" in d for d in node.details)]
    assert marked == [
        "manifests/music/kokoro/train.jsonl", "manifests/music/kokoro/train.jsonl (see above)"
    ]  # fmt: skip


def test_a_file_from_outside_that_was_written_since_is_marked(run):
    Path("data/1.wav").write_text("another sound")
    own = find(Tree().root(run.path()), "data/1.wav, music.jsonl")
    assert own.details[1].startswith("CHANGED SINCE: 1.wav has sha256 ")


def test_a_file_that_is_gone_is_marked(run):
    run.path("synthesized/music/kokoro/train/shard1of1.hypotheses.jsonl").unlink()
    heading = "synthesized/music/kokoro/train/shard1of1.hypotheses.jsonl"
    told = find(Tree().root(run.path()), heading).details
    assert told[1:] == ["NOT THERE ANY MORE: shard1of1.hypotheses.jsonl"]


def test_a_file_that_was_only_touched_is_read_and_is_not_marked(run):
    os.utime(run.path(), (1, 1))
    assert not any("CHANGED" in detail for detail in Tree().root(run.path()).details)


def test_nothing_of_an_untouched_experiment_is_read_but_what_came_from_outside(run, monkeypatch):
    read = []
    monkeypatch.setattr(makers, "sha256", lambda path: read.append(path) or "0" * 64)
    Tree().root(run.path())
    names = sorted(os.path.relpath(path, run.root) for path in read)
    outside = ["data/1.wav", "data/music.jsonl", "resources/kokoro/voices.bin"]
    assert names == [*outside, "resources/whisper/tiny.pt"]


def test_depth_leaves_out_what_is_further_below(run):
    tree = Tree(depth=1).root(run.path())
    assert all(not part.parts for part in tree.parts)
    assert "from 3 files that --depth leaves out" in tree.parts[0].details


def test_what_depth_has_cut_is_shown_in_full_where_there_is_room(run):
    tree = Tree(depth=2).root(run.path())
    assert tree.parts[0].parts[0].heading == "manifests/music/real/test.jsonl"
    assert tree.parts[0].parts[0].parts == []
    assert tree.parts[1].heading == "manifests/music/real/test.jsonl"
    assert tree.parts[1].parts[0].heading == "data/1.wav, music.jsonl"


def test_all_shows_every_setting(run):
    shard = run.path("synthesized/music/kokoro/train/shard1of1.jsonl")
    assert "engine" not in Tree().root(shard).details[0]
    assert "engine kokoro" in Tree(whole=True).root(shard).details[0]


def test_many_values_and_many_files_are_counted():
    assert settings.value_in_words(["a", "b", "c", "d"], whole=False) == "a b c ... (4)"
    names = [f"results/x/models/m/{name}" for name in "abcd"]
    assert Tree()._heading(names) == "models/m/a and 3 more of its folder"
    assert Tree()._heading(names[:2]) == "models/m/a, b"
    assert Tree()._heading(names, outside=True) == "results/x/models/m: 4 files"


def test_the_tree_is_drawn_with_branches_and_stays_within_its_width():
    tree = Node("a", ["made"], [Node("b/c", ["long words"], [Node("d", [])]), Node("e", ["f"])])
    assert list(drawn(tree, 100)) == [
        "a",
        "│  made",
        "├─ b/c",
        "│  │  long words",
        "│  └─ d",
        "└─ e",
        "      f",
    ]


def test_a_long_path_is_broken_after_a_slash():
    assert broken("abc/def/gh", 8) == ["abc/def/", "gh"]
    lines = list(drawn(Node("a", [], [Node("bcd/efg", [])]), 9))
    assert lines == ["a", "└─ bcd/", "   efg"]


def test_no_line_of_a_whole_tree_is_wider_than_100_columns(run, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    trace(run.path())
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "label"),
    [
        (["telephone", "target-synthetic"], "target-synthetic"),
        (["telephone", "target-synthetic + 0.25"], "target-synthetic + 0.25 τ"),
        (["TELEPHONE", "Target-Synthetic", "0.5"], "target-synthetic + 0.5 τ"),
        (["0.25"], "target-synthetic + 0.25 τ"),
        (["music", "+ 0.5"], "target-synthetic + 0.5 τ"),
    ],
)
def test_words_name_a_row_of_the_table(run, words, label):
    summary = read_summary(run.path("summary.json"))
    assert rows.find_row(summary, words, "summary.json")[1].label == label


def test_arrows_are_found_as_they_are_typed():
    assert rows.plain("source-mixed→Target + 0.5 τ") == "source-mixed->target + 0.5"


def test_words_that_name_several_rows_are_refused_with_the_candidates(run):
    with pytest.raises(InputError) as error:
        trace(run.path("summary.json"), "--row", "telephone", "target-synthetic +")
    assert "2 rows are meant by --row telephone target-synthetic +" in str(error.value)
    assert "telephone 'target-synthetic + 0.25 τ'\n" in str(error.value)
    assert "telephone 'target-synthetic'\n" not in str(error.value)


def test_words_that_name_no_row_are_refused_with_all_rows(run):
    with pytest.raises(InputError, match="no row is meant by --row drums") as error:
        trace(run.path("summary.json"), "--row", "drums")
    assert str(error.value).count("telephone 'target-synthetic") == 3


def test_a_row_is_told_with_its_number_and_the_licences_of_all_that_is_in_it(run, capsys):
    trace(run.path("summary.json"), "--row", "telephone", "0.25")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:6] == [
        "telephone, target-synthetic + 0.25 τ: WER 25.0 % (interval 12.5 to 50.0),"
        " 2 utterances, 8 words; seed 1: 25.0 %",
        "  kokoro: licence CC BY-NC 4.0, forbids sale",
        "  music: licence in house, forbids passing on",
        "  whisper: licence MIT",
        "",
        run.score(),
    ]


def test_a_file_that_is_not_there_is_refused(run):
    with pytest.raises(InputError, match="nothing.json: no such file; name a file that"):
        trace(run.path("nothing.json"))


def test_a_negative_depth_is_refused(run):
    with pytest.raises(InputError, match="--depth is -1; give 0 or more"):
        trace(run.path(), "--depth", "-1")
