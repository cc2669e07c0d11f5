"""The matrix of an experiment: its arms, their names in file names, and what is evaluated on what.

Everything here takes a config that ``experiment.check`` has checked.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

PRETRAINED = "pretrained"
VECTOR = "+vector"
CONTINUED = "source-mixed->target-synthetic"
COMPLEMENT = "complement"
SOURCE = "source"
ENGINES = "engines"
CONSTANT, SOURCES, REAL = "constant", "sources", "real"  # what lambda is chosen on, besides a TTS
NUMBER = r"\d+(?:\.\d+)?"  # a scaling coefficient, as it stands in file names


def coefficient(scale: float) -> str:
    """Return a scaling coefficient as it stands in file names and tables: six digits at most.

    Raises ``ValueError`` for one that would be read there as another, or that is written 5e-05.
    """
    text = f"{scale:g}"
    if not re.fullmatch(NUMBER, text) or float(text) != scale:
        raise ValueError(
            f"{scale} would be {text} in file names; write it with six significant digits at most,"
            " 0 or between 0.0001 and 999999"
        )
    return text


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
    return f"except-{target}" if config["source"] == COMPLEMENT else SOURCE


def without(config: dict, group: str, domain: str) -> str:
    """Return the name of a group's data without one of its domains; of a single one, its own."""
    left = [name for name in domains_of(config, group) if name != domain]
    if len(left) == 1:
        return left[0]
    left_out = {domain, *left_out_of(group)}
    whole = [] if config["source"] == COMPLEMENT else [SOURCE]
    return "-".join(whole + [f"except-{name}" for name in config["domains"] if name in left_out])


def left_out_of(group: str) -> list[str]:
    """Return the domains that a group's name says are not in it."""
    return f"-{group}".split("-except-")[1:]


def domains_of(config: dict, group: str) -> list[str]:
    """Return the domains that are pooled in a group."""
    if group in config["domains"]:
        return [group]
    whole = config["source"]
    if whole == COMPLEMENT:
        whole = [name for name, domain in config["domains"].items() if not is_text_only(domain)]
    return [name for name in whole if name not in left_out_of(group)]


def groups(config: dict) -> list[str]:
    """Return the names of all source data: of each target, and without each of its domains."""
    found = {source_group(config, target) for target in config["targets"]}
    if SOURCES in config["task_vector"]["chosen_on"]:
        found |= {
            without(config, group, domain)
            for group in list(found)
            for domain in domains_of(config, group)
        }
    return sorted(found)


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
    scale = coefficient(choice["scaling_coefficient"])
    return f"{model}+{vector_name('pooled', tts, group)}-tv{scale}"


def evaluations(config: dict) -> Iterator[dict]:
    """Yield every number of the experiment: which model is scored on which speech, and as what.

    This is the whole matrix. A target that can't be tested has its delivered checkpoint, whose
    ``score`` is null.
    """
    for base in config["base_models"]:
        for target in config["targets"]:
            if not test_speech(config, target):
                yield from deliveries(config, base, target)
                continue
            for heard in heard_for(config, target):
                for arm in arms(config, target):
                    if arm.is_scored(heard.role):
                        yield from evaluations_of(config, base, target, arm, heard)


class Heard(NamedTuple):
    """Speech that a target's models are scored on, and the role of those numbers.

    ``test``: the table; ``dev``: the target's dev speech; ``nested``: dev recordings of a source
    domain that plays the target, whose models are trained without the target; on both a scaling
    coefficient may be chosen; ``forgetting``: test recordings of other domains.
    """

    role: str
    domain: str
    speech: str
    split: str


def heard_for(config: dict, target: str) -> Iterator[Heard]:
    """Yield all speech that models of a target are scored on."""
    group, text_only = source_group(config, target), is_text_only(config["domains"][target])
    for speech in test_speech(config, target):
        yield Heard("test", target, speech, "test")
    for choice in config["task_vector"]["chosen_on"]:
        if choice == SOURCES:
            for domain in domains_of(config, group):
                yield Heard("nested", domain, REAL, "dev")
        elif choice != CONSTANT and not (choice == REAL and text_only):
            yield Heard("dev", target, choice, "dev")
    for name in config["forgetting"]:
        if name != target:
            yield Heard("forgetting", group if name == SOURCE else name, REAL, "test")


class Arm(NamedTuple):
    """A model of the matrix; the three last are null where they say nothing."""

    name: str
    tts: str | None
    vector: str | None
    scale: float | None

    def is_scored(self, role: str) -> bool:
        """Say whether this arm has numbers of a role: only adapted models can forget."""
        if role == "forgetting":
            return self.name == PRETRAINED or "target" in self.name or self.vector is not None
        return role == "test" or self.vector is not None


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
        yield from evaluations_of(config, base, target, arm, None)


def evaluations_of(
    config: dict, base: str, target: str, arm: Arm, heard: Heard | None
) -> Iterator[dict]:
    """Yield the evaluations of one model on one set of speech (or none), one for each seed.

    ``scaling_coefficient`` and what is said of the vector are null without one; the pretrained
    model has seed 0 only.
    """
    results, adapted_to, group = results_folder(config), target, source_group(config, target)
    if heard and heard.role == "nested":
        adapted_to, group = heard.domain, without(config, group, heard.domain)
    on = arm.name.removesuffix(VECTOR)
    model = model_name(on, adapted_to, arm.tts, group)
    vector = vector_name(arm.vector, arm.tts, group) if arm.vector else None
    vectors = f"{results}/task_vectors/{base}/{vector}"
    added = f"+{vector}-tv{coefficient(arm.scale)}" if vector else ""
    written = model if heard else model + added  # a vector is added while a model is transcribing
    for seed in [0] if arm.name == PRETRAINED else config["seeds"]:
        if heard:
            place = f"{heard.domain}/{heard.speech}/{heard.split}"
            path = f"{base}/{model}{added}/seed{seed}/{place}"
        seed_of_model = 0 if written == PRETRAINED else seed
        yield {
            "role": heard and heard.role,
            "base": base,
            "target": target,
            "domain": heard and heard.domain,
            "kind": kind_of(config, group, heard) if heard else None,
            "arm": arm.name,
            "tts": arm.tts,
            "model": f"{results}/models/{base}/{written}/seed{seed_of_model}",
            "scaling_coefficient": arm.scale,
            "vector": arm.vector,
            "vector_path": vector and f"{vectors}/seed{seed}.safetensors",
            "vector_on": on if arm.vector else None,
            "speech": heard and heard.speech,
            "split": heard and heard.split,
            "seed": seed,
            "window": config["decoding_window"],  # of every arm
            "manifest": heard and f"{results}/manifests/{place}.jsonl",
            "hypotheses": heard and f"{results}/hypotheses/{path}.jsonl",
            "score": heard and f"{results}/scores/{path}.json",
            "target_recordings": target_recordings(config, base, on),
            "accepted_overlap": config["domains"][target].get("accepted_overlap", []),
        }


def kind_of(config: dict, group: str, heard: Heard) -> str:
    """Return what speech is to models of a source group: target, source, or out of domain."""
    if heard.role in ("test", "dev"):
        return "target"
    source = {group, *domains_of(config, group)}
    return "source" if heard.role == "nested" or heard.domain in source else "out of domain"


def target_recordings(config: dict, base: str, arm: str) -> str:
    """Return for what the target's recordings served in making an arm (without its vector)."""
    if arm == "target-real":
        return "training"
    selected = config["base_models"][base]["finetune"]["selected_on"] == "real"
    return "model selection" if selected and arm in (CONTINUED, "target-synthetic") else "none"


def results_folder(config: dict) -> str:
    """Return the folder of the experiment's files."""
    return f"results/{config['name']}"


TASK_VECTORS = {"pooled": "τ", "domains": "mean τ of domains", "engines": "mean τ of engines"}


def label(row: dict, with_tts: bool = False) -> str:
    """Return an arm's name as it is shown: with arrow, scaled vector and, if wanted, its TTS."""
    name = row["arm"].removesuffix(VECTOR).replace("->", "→")
    if row["scaling_coefficient"] is not None:
        name += f" + {row['scaling_coefficient']:g} {TASK_VECTORS[row['vector']]}"
    return f"{name} ({row['tts']})" if with_tts and row["tts"] else name
