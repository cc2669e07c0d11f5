"""Log-mel features from audio files: ours, and WhisperFeatureExtractor one by one.

Both sides read with the same function. The work is the real recordings of Drascula's test sets as
FLAC (16 kHz), and the same written as WAV and as MP3.
"""

import tempfile
from pathlib import Path

import numpy as np
import soundfile
import torch
from measure import Comparison, Report, arguments, in_turn, of_experiment
from transformers import WhisperFeatureExtractor

from files.audio import SAMPLING_RATE, load_audio
from files.manifest import read_manifest
from recognisers.log_mel import log_mel

WINDOW = 30.0  # s


def write_as(kind: str, paths: list[str], folder: Path) -> list[str]:
    """Return the paths of the same recordings in another format."""
    written = []
    for number, path in enumerate(paths):
        written.append(str(folder / f"{number}.{kind}"))
        soundfile.write(written[-1], load_audio(path), SAMPLING_RATE)
    return written


def main() -> None:
    options = arguments("features", __doc__).parse_args()
    torch.set_num_threads(1)
    report = Report("features")
    folder = of_experiment("models/whisper-tiny.en/pretrained/seed0")
    extractor = WhisperFeatureExtractor.from_pretrained(folder)
    filters = torch.from_numpy(extractor.mel_filters.T).float()
    samples = round(WINDOW * SAMPLING_RATE)
    rows = [
        row
        for domain in ("telephone", "drascula")
        for row in read_manifest(of_experiment(f"manifests/{domain}/real/test.jsonl"))
    ]
    paths = [row["audio_filepath"] for row in rows][: 40 if options.quick else None]

    def theirs(waveform: np.ndarray) -> torch.Tensor:
        return extractor(waveform, sampling_rate=SAMPLING_RATE, return_tensors="pt").input_features[
            0
        ]

    def ours(waveform: np.ndarray) -> torch.Tensor:
        return log_mel(waveform, filters, samples)

    with tempfile.TemporaryDirectory() as name:
        formats = {"flac": paths}
        formats |= {kind: write_as(kind, paths, Path(name)) for kind in ("wav", "mp3")}
        for kind, files in formats.items():
            runs = in_turn(
                {
                    "ours": lambda files=files: [ours(load_audio(path)) for path in files],
                    "theirs": lambda files=files: [theirs(load_audio(path)) for path in files],
                    "reading": lambda files=files: [load_audio(path) for path in files],
                },
                options.repeats,
            )
            seconds, reading = runs["ours"].median, runs["reading"].median
            report.add(
                Comparison(
                    f"features from {kind}, reading included",
                    seconds,
                    "WhisperFeatureExtractor, one by one",
                    runs["theirs"].median,
                    len(files),
                    "utterances",
                    bar=3,
                    limit="reading alone",
                    limit_seconds=reading,
                    runs=runs,
                )
            )
            report.profile[kind] = {"reading": reading, "log-mel": seconds - reading}
            pairs = zip(runs["ours"].result, runs["theirs"].result, strict=True)
            gap = max(float((mine - other).abs().max()) for mine, other in pairs)
            report.note(f"largest difference of a value, {kind}", gap)
    report.write(options)


if __name__ == "__main__":
    main()
