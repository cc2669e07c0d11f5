"""Which recordings of a domain can be used: with words, readable, and within its bounds."""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from corpora.recording import Recording
from domain import Domain
from errors import InputError
from normalise import WITHOUT_SPACES, normalise
from own_data import AudioFile, UnreadableAudio

TOLD = 3  # unreadable recordings that are named


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
    unreadable: list[str] = field(default_factory=list)
    sampling_rates: Counter = field(default_factory=Counter)
    more_than_one_channel: int = 0


def words(text: str, language: str) -> int:
    """Return the number of words that have a letter or digit.

    Where no spaces part words, each character is one.
    """
    if language in WITHOUT_SPACES:
        return len(normalise(text, language).split())
    return sum(any(map(str.isalnum, word)) for word in text.split())


def keep_usable(
    recordings: Iterable[tuple[Recording, str]], domain: Domain, jobs: int, counts: Counts
) -> list[Utterance]:
    """Return the utterances within the domain's bounds; count the others by reason."""
    with_words = []
    for recording, place in recordings:
        counts.read += 1
        sentence = normalise(recording.text, domain.language)
        if not sentence:
            counts.left_out["no word in the text"] += 1
        elif words(recording.text, domain.language) < domain.min_words:
            counts.left_out[f"fewer than {domain.min_words} words"] += 1
        else:
            with_words.append(Utterance(recording, place, sentence))
    kept = []
    for utterance, measures in each_readable(measure, with_words, domain, jobs, counts):
        duration, rate, channels = measures
        if duration < domain.min_duration:
            counts.left_out[f"shorter than {domain.min_duration:g} s"] += 1
        elif duration > domain.max_duration:
            counts.left_out[f"longer than {domain.max_duration:g} s"] += 1
        else:
            counts.sampling_rates[rate] += 1
            counts.more_than_one_channel += channels > 1
            kept.append(utterance)
    return kept


def each_readable(
    work: Callable[[Utterance], Any],
    utterances: list[Utterance],
    domain: Domain,
    jobs: int,
    counts: Counts,
) -> list[tuple[Utterance, Any]]:
    """Return each utterance with what ``work`` makes of it, done in ``jobs`` threads.

    Those whose audio is missing or broken are refused all together, or left out and counted.
    """

    def attempt(utterance: Utterance) -> Any:
        try:
            return work(utterance)
        except UnreadableAudio as error:
            return error

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        results = list(zip(utterances, pool.map(attempt, utterances), strict=True))
    failures = [result for _, result in results if isinstance(result, UnreadableAudio)]
    if failures and not domain.skip_missing_audio:
        raise InputError(
            f"the audio of {len(failures)} of {len(results)} recordings is missing or broken:"
            f" {'; '.join(map(str, failures[:TOLD]))}; get it (paths are absolute or relative to"
            " the folder the workflow runs in), or set skip_missing_audio: true in the domain to"
            " leave such recordings out"
        )
    counts.left_out.update(failure.reason for failure in failures)
    counts.unreadable += map(str, failures)
    return [each for each in results if not isinstance(each[1], UnreadableAudio)]


def measure(utterance: Utterance) -> tuple[float, int, int]:
    """Return duration (s), sampling rate (Hz) and channels."""
    recording = utterance.recording
    if isinstance(recording.load, AudioFile):
        return recording.load.measure()
    waveform, rate = recording.load()
    if not np.isfinite(waveform).all():
        raise InputError(
            f"{utterance.place}: has samples that are not finite; remove it from the corpus"
        )
    return len(waveform) / rate, rate, 1
