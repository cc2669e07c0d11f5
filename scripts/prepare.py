"""Prepare one domain: manifests of its real speech, checked and split, and texts for the TTS.

A domain is declared by one of
  "corpus": a reader of scripts/corpora, over the folder of --artifact; splits are drawn
  "manifest": a JSON-lines file (NeMo's keys: audio_filepath, text; optional id, speaker, offset
      and duration in s); splits are drawn
  "splits": {"train": ..., "test": ..., "dev": ...}, such manifests; dev may be left to be drawn
  "texts": a file with one text a line, or with id, tab and text; no recordings
and may have "train", "dev" and "test" (utterances to draw; train 0: all that remain), "min_words",
"min_duration" and "max_duration" (s), "speaker_disjoint", and, for given splits,
"drop_repeated_sentences": leave out of train what is in dev or test, out of dev what is in test.

Written are MANIFESTS/{train,dev,test}.jsonl and AUDIO/{id}.flac (not for a domain of texts),
TEXTS/{train,dev}.jsonl, and TEXTS/counts.json: what was read, left out and kept.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import lineage
from atomic import atomic_path
from audio import SAMPLING_RATE, resample, save_audio
from corpora import CORPORA
from corpora.recording import Recording
from errors import InputError, run
from manifest import write_jsonl
from normalise import normalise
from own_data import (
    UNKNOWN_SPEAKER,
    AudioFile,
    check_ids,
    read_manifest_of_user,
    read_plain_texts,
)
from splits import SPLITS, check_disjoint, draw
from spoken import clean_for_tts, without_remarks

KINDS = ("corpus", "manifest", "splits", "texts")


@dataclass(frozen=True)
class Domain:
    """A domain's declaration; exactly one of the first four says where it comes from."""

    corpus: str | None = None
    manifest: str | None = None
    splits: dict[str, str] | None = None
    texts: str | None = None
    artifact: str | None = None
    train: int = 0
    dev: int = 50
    test: int = 200
    min_words: int = 1
    min_duration: float = 0.3
    max_duration: float = 30.0
    speaker_disjoint: bool = False
    drop_repeated_sentences: bool = False


@dataclass(frozen=True)
class Utterance:
    """A recording that passed the checks."""

    recording: Recording
    place: str
    sentence: str  # normalised


@dataclass
class Counts:
    """What was read of a domain, left out and why, and noted."""

    read: int = 0
    left_out: Counter = field(default_factory=Counter)
    sampling_rates: Counter = field(default_factory=Counter)
    more_than_one_channel: int = 0


def parse_declaration(declaration: str) -> Domain:
    """Return the domain that a JSON object declares."""
    try:
        given = json.loads(declaration)
    except json.JSONDecodeError as error:
        raise InputError(f"--declaration is not JSON: {error}") from None
    known = Domain.__dataclass_fields__
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, 1)
            remedy = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise InputError(f"domain: unknown key {key!r}; {remedy}")
        default = known[key].default
        if isinstance(default, bool) and not isinstance(given[key], bool):
            raise InputError(f"domain: {key} is {given[key]!r}; give true or false")
        if isinstance(default, int | float) and not (
            isinstance(given[key], int | type(default)) and given[key] >= 0
        ):
            raise InputError(f"domain: {key} is {given[key]!r}; give a number, 0 or more")
    kinds = [kind for kind in KINDS if given.get(kind)]
    if len(kinds) != 1:
        raise InputError(f"domain: has {kinds or 'none'} of {', '.join(KINDS)}; give exactly one")
    if kinds == ["corpus"] and given["corpus"] not in CORPORA:
        raise InputError(f"domain: no corpus {given['corpus']!r}; there are {', '.join(CORPORA)}")
    if kinds == ["splits"] and not {"train", "test"} <= set(given["splits"]) <= set(SPLITS):
        raise InputError("domain: splits must have train and test, and may have dev")
    return Domain(**given)


def words(text: str) -> int:
    """Return the number of words that have a letter or digit."""
    return sum(any(map(str.isalnum, word)) for word in text.split())


def keep_usable(
    recordings: Iterable[tuple[Recording, str]], domain: Domain, counts: Counts
) -> list[Utterance]:
    """Return the utterances within the domain's bounds; count the others by reason."""
    kept = []
    for recording, place in recordings:
        counts.read += 1
        sentence = normalise(recording.text)
        if not sentence:
            counts.left_out["no word in the text"] += 1
            continue
        if words(recording.text) < domain.min_words:
            counts.left_out[f"fewer than {domain.min_words} words"] += 1
            continue
        duration, rate, channels = measure(recording, place)
        if duration < domain.min_duration:
            counts.left_out[f"shorter than {domain.min_duration:g} s"] += 1
        elif duration > domain.max_duration:
            counts.left_out[f"longer than {domain.max_duration:g} s"] += 1
        else:
            counts.sampling_rates[rate] += 1
            counts.more_than_one_channel += channels > 1
            kept.append(Utterance(recording, place, sentence))
    return kept


def measure(recording: Recording, place: str) -> tuple[float, int, int]:
    """Return duration (s), sampling rate (Hz) and channels."""
    if isinstance(recording.load, AudioFile):
        return recording.load.measure()
    waveform, rate = recording.load()
    if not np.isfinite(waveform).all():
        raise InputError(f"{place}: has samples that are not finite; remove it from the corpus")
    return len(waveform) / rate, rate, 1


def split_drawn(
    utterances: list[Utterance], domain: Domain, seed: int, counts: Counts
) -> dict[str, list[Utterance]]:
    """Return splits that share no sentence and, if asked, no speaker."""
    sizes = {"test": domain.test, "dev": domain.dev, "train": None}
    splits = draw_disjoint(utterances, sizes, domain, seed, counts)
    drawn = draw([each.sentence for each in splits["train"]], {"train": domain.train or None}, seed)
    splits["train"] = [splits["train"][position] for position in drawn["train"]]
    return splits


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
    drawn = draw(keys, sizes, seed)
    splits = {name: [utterances[position] for position in drawn[name]] for name in SPLITS}
    return without_repeats(splits, counts)


def without_repeats(
    splits: dict[str, list[Utterance]], counts: Counts
) -> dict[str, list[Utterance]]:
    """Leave out of dev what repeats a sentence of test, and of train what repeats one of either."""
    taken: set[str] = set()
    kept = {}
    for name in ("test", "dev", "train"):
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
        splits = without_repeats({"dev": [], **splits}, counts)
    if not splits.get("dev"):
        sizes = {"dev": domain.dev, "train": None}
        drawn = draw_disjoint(splits["train"], sizes, domain, seed, counts)
        splits = {**splits, "train": drawn["train"], "dev": drawn["dev"]}
    places = {name: [each.place for each in splits[name]] for name in SPLITS}
    check_disjoint(
        "the sentence",
        {name: [each.sentence for each in splits[name]] for name in SPLITS},
        places,
        "remove it from one of them, or set drop_repeated_sentences: true in the domain",
    )
    if domain.speaker_disjoint:
        for utterances in splits.values():
            check_speakers_known(utterances)
        check_disjoint(
            "the speaker",
            {name: [each.recording.speaker for each in splits[name]] for name in SPLITS},
            places,
            "move the speaker's utterances to one of them, or set speaker_disjoint: false",
        )
    return splits


def check_speakers_known(utterances: list[Utterance]) -> None:
    """Refuse an utterance without a speaker where speakers must be told apart."""
    for utterance in utterances:
        if utterance.recording.speaker == UNKNOWN_SPEAKER:
            raise InputError(
                f"{utterance.place}: has no speaker, but the domain is speaker_disjoint; add the"
                " key 'speaker', or set speaker_disjoint to false"
            )


def write_audio(utterance: Utterance, folder: Path, domain: str) -> dict[str, Any]:
    """Write an utterance as 16 kHz mono FLAC; return its row of the manifest."""
    recording = utterance.recording
    waveform, rate = recording.load()
    if not np.isfinite(waveform).all():
        raise InputError(f"{utterance.place}: has samples that are not finite; repair the audio")
    path = folder / f"{recording.id}.flac"
    duration = save_audio(path, resample(waveform, rate))
    return {
        "id": recording.id,
        "audio_filepath": str(path),
        "duration": round(duration, 4),
        "text": " ".join(recording.text.split()),
        "speaker": recording.speaker,
        "domain": domain,
    }


def texts_to_speak(rows: Iterable[dict[str, Any]], domain: str) -> list[dict[str, str]]:
    """Return each different sentence once, without remarks in brackets, and as the TTS reads it."""
    texts: dict[str, dict[str, str]] = {}
    for row in rows:
        spoken, sentence = clean_for_tts(row["text"]), normalise(row["text"])
        if spoken and sentence and sentence not in texts:
            text = without_remarks(row["text"])
            texts[sentence] = {"id": row["id"], "text": text, "spoken": spoken, "domain": domain}
    return list(texts.values())


def split_texts(path: str, name: str, domain: Domain, seed: int, counts: Counts) -> dict[str, list]:
    """Return the train and dev texts of a domain without recordings."""
    lines = read_plain_texts(path, name)
    check_ids((id, place) for id, _, place in lines)
    counts.read = len(lines)
    rows = [{"id": id, "text": text} for id, text, _ in lines if words(text) >= domain.min_words]
    counts.left_out[f"fewer than {domain.min_words} words"] = len(lines) - len(rows)
    texts = texts_to_speak(rows, name)
    counts.left_out["no word in the text, or repeated"] = len(rows) - len(texts)
    keys = [text["id"] for text in texts]
    drawn = draw(keys, {"dev": domain.dev, "train": domain.train or None}, seed)
    return {name: [texts[position] for position in drawn[name]] for name in ("train", "dev")}


def split_recordings(
    domain: Domain, artifact: Path | None, seed: int, counts: Counts
) -> dict[str, list[Utterance]]:
    """Return the utterances of each split of a domain with recordings."""
    if domain.splits:
        read = {name: read_manifest_of_user(path) for name, path in domain.splits.items()}
        check_ids((each.id, place) for rows in read.values() for each, place in rows)
        usable = {name: keep_usable(rows, domain, counts) for name, rows in read.items()}
        return split_given(usable, domain, seed, counts)
    if domain.corpus:
        if artifact is None:
            raise InputError("--artifact is missing: the folder of the corpus's fetched files")
        read_corpus = CORPORA[domain.corpus]
        recordings = [(each, f"{domain.corpus}:{each.id}") for each in read_corpus(artifact)]
    else:
        recordings = read_manifest_of_user(domain.manifest)
    check_ids((recording.id, place) for recording, place in recordings)
    return split_drawn(keep_usable(recordings, domain, counts), domain, seed, counts)


def summary(counts: Counts, rows: dict[str, list], texts: dict[str, list]) -> dict[str, Any]:
    """Return the content of ``counts.json``."""
    return {
        "read": counts.read,
        "left_out": dict(sorted((k, n) for k, n in counts.left_out.items() if n)),
        "sampling_rates": {str(rate): n for rate, n in sorted(counts.sampling_rates.items())},
        "below_16_kHz": sum(n for r, n in counts.sampling_rates.items() if r < SAMPLING_RATE),
        "more_than_one_channel": counts.more_than_one_channel,
        "splits": {
            name: {
                "utterances": len(split),
                "words": sum(words(row["text"]) for row in split),
                "speakers": len({row["speaker"] for row in split}),
                "minutes": round(sum(row["duration"] for row in split) / 60, 2),
            }
            for name, split in rows.items()
        },
        "texts": {name: len(split) for name, split in texts.items()},
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--domain", required=True, help="name of the domain")
    parser.add_argument("--declaration", required=True, help="JSON of the domain (see above)")
    parser.add_argument("--artifact", type=Path, help="folder of the corpus's fetched files")
    parser.add_argument("--seed", type=int, default=1, help="seed of the splits (default: 1)")
    parser.add_argument("--audio-dir", type=Path, help="folder for FLAC files, 16 kHz mono")
    parser.add_argument("--manifests-dir", type=Path, help="folder for the manifests")
    parser.add_argument("--texts-dir", type=Path, required=True, help="folder for the texts")
    parser.add_argument("--jobs", type=int, default=2, help="threads writing audio (default: 2)")
    arguments = parser.parse_args(argv)
    domain = parse_declaration(arguments.declaration)
    counts = Counts()
    manifests: dict[str, list[dict]] = {}
    if domain.texts:
        inputs = [Path(domain.texts)]
        texts = split_texts(domain.texts, arguments.domain, domain, arguments.seed, counts)
    elif arguments.audio_dir is None or arguments.manifests_dir is None:
        raise InputError("--audio-dir and --manifests-dir are needed: the domain has recordings")
    else:
        inputs = files_read(domain, arguments.artifact)
        splits = split_recordings(domain, arguments.artifact, arguments.seed, counts)
        check_not_empty(arguments.domain, splits, counts)
        write = partial(write_audio, folder=arguments.audio_dir, domain=arguments.domain)
        with ThreadPoolExecutor(max_workers=arguments.jobs) as pool:
            manifests = {name: list(pool.map(write, splits[name])) for name in SPLITS}
        texts = {
            name: texts_to_speak(manifests[name], arguments.domain) for name in ("train", "dev")
        }
    check_not_empty(arguments.domain, texts, counts)

    outputs = []
    for folder, contents in ((arguments.manifests_dir, manifests), (arguments.texts_dir, texts)):
        for name, rows in contents.items():
            outputs.append(folder / f"{name}.jsonl")
            write_jsonl(outputs[-1], rows)
    told = summary(counts, manifests, texts)
    outputs.append(arguments.texts_dir / "counts.json")
    with atomic_path(outputs[-1]) as temporary:
        temporary.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told, indent=1), file=sys.stderr)
    parameters = {"domain": arguments.domain, "seed": arguments.seed, "declaration": asdict(domain)}
    lineage.record(__file__, outputs, inputs, parameters, counts=told)


def files_read(domain: Domain, artifact: Path | None) -> list[Path]:
    """Return the files that the lineage names: manifests, or the index of a fetched artifact."""
    if domain.splits:
        return [Path(path) for path in domain.splits.values()]
    if domain.manifest:
        return [Path(domain.manifest)]
    index = artifact / "files.json" if artifact else None
    return [index] if index and index.is_file() else []


def check_not_empty(name: str, splits: dict[str, list], counts: Counts) -> None:
    """Refuse a domain of which nothing is left to train on."""
    if not splits["train"]:
        reasons = ", ".join(f"{n} {reason}" for reason, n in counts.left_out.items() if n)
        raise InputError(
            f"domain {name}: no training utterance is left of {counts.read}"
            f" (left out: {reasons or 'none'}); lower dev and test, or widen the bounds"
        )


if __name__ == "__main__":
    run(main)
