"""Manifests, audio, atomic files and lineage records."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from errors import InputError, run
from files import audio, manifest
from files.atomic import atomic_folder, atomic_path
from records import record as records
from records import writing

ROW = {
    "id": "a",
    "audio_filepath": "a.flac",
    "duration": 1.5,
    "text": "hello",
    "speaker": "s",
    "domain": "d",
}


def test_a_manifest_comes_back_as_it_was_written_with_further_keys(tmp_path):
    rows = [ROW, ROW | {"id": "b", "text": "grüß dich", "voice": "x"}]
    manifest.write_jsonl(tmp_path / "m.jsonl", rows)
    assert manifest.read_manifest(tmp_path / "m.jsonl") == rows


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"m\.jsonl:2: not JSON"),
        ("[1]", r"m\.jsonl:2: '\[1\]' is not a JSON object"),
        (json.dumps({"id": "b"}), r"m\.jsonl:2: key 'audio_filepath' is missing"),
        (json.dumps(ROW | {"duration": "1"}), r"m\.jsonl:2: duration is '1', of the wrong type"),
        (json.dumps(ROW), r"m\.jsonl:2: id 'a' stands already in line\s+1"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    (tmp_path / "m.jsonl").write_text(json.dumps(ROW) + "\n" + line + "\n")
    with pytest.raises(InputError, match=message):
        manifest.read_manifest(tmp_path / "m.jsonl")


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.jsonl: no such file"):
        manifest.read_manifest(tmp_path / "gone.jsonl")


def test_a_file_that_fails_half_way_leaves_the_old_one_and_no_rest(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(path) as temporary:
        temporary.write_text("new, ha")
        _ = 1 / 0
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_fails_half_way_keeps_its_files(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_folder(folder) as temporary:
        (temporary / "weights").write_text("new")
        _ = 1 / 0
    assert (folder / "weights").read_text() == "old"
    assert list(tmp_path.iterdir()) == [folder]


def test_channels_are_averaged_and_the_rate_changed(tmp_path):
    stereo = np.stack([np.full(8000, 0.5), np.full(8000, 0.1)], axis=1)
    soundfile.write(tmp_path / "a.wav", stereo, 8000)
    waveform = audio.load_audio(tmp_path / "a.wav")
    assert waveform.dtype == np.float32
    assert len(waveform) == 16_000
    assert np.median(waveform) == pytest.approx(0.3, abs=0.01)


def test_resampling_removes_what_the_new_rate_cannot_carry():
    seconds = np.arange(48_000) / 48_000
    high = np.sin(2 * np.pi * 12_000 * seconds).astype(np.float32)
    assert np.abs(audio.resample(high, 48_000)[1000:-1000]).max() < 0.01  # edges ring


def test_saved_audio_loses_at_most_half_a_step_of_16_bits(tmp_path):
    waveform = np.linspace(-1, 0.99, 1600, dtype=np.float32)
    assert audio.save_audio(tmp_path / "a.flac", waveform) == 0.1
    assert np.abs(audio.load_audio(tmp_path / "a.flac") - waveform).max() <= 1 / 32768


def test_audio_that_is_none_is_named(tmp_path):
    (tmp_path / "a.flac").write_text("no audio")
    with pytest.raises(InputError, match=r"a\.flac: not readable as audio"):
        audio.load_audio(tmp_path / "a.flac")


def test_a_lineage_record_has_the_hashes_of_what_went_in_and_came_out(tmp_path):
    (tmp_path / "in").write_text("abc")
    (tmp_path / "out").write_text("")
    writing.write_record(
        records.__file__, [tmp_path / "out"], [tmp_path / "in"], {"seed": 1}, counts={"rows": 2}
    )
    record = json.loads((tmp_path / "out.lineage.json").read_text())
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert record["inputs"] == {str(tmp_path / "in"): abc}
    assert record["outputs"][str(tmp_path / "out")].startswith("e3b0c44298fc1c14")
    assert record["parameters"] == {"seed": 1}
    assert record["counts"] == {"rows": 2}
    assert record["run"]["started"] <= record["run"]["ended"]


def test_a_users_mistake_is_one_line_and_status_2(capsys):
    def main():
        raise InputError("a.txt:3: too long")

    with pytest.raises(SystemExit) as stop:
        run(main)
    assert stop.value.code == 2
    assert capsys.readouterr().err == "error: a.txt:3: too long\n"


def test_a_name_that_is_too_long_is_one_line_too(capsys):
    name = "x" * 300
    with pytest.raises(SystemExit) as stop:
        run(lambda: print(Path(name).exists()))
    assert stop.value.code == 2
    assert capsys.readouterr().err == f"error: {name}: File name too long; give another name\n"
