"""One set of pins, wherever it is written."""

import re

import yaml

from conftest import ROOT


def pins(lines) -> dict[str, str]:
    found = (re.fullmatch(r"([\w.-]+)==([\w.]+)", line.strip()) for line in lines)
    return {match[1].lower().replace("_", "-"): match[2] for match in found if match}


LOCK = pins((ROOT / "requirements.lock").read_text().splitlines())


def test_what_is_asked_for_is_in_the_lock():
    lines = (ROOT / "requirements.in").read_text().splitlines()
    names = [re.split("==", line)[0].lower() for line in lines if line and line[0] != "#"]
    assert len(names) > 15
    assert [name for name in names if name not in LOCK] == []
    assert {name: LOCK[name] for name in pins(lines)} == pins(lines)


def test_the_conda_environments_have_the_locks_versions():
    for path in (ROOT / "envs").glob("*.yaml"):
        (pip,) = [
            d for d in yaml.safe_load(path.read_text())["dependencies"] if isinstance(d, dict)
        ]
        found = pins(pip["pip"])
        assert len(found) == len(pip["pip"]) > 10
        assert {name: LOCK[name] for name in found} == found


def test_no_cuda_library_is_locked():
    assert [name for name in LOCK if name.startswith(("nvidia", "cuda", "triton"))] == []
