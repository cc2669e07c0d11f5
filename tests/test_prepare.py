"""Preparing a domain: what is drawn, what is refused, and what the TTS is given to read."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

import corpora
import prepare
from domains import own_data, splits
from errors import InputError
from files.manifest import read_manifest, read_texts
from files.recording import Recording
from texts.normalise import normalise
from texts.spoken import clean_for_tts, without_remarks

WORDS = "ash birch cedar elm fir hazel ivy larch maple oak".split()  # noqa: SIM905


def tone(seconds: float, rate: int = 16_000, channels: int = 1) -> np.ndarray:
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return wave.astype(np.float32) if channels == 1 else np.stack([wave] * channels, axis=1)


def write_rows(path: Path, rows: list[dict]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def make_row(folder: Path, id: str, text: str, speaker: str = "a", seconds: float = 1.0) -> dict:
    """An utterance with a recording of its own."""
    audio = folder / f"{id}.wav"
    soundfile.write(audio, tone(seconds), 16_000)
    return {"id": id, "audio_filepath": str(audio), "text": text, "speaker": speaker}


@pytest.fixture
def manifest(tmp_path) -> str:
    """Twenty utterances: each of ten sentences said by two speakers."""
    rows = [
        make_row(tmp_path, f"{word}-{speaker}", f"It is {word}.", speaker)
        for word in WORDS
        for speaker in ("a", "b")
    ]
    return write_rows(tmp_path / "manifest.jsonl", rows)


def prepare_main(folder: Path, declaration: dict, *options: str) -> dict:
    """Run the script as the workflow does; return counts.json."""
    arguments = ["--domain", "demo", "--declaration", json.dumps(declaration)]
    if "--language" not in options:
        arguments += ["--language", "en"]
    folders = ["--audio-dir", "audio", "--manifests-dir", "manifests", "--texts-dir", "texts"]
    paths = [part if part.startswith("--") else str(folder / part) for part in folders]
    prepare.main([*arguments, *paths, *options])
    return json.loads((folder / "texts" / "counts.json").read_text())


# --- drawing


def test_no_key_is_in_two_splits_and_sizes_are_exact():
    keys = [word for word in WORDS for _ in range(3)]
    drawn = splits.draw(keys, {"test": 7, "dev": 3, "train": None}, seed=1)
    assert [len(drawn[name]) for name in ("test", "dev")] == [7, 3]
    found = [{keys[position] for position in drawn[name]} for name in splits.SPLITS]
    assert not (found[0] & found[1] or found[0] & found[2] or found[1] & found[2])
    assert len(drawn["train"]) == 30 - 9 - 3  # the third key of test was cut by two, for nobody


def test_the_draw_depends_on_the_seed_and_on_nothing_else():
    sizes = {"test": 3, "dev": 2, "train": None}
    assert splits.draw(WORDS, sizes, seed=1) == splits.draw(WORDS, sizes, seed=1)
    assert splits.draw(WORDS, sizes, seed=1) != splits.draw(WORDS, sizes, seed=2)


def test_more_training_utterances_leave_the_test_set_as_it_is():
    few = splits.draw(WORDS, {"test": 3, "dev": 2, "train": 1}, seed=1)
    many = splits.draw(WORDS, {"test": 3, "dev": 2, "train": None}, seed=1)
    assert (few["test"], few["dev"]) == (many["test"], many["dev"])
    assert set(few["train"]) < set(many["train"])


def test_too_large_a_size_is_refused_with_what_there_is():
    with pytest.raises(InputError, match="dev: 5 utterances are asked for, but only 4 are left"):
        splits.draw(WORDS, {"test": 6, "dev": 5, "train": None}, seed=1)


# --- a manifest of the user's own


def test_a_manifest_becomes_splits_of_16_khz_flac_that_share_no_sentence(tmp_path, manifest):
    counts = prepare_main(tmp_path, {"manifest": manifest, "test": 6, "dev": 2})
    rows = {name: read_manifest(tmp_path / "manifests" / f"{name}.jsonl") for name in splits.SPLITS}
    assert [len(rows[name]) for name in splits.SPLITS] == [10, 2, 6]
    sentences = [{row["text"] for row in rows[name]} for name in splits.SPLITS]
    assert sum(map(len, sentences)) == len(set.union(*sentences)) == 10
    assert counts["splits"]["test"] == {
        "utterances": 6,
        "words": 18,
        "speakers": 2,
        "minutes": 0.1,
    }
    for row in rows["train"]:
        info = soundfile.info(row["audio_filepath"])
        assert (info.samplerate, info.channels, info.format) == (16_000, 1, "FLAC")
        assert row["duration"] == pytest.approx(info.duration) == pytest.approx(1.0)
        assert row["domain"] == "demo"
    assert (tmp_path / "manifests" / "train.jsonl.lineage.json").is_file()


def test_texts_for_the_tts_are_the_different_sentences_of_train_and_dev_only(tmp_path, manifest):
    prepare_main(tmp_path, {"manifest": manifest, "test": 6, "dev": 2})
    for name, number in (("train", 5), ("dev", 2)):
        texts = read_texts(tmp_path / "texts" / f"{name}.jsonl")
        heard = read_manifest(tmp_path / "manifests" / f"{name}.jsonl")
        assert len(texts) == number
        assert {row["text"] for row in texts} == {row["text"] for row in heard}
    assert sorted(path.name for path in (tmp_path / "texts").glob("*.jsonl")) == [
        "dev.jsonl",
        "train.jsonl",
    ]


def test_by_speaker_no_speaker_and_no_sentence_is_in_two_splits(tmp_path):
    rows = [
        make_row(
            tmp_path, f"{speaker}{number}", f"{WORDS[number]} is {number % 3 or speaker}", speaker
        )
        for speaker in "abcdef"
        for number in range(5)
    ]
    path = write_rows(tmp_path / "manifest.jsonl", rows)
    declaration = {"manifest": path, "test": 5, "dev": 5, "speaker_disjoint": True}
    counts = prepare_main(tmp_path, declaration)
    found = {
        name: read_manifest(tmp_path / "manifests" / f"{name}.jsonl") for name in splits.SPLITS
    }
    for key in ("speaker", "text"):
        values = [{row[key] for row in found[name]} for name in splits.SPLITS]
        assert not (values[0] & values[1] or values[0] & values[2] or values[1] & values[2]), key
    assert len(found["test"]) == 5
    left_out = counts["left_out"]
    assert left_out["in train, sentence of another split"] == 4 * 3  # of 5, 2 hold the speaker


def test_by_speaker_an_utterance_without_a_speaker_is_refused(tmp_path):
    row = make_row(tmp_path, "x", "hello")
    del row["speaker"]
    path = write_rows(tmp_path / "m.jsonl", [row])
    with pytest.raises(InputError, match="m.jsonl:1: has no speaker"):
        prepare_main(tmp_path, {"manifest": path, "test": 1, "speaker_disjoint": True})


def test_what_is_outside_the_bounds_is_left_out_and_counted(tmp_path):
    rows = [
        make_row(tmp_path, "short", "this is short", seconds=0.4),
        make_row(tmp_path, "low", "it is as low", seconds=0.5),
        make_row(tmp_path, "high", "this is just short enough", seconds=2.0),
        make_row(tmp_path, "long", "this is long", seconds=2.1),
        make_row(tmp_path, "few", "too few"),
        make_row(tmp_path, "none", "?! ..."),
    ]
    path = write_rows(tmp_path / "m.jsonl", rows)
    bounds = {"min_words": 3, "min_duration": 0.5, "max_duration": 2.0, "dev": 1, "test": 0}
    counts = prepare_main(tmp_path, {"manifest": path, **bounds})
    assert counts["read"] == 6
    assert counts["left_out"] == {
        "fewer than 3 words": 1,
        "longer than 2 s": 1,
        "no word in the text": 1,
        "shorter than 0.5 s": 1,
    }
    assert sum(split["utterances"] for split in counts["splits"].values()) == 2


def test_low_sampling_rates_and_channels_are_reported_and_converted(tmp_path):
    soundfile.write(tmp_path / "low.wav", tone(1, rate=8_000), 8_000)
    soundfile.write(tmp_path / "stereo.wav", np.stack([tone(1), 0 * tone(1)], axis=1), 16_000)
    rows = [
        {"audio_filepath": str(tmp_path / f"{name}.wav"), "text": f"this is {name}"}
        for name in ("low", "stereo")
    ]
    path = write_rows(tmp_path / "m.jsonl", rows)
    counts = prepare_main(tmp_path, {"manifest": path, "dev": 0, "test": 0})
    assert counts["sampling_rates"] == {"8000": 1, "16000": 1}
    assert (counts["below_16_kHz"], counts["more_than_one_channel"]) == (1, 1)
    low, stereo = read_manifest(tmp_path / "manifests" / "train.jsonl")
    assert (low["id"], low["speaker"]) == ("low", "unknown")  # the file's name, for want of an id
    assert low["duration"] == pytest.approx(1.0)
    assert np.abs(soundfile.read(stereo["audio_filepath"])[0]).max() == pytest.approx(0.25, 0.01)


def test_a_segment_is_cut_out_of_its_file(tmp_path):
    wave = np.concatenate([np.zeros(16_000), tone(0.5), np.zeros(16_000)])
    soundfile.write(tmp_path / "long.wav", wave, 16_000)
    row = {"id": "x", "audio_filepath": str(tmp_path / "long.wav"), "text": "hello"}
    path = write_rows(tmp_path / "m.jsonl", [{**row, "offset": 1.0, "duration": 0.5}])
    prepare_main(tmp_path, {"manifest": path, "dev": 0, "test": 0})
    (found,) = read_manifest(tmp_path / "manifests" / "train.jsonl")
    heard, _ = soundfile.read(found["audio_filepath"])
    assert len(heard) == 8_000
    assert np.allclose(heard, tone(0.5), atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": "  "}, "text is '  '; it must be a text, not empty"),
        ({"text": None}, "text is None"),
        ({"audio_filepath": "/no/such.wav"}, "'/no/such.wav' is not readable as audio"),
        ({"id": "a/b"}, "id 'a/b' is unfit as a file name"),
        ({"id": "First"}, r"id 'First' stands already at .*m.jsonl:1"),
        ({"id": "first"}, r"id 'first' stands already at .*m.jsonl:1"),
        ({"duration": 3.0}, "duration is 3.0 s, but .* has 1.000 s"),
        ({"offset": 0.5, "duration": 1.0}, "offset 0.5 s and duration 1.0 s end after"),
        ({"offset": 2.0}, "offset is 2.0 s, but .* has 1.000 s"),
        ({"offset": -1.0}, "offset is -1.0; it must be seconds, not negative"),
    ],
)
def test_a_faulty_row_is_refused_with_file_and_line(tmp_path, change, message):
    rows = [make_row(tmp_path, "First", "one"), {**make_row(tmp_path, "second", "two"), **change}]
    path = write_rows(tmp_path / "m.jsonl", rows)
    with pytest.raises(InputError, match=f"m.jsonl:2: .*{message}"):
        prepare_main(tmp_path, {"manifest": path, "dev": 0, "test": 1})
    assert not (tmp_path / "manifests").exists()


def test_a_text_file_is_no_audio(tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    row = {"audio_filepath": str(tmp_path / "text.wav"), "text": "hello"}
    path = write_rows(tmp_path / "m.jsonl", [row])
    with pytest.raises(InputError, match="m.jsonl:1: .*not readable as audio"):
        prepare_main(tmp_path, {"manifest": path, "dev": 0, "test": 0})


def test_recordings_that_are_missing_are_left_out_and_counted_if_asked(tmp_path, manifest):
    (tmp_path / "ash-a.wav").unlink()
    declaration = {"manifest": manifest, "test": 0, "dev": 0}
    with pytest.raises(InputError, match="the audio of 1 of 20 .*manifest.jsonl:1: .*ash-a.wav"):
        prepare_main(tmp_path, declaration)
    counts = prepare_main(tmp_path, {**declaration, "skip_missing_audio": True})
    assert counts["left_out"] == {"audio missing": 1}
    assert counts["splits"]["train"]["utterances"] == 19


def test_an_mp3_that_is_cut_short_is_refused(tmp_path):
    path = tmp_path / "x.mp3"
    soundfile.write(path, tone(2.0), 16_000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    manifest = write_rows(tmp_path / "m.jsonl", [{"audio_filepath": str(path), "text": "hello"}])
    with pytest.raises(InputError, match=r"m.jsonl:1: .*cut short: \d+ of 32000 samples"):
        prepare_main(tmp_path, {"manifest": manifest, "dev": 0, "test": 0})


def test_a_domain_of_which_nothing_is_left_is_refused_with_the_reasons(tmp_path, manifest):
    with pytest.raises(InputError, match="nothing is left for train of 20 .*20 fewer than 9"):
        prepare_main(tmp_path, {"manifest": manifest, "min_words": 9, "dev": 0, "test": 0})


# --- splits of the user's own


@pytest.fixture
def given(tmp_path) -> dict:
    """Splits of which train repeats a sentence of test (in other letters) and one of dev."""
    texts = {
        "train": ["It's an oak!", "an elm", "a fir", "an ivy"],
        "dev": ["a larch", "an elm"],
        "test": ["it is an OAK", "a cedar"],
    }
    return {
        name: write_rows(
            tmp_path / f"{name}.jsonl",
            [make_row(tmp_path, f"{name}{n}", text, name) for n, text in enumerate(rows)],
        )
        for name, rows in texts.items()
    }


def test_a_test_sentence_that_is_also_in_training_is_refused_with_both_places(tmp_path, given):
    with pytest.raises(InputError) as error:
        prepare_main(tmp_path, {"splits": given})
    assert f"{given['test']}:1: the sentence 'it is an oak' of test" in str(error.value)
    assert f"also in train, at {given['train']}:1 (1 such)" in str(error.value)
    assert "drop_repeated_sentences" in str(error.value)


def test_repeated_sentences_are_left_out_of_training_if_asked(tmp_path, given):
    counts = prepare_main(tmp_path, {"splits": given, "drop_repeated_sentences": True})
    assert counts["left_out"] == {"in train, sentence of another split": 2}
    assert [counts["splits"][name]["utterances"] for name in splits.SPLITS] == [2, 2, 2]


def test_splits_without_dev_get_one_drawn_of_train(tmp_path, given):
    del given["dev"]
    declaration = {"splits": given, "drop_repeated_sentences": True, "dev": 1}
    counts = prepare_main(tmp_path, declaration)
    assert [counts["splits"][name]["utterances"] for name in splits.SPLITS] == [2, 1, 2]


def test_a_speaker_in_two_given_splits_is_refused_if_asked(tmp_path):
    paths = {
        name: write_rows(tmp_path / f"{name}.jsonl", [make_row(tmp_path, name, name, speaker)])
        for name, speaker in (("train", "ann"), ("dev", "bob"), ("test", "ann"))
    }
    prepare_main(tmp_path, {"splits": paths})
    with pytest.raises(InputError, match="speaker 'ann' of test is also in train"):
        prepare_main(tmp_path, {"splits": paths, "speaker_disjoint": True})


# --- recordings longer than the window


def spoken(folder: Path, *durations: float) -> list[dict]:
    """Return rows of recordings of these durations (s), each of a sentence of its own."""
    return [
        make_row(folder, f"r{n}", f"It is {word}.", seconds=seconds)
        for n, (word, seconds) in enumerate(zip(WORDS, durations, strict=False))
    ]


def durations(folder: Path) -> dict[str, list[float]]:
    return {
        name: [row["duration"] for row in read_manifest(folder / "manifests" / f"{name}.jsonl")]
        for name in splits.SPLITS
    }


@pytest.mark.parametrize(
    ("bounds", "kept", "reasons"),
    [
        ({}, [31, 1], {"longer than 30 s, and not in test": 2}),
        ({"max_duration": 30}, [1], {"longer than 30 s": 3}),
        ({"max_test_duration": 30.5}, [1], {"longer than 30.5 s": 3}),
        (
            {"max_duration": 20, "max_test_duration": 40},
            [31, 1],
            {"longer than 20 s, and not in test": 2},
        ),
    ],
)
def test_of_given_splits_long_recordings_are_tested_on_and_not_learnt_from(
    tmp_path, bounds, kept, reasons
):
    rows = spoken(tmp_path, 32, 2, 33, 3, 31, 1)
    given = {
        name: write_rows(tmp_path / f"{name}.jsonl", rows[2 * n : 2 * n + 2])
        for n, name in enumerate(splits.SPLITS)
    }
    counts = prepare_main(tmp_path, {"splits": given, "min_speaking_rate": 0} | bounds)
    assert durations(tmp_path) == {"train": [2], "dev": [3], "test": kept}
    assert counts["left_out"] == reasons
    assert bool(counts["left_out_of_given_test"]) == (31 not in kept)
    if not bounds:
        assert counts["out_of_bounds"] == {
            "longer than 30 s, and not in test": [
                f"{given['train']}:1: 'r0': 32 s",
                f"{given['dev']}:1: 'r2': 33 s",
            ]
        }
        texts = read_texts(tmp_path / "texts" / "train.jsonl")
        assert [row["id"] for row in texts] == ["r1"]  # nor is there synthetic speech of it


def test_drawn_splits_have_long_recordings_in_test_alone_and_the_sizes_that_were_asked_for(
    tmp_path,
):
    rows = spoken(tmp_path, 31, 1, 1, 31, 1, 31, 1, 31, 1, 1)
    declaration = {"manifest": write_rows(tmp_path / "m.jsonl", rows), "test": 4, "dev": 2}
    counts = prepare_main(tmp_path, declaration | {"min_speaking_rate": 0})
    found = durations(tmp_path)
    assert [len(found[name]) for name in ("dev", "test")] == [2, 4]
    assert {*found["train"], *found["dev"]} == {1}
    in_test = found["test"].count(31)
    assert 0 < in_test < 4 and len(found["train"]) == 6 - 2 - (4 - in_test)
    assert counts["left_out"] == {"longer than 30 s, and not in test": 4 - in_test}
    with pytest.raises(InputError, match="of 10, of which 4 are too long for train and dev"):
        prepare_main(tmp_path, declaration | {"min_speaking_rate": 0, "dev": 6})


def test_a_bound_of_test_below_that_of_training_or_of_a_domain_of_texts_is_refused(tmp_path):
    with pytest.raises(InputError, match="max_test_duration: 5 s is less than the max_duration of"):
        prepare_main(tmp_path, {"manifest": "m.jsonl", "max_duration": 6, "max_test_duration": 5})
    with pytest.raises(InputError, match="max_test_duration is for recordings, and it has none"):
        prepare_main(tmp_path, {"texts": "t.txt", "max_test_duration": 50})


# --- texts without recordings


@pytest.mark.parametrize("columns", [1, 2])
def test_texts_alone_give_texts_and_no_manifests(tmp_path, columns):
    lines = [f"{word}\tIt is {word}." if columns == 2 else f"It is {word}." for word in WORDS]
    (tmp_path / "t.tsv").write_text("\n".join(lines) + "\n\n")
    counts = prepare_main(tmp_path, {"texts": str(tmp_path / "t.tsv"), "dev": 3})
    train = read_texts(tmp_path / "texts" / "train.jsonl")
    assert counts["texts"] == {"train": 7, "dev": 3}
    dev = read_texts(tmp_path / "texts" / "dev.jsonl")  # on which n-grams of train are judged
    assert {row["text"] for row in train} & {row["text"] for row in dev} == set()
    assert not (tmp_path / "manifests").exists()
    assert not (tmp_path / "audio").exists()
    if columns == 2:
        assert all(row["text"] == f"It is {row['id']}." for row in train)
    else:
        assert {row["id"] for row in train} < {f"demo-{n:06d}" for n in range(1, 11)}


def test_repeated_texts_are_spoken_once(tmp_path):
    (tmp_path / "t.txt").write_text("Hello there!\nhello, there\nGood bye\n...\n")
    counts = prepare_main(tmp_path, {"texts": str(tmp_path / "t.txt"), "dev": 1})
    assert counts["texts"] == {"train": 1, "dev": 1}
    spoken = [
        row["spoken"]
        for name in ("train", "dev")
        for row in read_texts(tmp_path / "texts" / f"{name}.jsonl")
    ]
    assert sorted(spoken) == ["Good bye", "Hello there!"]  # the first of its kind
    assert sum(counts["left_out"].values()) == 2


def test_texts_to_test_on_are_written_beside_those_to_train_on(tmp_path):
    (tmp_path / "t.txt").write_text("".join(f"It is {word}.\n" for word in WORDS))
    (tmp_path / "test.txt").write_text("A poplar\nA willow\na willow!\nA yew\n")
    declaration = {
        "texts": str(tmp_path / "t.txt"),
        "test_texts": str(tmp_path / "test.txt"),
        "dev": 3,
    }
    counts = prepare_main(tmp_path, declaration)
    assert counts["texts"] == {"train": 7, "test": 3, "dev": 3}
    test = read_texts(tmp_path / "texts" / "test.jsonl")
    assert {row["id"] for row in test} == {
        "demo-test-000001",
        "demo-test-000002",
        "demo-test-000004",
    }
    lineage = json.loads((tmp_path / "texts" / "train.jsonl.lineage.json").read_text())
    assert [Path(path).name for path in lineage["inputs"]] == ["t.txt", "test.txt"]
    assert prepare_main(tmp_path, {**declaration, "test": 2})["texts"]["test"] == 2
    with pytest.raises(InputError, match="test: 4 utterances are asked for, but only 3"):
        prepare_main(tmp_path, {**declaration, "test": 4})


def test_recordings_to_test_on_join_texts_and_their_sentences_are_not_learnt(tmp_path, manifest):
    (tmp_path / "t.txt").write_text("".join(f"The tree {word}.\n" for word in WORDS))
    rows = own_data.read_manifest_of_user(manifest)
    heard = {normalise(recording.text, "en") for recording, _ in rows}
    (tmp_path / "t.txt").open("a").write(rows[0][0].text + "\n")
    declaration = {"texts": str(tmp_path / "t.txt"), "test_manifest": manifest, "dev": 3}
    counts = prepare_main(tmp_path, declaration)
    assert counts["texts"] == {"train": 7, "dev": 3}
    assert counts["left_out"] == {"sentence of a test recording": 1}
    assert list(counts["splits"]) == ["test"]
    test = read_manifest(tmp_path / "manifests" / "test.jsonl")
    assert len(test) == len(rows)
    assert {normalise(row["text"], "en") for row in test} == heard
    assert not (tmp_path / "manifests" / "train.jsonl").exists()
    lineage = json.loads((tmp_path / "manifests" / "test.jsonl.lineage.json").read_text())
    named = {Path(path).name for path in lineage["inputs"]}
    assert {"t.txt", Path(manifest).name, rows[0][0].load.path.name} <= named


def test_a_text_to_train_and_to_test_on_is_refused_or_left_out_of_training(tmp_path):
    (tmp_path / "t.txt").write_text("It's an oak\nan elm\na fir\n")
    (tmp_path / "test.txt").write_text("it is an OAK!\na larch\n")
    declaration = {"texts": str(tmp_path / "t.txt"), "test_texts": str(tmp_path / "test.txt")}
    with pytest.raises(InputError, match=r"test.txt:1: .*'it is an oak' of test .*t.txt:1"):
        prepare_main(tmp_path, {**declaration, "dev": 1})
    counts = prepare_main(tmp_path, {**declaration, "dev": 1, "drop_repeated_sentences": True})
    assert counts["texts"] == {"train": 1, "test": 2, "dev": 1}
    assert counts["left_out"] == {"in train, sentence of another split": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\tone\nb two\n", "t.tsv:2: has 1 columns, the first line 2"),
        ("a\tb\tone\n", "t.tsv:1: has 3 columns"),
        ("a\tone\na\ttwo\n", "t.tsv:2: id 'a' stands already at .*t.tsv:1"),
        ("a\tone\nb\t \n", "t.tsv:2: the text is empty"),
        ("\n", "t.tsv: is empty"),
    ],
)
def test_faulty_texts_are_refused_with_file_and_line(tmp_path, content, message):
    (tmp_path / "t.tsv").write_text(content)
    with pytest.raises(InputError, match=message):
        prepare_main(tmp_path, {"texts": str(tmp_path / "t.tsv"), "dev": 0})


def test_a_manifest_declared_as_texts_is_refused(tmp_path, manifest):
    with pytest.raises(InputError, match="declare it under 'manifest'"):
        prepare_main(tmp_path, {"texts": manifest})


# --- published corpora


def test_a_corpus_is_read_by_its_reader_and_resampled(tmp_path, monkeypatch):
    def read(folder):
        for number, word in enumerate(WORDS):
            yield Recording(f"{number}", f"it is {word}", "hero", lambda: (tone(1, 11_025), 11_025))

    trees = tmp_path / "trees.py"
    trees.write_text("")
    monkeypatch.setitem(corpora.CORPORA, "trees", corpora.About(("en",)))
    monkeypatch.setitem(sys.modules, "corpora.trees", SimpleNamespace(read=read, __file__=trees))
    declaration = {"corpus": "trees", "artifact": "trees", "train": 3, "dev": 2, "test": 4}
    counts = prepare_main(tmp_path, declaration, "--artifact", str(tmp_path))
    assert [counts["splits"][name]["utterances"] for name in splits.SPLITS] == [3, 2, 4]
    assert counts["sampling_rates"] == {"11025": 10}
    for row in read_manifest(tmp_path / "manifests" / "test.jsonl"):
        assert soundfile.info(row["audio_filepath"]).frames == 16_000
    with pytest.raises(InputError, match="--artifact is missing"):
        prepare_main(tmp_path, declaration)


def test_topics_part_a_corpus_into_domains(tmp_path, monkeypatch):
    """Five recordings of ash and elm each, and ten that are in neither domain if both are left."""

    def read(folder, language):
        for number, topic in enumerate(("ash", "elm", "fir", "oak") * 5):
            extra = {"topic": topic}
            speech = lambda: (tone(1, 8_000), 8_000)  # noqa: E731
            yield Recording(f"{number}", f"{language} {topic} {number}", "hero", speech, extra)

    trees = tmp_path / "trees.py"
    trees.write_text("")
    about = corpora.About(("en", "fr"), takes_language=True)
    monkeypatch.setitem(corpora.CORPORA, "trees", about)
    monkeypatch.setitem(sys.modules, "corpora.trees", SimpleNamespace(read=read, __file__=trees))
    artifact = ("--artifact", str(tmp_path))
    trees = {"corpus": "trees", "artifact": "trees", "dev": 2, "test": 3}
    for key, told in (("topics", {"ash", "elm"}), ("without_topics", {"fir", "oak"})):
        counts = prepare_main(tmp_path, trees | {key: ["elm", "ash"]}, *artifact)
        assert [counts["splits"][name]["utterances"] for name in splits.SPLITS] == [5, 2, 3]
        rows = [row for name in splits.SPLITS
                for row in read_manifest(tmp_path / "manifests" / f"{name}.jsonl")]  # fmt: skip
        assert {row["topic"] for row in rows} == told
        assert all(row["text"].startswith("en ") for row in rows)
    message = r"topics: trees has no recordings of 'elk'; there are ash \(5\), elm \(5\), fir"
    with pytest.raises(InputError, match=message):
        prepare_main(tmp_path, trees | {"topics": ["ash", "elk"]}, *artifact)


def test_a_corpus_without_topics_says_so(tmp_path, monkeypatch):
    def read(folder):
        yield Recording("1", "it is ash", "hero", lambda: (tone(1, 8_000), 8_000))

    trees = tmp_path / "trees.py"
    trees.write_text("")
    monkeypatch.setitem(corpora.CORPORA, "trees", corpora.About(("en",)))
    monkeypatch.setitem(sys.modules, "corpora.trees", SimpleNamespace(read=read, __file__=trees))
    declaration = {"corpus": "trees", "artifact": "trees", "without_topics": ["ash"]}
    with pytest.raises(
        InputError, match="without_topics: trees has no .* of 'ash'; there are none"
    ):
        prepare_main(tmp_path, declaration, "--artifact", str(tmp_path))


# --- declarations


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ({"manifest": "a", "min_word": 3}, "unknown key 'min_word'; did you mean 'min_words'"),
        ({"manifest": "a", "texts": "b"}, "give exactly one"),
        ({"manifest": "a", "topics": ["vm"]}, "topics is for a published corpus; remove it"),
        ({"corpus": "asterisk", "topics": []}, r"topics: \[\]; give a list of texts, of at"),
        ({"corpus": "asterisk", "without_topics": "vm"}, 'without_topics: "vm"; give a list of'),
        (
            {"corpus": "asterisk", "topics": ["vm"], "without_topics": ["vm"]},
            "has topics and without_topics; give one of them",
        ),
        ({}, "give exactly one"),
        ({"corpus": "queen"}, 'corpus: "queen"; known: amazon_queen'),
        ({"splits": {"train": "a"}}, "must have train and test"),
        ({"manifest": "a", "train": -1}, "train: -1; give a whole number, at least 0"),
        ({"manifest": "a", "dev": "5"}, 'dev: "5"; give a whole number'),
        ({"manifest": "a", "speaker_disjoint": "yes"}, "give true or false"),
        ({"manifest": "/no/such.jsonl"}, "/no/such.jsonl: no such file"),
        ({"manifest": "a", "test_texts": "b"}, "test_texts is for a domain of texts"),
        ({"manifest": "a", "test_manifest": "b"}, "test_manifest is for a domain of texts"),
        (
            {"texts": "a", "test_texts": "b", "test_manifest": "c"},
            "has test_texts and test_manifest; give one of them",
        ),
        ({"corpus": "asterisk", "column": "a"}, "column is for texts, manifest and splits; remove"),
        (
            {"texts": "a", "audio_column": "b"},
            "audio_column is for recordings, and it has none; remove",
        ),
    ],
)
def test_a_faulty_declaration_is_refused(tmp_path, declaration, message):
    with pytest.raises(InputError, match=message):
        prepare_main(tmp_path, declaration)


def test_folders_for_recordings_are_needed_only_where_there_are_recordings(tmp_path, manifest):
    with pytest.raises(InputError, match="--audio-dir and --manifests-dir are needed"):
        prepare.main(
            ["--domain", "d", "--declaration", json.dumps({"manifest": manifest})]
            + ["--texts-dir", str(tmp_path), "--language", "en"]
        )


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path):
    (tmp_path / "t.txt").write_bytes(b"\xef\xbb\xbfhello\n")
    assert own_data.read_plain_texts(tmp_path / "t.txt", "d")[0][1] == "hello"


# --- what the TTS reads


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Wake me at 7:30, please.", "Wake me at 7:30, please."),
        ("\u201cDon\u2019t\u201d\u2026 he said", '"Don\'t"... he said'),
        ("Well \u2014 I\u2026 no!", "Well, I... no!"),
        ("Well -- no", "Well, no"),
        ("a well-known e-mail", "a well-known e-mail"),
        ("- Hello.", "Hello."),
        ("It costs -5 degrees", "It costs -5 degrees"),
        ("[sighs] Oh, no (again) <gulp>", "Oh, no"),
        ("What?!?! Stop!!! Wait.....", "What? Stop! Wait..."),
        ("STOP MY PLANE, I SAID!", "Stop my plane, I said!"),
        ("MY plane, NOT yours", "my plane, not yours"),
        ("DON'T call the FBI, I'M on TV", "don't call the FBI, I'm on TV"),
        ("NASA", "NASA"),
        ("I am", "I am"),
        (".5 per cent", ".5 per cent"),
        ("M I S D N", "M I S D N"),
        ("How so?. Wait!, please,", "How so? Wait! please,"),
        ("@@ I think I'm in love @@", "I think I'm in love"),
        ("me@example.com", "me@example.com"),
        ("rock & roll, 50% off for $5", "rock & roll, 50% off for $5"),
        ("two  spaces ,\n and a line", "two spaces, and a line"),
        ("caf\u0065\u0301", "caf\u00e9"),
        ("... and so on", "and so on"),
        ("[laughs]", ""),
        ("?!", ""),
    ],
)
def test_text_is_cleaned_for_the_tts(text, spoken):
    assert clean_for_tts(text, "en") == spoken
    assert clean_for_tts(spoken, "en") == spoken  # cleaning again changes nothing


def test_remarks_are_left_out_of_what_is_to_be_learnt_but_spelling_stays(tmp_path):
    assert without_remarks("[sighs]  Oh \u2014 NO (again)") == "Oh \u2014 NO"
    (tmp_path / "t.txt").write_text("[sighs] Oh \u2014 MY plane\nbye\n")
    prepare_main(tmp_path, {"texts": str(tmp_path / "t.txt"), "dev": 0})
    (first, _) = read_texts(tmp_path / "texts" / "train.jsonl")
    assert first["text"] == "Oh \u2014 MY plane"
    assert first["spoken"] == "Oh, my plane"
