"""Prepare one domain: manifests of its real speech, checked and split, and texts for the TTS.

A domain is declared by one of
  "corpus": a reader of scripts/corpora, over the folder of --artifact; splits are drawn, or, of
      WUW-Corpus-II, by caller, the same in all domains
  "corpus": "slurp", with "scenario": one of SLURP's; splits are its own (see below)
  "manifest": a JSON-lines file (NeMo's keys: audio_filepath, text; optional id, speaker, offset
      and duration in s); splits are drawn
  "splits": {"train": ..., "test": ..., "dev": ...}, such manifests; dev may be left to be drawn
  "texts": a file with one text a line, or with id, tab and text; no recordings; "test_texts"
      may be another, to test on its synthetic speech
and may have "topics" or "without_topics" (lists of those that are taken or left, of a corpus whose
recordings have topics), "train", "dev" and "test" (what to draw: train and test count utterances,
dev counts sentences, one utterance of each; train 0: all that remain), "min_words", "min_duration"
and "max_duration" (s; texts that would take longer to say are split at ends of sentences, or left
out),
"max_silence" and "max_clipping" (fractions), "min_speaking_rate" and
"max_speaking_rate" (characters/s), "speaker_disjoint", "skip_missing_audio" (leave out and count
recordings that are missing or broken), and, for given splits, "drop_repeated_sentences": leave out
of train what is in dev or test, out of dev what is in test.

Of SLURP, "train", "dev" and "test" draw so many of its splits; 0, or without the key, all, of dev
one recording of each sentence. Further keys are "microphone" (headset, far or all), "statuses" (a
list of those taken), "max_recording_wer" (by SLURP's own "wer" of a recording), "synthetic_train"
(its own synthetic speech joins train), "text_only" (sentences alone; no recording is needed) and
"check_counts" (default true: devel and test must have as many sentences and recordings as were
published).

A transcript is written as it is said, for recordings and for the TTS alike: with plain signs, and
without what stands in brackets. Where it was another, it stands beside as "raw_text".

Written are MANIFESTS/{train,dev,test}.jsonl and AUDIO/{id}.flac (not for a domain of texts),
TEXTS/{train,dev}.jsonl (for a domain of texts with texts to test on also test.jsonl), and
TEXTS/counts.json: what was read, left out, mended and kept. A row of a manifest that repeats a
sentence of its split has "text_id", the id of the text that is spoken for it.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from corpora import CORPORA, slurp
from domains.domain import Domain, is_text_only, parse_declaration
from domains.own_data import check_ids, read_manifest_of_user
from domains.published import read_corpus, reader_of
from domains.speakable import folder_of, split_texts, texts_to_speak
from domains.splits import SPLITS
from domains.splitting import limit_given, split_by_speaker, split_drawn, split_given, usable_splits
from domains.usable import TOLD, Counts, Utterance, each_readable, keep_usable, waveform_of, words
from errors import InputError, run
from files.atomic import atomic_path, check_outputs
from files.audio import SAMPLING_RATE, resample, save_audio
from files.audio_file import UNKNOWN_SPEAKER, AudioFile
from files.checksum import sha256
from files.manifest import write_jsonl
from names import name_of
from records.record import INDEX, licence
from records.writing import write_record
from texts.languages import add_language


def write_audio(utterance: Utterance, folder: Path, domain: str) -> dict[str, Any]:
    """Write an utterance as 16 kHz mono FLAC; return its row of the manifest."""
    recording = utterance.recording
    waveform, rate = waveform_of(utterance)
    path = folder / f"{recording.id}.flac"
    duration = save_audio(path, resample(waveform, rate))
    return {
        "id": recording.id,
        "audio_filepath": str(path),
        "duration": round(duration, 4),
        "text": " ".join(recording.text.split()),
        "speaker": recording.speaker,
        "domain": domain,
        "sha256": sha256(path),
        **recording.extra,
    }


def split_recordings(
    domain: Domain, artifact: Path | None, seed: int, jobs: int, counts: Counts
) -> dict[str, list[Utterance]]:
    """Return the utterances of each split of a domain with recordings."""
    if domain.splits:
        given = {name: read_manifest_of_user(path) for name, path in domain.splits.items()}
        return split_given(usable_splits(given, domain, jobs, counts), domain, seed, counts)
    if domain.selection:
        published = slurp.read(folder_of(artifact), domain.selection, counts.left_out)
        counts.read = sum(counts.left_out.values())  # so far; the usable ones are counted next
        return limit_given(usable_splits(published, domain, jobs, counts), domain, seed, counts)
    if domain.manifest:
        recordings = read_manifest_of_user(domain.manifest)
    else:
        recordings = read_corpus(domain, folder_of(artifact))
    check_ids((recording.id, place) for recording, place in recordings)
    if domain.corpus and CORPORA[domain.corpus].split_by_speaker:
        kept = keep_usable(recordings, domain, jobs, counts)
        return split_by_speaker(kept, domain, seed, counts)
    return split_drawn(keep_usable(recordings, domain, jobs, counts), domain, seed, counts)


def path_of(module: ModuleType) -> str:
    """Return the path of a module from this script's folder."""
    return os.path.relpath(str(module.__file__), Path(__file__).parent)


def write_recordings(
    splits: dict[str, list[Utterance]],
    folder: Path,
    name: str,
    domain: Domain,
    jobs: int,
    counts: Counts,
) -> dict[str, list[dict[str, Any]]]:
    """Write the audio of all splits; return their manifests."""
    write = partial(write_audio, folder=folder, domain=name)
    utterances = [each for split in SPLITS for each in splits[split]]
    written = each_readable(write, utterances, domain, jobs, counts)
    row_of = {utterance.recording.id: row for utterance, row in written}
    ids = {split: [each.recording.id for each in splits[split]] for split in SPLITS}
    rows = {split: [row_of[id] for id in ids[split] if id in row_of] for split in SPLITS}
    sentence_of = {each.recording.id: each.sentence for each in utterances}
    return {split: [*with_texts(rows[split], sentence_of)] for split in SPLITS}


def with_texts(rows: list[dict[str, Any]], sentence_of: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield rows, those that repeat a sentence of the split with ``text_id``: its first row's id.

    That is the id of the text that the TTS reads (see ``texts_to_speak``).
    """
    id_of: dict[str, str] = {}
    for row in rows:
        first = id_of.setdefault(sentence_of[row["id"]], row["id"])
        yield row if first == row["id"] else {**row, "text_id": first}


def summary(
    counts: Counts, rows: dict[str, list], texts: dict[str, list], language: str
) -> dict[str, Any]:
    """Return the content of ``counts.json``."""
    return {
        "read": counts.read,
        "left_out": dict(sorted((k, n) for k, n in counts.left_out.items() if n)),
        "sampling_rates": {str(rate): n for rate, n in sorted(counts.sampling_rates.items())},
        "below_16_kHz": sum(n for r, n in counts.sampling_rates.items() if r < SAMPLING_RATE),
        "more_than_one_channel": counts.more_than_one_channel,
        "without_speaker": sum(
            row["speaker"] == UNKNOWN_SPEAKER for split in rows.values() for row in split
        ),
        "unreadable": counts.unreadable[:TOLD],
        "out_of_bounds": {reason: names[:TOLD] for reason, names in counts.out_of_bounds.items()},
        "mended": {
            flaw: {"recordings": len(names), "first": names[:TOLD]}
            for flaw, names in counts.mended.items()
        },
        "left_out_of_given_test": dict(sorted((+counts.left_out_of_given_test).items())),
        "split_texts": counts.split_texts,
        "splits": {
            name: {
                "utterances": len(split),
                "words": sum(words(row["text"], language) for row in split),
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
    parser.add_argument(
        "--domain", type=name_of("domain"), required=True, help="name of the domain"
    )
    parser.add_argument("--declaration", required=True, help="JSON of the domain (see above)")
    add_language(parser)
    parser.add_argument("--artifact", type=Path, help="folder of the corpus's fetched files")
    parser.add_argument("--seed", type=int, default=1, help="seed of the splits (default: 1)")
    parser.add_argument("--audio-dir", type=Path, help="folder for FLAC files, 16 kHz mono")
    parser.add_argument("--manifests-dir", type=Path, help="folder for the manifests")
    parser.add_argument("--texts-dir", type=Path, required=True, help="folder for the texts")
    parser.add_argument(
        "--jobs", type=int, default=2, help="threads reading and writing audio (default: 2)"
    )
    arguments = parser.parse_args(argv)
    domain = parse_declaration(arguments.declaration, arguments.language)
    counts = Counts()
    manifests: dict[str, list[dict]] = {}
    inputs = files_read(domain, arguments.artifact)
    written = files_written(arguments.manifests_dir, arguments.texts_dir)
    check_outputs(written, inputs)
    if arguments.artifact:
        folders = [arguments.audio_dir, arguments.manifests_dir, arguments.texts_dir]
        check_outputs({*folders}, [arguments.artifact / INDEX])
    if is_text_only(domain):
        texts = split_texts(domain, arguments.domain, arguments.artifact, arguments.seed, counts)
    elif arguments.audio_dir is None or arguments.manifests_dir is None:
        raise InputError("--audio-dir and --manifests-dir are needed: the domain has recordings")
    else:
        splits = split_recordings(
            domain, arguments.artifact, arguments.seed, arguments.jobs, counts
        )
        check_not_empty(arguments.domain, splits, counts)
        if arguments.artifact is None:
            recordings = audio_files(splits)
            check_outputs([*written, arguments.audio_dir], recordings)
            inputs += recordings
        manifests = write_recordings(
            splits, arguments.audio_dir, arguments.domain, domain, arguments.jobs, counts
        )
        texts = {
            name: texts_to_speak(manifests[name], arguments.domain, domain.language)
            for name in ("train", "dev")
        }
    needed = SPLITS if domain.selection else ("train",)  # published splits are never empty
    check_not_empty(arguments.domain, manifests or texts, counts, needed)
    check_not_empty(arguments.domain, texts, counts)

    outputs = []
    for folder, contents in ((arguments.manifests_dir, manifests), (arguments.texts_dir, texts)):
        for name, rows in contents.items():
            outputs.append(folder / f"{name}.jsonl")
            write_jsonl(outputs[-1], rows)
    told = summary(counts, manifests, texts, domain.language)
    outputs.append(arguments.texts_dir / "counts.json")
    with atomic_path(outputs[-1]) as temporary:
        temporary.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told, indent=1), file=sys.stderr)
    if +counts.left_out_of_given_test:
        print(shorter_test(arguments.domain, counts), file=sys.stderr)
    parameters = {"domain": arguments.domain, "seed": arguments.seed, "declaration": asdict(domain)}
    licences = {}
    if arguments.artifact is None:
        licences[arguments.domain] = licence(domain.licence, domain.forbids)
    modules = [path_of(reader_of(domain.corpus))] if domain.corpus else []
    write_record(
        __file__, outputs, inputs, parameters, modules=modules, licences=licences, counts=told
    )


def shorter_test(name: str, counts: Counts) -> str:
    """Return that the test set is not the whole one that was given, and why."""
    reasons = ", ".join(f"{n} {why}" for why, n in sorted((+counts.left_out_of_given_test).items()))
    return (
        f"warning: domain {name}: {counts.left_out_of_given_test.total()} of the given test set are"
        f" left out ({reasons}), so its WER is not that of the whole set; mend them, or widen the"
        " domain's bounds to keep them"
    )


def files_written(manifests: Path | None, texts: Path) -> list[Path]:
    """Return the manifests and texts that are written, audio aside."""
    folders = [folder for folder in (manifests, texts) if folder]
    return [folder / f"{split}.jsonl" for folder in folders for split in SPLITS] + [
        texts / "counts.json"
    ]


def files_read(domain: Domain, artifact: Path | None) -> list[Path]:
    """Return the files that the lineage names: manifests, or the index of a fetched artifact."""
    if domain.splits:
        return [Path(path) for path in domain.splits.values()]
    if named := [path for path in (domain.manifest, domain.texts, domain.test_texts) if path]:
        return list(map(Path, named))
    index = artifact / "files.json" if artifact else None
    return [index] if index and index.is_file() else []


def audio_files(splits: dict[str, list[Utterance]]) -> list[Path]:
    """Return the files that a user's own recordings are in."""
    loads = (each.recording.load for split in splits.values() for each in split)
    return sorted({load.path for load in loads if isinstance(load, AudioFile)})


def check_not_empty(
    name: str, splits: dict[str, list], counts: Counts, needed: Iterable[str] = ("train",)
) -> None:
    """Refuse a domain of which nothing is left in a split that is needed."""
    for split in needed:
        if not splits[split]:
            reasons = ", ".join(f"{n} {reason}" for reason, n in counts.left_out.items() if n)
            raise InputError(
                f"domain {name}: nothing is left for {split} of {counts.read}"
                f" (left out: {reasons or 'none'}); lower dev and test, or widen the bounds"
            )


if __name__ == "__main__":
    run(main)
