"""Roles of the domains and voices of an experiment: source and target, trained on and held out.

Everything here takes a config that ``configs.reading`` has completed and checked.
"""

from collections.abc import Mapping

from groups import SOURCE, Pool, whole_group
from paths import PSEUDO, REAL

COMPLEMENT = "complement"
UNTRANSCRIBED = "untranscribed"  # a domain's recordings without texts; a judge's are
JUDGED = f"{REAL}-{UNTRANSCRIBED}"  # the speech's name in paths, which no TTS can have
SELF_TRAINED = f"target-{PSEUDO}"  # the arm
CONSTANT, SOURCES = "constant", "sources"  # what lambda is chosen on, besides REAL and a TTS


def is_text_only(domain: dict) -> bool:
    """Say whether a domain has no recordings."""
    return "texts" in domain or domain.get("text_only", False)


def has_test_texts(domain: dict) -> bool:
    """Say whether a domain without recordings has texts to test on, spoken by held-out voices."""
    return "test_texts" in domain or domain.get("text_only", False)


def has_test_recordings(domain: dict) -> bool:
    """Say whether a domain of texts has recordings to test on."""
    return "test_manifest" in domain


def texts_spoken(domain: Mapping) -> str:
    """Return which of a domain's training texts are spoken: those given, with more, or selected."""
    return "selected" if "select" in domain else "written" if "generate" in domain else "train"


def is_pseudo(arm: str) -> bool:
    """Say whether an arm, or its vector, is trained on recordings with the base model's labels."""
    return f"-{PSEUDO}" in arm


def learns_from_untranscribed(config: dict, target: str) -> bool:
    """Say whether an arm learns from a target's untranscribed recordings: it has no others."""
    domain = config["domains"][target]
    trained = any(is_run(config, target, arm) for arm in config["arms"] if SELF_TRAINED in arm)
    return trained and is_text_only(domain) and UNTRANSCRIBED in domain


def is_run(config: dict, target: str, arm: str) -> bool:
    """Say whether an arm is run for a target: some need its recordings to learn from or test on.

    Self-training gives no candidate for delivery, and is there to be tested.
    """
    if arm == "target-real":
        return not is_text_only(config["domains"][target])
    return SELF_TRAINED not in arm or bool(test_speech(config, target))


def training_tts(config: dict) -> list[str]:
    """Return the names of the synthetic speech that arms are trained on."""
    return [name for name, tts in config["tts"].items() if not tts["held_out"]]


def voices_of(tts: dict, split: str) -> list[str]:
    """Return the voices that speak a split: those of dev, if any are named, speak no other."""
    held_out = tts.get("dev_voices", [])
    if split == "dev" and held_out:
        return list(held_out)
    return [voice for voice in tts["voices"] if voice not in held_out]


def samples_per_text(tts: dict, split: str) -> int:
    """Return how many utterances are synthesized of each text of a split."""
    return int({"train": tts["samples_per_text"], "dev": tts["dev_samples_per_text"]}.get(split, 1))


def evidence_tts(config: dict) -> str:
    """Return the synthetic speech on which the model to deliver is chosen: held out, if any is."""
    held_out = [name for name, tts in config["tts"].items() if tts["held_out"]]
    return (held_out or training_tts(config))[0]


def test_speech(config: dict, target: str) -> list[str]:
    """Return what a target is tested on: its recordings, else held-out synthetic speech, if any."""
    domain = config["domains"][target]
    if not is_text_only(domain) or has_test_recordings(domain):
        return [REAL]
    if not has_test_texts(domain):
        return []
    return [name for name, tts in config["tts"].items() if tts["held_out"]]


def arms_of(config: dict, base: str) -> list[str]:
    """Return the arms that are run from a base model: all, unless it names its own."""
    return list(config["base_models"][base].get("arms", config["arms"]))


def source_group(config: dict, target: str) -> str:
    """Return the name of the source's pooled data: one for all targets, or one without each."""
    return str(Pool("", (target,)) if config["source"] == COMPLEMENT else Pool(SOURCE, ()))


def without(config: dict, group: str, domain: str) -> str:
    """Return the name of a group's data without one of its domains; of a single one, its own."""
    left = [name for name in domains_of(config, group) if name != domain]
    if len(left) == 1:
        return left[0]
    pool = Pool.parse(group)
    left_out = [name for name in config["domains"] if name in (domain, *pool.left_out)]
    return str(Pool(pool.whole, tuple(left_out)))


def domains_of(config: dict, group: str) -> list[str]:
    """Return the domains that are pooled in a group, or in that whose speakers it has in part."""
    group = whole_group(group)
    if group in config["domains"]:
        return [group]
    whole = config["source"]
    if whole == COMPLEMENT:
        whole = [name for name, domain in config["domains"].items() if not is_text_only(domain)]
    left_out = Pool.parse(group).left_out
    return [name for name in whole if name not in left_out]


def imitated_group(config: dict, domain: str) -> str:
    """Return the group whose training recordings like_source makes a domain's speech like.

    A target, whose own must not be heard, has its source; another domain with recordings itself.
    """
    if domain in config["targets"] or is_text_only(config["domains"][domain]):
        return source_group(config, domain)
    return domain


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
