"""From a text file to an experiment, and from its results to one screen."""

from pathlib import Path

import pytest

import adapt
import outcome
from configs.reading import read
from errors import InputError
from evaluation import ScoredEvaluation
from files.manifest import write_jsonl
from outcome import Sentence
from scoring.alignment import WordError
from scoring.decisions import Candidate, Verdict

VERDICT = Verdict(
    ships=True,
    chosen="target-synthetic",
    best="target-synthetic",
    estimate=0.8,
    interval=(0.7, 0.9),
    models=("results/x/models/tiny/clinic-hibari/seed1",),
    vectors=(),
    scaling_coefficient=None,
    aids=None,
    candidates=(
        Candidate("pretrained", 0.5, 0.2, 1, (1, 1), 0, False),
        Candidate("target-synthetic", 0.3, 0.21, 0.8, (0.7, 0.9), 0, False),
    ),
)


def write_texts(folder: Path, name: str = "Eye clinic.txt") -> Path:
    path = folder / name
    path.write_text("The patient has a cataract.\nShe needs drops for glaucoma.\n")
    return path


def written(folder: Path, *arguments: str) -> dict:
    """Return the config that a command line writes, read and checked as any other."""
    adapt.main([*arguments, "--folder", str(folder)])
    [path] = folder.glob("*.yaml")
    return read([str(path)])


def test_a_text_file_is_all_that_an_experiment_needs(tmp_path):
    texts = write_texts(tmp_path)
    config = written(tmp_path, "--texts", str(texts))
    assert config["name"] == "eye-clinic" and config["targets"] == ["eye_clinic"]
    assert config["domains"]["eye_clinic"]["texts"] == str(texts)
    assert config["base_models"]["whisper-tiny.en"]["preset"] == "from-text"
    assert config["shared"] == "adapted-whisper-tiny-en-en"


def test_a_second_domain_shares_the_sources_models(tmp_path):
    first = written(tmp_path, "--texts", str(write_texts(tmp_path, "a.txt")))
    (tmp_path / "a.yaml").unlink()
    second = written(tmp_path, "--texts", str(write_texts(tmp_path, "b.txt")))
    assert first["shared"] == second["shared"] and first["name"] != second["name"]
    differ = {key for key in first if first[key] != second[key]}
    assert differ == {"name", "targets", "domains"}


@pytest.mark.parametrize("language", ["es", "fr", "it", "ru"])
def test_a_language_brings_its_voices_recordings_and_base_model(tmp_path, language):
    config = written(tmp_path, "--texts", str(write_texts(tmp_path)), "--language", language)
    assert list(config["base_models"]) == ["whisper-tiny"]
    assert config["domains"]["prompts"]["artifact"] == f"asterisk-{language}"
    assert all(voice.startswith(language) for voice in config["tts"]["espeak"]["voices"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--language", "de"], "no recordings in German .* SOURCE=recordings.jsonl"),
        (["--language", "fr", "--base", "whisper-base.en"], "knows English alone.* whisper-base$"),
        (["--base", "whisper-tny.en"], "BASE.*did you mean 'whisper-tiny.en'"),
        (["--audio", "none.jsonl"], "AUDIO: none.jsonl: no such file"),
        (["--name", "Eye/1"], "can't be a name here"),
    ],
)
def test_what_cannot_be_adapted_is_told_with_what_to_do(tmp_path, arguments, message):
    with pytest.raises(InputError, match=message):
        written(tmp_path, "--texts", str(write_texts(tmp_path)), *arguments)
    assert not list(tmp_path.glob("*.yaml"))


def test_recordings_of_ones_own_are_a_source_in_any_language(tmp_path):
    source = tmp_path / "hotline.jsonl"
    source.write_text("")
    arguments = ["--texts", str(write_texts(tmp_path)), "--language", "de"]
    config = written(tmp_path, *arguments, "--source", str(source))
    assert config["source"] == ["hotline"]
    assert config["shared"] == "adapted-whisper-tiny-de-hotline"
    assert all("like_source" in domain["augmentation"] for domain in config["domains"].values())


def test_an_experiment_that_was_edited_is_not_written_over(tmp_path):
    arguments = ["--texts", str(write_texts(tmp_path)), "--folder", str(tmp_path)]
    adapt.main(arguments)
    adapt.main(arguments)
    path = tmp_path / "eye-clinic.yaml"
    path.write_text(path.read_text() + "# mine\n")
    with pytest.raises(InputError, match="says something else"):
        adapt.main(arguments)
    assert path.read_text().endswith("# mine\n")


def test_the_sentences_that_changed_most_come_first_each_once():
    sentences = [
        Sentence("a", "x", "y", 1, 1),
        Sentence("b", "x", "y", 2, 1),
        Sentence("c", "x", "y", 1, 4),
        Sentence("c", "x", "z", 1, 3),
    ]
    assert [each.said for each in outcome.most_changed(sentences)] == ["c", "b"]
    assert [each.said for each in outcome.most_changed(sentences, 1)] == ["c"]


def test_words_are_still_missed_if_they_are_in_half_of_their_places():
    missed = [WordError("lens", "lance", 0)]
    errors = [("lens here", missed), ("lens there", []), ("here lens", missed), ("drops", [])]
    assert outcome.still_missed(errors) == [("lens", 2, 3)]
    assert outcome.still_missed([*errors, ("lens", []), ("lens", [])]) == []


def evaluation(folder: Path, arm: str, model: str, texts: list[str]) -> ScoredEvaluation:
    """Return an evaluation of the domain clinic on two utterances, heard as these texts."""
    hypotheses, manifest = folder / f"{arm}.jsonl", folder / "test.jsonl"
    write_jsonl(hypotheses, [{"id": f"u{i}", "text": text} for i, text in enumerate(texts)])
    said = ["The cataract is gone.", "Take these drops."]
    rows = [
        {"id": f"u{i}", "audio_filepath": "a.flac", "duration": 1.0, "text": text}
        | {"speaker": "s", "domain": "clinic"}
        for i, text in enumerate(said)
    ]
    write_jsonl(manifest, rows)
    none = dict.fromkeys(
        ("tts", "scaling_coefficient", "vector", "vector_path", "vector_on", "terms_bonus"), None
    )
    return ScoredEvaluation(
        **none,
        texts_weight=None,
        aids=[],
        role="test",
        base="tiny",
        target="clinic",
        domain="clinic",
        kind="target",
        arm=arm,
        model=model,
        speech="real",
        split="test",
        seed=1,
        window=30.0,
        manifest=str(manifest),
        hypotheses=str(hypotheses),
        score="score.json",
        target_recordings="none",
        line=None,
        accepted_overlap=[],
    )


def test_two_models_are_compared_sentence_by_sentence(tmp_path):
    before = evaluation(tmp_path, "pretrained", "p", ["The cat a rack is gone.", "Take these."])
    now = evaluation(
        tmp_path, "target-synthetic", VERDICT.models[0], ["The cataract is gone.", "Take these."]
    )
    assert outcome.chosen_evaluation([before, now], VERDICT) is now
    sentences, missed = outcome.compare(before, now, "en")
    assert [(each.errors_before, each.errors_now) for each in sentences] == [(3, 0), (1, 1)]
    assert missed == [("drops", 1, 1)]


def test_what_adaptation_costs_elsewhere_is_said():
    assert outcome.elsewhere(VERDICT) == (
        "Elsewhere: 21.0 % word errors on the source's dev recordings, the pretrained model 20.0 %."
    )
