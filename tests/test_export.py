"""A checkpoint in the forms that services run: its numbers, its texts, and what is said of them."""

import json
import re
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from transformers import WhisperForConditionalGeneration, WhisperTokenizer

import export
from conftest import ROOT
from errors import InputError
from exports import library, measured
from exports.formats import FORMATS
from exports.hints import hints_of, sounds_of
from files.audio import save_audio
from files.manifest import read_jsonl, read_manifest, write_jsonl
from recognisers import ggml_writing
from recognisers.checkpoints import load_whisper
from recognisers.faster_whisper import read_faster_whisper
from recognisers.ggml import read_ggml
from recognisers.load import load_recogniser
from recognisers.original import Original
from records.reading import read_record
from scoring.score_file import ErrorCounts
from scoring.word_errors import score
from texts.pronunciations import Pronunciation
from tiny import HINT, lessons, write_ctc, write_taught_whisper, write_whisper

BESIDE = {"config.json", "model.bin", "preprocessor_config.json", "tokenizer.json"}
FILES = {
    "ctranslate2-int8": {*BESIDE, "vocabulary.json", "hotwords.txt", "key_terms.tsv"},
    "ctranslate2-float16": {*BESIDE, "vocabulary.json", "hotwords.txt", "key_terms.tsv"},
    "ggml": {"ggml-model.bin", "prompt.txt", "key_terms.tsv"},
}


def needing(form: str) -> None:
    """Skip a test without the packages of a form."""
    for module in FORMATS[form].modules:
        pytest.importorskip(module, reason="`make exporters` installs it")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return write_taught_whisper(tmp_path_factory.mktemp("checkpoint"), "fr")


def test_the_checkpoint_itself_has_learnt_its_lessons(checkpoint):
    recogniser = load_recogniser(checkpoint, language="fr", precision="fp32")
    recogniser.model.eval()
    _, hear, write = recogniser.stages()
    heard = write(hear(recogniser.log_mel([*lessons().values()])))
    assert heard == [{"text": text} for text in lessons()]


@pytest.fixture(scope="module")
def ggml(checkpoint, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ggml")
    FORMATS["ggml"].write(checkpoint, folder)
    return folder / "ggml-model.bin"


# --- numbers


def test_a_ggml_file_has_the_checkpoints_numbers_bit_for_bit(checkpoint, ggml):
    model, tokenizer, _ = load_whisper(checkpoint)
    original = read_ggml(ggml)
    by_names = ggml_writing.original_names(model.config)
    state = {by_names[name]: tensor for name, tensor in model.state_dict().items()
             if name != "proj_out.weight"}  # fmt: skip
    assert original.parameters.keys() == state.keys() and len(state) == 50
    for name, tensor in original.parameters.items():
        is_matrix = tensor.ndim > 1 and "positional" not in name
        assert tensor.dtype == (torch.float16 if is_matrix else torch.float32)
        assert torch.equal(tensor.float(), state[name]), name
    assert (original.dimensions["n_text_state"], original.dimensions["n_vocab"]) == (32, 51_865)
    assert original.tokens[97] == b"a" and len(original.tokens) == 50_257


def test_a_ggml_file_has_the_mel_filters_of_the_features(checkpoint, ggml):
    _, _, features = load_whisper(checkpoint)
    content = ggml.read_bytes()
    at = 4 + 11 * 4
    assert struct.unpack_from("<2i", content, at) == (80, 201)
    filters = np.frombuffer(content, "<f4", 80 * 201, at + 8).reshape(80, 201)
    assert np.array_equal(filters, features.mel_filters.T.astype("float32"))


def test_a_ctranslate2_file_has_the_checkpoints_numbers_bit_for_bit(checkpoint, tmp_path):
    needing("ctranslate2-float16")
    FORMATS["ctranslate2-float16"].write(checkpoint, tmp_path)
    model = WhisperForConditionalGeneration.from_pretrained(checkpoint)
    by_names = ggml_writing.original_names(model.config)
    parameters = read_faster_whisper(tmp_path / "model.bin").parameters
    for name, tensor in model.state_dict().items():
        if name != "proj_out.weight":
            assert torch.equal(parameters[by_names[name]].float(), tensor), name


# --- texts


@pytest.mark.parametrize("form", FORMATS)
def test_a_library_writes_what_the_checkpoint_writes(form, checkpoint, tmp_path):
    needing(form)
    FORMATS[form].write(checkpoint, tmp_path)
    loaded = FORMATS[form].load(tmp_path, "fr", "transcribe", 1)
    assert [loaded.transcribe(sound, "") for sound in lessons().values()] == [*lessons()]


@pytest.mark.parametrize("form", ["ctranslate2-float16", "ggml"])
def test_an_english_only_checkpoint_is_prompted_as_one(form, tmp_path):
    needing(form)
    write_taught_whisper(tmp_path / "checkpoint")
    (tmp_path / form).mkdir()
    FORMATS[form].write(tmp_path / "checkpoint", tmp_path / form)
    loaded = FORMATS[form].load(tmp_path / form, "en", "transcribe", 1)
    assert [loaded.transcribe(sound, "") for sound in lessons().values()] == [*lessons()]


@pytest.mark.parametrize("form", ["ctranslate2-float16", "ggml"])
def test_hints_reach_the_decoder_and_are_of_one_utterance(form, checkpoint, tmp_path):
    needing(form)
    FORMATS[form].write(checkpoint, tmp_path)
    loaded = FORMATS[form].load(tmp_path, "fr", "transcribe", 1)
    text, sound = next(iter(lessons().items()))
    assert loaded.transcribe(sound, HINT) == HINT
    assert loaded.transcribe(sound, "") == text


@pytest.mark.parametrize("block", range(3), ids=["transformers", "faster-whisper", "whisper.cpp"])
def test_the_lines_of_the_page_run(block, checkpoint, tmp_path, monkeypatch, capsys):
    page = (ROOT / "docs/shipping.md").read_text()
    lines = re.findall(r"^```python\n(.*?)```", page, re.DOTALL | re.MULTILINE)
    assert len(lines) == 3
    shutil.copytree(checkpoint, tmp_path / "checkpoint")
    for form in ("ctranslate2-int8", "ggml") if block else ():
        needing(form)
        (tmp_path / form).mkdir()
        FORMATS[form].write(checkpoint, tmp_path / form)
    monkeypatch.chdir(tmp_path)
    text, sound = next(iter(lessons().items()))
    soundfile.write("speech.wav", sound, 16_000, subtype="PCM_16")
    capsys.readouterr()
    exec(compile(lines[block], "shipping.md", "exec"), {})
    assert capsys.readouterr().out.strip() == text


# --- the command


@pytest.fixture
def measuring(tmp_path, checkpoint, monkeypatch) -> list[str]:
    """Arguments of the command; the checkpoint itself is said to have missed one word of three."""
    monkeypatch.chdir(tmp_path)
    rows = [
        {
            "id": text[0],
            "audio_filepath": f"data/{text[0]}.flac",
            "duration": save_audio(Path(f"data/{text[0]}.flac"), sound),
            "text": text,
            "speaker": "ann",
            "domain": "shop",
        }
        for text, sound in lessons().items()
    ]
    write_jsonl("test.jsonl", rows)
    write_jsonl("before.jsonl", [{"id": "a", "text": "alpha"}, {"id": "z", "text": "zulu"}])
    write_jsonl("terms.jsonl", [{"id": "x", "text": "Xerxes"}, {"id": "b", "text": "Bravo"}])
    Path("said.tsv").write_text("Xerxes\tzerk sees\n")
    return [
        *("--checkpoint", f"{checkpoint}/model.safetensors", "--manifest", "test.jsonl"),
        *("--hypotheses", "before.jsonl", "--terms", "terms.jsonl", "--language", "fr"),
        *("--pronunciations", "said.tsv"),
        *("--output", "out/form", "--measured", "out/form.json"),
        *("--transcripts", "out/form.jsonl", "--resampled-by", "utterance"),
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_is_run_by_its_library_and_measured_beside_its_checkpoint(form, measuring):
    needing(form)
    export.main([*measuring, "--format", form])
    numbers = measured.read_measured(Path("out/form.json"))
    assert numbers.before.words == ErrorCounts(0, 1, 0, 2, 3)
    assert numbers.after.words == ErrorCounts(0, 0, 0, 3, 3)
    assert numbers.difference.difference == pytest.approx(-1 / 3)
    low, high = numbers.difference.interval
    assert (low, high) == (-1 / 2, 0)  # all draws of "zulu yankee", all of "alpha"
    assert (numbers.utterances, numbers.changed_texts) == (2, 1)
    rows = read_jsonl("out/form.jsonl")
    assert [row["text"] for row in rows] == [*lessons()]
    hinted = [{"id": row["id"], "text": row["with_hints"]} for row in rows]
    assert numbers.with_hints.wer == score(read_manifest("test.jsonl"), hinted, "fr").wer
    files = {path.name for path in Path("out/form").iterdir()}
    assert files == {*FILES[form], f"{min(FILES[form])}.lineage.json"}
    sizes = [(Path("out/form") / name).stat().st_size for name in FILES[form]]
    assert numbers.bytes == sum(sizes)
    assert (Path("out/form") / FORMATS[form].hints).read_text() == "Xerxes, Bravo\n"
    assert Path("out/form/key_terms.tsv").read_text() == "Xerxes\tzerk sees\nBravo\tBravo\n"


def test_the_record_of_an_export_names_what_it_was_made_of_and_the_library(measuring):
    needing("ggml")
    export.main([*measuring, "--format", "ggml"])
    own = read_record(Path("out/form.json.lineage.json"))
    assert set(own.outputs) == {
        *("out/form.json", "out/form.jsonl", "out/form/ggml-model.bin", "out/form/prompt.txt"),
        "out/form/key_terms.tsv",
    }
    given = {"before.jsonl", "test.jsonl", "terms.jsonl", "said.tsv", measuring[1]}
    assert given < set(own.inputs)
    assert own.content["packages"]["pywhispercpp"]


def test_without_key_terms_there_are_no_hints(measuring):
    needing("ggml")
    at = measuring.index("--terms")
    export.main([*measuring[:at], *measuring[at + 2 :], "--format", "ggml"])
    assert measured.read_measured(Path("out/form.json")).with_hints is None
    assert [path.name for path in Path("out/form").glob("*.t*")] == []


def test_hypotheses_of_other_utterances_are_refused_before_anything_is_written(measuring):
    needing("ggml")
    write_jsonl("before.jsonl", [{"id": "a", "text": "alpha"}])
    with pytest.raises(InputError, match="1 only in test.jsonl, first 'z'"):
        export.main([*measuring, "--format", "ggml"])
    assert not Path("out").exists()


def test_a_ctc_model_is_refused(measuring, tmp_path):
    needing("ggml")
    write_ctc(tmp_path / "ctc")
    measuring[1] = str(tmp_path / "ctc/model.safetensors")
    with pytest.raises(InputError, match=r"CTC model \(wav2vec2-conformer\), which neither"):
        export.main([*measuring, "--format", "ggml"])


def test_a_library_that_is_not_there_is_named_with_the_command_that_installs_it():
    with pytest.raises(InputError, match="no_such_library can't be imported .*make exporters"):
        library.check_importable(["json", "no_such_library"])


# --- what whisper.cpp can't run


def test_a_vocabulary_that_whisper_cpp_does_not_know_is_refused(tmp_path):
    write_whisper(tmp_path / "tiny")
    with pytest.raises(InputError, match="has 1864 entries, and whisper.cpp knows .* 51864, 51865"):
        FORMATS["ggml"].write(tmp_path / "tiny", tmp_path)


def test_a_layer_of_another_width_is_refused(checkpoint):
    model, tokenizer, _ = load_whisper(checkpoint)
    model.config.decoder_ffn_dim = 64
    with pytest.raises(InputError, match="decoder_ffn_dim is 64, and whisper.cpp takes it for 128"):
        ggml_writing.to_original(model, tokenizer, checkpoint)


def test_scores_by_other_numbers_than_the_embeddings_are_refused(checkpoint):
    model, tokenizer, _ = load_whisper(checkpoint)
    model.proj_out.weight = torch.nn.Parameter(model.proj_out.weight + 1)
    with pytest.raises(InputError, match="proj_out.weight differs from the embeddings"):
        ggml_writing.to_original(model, tokenizer, checkpoint)


def test_numbers_that_float16_does_not_have_are_refused(checkpoint, tmp_path):
    original = read_ggml_of(checkpoint, tmp_path)
    large = original.parameters | {"decoder.ln.weight": torch.full((32,), 1e5)}
    matrix = original.parameters | {"encoder.conv1.weight": torch.full((32, 80, 3), 1e5)}
    nothing = np.zeros((80, 201))
    ggml_writing.write_ggml(tmp_path / "x", Original(original.dimensions, large), nothing)
    with pytest.raises(InputError, match="encoder.conv1.weight has numbers that are too large"):
        ggml_writing.write_ggml(tmp_path / "x", Original(original.dimensions, matrix), nothing)


def read_ggml_of(checkpoint: Path, folder: Path) -> Original:
    """Return a checkpoint as it is read again from a ggml file."""
    FORMATS["ggml"].write(checkpoint, folder)
    return read_ggml(folder / "ggml-model.bin")


# --- key terms and numbers


def test_hints_are_as_many_of_the_first_terms_as_there_is_room_for(checkpoint):
    tokenizer = WhisperTokenizer.from_pretrained(checkpoint)
    tokens = len(tokenizer(" ab, cd", add_special_tokens=False).input_ids)
    terms = ["ab", "cd", "ef"]
    assert hints_of(terms, tokenizer, tokens) == "ab, cd"
    assert hints_of(terms, tokenizer, tokens - 1) == "ab"
    assert hints_of([], tokenizer, tokens) == hints_of(terms, tokenizer, 1) == ""


def test_terms_are_listed_with_how_they_are_said():
    listed = [Pronunciation("PJSIP", "pea jay sip", "")]
    assert sounds_of(["PJSIP", "trunk"], listed) == "PJSIP\tpea jay sip\ntrunk\ttrunk\n"


def test_texts_are_the_same_whatever_spaces_stand_around_them():
    assert measured.count_changed(["a b", "c"], [" a b ", "c."]) == 1


def test_a_file_of_numbers_of_another_kind_is_refused(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps({"format": "ggml"}))
    with pytest.raises(InputError, match="x.json: lacks checkpoint.*; export again"):
        measured.read_measured(tmp_path / "x.json")


def test_each_utterance_is_heard_without_hints_and_if_there_are_any_with_them(measuring):
    heard = library.Loaded(lambda sound, hints: f"{len(sound)} {hints}", "float32")
    rows = read_manifest("test.jsonl")
    assert export.hypotheses_of(rows[:1], heard, "", "fr") == [{"id": "a", "text": "128000 "}]
    (both,) = export.hypotheses_of(rows[:1], heard, "Bravo", "fr")
    assert (both["text"], both["with_hints"]) == ("128000 ", "128000 Bravo")


def test_a_recording_longer_than_30_s_is_heard_in_pieces(tmp_path):
    heard = library.Loaded(lambda sound, hints: f"{len(sound) <= 480_000}{hints}", "float32")
    row = {"id": "a", "audio_filepath": str(tmp_path / "a.flac"), "duration": 40.0}
    save_audio(tmp_path / "a.flac", np.zeros(640_000, dtype="float32"))
    assert export.hypotheses_of([row], heard, "!", "fr") == [
        {"id": "a", "text": "True True", "pieces": 2, "with_hints": "True! True!"}
    ]
