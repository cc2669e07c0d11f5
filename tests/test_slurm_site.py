"""The site's settings, and the profile that they become."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest
import yaml
import yte

from conftest import ROOT
from errors import InputError
from runs.site import GPU_RULES, Site, before_each_job, read_site

EMPTY = Site(cores_per_gpu=4, jobs=200)


def write(folder, text):
    path = folder / "site.yaml"
    path.write_text(text)
    return path


def profile(folder, monkeypatch, site=""):
    """Return profiles/slurm as Snakemake reads it, with lines of site.yaml changed."""
    shutil.copytree(ROOT / "profiles", folder / "profiles")
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    path = folder / "profiles/slurm/site.yaml"
    lines = path.read_text()
    for line in site.splitlines():
        key = line.partition(":")[0]
        lines, found = re.subn(rf"(?m)^{key}:.*$", line, lines)
        assert found == 1
    path.write_text(lines)
    monkeypatch.chdir(folder)
    with open("profiles/slurm/profile.yaml") as file:
        return yte.process_yaml(file, require_use_yte=True)


def test_the_committed_site_is_nobodys():
    assert read_site(ROOT / "profiles/slurm/site.yaml") == EMPTY


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("acount: me", "site.yaml: unknown key 'acount'; did you mean 'account'?"),
        ("shoe_size: 44", "site.yaml: unknown key 'shoe_size'; known: cores_per_gpu, jobs,"),
        ("modules: CUDA", 'site.yaml: modules: "CUDA"; give a list of texts'),
        ("partitions: [gpu]", r'site.yaml: partitions: \["gpu"\]; give a mapping'),
        ("jobs: 0\ncores_per_gpu: 4", "site.yaml: jobs: 0; give a whole number, at least 1"),
        ("jobs: 10", "site.yaml: cores_per_gpu is missing; add it"),
        ("jobs: true\ncores_per_gpu: 4", "site.yaml: jobs: true; give a whole number, at least 1"),
        ("qos: a\nqos: b", "site.yaml:.*qos"),
        (
            "account: a b",
            'site.yaml: account: "a b"; give one word, without spaces, .* a shell',
        ),
        ("qos: -x", 'site.yaml: qos: "-x"; give one word'),
        ("gres: $(touch x)", r'site.yaml: gres: "\$\(touch x\)"; give one word'),
        ("scratch: /tmp; touch x", 'site.yaml: scratch: "/tmp; touch x"; give one word'),
        ("scratch: /tmp/$(touch x)", "site.yaml: scratch: "),
        ("scratch: /tmp/`touch`", "site.yaml: scratch: "),
    ],
)
def test_a_mistake_in_the_site_names_file_key_and_remedy(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_site(write(tmp_path, text))


def test_an_account_may_be_a_number(tmp_path):
    assert read_site(write(tmp_path, "account: 465\njobs: 1\ncores_per_gpu: 1")).account == "465"


def test_a_job_begins_with_modules_and_scratch_and_leaves_variables_to_the_node():
    site = replace(EMPTY, modules=["CUDA/12.8", "ffmpeg"], scratch="$SLURM_TMPDIR/audio")
    assert before_each_job(site) == (
        "module load CUDA/12.8 ffmpeg && export HF_HUB_OFFLINE=1"
        r" && export SYN2REAL_SCRATCH=\$SLURM_TMPDIR/audio"
    )


def test_without_site_values_the_profile_leaves_all_to_the_cluster(tmp_path, monkeypatch):
    found = profile(tmp_path, monkeypatch)
    assert found["executor"] == "slurm" and found["jobs"] == 200
    assert found["default-resources"] == {"nodes": 1}
    assert not {"slurm-qos", "slurm-partition-config", "set-resources"} & set(found)
    assert found["set-threads"] == dict.fromkeys(GPU_RULES, 4)


def test_every_site_value_reaches_snakemake(tmp_path, monkeypatch):
    site = "account: 465\nqos: long\npartitions: {gpu: {max_gpu: 8}}\ngres: gpu:a100:1\njobs: 9"
    found = profile(tmp_path, monkeypatch, site)
    assert found["default-resources"]["slurm_account"] == "465"
    assert found["slurm-qos"] == "long" and found["jobs"] == 9
    partitions = yaml.safe_load((tmp_path / found["slurm-partition-config"]).read_text())
    assert partitions["partitions"] == {"gpu": {"max_gpu": 8}}
    assert found["set-resources"] == {rule: {"gpu": 0, "gres": "gpu:a100:1"} for rule in GPU_RULES}


def test_the_profiles_gpu_rules_are_those_that_ask_for_a_gpu():
    asking = set()
    for path in (ROOT / "rules").glob("*.smk"):
        for rule in re.split(r"(?m)^(?=rule |use rule )", path.read_text())[1:]:
            name = re.match(r"rule (\w+):|use rule \w+ as (\w+) with:", rule)
            parent = re.match(r"use rule (\w+) as", rule)
            if re.search(r"\bgpu=", rule) or (parent and parent[1] in ("finetune", "transcribe")):
                asking.add(name[1] or name[2])
    assert asking == set(GPU_RULES)


@pytest.mark.parametrize("name", ["slurm", "profiles/slurm", "profiles/local"])
def test_a_profile_is_found_by_its_name_from_the_checkout(name):
    found = subprocess.run(
        ["snakemake", "--profile", name, "--version"], cwd=ROOT, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
