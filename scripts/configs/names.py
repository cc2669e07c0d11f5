"""Names and paths of a config: what refers to something that is there, and fits its role."""

from itertools import islice

from errors import InputError
from evaluation import VECTOR
from groups import SOURCE
from matrix import evaluations, is_named_by_hand
from paths import REAL, coefficient
from roles import (
    COMPLEMENT,
    CONSTANT,
    SELF_TRAINED,
    SOURCES,
    UNTRANSCRIBED,
    arms_of,
    domains_of,
    imitated_group,
    is_pseudo,
    is_run,
    is_text_only,
    learns_from_untranscribed,
    source_group,
    test_speech,
    training_tts,
    voices_of,
)
from settings.schema import refer

LONGEST = 240  # characters of a part of a path; file systems take 255
MOST = 100_000  # numbers of an experiment: a row of the matrix takes minutes


def check_coefficients(choice: dict) -> None:
    """Raise ``InputError`` for a scaling coefficient that can't stand in file names."""
    places = [("scaling_coefficients", scale) for scale in choice["scaling_coefficients"]]
    places.append(("constant", choice["constant"]))
    if "delivered" in choice:
        by_hand = choice["delivered"]["scaling_coefficient"]
        places.append(("delivered.scaling_coefficient", by_hand))
    for place, scale in places:
        try:
            coefficient(scale)
        except InputError as error:
            raise InputError(f"config: task_vector.{place}: {error}") from None


def check_lengths(config: dict) -> None:
    """Raise ``InputError`` for a matrix too large, and names too long together for a file's."""
    longest = max(config["base_models"], key=len)
    alike = {"base_models": {longest: config["base_models"][longest]}, "seeds": config["seeds"][:1]}
    repeated = len(config["base_models"]) * len(config["seeds"])
    rows = list(islice(evaluations(config | alike), MOST + 1))  # the others repeat the names
    if len(rows) * repeated > MOST:
        more = " or more" if len(rows) > MOST else ""
        raise InputError(
            f"config: targets: the experiment has {len(rows) * repeated:,}{more} numbers to measure"
            f" (targets, arms, vectors, coefficients, {len(config['base_models'])} base models,"
            f" {len(config['seeds'])} seeds), of which {MOST:,} may be; leave some out"
        )
    paths = {path for row in rows for path in (row.model, row.score) if path}
    part = max((part for path in sorted(paths) for part in path.split("/")), key=len, default="")
    if len(part) > LONGEST:
        raise InputError(
            f"config: domains: a file would be named {part}, {len(part)} characters, of which"
            f" {LONGEST} fit; shorten the names under domains or tts"
        )


def check_references(config: dict) -> None:
    """Raise ``InputError`` for a domain, a judge of the filter or an arm that is not there."""
    for role in ("source", "targets"):
        for name in [] if config[role] == COMPLEMENT else config[role]:
            refer(name, config["domains"], role, "domains")
    judge = config["filter"]["base_model"]
    refer(judge, config["base_models"], "filter.base_model", "base_models")
    for name in config["base_models"]:
        for arm in arms_of(config, name):
            refer(arm, dict.fromkeys(config["arms"]), f"base_models.{name}.arms", "arms")


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
    check_dev_voices(config["tts"])
    check_like_source(config)
    check_held_out(config["tts"])
    check_choices(config, training)
    check_judge(config)
    check_pseudo(config)
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


def check_judge(config: dict) -> None:
    """Raise ``InputError`` for untranscribed recordings that no other model judges, or for none."""
    heard = [name for name in config["targets"] if UNTRANSCRIBED in config["domains"][name]]
    if "judge" not in config and not heard:
        return
    if not heard:
        raise InputError("config: judge: no target has untranscribed recordings; remove it")
    place = f"config: domains.{heard[0]}.{UNTRANSCRIBED}"
    if "judge" not in config:
        for name in heard:
            if not learns_from_untranscribed(config, name):
                raise InputError(
                    f"config: domains.{name}.{UNTRANSCRIBED}: has no judge; name the artifact of a"
                    " larger model under judge, at the top, as whisper-base.en is larger than"
                    " whisper-tiny.en"
                )
        return
    if is_named_by_hand(config):
        raise InputError(
            f"{place}: is evidence for the choice of a model, which task_vector.delivered names by"
            " hand; remove one of them"
        )
    for name, model in config["base_models"].items():
        if model["artifact"] == config["judge"]:
            raise InputError(
                f"config: judge: {config['judge']} is that of base_models.{name} too, which would"
                " agree with itself; name a larger one"
            )


def check_pseudo(config: dict) -> None:
    """Raise ``InputError`` for self-training on a target that has no recordings to learn from."""
    for target in config["targets"]:
        domain = config["domains"][target]
        arms = [
            arm for arm in config["arms"] if SELF_TRAINED in arm and is_run(config, target, arm)
        ]
        if arms and is_text_only(domain) and UNTRANSCRIBED not in domain:
            raise InputError(
                f"config: arms: {arms[0]} learns from recordings of the target, and {target!r} has"
                f" none; name some under domains.{target}.{UNTRANSCRIBED} (they need no"
                f" transcripts), or leave out {', '.join(arms)}"
            )


def check_choices(config: dict, training: list[str]) -> None:
    """Raise ``InputError`` for a way to choose lambda that this experiment can't go."""
    choice, place = config["task_vector"], "task_vector.chosen_on"
    known = dict.fromkeys([CONSTANT, SOURCES, REAL, *training])
    for by in choice["chosen_on"]:
        refer(by, known, place, "the choices and tts")
    constant = choice["constant"]
    if CONSTANT in choice["chosen_on"] and constant not in choice["scaling_coefficients"]:
        raise InputError(
            f"config: {place}: constant is task_vector.constant, {coefficient(constant)}, which is"
            " not among scaling_coefficients; add it"
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


def check_dev_voices(tts: dict) -> None:
    """Raise ``InputError`` for dev voices that are none of the voices, or all of them."""
    for name, declared in tts.items():
        place, voices = f"config: tts.{name}.dev_voices", declared["voices"]
        for voice in declared.get("dev_voices", []):
            if voice not in voices:
                raise InputError(
                    f"{place}: {voice!r} is not among voices ({', '.join(voices)}); name it there,"
                    " too: the others are trained on"
                )
        if not voices_of(declared, "train"):
            raise InputError(f"{place}: all voices speak dev only; leave one to the other texts")


def check_like_source(config: dict) -> None:
    """Raise ``InputError`` where a target's recordings would be heard in the speech of its source.

    In complement mode a target is a source of the others, and they are its own.
    """
    if not hears_source_speech(config):
        return
    for name, domain in config["domains"].items():
        augmentation = domain.get("augmentation", {})
        if "like_source" not in {*augmentation, *augmentation.get("dev", {})}:
            continue
        imitated = domains_of(config, imitated_group(config, name))
        for target in config["targets"]:
            if target in imitated and name in domains_of(config, source_group(config, target)):
                raise InputError(
                    f"config: domains.{name}.augmentation: like_source makes the synthetic speech"
                    f" of {name!r} like recordings of {target!r}, whose models learn from it as"
                    " their source; name arms without vectors and the source's synthetic speech, or"
                    " give source as a list"
                )


def hears_source_speech(config: dict) -> bool:
    """Say whether some model learns from the source's synthetic speech, or has a vector of it."""
    trained = ("source-synthetic", "source-mixed", VECTOR)
    arms = [arm for arm in config["arms"] if not is_pseudo(arm)]
    return is_named_by_hand(config) or any(word in arm for arm in arms for word in trained)


def check_held_out(tts: dict) -> None:
    """Raise ``InputError`` for a voice that is held out here and trained on there."""
    for name, held_out in tts.items():
        key = "voices" if held_out["held_out"] else "dev_voices"
        for other, trained in tts.items():
            same = all(held_out[part] == trained[part] for part in ("engine", "artifact"))
            if not same or trained["held_out"]:
                continue
            if shared := set(held_out.get(key, [])) & set(voices_of(trained, "train")):
                raise InputError(
                    f"config: tts.{name}.{key}: {min(shared)!r} is held out here, but {other}"
                    " trains on it; take it out of one of them"
                )
