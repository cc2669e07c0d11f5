"""What the rules make of the config: its texts reach the shell and Snakemake as texts."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from conftest import ROOT
from domains.domain import parse_declaration

HOSTILE = "a $(touch PWNED) `touch PWNED`; {wildcards} {base} 'x' \"y\" <results> *"
EXPERIMENT = {
    "name": "hostile",
    "base_models": {"tiny": {"artifact": "whisper-tiny.en"}},
    "window": 5,
    "source": ["own"],
    "targets": ["leaflet", "shop"],
    "domains": {
        "own": {"manifest": "own; touch PWNED.jsonl", "licence": HOSTILE, "forbids": HOSTILE},
        "leaflet": {"texts": "$(touch PWNED) 'leaflet'.txt"},
        "shop": {"manifest": "*.jsonl"},
    },
    "tts": {"hibari": {"engine": "kokoro", "artifact": "mine", "voices": [HOSTILE, "b c"]}},
    "finetune": {"learning_rate": 1e-3, "epochs": 1, "trained": "decoder"},
    "artifacts": {
        "mine": {
            "licence": HOSTILE,
            "files": {
                "a b": {"checksum": "first-use", "sources": [{"path": HOSTILE}]},
            },
        }
    },
}


def shell_blocks() -> list[tuple[str, str]]:
    """Return file and text of every shell command of the rules."""
    blocks = []
    for path in sorted((ROOT / "rules").glob("*.smk")):
        text = path.read_text()
        found = re.findall(r'\bshell:\s*"""(.*?)"""', text, re.DOTALL)
        assert len(found) == len(re.findall(r"\bshell\b", text)), f"{path}: shell of another form"
        assert not re.search(r"(?m)^ +(run|script|notebook|wrapper):|\bshell\(", text), path
        blocks += [(path.name, block) for block in found]
    return blocks


def test_whatever_a_rule_puts_into_a_shell_command_is_quoted():
    """Numbers and Snakemake's own threads and resources too: nobody must know which is which."""
    blocks = shell_blocks()
    assert len(blocks) > 15
    fields = [(file, field) for file, block in blocks for field in re.findall(r"\{.*?\}", block)]
    assert len(fields) > 100
    assert [each for each in fields if not each[1].endswith(":q}")] == []


def test_a_substitution_in_double_quotes_takes_a_quoted_path_with_spaces_whole(tmp_path):
    """In "$(dirname {input:q})" the quotes within the parentheses are not those around them."""
    path = tmp_path / "a  b $(touch PWNED)/it's/model"
    command = f'printf %s "$(dirname {shlex.quote(str(path))})"'
    printed = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert printed.stdout == str(path.parent) and not (tmp_path / "PWNED").exists()
    around = {"dirname {input:q}", "dirname {input.checkpoint:q}", "dirname {output.weights:q}"}
    around |= {"dirname {input.weights:q}", "dirname {input.encoder:q}"}
    inside = {each for _, block in shell_blocks() for each in re.findall(r'"\$\((.*?)\)"', block)}
    assert inside <= around
    rest = "".join(re.sub(r'"\$\(.*?\)"', "", block) for _, block in shell_blocks())
    assert '"' not in rest and "`" not in rest and "$" not in rest


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return the workflow in a folder of its own, with the hostile experiment's files."""
    folder = tmp_path_factory.mktemp("workflow")
    for name in ("scripts", "rules", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", folder)
    for domain in EXPERIMENT["domains"].values():
        (folder / domain.get("manifest", domain.get("texts"))).write_text("Open the door.\n")
    return folder


def dry_run(folder: Path, experiment: dict | str, *options: str) -> subprocess.CompletedProcess:
    text = experiment if isinstance(experiment, str) else yaml.safe_dump(experiment)
    (folder / "experiment.yaml").write_text(text)
    command = ["snakemake", "--dry-run", "--printshellcmds", "--configfile", "experiment.yaml"]
    return subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True)


def test_commands_braces_and_quotes_in_the_config_reach_no_shell_and_no_format(folder):
    done = dry_run(folder, EXPERIMENT)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    commands = [line for line in done.stdout.splitlines() if line.strip().startswith("python ")]
    words = {word for line in commands for word in shlex.split(line)}
    assert {HOSTILE, "b c"} <= words  # the voices
    assert sum(HOSTILE.replace('"', r"\"") in word for word in words) >= 3  # JSON
    assert {"--encodings", "--task-vector", "--scaling-coefficient"} <= words
    assert "results/hostile/encodings/tiny" in words
    assert any("--tensorboard= " in line for line in commands)  # none, unless it is switched on
    assert not any(word.startswith("--") and " " in word for word in words)
    for line in commands:  # outside of quotes nothing is left to the shell
        inside = re.sub(r"'[^']*'|\"\$\(dirname [^()$`;]*\)\"", "", line.replace("'\"'\"'", ""))
        assert not re.search(r"[$`;*<(]", inside), line


def test_what_leads_a_decoder_is_made_of_the_targets_training_texts_and_strength_is_said(folder):
    arms = ["pretrained", "pretrained+terms", "pretrained+lm", "target-synthetic+terms+lm"]
    done = dry_run(folder, EXPERIMENT | {"arms": arms, "decoding": {"terms_bonus": 1.5}})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    options: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        if "python scripts/transcribe.py" in line and "+shop-" in line:
            words = shlex.split(line)
            name = words[words.index("--output") + 1].split("/")[4]
            options[name] = words[4 : words.index("--manifest")]
    terms = ["--terms", "results/hostile/key_terms/shop/hibari.jsonl", "--terms-bonus", "1.5"]
    texts = ["--texts", "results/hostile/texts/shop/train.jsonl", "--texts-weight", "0.1"]
    assert options == {
        "pretrained+shop-terms": terms,
        "pretrained+shop-lm": texts,
        "shop-hibari+shop-terms-lm": terms + texts,
    }
    made = [line for line in done.stdout.splitlines() if "python scripts/key_terms.py" in line]
    (line,) = [line for line in made if "key_terms/shop/" in line]
    shards = re.findall(r"results/hostile/(\S+)", line)
    assert {shard.rpartition("/")[0] for shard in shards[:-2]} == {"synthesized/shop/hibari/train"}
    assert "key_terms/shop/hibari.jsonl" in shards


def test_an_arm_that_adapts_is_transcribed_one_by_one_and_keeps_no_encodings(folder):
    arms = ["pretrained", "pretrained+entropy", "target-synthetic+pseudo_labels"]
    done = dry_run(folder, EXPERIMENT | {"arms": arms})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    lines = [line for line in done.stdout.splitlines() if "python scripts/transcribe.py" in line]
    told = {}
    for words in map(shlex.split, lines):
        if "--adapt" in words:
            option = dict(zip(words, words[1:], strict=False))
            told[option["--output"].split("/")[4]] = option["--adapt"], option["--batch-size"]
            assert "--encodings" not in words
    assert told == {
        "pretrained+entropy": ("entropy", "1"),
        "shop-hibari+pseudo_labels": ("pseudo_labels", "1"),
    }


def test_how_words_are_said_is_told_to_every_synthesis_of_its_domain_alone(folder):
    said = "$(touch PWNED) said.tsv"
    (folder / said).write_text("door\tdaw\n")
    leaflet = EXPERIMENT["domains"]["leaflet"] | {"pronunciations": said}
    done = dry_run(folder, EXPERIMENT | {"domains": EXPERIMENT["domains"] | {"leaflet": leaflet}})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    lines = [line for line in done.stdout.splitlines() if "python scripts/synthesize.py" in line]
    told = [words for words in map(shlex.split, lines) if said in words]
    assert 0 < len(told) < len(lines)
    assert {words[words.index("--pronunciations") + 1] for words in told} == {said}
    texts = {words[words.index("--texts") + 1] for words in told}
    assert texts == {f"results/hostile/texts/leaflet/{split}.jsonl" for split in ("train", "dev")}
    assert said not in "".join(line for line in done.stdout.splitlines() if "prepare.py" in line)


def test_texts_are_written_and_selected_for_training_alone_and_of_one_domain(folder):
    written = {"artifact": "mine", "texts": 40, "prompt": HOSTILE}
    shop = EXPERIMENT["domains"]["shop"] | {"generate": written}
    shop |= {"select": {"texts": 30, "by": "unlike_source"}}
    done = dry_run(folder, EXPERIMENT | {"domains": EXPERIMENT["domains"] | {"shop": shop}})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    options: dict[str, list[dict]] = {}
    for words in map(shlex.split, done.stdout.splitlines()):
        if words[:1] == ["python"]:
            given = dict(zip(words, words[1:], strict=False))
            options.setdefault(words[1], []).append(given | {"words": words})
    (writing,) = options["scripts/write_texts.py"]
    texts = "results/hostile/texts/shop"
    assert (writing["--texts"], writing["--output"]) == (
        f"{texts}/train.jsonl",
        f"{texts}/written.jsonl",
    )
    assert writing["--apart"] == f"{texts}/dev.jsonl"
    assert "results/hostile/manifests/shop/real/test.jsonl" in writing["words"]
    assert f"--prompt={HOSTILE}" in writing["words"] and writing["--number"] == "40"
    (selecting,) = options["scripts/select_texts.py"]
    assert selecting["--texts"] == f"{texts}/written.jsonl"
    assert selecting["--source"] == "results/hostile/texts/own/train.jsonl"
    assert (selecting["--number"], selecting["--by"]) == ("30", "unlike_source")
    spoken = {each["--texts"] for each in options["scripts/synthesize.py"]}
    others = {f"results/hostile/texts/{name}" for name in ("own", "leaflet")}
    assert spoken == {f"{texts}/selected.jsonl", f"{texts}/dev.jsonl"} | {
        f"{other}/{split}.jsonl" for other in others for split in ("train", "dev")
    }
    declared = [each["--declaration"] for each in options["scripts/prepare.py"]]
    assert not any("select" in each or "generate" in each for each in declared)


def test_a_model_that_is_led_is_delivered_with_what_led_it_in_the_test(folder):
    arms = {"arms": ["pretrained", "pretrained+lm", "target-synthetic+terms+lm"]}
    models = "results/hostile/models/tiny"
    names = ("pretrained+shop-lm/seed0", "shop-hibari+shop-terms-lm/seed1")
    cards = [f"{models}/{name}/README.md" for name in names]
    changes = arms | {"decoding": {"texts_weight": 0.2}, "guard_repetition": True}
    done = dry_run(folder, EXPERIMENT | changes, "--nolock", *cards)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    lines = [shlex.split(line) for line in done.stdout.splitlines() if "scripts/deliver.py" in line]
    told = {words[words.index("--output") + 1]: words for words in lines}
    texts = ["--texts", "results/hostile/texts/shop/train.jsonl", "--texts-weight", "0.2"]
    terms = ["--terms", "results/hostile/key_terms/shop/hibari.jsonl", "--terms-bonus", "1"]
    for name, led in zip(names, (texts, terms + texts), strict=True):
        words = told[f"{models}/{name}/model.safetensors"]
        checkpoint = f"{models}/{re.sub(r'[+][^/]*', '', name)}/model.safetensors"
        assert words[2 : words.index("--window")] == ["--checkpoint", checkpoint, *led]
        assert "--guard-repetition" in words


def test_untranscribed_recordings_are_heard_by_the_judge_and_by_all_candidates(folder):
    place = "$(touch PWNED) 'calls'"
    (folder / place).mkdir()
    (folder / place / "{call}.wav").touch()
    shop = EXPERIMENT["domains"]["shop"] | {"untranscribed": place, "licence": "own"}
    changes = {"judge": "whisper-base.en", "domains": EXPERIMENT["domains"] | {"shop": shop}}
    done = dry_run(folder, EXPERIMENT | changes)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    results = "results/hostile"
    commands = [shlex.split(line) for line in done.stdout.splitlines() if "python scripts/" in line]
    options = [(words[1], dict(zip(words, words[1:], strict=False))) for words in commands]
    (told,) = (each["--declaration"] for script, each in options if "collect" in script)
    told = json.loads(told)
    assert (told["recordings"], told["licence"], "manifest" in told) == (place, "own", False)
    assert "touch PWNED" not in "".join(
        each["--declaration"] for script, each in options if "prepare" in script
        and each["--domain"] == "shop"
    )  # fmt: skip
    heard = [each for script, each in options if "transcribe" in script]
    (judge,) = (
        each for each in heard if each["--model"] == f"$(dirname {results}/judge/model.safetensors)"
    )
    assert judge["--manifest"] == f"{results}/untranscribed/shop.jsonl"
    assert judge["--window"] == "30" and "--encodings" not in judge
    manifest = f"{results}/manifests/shop/real-untranscribed/dev.jsonl"
    by_candidates = [each for each in heard if each["--manifest"] == manifest]
    agreed = [each for script, each in options if "agree" in script]
    assert {each["--texts"] for each in agreed} == {f"{results}/texts/shop/train.jsonl"}
    assert {each["--references"] for each in agreed} == {manifest}
    assert len(agreed) == len(by_candidates) == 5
    scored = [each["--references"] for script, each in options if script.endswith("/score.py")]
    assert manifest not in scored


def options_of(done: subprocess.CompletedProcess, script: str) -> list[dict[str, str]]:
    """Return the options of every command that a dry run prints of a script."""
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    commands = [shlex.split(line) for line in done.stdout.splitlines() if "python scripts/" in line]
    return [
        dict(zip(words, words[1:], strict=False))
        for words in commands
        if words[1] == f"scripts/{script}"
    ]


def test_pseudo_labels_are_what_the_base_model_heard_and_are_learnt_with_them_alone(folder):
    arms = ["pretrained", "target-pseudo", "target-pseudo+vector"]
    changes = {"arms": arms, "pseudo_labels": {"min_log_probability": -0.7}}
    done = dry_run(folder, EXPERIMENT | changes)
    results, pretrained = "results/hostile", "$(dirname {}/models/tiny/pretrained/seed0/model.safet"
    labels = options_of(done, "label.py")
    assert {each["--min-log-probability"] for each in labels} == {"-0.7"}
    places = {f"{domain}/pseudo-tiny/{s}" for domain in ("own", "shop") for s in ("train", "dev")}
    assert {each["--output"] for each in labels} == {
        f"{results}/manifests/{place}.jsonl" for place in places
    }
    heard = [each["--hypotheses"] for each in labels]
    judged = [each for each in options_of(done, "transcribe.py") if each["--output"] in heard]
    assert all(each["--model"].startswith(pretrained.format(results)) for each in judged)
    assert all("--log-probability" in each and each["--window"] == "30" for each in judged)
    assert {each["--manifest"] for each in judged} == {each["--manifest"] for each in labels}
    learnt = {each["--output"]: each["--train"] for each in options_of(done, "finetune.py")}
    assert {re.search(r"models/tiny/(.*?)/", name)[1]: path for name, path in learnt.items()} == {
        "source-real": f"{results}/manifests/source/real/train.jsonl",
        "source-pseudo": f"{results}/manifests/source/pseudo-tiny/train.jsonl",
        "shop-pseudo": f"{results}/manifests/shop/pseudo-tiny/train.jsonl",
    }
    (vector,) = options_of(done, "task_vector.py")
    assert vector["--real"] == f"{results}/models/tiny/source-real/seed1/model.safetensors"
    assert vector["--synthetic"] == f"{results}/models/tiny/source-pseudo/seed1/model.safetensors"


def test_each_cluster_of_speakers_has_its_utterances_two_trainings_and_a_vector(folder):
    changes = {"arms": ["pretrained", "target-pseudo+vector"], "targets": ["shop"]}
    changes["task_vector"] = {"vectors_on_pseudo": ["clusters2"]}
    done = dry_run(folder, EXPERIMENT | changes)
    manifests = "results/hostile/manifests"
    kept = {each["--output"]: each for each in options_of(done, "cluster.py")}
    assert kept.keys() == {
        f"{manifests}/source-cluster-{n}of2/{speech}/train.jsonl"
        for n in (1, 2)
        for speech in ("real", "pseudo-tiny")
    }
    second = kept[f"{manifests}/source-cluster-2of2/pseudo-tiny/train.jsonl"]
    assert (second["--clusters"], second["--cluster"]) == ("2", "2")
    assert second["--manifest"] == f"{manifests}/source/pseudo-tiny/train.jsonl"
    (encoded,) = options_of(done, "xvectors.py")
    assert encoded["--manifest"] == f"{manifests}/source/real/train.jsonl"
    assert encoded["--output"] == second["--speakers"]
    learnt = {each["--train"]: each["--dev"] for each in options_of(done, "finetune.py")}
    assert learnt[second["--output"]] == f"{manifests}/source/pseudo-tiny/dev.jsonl"
    assert learnt.keys() == kept.keys() | {f"{manifests}/shop/pseudo-tiny/train.jsonl"}
    vectors = [each["--output"].split("/")[-2] for each in options_of(done, "task_vector.py")]
    assert sorted(vectors) == [
        "clusters-2-source-pseudo",
        "source-cluster-1of2-pseudo",
        "source-cluster-2of2-pseudo",
    ]


@pytest.mark.parametrize(
    ("judge", "parts"),
    [
        ({}, {"train": "0", "dev": "0"}),
        ({"judge": "whisper-base.en"}, {"verdict": "0.5", "train": "0.5", "dev": "0.5"}),
    ],
)
def test_untranscribed_recordings_are_learnt_from_but_for_the_half_that_a_judge_hears(
    folder, judge, parts
):
    (folder / "calls").mkdir(exist_ok=True)
    (folder / "calls/one.wav").touch()
    leaflet = EXPERIMENT["domains"]["leaflet"]
    leaflet = leaflet | {"test_manifest": "*.jsonl", "untranscribed": "calls"}
    changes = judge | {"domains": EXPERIMENT["domains"] | {"leaflet": leaflet}}
    changes |= {"targets": ["leaflet"], "arms": ["pretrained", "target-pseudo"]}
    changes["task_vector"] = {"chosen_on": ["hibari"]}
    done = dry_run(folder, EXPERIMENT | changes)
    collected = options_of(done, "collect.py")
    assert {each.get("--part", "verdict"): each["--share"] for each in collected} == parts
    longest = {
        each.get("--part", "verdict"): json.loads(each["--declaration"]).get("max_duration")
        for each in collected
    }
    assert longest == {"train": 5, "dev": 5} | ({"verdict": None} if judge else {})
    to_learn = {each["--output"] for each in collected if "--part" in each}
    labels = options_of(done, "label.py")
    of_base = {each["--manifest"] for each in labels if "--min-log-probability" in each}
    assert of_base == to_learn == {
        f"results/hostile/untranscribed/leaflet-{split}.jsonl" for split in ("train", "dev")
    }  # fmt: skip


def test_prepare_is_told_of_a_domain_what_it_takes(folder):
    kept_for_later = {"accepted_overlap": ["speakers"], "augmentation": {"telephone": {}}}
    own = EXPERIMENT["domains"]["own"] | kept_for_later
    done = dry_run(folder, EXPERIMENT | {"domains": EXPERIMENT["domains"] | {"own": own}})
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line for line in done.stdout.splitlines() if "scripts/prepare.py" in line]
    declared = {}
    for words in map(shlex.split, lines):
        given = words[words.index("--declaration") + 1]
        declared[words[words.index("--domain") + 1]] = parse_declaration(given, "en")
    assert declared["own"].manifest == own["manifest"] and len(declared) == 3


def test_dev_speech_has_the_voices_and_the_augmentation_that_are_held_out(folder):
    voices = {"voices": ["heart", "heart_boy", "heart_bass"], "dev_voices": ["heart_bass"]}
    voices |= {"samples_per_text": 3, "dev_samples_per_text": 2}
    shop = {"augmentation": {"telephone": {}, "dev": {"noise": {"snr": [5, 9]}}}}
    changes = {
        "domains": EXPERIMENT["domains"] | {"shop": EXPERIMENT["domains"]["shop"] | shop},
        "tts": {"hibari": EXPERIMENT["tts"]["hibari"] | voices},
    }
    done = dry_run(folder, EXPERIMENT | changes)
    assert done.returncode == 0, done.stderr[-2000:]
    spoken, augmented = {}, {}
    for words in map(shlex.split, done.stdout.splitlines()):
        options = dict(zip(words, words[1:], strict=False))
        if "scripts/synthesize.py" in words and "/shop/" in options["--output"]:
            at, end = words.index("--voices"), words.index("--samples-per-text")
            spoken[options["--output"].split("/")[5]] = words[at + 1 : end], words[end + 1]
        if "scripts/augment.py" in words:
            augmented[Path(options["--output"]).stem] = json.loads(options["--settings"])
    assert spoken == {"train": (["heart", "heart_boy"], "3"), "dev": (["heart_bass"], "2")}
    assert augmented == {"train": {"telephone": {}}, "dev": {"noise": {"snr": [5, 9]}}}


def test_synthetic_speech_is_made_like_recordings_of_the_source_and_measured_once(folder):
    domains = {
        name: domain | {"augmentation": {"like_source": {"probability": 0.5}}}
        for name, domain in EXPERIMENT["domains"].items()
    }
    done = dry_run(folder, EXPERIMENT | {"domains": domains})
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [shlex.split(line) for line in done.stdout.splitlines() if "python scripts/" in line]
    measured, laid = {}, {}
    for words in lines:
        option = dict(zip(words, words[1:], strict=False))
        if "scripts/channels.py" in words:
            measured[option["--output"]] = option["--manifest"]
        if "scripts/augment.py" in words:
            laid[option["--manifest"].split("/")[3]] = option["--channels"]
            assert option["--settings"] == '{"like_source": {"probability": 0.5}}'
    own, source = (f"results/hostile/channels/{name}.jsonl" for name in ("own", "source"))
    assert laid == {"own": own, "leaflet": source, "shop": source}
    assert measured == {
        own: "results/hostile/manifests/own/real/train.jsonl",
        source: "results/hostile/manifests/source/real/train.jsonl",
    }


def inputs_of_prepare(folder: Path, domains: dict) -> tuple[dict[str, list[str]], str]:
    """Return the input files of each domain's preparation, and all that was printed."""
    done = dry_run(folder, EXPERIMENT | {"domains": EXPERIMENT["domains"] | domains})
    jobs = re.findall(
        r"(?m)^rule prepare\w*:\n    input: (.*)\n(?:.*\n)*?    log: \S*?(\w+)\.log", done.stdout
    )
    return {name: sorted(files.split(", ")) for files, name in jobs}, done.stdout + done.stderr


def test_the_files_of_a_folder_and_a_column_are_what_prepare_depends_on(folder):
    own, data = folder / "own", folder / "data"
    for path in (own, data):
        path.mkdir()
    for name in ("wav.scp", "text", "utt2spk", "spk2utt"):
        (own / name).write_text("a b\n")
    (data / "train-00000-of-00001.parquet").touch()
    (folder / "leaflet.csv").write_text("n;Satz\n1;Open the door.\n")
    domains = {
        "own": {"manifest": "own"},
        "shop": {"splits": {"train": "data/train", "test": "own"}, "column": "text"},
        "leaflet": {"texts": "leaflet.csv", "column": "Satz"},
    }
    inputs, _ = inputs_of_prepare(folder, domains)
    kaldi = ["own/text", "own/utt2spk", "own/wav.scp"]
    assert inputs == {
        "own": kaldi,
        "shop": ["data/train-00000-of-00001.parquet", *kaldi],
        "leaflet": ["leaflet.csv"],
    }
    fetched = {"shop": {"manifest": "calls", "artifact": "mine"}}
    assert inputs_of_prepare(folder, fetched)[0]["shop"] == ["resources/mine/files.json"]
    for changed, message in (
        ({"leaflet": {"texts": "leaflet.csv", "column": "Sats"}}, "did you mean 'Satz'? there are"),
        (
            {"shop": {"manifest": "owner/calls"}},
            "shop.manifest: owner/calls: no such file or folder; a data",
        ),
    ):
        inputs, told = inputs_of_prepare(folder, domains | changed)
        assert inputs == {} and message in told and "Traceback" not in told


def trainings(folder: Path, arms: tuple[str, ...] = (), **finetune: object) -> dict[str, list[str]]:
    """Return the words of every training's command by its output, but for resources."""
    settings = {"finetune": EXPERIMENT["finetune"] | finetune}
    done = dry_run(folder, EXPERIMENT | settings | ({"arms": list(arms)} if arms else {}))
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line for line in done.stdout.splitlines() if "scripts/finetune.py" in line]
    commands = {}
    for words in map(shlex.split, lines):
        for of_resources in ("--processes", "--threads"):
            at = words.index(of_resources)
            del words[at : at + 2]
        commands[words[words.index("--output") + 1]] = words
    return commands


def test_a_training_reruns_for_what_changes_its_result_and_for_nothing_else(folder):
    """Snakemake reruns a job whose parameters, all of them in its command, are others."""
    before = trainings(folder)
    mixed = {output for output in before if "source-mixed-hibari/" in output}
    further = {output for output in before if "-after-" in output}
    assert (len(before), len(mixed - further), len(further)) == (8, 1, 2)
    assert trainings(folder, gpus=2) == before

    def changed(**finetune: object) -> set[str]:
        after = trainings(folder, **finetune)
        assert after.keys() == before.keys()
        return {output for output in before if after[output] != before[output]}

    assert changed(mixed={"patience": 9}) == mixed - further
    assert changed(continued_learning_rate_factor=0.2) == further
    assert changed(learning_rate=2e-3) == before.keys()
    assert changed(ewc_weight=0, ia3=False, replay=0.5) == set()  # nothing is replayed
    assert changed(ewc_weight=2) == {output for output in before if "/source-" not in output}


def test_what_is_replayed_and_held_to_is_told_to_the_trainings_that_do_so(folder):
    arms = ("source-real", "target-synthetic", "source-real+target-synthetic")
    arms += ("source-synthetic+target-synthetic",)
    manifests = "results/hostile/manifests"
    plain, told = trainings(folder, arms), trainings(folder, arms, ewc_weight=2, replay=0.5)
    replayed = {}
    for output, words in told.items():
        settings = json.loads(words[words.index("--settings") + 1])
        assert (
            ("ewc_weight" in settings) == ("--fisher" in words) == ("/source-real/" not in output)
        )
        assert ("replay" in settings) == ("--replayed" in words) == ("-with-" in output)
        assert {"ewc_weight", "replay"} & settings.keys() == {
            key for key, flag in (("ewc_weight", "--fisher"), ("replay", "--replayed"))
            if flag in words
        }  # fmt: skip
        if "--fisher" in words:
            assert words[words.index("--fisher") + 1] == f"{manifests}/source/real/train.jsonl"
        if "--replayed" in words:
            path = words[words.index("--replayed") + 1]
            replayed[output.split("/")[4]] = path.removeprefix(f"{manifests}/source/")
            assert plain[output].count("--train") == 2 and path in plain[output]
            assert words.count("--train") == 1
    assert replayed == {
        f"{target}-hibari-with-source{speech}": f"{kind}/train.jsonl"
        for target in ("shop", "leaflet")
        for speech, kind in (("", "real"), ("-hibari", "hibari"))
    }


def test_rules_that_inherit_say_nothing_again():
    """Snakemake merges the parameters of ``use rule ... with``; code may be a method's."""
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for block in re.findall(r"(?ms)^use rule .*?(?=^\S|\Z)", path.read_text()):
            params = block.partition("    params:\n")[2]
            assert "code=code_version" not in params, block
