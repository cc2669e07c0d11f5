"""The task vectors that a config asks for, held to what is trained and to how many there are."""

from configs.decoders import ctc_models
from errors import InputError
from evaluation import TASK_VECTORS, clusters_of
from methods import METHODS, method_of, parts_of
from modules import factors_of, trained_of
from paths import ENGINES
from roles import domains_of, groups, training_tts


def check_vectors(config: dict, artifacts: dict) -> None:
    """Raise ``InputError`` for a kind of task vector that is unknown, or that can't be made."""
    ctc = {name for name, _ in ctc_models(config, artifacts)}
    for key in ("vectors", "vectors_on_pretrained", "vectors_on_pseudo"):
        for kind in config["task_vector"][key]:
            place = f"config: task_vector.{key}"
            whole, method = parts_of(kind)
            if key == "vectors_on_pseudo" and whole == ENGINES:
                raise InputError(
                    f"{place}: {kind} is of several TTS, and no TTS speaks pseudo-labelled speech;"
                    " take pooled or domains"
                )
            if method:
                check_method(config, ctc, kind, place)
            if clusters_of(whole) and key != "vectors_on_pseudo":
                raise InputError(
                    f"{place}: {kind} is of clusters of speakers, which have a task vector of what"
                    " pseudo-labels lack, and none of a TTS; write it under vectors_on_pseudo"
                )
            if whole not in TASK_VECTORS and not clusters_of(whole):
                check_modules(config, ctc, kind, place)


def check_modules(config: dict, ctc: set[str], kind: str, place: str) -> None:
    """Raise ``InputError`` for a part of the vector that is unknown or not trained."""
    try:
        factors = factors_of(parts_of(kind)[0])
    except InputError as error:
        raise InputError(
            f"{place}: {error}; or {', '.join(TASK_VECTORS)}; behind each may stand a method, as"
            f" domains-ties: {', '.join(METHODS)}"
        ) from None
    for name, model in config["base_models"].items():
        module, setting, remedy = untrained(model["finetune"], name in ctc)
        if module in factors:
            raise InputError(
                f"{place}: {kind}, but of base_models.{name} the {module} is not trained"
                f" (finetune.{setting}), so its part of the task vector is zero; set"
                f" {remedy}, or leave out {kind}"
            )


def check_method(config: dict, ctc: set[str], kind: str, place: str) -> None:
    """Raise ``InputError`` for a method that can't take so many vectors, or a base model's."""
    whole, text = parts_of(kind)
    try:
        method = method_of(text)
    except InputError as error:
        raise InputError(f"{place}: {kind}: {error}") from None
    about = METHODS[method.name]
    for group in groups(config):
        sets = {"domains": domains_of(config, group), "engines": training_tts(config)}
        count = clusters_of(whole) or len(sets.get(whole, [whole]))
        if not about.fewest <= count <= about.most:
            exactly = "" if about.most == about.fewest else " or more"
            raise InputError(
                f"{place}: {kind}: {method.name} merges {about.fewest} vectors{exactly}, and of"
                f" {group} there {'is 1' if count == 1 else f'are {count}'}; take another method"
            )
    if about.attends and ctc:
        raise InputError(
            f"{place}: {kind}: base_models.{min(ctc)} is a CTC model, which has no cross-attention;"
            f" leave out {kind}"
        )


def untrained(settings: dict, is_ctc: bool) -> tuple[str, str, str]:
    """Return the module that is not trained, the setting that says so, and the remedy; or nothing.

    A CTC model's decoder is its layer of letters, which has no factors, and one part: its biases.
    """
    trained = trained_of(settings["trained"])
    said = f"trained: {settings['trained']}"
    if trained.module == "decoder":
        return "encoder", said, "trained: all (the preset from-text has decoder)"
    if trained.module == "encoder" or is_ctc and trained.part not in ("", "biases"):
        return "decoder", said, "trained: all"
    if is_ctc and (rank := settings["lora_rank"]):
        return "decoder", f"lora_rank: {rank}", "lora_rank: 0"
    if is_ctc and settings.get("ia3"):
        return "decoder", "ia3: true", "ia3: false"
    return "", "", ""
