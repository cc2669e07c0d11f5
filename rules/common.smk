"""The checked config, the names in file names, and what the rules' inputs depend on."""

import json
import re
import sys

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from code_version import code_version as hash_of_code
from errors import InputError
import experiment

try:
    for path in workflow.configfiles:
        experiment.load_yaml(path)
    config = experiment.check(config)
except InputError as error:
    raise WorkflowError(str(error).replace("config:", f"{workflow.configfiles[-1]}:", 1))


pathvars:
    results=experiment.results_folder(config),
    logs=f"logs/{config['name']}",


SCRIPTS = Path(workflow.basedir) / "scripts"
RESULTS = experiment.results_folder(config)
# The encoder's outputs are kept where all models share the encoder.
ENCODINGS = f"--encodings {RESULTS}/encodings" if config["finetune"]["trained"] == "decoder" else ""
NOTHING = "(?!)"  # matches no wildcard
WITH_RECORDINGS = [
    name for name, domain in config["domains"].items() if not experiment.is_text_only(domain)
]
TEXT_ONLY = [name for name in config["domains"] if name not in WITH_RECORDINGS]
HEARD = [*config["source"], *config["targets"]]  # domains in the report's audio players
HEARD_REAL = [name for name in HEARD if name in WITH_RECORDINGS]
TTS = "|".join(config["tts"])
TRAINING_DATA = f"(?:source|{'|'.join(config['domains'])})-(?:real|(?:mixed-)?(?:{TTS}))"


wildcard_constraints:
    artifact="|".join(map(re.escape, config["artifacts"])),
    domain="|".join(config["domains"]),
    speech=f"real|{TTS}",
    tts=TTS,
    split="train|dev|test",
    data=TRAINING_DATA,
    first=TRAINING_DATA,
    model=r"[^+/]+",
    scale=r"\d+(?:\.\d+)?",
    seed=r"\d+",
    shard=r"\d+",
    shards=r"\d+",


def code_version(script: str) -> str:
    """Return the hash of a script's logic: as a parameter of a rule, it reruns what it touches."""
    return hash_of_code(SCRIPTS / script)


def declaration(section: str, wildcard: str):
    """Return a function that gives one entry of the config, as JSON, for a rule's wildcard."""
    return lambda wildcards: json.dumps(
        config[section][getattr(wildcards, wildcard)], sort_keys=True
    )


def files_of_domain(wildcards) -> list[str]:
    """Return the files that a domain is made from: a fetched corpus, or the user's own."""
    domain = config["domains"][wildcards.domain]
    if "artifact" in domain:
        return [f"resources/{domain['artifact']}/files.json"]
    named = [domain.get("manifest"), domain.get("texts"), *domain.get("splits", {}).values()]
    return [path for path in named if path]


def corpus_folder(wildcards, input) -> list[str]:
    """Return prepare's option for the folder of a fetched corpus, if the domain has one."""
    if "artifact" not in config["domains"][wildcards.domain]:
        return []
    return ["--artifact", str(Path(input[0]).parent)]


def files_of_tts(wildcards) -> str:
    """Return the checksums of the files that a TTS engine loads."""
    return f"resources/{config['tts'][wildcards.tts]['artifact']}/files.json"


def shards_of(name: str):
    """Return a function that gives the files called ``name`` of all shards of a split."""

    def shards(wildcards):
        count = config["tts"][wildcards.tts]["shards"] if wildcards.split == "train" else 1
        path = f"<results>/synthesized/{{domain}}/{{tts}}/{{split}}/{name}"
        return expand(path, **wildcards, shard=range(1, count + 1), shards=count)

    return shards


def vector_of_model(wildcards) -> str:
    """Return the task vector that fits a model: the one of the TTS whose speech it was trained on."""
    tts = re.fullmatch(rf".*?-({TTS})(?:-after-.*)?", wildcards.model).group(1)
    return f"<results>/task_vectors/source-{tts}/seed{wildcards.seed}.safetensors"


def repeated(flag: str, files: str):
    """Return a function that gives an option once for each file of a named input."""
    return lambda wildcards, input: [part for path in input[files] for part in (flag, path)]


def training_manifests(split: str):
    """Return a function that gives the manifests of a data set: one, or real and synthetic ones."""

    def manifests(wildcards):
        domain, speech = wildcards.data.split("-", 1)
        kinds = ["real", speech.removeprefix("mixed-")] if "mixed-" in speech else [speech]
        return [f"<results>/manifests/{domain}/{kind}/{split}.jsonl" for kind in kinds]

    return manifests


def evaluations() -> list[dict]:
    """Return the experiment's matrix (see scripts/experiment.py)."""
    return list(experiment.evaluations(config))


def delivered_checkpoints() -> list[str]:
    """Return the adapted checkpoint of every target."""
    return [
        f"<results>/models/{experiment.delivered(config, target, tts)}/seed{seed}/model.safetensors"
        for target in config["targets"]
        for tts in config["tts"]
        for seed in config["seeds"]
    ]
