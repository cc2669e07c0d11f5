"""A domain's utterances and texts, put into its splits: drawn ones, or those that are given."""

import hashlib

from domains.domain import Domain
from domains.own_data import check_ids
from domains.splits import SPLITS, check_disjoint, draw, one_of_each
from domains.usable import Counts, Utterance, is_learnable, keep_usable, leave_out_long
from errors import InputError
from files.audio_file import UNKNOWN_SPEAKER
from files.recording import Recording

SPEAKERS = {"test": 0.4, "dev": 0.1}  # shares of a corpus that is split by speaker


def split_drawn(
    utterances: list[Utterance], domain: Domain, seed: int, counts: Counts
) -> dict[str, list[Utterance]]:
    """Return splits that share no sentence and, if asked, no speaker."""
    sizes = {"test": domain.test, "dev": domain.dev, "train": None}
    splits = draw_disjoint(utterances, sizes, domain, seed, counts)
    return {**splits, "train": take("train", splits["train"], domain.train, seed)}


def split_by_speaker(
    utterances: list[Utterance], domain: Domain, seed: int, counts: Counts
) -> dict[str, list[Utterance]]:
    """Return splits in which a speaker's place depends on the seed and the name alone.

    So they have one in all domains of a corpus: what is learnt from one of them has not heard the
    speakers that another one is tested on. No size is larger than what there is of a split.
    """
    check_speakers_known(utterances)
    splits: dict[str, list[Utterance]] = {name: [] for name in SPLITS}
    for utterance in utterances:
        splits[split_of_speaker(utterance.recording.speaker, seed)].append(utterance)
    splits = shortened(splits, domain, counts)
    return limit_given(without_repeats(splits, counts), domain, seed, counts)


def split_of_speaker(speaker: str, seed: int) -> str:
    """Return the split that a speaker falls into, by ``SPEAKERS``."""
    digest = hashlib.sha256(f"{seed}:{speaker}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    if share < SPEAKERS["test"]:
        return "test"
    return "dev" if share < SPEAKERS["test"] + SPEAKERS["dev"] else "train"


def take(split: str, items: list, size: int, seed: int) -> list:
    """Return so many of a split's utterances or texts, drawn by sentence; all if ``size`` is 0."""
    sentences = [each.sentence for each in items]
    positions = draw(sentences, {split: size or None}, seed, sentences)[split]
    return [items[position] for position in positions]


def once(utterances: list[Utterance], seed: int) -> list[Utterance]:
    """Return one utterance of each sentence: others of it cost time and tell little more."""
    sentences = [each.sentence for each in utterances]
    ids = [each.recording.id for each in utterances]
    return [utterances[position] for position in one_of_each(sentences, ids, seed)]


def draw_disjoint(
    utterances: list[Utterance],
    sizes: dict[str, int | None],
    domain: Domain,
    seed: int,
    counts: Counts,
) -> dict[str, list[Utterance]]:
    """Draw splits by sentence; or by speaker, and then leave out what repeats a sentence."""
    keys = [utterance.sentence for utterance in utterances]
    if domain.speaker_disjoint:
        check_speakers_known(utterances)
        keys = [utterance.recording.speaker for utterance in utterances]
    long = {at for at, each in enumerate(utterances) if not is_learnable(each, domain)}
    drawn = draw(keys, sizes, seed, [utterance.sentence for utterance in utterances], long)
    leave_out_long((utterances[at] for at in sorted(long - {*drawn["test"]})), domain, counts)
    splits = {name: [utterances[position] for position in drawn[name]] for name in SPLITS}
    return without_repeats({**splits, "dev": once(splits["dev"], seed)}, counts)


def without_repeats(splits: dict[str, list], counts: Counts) -> dict[str, list]:
    """Leave out of dev what repeats a sentence of test, and of train what repeats one of either."""
    taken: set[str] = set()
    kept: dict[str, list] = {}
    for name in (name for name in ("test", "dev", "train") if name in splits):
        kept[name] = [each for each in splits[name] if each.sentence not in taken]
        if left_out := len(splits[name]) - len(kept[name]):
            counts.left_out[f"in {name}, sentence of another split"] += left_out
        taken |= {each.sentence for each in kept[name]}
    return kept


def split_given(
    splits: dict[str, list[Utterance]], domain: Domain, seed: int, counts: Counts
) -> dict[str, list[Utterance]]:
    """Return the user's splits, checked; dev is drawn of train if it is not among them."""
    if domain.drop_repeated_sentences:
        splits = without_repeats(splits, counts)
    if not splits.get("dev"):
        sizes = {"dev": domain.dev, "train": None}
        drawn = draw_disjoint(splits["train"], sizes, domain, seed, counts)
        splits = {**splits, "train": drawn["train"], "dev": drawn["dev"]}
    check_splits(splits, domain)
    return splits


def check_splits(splits: dict[str, list[Utterance]], domain: Domain) -> None:
    """Refuse given splits that share a sentence or, if asked, a speaker."""
    check_sentences(splits)
    if domain.speaker_disjoint:
        for utterances in splits.values():
            check_speakers_known(utterances)
        check_disjoint(
            "the speaker",
            {name: [each.recording.speaker for each in splits[name]] for name in SPLITS},
            {name: [each.place for each in splits[name]] for name in SPLITS},
            "move the speaker's utterances to one of them, or set speaker_disjoint: false",
        )


def check_sentences(splits: dict[str, list]) -> None:
    """Refuse splits, of utterances or of texts, that share a sentence."""
    check_disjoint(
        "the sentence",
        {name: [each.sentence for each in items] for name, items in splits.items()},
        {name: [each.place for each in items] for name, items in splits.items()},
        "remove it from one of them, or set drop_repeated_sentences: true in the domain",
    )


def check_speakers_known(utterances: list[Utterance]) -> None:
    """Refuse an utterance without a speaker where speakers must be told apart."""
    for utterance in utterances:
        if utterance.recording.speaker == UNKNOWN_SPEAKER:
            raise InputError(
                f"{utterance.place}: has no speaker, but the domain is speaker_disjoint; add the"
                " key 'speaker', or set speaker_disjoint to false"
            )


def usable_splits(
    read: dict[str, list[tuple[Recording, str]]], domain: Domain, jobs: int, counts: Counts
) -> dict[str, list[Utterance]]:
    """Return the usable utterances of given splits, whose ids must differ."""
    recordings = [each for rows in read.values() for each in rows]
    check_ids((recording.id, place) for recording, place in recordings)
    kept = keep_usable(recordings, domain, jobs, counts)
    of_id = {utterance.recording.id: utterance for utterance in kept}
    test = [recording.id for recording, _ in read["test"]]
    counts.left_out_of_given_test.update(
        counts.reason_of[id] for id in test if id in counts.reason_of
    )
    splits = {
        name: [of_id[recording.id] for recording, _ in rows if recording.id in of_id]
        for name, rows in read.items()
    }
    return shortened(splits, domain, counts)


def shortened(
    splits: dict[str, list[Utterance]], domain: Domain, counts: Counts
) -> dict[str, list[Utterance]]:
    """Return splits of which train and dev have nothing that is too long to learn from."""
    kept = {}
    for name, utterances in splits.items():
        kept[name] = utterances
        if name != "test":
            leave_out_long(utterances, domain, counts)
            kept[name] = [each for each in utterances if is_learnable(each, domain)]
    return kept


def limit_given(
    splits: dict[str, list[Utterance]], domain: Domain, seed: int, counts: Counts
) -> dict[str, list[Utterance]]:
    """Return a corpus's own splits, checked, or as many utterances of each as are asked for."""
    if domain.drop_repeated_sentences:
        splits = without_repeats(splits, counts)
    check_splits(splits, domain)
    sizes = {"train": domain.train, "dev": domain.dev, "test": domain.test}
    taken = {name: take(name, splits[name], sizes[name], seed) for name in SPLITS}
    return {**taken, "dev": once(taken["dev"], seed)}
