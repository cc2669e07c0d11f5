"""SLURP, on files built here in its format, and its published counts on its real texts."""

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

import prepare
from corpora import slurp
from errors import InputError
from files.checksum import sha256
from files.manifest import read_manifest, read_texts

SPLITS = ("train", "dev", "test")
SPEAKERS = {  # recording to usrid; audio-31 has none
    "audio-11-headset": "FE-128",
    "audio-11": "FE-128",
    "audio-12": "MO-5",
    "audio-21-headset": "UNK-323",
    "audio-31-headset": None,
    "audio-32": "odd",
    "audio-41": "FE-128",
    "audio-51": "FE-128",
}


def recording(name: str, wer: float | None = 0.0, status: str = "correct") -> dict:
    return {"file": f"{name}.flac", "wer": wer, "ent_wer": None, "status": status}


def entry(id: int, annotated: str, *recordings: dict, scenario: str = "social") -> dict:
    """One line of a split; the words of ``[type : words]`` are part of the sentence."""
    sentence = slurp.ENTITY.sub(r"\2", annotated)
    tokens = [
        {"surface": word, "id": n, "lemma": word, "pos": "NN"}
        for n, word in enumerate(sentence.split())
    ]
    return {
        "slurp_id": id,
        "sentence": sentence,
        "sentence_annotation": annotated,
        "intent": f"{scenario}_post",
        "action": "post",
        "tokens": tokens,
        "scenario": scenario,
        "recordings": list(recordings),
        "entities": [],
    }


@pytest.fixture
def lines() -> dict[str, list[dict]]:
    """Train has two sentences and three recordings of the scenario, dev and test one and two."""
    return {
        "train": [
            entry(
                1,
                "tweet [time : at six] to [person : jane's friend]",
                recording("audio-11-headset"),
                recording("audio-11", wer=0.5),
                recording("audio-12", wer=1.2, status="wrong"),
            ),
            entry(4, "post it", recording("audio-41")),
            entry(5, "wake me up", recording("audio-51"), scenario="alarm"),
        ],
        "devel": [entry(2, "like this", recording("audio-21-headset"))],
        "test": [
            entry(3, "any news", recording("audio-31-headset", wer=None), recording("audio-32"))
        ],
        "train_synthetic": [
            {**entry(1, "tweet it", {"file": "synth-1.flac"}), "tokens": None},
            entry(5, "wake me up", {"file": "synth-5.flac"}, scenario="alarm"),
        ],
    }


@pytest.fixture
def folder(tmp_path, lines) -> Path:
    """SLURP's folder as it is fetched."""
    path = tmp_path / "slurp"
    write_slurp(path, lines)
    return path


def write_slurp(path: Path, lines: dict[str, list[dict]]) -> None:
    for part in ("slurp_real", "slurp_synth"):
        (path / part).mkdir(parents=True, exist_ok=True)
    metadata: dict[str, dict] = {}
    for name, entries in lines.items():
        (path / f"{name}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in entries))
        for each in entries:
            told = metadata.setdefault(str(each["slurp_id"]), {"nlub_id": 1, "recordings": {}})
            for file in (part["file"] for part in each["recordings"]):
                synthetic = name == "train_synthetic"
                audio = path / ("slurp_synth" if synthetic else "slurp_real") / file
                noise = np.random.default_rng(0).normal(size=16_000) / 10
                soundfile.write(audio, noise, 16_000)
                if not synthetic:
                    usrid = SPEAKERS[audio.stem]
                    told["recordings"][file] = {"recid": 1, **({"usrid": usrid} if usrid else {})}
    (path / "metadata.json").write_text(json.dumps(metadata))


def prepare_main(folder: Path, **keys) -> dict:
    """Prepare the scenario social of the fixture; return counts.json."""
    declaration = {"corpus": "slurp", "artifact": "slurp", "scenario": "social"}
    declaration |= {"check_counts": False, **keys}
    out = folder.parent
    prepare.main(
        ["--domain", "chat", "--declaration", json.dumps(declaration), "--artifact", str(folder)]
        + ["--audio-dir", str(out / "audio"), "--manifests-dir", str(out / "manifests")]
        + ["--texts-dir", str(out / "texts"), "--language", "en"]
    )
    return json.loads((out / "texts" / "counts.json").read_text())


def rows_of(folder: Path, split: str) -> list[dict]:
    return read_manifest(folder.parent / "manifests" / f"{split}.jsonl")


def ids(folder: Path) -> dict[str, list[str]]:
    return {split: [row["id"] for row in rows_of(folder, split)] for split in SPLITS}


def test_a_scenarios_recordings_come_in_slurps_own_splits_with_all_that_is_known(folder):
    counts = prepare_main(folder)
    assert ids(folder) == {
        "train": ["audio-11-headset", "audio-11", "audio-12", "audio-41"],
        "dev": ["audio-21-headset"],
        "test": ["audio-31-headset", "audio-32"],
    }
    assert (counts["read"], counts["without_speaker"], counts["left_out"]) == (7, 1, {})
    row = rows_of(folder, "train")[0]
    audio = Path(row.pop("audio_filepath"))
    assert audio.name == "audio-11-headset.flac" and row.pop("sha256") == sha256(audio)
    assert row == {
        "id": "audio-11-headset",
        "duration": 1.0,
        "text": "tweet at six to jane's friend",
        "speaker": "FE-128",
        "domain": "chat",
        "origin": "real",
        "microphone": "headset",
        "gender": "female",
        "native": True,
        "scenario": "social",
        "intent": "social_post",
        "slurp_id": 1,
        "entities": [
            {"type": "time", "words": "at six"},
            {"type": "person", "words": "jane's friend"},
        ],
    }
    texts = read_texts(folder.parent / "texts" / "train.jsonl")
    assert [text["text"] for text in texts] == ["tweet at six to jane's friend", "post it"]


def test_gender_and_language_are_in_the_letters_of_the_speakers_id(folder):
    prepare_main(folder)
    found = {
        row["id"]: (row["speaker"], row["gender"], row["native"])
        for split in SPLITS
        for row in rows_of(folder, split)
    }
    assert found["audio-12"] == ("MO-5", "male", False)
    assert found["audio-21-headset"] == ("UNK-323", "unknown", None)
    assert found["audio-31-headset"] == ("unknown", "unknown", None)
    assert found["audio-32"] == ("odd", "unknown", None)


@pytest.mark.parametrize(
    ("keys", "train", "left_out"),
    [
        ({"microphone": "far"}, ["11", "12", "41"], {"microphone headset": 3}),
        ({"statuses": ["correct"]}, ["11-headset", "11", "41"], {"status wrong": 1}),
        ({"max_recording_wer": 0.5}, ["11-headset", "11", "41"], {"recording WER over 0.5": 2}),
        ({"max_recording_wer": 0}, ["11-headset", "41"], {"recording WER over 0": 3}),
        ({"min_words": 3}, ["11-headset", "11", "12"], {"fewer than 3 words": 1}),
    ],
)
def test_recordings_are_selected_by_what_slurp_says_of_them(folder, lines, keys, train, left_out):
    lines["devel"] = [
        entry(2, "do like this", recording("audio-21-headset"), recording("audio-51"))
    ]
    news = (recording("audio-31-headset", wer=None), recording("audio-32"))
    lines["test"] = [entry(3, "any news now", *news)]
    write_slurp(folder, lines)
    counts = prepare_main(folder, **keys)
    assert ids(folder)["train"] == [f"audio-{name}" for name in train]
    assert counts["left_out"] == left_out
    assert counts["read"] == 8


def test_a_split_of_which_the_selection_leaves_nothing_is_refused(folder):
    with pytest.raises(InputError, match="nothing is left for dev of 7 .*3 microphone headset"):
        prepare_main(folder, microphone="far")


def test_sizes_draw_of_slurps_splits_and_leave_the_others_whole(folder):
    prepare_main(folder, train=2)
    few = ids(folder)
    assert (len(few["train"]), len(few["dev"]), len(few["test"])) == (2, 1, 2)
    prepare_main(folder, train=2, test=1)
    assert ids(folder) == {**few, "test": few["test"][:1]}
    with pytest.raises(InputError, match="dev: 2 sentences are asked for, but only 1"):
        prepare_main(folder, dev=2)


def test_slurps_synthetic_speech_joins_train_only_if_asked_and_is_marked(folder):
    prepare_main(folder, synthetic_train=True, microphone="headset")
    rows = {row["id"]: row for row in rows_of(folder, "train")}
    assert set(rows) == {"audio-11-headset", "synth-1"}  # a TTS has no microphone
    assert rows["audio-11-headset"]["origin"] == "real"
    assert (rows["synth-1"]["origin"], rows["synth-1"]["speaker"]) == ("synthetic", "slurp_synth")
    assert "gender" not in rows["synth-1"]


# --- audio that is missing or broken


def spoil(folder: Path) -> None:
    """Remove one recording, cut one within its samples, and one within its header."""
    (folder / "slurp_real" / "audio-11.flac").unlink()
    for name, size in (("audio-12", 9_000), ("audio-41", 20)):
        path = folder / "slurp_real" / f"{name}.flac"
        path.write_bytes(path.read_bytes()[:size])


def test_missing_and_broken_audio_is_refused_with_its_number_and_its_names(folder):
    spoil(folder)
    with pytest.raises(InputError) as error:
        prepare_main(folder)
    message = str(error.value)
    assert "the audio of 3 of 7 recordings is missing or broken" in message
    assert "train.jsonl:1: audio_filepath" in message
    assert "audio-11.flac' is not readable as audio (no such file)" in message
    assert "audio-41.flac' is not readable as audio (Error opening" in message
    assert "skip_missing_audio: true" in message


def test_a_flac_that_is_cut_short_is_refused_though_its_header_is_whole(folder):
    path = folder / "slurp_real" / "audio-12.flac"
    path.write_bytes(path.read_bytes()[:9_000])
    with pytest.raises(InputError, match=r"audio of 1 of 7 recordings .*audio-12.flac' is not"):
        prepare_main(folder)
    assert not (folder.parent / "manifests").exists()


def test_missing_and_broken_audio_is_left_out_and_counted_if_asked(folder):
    spoil(folder)
    counts = prepare_main(folder, skip_missing_audio=True)
    assert ids(folder)["train"] == ["audio-11-headset"]
    assert counts["left_out"] == {"audio broken": 2, "audio missing": 1}
    assert ["audio-11.flac" in each for each in counts["unreadable"]] == [True, False, False]
    assert counts["read"] == 7


def test_no_more_than_three_are_named(folder):
    for path in (folder / "slurp_real").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="7 of 7") as error:
        prepare_main(folder)
    assert str(error.value).count("no such file") == 3


# --- a sentence in two splits


def test_a_sentence_in_train_and_test_is_refused_or_left_out_of_train(folder, lines):
    lines["train"][1] = entry(4, "any news?", recording("audio-41"))
    write_slurp(folder, lines)
    with pytest.raises(InputError, match=r"test.jsonl:1: .*'any news' of test .*train.jsonl:2"):
        prepare_main(folder)
    counts = prepare_main(folder, drop_repeated_sentences=True)
    assert counts["left_out"] == {"in train, sentence of another split": 1}
    assert "audio-41" not in ids(folder)["train"]


def test_speakers_in_two_splits_are_refused_if_asked(folder, lines):
    lines["test"][0]["recordings"] = [recording("audio-51")]
    write_slurp(folder, lines)
    with pytest.raises(InputError, match="speaker 'FE-128' of test is also in train"):
        prepare_main(folder, speaker_disjoint=True)


# --- sentences alone


def test_sentences_alone_need_no_audio_and_no_metadata(folder):
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.suffix == ".flac" or path.name in ("metadata.json", "train_synthetic.jsonl"):
            path.unlink()
    counts = prepare_main(folder, text_only=True)
    texts = {split: read_texts(folder.parent / "texts" / f"{split}.jsonl") for split in SPLITS}
    assert {split: [row["id"] for row in rows] for split, rows in texts.items()} == {
        "train": ["1", "4"],
        "dev": ["2"],
        "test": ["3"],
    }
    assert texts["train"][0]["text"] == "tweet at six to jane's friend"
    assert (counts["read"], counts["texts"]) == (4, {"train": 2, "dev": 1, "test": 1})
    assert not (folder.parent / "manifests").exists()


def test_sentences_alone_are_drawn_and_checked_like_recordings(folder, lines):
    lines["train"].append(entry(6, "Any news!", scenario="social"))
    write_slurp(folder, lines)
    with pytest.raises(InputError, match="'any news' of test is also in train"):
        prepare_main(folder, text_only=True)
    counts = prepare_main(folder, text_only=True, drop_repeated_sentences=True, train=1)
    assert counts["texts"] == {"train": 1, "dev": 1, "test": 1}
    assert counts["left_out"] == {"in train, sentence of another split": 1}


# --- what is refused


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"scenario": "socail"}, "scenario: \"socail\"; did you mean 'social'"),
        ({"scenario": None}, "scenario: null; known: alarm"),
        ({"microphone": "near"}, 'microphone: "near"; give one of headset, far, all'),
        ({"statuses": "correct"}, 'statuses: "correct"; give a list of texts'),
        ({"statuses": []}, "statuses: .*; give a list of texts, of at least 1"),
        ({"max_recording_wer": "low"}, 'max_recording_wer: "low"; give a number'),
        ({"synthetic_train": 1}, "synthetic_train: 1; give true or false"),
        ({"microphon": "far"}, "unknown key 'microphon'; did you mean 'microphone'"),
        ({"corpus": "drascula"}, "unknown key 'check_counts'"),
    ],
)
def test_a_faulty_declaration_is_refused(folder, keys, message):
    with pytest.raises(InputError, match=message):
        prepare_main(folder, **keys)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("train.jsonl", None, "train.jsonl: no such file"),
        ("train.jsonl", "{", "train.jsonl:1: not JSON"),
        ("train.jsonl", "[]", "train.jsonl:1: has no slurp_id"),
        ("train.jsonl", '{"slurp_id": 1, "sentence": "a"}', "train.jsonl:1: has no scenario"),
        ("metadata.json", None, "metadata.json: no such file; SLURP's speakers"),
        ("metadata.json", '{"1": {}}', "metadata.json: is not SLURP's metadata .KeyError"),
        ("metadata.json", "[", "metadata.json: not JSON .*; SLURP's speakers"),
    ],
)
def test_a_faulty_file_is_named(folder, file, content, message):
    (folder / file).unlink()
    if content:
        (folder / file).write_text(content + "\n")
    with pytest.raises(InputError, match=message):
        prepare_main(folder)


def test_a_recording_cannot_name_a_file_elsewhere(folder, lines):
    lines["train"][0]["recordings"][0]["file"] = "../audio-11.flac"
    (folder / "train.jsonl").write_text(json.dumps(lines["train"][0]) + "\n")
    with pytest.raises(
        InputError, match=r"train.jsonl:1: a recording's file is '../audio-11.flac'"
    ):
        prepare_main(folder)


# --- the published counts


def test_the_published_counts_add_up_to_those_of_the_paper():
    totals = {
        split: tuple(sum(each[split][part] for each in slurp.PUBLISHED.values()) for part in (0, 1))
        for split in ("dev", "test")
    }
    assert totals == {"dev": (8_690, 2_033), "test": (13_078, 2_974)}
    assert len(slurp.PUBLISHED) == 18


def test_a_file_that_lacks_lines_is_refused_with_what_it_has_and_should_have(folder):
    message = (
        r"devel.jsonl: has 1 recordings of 1 sentences, SLURP 8690 of 2033; the first scenario to"
        " differ is alarm, with 0 of 0, not 366 of 64; .*check_counts: false"
    )
    with pytest.raises(InputError, match=message):
        prepare_main(folder, check_counts=True)


@pytest.mark.skipif("SLURP_TEXT" not in os.environ, reason="SLURP_TEXT names no folder of texts")
def test_the_real_files_have_the_published_counts_and_whole_annotations():
    folder = Path(os.environ["SLURP_TEXT"])
    for split in ("dev", "test"):
        path = folder / slurp.FILES[split]
        sentences = slurp.read_sentences(path)
        slurp.check_counts(path, split, sentences)
        entries = [json.loads(line) for line in path.read_text().splitlines()]
        for sentence, raw in zip(sentences, entries, strict=True):
            types = [entity["type"] for entity in sentence.entities]
            assert types == [entity["type"] for entity in raw["entities"]], sentence.place
        files = [each["file"] for sentence in sentences for each in sentence.recordings]
        assert len(set(files)) == len(files)
        headset = Counter(file.endswith("-headset.flac") for file in files)[True]
        assert headset == {"dev": 4_173, "test": 6_281}[split]
