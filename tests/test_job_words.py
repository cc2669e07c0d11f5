"""What is said of a job: what it was for, why it failed, how it is run again."""

import re
import shlex

import pytest

from conftest import ROOT
from runs import failures
from runs import words as job_words

CONFIG = {
    "source": ["queen", "manual"],
    "targets": ["telephone", "manual"],
    "tts": {"hibari": {"held_out": False}, "kokoro": {"held_out": True}},
}
ARMS = job_words.arms_of_models(CONFIG)
TIMED_OUT = (
    "slurmstepd-n1: error: *** JOB 62 ON n1 CANCELLED AT 2026-01-02T03:04:05 DUE TO {} ***\n"
)
OOM = "slurmstepd-n1: error: Detected 1 oom-kill event(s) in StepId=3.0. Some of your processes\n"


def told(status: str) -> str:
    return (
        f"SLURM-job '62' failed, SLURM status is: '{status}'. Detailed failure reason unavailable"
    )


@pytest.mark.parametrize(
    ("rule", "stage"),
    [
        ("finetune_further", "finetune"),
        ("transcribe_with_task_vector", "transcribe"),
        ("transcribe_with_aids", "transcribe"),
        ("mean_task_vector_of_engines", "task_vector"),
        ("task_vector_of_modules", "task_vector"),
        ("task_vector_by_method", "task_vector"),
        ("prepare_texts_to_test_on", "prepare"),
        ("filterless", "filterless"),
    ],
)
def test_rules_that_do_the_same_are_one_stage(rule, stage):
    assert job_words.stage(rule) == stage


def test_every_rule_of_the_workflow_but_one_has_a_stage_of_its_own_or_shares_one():
    text = "".join(path.read_text() for path in sorted(ROOT.glob("rules/*.smk")))
    rules = re.findall(r"^rule (\w+):|^use rule \w+ as (\w+) with", text, re.MULTILINE)
    names = [first or second for first, second in rules]
    assert len(names) > 15
    unknown = [name for name in names if job_words.stage(name) not in job_words.STAGES]
    assert unknown == ["test_on_synthetic_speech"]


def test_a_training_job_is_told_by_its_base_model_arm_domain_and_seed():
    wildcards = {"base": "tiny", "data": "telephone-hibari", "seed": "2"}
    assert job_words.title("finetune", wildcards, ARMS) == (
        "finetune: base model tiny, arm target-synthetic (telephone spoken by hibari), seed 2"
    )


def test_further_training_tells_both_data_sets():
    wildcards = {
        "base": "b",
        "data": "telephone-hibari",
        "first": "source-mixed-hibari",
        "seed": "1",
    }
    assert job_words.describe("finetune_further", wildcards, ARMS) == (
        "base model b, arm source-mixed->target-synthetic (telephone spoken by hibari, "
        "after recordings of source and hibari), seed 1"
    )


def test_a_model_that_only_a_vector_needs_has_no_arm():
    wildcards = {"base": "b", "data": "queen-real", "seed": "1"}
    words = job_words.describe("finetune", wildcards, ARMS)
    assert words == "base model b, a model (recordings of queen), seed 1"


@pytest.mark.parametrize(
    ("wildcards", "added"),
    [
        ({"name": "telephone-hibari+source-hibari-tv0.5"}, "source-hibari x 0.5"),
        (
            {"model": "telephone-hibari", "vector": "source-hibari", "scale": "0.5"},
            "source-hibari x 0.5",
        ),
        (
            {"model": "telephone-hibari", "vector": "source-hibari"},
            "source-hibari, each coefficient",
        ),
    ],
)
def test_an_added_task_vector_is_told_with_its_coefficient(wildcards, added):
    tested = {"base": "b", "seed": "1", "domain": "telephone", "speech": "real", "split": "test"}
    assert job_words.describe("score", tested | wildcards, ARMS) == (
        f"base model b, arm target-synthetic (telephone spoken by hibari), plus task vector {added}"
        ", on telephone real test, seed 1"
    )


def test_what_leads_a_decoder_is_told_by_rule_and_by_name():
    tested = {"base": "b", "seed": "0", "domain": "telephone", "speech": "real", "split": "test"}
    told = (
        "base model b, arm pretrained, led by key terms and n-grams of telephone, on telephone real"
        " test, seed 0"
    )
    wildcards = {"model": "pretrained", "aids": "telephone-terms-lm"}
    assert job_words.describe("transcribe_with_aids", tested | wildcards, ARMS) == told
    scored = tested | {"name": "pretrained+telephone-terms-lm"}
    assert job_words.describe("score", scored, ARMS) == told


def test_what_a_model_adapts_by_is_told_by_rule_and_by_name():
    tested = {"base": "b", "seed": "0", "domain": "telephone", "speech": "real", "split": "test"}
    told = "base model b, arm pretrained, adapting by SUTA, on telephone real test, seed 0"
    wildcards = {"model": "pretrained", "adaptation": "suta"}
    assert job_words.describe("transcribe_adapting", tested | wildcards, ARMS) == told
    assert job_words.describe("score", tested | {"name": "pretrained+suta"}, ARMS) == told


def test_a_shard_is_told_with_its_domain_and_voice():
    wildcards = {"domain": "shop", "tts": "bark", "split": "train", "shard": "2", "shards": "7"}
    words = job_words.describe("synthesize", wildcards, ARMS)
    assert words == "shop bark train, shard 2 of 7"


def test_a_wildcard_that_nothing_is_known_of_is_named():
    assert job_words.title("fetch", {"artifact": "slurp"}, ARMS) == "fetch: artifact slurp"
    assert job_words.title("report", {}, ARMS) == "report"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("TIMEOUT", "TIMEOUT: it ran longer than the 30 min it asked for"),
        ("OUT_OF_MEMORY", "OUT_OF_MEMORY: it used more than the 4000 MB it asked for"),
        ("CANCELLED", "CANCELLED: somebody, or the site, cancelled it"),
        ("REVOKED", "REVOKED"),
    ],
)
def test_slurms_word_for_an_end_comes_with_what_was_asked(status, words):
    asked = {"runtime": 30, "mem_mb": 4000}
    assert failures.reason(told(status), None, None, asked) == words


@pytest.mark.parametrize(
    ("trace", "word"),
    [
        (TIMED_OUT.format("TIME LIMIT"), "TIMEOUT"),
        (TIMED_OUT.format("NODE FAILURE"), "NODE_FAIL"),
        (TIMED_OUT.format("PREEMPTION"), "PREEMPTED"),
        (TIMED_OUT.replace(" DUE TO {}", ""), "CANCELLED"),
        (OOM + TIMED_OUT.format("TIME LIMIT"), "OUT_OF_MEMORY"),
    ],
)
def test_of_a_group_or_a_failed_job_the_slurm_log_tells_what_ended_it(tmp_path, trace, word):
    log = tmp_path / "62.log"
    log.write_text(f"localrule score:\n{trace}srun: error: n1: task 0: Exited with exit code 1\n")
    assert failures.state("", log) == word
    assert failures.state(told("FAILED"), log) == word


def test_a_script_that_failed_by_itself_gives_its_own_last_line(tmp_path):
    log = tmp_path / "score.log"
    log.write_text("reading\nerror: 2 hypotheses are missing\n\n")
    reason = failures.reason(told("FAILED"), log, None, {})
    assert reason == "error: 2 hypotheses are missing"


def test_a_job_that_was_killed_says_so_with_its_last_words(tmp_path):
    log = tmp_path / "train.log"
    log.write_text("5/10 utterances\n")
    reason = failures.reason("Command 'x' returned non-zero exit status 137.", log, None, {})
    assert reason.startswith("it was killed (SIGKILL")
    assert reason.endswith("its last words: 5/10 utterances")
    reason = failures.reason("Command 'x' died with <Signals.SIGTERM: 15>.", log, None, {})
    assert reason == "exit status SIGTERM, its last words: 5/10 utterances"


def test_a_job_without_a_word_says_that(tmp_path):
    reason = failures.reason("returned non-zero exit status 3.", tmp_path / "none.log", None, {})
    assert reason == "exit status 3, with nothing in its log"


def test_a_job_whose_files_are_missing_is_not_blamed_on_its_log(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("error: not this\n")
    message = "Job 3  completed successfully, but some output files are missing."
    assert "left some of its files unwritten" in failures.reason(message, log, None, {})


def test_a_tail_is_the_last_lines_that_say_something_and_of_a_bar_its_last_state(tmp_path):
    log = tmp_path / "a.log"
    log.write_bytes(b"1\r\n\n2\n 1%\r 50%\r100%\n\xff\n")
    assert failures.tail(log) == ["1", "2", "100%", "\ufffd"]
    assert failures.tail(log, 2) == ["100%", "\ufffd"]


def test_the_tail_of_a_huge_log_reads_only_its_end(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("x" * 300_000 + "\nlast\n")
    assert failures.tail(log, 1) == ["last"]
    assert len("".join(failures.tail(log))) <= failures.READ_AT_MOST


def test_a_missing_log_has_no_tail(tmp_path):
    assert failures.tail(tmp_path / "none.log") == []


def test_of_a_slurm_log_the_lines_that_tell_the_end_are_shown(tmp_path):
    log = tmp_path / "62.log"
    log.write_text(f"SNAKEMAKE\nlocalrule augment:\n{OOM}Shutting down\nElapsed time: 0:00:05\n")
    assert failures.endings(log) == [OOM.strip()]
    log.write_text("a\nb\n")
    assert failures.endings(log) == ["a", "b"]


def test_the_job_of_a_group_that_a_node_began_with_last_is_known(tmp_path):
    log = tmp_path / "62.log"
    log.write_text(
        "    rule score:\nlocalrule transcribe:\nlocalrule score:\nError in rule score:\n"
    )
    assert failures.last_begun(log) == "score"
    log.write_text("rule score:\n")
    assert failures.last_begun(log) is None


def test_the_command_for_one_job_keeps_profile_and_experiment_and_nothing_that_would_do_more():
    given = shlex.split(
        "--profile profiles/slurm --profile=site --forceall -n -j 40 results/other.json "
        "--configfile my exp.yaml --retries 5"
    )
    assert job_words.command_again(given, "results/a b.json") == (
        "snakemake 'results/a b.json' --profile profiles/slurm --profile site --jobs 40 "
        "--configfile my exp.yaml"
    )


def test_the_command_for_one_job_of_the_default_experiment_is_short():
    assert job_words.command_again([], "results/a.json") == "snakemake results/a.json"
    assert job_words.command_again(["-c"], "a") == "snakemake a --cores all"


def test_ordinals_are_english():
    assert [job_words.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 21)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "21st",
    ]  # fmt: skip


def test_the_settings_of_config_are_part_of_the_command_that_is_told():
    given = ["--config", "seeds=[1, 2]", "a={'b': 3}", "--cores", "2"]
    assert job_words.command_again(given, "x.json") == (
        "snakemake x.json --cores 2 --config 'seeds=[1, 2]' 'a={'\"'\"'b'\"'\"': 3}'"
    )
    assert job_words.command_again(["--config", "--cores", "2"], "x") == (
        "snakemake x --cores 2 --config"
    )


def test_a_number_is_made_again_with_the_same_configs_and_settings():
    told = job_words.command_of_number(["my exp.yaml", "b.yaml"], ["a={'b': 3}", "n=1"])
    assert told.startswith("snakemake {} --configfile 'my exp.yaml' b.yaml --config ")
    assert shlex.split(told)[-3:] == ["--config", "a={'b': 3}", "n=1"]
    assert job_words.command_of_number(["a.yaml"], None) == "snakemake {} --configfile a.yaml"


def test_commands_are_told_without_secrets_of_addresses():
    told = job_words.command_again(["--config", "u=https://me:abc@h/x?token=abc"], "x")
    assert told == "snakemake x --config 'u=https://h/x?token=***'"
