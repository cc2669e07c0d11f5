"""Measure the channel of recordings: band, noise, level and sampling rate, for like_source.

Written is a line (JSON) for each recording of a manifest that a person spoke, by its id:
  "noise"           of the quietest tenth of the frames (32 ms): levels (dB) of the mean power of a
                    bin (31.25 Hz) in bands, up to 111 Hz, then the third octaves of 125 to 8,000 Hz
  "speech"          the same of the frames in which someone speaks, without that noise
  "snr"             ratio of the two (dB)
  "level"           RMS while someone speaks, in dB of full scale
  "sampling_rate"   8000 (Hz) where nothing is above 4,500 Hz, else 16000
Reverberation is not measured.
"""

import argparse
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from statistics import median

from augmentations.channel import Channel, measure
from errors import InputError, run
from files.atomic import check_outputs
from files.audio import load_audio
from files.manifest import read_manifest, write_jsonl
from files.origin import is_real
from options import Parser
from records.writing import write_record


def measured(recording: dict) -> Channel:
    """Return the channel of a row of a manifest."""
    waveform = load_audio(recording["audio_filepath"])
    if not waveform.any():
        raise InputError(f"{recording['audio_filepath']}: digital silence; remove the recording")
    return measure(waveform)


def main(argv: list[str] | None = None) -> None:
    """Measure the channels of a manifest's recordings as the command line says."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--manifest", required=True, type=Path, help="real speech, JSON lines")
    add("--jobs", type=int, default=1, help="threads (default 1)")
    add("--output", required=True, type=Path, help="channels, JSON lines")
    options = parser.parse_args(argv)
    check_outputs([options.output], [options.manifest])
    if options.jobs < 1:
        raise InputError(f"--jobs {options.jobs}: at least 1")
    recordings = [row for row in read_manifest(options.manifest) if is_real(row)]
    if not recordings:
        raise InputError(f"{options.manifest}: has no recording of a person; give real speech")
    check_outputs([options.output], (row["audio_filepath"] for row in recordings))
    with ThreadPoolExecutor(options.jobs) as pool:
        channels = list(pool.map(measured, recordings))
    rows = zip(recordings, channels, strict=True)
    write_jsonl(options.output, ({"id": row["id"], **asdict(channel)} for row, channel in rows))
    rates = Counter(channel.sampling_rate for channel in channels)
    print(
        f"{len(channels)} recordings: {median(each.snr for each in channels):.1f} dB SNR and"
        f" {median(each.level for each in channels):.1f} dB of full scale (medians), sampled at "
        + ", ".join(f"{rate} Hz ({count})" for rate, count in sorted(rates.items())),
        file=sys.stderr,
    )
    write_record(
        __file__, [options.output], [options.manifest], {}, counts={"recordings": len(channels)}
    )


if __name__ == "__main__":
    run(main)
