"""Names and paths of a config: what refers to something that is there, and fits its role."""

from collections.abc import Iterator

from configs.schema import refer
from errors import InputError
from matrix import evaluations
from paths import REAL, SOURCE, coefficient
from roles import (
    COMPLEMENT,
    CONSTANT,
    SOURCES,
    domains_of,
    is_text_only,
    source_group,
    test_speech,
    training_tts,
)

LONGEST = 240  # characters of a part of a path; file systems take 255


def check_paths(config: dict) -> None:
    """Raise ``InputError`` for coefficients and names that can't stand in the paths of files."""
    choice = config["task_vector"]
    places = [("scaling_coefficients", scale) for scale in choice["scaling_coefficients"]]
    places.append(
        ("delivered.scaling_coefficient", choice["delivered"]["scaling_coefficient"]),
    )
    for place, scale in places:
        try:
            coefficient(scale)
        except InputError as error:
            raise InputError(f"config: task_vector.{place}: {error}") from None
    paths = {path for row in evaluations(config) for path in (row.model, row.score) if path}
    part = max((part for path in sorted(paths) for part in path.split("/")), key=len, default="")
    if len(part) > LONGEST:
        raise InputError(
            f"config: domains: a file would be named {part}, {len(part)} characters, of which"
            f" {LONGEST} fit; shorten the names under domains or tts"
        )


def check_names(config: dict, artifacts: dict) -> None:
    """Raise ``InputError`` for a name that refers to nothing, or to something unfit.

    Writes out ``targets: all`` and the longest durations that the window allows.
    """
    domains, window = config["domains"], config["window"]
    if config["targets"] == "all":
        source = [] if config["source"] == COMPLEMENT else config["source"]
        config["targets"] = [name for name in domains if name not in source]
    for role in ("source", "targets"):
        for name in [] if config[role] == COMPLEMENT else config[role]:
            refer(name, domains, role, "domains")
    check_roles(config)
    for place, name in artifacts_named(config):
        refer(name, artifacts, place, "artifacts")
    for name, model in config["base_models"].items():
        settings, place = model["finetune"], f"base_models.{name}"
        if "learning_rate" not in settings:
            raise InputError(f"config: {place}: name a preset, or finetune.learning_rate")
        if settings["selected_on"] == "real":
            for domain in filter(lambda name: is_text_only(domains[name]), config["targets"]):
                raise InputError(
                    f"config: {place}.finetune.selected_on: real, but {domain!r} has no recordings"
                )
        if not settings["epochs"] and not settings["max_steps"]:
            raise InputError(
                f"config: {place}: neither finetune.epochs nor max_steps ends training"
            )
    if config["decoding_window"] < window:
        raise InputError(
            f"config: decoding_window: {config['decoding_window']} s is less than the window of"
            f" {window} s, in which the models are trained;"
            " raise it, or leave it out (30 s)"
        )
    spoken = min(config["filter"]["max_duration"], config["filter"]["window"], window)
    for name, domain in domains.items():
        longest = spoken if is_text_only(domain) else window
        if domain.setdefault("max_duration", longest) > window:
            raise InputError(
                f"config: domains.{name}.max_duration: {domain['max_duration']} s is more than"
                f" the window of {window} s, in which all arms hear the same"
            )
        if not is_text_only(domain):
            for key in ("max_silence", "max_clipping", "min_speaking_rate", "max_speaking_rate"):
                domain.setdefault(key, config["filter"][key])
        if name in config["targets"] and not is_text_only(domain) and domain.get("test") == 0:
            raise InputError(f"config: domains.{name}.test: 0 utterances give no WER; raise it")
    bounds = config["filter"]
    bounds.setdefault("base_model", next(iter(config["base_models"])))
    refer(bounds["base_model"], config["base_models"], "filter.base_model", "base_models")
    bounds["max_duration"] = spoken


def check_roles(config: dict) -> None:
    """Raise ``InputError`` for a domain or synthetic speech that can't be what it is named for."""
    domains, training = config["domains"], training_tts(config)
    if not training:
        raise InputError("config: tts: all are held out; one at least must be trained on")
    if config["source"] != COMPLEMENT:
        for name in config["source"]:
            if is_text_only(domains[name]):
                raise InputError(
                    f"config: source: {name!r} has texts only; a source needs recordings"
                )
            if name in config["targets"]:
                raise InputError(
                    f"config: targets: {name!r} is a source too; take it out of one list"
                )
    else:
        for target in config["targets"]:
            if not domains_of(config, source_group(config, target)):
                raise InputError(f"config: source: no domain but {target!r} has recordings")
    check_speakers(config)
    check_held_out(config["tts"])
    check_choices(config, training)
    for name in config["forgetting"]:
        if name == SOURCE:
            continue
        refer(name, domains, "forgetting", "domains")
        if is_text_only(domains[name]):
            raise InputError(f"config: forgetting: {name!r} has no recordings to test on")
    for target in config["targets"]:
        for name in domains_of(config, source_group(config, target)):
            if SOURCE in config["forgetting"] and domains[name].get("test") == 0:
                raise InputError(
                    f"config: domains.{name}.test: 0, but models are tested on the source domains"
                    " too (forgetting); raise it, or take source out of forgetting"
                )


def check_choices(config: dict, training: list[str]) -> None:
    """Raise ``InputError`` for a way to choose lambda that this experiment can't go."""
    choice, place = config["task_vector"], "task_vector.chosen_on"
    known = dict.fromkeys([CONSTANT, SOURCES, REAL, *training])
    for by in choice["chosen_on"]:
        refer(by, known, place, "the choices and tts")
    constant = choice["delivered"]["scaling_coefficient"]
    if CONSTANT in choice["chosen_on"] and constant not in choice["scaling_coefficients"]:
        raise InputError(
            f"config: {place}: constant is delivered.scaling_coefficient, {coefficient(constant)},"
            " which is not among scaling_coefficients; add it"
        )
    for target in config["targets"]:
        if not test_speech(config, target):
            continue
        group = source_group(config, target)
        if SOURCES in choice["chosen_on"] and len(domains_of(config, group)) < 2:
            raise InputError(
                f"config: {place}: sources, but {target!r} has a single source domain, which none"
                " is left without; name another way"
            )
        if choice["chosen_on"][0] == REAL and is_text_only(config["domains"][target]):
            raise InputError(
                f"config: {place}: real, but {target!r} has no recordings; begin with one of"
                f" {', '.join([CONSTANT, SOURCES, *training])}"
            )


def check_speakers(config: dict) -> None:
    """Raise ``InputError`` for a TTS that can't or must not imitate the source's speakers."""
    for name, tts in config["tts"].items():
        if tts.get("speakers") != "source":
            continue
        if "speaker_encoder" not in tts:
            raise InputError(
                f"config: tts.{name}: speakers: source needs speaker_encoder, the artifact that"
                " computes their x-vectors; spkrec-xvect-voxceleb is one"
            )
        if config["source"] == COMPLEMENT:
            raise InputError(
                f"config: tts.{name}.speakers: in complement mode every domain is a target, and its"
                " speakers must not be heard; name an artifact"
            )


def check_held_out(tts: dict) -> None:
    """Raise ``InputError`` for a voice that is held out here and trained on there."""
    for name, held_out in tts.items():
        for other, trained in tts.items():
            if not held_out["held_out"] or trained["held_out"]:
                continue
            same = (held_out["engine"], held_out["artifact"]) == (
                trained["engine"],
                trained["artifact"],
            )
            if same and (shared := set(held_out["voices"]) & set(trained["voices"])):
                raise InputError(
                    f"config: tts.{name}.voices: {min(shared)!r} is held out here, but {other}"
                    " trains on it; take it out of one of them"
                )


def artifacts_named(config: dict) -> Iterator[tuple[str, str]]:
    """Yield every place of the config that names an artifact, and the name."""
    for name, model in config["base_models"].items():
        yield f"base_models.{name}.artifact", model["artifact"]
    for name, domain in config["domains"].items():
        if "artifact" in domain:
            yield f"domains.{name}.artifact", domain["artifact"]
        for kind, settings in domain.get("augmentation", {}).items():
            if isinstance(settings, dict) and "artifact" in settings:
                yield f"domains.{name}.augmentation.{kind}.artifact", settings["artifact"]
    for name, tts in config["tts"].items():
        for key in ("artifact", "speakers", "speaker_encoder"):
            if key in tts and tts[key] != "source":
                yield f"tts.{name}.{key}", tts[key]
