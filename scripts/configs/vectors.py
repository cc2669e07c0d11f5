"""The task vectors that a config asks for, held to what its base models train."""

from configs.decoders import ctc_models
from errors import InputError
from evaluation import TASK_VECTORS
from modules import factors_of


def check_vectors(config: dict, artifacts: dict) -> None:
    """Raise ``InputError`` for a kind of task vector that is unknown, or of what is not trained."""
    ctc = {name for name, _ in ctc_models(config, artifacts)}
    for key in ("vectors", "vectors_on_pretrained"):
        place = f"config: task_vector.{key}"
        for kind in config["task_vector"][key]:
            if kind in TASK_VECTORS:
                continue
            try:
                factors = factors_of(kind)
            except InputError as error:
                raise InputError(f"{place}: {error}; or {', '.join(TASK_VECTORS)}") from None
            for name, model in config["base_models"].items():
                module, setting, remedy = untrained(model["finetune"], name in ctc)
                if module in factors:
                    raise InputError(
                        f"{place}: {kind}, but of base_models.{name} the {module} is not trained"
                        f" (finetune.{setting}), so its part of the task vector is zero; set"
                        f" {remedy}, or leave out {kind}"
                    )


def untrained(settings: dict, is_ctc: bool) -> tuple[str, str, str]:
    """Return the module that is not trained, the setting that says so, and the remedy; or nothing.

    LoRA's factors are in the attention, of which a CTC model's decoder, its letters, has none.
    """
    if settings["trained"] == "decoder":
        return "encoder", "trained: decoder", "trained: all (the preset from-text has decoder)"
    if settings["trained"] == "encoder":
        return "decoder", "trained: encoder", "trained: all"
    if is_ctc and (rank := settings["lora_rank"]):
        return "decoder", f"lora_rank: {rank}", "lora_rank: 0"
    return "", "", ""
