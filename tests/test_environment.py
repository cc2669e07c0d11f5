"""One set of pins, wherever it is written."""

import re

import pytest
import yaml

from conftest import ROOT


def pins(lines) -> dict[str, str]:
    found = (re.fullmatch(r"([\w.-]+)==([\w.]+)", line.strip()) for line in lines)
    return {match[1]: match[2] for match in found if match}


def lock(name: str) -> dict[str, str]:
    return pins((ROOT / name).read_text().splitlines())


LOCK = lock("requirements.lock")
COQUI, TESTS, BENCH, VALIDATOR = (
    lock(f"requirements-{name}.lock") for name in ("coqui", "tests", "bench", "validator")
)


def test_what_is_asked_for_is_locked():
    lines = (ROOT / "requirements.in").read_text().splitlines()
    names = [re.split("==", line)[0] for line in lines if line and line[0] != "#"]
    locked = VALIDATOR | LOCK | COQUI | TESTS | BENCH
    assert len(names) > 20
    assert [name for name in names if name not in locked] == []
    assert {name: locked[name] for name in pins(lines)} == pins(lines)


def test_the_other_locks_add_to_the_first_and_change_nothing_of_it():
    assert "coqui-tts" in COQUI and not set(COQUI) & set(LOCK)
    assert "playwright" in TESTS and not set(TESTS) & set(LOCK)
    assert "mergekit" in BENCH and not set(BENCH) & set(LOCK)


@pytest.mark.parametrize(("name", "known"), [("syn2real", LOCK), ("coqui", LOCK | COQUI)])
def test_the_conda_environments_have_the_locks_versions(name, known):
    environment = yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text())
    (pip,) = [part for part in environment["dependencies"] if isinstance(part, dict)]
    found = pins(pip["pip"])
    assert len(found) == len(pip["pip"]) > 6
    assert {package: known[package] for package in found} == found


def test_every_environment_that_a_rule_names_exists():
    named = set()
    for path in (ROOT / "rules").glob("*.smk"):
        named |= set(re.findall(r"\.\./envs/([\w.]+)", path.read_text()))
    assert (
        named == {"syn2real.yaml", "coqui.yaml"} == {p.name for p in (ROOT / "envs").glob("*.yaml")}
    )


def test_no_cuda_library_is_locked():
    assert [
        name
        for name in LOCK | COQUI | TESTS | BENCH
        if name.startswith(("nvidia", "cuda", "triton"))
    ] == []
