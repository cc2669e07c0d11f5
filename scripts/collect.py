"""Collect recordings of a domain that nobody has transcribed: a manifest whose texts are empty.

They are a folder of audio files (with those below it), a table with a column of recordings or of
their paths, or JSON lines (``audio_filepath``; ``offset`` and ``duration`` of segments). Texts that
stand there, too, are not read. Of many, so many are drawn that they last an hour: the evidence of a
verdict. Of the others, a tenth (--part dev) and the rest (--part train) may be learnt from. A
declaration is JSON with "recordings" (their path) and maybe "min_duration", "max_duration"
(s), "max_silence", "max_clipping" (fractions), "skip_missing_audio", "licence" and "forbids", as
prepare.py takes them.
"""

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from domains.domain import Domain, parse_declaration
from domains.sound import clean, write_audio
from domains.untranscribed import DEV, FEWEST, PARTS, TRAIN, VERDICT, parts, read_untranscribed
from domains.usable import Counts, each_readable, keep_usable
from errors import InputError, run
from files.atomic import check_outputs
from files.audio_file import AudioFile
from files.json_file import parse_object
from files.manifest import write_jsonl
from inputs.folders import files_of
from names import name_of
from options import Parser
from records.record import licence
from records.writing import write_record
from settings.fields import WRITE
from texts.languages import add_language

NOT_LEARNT = "leave out arms that learn from them (target-pseudo)"
PURPOSES = {  # of a part: what its recordings are for, and how to do without
    VERDICT: ("", "remove untranscribed"),
    TRAIN: (" to learn from", NOT_LEARNT),
    DEV: (" to stop training by", NOT_LEARNT),
}


def declared(text: str, language: str) -> Domain:
    """Return a declaration as that of a domain with a manifest, spoken as slowly as may be."""
    given = parse_object(text, "--declaration", WRITE)
    as_domain = {"manifest": given.pop("recordings", None), "min_speaking_rate": 0}
    return parse_declaration(json.dumps(given | as_domain), language)


def main(argv: list[str] | None = None) -> None:
    """Collect the recordings that the command line names."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--domain", type=name_of("domain"), required=True, help="name of the domain")
    add("--declaration", required=True, help="JSON of the recordings (see above)")
    add_language(parser)
    add("--part", choices=PARTS, default=VERDICT, help=f"what they are for (default: {VERDICT})")
    add("--share", type=float, default=1, help="of their time, at most the verdict's (default: 1)")
    add("--seed", type=int, default=1, help="seed of the draw (default: 1)")
    add("--jobs", type=int, default=2, help="threads reading and writing audio (default: 2)")
    add("--audio-dir", type=Path, required=True, help="folder for FLAC files, 16 kHz mono")
    add("--output", type=Path, required=True, help="manifest to write")
    options = parser.parse_args(argv)
    if not 0 <= options.share <= 1:
        raise InputError(f"--share is {options.share:g}; give a fraction, 0 to 1")
    domain, counts = declared(options.declaration, options.language), Counts()
    path, written = Path(str(domain.manifest)), [options.output, options.audio_dir]
    check_outputs(written, files_of(path))
    recordings = read_untranscribed(path)
    drawn = parts(recordings, options.seed, options.share)[options.part]
    loads = [recording.load for recording, _ in drawn]
    audio = {load.path for load in loads if isinstance(load, AudioFile)}
    inputs = sorted({file for file in files_of(path) if file.is_file()} | audio)
    check_outputs(written, inputs)
    kept = keep_usable(drawn, domain, options.jobs, counts)
    fewest = 1 if options.part == DEV else FEWEST
    if len(kept) < fewest:
        reasons = ", ".join(f"{n} {reason}" for reason, n in counts.left_out.items()) or "none"
        of_part, remedy = PURPOSES[options.part]
        raise InputError(
            f"domain {options.domain}: untranscribed: {len(kept)} of {counts.read} recordings"
            f"{of_part} can be used (left out: {reasons}), and fewer than {fewest} say little; give"
            f" more, or cut long ones into several files, or {remedy}"
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
        {key: getattr(options, key) for key in ("domain", "seed", "part", "share")}
        | {"declaration": asdict(domain)},
        licences={options.domain: licence(domain.licence, domain.forbids)},
        counts=content,
    )


if __name__ == "__main__":
    run(main)
