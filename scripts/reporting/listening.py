"""Which synthetic utterances one listens to, in which order, and what the page says of them."""

from collections import Counter
from collections.abc import Iterator, Sequence

from engines.utterances import draw
from reporting.synthesized import Reason, Speech, Texts, Utterance
from scoring.alignment import pieces
from scoring.breakdown_file import Piece
from texts.normalise import normalise

REASONS = {  # of the filter, as they are read
    "cer": "CER",
    "duration": "duration in s",
    "speaking_rate": "characters/s",
    "silence": "share of silence",
    "clipping": "share of clipping",
}


def drawn(utterances: Sequence[Utterance], count: int) -> list[Utterance]:
    """Return ``count`` utterances (or all, if fewer) in an order that their ids alone decide."""
    return sorted(utterances, key=lambda each: draw("listen", each.id))[:count]


def by_voice(utterances: Sequence[Utterance]) -> dict[str, list[Utterance]]:
    """Return the utterances of each voice, by its name."""
    voices: dict[str, list[Utterance]] = {each.voice: [] for each in utterances}
    for each in utterances:
        voices[each.voice].append(each)
    return dict(sorted(voices.items()))


def rejects(utterances: Sequence[Utterance]) -> list[tuple[str, int, list[Utterance]]]:
    """Return why the filter left utterances out, the most numerous reason first.

    With each reason's number of utterances, and those that have no more numerous one.
    """
    names = {each.id: [reason.name for reason in each.reasons or ()] for each in utterances}
    counts = Counter(name for of_one in names.values() for name in of_one)
    order = [name for name, _ in counts.most_common()]
    first: dict[str, list[Utterance]] = {name: [] for name in order}
    for each in utterances:
        if each.reasons:
            first[min(names[each.id], key=order.index)].append(each)
    return [(name, counts[name], first[name]) for name in order]


def of_listed_words(texts: Texts, utterances: Sequence[Utterance]) -> list[tuple[str, Utterance]]:
    """Return each listed word that is said in some utterance, with the one that is drawn first."""
    first: dict[str, Utterance] = {}
    for each in drawn(utterances, len(utterances)):
        for entry in each.listed:
            first.setdefault(entry.word, each)
    return [(entry.word, first[entry.word]) for entry in texts.listed if entry.word in first]


def verdict(utterance: Utterance) -> str:
    """Return what the filter made of an utterance, as in "left out: CER 0.53, above 0.3"."""
    if utterance.reasons is None:
        return "not filtered yet"
    reasons = "; ".join(map(in_words, utterance.reasons))
    return f"left out: {reasons}" if reasons else "kept"


def in_words(reason: Reason) -> str:
    """Return a reason with what was measured and its bound."""
    side = "above" if reason.value > reason.bound else "below"
    name = REASONS.get(reason.name, reason.name)
    return f"{name} {reason.value:g}, {side} {reason.bound:g}"


def understood(utterance: Utterance, language: str) -> list[Piece]:
    """Return the judge's transcript, normalised, in pieces that are right, wrong, added or missed.

    Of the text as it is written, or as it is pronounced by the list, the nearer one is right.
    """
    heard = normalise(utterance.transcript or "", language)
    aligned = [pieces(normalise(each, language), heard) for each in utterance.readings]
    return min(aligned, key=lambda parts: sum(len(part.text) for part in parts if part.kind))


def missing(speech: Speech) -> Iterator[str]:
    """Yield what of some speech is not made yet."""
    if not speech.spoken:
        yield "nothing is spoken yet"
        return
    if speech.spoken < speech.shards:
        yield f"{speech.spoken} of {speech.shards} parts are spoken"
    if speech.judged < speech.spoken:
        yield f"the judge has heard {speech.judged} of the {speech.spoken} parts that are spoken"
    if not speech.is_filtered:
        yield "the filter has not run, so that what it leaves out is not known"
