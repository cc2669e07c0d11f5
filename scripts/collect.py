"""Collect recordings of a domain that nobody has transcribed: a manifest whose texts are empty.

They are a folder of audio files (with those below it), a table with a column of recordings or of
their paths, or JSON lines (``audio_filepath``; ``offset`` and ``duration`` of segments). Texts that
stand there, too, are not read. Of many, so many are drawn that they last an hour. A declaration is
JSON with "recordings" (their path) and maybe "min_duration" (s), "max_silence", "max_clipping"
(fractions), "skip_missing_audio", "licence" and "forbids", as prepare.py takes them.
"""

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from domains.domain import Domain, parse_declaration
from domains.sound import clean, write_audio
from domains.untranscribed import FEWEST, draw, read_untranscribed
from domains.usable import Counts, each_readable, keep_usable
from errors import InputError, run
from files.atomic import check_outputs
from files.audio_file import AudioFile
from files.json_file import parse_object
from files.manifest import write_jsonl
from inputs.folders import files_of
from names import name_of
from records.record import licence
from records.writing import write_record
from settings.fields import WRITE
from texts.languages import add_language


def declared(text: str, language: str) -> Domain:
    """Return a declaration as that of a domain with a manifest, spoken as slowly as may be."""
    given = parse_object(text, "--declaration", WRITE)
    as_domain = {"manifest": given.pop("recordings", None), "min_speaking_rate": 0}
    return parse_declaration(json.dumps(given | as_domain), language)


def main(argv: list[str] | None = None) -> None:
    """Collect the recordings that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--domain", type=name_of("domain"), required=True, help="name of the domain")
    add("--declaration", required=True, help="JSON of the recordings (see above)")
    add_language(parser)
    add("--seed", type=int, default=1, help="seed of the draw (default: 1)")
    add("--jobs", type=int, default=2, help="threads reading and writing audio (default: 2)")
    add("--audio-dir", type=Path, required=True, help="folder for FLAC files, 16 kHz mono")
    add("--output", type=Path, required=True, help="manifest to write")
    options = parser.parse_args(argv)
    domain, counts = declared(options.declaration, options.language), Counts()
    path, written = Path(str(domain.manifest)), [options.output, options.audio_dir]
    check_outputs(written, files_of(path))
    recordings = read_untranscribed(path)
    drawn = draw(recordings, options.seed)
    loads = [recording.load for recording, _ in drawn]
    audio = {load.path for load in loads if isinstance(load, AudioFile)}
    inputs = sorted({file for file in files_of(path) if file.is_file()} | audio)
    check_outputs(written, inputs)
    kept = keep_usable(drawn, domain, options.jobs, counts)
    if len(kept) < FEWEST:
        reasons = ", ".join(f"{n} {reason}" for reason, n in counts.left_out.items()) or "none"
        raise InputError(
            f"domain {options.domain}: untranscribed: {len(kept)} of {counts.read} recordings can"
            f" be used (left out: {reasons}), and fewer than {FEWEST} say little; give more, or cut"
            " long ones into several files, or remove untranscribed"
        )
    write = partial(write_audio, folder=options.audio_dir, domain=options.domain, sound=clean)
    written = each_readable(write, kept, domain, options.jobs, counts)
    rows = [row | {"text": ""} for _, row in written]
    write_jsonl(options.output, rows)
    content = {
        "recordings": len(recordings),
        "drawn": len(drawn),
        "left_out": dict(sorted(counts.left_out.items())),
        "utterances": len(rows),
        "minutes": round(sum(row["duration"] for row in rows) / 60, 2),
    }
    print(json.dumps(content, indent=1), file=sys.stderr)
    write_record(
        __file__,
        [options.output],
        inputs,
        {"domain": options.domain, "seed": options.seed, "declaration": asdict(domain)},
        licences={options.domain: licence(domain.licence, domain.forbids)},
        counts=content,
    )


if __name__ == "__main__":
    run(main)
