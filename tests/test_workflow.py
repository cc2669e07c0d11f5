"""The whole workflow, on a tiny random Whisper, embedded TTS and real recordings.

It runs in a copy of the checkout, so that a test can edit its code. Fetched files are shared with
the checkout's resources/.
"""

import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jiwer
import pytest
import soundfile
import torch
import yaml
from safetensors.torch import load_file
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizer

from conftest import ROOT
from files.audio import load_audio
from files.manifest import read_jsonl, read_manifest
from texts.normalise import normalise
from tiny_experiment import (
    RESULTS,
    command,
    copy_of_checkout,
    copy_without,
    job_counts,
    planned,
    snakemake,
    summary,
    table,
    write_experiment,
    write_own_manifest,
)

EMBEDDED = yaml.safe_load((ROOT / "experiments/drascula.yaml").read_text())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    folder = copy_of_checkout(tmp_path_factory.mktemp("checkout"))
    write_experiment(folder)
    write_own_manifest(folder)
    return folder


@pytest.fixture(scope="module")
def finished(checkout) -> Path:
    snakemake(checkout)
    return checkout


def test_every_arm_of_the_target_has_a_number_and_the_report_shows_it(finished):
    own, leaflet = summary(finished)["targets"]
    assert [(row["arm"], row["scaling_coefficient"]) for row in own["rows"]] == [
        ("pretrained", None),
        ("source-real", None),
        ("source-synthetic", None),
        ("source-mixed", None),
        ("source-mixed->target-synthetic", None),
        ("target-synthetic", None),
        ("source-mixed->target-synthetic+vector", 0.5),
        ("target-synthetic+vector", 0.5),
        ("target-real", None),
    ]
    assert own["utterances"] == 6
    assert leaflet["rows"] == [] and "no WER" in leaflet["plain_words"][0]
    page = (finished / RESULTS / "report.html").read_text()
    assert page.count("<audio") >= 4


def test_a_domain_of_texts_yields_an_adapted_checkpoint_that_loads(finished):
    folder = finished / RESULTS / "models/base/leaflet-hibari+source-hibari-tv0.25/seed1"
    model = WhisperForConditionalGeneration.from_pretrained(folder)
    assert model.generation_config.audio_window == 5


def test_zero_shot_wer_is_that_of_plain_transformers_and_jiwer(finished):
    folder = finished / RESULTS / "models/base/pretrained/seed0"
    model = WhisperForConditionalGeneration.from_pretrained(folder)
    features = WhisperFeatureExtractor.from_pretrained(folder)
    tokenizer = WhisperTokenizer.from_pretrained(folder)
    references, hypotheses = [], []
    for row in read_manifest(finished / RESULTS / "manifests/own/real/test.jsonl"):
        mel = features(
            load_audio(finished / row["audio_filepath"]), sampling_rate=16_000, return_tensors="pt"
        )
        tokens = model.generate(mel.input_features, max_length=225)
        text = tokenizer.batch_decode(tokens, skip_special_tokens=True)[0]
        hypotheses.append(normalise(text, "en"))
        references.append(normalise(row["text"], "en"))
    (row,) = [row for row in summary(finished)["targets"][0]["rows"] if row["arm"] == "pretrained"]
    assert row["wer"] == pytest.approx(jiwer.wer(references, hypotheses), abs=0.001)


def test_the_vector_and_the_checkpoint_are_three_lines_of_torch_to_the_bit(finished):
    models = finished / RESULTS / "models/base"
    real, synthetic, target, adapted = (
        load_file(models / name / "seed1/model.safetensors")
        for name in (
            "source-real",
            "source-hibari",
            "own-hibari",
            "own-hibari+source-hibari-tv0.25",
        )
    )
    vector = load_file(finished / RESULTS / "task_vectors/base/source-hibari/seed1.safetensors")
    assert set(vector) == set(real) == set(adapted)
    for name in real:
        assert torch.equal(vector[name], real[name] - synthetic[name])
        assert torch.equal(adapted[name], target[name] + 0.25 * (real[name] - synthetic[name]))
    assert any(vector[name].abs().max() > 0 for name in vector)


def test_a_second_run_does_nothing_and_says_so(finished):
    assert "othing to be done" in snakemake(finished)


def test_a_touched_or_commented_script_reruns_nothing_and_a_line_of_logic_what_it_makes(finished):
    for path in (finished / "scripts").glob("*.py"):
        path.touch()
    score = finished / "scripts/score.py"
    original = score.read_text()
    score.write_text(original + "\n# a remark\n")
    assert "othing to be done" in snakemake(finished, "--dry-run")
    score.write_text(original + "\nEXTRA = 1\n")
    counts = planned(finished)
    score.write_text(original)
    assert "score" in counts and "synthesize" not in counts


def test_a_third_target_is_one_line_and_plans_jobs_of_its_own_only(finished):
    experiment = yaml.safe_load((finished / "tiny.yaml").read_text())
    experiment["domains"]["third"] = experiment["domains"]["own"]
    experiment["targets"].append("third")
    (finished / "third.yaml").write_text(yaml.safe_dump(experiment))
    counts = planned(finished, "third.yaml")
    assert counts["finetune"] == 2 and counts["finetune_further"] == 1  # synthetic, real; continued
    assert counts["prepare"] == 1 and counts["synthesize"] == 3
    assert "pool" not in counts and "task_vector" not in counts and "pretrained" not in counts


def test_experiments_that_share_a_folder_make_what_they_have_in_common_once(finished):
    experiment = yaml.safe_load((finished / "tiny.yaml").read_text())
    experiment["domains"]["third"] = experiment["domains"].pop("leaflet")
    experiment |= {"name": "second", "shared": "tiny", "targets": ["third"]}
    (finished / "second.yaml").write_text(yaml.safe_dump(experiment))
    assert planned(finished, "second.yaml")["finetune"] == 1  # of the new texts alone
    snakemake(finished, experiment="second.yaml")
    [target] = json.loads((finished / "results/second/summary.json").read_text())["targets"]
    assert target["target"] == "third"
    assert (finished / "results/second/report.html").is_file()
    assert not (finished / "results/second/models").exists()
    assert list((finished / "results/tiny/models/base").glob("third-*/seed1/README.md"))
    for name in ("second", "tiny"):
        audit = [sys.executable, "scripts/lineage.py", "audit", f"results/{name}"]
        subprocess.run(audit, cwd=finished, check=True)
    assert "othing to be done" in snakemake(finished, experiment="tiny.yaml")


def test_how_a_model_is_trained_concerns_nothing_that_was_done_before(finished):
    experiment = yaml.safe_load((finished / "tiny.yaml").read_text())
    (finished / "other.yaml").write_text(
        yaml.safe_dump(experiment | {"finetune": experiment["finetune"] | {"learning_rate": 2e-3}})
    )
    counts = planned(finished, "other.yaml")
    assert counts["finetune"] > 0 and "transcribe" in counts  # of what will be trained anew
    assert not {"transcribe_synthesized", "filter", "synthesize", "augment"} & set(counts)
    (finished / "other.yaml").write_text(
        yaml.safe_dump(experiment | {"finetune": experiment["finetune"] | {"gpus": 2}})
    )
    assert set(planned(finished, "other.yaml")) <= {
        "evaluations", "leakage", "summarize", "breakdown", "rank", "report", "model_card", "all",
        "total",
    }  # fmt: skip


def test_exports_make_nothing_anew_but_the_cards_which_tell_of_them(finished):
    pytest.importorskip("faster_whisper", reason="`make exporters` installs it")
    experiment = yaml.safe_load((finished / "tiny.yaml").read_text())
    (finished / "exports.yaml").write_text(
        yaml.safe_dump(experiment | {"exports": ["ctranslate2-int8"]})
    )
    counts = planned(finished, "exports.yaml")
    assert (counts["export"], counts["model_card"]) == (2, 2)
    of_the_checkpoints = {"transcribe_with_task_vector"}  # at a λ that no sweep is asked for
    with_the_files_name = {
        "summarize",
        "breakdown",
        "rank",
        "report",
    }  # in the command of each number
    assert set(counts) <= {
        *("export", "model_card", "all", "total"), *of_the_checkpoints, *with_the_files_name
    }  # fmt: skip
    snakemake(finished, experiment="exports.yaml")
    for target, speech, split in (("own", "real", "test"), ("leaflet", "hibari", "dev")):
        place = f"base/{target}-hibari+source-hibari-tv0.25/seed1"
        numbers = json.loads(
            (finished / RESULTS / "exports" / place / "ctranslate2-int8.json").read_text()
        )
        assert numbers["manifest"] == f"{RESULTS}/manifests/{target}/{speech}/{split}.jsonl"
        folder = finished / RESULTS / "models" / place
        assert (folder / "ctranslate2-int8/model.bin").exists()
        assert "| ctranslate2-int8 |" in (folder / "README.md").read_text()
    assert set(planned(finished, "exports.yaml")) == set()
    snakemake(finished)  # for the tests that follow: the cards without exports


def test_the_export_of_a_model_that_is_led_is_compared_with_its_weights_led_by_nothing(tmp_path):
    folder = copy_of_checkout(tmp_path)
    write_own_manifest(folder)
    (folder / "said.tsv").write_text("PIN\tpee eye en\n")
    write_experiment(folder, arms=["pretrained", "pretrained+terms"], exports=["ggml"])
    experiment = yaml.safe_load((folder / "tiny.yaml").read_text())
    experiment["domains"]["own"]["pronunciations"] = "said.tsv"
    (folder / "tiny.yaml").write_text(yaml.safe_dump(experiment))
    asked = f"{RESULTS}/exports/base/pretrained+own-terms/seed0/ggml.json"
    words = shlex.split(snakemake(folder, "-n", "-p", asked).replace("\\\n", " "))
    line = words[words.index("scripts/export.py") :]
    given = dict(zip(line, line[1:], strict=False))
    model = f"{RESULTS}/models/base/pretrained+own-terms/seed0"
    assert given["--checkpoint"] == f"{model}/model.safetensors"
    assert given["--output"] == f"{model}/ggml"
    assert (
        given["--hypotheses"] == f"{RESULTS}/hypotheses/base/pretrained/seed0/own/real/test.jsonl"
    )
    assert given["--terms"] == f"{RESULTS}/key_terms/own/hibari.jsonl"
    assert given["--pronunciations"] == "said.tsv"


def test_any_stage_can_be_asked_for_by_its_file_name(finished):
    name = f"{RESULTS}/hypotheses/base/own-hibari+source-hibari-tv1.5/seed1/own/real/test.jsonl"
    snakemake(finished, name)
    assert len(read_jsonl(finished / name)) == 6


def test_a_mistake_in_the_config_is_one_message_before_any_job(finished):
    experiment = yaml.safe_load((finished / "tiny.yaml").read_text())
    (finished / "wrong.yaml").write_text(yaml.safe_dump(experiment | {"windw": 5}))
    found = snakemake(finished, experiment="wrong.yaml", fails=True)
    assert "unknown key 'windw'; did you mean 'window'?" in found
    assert "Traceback" not in found


def test_an_ensemble_and_a_held_out_voice_are_lines_of_the_config(finished, tmp_path):
    """The mean over one source domain, and over one TTS, is the vector that is averaged.

    So are decoders that texts lead: here by key terms that are all words of the texts, for a random
    model has understood none.
    """
    folder = shutil.copytree(finished, tmp_path / "checkout", symlinks=True)
    experiment = yaml.safe_load((folder / "tiny.yaml").read_text())
    (folder / "leaflet-test.txt").write_text("We open at ten.\nCall the counter.\n")
    experiment["domains"]["leaflet"]["test_texts"] = "leaflet-test.txt"
    experiment["tts"]["other"] = {"engine": "hibari", "artifact": "hibari", "held_out": True} | {
        "voices": ["heart_boy"]
    }
    experiment["arms"] = ["pretrained", "pretrained+vector", "pretrained+terms"]
    experiment["arms"] += ["target-synthetic+terms+lm"]
    experiment["task_vector"]["vectors_on_pretrained"] = ["domains", "engines", "encoder"]
    experiment["task_vector"]["vectors_on_pretrained"] += ["domains-ties1", "pooled-dare0.5"]
    (folder / "ensemble.yaml").write_text(yaml.safe_dump(experiment))
    snakemake(folder, experiment="ensemble.yaml")
    own, leaflet = summary(folder)["targets"]
    labels = [
        "pretrained",
        "pretrained + 0.5 mean τ of domains",
        "pretrained + 0.5 mean τ of engines",
        "pretrained + 0.5 τ of the encoder",
        "pretrained + 0.5 τ of domains by TIES 1",
        "pretrained + 0.5 τ by DARE 0.5",
        "pretrained + key terms",
        "target-synthetic + key terms + n-grams",
    ]
    assert [row["label"] for row in own["rows"]] == [row["label"] for row in leaflet["rows"]]
    assert [row["label"] for row in own["rows"]] == labels
    assert leaflet["speech"] == "other" and leaflet["utterances"] == 2
    assert "no evidence for human speech" in leaflet["plain_words"][0]
    vectors = folder / RESULTS / "task_vectors/base"
    of_domain = load_file(vectors / "prompts-hibari/seed1.safetensors")
    mean = load_file(vectors / "each-source-hibari/seed1.safetensors")
    assert all(torch.equal(mean[name], of_domain[name]) for name in of_domain)
    engines = (vectors / "source-engines/seed1.safetensors").read_bytes()
    assert engines == (vectors / "source-hibari/seed1.safetensors").read_bytes()
    ties = load_file(vectors / "each-source-hibari-ties1/seed1.safetensors")
    assert all(torch.equal(ties[name], of_domain[name]) for name in of_domain)
    part = load_file(vectors / "source-hibari-encoder/seed1.safetensors")
    changed = {name.split(".")[1] for name, tensor in part.items() if tensor.any()}
    assert changed == {"encoder"} and part.keys() == mean.keys()
    terms = {row["text"] for row in read_jsonl(folder / RESULTS / "key_terms/leaflet/hibari.jsonl")}
    texts = read_jsonl(folder / RESULTS / "texts/leaflet/train.jsonl")
    assert terms <= {word.strip(".!") for row in texts for word in row["text"].split()}
    assert terms
    audit = ["python", "scripts/leakage.py", "--check", str(RESULTS / "summary.json")]
    assert "as lineage says" in subprocess.check_output(audit, cwd=folder, text=True)
    row = ["trace", str(RESULTS / "summary.json"), "--row", "own", "pretrained + key terms"]
    trace = ["python", "scripts/lineage.py", *row]
    assert "key_terms.py" in subprocess.check_output(trace, cwd=folder, text=True)
    made_again = ["python", "scripts/lineage.py", "reproduce", *row[1:]]
    printed = subprocess.check_output(made_again, cwd=folder, text=True)
    assert "key_terms.py" in printed and "synthesize.py" in printed


def test_self_training_is_run_by_its_name_on_recordings_with_or_without_transcripts(tmp_path):
    """A random model is sure of nothing, and would repeat itself if it could write more."""
    folder = copy_of_checkout(tmp_path)
    write_own_manifest(folder)
    write_experiment(
        folder,
        spoken=b"abcdefgh",  # words, whatever it hears
        arms=["pretrained", "source-pseudo", "target-pseudo", "target-pseudo+vector"],
        task_vector={"scaling_coefficients": [0.5], "chosen_on": ["hibari"]},
        max_length=12,
        pseudo_labels={"min_log_probability": -100},
    )
    experiment = yaml.safe_load((folder / "tiny.yaml").read_text())
    leaflet = {"test_manifest": "own.jsonl", "untranscribed": "calls"}
    experiment["domains"]["leaflet"] |= leaflet
    (folder / "tiny.yaml").write_text(yaml.safe_dump(experiment))
    shutil.copytree(folder / "own", folder / "calls")
    for number, path in enumerate(sorted((folder / "calls").iterdir())):
        waveform, rate = soundfile.read(path)
        soundfile.write(path, waveform * (0.9 - number / 50), rate)  # no copies of test recordings
    snakemake(folder)
    for target in summary(folder)["targets"]:
        assert [(row["label"], row["target_recordings"]) for row in target["rows"]] == [
            ("pretrained", "none"),
            ("source-pseudo", "none"),
            ("target-pseudo", "training without transcripts"),
            ("target-pseudo + 0.5 τ", "training without transcripts"),
        ]
    manifests, models = folder / RESULTS / "manifests", folder / RESULTS / "models/base"
    for place in ("prompts", "own", "leaflet"):
        for split in ("train", "dev"):
            rows = read_manifest(manifests / place / "pseudo-base" / f"{split}.jsonl")
            assert rows and all(len(row["text"].encode()) <= 12 for row in rows)
    real, pseudo = (
        load_file(models / f"source-{speech}/seed1/model.safetensors")
        for speech in ("real", "pseudo")
    )
    vector = load_file(folder / RESULTS / "task_vectors/base/source-pseudo/seed1.safetensors")
    assert all(torch.equal(vector[name], real[name] - pseudo[name]) for name in vector)
    audit = ["python", "scripts/leakage.py", "--check", str(RESULTS / "summary.json")]
    assert "as lineage says" in subprocess.check_output(audit, cwd=folder, text=True)
    assert "othing to be done" in snakemake(folder)


def test_source_domains_choose_lambda_in_the_targets_place(finished, tmp_path):
    """Each with the vector of the other one, and the target's models are tested on both."""
    folder = shutil.copytree(finished, tmp_path / "checkout", symlinks=True)
    experiment = yaml.safe_load((folder / "tiny.yaml").read_text())
    (folder / "leaflet-test.txt").write_text("We open at ten.\nCall the counter.\n")
    experiment["domains"]["leaflet"]["test_texts"] = "leaflet-test.txt"
    experiment["tts"]["other"] = experiment["tts"]["hibari"] | {"held_out": True}
    experiment["tts"]["other"]["voices"] = ["heart_boy"]
    experiment |= {"source": ["prompts", "own"], "targets": ["leaflet"], "forgetting": ["source"]}
    experiment["arms"] = ["pretrained", "pretrained+vector"]
    experiment["task_vector"] = {"scaling_coefficients": [0.25, 0.5], "chosen_on": ["sources"]}
    (folder / "nested.yaml").write_text(yaml.safe_dump(experiment))
    snakemake(folder, experiment="nested.yaml")
    (leaflet,) = summary(folder)["targets"]
    (choice,) = leaflet["choices"]
    assert {fold["domain"] for fold in choice["folds"]} == {"prompts", "own"}
    assert choice["uses_target_recordings"] == 0
    of_own = next(path for path in choice["scores"] if "/own/real/dev.json" in path)
    assert "pretrained+each-prompts-hibari-tv" in of_own  # without its own vector
    (chosen,) = [row for row in leaflet["rows"] if row["chosen"]]
    assert chosen["forgetting"][0]["utterances"] == 3 + 6
    audit = ["python", "scripts/leakage.py", "--check", str(RESULTS / "summary.json")]
    assert "as lineage says" in subprocess.check_output(audit, cwd=folder, text=True)


SCORE = "scores/base/{}/seed1/own/real/test.json"
ARTIFACTS = (
    "audio/**/*.flac", "manifests/**/*.jsonl", "texts/**/*.jsonl", "models/**/model.safetensors",
    "models/**/config.json", "task_vectors/**/*.safetensors", "hypotheses/**/*.jsonl",
    "scores/**/*.json", "summary.tsv", "report.html", "models/**/README.md",
)  # fmt: skip


@pytest.fixture
def victim(finished, request) -> Iterator[random.Random]:
    """Put back all that a test changes; give it a seeded choice."""
    kept = finished.parent / "kept"
    shutil.copytree(finished / "results", kept / "results")  # keeps times; links are followed
    shutil.copytree(finished / "scripts", kept / "scripts")
    print("seed", seed := random.randrange(10**6))
    yield random.Random(seed)
    for name in ("results", "scripts"):
        shutil.rmtree(finished / name)
        shutil.move(kept / name, finished / name)
    kept.rmdir()


def lineage(folder: Path, *arguments: str) -> tuple[int, str]:
    """Return exit status and output of a lineage command."""
    command = [sys.executable, "scripts/lineage.py", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def audit(folder: Path) -> tuple[int, list[str]]:
    """Return an audit's exit status, and the first word (a path) of each line."""
    status, printed = lineage(folder, "audit", str(RESULTS))
    return status, [line.split(":")[0] for line in printed.splitlines()]


def pick(chance: random.Random, folder: Path, pattern: str, count: int = 1) -> list[Path]:
    """Return some files of the results, relative to the checkout."""
    found = sorted(
        path for path in (folder / RESULTS).glob(pattern) if ".lineage." not in path.name
    )
    return [path.relative_to(folder) for path in chance.sample(found, count)]


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_an_untouched_run_is_as_its_lineage_says_and_can_be_sealed(finished):
    status, printed = lineage(finished, "audit", str(RESULTS), "--seal")
    assert status == 0, printed
    (root,) = re.findall(r"root hash (\w{64})", printed)
    check = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=finished / RESULTS).returncode == 0
    assert lineage(finished, "audit", str(RESULTS), "--root", root)[0] == 0
    (finished / RESULTS / "SHA256SUMS").unlink()


def test_flipped_bytes_are_found(finished, victim):
    paths = [path for kind in ARTIFACTS for path in pick(victim, finished, kind)]
    for path in paths:
        flip(finished / path, victim.randrange((finished / path).stat().st_size))
    status, named = audit(finished)
    assert status == 1 and set(map(str, paths)) <= set(named)


def test_an_edited_line_of_logic_is_found(finished, victim):
    module = victim.choice(
        ["training/run.py", "scoring/word_errors.py", "filter.py", "engines/hibari.py"]
    )
    path = finished / "scripts" / module
    path.write_text(path.read_text() + "\nEDITED = True\n")
    status, printed = lineage(finished, "audit", str(RESULTS))
    assert status == 1
    assert all(f"since changed: {module}" in line for line in printed.splitlines()[:-1]), printed


def test_a_deleted_record_is_found(finished, victim):
    records = sorted((finished / RESULTS).rglob("*.lineage.json"))
    alone = [path for path in records if "texts" not in path.parts]  # prepare has two of the same
    path = victim.choice(alone).relative_to(finished)
    (finished / path).unlink()
    status, named = audit(finished)
    assert status == 1 and str(path).removesuffix(".lineage.json") in named


def test_swapped_checkpoints_are_both_found(finished, victim):
    one, other = pick(victim, finished, "models/base/*-*/**/model.safetensors", 2)
    for a, b in ((one, "swapped"), (other, one), ("swapped", other)):
        (finished / a).rename(finished / b)
    status, named = audit(finished)
    assert status == 1 and {str(one), str(other)} <= set(named)


def test_a_score_that_was_edited_by_hand_is_found(finished, victim):
    (path,) = pick(victim, finished, "scores/**/*.json")
    text = (finished / path).read_text()
    (finished / path).write_text(re.sub(r'"wer": [\d.]+', '"wer": 0.123', text, count=1))
    status, named = audit(finished)
    assert status == 1 and str(path) in named


def test_a_number_is_made_again_from_nothing_but_what_comes_from_outside(finished, tmp_path):
    score, again = str(RESULTS / SCORE.format("source-real")), tmp_path / "again"
    status, printed = lineage(finished, "reproduce", score, "--run", "--folder", str(again))
    assert status == 0, printed
    assert (again / score).read_bytes() == (finished / score).read_bytes()


def test_of_one_changed_setting_the_difference_is_that_setting(finished, victim):
    score = RESULTS / SCORE.format("own-hibari")
    before = finished / "before" / RESULTS
    shutil.copytree(finished / RESULTS, before)
    experiment = yaml.safe_load((finished / "tiny.yaml").read_text())
    experiment["finetune"]["learning_rate"] = 2e-3
    (finished / "changed.yaml").write_text(yaml.safe_dump(experiment))
    weights = RESULTS / "models/base/own-hibari/seed1/model.safetensors"
    snakemake(finished, str(score), str(weights), experiment="changed.yaml")
    for path in (weights, score):
        old = str(finished / "before" / path)
        status, printed = lineage(finished, "diff", old, str(path))
        if (finished / path).read_bytes() == Path(old).read_bytes():
            assert status == 0  # a random model may hear the same in spite of all
            continue
        _, found = printed.split("They differ:\n")
        assert status == 1
        assert found.splitlines() == [
            "  finetune.py: learning_rate: 0.001 -> 0.002",
            "      at models/base/own-hibari/seed1/model.safetensors",
        ]
    shutil.rmtree(finished / "before")


STAGES = {
    "synthesize": lambda folder: len(list((folder / RESULTS / "audio/own/hibari").rglob("*.flac"))),
    "finetune": lambda folder: len(list((folder / "logs/tiny/finetune").rglob("*.log"))),
    "transcribe": lambda folder: len(list((folder / "logs/tiny/transcribe").rglob("*.log"))),
}


def kill_when(folder: Path, reached: Callable[[Path], int]) -> None:
    """Start the workflow; kill it and its jobs with -9 when a stage has begun another job."""
    before = reached(folder)
    process = subprocess.Popen(
        command(),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 600
    while reached(folder) == before and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.poll() is None, "the workflow ended before it could be killed"
    time.sleep(3)  # into the work
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_killed_with_kill_9_in_three_stages_the_table_is_that_of_an_undisturbed_run(
    finished, tmp_path
):
    """One target's speech is to be made, and all that comes of it."""
    gone = (f"{RESULTS}/{each}" for each in ("*/own/hibari*", "*/base/own-hibari*", "summary.*"))
    folder = copy_without(finished, tmp_path / "checkout", *gone, "logs")
    for reached in STAGES.values():
        kill_when(folder, reached)
    assert not (folder / RESULTS / "summary.json").exists()
    snakemake(folder)
    assert table(folder) == table(finished)


@pytest.mark.slow
def test_the_demo_cut_small_gives_plausible_word_error_rates(tmp_path_factory):
    folder = copy_of_checkout(tmp_path_factory.mktemp("demo"))
    experiment = json.loads(json.dumps(EMBEDDED)) | {"targets": ["telephone"]}
    for name, domain in experiment["domains"].items():
        domain |= {"train": 32, "dev": 8, "test": 40 if name in experiment["targets"] else 1}
    experiment["finetune"] = {"epochs": 1}
    experiment["task_vector"] = {"scaling_coefficients": [0.25], "chosen_on": ["hibari"]}
    experiment["forgetting"] = []
    (folder / "tiny.yaml").write_text(yaml.safe_dump(experiment | {"name": "tiny"}))
    snakemake(folder)
    for target in summary(folder)["targets"]:
        assert len(target["rows"]) == 10
        wer = {row["arm"]: row["wer"] for row in target["rows"]}
        assert 0.01 < wer.pop("pretrained") < 0.4, target["target"]
        assert max(wer.values()) < 1, target["target"]  # few utterances: one endless loop is much


def dry_run(folder: Path, experiment: str) -> str:
    """Return what a dry run prints of a config, shell commands included.

    It does without PyTorch, which takes a second of each plan, and of each job of a cluster.
    """
    (folder / "without").mkdir()
    (folder / "without/torch.py").write_text("raise RuntimeError('a plan does without PyTorch')")
    command = ["snakemake", "--dry-run", "--printshellcmds", "--configfile", experiment]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "without")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def settings_of(command: str) -> dict:
    """Return the settings of a training from its command."""
    words = shlex.split(command)
    return json.loads(words[words.index("--settings") + 1])


def test_the_default_experiment_plans_every_arm_of_four_targets_with_the_measured_recipe(tmp_path):
    printed = dry_run(copy_of_checkout(tmp_path), "config.yaml")
    counts = job_counts(printed)
    # seeds; source; targets: two of each TTS, one real
    assert counts["finetune"] == 3 * (1 + 2 + 2 + 4 * (2 * 2 + 1))
    assert counts["finetune_further"] == 3 * 4 * 2 and counts["task_vector"] == 3 * 2
    # arms; test, dev and two kinds of evidence
    assert counts["transcribe_sweep"] == counts["score_sweep"] == 3 * 4 * 2 * 3 * 5
    assert counts["prepare"] == 18 and counts["pretrained"] == 1
    trainings = [line for line in printed.splitlines() if "python scripts/finetune.py" in line]
    for line in trainings:
        settings = settings_of(line)
        assert settings["trained"] == "decoder" and settings["labels"] == "sentence"
        assert (settings["epochs"], settings["max_steps"]) == (1, 0)  # of five samples of each text
        rate = 1e-6 if "-after-source" in line else 1e-5
        assert settings["learning_rate"] == pytest.approx(rate)
        assert "--encodings" not in line
    spoken = [line for line in printed.splitlines() if "python scripts/synthesize.py" in line]
    for split, samples in (("train", 5), ("dev", 1)):
        of_split = [line for line in spoken if f"/{split}.jsonl " in line.partition("--engine")[0]]
        assert len(of_split) >= 18 * 2
        assert all(f"--samples-per-text {samples} " in line for line in of_split)


def test_the_published_matrix_is_planned_with_the_published_settings(tmp_path):
    one_of_each = tmp_path / "published.yaml"
    experiment = yaml.safe_load((ROOT / "experiments/paper.yaml").read_text())
    experiment |= {"targets": ["music"], "seeds": [1]}
    experiment["base_models"] = {"whisper-small": experiment["base_models"]["whisper-small"]}
    one_of_each.write_text(json.dumps(experiment))
    printed = dry_run(copy_of_checkout(tmp_path), str(one_of_each))
    trainings = [line for line in printed.splitlines() if "python scripts/finetune.py" in line]
    mixed = [line for line in trainings if line.count("--train ") == 2]
    assert len(mixed) == 2  # TTS
    for line in trainings:
        settings = settings_of(line)
        steps, patience = (70_000, 100) if line in mixed else (40_000, 20)
        assert (settings["max_steps"], settings["patience"]) == (steps, patience)
        rate = 1e-6 if "-after-" in line else 1e-5
        assert settings["learning_rate"] == pytest.approx(rate)
        assert settings["weight_decay"] == 0.0
        assert settings["labels"] == "bare" and settings["trained"] == "all"


def everything() -> dict:
    """Return an experiment that uses what the tiny one does not: its files are nowhere."""
    names = (
        "conformer",
        "bark",
        "speecht5",
        "coqui",
        "arctic",
        "encoder",
        "noises",
        "rooms",
        "slurp",
        "writer",
    )
    source = {"checksum": "first-use", "sources": [{"path": "/nowhere"}]}
    recorded = {"corpus": "slurp", "artifact": "slurp", "microphone": "headset"}
    return {
        "name": "everything",
        "base_models": {
            "conformer": {"artifact": "conformer", "preset": "wav2vec2-conformer-large"},
            "small": {
                "artifact": "whisper-small",
                "preset": "whisper-small",
                "finetune": {"lora_rank": 8, "gpus": 2, "optimizer": "adamw8bit"}
                | {"gradient_checkpointing": True, "selected_on": "real"},
            },
        },
        "source": ["news", "play"],
        "targets": ["music"],
        "domains": {
            "news": recorded
            | {"scenario": "news", "augmentation": {"speed": {}, "copies": 2, "like_source": {}}},
            "play": recorded
            | {"scenario": "play", "augmentation": {"room": {"artifact": "rooms"}}},
            "music": recorded
            | {"scenario": "music"}
            | {"generate": {"artifact": "writer", "texts": 9, "prompt": "{Songs}"}}
            | {"select": {"texts": 99, "by": "unlike_source"}}
            | {"augmentation": {"noise": {"artifact": "noises", "snr": [5, 20]}, "telephone": {}}},
        },
        "tts": {
            "bark": {"engine": "bark", "artifact": "bark", "batch_size": 4, "precision": "fp16"},
            "arctic": {"engine": "speecht5", "artifact": "speecht5", "speakers": "arctic"},
            "own": {"engine": "speecht5", "artifact": "speecht5", "speakers": "source"}
            | {"speaker_encoder": "encoder"},
            "xtts": {"engine": "coqui", "artifact": "coqui", "language": "en"}
            | {"speed_range": [0.9, 1.1], "voices": ["Ana Florence", "Craig Gutsy"]},
        },
        "arms": ["pretrained+vector", "source-mixed->target-synthetic+vector", "target-real"],
        "task_vector": {"vectors": ["domains", "encoder", "domains-ties0.3", "encoder-lines"]}
        | {"vectors_on_pretrained": ["engines", "engines-tsv_m"]}
        | {"chosen_on": ["sources", "constant", "real", "bark"]},
        "forgetting": ["source", "news"],
        "artifacts": {name: {"licence": "MIT", "files": {"file": source}} for name in names},
    }


def test_every_command_that_the_config_can_give_is_one_that_its_script_understands(tmp_path):
    """Each stops at the first file that is missing; what argparse refuses shows the usage."""
    folder = copy_of_checkout(tmp_path)
    (folder / "everything.yaml").write_text(yaml.safe_dump(everything()))
    printed = dry_run(folder, "everything.yaml")
    commands: dict[tuple, str] = {}
    for line in printed.splitlines():
        if line.strip().startswith("python scripts/"):
            command = line.strip().rpartition(" >")[0].removesuffix(">")
            options = tuple(word for word in command.split() if word.startswith("--"))
            commands.setdefault((command.split()[1], *sorted(set(options))), command)
    assert {name.split("/")[1] for name, *_ in commands} >= {
        "augment.py", "channels.py", "finetune.py", "merge.py", "prepare.py", "synthesize.py",
        "task_vector.py", "transcribe.py", "xvectors.py",
    }  # fmt: skip
    for command in commands.values():
        if "fetch.py" not in command and "experiment.py" not in command:
            done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True)
            assert done.returncode == 2 and "usage:" not in done.stderr, command + done.stderr
            assert done.stderr.startswith("error: "), command + done.stderr
