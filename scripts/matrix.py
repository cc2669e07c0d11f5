"""The matrix of an experiment: its arms, and what is evaluated on what.

Everything here takes a config that ``configs.reading`` has completed and checked.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from adaptations import TEST_TIME
from arms import CANDIDATES, aids_of, model_of, vector_of
from evaluation import (
    OF_SPEECH,
    VECTOR,
    WITHOUT_TRANSCRIPTS,
    Evaluation,
    ScoredEvaluation,
    ScoredSpeech,
    adaptation_of,
    clusters_of,
    has_aids,
    without_aids,
)
from groups import SOURCE, Cluster
from methods import parts_of
from paths import (
    ENGINES,
    PRETRAINED,
    PSEUDO,
    REAL,
    Aids,
    Checkpoint,
    Manifest,
    Model,
)
from places import Hypotheses, KeyTermsFile, Score, TrainingTexts, VectorFile
from roles import (
    CONSTANT,
    JUDGED,
    SELF_TRAINED,
    SOURCES,
    UNTRANSCRIBED,
    arms_of,
    domains_of,
    evidence_tts,
    groups,
    is_pseudo,
    is_run,
    is_text_only,
    source_group,
    test_speech,
    training_tts,
    without,
)


def files_of_aids(config: dict, aids: Aids | None) -> dict[str, list[str]]:
    """Return the files of ``terms`` and of ``texts``, each a list that is empty without.

    Key terms are what the filter's judge missed in the speech of the first TTS.
    """
    files: dict[str, list[str]] = {"terms": [], "texts": []}
    if aids and aids.terms:
        terms = KeyTermsFile(aids.domain, training_tts(config)[0])
        files["terms"].append(f"{results_folder(config)}/{terms}")
    if aids and aids.lm:
        files["texts"].append(f"{results_folder(config)}/{TrainingTexts(aids.domain)}")
    return files


def delivered(config: dict, target: str, tts: str) -> Model:
    """Return the adapted checkpoint that is written for a target."""
    choice, group = config["task_vector"]["delivered"], source_group(config, target)
    vector = vector_of("pooled", tts, group)
    model = model_of(choice["arm"], target, tts, group)
    return replace(model, vector=vector, scale=choice["scaling_coefficient"])


def delivering(config: dict) -> list[str]:
    """Return the base models of which the model named by hand is made: all whose arms have it.

    One without arms of its own has it, whatever arms are tested.
    """
    arm = config["task_vector"]["delivered"]["arm"] + VECTOR
    models = config["base_models"].items()
    return [base for base, model in models if arm in model.get("arms", [arm])]


def evaluations(config: dict) -> Iterator[Evaluation]:
    """Yield every number of the experiment: which model is scored on which speech, and as what.

    This is the whole matrix. A target that can't be tested, with a model that is named by hand, has
    that one, whose ``score`` is null.
    """
    for base in config["base_models"]:
        for target in config["targets"]:
            if not test_speech(config, target) and is_named_by_hand(config):
                yield from deliveries(config, base, target)
                continue
            for speech in speech_for(config, target):
                for arm in arms(config, base, target):
                    if arm.is_scored(speech.role):
                        yield from evaluations_of(config, base, target, arm, speech)


def is_named_by_hand(config: dict) -> bool:
    """Say whether the config names the model to deliver, which is else chosen by evidence."""
    return "delivered" in config["task_vector"]


def speech_for(config: dict, target: str) -> Iterator[ScoredSpeech]:
    """Yield all speech that models of a target are scored on."""
    group, text_only = source_group(config, target), is_text_only(config["domains"][target])
    for speech in test_speech(config, target):
        yield ScoredSpeech("test", target, speech, "test")
    for choice in config["task_vector"]["chosen_on"]:
        if choice == SOURCES:
            for domain in domains_of(config, group):
                yield ScoredSpeech("nested", domain, REAL, "dev")
        elif choice != CONSTANT and not (choice == REAL and text_only):
            yield ScoredSpeech("dev", target, choice, "dev")
    if not is_named_by_hand(config):
        yield ScoredSpeech("evidence", target, evidence_tts(config), "dev")
        yield ScoredSpeech("evidence", group, REAL, "dev")
        if UNTRANSCRIBED in config["domains"][target] and "judge" in config:
            yield ScoredSpeech("agreement", target, JUDGED, "dev")
    for name in config["forgetting"]:
        if name != target:
            yield ScoredSpeech("forgetting", group if name == SOURCE else name, REAL, "test")


class Arm(NamedTuple):
    """A model of the matrix; the three last are null where they say nothing."""

    name: str
    tts: str | None
    vector: str | None
    scale: float | None

    def is_scored(self, role: str) -> bool:
        """Say whether this arm has numbers of a role: only adapted models can forget.

        What the decoder's aids do elsewhere is seen on the evidence's recordings of the source.
        One that adapts to the test recordings is a number of the test alone, and never delivered.
        """
        trained = without_aids(self.name)
        if adaptation_of(self.name):
            return role == "test"
        if role in ("evidence", "agreement"):
            return trained == PRETRAINED or trained.removesuffix(VECTOR) in CANDIDATES
        if role == "forgetting" and not has_aids(self.name):
            return trained == PRETRAINED or "target" in trained or self.vector is not None
        return role == "test" or self.vector is not None


def arms(config: dict, base: str, target: str) -> Iterator[Arm]:
    """Yield the arms of a base model and a target.

    One that hears no TTS comes once, each vector with each coefficient.
    """
    choice, every_tts = config["task_vector"], training_tts(config)
    for name in arms_of(config, base):
        if not is_run(config, target, name):
            continue
        vectors = choice[vectors_key(name)] if name.endswith(VECTOR) else [None]
        hears_no_tts = without_aids(name) in (PRETRAINED, "source-real", "target-real")
        hears_no_tts |= is_pseudo(name)
        for vector in vectors:
            of_every_tts = name == PRETRAINED + VECTOR and parts_of(vector or "")[0] == ENGINES
            for tts in [None] if hears_no_tts or of_every_tts else every_tts:
                for scale in choice["scaling_coefficients"] if vector else [None]:
                    yield Arm(name, tts, vector, scale)


def vectors_key(arm: str) -> str:
    """Return the setting that says which task vectors are added to an arm."""
    if is_pseudo(arm):
        return "vectors_on_pseudo"
    return "vectors_on_pretrained" if PRETRAINED in arm else "vectors"


def cluster_counts(config: dict) -> list[int]:
    """Return into how many clusters the source's speakers are parted: none, one number, several."""
    if f"{SELF_TRAINED}{VECTOR}" not in config["arms"]:
        return []
    return sorted({*map(clusters_of, config["task_vector"]["vectors_on_pseudo"])} - {0})


def clusters(config: dict) -> list[str]:
    """Return the clusters of speakers that have task vectors of their own, as groups."""
    counts = cluster_counts(config)
    return [name for group in groups(config) for n in counts for name in Cluster.all(group, n)]


def deliveries(config: dict, base: str, target: str) -> Iterator[Evaluation]:
    """Yield the adapted checkpoints of a target that can't be tested."""
    choice = config["task_vector"]["delivered"]
    for tts in training_tts(config) if base in delivering(config) else []:
        arm = Arm(choice["arm"] + VECTOR, tts, "pooled", choice["scaling_coefficient"])
        yield from evaluations_of(config, base, target, arm, None)


def evaluations_of(
    config: dict, base: str, target: str, arm: Arm, speech: ScoredSpeech | None
) -> Iterator[Evaluation]:
    """Yield the evaluations of one model on one set of speech (or none), one for each seed.

    The pretrained model has seed 0 only, whatever its decoder is led by.
    """
    results, adapted_to, group = results_folder(config), target, source_group(config, target)
    if speech and speech.role == "nested":  # a source domain plays the target
        adapted_to, group = speech.domain, without(config, group, speech.domain)
    on = without_aids(arm.name).removesuffix(VECTOR)
    model = model_of(on, adapted_to, arm.tts, group)
    heard = PSEUDO if is_pseudo(arm.name) else arm.tts
    vector = vector_of(arm.vector, heard, group) if arm.vector else None
    aids, adaptation = aids_of(arm.name, target), adaptation_of(arm.name)
    files, strengths = files_of_aids(config, aids), config["decoding"]
    whole = replace(model, vector=vector, scale=arm.scale, aids=aids, adaptation=adaptation)
    written = model if speech else whole  # a vector is added while a model is transcribing
    kind = kind_of(config, group, speech) if speech else None
    for seed in [0] if model == Model() and not vector else config["seeds"]:
        of_speech: dict[str, Any] = dict.fromkeys(OF_SPEECH)
        if speech:
            manifest = Manifest(speech.domain, speech.speech, speech.split)
            of_speech = speech._asdict() | {
                "kind": kind,
                "manifest": f"{results}/{manifest}",
                "hypotheses": f"{results}/{Hypotheses(base, whole, seed, manifest)}",
                "score": f"{results}/{Score(base, whole, seed, manifest)}",
            }
        evaluation_type = ScoredEvaluation if speech else Evaluation
        yield evaluation_type(
            **of_speech,
            base=base,
            target=target,
            arm=arm.name,
            tts=arm.tts,
            model=f"{results}/{Checkpoint.for_seed(base, written, seed)}",
            scaling_coefficient=arm.scale,
            vector=arm.vector,
            vector_path=f"{results}/{VectorFile(base, vector, seed)}" if vector else None,
            vector_on=on if vector else None,
            seed=seed,
            window=config["decoding_window"],
            aids=[*files["terms"], *files["texts"]],
            terms_bonus=strengths["terms_bonus"] if files["terms"] else None,
            texts_weight=strengths["texts_weight"] if files["texts"] else None,
            adaptation=adaptation,
            target_recordings=target_recordings(config, base, on, adaptation),
            line=config["domains"][target].get("line"),
            accepted_overlap=config["domains"][target].get("accepted_overlap", []),
        )


def kind_of(config: dict, group: str, speech: ScoredSpeech) -> str:
    """Return what speech is to models of a source group: target, source, or out of domain."""
    if speech.role in ("test", "dev", "agreement"):
        return "target"
    if speech.role == "nested" or speech.domain in {group, *domains_of(config, group)}:
        return "source"
    return "target" if speech.role == "evidence" else "out of domain"


def target_recordings(config: dict, base: str, arm: str, adaptation: str | None = None) -> str:
    """Return for what the target's recordings served in making an arm (without its vector)."""
    if arm == "target-real":
        return "training"
    if arm == SELF_TRAINED:
        return WITHOUT_TRANSCRIPTS
    selected = config["base_models"][base]["finetune"]["selected_on"] == "real"
    used = ["model selection"] if selected and arm in CANDIDATES else []
    return ", ".join([*used, TEST_TIME] if adaptation else used) or "none"


def results_folder(config: dict) -> str:
    """Return the folder of data, models and hypotheses."""
    return f"results/{config.get('shared', config['name'])}"
