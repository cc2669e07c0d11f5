"""Breakdowns of texts so short that every error can be counted by eye."""

import json
from pathlib import Path

import jiwer
import numpy as np
import pytest

import breakdown
from errors import InputError
from files.manifest import write_jsonl
from made_up_summary import made_up_row, made_up_target, write_made_up_summary
from scoring import entities
from scoring.alignment import WordError, pieces, word_errors
from scoring.breakdown_file import Piece
from scoring.summary import SummaryRow

ADAPTED = "target-synthetic"


def utterance(name: str, text: str, **more) -> dict:
    row = {"id": name, "audio_filepath": f"{name}.flac", "duration": 1.5, "text": text}
    return row | {"speaker": "ann", "domain": "music"} | more


def arm(folder: Path, rows: list[dict], name: str, *heard: list[str], **changes) -> SummaryRow:
    """Write what each seed of an arm heard; return the arm's row of a summary."""
    folder.mkdir(exist_ok=True)
    files = [folder / f"{changes.get('label', name)}{seed}.jsonl" for seed in range(len(heard))]
    for file, texts in zip(files, heard, strict=True):
        pairs = zip(rows, texts, strict=True)
        write_jsonl(file, [{"id": row["id"], "text": text} for row, text in pairs])
    wer = np.mean([jiwer.wer([row["text"] for row in rows], list(texts)) for texts in heard])
    row = {"arm": name, "label": name, "wer": float(wer), "hypotheses": tuple(map(str, files))}
    return made_up_row(**(row | changes))


def broken_down(
    folder: Path,
    rows: list[dict],
    arms: list[SummaryRow],
    *more: str,
    resampled_by: str = "utterance",
) -> dict:
    """Return the breakdown of a target with these utterances and arms."""
    write_jsonl(folder / "test.jsonl", rows)
    targets = [
        made_up_target(arms, manifest=str(folder / "test.jsonl")),
        made_up_target([], name="texts only", manifest=None),
    ]
    write_made_up_summary(folder / "summary.json", *targets, resampled_by=resampled_by)
    output = folder / "breakdown.json"
    options = [f"--summary={folder / 'summary.json'}", f"--output={output}", "--resamples=200"]
    breakdown.main([*options, *more])
    (found,) = json.loads(output.read_text())["targets"]
    return found


def source_training(folder: Path, *texts: str, domain: str = "news") -> str:
    path = folder / f"source-{domain}.jsonl"
    write_jsonl(path, [utterance(f"s{i}", text, domain=domain) for i, text in enumerate(texts)])
    return f"--source-training={path}"


def table(found: dict, by: str) -> dict[str, dict]:
    (one,) = [each for each in found["tables"] if each["by"] == by]
    return {row["value"]: row for row in one["rows"]}


def words_of(cell: dict) -> dict:
    return {key: cell[key] for key in ("wer", "interval")}


def wers(cells: list[dict]) -> list[float]:
    return [cell["wer"] for cell in cells]


ROWS = [
    utterance("a", "play a b c", microphone="far", native=True),
    utterance("b", "play a b c", microphone="far", native=None),
    utterance("c", "play a b c d e", microphone="headset", native=False, speaker="bob"),
]
TEXTS = [row["text"] for row in ROWS]
HALF = ["play a", "play a", "play a b c d e"]  # 2, 2 and 0 errors of 4, 4 and 6 words


def test_errors_are_told_word_by_word_with_their_place():
    (errors,) = word_errors([("a b c d e f", "x b d e f g")]).values()
    assert errors == [WordError("a", "x", 0), WordError("c", None, 2), WordError(None, "g", 6)]


def test_words_added_in_a_row_share_their_place():
    (errors,) = word_errors([("a b", "a x y b")]).values()
    assert errors == [WordError(None, "x", 1), WordError(None, "y", 1)]


def test_equal_texts_have_no_errors_and_empty_ones_all():
    errors = word_errors([("a", "a"), ("", "a"), ("a b", ""), ("a", "a")])
    assert [len(each) for each in errors.values()] == [0, 1, 2]
    assert word_errors([]) == {}


def test_pieces_say_what_was_wrong_added_or_missed():
    assert pieces("play some music now", "play sum music now please") == [
        Piece("", "play"), Piece("wrong", "sum"), Piece("", "music now"), Piece("added", "please"),
    ]  # fmt: skip
    assert Piece("missed", "some") in pieces("play some music", "play music")


def test_a_value_has_its_character_errors_too(tmp_path: Path):
    """ "play a" for "play a b c" lacks 4 of 10 characters, twice; the third is right, of 14."""
    arms = [arm(tmp_path, ROWS, "pretrained", HALF, TEXTS)]
    by_length = table(broken_down(tmp_path, ROWS, arms), "length")
    (short,), (long,) = (by_length[name]["cells"] for name in ("1-5", "6-10"))
    assert short["cer"] == pytest.approx(0.2)  # the second seed makes none
    assert long["cer"] == 0 and long["cer_interval"] is None
    assert short["cer_interval"] == pytest.approx([0.2, 0.2])


def test_pretrained_comes_first_and_scales_that_nobody_chose_are_left_out(tmp_path: Path):
    vector = {"scaling_coefficient": 0.5, "arm": f"{ADAPTED}+vector"}
    found = broken_down(
        tmp_path,
        ROWS,
        [
            arm(tmp_path, ROWS, ADAPTED, TEXTS),
            arm(tmp_path, ROWS, "x", TEXTS, label="chosen", chosen=True, **vector),
            arm(tmp_path, ROWS, "x", TEXTS, label="not chosen", **vector),
            arm(tmp_path, ROWS, "pretrained", HALF),
        ],
    )
    assert found["arms"] == ["pretrained", ADAPTED, "chosen"]
    assert wers(table(found, "microphone")["far"]["cells"]) == [0.5, 0, 0]


def test_wer_of_each_microphone_pools_words_and_is_compared_to_the_first_arm(tmp_path: Path):
    arms = [arm(tmp_path, ROWS, "pretrained", HALF), arm(tmp_path, ROWS, ADAPTED, TEXTS)]
    found = table(broken_down(tmp_path, ROWS, arms), "microphone")
    assert list(found) == ["far", "headset"]
    assert (found["far"]["utterances"], found["far"]["words"]) == (2, 8)
    assert words_of(found["far"]["cells"][0]) == {"wer": 0.5, "interval": [0.5, 0.5]}
    assert found["far"]["versus_first"] == [None, {"difference": -0.5, "interval": [-0.5, -0.5]}]


def test_a_cell_of_one_utterance_has_no_interval(tmp_path: Path):
    arms = [arm(tmp_path, ROWS, "pretrained", HALF), arm(tmp_path, ROWS, ADAPTED, TEXTS)]
    row = table(broken_down(tmp_path, ROWS, arms), "microphone")["headset"]
    assert words_of(row["cells"][0]) == {"wer": 0, "interval": None}
    assert row["versus_first"][1] == {"difference": 0, "interval": None}


@pytest.mark.parametrize("by", ["sentence", "speaker"])
def test_utterances_of_one_sentence_or_speaker_are_one_unit_of_resampling(tmp_path: Path, by: str):
    arms = [arm(tmp_path, ROWS, "pretrained", HALF)]
    row = table(broken_down(tmp_path, ROWS, arms, resampled_by=by), "microphone")["far"]
    assert words_of(row["cells"][0]) == {"wer": 0.5, "interval": None}


def test_an_interval_spans_what_a_drawn_test_set_can_be(tmp_path: Path):
    rows = [utterance(f"u{i}", "one word", gender="f" if i else "m") for i in range(9)]
    heard = ["" if i % 2 else "one word" for i in range(9)]
    cell = table(broken_down(tmp_path, rows, [arm(tmp_path, rows, "pretrained", heard)]), "gender")
    assert cell["f"]["cells"][0]["wer"] == 0.5
    low, high = cell["f"]["cells"][0]["interval"]
    assert 0 <= low < 0.5 < high <= 1


def test_keys_that_are_missing_or_have_one_value_make_no_table(tmp_path: Path):
    found = broken_down(tmp_path, ROWS, [arm(tmp_path, ROWS, "pretrained", HALF)])
    assert [each["by"] for each in found["tables"]] == [
        "speaker", "microphone", "native", "length",
    ]  # fmt: skip


def test_true_false_and_unknown_read_as_words(tmp_path: Path):
    rows = [*ROWS, utterance("d", "a")]
    found = broken_down(tmp_path, rows, [arm(tmp_path, rows, "pretrained", [*HALF, "a"])])
    sizes = {value: row["utterances"] for value, row in table(found, "native").items()}
    assert sizes == {"unknown": 2, "no": 1, "yes": 1}
    assert list(sizes)[0] == "unknown"


def test_lengths_are_counted_in_reference_words(tmp_path: Path):
    words = [1, 5, 6, 10, 11, 15, 16, 40]
    rows = [utterance(f"u{n:02}", " ".join(["word"] * n)) for n in words]
    heard = [row["text"] for row in rows[:-1]] + [""]
    found = broken_down(tmp_path, rows, [arm(tmp_path, rows, "pretrained", heard)])
    found = table(found, "length")
    assert {value: row["words"] for value, row in found.items()} == {
        "1-5": 6, "6-10": 16, "11-15": 26, "16+": 56,
    }  # fmt: skip
    assert found["16+"]["cells"][0]["wer"] == 40 / 56


def test_only_the_largest_speakers_are_shown_and_the_others_counted(tmp_path: Path):
    rows = [utterance(f"u{i:02}", "hello", speaker=f"s{i:02}") for i in range(33)]
    rows.append(utterance("u33", "hello", speaker="s32"))
    found = broken_down(tmp_path, rows, [arm(tmp_path, rows, "pretrained", ["hello"] * 34)])
    (speakers,) = found["tables"]
    assert [row["value"] for row in speakers["rows"]] == ["s32", *(f"s{i:02}" for i in range(29))]
    assert speakers["left_out"] == 3


def test_errors_are_averaged_over_seeds(tmp_path: Path):
    arms = [arm(tmp_path, ROWS, ADAPTED, HALF, TEXTS)]
    found = broken_down(tmp_path, ROWS, arms)
    assert wers(table(found, "microphone")["far"]["cells"]) == [0.25]
    assert found["confusions"][0]["deletions"] == [
        {"reference": "b", "count": 1}, {"reference": "c", "count": 1},
    ]  # fmt: skip


def test_an_error_counts_where_the_reference_word_belongs_or_the_added_one(tmp_path: Path):
    rows = [utterance("a", "play zydeco now"), utterance("b", "play it now")]
    heard = [
        ["play it now", "play it now"],  # an unseen word substituted: 1 of 1
        ["play zydeco", "play zydeco it now"],  # a seen word missed, an unseen one added
        ["play zydeco now now", "disco it now"],  # a seen one added, a seen one substituted
    ]
    arms = [arm(tmp_path, rows, f"arm{i}", texts) for i, texts in enumerate(heard)]
    source = source_training(tmp_path, "Play it!", "now")
    rare = broken_down(tmp_path, rows, arms, source)["rare_words"]
    assert rare["vocabulary"] == 3
    assert (rare["unseen"]["words"], rare["seen"]["words"]) == (1, 5)
    assert wers(rare["unseen"]["cells"]) == [1, 1, 0]
    assert wers(rare["seen"]["cells"]) == [0, 1 / 5, 2 / 5]


def test_rare_words_in_too_few_utterances_have_no_interval(tmp_path: Path):
    arms = [arm(tmp_path, ROWS, "pretrained", HALF)]
    rare = broken_down(tmp_path, ROWS, arms, source_training(tmp_path, "play a b c d"))
    assert rare["rare_words"]["unseen"]["cells"] == [{"wer": 0, "interval": None}]
    assert rare["rare_words"]["seen"]["cells"][0]["interval"] is not None


def test_without_unseen_words_there_is_no_rate_of_them(tmp_path: Path):
    arms = [arm(tmp_path, ROWS, "pretrained", HALF)]
    rare = broken_down(tmp_path, ROWS, arms, source_training(tmp_path, "play a b c d e"))
    cells = rare["rare_words"]["unseen"]["cells"]
    assert (rare["rare_words"]["unseen"]["words"], cells) == (0, [{"wer": None, "interval": None}])


def test_words_of_the_targets_own_domain_are_not_seen_in_source_training(tmp_path: Path):
    rows = [utterance("a", "play zydeco")]
    own = source_training(tmp_path, "zydeco", domain="music").partition("=")[2]
    found = broken_down(
        tmp_path,
        rows,
        [arm(tmp_path, rows, "pretrained", ["play zydeco"])],
        "--source-training",
        source_training(tmp_path, "play").partition("=")[2],
        own,
    )
    assert found["rare_words"]["unseen"]["words"] == 1
    assert found["rare_words"]["vocabulary"] == 1


def test_rare_words_are_null_without_source_training(tmp_path: Path):
    found = broken_down(tmp_path, ROWS, [arm(tmp_path, ROWS, "pretrained", HALF)])
    assert found["rare_words"] is None
    assert found["entities"] is None


def entity(words: str, type: str = "event") -> dict:
    return {"type": type, "words": words}


@pytest.mark.parametrize(
    ("heard", "wrong"),
    [
        ("put team meeting with bob", 0),
        ("but team meeting width bob", 0),  # errors outside
        ("put the team meeting today with bob", 0),  # added before and behind
        ("put team big meeting with bob", 1),  # added inside
        ("put dream meeting with bob", 1),  # its first word substituted
        ("put team with bob", 1),  # its last word missed
        ("", 1),
    ],
)
def test_an_entity_is_wrong_if_anything_inside_it_is(tmp_path: Path, heard: str, wrong: int):
    rows = [utterance("a", "put team meeting with bob", entities=[entity("Team meeting")])]
    found = broken_down(tmp_path, rows, [arm(tmp_path, rows, "pretrained", [heard])])
    assert found["entities"]["cells"] == [{"error_rate": wrong, "interval": None}]


def test_entities_are_counted_by_type_over_seeds_and_those_not_found_too(tmp_path: Path):
    rows = [
        utterance("a", "call bob at noon", entities=[entity("bob", "person"), entity("noon")]),
        utterance("b", "call ann", entities=[entity("Ann", "person"), entity("annie", "person")]),
        utterance("c", "never mind"),
    ]
    seeds = [[row["text"] for row in rows], ["call rob at noon", "call ann", "never mind"]]
    arms = [arm(tmp_path, rows, ADAPTED, *seeds)]
    found = broken_down(tmp_path, rows, arms)["entities"]
    assert (found["entities"], found["not_found"]) == (3, 1)
    assert found["cells"][0]["error_rate"] == pytest.approx(1 / 6)
    assert [(each["type"], each["entities"]) for each in found["by_type"]] == [
        ("person", 2), ("event", 1),
    ]  # fmt: skip
    assert [each["cells"][0]["error_rate"] for each in found["by_type"]] == [0.25, 0]
    assert found["by_type"][0]["cells"][0]["interval"] == [0, 0.5]
    assert found["by_type"][1]["cells"][0]["interval"] is None


def test_the_entities_of_an_utterance_are_one_unit_of_resampling(tmp_path: Path):
    rows = [utterance("a", "call bob at noon", entities=[entity("bob"), entity("noon")])]
    found = broken_down(tmp_path, rows, [arm(tmp_path, rows, "pretrained", ["call rob at noon"])])
    assert found["entities"]["cells"] == [{"error_rate": 0.5, "interval": None}]


def test_an_entity_said_twice_stands_in_two_places():
    reference = ["from", "rome", "to", "rome"]
    found, lost = entities.find_entities(
        7, [entity("rome"), entity("rome"), entity("")], reference, "en"
    )
    assert [(each.utterance, each.start, each.end) for each in found] == [(7, 1, 2), (7, 3, 4)]
    assert lost == 1


def test_frequent_confusions_come_first_and_then_the_alphabet(tmp_path: Path):
    rows = [utterance("a", "b b a c"), utterance("b", "b a d")]
    heard = ["x x y c e", "x y"]
    found = broken_down(tmp_path, rows, [arm(tmp_path, rows, "pretrained", heard)], "--most=1")
    assert found["confusions"] == [
        {
            "substitutions": [{"reference": "b", "hypothesis": "x", "count": 3}],
            "deletions": [{"reference": "d", "count": 1}],
            "insertions": [{"hypothesis": "e", "count": 1}],
        }
    ]


def test_the_best_arm_that_saw_target_texts_says_what_changed(tmp_path: Path):
    worse = ["play a b c", "play a b c", "d"]  # 0, 0 and 5 errors
    arms = [
        arm(tmp_path, ROWS, "pretrained", ["play a b c", "play", "play a b c d e"]),
        arm(tmp_path, ROWS, "target-real", TEXTS),
        arm(tmp_path, ROWS, f"source-mixed->{ADAPTED}", worse, label="best"),
        arm(tmp_path, ROWS, ADAPTED, [""] * 3),
    ]
    found = broken_down(tmp_path, ROWS, arms)
    assert found["changed_between"] == ["pretrained", "best"]
    assert [(each["id"], each["change"]) for each in found["changed"]] == [("b", -3), ("c", 5)]
    first = found["changed"][0]
    assert (first["reference"], first["audio_filepath"]) == ("play a b c", "b.flac")
    assert first["duration"] == 1.5
    assert [each["arm"] for each in first["heard"]] == found["arms"]
    assert [each["errors"] for each in first["heard"]] == [3, 0, 0, 4]
    assert first["heard"][0]["words"] == [
        {"kind": "", "text": "play"}, {"kind": "missed", "text": "a b c"},
    ]  # fmt: skip


def test_an_arm_whose_decoder_is_led_by_texts_has_seen_them():
    arms = ("pretrained", "source-real", "pretrained+lm")
    rows = [made_up_row(arm, wer) for arm, wer in zip(arms, (0.3, 0.1, 0.2), strict=True)]
    assert breakdown.best_adapted(rows) == 2


def test_as_many_utterances_are_shown_as_asked_for_on_each_side(tmp_path: Path):
    rows = [utterance(f"u{i}", "a b c d") for i in range(6)]
    before, after = ["a", "a b", "a b c"], ["a b c", "a b", "a"]
    arms = [
        arm(tmp_path, rows, "pretrained", before + [rows[0]["text"]] * 3),
        arm(tmp_path, rows, ADAPTED, [rows[0]["text"]] * 3 + after),
    ]
    found = broken_down(tmp_path, rows, arms, "--changed=2")["changed"]
    assert [(each["id"], each["change"]) for each in found] == [
        ("u0", -3), ("u1", -2), ("u5", 3), ("u4", 2),
    ]  # fmt: skip


def test_a_single_arm_changes_nothing(tmp_path: Path):
    found = broken_down(tmp_path, ROWS, [arm(tmp_path, ROWS, ADAPTED, HALF)])
    assert (found["changed"], found["changed_between"]) == ([], None)


def test_hypotheses_that_were_scored_otherwise_are_refused(tmp_path: Path):
    arms = [arm(tmp_path, ROWS, "pretrained", HALF, wer=0.1)]
    with pytest.raises(InputError, match=r"28\.5714% on .*but 10\.0000% in the summary"):
        broken_down(tmp_path, ROWS, arms)


def test_hypotheses_of_other_utterances_are_refused(tmp_path: Path):
    arms = [arm(tmp_path, ROWS[:2], "pretrained", TEXTS[:2])]
    with pytest.raises(InputError, match="first 'c'"):
        broken_down(tmp_path, ROWS, arms)


@pytest.mark.parametrize("bounds", [["5", "5"], ["10", "5"], ["0"]])
def test_bounds_that_do_not_increase_are_refused(tmp_path: Path, bounds: list[str]):
    arms = [arm(tmp_path, ROWS, "pretrained", HALF)]
    with pytest.raises(InputError, match="--length-bounds are"):
        broken_down(tmp_path, ROWS, arms, "--length-bounds", *bounds)


def test_every_file_that_was_read_is_in_the_lineage(tmp_path: Path):
    arms = [arm(tmp_path, ROWS, "pretrained", HALF), arm(tmp_path, ROWS, ADAPTED, TEXTS, HALF)]
    source = source_training(tmp_path, "play")
    broken_down(tmp_path, ROWS, arms, source)
    recorded = json.loads((tmp_path / "breakdown.json.lineage.json").read_text())
    files = ["summary", "source-news", "test", "pretrained0", f"{ADAPTED}0", f"{ADAPTED}1"]
    assert sorted(Path(path).stem for path in recorded["inputs"]) == sorted(files)
