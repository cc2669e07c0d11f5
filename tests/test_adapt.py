"""From a text file to an experiment, and from its results to one screen."""

import io
import json
import subprocess
from pathlib import Path

import pytest

import adapt
import outcome
import roles
from configs.reading import read
from errors import InputError
from evaluation import ScoredEvaluation
from files.manifest import write_jsonl
from outcome import Sentence
from runs.plan import Job
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


@pytest.fixture(autouse=True)
def listed(monkeypatch) -> list[str]:
    """Let a dry run list nothing, and take no time; return the profiles that were asked."""
    profiles: list[str] = []
    monkeypatch.setattr(
        adapt.plan, "dry_run", lambda experiment, profile: profiles.append(profile) or ""
    )
    return profiles


def write_texts(folder: Path, name: str = "Eye clinic.txt", texts: int = 50) -> Path:
    path = folder / name
    path.write_text("".join(f"The patient has {number} cataracts.\n" for number in range(texts)))
    return path


def write_recordings(folder: Path, name: str, recordings: int = 100) -> Path:
    path = folder / name
    rows = [{"audio_filepath": f"{n}.wav", "text": f"drops {n}"} for n in range(recordings)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
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


def test_a_table_of_recordings_alone_has_its_texts_in_the_column_that_is_named(tmp_path):
    table = tmp_path / "calls.csv"
    table.write_text("path,Satz\n" + "".join(f"{n}.wav,drops {n}\n" for n in range(100)))
    config = written(tmp_path, "--audio", str(table), "--column", "Satz")
    assert config["domains"]["calls"]["column"] == "Satz"
    with pytest.raises(InputError, match="no column 'Sats'; did you mean 'Satz'"):
        written(tmp_path, "--audio", str(table), "--column", "Sats")


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
        (["--language", "French"], "LANGUAGE: 'French' is no code.*did you mean 'fr'"),
        (["--base", "whisper-tny.en"], "BASE.*did you mean 'whisper-tiny.en'"),
        (["--base", "hibari"], "BASE: 'hibari' is no Whisper of rules/artifacts.yaml"),
        (["--audio", "none.jsonl"], "AUDIO: none.jsonl: no such file"),
        (["--audio", "Eye clinic.txt"], "Eye clinic.txt:1: .*JSON"),
        (["--source", "Eye clinic.txt"], "Eye clinic.txt:1: .*JSON"),
        (["--name", "Eye/1"], "can't be a name here"),
        (["--name", "real"], "'real' can't be a name here"),
        (["--name", "dialogues"], "NAME: 'dialogues' is what the source is called"),
        (["--channel", "radio"], "CHANNEL: 'radio' is not known; known: telephone"),
        (["--column", "text"], "COLUMN: .* is a file of texts, which has no columns; leave"),
    ],
)
def test_what_cannot_be_adapted_is_told_in_a_line_with_what_to_do(
    tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message) as told:
        written(tmp_path, "--texts", str(write_texts(tmp_path)), *arguments)
    assert "\n" not in str(told.value) and ".yaml:" not in str(told.value)
    assert not list(tmp_path.glob("*.yaml"))


def test_too_few_texts_are_told_before_anything(tmp_path):
    with pytest.raises(InputError, match="has 49 different texts, and 50 are needed: 24 of them"):
        written(tmp_path, "--texts", str(write_texts(tmp_path, texts=49)))
    recordings = write_recordings(tmp_path, "calls.jsonl", 99)
    with pytest.raises(InputError, match="has 99 .* and 100 are needed.* and 40 to test on"):
        written(tmp_path, "--audio", str(recordings))
    assert not list(tmp_path.glob("*.yaml"))


def test_a_folder_is_no_file_of_texts(tmp_path):
    (tmp_path / "texts").mkdir()
    with pytest.raises(InputError, match="texts: no text is in it; give one a line"):
        written(tmp_path, "--texts", str(tmp_path / "texts"))
    assert not list(tmp_path.glob("*.yaml"))


@pytest.mark.parametrize(
    ("texts", "dev"), [(50, 24), (179, 24), (180, 36), (200, 36), (240, 48), (300, 60), (9000, 60)]
)
def test_the_verdict_stands_on_a_fifth_of_the_texts_from_24_to_60(tmp_path, texts, dev):
    config = written(tmp_path, "--texts", str(write_texts(tmp_path, texts=texts)))
    assert config["domains"]["eye_clinic"]["dev"] == dev


@pytest.mark.parametrize("language", ["en", "fr"])
def test_dev_texts_are_spoken_by_two_voices_that_are_heard_nowhere_else(tmp_path, language):
    config = written(tmp_path, "--texts", str(write_texts(tmp_path)), "--language", language)
    [tts] = config["tts"].values()
    train, dev = (roles.voices_of(tts, split) for split in ("train", "dev"))
    assert len(dev) == roles.samples_per_text(tts, "dev") == 2
    assert len(train) >= 5 and not set(train) & set(dev)


def test_recordings_alone_are_split_for_training_dev_and_test(tmp_path):
    config = written(tmp_path, "--audio", str(write_recordings(tmp_path, "calls.jsonl", 100)))
    domain = config["domains"]["calls"]
    assert (domain["dev"], domain["test"], domain["train"]) == (24, 40, 0)
    assert "target-real" in config["arms"]


def test_recordings_of_ones_own_are_a_source_in_any_language(tmp_path):
    source = write_recordings(tmp_path, "hotline.jsonl")
    arguments = ["--texts", str(write_texts(tmp_path)), "--language", "de"]
    config = written(tmp_path, *arguments, "--source", str(source))
    assert config["source"] == ["hotline"]
    assert config["shared"] == "adapted-whisper-tiny-de-hotline"
    augmentations = [domain["augmentation"] for domain in config["domains"].values()]
    assert augmentations == [{"like_source": {}, "noise": {"snr": [5, 25]}}] * 2


def test_an_experiment_that_was_edited_is_not_written_over(tmp_path):
    arguments = ["--texts", str(write_texts(tmp_path)), "--folder", str(tmp_path)]
    adapt.main(arguments)
    adapt.main(arguments)
    path = tmp_path / "eye-clinic.yaml"
    path.write_text(path.read_text() + "# mine\n")
    with pytest.raises(InputError, match="is there already, and says '# mine' where this"):
        adapt.main(arguments)
    assert path.read_text().endswith("# mine\n")


def plan_lines(folder: Path, jobs: list[Job], profile: str = "profiles/local") -> list[str]:
    """Return the plan of a domain of 50 texts, for which these jobs are to be done."""
    options = adapt.parse_arguments(["--texts", str(write_texts(folder))])
    wanted = adapt.wanted_of(options)
    path = folder / "eye-clinic.yaml"
    config = adapt.write(adapt.experiment(wanted, path), path)
    return list(adapt.lines_of_plan(wanted, path, config, jobs, profile))


TRAININGS = [
    Job("finetune", {"base": "whisper-tiny.en", "data": data, "seed": "1"})
    for data in (
        *("source-real", "source-hibari", "eye_clinic-hibari"),
        "eye_clinic-hibari-with-source",
    )
]


def test_the_plan_says_what_is_made_anew_and_what_is_there(tmp_path):
    first, second, third = (
        "\n".join(plan_lines(tmp_path, jobs)) for jobs in (TRAININGS, TRAININGS[2:], [])
    )
    assert "about 26 to learn from, 24 to judge by" in first
    assert "10 voices speak the texts to learn from, 2 others those to judge by" in first
    assert "once for all later domains: 2" in first and "4 jobs, 4 trainings" in first
    assert "dialogues: its models are there" in second and "2 jobs, 2 trainings" in second
    assert "nothing: all is there" in third


def test_on_a_cluster_minutes_are_of_one_core(tmp_path):
    here, there = (
        next(line for line in plan_lines(tmp_path, TRAININGS, profile) if "jobs," in line)
        for profile in ("profiles/local", "profiles/slurm")
    )
    assert "this machine" in here and "one core" in there and "profiles/slurm" in there


@pytest.mark.parametrize(
    ("answer", "goes_on"),
    [("\n", True), ("Y\n", True), ("yes\n", True), ("n\n", False), ("", False)],
)
def test_enter_is_yes_and_the_end_of_input_is_no(answer, goes_on):
    question = io.StringIO()
    assert adapt.goes_on(question, io.StringIO(answer)) is goes_on
    assert question.getvalue().startswith("Go on? [Y/n] ")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("answers", "minutes", "is_run"),
    [
        (Terminal("n\n"), 20, False),
        (Terminal("n\n"), 4, True),  # not asked
        (io.StringIO("n\n"), 20, True),  # no terminal
        (Terminal("\n"), 20, True),
    ],
)
def test_long_work_is_asked_about_at_a_terminal_alone(
    tmp_path, monkeypatch, capsys, answers, minutes, is_run
):
    monkeypatch.setattr("sys.stdin", answers)
    monkeypatch.setattr(adapt.plan, "jobs_of", lambda listing: TRAININGS)
    monkeypatch.setattr(adapt.plan, "minutes", lambda jobs, config, cores: (1, minutes))
    written(tmp_path, "--texts", str(write_texts(tmp_path)))
    told, path = capsys.readouterr(), tmp_path / "eye-clinic.yaml"
    assert told.out == (f"{path}\n" if is_run else "")
    assert ("Nothing is run. To run it: make run EXPERIMENT=" in told.err) != is_run
    assert path.is_file()


def test_a_mistake_that_snakemake_finds_leaves_no_experiment_that_was_not_there(
    tmp_path, monkeypatch
):
    said = (
        'WorkflowError in file "rules/common.smk", line 34:\na.txt:1: is JSON; write text\n  File'
    )
    done = subprocess.CompletedProcess([], 1, stdout=said, stderr="Using profile")
    monkeypatch.undo()
    monkeypatch.setattr(subprocess, "run", lambda *command, **options: done)
    with pytest.raises(InputError, match=r"^a.txt:1: is JSON; write text$"):
        written(tmp_path, "--texts", str(write_texts(tmp_path)))
    assert not list(tmp_path.glob("*.yaml"))


def test_the_plan_is_of_the_profile_that_it_will_run_by(tmp_path, listed):
    written(tmp_path, "--texts", str(write_texts(tmp_path)), "--profile", "slurm")
    assert listed == ["slurm"]


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
        adaptation=None,
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
