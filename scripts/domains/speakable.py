"""The texts of a domain, as they are learnt and as the TTS reads them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora import slurp
from domains.domain import Domain, folder_of, located
from domains.own_data import check_ids, read_texts_of_user
from domains.splits import SPLITS, draw
from domains.splitting import check_sentences, take, without_repeats
from domains.usable import Counts, words
from texts.long_texts import pieces, speaking_time
from texts.normalise import normalise
from texts.spoken import clean_for_tts, without_remarks

TESTED = "sentence of a test recording"


@dataclass(frozen=True)
class Text:
    """A text of a domain without recordings: its row of the list, and where it stands."""

    row: dict[str, str]
    place: str
    sentence: str  # normalised


def texts_to_speak(
    rows: Iterable[dict[str, Any]], domain: str, language: str
) -> list[dict[str, str]]:
    """Return each different sentence once, as it is learnt and as the TTS reads it."""
    texts: dict[str, dict[str, str]] = {}
    for row in rows:
        spoken, sentence = clean_for_tts(row["text"], language), normalise(row["text"], language)
        if spoken and sentence and sentence not in texts:
            text = without_remarks(row["text"])
            texts[sentence] = {"id": row["id"], "text": text, "spoken": spoken, "domain": domain}
    return list(texts.values())


def split_texts(
    domain: Domain,
    name: str,
    artifact: Path | None,
    seed: int,
    counts: Counts,
    tested: Collection[str] = (),
) -> dict[str, list[dict[str, str]]]:
    """Return the texts of a domain without recordings: train, dev and, if it has them, test.

    The sentences ``tested``, normalised, are left out: recordings of them are the test set.
    """
    lines = {
        split: speakable(rows, split, domain, counts)
        for split, rows in read_lines(domain, name, artifact).items()
    }
    check_ids((id, place) for rows in lines.values() for id, _, place in rows)
    splits = {split: different(rows, name, domain, counts) for split, rows in lines.items()}
    if domain.drop_repeated_sentences:
        splits = without_repeats(splits, counts)
    check_sentences(splits)
    if domain.selection:
        sizes = {"train": domain.train, "dev": domain.dev, "test": domain.test}
        splits = {split: take(split, splits[split], sizes[split], seed) for split in SPLITS}
    else:
        texts = [text for text in splits["train"] if text.sentence not in tested]
        counts.left_out[TESTED] += len(splits["train"]) - len(texts)
        drawn = draw(
            [text.row["id"] for text in texts],
            {"dev": domain.dev, "train": domain.train or None},
            seed,
        )
        splits |= {
            split: [texts[position] for position in drawn[split]] for split in ("dev", "train")
        }
        if "test" in splits:
            splits["test"] = take("test", splits["test"], domain.test, seed)
    return {split: [text.row for text in texts] for split, texts in splits.items()}


def read_lines(
    domain: Domain, name: str, artifact: Path | None
) -> dict[str, list[tuple[str, str, str]]]:
    """Return (id, text, place) of each text of a domain without recordings, by split."""
    if domain.selection:
        splits = slurp.read_splits(folder_of(artifact), domain.selection)
        return {
            split: [(each.id, each.text, each.place) for each in sentences]
            for split, sentences in splits.items()
        }
    files = (("train", domain.texts, name), ("test", domain.test_texts, f"{name}-test"))
    return {
        split: read_texts_of_user(
            located(path, domain, artifact), prefix, domain.language, domain.column
        )
        for split, path, prefix in files
        if path
    }


def speakable(
    lines: list[tuple[str, str, str]], split: str, domain: Domain, counts: Counts
) -> list[tuple[str, str, str]]:
    """Return (id, text, place) of texts, long ones in pieces, without what takes too long to say.

    The pieces of a text are called ``{id}-1``, ``{id}-2``, and so on. Durations are estimates; only
    what a TTS makes of a text shows how long it is.
    """
    longest = domain.max_duration
    reason = f"longer than {longest:g} s to say, in one sentence"
    kept = []
    for id, text, place in lines:
        said = without_remarks(text)
        parts = [text] if speaking_time(said) <= longest else pieces(said, longest)
        counts.split_texts += len(parts) > 1
        for number, part in enumerate(parts, start=1):
            if (seconds := speaking_time(without_remarks(part))) <= longest:
                kept.append((id if len(parts) == 1 else f"{id}-{number}", part, place))
                continue
            counts.left_out[reason] += 1
            counts.left_out_of_given_test[reason] += split == "test"
            counts.out_of_bounds.setdefault(reason, []).append(
                f"{place}: about {seconds:.0f} s: {part[:50]!r}"
            )
    counts.read += len(lines) - len(kept)  # those that are kept are counted next
    return kept


def different(
    lines: list[tuple[str, str, str]], name: str, domain: Domain, counts: Counts
) -> list[Text]:
    """Return the texts that are long enough, each different sentence once."""
    counts.read += len(lines)
    rows = [{"id": id, "text": without_remarks(text)} for id, text, _ in lines]
    rows = [row for row in rows if words(row["text"], domain.language) >= domain.min_words]
    counts.left_out[f"fewer than {domain.min_words} words"] += len(lines) - len(rows)
    texts = texts_to_speak(rows, name, domain.language)
    counts.left_out["no word in the text, or repeated"] += len(rows) - len(texts)
    place_of = {id: place for id, _, place in lines}
    return [
        Text(text, place_of[text["id"]], normalise(text["text"], domain.language)) for text in texts
    ]
