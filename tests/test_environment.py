"""One set of pins, wherever it is written."""

import re
import runpy

import pytest
import yaml

from conftest import ROOT
from engines import ENGINES


def pins(lines) -> dict[str, str]:
    found = (re.fullmatch(r"([\w.-]+)==([\w.]+)", line.strip()) for line in lines)
    return {match[1]: match[2] for match in found if match}


def lock(name: str) -> dict[str, str]:
    return pins((ROOT / name).read_text().splitlines())


LOCK = lock("requirements.lock")
COQUI, TESTS, BENCH, EXPORT, VALIDATOR = (
    lock(f"requirements-{name}.lock") for name in ("coqui", "tests", "bench", "export", "validator")
)


def asked_for() -> list[tuple[str, str]]:
    """Return each requirement with the reason beside it."""
    lines = (ROOT / "requirements.in").read_text().splitlines()
    parts = (line.partition("#") for line in lines)
    return [(name.strip(), reason.strip()) for name, _, reason in parts if name.strip()]


def test_what_is_asked_for_is_locked():
    requirements = [requirement for requirement, _ in asked_for()]
    names = [re.split("==", requirement)[0] for requirement in requirements]
    locked = VALIDATOR | LOCK | COQUI | TESTS | BENCH | EXPORT
    assert len(names) > 20
    assert [name for name in names if name not in locked] == []
    assert {name: locked[name] for name in pins(requirements)} == pins(requirements)


def test_beside_every_requirement_stands_why_it_is_there():
    assert [requirement for requirement, reason in asked_for() if not reason] == []


def test_the_lock_is_made_of_the_requirements_without_their_reasons():
    read = runpy.run_path(str(ROOT / "envs" / "lock.py"))["read_requirements"]()
    assert [name for section in read.values() for name in section] == [
        requirement for requirement, _ in asked_for()
    ]
    assert read["bench"] == ["faster-whisper", "mergekit"]
    assert {"torch==2.13.0", "numpy"} <= set(read["shared"])


def test_the_other_locks_add_to_the_first_and_change_nothing_of_it():
    assert "coqui-tts" in COQUI and not set(COQUI) & set(LOCK)
    assert "playwright" in TESTS and not set(TESTS) & set(LOCK)
    assert "mergekit" in BENCH and not set(BENCH) & set(LOCK)
    assert "pywhispercpp" in EXPORT and not set(EXPORT) & set(LOCK)


def test_what_two_locks_have_is_of_one_version():
    both = EXPORT.keys() & BENCH.keys()
    assert {"ctranslate2", "faster-whisper"} <= both
    assert {name: EXPORT[name] for name in both} == {name: BENCH[name] for name in both}


@pytest.mark.parametrize(
    ("name", "known"), [("syn2real", LOCK), ("coqui", LOCK | COQUI), ("export", LOCK | EXPORT)]
)
def test_the_conda_environments_have_the_locks_versions(name, known):
    environment = yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text())
    (pip,) = [part for part in environment["dependencies"] if isinstance(part, dict)]
    found = pins(pip["pip"])
    assert len(found) == len(pip["pip"]) > 6
    assert {package: known[package] for package in found} == found


def test_every_environment_that_a_rule_names_exists():
    named = {f"{engine.environment}.yaml" for engine in ENGINES.values()}
    for path in (ROOT / "rules").glob("*.smk"):
        named |= set(re.findall(r"\.\./envs/([\w.]+)", path.read_text()))
    written = {path.name for path in (ROOT / "envs").glob("*.yaml")}
    assert named == {"syn2real.yaml", "coqui.yaml", "export.yaml"} == written


def test_no_cuda_library_is_locked():
    assert [
        name
        for name in LOCK | COQUI | TESTS | BENCH | EXPORT
        if name.startswith(("nvidia", "cuda", "triton"))
    ] == []
