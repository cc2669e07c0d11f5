"""What a run would do: jobs as Snakemake lists them, their time and disk, in numbers to count."""

import copy

import pytest

from configs.reading import complete_and_check
from paths import Manifest
from runs import plan
from runs.plan import Job

LISTING = """\
Building DAG of jobs...
[Mon Nov 30 14:54:49 2026]
rule finetune:
    input: results/x/models/tiny/pretrained/seed0/model.safetensors
    reason: Missing output files: <TBD>
    wildcards: base=whisper-tiny.en, data=clinic-hibari, seed=1
    resources: tmpdir=/tmp, gpu=1
[Mon Nov 30 14:54:49 2026]
localrule fetch:
    output: resources/hibari/files.json
    wildcards: artifact=hibari
[Mon Nov 30 14:54:50 2026]
checkpoint summarize:
    jobid: 4
[Mon Nov 30 14:54:50 2026]
rule all:
    jobid: 0
"""
FINETUNE = {"base": "whisper-tiny.en", "data": "clinic-hibari", "seed": "1"}


@pytest.fixture(scope="module")
def config() -> dict:
    """Return an experiment of 100 source recordings and 30 target texts; dev has 20 and 10."""
    hibari = {"engine": "hibari", "artifact": "hibari", "samples_per_text": 3}
    return complete_and_check(
        {
            "name": "clinic",
            "base_models": {"whisper-tiny.en": {"artifact": "whisper-tiny.en"}},
            "window": 15,
            "source": ["queen"],
            "targets": ["clinic"],
            "domains": {
                "queen": {
                    "corpus": "amazon_queen",
                    "artifact": "amazon-queen",
                    **{"train": 100, "dev": 20, "test": 5},
                },
                "clinic": {"texts": "clinic.txt", "train": 30, "dev": 10},
            },
            "tts": {"hibari": hibari | {"dev_samples_per_text": 2}},
        }
    )


def test_jobs_are_those_that_snakemake_lists_but_for_the_last_which_does_nothing():
    assert plan.jobs_of(LISTING) == [
        Job("finetune", FINETUNE),
        Job("fetch", {"artifact": "hibari"}),
        Job("summarize", {}),
    ]


@pytest.mark.parametrize(
    ("manifest", "count"),
    [
        (("clinic", "hibari", "train"), 90),
        (("clinic", "hibari", "dev"), 20),
        (("source", "real", "train"), 100),
        (("source", "real", "dev"), 20),
        (("source", "hibari", "dev"), 40),
    ],
)
def test_utterances_are_texts_times_how_often_each_is_spoken(config, manifest, count):
    assert plan.utterances(config, Manifest(*manifest)) == count


def test_texts_to_learn_from_are_all_but_those_of_dev(config, tmp_path):
    config = copy.deepcopy(config)
    path = tmp_path / "clinic.txt"
    path.write_text("".join(f"text {number}\n" for number in range(50)))
    config["domains"]["clinic"] |= {"texts": str(path), "train": 0}
    assert plan.utterances(config, Manifest("clinic", "hibari", "train")) == 3 * (50 - 10)


def test_work_grows_with_the_utterances_and_the_parameters(config):
    one = plan.seconds(Job("finetune", FINETUNE), config)
    joint = FINETUNE | {"data": "clinic-hibari-with-source"}
    both = plan.seconds(Job("finetune", joint), config)
    assert both - one == pytest.approx(100 * plan.TRAINED)
    base = copy.deepcopy(config)
    base["base_models"]["whisper-tiny.en"]["artifact"] = "whisper-base.en"
    larger = plan.seconds(Job("finetune", FINETUNE), base)
    assert larger - plan.START == pytest.approx((one - plan.START) * 74 / 38)


def test_more_coefficients_cost_less_than_the_first(config):
    named = {"base": "whisper-tiny.en", "domain": "clinic", "speech": "hibari", "split": "dev"}
    one = plan.seconds(Job("transcribe", named), config)
    scales = len(config["task_vector"]["scaling_coefficients"])
    sweep = plan.seconds(Job("transcribe_sweep", named | {"vector": "source-hibari"}), config)
    assert sweep - one == pytest.approx(20 * plan.SWEPT * (scales - 1))


def test_minutes_are_a_range_of_the_work_shared_among_cores(config):
    jobs = [Job("score", {})] * round(600 / plan.OTHERS)
    low, high = plan.SPREAD
    assert plan.minutes(jobs, config, cores=1) == (round(10 * low), round(10 * high))
    assert plan.minutes(jobs, config, cores=2) == (round(5 * low), round(5 * high))
    assert plan.minutes(jobs[:1], config, cores=2) == (1, 2)


def test_disk_is_checkpoints_and_each_encoding_once(config):
    pretrained = Job("pretrained", {"base": "whisper-tiny.en"})
    assert plan.gigabytes([pretrained], config) == pytest.approx(38 * 4 / 1000)
    joint = Job("finetune", FINETUNE | {"data": "clinic-hibari-with-source"})
    encodings = (90 + 20 + 100 + 20) * 2 * 50 * 15 * 384 / 1e9
    two = plan.gigabytes([Job("finetune", FINETUNE), joint], config)
    assert two == pytest.approx(2 * 38 * 4 / 1000 + encodings)
    named = {"base": "whisper-tiny.en", "domain": "clinic", "speech": "hibari", "split": "dev"}
    decoded = plan.gigabytes([Job("transcribe", named)] * 2, config)
    assert decoded == pytest.approx(20 * 2 * 50 * 30 * 384 / 1e9)
