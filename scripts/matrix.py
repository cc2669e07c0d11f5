"""The matrix of an experiment: its arms, their names in file names, and what is evaluated on what.

Everything here takes a config that ``experiment.check`` has checked.
"""

from collections.abc import Iterator
from typing import NamedTuple

PRETRAINED = "pretrained"
VECTOR = "+vector"
CONTINUED = "source-mixed->target-synthetic"
COMPLEMENT = "complement"
ENGINES = "engines"
WHISPER_WINDOW = 30  # s, in which the pretrained model is decoded


def is_text_only(domain: dict) -> bool:
    """Say whether a domain has no recordings."""
    return "texts" in domain or domain.get("text_only", False)


def has_test_texts(domain: dict) -> bool:
    """Say whether a domain without recordings has texts to test on, spoken by held-out voices."""
    return "test_texts" in domain or domain.get("text_only", False)


def training_tts(config: dict) -> list[str]:
    """Return the names of the synthetic speech that arms are trained on."""
    return [name for name, tts in config["tts"].items() if not tts["held_out"]]


def test_speech(config: dict, target: str) -> list[str]:
    """Return what a target is tested on: its recordings, else held-out synthetic speech, if any."""
    if not is_text_only(config["domains"][target]):
        return ["real"]
    if not has_test_texts(config["domains"][target]):
        return []
    return [name for name, tts in config["tts"].items() if tts["held_out"]]


def source_group(config: dict, target: str) -> str:
    """Return the name of the source's pooled data: one for all targets, or one without each."""
    return f"except-{target}" if config["source"] == COMPLEMENT else "source"


def domains_of(config: dict, group: str) -> list[str]:
    """Return the domains that are pooled in a group."""
    if group == "source":
        return config["source"]
    left_out = group.removeprefix("except-")
    return [
        name
        for name, domain in config["domains"].items()
        if name != left_out and not is_text_only(domain)
    ]


def model_name(arm: str, target: str, tts: str | None, group: str) -> str:
    """Return the name under ``models/BASE/`` of an arm without its vector."""
    return {
        PRETRAINED: PRETRAINED,
        "source-real": f"{group}-real",
        "source-synthetic": f"{group}-{tts}",
        "source-mixed": f"{group}-mixed-{tts}",
        CONTINUED: f"{target}-{tts}-after-{group}-mixed-{tts}",
        "target-synthetic": f"{target}-{tts}",
        "target-real": f"{target}-real",
    }[arm]


def vector_name(kind: str, tts: str | None, group: str) -> str:
    """Return the name under ``task_vectors/BASE/`` of a task vector.

    ``pooled``: of all source domains together; ``domains``: the mean of one per source domain;
    ``engines``: the mean of the pooled ones of every TTS.
    """
    return {
        "pooled": f"{group}-{tts}",
        "domains": f"each-{group}-{tts}",
        "engines": f"{group}-{ENGINES}",
    }[kind]


def delivered(config: dict, target: str, tts: str) -> str:
    """Return the name under ``models/BASE/`` of the adapted checkpoint written for a target."""
    choice, group = config["task_vector"]["delivered"], source_group(config, target)
    model = model_name(choice["arm"], target, tts, group)
    return f"{model}+{vector_name('pooled', tts, group)}-tv{choice['scaling_coefficient']:g}"


def evaluations(config: dict) -> Iterator[dict]:
    """Yield every number of the experiment: which model is scored on which speech, and as what.

    This is the whole matrix. A target that can't be tested has its delivered checkpoint, whose
    ``score`` is null. The dev speech is where the scaling coefficient of a vector is chosen.
    """
    chosen_on = config["task_vector"]["chosen_on"]
    for base in config["base_models"]:
        for target in config["targets"]:
            speeches = test_speech(config, target)
            if not speeches:
                yield from deliveries(config, base, target)
            for speech in speeches:
                for arm in arms(config, target):
                    yield from evaluations_of(config, base, target, arm, speech, "test")
            for arm in arms(config, target) if speeches else ():
                if arm.scale is not None:
                    yield from evaluations_of(config, base, target, arm, chosen_on, "dev")


class Arm(NamedTuple):
    """A model of the matrix; the three last are null where they say nothing."""

    name: str
    tts: str | None
    vector: str | None
    scale: float | None


def arms(config: dict, target: str) -> Iterator[Arm]:
    """Yield the arms of a target: one that hears no TTS once, each vector with each coefficient."""
    choice, every_tts = config["task_vector"], training_tts(config)
    for name in config["arms"]:
        if name == "target-real" and is_text_only(config["domains"][target]):
            continue
        vectors = [None]
        if name.endswith(VECTOR):
            vectors = choice["vectors_on_pretrained" if PRETRAINED in name else "vectors"]
        hears_no_tts = name in (PRETRAINED, "source-real", "target-real")
        for vector in vectors:
            of_every_tts = name == PRETRAINED + VECTOR and vector == ENGINES
            for tts in [None] if hears_no_tts or of_every_tts else every_tts:
                for scale in choice["scaling_coefficients"] if vector else [None]:
                    yield Arm(name, tts, vector, scale)


def deliveries(config: dict, base: str, target: str) -> Iterator[dict]:
    """Yield the adapted checkpoints of a target that can't be tested."""
    choice = config["task_vector"]["delivered"]
    for tts in training_tts(config):
        arm = Arm(choice["arm"] + VECTOR, tts, "pooled", choice["scaling_coefficient"])
        yield from evaluations_of(config, base, target, arm, None, None)


def evaluations_of(
    config: dict, base: str, target: str, arm: Arm, speech: str | None, split: str | None
) -> Iterator[dict]:
    """Yield the evaluations of one model on one test or dev set, one for each seed.

    ``scaling_coefficient``, ``vector`` and ``vector_on`` are null without a vector; the pretrained
    model has seed 0 only.
    """
    results, group = results_folder(config), source_group(config, target)
    without = arm.name.removesuffix(VECTOR)
    model = model_name(without, target, arm.tts, group)
    added = ""
    if arm.vector:
        added = f"+{vector_name(arm.vector, arm.tts, group)}-tv{arm.scale:g}"
    written = model if split else model + added  # a vector is added while a model is transcribing
    for seed in [0] if arm.name == PRETRAINED else config["seeds"]:
        path = f"{base}/{model}{added}/seed{seed}/{target}/{speech}/{split}"
        seed_of_model = 0 if written == PRETRAINED else seed
        yield {
            "base": base,
            "target": target,
            "arm": arm.name,
            "tts": arm.tts,
            "model": f"{results}/models/{base}/{written}/seed{seed_of_model}",
            "scaling_coefficient": arm.scale,
            "vector": arm.vector,
            "vector_on": without if arm.vector else None,
            "speech": speech,
            "split": split,
            "seed": seed,
            "window": window_of(config, model),
            "manifest": f"{results}/manifests/{target}/{speech}/{split}.jsonl" if split else None,
            "hypotheses": f"{results}/hypotheses/{path}.jsonl" if split else None,
            "score": f"{results}/scores/{path}.json" if split else None,
            "target_recordings": target_recordings(config, base, without),
        }


def target_recordings(config: dict, base: str, arm: str) -> str:
    """Return for what the target's recordings served in making an arm (without its vector)."""
    if arm == "target-real":
        return "training"
    selected = config["base_models"][base]["finetune"]["selected_on"] == "real"
    return "model selection" if selected and arm in (CONTINUED, "target-synthetic") else "none"


def window_of(config: dict, model: str) -> float:
    """Return the audio window (s) in which a model is decoded; the pretrained one keeps its own."""
    return WHISPER_WINDOW if model == PRETRAINED else config["window"]


def results_folder(config: dict) -> str:
    """Return the folder of the experiment's files."""
    return f"results/{config['name']}"
