"""Recordings as users have them: tables, Kaldi's folders, Lhotse's cuts, data sets of a hub."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import soundfile

import prepare
from domains.own_data import read_manifest_of_user
from errors import InputError
from inputs.folders import files_of
from test_own_texts import workbook

RATE = 16_000
SECONDS = {"a": 1.0, "b": 2.0}  # of the recordings


def tone(seconds: float, amplitude: float = 0.5) -> np.ndarray:
    times = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * 200 * times)).astype(np.float32)


def wav(folder: Path, name: str, waveform: np.ndarray) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / name, waveform, RATE, subtype="FLOAT")
    return name


def wav_bytes(seconds: float) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, tone(seconds), RATE, format="WAV")
    return content.getvalue()


def recordings(folder: Path) -> None:
    for id, seconds in SECONDS.items():
        wav(folder, f"{id}.wav", tone(seconds))


def common_voice(folder: Path) -> Path:
    recordings(folder / "clips")
    rows = "client_id\tpath\tsentence\tup_votes\nann\ta.wav\tOpen\t2\nbob\tb.wav\tClose\t2\n"
    (folder / "train.tsv").write_text(rows)
    return folder / "train.tsv"


def csv_with_paths(folder: Path) -> Path:
    recordings(folder / "sound")
    (folder / "m.csv").write_text(
        f"file;text;speaker\n{folder}/sound/a.wav;Open;ann\nsound/b.wav;Close;bob\n"
    )
    return folder / "m.csv"


def excel(folder: Path) -> Path:
    recordings(folder)
    rows = [["path", "text", "speaker_id"], ["a.wav", "Open", "ann"], ["b.wav", "Close", "bob"]]
    workbook(folder / "m.xlsx", rows)
    return folder / "m.xlsx"


def audiofolder(folder: Path) -> Path:
    recordings(folder / "data")
    (folder / "metadata.csv").write_text(
        "file_name,transcription,speaker_id\ndata/a.wav,Open,ann\ndata/b.wav,Close,bob\n"
    )
    return folder


def jsonl_audiofolder(folder: Path) -> Path:
    recordings(folder)
    rows = [
        {"file_name": "a.wav", "text": "Open", "speaker": "ann"},
        {"file_name": "b.wav", "text": "Close", "speaker": "bob"},
    ]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def table_with_sound() -> pyarrow.Table:
    sound = [{"bytes": wav_bytes(SECONDS[id]), "path": f"{id}.wav"} for id in SECONDS]
    rows = {"audio": sound, "sentence": ["Open", "Close"], "client_id": ["ann", "bob"]}
    return pyarrow.table(rows)


def parquet(folder: Path) -> Path:
    pyarrow.parquet.write_table(table_with_sound(), folder / "m.parquet", row_group_size=1)
    return folder / "m.parquet"


def parquet_with_paths(folder: Path) -> Path:
    recordings(folder)
    sound = [{"bytes": None, "path": f"{id}.wav"} for id in SECONDS]
    rows = {"audio": sound, "text": ["Open", "Close"], "speaker_id": ["ann", "bob"]}
    pyarrow.parquet.write_table(pyarrow.table(rows), folder / "m.parquet")
    return folder / "m.parquet"


def parquet_of_a_hub(folder: Path) -> Path:
    (folder / "data").mkdir(parents=True)
    for number in range(2):
        path = folder / "data" / f"train-{number:05d}-of-00002.parquet"
        pyarrow.parquet.write_table(table_with_sound().slice(number, 1), path)
    pyarrow.parquet.write_table(table_with_sound(), folder / "data" / "test-00000-of-00001.parquet")
    return folder / "data" / "train"


def saved_to_disk(folder: Path) -> Path:
    """What ``save_to_disk`` of datasets 5.2 writes, in two files."""
    names = [f"data-{number:05d}-of-00002.arrow" for number in range(2)]
    for number, name in enumerate(names):
        table = table_with_sound().slice(number, 1)
        with pyarrow.ipc.new_stream(str(folder / name), table.schema) as writer:
            writer.write_table(table)
    state = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "1"}
    (folder / "state.json").write_text(json.dumps(state))
    return folder


def nemo_manifest(folder: Path) -> Path:
    """One path from the root, and one from the manifest's folder, as NeMo takes them, too."""
    recordings(folder / "wav")
    rows = [
        {"audio_filepath": f"{folder}/wav/a.wav", "text": "Open", "speaker": "ann"},
        {"audio_filepath": "wav/b.wav", "duration": 2, "text": "Close", "speaker": "bob"},
    ]
    (folder / "m.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "m.json"


def kaldi(folder: Path) -> Path:
    recordings(folder / "wav")
    (folder / "wav.scp").write_text(f"a {folder}/wav/a.wav\nb wav/b.wav\n")
    (folder / "text").write_text("a Open\nb Close\n")
    (folder / "utt2spk").write_text("a ann\nb bob\n")
    return folder


def kaldi_with_segments(folder: Path) -> Path:
    both = np.concatenate([0 * tone(1), tone(1), 0 * tone(1), tone(2)])
    wav(folder, "call.wav", both)
    (folder / "wav.scp").write_text("call call.wav\n")
    (folder / "segments").write_text("a call 1.00 2.00\nb call 3 -1\n")
    (folder / "text").write_text("a\tOpen\nb  Close\n")
    (folder / "utt2spk").write_text("a ann\nb bob\n")
    return folder


def cut(**changes: object) -> dict:
    """A cut of 4 s of a call on two channels, as Lhotse writes it: ann's and bob's."""
    source = {"type": "file", "channels": [0, 1], "source": "call.wav"}
    recording = {"id": "call", "sources": [source], "sampling_rate": RATE, "num_samples": 5 * RATE}
    said = [("a", 0.0, 1.0, 0, "Open", "ann"), ("b", 1.5, 2.0, 1, "Close", "bob")]
    keys = ("id", "start", "duration", "channel", "text", "speaker")
    supervisions = [dict(zip(keys, each, strict=True)) for each in said]
    cut = {"id": "call-0", "start": 1.0, "duration": 4.0, "channel": [0, 1], "type": "MultiCut"}
    return cut | {"supervisions": supervisions, "recording": recording} | changes


def cuts(folder: Path) -> Path:
    silence, left, right = 0 * tone(1), tone(1), tone(2)
    first = np.concatenate([silence, left, silence, silence, silence])
    second = np.concatenate([silence, silence, silence[: RATE // 2], right, silence[: RATE // 2]])
    wav(folder, "call.wav", np.stack([first, second], axis=1))
    (folder / "cuts.jsonl.gz").write_bytes(gzip.compress(json.dumps(cut()).encode()))
    return folder / "cuts.jsonl.gz"


@pytest.mark.parametrize(
    ("make", "rows"),
    [
        (common_voice, ["train.tsv:2", "train.tsv:3"]),
        (csv_with_paths, ["m.csv:2", "m.csv:3"]),
        (excel, ["m.xlsx:2", "m.xlsx:3"]),
        (audiofolder, ["metadata.csv:2", "metadata.csv:3"]),
        (jsonl_audiofolder, ["metadata.jsonl:1", "metadata.jsonl:2"]),
        (parquet, ["m.parquet:1", "m.parquet:2"]),
        (parquet_with_paths, ["m.parquet:1", "m.parquet:2"]),
        (
            parquet_of_a_hub,
            ["data/train-00000-of-00002.parquet:1", "data/train-00001-of-00002.parquet:1"],
        ),
        (saved_to_disk, ["data-00000-of-00002.arrow:1", "data-00001-of-00002.arrow:1"]),
        (nemo_manifest, ["m.json:1", "m.json:2"]),
        (kaldi, ["text:1", "text:2"]),
        (kaldi_with_segments, ["text:1", "text:2"]),
        (cuts, ["cuts.jsonl.gz:1", "cuts.jsonl.gz:1"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_recordings_texts_and_speakers_are_read_with_their_places(
    tmp_path, monkeypatch, make: Callable[[Path], Path], rows
):
    monkeypatch.chdir("/")
    read = read_manifest_of_user(make(tmp_path))
    assert [place for _, place in read] == [f"{tmp_path}/{row}" for row in rows]
    recordings = [recording for recording, _ in read]
    assert [each.id for each in recordings] == ["a", "b"]
    assert [(each.text, each.speaker) for each in recordings] == [("Open", "ann"), ("Close", "bob")]
    for recording in recordings:
        seconds = SECONDS[recording.id]
        waveform, rate = recording.load()
        assert recording.load.measure() == (seconds, RATE, 1)
        assert rate == RATE and np.allclose(waveform, tone(seconds), atol=1e-4)


@pytest.mark.parametrize("make", [saved_to_disk, parquet])
def test_what_datasets_itself_writes_is_read(tmp_path, make):
    datasets = pytest.importorskip("datasets", reason="only `make peers` installs datasets")
    rows = table_with_sound().to_pydict()
    data = datasets.Dataset.from_dict(rows).cast_column("audio", datasets.Audio(decode=False))
    if make is parquet:
        data.to_parquet(tmp_path / "m.parquet")
        path = tmp_path / "m.parquet"
    else:
        data.select([1, 0]).save_to_disk(tmp_path / "m")  # rows picked by indices are written out
        path = tmp_path / "m"
    read = {recording.id: recording for recording, _ in read_manifest_of_user(path)}
    assert {id: len(read[id].load()[0]) / RATE for id in read} == SECONDS
    assert read["b"].text == "Close"


def prepare_main(folder: Path, declaration: dict, *options: str) -> dict:
    """Prepare the domain "demo"; return its lineage record."""
    arguments = ["--domain", "demo", "--declaration", json.dumps(declaration), "--language", "en"]
    names = ("audio", "manifests", "texts")
    paths = [part for name in names for part in (f"--{name}-dir", str(folder / name))]
    prepare.main([*arguments, *paths, *options])
    record = folder / "texts" / "train.jsonl.lineage.json"
    return json.loads(record.read_text())


ALL = {"dev": 0, "test": 0, "min_speaking_rate": 0}


@pytest.mark.parametrize("make", [kaldi_with_segments, parquet, cuts, saved_to_disk])
def test_a_domain_is_prepared_of_them_and_the_record_names_what_was_read(tmp_path, make):
    (tmp_path / "in").mkdir()
    source = make(tmp_path / "in")
    record = prepare_main(tmp_path / "out", {"manifest": str(source), **ALL})
    rows = [json.loads(line) for line in (tmp_path / "out/manifests/train.jsonl").open()]
    assert {row["id"]: row["duration"] for row in rows} == SECONDS
    assert {row["text"] for row in rows} == {"Open", "Close"}
    read = {str(path) for path in files_of(source)}
    audio = (
        {str(tmp_path / "in" / "call.wav")} if (tmp_path / "in" / "call.wav").exists() else set()
    )
    assert set(record["inputs"]) == read | audio


def test_paths_of_a_domain_with_an_artifact_are_below_its_folder(tmp_path):
    folder = tmp_path / "fetched"
    kaldi(folder / "calls")
    (folder / "files.json").write_text('{"licence": "CC0-1.0", "files": {}}')
    (folder / "more.csv").write_text("text\nOpen\nClose\n")
    options = ("--artifact", str(folder))
    record = prepare_main(tmp_path, {"manifest": "calls", "artifact": "x", **ALL}, *options)
    assert [*record["inputs"]] == [str(folder / "files.json")]
    prepare_main(tmp_path, {"texts": "more.csv", "artifact": "x", "dev": 1}, *options)
    with pytest.raises(InputError, match="--artifact is missing"):
        prepare_main(tmp_path, {"texts": "more.csv", "artifact": "x", "dev": 1})


def test_one_channel_of_a_recording_is_told_from_the_other(tmp_path):
    left, right = tone(1, 0.5), tone(1, 0.1)
    wav(tmp_path, "call.wav", np.stack([left, right], axis=1))
    said = {"id": "s", "start": 0, "duration": 1, "channel": 1, "text": "Open"}
    content = cut(start=0, duration=1, supervisions=[said])
    (tmp_path / "c.jsonl").write_text(json.dumps(content))
    [(recording, _)] = read_manifest_of_user(tmp_path / "c.jsonl")
    assert recording.id == "call-0"  # of a cut with one supervision
    assert np.allclose(recording.load()[0], right) and recording.load.measure()[2] == 1


def changed(name: str, content: str) -> Callable[[Path], Path]:
    """Return what makes a Kaldi folder of which one file is another."""

    def make(folder: Path) -> Path:
        kaldi(folder)
        (folder / name).write_text(content)
        return folder

    return make


def one_file(name: str, content: str | dict) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        wav(folder, "a.wav", tone(1))
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(text)
        return folder / name

    return make


def saved_splits(folder: Path) -> Path:
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    return folder


def source(**changes: object) -> dict:
    recording = cut()["recording"]
    return cut(recording=recording | {"sources": [recording["sources"][0] | changes]})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (changed("wav.scp", "a sox a.wav -t wav - |\nb b\n"), r"wav\.scp:1: 'sox .* is not run; "),
        (changed("wav.scp", "a a.ark:12\nb b\n"), r"wav\.scp:1: 'a\.ark:12' is within an archive"),
        (changed("wav.scp", "a a.wav\n"), r"text:2: 'b' is not in .*wav\.scp; repair the folder"),
        (changed("wav.scp", "a a\nb b\nc c\n"), r"wav\.scp: 1 of 3 are not in text, first 'c'"),
        (changed("text", "a Open\nb Close\na X\n"), r"text:3: 'a' stands already at .*text:1"),
        (changed("text", "a\nb Close\n"), r"text:1: text is ''; it must be a text"),
        (changed("utt2spk", "a ann\n"), r"text:2: 'b' is not in .*utt2spk"),
        (changed("segments", "a a 0 1\nb c 0 1\n"), r"segments:2: recording 'c' is not in wav"),
        (changed("segments", "a a 1 1\nb b 0 1\n"), r"segments:1: goes from 1 to 1 s"),
        (changed("segments", "a a 0 x\nb b 0 1\n"), r"segments:1: 'a 0 x' is not a recording, st"),
        (changed("text", ""), r"text: is empty; repair"),
        (one_file("m.csv", "path,text\n,Open\n"), r"m\.csv:2: audio_filepath is ''; it must be"),
        (one_file("m.csv", "path,text\na.wav,\n"), r"m\.csv:2: text is ''; it must be a text"),
        (one_file("m.csv", "path,file,text\na,a,a\n"), "2 columns .* recordings; .* audio_col"),
        (one_file("m.csv", "x,text\na,a\n"), "no column is known .* recordings; name one"),
        (one_file("c.jsonl", source(type="command")), r"c\.jsonl:1: .* of type 'command', "),
        (one_file("c.jsonl", source(channels=[0])), "no source has channel 1; write the cuts"),
        (one_file("c.jsonl", cut(supervisions=[])), "'call-0' has no supervision, so no text; add"),
        (one_file("c.jsonl", cut(start=None)), "'call-0' has no start or duration in s; write"),
        (one_file("c.jsonl", {"type": "MixedCut", "tracks": []}), "is a mixed cut; save the audio"),
        (one_file("c.jsonl", {"id": "a", "sources": []}), r"no cut with its recording; make cuts"),
        (
            one_file("c.jsonl", cut(recording={"sources": [], "transforms": [{"name": "Speed"}]})),
            "the recording is changed by Speed; save the audio as files",
        ),
        (saved_splits, r"has the splits \['train', 'test'\]; name one, as .*/train, or each under"),
        (lambda folder: folder, "is no folder that can be read; give a Kaldi data folder"),
        (one_file("m.parquet", "PAR1"), r"m\.parquet: not readable as a Parquet file .*; correct"),
    ],
)  # fmt: skip
def test_what_can_t_be_read_is_told_with_place_and_remedy(tmp_path, make, message):
    with pytest.raises(InputError, match=message) as error:
        read_manifest_of_user(make(tmp_path))
    assert "; " in str(error.value)


def test_columns_are_named_where_their_names_do_not_tell(tmp_path):
    path = one_file("m.csv", "Datei;Satz\na.wav;Auf\n")(tmp_path)
    [(recording, _)] = read_manifest_of_user(path, ("Satz", "Datei"))
    assert (recording.id, recording.text) == ("a", "Auf")
    nemo = one_file("m.json", '{"audio_filepath": "a.wav", "text": "x", "said": "Open"}')(tmp_path)
    [(recording, _)] = read_manifest_of_user(nemo, ("said", None))
    assert recording.text == "Open"
    with pytest.raises(InputError, match="has no columns; remove column and audio_column"):
        read_manifest_of_user(kaldi(tmp_path / "k"), ("text", None))


def test_a_recording_that_is_missing_is_named_with_its_row(tmp_path):
    (tmp_path / "m.csv").write_text("path,text\nno.wav,Open\n")
    message = r"m\.csv:2: audio_filepath '.*/no\.wav' is not readable .*no such file"
    with pytest.raises(InputError, match=message):
        prepare_main(tmp_path, {"manifest": str(tmp_path / "m.csv"), **ALL})


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (kaldi_with_segments, ["wav.scp", "text", "segments", "utt2spk"]),
        (kaldi, ["wav.scp", "text", "utt2spk"]),
        (saved_to_disk, ["state.json", "data-00000-of-00002.arrow", "data-00001-of-00002.arrow"]),
        (audiofolder, ["metadata.csv"]),
        (
            parquet_of_a_hub,
            ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"],
        ),
        (common_voice, ["train.tsv"]),
    ],
)
def test_a_domain_is_prepared_again_for_a_change_of_the_files_that_count(tmp_path, make, names):
    assert files_of(make(tmp_path)) == [tmp_path / name for name in names]
