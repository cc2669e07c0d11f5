"""A config's training runs and what they hear: settings that make no sense together."""

from errors import InputError
from paths import REAL
from roles import is_text_only


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
        if not settings["epochs"] and not settings["max_steps"]:
            raise InputError(
                f"config: {place}: neither finetune.epochs nor max_steps ends training"
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
