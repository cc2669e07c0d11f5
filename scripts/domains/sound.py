"""The sound of a domain's recordings as models get it: written, and perhaps through a bad line."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from augmentations.bad_line import TALKERS, bad_line, draw_line
from domains.domain import Domain
from domains.usable import Utterance, waveform_of
from errors import InputError
from files.audio import resample, save_audio
from files.checksum import sha256


def write_audio(
    utterance: Utterance, folder: Path, domain: str, sound: Callable[[Utterance], np.ndarray]
) -> dict[str, Any]:
    """Write the ``sound`` of an utterance as 16 kHz mono FLAC; return its row of the manifest."""
    recording = utterance.recording
    path = folder / f"{recording.id}.flac"
    duration = save_audio(path, sound(utterance))
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


def clean(utterance: Utterance) -> np.ndarray:
    """Return a recording as it is: float32 [n_samples] at 16 kHz."""
    return resample(*waveform_of(utterance))


def through_line(
    utterance: Utterance, split_of: Mapping[str, list[Utterance]], seed: int
) -> np.ndarray:
    """Return a recording at the other end of a bad line, behind it others of its split.

    So no test recording is heard in training, and a larger training set changes no test set.
    """
    recordings = split_of[utterance.recording.id]
    line = draw_line(utterance.recording.id, len(recordings), seed)
    drawn = [recordings[position] for position in line.talkers]
    talkers = [clean(each) for each in drawn if each is not utterance][:TALKERS]
    return bad_line(clean(utterance), talkers, line.snr, line.seed)


def sound_of(
    domain: Domain, splits: dict[str, list[Utterance]], seed: int
) -> Callable[[Utterance], np.ndarray]:
    """Return what gives the sound of a domain's utterances, as the models get it."""
    if not domain.line:
        return clean
    for name, recordings in splits.items():
        if 0 < len(recordings) <= TALKERS:
            raise InputError(
                f"domain: line: {domain.line} needs {TALKERS + 1} recordings in a split, but {name}"
                f" has {len(recordings)}; raise {name}, or remove line"
            )
    import torch

    torch.set_num_threads(1)  # --jobs share the cores, and no sum depends on how many there are
    split_of = {each.recording.id: split for split in splits.values() for each in split}
    return partial(through_line, split_of=split_of, seed=seed)
