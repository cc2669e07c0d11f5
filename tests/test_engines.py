"""Engines, each through the real command: voices, seeds, batches, limits, and what they refuse."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import synthesize
from engines import accelerator, bark, hibari, kokoro, phonemes, speecht5
from engines.engine import Engine, Request, Setup, Speech, Unspeakable
from engines.phonemes import halves, phonemize, token_ids
from errors import InputError
from files.audio import load_audio
from files.manifest import read_jsonl, read_manifest
from tiny_tts import write_bark, write_bark_preset, write_speecht5

TEXTS = ("good morning", "what a day", "turn off the light", "good night")


def run(folder: Path, texts: tuple[str, ...] = TEXTS, **options: object) -> dict[str, dict]:
    """Synthesize texts, with the options of synthesize.py; return the manifest's rows by id."""
    folder.mkdir(exist_ok=True)
    rows = [
        {"id": f"t{i}", "text": text, "spoken": text, "domain": "music"}
        for i, text in enumerate(texts)
    ]
    (folder / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    given = {
        "texts": folder / "texts.jsonl",
        "tts": "voice",
        "voices": "random",
        "seed": 1,
        "audio_dir": folder / "audio",
        "output": folder / "shard1of1.jsonl",
    } | options
    synthesize.main(
        [part for k, v in given.items() for part in (f"--{k.replace('_', '-')}", str(v))]
    )
    return {row["id"]: row for row in read_manifest(folder / "shard1of1.jsonl")}


def sounds(rows: dict[str, dict]) -> dict[str, bytes]:
    return {name: Path(row["audio_filepath"]).read_bytes() for name, row in rows.items()}


def lose_one(folder: Path) -> None:
    """Cut the journal's last line short, as a kill does, and remove that utterance's audio."""
    journal = folder / "audio" / ".journal" / "shard1of1.jsonl"
    *kept, last = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(kept) + last[:-20])
    (folder / "audio" / f"{json.loads(last)['id']}.flac").unlink()


def ask(text: str, voice: str = "heart", speed: float = 1.0, seed: int = 1) -> Request:
    return Request("t0", {"spoken": text}, voice, speed, seed)


def say(engine: Engine, *asked: object) -> np.ndarray:
    """Return the waveform of one utterance."""
    (answer,) = engine.speak([ask(*asked)])
    assert isinstance(answer, Speech)
    return answer.waveform


@pytest.fixture(scope="module")
def bark_folder(tmp_path_factory) -> Path:
    folder = write_bark(tmp_path_factory.mktemp("bark"))
    write_bark_preset(folder, "v2/en_speaker_0", seed=0)
    write_bark_preset(folder, "v2/en_speaker_1", seed=1, as_npy=True)
    return folder


@pytest.fixture(scope="module")
def speecht5_folder(tmp_path_factory) -> Path:
    return write_speecht5(tmp_path_factory.mktemp("speecht5"))


@pytest.fixture(scope="module")
def xvectors(tmp_path_factory) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {name: random.normal(size=512).astype(np.float32) for name in ("ann", "bob", "cyd")}


@pytest.fixture(scope="module")
def speakers(tmp_path_factory, xvectors) -> Path:
    path = tmp_path_factory.mktemp("speakers") / "speakers.safetensors"
    save_file({name: torch.from_numpy(vector) for name, vector in xvectors.items()}, path)
    return path


@pytest.fixture
def speak_with(bark_folder, speecht5_folder, speakers) -> Callable[..., dict[str, dict]]:
    """Return ``run`` with the resources of an engine filled in."""
    given = {
        "bark": {"resources": bark_folder},
        "speecht5": {"resources": speecht5_folder, "speakers": speakers},
    }
    return lambda engine, folder, *texts, **options: run(
        folder, *texts, **{"engine": engine} | given[engine] | options
    )


BATCHED = pytest.mark.parametrize("engine", ["bark", "speecht5"])


@BATCHED
def test_a_batch_that_is_cut_short_is_spoken_again_to_the_same_bytes(tmp_path, speak_with, engine):
    first = sounds(speak_with(engine, tmp_path, batch_size=3))
    assert len(set(first.values())) == 4
    lose_one(tmp_path)
    facts = speak_with(engine, tmp_path, batch_size=3)
    assert sounds(facts) == first
    lineage = json.loads((tmp_path / "shard1of1.jsonl.lineage.json").read_text())
    assert lineage["run"]["resumed"] in (1, 3)  # the batch that was whole: of 4, 3 or 1
    assert lineage["parameters"]["engine_settings"]["precision"] == "fp32"


@BATCHED
def test_another_seed_is_other_speech(tmp_path, speak_with, engine):
    one = sounds(speak_with(engine, tmp_path / "one", voices=VOICE_OF[engine]))
    other = sounds(speak_with(engine, tmp_path / "other", voices=VOICE_OF[engine], seed=2))
    assert all(one[name] != other[name] for name in one)


VOICE_OF = {"bark": "v2/en_speaker_0", "speecht5": "ann"}


@BATCHED
def test_an_utterance_that_cannot_be_said_leaves_its_batch_alone(tmp_path, speak_with, engine):
    texts = ("good morning", "a" * 300 if engine == "speecht5" else " a" * 300, "good night")
    found = speak_with(engine, tmp_path, texts, batch_size=3, max_failures=0.5)
    assert list(found) == ["t0", "t2"]
    (failed,) = read_jsonl(tmp_path / "shard1of1.failures.jsonl", {"id": str, "reason": str})
    assert failed["id"] == "t1"
    assert failed["reason"].startswith("too long: 30")


@BATCHED
def test_a_folder_without_weights_and_one_with_too_few_are_told(
    tmp_path, speak_with, bark_folder, speecht5_folder, engine
):
    source = bark_folder if engine == "bark" else speecht5_folder / "model"
    model = tmp_path / "copy" if engine == "bark" else tmp_path / "copy" / "model"
    model.mkdir(parents=True)
    for path in source.iterdir():
        if path.is_file() and path.name != "model.safetensors":
            (model / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="neither model.safetensors nor pytorch_model.bin"):
        speak_with(engine, tmp_path / "none", resources=tmp_path / "copy")
    save_file({"stray": torch.zeros(1)}, model / "model.safetensors", {"format": "pt"})
    if engine == "speecht5":
        (tmp_path / "copy" / "vocoder").symlink_to(speecht5_folder / "vocoder")
    with pytest.raises(InputError, match=r"\d+ parameters are missing or of another shape"):
        speak_with(engine, tmp_path / "few", resources=tmp_path / "copy")
    (model / "config.json").unlink()
    with pytest.raises(InputError, match="config.json: no such file; fetch"):
        speak_with(engine, tmp_path / "no config", resources=tmp_path / "copy")


@BATCHED
def test_a_full_gpu_is_told_with_what_helps(tmp_path, speak_with, engine, monkeypatch):
    import transformers

    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB.")

    model = {"bark": "BarkModel.generate", "speecht5": "SpeechT5ForTextToSpeech.generate_speech"}
    name, method = model[engine].split(".")
    monkeypatch.setattr(getattr(transformers, name), method, full)
    with pytest.raises(InputError, match=r"lower --batch-size \(now 4\)"):
        speak_with(engine, tmp_path, batch_size=4)


def test_precision_is_the_engine_s_own_on_a_gpu_and_32_bits_on_a_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert accelerator.device_and_precision("auto", on_gpu="fp16") == (cpu, "fp32")
    assert accelerator.device_and_precision("bf16", on_gpu="fp16") == (cpu, "bf16")
    with pytest.raises(InputError, match="fp16: a CPU can't; use auto"):
        accelerator.device_and_precision("fp16", on_gpu="fp16")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert accelerator.device_and_precision("auto", on_gpu="fp16") == (gpu, "fp16")
    assert accelerator.device_and_precision("fp32", on_gpu="fp16") == (gpu, "fp32")


@BATCHED
def test_other_precision_speaks_on_a_cpu_too(tmp_path, speak_with, engine):
    found = speak_with(engine, tmp_path, precision="bf16", batch_size=4)
    assert len(found) == 4


def test_bark_s_presets_are_its_voices_and_batches_have_one_each(tmp_path, speak_with):
    voices = "v2/en_speaker_0,v2/en_speaker_1,random"
    with pytest.raises(InputError, match="no voice 'v2/en_speaker_2'; there are random, v2/en_s"):
        speak_with("bark", tmp_path, voices="v2/en_speaker_2")
    found = speak_with(
        "bark", tmp_path, ("hello",), voices=voices, samples_per_text=3, batch_size=3
    )
    assert {row["voice"] for row in found.values()} == set(voices.split(","))
    assert {row["speaker"] for row in found.values()} == {f"voice:{v}" for v in voices.split(",")}
    assert len(set(sounds(found).values())) == 3


def test_bark_sounds_as_its_preset_and_says_one_at_a_time(bark_folder):
    voices = ["random", "v2/en_speaker_0", "v2/en_speaker_1"]
    engine = bark.load(Setup(bark_folder, voices))
    assert len({say(engine, "hello", voice).tobytes() for voice in voices}) == 3
    assert len({engine.batch_key(ask("hello", voice)) for voice in voices}) == 3


def test_bark_reads_presets_of_either_format_alike(tmp_path):
    for name, as_npy in (("zipped", False), ("parted", True)):
        write_bark_preset(tmp_path, name, seed=0, as_npy=as_npy)
    presets = bark.find_presets(tmp_path / "speaker_embeddings")
    assert list(presets) == ["zipped", "parted"]
    zipped, parted = (bark.read_preset(paths) for paths in presets.values())
    assert all(np.array_equal(zipped[name], parted[name]) for name in bark.PROMPTS)
    presets["parted"][1].unlink()
    with pytest.raises(InputError, match="parted_coarse_prompt.npy: no such file; fetch it again"):
        bark.read_preset(presets["parted"])
    np.savez(presets["zipped"][0], semantic_prompt=[1], coarse_prompt=[1], fine_prompt=[[1]])
    with pytest.raises(InputError, match="has a coarse_prompt of 2 dimension"):
        bark.read_preset(presets["zipped"])


def test_bark_that_does_not_end_is_kept_and_marked(tmp_path, speak_with):
    found = speak_with("bark", tmp_path, tuple("abcdefghij"), batch_size=5)
    # 12 semantic tokens at 49.9 Hz are 18 frames at 75 Hz, of 320 samples at 24 kHz
    longest = 18 * 320 / 24_000
    assert {row["capped"] for row in found.values()} == {True, False}
    for row in found.values():
        assert row["capped"] == (row["duration"] == pytest.approx(longest, abs=1e-4))
        assert row["duration"] <= longest + 1e-4


def test_speecht5_draws_its_speakers_from_a_folder_or_a_file(tmp_path, speak_with, xvectors):
    folder = tmp_path / "npy"
    folder.mkdir()
    for name, vector in xvectors.items():
        np.save(folder / f"{name}.npy", vector)
    texts = tuple("abcdefgh")
    one = speak_with("speecht5", tmp_path / "file", texts)
    other = speak_with("speecht5", tmp_path / "folder", texts, speakers=folder)
    assert sounds(one) == sounds(other)
    assert {row["voice"] for row in one.values()} == {"ann", "bob", "cyd"}
    named = speak_with("speecht5", tmp_path / "named", texts, voices="bob")
    assert {row["voice"] for row in named.values()} == {"bob"}


def test_speecht5_sounds_as_its_speaker(speecht5_folder, speakers):
    engine = speecht5.load(Setup(speecht5_folder, ["ann", "bob"], speakers=speakers))
    ann, bob = (say(engine, "good morning", voice) for voice in ("ann", "bob"))
    assert len(ann) == len(bob)
    assert not np.array_equal(ann, bob)
    assert np.array_equal(say(engine, "good morning", "ann"), ann)


def test_speecht5_that_does_not_stop_is_cut_at_the_model_s_length_and_marked(tmp_path, speak_with):
    found = speak_with("speecht5", tmp_path, ("good morning",))
    # 63 steps of 2 frames of 256 samples: one less than max_speech_positions
    assert found["t0"]["duration"] == 63 * 2 * 256 / 16_000
    assert found["t0"]["capped"]
    short = speak_with("speecht5", tmp_path / "short", ("a",))["t0"]
    # a word boundary, a letter and the end: 3 tokens may take 60 frames
    assert short["duration"] == 60 * 256 / 16_000


def test_speecht5_refuses_what_it_has_no_token_for(speecht5_folder, speakers):
    engine = speecht5.load(Setup(speecht5_folder, ["ann"], speakers=speakers))
    answers = engine.speak([ask(text, "ann") for text in ("seven", "7 & 8", " ")])
    assert isinstance(answers[0], Speech)
    assert str(answers[1]) == "characters that are not in the vocabulary: & 7 8"
    assert str(answers[2]) == "no characters: nothing in the text can be said"


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ("none given", "--speakers is missing: engine speecht5 needs x-vectors"),
        ("no such file", "no such file or folder; --speakers is"),
        ("empty folder", "no .npy file in this folder"),
        ("not an array", "ann.npy: not readable as an array"),
        ("not safetensors", "not a whole safetensors file"),
        ("twice", "ann.npy: a speaker 'ann' is there twice"),
        ("192 numbers", "'ann' is no speaker of this model: needed are 512 .* there are 192"),
        ("all zero", "'ann' is no speaker of this model"),
    ],
)
def test_speakers_that_cannot_be_right_are_told(tmp_path, speecht5_folder, harm, message):
    path = tmp_path / "speakers"
    if harm in ("empty folder", "not an array", "twice", "192 numbers", "all zero"):
        path.mkdir()
    if harm == "not an array":
        (path / "ann.npy").write_bytes(b"no array")
    elif harm == "twice":
        (path / "more").mkdir()
        np.save(path / "ann.npy", np.ones(512, np.float32))
        np.save(path / "more" / "ann.npy", np.ones(512, np.float32))
    elif harm == "192 numbers":
        np.save(path / "ann.npy", np.ones(192, np.float32))
    elif harm == "all zero":
        np.save(path / "ann.npy", np.zeros(512, np.float32))
    elif harm == "not safetensors":
        path.write_bytes(b"no tensors")
    with pytest.raises(InputError, match=message):
        speecht5.load(
            Setup(speecht5_folder, ["random"], speakers=None if harm == "none given" else path)
        )


def test_speecht5_is_given_words_and_they_stand_beside_the_text(tmp_path, speak_with):
    found = speak_with("speecht5", tmp_path, ("call me at 9", "good night"))
    assert {row["text"]: row["spoken"] for row in found.values()} == {
        "call me at 9": "call me at nine",
        "good night": "good night",
    }
    assert (tmp_path / "shard1of1.failures.jsonl").read_text() == ""
    lineage = json.loads((tmp_path / "shard1of1.jsonl.lineage.json").read_text())
    assert {"num2words", "babel"} <= set(lineage["packages"])


def test_speecht5_is_given_the_words_of_its_language(tmp_path, speak_with):
    (row,) = speak_with("speecht5", tmp_path, ("um 9",), language="de").values()
    assert row["spoken"] == "um neun"


def test_an_engine_that_reads_digits_is_given_them(tmp_path, speak_with):
    (row,) = speak_with("bark", tmp_path, ("call me at 9",), voices="v2/en_speaker_0").values()
    assert row["text"] == "call me at 9" and "spoken" not in row


def test_too_many_failures_name_a_remedy_that_the_config_has(tmp_path, speak_with):
    """One in any case may fail; here two of three do."""
    with pytest.raises(InputError, match="in the config, max_failures of the TTS"):
        speak_with("speecht5", tmp_path, ("\u0142", "\u0144", "good night"))


@pytest.mark.parametrize(
    ("load", "option"),
    [
        (hibari.load, {"batch_size": 2}),
        (hibari.load, {"precision": "fp16"}),
        (kokoro.load, {"speakers": Path("speakers")}),
        (bark.load, {"language": "en"}),
    ],
)
def test_an_option_that_an_engine_has_no_use_for_is_told(tmp_path, load, option):
    (name,) = option
    with pytest.raises(InputError, match=f"--{name.replace('_', '-')} .* has no use for it"):
        load(Setup(tmp_path, ["random"], **option))


def test_long_texts_are_cut_at_the_sentence_nearest_the_middle():
    assert halves("One. Two, two. Three") == ("One. Two, two.", "Three")
    assert halves("one, two three four") == ("one,", "two three four")
    assert halves("one two three four") == ("one two", "three four")


def test_pieces_are_short_enough_and_miss_nothing(monkeypatch):
    monkeypatch.setattr(phonemes, "MAX_PHONEMES", 9)
    assert phonemize("One. Two. Three, four. Five.", str.lower) == [
        "one. two.",
        "three,",
        "four.",
        "five.",
    ]
    with pytest.raises(Unspeakable, match="too long"):
        phonemize("abcdefghij", str.lower)
    with pytest.raises(Unspeakable, match="no phonemes"):
        phonemize("...", lambda text: " ")


def test_phonemes_that_the_model_does_not_know_are_not_left_out():
    assert token_ids("ab", {"a": 5, "b": 6}) == [0, 5, 6, 0]
    with pytest.raises(Unspeakable, match="vocabulary: ! \\?"):
        token_ids("a!b?", {"a": 5, "b": 6})


def pitch(waveform: np.ndarray, rate: int) -> float:
    """The median pitch of speech in Hz, by autocorrelation of its loud 40 ms frames."""
    frames = waveform[: len(waveform) // 960 * 960].reshape(-1, 960)
    frames = frames[(frames**2).mean(axis=1) > 0.2 * (frames**2).mean(axis=1).max()]
    lags = np.arange(rate // 400, rate // 60)
    found = [lags[np.argmax([(f[:-lag] * f[lag:]).mean() for lag in lags])] for f in frames]
    return rate / np.median(found)


@pytest.fixture(scope="module")
def bent() -> Engine:
    package = pytest.importorskip("hibari", reason="needs the package hibari-tts")
    assets = Path(package.__file__).parent / "assets"
    return hibari.load(Setup(assets, ["heart", "heart_baritone"]))


def test_hibari_says_the_same_again_whatever_was_asked_before(bent):
    first = say(bent, "Good morning.", "heart", 1.0, 7)
    say(bent, "Something else.", "heart_baritone", 1.1, 8)
    assert bent.sampling_rate == 24_000
    assert np.array_equal(first, say(bent, "Good morning.", "heart", 1.0, 7))
    assert not np.array_equal(first, say(bent, "Good morning.", "heart", 1.0, 8))


def test_hibari_bends_the_pitch_and_not_the_duration(bent):
    text = "We were away a year ago."
    her, baritone = (say(bent, text, voice) for voice in ("heart", "heart_baritone"))
    assert len(baritone) / len(her) == pytest.approx(1, abs=0.1)  # 1 / 0.86 if not made up for
    assert pitch(baritone, 24_000) / pitch(her, 24_000) == pytest.approx(0.58, abs=0.06)
    assert len(say(bent, text, "heart", 0.5)) / len(her) == pytest.approx(2, rel=0.15)


def test_hibari_goes_through_the_command_and_random_is_all_its_voices(tmp_path):
    package = pytest.importorskip("hibari", reason="needs the package hibari-tts")
    assets = Path(package.__file__).parent / "assets"
    found = run(tmp_path, TEXTS, engine="hibari", resources=assets)
    assert {row["voice"] for row in found.values()} <= set(hibari.VOICES)
    assert all(0.3 < len(load_audio(row["audio_filepath"])) / 16_000 < 3 for row in found.values())
    assert all(0.9 <= row["speed"] <= 1.1 and row["speed"] != 1 for row in found.values())


def test_an_unknown_voice_and_a_missing_model_are_told(tmp_path):
    with pytest.raises(InputError, match="no voice 'hart'; there are heart, "):
        hibari.load(Setup(tmp_path, ["hart"]))
    with pytest.raises(InputError, match="hibari.onnx: no such file"):
        hibari.load(Setup(tmp_path, ["heart"]))
    with pytest.raises(InputError, match="no voice 'af_heart'; there are none"):
        kokoro.load(Setup(tmp_path, ["af_heart+am_puck"]))


def test_kokoro_speaks_with_voices_and_between_them():
    resources = os.environ.get("KOKORO_RESOURCES")
    if not resources:
        pytest.skip("set KOKORO_RESOURCES to a fetched resources/kokoro to try the real engine")
    voices = ["af_heart", "am_puck", "af_heart+am_puck", "bf_emma"]
    engine = kokoro.load(Setup(Path(resources), voices))
    spoken = [say(engine, "Good morning.", voice) for voice in voices]
    assert len({one.tobytes() for one in spoken}) == 4
    assert all(0.5 < len(one) / 24_000 < 3 for one in spoken)
    assert np.array_equal(say(engine, "Good morning.", "af_heart"), spoken[0])
