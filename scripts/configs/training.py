"""A config's training runs and what they hear: settings that make no sense together."""

from configs.decoders import ctc_models, whisper_models
from errors import InputError
from matrix import evaluations
from methods import parts_of
from modules import PARTS, trained_of
from paths import REAL
from roles import COMPLEMENT, SELF_TRAINED, is_text_only

POSITION = 0.02  # s, of Whisper's encoder


def check_training(config: dict) -> None:
    """Raise ``InputError`` for a base model whose training can't begin, end or be selected."""
    for name, model in config["base_models"].items():
        settings, place = model["finetune"], f"base_models.{name}"
        if settings["selected_on"] == REAL:
            for target in config["targets"]:
                if is_text_only(config["domains"][target]):
                    raise InputError(
                        f"config: {place}.finetune.selected_on: real, but {target!r} has no"
                        " recordings"
                    )
            if arms := [arm for arm in config["arms"] if SELF_TRAINED in arm]:
                raise InputError(
                    f"config: {place}.finetune.selected_on: real, which takes transcripts of the"
                    f" target, and {arms[0]} reads none; set selected_on: trained, or leave out"
                    f" {', '.join(arms)}"
                )
        if not settings["epochs"] and not settings["max_steps"]:
            raise InputError(
                f"config: {place}: neither finetune.epochs nor max_steps ends training"
            )
        if not settings["epochs"] and settings["mixed"].get("max_steps") == 0:
            raise InputError(
                f"config: {place}.finetune.mixed.max_steps: 0, and without finetune.epochs nothing"
                " ends the training of source-mixed; raise one of them"
            )
        check_factors(settings, f"config: {place}.finetune")
        if settings.get("ewc_weight"):
            check_held(config, name, f"{place}.finetune.ewc_weight: {settings['ewc_weight']:g}")


def check_factors(settings: dict, place: str) -> None:
    """Raise ``InputError`` for what is said of weights where LoRA or (IA)³ trains factors."""
    rank, scales = settings["lora_rank"], settings.get("ia3")
    if rank and scales:
        raise InputError(
            f"{place}.ia3: true, but LoRA (lora_rank: {rank}) trains its factors; set ia3: false or"
            " lora_rank: 0"
        )
    if not (rank or scales):
        return
    told, remedy = f"LoRA (lora_rank: {rank})", "lora_rank: 0"
    if scales:
        told, remedy = "(IA)³ (ia3: true)", "ia3: false"
    part = trained_of(settings["trained"]).part
    for key, is_set, without in (
        ("interpolation", settings["interpolation"] < 1, "1"),
        ("ewc_weight", settings.get("ewc_weight"), "0"),
        ("trained", part in PARTS and part != "without_embeddings", "all"),
    ):
        if is_set:
            value = settings[key] if key == "trained" else f"{settings[key]:g}"
            raise InputError(
                f"{place}.{key}: {value}, but {told} trains factors, not weights; set"
                f" {key}: {without} or {remedy}"
            )


def check_held(config: dict, base: str, place: str) -> None:
    """Raise ``InputError`` where a base's models that EWC holds to a source serve another target.

    It holds those of a target to recordings of its source, which in complement mode are those of
    all other targets.
    """
    for row in evaluations(config):
        if row.base != base:
            continue
        said = ""
        if row.role == "nested":
            said = "task_vector.chosen_on: sources trains models of source domains as of targets"
        elif config["source"] == COMPLEMENT and row.vector and parts_of(row.vector)[0] == "domains":
            said = f"the vector {row.vector} is of models of each domain, which is a target too"
        if said:
            raise InputError(
                f"config: {place}, but {said}; EWC would hold those to another source, or to none:"
                " leave that out, or set ewc_weight: 0"
            )


def check_kinds(config: dict, artifacts: dict) -> None:
    """Raise ``InputError`` for what is set of a CTC model and is for Whisper, or of Whisper."""
    for name, told in ctc_models(config, artifacts):
        model, place = config["base_models"][name], f"config: base_models.{name}"
        for key, nothing in (("spec_augment", "false"), ("kl_weight", "0")):
            if model["finetune"][key]:
                raise InputError(
                    f"{place}.finetune.{key}: is for Whisper, and this ({told}) is a CTC model,"
                    f" which has mask_time_prob; set {key}: {nothing} there"
                )
        if (task := model["task"]) != "transcribe":
            raise InputError(
                f"{place}.task: {task}, but this ({told}) is a CTC model, which can only"
                " transcribe; remove it"
            )
    for name in whisper_models(config, artifacts):
        for key in ("dropout", "mask_time_prob"):
            if key in config["base_models"][name]["finetune"]:
                raise InputError(
                    f"config: base_models.{name}.finetune.{key}: is for CTC models, and this is"
                    f" Whisper; give {key}, or a preset that has it, to CTC models alone"
                )


def check_positions(config: dict, artifacts: dict) -> None:
    """Raise ``InputError`` for a window that is no whole number of positions of an encoder."""
    keys = ("window", "decoding_window")
    windows = {key: config[key] for key in keys} | {"filter.window": config["filter"]["window"]}
    for place, window in windows.items() if whisper_models(config, artifacts) else ():
        nearest = max(1, round(window / POSITION)) * POSITION
        if abs(nearest - window) > 1e-6:
            raise InputError(
                f"config: {place}: {window} s is no multiple of {POSITION} s, a position of"
                f" Whisper's encoder; write {nearest:g}"
            )


def check_windows(config: dict) -> None:
    """Raise ``InputError`` for speech longer than the window, or a window shorter than another."""
    window, decoding = config["window"], config["decoding_window"]
    if decoding < window:
        raise InputError(
            f"config: decoding_window: {decoding} s is less than the window of {window} s, in which"
            " the models are trained; raise it, or leave it out (30 s)"
        )
    for name, domain in config["domains"].items():
        if domain["max_duration"] > window:
            raise InputError(
                f"config: domains.{name}.max_duration: {domain['max_duration']} s is more than"
                f" the window of {window} s, in which all arms hear the same"
            )


def check_test_sets(config: dict) -> None:
    """Raise ``InputError`` for a target with recordings of which none are to be tested on."""
    for name in config["targets"]:
        domain = config["domains"][name]
        if not is_text_only(domain) and domain.get("test") == 0:
            raise InputError(f"config: domains.{name}.test: 0 utterances give no WER; raise it")
