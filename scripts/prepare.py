"""Prepare one domain: manifests of its real speech, checked and split, and texts for the TTS.

A domain is declared by one of
  "corpus": a reader of scripts/corpora, over the folder of --artifact; splits are drawn, or, of
      WUW-Corpus-II, by caller, the same in all domains
  "corpus": "slurp", with "scenario": one of SLURP's; splits are its own (see below)
  "manifest": a JSON-lines file (NeMo's keys: audio_filepath, text; optional id, speaker, offset
      and duration in s), Lhotse's cuts, a table (CSV, TSV, Excel, Parquet) with columns of paths
      (or recordings) and texts, a Kaldi folder, or one of Hugging Face's datasets; splits are drawn
  "splits": {"train": ..., "test": ..., "dev": ...}, such manifests; dev may be left to be drawn
  "texts": a file with one text a line, or with id, tab and text, a table or JSON lines with a
      column of texts, or Markdown, HTML or subtitles (SRT, VTT), of which the sentences are taken;
      no recordings; "test_texts" may be another, to test on its synthetic speech, or
      "test_manifest" recordings to test on (as "manifest"), whose sentences are left out of texts
and may have "column" and "audio_column" (of a table, those of the texts and of the recordings, if
their names do not say it), "artifact" (manifest, splits and texts are then paths in the folder of
--artifact), "topics" or "without_topics" (lists of those that are taken or left, of a corpus whose
recordings have topics), "line" ("bad": all recordings go through a simulated bad telephone line,
behind each four others of its split), "train", "dev" and "test" (what to draw: train and test count
utterances, dev counts sentences, one utterance of each; train 0: all that remain), "min_words",
"min_duration" and "max_duration" (s; texts that would take longer to say are split at ends of
sentences, or left out), "max_test_duration" (s, of test recordings: a transcription cuts what is
longer than its window; "max_duration" where that is given alone, else 3600), "max_silence" and
"max_clipping" (fractions), "min_speaking_rate" and "max_speaking_rate" (characters/s),
"speaker_disjoint", "skip_missing_audio" (leave out and count recordings that are missing or
broken), and, for given splits, "drop_repeated_sentences": leave out of train what is in dev or
test, out of dev what is in test.

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
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from corpora import CORPORA, slurp
from domains.account import check_not_empty, shorter_test, summary
from domains.domain import Domain, folder_of, is_text_only, parse_declaration
from domains.own_data import check_ids, own_files, packages_of, read_recordings
from domains.published import read_corpus, reader_of
from domains.sound import sound_of, write_audio
from domains.speakable import split_texts, texts_to_speak
from domains.splits import SPLITS
from domains.splitting import limit_given, split_by_speaker, split_drawn, split_given, usable_splits
from domains.usable import Counts, Utterance, each_readable, keep_usable
from errors import InputError, run
from files.atomic import atomic_path, check_outputs
from files.audio_file import AudioFile
from files.manifest import write_jsonl
from names import name_of
from options import Parser
from records.record import INDEX, licence
from records.writing import write_record
from texts.languages import add_language


def split_recordings(
    domain: Domain, artifact: Path | None, seed: int, jobs: int, counts: Counts
) -> dict[str, list[Utterance]]:
    """Return the utterances of each split of a domain with recordings."""
    if domain.splits:
        given = {n: read_recordings(path, domain, artifact) for n, path in domain.splits.items()}
        return split_given(usable_splits(given, domain, jobs, counts), domain, seed, counts)
    if domain.selection:
        published = slurp.read(folder_of(artifact), domain.selection, counts.left_out)
        counts.read = sum(counts.left_out.values())  # so far; the usable ones are counted next
        return limit_given(usable_splits(published, domain, jobs, counts), domain, seed, counts)
    if domain.manifest:
        recordings = read_recordings(domain.manifest, domain, artifact)
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
    write: Callable[[Utterance], dict[str, Any]],
    domain: Domain,
    jobs: int,
    counts: Counts,
) -> dict[str, list[dict[str, Any]]]:
    """Write the audio of all splits, each by ``write``; return their manifests."""
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


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's values."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--domain", type=name_of("domain"), required=True, help="name of the domain")
    add("--declaration", required=True, help="JSON of the domain (see above)")
    add_language(parser)
    add("--artifact", type=Path, help="folder of the corpus's fetched files")
    add("--seed", type=int, default=1, help="seed of splits and lines (default: 1)")
    add("--audio-dir", type=Path, help="folder for FLAC files, 16 kHz mono")
    add("--manifests-dir", type=Path, help="folder for the manifests")
    add("--texts-dir", type=Path, required=True, help="folder for the texts")
    add("--jobs", type=int, default=2, help="threads reading and writing audio (default: 2)")
    return parser.parse_args(argv)


def test_recordings(
    domain: Domain, artifact: Path | None, jobs: int, counts: Counts
) -> dict[str, list[Utterance]]:
    """Return the splits of a domain of texts: test recordings, if any, and none to learn from."""
    if domain.test_manifest is None:
        return {}
    given = {"test": read_recordings(domain.test_manifest, domain, artifact)}
    nothing: dict[str, list[Utterance]] = {"train": [], "dev": []}
    return nothing | usable_splits(given, domain, jobs, counts)


def check_folders(options: argparse.Namespace) -> None:
    """Raise ``InputError`` if nobody says where recordings are to be written."""
    if options.audio_dir is None or options.manifests_dir is None:
        raise InputError("--audio-dir and --manifests-dir are needed: the domain has recordings")


def write_splits(
    options: argparse.Namespace,
    domain: Domain,
    splits: dict[str, list[Utterance]],
    counts: Counts,
) -> tuple[dict[str, list[dict]], list[Path]]:
    """Write the audio of a domain's recordings; return its manifests, and its own audio files.

    A corpus's audio files are named by its artifact's index, and not here.
    """
    recordings = audio_files(splits) if options.artifact is None else []
    written = files_written(options.manifests_dir, options.texts_dir)
    check_outputs([*written, options.audio_dir], recordings)
    write = partial(
        write_audio,
        folder=options.audio_dir,
        domain=options.domain,
        sound=sound_of(domain, splits, options.seed),
    )
    return write_recordings(splits, write, domain, options.jobs, counts), recordings


def main(argv: list[str] | None = None) -> None:
    """Prepare a domain as the command line says."""
    options = parse_arguments(argv)
    domain = parse_declaration(options.declaration, options.language)
    counts = Counts()
    inputs = files_read(domain, options.artifact)
    check_outputs(files_written(options.manifests_dir, options.texts_dir), inputs)
    if options.artifact:
        folders = [options.audio_dir, options.manifests_dir, options.texts_dir]
        check_outputs({*folders}, [options.artifact / INDEX])
    manifests: dict[str, list[dict]] = {}
    recordings: list[Path] = []
    if domain.test_manifest or not is_text_only(domain):
        check_folders(options)
    if is_text_only(domain):
        splits = test_recordings(domain, options.artifact, options.jobs, counts)
        tested = {each.sentence for each in splits.get("test", [])}
        texts = split_texts(domain, options.domain, options.artifact, options.seed, counts, tested)
        needed = SPLITS if domain.selection else ("train",)  # published splits are never empty
        check_not_empty(options.domain, texts, counts, needed)
        if splits:
            check_not_empty(options.domain, splits, counts, ("test",))
            written, recordings = write_splits(options, domain, splits, counts)
            manifests = {"test": written["test"]}
    else:
        splits = split_recordings(domain, options.artifact, options.seed, options.jobs, counts)
        check_not_empty(options.domain, splits, counts)
        manifests, recordings = write_splits(options, domain, splits, counts)
        needed = SPLITS if domain.selection else ("train",)
        check_not_empty(options.domain, manifests, counts, needed)
        texts = {
            name: texts_to_speak(manifests[name], options.domain, domain.language)
            for name in ("train", "dev")
        }
    inputs += recordings
    check_not_empty(options.domain, texts, counts)
    outputs = []
    for folder, contents in ((options.manifests_dir, manifests), (options.texts_dir, texts)):
        for name, rows in contents.items():
            outputs.append(folder / f"{name}.jsonl")
            write_jsonl(outputs[-1], rows)
    content = summary(counts, manifests, texts, domain.language)
    outputs.append(options.texts_dir / "counts.json")
    with atomic_path(outputs[-1]) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
    print(json.dumps(content, indent=1), file=sys.stderr)
    if +counts.left_out_of_given_test:
        print(shorter_test(options.domain, counts), file=sys.stderr)
    parameters = {"domain": options.domain, "seed": options.seed, "declaration": asdict(domain)}
    own = {options.domain: licence(domain.licence, domain.forbids)}
    modules = [path_of(reader_of(domain.corpus))] if domain.corpus else []
    write_record(
        *(__file__, outputs, inputs, parameters),
        modules=modules,
        packages=packages_of(domain),
        licences={} if options.artifact else own,
        counts=content,
    )


def files_written(manifests: Path | None, texts: Path) -> list[Path]:
    """Return the manifests and texts that are written, audio aside."""
    folders = [folder for folder in (manifests, texts) if folder]
    return [folder / f"{split}.jsonl" for folder in folders for split in SPLITS] + [
        texts / "counts.json"
    ]


def files_read(domain: Domain, artifact: Path | None) -> list[Path]:
    """Return the files that the lineage names: the user's own, or a fetched artifact's index."""
    if artifact:
        index = artifact / INDEX
        return [index] if index.is_file() else []
    return own_files(domain)


def audio_files(splits: dict[str, list[Utterance]]) -> list[Path]:
    """Return the files that a user's own recordings are in."""
    loads = (each.recording.load for split in splits.values() for each in split)
    return sorted({load.path for load in loads if isinstance(load, AudioFile)})


if __name__ == "__main__":
    run(main)
