"""The checked config, the names in file names, and what the rules' inputs depend on."""

import functools
import json
import re
import sys

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from code_version import code_version as hash_of_code
from errors import InputError
import experiment
import matrix

try:
    for path in workflow.configfiles:
        experiment.load_yaml(path)
    config = experiment.check(config)
except InputError as error:
    raise WorkflowError(str(error).replace("config:", f"{workflow.configfiles[-1]}:", 1))


pathvars:
    results=matrix.results_folder(config),
    logs=f"logs/{config['name']}",


SCRIPTS = Path(workflow.basedir) / "scripts"
RESULTS = matrix.results_folder(config)
NUMBER = r"\d+(?:\.\d+)?"
SCALES = [f"{scale:g}" for scale in config["task_vector"]["scaling_coefficients"]]
NOTHING = "(?!)"  # matches no wildcard
WITH_RECORDINGS = [
    name for name, domain in config["domains"].items() if not matrix.is_text_only(domain)
]
TEXT_ONLY = [name for name in config["domains"] if name not in WITH_RECORDINGS]
WITH_TEST_TEXTS = [
    name for name, domain in config["domains"].items() if matrix.has_test_texts(domain)
]
AUGMENTED = [name for name, domain in config["domains"].items() if domain.get("augmentation")]
TRAINING_TTS = matrix.training_tts(config)
GROUPS = sorted({matrix.source_group(config, target) for target in config["targets"]})


def one_of(names) -> str:
    """Return the pattern of a wildcard that has one of these values."""
    return "|".join(map(re.escape, names)) or NOTHING


TTS = one_of(config["tts"])
ANOTHER_SCALE = f"(?!(?:{one_of(SCALES)})/){NUMBER}"  # one that no sweep is asked for
GROUP = one_of([*GROUPS, *WITH_RECORDINGS])
TRAINING_DATA = f"(?:{one_of([*GROUPS, *config['domains']])})-(?:real|(?:mixed-)?(?:{TTS}))"


wildcard_constraints:
    artifact=one_of(config["artifacts"]),
    base=one_of(config["base_models"]),
    domain=one_of(config["domains"]),
    group=GROUP,
    speech=f"real|{TTS}",
    tts=TTS,
    split="train|dev|test",
    data=TRAINING_DATA,
    first=TRAINING_DATA,
    model=r"[^+/]+",
    vector=f"(?:each-)?(?:{GROUP})-(?:{TTS}|{matrix.ENGINES})",
    scale=NUMBER,
    seed=r"\d+",
    shard=r"\d+",
    shards=r"\d+",


@functools.cache
def code_version(script: str, *more: str) -> str:
    """Return the hash of a script's logic: as a parameter of a rule, it reruns what it touches."""
    return hash_of_code(SCRIPTS / script, *more)


def domain_declaration(wildcards) -> str:
    """Return a domain as ``prepare`` is told of it: what its speech goes through comes later."""
    domain = config["domains"][wildcards.domain]
    return json.dumps({k: v for k, v in domain.items() if k != "augmentation"}, sort_keys=True)


def base_model(wildcards) -> dict:
    """Return the config of a rule's base model."""
    return config["base_models"][wildcards.base]


def encodings_of(base: str) -> str:
    """Return the option that keeps the encoder's outputs, where all models share the encoder."""
    if config["base_models"][base]["finetune"]["trained"] != "decoder":
        return ""
    return f"--encodings {RESULTS}/encodings/{base}"


def encodings(wildcards) -> str:
    """Return the same for a rule's base model."""
    return encodings_of(wildcards.base)


def index_of(artifact: str) -> str:
    """Return the file that lists an artifact's fetched files."""
    return f"resources/{artifact}/files.json"


def environment_of_tts(wildcards) -> str:
    """Return the environment of a TTS engine: Coqui's has many packages that nothing else needs."""
    coqui = config["tts"][wildcards.tts]["engine"] == "coqui"
    return "../envs/coqui.yaml" if coqui else "../envs/syn2real.yaml"


def files_of_domain(wildcards) -> list[str]:
    """Return the files that a domain is made from: a fetched corpus, or the user's own."""
    domain = config["domains"][wildcards.domain]
    if "artifact" in domain:
        return [index_of(domain["artifact"])]
    named = [domain.get(key) for key in ("manifest", "texts", "test_texts")]
    return [path for path in [*named, *domain.get("splits", {}).values()] if path]


def corpus_folder(wildcards, input) -> list[str]:
    """Return prepare's option for the folder of a fetched corpus, if the domain has one."""
    if "artifact" not in config["domains"][wildcards.domain]:
        return []
    return ["--artifact", str(Path(input[0]).parent)]


def shards_of(name: str):
    """Return a function that gives the files called ``name`` of all shards of a split."""

    def shards(wildcards):
        count = config["tts"][wildcards.tts]["shards"] if wildcards.split == "train" else 1
        path = f"<results>/synthesized/{{domain}}/{{tts}}/{{split}}/{name}"
        return expand(path, **wildcards, shard=range(1, count + 1), shards=count)

    return shards


def checkpoint(model: str):
    """Return a function that gives a model's weights; the pretrained one has the seed 0 only."""

    def weights(wildcards):
        name = model.format(**wildcards)
        seed = 0 if name == matrix.PRETRAINED else wildcards.seed
        return f"<results>/models/{wildcards.base}/{name}/seed{seed}/model.safetensors"

    return weights


def repeated(flag: str, files: str):
    """Return a function that gives an option once for each file of a named input."""
    return lambda wildcards, input: [part for path in input[files] for part in (flag, path)]


def training_manifests(split: str):
    """Return a function that gives the manifests of a data set: one, or real and synthetic ones."""

    def manifests(wildcards):
        domain, speech = re.fullmatch(r"(.*?)-((?:mixed-)?[^-]*)", wildcards.data).groups()
        kinds = ["real", speech.removeprefix("mixed-")] if "mixed-" in speech else [speech]
        if split == "dev" and base_model(wildcards)["finetune"]["selected_on"] == "real":
            kinds = ["real"]
        return [f"<results>/manifests/{domain}/{kind}/{split}.jsonl" for kind in kinds]

    return manifests


def evaluations() -> list[dict]:
    """Return the experiment's matrix (see scripts/matrix.py)."""
    return list(matrix.evaluations(config))


def delivered_checkpoints() -> list[str]:
    """Return the adapted checkpoint of every base model and target."""
    return [
        f"<results>/models/{base}/{matrix.delivered(config, target, tts)}/seed{seed}"
        "/model.safetensors"
        for base in config["base_models"]
        for target in config["targets"]
        for tts in TRAINING_TTS
        for seed in config["seeds"]
    ]
