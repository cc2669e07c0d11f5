"""What jobs ask of a scheduler, and how many shards a synthesis has."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from configs.reading import complete_and_check
from conftest import ROOT
from files.strict_yaml import load_yaml
from recognisers.transcription import HELD
from runs import estimates, shards, sizes
from runs.estimates import Needs, memory_mb, minutes
from runs.sizes import AmountOfSpeech
from test_own_recordings import cuts, kaldi, parquet

# Peak memory (MB) of jobs of the demo and of slurp-text, from their lineage records, with the size
# (MB) of Whisper tiny.en.
TINY = 151
SETTINGS = {
    "epochs": 2,
    "max_steps": 0,
    "batch_size": 8,
    "evaluate_every": 0,
    "criterion": "loss",
    "gradient_checkpointing": False,
}
FEW = AmountOfSpeech(200, 500.0)
PUBLISHED = SETTINGS | {
    "epochs": 0,
    "max_steps": 40_000,
    "batch_size": 16,
    "evaluate_every": 50,
    "criterion": "wer",
}
SMALL = 967  # MB, Whisper small


@pytest.mark.parametrize(
    ("needs", "used"),
    [
        (estimates.finetune(TINY, FEW, FEW, 15, SETTINGS), 2380),  # all parameters, batches of 8
        (estimates.transcribe(TINY, FEW, 30), 1100),
        (estimates.synthesize(92, 80, 2.2, on_gpu=False), 581),  # kokoro
        (estimates.synthesize(8, 200, 0.07, on_gpu=False), 264),  # hibari
        (estimates.task_vector([TINY, TINY]), 600),
        (estimates.pretrained(TINY / 2), 964),  # OpenAI's file is in float16
        (estimates.export(TINY, FEW, with_hints=False), 1100),
        (estimates.prepare(), 95),
        (estimates.filter_speech(FEW), 50),
    ],
)
def test_more_memory_is_asked_for_than_was_measured(needs, used):
    assert used < memory_mb(needs, 1) < 10 * used + 4000


def test_each_further_attempt_asks_for_half_as_much_memory_again_and_twice_the_time():
    needs = Needs(memory=2000, seconds=3600)
    assert [memory_mb(needs, attempt) for attempt in (1, 2, 3)] == [2000, 3000, 4500]
    assert [minutes(needs, attempt) for attempt in (1, 2, 3)] == [
        130,
        260,
        520,
    ]  # (1 h + start) x 2


def test_a_short_job_asks_for_the_shortest_time_and_a_long_one_for_a_day_at_most():
    assert minutes(Needs(1000, seconds=1), 1) == 10
    assert minutes(Needs(1000, seconds=1, shortest=30), 1) == 30
    assert minutes(Needs(1000, seconds=1e6), 3) == 24 * 60


def test_a_larger_model_and_more_speech_ask_for_more():
    dev = AmountOfSpeech(60, 180.0)
    one = estimates.finetune(TINY, AmountOfSpeech(1000, 3000), dev, 30, SETTINGS)
    larger = estimates.finetune(2 * TINY, AmountOfSpeech(1000, 3000), dev, 30, SETTINGS)
    longer = estimates.finetune(TINY, AmountOfSpeech(2000, 6000), dev, 30, SETTINGS)
    assert larger.memory - one.memory == 8 * TINY
    assert larger.seconds > one.seconds and longer.seconds > 1.9 * one.seconds
    twice = estimates.transcribe(TINY, AmountOfSpeech(2000, 6000), 30)
    assert twice.seconds > 1.5 * estimates.transcribe(TINY, AmountOfSpeech(1000, 3000), 30).seconds


def test_long_recordings_are_as_many_utterances_as_they_have_half_windows():
    one, many = AmountOfSpeech(1, 3600.0), AmountOfSpeech(240, 720.0)
    assert estimates.transcribe(TINY, one, 30) == estimates.transcribe(TINY, many, 30)


def test_training_is_bounded_by_steps_and_by_epochs_whichever_are_fewer():
    def seconds(**changes) -> float:
        speech = AmountOfSpeech(160, 400.0)  # 20 steps an epoch
        return estimates.finetune(TINY, speech, FEW, 30, SETTINGS | changes).seconds

    assert seconds(epochs=1) < seconds(epochs=2) == seconds(epochs=2, max_steps=1000)
    assert seconds(epochs=2, max_steps=20) == seconds(epochs=1)
    assert seconds(epochs=0, max_steps=20) == seconds(epochs=1)


def test_several_gpus_share_the_steps_and_each_has_its_memory():
    one, four = (
        estimates.finetune(SMALL, FEW, FEW, 30, PUBLISHED, gpus, threads=10**6) for gpus in (1, 4)
    )
    assert four.memory == 4 * one.memory
    assert four.seconds == pytest.approx(one.seconds / 4, rel=0.01)


def test_whisper_small_as_published_takes_about_the_hours_that_the_readme_reckons():
    speech = AmountOfSpeech(50_000, 150_000.0)
    needs = estimates.finetune(
        SMALL, speech, AmountOfSpeech(600, 1800.0), 30, PUBLISHED, threads=10**6
    )
    steps = 40_000 * 16 * 3 * 397e9 / (0.3 * 312e12) / 3600
    evaluations = 800 * 600 * 6e-3 / 3600
    assert steps + evaluations < needs.seconds / 3600 < 1.6 * (steps + evaluations)


def test_reading_the_audio_with_one_core_takes_longer_than_the_training_of_a_small_model():
    one, many = (
        estimates.finetune(TINY, FEW, FEW, 30, PUBLISHED, threads=threads) for threads in (1, 100)
    )
    assert one.seconds > 3 * many.seconds


def test_every_coefficient_of_a_sweep_is_a_transcription():
    one, five = (estimates.transcribe(TINY, FEW, 30, coefficients) for coefficients in (1, 5))
    assert five.seconds == 5 * one.seconds
    kept = five.memory - one.memory - TINY
    assert HELD / 1e6 <= kept < HELD / 1e6 + 100


def test_adapting_to_a_recording_takes_ten_times_four_passes_on_top_of_two():
    plain = estimates.transcribe(TINY, FEW, 30)
    adapting = estimates.transcribe(TINY, FEW, 30, adapts=True)
    network = estimates.network_seconds(FEW.utterances, TINY * 1e6 / 4, 30, 10 * 4, 1)
    assert adapting.seconds == pytest.approx(plain.seconds + network)


def write_manifest(path, durations) -> str:
    rows = [{"id": str(i), "text": f"text {i}", "duration": d} for i, d in enumerate(durations)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_a_manifests_speech_is_the_sum_of_its_durations_and_is_read_again_when_it_changes(tmp_path):
    path = write_manifest(tmp_path / "a.jsonl", [1, 2.5])
    other = write_manifest(tmp_path / "b.jsonl", [1e1])
    assert sizes.speech_of([path, other]) == AmountOfSpeech(3, 13.5)
    write_manifest(tmp_path / "a.jsonl", [4.0, 2.5, 1.5])
    assert sizes.speech_of([path]) == AmountOfSpeech(3, 8.0)


def test_only_the_first_duration_of_a_row_counts(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "1", "duration": 2.0, "clean": {"duration": 9.0}}\n')
    assert sizes.speech_of([str(path)]) == AmountOfSpeech(1, 2.0)


@pytest.mark.parametrize("size", [sizes.megabytes, sizes.weights_mb, sizes.count_lines])
def test_a_file_that_is_not_made_yet_is_named_by_the_error_that_snakemake_waits_for(size, tmp_path):
    missing = str(tmp_path / "not/yet.json")
    with pytest.raises(FileNotFoundError) as raised:
        size(missing)
    assert raised.value.filename == missing
    with pytest.raises(FileNotFoundError) as raised:
        sizes.speech_of([missing])
    assert raised.value.filename == missing


def test_the_weights_of_an_artifact_are_those_of_all_its_folders(tmp_path):
    for name, size in (
        ("files.json", 10**6),
        ("model/a.safetensors", 2 * 10**6),
        ("b.onnx", 10**6),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size))
    assert sizes.weights_mb(str(tmp_path / "files.json")) == 3


BARK = {"engine": "bark", "samples_per_text": 5, "batch_size": 16}
SLURP = {"corpus": "slurp", "artifact": "slurp"}


def test_a_shard_takes_about_twenty_minutes():
    calendar = SLURP | {"scenario": "calendar"}
    assert shards.number_of_shards(calendar, BARK) == 2  # 1550 texts x 5 x 6/16 s = 48 min
    # 100 min
    assert shards.number_of_shards(calendar, BARK | {"batch_size": 1}) == 39  # 775 min
    assert shards.number_of_shards(SLURP | {"scenario": "cooking"}, BARK) == 1  # 6 min
    assert (
        shards.number_of_shards(calendar | {"train": 200}, BARK | {"batch_size": 1}) == 5
    )  # 100 min


def test_the_configs_number_of_shards_and_seconds_win_over_the_estimate():
    calendar = SLURP | {"scenario": "calendar"}
    assert shards.number_of_shards(calendar, BARK | {"shards": 7}) == 7
    assert shards.number_of_shards(calendar, BARK | {"seconds_per_utterance": 6.0}) == 39


def test_texts_that_are_written_are_spoken_too_and_those_not_selected_are_not():
    calendar = SLURP | {"scenario": "calendar", "generate": {"texts": 450}}
    slow = BARK | {"batch_size": 1}
    assert shards.number_of_shards(calendar, slow) == 50  # 2000 texts x 5 x 6 s = 1000 min
    assert shards.number_of_shards(calendar | {"select": {"texts": 200}}, slow) == 5  # 100 min
    assert shards.spoken_texts({"select": {"texts": 200}}, 90) == 90


def test_texts_of_a_users_files_are_counted_once_each(tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("one\tSay this.\ntwo\tsay this.\n\nAnd that.\n")
    assert shards.training_texts({"texts": str(texts)}) == 2
    manifest = write_manifest(tmp_path / "a.jsonl", [1, 1, 1])
    assert shards.training_texts({"manifest": manifest}) == 3
    assert shards.training_texts({"splits": {"train": manifest, "test": "t"}}) == 3
    os.remove(manifest)
    assert shards.training_texts({"manifest": manifest}) == 0
    assert shards.number_of_shards({"manifest": manifest}, BARK) == 1


@pytest.mark.parametrize(
    ("name", "content", "column", "texts"),
    [
        ("t.csv", 'text,n\nSay this.,1\nsay this.,2\n"And\nthat.",3\n', None, 2),
        ("t.csv", "satz,n\nSag das.,1\n", "satz", 1),
        ("t.csv", "satz,n\nSag das.,1\n", "sats", 0),  # whoever reads it says so
        ("t.md", "Say this. And\nthat.\n", None, 2),
        ("t.jsonl", '{"text": "Say this."}\n{"text": "say this."}\n', None, 1),
    ],
)
def test_texts_of_tables_and_pages_are_counted(tmp_path, name, content, column, texts):
    (tmp_path / name).write_text(content)
    domain = {"texts": str(tmp_path / name)} | ({"column": column} if column else {})
    assert shards.training_texts(domain) == texts
    assert shards.training_texts(domain | {"artifact": "x"}) == 0  # not there yet
    (tmp_path / name).write_text(content.replace("Say this. ", "").replace("Sag das.", "Sag an."))
    assert shards.training_texts(domain) in (texts, texts - 1)


def test_texts_of_folders_and_cuts_are_counted(tmp_path):
    assert shards.training_texts({"manifest": str(kaldi(tmp_path / "k"))}) == 2
    assert shards.training_texts({"manifest": str(parquet(tmp_path))}) == 2
    assert shards.training_texts({"manifest": str(cuts(tmp_path))}) == 2


def test_there_are_no_more_shards_than_texts(tmp_path):
    (tmp_path / "texts.txt").write_text("One.\nTwo.\n")
    slow = BARK | {"seconds_per_utterance": 1e5}
    assert shards.number_of_shards({"texts": str(tmp_path / "texts.txt")}, slow) == 2


@pytest.mark.parametrize("file", ["config.yaml", "experiments/paper.yaml"])
def test_the_experiments_on_slurp_have_shards_of_half_an_hour_at_most(file):
    config = complete_and_check(load_yaml(ROOT / file))
    for domain in config["domains"].values():
        for tts in config["tts"].values():
            utterances = shards.training_texts(domain) * tts["samples_per_text"]
            seconds = utterances * shards.seconds_per_utterance(tts)
            assert seconds / shards.number_of_shards(domain, tts) <= 1800


def asked_by_rule(experiment: str | Path, *options: str) -> dict[str, str]:
    """Return what a job of each rule of an experiment asks of a scheduler."""
    command = ["snakemake", "-n", "--forceall", "--nolock", "--configfile", experiment, *options]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    jobs = re.findall(r"^rule (\w+):\n((?: +.*\n)+)", printed, re.MULTILINE)
    return {rule: re.search(r"resources: (.*)", asked).group(1) for rule, asked in jobs}


@pytest.fixture(scope="module")
def dry_run() -> dict[str, str]:
    return asked_by_rule("experiments/drascula.yaml", "--set-resources", "task_vector:runtime=7")


def test_a_training_has_its_cores_for_each_of_its_gpus(tmp_path):
    demo = load_yaml(ROOT / "experiments/drascula.yaml")
    experiment = tmp_path / "two_gpus.yaml"
    experiment.write_text(json.dumps(demo | {"finetune": {"gpus": 2}}))
    asked = asked_by_rule(experiment, "--cores", "16", "--set-threads", "finetune=4")
    assert "gpu=2, processes=2, cpus_per_task=8," in asked["finetune"]


def test_gpus_are_asked_for_where_they_are_used(dry_run):
    assert {rule for rule, asked in dry_run.items() if "gpu=1" in asked} == {
        "finetune",
        "finetune_further",
        "transcribe",
        "transcribe_sweep",
        "transcribe_synthesized",
    }
    assert "gpu=0" in dry_run["synthesize"]  # hibari is at home on the CPU


def test_a_rule_asks_for_memory_time_and_disk_or_is_local(dry_run):
    rules = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    blocks = re.split(r"^(?:use rule|rule|checkpoint) ", rules, flags=re.MULTILINE)[1:]
    names = {block: re.match(r"(?:\w+ as )?(\w+)", block)[1] for block in blocks}
    local = {name for block, name in names.items() if "localrule: True" in block}
    named = ("mem_mb=", "runtime=", "disk_mb=")
    asking = {rule for rule, asked in dry_run.items() if all(name in asked for name in named)}
    assert set(dry_run) - asking == (local & set(dry_run)) | {"all"}
    assert {"fetch", "pool", "score", "evaluations", "summarize", "report"} <= local
    assert "runtime=7" in dry_run["task_vector"]  # what the command line says, wins
