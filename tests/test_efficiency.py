"""What jobs asked for and what they used."""

import json

import pytest

import efficiency
from errors import InputError

MB = 2**20


def attempt(output, rule="finetune", ok=True, submitted=1000.0, ended=2000.0, **asked) -> dict:
    return {
        "rule": rule,
        "wildcards": {},
        "outputs": [str(output)],
        "attempt": 1,
        "asked": asked,
        "external": None,
        "submitted": submitted,
        "ended": ended,
        "ok": ok,
        "why": None,
    }


def record(output, started=1100.0, ended=1700.0, memory=4000) -> None:
    found = {"run": {"started": started, "ended": ended, "peak_memory": memory * MB}}
    output.with_name(output.name + ".lineage.json").write_text(json.dumps(found))


def test_used_are_the_scripts_peak_memory_and_time_and_the_wait_is_what_came_before(tmp_path):
    record(tmp_path / "a")
    (found,) = efficiency.uses([attempt(tmp_path / "a", mem_mb=8000, runtime=20)])
    assert found == efficiency.Use(
        "finetune", {"mem_mb": 8000, "runtime": 20}, {"mem_mb": 4000, "runtime": 10}, 100
    )


def test_a_failed_attempt_and_an_output_that_was_made_again_are_not_measured(tmp_path):
    for name in ("failed", "later"):
        record(tmp_path / name)
    again = attempt(tmp_path / "later", submitted=100.0, ended=900.0)
    assert efficiency.uses([attempt(tmp_path / "failed", ok=False), again]) == []


def test_a_job_without_a_record_is_not_measured(tmp_path):
    assert efficiency.uses([attempt(tmp_path / "a")]) == []


def test_the_record_may_be_of_any_of_a_jobs_outputs(tmp_path):
    job = attempt(tmp_path / "first")
    job["outputs"].append(str(tmp_path / "second"))
    record(tmp_path / "second")
    assert len(efficiency.uses([job])) == 1


def test_clocks_of_a_cluster_may_differ_a_little(tmp_path):
    record(tmp_path / "a", started=990.0, ended=2010.0)
    (found,) = efficiency.uses([attempt(tmp_path / "a")])
    assert found.wait == 0


def test_a_share_is_the_largest_of_a_rules_jobs_and_unknown_where_nothing_was_asked():
    found = [*with_asked({"mem_mb": 8000}, mem_mb=1000), *with_asked({"mem_mb": 6000})]
    assert efficiency.share(found, "mem_mb") == 0.5
    assert efficiency.share(found, "runtime") is None


def with_asked(asked: dict, **used: float) -> list[efficiency.Use]:
    return [efficiency.Use("finetune", asked, {"mem_mb": 3000, "runtime": 10} | used, 0)]


def test_a_rule_that_asked_far_too_much_is_told_what_to_set():
    found = with_asked({"mem_mb": 40000, "runtime": 15})
    assert efficiency.advice("finetune", found) == [
        "finetune: used at most 8% of the 40000 MB it asked for; "
        "--set-resources finetune:mem_mb=4000"
    ]


def test_a_rule_that_was_close_to_its_limit_is_told_what_to_set():
    found = with_asked({"mem_mb": 8000, "runtime": 12}, runtime=11)
    assert efficiency.advice("finetune", found) == [
        "finetune: used at most 92% of the 12 min it asked for; --set-resources finetune:runtime=25"
    ]


@pytest.mark.parametrize("asked", [{"mem_mb": 1000, "runtime": 30}, {}])
def test_a_small_request_is_never_too_much_and_none_at_all_is_no_matter(asked):
    assert efficiency.advice("score", with_asked(asked, mem_mb=100, runtime=0.1)) == []


def test_a_suggestion_never_asks_for_more_than_a_rule_that_is_said_to_ask_too_much():
    found = with_asked({"mem_mb": 1100, "runtime": 30}, mem_mb=200)
    assert efficiency.advice("score", found) == [
        "score: used at most 18% of the 1100 MB it asked for; --set-resources score:mem_mb=500"
    ]


def test_the_command_lists_every_rule_with_failures_wait_and_advice(tmp_path, capsys):
    record(tmp_path / "a")
    lines = [
        attempt(tmp_path / "a", ok=False, mem_mb=4200, runtime=20),
        attempt(tmp_path / "a", mem_mb=4200, runtime=20),
        attempt(tmp_path / "b", rule="score"),
    ]
    (tmp_path / "demo").mkdir()
    path = tmp_path / "demo/jobs.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"rule": "sco')
    efficiency.main(["--experiment", "demo", "--logs", str(tmp_path)])
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert shown[1] == ["finetune", "1", "1", "4200", "4000", "95%", "20", "10.0", "50%", "100"]
    assert shown[2] == ["score", "1", "0", "-", "-", "-", "-", "-", "-", "-"]
    assert shown[3][-1] == "finetune:mem_mb=5500"
    assert len(shown) == 4


def test_a_broken_line_in_the_middle_is_an_error_with_its_number(tmp_path):
    path = tmp_path / "jobs.jsonl"
    path.write_text('{"rule"\n{}\n')
    with pytest.raises(InputError, match=r"jobs\.jsonl:1: not JSON .*remove that line"):
        efficiency.jobs(path)


def test_an_experiment_without_jobs_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"demo/jobs\.jsonl: no such file; no job of this"):
        efficiency.main(["--experiment", "demo", "--logs", str(tmp_path)])
